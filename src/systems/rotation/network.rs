//! The network under the heads.

use candle_core::Tensor;

use crate::nn::layer::{Conv2d, GroupNorm, Linear, Window};
use crate::nn::model::first;
use crate::nn::{LayerGroups, Mode, Model, Network, NnError, Output, Params};

/// Pixels along an edge of a view.
pub const SIZE: usize = 28;

/// Channels after each convolution; each halves the edge.
pub const CHANNELS: [usize; 4] = [3, 16, 32, 64];

/// Edge of the last plane: 28, 14, 7, 4.
const EDGE: usize = 4;

/// How many numbers a head reads.
pub const FEATURES: usize = CHANNELS[CHANNELS.len() - 1] * EDGE * EDGE;

/// Where the names of the trunk's parameters begin.
pub const TRUNK: [&str; 2] = ["conv", "norm"];

/// Three convolutions with group normalisation, then one linear layer.
pub struct Eye {
    /// How many numbers the linear layer puts out.
    pub outputs: usize,
}

impl Eye {
    /// Trunk and head.
    pub fn groups(params: &Params) -> LayerGroups {
        let names = params.trainable().map(|(name, _)| name.to_string());
        let trunk = names.filter(|name| TRUNK.iter().any(|prefix| name.starts_with(prefix))).collect();
        LayerGroups::of_trunk(vec![trunk], params)
    }
}

struct Built {
    layers: Vec<(Conv2d, GroupNorm)>,
    head: Linear,
}

impl Model for Eye {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let mut layers = Vec::new();
        for (k, pair) in CHANNELS.windows(2).enumerate() {
            let conv = Conv2d::new(params, &format!("conv{k}"), (pair[0], pair[1]), Window::square(3, 2, 1), 1, false)?;
            layers.push((conv, GroupNorm::new(params, &format!("norm{k}"), 8, pair[1])?));
        }
        Ok(Box::new(Built { layers, head: Linear::new(params, "head", (FEATURES, self.outputs), true)? }))
    }
}

impl Network for Built {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let mut x = first(inputs)?.clone();
        for (conv, norm) in &self.layers {
            x = norm.forward(&conv.forward(&x)?)?.relu()?;
        }
        let features = x.flatten_from(1)?;
        let logits = self.head.forward(&features)?;
        Ok(Output::new(features, logits))
    }
}
