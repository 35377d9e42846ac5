//! Statistics of small diagnostic studies: exact intervals of shares, the area under the ROC curve with its variance, paired tests
//! of two classifiers, agreement of readers.
//!
//! Units are independent cases, usually patients. `tests/it/diagnostic.rs` compares each function with scipy, statsmodels and
//! scikit-learn.

use statrs::distribution::{Beta, Binomial, ContinuousCDF, DiscreteCDF, Normal};

use crate::math::Stream;
use crate::study::metric::ranking::{area, placements};
use crate::study::stats::{Interval, quantile};

/// Interval of a share with `hits` of `of` cases by the binomial distribution (Clopper & Pearson 1934, doi 10.1093/biomet/26.4.404):
/// it covers the true share at least as often as `level` says. `None` without cases, with more hits than cases or for a level
/// outside (0, 1).
///
/// ```
/// use qgraft::study::diagnostic::clopper_pearson;
/// let interval = clopper_pearson(20, 21, 0.95).unwrap();
/// assert_eq!((format!("{:.2}", interval.low), format!("{:.3}", interval.high)), ("0.76".into(), "0.999".into()));
/// ```
pub fn clopper_pearson(hits: usize, of: usize, level: f64) -> Option<Interval> {
    if of == 0 || hits > of || !(0.0 < level && level < 1.0) {
        return None;
    }
    let tail = (1.0 - level) / 2.0;
    let (hit, missed) = (hits as f64, (of - hits) as f64);
    let low = if hits == 0 { 0.0 } else { beta_quantile(hit, missed + 1.0, tail)? };
    let high = if hits == of { 1.0 } else { beta_quantile(hit + 1.0, missed, 1.0 - tail)? };
    Some(Interval { low, high, level })
}

/// By halving: the quantile of statrs is exact to 1e-5 only.
fn beta_quantile(a: f64, b: f64, share: f64) -> Option<f64> {
    let beta = Beta::new(a, b).ok()?;
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if beta.cdf(middle) < share { low = middle } else { high = middle }
    }
    Some(0.5 * (low + high))
}

/// The area under a ROC curve with what its variance is made of (DeLong, DeLong & Clarke-Pearson 1988, doi 10.2307/2531595).
#[derive(Clone, Debug, PartialEq)]
pub struct RocArea {
    /// The area, 0 to 1, ties counted half.
    pub area: f64,
    /// For each positive case the share of negative ones that it ranks above, and for each negative case the share of positive
    /// ones above it.
    placements: [Vec<f64>; 2],
}

/// Two areas on the same cases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AreaDifference {
    /// The first area minus the second.
    pub difference: f64,
    /// Its standard error.
    pub error: f64,
    /// Two-sided p of equal areas; 1 where the placements are the same.
    pub p: f64,
}

impl RocArea {
    /// Of scores that rise with the chance of being positive. `None` with fewer than two cases of either kind, which have no
    /// variance, lists of different length or a NaN.
    pub fn new(scores: &[f64], is_positive: &[bool]) -> Option<Self> {
        if scores.len() != is_positive.len() || scores.iter().any(|score| score.is_nan()) {
            return None;
        }
        let placements = placements(scores, is_positive);
        if placements.iter().any(|own| own.len() < 2) {
            return None;
        }
        Some(Self { area: area(scores, is_positive)?, placements })
    }

    /// Variance of the area.
    pub fn variance(&self) -> f64 {
        self.covariance(self)
    }

    fn covariance(&self, other: &Self) -> f64 {
        let of = |own: &[f64], theirs: &[f64]| {
            let count = own.len() as f64;
            let mean = |values: &[f64]| values.iter().sum::<f64>() / count;
            let (a, b) = (mean(own), mean(theirs));
            own.iter().zip(theirs).map(|(x, y)| (x - a) * (y - b)).sum::<f64>() / (count - 1.0) / count
        };
        (0..2).map(|kind| of(&self.placements[kind], &other.placements[kind])).sum()
    }

    /// Normal interval of the area, cut at 0 and 1; `None` for a level outside (0, 1). An area of 0 or 1 has no width: its
    /// variance cannot be estimated this way.
    pub fn interval(&self, level: f64) -> Option<Interval> {
        let half = (0.0 < level && level < 1.0)
            .then(|| Normal::standard().inverse_cdf(0.5 + level / 2.0) * self.variance().max(0.0).sqrt())?;
        Some(Interval { low: (self.area - half).max(0.0), high: (self.area + half).min(1.0), level })
    }

