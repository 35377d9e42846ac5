//! The text encoder of a run: pretrained from a folder, or a small one that learns first what texts of few clauses say.

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;

use crate::lab::Context;
use crate::nn::layer::Linear;
use crate::nn::loss::Loss;
use crate::nn::model::first;
use crate::nn::text::{Pooling, TextBundle, TextConfig, TextEncoder, TextTokenizer, padded, sentence_vectors};
use crate::nn::{Examples, Mode, Network, NnError, Output, Params};
use crate::study::StudyError;
use crate::study::train::{HeldOutEvaluator, TrainingLoop};
use crate::systems::fairtext::spec::Spec;
use crate::transfer::schedule::Full;

/// Where an encoder starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Start {
    /// Pretrained.
    Pretrained,
    /// Pretrained, then trained on glosses of other classes.
    Rich,
    /// Random weights.
    Random,
}

impl Start {
    /// Every start, with its name and one line for people.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Pretrained, "pretrained", "the encoder starts pretrained"),
        (Self::Rich, "rich", "the pretrained encoder learned from glosses of other classes first"),
        (Self::Random, "random", "the same encoder starts from random weights"),
    ];

    /// Of this name.
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|(_, own, _)| *own == name).map_or(Self::Pretrained, |(start, ..)| start)
    }
}

/// An encoder with its tokenizer.
pub struct Encoders {
    /// Its sizes.
    pub config: TextConfig,
    /// Its words.
    pub tokenizer: TextTokenizer,
    /// Its pretrained parameters.
    pub pretrained: Params,
    /// The same after training on glosses of other classes, if it was.
    pub rich: Option<Params>,
    /// Longest text in words.
    pub longest: usize,
    /// A hash of the weights of a folder.
    pub digest: Option<String>,
    seed: u64,
}

struct Sentences {
    encoder: TextEncoder,
    head: Linear,
}

impl Network for Sentences {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let features = self.encoder.sentence(first(inputs)?, Pooling::Mean, mode)?;
        let logits = self.head.forward(&features)?;
        Ok(Output::new(features, logits))
    }
}

impl Encoders {
    /// That of a folder.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn of_bundle(bundle: &TextBundle, longest: usize, seed: u64) -> Result<Self, StudyError> {
        let mut pretrained = Params::new(seed, DType::F32);
        TextEncoder::new(&mut pretrained, bundle.config)?.load(&pretrained, &bundle.weights)?;
        let (config, tokenizer) = (bundle.config, bundle.tokenizer.clone());
        let longest = longest.min(config.positions);
        let digest = Some(bundle.weights.digest_text()?);
        Ok(Self { config, tokenizer, pretrained, rich: None, longest, digest, seed })
    }

    /// A small one that learned how many clauses of a text say in between and bad. Returns the share of held-out texts of which it
    /// says both rightly as well.
    ///
    /// # Errors
    /// If the training fails or is stopped.
    pub fn learned(spec: &Spec, seed: u64, context: &Context) -> Result<(Self, f64), StudyError> {
        let small = &spec.small;
        let (texts, labels) = spec.world.sources(small.sentences, seed);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let tokenizer = TextTokenizer::of_texts(texts.iter().copied(), small.vocabulary)?;
        let words = tokenizer.vocabulary();
        let mut config = TextConfig::small(words, small.width, small.layers, small.heads, spec.longest);
        (config.dropout, config.attention_dropout) = (small.dropout, small.dropout);
        let encoded = tokenizer.encode_all(&texts, spec.longest)?;
        let held = texts.len() / 10;
        let examples = |rows: std::ops::Range<usize>| -> Result<Examples, StudyError> {
            let own: Vec<&Vec<u32>> = rows.clone().map(|row| &encoded[row]).collect();
            let labels: Vec<u32> = rows.map(|row| labels[row] as u32).collect();
            Ok(Examples::new(padded(&own, config.pad)?, Tensor::new(labels, &Device::Cpu)?))
        };
        let (validation, training) = (examples(0..held)?, examples(held..texts.len())?);
        let classes = spec.world.source_classes();
        let model = move |params: &mut Params| -> Result<Box<dyn Network>, NnError> {
            let encoder = TextEncoder::new(params, config)?;
            let head = Linear::new(params, "head", (config.width, classes), true)?;
            Ok(Box::new(Sentences { encoder, head }))
        };
        let mut params = Params::new(seed, DType::F32);
        let training_loop = TrainingLoop {
            evaluator: &HeldOutEvaluator { source: &validation, objective: &Loss::CrossEntropy, batch: 256 },
            observer: context.observer,
            ..TrainingLoop::new(&model, &training, &Loss::CrossEntropy, &small.train, seed)
        };
        let history = training_loop.run(&mut params, &mut Full)?;
        let right = history.iter().map(|record| record.evaluation.metric).fold(0.0, f64::max);
        let mut pretrained = Params::new(seed, DType::F32);
        TextEncoder::new(&mut pretrained, config)?;
        pretrained.copy_prefix_from(&params, "")?;
        Ok((Self { config, tokenizer, pretrained, rich: None, longest: spec.longest, digest: None, seed }, right))
    }

    /// Numbers of the words of texts.
    ///
    /// # Errors
    /// If a text cannot be cut.
    pub fn encode(&self, texts: &[String]) -> Result<Vec<Vec<u32>>, StudyError> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Ok(self.tokenizer.encode_all(&texts, self.longest)?)
    }

    /// Parameters of a start; none for random weights.
    fn weights(&self, start: Start) -> Result<Option<&Params>, StudyError> {
        match start {
            Start::Random => Ok(None),
            Start::Pretrained => Ok(Some(&self.pretrained)),
            Start::Rich => {
                let reason = "no encoder has learned from glosses of other classes; set rich above 0";
                self.rich.as_ref().map(Some).ok_or_else(|| StudyError::Settings { reason: reason.into() })
            }
        }
    }

    /// Sets the encoder's parameters among `params` to their start.
    ///
    /// # Errors
    /// If they have other shapes, or if there is no such start.
    pub fn start(&self, params: &Params, start: Start) -> Result<(), StudyError> {
        if let Some(weights) = self.weights(start)? {
            params.copy_prefix_from(weights, "")?;
        }
        Ok(())
    }

    /// Parameters of the encoder alone, of a network that holds it.
    ///
    /// # Errors
    /// If they have other shapes.
    pub fn of_network(&self, params: &Params) -> Result<Params, StudyError> {
        let mut own = Params::new(self.seed, DType::F32);
        TextEncoder::new(&mut own, self.config)?;
        own.copy_prefix_from(params, "")?;
        Ok(own)
    }

    /// Vectors (texts, width) of texts of these words by the frozen encoder, of length √width: numbers of size 1.
    ///
    /// # Errors
    /// If a text does not fit.
    pub fn vectors(&self, texts: &[Vec<u32>], start: Start) -> Result<Array2<f32>, StudyError> {
        let mut params = match self.weights(start)? {
            Some(weights) => weights.clone(),
            None => {
                let mut params = Params::new(self.seed, DType::F32);
                TextEncoder::new(&mut params, self.config)?;
                params
            }
        };
        params.freeze();
        let encoder = TextEncoder::new(&mut params, self.config)?;
        let scale = (self.config.width as f64).sqrt();
        Ok(sentence_vectors(&encoder, texts, Pooling::Mean, true)?.mapv(|value| (scale * value) as f32))
    }
}
