//! Statistics of values over seeds: spread, intervals, paired tests, correction for many comparisons.
//!
//! Everything here takes plain lists and returns `None` where a figure is undefined (the spread of one value).
//! `tests/it/statistics.rs` compares each function with scipy.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal, StudentsT};

use crate::math::Stream;
use crate::math::correlation::ranks;

pub use crate::math::correlation::{kendall, pearson, spearman};

/// A closed interval and the confidence it was made for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Confidence level, 0.95 for 95 %.
    pub level: f64,
}

impl Interval {
    /// Whether `value` lies inside, ends included.
    pub fn covers(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// Arithmetic mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Sample standard deviation (divisor n − 1); `None` below two values.
pub fn sd(values: &[f64]) -> Option<f64> {
    let centre = mean(values).filter(|_| values.len() > 1)?;
    let squares: f64 = values.iter().map(|v| (v - centre).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

/// Mean and standard deviation over seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Sample standard deviation; `None` with one seed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sd: Option<f64>,
}

impl Spread {
    /// Of one value per seed; `None` of no values.
    pub fn of(values: &[f64]) -> Option<Self> {
        Some(Self { mean: mean(values)?, sd: sd(values) })
    }

    /// Of the curves of several seeds, epoch by epoch, as far as the shortest goes.
    pub fn of_curves(seeds: &[Vec<f64>]) -> Vec<Self> {
        let epochs = seeds.iter().map(Vec::len).min().unwrap_or(0);
        let at = |epoch: usize| seeds.iter().map(|curve| curve[epoch]).collect::<Vec<f64>>();
        (0..epochs).filter_map(|epoch| Self::of(&at(epoch))).collect()
    }
}

fn is_level(level: f64) -> bool {
    0.0 < level && level < 1.0
}

/// Student's t interval of the mean of paired differences; `None` below two or for a level outside (0, 1).
pub fn t_interval(differences: &[f64], level: f64) -> Option<Interval> {
    if !is_level(level) {
        return None;
    }
    let half = student(differences.len())?.inverse_cdf(0.5 + level / 2.0) * standard_error(differences)?;
    let centre = mean(differences)?;
    Some(Interval { low: centre - half, high: centre + half, level })
}

/// Two-sided p of the paired t test that the mean difference is 0; `None` where the differences have no spread.
pub fn t_test(differences: &[f64]) -> Option<f64> {
    let error = standard_error(differences).filter(|error| *error > 0.0)?;
    Some(2.0 * student(differences.len())?.sf((mean(differences)? / error).abs()))
}

/// Cohen's d_z, the mean of paired differences in units of their standard deviation (Lakens 2013,
/// doi 10.3389/fpsyg.2013.00863); `None` where they have no spread.
pub fn effect_size(differences: &[f64]) -> Option<f64> {
    let spread = sd(differences).filter(|spread| *spread > 0.0)?;
    Some(mean(differences)? / spread)
}

fn standard_error(values: &[f64]) -> Option<f64> {
    Some(sd(values)? / (values.len() as f64).sqrt())
}

/// Student's t for the mean of `count` values.
fn student(count: usize) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, count.checked_sub(1)? as f64).ok()
}

/// Bootstrap interval of the mean of paired differences, bias-corrected and accelerated (BCa: Efron 1987,
/// doi 10.1080/01621459.1987.10478410): `resamples` draws of all differences with replacement, under `seed`. A list
/// without spread gives the point itself; `None` below two differences, without draws or for a level outside (0, 1).
pub fn bootstrap_interval(differences: &[f64], level: f64, resamples: usize, seed: u64) -> Option<Interval> {
    if resamples == 0 || !is_level(level) {
        return None;
    }
    let (count, centre) = (differences.len(), mean(differences)?);
    if sd(differences)? == 0.0 {
        return Some(Interval { low: centre, high: centre, level });
    }
    let mut stream = Stream::named(seed, "bootstrap");
    let mut means: Vec<f64> = (0..resamples)
        .map(|_| (0..count).map(|_| differences[stream.below(count)]).sum::<f64>() / count as f64)
        .collect();
    means.sort_by(f64::total_cmp);

    let normal = Normal::standard();
    // Accuracies lie on a grid, so many resampled means equal the mean but for the order of their summation.
    let rounding = 1e-12 * differences.iter().fold(0.0f64, |largest, d| largest.max(d.abs()));
    let below = means.partition_point(|m| *m < centre - rounding);
    let up_to = means.partition_point(|m| *m <= centre + rounding);
    // Half a draw away from the ends, where the bias would be infinite.
    let half_a_draw = 0.5 / resamples as f64;
    let share_below = (below + up_to) as f64 / (2 * resamples) as f64;
    let bias = normal.inverse_cdf(share_below.clamp(half_a_draw, 1.0 - half_a_draw));
    // Leaving one value out moves the mean by (mean − value)/(n − 1). The factor cancels in the acceleration.
    let moves = differences.iter().map(|d| d - centre);
    let (squares, cubes) = moves.fold((0.0, 0.0), |(s, c), m| (s + m * m, c + m * m * m));
    let acceleration = cubes / (6.0 * squares.powf(1.5));
    let end = |tail: f64| {
        let z = bias + normal.inverse_cdf(tail);
        quantile(&means, normal.cdf(bias + z / (1.0 - acceleration * z)))
    };
    Some(Interval { low: end((1.0 - level) / 2.0), high: end((1.0 + level) / 2.0), level })
}

/// Quantile of sorted values, of which there is at least one, linear between neighbours; `share` is 0 to 1.
///
/// ```
/// assert_eq!(qgraft::study::stats::quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
/// ```
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    low + (high - low) * position.fract()
}

