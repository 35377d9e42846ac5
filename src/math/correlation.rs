//! Correlations of two lists: Pearson's r, Spearman's ρ, Kendall's τ.

/// Pearson's correlation; `None` of fewer than two pairs, lists of different length or one without spread.
pub fn pearson(one: &[f64], two: &[f64]) -> Option<f64> {
    // Deviations from a rounded mean of equal values are not 0.
    let varies = |values: &[f64]| values.iter().any(|value| *value != values[0]);
    if one.len() != two.len() || !varies(one) || !varies(two) {
        return None;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (own, other) = (mean(one), mean(two));
    let sum = |f: &dyn Fn(f64, f64) -> f64| one.iter().zip(two).map(|(a, b)| f(a - own, b - other)).sum::<f64>();
    let spread = (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt();
    (spread > 0.0).then(|| sum(&|a, b| a * b) / spread)
}

/// Spearman's rank correlation, equal values with their mean rank; `None` as [`pearson`].
///
/// ```
/// use qgraft::math::correlation::spearman;
/// assert_eq!(spearman(&[1.0, 2.0, 3.0], &[10.0, 100.0, 1000.0]), Some(1.0));
/// ```
pub fn spearman(one: &[f64], two: &[f64]) -> Option<f64> {
    pearson(&ranks(one), &ranks(two))
}

/// Kendall's τ_b: pairs in the same order less pairs in opposite order, over the geometric mean of the pairs that are not tied in
/// each list (Kendall 1945). Infinite values count, as failures may. `None` as [`pearson`], and with a NaN.
///
/// ```
/// use qgraft::math::correlation::kendall;
/// assert_eq!(kendall(&[1.0, 2.0, 3.0], &[1.0, 3.0, 2.0]), Some(1.0 / 3.0));
/// ```
pub fn kendall(one: &[f64], two: &[f64]) -> Option<f64> {
    if one.len() != two.len() {
        return None;
    }
    let (mut difference, mut untied) = (0.0, [0.0f64; 2]);
    for i in 0..one.len() {
        for j in 0..i {
            let (a, b) = (order(one[i], one[j]), order(two[i], two[j]));
            difference += a * b;
            untied[0] += a * a;
            untied[1] += b * b;
        }
    }
    let pairs = (untied[0] * untied[1]).sqrt();
    (pairs > 0.0).then(|| difference / pairs)
}

/// 1, 0 or −1; two infinities of one sign are equal.
fn order(one: f64, two: f64) -> f64 {
    one.partial_cmp(&two).map_or(f64::NAN, |order| f64::from(order as i8))
}

/// Ranks from 0, the smallest first; equal values share their mean rank.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let middle = before as f64 + 0.5 * (equal.len() - 1) as f64;
        equal.iter().for_each(|&k| ranks[k] = middle);
        before += equal.len();
    }
    ranks
}
