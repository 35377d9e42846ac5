//! Pooling of sets: several vectors to one, with masks for sets of different sizes.
//!
//! Sets are (batch, items, width), masks (batch, items) of the same element type: 1 for an item, 0 for padding. Padding has a weight
//! of exactly 0. A set without any item is pooled with equal weights of all places.

use candle_core::{D, Tensor};

use crate::nn::init::Init;
use crate::nn::layer::{Attention, LayerNorm, Linear, TransformerBlock, TransformerConfig};
use crate::nn::{Mode, NnError, Params};

/// What scores of padding are lowered by: e to the power of it is exactly 0.
const HIDDEN: f64 = 1e9;

/// Softmax of `scores` (batch, items) over the items of the mask; 0 elsewhere, equal weights where the mask has none.
///
/// # Errors
/// If shapes do not fit.
pub fn masked_softmax(scores: &Tensor, mask: &Tensor) -> candle_core::Result<Tensor> {
    // In an empty set all scores would be rounded alike at -1e9; without the scores they are exactly alike.
    let has_items = mask.max_keepdim(D::Minus1)?;
    let scores = scores.broadcast_mul(&has_items)?;
    candle_nn::ops::softmax(&(scores + mask.affine(HIDDEN, -HIDDEN)?)?, D::Minus1)
}

/// The mean over the items of the mask: (batch, items, width) to (batch, width).
///
/// # Errors
/// If shapes do not fit.
pub fn masked_mean(x: &Tensor, mask: &Tensor) -> candle_core::Result<Tensor> {
    weighted(x, &masked_softmax(&mask.zeros_like()?, mask)?)
}

/// Σ_i w_i x_i.
fn weighted(x: &Tensor, weights: &Tensor) -> candle_core::Result<Tensor> {
    weights.unsqueeze(1)?.matmul(&x.contiguous()?)?.squeeze(1)
}

/// Σ_i a_i x_i with a = softmax(w · (tanh(V x_i) ⊙ σ(U x_i))) (gated attention: Ilse, Tomczak & Welling 2018, arXiv:1802.04712,
/// eq. 9). The order of items and padding change nothing.
#[derive(Clone, Debug)]
pub struct GatedAttention {
    tanh: Linear,
    gate: Linear,
    score: Linear,
}

impl GatedAttention {
    /// `name.tanh` and `name.gate` (hidden, width), `name.score` (1, hidden).
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(params: &mut Params, name: &str, width: usize, hidden: usize) -> Result<Self, NnError> {
        Ok(Self {
            tanh: Linear::new(params, &format!("{name}.tanh"), (width, hidden), true)?,
            gate: Linear::new(params, &format!("{name}.gate"), (width, hidden), true)?,
            score: Linear::new(params, &format!("{name}.score"), (hidden, 1), true)?,
        })
    }

    /// The pooled vector (batch, width) and the weights (batch, items).
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn forward(&self, x: &Tensor, mask: &Tensor) -> candle_core::Result<(Tensor, Tensor)> {
        let gate = candle_nn::ops::sigmoid(&self.gate.forward(x)?)?;
        let scores = self.score.forward(&(self.tanh.forward(x)?.tanh()? * gate)?)?.squeeze(2)?;
        let weights = masked_softmax(&scores, mask)?;
        Ok((weighted(x, &weights)?, weights))
    }
}

/// A trained vector in front of the items, one multi-head attention, normalisation, and what the vector has become (class token:
/// Dosovitskiy et al. 2021, arXiv:2010.11929, section 3.1; here without a residual). The order of items changes nothing.
#[derive(Clone, Debug)]
pub struct ClassTokenPool {
    token: Tensor,
    attention: Attention,
    norm: LayerNorm,
}

impl ClassTokenPool {
    /// `name.token` (width), standard normal; `name.attention`, `name.norm`.
    ///
    /// # Errors
    /// If `params` hold other shapes, or the heads do not divide the width.
    pub fn new(params: &mut Params, name: &str, width: usize, heads: usize) -> Result<Self, NnError> {
        Ok(Self {
            token: params.get(&format!("{name}.token"), &[width], Init::Normal { sd: 1.0 })?,
            attention: Attention::new(params, &format!("{name}.attention"), width, heads)?,
            norm: LayerNorm::new(params, &format!("{name}.norm"), width)?,
        })
    }

    /// (batch, width). In an empty set the token sees itself alone.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn forward(&self, x: &Tensor, mask: &Tensor) -> candle_core::Result<Tensor> {
        let (batch, items, width) = x.dims3()?;
        let token = self.token.reshape((1, 1, width))?.broadcast_as((batch, 1, width))?.contiguous()?;
        let all = Tensor::cat(&[&token, x], 1)?;
        let seen = Tensor::cat(&[&mask.ones_like()?.narrow(1, 0, 1)?, mask], 1)?;
        let hidden = seen.affine(HIDDEN, -HIDDEN)?.reshape((batch, 1, 1, items + 1))?;
        // Only the token is read, so only the token asks.
        let asked = self.attention.forward(&token, &all, &all, Some(&hidden))?;
        self.norm.forward(&asked.squeeze(1)?)
    }
}

/// x_i + p_i with trained positions, Transformer blocks, normalisation, and Σ_i softmax(q · x_i) x_i with a trained q, without
/// 1/√width. The order of items matters, because each place has its own p_i.
#[derive(Clone, Debug)]
pub struct QueryPool {
    positions: Tensor,
    blocks: Vec<TransformerBlock>,
    norm: LayerNorm,
    query: Tensor,
}

impl QueryPool {
    /// `name.positions` (places, width), normal with deviation 0.02; `name.blocks.N`, `name.norm`, `name.query` (width).
    ///
    /// # Errors
    /// If `params` hold other shapes, or the heads do not divide the width.
    pub fn new(
        params: &mut Params,
        name: &str,
        (places, blocks): (usize, usize),
        config: TransformerConfig,
    ) -> Result<Self, NnError> {
        let small = Init::Normal { sd: 0.02 };
        let block =
            |k: usize, params: &mut Params| TransformerBlock::encoder(params, &format!("{name}.blocks.{k}"), config);
        Ok(Self {
            positions: params.get(&format!("{name}.positions"), &[places, config.width], small)?,
            blocks: (0..blocks).map(|k| block(k, params)).collect::<Result<_, _>>()?,
            norm: LayerNorm::new(params, &format!("{name}.norm"), config.width)?,
            query: params.get(&format!("{name}.query"), &[config.width], small)?,
        })
    }

    /// The pooled vector (batch, width) and the weights (batch, items).
    ///
    /// # Errors
    /// If shapes do not fit, or there are more items than places.
    pub fn forward(&self, x: &Tensor, mask: &Tensor, mode: Mode) -> Result<(Tensor, Tensor), NnError> {
        let (batch, items, width) = x.dims3()?;
        let mut x = x.broadcast_add(&self.positions.narrow(0, 0, items)?.unsqueeze(0)?)?;
        let hidden = mask.affine(HIDDEN, -HIDDEN)?.reshape((batch, 1, 1, items))?;
        for block in &self.blocks {
            x = block.forward(&x, None, Some(&hidden), mode)?;
        }
        let x = self.norm.forward(&x)?;
        let scores = x.reshape((batch * items, width))?.matmul(&self.query.unsqueeze(1)?)?.reshape((batch, items))?;
        let weights = masked_softmax(&scores, mask)?;
        Ok((weighted(&x, &weights)?, weights))
    }
}
