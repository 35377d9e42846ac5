//! A trunk without gradients: normalisation folded into the convolutions, activations and sums fused, one image per
//! thread.

use candle_core::{Result, Tensor, bail};

use super::architecture::Node;
use super::live::{Added, Layer};
use crate::nn::layer::frozen::{FrozenConv, FrozenNet, NetBuilder, Value, fold_batch_norm};

/// What a run of a trunk returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// The output of the stage at this position.
    Stage(usize),
    /// The means of the last stage's planes.
    Features,
}

/// A trunk packed for images of one size.
pub(super) struct Frozen {
    pub size: (usize, usize),
    pub cut: Cut,
    net: FrozenNet,
}

impl Frozen {
    pub fn new(stages: &[Vec<Node<Layer>>], size: (usize, usize), cut: Cut) -> Result<Self> {
        let (mut net, image) = NetBuilder::new(3, size.0, size.1);
        let last = match cut {
            Cut::Stage(stage) => stage,
            Cut::Features => stages.len() - 1,
        };
        let mut output = add(&mut net, stages[..=last].iter().flatten(), image)?;
        if cut == Cut::Features {
            output = net.global_avg_pool(output)?;
        }
        Ok(Self { size, cut, net: net.build(&[output])? })
    }

    /// (batch, channels, height, width), or (batch, width) for features.
    pub fn run(&self, images: &Tensor) -> Result<Tensor> {
        let output = self.net.run(images)?.remove(0);
        match self.cut {
            Cut::Stage(_) => Ok(output),
            Cut::Features => output.flatten_from(1),
        }
    }
}

fn add<'a>(net: &mut NetBuilder, nodes: impl IntoIterator<Item = &'a Node<Layer>>, input: Value) -> Result<Value> {
    nodes.into_iter().try_fold(input, |input, node| match node {
        Node::Convolution(layer) => convolution(net, layer, input),
        Node::MaxPool(window) => {
            let (_, height, width) = net.shape(input);
            net.max_pool(input, window.over((height, width)))
        }
        Node::Excite { squeeze, expand } => {
            let means = net.global_avg_pool(input)?;
            let narrow = convolution(net, squeeze, means)?;
            let gate = convolution(net, expand, narrow)?;
            net.scale(input, gate)
        }
        Node::Residual { body, last, shortcut } => {
            let short = shortcut.as_ref().map_or(Ok(input), |layer| convolution(net, layer, input))?;
            let long = add(net, body, input)?;
            let packed = packed(net, last, long)?;
            net.conv_add(long, packed, short)
        }
        Node::Concat(branches) => {
            let values = branches.iter().map(|layer| convolution(net, layer, input)).collect::<Result<Vec<_>>>()?;
            net.concat(&values)
        }
        // A trunk with such layers runs live.
        Node::Tokens(layer) => bail!("{:?} is not packed", layer.kind),
    })
}

fn convolution(net: &mut NetBuilder, layer: &Layer, input: Value) -> Result<Value> {
    let packed = packed(net, layer, input)?;
    net.conv(input, packed)
}

fn packed(net: &NetBuilder, layer: &Layer, input: Value) -> Result<FrozenConv> {
    let (_, height, width) = net.shape(input);
    let (weight, bias) = match &layer.offset {
        Added::Bias(bias) => (layer.weight.clone(), bias.clone()),
        Added::Norm { weight, bias, mean, variance, epsilon, .. } => {
            fold_batch_norm(&layer.weight, None, [weight, bias, mean, variance], *epsilon)?
        }
    };
    FrozenConv::new(&weight, Some(&bias), layer.window.over((height, width)), layer.groups, layer.activation)
}
