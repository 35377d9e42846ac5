//! The networks: a temporal backbone over joints, a Transformer that translates, a head that classifies.

use std::sync::Arc;

use candle_core::{D, DType, Device, Tensor};
use candle_nn::ops::log_softmax;

use crate::nn::head::CircuitConfig;
use crate::nn::head::Head;
use crate::nn::head::{HeadConfig, HeadModel};
use crate::nn::layer::{Attention, BatchNorm, Conv2d, Embedding, LayerNorm, Linear, Padding, Window, dropout};
use crate::nn::model::first;
use crate::nn::{LayerGroups, Mode, Model, Network, NnError, Output, Params};
use crate::study::StudyError;
use crate::systems::hatl::corpus::Lexicon;
use crate::systems::hatl::language::{BEGIN, END};
use crate::systems::hatl::search::Search;
use crate::systems::hatl::spec::Sizes;

/// Joints over time to features over half the time: blocks of convolution along time, batch normalisation and ReLU, with
/// the input added where widths agree. Parameters of block k begin with `trunk.k.`.
struct Backbone {
    input: BatchNorm,
    blocks: Vec<(Conv2d, BatchNorm)>,
}

impl Backbone {
    fn new(params: &mut Params, joints: usize, widths: &[usize]) -> Result<Self, NnError> {
        let input = BatchNorm::new(params, "trunk.0.input", 2 * joints)?;
        let mut blocks = Vec::new();
        let (mut below, padding) = (2 * joints, Padding { left: 2, right: 2, ..Padding::default() });
        for (k, &width) in widths.iter().enumerate() {
            let window = Window { kernel: (1, 5), stride: 1, padding, dilation: 1 };
            let convolution = Conv2d::new(params, &format!("trunk.{k}"), (below, width), window, 1, false)?;
            blocks.push((convolution, BatchNorm::new(params, &format!("trunk.{k}.norm"), width)?));
            below = width;
        }
        Ok(Self { input, blocks })
    }

    /// (batch, 2 · joints, frames) to (batch, frames / 2, width).
    fn forward(&self, film: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let mut x = self.input.forward(&film.unsqueeze(2)?, mode)?;
        for (k, (convolution, norm)) in self.blocks.iter().enumerate() {
            let made = norm.forward(&convolution.forward(&x)?, mode)?;
            x = if made.dims() == x.dims() { (made + &x)?.relu()? } else { made.relu()? };
            if k == 0 {
                let (batch, channels, _, frames) = x.dims4()?;
                x = x.reshape((batch, channels, 1, frames / 2, 2))?.mean(D::Minus1)?;
            }
        }
        Ok(x.squeeze(2)?.transpose(1, 2)?.contiguous()?)
    }
}

/// The blocks of the backbone, and everything else as the head.
pub fn groups(params: &Params, blocks: usize) -> LayerGroups {
    let block = |k: usize| {
        let prefix = format!("trunk.{k}.");
        params.trainable().map(|(name, _)| name).filter(|name| name.starts_with(&prefix)).map(String::from).collect()
    };
    LayerGroups::of_trunk((0..blocks).map(block).collect(), params)
}

/// Films to texts. It reads films (batch, 2 · joints, frames) and the words before each word (batch, words), and puts out
/// scores of words (batch, words, vocabulary); `more` are scores of glosses for each frame, from the backbone and from the
/// encoder (batch, frames / 2, glosses + 1; the last is rest), and, where it is judged, the words it would say (batch,
/// words) u32.
pub struct Translator {
    /// Its sizes.
    pub sizes: Sizes,
    /// What it reads and says.
    pub lexicon: Lexicon,
    /// How it looks for what it says.
    pub search: Search,
}

struct Block {
    itself: (LayerNorm, Attention),
    other: Option<(LayerNorm, Attention)>,
    inner: (LayerNorm, Linear, Linear),
    name: String,
}

struct Translating {
    backbone: Backbone,
    bridge: Linear,
    encoder: Vec<Block>,
    decoder: Vec<Block>,
    embedding: Embedding,
    norms: [LayerNorm; 2],
    frames: [Linear; 2],
    words: Linear,
    width: usize,
    dropout: f64,
    longest: usize,
    search: Search,
}

