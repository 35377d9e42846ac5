//! A table as fields of text, from any format: which fields are numbers, which are words, and the class of each row.

use ndarray::Array2;

use super::{Column, DataError, Part, Samples, Tabular};

/// Texts of a value that is not known.
const GAPS: [&str; 6] = ["", "?", "NA", "NaN", "nan", "<null>"];

/// Of a column whose kind is not declared, the share of numbers from which on a value that is none is a mistake.
const MOSTLY: f64 = 0.9;

/// Rows of fields, all of one width, that are to become a table.
pub(super) struct Grid<'a> {
    /// Names the source in messages.
    pub place: &'a str,
    /// One per column.
    pub names: Vec<String>,
    /// The kind that the file declares for each column.
    pub kinds: Vec<Kind>,
    /// The column that holds the class.
    pub class: usize,
    /// The rows.
    pub lines: Vec<Line>,
}

/// The kind that a file declares for a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Nothing: its fields decide.
    Unknown,
    /// It holds numbers.
    Numbers,
    /// It holds words, whichever.
    #[cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "only Parquet files declare it"))]
    Text,
    /// It holds these words.
    Words(Vec<String>),
}

/// One row with its number from 1.
pub(super) struct Line {
    pub number: u64,
    pub fields: Vec<String>,
}

impl Line {
    pub(super) fn gap(&self, index: usize) -> bool {
        GAPS.contains(&self.fields[index].as_str())
    }

    pub(super) fn number_at(&self, index: usize) -> Option<f64> {
        self.fields[index].parse().ok()
    }
}

impl Grid<'_> {
    /// The table.
    ///
    /// # Errors
    /// A value that is no number or none of the words of its column, a row without class, fewer than two classes; each
    /// by line and column.
    pub(super) fn table(self) -> Result<Tabular, DataError> {
        let width = self.names.len();
        let mut columns = Vec::new();
        let mut values = Array2::zeros((self.lines.len(), width - 1));
        for index in (0..width).filter(|index| *index != self.class) {
            let (words, numbers) = self.column(index)?;
            for (row, number) in numbers.into_iter().enumerate() {
                values[[row, columns.len()]] = number;
            }
            columns.push(Column { name: self.names[index].clone(), words });
        }
        Ok(Tabular { values, columns, samples: self.samples()? })
    }

    /// The words of a column, if it is not numbers, and its values.
    fn column(&self, index: usize) -> Result<(Option<Vec<String>>, Vec<f32>), DataError> {
        let known = || self.lines.iter().filter(|line| !line.gap(index));
        let found = || sorted(known().map(|line| line.fields[index].clone()).collect());
        let words: Option<Vec<String>> = match &self.kinds[index] {
            Kind::Numbers => None,
            Kind::Words(words) => Some(words.clone()),
            Kind::Text => Some(found()),
            Kind::Unknown => {
                let numbers = known().filter(|line| line.number_at(index).is_some()).count();
                let mostly = numbers as f64 >= MOSTLY * known().count() as f64;
                (!mostly).then(found)
            }
        };
        let value = |line: &Line| {
            if line.gap(index) {
                return Ok(f32::NAN);
            }
            match &words {
                Some(words) => match words.iter().position(|word| *word == line.fields[index]) {
                    Some(place) => Ok(place as f32),
                    None => Err(self.wrong(line, index, format!("expected one of {}", words.join(", ")))),
                },
                None => match line.number_at(index).map(|v| v as f32).filter(|v| v.is_finite()) {
                    Some(value) => Ok(value),
                    None => Err(self.wrong(line, index, "expected a finite number, or ? for a gap".into())),
                },
            }
        };
        let values = self.lines.iter().map(value).collect::<Result<_, _>>()?;
        Ok((words, values))
    }

    fn samples(&self) -> Result<Samples, DataError> {
        let Self { place, class, ref lines, .. } = *self;
        if let Some(line) = lines.iter().find(|line| line.gap(class)) {
            return Err(self.wrong(line, class, "every row needs a class".into()));
        }
        let classes = sorted(lines.iter().map(|line| line.fields[class].clone()).collect());
        if classes.len() < 2 {
            let (only, name) = (&classes[0], &self.names[class]);
            let reason = format!("every row is of class `{only}` (column `{name}`); expected at least two classes");
            return Err(DataError::malformed(place, reason));
        }
        let label = |line: &Line| {
            classes.iter().position(|class_name| *class_name == line.fields[class]).expect("classes hold every field")
        };
        Ok(Samples {
            source: place.into(),
            ids: lines.iter().map(|line| format!("line {}", line.number)).collect(),
            labels: lines.iter().map(label).collect(),
            parts: vec![Part::Train; lines.len()],
            groups: Vec::new(),
            classes,
        })
    }

    fn wrong(&self, line: &Line, index: usize, reason: String) -> DataError {
        DataError::Field {
            place: self.place.into(),
            line: line.number,
            column: self.names[index].clone(),
            value: line.fields[index].clone(),
            reason,
        }
    }
}

/// Each word once: numbers by size, else by letters.
fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words.dedup();
    if words.iter().all(|word| word.parse::<f64>().is_ok()) {
        let number = |word: &String| word.parse::<f64>().unwrap_or(f64::NAN);
        words.sort_by(|a, b| number(a).total_cmp(&number(b)));
    }
    words
}
