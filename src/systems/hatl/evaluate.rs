//! The loss of a translation, and how good translations and classes are.

use candle_core::{D, DType, Tensor};
use candle_nn::ops::log_softmax;

use crate::nn::decode::{BeamSearch, Symbols};
use crate::nn::loss::{Loss, Objective, ctc, mean};
use crate::nn::{Dataset, Examples, Mode, Network, NnError, Output};
use crate::study::StudyError;
use crate::study::train::{Evaluation, Evaluator, HeldOutEvaluator};
use crate::systems::hatl::spec::LossWeights;

/// Rows evaluated at once.
const BATCH: usize = 50;

/// Cross-entropy of words, connectionist temporal classification of the sentence's glosses on the encoder's frames, and
/// cross-entropy of the glosses of frames by backbone and by encoder (Shahin & Ismail 2026). The second is divided by the
/// number of glosses, the others are means. A weight of 0 leaves a term out, as it must where its labels are unknown.
pub(super) struct TranslationLoss(pub LossWeights);

impl Objective for TranslationLoss {
    fn losses(&self, output: &Output, targets: &[Tensor]) -> Result<Tensor, NnError> {
        let ([words, classes, counts, glosses, frames], [backbone, encoder, ..]) = (targets, &output.more[..]) else {
            let reason =
                "a translation is compared with words, glosses of frames and sentences, and what of them counts";
            return Err(NnError::Setting { field: "targets", value: targets.len().to_string(), reason });
        };
        let cross_entropy = |logits: &Tensor, classes: &Tensor| {
            log_softmax(logits, D::Minus1)?.gather(&classes.unsqueeze(2)?, 2)?.squeeze(2)?.neg()
        };
        let weights = self.0;
        let words = ((cross_entropy(&output.logits, words)? * counts)?.sum(1)? / counts.sum(1)?)?;
        let mut loss = (words * weights.words)?;
        for (weight, logits) in [(weights.backbone, backbone), (weights.encoder, encoder)] {
            if weight > 0.0 {
                loss = (loss + (cross_entropy(logits, classes)?.mean(1)? * weight)?)?;
            }
        }
        if weights.glosses > 0.0 {
            let rest = encoder.dim(D::Minus1)? - 1;
            let count = glosses.lt(rest as u32)?.to_dtype(encoder.dtype())?.sum(1)?.maximum(1.0)?;
            let sequence = (ctc(encoder, glosses, frames, rest as u32)? / count)?;
            loss = (loss + (sequence * weights.glosses)?)?;
        }
        Ok(loss)
    }
}

/// A figure in 0..=1 of candidates and their references.
pub(super) type Score = fn(&[Vec<u32>], &[Vec<u32>]) -> f64;

/// Scores what a translator writes for some sentences.
pub(super) struct TranslationEvaluator {
    /// The sentences.
    pub examples: Examples,
    /// Their texts.
    pub references: Vec<Vec<u32>>,
    /// For the loss.
    pub weights: LossWeights,
    /// How texts are decoded.
    pub search: BeamSearch,
    /// Symbols of the language.
    pub symbols: Symbols,
    /// The metric.
    pub score: Score,
}

impl Evaluator for TranslationEvaluator {
    fn evaluate(&self, network: &dyn Network) -> Result<Evaluation, StudyError> {
        let all: Vec<u32> = (0..self.references.len() as u32).collect();
        let (mut candidates, mut loss) = (Vec::new(), 0.0);
        for rows in all.chunks(BATCH) {
            let examples = self.examples.rows(rows, Mode::Eval)?;
            let output = network.forward(&examples.inputs, Mode::Eval)?;
            let losses = TranslationLoss(self.weights).losses(&output, &examples.targets)?.detach();
            let part: f64 = mean(&losses, None)?.to_dtype(DType::F64)?.to_scalar()?;
            loss += part * rows.len() as f64 / all.len() as f64;
            let reason = "translations are evaluated of a network with a decoder";
            let missing = || NnError::Setting { field: "network", value: "no decoder".into(), reason };
            let (decoder, memory) = network.decoder().zip(output.more.last()).ok_or_else(missing)?;
            candidates.extend(self.search.decode(decoder, memory, self.symbols)?);
        }
        Ok(Evaluation { loss, metric: (self.score)(&candidates, &self.references) })
    }
}

/// The share of some examples that is classified rightly.
pub(super) struct AccuracyEvaluator(pub Examples);

impl Evaluator for AccuracyEvaluator {
    fn evaluate(&self, network: &dyn Network) -> Result<Evaluation, StudyError> {
        HeldOutEvaluator { source: &self.0, objective: &Loss::CrossEntropy, batch: BATCH }.evaluate(network)
    }
}
