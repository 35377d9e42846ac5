//! Gaussian processes on settings (Rasmussen & Williams 2006).

use std::f64::consts::TAU;

use ndarray::{Array1, Array2};

use crate::classic::tuning::acquisition::Prediction;
use crate::math::linear::{cholesky, solve_factored, solve_lower};

/// A covariance of two settings, 1 for equal ones.
pub trait Kernel: Send + Sync {
    /// What it computes of one setting, of which [`Kernel::value`] takes two; the setting itself if nothing.
    fn embed(&self, unit: &[f64]) -> Vec<f64> {
        unit.to_vec()
    }

    /// The covariance of two embedded settings.
    fn value(&self, one: &[f64], two: &[f64]) -> f64;
}

/// Matérn's covariance with ν = 5/2 of the distance over a length. Two entries of a choice are apart by 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Matern {
    /// Length, in unit intervals.
    pub length: f64,
    /// Which coordinates are choices.
    pub choices: Vec<bool>,
}

impl Kernel for Matern {
    fn value(&self, one: &[f64], two: &[f64]) -> f64 {
        let part = |(k, is_choice): (usize, &bool)| match is_choice {
            true => f64::from(u8::from(one[k] != two[k])),
            false => (one[k] - two[k]).powi(2),
        };
        let squares: f64 = self.choices.iter().enumerate().map(part).sum();
        let r = (5.0 * squares).sqrt() / self.length;
        (1.0 + r + r * r / 3.0) * (-r).exp()
    }
}

/// A fitted process.
pub struct GaussianProcess<K> {
    kernel: K,
    embedded: Vec<Vec<f64>>,
    factor: Array2<f64>,
    weights: Array1<f64>,
    mean: f64,
    amplitude: f64,
    likelihood: f64,
}

impl<K: Kernel> GaussianProcess<K> {
    /// Fits `values` of `units` (rows in the unit cube) with the kernel and `noise`, a variance as a share of the amplitude's.
    /// Mean and amplitude are those of the largest likelihood. `None` of no rows, values that are all equal, or a covariance
    /// that is not positive.
    pub fn fit(kernel: K, units: &[Vec<f64>], values: &[f64], noise: f64) -> Option<Self> {
        let count = values.len();
        if count == 0 || units.len() != count {
            return None;
        }
        let embedded: Vec<Vec<f64>> = units.iter().map(|unit| kernel.embed(unit)).collect();
        let covariance = Array2::from_shape_fn((count, count), |(i, j)| {
            kernel.value(&embedded[i], &embedded[j]) + if i == j { noise } else { 0.0 }
        });
        let factor = cholesky(&covariance, 1e-10)?;
        let ones = solve_factored(&factor, Array1::ones(count));
        let values = Array1::from(values.to_vec());
        let mean = ones.dot(&values) / ones.sum();
        let centred = &values - mean;
        let weights = solve_factored(&factor, centred.clone());
        let amplitude = centred.dot(&weights) / count as f64;
        if !(amplitude > 0.0 && amplitude.is_finite()) {
            return None;
        }
        let half_determinant: f64 = factor.diag().iter().map(|entry| entry.ln()).sum();
        let likelihood = -0.5 * count as f64 * (1.0 + (TAU * amplitude).ln()) - half_determinant;
        Some(Self { kernel, embedded, factor, weights, mean, amplitude, likelihood })
    }

    /// Logarithm of the likelihood at the best mean and amplitude.
    pub fn likelihood(&self) -> f64 {
        self.likelihood
    }

    /// Variance of the process.
    pub fn amplitude(&self) -> f64 {
        self.amplitude
    }

    /// Mean of the process.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The value without noise at a point of the unit cube.
    pub fn predict(&self, unit: &[f64]) -> Prediction {
        let own = self.kernel.embed(unit);
        let covariance: Array1<f64> = self.embedded.iter().map(|other| self.kernel.value(other, &own)).collect();
        let whitened = solve_lower(&self.factor, covariance.clone());
        let explained = whitened.dot(&whitened);
        Prediction {
            mean: self.mean + covariance.dot(&self.weights),
            variance: self.amplitude * (self.kernel.value(&own, &own) - explained).max(1e-12),
        }
    }
}

/// The process with the largest likelihood over lengths from 0.2 to 3 and noises from 10⁻⁴ to 0.3; `None` as
/// [`GaussianProcess::fit`].
pub fn best_matern(units: &[Vec<f64>], values: &[f64], choices: &[bool]) -> Option<GaussianProcess<Matern>> {
    let lengths = [0.2, 0.4, 0.7, 1.0, 1.5, 2.0, 3.0];
    let grid = lengths.iter().flat_map(|length| [1e-4, 1e-2, 0.1, 0.3].map(|noise| (*length, noise)));
    let fitted = grid.filter_map(|(length, noise)| {
        GaussianProcess::fit(Matern { length, choices: choices.to_vec() }, units, values, noise)
    });
    fitted.reduce(|best, next| if next.likelihood > best.likelihood { next } else { best })
}
