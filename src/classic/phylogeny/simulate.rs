//! Columns drawn under F81.

use crate::classic::phylogeny::{MISSING, Site, Tree};
use crate::math::Stream;

/// Draws a column that starts with `base` at the leaf `reference` and evolves outward along the tree. F81 is reversible, so
/// a base drawn from the frequencies of the site makes the whole column a draw of the model. Each other leaf is missing with
/// the probability `missing`.
///
/// # Panics
/// If the tree has no such leaf.
pub fn evolve(tree: &Tree, site: &Site, (reference, base): (usize, u8), missing: f64, stream: &mut Stream) -> Vec<u8> {
    let mut bases = vec![base; tree.nodes.len()];
    for (node, from, length) in tree.outward(reference) {
        bases[node] = draw(&site.transition(bases[from], length), stream);
    }
    let column = tree.leaf_nodes().into_iter().enumerate();
    column.map(|(k, node)| if k != reference && stream.uniform() < missing { MISSING } else { bases[node] }).collect()
}

/// A base from its probabilities.
pub(crate) fn draw(chances: &[f64; 4], stream: &mut Stream) -> u8 {
    let mut left = stream.uniform() * chances.iter().sum::<f64>();
    for (base, chance) in chances.iter().enumerate() {
        left -= chance;
        if left < 0.0 {
            return base as u8;
        }
    }
    3
}
