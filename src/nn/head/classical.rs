//! Linear layers with activations between them.

use candle_core::Tensor;

use crate::nn::head::{Head, HeadShape};
use crate::nn::init::Init;
use crate::nn::{NnError, Params};

/// `x Wᵀ + b`.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    /// `name.weight` (output, input) and, with `bias`, `name.bias` (output).
    pub(super) fn new(
        params: &mut Params,
        name: &str,
        (input, output): (usize, usize),
        bias: bool,
    ) -> Result<Self, NnError> {
        let start = Init::fan_in(input);
        let weight = params.get(&format!("{name}.weight"), &[output, input], start)?;
        let bias = if bias { Some(params.get(&format!("{name}.bias"), &[output], start)?) } else { None };
        Ok(Self { weight, bias })
    }

    pub(super) fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let product = x.matmul(&self.weight.t()?)?;
        match &self.bias {
            Some(bias) => product.broadcast_add(bias),
            None => Ok(product),
        }
    }
}

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
