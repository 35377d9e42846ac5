//! The network that translates: a Transformer on the temporal backbone.

use candle_core::{D, Tensor};
use candle_nn::ops::log_softmax;

use crate::nn::decode::Decoder;
use crate::nn::layer::{
    Embedding, LayerNorm, Linear, TransformerBlock, TransformerConfig, causal_mask, sinusoidal_positions,
};
use crate::nn::model::first;
use crate::nn::{Mode, Model, Network, NnError, Output, Params};
use crate::systems::hatl::corpus::Lexicon;
use crate::systems::hatl::network::Backbone;
use crate::systems::hatl::spec::Sizes;

/// Films to texts. It reads films (batch, 2 · joints, frames) and the words before each word (batch, words). Its logits are
/// scores of words (batch, words, vocabulary). [`Output::more`] holds scores of glosses for each frame (batch, frames / 2,
/// glosses + 1; the last is rest), from the backbone and from the encoder, and the encoder's states (batch, frames / 2,
/// width), which the decoder reads.
pub(super) struct Translator {
    /// Its sizes.
    pub sizes: Sizes,
    /// Joints, words and glosses.
    pub lexicon: Lexicon,
}

struct TranslatorNetwork {
    backbone: Backbone,
    bridge: Linear,
    encoder: Vec<TransformerBlock>,
    decoder: Vec<TransformerBlock>,
    embedding: Embedding,
    norms: [LayerNorm; 2],
    glosses: [Linear; 2],
    words: Linear,
    width: usize,
}

impl Model for Translator {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let Sizes { ref blocks, width, heads, encoder, decoder, dropout } = self.sizes;
        let Lexicon { joints, glosses, ref words, .. } = self.lexicon;
        let (below, words) = (blocks.last().copied().unwrap_or(2 * joints), words.len());
        let config = TransformerConfig { width, heads, hidden: 2 * width, dropout };
        let encoder = (0..encoder).map(|k| TransformerBlock::encoder(params, &format!("encoder.{k}"), config));
        let encoder = encoder.collect::<Result<Vec<_>, _>>()?;
        let decoder = (0..decoder).map(|k| TransformerBlock::decoder(params, &format!("decoder.{k}"), config));
        let decoder = decoder.collect::<Result<Vec<_>, _>>()?;
        Ok(Box::new(TranslatorNetwork {
            backbone: Backbone::new(params, joints, blocks)?,
            bridge: Linear::new(params, "bridge", (below, width), true)?,
            encoder,
            decoder,
            embedding: Embedding::new(params, "embedding", words, width)?,
            norms: [LayerNorm::new(params, "encoder.norm", width)?, LayerNorm::new(params, "decoder.norm", width)?],
            glosses: [
                Linear::new(params, "frames.backbone", (below, glosses + 1), true)?,
                Linear::new(params, "frames.encoder", (width, glosses + 1), true)?,
            ],
            words: Linear::new(params, "words", (width, words), true)?,
            width,
        }))
    }
}

impl TranslatorNetwork {
    /// Scores (batch, words, vocabulary) of the word that follows each of `words` (batch, words).
    fn next_words(&self, words: &Tensor, memory: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let length = words.dim(1)?;
        let positions = sinusoidal_positions(length, self.width, memory.dtype())?;
        let mut x = self.embedding.forward(words)?.broadcast_add(&positions)?;
        let mask = causal_mask(length, memory.dtype())?;
        for block in &self.decoder {
            x = block.forward(&x, Some(memory), Some(&mask), mode)?;
        }
        Ok(self.words.forward(&self.norms[1].forward(&x)?)?)
    }
}

impl Network for TranslatorNetwork {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let reason = "a translator reads films and the words before each word";
        let missing = NnError::Setting { field: "inputs", value: inputs.len().to_string(), reason };
        let words = inputs.get(1).ok_or(missing)?;
        let features = self.backbone.forward(first(inputs)?, mode)?;
        let mut x = self.bridge.forward(&features)?;
        x = x.broadcast_add(&sinusoidal_positions(x.dim(1)?, self.width, x.dtype())?)?;
        for block in &self.encoder {
            x = block.forward(&x, None, None, mode)?;
        }
        let memory = self.norms[0].forward(&x)?;
        let logits = self.next_words(words, &memory, mode)?;
        let glosses = [self.glosses[0].forward(&features)?, self.glosses[1].forward(&memory)?];
        let mean = memory.mean(1)?;
        Ok(Output { more: glosses.into_iter().chain([memory]).collect(), ..Output::new(mean, logits) })
    }

    fn decoder(&self) -> Option<&dyn Decoder> {
        Some(self)
    }
}

impl Decoder for TranslatorNetwork {
    fn log_probabilities(&self, prefixes: &Tensor, memory: &Tensor) -> Result<Tensor, NnError> {
        let scores = self.next_words(prefixes, memory, Mode::Eval)?.detach();
        let last = scores.narrow(1, prefixes.dim(1)? - 1, 1)?.squeeze(1)?;
        Ok(log_softmax(&last, D::Minus1)?)
    }
}
