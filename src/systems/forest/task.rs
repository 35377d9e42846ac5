//! From a table to a task: rows to learn from, to choose on and to judge on, and the forest that teaches.

use std::path::Path;

use ndarray::{Array2, Axis};

use crate::classic::{Answers, Forest, Grown, Growth};
use crate::data::{BundledRow, DataError, Encoder, HoldOut, Part, Tabular, read_table};
use crate::math::Stream;
use crate::study::StudyError;
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
    /// The table's name.
    pub name: String,
    /// Its split, forest and students follow from it.
    pub seed: u64,
    /// Number of classes.
    pub classes: usize,
    /// Which columns hold numbers, in place of words.
    pub numbers: Vec<bool>,
    /// Fitted on the rows to learn from.
    pub encoder: Encoder,
    /// To learn from.
    pub training: Rows,
    /// To choose on.
    pub validation: Rows,
    /// To judge on.
    pub test: Rows,
    /// The teacher, grown on the rows to learn from.
    pub teacher: Grown,
}

/// Endings of the files that are read from a folder.
const ENDINGS: [&str; 3] = ["csv", "dat", "parquet"];

/// The tables of a spec, by name.
///
/// # Errors
/// A file that is no table, a folder without one.
pub fn tables(spec: &Spec) -> Result<Vec<(String, Tabular)>, StudyError> {
    let Some(path) = &spec.data else {
        let read = |name: &String| {
            let row = BundledRow::named(name).ok_or_else(|| StudyError::unknown("table", name, []))?;
            Ok((name.clone(), row.table()?))
        };
        return spec.tables.iter().map(read).collect();
    };
    let named = |path: &Path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, read_table(path)?))
    };
    if !path.is_dir() {
        return Ok(vec![named(path)?]);
    }
    let failed = |source| StudyError::File { path: path.clone(), source };
    let entries = std::fs::read_dir(path).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let is_table = |path: &Path| path.extension().is_some_and(|end| ENDINGS.iter().any(|known| end == *known));
    let mut files: Vec<_> = entries.into_iter().map(|entry| entry.path()).filter(|path| is_table(path)).collect();
    files.sort();
    if files.is_empty() {
        let place = path.display().to_string();
        let reason = format!("no file in this folder ends in one of .{}", ENDINGS.join(", ."));
        return Err(DataError::Malformed { place, reason }.into());
    }
    files.iter().map(|path| named(path)).collect()
}

impl Task {
    /// Splits the table and grows the forest.
    ///
    /// # Errors
    /// A class with too few rows for each part.
    pub fn new(spec: &Spec, name: &str, table: &Tabular, seed: u64) -> Result<Self, StudyError> {
        let mut samples = table.samples.clone();
        HoldOut { validation: spec.validation, test: Some(spec.test), seed }.apply(&mut samples)?;
        let mut learned = samples.of(Part::Train);
        if learned.len() > spec.rows {
            let order = Stream::named(seed, "rows").permutation(learned.len());
            learned = order[..spec.rows].iter().map(|&place| learned[place]).collect();
        }
        let encoder = Encoder::fit(table, &learned);
        let rows = |picked: &[usize]| {
            let raw = table.values.select(Axis(0), picked);
            let labels = picked.iter().map(|&row| samples.labels[row]).collect();
            Rows { filled: encoder.filled(raw.view()), encoded: encoder.encoded(raw.view()), raw, labels }
        };
        let training = rows(&learned);
        let classes = samples.classes.len();
        let answers = Answers::Classes { labels: &training.labels, count: classes };
        let growth = Growth::classifier(spec.trees, training.filled.ncols());
        Ok(Self {
            name: name.into(),
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
