//! Tests of whether a representation is invariant over environments: permutation tests on features and residuals.

use ndarray::{Array1, Array2, ArrayView2};

use crate::classic::Logistic;
use crate::math::Stream;
use crate::math::order::median;
use crate::study::metric::ranking::area;

/// A statistic with the share of permutations that reach it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tested {
    /// The statistic.
    pub value: f64,
    /// (1 + permutations with at least this value) / (1 + permutations).
    pub p_value: f64,
}

/// The p value of `value` among `permuted`.
fn tested(value: f64, permuted: impl Iterator<Item = f64>) -> Tested {
    let (mut reached, mut count) = (1, 1);
    for other in permuted {
        count += 1;
        // Ties by rounding count against a finding.
        reached += usize::from(other >= value - 1e-12);
    }
    Tested { value, p_value: reached as f64 / count as f64 }
}

/// Whether residuals tell the environment: the area under the ROC curve of a logistic classifier of `environments` on the
/// residual of each row and its absolute value, of each environment against the rest, the largest of them. Under an invariant
/// predictor residuals are distributed alike. The area is taken on the rows that the classifier was fitted on; the
/// permutation of environments has the same advantage. `None` with one environment.
pub fn residual_test(residuals: &[f64], environments: &[u32], permutations: usize, seed: u64) -> Option<Tested> {
    let columns = Array2::from_shape_fn((residuals.len(), 2), |(row, k)| match k {
        0 => residuals[row],
        _ => residuals[row].abs(),
    });
    let count = environments.iter().max().map_or(0, |last| *last as usize + 1);
    let largest = |environments: &[u32]| -> f64 {
        let mut best = 0.5f64;
        // Of two environments one says all.
        for one in 0..if count == 2 { 1 } else { count as u32 } {
            let of: Vec<bool> = environments.iter().map(|own| *own == one).collect();
            let Some(fitted) = Logistic::fit(columns.view(), &of, 1e-3) else { continue };
            let scores: Vec<f64> = columns.rows().into_iter().map(|row| fitted.log_odds(row)).collect();
            best = best.max(area(&scores, &of).unwrap_or(0.5));
        }
        best
    };
    if count < 2 {
        return None;
    }
    let mut stream = Stream::named(seed, "residual test");
    let permuted = (0..permutations).map(|_| {
        let order = stream.permutation(environments.len());
        largest(&order.iter().map(|row| environments[*row]).collect::<Vec<_>>())
    });
    Some(tested(largest(environments), permuted))
}

/// Whether features depend on the environment among rows of one class: the mean over classes, by their rows, of the biased
/// Hilbert–Schmidt independence criterion tr(K H L H) / n² (Gretton et al. 2005) with a Gaussian kernel on `features` (rows,
/// width), whose variance is the median squared distance, and the kernel on environments that is 1 where they agree.
/// Environments are permuted within classes.
pub fn independence_test(
    features: ArrayView2<f64>,
    environments: &[u32],
    labels: &[u32],
    permutations: usize,
    seed: u64,
) -> Option<Tested> {
    let classes = labels.iter().max().map_or(0, |last| *last + 1);
    let mut groups = Vec::new();
    for class in 0..classes {
        let rows: Vec<usize> = (0..labels.len()).filter(|row| labels[*row] == class).collect();
        if rows.len() > 1 {
            groups.push((centred_kernel(features, &rows), rows));
        }
    }
    if groups.is_empty() {
        return None;
    }
    // tr(K H L H) is the sum of (H K H) over pairs of one environment.
    let criterion = |environments: &dyn Fn(usize, usize) -> u32| -> f64 {
        let mut sum = 0.0;
        for (group, (kernel, rows)) in groups.iter().enumerate() {
            let own: Vec<u32> = (0..rows.len()).map(|k| environments(group, k)).collect();
            let mut total = 0.0;
            for ((i, j), value) in kernel.indexed_iter() {
                total += if own[i] == own[j] { *value } else { 0.0 };
            }
            sum += total / rows.len() as f64;
        }
        sum / labels.len() as f64
    };
    let value = criterion(&|group, k| environments[groups[group].1[k]]);
    let mut stream = Stream::named(seed, "independence test");
    let permuted: Vec<f64> = (0..permutations)
        .map(|_| {
            let orders: Vec<Vec<usize>> = groups.iter().map(|(_, rows)| stream.permutation(rows.len())).collect();
            criterion(&|group, k| environments[groups[group].1[orders[group][k]]])
        })
        .collect();
    Some(tested(value, permuted.into_iter()))
}

/// H K H of these rows, K the Gaussian kernel.
fn centred_kernel(features: ArrayView2<f64>, rows: &[usize]) -> Array2<f64> {
    let count = rows.len();
    let distance = |i: usize, j: usize| -> f64 {
        let (a, b) = (features.row(rows[i]), features.row(rows[j]));
        a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
    };
    let distances = Array2::from_shape_fn((count, count), |(i, j)| distance(i, j));
    let apart: Vec<f64> =
        (0..count).flat_map(|i| (i + 1..count).map(move |j| (i, j))).map(|at| distances[at]).collect();
    let variance = median(&apart).filter(|median| *median > 0.0).unwrap_or(1.0);
    let kernel = distances.mapv(|distance| (-0.5 * distance / variance).exp());
    // There is at least one row, so means exist.
    let means = kernel.mean_axis(ndarray::Axis(0)).unwrap_or_else(|| Array1::zeros(count));
    let total = means.mean().unwrap_or(0.0);
    Array2::from_shape_fn((count, count), |(i, j)| kernel[[i, j]] - means[i] - means[j] + total)
}
