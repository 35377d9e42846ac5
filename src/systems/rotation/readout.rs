//! What reads the planes of a trunk: the last layers of a network for angles.

use candle_core::Tensor;

use crate::nn::layer::{Conv2d, GroupNorm, LayerNorm, Linear, Window, dropout, global_avg_pool};
use crate::nn::onnx::{OnnxAttribute, OnnxGraph, OnnxValue};
use crate::nn::{Mode, NnError, Params};
use crate::systems::rotation::encodings::AngleHead;

/// What reads the planes of a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readout {
    /// A linear layer on the planes as they are: where something is in the picture tells which way is up.
    Planes,
    /// A linear layer on the mean of each plane.
    Linear,
    /// The head of Woehrer 2026 (arXiv:2603.25351) for codes: of the mean of each plane a layer normalisation, then layers
    /// of a half, a quarter and an eighth of their number with ReLU and dropout, then the output.
    Mlp,
}

/// Every readout: its name and one line for people.
pub static READOUTS: &[(&str, &str, Readout)] = &[
    ("planes", "a linear layer on the planes as they are, without a mean over them", Readout::Planes),
    ("linear", "a linear layer on the mean of each plane", Readout::Linear),
    ("mlp", "normalised means of planes, three narrowing layers with ReLU and dropout (Woehrer 2026)", Readout::Mlp),
];

impl Readout {
    /// The readout of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        READOUTS.iter().find(|row| row.0 == name).map(|row| row.2)
    }
}

/// Share of the outputs of each hidden layer of [`Readout::Mlp`] that is dropped in training: that of the source.
const DROPOUT: f64 = 0.2;

/// A readout with its layers.
pub(super) enum Reader {
    Planes { reduce: Option<(Conv2d, GroupNorm)>, head: Linear },
    Linear(Linear),
    Mlp { norm: LayerNorm, layers: Vec<Linear> },
}

/// What a reader is made for.
pub(super) struct ReaderShape {
    /// Channels of the planes, and pixels of each.
    pub planes: (usize, usize),
    /// Channels to which [`Readout::Planes`] reduces planes first.
    pub reduced: Option<usize>,
    /// Outputs of the last layer.
    pub outputs: usize,
}

impl Reader {
    /// Its parameters begin with `head` and `reduce`.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(params: &mut Params, readout: Readout, shape: ReaderShape) -> Result<Self, NnError> {
        let ReaderShape { planes: (channels, pixels), reduced, outputs } = shape;
        Ok(match readout {
            Readout::Planes => {
                let reduce = match reduced {
                    Some(width) => {
                        let window = Window::square(1, 1, 0);
                        let conv = Conv2d::new(params, "reduce", (channels, width), window, 1, false)?;
                        Some((conv, GroupNorm::new(params, "reduce_norm", 8, width)?))
                    }
                    None => None,
                };
                let inputs = reduced.unwrap_or(channels) * pixels;
                Self::Planes { reduce, head: Linear::new(params, "head", (inputs, outputs), true)? }
            }
            Readout::Linear => Self::Linear(Linear::new(params, "head", (channels, outputs), true)?),
            Readout::Mlp => {
                let norm = LayerNorm::new(params, "head_norm", channels)?;
                let widths = [channels, (channels / 2).max(1), (channels / 4).max(1), (channels / 8).max(1), outputs];
                let pairs = widths.windows(2).enumerate();
                let layer =
                    |(k, pair): (usize, &[usize])| Linear::new(params, &format!("head.{k}"), (pair[0], pair[1]), true);
                Self::Mlp { norm, layers: pairs.map(layer).collect::<Result<_, _>>()? }
            }
        })
    }

    /// Features (batch, width) and outputs of planes (batch, channels, height, width).
    pub fn forward(&self, planes: &Tensor, mode: Mode) -> Result<(Tensor, Tensor), NnError> {
        match self {
            Self::Planes { reduce, head } => {
                let features = match reduce {
                    Some((conv, norm)) => norm.forward(&conv.forward(planes)?)?.relu()?.flatten_from(1)?,
                    None => planes.flatten_from(1)?,
                };
                let outputs = head.forward(&features)?;
                Ok((features, outputs))
            }
            Self::Linear(head) => {
                let features = global_avg_pool(planes)?;
                let outputs = head.forward(&features)?;
                Ok((features, outputs))
            }
            Self::Mlp { norm, layers } => {
                let features = global_avg_pool(planes)?;
                let mut x = norm.forward(&features)?;
                for (k, layer) in layers.iter().enumerate() {
                    x = layer.forward(&x)?;
                    if k + 1 < layers.len() {
                        x = dropout(&x.relu()?, DROPOUT, &format!("head.{k}"), mode)?;
                    }
                }
                Ok((features, x))
            }
        }
    }

    /// The outputs of planes of an ONNX graph, without dropout.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn write(&self, graph: &mut OnnxGraph, planes: &OnnxValue) -> Result<OnnxValue, NnError> {
        match self {
            Self::Planes { reduce, head } => {
                let mut x = planes.clone();
                if let Some((conv, norm)) = reduce {
                    let reduced = conv.write(graph, &x)?;
                    let standard = norm.write(graph, &reduced)?;
                    x = graph.node("Relu", &[&standard], &[]);
                }
                let x = graph.flatten(&x);
                head.write(graph, &x)
            }
            Self::Linear(head) => {
                let x = graph.plane_means(planes);
                head.write(graph, &x)
            }
            Self::Mlp { norm, layers } => {
                let means = graph.plane_means(planes);
                let mut x = norm.write(graph, &means)?;
                for (k, layer) in layers.iter().enumerate() {
                    x = layer.write(graph, &x)?;
                    if k + 1 < layers.len() {
                        x = graph.node("Relu", &[&x], &[]);
                    }
                }
                Ok(x)
            }
        }
    }
}

/// The output of an encoding as its decoding reads it: probabilities of a distribution, other values as they are.
pub(super) fn write_code(graph: &mut OnnxGraph, head: &AngleHead, outputs: OnnxValue) -> OnnxValue {
    match head.is_distribution() {
        true => graph.node("Softmax", &[&outputs], &[("axis", OnnxAttribute::Int(-1))]),
        false => outputs,
    }
}
