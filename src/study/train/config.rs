//! How a network is trained.

use serde::{Deserialize, Serialize};

use crate::nn::optim::{Method, Schedule, StepSchedule};
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
    /// Largest norm of a step's gradient. Without it gradients stay as they are.
    #[serde(default)]
    pub clip: Option<f64>,
    /// Stops after so many epochs in a row without a new best metric.
    #[serde(default)]
    pub patience: Option<usize>,
    /// Leaves behind the parameters of the epoch with the best metric, of equal ones the first.
    #[serde(default)]
    pub keep_best: bool,
    /// Evaluates and leaves behind an exponential average of the parameters, of this decay per step.
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

    /// Every field outside its range: its name, its value, what is expected.
    pub fn violations(&self) -> Vec<(&'static str, String, &'static str)> {
        const POSITIVE: &str = "a number above 0, at most 1e9";
        const NOT_NEGATIVE: &str = "a number from 0 to 1e9";
        const SHARE: &str = "a number from 0 to 1";
        const BELOW_ONE: &str = "a number of at least 0 and below 1";
        const STEPS: &str = "a whole number from 0 to 1000000";
        const COUNT: &str = "a whole number from 1 to 1000000";
        // More epochs or rows in a step than any training has: arrays of this size are still allocated without harm.
        const MOST: usize = 1_000_000;
        let is_positive = |value: f64| value > 0.0 && value <= 1e9;
        let is_share = |value: f64| (0.0..=1.0).contains(&value);
        let is_below_one = |value: f64| (0.0..1.0).contains(&value);
        let number = |name, value: f64, holds: bool, expected| (name, value.to_string(), holds, expected);
        let count = |name, value: usize| (name, value.to_string(), (1..=MOST).contains(&value), COUNT);
        let mut checks = vec![
            count("epochs", self.epochs),
            count("batch", self.batch),
            number("rate", self.rate, is_positive(self.rate), POSITIVE),
            ("warm_up", self.warm_up.to_string(), self.warm_up <= MOST, STEPS),
        ];
        match self.schedule {
            Schedule::Constant => {}
            Schedule::Step(StepSchedule { every, factor }) => checks.extend([
                count("schedule.every", every),
                number("schedule.factor", factor, is_positive(factor), POSITIVE),
            ]),
            Schedule::Cosine { floor } => checks.push(number("schedule.floor", floor, is_share(floor), SHARE)),
            Schedule::Plateau { factor, floor, patience } => checks.extend([
                ("schedule.patience", patience.to_string(), patience <= MOST, STEPS),
                number("schedule.factor", factor, is_share(factor), SHARE),
                number("schedule.floor", floor, is_share(floor), SHARE),
            ]),
        }
        match self.optimizer {
            Method::Sgd { momentum } => {
                checks.push(number("optimizer.momentum", momentum, is_below_one(momentum), BELOW_ONE));
            }
            Method::Adam { beta1, beta2, epsilon, weight_decay } => checks.extend([
                number("optimizer.beta1", beta1, is_below_one(beta1), BELOW_ONE),
                number("optimizer.beta2", beta2, is_below_one(beta2), BELOW_ONE),
                number("optimizer.epsilon", epsilon, is_positive(epsilon), POSITIVE),
                number("optimizer.weight_decay", weight_decay, (0.0..=1e9).contains(&weight_decay), NOT_NEGATIVE),
            ]),
        }
        checks.extend(self.clip.map(|clip| number("clip", clip, is_positive(clip), POSITIVE)));
        checks.extend(self.patience.map(|patience| count("patience", patience)));
        checks.extend(self.average.map(|decay| number("average", decay, is_below_one(decay), BELOW_ONE)));
        let violated = checks.into_iter().filter(|(_, _, holds, _)| !holds);
        violated.map(|(name, value, _, expected)| (name, value, expected)).collect()
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
