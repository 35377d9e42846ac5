//! How a network is trained.

use serde::{Deserialize, Serialize};

use crate::nn::optim::{Method, Schedule};
use crate::study::train::EpochRecord;

/// Rates, lengths, and when to stop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the training rows, at most.
    pub epochs: usize,
    /// Rows of a step.
    pub batch: usize,
    /// Learning rate.
    pub rate: f64,
    /// How the rate changes from epoch to epoch.
    #[serde(default)]
    pub schedule: Schedule,
    /// Steps over which the rate rises from 0.
    #[serde(default)]
    pub warm_up: usize,
    /// The optimiser.
    pub optimizer: Method,
    /// Largest norm of a step's gradient; without it gradients stay as they are.
    #[serde(default)]
    pub clip: Option<f64>,
    /// Stops after so many epochs in a row without a new best metric.
    #[serde(default)]
    pub patience: Option<usize>,
    /// Leaves behind the parameters of the epoch with the best metric, of equal ones the first.
    #[serde(default)]
    pub keep_best: bool,
    /// Judges and leaves behind an exponential average of the parameters, of this decay per step.
    #[serde(default)]
    pub average: Option<f64>,
}

impl TrainConfig {
    /// A constant rate to the last epoch, whose parameters are left behind.
    pub const fn new(epochs: usize, batch: usize, rate: f64, optimizer: Method) -> Self {
        Self {
            epochs,
            batch,
            rate,
            schedule: Schedule::Constant,
            warm_up: 0,
            optimizer,
            clip: None,
            patience: None,
            keep_best: false,
            average: None,
        }
    }

    /// The learning rate of the epoch after these.
    pub(super) fn rate(&self, history: &[EpochRecord]) -> f64 {
        let metrics: Vec<f64> = history.iter().map(|record| record.evaluation.metric).collect();
        self.rate * self.schedule.factor(self.epochs, &metrics)
    }

    /// Whether the last of these epochs is the best so far.
    pub(super) fn is_best(&self, history: &[EpochRecord]) -> bool {
        best(history).is_some_and(|epoch| epoch + 1 == history.len())
    }

    /// Whether the best has been waited for long enough.
    pub(super) fn is_over(&self, history: &[EpochRecord]) -> bool {
        let waited = best(history).map_or(0, |epoch| history.len() - 1 - epoch);
        self.patience.is_some_and(|patience| waited >= patience.max(1))
    }
}

/// The first epoch with the highest metric; the first of all while none is a number.
pub(super) fn best(history: &[EpochRecord]) -> Option<usize> {
    let metric = |epoch: usize| history[epoch].evaluation.metric;
    (0..history.len()).reduce(|best, epoch| {
        if metric(epoch) > metric(best) || metric(best).is_nan() && !metric(epoch).is_nan() { epoch } else { best }
    })
}
