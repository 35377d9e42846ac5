//! Unfreezing driven by the validation metric (Shahin & Ismail 2026, arXiv:2603.19260).
//!
//! The release rule, the cooldown, the restored best and the layer-wise rates are the paper's. Its table of constants
//! was not available, so the defaults here are reconstructed, as is the order from the head down.

use serde::{Deserialize, Serialize};

use crate::nn::{LayerGroups, LearningRates, Params};
use crate::transfer::{After, Transfer};

/// When a layer is released: once the metric M has been on a plateau near its best for `patience` epochs in a row,
/// |M - mean of the last `window`| ≤ `plateau` and |M - best| ≤ `near_best`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// Epochs in the running mean, the current one among them; with 1 every epoch is a plateau.
    pub window: usize,
    /// Epochs before the first that may count.
    pub warm_up: usize,
    /// Epochs in a row that must count.
    pub patience: usize,
    /// Epochs after a release in which none counts.
    pub cooldown: usize,
    /// Whether `plateau` and `near_best` are in units of the metric's noise, [`noise`] of the metrics so far; else in units
    /// of the metric itself. What is a plateau then depends on neither the scale of the metric nor the number of rows
    /// that it is measured on.
    pub in_noise: bool,
    /// Largest distance from the running mean.
    pub plateau: f64,
    /// Factor on `plateau` after every epoch.
    pub decay: f64,
    /// Largest distance from the best.
    pub near_best: f64,
    /// No release while the best is not above this: a metric that is stuck at 0 is a plateau too.
    pub floor: f64,
    /// Rate of a layer, in rates of the layer above. The topmost layer of the trunk has the rate of the head.
    pub ratio: f64,
    /// From the layer under the head down; else from the input up.
    pub top_down: bool,
    /// Without it a release continues from the current parameters, which is worse (an ablation).
    pub restore: bool,
}

impl Rule {
    /// A rule that every metric meets: a release after every `every` epochs, else as this one.
    pub fn every(self, every: usize) -> Self {
        let pause = every.saturating_sub(1);
        let (plateau, near_best, floor) = (f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY);
        let in_noise = false;
        Self { window: 1, warm_up: pause, patience: 1, cooldown: pause, in_noise, plateau, near_best, floor, ..self }
    }
}

/// For metrics in 0..1: a plateau of 0.005, within 0.01 of the best.
impl Default for Rule {
    fn default() -> Self {
        Self {
            window: 3,
            warm_up: 5,
            patience: 2,
            cooldown: 3,
            in_noise: false,
            plateau: 0.005,
            decay: 0.95,
            near_best: 0.01,
            floor: 0.0,
            ratio: 0.8,
            top_down: true,
            restore: true,
        }
    }
}

/// Standard deviation of the noise of a metric around a trend that is a line over any three epochs: the root of the mean of
/// squared second differences over 6 (Gasser, Sroka & Jennen-Steinmetz 1986, Biometrika 73:625, equation 3, for equal
/// distances). `None` of fewer than three values.
///
/// ```
/// use qgraft::transfer::noise;
/// assert_eq!(noise(&[0.1, 0.2, 0.3, 0.4]).map(|sd| sd < 1e-12), Some(true), "a line has none");
/// assert_eq!(noise(&[0.0, 1.0, 0.0]), Some((4.0f64 / 6.0).sqrt()));
/// assert_eq!(noise(&[0.0, 1.0]), None);
/// ```
pub fn noise(metrics: &[f64]) -> Option<f64> {
    let squares: Vec<f64> = metrics.windows(3).map(|m| (m[0] - 2.0 * m[1] + m[2]).powi(2) / 6.0).collect();
    (!squares.is_empty()).then(|| (squares.iter().sum::<f64>() / squares.len() as f64).sqrt())
}

/// Releases layer after layer by a [`Rule`]. A release takes effect in the next epoch, which starts from the best
/// parameters so far with a fresh optimiser.
#[derive(Clone, Debug)]
pub struct Hatl {
    groups: LayerGroups,
    rule: Rule,
    released: usize,
    waiting: usize,
    in_a_row: usize,
    metrics: Vec<f64>,
    decisions: Vec<Decision>,
}

