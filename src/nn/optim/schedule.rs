//! How the learning rate changes over a training. Every schedule is a function of what has happened, so that a training
//! that continues from a checkpoint needs no state of it.

use serde::{Deserialize, Serialize};

/// How the learning rate falls: multiplied by `factor` every `every` epochs (PyTorch's `StepLR`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepSchedule {
    /// Epochs between steps.
    pub every: usize,
    /// Factor of a step.
    pub factor: f64,
}

impl StepSchedule {
    /// The factor in epoch `epoch`, counted from 0.
    pub fn at(self, epoch: usize) -> f64 {
        self.factor.powi((epoch / self.every.max(1)) as i32)
    }
}

/// How the learning rate changes from epoch to epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// Not at all.
    #[default]
    Constant,
    /// By steps.
    Step(StepSchedule),
    /// Along half a cosine from 1 to `floor` at the end of the training (Loshchilov & Hutter 2017, arXiv:1608.03983,
    /// eq. 5, one cycle).
    Cosine {
        /// Lowest factor.
        floor: f64,
    },
    /// By `factor` whenever the metric has not beaten its best by a share of 1e-4 for more than `patience` epochs
    /// (PyTorch's `ReduceLROnPlateau` with mode max).
    Plateau {
        /// Factor of a step.
        factor: f64,
        /// Epochs without a new best before the rate falls.
        patience: usize,
        /// Lowest factor.
        floor: f64,
    },
}

impl Schedule {
    /// Names of the schedules, as settings write them.
    pub const NAMES: [&'static str; 4] = ["constant", "step", "cosine", "plateau"];

    /// The schedule of this name with usual constants: steps of 0.9 every 3 epochs, a cosine down to 0, a plateau that
    /// halves the rate after 3 epochs down to a hundredth.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "constant" => Self::Constant,
            "step" => Self::Step(StepSchedule { every: 3, factor: 0.9 }),
            "cosine" => Self::Cosine { floor: 0.0 },
            "plateau" => Self::Plateau { factor: 0.5, patience: 3, floor: 0.01 },
            _ => return None,
        })
    }

    /// The factor in epoch `metrics.len()` of `epochs`, after epochs that ended with these validation metrics (higher
    /// is better).
    pub fn factor(self, epochs: usize, metrics: &[f64]) -> f64 {
        let epoch = metrics.len();
        match self {
            Self::Constant => 1.0,
            Self::Step(step) => step.at(epoch),
            Self::Cosine { floor } => {
                let done = epoch as f64 / epochs.max(1) as f64;
                floor + (1.0 - floor) * (1.0 + (std::f64::consts::PI * done).cos()) / 2.0
            }
            Self::Plateau { factor, patience, floor } => {
                const THRESHOLD: f64 = 1e-4;
                let (mut best, mut waited, mut now) = (f64::NEG_INFINITY, 0, 1.0f64);
                for &metric in metrics {
                    if metric > best + THRESHOLD * best.abs() || best == f64::NEG_INFINITY {
                        (best, waited) = (metric, 0);
                    } else {
                        waited += 1;
                    }
                    if waited > patience {
                        (now, waited) = ((now * factor).max(floor), 0);
                    }
                }
                now
            }
        }
    }
}

/// The factor in step `step` (counted from 0) of a linear warm-up over `steps` steps.
pub fn warm_up(step: usize, steps: usize) -> f64 {
    if step < steps { (step + 1) as f64 / steps as f64 } else { 1.0 }
}
