//! Learning rates that depend on the epoch alone.

use crate::nn::{LayerGroups, LearningRates, Params};
use crate::transfer::Transfer;

/// All parameters are trained at the full rate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Full;

impl Transfer for Full {}

/// The trunk is frozen.
#[derive(Clone, Debug)]
pub struct Frozen {
    /// The layers; the last is the head.
    pub groups: LayerGroups,
}

impl Frozen {
    /// Freezes all but the last group.
    pub fn new(groups: &LayerGroups) -> Self {
        Self { groups: groups.clone() }
    }
}

impl Transfer for Frozen {
    fn learning_rates(&self, _params: &Params, _epoch: usize) -> LearningRates {
        only(&self.groups, |group| group + 1 == self.groups.len())
    }
}

/// One more layer from the head down every `every` epochs.
#[derive(Clone, Debug)]
pub struct Gradual {
    /// The layers; the last is the head.
    pub groups: LayerGroups,
    /// Epochs between releases.
    pub every: usize,
}

impl Gradual {
    /// A release each epoch, as in the paper.
    pub fn new(groups: &LayerGroups) -> Self {
        Self { groups: groups.clone(), every: 1 }
    }
}

impl Transfer for Gradual {
    fn learning_rates(&self, _params: &Params, epoch: usize) -> LearningRates {
        let released = epoch / self.every.max(1) + 1;
        only(&self.groups, |group| group + released >= self.groups.len())
    }
}

/// The head, then each layer alone from the input up, then everything; `every` epochs each.
#[derive(Clone, Debug)]
pub struct ChainThaw {
    /// The layers; the last is the head.
    pub groups: LayerGroups,
    /// Epochs of each stage. The paper trains each until its validation loss stops falling.
    pub every: usize,
}

impl ChainThaw {
    /// One epoch a stage.
    pub fn new(groups: &LayerGroups) -> Self {
        Self { groups: groups.clone(), every: 1 }
    }
}

impl Transfer for ChainThaw {
    fn learning_rates(&self, _params: &Params, epoch: usize) -> LearningRates {
        let (stage, head) = (epoch / self.every.max(1), self.groups.len().saturating_sub(1));
        only(&self.groups, |group| match stage {
            0 => group == head,
            _ => group + 1 == stage || stage > head,
        })
    }
}

/// Each layer is trained at `ratio` times the rate of the one above it, the head at the full rate.
#[derive(Clone, Debug)]
pub struct LayerRates {
    /// The layers; the last is the head.
    pub groups: LayerGroups,
    /// Rate of a layer, in rates of the layer above.
    pub ratio: f64,
}

impl LayerRates {
    /// The paper's 1 / 2.6.
    pub fn new(groups: &LayerGroups) -> Self {
        Self { groups: groups.clone(), ratio: 1.0 / 2.6 }
    }
}

impl Transfer for LayerRates {
    fn learning_rates(&self, _params: &Params, _epoch: usize) -> LearningRates {
        let rates = (1..=self.groups.len()).rev().map(|above| self.ratio.powi(above as i32 - 1));
        LearningRates::of_groups(&self.groups, rates)
    }
}

/// Trains the groups that `is_trained` accepts at the full rate and freezes the others.
pub(super) fn only(groups: &LayerGroups, is_trained: impl Fn(usize) -> bool) -> LearningRates {
    LearningRates::of_groups(groups, (0..groups.len()).map(|group| if is_trained(group) { 1.0 } else { 0.0 }))
}
