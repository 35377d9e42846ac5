//! Encoders: films and reports to vectors.

use std::collections::HashMap;

use candle_core::{D, DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::nn::layer::{
    Conv2d, Embedding, GroupNorm, LayerNorm, Linear, TransformerBlock, TransformerConfig, Window, masked_mean,
    sinusoidal_positions,
};
use crate::nn::{Mode, NnError, Params};
use crate::systems::angiography::report::{SENTENCES, WORDS_OF_SENTENCE};
use crate::systems::angiography::studies::FilmShape;

/// Sizes of the encoder of films.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoSize {
    /// Channels of the convolutions; each halves the edge.
    pub channels: Vec<usize>,
    /// Width of a frame's vector and of the film's.
    pub width: usize,
    /// Transformer blocks over the frames.
    pub blocks: usize,
    /// Heads of their attention.
    pub heads: usize,
}

impl VideoSize {
    /// Edge of the last map.
    fn map_edge(&self, shape: FilmShape) -> usize {
        self.channels.iter().fold(shape.edge, |edge, _| edge.div_ceil(2))
    }

    /// Values that a training step keeps of each film, from each layer: where the layer's parameters begin, and how many. A layer
    /// keeps its input and what it computes between.
    pub fn values(&self, shape: FilmShape) -> Vec<(String, usize)> {
        let mut found = Vec::new();
        let (mut edge, mut before) = (shape.edge, shape.pixels());
        for (k, channels) in self.channels.iter().enumerate() {
            edge = edge.div_ceil(2);
            let map = shape.frames * channels * edge * edge;
            // Input of the convolution; its output, the normalised map and the rectified one.
            found.push((format!("video.conv.{k}"), before + 3 * map));
            before = map;
        }
        let tokens = shape.frames * self.width;
        found.push(("video.frame".into(), before + tokens));
        for k in 0..self.blocks {
            // Two norms, queries, keys, values, attention, its output, and twice the feed-forward layer of double width.
            let inner = 12 * tokens + 2 * self.heads * shape.frames * shape.frames;
            found.push((format!("video.blocks.{k}"), inner));
        }
        found.push(("video.norm".into(), 2 * tokens));
        found
    }
}

/// Films to vectors: convolutions of each frame, a Transformer over the frames, the mean over them.
pub struct VideoEncoder {
    trunk: Vec<(Conv2d, GroupNorm)>,
    frame: Linear,
    blocks: Vec<TransformerBlock>,
    norm: LayerNorm,
    positions: Tensor,
}

impl VideoEncoder {
    /// `video.conv.N`, `video.conv_norm.N`, `video.frame`, `video.blocks.N`, `video.norm`.
    ///
    /// # Errors
    /// If `params` hold other shapes, or the heads do not divide the width.
    pub fn new(params: &mut Params, size: &VideoSize, shape: FilmShape) -> Result<Self, NnError> {
        let mut trunk = Vec::new();
        let mut before = 1;
        for (k, &channels) in size.channels.iter().enumerate() {
            let halved = Window::square(3, 2, 1);
            let conv = Conv2d::new(params, &format!("video.conv.{k}.map"), (before, channels), halved, 1, true)?;
            let groups = if channels.is_multiple_of(4) { 4 } else { 1 };
            trunk.push((conv, GroupNorm::new(params, &format!("video.conv.{k}.norm"), groups, channels)?));
            before = channels;
        }
        let map = before * size.map_edge(shape).pow(2);
        let frame = Linear::new(params, "video.frame", (map, size.width), true)?;
        let config = TransformerConfig { width: size.width, heads: size.heads, hidden: 2 * size.width, dropout: 0.0 };
        let block =
            |k: usize, params: &mut Params| TransformerBlock::encoder(params, &format!("video.blocks.{k}"), config);
        let blocks = (0..size.blocks).map(|k| block(k, params)).collect::<Result<_, _>>()?;
        Ok(Self {
            trunk,
            frame,
            blocks,
            norm: LayerNorm::new(params, "video.norm", size.width)?,
            positions: sinusoidal_positions(shape.frames, size.width, params.dtype())?,
        })
    }

    /// (films, frames, edge, edge) to (films, width).
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn forward(&self, films: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let (count, frames, edge, _) = films.dims4()?;
        let mut x = films.reshape((count * frames, 1, edge, edge))?;
        for (conv, norm) in &self.trunk {
            x = norm.forward(&conv.forward(&x)?)?.relu()?;
        }
        let mut x = self.frame.forward(&x.flatten_from(1)?)?.reshape((count, frames, ()))?;
        x = x.broadcast_add(&self.positions)?;
        for block in &self.blocks {
            x = block.forward(&x, None, None, mode)?;
        }
        Ok(self.norm.forward(&x)?.mean(1)?)
    }
}

