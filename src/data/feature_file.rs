//! Feature tables in files: safetensors, NumPy's .npz and .npy, CSV and Parquet.
//!
//! `features` (samples, width) stands beside `labels` (samples); `X` and `y` mean the same. A file that marks held-out
//! samples holds the two for each part: `train.features`, `X_val`, `test_labels`. Class names are in the metadata of a
//! safetensors file as `classes` (a JSON list, or names separated by commas), or in an array `classes`. Without them a
//! class is called by its label. Rows that belong together (one patient, one scene) share a number in `groups`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ndarray::{Array2, Axis};
use safetensors::{Dtype, tensor::TensorView};

use super::array_file::{Array, ArrayFile, Labels};
use super::delimited::{parse_labelled, text};
use super::file::read_file;
use super::output::write_file;
use super::part_name::part_of;
use super::zip_file::ZipFile;
use super::{DataError, FeatureRows, FeatureSplit, Features, Part, Split, Tabular, label, parquet, read_table};

/// What an array is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Features,
    Labels,
    Groups,
    ClassNames,
}

/// Each use of an array with the names that it goes by, in lower case.
const ROLES: [(Role, &[&str]); 4] = [
    (Role::Features, &["features", "feature", "feats", "x", "data", "embeddings", "embedding"]),
    (Role::Labels, &["labels", "label", "y", "targets", "target"]),
    (Role::Groups, &["groups", "group"]),
    (Role::ClassNames, &["classes", "class_names"]),
];

fn role(name: &str) -> Option<Role> {
    let name = name.to_ascii_lowercase();
    ROLES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(role, _)| *role)
}

/// Reads a feature table from a file, or from a folder of .npy files. `split` is used only where the file does not mark
/// held-out rows.
///
/// # Errors
/// A missing or misshapen array, a NaN or infinite feature (named by row and column), a class without samples.
pub fn read_features(path: &Path, split: Split) -> Result<Features, DataError> {
    let OpenFeatures { mut features, is_split } = Features::open(path)?;
    if !is_split {
        split.apply(&mut features.samples)?;
    }
    Ok(Features { samples: features.samples.checked()?, ..features })
}

/// Reads a feature table from the bytes of a file; `place` names it in messages.
///
/// # Errors
/// As [`read_features`].
pub fn parse_features(bytes: &[u8], place: &str) -> Result<OpenFeatures, DataError> {
    let failed = |reason: &str| Err(DataError::malformed(place, reason));
    let is_named_so = |end: &str| place.to_ascii_lowercase().ends_with(end);
    if bytes.get(8) == Some(&b'{') || is_named_so(".safetensors") {
        return of_arrays(&ArrayFile::safetensors(bytes, place.into())?);
    }
    match bytes {
        _ if bytes.starts_with(ZipFile::MAGIC) => of_arrays(&ArrayFile::npz(bytes, place.into())?),
        _ if bytes.starts_with(Array::NPY) => failed("one .npy array has no labels; put them beside it as labels.npy"),
        _ if bytes.starts_with(b"\x89HDF") => {
            failed("this is an HDF5 file; save features and labels as .npz or safetensors")
        }
        [0x80, 2..=5, ..] => {
            failed("this is a pickle, which is not read; save features and labels as .npz or safetensors")
        }
        _ => of_table(parse_labelled(&text(bytes, place)?, place)?, place),
    }
}

impl Features {
    /// Reads a feature table (see [`read_features`]) that is not divided yet.
    ///
    /// # Errors
    /// As [`read_features`].
    pub fn open(path: impl AsRef<Path>) -> Result<OpenFeatures, DataError> {
        let path = path.as_ref();
        let place = path.display().to_string();
        if path.is_dir() {
            return of_arrays(&npy_folder(path, place)?);
        }
        let bytes = read_file(path)?;
        if bytes.starts_with(Array::NPY) {
            return of_arrays(&npy_pair(path, bytes, place)?);
        }
        if bytes.starts_with(parquet::MAGIC) {
            return of_table(read_table(path)?, &place);
        }
        parse_features(&bytes, &place)
    }

