//! From values at several noise scales to the value at none.

use crate::math::linear::intercept_weights;
use crate::sim::SimError;

/// How values at several noise scales are continued to none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Extrapolation {
    /// The polynomial of this degree with the least squared error: a straight line for 1, Richardson's extrapolation for
    /// one less than the number of scales.
    Polynomial {
        /// The degree.
        degree: usize,
    },
    /// `asymptote + b·e^{-c·scale}`, b and c by a straight line through the logarithms. Values that lie on both sides of
    /// the asymptote, or on it, are none such and are continued by a straight line.
    Exponential {
        /// Where strong noise leads: 0 for Pauli strings under unital noise.
        asymptote: f64,
    },
}

impl Extrapolation {
    /// Number of scales it needs.
    fn least(self) -> usize {
        match self {
            Self::Polynomial { degree } => degree + 1,
            Self::Exponential { .. } => 2,
        }
    }

    /// The rule for these scales.
    ///
    /// # Errors
    /// If they are too few or not distinct enough.
    pub fn at(self, scales: &[f64]) -> Result<Rule, SimError> {
        let degree = self.least() - 1;
        let weights = intercept_weights(scales, degree);
        let weights = weights.ok_or_else(|| SimError::TooFewScales { needed: degree + 1, scales: scales.to_vec() })?;
        Ok(Rule { method: self, weights })
    }
}

/// An extrapolation from known scales.
#[derive(Clone)]
pub struct Rule {
    method: Extrapolation,
    /// Of the values, or of their logarithms.
    weights: Vec<f64>,
}

impl Rule {
    /// Whether the result is linear in the values, whatever they are.
    pub fn is_linear(&self) -> bool {
        matches!(self.method, Extrapolation::Polynomial { .. })
    }

    /// By how much shots that are shared among the scales must grow for the standard error of a plain value, if values at all
    /// scales vary alike: `K Σ w²` of K weights. `None` where the weights depend on the values.
    pub fn overhead(&self) -> Option<f64> {
        self.is_linear().then(|| self.weights.len() as f64 * self.weights.iter().map(|w| w * w).sum::<f64>())
    }

    /// The value at no noise, and its derivative by each of `values`.
    pub fn apply(&self, values: &[f64]) -> (f64, Vec<f64>) {
        let linear = || (self.weights.iter().zip(values).map(|(w, y)| w * y).sum(), self.weights.clone());
        let Extrapolation::Exponential { asymptote } = self.method else { return linear() };
        let above: Vec<f64> = values.iter().map(|y| y - asymptote).collect();
        let one_side = above.iter().all(|d| *d > 0.0) || above.iter().all(|d| *d < 0.0);
        if !one_side {
            return linear();
        }
        let logarithm: f64 = self.weights.iter().zip(&above).map(|(w, d)| w * d.abs().ln()).sum();
        let limit = above[0].signum() * logarithm.exp();
        (asymptote + limit, self.weights.iter().zip(&above).map(|(w, d)| limit * w / d).collect())
    }
}
