//! Sequences of tokens with labels: of a task, of pictures, or of a file.

use std::path::Path;

use ndarray::{Array2, Axis, s};
use serde::{Deserialize, Serialize};

use crate::data::digits;
use crate::math::Stream;
use crate::study::StudyError;
use crate::systems::equivariance::tasks::{POSITIONS, TaskRow};

/// Setting of the pictures of digits: 8 · 8 positions, the grey level as token.
pub const DIGITS: &str = "digits";

/// Setting of the rows of an own file.
pub const OWN: &str = "data";

/// Grey levels of the digits.
const LEVELS: usize = 17;

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
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let table = Table::read(path)?;
        let (tokens, vocabulary) = table.columns("x", None)?;
        let (labels, classes) = match table.has("y") {
            true => table.column("y")?,
            false => table.columns("y", None)?,
        };
        if tokens.ncols() == 0 || labels.ncols() == 0 {
            return Err(table.refuse("it needs the columns x1, x2, … and y1, y2, … or y".into()));
        }
        let is_whole = table.has("y");
        if !is_whole && labels.ncols() != tokens.ncols() {
            let (x, y) = (tokens.ncols(), labels.ncols());
            return Err(table.refuse(format!("{x} columns x but {y} columns y: every position needs a label")));
        }
        if classes.len() < 2 {
            return Err(table.refuse(format!("every label is {:?}: there is nothing to learn", classes.concat())));
        }
        let form = Form { positions: tokens.ncols(), tokens: vocabulary, classes, is_whole };
        Ok(Self { form, tokens, labels })
    }

    /// The tokens of a table whose words a form knows, and the labels if it has them.
    ///
    /// # Errors
    /// As [`Sequences::read`], and a word that the form does not know.
    pub fn read_as(form: &Form, path: &Path) -> Result<(Array2<u32>, Option<Array2<u32>>), StudyError> {
        let table = Table::read(path)?;
        let tokens = table.columns("x", Some(&form.tokens))?.0;
        if tokens.ncols() != form.positions {
            return Err(table.refuse(format!(
                "{} columns x1, x2, …, the model reads {}",
                tokens.ncols(),
                form.positions
            )));
        }
        let labels = match form.is_whole {
            true if table.has("y") => Some(table.named(&["y".into()], Some(&form.classes))?.0),
            false if table.has("y1") => Some(table.columns("y", Some(&form.classes))?.0),
            _ => None,
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

    /// Share of the most frequent label.
    pub fn majority(&self) -> f64 {
        let mut counts = vec![0usize; self.form.classes.len()];
        self.labels.iter().for_each(|&label| counts[label as usize] += 1);
        counts.into_iter().max().unwrap_or(0) as f64 / self.labels.len().max(1) as f64
    }
}

/// A table of words.
struct Table {
    path: std::path::PathBuf,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn read(path: &Path) -> Result<Self, StudyError> {
        let text = crate::data::read_text(path)?;
        let place = |reason: String| StudyError::Settings { reason: format!("{}: {reason}", path.display()) };
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(crate::data::chosen_separator(&text))
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let header = reader.headers().map_err(|e| place(e.to_string()))?.iter().map(String::from).collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            rows.push(record.map_err(|e| place(e.to_string()))?.iter().map(String::from).collect());
        }
        let table = Self { path: path.into(), header, rows };
        if table.rows.is_empty() { Err(table.refuse("it has no rows".into())) } else { Ok(table) }
    }

    fn refuse(&self, reason: String) -> StudyError {
        StudyError::Settings { reason: format!("{}: {reason}", self.path.display()) }
    }

    fn has(&self, name: &str) -> bool {
        self.header.iter().any(|own| own == name)
    }

    /// The columns prefix1, prefix2, … as positions in their words, which are those given or those found.
    fn columns(&self, prefix: &str, words: Option<&[String]>) -> Result<(Array2<u32>, Vec<String>), StudyError> {
        let names: Vec<String> = (1..).map(|k| format!("{prefix}{k}")).take_while(|name| self.has(name)).collect();
        self.named(&names, words)
    }

    fn column(&self, name: &str) -> Result<(Array2<u32>, Vec<String>), StudyError> {
        self.named(&[name.to_string()], None)
    }

    fn named(&self, names: &[String], words: Option<&[String]>) -> Result<(Array2<u32>, Vec<String>), StudyError> {
        let at: Vec<usize> = names.iter().filter_map(|name| self.header.iter().position(|own| own == name)).collect();
        let words = words.map_or_else(|| self.words(&at), <[String]>::to_vec);
        let index: std::collections::HashMap<&str, u32> = words.iter().map(String::as_str).zip(0..).collect();
        let mut values = Vec::with_capacity(self.rows.len() * at.len());
        for (number, row) in self.rows.iter().enumerate() {
            for &column in &at {
                let word = row[column].as_str();
                let field = || format!("line {}, column {}", number + 2, self.header[column]);
                if word.is_empty() {
                    return Err(self.refuse(format!("{}: empty", field())));
                }
                let known = || format!("{}: {word:?} is unknown; the model knows {}", field(), words.join(", "));
                values.push(*index.get(word).ok_or_else(|| self.refuse(known()))?);
            }
        }
        let table = Array2::from_shape_vec((self.rows.len(), at.len()), values).expect("one value a field");
        Ok((table, words))
    }

    /// The words of columns: numbers by size, then others by letter.
    fn words(&self, at: &[usize]) -> Vec<String> {
        let found = self.rows.iter().flat_map(|row| at.iter().map(|&column| row[column].clone()));
        let mut words: Vec<String> = found.collect::<std::collections::BTreeSet<_>>().into_iter().collect();
        words.sort_by_key(|word| word.parse::<i64>().unwrap_or(i64::MAX));
        words
    }
}
