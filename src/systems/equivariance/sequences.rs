//! Sequences of tokens with labels: of a task, of pictures, or of a file.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use ndarray::{Array2, Axis, s};
use serde::{Deserialize, Serialize};

use crate::data::{DataError, TextTable, digits};
use crate::math::Stream;
use crate::study::StudyError;
use crate::systems::equivariance::tasks::{POSITIONS, TaskRow};

/// Setting of the pictures of digits: 8 · 8 positions, the grey level as token.
pub const DIGITS: &str = "digits";

/// Setting of the rows of an own file.
pub const OWN: &str = "data";

/// Grey levels of the digits.
const LEVELS: usize = 17;

/// Blocks of time that rows of a trajectory are split by: neighbouring frames are alike.
const BLOCKS: usize = 20;

/// What sequences consist of and what their labels mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// Positions of a sequence.
    pub positions: usize,
    /// Words of the tokens, in order.
    pub tokens: Vec<String>,
    /// Words of the labels, in order.
    pub classes: Vec<String>,
    /// Whether a sequence has one label, in place of one for each position.
    pub is_whole: bool,
}

/// Sequences with labels.
#[derive(Clone, Debug)]
pub struct Sequences {
    /// What they consist of.
    pub form: Form,
    /// (rows, positions).
    pub tokens: Array2<u32>,
    /// (rows, positions), or (rows, 1).
    pub labels: Array2<u32>,
}

impl Sequences {
    /// So many rows of a task.
    pub fn of_task(task: &TaskRow, count: usize, seed: u64) -> Self {
        let (tokens, labels) = task.rows(count, seed);
        let words = |count: usize| (0..count).map(|k| k.to_string()).collect();
        let form = Form { positions: POSITIONS, tokens: words(task.tokens), classes: words(2), is_whole: false };
        Self { form, tokens, labels }
    }

    /// The digits of scikit-learn, every second row and column of pixels left out if `is_small`.
    ///
    /// # Errors
    /// If the embedded file cannot be read.
    pub fn of_digits(is_small: bool) -> Result<Self, StudyError> {
        let (values, labels) = digits()?;
        let edge = if is_small { 4 } else { 8 };
        let step = 8 / edge;
        let level = |row: usize, k: usize| {
            // A coarse pixel is the mean of its fine ones.
            let fine =
                (0..step * step).map(|f| values[[row, (k / edge * step + f / step) * 8 + k % edge * step + f % step]]);
            (fine.sum::<f32>() / (step * step) as f32).round() as u32
        };
        let tokens = Array2::from_shape_fn((labels.len(), edge * edge), |(row, k)| level(row, k));
        let words = |count: usize| (0..count).map(|k| k.to_string()).collect();
        let form = Form { positions: edge * edge, tokens: words(LEVELS), classes: words(10), is_whole: true };
        let labels = Array2::from_shape_vec((labels.len(), 1), labels).expect("one label a row");
        Ok(Self { form, tokens, labels })
    }

