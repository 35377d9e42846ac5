//! The networks whose plasticity is lost and restored.

use std::sync::Arc;

use candle_core::Tensor;

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
}

/// A trunk with a head, as a function of its parameters. `more` of its output are what the layers put out.
pub struct TargetNet {
    trunk: Trunk,
    head: HeadModel,
}

impl Trunk {
    fn widths(&self) -> &[usize] {
        let (Self::Linear(widths) | Self::Convolutions(widths)) = self;
        widths
    }

    /// Number of layers.
    pub fn layers(&self) -> usize {
        self.widths().len() - 1
    }
}

impl TargetNet {
    /// `trunk` under the row `head` of the table of heads, without noise whatever device its label names.
    ///
    /// # Errors
    /// If there is no such head or family of circuits, or the circuit cannot be built.
    pub fn new(trunk: &Trunk, head: &str, circuit: &CircuitConfig, classes: usize) -> Result<Self, StudyError> {
        let features = trunk.widths()[trunk.layers()];
        let head = HeadChoice::named(head, circuit)?.config.model(features, classes)?;
        Ok(Self { trunk: trunk.clone(), head })
    }

    /// The same trunk with this head.
    pub fn with_head(&self, head: HeadModel) -> Self {
        Self { trunk: self.trunk.clone(), head }
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
        let layer = |k: usize| {
            let prefix = format!("trunk.{k}.");
            params
                .trainable()
                .map(|(name, _)| name)
                .filter(|name| name.starts_with(&prefix))
                .map(String::from)
                .collect()
        };
        LayerGroups::of_trunk((0..self.trunk.layers()).map(layer).collect(), params)
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
        for (k, pair) in self.trunk.widths().windows(2).enumerate() {
            let (name, sizes) = (format!("trunk.{k}"), (pair[0], pair[1]));
            layers.push(match self.trunk {
                Trunk::Linear(_) => Layer::Linear(Linear::new(params, &name, sizes, true)?),
                Trunk::Convolutions(_) => {
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
