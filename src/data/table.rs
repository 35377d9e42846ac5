//! Feature tables in safetensors files: `features` (samples, width) with `labels` (samples), or the same two under
//! `train.` and `val.`. Class names are in the file's metadata as `classes`, separated by commas. Without them
//! a class is called by its number. Rows that belong together (one patient, one scene) share a number in `groups`.

use std::fs;
use std::path::Path;

use ndarray::Array2;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{DataError, FeatureRows, FeatureSplit, Features, Part, Samples, Split};

/// Prefixes of tensors whose file marks the held-out samples.
const PARTS: [(Part, &str); 2] = [(Part::Train, "train."), (Part::Validation, "val.")];

/// Reads a feature table. `split` is used only where the file does not mark held-out rows.
///
/// # Errors
/// A missing or misshapen tensor, a NaN or infinite feature (named by row and column), a class without samples.
pub fn read_features(path: &Path, split: Split) -> Result<Features, DataError> {
    let (mut features, is_split) = read(path)?;
    if !is_split {
        split.apply(&mut features.samples)?;
    }
    Ok(Features { samples: features.samples.checked()?, ..features })
}

impl Features {
    /// Reads a feature table (see [`read_features`]) and divides it into rows to learn from and rows held out: as the file
    /// marks them, else `held_out` of each class under `seed`.
    ///
    /// # Errors
    /// As [`read_features`].
    pub fn open(path: impl AsRef<Path>) -> Result<OpenFeatures, DataError> {
        let (features, is_split) = read(path.as_ref())?;
        Ok(OpenFeatures { features, is_split })
    }
}

/// Features that have not been divided yet.
#[derive(Clone, Debug)]
pub struct OpenFeatures {
    features: Features,
    is_split: bool,
}

impl OpenFeatures {
    /// Rows to learn from and rows held out: as the file marks them, else a share `held_out` of each class, in (0, 1),
    /// under `seed`.
    ///
    /// # Errors
    /// A class with too few rows.
    pub fn split(self, held_out: f64, seed: u64) -> Result<FeatureSplit, DataError> {
        let mut features = self.features;
        if !self.is_split {
            Split { validation: held_out, seed }.apply(&mut features.samples)?;
        }
        features.samples = features.samples.checked()?;
        Ok(FeatureSplit { training: features.rows(Part::Train), validation: features.rows(Part::Validation) })
    }

    /// All rows, marked as held out or not.
    pub fn all(&self) -> FeatureRows {
        self.features.select(&(0..self.features.samples.len()).collect::<Vec<_>>())
    }
}

/// A file's features, and whether it marks held-out rows.
fn read(path: &Path) -> Result<(Features, bool), DataError> {
    let bytes = fs::read(path).map_err(DataError::io(path))?;
    let file = Archive::new(&bytes, path.display().to_string())?;
    if file.has("features") {
        let (values, labels) = features(&file, "")?;
        let mut samples = file.samples(vec![(Part::Train, labels)]);
        samples.groups = groups(&file, "", samples.len())?;
        return Ok((Features { values, samples }, false));
    }
    let [(train, train_labels), (validation, validation_labels)] =
        [features(&file, PARTS[0].1)?, features(&file, PARTS[1].1)?];
    if train.ncols() != validation.ncols() {
        let reason = format!("train.features is {} wide, val.features {}", train.ncols(), validation.ncols());
        return Err(DataError::malformed(&file.place, reason));
    }
    let values = ndarray::concatenate![ndarray::Axis(0), train, validation];
    let counts = [train_labels.len(), validation_labels.len()];
    let mut samples = file.samples(vec![(Part::Train, train_labels), (Part::Validation, validation_labels)]);
    for ((_, prefix), rows) in PARTS.into_iter().zip(counts) {
        samples.groups.extend(groups(&file, prefix, rows)?);
    }
    if ![0, samples.len()].contains(&samples.groups.len()) {
        return Err(DataError::malformed(&file.place, "only one of train.groups and val.groups is there"));
    }
    Ok((Features { values, samples }, true))
}

/// `{prefix}groups`, one number per row; nothing if the file has none.
fn groups(file: &Archive, prefix: &str, rows: usize) -> Result<Vec<usize>, DataError> {
    let tensor = format!("{prefix}groups");
    let found = if file.has(&tensor) { file.integers(&tensor)? } else { return Ok(Vec::new()) };
    if found.len() != rows {
        let reason = format!("`{tensor}` has {} entries for {rows} rows", found.len());
        return Err(DataError::malformed(&file.place, reason));
    }
    Ok(found)
}