    /// Compares with another classifier on the same cases in the same order; `None` if their numbers differ.
    pub fn minus(&self, other: &Self) -> Option<AreaDifference> {
        if self.placements.each_ref().map(Vec::len) != other.placements.each_ref().map(Vec::len) {
            return None;
        }
        let difference = self.area - other.area;
        let variance = self.variance() + other.variance() - 2.0 * self.covariance(other);
        let error = variance.max(0.0).sqrt();
        // Rounding leaves a trace of variance where all placements agree.
        let p = if error > 1e-12 { 2.0 * Normal::standard().sf((difference / error).abs()) } else { 1.0 };
        Some(AreaDifference { difference, error, p })
    }
}

/// Two-sided p of McNemar's exact test that two classifiers are right equally often: of the cases on which they differ, `first`
/// are right with the first alone and `second` with the second alone (McNemar 1947, doi 10.1007/BF02295996). 1 if they never differ.
///
/// ```
/// // 2 / 2⁵, but for rounding in the distribution function.
/// assert!((qgraft::study::diagnostic::mcnemar(0, 5) - 0.0625).abs() < 1e-12);
/// ```
pub fn mcnemar(first: usize, second: usize) -> f64 {
    let Ok(binomial) = Binomial::new(0.5, (first + second) as u64) else { return 1.0 };
    (2.0 * binomial.cdf(first.min(second) as u64)).min(1.0)
}

/// Percentile interval of a statistic of rows that come in groups, such as pictures of patients: groups are drawn with replacement,
/// with all their rows, `resamples` times under `seed`. Draws on which the statistic is undefined are left out. `None` without
/// groups, or if more than half of the draws are undefined.
pub fn group_bootstrap(
    groups: &[usize],
    (level, resamples, seed): (f64, usize, u64),
    statistic: impl Fn(&[usize]) -> Option<f64>,
) -> Option<Interval> {
    let count = groups.iter().max()? + 1;
    let mut members = vec![Vec::new(); count];
    groups.iter().enumerate().for_each(|(row, group)| members[*group].push(row));
    members.retain(|rows| !rows.is_empty());
    let mut stream = Stream::named(seed, "group bootstrap");
    let mut found = Vec::with_capacity(resamples);
    let mut rows = Vec::new();
    for _ in 0..resamples {
        rows.clear();
        (0..members.len()).for_each(|_| rows.extend(&members[stream.below(members.len())]));
        found.extend(statistic(&rows).filter(|value| value.is_finite()));
    }
    if !(0.0 < level && level < 1.0) || found.is_empty() || 2 * found.len() < resamples {
        return None;
    }
    found.sort_by(f64::total_cmp);
    let tail = (1.0 - level) / 2.0;
    Some(Interval { low: quantile(&found, tail), high: quantile(&found, 1.0 - tail), level })
}

/// Fleiss' kappa of readers who put each case into one of several categories (Fleiss 1971, doi 10.1037/h0031619): 1 if they always
/// agree, 0 for agreement by chance. `counts[case][category]` are readers, as many for each case. `None` without cases, with
/// fewer than two readers, with different numbers of readers, or if all answers are of one category.
pub fn fleiss_kappa(counts: &[Vec<usize>]) -> Option<f64> {
    let first = counts.first()?;
    let readers: usize = first.iter().sum();
    let is_even = |row: &Vec<usize>| row.len() == first.len() && row.iter().sum::<usize>() == readers;
    if readers < 2 || !counts.iter().all(is_even) {
        return None;
    }
    let (cases, raters) = (counts.len() as f64, readers as f64);
    let agreement =
        |row: &Vec<usize>| (row.iter().map(|n| (n * n) as f64).sum::<f64>() - raters) / (raters * (raters - 1.0));
    let observed = counts.iter().map(agreement).sum::<f64>() / cases;
    let share = |category: usize| counts.iter().map(|row| row[category] as f64).sum::<f64>() / (cases * raters);
    let chance: f64 = (0..first.len()).map(|category| share(category).powi(2)).sum();
    (chance < 1.0).then(|| (observed - chance) / (1.0 - chance))
}

/// The largest threshold at which at least this share of positive cases scores as high or higher. `None` without positive cases or
/// for a share outside (0, 1].
///
/// ```
/// let scores = [0.9, 0.8, 0.4, 0.3];
/// let threshold = qgraft::study::diagnostic::operating_point(&scores, &[true, false, true, true], 0.6);
/// assert_eq!(threshold, Some(0.4));
/// ```
pub fn operating_point(scores: &[f64], is_positive: &[bool], sensitivity: f64) -> Option<f64> {
    let mut positive: Vec<f64> =
        scores.iter().zip(is_positive).filter(|(_, own)| **own).map(|(score, _)| *score).collect();
    if positive.is_empty() || !(0.0 < sensitivity && sensitivity <= 1.0) {
        return None;
    }
    positive.sort_by(|a, b| b.total_cmp(a));
    // 0.95 of 20 is 19 although the product rounds up.
    let needed = (sensitivity * positive.len() as f64 - 1e-9).ceil().max(1.0) as usize;
    Some(positive[needed - 1])
}
