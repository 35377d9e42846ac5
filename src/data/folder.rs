//! Folders of pictures: one subfolder per class, or `train/` and `val/` with one subfolder per class each.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{DataError, Part, Picture, Pictures, Samples, Split};

/// Endings of the files that are read; others are passed over.
const ENDINGS: [&str; 3] = ["png", "jpg", "jpeg"];

/// What to do with a file that does not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadPicture {
    /// Stop with an error naming it.
    Refuse,
    /// Leave it out and name it in [`Pictures::skipped`].
    Skip,
}

/// Reads a folder of pictures, classes and files in name order. `split` is used only where there are no `train/` and
/// `val/`.
///
/// # Errors
/// No classes, a class without pictures, a picture that does not decode (unless `bad` skips it).
pub fn read_folder(folder: &Path, split: Split, bad: BadPicture) -> Result<Pictures, DataError> {
    let [train, validation] = ["train", "val"].map(|part| folder.join(part));
    let given = train.is_dir() && validation.is_dir();
    let roots = if given {
        vec![(Part::Train, train), (Part::Validation, validation)]
    } else {
        vec![(Part::Train, folder.into())]
    };

    let mut classes = BTreeSet::new();
    for (_, root) in &roots {
        classes.extend(entries(root)?.into_iter().filter(|path| path.is_dir()).map(|path| name(&path)));
    }
    if classes.len() < 2 {
        let reason =
            format!("found {} class folders; expected one folder of pictures per class, at least 2", classes.len());
        return Err(DataError::malformed(folder.display(), reason));
    }

    let classes = Vec::from_iter(classes);
    let mut files = Vec::new();
    for (part, root) in &roots {
        for (label, class) in classes.iter().enumerate() {
            let inside = root.join(class);
            // A class that one of the two parts lacks is reported with the other empty classes, below.
            let found = if inside.is_dir() { entries(&inside)? } else { Vec::new() };
            files.extend(found.into_iter().filter(|path| is_picture(path)).map(|path| (path, label, *part)));
        }
    }

    let mut read = Pictures {
        pictures: Vec::new(),
        samples: Samples {
            source: folder.display().to_string(),
            ids: vec![],
            labels: vec![],
            classes,
            parts: vec![],
            groups: vec![],
        },
        skipped: Vec::new(),
    };
    let decoded: Vec<_> = files.par_iter().map(|(path, ..)| decode(path)).collect();
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
    if !given {
        split.apply(&mut read.samples)?;
    }
    read.samples = read.samples.checked()?;
    Ok(read)
}

/// Pictures without labels.
#[derive(Clone, Debug, Default)]
pub struct LoosePictures {
    /// Path of each inside the folder, with `/` between folders on every system.
    pub ids: Vec<String>,
    /// The pictures, in the order of their ids.
    pub pictures: Vec<Picture>,
    /// Those that were left out, and why.
    pub skipped: Vec<String>,
}

/// Reads one picture, or every PNG and JPEG of a folder and of the folders in it, whatever they are called. A single
/// picture has its path as id.
///
/// # Errors
/// If the folder cannot be read, or a picture does not decode (unless `bad` skips it).
pub fn read_pictures(folder: &Path, bad: BadPicture) -> Result<LoosePictures, DataError> {
    let (mut open, mut files) = (vec![folder.to_path_buf()], Vec::new());
    if folder.is_file() {
        open.clear();
        files.push((folder.display().to_string(), folder.to_path_buf()));
    }
    while let Some(inside) = open.pop() {
        for path in entries(&inside)? {
            if path.is_dir() {
                open.push(path);
            } else if is_picture(&path) {
                let within = path.strip_prefix(folder).unwrap_or(&path);
                let parts: Vec<_> = within.components().map(|part| part.as_os_str().to_string_lossy()).collect();
                files.push((parts.join("/"), path));
            }
        }
    }
    files.sort();
    let mut read = LoosePictures::default();
    let decoded: Vec<_> = files.par_iter().map(|(_, path)| decode(path)).collect();
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

/// What is left of a picture after it was saved as a JPEG of this quality, 1 to 100, and read again.
///
/// # Errors
/// If it has no pixels or more than a JPEG can hold.
pub fn resaved(picture: &Picture, quality: u8) -> Result<Picture, DataError> {
    let mut bytes = Vec::new();
    let size = u32::try_from(picture.width).ok().zip(u32::try_from(picture.height).ok());
    let (width, height) = size.unwrap_or_default();
    let path = Path::new("a picture saved again as JPEG");
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode(&picture.rgb, width, height, image::ExtendedColorType::Rgb8)
        .map_err(|e| DataError::BadImage { path: path.into(), reason: e.to_string() })?;
    decode_bytes(&bytes, path)
}

/// Reads one PNG or JPEG. Grey becomes three equal channels, transparency is dropped.
pub fn decode(path: &Path) -> Result<Picture, DataError> {
    decode_bytes(&fs::read(path).map_err(DataError::io(path))?, path)
}

/// The same of a file's content; `path` is for the message.
pub(super) fn decode_bytes(bytes: &[u8], path: &Path) -> Result<Picture, DataError> {
    let rgb = image::load_from_memory(bytes)
        .map_err(|e| DataError::BadImage { path: path.into(), reason: e.to_string() })?
        .into_rgb8();
    Ok(Picture { width: rgb.width() as usize, height: rgb.height() as usize, rgb: rgb.into_raw() })
}

/// What a folder holds, in name order, without hidden entries.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut paths = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>())
        .map_err(DataError::io(folder))?;
    paths.retain(|path| !name(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ENDINGS.iter().any(|e| ending.eq_ignore_ascii_case(e)))
}
