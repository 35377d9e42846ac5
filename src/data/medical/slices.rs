//! Pictures, DICOM series and NIfTI volumes of a folder, slice by slice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ndarray::Array2;
use rayon::prelude::*;

use super::{DicomFile, NiftiVolume, Window};
use crate::data::picture_file::{PictureReader, is_picture};
use crate::data::walk::Walk;
use crate::data::{BadPicture, DataError, Picture};

/// Values of a series that its grey levels are chosen by, at most; of more, every n-th.
const MOST_VALUES: usize = 4_000_000;

/// Slices without labels, each as the caller keeps it.
#[derive(Clone, Debug)]
pub struct Slices<T> {
    /// Path of the file of each inside the folder, with `/` between folders on every system, and `#` with the number from 0 of
    /// the frame or slice where a file has several.
    pub ids: Vec<String>,
    /// The slices.
    pub pictures: Vec<T>,
    /// The patient that the file of each names (DICOM alone does).
    pub patients: Vec<Option<String>>,
    /// Files that were left out, and why.
    pub skipped: Vec<String>,
    /// What is unclear about what was read.
    pub notices: Vec<String>,
}

/// A slice, before its file is forgotten; one without a picture has one value everywhere.
struct Slice<T> {
    id: String,
    patient: Option<String>,
    picture: Option<T>,
}

/// The place of a file of DICOM in its series.
struct Part {
    id: String,
    path: PathBuf,
    series: String,
    order: (f64, f64),
    has_windows: bool,
}

/// Reads one file, or every picture, DICOM file and NIfTI volume of a folder and of the folders in it. Pictures and volumes
/// are in the order of their names. Files of one DICOM series that are in one folder follow each other by their place along
/// the normal of the slices, else by their number; so do frames inside a file as they are stored. What `keep` makes of each
/// slice is kept, so that not all are in memory at their full size.
///
/// Grey levels are those of the window in the file. Where it has none, they go from the first to the 99th percentile of the
/// values of the series or volume. Slices with one value everywhere are left out.
///
/// # Errors
/// If the folder cannot be read, or a file does not decode (unless `bad` skips it).
pub fn read_slices<T: Send>(
    folder: &Path,
    bad: BadPicture,
    keep: impl Fn(Picture) -> T + Sync,
) -> Result<Slices<T>, DataError> {
    let is_folder = folder.is_dir();
    let walk =
        if is_folder { Walk::below(folder, true)? } else { Walk { files: vec![folder.into()], ..Walk::default() } };
    let id = |path: &Path| -> String {
        let within = if is_folder { path.strip_prefix(folder).unwrap_or(path) } else { path };
        let parts: Vec<_> = within.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        if is_folder { parts.join("/") } else { path.display().to_string() }
    };
    let mut found = Slices {
        ids: Vec::new(),
        pictures: Vec::new(),
        patients: Vec::new(),
        skipped: walk.notices,
        notices: Vec::new(),
    };
    let (scans, others): (Vec<_>, Vec<_>) = walk
        .files
        .into_iter()
        .partition(|path| !is_picture(path) && !NiftiVolume::is_one(path) && DicomFile::is_one(path));
    let is_read = |path: &PathBuf| !is_folder || is_picture(path) || NiftiVolume::is_one(path);
    let (files, others): (Vec<_>, Vec<_>) = others.into_iter().partition(is_read);
    if let Some(first) = others.first() {
        let rest = if others.len() > 1 { format!(" and {} more", others.len() - 1) } else { String::new() };
        let what = "not read, by the ending no picture of a known format, and no DICOM file";
        found.skipped.push(format!("{}{rest}: {what}", id(first)));
    }

    let reader = PictureReader::default();
    let read_file = |path: &PathBuf| -> Result<(Vec<Slice<T>>, Option<String>), DataError> {
        let id = id(path);
        if !NiftiVolume::is_one(path) {
            return Ok((vec![Slice { id, patient: None, picture: Some(keep(reader.read(path)?)) }], None));
        }
        let volume = NiftiVolume::read(path)?;
        let window = volume.window();
        let slices = (0..volume.len()).map(|k| {
            let values = volume.slice(k)?;
            let picture = is_varied(&values).then(|| keep(window.picture(values.view(), false)));
            Ok(Slice { id: numbered(&id, k, volume.len()), patient: None, picture })
        });
        Ok((slices.collect::<Result<_, DataError>>()?, Some(volume.axes.unwrap_or_else(|| "unknown".into()))))
    };
    let mut axes: BTreeMap<String, String> = BTreeMap::new();
    let read: Vec<_> = files.par_iter().map(read_file).collect();
    for (path, read) in files.iter().zip(read) {
        if let Some((slices, own)) = found.accepted(read, bad)? {
            found.add(slices);
            if let Some(own) = own {
                axes.entry(own).or_insert_with(|| id(path));
            }
        }
    }
    if axes.len() > 1 {
        let all: Vec<String> = axes.iter().map(|(axes, id)| format!("{axes} ({id})")).collect();
        found.notices.push(format!(
            "volumes are stored along different axes: {}; slices are cut as stored, so bring them to one order first",
            all.join(", ")
        ));
    }

    // Which files make up a series, then series by series what they show.
    let mut parts = Vec::new();
    let heads: Vec<_> = scans.par_iter().map(|path| Part::of(id(path), path)).collect();
    for head in heads {
        parts.extend(found.accepted(head, bad)?);
    }
    parts.sort_by(|a, b| {
        let key = |part: &Part| (part.folder().to_string(), part.series.clone());
        let (one, other) = (a.order, b.order);
        key(a)
            .cmp(&key(b))
            .then(one.0.total_cmp(&other.0))
            .then(one.1.total_cmp(&other.1))
            .then_with(|| a.id.cmp(&b.id))
    });
    let series: Vec<&[Part]> = parts.chunk_by(|a, b| (a.folder(), &a.series) == (b.folder(), &b.series)).collect();
    let read: Vec<_> = series.par_iter().map(|parts| shown(parts, &keep)).collect();
    for files in read {
        for file in files {
            if let Some(slices) = found.accepted(file, bad)? {
                found.add(slices);
            }
        }
    }
    Ok(found)
}

