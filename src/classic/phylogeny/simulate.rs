//! Columns drawn under F81.

use crate::classic::phylogeny::{MISSING, Site, Tree};
use crate::math::Stream;

/// Columns of a tree, drawn outward from one of its leaves.
///
/// F81 is reversible, so a base that is drawn from the frequencies of its site makes the whole column a draw of the model.
#[derive(Clone, Debug)]
pub struct Evolution {
    /// Branches as (node, node nearer to the reference, length), nearest first.
    branches: Vec<(usize, usize, f64)>,
    /// Nodes of the leaves, in their order.
    leaves: Vec<usize>,
    reference: usize,
}

impl Evolution {
    /// Outward from the leaf with index `reference`.
    ///
    /// # Panics
    /// If the tree has no such leaf.
    pub fn new(tree: &Tree, reference: usize) -> Self {
        Self { branches: tree.outward(reference), leaves: tree.leaf_nodes(), reference }
    }

    /// A column with `base` at the reference. Each other leaf is missing with the probability `missing`.
    pub fn column(&self, site: &Site, base: u8, missing: f64, stream: &mut Stream) -> Vec<u8> {
        let mut bases = vec![base; self.branches.len() + 1];
        for &(node, from, length) in &self.branches {
            bases[node] = draw(&site.transition(bases[from], length), stream);
        }
        let leaf = |(k, &node): (usize, &usize)| {
            let is_missing = k != self.reference && missing > 0.0 && stream.uniform() < missing;
            if is_missing { MISSING } else { bases[node] }
        };
        self.leaves.iter().enumerate().map(leaf).collect()
    }
}

/// A base (0 to 3) from the probabilities of the four.
pub fn draw(chances: &[f64; 4], stream: &mut Stream) -> u8 {
    let mut left = stream.uniform() * chances.iter().sum::<f64>();
    for (base, chance) in chances.iter().enumerate() {
        left -= chance;
        if left < 0.0 {
            return base as u8;
        }
    }
    3
}
