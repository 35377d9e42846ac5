//! The trained part: the upper stages of the backbone, and a head on their planes as they are, without a mean over them.
//! Where something is in the picture tells which way is up.

use std::ops::RangeInclusive;

use candle_core::Tensor;

use super::Pretrained;
use crate::nn::backbone::Trunk;
use crate::nn::layer::{Conv2d, GroupNorm, Linear, Window};
use crate::nn::model::first;
use crate::nn::{LayerGroups, LearningRates, Mode, Model, Network, NnError, Output, Params};

/// Channels to which the planes are reduced before the linear layer.
const WIDTH: usize = 128;

/// Factor on the learning rate of the backbone: it starts from trained values, the head from random ones.
const TRUNK_RATE: f64 = 0.3;

/// Upper stages and head.
pub(super) struct PhotoNet<'a> {
    pub pretrained: &'a Pretrained,
    /// Outputs of the last layer.
    pub outputs: usize,
}

impl PhotoNet<'_> {
    /// Names of the stages' parameters in order, then the head.
    pub fn groups(&self, params: &Params) -> LayerGroups {
        LayerGroups::of_trunk(self.pretrained.row.layers(), params)
    }

    /// Indices of the stages behind the constant ones.
    fn live(&self) -> RangeInclusive<usize> {
        use crate::nn::backbone::Backbone;
        let stages = self.pretrained.trunk.stages();
        let index = |name: &str| stages.iter().position(|stage| stage.name == name).unwrap_or(0);
        index(&self.pretrained.from) + 1..=index(&self.pretrained.to.name)
    }

    /// The groups that can be trained: the stages behind the constant ones, and the head.
    pub fn live_groups(&self, params: &Params) -> LayerGroups {
        let LayerGroups(mut groups) = self.groups(params);
        let head = groups.pop();
        LayerGroups(self.live().filter_map(|stage| groups.get(stage).cloned()).chain(head).collect())
    }

    /// The learning rates that train the stages behind the constant ones, or the head alone.
    pub fn learning_rates(&self, params: &Params, trains_stages: bool) -> LearningRates {
        let (groups, live) = (self.groups(params), self.live());
        let head = groups.len().saturating_sub(1);
        let factor = |group: usize| match group {
            group if group == head => 1.0,
            group if trains_stages && live.contains(&group) => TRUNK_RATE,
            _ => 0.0,
        };
        LearningRates::of_groups(&groups, (0..groups.len()).map(factor))
    }
}

struct Layers<'a> {
    trunk: Trunk,
    pretrained: &'a Pretrained,
    reduce: Conv2d,
    norm: GroupNorm,
    head: Linear,
}

impl Model for PhotoNet<'_> {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let pretrained = self.pretrained;
        let trunk = Trunk::on(params, pretrained.row, &pretrained.weights)?;
        let reduce = Conv2d::new(params, "reduce", (pretrained.to.channels, WIDTH), Window::square(1, 1, 0), 1, false)?;
        let norm = GroupNorm::new(params, "reduce_norm", 8, WIDTH)?;
        let head = Linear::new(params, "head", (WIDTH * pretrained.pixels, self.outputs), true)?;
        Ok(Box::new(Layers { trunk, pretrained, reduce, norm, head }))
    }
}

impl Network for Layers<'_> {
    /// Inputs: what leaves the constant stages, (batch, channels, height, width).
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let planes = self.trunk.between(first(inputs)?, &self.pretrained.from, &self.pretrained.to.name)?;
        let planes = self.norm.forward(&self.reduce.forward(&planes)?)?.relu()?;
        let features = planes.flatten_from(1)?;
        let logits = self.head.forward(&features)?;
        Ok(Output::new(features, logits))
    }
}
