//! The networks whose plasticity is lost and restored.

use std::sync::Arc;

use candle_core::Tensor;

use crate::nn::backbone::TopStages;
use crate::nn::backbone::architecture::{Architecture, Spelling};
use crate::nn::backbone::transformers::{VisionSize, vision_transformer};
use crate::nn::head::CircuitConfig;
use crate::nn::head::HeadModel;
use crate::nn::head::{Head, HeadRow};
use crate::nn::layer::{BatchNorm, Conv2d, Linear, Window};
use crate::nn::model::first;
use crate::nn::{LayerGroups, Mode, Model, Network, NnError, Output, Params};
use crate::study::StudyError;
use crate::systems::head_choice::HeadChoice;

/// The layers below the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trunk {
    /// Linear layers with ReLU: width of the inputs, then of each layer.
    Linear(Vec<usize>),
    /// Convolutions of 3×3 with batch normalisation and ReLU, the second and later ones of stride 2, then the mean over the
    /// plane: channels of the inputs, then of each layer.
    Convolutions(Vec<usize>),
    /// A vision transformer, a layer for the patches and one for each encoder. It reads grey pictures as three equal channels.
    Transformer(VisionSize),
}

/// A trunk with a head, as a function of its parameters. `more` of its output are what the layers put out.
pub struct TargetNet {
    trunk: Trunk,
    head: HeadModel,
}

impl Trunk {
    /// Width of what its head reads.
    fn features(&self) -> usize {
        match self {
            Self::Linear(widths) | Self::Convolutions(widths) => widths[widths.len() - 1],
            Self::Transformer(size) => size.width,
        }
    }

    /// Prefixes of the names of each layer's parameters, from input to output.
    fn prefixes(&self) -> Vec<Vec<String>> {
        match self {
            Self::Linear(widths) | Self::Convolutions(widths) => {
                (0..widths.len() - 1).map(|k| vec![format!("trunk.{k}.")]).collect()
            }
            Self::Transformer(size) => {
                let names = |stage: Vec<(String, Vec<usize>)>| stage.into_iter().map(|(name, _)| name).collect();
                architecture(size).stage_parameters().into_iter().map(names).collect()
            }
        }
    }

    /// What goes into and what comes out of the units of each layer that can be dormant: names of two matrices or kernels.
    pub fn units(&self) -> Vec<[String; 2]> {
        match self {
            Self::Linear(widths) | Self::Convolutions(widths) => {
                (0..widths.len() - 1).map(|k| [k, k + 1].map(|k| format!("trunk.{k}.weight"))).collect()
            }
            Self::Transformer(size) => {
                let names = |k| ["0", "3"].map(|l| format!("encoder.layers.encoder_layer_{k}.mlp.{l}.weight"));
                (0..size.depth).map(names).collect()
            }
        }
    }
}

impl TargetNet {
    /// `trunk` under the row `head` of the table of heads, without noise whatever device its label names.
    ///
    /// # Errors
    /// If there is no such head or family of circuits, or the circuit cannot be built.
    pub fn new(trunk: &Trunk, head: &str, circuit: &CircuitConfig, classes: usize) -> Result<Self, StudyError> {
        let head = HeadChoice::named(head, circuit)?.config.model(trunk.features(), classes)?;
        Ok(Self { trunk: trunk.clone(), head })
    }

    /// The same trunk with this head.
    pub fn with_head(&self, head: HeadModel) -> Self {
        Self { trunk: self.trunk.clone(), head }
    }

    /// The layers below its head.
    pub fn trunk(&self) -> &Trunk {
        &self.trunk
    }

    /// Takes over the values of the layers below the head from parameters of a network with the same.
    ///
    /// # Errors
    /// If one has another shape.
    pub fn copy_trunk(&self, params: &Params, source: &Params) -> Result<(), NnError> {
        let prefixes = self.trunk.prefixes().concat();
        prefixes.iter().try_for_each(|prefix| params.copy_prefix_from(source, prefix).map(drop))
    }

    /// Its head, ready to be built.
    pub fn head_model(&self) -> &HeadModel {
        &self.head
    }

    /// The angles (rows, input slots) in radians with which the circuit of the head is run on `inputs` (rows, …).
    ///
    /// # Errors
    /// If the head has no circuit, or shapes do not fit.
    pub fn input_angles(&self, params: &mut Params, inputs: &[Tensor]) -> Result<Tensor, NnError> {
        let features = self.build(params)?.forward(inputs, Mode::Eval)?.features;
        self.head.input_angles(params, &features)
    }

    /// The head.
    pub fn head(&self) -> &'static HeadRow {
        self.head.row
    }

    /// Its layers, the head last.
    pub fn groups(&self, params: &Params) -> LayerGroups {
        let layer = |prefixes: Vec<String>| {
            let names = params.trainable().map(|(name, _)| name);
            names.filter(|name| prefixes.iter().any(|prefix| name.starts_with(prefix))).map(String::from).collect()
        };
        LayerGroups::of_trunk(self.trunk.prefixes().into_iter().map(layer).collect(), params)
    }
}

/// The layers of a transformer without a classifier.
fn architecture(size: &VisionSize) -> Architecture {
    vision_transformer(*size, Spelling::Torchvision)
}

struct BuiltTransformer {
    stages: TopStages,
    head: Arc<dyn Head>,
}

impl Network for BuiltTransformer {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let grey = first(inputs)?;
        let (features, more) = self.stages.features_and_units(&Tensor::cat(&[grey, grey, grey], 1)?)?;
        let logits = self.head.logits(&features)?;
        Ok(Output { more, ..Output::new(features, logits) })
    }
}

struct Built {
    layers: Vec<Layer>,
    head: Arc<dyn Head>,
}

enum Layer {
    Linear(Linear),
    Convolution(Conv2d, BatchNorm),
}

impl Model for TargetNet {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let mut layers = Vec::new();
        let (widths, is_linear) = match &self.trunk {
            Trunk::Linear(widths) => (widths, true),
            Trunk::Convolutions(widths) => (widths, false),
            Trunk::Transformer(size) => {
                let stages = TopStages::untrained(params, &architecture(size))?;
                return Ok(Box::new(BuiltTransformer { stages, head: self.head.build(params)? }));
            }
        };
        for (k, pair) in widths.windows(2).enumerate() {
            let (name, sizes) = (format!("trunk.{k}"), (pair[0], pair[1]));
            layers.push(match is_linear {
                true => Layer::Linear(Linear::new(params, &name, sizes, true)?),
                false => {
                    let window = Window::square(3, if k == 0 { 1 } else { 2 }, 1);
                    let convolution = Conv2d::new(params, &name, sizes, window, 1, false)?;
                    Layer::Convolution(convolution, BatchNorm::new(params, &format!("{name}.norm"), pair[1])?)
                }
            });
        }
        Ok(Box::new(Built { layers, head: self.head.build(params)? }))
    }
}

impl Network for Built {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let (mut x, mut more) = (first(inputs)?.clone(), Vec::new());
        for layer in &self.layers {
            x = match layer {
                Layer::Linear(linear) => linear.forward(&x)?,
                Layer::Convolution(convolution, norm) => norm.forward(&convolution.forward(&x)?, mode)?,
            };
            x = x.relu()?;
            more.push(x.clone());
        }
        if x.rank() > 2 {
            x = x.flatten_from(2)?.mean(2)?;
        }
        let logits = self.head.logits(&x)?;
        Ok(Output { more, ..Output::new(x, logits) })
    }
}
