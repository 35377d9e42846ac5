//! What a trunk is made of, as data: a few shared layers that the tables of the architectures are spelled in.
//!
//! The same tree is used to list parameters, to compute with gradients and to compute fast. [`Node`] is generic in
//! what it holds for a convolution, the only difference between these uses.

use crate::nn::layer::{Padding, Window};

pub use super::tokens::{TokenLayer, Tokens};
pub use crate::nn::layer::frozen::Activation;

/// Where a trunk can be cut: the output of one part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Prefix of the last parameters inside, as the checkpoint spells it.
    pub name: String,
    /// Channels of the output.
    pub channels: usize,
    /// Input pixels per output pixel, along one side.
    pub stride: usize,
}

/// How much is added around a plane before a window slides over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// The same on all sides.
    Even(usize),
    /// TensorFlow's SAME: as many outputs as ⌈inputs / stride⌉, an odd pixel going below and right.
    Same,
    /// As much below and right as the last window needs (torch's `ceil_mode`).
    Ceil,
}

/// A window whose padding may depend on the size of the plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sliding {
    /// Side of the square kernel.
    pub kernel: usize,
    /// Step between outputs.
    pub stride: usize,
    /// What is added around.
    pub border: Border,
}

impl Sliding {
    /// The window over a plane of (height, width).
    pub fn over(&self, plane: (usize, usize)) -> Window {
        let Self { kernel, stride, border } = *self;
        let padding = match border {
            Border::Even(size) => Padding::all(size),
            Border::Same => Padding::same(plane, (kernel, kernel), stride),
            Border::Ceil => {
                let left_over = |side: usize| (stride - side.saturating_sub(kernel) % stride) % stride;
                Padding { bottom: left_over(plane.0), right: left_over(plane.1), ..Padding::default() }
            }
        };
        Window { padding, ..Window::square(kernel, stride, 0) }
    }
}

/// A convolution, its normalisation, its activation.
#[derive(Clone, Debug, PartialEq)]
pub struct Convolution {
    /// Prefix of `weight` and `bias`.
    pub name: String,
    /// Channels in and out.
    pub channels: (usize, usize),
    /// Kernel, stride, border.
    pub window: Sliding,
    /// Input and output channels are split into so many parts.
    pub groups: usize,
    /// What follows the products.
    pub offset: Offset,
    /// Applied last.
    pub activation: Activation,
}

/// What is added to each channel of a convolution.
#[derive(Clone, Debug, PartialEq)]
pub enum Offset {
    /// A learned number.
    Bias,
    /// Batch normalisation with running statistics.
    Norm {
        /// Prefix of `weight`, `bias`, `running_mean` and `running_var`.
        name: String,
        /// Added to the variance.
        epsilon: f64,
    },
}

/// A piece of a trunk; `C` is the type of a convolution.
#[derive(Clone, Debug, PartialEq)]
pub enum Node<C> {
    /// A convolution with what belongs to it.
    Convolution(C),
    /// The largest value under each window.
    MaxPool(Sliding),
    /// Squeeze-and-excitation (Hu et al. 2018, arXiv:1709.01507): each plane is scaled by a number made of all means.
    Excite {
        /// Means to fewer numbers.
        squeeze: C,
        /// Back to one number per plane.
        expand: C,
    },
    /// last(body(x)) + shortcut(x).
    Residual {
        /// The long way, without its end.
        body: Vec<Node<C>>,
        /// The end of the long way. Its activation is applied to the sum.
        last: C,
        /// The short way; the identity without one.
        shortcut: Option<C>,
    },
    /// Several convolutions of one input, their channels one after the other.
    Concat(Vec<C>),
    /// A layer of a transformer.
    Tokens(TokenLayer),
}