    /// Writes the rows of each part with their labels as a safetensors file, which [`read_features`] reads. Rows that are all
    /// of the training part are written as not divided yet.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), DataError> {
        let parts = [(Part::Train, "train"), (Part::Validation, "val"), (Part::Test, "test")];
        let mut arrays: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
        let is_divided = self.samples.parts.iter().any(|part| *part != Part::Train);
        for (part, name) in parts {
            let rows = self.rows(part);
            if rows.is_empty() {
                continue;
            }
            let values = rows.values.iter().flat_map(|value| value.to_le_bytes()).collect();
            let labels = rows.labels.iter().flat_map(|label| (*label as u32).to_le_bytes()).collect();
            let named = |array: &str| if is_divided { format!("{name}.{array}") } else { array.to_string() };
            arrays.push((named("features"), Dtype::F32, rows.values.shape().to_vec(), values));
            arrays.push((named("labels"), Dtype::U32, vec![rows.labels.len()], labels));
        }
        let failed = |e: safetensors::SafeTensorError| DataError::malformed(path.display(), e);
        // Plain strings always become JSON.
        let classes = serde_json::json!(self.samples.classes).to_string();
        let metadata = [("classes".to_string(), classes)].into_iter().collect();
        let views = arrays
            .iter()
            .map(|(name, kind, shape, data)| Ok((name.as_str(), TensorView::new(*kind, shape.clone(), data)?)));
        let views: Vec<_> = views.collect::<Result<_, _>>().map_err(failed)?;
        let bytes = safetensors::serialize(views, Some(metadata)).map_err(failed)?;
        write_file(path, &bytes).map_err(DataError::io(path))
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
    /// under `seed`. Rows that a file marks as test rows are in [`all`](Self::all) only, if it marks validation rows too.
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

    /// What was read in another way than it is written.
    pub fn notices(&self) -> &[String] {
        &self.features.notices
    }
}

/// The features of a file of arrays.
fn of_arrays(file: &ArrayFile) -> Result<OpenFeatures, DataError> {
    let failed = |reason: String| DataError::malformed(&file.place, reason);
    let mut found: BTreeMap<(Option<usize>, Role), &Array> = BTreeMap::new();
    let (mut unread, mut notices) = (Vec::new(), Vec::new());
    for array in &file.arrays {
        let (part, rest) = match role(&array.name) {
            Some(_) => (None, array.name.as_str()),
            None => part_of(&array.name),
        };
        match role(rest) {
            Some(role) => {
                if let Some(other) = found.insert((part.map(|part| part as usize), role), array) {
                    return Err(failed(format!("`{}` and `{}` mean the same", other.name, array.name)));
                }
            }
            None => unread.push(format!("`{}`", array.name)),
        }
    }
    if !unread.is_empty() {
        notices.push(format!("{}: not read: {}", file.place, unread.join(", ")));
    }
    let has = |part: Part| found.contains_key(&(Some(part as usize), Role::Features));
    let is_whole = found.contains_key(&(None, Role::Features));
    let parts: Vec<(Part, Option<Part>)> = match (is_whole, Part::ALL.map(has)) {
        (true, [false, false, false]) => vec![(Part::Train, None)],
        (true, _) => return Err(failed("it holds features as a whole and by part; keep one of the two".into())),
        (_, [false, false, false]) => return Err(file.missing("features")),
        (_, [false, ..]) => return Err(file.missing("train.features")),
        (_, [_, false, false]) => return Err(file.missing("val.features")),
        (_, [_, false, true]) => {
            notices.push(format!("{}: no validation rows; the test rows are held out in their place", file.place));
            vec![(Part::Train, Some(Part::Train)), (Part::Validation, Some(Part::Test))]
        }
        _ => Part::ALL.into_iter().filter(|part| has(*part)).map(|part| (part, Some(part))).collect(),
    };

    let (mut values, mut labels, mut groups) = (Vec::<Array2<f32>>::new(), Vec::new(), Vec::new());
    for (part, origin) in &parts {
        let get = |role| found.get(&(origin.map(|part| part as usize), role)).copied();
        let array = get(Role::Features).ok_or_else(|| file.missing("features"))?;
        let missing = || file.missing(&array.name.to_lowercase().replace("features", "labels").replace('x', "y"));
        let found = get(Role::Labels).ok_or_else(missing)?;
        let table = matrix(array, &file.place)?;
        let own = column(found, table.nrows(), &array.name, &file.place)?;
        if let Some(array) = get(Role::Groups) {
            match column(array, table.nrows(), "features", &file.place)? {
                Labels::Numbers(numbers) => groups.extend(numbers.into_iter().map(|number| number.to_string())),
                Labels::Words(words) => groups.extend(words),
            }
        }
        if let Some(first) = values.first()
            && first.ncols() != table.ncols()
        {
            let reason =
                format!("`{}` is {} wide, the features before it {}", array.name, table.ncols(), first.ncols());
            return Err(failed(reason));
        }
        values.push(table);
        labels.push((*part, own));
    }
    let views: Vec<_> = values.iter().map(|table| table.view()).collect();
    // All have one width, as was checked.
    let values = ndarray::concatenate(Axis(0), &views).map_err(|e| failed(e.to_string()))?;
    let names = match (&file.classes, found.get(&(None, Role::ClassNames))) {
        (Some(text), _) => Some(label::class_names(text, &file.place)?),
        (None, Some(array)) => match array.labels(&file.place)? {
            Labels::Words(words) => Some(words),
            Labels::Numbers(numbers) => Some(numbers.iter().map(ToString::to_string).collect()),
        },
        (None, None) => None,
    };
    let (mut samples, more) = label::samples(&file.place, labels, names)?;
    notices.extend(more);
    if ![0, samples.len()].contains(&groups.len()) {
        return Err(failed("only some of the parts have groups".into()));
    }
    samples.groups = numbered(&groups);
    Ok(OpenFeatures { features: Features { values, samples, notices }, is_split: !is_whole })
}

