//! A trunk with gradients: candle computes it layer by layer over the whole batch.

use candle_core::{Result, Tensor};
use candle_nn::ops::sigmoid;

use super::architecture::{Convolution, Node, Offset, Sliding};
use super::trunk::present;
use crate::nn::layer::channels::{add_per_channel, multiply_per_channel};
use crate::nn::layer::frozen::Activation;
use crate::nn::layer::{conv2d, max_pool2d};
use crate::nn::{NnError, Weights};

/// A convolution with its tensors.
pub(super) struct Layer {
    pub window: Sliding,
    pub groups: usize,
    pub activation: Activation,
    pub weight: Tensor,
    pub offset: Added,
}

pub(super) enum Added {
    Bias(Tensor),
    Norm { name: String, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, epsilon: f64 },
}

/// Sees what passes a trunk that computes with gradients, and may change what it normalises with.
pub(super) trait Watch {
    /// Mean and variance (channels) to normalise `sums` (batch, channels, height, width) with in place of those of the
    /// normalisation of this name.
    fn statistics(&mut self, _norm: &str, _sums: &Tensor) -> Result<Option<[Tensor; 2]>> {
        Ok(None)
    }

    /// What leaves a layer that rectifies: ReLU, ReLU6, and the GELU inside encoders of transformers.
    fn rectified(&mut self, _output: &Tensor) {}

    /// Weights (batch, heads, tokens, tokens) of an attention of all tokens to all.
    fn attention(&mut self, _weights: &Tensor) {}
}

impl Watch for () {}

impl Layer {
    pub fn new(c: &Convolution, weights: &Weights) -> std::result::Result<Self, NnError> {
        let tensor = |prefix: &str, part: &str| present(weights, &format!("{prefix}.{part}"));
        let offset = match &c.offset {
            Offset::Bias => Added::Bias(tensor(&c.name, "bias")?),
            Offset::Norm { name, epsilon } => Added::Norm {
                name: name.clone(),
                weight: tensor(name, "weight")?,
                bias: tensor(name, "bias")?,
                mean: tensor(name, "running_mean")?,
                variance: tensor(name, "running_var")?,
                epsilon: *epsilon,
            },
        };
        let weight = tensor(&c.name, "weight")?;
        Ok(Self { window: c.window, groups: c.groups, activation: c.activation, weight, offset })
    }

    fn forward(&self, x: &Tensor, watch: &mut dyn Watch) -> Result<Tensor> {
        let output = activate(self.activation, &self.sums(x, watch)?)?;
        if matches!(self.activation, Activation::Relu | Activation::Relu6) {
            watch.rectified(&output);
        }
        Ok(output)
    }

    /// Before the activation.
    fn sums(&self, x: &Tensor, watch: &mut dyn Watch) -> Result<Tensor> {
        let (_, _, height, width) = x.dims4()?;
        let window = self.window.over((height, width));
        match &self.offset {
            Added::Bias(bias) => conv2d(x, &self.weight, Some(bias), window, self.groups),
            Added::Norm { name, weight, bias, mean, variance, epsilon } => {
                let sums = conv2d(x, &self.weight, None, window, self.groups)?;
                let measured = watch.statistics(name, &sums)?;
                let (mean, variance) = measured.as_ref().map_or((mean, variance), |[mean, variance]| (mean, variance));
                let scale = (weight / (variance + *epsilon)?.sqrt()?)?;
                let shift = (bias - (mean * &scale)?)?;
                add_per_channel(&multiply_per_channel(&sums, &scale, 1)?, &shift, 1)
            }
        }
    }
}

fn activate(activation: Activation, x: &Tensor) -> Result<Tensor> {
    match activation {
        Activation::None => Ok(x.clone()),
        Activation::Relu => x.relu(),
        Activation::Relu6 => x.clamp(0f32, 6f32),
        Activation::Silu => x * sigmoid(x)?,
        Activation::Hardswish => x * ((x + 3.0)?.clamp(0f32, 6f32)? / 6.0)?,
        Activation::Sigmoid => sigmoid(x),
    }
}

impl Node<Layer> {
    pub(super) fn forward(&self, x: &Tensor, watch: &mut dyn Watch) -> Result<Tensor> {
        match self {
            Node::Convolution(layer) => layer.forward(x, watch),
            Node::MaxPool(window) => {
                let (_, _, height, width) = x.dims4()?;
                max_pool2d(x, window.over((height, width)))
            }
            Node::Excite { squeeze, expand } => {
                let means = x.mean_keepdim((2, 3))?;
                let narrow = squeeze.forward(&means, watch)?;
                x.broadcast_mul(&expand.forward(&narrow, watch)?)
            }
            Node::Residual { body, last, shortcut } => {
                let inside = body.iter().try_fold(x.clone(), |x, node| node.forward(&x, watch))?;
                let long = last.sums(&inside, watch)?;
                let short = match shortcut {
                    Some(layer) => layer.forward(x, watch)?,
                    None => x.clone(),
                };
                activate(last.activation, &(long + short)?)
            }
            Node::Concat(branches) => {
                Tensor::cat(&branches.iter().map(|layer| layer.forward(x, watch)).collect::<Result<Vec<_>>>()?, 1)
            }
            Node::Tokens(layer) => layer.forward(x, watch),
        }
    }
}