impl Block {
    fn new(params: &mut Params, name: &str, sizes: &Sizes, looks: bool) -> Result<Self, NnError> {
        let (width, heads) = (sizes.width, sizes.heads);
        let mut attention = |part: &str| -> Result<_, NnError> {
            let norm = LayerNorm::new(params, &format!("{name}.{part}_norm"), width)?;
            Ok((norm, Attention::new(params, &format!("{name}.{part}"), width, heads)?))
        };
        let itself = attention("self")?;
        let other = if looks { Some(attention("cross")?) } else { None };
        let inner = (
            LayerNorm::new(params, &format!("{name}.norm"), width)?,
            Linear::new(params, &format!("{name}.up"), (width, 2 * width), true)?,
            Linear::new(params, &format!("{name}.down"), (2 * width, width), true)?,
        );
        Ok(Self { itself, other, inner, name: name.into() })
    }

    /// With normalisation before each part (Xiong et al. 2020, arXiv:2002.04745).
    fn forward(
        &self,
        x: &Tensor,
        memory: Option<&Tensor>,
        mask: Option<&Tensor>,
        (rate, mode): (f64, Mode),
    ) -> Result<Tensor, NnError> {
        let kept = |x: &Tensor, part: &str| dropout(x, rate, &format!("{}.{part}", self.name), mode);
        let (norm, attention) = &self.itself;
        let y = norm.forward(x)?;
        let mut x = (x + kept(&attention.forward(&y, &y, &y, mask)?, "self")?)?;
        if let Some(((norm, attention), memory)) = self.other.as_ref().zip(memory) {
            let y = attention.forward(&norm.forward(&x)?, memory, memory, None)?;
            x = (&x + kept(&y, "cross")?)?;
        }
        let (norm, up, down) = &self.inner;
        let y = down.forward(&up.forward(&norm.forward(&x)?)?.relu()?)?;
        Ok((&x + kept(&y, "inner")?)?)
    }
}

impl Model for Translator {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let Sizes { blocks, width, encoder, decoder, dropout, .. } = &self.sizes;
        let Lexicon { joints, glosses, longest, words, .. } = &self.lexicon;
        let (below, width) = (blocks.last().copied().unwrap_or(2 * joints), *width);
        let mut stack = |name: &str, count: usize, looks: bool| -> Result<Vec<Block>, NnError> {
            (0..count).map(|k| Block::new(params, &format!("{name}.{k}"), &self.sizes, looks)).collect()
        };
        let (encoder, decoder) = (stack("encoder", *encoder, false)?, stack("decoder", *decoder, true)?);
        let words = words.len();
        Ok(Box::new(Translating {
            backbone: Backbone::new(params, *joints, blocks)?,
            bridge: Linear::new(params, "bridge", (below, width), true)?,
            encoder,
            decoder,
            embedding: Embedding::new(params, "embedding", words, width)?,
            norms: [LayerNorm::new(params, "encoder.norm", width)?, LayerNorm::new(params, "decoder.norm", width)?],
            frames: [
                Linear::new(params, "frames.backbone", (below, glosses + 1), true)?,
                Linear::new(params, "frames.encoder", (width, glosses + 1), true)?,
            ],
            words: Linear::new(params, "words", (width, words), true)?,
            width,
            dropout: *dropout,
            longest: *longest,
            search: self.search,
        }))
    }
}

impl Translating {
    /// Scores (batch, words, vocabulary) of the words that follow each of `before` (batch, words).
    fn following(&self, before: &Tensor, memory: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let length = before.dim(1)?;
        let mut x = self.embedding.forward(before)?.broadcast_add(&positions(length, self.width, memory.dtype())?)?;
        let future = |k: usize| if k % length > k / length { f64::NEG_INFINITY } else { 0.0 };
        let mask: Vec<f64> = (0..length * length).map(future).collect();
        let mask = Tensor::from_vec(mask, (1, 1, length, length), &Device::Cpu)?.to_dtype(memory.dtype())?;
        for block in &self.decoder {
            x = block.forward(&x, Some(memory), Some(&mask), (self.dropout, mode))?;
        }
        Ok(self.words.forward(&self.norms[1].forward(&x)?)?)
    }

