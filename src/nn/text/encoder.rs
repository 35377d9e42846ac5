//! BERT and DistilBERT as functions of their parameters.

use candle_core::{D, DType, Tensor};

use super::config::{TextActivation, TextConfig};
use crate::nn::init::Init;
use crate::nn::layer::{Embedding, LayerNorm, Linear, dropout, softmax};
use crate::nn::{Mode, NnError, Params, Weights};

/// How a text's words become one vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean over words that are no filling (Reimers & Gurevych 2019, arXiv:1908.10084, section 3).
    Mean,
    /// The first word, `[CLS]`.
    First,
}

/// A text encoder: post-norm transformer blocks on learned words and positions.
///
/// Layer norm and softmax are ours: those of the tensor library have no gradient, so that everything below would silently stay as
/// it is.
#[derive(Clone, Debug)]
pub struct TextEncoder {
    config: TextConfig,
    words: Embedding,
    positions: Tensor,
    /// (width): the first type of segments.
    segment: Option<Tensor>,
    norm: LayerNorm,
    blocks: Vec<Block>,
}

/// One block on its parameters.
#[derive(Clone, Debug)]
pub(super) struct Block {
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    attention_norm: LayerNorm,
    up: Linear,
    down: Linear,
    norm: LayerNorm,
    name: String,
}

/// Standard deviation of fresh weights (Devlin et al. 2019's code: `initializer_range`).
const START: Init = Init::Normal { sd: 0.02 };

impl TextEncoder {
    /// Parameters as Hugging Face's `BertModel` or `DistilBertModel` names them, without the pooler. Fresh ones are normal with
    /// deviation 0.02, offsets 0.
    ///
    /// # Errors
    /// If `params` hold other shapes, or the sizes make no network ([`TextConfig::check`]).
    pub fn new(params: &mut Params, config: TextConfig) -> Result<Self, NnError> {
        config.check()?;
        let width = config.width;
        let table = |params: &mut Params, name: &str, rows: usize| -> Result<Tensor, NnError> {
            params.get(&format!("embeddings.{name}.weight"), &[rows, width], START)
        };
        table(params, "word_embeddings", config.vocabulary)?;
        let words = Embedding::new(params, "embeddings.word_embeddings", config.vocabulary, width)?;
        let positions = table(params, "position_embeddings", config.positions)?;
        let segment = match config.types {
            0 => None,
            types => Some(table(params, "token_type_embeddings", types)?.get(0)?),
        };
        let first = LayerNorm::new(params, "embeddings.LayerNorm", width)?.with_epsilon(config.epsilon);
        let blocks = (0..config.layers).map(|index| Block::new(params, &config, index)).collect::<Result<_, _>>()?;
        Ok(Self { config, words, positions, segment, norm: first, blocks })
    }

    /// Sets the encoder's parameters in `params`, which were made by [`TextEncoder::new`], to pretrained ones. What the file holds
    /// beside them (a pooler, a masked-word head) is left out.
    ///
    /// # Errors
    /// If one is missing or has another shape.
    pub fn load(&self, params: &Params, weights: &Weights) -> Result<(), NnError> {
        let weights = self.config.respelled(weights);
        let fit = params.load_matching(&weights)?;
        let is_own = |name: &String| {
            name.starts_with("embeddings.") || self.blocks.iter().any(|block| name.starts_with(&block.name))
        };
        let missing = fit.missing.iter().any(is_own) || fit.reshaped.iter().any(|(name, ..)| is_own(name));
        match missing {
            false => Ok(()),
            true => {
                let backbone = self.config.family.name();
                Err(NnError::Weights { backbone, place: weights.place.clone(), fit: Box::new(fit) })
            }
        }
    }

    /// Its sizes.
    pub fn config(&self) -> &TextConfig {
        &self.config
    }

    /// The sum of embeddings after its norm, then the output of each block: `layers` + 1 tensors (batch, length, width).
    /// `ids` (batch, length) are numbers of words; the filling word is hidden from all others.
    ///
    /// # Errors
    /// A word outside the table, a text longer than the positions, or a text of filling alone.
    pub fn hidden_states(&self, ids: &Tensor, mode: Mode) -> Result<Vec<Tensor>, NnError> {
        let ids = ids.to_dtype(DType::U32)?.contiguous()?;
        let dtype = self.positions.dtype();
        let (batch, length) = ids.dims2()?;
        if length > self.config.positions {
            let reason = "a text has more words than the encoder has positions; truncate it";
            return Err(NnError::Setting { field: "length", value: length.to_string(), reason });
        }
        // 0 where a word is seen, -∞ where it is filling.
        let hidden: Vec<f64> = ids
            .flatten_all()?
            .to_vec1::<u32>()?
            .into_iter()
            .map(|word| if word == self.config.pad { f64::NEG_INFINITY } else { 0.0 })
            .collect();
        if let Some(row) = hidden.chunks(length.max(1)).position(|row| row.iter().all(|seen| *seen != 0.0)) {
            let reason = "the text of this row has no word";
            return Err(NnError::Setting { field: "text", value: format!("row {row}"), reason });
        }
        let mask = Tensor::from_vec(hidden, (batch, 1, 1, length), ids.device())?.to_dtype(dtype)?;
        let places = self.positions.narrow(0, 0, length)?.unsqueeze(0)?;
        let mut x = self.words.forward(&ids)?.broadcast_add(&places)?;
        if let Some(segment) = &self.segment {
            x = x.broadcast_add(segment)?;
        }
        let x = dropout(&self.norm.forward(&x)?, self.config.dropout, "embeddings", mode)?;
        let mut states = vec![x];
        for block in &self.blocks {
            let last = &states[states.len() - 1];
            states.push(block.forward(last, &mask, &self.config, mode)?);
        }
        Ok(states)
    }

