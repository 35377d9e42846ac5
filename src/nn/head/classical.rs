//! Linear layers with activations between them.

use candle_core::Tensor;

use crate::nn::head::{Head, HeadShape};
use crate::nn::layer::Linear;
use crate::nn::onnx::{OnnxGraph, OnnxValue};
use crate::nn::{NnError, Params};

/// What is applied between linear layers, value by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// x.
    Nothing,
    /// min(max(x, -1), 1).
    Hardtanh,
    /// max(x, 0).
    Relu,
    /// tanh x.
    Tanh,
}

impl Between {
    fn forward(self, x: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Nothing => Ok(x.clone()),
            Self::Hardtanh => x.clamp(-1.0, 1.0),
            Self::Relu => x.relu(),
            Self::Tanh => x.tanh(),
        }
    }

    fn write(self, graph: &mut OnnxGraph, x: OnnxValue) -> OnnxValue {
        match self {
            Self::Nothing => x,
            Self::Hardtanh => graph.clip(&x, -1.0, 1.0),
            Self::Relu => graph.node("Relu", &[&x], &[]),
            Self::Tanh => graph.node("Tanh", &[&x], &[]),
        }
    }
}

/// A stack of linear layers.
pub(super) struct LayersHead {
    layers: Vec<Linear>,
    activation: Between,
}

impl LayersHead {
    pub(super) fn new(
        params: &mut Params,
        shape: &HeadShape,
        hidden: &[usize],
        activation: Between,
    ) -> Result<Self, NnError> {
        let mut width = shape.features;
        let mut layers = Vec::new();
        for (k, &next) in hidden.iter().chain([&shape.classes]).enumerate() {
            layers.push(Linear::new(params, &format!("layers.{k}"), (width, next), true)?);
            width = next;
        }
        Ok(Self { layers, activation })
    }
}

impl Head for LayersHead {
    fn logits(&self, features: &Tensor) -> Result<Tensor, NnError> {
        let mut x = features.clone();
        for (k, layer) in self.layers.iter().enumerate() {
            if k > 0 {
                x = self.activation.forward(&x)?;
            }
            x = layer.forward(&x)?;
        }
        Ok(x)
    }

    fn write(&self, graph: &mut OnnxGraph, features: &OnnxValue) -> Result<Option<OnnxValue>, NnError> {
        let mut x = features.clone();
        for (k, layer) in self.layers.iter().enumerate() {
            if k > 0 {
                x = self.activation.write(graph, x);
            }
            x = layer.write(graph, &x)?;
        }
        Ok(Some(x))
    }
}