    /// The words of each row as the search finds them (batch, words), filled up with ends.
    fn told(&self, memory: &Tensor) -> Result<Tensor, NnError> {
        let (memory, rows) = (memory.detach(), memory.dim(0)?);
        let texts = self.search.texts(rows, self.longest, |texts| {
            let of: Vec<u32> = texts.iter().map(|(row, _)| *row as u32).collect();
            let before = texts.iter().flat_map(|(_, words)| [BEGIN].into_iter().chain(words.iter().copied()));
            let before: Vec<u32> = before.collect();
            let before = Tensor::from_vec(before.clone(), (texts.len(), before.len() / texts.len()), &Device::Cpu)?;
            let memory = memory.index_select(&Tensor::new(of, &Device::Cpu)?, 0)?;
            let scores = self.following(&before, &memory, Mode::Eval)?.detach();
            let last = scores.narrow(1, before.dim(1)? - 1, 1)?.squeeze(1)?;
            Ok(log_softmax(&last, D::Minus1)?.to_dtype(DType::F64)?.to_vec2()?)
        })?;
        let filled = |text: Vec<u32>| (0..self.longest).map(move |k| text.get(k).copied().unwrap_or(END));
        Ok(Tensor::from_vec(texts.into_iter().flat_map(filled).collect(), (rows, self.longest), &Device::Cpu)?)
    }
}

impl Network for Translating {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let reason = "a translator reads films and the words before each word";
        let missing = NnError::Setting { field: "inputs", value: inputs.len().to_string(), reason };
        let before = inputs.get(1).ok_or(missing)?;
        let seen = self.backbone.forward(first(inputs)?, mode)?;
        let mut x = self.bridge.forward(&seen)?;
        x = x.broadcast_add(&positions(x.dim(1)?, self.width, x.dtype())?)?;
        for block in &self.encoder {
            x = block.forward(&x, None, None, (self.dropout, mode))?;
        }
        let memory = self.norms[0].forward(&x)?;
        let mut more = vec![self.frames[0].forward(&seen)?, self.frames[1].forward(&memory)?];
        if mode == Mode::Eval {
            more.push(self.told(&memory)?);
        }
        let logits = self.following(before, &memory, mode)?;
        Ok(Output { more, ..Output::new(memory.mean(1)?, logits) })
    }
}

/// Sines and cosines of places (length, width) (Vaswani et al. 2017, arXiv:1706.03762, section 3.5).
fn positions(length: usize, width: usize, dtype: DType) -> Result<Tensor, NnError> {
    let value = |k: usize| {
        let (place, channel) = (k / width, k % width);
        let angle = place as f64 / 1e4f64.powf((channel / 2 * 2) as f64 / width as f64);
        if channel % 2 == 0 { angle.sin() } else { angle.cos() }
    };
    let values: Vec<f64> = (0..length * width).map(value).collect();
    Ok(Tensor::from_vec(values, (length, width), &Device::Cpu)?.to_dtype(dtype)?)
}

/// The words of each row up to its end.
pub fn sentences(words: &Tensor) -> Result<Vec<Vec<u32>>, NnError> {
    let rows = words.to_vec2::<u32>()?;
    Ok(rows.into_iter().map(|row| row.into_iter().take_while(|word| *word != END).collect()).collect())
}

/// Films to class scores: the mean over time of what the backbone sees, under a row of the table of heads.
pub struct Classifier {
    joints: usize,
    blocks: Vec<usize>,
    head: HeadModel,
}

impl Classifier {
    /// Films of `joints` joints told apart into `classes` classes under the head `name`.
    ///
    /// # Errors
    /// If there is no such head or family of circuits, or the circuit cannot be built.
    pub fn new(
        (joints, blocks): (usize, &[usize]),
        name: &str,
        circuit: &CircuitConfig,
        classes: usize,
    ) -> Result<Self, StudyError> {
        let features = blocks.last().copied().unwrap_or(2 * joints);
        Ok(Self {
            joints,
            blocks: blocks.to_vec(),
            head: HeadConfig::named(name)?.circuit(circuit.clone()).model(features, classes)?,
        })
    }
}

struct Classifying {
    backbone: Backbone,
    head: Arc<dyn Head>,
}

impl Model for Classifier {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let backbone = Backbone::new(params, self.joints, &self.blocks)?;
        Ok(Box::new(Classifying { backbone, head: self.head.build(params)? }))
    }
}

impl Network for Classifying {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let features = self.backbone.forward(first(inputs)?, mode)?.mean(1)?;
        let logits = self.head.logits(&features)?;
        Ok(Output::new(features, logits))
    }
}