/// `{prefix}features` and `{prefix}labels`, of one length and finite.
fn features(file: &Archive, prefix: &str) -> Result<(Array2<f32>, Vec<usize>), DataError> {
    let tensor = format!("{prefix}features");
    let (shape, values) = file.floats(&tensor)?;
    let labels = file.integers(&format!("{prefix}labels"))?;
    let [rows, width] = shape[..] else {
        let reason = format!("tensor `{tensor}` has shape {shape:?}, expected (samples, width)");
        return Err(DataError::malformed(&file.place, reason));
    };
    if rows != labels.len() {
        let reason = format!("`{tensor}` has {rows} rows, but there are {} labels", labels.len());
        return Err(DataError::malformed(&file.place, reason));
    }
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        let (place, row, column) = (file.place.clone(), at / width, at % width);
        return Err(DataError::NotFinite { place, tensor, row, column, value: values[at] });
    }
    // The format's reader has checked that the bytes fill the shape.
    Ok((Array2::from_shape_vec((rows, width), values).expect("as many values as the shape"), labels))
}

/// A safetensors file with errors that name it.
pub(super) struct Archive<'a> {
    pub(super) place: String,
    tensors: SafeTensors<'a>,
    classes: Option<Vec<String>>,
}

impl<'a> Archive<'a> {
    pub(super) fn new(bytes: &'a [u8], place: String) -> Result<Self, DataError> {
        let not_readable = |e| DataError::malformed(&place, format!("not a whole safetensors file: {e}"));
        let tensors = SafeTensors::deserialize(bytes).map_err(not_readable)?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(not_readable)?;
        let classes = header.metadata().as_ref().and_then(|m| m.get("classes"));
        let classes = classes.map(|c| c.split(',').map(|name| name.trim().to_string()).collect());
        Ok(Self { place, tensors, classes })
    }

    fn has(&self, name: &str) -> bool {
        self.tensors.tensor(name).is_ok()
    }

    pub(super) fn tensor(&self, name: &str) -> Result<TensorView<'a>, DataError> {
        self.tensors.tensor(name).map_err(|_| {
            let found = self.tensors.names().join(", ");
            DataError::malformed(&self.place, format!("no tensor `{name}`; the file holds {found}"))
        })
    }

    fn floats(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>), DataError> {
        let view = self.tensor(name)?;
        let data = view.data();
        let values = match view.dtype() {
            Dtype::F32 => words(data).map(f32::from_le_bytes).collect(),
            Dtype::F64 => words(data).map(|b| f64::from_le_bytes(b) as f32).collect(),
            other => return Err(self.wrong_type(name, other, "F32 or F64")),
        };
        Ok((view.shape().to_vec(), values))
    }

    pub(super) fn integers(&self, name: &str) -> Result<Vec<usize>, DataError> {
        let view = self.tensor(name)?;
        let data = view.data();
        let values: Vec<i64> = match view.dtype() {
            Dtype::U8 => data.iter().map(|&b| b.into()).collect(),
            Dtype::U32 => words(data).map(|b| u32::from_le_bytes(b).into()).collect(),
            Dtype::I32 => words(data).map(|b| i32::from_le_bytes(b).into()).collect(),
            Dtype::I64 => words(data).map(i64::from_le_bytes).collect(),
            other => return Err(self.wrong_type(name, other, "U8, U32, I32 or I64")),
        };
        let negative = |row: usize| {
            DataError::malformed(
                &self.place,
                format!("tensor `{name}` holds {} at row {row}; expected 0 or more", values[row]),
            )
        };
        (0..values.len()).map(|row| usize::try_from(values[row]).map_err(|_| negative(row))).collect()
    }

    fn wrong_type(&self, name: &str, found: Dtype, expected: &str) -> DataError {
        DataError::malformed(&self.place, format!("tensor `{name}` is of type {found:?}, expected {expected}"))
    }

    /// Samples with these labels, named by row, their parts one after the other.
    pub(super) fn samples(&self, labels: Vec<(Part, Vec<usize>)>) -> Samples {
        let parts = labels.iter().flat_map(|(part, labels)| vec![*part; labels.len()]).collect();
        let ids =
            labels.iter().flat_map(|(part, labels)| (0..labels.len()).map(|row| format!("{}:{row}", part.name())));
        let ids = ids.collect();
        let labels: Vec<usize> = labels.into_iter().flat_map(|(_, labels)| labels).collect();
        let count = labels.iter().max().map_or(0, |max| max + 1);
        let classes = self.classes.clone().unwrap_or_else(|| (0..count).map(|c| c.to_string()).collect());
        Samples { source: self.place.clone(), ids, labels, classes, parts, groups: Vec::new() }
    }
}

fn words<const N: usize>(data: &[u8]) -> impl Iterator<Item = [u8; N]> {
    data.as_chunks().0.iter().copied()
}
