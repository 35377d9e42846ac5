//! Weighted kernel densities of one dimension: the ranges of compressed spaces, and the tree-structured Parzen estimator.

use std::f64::consts::TAU;

/// A sum of Gaussians of one width.
#[derive(Clone, Debug, PartialEq)]
pub struct Density {
    points: Vec<f64>,
    weights: Vec<f64>,
    width: f64,
}

impl Density {
    /// Of weighted points with Scott's width: the effective number of points to the power of −1/5, times their standard
    /// deviation, as `scipy.stats.gaussian_kde(points, weights=weights)`. `None` of fewer than two points, weights that are
    /// negative or sum to nothing, or points that are all equal.
    pub fn new(points: &[f64], weights: &[f64]) -> Option<Self> {
        let total: f64 = weights.iter().sum();
        let is_sound = points.len() == weights.len() && points.len() > 1 && weights.iter().all(|weight| *weight >= 0.0);
        if !is_sound || !(total > 0.0) {
            return None;
        }
        let weights: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
        let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
        let mean: f64 = points.iter().zip(&weights).map(|(point, weight)| point * weight).sum();
        let spread: f64 = points.iter().zip(&weights).map(|(point, weight)| weight * (point - mean).powi(2)).sum();
        // The unbiased variance of weighted points (numpy.cov with aweights).
        let variance = spread / (1.0 - squares);
        let width = variance.sqrt() * squares.powf(0.2);
        (width > 0.0 && width.is_finite()).then(|| Self { points: points.to_vec(), weights, width })
    }

    /// Of weighted points with a width of one's own, above 0.
    pub fn with_width(points: &[f64], weights: &[f64], width: f64) -> Self {
        let total: f64 = weights.iter().sum();
        Self { points: points.to_vec(), weights: weights.iter().map(|weight| weight / total).collect(), width }
    }

    /// The density at a point.
    pub fn at(&self, point: f64) -> f64 {
        let one = |(own, weight): (&f64, &f64)| weight * (-0.5 * ((point - own) / self.width).powi(2)).exp();
        self.points.iter().zip(&self.weights).map(one).sum::<f64>() / (TAU.sqrt() * self.width)
    }

    /// From the least to the largest of those points of an even grid over `low` to `high` that are densest and hold `mass` of
    /// the density there, between 0 and 1.
    pub fn range(&self, (low, high): (f64, f64), grid: usize, mass: f64) -> (f64, f64) {
        let step = (high - low) / (grid.max(2) - 1) as f64;
        let mut points: Vec<(f64, f64)> =
            (0..grid.max(2)).map(|k| low + k as f64 * step).map(|point| (self.at(point), point)).collect();
        points.sort_by(|a, b| b.0.total_cmp(&a.0));
        let total: f64 = points.iter().map(|(density, _)| density).sum();
        let (mut sum, mut range) = (0.0, (f64::INFINITY, f64::NEG_INFINITY));
        for (density, point) in points {
            range = (range.0.min(point), range.1.max(point));
            sum += density;
            if sum >= mass * total {
                break;
            }
        }
        range
    }
}