    /// One vector for each text, (batch, width). Columns of filling alone are not computed.
    ///
    /// # Errors
    /// As [`TextEncoder::hidden_states`].
    pub fn sentence(&self, ids: &Tensor, pooling: Pooling, mode: Mode) -> Result<Tensor, NnError> {
        let ids = ids.to_dtype(DType::U32)?;
        let rows = ids.to_vec2::<u32>()?;
        let end = |row: &Vec<u32>| row.iter().rposition(|word| *word != self.config.pad).map_or(0, |last| last + 1);
        let longest = rows.iter().map(end).max().unwrap_or(0).max(1);
        let ids = ids.narrow(1, 0, longest.min(ids.dim(1)?))?.contiguous()?;
        let states = self.hidden_states(&ids, mode)?;
        let last = &states[states.len() - 1];
        match pooling {
            Pooling::First => Ok(last.narrow(1, 0, 1)?.squeeze(1)?),
            Pooling::Mean => {
                let seen = ids.ne(self.config.pad)?.to_dtype(last.dtype())?;
                let share = seen.broadcast_div(&seen.sum_keepdim(1)?)?.unsqueeze(1)?;
                Ok(share.matmul(last)?.squeeze(1)?)
            }
        }
    }
}

impl Block {
    /// Block `index` of an encoder of these sizes.
    pub(super) fn new(params: &mut Params, config: &TextConfig, index: usize) -> Result<Self, NnError> {
        let TextConfig { width, hidden, epsilon, .. } = *config;
        let norm = |params: &mut Params, name: &str| -> Result<LayerNorm, NnError> {
            Ok(LayerNorm::new(params, name, width)?.with_epsilon(epsilon))
        };
        let linear = |params: &mut Params, name: &str, (input, output): (usize, usize)| {
            params.get(&format!("{name}.weight"), &[output, input], START)?;
            params.get(&format!("{name}.bias"), &[output], Init::Constant(0.0))?;
            Linear::new(params, name, (input, output), true)
        };
        let name = config.family.layer(index);
        let [query, key, value, out, attention_norm, up, down, last] =
            config.family.parts().map(|part| format!("{name}{part}"));
        Ok(Self {
            query: linear(params, &query, (width, width))?,
            key: linear(params, &key, (width, width))?,
            value: linear(params, &value, (width, width))?,
            out: linear(params, &out, (width, width))?,
            attention_norm: norm(params, &attention_norm)?,
            up: linear(params, &up, (width, hidden))?,
            down: linear(params, &down, (hidden, width))?,
            norm: norm(params, &last)?,
            name,
        })
    }

    /// `x` (batch, length, width), `mask` (batch, 1, 1, length).
    pub(super) fn forward(
        &self,
        x: &Tensor,
        mask: &Tensor,
        config: &TextConfig,
        mode: Mode,
    ) -> Result<Tensor, NnError> {
        let (batch, length, width) = x.dims3()?;
        let split = |linear: &Linear| -> candle_core::Result<Tensor> {
            linear.forward(x)?.reshape((batch, length, config.heads, ()))?.transpose(1, 2)?.contiguous()
        };
        let (query, key, value) = (split(&self.query)?, split(&self.key)?, split(&self.value)?);
        let scale = ((width / config.heads) as f64).sqrt().recip();
        let scores = (query.matmul(&key.t()?.contiguous()?)? * scale)?.broadcast_add(mask)?;
        let shares = softmax(&scores, D::Minus1)?;
        let shares = dropout(&shares, config.attention_dropout, &format!("{}attention", self.name), mode)?;
        let seen = shares.matmul(&value)?.transpose(1, 2)?.reshape((batch, length, width))?;
        let kept = |x: Tensor, part: &str| dropout(&x, config.dropout, &format!("{}{part}", self.name), mode);
        let x = self.attention_norm.forward(&(x + kept(self.out.forward(&seen)?, "out")?)?)?;
        let inner = self.up.forward(&x)?;
        let inner = match config.activation {
            TextActivation::Gelu => inner.gelu_erf()?,
            TextActivation::Relu => inner.relu()?,
        };
        Ok(self.norm.forward(&(&x + kept(self.down.forward(&inner)?, "down")?)?)?)
    }
}
