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

/// The head, and of the trunk its uppermost tensors that together hold at most the share `fraction` of its parameters. Numbers are
/// counted, not tensors: 0 trains the head alone, 1 everything.
#[derive(Clone, Debug)]
pub struct TrainableFraction {
    /// The layers; the last is the head.
    pub groups: LayerGroups,
    /// Share of the trunk's parameters that are trained, in 0..=1.
    pub fraction: f64,
}

impl TrainableFraction {
    /// Half of the trunk.
    pub fn new(groups: &LayerGroups) -> Self {
        Self { groups: groups.clone(), fraction: 0.5 }
    }
}

impl Transfer for TrainableFraction {
    fn learning_rates(&self, params: &Params, _epoch: usize) -> LearningRates {
        let size = |name: &str| params.find(name).map_or(0, |var| var.elem_count());
        let trunk: Vec<&str> = self.groups.trunk().collect();
        let all: usize = trunk.iter().map(|name| size(name)).sum();
        let (mut count, mut is_reached) = (0, false);
        let mut frozen = Vec::new();
        for name in trunk.into_iter().rev() {
            is_reached |= (count + size(name)) as f64 > self.fraction * all as f64;
            if is_reached {
                frozen.push(name);
            }
            count += size(name);
        }
        LearningRates::freezing(&frozen)
    }
}

/// Trains the groups that `is_trained` accepts at the full rate and freezes the others.
pub(super) fn only(groups: &LayerGroups, is_trained: impl Fn(usize) -> bool) -> LearningRates {
    LearningRates::of_groups(groups, (0..groups.len()).map(|group| if is_trained(group) { 1.0 } else { 0.0 }))
}
