//! Networks: a film beside a report, and a study to its tasks.

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::nn::layer::{
    ClassTokenPool, ContrastiveScale, GatedAttention, Linear, QueryPool, TransformerConfig, masked_mean,
};
use crate::nn::loss::Contrastive;
use crate::nn::{Mode, Model, Network, NnError, Output, Params};
use crate::systems::angiography::encoder::{VideoEncoder, VideoSize};
use crate::systems::angiography::studies::{FilmShape, VIEWS};
use crate::systems::angiography::texts::{TextInput, TextReader};

/// Films and reports in one space.
#[derive(Clone, Debug, PartialEq)]
pub struct PairModel {
    /// Of films.
    pub video: VideoSize,
    /// Their shape.
    pub shape: FilmShape,
    /// How reports are read.
    pub text: TextInput,
    /// Width of the common space.
    pub common: usize,
    /// What is minimised.
    pub loss: Contrastive,
    /// Temperature and offset of the scores at the start.
    pub start: (f64, Option<f64>),
}

/// A built [`PairModel`].
pub struct PairNetwork {
    video: VideoEncoder,
    text: TextReader,
    of_video: Linear,
    of_text: Linear,
    scale: ContrastiveScale,
}

impl PairModel {
    /// The network on parameters.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn network(&self, params: &mut Params) -> Result<PairNetwork, NnError> {
        Ok(PairNetwork {
            video: VideoEncoder::new(params, &self.video, self.shape)?,
            text: self.text.reader(params)?,
            of_video: Linear::new(params, "common.video", (self.video.width, self.common), false)?,
            of_text: Linear::new(params, "common.text", (self.text.width(), self.common), false)?,
            scale: ContrastiveScale::new(params, "scale", self.start)?,
        })
    }
}

impl PairNetwork {
    /// Films to vectors (films, width) and to the common space (films, common).
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn films(&self, films: &Tensor) -> Result<(Tensor, Tensor), NnError> {
        let vectors = self.video.forward(films, Mode::Eval)?;
        let common = self.of_video.forward(&vectors)?;
        Ok((vectors.detach(), common.detach()))
    }

    /// Reports, as numbers of words or as vectors, to the common space.
    ///
    /// # Errors
    /// If a word is not in the table.
    pub fn reports(&self, reports: &Tensor) -> Result<Tensor, NnError> {
        Ok(self.of_text.forward(&self.text.forward(reports, Mode::Eval)?)?.detach())
    }
}

impl Model for PairModel {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        Ok(Box::new(self.network(params)?))
    }
}

impl Network for PairNetwork {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let [films, reports] = inputs else {
            let (value, reason) = (inputs.len().to_string(), "pairs are films and reports");
            return Err(NnError::Setting { field: "inputs", value, reason });
        };
        let video = self.of_video.forward(&self.video.forward(films, mode)?)?;
        let text = self.of_text.forward(&self.text.forward(reports, mode)?)?;
        let scores = self.scale.forward(&video, &text)?;
        Ok(Output::new(video, scores))
    }
}

/// How the vectors of a study's films become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// Gated attention.
    Gated,
    /// A class token.
    ClassToken,
    /// Gated attention beside a class token.
    Hybrid,
    /// A query after a Transformer block with position codes.
    Query,
}

/// Every pooling with one line for people.
pub const POOLINGS: [(&str, Pooling, &str); 5] = [
    ("mean", Pooling::Mean, "the mean over the films of a study"),
    ("gated", Pooling::Gated, "gated attention over the films"),
    ("class_token", Pooling::ClassToken, "a class token that attends to the films"),
    ("hybrid", Pooling::Hybrid, "gated attention beside a class token"),
    ("query", Pooling::Query, "a Transformer block with position codes, and a query"),
];

enum Pool {
    Mean,
    Gated(GatedAttention),
    ClassToken(ClassTokenPool),
    Hybrid(GatedAttention, ClassTokenPool),
    Query(QueryPool),
}

/// Studies to tasks: films or the vectors of films, pooled, and one linear layer for all tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct StudyModel {
    /// The encoder of films; none where vectors are read.
    pub video: Option<(VideoSize, FilmShape)>,
    /// Width of a film's vector.
    pub width: usize,
    /// How they are pooled.
    pub pooling: Pooling,
    /// Hidden width of the gated attention.
    pub hidden: usize,
    /// Heads of the class token.
    pub heads: usize,
    /// Mean and spread of each task, by which its output is shifted and stretched.
    pub units: Vec<[f64; 2]>,
}

