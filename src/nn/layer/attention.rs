//! Multi-head attention.

use candle_core::{D, Tensor};

use super::channels::add_per_channel;
use crate::nn::init::Init;
use crate::nn::layer::Linear;
use crate::nn::{NnError, Params};

/// Multi-head scaled dot-product attention (Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2), with PyTorch's names.
#[derive(Clone, Debug)]
pub struct Attention {
    /// Queries, keys and values stacked.
    in_weight: Tensor,
    in_bias: Tensor,
    out: Linear,
    heads: usize,
    width: usize,
}

impl Attention {
    /// `name.in_proj_weight` (3 · width, width), `name.in_proj_bias`, `name.out_proj.weight` and `.bias`.
    ///
    /// # Errors
    /// If `params` hold other shapes, or `heads` does not divide `width`.
    pub fn new(params: &mut Params, name: &str, width: usize, heads: usize) -> Result<Self, NnError> {
        if heads == 0 || !width.is_multiple_of(heads) {
            let reason = "the number of heads must divide the width";
            return Err(NnError::Setting { field: "heads", value: format!("{heads} of width {width}"), reason });
        }
        // Glorot's bound for the three maps together (Glorot & Bengio 2010, eq. 16), as in PyTorch.
        let start = Init::Uniform { bound: (6.0 / (4 * width) as f64).sqrt() };
        Ok(Self {
            in_weight: params.get(&format!("{name}.in_proj_weight"), &[3 * width, width], start)?,
            in_bias: params.get(&format!("{name}.in_proj_bias"), &[3 * width], Init::Constant(0.0))?,
            out: Linear::new(params, &format!("{name}.out_proj"), (width, width), true)?,
            heads,
            width,
        })
    }

    /// Queries (batch, targets, width) attend to keys and values (batch, sources, width): (batch, targets, width).
    /// `mask` is added to the scores (broadcast to batch, heads, targets, sources): -∞ hides a source, but every target
    /// must see at least one.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn forward(
        &self,
        queries: &Tensor,
        keys: &Tensor,
        values: &Tensor,
        mask: Option<&Tensor>,
    ) -> candle_core::Result<Tensor> {
        let (batch, targets, _) = queries.dims3()?;
        let (q, k, v) = (self.split(queries, 0)?, self.split(keys, 1)?, self.split(values, 2)?);
        let scale = ((self.width / self.heads) as f64).sqrt().recip();
        let scores = (q.matmul(&k.t()?.contiguous()?)? * scale)?;
        let scores = match mask {
            Some(mask) => scores.broadcast_add(mask)?,
            None => scores,
        };
        let seen = candle_nn::ops::softmax(&scores, D::Minus1)?.matmul(&v)?;
        self.out.forward(&seen.transpose(1, 2)?.reshape((batch, targets, self.width))?)
    }

    /// Projection `part` of `x` (batch, length, width) as (batch, heads, length, width / heads).
    fn split(&self, x: &Tensor, part: usize) -> candle_core::Result<Tensor> {
        let (batch, length, width) = x.dims3()?;
        let weight = self.in_weight.narrow(0, part * self.width, self.width)?;
        let bias = self.in_bias.narrow(0, part * self.width, self.width)?;
        let projected = add_per_channel(&x.reshape((batch * length, width))?.matmul(&weight.t()?)?, &bias, 1)?;
        projected.reshape((batch, length, self.heads, ()))?.transpose(1, 2)?.contiguous()
    }
}
