//! A tree from an alignment: distances between its rows, joined.

use ndarray::Array2;

use crate::classic::ClassicError;
use crate::classic::phylogeny::tree::Node;
use crate::classic::phylogeny::{MISSING, Tree};

/// The largest distance that is estimated; beyond it differing bases say nothing.
const FARTHEST: f64 = 3.0;

/// Distances between rows in substitutions per site under F81 (Tajima & Nei 1984): -B log(1 - p / B), p the share of
/// compared columns in which two rows differ, B = 1 - Σ π² with π the base composition of all rows. Rows that are never
/// compared, or differ as much as by chance, have the distance 3. `columns` have one base for each of `rows` rows.
pub fn distances<'a>(columns: impl Iterator<Item = &'a [u8]>, rows: usize) -> Array2<f64> {
    let (mut compared, mut differing) = (Array2::<f64>::zeros((rows, rows)), Array2::<f64>::zeros((rows, rows)));
    let mut counts = [0.0; 4];
    for column in columns {
        for a in (0..rows).filter(|&a| column[a] < MISSING) {
            counts[column[a] as usize] += 1.0;
            for b in (a + 1..rows).filter(|&b| column[b] < MISSING) {
                compared[(a, b)] += 1.0;
                differing[(a, b)] += f64::from(u8::from(column[a] != column[b]));
            }
        }
    }
    let total: f64 = counts.iter().sum::<f64>().max(1.0);
    let most = 1.0 - counts.iter().map(|count| (count / total).powi(2)).sum::<f64>();
    Array2::from_shape_fn((rows, rows), |(a, b)| {
        let pair = (a.min(b), a.max(b));
        let share = differing[pair] / compared[pair];
        match a == b {
            true => 0.0,
            false if share < most => (-most * (1.0 - share / most).ln()).min(FARTHEST),
            false => FARTHEST,
        }
    })
}

/// The tree that neighbour joining (Saitou & Nei 1987) makes of pairwise distances. Negative branches become 0. Of three rows
/// left the last three branches meet at the root.
///
/// # Errors
/// Fewer than two names, a name twice, or a table of another size.
pub fn neighbour_joining(names: &[&str], distances: &Array2<f64>) -> Result<Tree, ClassicError> {
    if distances.dim() != (names.len(), names.len()) {
        let (what, found) = ("rows of the table of distances", distances.nrows());
        return Err(ClassicError::Length { what, found, wanted: names.len() });
    }
    let leaf = |name: &&str| Node { parent: None, length: 0.0, name: name.to_string(), is_leaf: true };
    let mut nodes: Vec<Node> = names.iter().map(leaf).collect();
    let mut living: Vec<usize> = (0..nodes.len()).collect();
    let mut apart: Vec<Vec<f64>> = distances.rows().into_iter().map(|row| row.to_vec()).collect();
    while living.len() > 2 {
        let count = living.len();
        let sums: Vec<f64> = (0..count).map(|i| apart[i].iter().sum()).collect();
        let mut best = (0, 1, f64::INFINITY);
        for i in 0..count {
            for j in i + 1..count {
                let score = (count - 2) as f64 * apart[i][j] - sums[i] - sums[j];
                if score < best.2 {
                    best = (i, j, score);
                }
            }
        }
        let (i, j, _) = best;
        let between = apart[i][j];
        let first = 0.5 * (between + (sums[i] - sums[j]) / (count - 2) as f64);
        let joined = nodes.len();
        nodes.push(Node { parent: None, length: 0.0, name: String::new(), is_leaf: false });
        for (row, length) in [(i, first), (j, between - first)] {
            nodes[living[row]].parent = Some(joined);
            nodes[living[row]].length = length.clamp(0.0, between.max(0.0));
        }
        let to_joined: Vec<f64> = (0..count).map(|k| 0.5 * (apart[i][k] + apart[j][k] - between)).collect();
        for (k, row) in apart.iter_mut().enumerate() {
            row[i] = to_joined[k];
            row.remove(j);
        }
        apart[i] = to_joined;
        apart[i].remove(j);
        apart[i][i] = 0.0;
        apart.remove(j);
        living[i] = joined;
        living.remove(j);
    }
    let root = nodes.len();
    if let [first, second] = living[..] {
        let length = apart[0][1].max(0.0);
        match nodes[second].is_leaf && nodes[first].is_leaf {
            // Two leaves meet half way.
            true => {
                nodes.push(Node { parent: None, length: 0.0, name: String::new(), is_leaf: false });
                for leaf in [first, second] {
                    (nodes[leaf].parent, nodes[leaf].length) = (Some(root), 0.5 * length);
                }
            }
            false => {
                let (below, above) = if nodes[second].is_leaf { (second, first) } else { (first, second) };
                (nodes[below].parent, nodes[below].length) = (Some(above), length);
            }
        }
    }
    Tree::new(nodes)
}