impl<T> Slices<T> {
    fn add(&mut self, slices: Vec<Slice<T>>) {
        let (count, mut empty) = (slices.len(), Vec::new());
        for Slice { id, patient, picture } in slices {
            match picture {
                Some(picture) => {
                    self.ids.push(id);
                    self.patients.push(patient);
                    self.pictures.push(picture);
                }
                None => empty.push(id),
            }
        }
        if let Some(first) = empty.first() {
            let all =
                if count > 1 { format!(" ({} of {count} slices of the file)", empty.len()) } else { String::new() };
            self.skipped.push(format!("{first}{all}: one value everywhere"));
        }
    }

    /// What was read; nothing of a file that may be left out.
    fn accepted<U>(&mut self, read: Result<U, DataError>, bad: BadPicture) -> Result<Option<U>, DataError> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(error @ DataError::BadImage { .. }) if bad == BadPicture::Skip => {
                self.skipped.push(error.to_string());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Part {
    fn of(id: String, path: &Path) -> Result<Self, DataError> {
        let info = DicomFile::read(path)?.info;
        // Slices without a place come after those with one, by their number.
        let place = info.positions.first().copied().flatten().unwrap_or(f64::INFINITY);
        Ok(Self {
            series: info.series.clone().unwrap_or_else(|| id.clone()),
            id,
            path: path.into(),
            order: (place, info.number.unwrap_or(f64::INFINITY)),
            has_windows: info.windows.iter().all(Option::is_some),
        })
    }

    fn folder(&self) -> &str {
        self.id.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

/// The slices of each file of a series.
fn shown<T>(parts: &[Part], keep: &impl Fn(Picture) -> T) -> Vec<Result<Vec<Slice<T>>, DataError>> {
    let common = common_window(parts);
    let file = |part: &Part| {
        let file = DicomFile::read(&part.path)?;
        let slices = (0..file.len()).map(|k| {
            let values = file.frame(k)?;
            let window = file.info.windows[k].unwrap_or(common);
            let picture = is_varied(&values).then(|| keep(window.picture(values.view(), file.info.is_inverted)));
            Ok(Slice { id: numbered(&part.id, k, file.len()), patient: file.info.patient.clone(), picture })
        });
        slices.collect()
    };
    parts.iter().map(file).collect()
}

/// One scale of grey for the files of a series that have none. A file that does not decode is told of when it is shown.
fn common_window(parts: &[Part]) -> Window {
    let mut values = Vec::new();
    let each = MOST_VALUES / parts.len().max(1);
    for part in parts.iter().filter(|part| !part.has_windows) {
        let Ok(file) = DicomFile::read(&part.path) else { continue };
        let (rows, columns) = file.info.size;
        let step = (file.len() * rows * columns).div_ceil(each.max(1));
        values.extend((0..file.len()).filter_map(|k| file.frame(k).ok()).flatten().step_by(step));
    }
    Window::of_percentiles(values)
}

/// Whether a slice has more than one value. Those outside a body have none, and are the same of every patient.
fn is_varied(values: &Array2<f32>) -> bool {
    values.iter().any(|value| value.is_finite() && Some(value) != values.first())
}

fn numbered(id: &str, number: usize, count: usize) -> String {
    if count == 1 { id.into() } else { format!("{id}#{number}") }
}
