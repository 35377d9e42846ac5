//! Agglomerative clustering.

use kodama::Method;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

/// The distance between two groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Linkage {
    /// The mean distance of their rows (Sokal and Michener 1958). Far rows stay groups of their own.
    #[default]
    Average,
    /// The growth of the squared deviations by a merge (Ward 1963, doi 10.1080/01621459.1963.10500845). Groups are of similar
    /// size.
    Ward,
}

/// The group of each of `rows` (rows, width), 0 upwards in the order of first rows: at most `most` groups by Euclidean
/// distances, as `fcluster(linkage(rows, "average"), most, "maxclust")` of SciPy. Merges at one distance happen together, so
/// there may be fewer groups. Memory and time grow with the square of the rows.
pub fn agglomerate(rows: ArrayView2<'_, f64>, most: usize, linkage: Linkage) -> Vec<usize> {
    let count = rows.nrows();
    if count <= most.max(1) {
        return (0..count).collect();
    }
    let mut distances = Vec::with_capacity(count * (count - 1) / 2);
    for i in 0..count {
        for j in i + 1..count {
            let squares = rows.row(i).iter().zip(rows.row(j)).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
            distances.push(squares.sqrt());
        }
    }
    let method = match linkage {
        Linkage::Average => Method::Average,
        Linkage::Ward => Method::Ward,
    };
    let tree = kodama::linkage(&mut distances, count, method);
    // Both linkages are monotone: later merges are never at a smaller distance.
    let last = tree.steps()[count - most.max(1) - 1].dissimilarity;
    let mut group: Vec<usize> = (0..2 * count - 1).collect();
    for (k, step) in tree.steps().iter().enumerate().filter(|(_, step)| step.dissimilarity <= last) {
        (group[step.cluster1], group[step.cluster2]) = (count + k, count + k);
    }
    let root = |mut at: usize| {
        while group[at] != at {
            at = group[at];
        }
        at
    };
    let mut roots: Vec<usize> = Vec::new();
    let number = |row: usize| {
        let own = root(row);
        roots.iter().position(|known| *known == own).unwrap_or_else(|| {
            roots.push(own);
            roots.len() - 1
        })
    };
    (0..count).map(number).collect()
}