/// Up to this many non-zero differences the Wilcoxon test is exact.
const EXACT_UP_TO: usize = 50;

/// Two-sided p of Wilcoxon's signed-rank test that paired differences are symmetric about 0. Zeros are dropped, ties
/// share their mean rank. Up to 50 differences the null distribution is counted exactly, ties included; beyond that
/// the normal approximation with its tie correction is used, without continuity correction. All zero gives 1.
pub fn wilcoxon(differences: &[f64]) -> f64 {
    let mut ordered: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    ordered.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let count = ordered.len();
    if count == 0 {
        return 1.0;
    }
    // Twice the rank, so that the mean rank of a tie stays whole.
    let mut ranks = Vec::with_capacity(count);
    let mut tie_correction = 0.0;
    for tied in ordered.chunk_by(|a, b| a.abs() == b.abs()) {
        let (before, size) = (ranks.len(), tied.len());
        ranks.extend(std::iter::repeat_n(2 * before + size + 1, size));
        tie_correction += (size.pow(3) - size) as f64 / 48.0;
    }
    let positive: usize = ranks.iter().zip(&ordered).filter(|(_, d)| **d > 0.0).map(|(rank, _)| rank).sum();
    if count <= EXACT_UP_TO {
        return exact_signed_rank(&ranks, positive);
    }
    let n = count as f64;
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - tie_correction;
    let z = (positive as f64 / 2.0 - n * (n + 1.0) / 4.0) / variance.sqrt();
    2.0 * Normal::standard().sf(z.abs())
}

/// Two-sided p of the sum of positive ranks, every sign pattern being equally likely.
fn exact_signed_rank(ranks: &[usize], positive: usize) -> f64 {
    let largest: usize = ranks.iter().sum();
    // ways[s]: sign patterns whose positive ranks sum to s. At most 2^50 in all, exact in f64.
    let mut ways = vec![0.0; largest + 1];
    ways[0] = 1.0;
    for rank in ranks {
        for sum in (*rank..=largest).rev() {
            ways[sum] += ways[sum - rank];
        }
    }
    let all = 2f64.powi(ranks.len() as i32);
    let tail = |part: &[f64]| part.iter().sum::<f64>() / all;
    (2.0 * tail(&ways[..=positive]).min(tail(&ways[positive..]))).min(1.0)
}

/// Holm's step-down adjustment of p values (Holm 1979): comparing each with the level then keeps the chance of any
/// false finding among all of them below the level. In the order given.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut running = 0.0f64;
    for (step, &index) in order.iter().enumerate() {
        running = running.max((p_values.len() - step) as f64 * p_values[index]).min(1.0);
        adjusted[index] = running;
    }
    adjusted
}

/// Friedman's test that columns do not differ, rows being blocks (Friedman 1937): the statistic with its correction for ties,
/// and its p by the χ² distribution. `None` of fewer than two rows or three columns, rows of different length or rows of equal
/// values alone.
///
/// ```
/// use qgraft::study::stats::friedman;
/// let (statistic, _) = friedman(&[vec![1.0, 2.0, 3.0], vec![2.0, 3.0, 4.0], vec![5.0, 6.0, 9.0]]).unwrap();
/// assert_eq!(statistic, 6.0);
/// ```
pub fn friedman(rows: &[Vec<f64>]) -> Option<(f64, f64)> {
    let (blocks, columns) = (rows.len(), rows.first()?.len());
    if blocks < 2 || columns < 3 || rows.iter().any(|row| row.len() != columns) {
        return None;
    }
    let ranked: Vec<Vec<f64>> = rows.iter().map(|row| ranks(row)).collect();
    // Ranks are counted from 0; only their distances to the middle matter.
    let middle = (columns as f64 - 1.0) / 2.0;
    let sums = (0..columns).map(|k| ranked.iter().map(|row| row[k] - middle).sum::<f64>());
    let between: f64 = sums.map(|sum| sum * sum).sum();
    let within: f64 = ranked.iter().flatten().map(|rank| (rank - middle) * (rank - middle)).sum();
    let freedom = columns as f64 - 1.0;
    let statistic = (within > 0.0).then(|| freedom * between / within)?;
    Some((statistic, ChiSquared::new(freedom).ok()?.sf(statistic)))
}