/// Epochs whose metrics tell how noisy it is now.
const RECENT: usize = 8;

/// What was decided after an epoch, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A layer is released in the next epoch.
    Released,
    /// Too early, or too soon after a release.
    Waiting,
    /// The metric has not risen above the floor.
    BelowFloor,
    /// The metric is not on a plateau.
    Moving,
    /// A plateau, but far below the best.
    FarFromBest,
    /// A plateau near the best that has not lasted yet.
    NotLasting,
    /// Nothing is left to release.
    AllReleased,
}

impl Decision {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Waiting => "waiting",
            Self::BelowFloor => "below_floor",
            Self::Moving => "moving",
            Self::FarFromBest => "far_from_best",
            Self::NotLasting => "not_lasting",
            Self::AllReleased => "all_released",
        }
    }
}

impl Hatl {
    /// Only the head is trained at first.
    pub fn new(groups: &LayerGroups, rule: Rule) -> Self {
        let (groups, metrics, decisions) = (groups.clone(), Vec::new(), Vec::new());
        Self { groups, rule, released: 0, waiting: 0, in_a_row: 0, metrics, decisions }
    }

    /// Layers released so far.
    pub fn released(&self) -> usize {
        self.released
    }

    /// What was decided after each epoch.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The largest distance from the running mean that counts as a plateau now, in the unit of the rule.
    pub fn plateau_now(&self) -> f64 {
        self.rule.plateau * self.rule.decay.powi(self.metrics.len() as i32)
    }

    fn layers(&self) -> usize {
        self.groups.len().saturating_sub(1)
    }

    fn decide(&mut self, metric: f64) -> Decision {
        let plateau = self.plateau_now();
        self.metrics.push(metric);
        let recent = &self.metrics[self.metrics.len().saturating_sub(self.rule.window.max(1))..];
        let mean = recent.iter().sum::<f64>() / recent.len() as f64;
        let best = self.metrics.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if self.released == self.layers() {
            return Decision::AllReleased;
        }
        if self.metrics.len() <= self.rule.warm_up || self.waiting > 0 {
            self.waiting = self.waiting.saturating_sub(1);
            return Decision::Waiting;
        }
        // Restored parameters make a jump that is no noise; a mean over all epochs would keep it for good.
        let recent = &self.metrics[self.metrics.len().saturating_sub(RECENT)..];
        let unit = match self.rule.in_noise {
            false => Some(1.0),
            true => noise(recent),
        };
        let Some(unit) = unit else { return Decision::Waiting };
        let hindrance = if !(best > self.rule.floor) {
            Some(Decision::BelowFloor)
        } else if !((metric - mean).abs() <= plateau * unit) {
            Some(Decision::Moving)
        } else if !((metric - best).abs() <= self.rule.near_best * unit) {
            Some(Decision::FarFromBest)
        } else {
            None
        };
        if let Some(hindrance) = hindrance {
            self.in_a_row = 0;
            return hindrance;
        }
        self.in_a_row += 1;
        if self.in_a_row < self.rule.patience {
            return Decision::NotLasting;
        }
        (self.in_a_row, self.waiting) = (0, self.rule.cooldown);
        self.released += 1;
        Decision::Released
    }
}

impl Transfer for Hatl {
    fn learning_rates(&self, _params: &Params, _epoch: usize) -> LearningRates {
        let layers = self.layers();
        let rates = (0..layers).map(|layer| {
            let is_released = if self.rule.top_down { layer + self.released >= layers } else { layer < self.released };
            if is_released { self.rule.ratio.powi((layers - 1 - layer) as i32) } else { 0.0 }
        });
        LearningRates::of_groups(&self.groups, rates.chain([1.0]))
    }

    fn after_epoch(&mut self, _epoch: usize, metric: f64) -> After {
        let decision = self.decide(metric);
        self.decisions.push(decision);
        if decision == Decision::Released && self.rule.restore { After::RestoreBest } else { After::GoOn }
    }

    fn log(&self) -> Vec<&'static str> {
        self.decisions.iter().map(|decision| decision.name()).collect()
    }
}
