//! Linear layers, tables of vectors, dropout.

use candle_core::{D, Tensor};

use super::channels::add_per_channel;
use crate::math::Stream;
use crate::nn::init::Init;
use crate::nn::onnx::{OnnxGraph, OnnxValue};
use crate::nn::{Mode, NnError, Params};

/// `x Wᵀ + b`.
#[derive(Clone, Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    /// `name.weight` (output, input) and, with `bias`, `name.bias` (output).
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(params: &mut Params, name: &str, (input, output): (usize, usize), bias: bool) -> Result<Self, NnError> {
        let start = Init::fan_in(input);
        let weight = params.get(&format!("{name}.weight"), &[output, input], start)?;
        let bias = if bias { Some(params.get(&format!("{name}.bias"), &[output], start)?) } else { None };
        Ok(Self { weight, bias })
    }

    /// (…, input) to (…, output).
    ///
    /// # Errors
    /// If the width is another.
    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        linear(x, &self.weight, self.bias.as_ref())
    }

    /// The layer on rows of an ONNX graph.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn write(&self, graph: &mut OnnxGraph, x: &OnnxValue) -> Result<OnnxValue, NnError> {
        graph.linear(x, &self.weight, self.bias.as_ref())
    }
}

/// (…, input) to (…, output): [`Linear`] with these tensors.
///
/// # Errors
/// If the width is another.
pub(crate) fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> candle_core::Result<Tensor> {
    let product = match x.rank() {
        0..=2 => x.matmul(&weight.t()?)?,
        _ => {
            let shape = [&x.dims()[..x.rank() - 1], &[weight.dim(0)?]].concat();
            x.reshape(((), x.dim(D::Minus1)?))?.matmul(&weight.t()?)?.reshape(shape)?
        }
    };
    match bias {
        Some(bias) => add_per_channel(&product, bias, product.rank() - 1),
        None => Ok(product),
    }
}

/// A trained vector per word.
#[derive(Clone, Debug)]
pub struct Embedding {
    table: Tensor,
}

impl Embedding {
    /// `name.weight` (words, width), standard normal as in PyTorch.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(params: &mut Params, name: &str, words: usize, width: usize) -> Result<Self, NnError> {
        Ok(Self { table: params.get(&format!("{name}.weight"), &[words, width], Init::Normal { sd: 1.0 })? })
    }

    /// Words (…) u32 to (…, width).
    ///
    /// # Errors
    /// If a word is not in the table.
    pub fn forward(&self, words: &Tensor) -> candle_core::Result<Tensor> {
        let shape = [words.dims(), &[self.table.dim(1)?]].concat();
        self.table.index_select(&words.flatten_all()?, 0)?.reshape(shape)
    }
}

/// Sets a share `rate` of `x` to 0 while learning and scales the rest by 1/(1 - rate) (Srivastava et al. 2014); `name`
/// gives each layer of a network its own draws.
///
/// # Errors
/// If the tensor library fails.
pub fn dropout(x: &Tensor, rate: f64, name: &str, mode: Mode) -> candle_core::Result<Tensor> {
    let Mode::Train { seed } = mode else { return Ok(x.clone()) };
    if rate == 0.0 {
        return Ok(x.clone());
    }
    let mut stream = Stream::named(seed, name);
    let kept = (0..x.elem_count()).map(|_| if stream.uniform() < rate { 0.0 } else { 1.0 / (1.0 - rate) });
    x * Tensor::from_vec(kept.collect::<Vec<f64>>(), x.shape(), x.device())?.to_dtype(x.dtype())?
}