impl<C> Node<C> {
    /// The same tree with every convolution replaced, visited in the order in which they compute.
    pub fn map<D, E>(&self, change: &mut impl FnMut(&C) -> Result<D, E>) -> Result<Node<D>, E> {
        Ok(match self {
            Node::Convolution(c) => Node::Convolution(change(c)?),
            Node::MaxPool(window) => Node::MaxPool(*window),
            Node::Excite { squeeze, expand } => Node::Excite { squeeze: change(squeeze)?, expand: change(expand)? },
            Node::Residual { body, last, shortcut } => Node::Residual {
                body: body.iter().map(|node| node.map(change)).collect::<Result<_, _>>()?,
                last: change(last)?,
                shortcut: shortcut.as_ref().map(&mut *change).transpose()?,
            },
            Node::Concat(branches) => Node::Concat(branches.iter().map(change).collect::<Result<_, _>>()?),
            Node::Tokens(layer) => Node::Tokens(layer.clone()),
        })
    }
}

/// How class scores are made of the last stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Classifier {
    /// A linear layer on the features.
    Linear {
        /// Prefix of `weight` and `bias`.
        name: &'static str,
        /// Features in, classes out.
        shape: (usize, usize),
    },
    /// The last stage has one plane per class: the mean of its positive part.
    PositiveMean,
}

/// A whole network: its stages in order, then the mean of each plane (the features), then the classifier.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    /// Where it can be cut and what it computes up to there.
    pub stages: Vec<(Stage, Vec<Node<Convolution>>)>,
    /// From features to class scores.
    pub classifier: Classifier,
}

/// Whose names a checkpoint uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// torchvision's: ours.
    Torchvision,
    /// Those of the timm library, whose weights are the ones on the Hugging Face hub; of ViT the older ones of torchvision.
    Timm,
}

impl Spelling {
    /// One of two.
    pub fn choose<T>(self, torchvision: T, timm: T) -> T {
        match self {
            Spelling::Torchvision => torchvision,
            Spelling::Timm => timm,
        }
    }
}

/// Name and shape of a tensor a network needs.
pub type Parameter = (String, Vec<usize>);

impl Convolution {
    /// Its tensors.
    pub fn parameters(&self) -> Vec<Parameter> {
        let (inputs, outputs) = self.channels;
        let Sliding { kernel, .. } = self.window;
        let mut all = vec![(format!("{}.weight", self.name), vec![outputs, inputs / self.groups, kernel, kernel])];
        let offsets: (&str, &[&str]) = match &self.offset {
            Offset::Bias => (&self.name, &["bias"]),
            Offset::Norm { name, .. } => (name, &["weight", "bias", "running_mean", "running_var"]),
        };
        all.extend(offsets.1.iter().map(|part| (format!("{}.{part}", offsets.0), vec![outputs])));
        all
    }
}

impl Architecture {
    /// Tensors of each stage, from input to output.
    pub fn stage_parameters(&self) -> Vec<Vec<Parameter>> {
        let of_stage = |nodes: &Vec<Node<Convolution>>| {
            let mut stage = Vec::new();
            for node in nodes {
                if let Node::Tokens(layer) = node {
                    stage.extend(layer.kind.parameters());
                }
                let listed: Result<_, std::convert::Infallible> = node.map(&mut |c| {
                    stage.extend(c.parameters());
                    Ok(())
                });
                let Ok(_) = listed;
            }
            stage
        };
        self.stages.iter().map(|(_, nodes)| of_stage(nodes)).collect()
    }

    /// Tensors of the trunk, then those of the classifier.
    pub fn parameters(&self) -> (Vec<Parameter>, Vec<Parameter>) {
        let trunk = self.stage_parameters().into_iter().flatten().collect();
        let classifier = match &self.classifier {
            Classifier::Linear { name, shape: (features, classes) } => {
                vec![(format!("{name}.weight"), vec![*classes, *features]), (format!("{name}.bias"), vec![*classes])]
            }
            Classifier::PositiveMean => Vec::new(),
        };
        (trunk, classifier)
    }
}
