//! The last blocks of a text encoder, trained on what the blocks below made of each text once.

use candle_core::{D, DType, Device, Tensor};
use rayon::prelude::*;

use super::config::TextConfig;
use super::encoder::{Block, TextEncoder};
use crate::nn::layer::unit_rows;
use crate::nn::{Mode, NnError, Params, Weights};

/// Texts computed at once.
const BATCH: usize = 32;

/// The last blocks of an encoder on parameters.
#[derive(Clone, Debug)]
pub struct TextTop {
    config: TextConfig,
    blocks: Vec<Block>,
}

/// What leaves a block for some texts.
#[derive(Clone, Debug)]
pub struct TextStates {
    /// (texts, length, width) in single precision.
    pub states: Tensor,
    /// (texts, length): 1 where a word is, 0 where it is filling.
    pub seen: Tensor,
}

impl TextStates {
    /// What block `first` of an encoder reads of texts, given as numbers of words, all filled to `length`. The same numbers come out
    /// whatever the number of threads.
    ///
    /// # Errors
    /// As [`TextEncoder::hidden_states`], or an encoder without so many blocks.
    pub fn of(encoder: &TextEncoder, texts: &[Vec<u32>], first: usize, length: usize) -> Result<Self, NnError> {
        let pad = encoder.config().pad;
        let filled =
            |text: &Vec<u32>| -> Vec<u32> { (0..length).map(|k| text.get(k).copied().unwrap_or(pad)).collect() };
        let parts: Vec<[Tensor; 2]> = texts
            .par_chunks(BATCH)
            .map(|texts| -> Result<_, NnError> {
                let ids: Vec<u32> = texts.iter().flat_map(filled).collect();
                let ids = Tensor::from_vec(ids, (texts.len(), length), &Device::Cpu)?;
                let states = encoder.hidden_states(&ids, Mode::Eval)?;
                let reason = "the encoder has fewer blocks";
                let missing = NnError::Setting { field: "first block", value: first.to_string(), reason };
                let states = states.get(first).ok_or(missing)?.detach();
                Ok([states, ids.ne(pad)?.to_dtype(DType::F32)?])
            })
            .collect::<Result<_, _>>()?;
        let joined = |k: usize| Tensor::cat(&parts.iter().map(|part| &part[k]).collect::<Vec<_>>(), 0);
        Ok(Self { states: joined(0)?, seen: joined(1)? })
    }
}

impl TextTop {
    /// The blocks from `first` (from 0, the lowest) on. Parameters that do not exist yet start as in `weights`, which are
    /// spelled as [`TextConfig::respelled`] does, and from random values where those lack them.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(params: &mut Params, config: TextConfig, weights: &Weights, first: usize) -> Result<Self, NnError> {
        let is_new = |params: &Params, name: &str| params.find(name).is_none();
        let mut blocks = Vec::new();
        for index in first..config.layers {
            let prefix = config.family.layer(index);
            let own = weights.iter().filter(|(name, _)| name.starts_with(&prefix));
            let fresh: Vec<(&str, &Tensor)> = own.filter(|(name, _)| is_new(params, name)).collect();
            blocks.push(Block::new(params, &config, index)?);
            for (name, values) in fresh {
                // Weights may hold what a block does not read.
                if let Some(var) = params.find(name) {
                    var.set(&values.to_dtype(var.dtype())?)?;
                }
            }
        }
        Ok(Self { config, blocks })
    }

    /// The sentence vectors (texts, width) of states that enter the first of the blocks: means over words, of length √width, so
    /// that their numbers are of size 1.
    ///
    /// # Errors
    /// If the states have another width.
    pub fn sentences(&self, states: &Tensor, seen: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let (batch, length) = seen.dims2()?;
        // 0 where a word is seen, a number that no softmax survives where it is filling.
        let mask = ((seen - 1.0)? * 1e9)?.reshape((batch, 1, 1, length))?;
        let mut x = states.clone();
        for block in &self.blocks {
            x = block.forward(&x, &mask, &self.config, mode)?;
        }
        let share = seen.broadcast_div(&seen.sum_keepdim(D::Minus1)?)?.unsqueeze(1)?;
        let means = share.matmul(&x)?.squeeze(1)?;
        Ok((unit_rows(&means)? * (self.config.width as f64).sqrt())?)
    }
}