/// Each name as a number, in the order of their first mention.
fn numbered(names: &[String]) -> Vec<usize> {
    let mut known = BTreeMap::new();
    let number = |name| {
        let next = known.len();
        *known.entry(name).or_insert(next)
    };
    names.iter().map(number).collect()
}

/// Finite features (samples, width), at least one of each.
fn matrix(array: &Array, place: &str) -> Result<Array2<f32>, DataError> {
    let name = &array.name;
    let failed = |reason: String| DataError::malformed(place, reason);
    let [rows, width] = array.shape[..] else {
        return Err(failed(format!("tensor `{name}` has shape {:?}, expected (samples, width)", array.shape)));
    };
    if rows == 0 || width == 0 {
        return Err(failed(format!(
            "tensor `{name}` has shape ({rows}, {width}); expected at least one row and one column"
        )));
    }
    let values = array.floats().ok_or_else(|| failed(format!("tensor `{name}` is text, expected numbers")))?;
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        let (tensor, row, column, value) = (name.clone(), at / width, at % width, values[at]);
        return Err(DataError::NotFinite { place: place.into(), tensor, row, column, value });
    }
    Array2::from_shape_vec((rows, width), values).map_err(|e| failed(e.to_string()))
}

/// One value for each of `rows` rows.
fn column(array: &Array, rows: usize, of: &str, place: &str) -> Result<Labels, DataError> {
    let (name, shape) = (&array.name, &array.shape);
    let count = match shape[..] {
        [count] | [count, 1] => count,
        _ => {
            let reason =
                format!("tensor `{name}` has shape {shape:?}, expected one value per row (no one-hot vectors)");
            return Err(DataError::malformed(place, reason));
        }
    };
    if count != rows {
        let reason = format!("`{of}` has {rows} rows, but there are {count} labels (`{name}`)");
        return Err(DataError::malformed(place, reason));
    }
    array.labels(place)
}