    /// The rows of a table with the columns x1, x2, … (tokens, any words) and y1, y2, … (a label for each position) or y
    /// (one label for each row).
    ///
    /// # Errors
    /// A file that cannot be read, without these columns, with an empty field, or with a single class; by name and line.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let table = TextTable::read(path)?;
        let (of_tokens, of_positions, whole) = (numbered(&table, "x"), numbered(&table, "y"), table.column(&["y"]));
        let of_labels = whole.map_or(of_positions, |column| vec![column]);
        if of_tokens.is_empty() || of_labels.is_empty() {
            return Err(table.malformed("it needs the columns x1, x2, … and y1, y2, … or y"));
        }
        if whole.is_none() && of_labels.len() != of_tokens.len() {
            let (x, y) = (of_tokens.len(), of_labels.len());
            return Err(table.malformed(format!("{x} columns x but {y} columns y: every position needs a label")));
        }
        let (tokens, vocabulary) = positions(&table, &of_tokens, None)?;
        let (labels, classes) = positions(&table, &of_labels, None)?;
        if classes.len() < 2 {
            return Err(table.malformed(format!("every label is {:?}: there is nothing to learn", classes.concat())));
        }
        let form = Form { positions: of_tokens.len(), tokens: vocabulary, classes, is_whole: whole.is_some() };
        Ok(Self { form, tokens, labels })
    }

    /// The tokens of a table whose words a form knows, and the labels if it has them.
    ///
    /// # Errors
    /// As [`Sequences::read`], and a word that the form does not know.
    pub fn read_as(form: &Form, path: &Path) -> Result<(Array2<u32>, Option<Array2<u32>>), DataError> {
        let table = TextTable::read(path)?;
        let (of_tokens, of_positions) = (numbered(&table, "x"), numbered(&table, "y"));
        if of_tokens.len() != form.positions {
            let reason = format!("{} columns x1, x2, …, the model reads {}", of_tokens.len(), form.positions);
            return Err(table.malformed(reason));
        }
        let tokens = positions(&table, &of_tokens, Some(&form.tokens))?.0;
        let of_labels = if form.is_whole { table.column(&["y"]).into_iter().collect() } else { of_positions };
        let width = if form.is_whole { 1 } else { form.positions };
        let labels = match of_labels.len() == width {
            true => Some(positions(&table, &of_labels, Some(&form.classes))?.0),
            false => None,
        };
        Ok((tokens, labels))
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.tokens.nrows()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// These rows.
    pub fn select(&self, rows: &[usize]) -> Self {
        let (tokens, labels) = (self.tokens.select(Axis(0), rows), self.labels.select(Axis(0), rows));
        Self { form: self.form.clone(), tokens, labels }
    }

    /// The first `count` rows.
    pub fn first(&self, count: usize) -> Self {
        let end = count.min(self.len());
        let cut = |table: &Array2<u32>| table.slice(s![..end, ..]).to_owned();
        Self { form: self.form.clone(), tokens: cut(&self.tokens), labels: cut(&self.labels) }
    }

    /// Training, validation and test rows in the proportion 70 to 15 to 15, drawn under a seed.
    pub fn split(&self, seed: u64) -> [Self; 3] {
        let order = Stream::named(seed, "split").permutation(self.len());
        let (training, rest) = order.split_at(self.len() * 70 / 100);
        let (validation, test) = rest.split_at(rest.len() / 2);
        [training, validation, test].map(|rows| self.select(rows))
    }

    /// The same proportions of rows in the order of time, by blocks: of twenty blocks of neighbouring rows, fourteen, three and
    /// three drawn under a seed. Training rows are in random order, so the first of them are of all blocks.
    pub fn split_blocks(&self, seed: u64) -> [Self; 3] {
        let mut stream = Stream::named(seed, "split");
        let order = stream.permutation(BLOCKS);
        let mut parts = [(0, 14), (14, 17), (17, BLOCKS)].map(|(start, end)| {
            let is_own = |row: &usize| order[start..end].contains(&(row * BLOCKS / self.len()));
            (0..self.len()).filter(is_own).collect::<Vec<usize>>()
        });
        parts[0] = stream.permutation(parts[0].len()).into_iter().map(|k| parts[0][k]).collect();
        parts.map(|rows| self.select(&rows))
    }

    /// Share of the most frequent label.
    pub fn majority(&self) -> f64 {
        let mut counts = vec![0usize; self.form.classes.len()];
        self.labels.iter().for_each(|&label| counts[label as usize] += 1);
        counts.into_iter().max().unwrap_or(0) as f64 / self.labels.len().max(1) as f64
    }
}

/// The columns prefix1, prefix2, … of a table.
fn numbered(table: &TextTable, prefix: &str) -> Vec<usize> {
    (1..).map_while(|k| table.column(&[&format!("{prefix}{k}")])).collect()
}

/// Columns as positions in their words, which are those given or those found, and the words.
fn positions(
    table: &TextTable,
    at: &[usize],
    words: Option<&[String]>,
) -> Result<(Array2<u32>, Vec<String>), DataError> {
    if table.rows.is_empty() {
        return Err(table.malformed("it has no rows"));
    }
    let words = words.map_or_else(|| words_of(table, at), <[String]>::to_vec);
    let index: HashMap<&str, u32> = words.iter().map(String::as_str).zip(0..).collect();
    let mut values = Vec::with_capacity(table.rows.len() * at.len());
    for row in &table.rows {
        for &column in at {
            let known = index.get(row.fields[column].as_str()).filter(|_| !row.fields[column].is_empty());
            let expected = || format!("expected one of {}", words.join(", "));
            values.push(*known.ok_or_else(|| table.wrong(row, column, expected()))?);
        }
    }
    Ok((Array2::from_shape_vec((table.rows.len(), at.len()), values).expect("one value a field"), words))
}

/// The words of columns but the empty one: numbers by size, then others by letter.
fn words_of(table: &TextTable, at: &[usize]) -> Vec<String> {
    let found = table.rows.iter().flat_map(|row| at.iter().map(|&column| row.fields[column].clone()));
    let mut words: Vec<String> = found.filter(|word| !word.is_empty()).collect::<BTreeSet<_>>().into_iter().collect();
    words.sort_by_key(|word| word.parse::<i64>().unwrap_or(i64::MAX));
    words
}