/// A built [`StudyModel`].
pub struct StudyNetwork {
    video: Option<VideoEncoder>,
    pool: Pool,
    head: Linear,
    /// (tasks).
    means: Tensor,
    /// (tasks).
    spreads: Tensor,
}

impl StudyModel {
    /// Width of a study's vector.
    pub fn pooled(&self) -> usize {
        if self.pooling == Pooling::Hybrid { 2 * self.width } else { self.width }
    }

    /// The network on parameters.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn network(&self, params: &mut Params) -> Result<StudyNetwork, NnError> {
        let video = match &self.video {
            Some((size, shape)) => Some(VideoEncoder::new(params, size, *shape)?),
            None => None,
        };
        let gated = |params: &mut Params| GatedAttention::new(params, "pool.gated", self.width, self.hidden);
        let token = |params: &mut Params| ClassTokenPool::new(params, "pool.token", self.width, self.heads);
        let pool = match self.pooling {
            Pooling::Mean => Pool::Mean,
            Pooling::Gated => Pool::Gated(gated(params)?),
            Pooling::ClassToken => Pool::ClassToken(token(params)?),
            Pooling::Hybrid => Pool::Hybrid(gated(params)?, token(params)?),
            Pooling::Query => {
                let config =
                    TransformerConfig { width: self.width, heads: self.heads, hidden: 2 * self.width, dropout: 0.0 };
                Pool::Query(QueryPool::new(params, "pool.query", (VIEWS, 1), config)?)
            }
        };
        let head = Linear::new(params, "head", (self.pooled(), self.units.len()), true)?;
        let of = |k: usize| -> Result<Tensor, NnError> {
            let values: Vec<f64> = self.units.iter().map(|unit| unit[k]).collect();
            Ok(Tensor::new(values, &Device::Cpu)?.to_dtype(params.dtype())?)
        };
        Ok(StudyNetwork { video, pool, head, means: of(0)?, spreads: of(1)? })
    }
}

impl Model for StudyModel {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        Ok(Box::new(self.network(params)?))
    }
}

impl Network for StudyNetwork {
    /// Inputs: films (studies, films, frames, edge, edge) or vectors (studies, films, width), and the mask (studies, films). The
    /// features are the vectors of the studies; `more` holds the weights of films where the pooling has them.
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let [films, mask] = inputs else {
            let (value, reason) = (inputs.len().to_string(), "a study is films and a mask");
            return Err(NnError::Setting { field: "inputs", value, reason });
        };
        let vectors = match &self.video {
            Some(video) => {
                let (studies, views) = mask.dims2()?;
                let all = films.flatten(0, 1)?;
                // Padding costs as much as a film, so only films go through the encoder.
                let places: Vec<f32> = mask.flatten_all()?.to_dtype(candle_core::DType::F32)?.to_vec1()?;
                let there: Vec<u32> = (0..places.len() as u32).filter(|k| places[*k as usize] > 0.0).collect();
                let encoded =
                    video.forward(&all.index_select(&Tensor::new(there.as_slice(), mask.device())?, 0)?, mode)?;
                let nothing = encoded.narrow(0, 0, 1)?.zeros_like()?;
                let mut order = vec![there.len() as u32; places.len()];
                there.iter().zip(0u32..).for_each(|(place, row)| order[*place as usize] = row);
                let joined = Tensor::cat(&[&encoded, &nothing], 0)?;
                joined.index_select(&Tensor::new(order, mask.device())?, 0)?.reshape((studies, views, ()))?
            }
            None => films.clone(),
        };
        let (pooled, weights) = match &self.pool {
            Pool::Mean => (masked_mean(&vectors, mask)?, None),
            Pool::Gated(gated) => {
                let (pooled, weights) = gated.forward(&vectors, mask)?;
                (pooled, Some(weights))
            }
            Pool::ClassToken(token) => (token.forward(&vectors, mask)?, None),
            Pool::Hybrid(gated, token) => {
                let (pooled, weights) = gated.forward(&vectors, mask)?;
                (Tensor::cat(&[pooled, token.forward(&vectors, mask)?], 1)?, Some(weights))
            }
            Pool::Query(query) => {
                let (pooled, weights) = query.forward(&vectors, mask, mode)?;
                (pooled, Some(weights))
            }
        };
        let logits = self.head.forward(&pooled)?.broadcast_mul(&self.spreads)?.broadcast_add(&self.means)?;
        Ok(Output { features: pooled, logits, more: weights.into_iter().collect() })
    }
}
