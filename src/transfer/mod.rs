//! Transfer methods: which parameters a training on a new task changes, how fast, and what is added to the loss.
//!
//! The training loop calls a method through [`Transfer`]. No method contains a loop. Methods combine freely
//! ([`Compose`]): rates are multiplied, penalties are added. [`METHODS`] is the table. Each row makes its method with
//! the constants of its paper, which are fields of the method's type, or with those that a user gives ([`MethodChoice`]).
//!
//! * Learning rates: [`schedule`] (full, frozen, gradual, chain-thaw, layer rates), [`Hatl`], [`LowRank`].
//! * Changes of the parameters before training: [`Reinit`], [`ShrinkPerturb`]; of a circuit, [`WakeAngles`].
//! * Penalties: [`Distill`], and in [`penalty`] the anchor, MMD, CORAL, the adversary, methods for several environments
//!   (IRM, V-REx, GroupDRO, Fishr, ANDMask), demographic parity, adjustments for confounders, and augmentations with consistency.

mod adapter;
mod angles;
mod choice;
mod distill;
mod hatl;
mod method_row;
mod methods;
pub mod penalty;
mod reinit;
pub mod schedule;
mod shrink;

use candle_core::Tensor;

pub use adapter::LowRank;
pub use angles::{InputAngles, WakeAngles};
pub use choice::{MethodChoice, MethodSetting, MethodSettings};
pub use distill::Distill;
pub use hatl::{Decision, Hatl, Rule, noise};
pub use method_row::{MethodRow, Need};
pub use methods::METHODS;
pub use reinit::{Reinit, Selection, Utility, Value, select};
pub use shrink::ShrinkPerturb;

use crate::nn::loss::Objective;
use crate::nn::{Dataset, Examples, LearningRates, Mode, Model, Network, NnError, Output, Params};

/// What a method may read before it begins.
pub struct FitContext<'a> {
    /// The network as a function of its parameters.
    pub model: &'a dyn Model,
    /// The rows to learn from.
    pub training: &'a dyn Dataset,
    /// How wrong the network is on a row.
    pub objective: &'a dyn Objective,
    /// Rows to compute at once.
    pub batch: usize,
    /// For whatever a method draws.
    pub seed: u64,
}

/// One step of the training: its rows and what the network made of them.
pub struct Batch<'a> {
    /// Which training rows.
    pub rows: &'a [u32],
    /// The rows themselves.
    pub examples: &'a Examples,
    /// What the network made of them.
    pub output: &'a Output,
    /// (rows): the loss of each, not yet weighted.
    pub losses: &'a Tensor,
    /// What made the losses.
    pub objective: &'a dyn Objective,
    /// The network, for rows that a method makes itself.
    pub network: &'a dyn Network,
    /// How the network was run in this step.
    pub mode: Mode,
    /// Share of the training that is done, in 0..1.
    pub progress: f64,
}

/// What follows an epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum After {
    /// Nothing.
    #[default]
    GoOn,
    /// The parameters of the best epoch so far, and a fresh optimiser.
    RestoreBest,
}

/// A transfer method. Every function has a default.
///
/// ```
/// use qgraft::nn::{Params, LearningRates};
/// use qgraft::transfer::Transfer;
///
/// /// Only biases learn (Ben Zaken et al. 2021, arXiv:2106.10199).
/// struct BitFit;
/// impl Transfer for BitFit {
///     fn learning_rates(&self, params: &Params, _epoch: usize) -> LearningRates {
///         let others: Vec<_> = params.trainable().map(|(name, _)| name).filter(|n| !n.ends_with("bias")).collect();
///         LearningRates::freezing(&others)
///     }
/// }
/// ```
pub trait Transfer {
    /// Called once before training: takes a snapshot of the start, makes further parameters.
    ///
    /// # Errors
    /// If the method does not fit the network or the data.
    fn prepare(&mut self, _context: &FitContext, _params: &mut Params) -> Result<(), NnError> {
        Ok(())
    }

    /// Called before each epoch: changes parameters, but only those trained at the learning rates of the epoch, which
    /// are already set in `params`. Another method may have frozen the others.
    ///
    /// # Errors
    /// If the method does not fit the network or the data.
    fn before_epoch(&mut self, _context: &FitContext, _params: &mut Params, _epoch: usize) -> Result<(), NnError> {
        Ok(())
    }

    /// The learning rates of this epoch.
    fn learning_rates(&self, _params: &Params, _epoch: usize) -> LearningRates {
        LearningRates::default()
    }

    /// A number to add to the loss.
    ///
    /// # Errors
    /// If the method does not fit the network or the data.
    fn penalty(&self, _params: &Params, _batch: &Batch) -> Result<Option<Tensor>, NnError> {
        Ok(None)
    }

    /// What follows from the validation metric (higher is better) after `epoch`. It may depend on the metrics alone:
    /// when a training continues from a checkpoint, the method receives them again.
    fn after_epoch(&mut self, _epoch: usize, _metric: f64) -> After {
        After::GoOn
    }

    /// Whether a training may continue from a checkpoint: not if the method or its evaluator records something on the way
    /// that neither the parameters nor the metrics hold.
    fn is_resumable(&self) -> bool {
        true
    }

    /// What the method decided after each epoch so far, in a word each, for reports; empty for a method that decides
    /// nothing.
    fn log(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// The same learning rates in every epoch.
impl Transfer for LearningRates {
    fn learning_rates(&self, _params: &Params, _epoch: usize) -> LearningRates {
        self.clone()
    }
}

/// Several methods at once, called in order.
#[derive(Default)]
pub struct Compose(pub Vec<Box<dyn Transfer>>);

impl Transfer for Compose {
    fn prepare(&mut self, context: &FitContext, params: &mut Params) -> Result<(), NnError> {
        self.0.iter_mut().try_for_each(|method| method.prepare(context, params))
    }

    fn before_epoch(&mut self, context: &FitContext, params: &mut Params, epoch: usize) -> Result<(), NnError> {
        self.0.iter_mut().try_for_each(|method| method.before_epoch(context, params, epoch))
    }

    fn is_resumable(&self) -> bool {
        self.0.iter().all(|method| method.is_resumable())
    }

    fn learning_rates(&self, params: &Params, epoch: usize) -> LearningRates {
        self.0.iter().fold(LearningRates::default(), |rates, method| rates.times(&method.learning_rates(params, epoch)))
    }

    fn penalty(&self, params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let mut sum: Option<Tensor> = None;
        for method in &self.0 {
            sum = match (sum, method.penalty(params, batch)?) {
                (Some(sum), Some(more)) => Some((sum + more)?),
                (sum, more) => sum.or(more),
            };
        }
        Ok(sum)
    }

    fn after_epoch(&mut self, epoch: usize, metric: f64) -> After {
        // Every method receives the metric, whatever the others return.
        let all: Vec<After> = self.0.iter_mut().map(|method| method.after_epoch(epoch, metric)).collect();
        if all.contains(&After::RestoreBest) { After::RestoreBest } else { After::GoOn }
    }

    /// The logs of all methods, one behind the other.
    fn log(&self) -> Vec<&'static str> {
        self.0.iter().flat_map(|method| method.log()).collect()
    }
}
