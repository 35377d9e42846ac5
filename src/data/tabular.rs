//! Tables whose columns are numbers or words, with gaps.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::Samples;

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, or its number from 1.
    pub name: String,
    /// The words it may hold, if it does not hold numbers.
    pub words: Option<Vec<String>>,
}

/// A table with a class for each row.
#[derive(Clone, Debug)]
pub struct Tabular {
    /// (samples, columns): numbers, or positions in the column's words; NaN is a gap.
    pub values: Array2<f32>,
    /// One per column.
    pub columns: Vec<Column>,
    /// Name of the column that holds the class.
    pub target: String,
    /// Ids, labels and parts; all to learn from when it was read.
    pub samples: Samples,
    /// What was read in another way than it is written: decimal commas, units, numbers read as words.
    pub notices: Vec<String>,
}

/// What estimators read in place of a table's columns: fitted on the rows that are learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Encoder {
    columns: Vec<Encoded>,
}

/// One column and what was measured on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Encoded {
    /// Replacement of a gap: the median, or the most frequent word.
    fill: f32,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    Number { mean: f32, deviation: f32, gaps: bool },
    Words { count: usize },
}

impl Encoder {
    /// Measures `rows` of the table.
    pub fn fit(table: &Tabular, rows: &[usize]) -> Self {
        let column = |(index, column): (usize, &Column)| {
            let known = rows.iter().map(|&row| table.values[[row, index]]).filter(|v| !v.is_nan());
            let mut known: Vec<f32> = known.collect();
            known.sort_by(f32::total_cmp);
            match &column.words {
                Some(words) => Encoded { fill: most_frequent(&known), form: Form::Words { count: words.len() } },
                None => {
                    let fill = known.get(known.len() / 2).copied().unwrap_or(0.0);
                    let count = known.len().max(1) as f64;
                    let mean = known.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
                    let squares: f64 = known.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum();
                    let form = Form::Number {
                        mean: mean as f32,
                        deviation: (squares / count).sqrt() as f32,
                        gaps: known.len() < rows.len(),
                    };
                    Encoded { fill, form }
                }
            }
        };
        Self { columns: table.columns.iter().enumerate().map(column).collect() }
    }

    /// The same columns without gaps: for trees, to which neither scale nor shift matters. (rows, columns).
    pub fn filled(&self, values: ArrayView2<'_, f32>) -> Array2<f32> {
        let mut filled = values.to_owned();
        for (mut column, encoded) in filled.columns_mut().into_iter().zip(&self.columns) {
            column.mapv_inplace(|v| if v.is_nan() { encoded.fill } else { v });
        }
        filled
    }

    /// For networks: numbers with mean 0 and standard deviation 1, and behind those that had gaps a column that marks
    /// them; a column of 0 and 1 per word, all 0 at a gap. (rows, [`width`](Self::width)).
    pub fn encoded(&self, values: ArrayView2<'_, f32>) -> Array2<f32> {
        let mut encoded = Vec::with_capacity(values.nrows() * self.width());
        for row in values.rows() {
            for (&value, Encoded { fill, form }) in row.iter().zip(&self.columns) {
                match *form {
                    Form::Number { mean, deviation, gaps } => {
                        let known = if value.is_nan() { *fill } else { value };
                        // A constant column has no information.
                        encoded.push(if deviation > 0.0 { (known - mean) / deviation } else { 0.0 });
                        encoded.extend(gaps.then_some(f32::from(value.is_nan())));
                    }
                    Form::Words { count } => {
                        encoded.extend((0..count).map(|word| f32::from(value == word as f32)));
                    }
                }
            }
        }
        Array2::from_shape_vec((values.nrows(), self.width()), encoded).expect("every row gave `width` numbers")
    }

    /// Standard deviation of each column; 1 for words and for what never changes.
    pub fn deviations(&self) -> Vec<f64> {
        let deviation = |encoded: &Encoded| match encoded.form {
            Form::Number { deviation, .. } if deviation > 0.0 => deviation.into(),
            _ => 1.0,
        };
        self.columns.iter().map(deviation).collect()
    }

    /// Number of columns that are read.
    pub fn columns(&self) -> usize {
        self.columns.len()
    }

    /// How many numbers [`encoded`](Self::encoded) makes of a row.
    pub fn width(&self) -> usize {
        let width = |encoded: &Encoded| match encoded.form {
            Form::Number { gaps, .. } => 1 + usize::from(gaps),
            Form::Words { count } => count,
        };
        self.columns.iter().map(width).sum()
    }
}

/// Of sorted values, the first of equally frequent ones; 0 of none.
fn most_frequent(sorted: &[f32]) -> f32 {
    let runs = sorted.chunk_by(|a, b| a == b);
    runs.rev().max_by_key(|run| run.len()).map_or(0.0, |run| run[0])
}
