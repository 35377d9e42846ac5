//! What to try next: expected improvement, and ranks of it over several surrogates.

use std::f64::consts::TAU;

use statrs::distribution::{ContinuousCDF, Normal};

use crate::math::correlation::ranks;

/// A normal prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Mean.
    pub mean: f64,
    /// Variance, not negative.
    pub variance: f64,
}

/// Expected improvement below `best` (Jones, Schonlau & Welch 1998), of values that are better the smaller they are:
/// σ (z Φ(z) + φ(z)) with z = (best − μ)/σ.
pub fn expected_improvement(prediction: Prediction, best: f64) -> f64 {
    let deviation = prediction.variance.max(0.0).sqrt();
    if deviation < 1e-12 {
        return (best - prediction.mean).max(0.0);
    }
    let z = (best - prediction.mean) / deviation;
    let below = Normal::standard().cdf(z);
    (deviation * (z * below + (-0.5 * z * z).exp() / TAU.sqrt())).max(0.0)
}

/// Order of candidates by a weighted sum of the ranks that several members give them, the best first. Each member has a weight
/// and a score for each candidate, larger being better. Ranks do not depend on the scales of the members.
pub fn order_by_ranks(members: &[(f64, Vec<f64>)]) -> Vec<usize> {
    let count = members.first().map_or(0, |(_, scores)| scores.len());
    let mut sums = vec![0.0; count];
    for (weight, scores) in members {
        sums.iter_mut().zip(ranks(scores)).for_each(|(sum, rank)| *sum += weight * rank);
    }
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| sums[b].total_cmp(&sums[a]));
    order
}
