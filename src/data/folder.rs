//! Folders of pictures: one subfolder per class, or `train/`, `val/` and `test/` with one subfolder per class each.

use std::path::Path;

use rayon::prelude::*;

use super::layout::Layout;
use super::picture_file::{PictureReader, is_picture};
use super::walk::Walk;
use super::{DataError, Picture, Pictures, Samples, Split, Transform};

/// What to do with a file that does not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPicture {
    /// Stop with an error naming it.
    Refuse,
    /// Leave it out and name it in [`Pictures::skipped`].
    Skip,
}

/// Reads a folder of pictures, classes and files in name order. `split` is used only where the folder does not mark
/// held-out pictures. Parts may be called `train/` and `val/`, `valid/`, `validation/` or `test/`, in any case; with
/// `train/` and `test/` alone, the latter is held out.
///
/// # Errors
/// No classes, a class without pictures, a picture that does not decode (unless `bad` skips it).
pub fn read_folder(folder: &Path, split: Split, bad: BadPicture) -> Result<Pictures, DataError> {
    read(folder, split, bad, None)
}

/// The same with each picture scaled down to what `transform` needs of it as it is read, so that no more is in memory.
///
/// # Errors
/// As [`read_folder`].
pub fn read_folder_for(
    transform: &Transform,
    folder: &Path,
    split: Split,
    bad: BadPicture,
) -> Result<Pictures, DataError> {
    read(folder, split, bad, Some(transform))
}

fn read(folder: &Path, split: Split, bad: BadPicture, transform: Option<&Transform>) -> Result<Pictures, DataError> {
    let Layout { classes, files, is_split, notices } = Layout::of(folder)?;
    let source = folder.display().to_string();
    let samples = Samples { source, ids: vec![], labels: vec![], classes, parts: vec![], groups: vec![] };
    let mut read = Pictures { pictures: Vec::new(), samples, skipped: Vec::new(), notices };
    let reader = PictureReader::scaling(transform);
    let decoded: Vec<_> = files.par_iter().map(|(path, ..)| reader.read(path)).collect();
    for ((path, label, part), picture) in files.into_iter().zip(decoded) {
        match picture {
            Ok(picture) => {
                read.pictures.push(picture);
                read.samples.ids.push(path.strip_prefix(folder).unwrap_or(&path).display().to_string());
                read.samples.labels.push(label);
                read.samples.parts.push(part);
            }
            Err(error @ DataError::BadImage { .. }) if bad == BadPicture::Skip => read.skipped.push(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    if !is_split {
        split.apply(&mut read.samples)?;
    }
    read.samples = read.samples.checked()?;
    Ok(read)
}

/// Pictures without labels, each as the caller keeps it.
#[derive(Clone, Debug)]
pub struct LoosePictures<T> {
    /// Path of each inside the folder, with `/` between folders on every system.
    pub ids: Vec<String>,
    /// The pictures, in the order of their ids.
    pub pictures: Vec<T>,
    /// Those that were left out, and why.
    pub skipped: Vec<String>,
}

/// Reads one picture, or every picture of a folder and of the folders in it, whatever they are called. A single picture has
/// its path as id. Of each, what `keep` makes of it is kept, so that not all are in memory at their full size.
///
/// # Errors
/// If the folder cannot be read, or a picture does not decode (unless `bad` skips it).
pub fn read_pictures<T: Send>(
    folder: &Path,
    bad: BadPicture,
    keep: impl Fn(Picture) -> T + Sync,
) -> Result<LoosePictures<T>, DataError> {
    let is_folder = folder.is_dir();
    let walk = if is_folder { Walk::below(folder, true)? } else { Walk::default() };
    let (found, others): (Vec<_>, Vec<_>) = walk.files.into_iter().partition(|path| is_picture(path));
    let id = |path: &Path| -> String {
        let within = path.strip_prefix(folder).unwrap_or(path);
        let parts: Vec<_> = within.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        parts.join("/")
    };
    let mut files: Vec<(String, _)> = found.into_iter().map(|path| (id(&path), path)).collect();
    if !is_folder {
        files.push((folder.display().to_string(), folder.to_path_buf()));
    }
    files.sort();
    let mut skipped = walk.notices;
    if let Some(first) = others.first() {
        let rest = if others.len() > 1 { format!(" and {} more", others.len() - 1) } else { String::new() };
        skipped.push(format!("{}{rest}: not read, by the ending no picture of a known format", id(first)));
    }
    let mut read = LoosePictures { ids: Vec::new(), pictures: Vec::new(), skipped };
    let reader = PictureReader::default();
    let decoded: Vec<_> = files.par_iter().map(|(_, path)| reader.read(path).map(&keep)).collect();
    for ((id, _), picture) in files.into_iter().zip(decoded) {
        match picture {
            Ok(picture) => {
                read.ids.push(id);
                read.pictures.push(picture);
            }
            Err(error @ DataError::BadImage { .. }) if bad == BadPicture::Skip => read.skipped.push(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}