/// Sizes of the encoder of reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextSize {
    /// Width of a word's vector.
    pub width: usize,
    /// Transformer blocks over the words of a sentence.
    pub blocks: usize,
    /// Heads of their attention.
    pub heads: usize,
    /// Words of the vocabulary, at most.
    pub words: usize,
}

/// Reports to vectors: each sentence by a Transformer over its words and the mean over them, a report by the mean over its
/// sentences, so that their order changes nothing.
pub struct TextEncoder {
    words: Embedding,
    blocks: Vec<TransformerBlock>,
    norm: LayerNorm,
    positions: Tensor,
}

impl TextEncoder {
    /// `NAME.words`, `NAME.blocks.N`, `NAME.norm` for a vocabulary of so many words.
    ///
    /// # Errors
    /// If `params` hold other shapes, or the heads do not divide the width.
    pub fn new(params: &mut Params, name: &str, size: &TextSize, vocabulary: usize) -> Result<Self, NnError> {
        let config = TransformerConfig { width: size.width, heads: size.heads, hidden: 2 * size.width, dropout: 0.0 };
        let words = Embedding::new(params, &format!("{name}.words"), vocabulary, size.width)?;
        let block =
            |k: usize, params: &mut Params| TransformerBlock::encoder(params, &format!("{name}.blocks.{k}"), config);
        Ok(Self {
            words,
            blocks: (0..size.blocks).map(|k| block(k, params)).collect::<Result<_, _>>()?,
            norm: LayerNorm::new(params, &format!("{name}.norm"), size.width)?,
            positions: sinusoidal_positions(WORDS_OF_SENTENCE, size.width, params.dtype())?,
        })
    }

    /// Words (reports, sentences · words) u32 to (reports, width).
    ///
    /// # Errors
    /// If a word is not in the table.
    pub fn forward(&self, reports: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let numbers: Vec<Vec<u32>> = reports.to_vec2()?;
        // Sentences repeat: each is encoded once.
        let mut known: HashMap<&[u32], u32> = HashMap::new();
        let mut unique: Vec<&[u32]> = Vec::new();
        let (mut places, mut mask) = (Vec::new(), Vec::new());
        for sentence in numbers.iter().flat_map(|report| report.chunks(WORDS_OF_SENTENCE)) {
            let is_there = sentence[0] != 0;
            mask.push(f32::from(u8::from(is_there)));
            let place = if is_there || unique.is_empty() {
                *known.entry(sentence).or_insert_with(|| {
                    unique.push(sentence);
                    unique.len() as u32 - 1
                })
            } else {
                0
            };
            places.push(place);
        }
        let (count, longest) = (unique.len(), unique.iter().map(|own| length(own)).max().unwrap_or(1).max(1));
        let words: Vec<u32> = unique.iter().flat_map(|own| own[..longest].iter().copied()).collect();
        let words = Tensor::from_vec(words, (count, longest), &Device::Cpu)?;
        let dtype = self.positions.dtype();
        let seen = words.gt(0u32)?.to_dtype(dtype)?;
        let hidden = seen.affine(1e9, -1e9)?.reshape((count, 1, 1, longest))?;
        let mut x = self.words.forward(&words)?.broadcast_add(&self.positions.narrow(0, 0, longest)?)?;
        for block in &self.blocks {
            x = block.forward(&x, None, Some(&hidden), mode)?;
        }
        let sentences = masked_mean(&self.norm.forward(&x)?, &seen)?;
        let rows = numbers.len();
        let width = sentences.dim(D::Minus1)?;
        let each = sentences.index_select(&Tensor::new(places, &Device::Cpu)?, 0)?;
        let mask = Tensor::from_vec(mask, (rows, SENTENCES), &Device::Cpu)?.to_dtype(dtype)?;
        Ok(masked_mean(&each.reshape((rows, SENTENCES, width))?, &mask)?)
    }
}

fn length(sentence: &[u32]) -> usize {
    sentence.iter().take_while(|word| **word != 0).count()
}

/// As many numbers as a tensor has, as doubles.
pub fn numbers(tensor: &Tensor) -> Result<Vec<f64>, NnError> {
    Ok(tensor.detach().to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}
