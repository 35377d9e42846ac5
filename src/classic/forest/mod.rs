//! Random forests: grown here or read as node tables, evaluated node by node or as matrix products.

mod file;
mod grow;
mod matrix;
mod onnx;
mod tree;

pub use file::NamedForest;
pub use grow::{Answers, Grown, Growth};
pub use matrix::MatrixForm;
pub use tree::{Node, NodeTable, Tree};

use ndarray::{Array2, ArrayView2};

use crate::classic::ClassicError;

/// Trees whose mean is the prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    trees: Vec<Tree>,
}

impl Forest {
    /// A forest of these trees.
    ///
    /// # Errors
    /// No tree, or trees whose leaves differ in width.
    pub fn new(trees: Vec<Tree>) -> Result<Self, ClassicError> {
        let Some(wanted) = trees.first().map(Tree::width) else {
            return Err(ClassicError::Length { what: "trees", found: 0, wanted: 1 });
        };
        match trees.iter().map(Tree::width).find(|found| *found != wanted) {
            Some(found) => Err(ClassicError::Length { what: "values per leaf", found, wanted }),
            None => Ok(Self { trees }),
        }
    }

    /// The trees.
    pub fn trees(&self) -> &[Tree] {
        &self.trees
    }

    /// Columns that its rows need at least: one more than the last that a split reads.
    pub fn columns(&self) -> usize {
        let nodes = self.trees.iter().flat_map(Tree::nodes);
        let read = nodes.map(|node| if let Node::Split { feature, .. } = node { feature + 1 } else { 0 });
        read.max().unwrap_or(0)
    }

    /// Values per leaf: the number of classes, or 1.
    pub fn width(&self) -> usize {
        self.trees.first().map_or(0, Tree::width)
    }

    /// The same splits with other values of the leaves.
    pub fn map_values(&self, map: impl Fn(f64) -> f64) -> Self {
        Self { trees: self.trees.iter().map(|tree| tree.map_values(&map)).collect() }
    }

    /// (rows, values): class probabilities or means for `rows` (rows, columns) without NaN. Single precision goes in as
    /// in scikit-learn, which compares it with double precision thresholds.
    pub fn predict(&self, rows: ArrayView2<'_, f32>) -> Array2<f64> {
        let mut sums = Array2::zeros((rows.nrows(), self.width()));
        for (row, mut sums) in rows.rows().into_iter().zip(sums.rows_mut()) {
            for tree in &self.trees {
                sums.iter_mut().zip(tree.value(row)).for_each(|(sum, value)| *sum += value);
            }
        }
        sums / self.trees.len() as f64
    }
}
