//! The network under the heads.

use candle_core::Tensor;

use crate::nn::layer::{Conv2d, GroupNorm, Window};
use crate::nn::model::first;
use crate::nn::{LayerGroups, Mode, Model, Network, NnError, Output, Params};
use crate::systems::rotation::readout::{Reader, ReaderShape, Readout};

/// Pixels along an edge of a view.
pub(super) const SIZE: usize = 28;

/// Channels after each convolution; each halves the edge.
pub(super) const CHANNELS: [usize; 4] = [3, 16, 32, 64];

/// Edge of the last plane: 28, 14, 7, 4.
const EDGE: usize = 4;

/// Features that a head on the planes reads.
pub(super) const FEATURES: usize = CHANNELS[CHANNELS.len() - 1] * EDGE * EDGE;

/// Prefixes of the names of the trunk's parameters.
pub(super) const TRUNK: [&str; 2] = ["conv", "norm"];

/// Three convolutions with group normalisation, then what reads their planes.
pub(super) struct AngleNet {
    /// Outputs of the last layer.
    pub outputs: usize,
    /// What reads the planes.
    pub readout: Readout,
}

impl AngleNet {
    /// Convolutions from input to output, each with its normalisation, and the head.
    pub fn groups(params: &Params) -> LayerGroups {
        let layer = |k: usize| {
            let prefixes = TRUNK.map(|prefix| format!("{prefix}{k}."));
            let names = params.trainable().map(|(name, _)| name.to_string());
            names.filter(|name| prefixes.iter().any(|prefix| name.starts_with(prefix))).collect()
        };
        LayerGroups::of_trunk((0..CHANNELS.len() - 1).map(layer).collect(), params)
    }
}

struct Layers {
    trunk: Vec<(Conv2d, GroupNorm)>,
    reader: Reader,
}

impl Model for AngleNet {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let mut trunk = Vec::new();
        for (k, pair) in CHANNELS.windows(2).enumerate() {
            let conv = Conv2d::new(params, &format!("conv{k}"), (pair[0], pair[1]), Window::square(3, 2, 1), 1, false)?;
            trunk.push((conv, GroupNorm::new(params, &format!("norm{k}"), 8, pair[1])?));
        }
        let planes = (CHANNELS[CHANNELS.len() - 1], EDGE * EDGE);
        let shape = ReaderShape { planes, reduced: None, outputs: self.outputs };
        Ok(Box::new(Layers { trunk, reader: Reader::new(params, self.readout, shape)? }))
    }
}

impl Network for Layers {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let mut x = first(inputs)?.clone();
        for (conv, norm) in &self.trunk {
            x = norm.forward(&conv.forward(&x)?)?.relu()?;
        }
        let (features, logits) = self.reader.forward(&x, mode)?;
        Ok(Output::new(features, logits))
    }
}
