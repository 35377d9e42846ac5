//! A decision tree as its nodes.

use ndarray::ArrayView1;
use serde::Deserialize;

use crate::classic::ClassicError;

/// A node of a tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Rows whose `feature` is at most `threshold` go left. Children come after their parent.
    Split {
        /// Column.
        feature: usize,
        /// Compared with a row's value in double precision.
        threshold: f64,
        /// Number of the left child.
        left: usize,
        /// Number of the right child.
        right: usize,
    },
    /// Where a path ends.
    Leaf {
        /// Values of the leaf: a share per class, or one mean.
        value: Vec<f64>,
    },
}

/// A decision tree; the root is node 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    nodes: Vec<Node>,
    width: usize,
}

impl Tree {
    /// A tree of these nodes.
    ///
    /// # Errors
    /// A child that does not come after its parent or has two parents, a node that nothing leads to, a threshold that
    /// is no number, leaves of different width; by node.
    pub fn new(nodes: Vec<Node>) -> Result<Self, ClassicError> {
        let wrong = |node: usize, reason: String| Err(ClassicError::Node { node, reason });
        let mut width = None;
        let mut parents = vec![0usize; nodes.len()];
        for (number, node) in nodes.iter().enumerate() {
            match node {
                Node::Split { threshold, left, right, .. } => {
                    if threshold.is_nan() {
                        return wrong(number, "the threshold is not a number".into());
                    }
                    for &child in [left, right] {
                        if child <= number || child >= nodes.len() {
                            let last = nodes.len() - 1;
                            return wrong(number, format!("child {child}; expected {} to {last}", number + 1));
                        }
                        parents[child] += 1;
                    }
                }
                Node::Leaf { value } => {
                    let wanted = *width.get_or_insert(value.len());
                    if value.len() != wanted {
                        return wrong(number, format!("a leaf of {} values, others have {wanted}", value.len()));
                    }
                }
            }
        }
        if let Some(node) = (1..nodes.len()).find(|&node| parents[node] != 1) {
            return wrong(node, format!("{} nodes lead to it, expected one", parents[node]));
        }
        // Children come after parents, so the last of any nodes is a leaf.
        let Some(width) = width else { return wrong(0, "a tree needs at least one leaf".into()) };
        Ok(Self { nodes, width })
    }

    /// The nodes, the root first.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Values per leaf.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The values of the leaf of `row` (columns).
    pub fn value(&self, row: ArrayView1<'_, f32>) -> &[f64] {
        let mut at = 0;
        loop {
            match &self.nodes[at] {
                Node::Leaf { value } => return value,
                Node::Split { feature, threshold, left, right } => {
                    at = if f64::from(row[*feature]) <= *threshold { *left } else { *right };
                }
            }
        }
    }

    /// The same splits with other values of the leaves.
    pub(super) fn map_values(&self, map: &impl Fn(f64) -> f64) -> Self {
        let mut tree = self.clone();
        for node in &mut tree.nodes {
            if let Node::Leaf { value } = node {
                value.iter_mut().for_each(|value| *value = map(*value));
            }
        }
        tree
    }

    /// Splits above each leaf, in the order of the leaves.
    pub fn leaf_depths(&self) -> Vec<usize> {
        let mut depths = vec![0; self.nodes.len()];
        for (number, node) in self.nodes.iter().enumerate() {
            if let Node::Split { left, right, .. } = node {
                (depths[*left], depths[*right]) = (depths[number] + 1, depths[number] + 1);
            }
        }
        let leaves = self.nodes.iter().zip(depths).filter(|(node, _)| matches!(node, Node::Leaf { .. }));
        leaves.map(|(_, depth)| depth).collect()
    }
}

/// A tree as the arrays of scikit-learn's `tree_`: the way in for forests that were grown elsewhere.
///
/// ```
/// use qgraft::classic::{NodeTable, Tree};
/// let table = r#"{"feature": [0, -2, -2], "threshold": [0.5, -2, -2], "left": [1, -1, -1], "right": [2, -1, -1],
///                 "value": [[2, 2], [2, 0], [0, 2]]}"#;
/// let tree = Tree::try_from(serde_json::from_str::<NodeTable>(table).unwrap())?;
/// assert_eq!(tree.value(ndarray::array![0.25].view()), [1.0, 0.0]);
/// # Ok::<(), qgraft::classic::ClassicError>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
pub struct NodeTable {
    /// Column of each split; anything at a leaf.
    pub feature: Vec<i64>,
    /// Threshold of each split; anything at a leaf.
    pub threshold: Vec<f64>,
    /// Left child, negative at a leaf.
    pub left: Vec<i64>,
    /// Right child, negative at a leaf.
    pub right: Vec<i64>,
    /// Counts or shares of the classes.
    pub value: Vec<Vec<f64>>,
}

impl TryFrom<NodeTable> for Tree {
    type Error = ClassicError;

    fn try_from(table: NodeTable) -> Result<Self, ClassicError> {
        let wanted = table.feature.len();
        let lengths = [
            ("threshold", table.threshold.len()),
            ("left", table.left.len()),
            ("right", table.right.len()),
            ("value", table.value.len()),
        ];
        if let Some((what, found)) = lengths.into_iter().find(|(_, found)| *found != wanted) {
            return Err(ClassicError::Length { what, found, wanted });
        }
        let node = |node: usize| {
            let (left, right) = (usize::try_from(table.left[node]), usize::try_from(table.right[node]));
            let (Ok(left), Ok(right)) = (left, right) else {
                let total: f64 = table.value[node].iter().sum();
                return Ok(Node::Leaf { value: table.value[node].iter().map(|share| share / total).collect() });
            };
            let feature = usize::try_from(table.feature[node])
                .map_err(|_| ClassicError::Node { node, reason: format!("feature {}", table.feature[node]) })?;
            Ok(Node::Split { feature, threshold: table.threshold[node], left, right })
        };
        Self::new((0..wanted).map(node).collect::<Result<_, ClassicError>>()?)
    }
}
