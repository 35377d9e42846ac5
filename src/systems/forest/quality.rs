//! How good class probabilities are, and how near to the forest's; how good numbers are.

use ndarray::{ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::lab::Measurement;
use crate::math::order::argmax;

/// Smallest probability in a log-loss.
const FLOOR: f64 = 1e-3;

/// Of probabilities beside the forest's and the true classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Share of rows classified correctly.
    pub accuracy: f64,
    /// Mean -log of the true class's probability, at least 1e-3; nats.
    pub log_loss: f64,
    /// Share of rows with the forest's class.
    pub agreement: f64,
    /// Mean KL(forest ‖ these), nats.
    pub divergence: f64,
}

impl Quality {
    /// Of probabilities (rows, classes) beside those of the forest.
    pub fn of(own: ArrayView2<'_, f64>, forest: ArrayView2<'_, f64>, labels: &[usize]) -> Self {
        let mut sums = Self::default();
        for ((own, forest), &label) in own.rows().into_iter().zip(forest.rows()).zip(labels) {
            sums.accuracy += f64::from(argmax(own) == label);
            sums.log_loss -= own[label].max(FLOOR).ln();
            sums.agreement += f64::from(argmax(own) == argmax(forest));
            let terms = forest.iter().zip(own).filter(|(p, _)| **p > 0.0);
            sums.divergence += terms.map(|(p, q)| p * (p / q.max(1e-12)).ln()).sum::<f64>();
        }
        let mean = |sum: f64| sum / labels.len() as f64;
        Self {
            accuracy: mean(sums.accuracy),
            log_loss: mean(sums.log_loss),
            agreement: mean(sums.agreement),
            divergence: mean(sums.divergence),
        }
    }

    /// `found` with these numbers, measured under levels of evaluation factors.
    pub fn put(&self, found: Measurement, at: &[(&str, &str)]) -> Measurement {
        self.values().into_iter().fold(found, |found, (metric, value)| found.under(at, metric, value))
    }

    /// These numbers by the names of their metrics.
    pub fn values(&self) -> [(&'static str, f64); 4] {
        [
            ("accuracy", self.accuracy),
            ("agreement", self.agreement),
            ("divergence", self.divergence),
            ("log_loss", self.log_loss),
        ]
    }
}

/// Of predicted numbers beside the true ones.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NumberQuality {
    /// Share of the variance of the true numbers that is explained; negative where their mean is better.
    pub r2: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Root of the mean squared error.
    pub rmse: f64,
}

impl NumberQuality {
    /// Of predictions beside as many true numbers, at least one.
    pub fn of(own: ArrayView1<'_, f64>, truth: &[f64]) -> Self {
        let count = truth.len().max(1) as f64;
        let mean = truth.iter().sum::<f64>() / count;
        let errors = || own.iter().zip(truth).map(|(own, truth)| own - truth);
        let squares: f64 = errors().map(|error| error * error).sum();
        let spread: f64 = truth.iter().map(|truth| (truth - mean).powi(2)).sum();
        Self {
            // Equal numbers have no variance to explain.
            r2: if spread > 0.0 { 1.0 - squares / spread } else { 0.0 },
            mae: errors().map(f64::abs).sum::<f64>() / count,
            rmse: (squares / count).sqrt(),
        }
    }

    /// `found` with these numbers.
    pub fn put(&self, found: Measurement) -> Measurement {
        self.values().into_iter().fold(found, |found, (metric, value)| found.value(metric, value))
    }

    /// These numbers by the names of their metrics.
    pub fn values(&self) -> [(&'static str, f64); 3] {
        [("r2", self.r2), ("mae", self.mae), ("rmse", self.rmse)]
    }
}
