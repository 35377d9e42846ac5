//! The blocks of a Transformer, its position encoding, and its causal mask.

use candle_core::{DType, Device, Tensor};

use crate::nn::layer::{Attention, LayerNorm, Linear, dropout};
use crate::nn::{Mode, NnError, Params};

/// Sizes of a [`TransformerBlock`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransformerConfig {
    /// Width of a symbol.
    pub width: usize,
    /// Heads of each attention; they must divide the width.
    pub heads: usize,
    /// Width of the feed-forward layer.
    pub hidden: usize,
    /// Share of the output of each part that is dropped in training, in 0..1.
    pub dropout: f64,
}

/// Attention to the sequence itself, attention to a memory (in a decoder), and a feed-forward layer with ReLU, each added
/// to its input (Vaswani et al. 2017, arXiv:1706.03762, section 3.1). Normalisation comes before each part (Xiong et al.
/// 2020, arXiv:2002.04745), as in PyTorch's `TransformerEncoderLayer` and `TransformerDecoderLayer` with `norm_first`.
#[derive(Clone, Debug)]
pub struct TransformerBlock {
    own: (LayerNorm, Attention),
    cross: Option<(LayerNorm, Attention)>,
    feed_forward: (LayerNorm, Linear, Linear),
    dropout: f64,
    name: String,
}

impl TransformerBlock {
    /// A block without a memory: `name.self_norm`, `name.self`, `name.norm`, `name.up`, `name.down`.
    ///
    /// # Errors
    /// If `params` hold other shapes, or the heads do not divide the width.
    pub fn encoder(params: &mut Params, name: &str, config: TransformerConfig) -> Result<Self, NnError> {
        Self::new(params, name, config, false)
    }

    /// The same with attention to a memory: `name.cross_norm`, `name.cross`.
    ///
    /// # Errors
    /// As [`TransformerBlock::encoder`].
    pub fn decoder(params: &mut Params, name: &str, config: TransformerConfig) -> Result<Self, NnError> {
        Self::new(params, name, config, true)
    }

    fn new(params: &mut Params, name: &str, config: TransformerConfig, has_memory: bool) -> Result<Self, NnError> {
        let TransformerConfig { width, heads, hidden, dropout } = config;
        let mut attention = |part: &str| -> Result<_, NnError> {
            let norm = LayerNorm::new(params, &format!("{name}.{part}_norm"), width)?;
            Ok((norm, Attention::new(params, &format!("{name}.{part}"), width, heads)?))
        };
        let own = attention("self")?;
        let cross = if has_memory { Some(attention("cross")?) } else { None };
        let feed_forward = (
            LayerNorm::new(params, &format!("{name}.norm"), width)?,
            Linear::new(params, &format!("{name}.up"), (width, hidden), true)?,
            Linear::new(params, &format!("{name}.down"), (hidden, width), true)?,
        );
        Ok(Self { own, cross, feed_forward, dropout, name: name.into() })
    }

    /// Symbols (batch, length, width) to symbols of the same shape. A decoder reads `memory` (batch, sources, width).
    /// `mask` is added to the scores of the attention to the sequence itself, as in [`Attention::forward`].
    ///
    /// # Errors
    /// If shapes do not fit, a decoder gets no memory, or an encoder gets one.
    pub fn forward(
        &self,
        x: &Tensor,
        memory: Option<&Tensor>,
        mask: Option<&Tensor>,
        mode: Mode,
    ) -> Result<Tensor, NnError> {
        let kept = |x: &Tensor, part: &str| dropout(x, self.dropout, &format!("{}.{part}", self.name), mode);
        let (norm, attention) = &self.own;
        let y = norm.forward(x)?;
        let mut x = (x + kept(&attention.forward(&y, &y, &y, mask)?, "self")?)?;
        match (&self.cross, memory) {
            (Some((norm, attention)), Some(memory)) => {
                let y = attention.forward(&norm.forward(&x)?, memory, memory, None)?;
                x = (&x + kept(&y, "cross")?)?;
            }
            (None, None) => {}
            (has, _) => {
                let (value, reason) = match has {
                    Some(_) => ("none", "a decoder block attends to a memory"),
                    None => ("given", "an encoder block attends to no memory"),
                };
                return Err(NnError::Setting { field: "memory", value: value.into(), reason });
            }
        }
        let (norm, up, down) = &self.feed_forward;
        let y = down.forward(&up.forward(&norm.forward(&x)?)?.relu()?)?;
        Ok((&x + kept(&y, "inner")?)?)
    }
}

/// Sines and cosines of positions, (length, width): channel 2k of position p is sin(p / 10000^(2k / width)), channel
/// 2k + 1 the cosine of the same angle (Vaswani et al. 2017, section 3.5).
///
/// # Errors
/// If the tensor library fails.
pub fn sinusoidal_positions(length: usize, width: usize, dtype: DType) -> candle_core::Result<Tensor> {
    let value = |index: usize| {
        let (position, channel) = (index / width, index % width);
        let angle = position as f64 / 1e4f64.powf((channel / 2 * 2) as f64 / width as f64);
        if channel % 2 == 0 { angle.sin() } else { angle.cos() }
    };
    let values: Vec<f64> = (0..length * width).map(value).collect();
    Tensor::from_vec(values, (length, width), &Device::Cpu)?.to_dtype(dtype)
}

/// A mask for [`Attention::forward`], (1, 1, length, length), that hides all later symbols from each: -∞ above the
/// diagonal, 0 elsewhere.
///
/// # Errors
/// If the tensor library fails.
pub fn causal_mask(length: usize, dtype: DType) -> candle_core::Result<Tensor> {
    let score = |index: usize| if index % length > index / length { f64::NEG_INFINITY } else { 0.0 };
    let scores: Vec<f64> = (0..length * length).map(score).collect();
    Tensor::from_vec(scores, (1, 1, length, length), &Device::Cpu)?.to_dtype(dtype)
}
