//! Conformal prediction: intervals whose coverage holds for any model, as long as calibration and test scores are
//! exchangeable. n counts what is exchangeable: cells, patients, not the points of one trajectory.
//!
//! A score measures how far a prediction was off: |y - ŷ| ([`absolute`]), the same in units of a predicted spread
//! ([`normalized`]), or the distance outside predicted quantiles ([`outside`]). Calibration turns scores of held-out
//! rows into a radius q. The interval is everything with a score up to q.

use std::collections::BTreeMap;

/// |y - ŷ|; interval ŷ ± q.
pub fn absolute(truth: f64, prediction: f64) -> f64 {
    (truth - prediction).abs()
}

/// |y - ŷ| / σ̂; interval ŷ ± q σ̂ (Lei et al. 2018, arXiv:1604.04173, section 5.2).
pub fn normalized(truth: f64, prediction: f64, spread: f64) -> f64 {
    (truth - prediction).abs() / spread
}

/// max(lo - y, y - hi), negative inside; interval [lo - q, hi + q]: conformalized quantile regression (Romano et al.
/// 2019, arXiv:1905.03222, eq. 6).
pub fn outside(truth: f64, low: f64, high: f64) -> f64 {
    (low - truth).max(truth - high)
}

/// The largest score of each group, for intervals that hold for all points of a group at once.
pub fn largest_by_group(scores: &[f64], groups: &[u32]) -> Vec<f64> {
    let mut largest: BTreeMap<u32, f64> = BTreeMap::new();
    for (&score, &group) in scores.iter().zip(groups) {
        largest.entry(group).and_modify(|known| *known = known.max(score)).or_insert(score);
    }
    largest.into_values().collect()
}

/// The k-th smallest of n scores, k = ⌈(n + 1)(1 - `alpha`)⌉: an interval of this radius covers a new exchangeable point
/// with probability at least 1 - alpha (Vovk et al. 2005; Lei et al. 2018, arXiv:1604.04173, section 2.2). Infinite
/// where k > n: so few scores do not suffice. Below zero, an interval that nothing is in, where `alpha` is 1 or
/// more: nothing is to be covered.
///
/// ```
/// let scores = [0.3, 0.1, 0.2, 0.4];
/// assert_eq!(qgraft::study::conformal::split(&scores, 0.4), 0.3);
/// assert_eq!(qgraft::study::conformal::split(&scores, 0.1), f64::INFINITY);
/// ```
pub fn split(scores: &[f64], alpha: f64) -> f64 {
    // 1 - 0.9 is not 0.1: without the slack, (n + 1)(1 - alpha) can be slightly above a whole number.
    let rank = ((scores.len() as f64 + 1.0) * (1.0 - alpha) - 1e-9).ceil().max(0.0) as usize;
    if rank == 0 {
        return f64::NEG_INFINITY;
    }
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(rank - 1).copied().unwrap_or(f64::INFINITY)
}

/// As [`split`] under covariate shift: the smallest score at which the weights of all scores up to it reach 1 - `alpha`
/// of their sum with `test_weight` (Tibshirani et al. 2019, arXiv:1904.06019, corollary 1). Weights are density ratios
/// of test to calibration at each row, up to a common factor, one per score. Infinite where the test row outweighs the
/// others, below zero as there.
pub fn weighted(scores: &[f64], weights: &[f64], test_weight: f64, alpha: f64) -> f64 {
    if alpha >= 1.0 {
        return f64::NEG_INFINITY;
    }
    let total = weights.iter().sum::<f64>() + test_weight;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let mut reached = 0.0;
    for row in order {
        reached += weights[row] / total;
        if reached >= 1.0 - alpha - 1e-12 {
            return scores[row];
        }
    }
    f64::INFINITY
}

/// [`split`] within each group (Mondrian calibration: Vovk et al. 2005), for coverage in each group by itself. A group
/// without scores has no entry.
pub fn by_group(scores: &[f64], groups: &[u32], alpha: f64) -> BTreeMap<u32, f64> {
    let mut members: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for (&score, &group) in scores.iter().zip(groups) {
        members.entry(group).or_default().push(score);
    }
    members.into_iter().map(|(group, scores)| (group, split(&scores, alpha))).collect()
}

/// Adaptive conformal inference on a stream: after each point α ← α + γ (target - err), err = 1 if the point was missed
/// (Gibbs & Candès 2021, arXiv:2106.00170, eq. 2). α may leave 0..1; [`split`] then returns the empty interval or the
/// whole line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adaptive {
    /// The current miscoverage level.
    pub alpha: f64,
    target: f64,
    step: f64,
}

impl Adaptive {
    /// Starts at the miscoverage aimed at. `step` is γ, 0.005 in the paper.
    pub fn new(target: f64, step: f64) -> Self {
        Self { alpha: target, target, step }
    }

    /// The level after an interval that covered its point or missed it.
    pub fn update(&mut self, covered: bool) {
        self.alpha += self.step * (self.target - if covered { 0.0 } else { 1.0 });
    }
}

/// Coverage and width of intervals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Share of truths inside, ends included.
    pub coverage: f64,
    /// Mean width; infinite if one interval is.
    pub width: f64,
    /// Mean of width + 2/α times the distance outside: lower is better, and the true quantiles minimise it (Winkler
    /// 1972, doi 10.1080/01621459.1972.10481224; Gneiting & Raftery 2007, section 6.2).
    pub winkler: f64,
}

/// Quality of `intervals` (low, high) made for miscoverage `alpha`; `None` of nothing.
pub fn quality(truths: &[f64], intervals: &[(f64, f64)], alpha: f64) -> Option<Quality> {
    if truths.is_empty() || truths.len() != intervals.len() {
        return None;
    }
    let mean = |of: &dyn Fn(f64, (f64, f64)) -> f64| {
        truths.iter().zip(intervals).map(|(&truth, &interval)| of(truth, interval)).sum::<f64>() / truths.len() as f64
    };
    Some(Quality {
        coverage: mean(&|y, (low, high)| if low <= y && y <= high { 1.0 } else { 0.0 }),
        width: mean(&|_, (low, high)| high - low),
        winkler: mean(&|y, (low, high)| high - low + 2.0 / alpha * outside(y, low, high).max(0.0)),
    })
}
