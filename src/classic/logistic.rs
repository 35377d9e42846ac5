//! Logistic regression of two classes.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use crate::math::linear::solve;

/// The probability of a class as 1 / (1 + e^{-(w·x + b)}); minimises Σ log-loss + penalty/2 · |w|², as scikit-learn's
/// `LogisticRegression` with C = 1 / penalty.
#[derive(Clone, Debug, PartialEq)]
pub struct Logistic {
    /// w, one per feature.
    pub weights: Array1<f64>,
    /// b, not penalised.
    pub bias: f64,
}

/// Newton steps at most. A handful is enough on standardised features.
const STEPS: usize = 100;

impl Logistic {
    /// Fitted to `features` (rows, width) with one label per row, by Newton's method with halved steps. `None` if the
    /// curvature is singular, which a positive `penalty` and finite features exclude.
    pub fn fit(features: ArrayView2<f64>, labels: &[bool], penalty: f64) -> Option<Self> {
        let width = features.ncols();
        let mut fitted = Self { weights: Array1::zeros(width), bias: 0.0 };
        let mut loss = fitted.loss(features, labels, penalty);
        for _ in 0..STEPS {
            let (slope, curvature) = fitted.slope_and_curvature(features, labels, penalty);
            if slope.iter().all(|s| s.abs() < 1e-10 * labels.len() as f64) {
                break;
            }
            let step = solve(curvature, slope)?;
            let mut length = 1.0;
            let next = loop {
                let weights = Array1::from_shape_fn(width, |k| fitted.weights[k] - length * step[k]);
                let next = Self { weights, bias: fitted.bias - length * step[width] };
                let found = next.loss(features, labels, penalty);
                if found <= loss || length < 1e-6 {
                    loss = found;
                    break next;
                }
                length /= 2.0;
            };
            fitted = next;
        }
        Some(fitted)
    }

    /// w·x + b: the logarithm of the odds of the class.
    pub fn log_odds(&self, row: ArrayView1<f64>) -> f64 {
        row.dot(&self.weights) + self.bias
    }

    /// The probability of the class.
    pub fn probability(&self, row: ArrayView1<f64>) -> f64 {
        1.0 / (1.0 + (-self.log_odds(row)).exp())
    }

    fn loss(&self, features: ArrayView2<f64>, labels: &[bool], penalty: f64) -> f64 {
        let rows = features.rows().into_iter().zip(labels).map(|(row, &label)| {
            let margin = if label { -self.log_odds(row) } else { self.log_odds(row) };
            // log(1 + e^m) without overflow.
            margin.max(0.0) + (-margin.abs()).exp().ln_1p()
        });
        rows.sum::<f64>() + 0.5 * penalty * self.weights.dot(&self.weights)
    }

    /// First and second derivatives of the loss in (w, b).
    fn slope_and_curvature(
        &self,
        features: ArrayView2<f64>,
        labels: &[bool],
        penalty: f64,
    ) -> (Array1<f64>, Array2<f64>) {
        let width = features.ncols();
        let at = |row: ArrayView1<f64>, k: usize| if k < width { row[k] } else { 1.0 };
        let mut slope = Array1::zeros(width + 1);
        let mut curvature = Array2::zeros((width + 1, width + 1));
        for (row, &label) in features.rows().into_iter().zip(labels) {
            let p = self.probability(row);
            let gap = p - if label { 1.0 } else { 0.0 };
            for i in 0..=width {
                slope[i] += gap * at(row, i);
                for j in 0..=i {
                    curvature[[i, j]] += p * (1.0 - p) * at(row, i) * at(row, j);
                }
            }
        }
        for i in 0..=width {
            if i < width {
                slope[i] += penalty * self.weights[i];
                curvature[[i, i]] += penalty;
            }
            for j in 0..i {
                curvature[[j, i]] = curvature[[i, j]];
            }
        }
        (slope, curvature)
    }
}
