//! A tree as matrix products (the GEMM form: Nakandala et al. 2020, Hummingbird, OSDI, section 4.1).

use ndarray::{Array1, Array2, ArrayView2};

use crate::classic::forest::{Forest, Node, Tree};

/// The five tensors of a tree with I splits and L leaves over d columns.
#[derive(Clone, Debug)]
pub struct MatrixForm {
    /// A (d, I): 1 where a split reads a column.
    pub reads: Array2<f64>,
    /// t (I): thresholds.
    pub thresholds: Array1<f64>,
    /// C (I, L): 1 where a leaf lies on the left of a split, -1 on the right, 0 elsewhere.
    pub paths: Array2<f64>,
    /// D (L): left turns on the way to a leaf.
    pub turns: Array1<f64>,
    /// E (L, values): the values of the leaves.
    pub values: Array2<f64>,
}

impl MatrixForm {
    /// Of a tree that reads `columns` columns, splits and leaves in the order of its nodes.
    pub fn of(tree: &Tree, columns: usize) -> Self {
        let nodes = tree.nodes();
        let is_leaf = |node: &Node| matches!(node, Node::Leaf { .. });
        let leaves = nodes.iter().filter(|node| is_leaf(node)).count();
        let splits = nodes.len() - leaves;
        let mut form = Self {
            reads: Array2::zeros((columns, splits)),
            thresholds: Array1::zeros(splits),
            paths: Array2::zeros((splits, leaves)),
            turns: Array1::zeros(leaves),
            values: Array2::zeros((leaves, tree.width())),
        };
        // The way to each node: (split, turn); parents come before their children.
        let mut ways: Vec<Vec<(usize, f64)>> = vec![Vec::new(); nodes.len()];
        let (mut split, mut leaf) = (0, 0);
        for (number, node) in nodes.iter().enumerate() {
            let way = std::mem::take(&mut ways[number]);
            match node {
                Node::Split { feature, threshold, left, right } => {
                    form.reads[[*feature, split]] = 1.0;
                    form.thresholds[split] = *threshold;
                    for (child, turn) in [(*left, 1.0), (*right, -1.0)] {
                        ways[child] = [way.as_slice(), &[(split, turn)]].concat();
                    }
                    split += 1;
                }
                Node::Leaf { value } => {
                    for (split, turn) in way {
                        form.paths[[split, leaf]] = turn;
                        form.turns[leaf] += turn.max(0.0);
                    }
                    form.values.row_mut(leaf).iter_mut().zip(value).for_each(|(to, from)| *to = *from);
                    leaf += 1;
                }
            }
        }
        form
    }

    /// `[(S C) = D] E` with `S = [x A ≤ t]`, for rows (rows, d).
    pub fn predict(&self, rows: ArrayView2<'_, f32>) -> Array2<f64> {
        let mut left = rows.mapv(f64::from).dot(&self.reads);
        for mut row in left.rows_mut() {
            row.zip_mut_with(&self.thresholds, |x, t| *x = f64::from(u8::from(*x <= *t)));
        }
        let mut reached = left.dot(&self.paths);
        for mut row in reached.rows_mut() {
            row.zip_mut_with(&self.turns, |found, turns| *found = f64::from(u8::from(*found == *turns)));
        }
        reached.dot(&self.values)
    }
}

impl Forest {
    /// [`predict`](Self::predict) by matrix products, tree by tree.
    pub fn predict_by_matrices(&self, rows: ArrayView2<'_, f32>) -> Array2<f64> {
        let mut sum = Array2::zeros((rows.nrows(), self.width()));
        for tree in &self.trees {
            sum += &MatrixForm::of(tree, rows.ncols()).predict(rows);
        }
        sum / self.trees.len() as f64
    }
}