/// The features of a table: every column but the class.
fn of_table(table: Tabular, place: &str) -> Result<OpenFeatures, DataError> {
    let failed = |reason: String| DataError::malformed(place, reason);
    if let Some(column) = table.columns.iter().find(|column| column.words.is_some()) {
        return Err(failed(format!("column `{}` holds words; features are numbers", column.name)));
    }
    if let Some(((row, column), _)) = table.values.indexed_iter().find(|(_, value)| !value.is_finite()) {
        let (line, name) = (&table.samples.ids[row], &table.columns[column].name);
        return Err(failed(format!("{line}, column `{name}`: a gap; features have none")));
    }
    let Tabular { values, samples, notices, .. } = table;
    Ok(OpenFeatures { features: Features { values, samples, notices }, is_split: false })
}

/// The .npy files of a folder, in name order.
fn npy_files(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let paths = entries.map_err(DataError::io(folder))?.into_iter().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end.eq_ignore_ascii_case("npy"))).collect();
    paths.sort();
    Ok(paths)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn npy_folder(folder: &Path, place: String) -> Result<ArrayFile<'static>, DataError> {
    let paths = npy_files(folder)?;
    if paths.is_empty() {
        let reason = "no .npy file in this folder; expected features.npy and labels.npy, or a feature file";
        return Err(DataError::malformed(place, reason));
    }
    let read = |path: &PathBuf| Array::npy(Cow::Owned(read_file(path)?), &stem(path), &path.display().to_string());
    Ok(ArrayFile { arrays: paths.iter().map(read).collect::<Result<_, _>>()?, place, classes: None })
}

/// The .npy files that are read together with this one: `y.npy` beside `X.npy`, `net_labels.npy` beside
/// `net_features.npy`, all parts beside `X_train.npy`. None beside a file of another kind.
///
/// # Errors
/// If the folder cannot be read.
pub fn companions(path: &Path) -> Result<Vec<PathBuf>, DataError> {
    if path.is_dir() || !path.extension().is_some_and(|end| end.eq_ignore_ascii_case("npy")) {
        return Ok(Vec::new());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = stem(path);
    let mut paths = npy_files(folder)?;
    paths.retain(|other| other.file_name() != path.file_name());
    if use_of(&name) == Some(Role::Features) {
        paths.retain(|path| use_of(&stem(path)).is_some());
        return Ok(paths);
    }
    let base = base(&name);
    paths.retain(|path| {
        let stem = stem(path);
        let rest = stem.strip_prefix(base).and_then(|rest| rest.strip_prefix(['_', '-', '.']));
        rest.is_some_and(|rest| role(rest) == Some(Role::Labels))
    });
    paths.truncate(1);
    Ok(paths)
}

/// What an array of this name is for, whichever part of the data it is.
fn use_of(name: &str) -> Option<Role> {
    role(name).or_else(|| role(part_of(name).1))
}

/// `net` of `net_features`.
fn base(name: &str) -> &str {
    match name.rsplit_once(['_', '-', '.']) {
        Some((base, last)) if role(last) == Some(Role::Features) => base,
        _ => name,
    }
}

/// An .npy file of features with its [`companions`].
fn npy_pair(path: &Path, bytes: Vec<u8>, place: String) -> Result<ArrayFile<'static>, DataError> {
    let name = stem(path);
    let has_role = use_of(&name) == Some(Role::Features);
    let called = |own: String, plain: &str| if has_role { own } else { plain.to_string() };
    let mut arrays = vec![Array::npy(Cow::Owned(bytes), &called(name.clone(), "features"), &place)?];
    for path in companions(path)? {
        let name = called(stem(&path), "labels");
        arrays.push(Array::npy(Cow::Owned(read_file(&path)?), &name, &path.display().to_string())?);
    }
    if arrays.len() < 2 {
        let expected = if has_role { "labels".into() } else { format!("{}_labels", base(&name)) };
        let reason = format!("one array has no labels; expected {expected}.npy beside it");
        return Err(DataError::malformed(place, reason));
    }
    Ok(ArrayFile { arrays, place, classes: None })
}
