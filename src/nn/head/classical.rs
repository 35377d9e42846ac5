//! Linear layers with activations between them.

use candle_core::Tensor;

use crate::nn::head::{Head, HeadShape};
use crate::nn::layer::Linear;
use crate::nn::{NnError, Params};

/// A stack of linear layers.
pub(super) struct LayersHead {
    layers: Vec<Linear>,
    activation: fn(&Tensor) -> candle_core::Result<Tensor>,
}

impl LayersHead {
    pub(super) fn new(
        params: &mut Params,
        shape: &HeadShape,
        hidden: &[usize],
        activation: fn(&Tensor) -> candle_core::Result<Tensor>,
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
                x = (self.activation)(&x)?;
            }
            x = layer.forward(&x)?;
        }
        Ok(x)
    }
}
