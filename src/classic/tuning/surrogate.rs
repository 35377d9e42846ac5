//! Forests as surrogates: a mean and a variance for each setting (Hutter, Hoos & Leyton-Brown 2011).

use ndarray::Array2;

use crate::classic::tuning::acquisition::Prediction;
use crate::classic::{Answers, Forest, Growth};

/// A forest on the unit cube.
#[derive(Clone, Debug)]
pub struct ForestSurrogate {
    forest: Forest,
    floor: f64,
}

/// Rows of the unit cube as a forest takes them.
pub fn rows(units: &[Vec<f64>]) -> Array2<f32> {
    let width = units.first().map_or(0, Vec::len);
    Array2::from_shape_fn((units.len(), width), |(row, column)| units[row][column] as f32)
}

impl ForestSurrogate {
    /// Grows `trees` trees on the square root of the columns; `None` of no rows.
    pub fn fit(units: &[Vec<f64>], values: &[f64], trees: usize, seed: u64) -> Option<Self> {
        let width = units.first()?.len();
        let growth = Growth { columns: width.isqrt().max(1), leaf: 1, ..Growth::regressor(trees, width) };
        let forest = Forest::grow(rows(units).view(), Answers::Numbers(values), &growth, seed).forest;
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
        Some(Self { forest, floor: 1e-4 * variance + 1e-12 })
    }

    /// The forest.
    pub fn forest(&self) -> &Forest {
        &self.forest
    }

    /// Mean and variance of the trees, for each row of the unit cube. The variance is at least 10⁻⁴ of that of the values.
    pub fn predict(&self, units: &[Vec<f64>]) -> Vec<Prediction> {
        let rows = rows(units);
        let count = self.forest.trees().len() as f64;
        let one = |row: ndarray::ArrayView1<'_, f32>| {
            let values = || self.forest.trees().iter().map(|tree| tree.value(row)[0]);
            let mean = values().sum::<f64>() / count;
            let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            Prediction { mean, variance: variance.max(self.floor) }
        };
        rows.rows().into_iter().map(one).collect()
    }
}
