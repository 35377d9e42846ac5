//! From a table to a task: training, validation and test rows, and the forest that teaches.
//!
//! Where the target is a number, every row is of class 0 and [`Rows::numbers`] holds it.

use std::path::{Path, PathBuf};

use ndarray::{Array2, Axis};

use crate::classic::{Answers, Forest, Grown, Growth};
use crate::data::{BUNDLED, BundledRow, Column, DataError, Encoder, HoldOut, Part, Tabular, TestRows, read_table};
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
    /// The target of each row where it is a number, else empty.
    pub numbers: Vec<f64>,
    /// Names of the rows.
    pub ids: Vec<String>,
}

/// One table under one seed.
pub struct Task {
    /// Decides split, forest and students.
    pub seed: u64,
    /// Columns of the table.
    pub columns: Vec<Column>,
    /// Name of the column that is predicted.
    pub target: String,
    /// Names of the classes; that of the target where it is a number.
    pub class_names: Vec<String>,
    /// Number of classes; 1 where the target is a number.
    pub classes: usize,
    /// Mean and standard deviation of the training rows' target where it is a number.
    pub scale: Option<(f64, f64)>,
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
    /// A smaller forest on the training rows, which becomes a network.
    pub fn small_forest(&self, trees: usize, depth: usize) -> Forest {
        grow(&self.training, self.classes, self.scale.is_some(), trees, Some(depth), self.seed).forest
    }

    /// Splits the table and grows the forest.
    ///
    /// # Errors
    /// A class with too few rows for each part.
    pub fn new(spec: &Spec, table: &Tabular, seed: u64) -> Result<Self, StudyError> {
        Self::of(spec, (table, None), None, seed)
    }

    /// The same with numbers as the target of each row, or with a forest that was grown elsewhere.
    ///
    /// # Errors
    /// As [`Task::new`].
    pub fn of(
        spec: &Spec,
        (table, numbers): (&Tabular, Option<&[f64]>),
        forest: Option<&Forest>,
        seed: u64,
    ) -> Result<Self, StudyError> {
        let mut samples = table.samples.clone();
        let (test, cut) = match spec.folds {
            Some(folds) => {
                let count = folds as u64;
                (TestRows::Fold { folds, fold: (seed % count) as usize }, seed / count)
            }
            None => (TestRows::Share(spec.test), seed),
        };
        HoldOut { validation: spec.validation, test, seed: cut }.apply(&mut samples)?;
        let mut training = samples.of(Part::Train);
        if training.len() > spec.rows {
            let order = Stream::named(seed, "rows").permutation(training.len());
            training = order[..spec.rows].iter().map(|&index| training[index]).collect();
        }
        let encoder = Encoder::fit(table, &training);
        let rows = |picked: &[usize]| {
            let raw = table.values.select(Axis(0), picked);
            let labels = picked.iter().map(|&row| samples.labels[row]).collect();
            let numbers = numbers.map_or(Vec::new(), |all| picked.iter().map(|&row| all[row]).collect());
            let ids = picked.iter().map(|&row| samples.ids[row].clone()).collect();
            let (filled, encoded) = (encoder.filled(raw.view()), encoder.encoded(raw.view()));
            Rows { filled, encoded, raw, labels, numbers, ids }
        };
        let training = rows(&training);
        let classes = samples.classes.len();
        let teacher = match forest {
            // Which rows its trees have not seen is not known.
            Some(forest) => Grown { forest: forest.clone(), out_of_bag: Array2::zeros((0, 0)) },
            None => grow(&training, classes, numbers.is_some(), spec.trees, None, seed),
        };
        Ok(Self {
            seed,
            columns: table.columns.clone(),
            target: table.target.clone(),
            class_names: samples.classes.clone(),
            classes,
            scale: numbers.map(|_| scale(&training.numbers)),
            numbers: table.columns.iter().map(|column| column.words.is_none()).collect(),
            teacher,
            validation: rows(&samples.of(Part::Validation)),
            test: rows(&samples.of(Part::Test)),
            training,
            encoder,
        })
    }
}

/// A forest on these rows with scikit-learn's defaults for classes, and those of Hastie et al. for numbers.
fn grow(rows: &Rows, classes: usize, is_number: bool, trees: usize, depth: Option<usize>, seed: u64) -> Grown {
    let (columns, filled) = (rows.filled.ncols(), rows.filled.view());
    match is_number {
        false => {
            let answers = Answers::Classes { labels: &rows.labels, count: classes };
            Forest::grow(filled, answers, &Growth { depth, ..Growth::classifier(trees, columns) }, seed)
        }
        true => {
            let growth = Growth { depth, ..Growth::regressor(trees, columns) };
            Forest::grow(filled, Answers::Numbers(&rows.numbers), &growth, seed)
        }
    }
}

/// Mean and standard deviation; 1 in place of a deviation of 0.
fn scale(numbers: &[f64]) -> (f64, f64) {
    let count = numbers.len().max(1) as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let deviation = (numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / count).sqrt();
    (mean, if deviation > 0.0 { deviation } else { 1.0 })
}
