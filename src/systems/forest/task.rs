//! From a table to a task: training, validation and test rows, and the forest that teaches.

use std::path::{Path, PathBuf};

use ndarray::{Array2, Axis};

use crate::classic::{Answers, Forest, Grown, Growth};
use crate::data::{BUNDLED, BundledRow, DataError, Encoder, HoldOut, Part, Tabular, TestRows, read_table};
use crate::math::Stream;
use crate::study::{Invalid, StudyError};
use crate::systems::forest::spec::Spec;

/// Rows as the forest and as networks read them.
#[derive(Clone, Debug)]
pub struct Rows {
    /// (rows, columns): the table's own values, with its gaps.
    pub raw: Array2<f32>,
    /// (rows, columns): what the forest reads.
    pub filled: Array2<f32>,
    /// (rows, width): what networks read.
    pub encoded: Array2<f32>,
    /// The class of each row.
    pub labels: Vec<usize>,
}

/// One table under one seed.
pub struct Task {
    /// Decides split, forest and students.
    pub seed: u64,
    /// Number of classes.
    pub classes: usize,
    /// Whether a column holds numbers or words.
    pub numbers: Vec<bool>,
    /// Fitted on the training rows.
    pub encoder: Encoder,
    /// Students and forest are trained on these.
    pub training: Rows,
    /// Students are chosen on these.
    pub validation: Rows,
    /// Evaluated.
    pub test: Rows,
    /// The teacher, grown on the training rows.
    pub teacher: Grown,
}

/// Endings of the files that are read from a folder.
const ENDINGS: [&str; 4] = ["csv", "tsv", "dat", "parquet"];

/// Names of the tables of a spec, without reading them: rows of the bundled tables, or files without their endings.
///
/// # Errors
/// A folder that cannot be read or has no table, or two files of one name.
pub fn names(spec: &Spec) -> Result<Vec<String>, StudyError> {
    let Some(path) = &spec.data else { return Ok(spec.tables.clone()) };
    let stem = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let names: Vec<String> = files(path)?.iter().map(stem).collect();
    match names.iter().enumerate().find(|(k, name)| names[..*k].contains(name)) {
        Some((_, name)) => {
            let (field, expected) = ("data".into(), "files of different names".into());
            Err(StudyError::Invalid { violations: vec![Invalid { field, value: format!("{name:?} twice"), expected }] })
        }
        None => Ok(names),
    }
}

/// The tables of a spec, in the order of [`names`].
///
/// # Errors
/// A file that is no table, a folder without one.
pub fn tables(spec: &Spec) -> Result<Vec<Tabular>, StudyError> {
    let bundled = |name: &String| {
        let names = BUNDLED.iter().map(|row| row.name);
        let row = BundledRow::named(name).ok_or_else(|| StudyError::unknown("table", name, names))?;
        Ok(row.table()?)
    };
    match &spec.data {
        None => spec.tables.iter().map(bundled).collect(),
        Some(path) => {
            let mut tables: Vec<Tabular> = Vec::new();
            for file in files(path)? {
                tables.push(read_table(&file)?);
            }
            if let (Some(notice), Some(first)) = (unread(path)?, tables.first_mut()) {
                first.notices.insert(0, notice);
            }
            Ok(tables)
        }
    }
}

/// Names the files of a folder that are not read as tables.
fn unread(path: &Path) -> Result<Option<String>, StudyError> {
    if !path.is_dir() {
        return Ok(None);
    }
    let others: Vec<String> = visible(path)?
        .iter()
        .filter(|path| path.is_file() && !is_table(path))
        .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    let notice = || format!("{}: not read, by the ending no tables: {}", path.display(), others.join(", "));
    Ok((!others.is_empty()).then(notice))
}

/// What a folder holds, without hidden entries, by name.
fn visible(path: &Path) -> Result<Vec<PathBuf>, StudyError> {
    let failed = |source| StudyError::File { path: path.into(), source };
    let entries = std::fs::read_dir(path).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let is_hidden = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let mut paths: Vec<PathBuf> =
        entries.into_iter().map(|entry| entry.path()).filter(|path| !is_hidden(path)).collect();
    paths.sort();
    Ok(paths)
}

fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|end| ENDINGS.iter().any(|known| end.eq_ignore_ascii_case(known)))
}

/// A file, or those of a folder that may be tables, by name.
fn files(path: &Path) -> Result<Vec<PathBuf>, StudyError> {
    if !path.is_dir() {
        return Ok(vec![path.into()]);
    }
    let files: Vec<PathBuf> = visible(path)?.into_iter().filter(|path| is_table(path)).collect();
    if files.is_empty() {
        let place = path.display().to_string();
        let reason = format!("no file in this folder ends in one of .{}", ENDINGS.join(", ."));
        return Err(DataError::Malformed { place, reason }.into());
    }
    Ok(files)
}

impl Task {
    /// Splits the table and grows the forest.
    ///
    /// # Errors
    /// A class with too few rows for each part.
    pub fn new(spec: &Spec, table: &Tabular, seed: u64) -> Result<Self, StudyError> {
        let mut samples = table.samples.clone();
        HoldOut { validation: spec.validation, test: TestRows::Share(spec.test), seed }.apply(&mut samples)?;
        let mut training = samples.of(Part::Train);
        if training.len() > spec.rows {
            let order = Stream::named(seed, "rows").permutation(training.len());
            training = order[..spec.rows].iter().map(|&index| training[index]).collect();
        }
        let encoder = Encoder::fit(table, &training);
        let rows = |picked: &[usize]| {
            let raw = table.values.select(Axis(0), picked);
            let labels = picked.iter().map(|&row| samples.labels[row]).collect();
            Rows { filled: encoder.filled(raw.view()), encoded: encoder.encoded(raw.view()), raw, labels }
        };
        let training = rows(&training);
        let classes = samples.classes.len();
        let answers = Answers::Classes { labels: &training.labels, count: classes };
        let growth = Growth::classifier(spec.trees, training.filled.ncols());
        Ok(Self {
            seed,
            classes,
            numbers: table.columns.iter().map(|column| column.words.is_none()).collect(),
            teacher: Forest::grow(training.filled.view(), answers, &growth, seed),
            validation: rows(&samples.of(Part::Validation)),
            test: rows(&samples.of(Part::Test)),
            training,
            encoder,
        })
    }
}
