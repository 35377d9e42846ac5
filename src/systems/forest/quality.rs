//! How good class probabilities are, and how near to the forest's.

use ndarray::ArrayView2;
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
        found
            .under(at, "accuracy", self.accuracy)
            .under(at, "agreement", self.agreement)
            .under(at, "divergence", self.divergence)
            .under(at, "log_loss", self.log_loss)
    }
}
