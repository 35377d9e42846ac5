//! An encoder that is trained from its pretrained and from random weights, with more and more texts, and from what it learned of
//! texts of other classes.

use std::ops::Range;

use candle_core::{DType, Device, Tensor};

use crate::lab::{Context, Measurement};
use crate::math::order::argmax;
use crate::nn::loss::Loss;
use crate::nn::text::padded;
use crate::nn::{Examples, Model, Params};
use crate::study::StudyError;
use crate::study::metric::{Predictions, counts, ranking};
use crate::study::train::{HeldOutEvaluator, TrainConfig, TrainingLoop};
use crate::systems::fairtext::encoder::{Encoders, Start};
use crate::systems::fairtext::network::{Fusion, HeadKind, ReportNet, TextInput};
use crate::systems::fairtext::spec::Spec;
use crate::systems::fairtext::trial::probabilities;
use crate::transfer::schedule::Full;

/// Texts with classes, in the order in which they are taken: the test first, then validation, then what is learned from.
pub struct Corpus {
    /// Numbers of the words of each text.
    pub words: Vec<Vec<u32>>,
    /// Classes.
    pub labels: Vec<usize>,
    /// Number of classes.
    pub classes: usize,
}

impl Corpus {
    /// Texts that are validated on.
    pub const VALIDATION: usize = 300;

    /// Texts that a run reads at most.
    pub fn needed(spec: &Spec) -> usize {
        spec.transfer_test + Self::VALIDATION + spec.sizes.iter().max().copied().unwrap_or(0)
    }

    fn net(&self, spec: &Spec, encoders: &Encoders) -> ReportNet {
        ReportNet {
            text: Some(TextInput::Words(encoders.config)),
            indicators: 0,
            fusion: Fusion::Concat,
            head: HeadKind::Layers,
            hidden: spec.hidden,
            classes: self.classes,
        }
    }

    fn examples(&self, rows: Range<usize>, pad: u32) -> Result<Examples, StudyError> {
        let own: Vec<&Vec<u32>> = self.words[rows.clone()].iter().collect();
        let labels: Vec<u32> = self.labels[rows].iter().map(|label| *label as u32).collect();
        Ok(Examples::new(padded(&own, pad)?, Tensor::new(labels, &Device::Cpu)?))
    }

    /// Trains on `size` texts behind the first `tested` ones and those of the validation.
    fn learned(
        &self,
        net: &ReportNet,
        (encoders, start): (&Encoders, Start),
        (tested, size): (usize, usize),
        (config, seed): (&TrainConfig, u64),
        context: &Context,
    ) -> Result<Params, StudyError> {
        let held = tested + Self::VALIDATION;
        if self.words.len() < held + size {
            let reason =
                format!("{} texts are too few: {held} are held out and {size} are learned from", self.words.len());
            return Err(StudyError::Settings { reason });
        }
        let pad = encoders.config.pad;
        let (validation, learn) = (self.examples(tested..held, pad)?, self.examples(held..held + size, pad)?);
        let mut params = Params::new(seed, DType::F32);
        net.build(&mut params)?;
        encoders.start(&params, start)?;
        let loss = Loss::CrossEntropy;
        let training = TrainingLoop {
            evaluator: &HeldOutEvaluator { source: &validation, objective: &loss, batch: 256 },
            observer: context.observer,
            ..TrainingLoop::new(net, &learn, &loss, config, seed)
        };
        training.run(&mut params, &mut Full)?;
        Ok(params)
    }

    /// The pretrained encoder after training on `spec.rich` of these texts, whose classes are other ones than those of the trials.
    ///
    /// # Errors
    /// As [`Corpus::run`].
    pub fn rich(&self, spec: &Spec, encoders: &Encoders, seed: u64, context: &Context) -> Result<Params, StudyError> {
        let net = self.net(spec, encoders);
        let from = (encoders, Start::Pretrained);
        let params = self.learned(&net, from, (0, spec.rich), (&spec.rich_train, seed), context)?;
        encoders.of_network(&params)
    }

    /// Trains on the first `size` texts that are left for it and tests.
    ///
    /// # Errors
    /// Too few texts, or a training that fails.
    pub fn run(
        &self,
        spec: &Spec,
        encoders: &Encoders,
        (start, size): (Start, usize),
        seed: u64,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        let tested = spec.transfer_test;
        let net = self.net(spec, encoders);
        let config = (&spec.transfer, seed);
        let mut params = self.learned(&net, (encoders, start), (tested, size), config, context)?;
        let test = self.examples(0..tested, encoders.config.pad)?;
        let network = net.build(&mut params)?;
        let found = probabilities(network.as_ref(), &test)?;
        let said: Vec<usize> = found.rows().into_iter().map(argmax).collect();
        let predictions = Predictions::new(found, self.labels[..tested].to_vec())?;
        Ok(Measurement::default()
            .value("accuracy", counts::share_right(said.iter().copied(), predictions.labels()))
            .value_if("f1", counts::f1(&predictions).ok())
            .value_if("average_precision", ranking::average_precision(&predictions).ok())
            .value("parameters", params.count(|_| true) as f64))
    }
}
