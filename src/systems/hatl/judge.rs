//! How wrong a translation is, and how good a network has become.

use candle_core::{D, DType, Tensor};
use candle_nn::ops::log_softmax;

use crate::nn::loss::{Loss, Objective, ctc, mean};
use crate::nn::{Dataset, Examples, Mode, Network, NnError, Output};
use crate::study::StudyError;
use crate::study::train::{Evaluation, Evaluator, HeldOutEvaluator};
use crate::systems::hatl::network::sentences;
use crate::systems::hatl::spec::Weights;

/// Rows judged at once.
const BATCH: usize = 50;

/// Loss of a translation: cross-entropy of its words, connectionist temporal classification of its glosses on the
/// encoder's frames, and cross-entropy of the glosses of its frames as backbone and encoder tell them, each a mean but the
/// second, which is one by gloss (Shahin & Ismail 2026). Between signs and text alone the second is left out; where a
/// frame's gloss is not known, so are the last two.
impl Objective for Weights {
    fn losses(&self, output: &Output, targets: &[Tensor]) -> Result<Tensor, NnError> {
        let ([words, classes, counts, glosses, frames], [backbone, encoder, ..]) = (targets, &output.more[..]) else {
            let reason =
                "a translation is compared with words, glosses of frames and sentences, and what of them counts";
            return Err(NnError::Setting { field: "targets", value: targets.len().to_string(), reason });
        };
        let surprise = |logits: &Tensor, classes: &Tensor| {
            log_softmax(logits, D::Minus1)?.gather(&classes.unsqueeze(2)?, 2)?.squeeze(2)?.neg()
        };
        let words = ((surprise(&output.logits, words)? * counts)?.sum(1)? / counts.sum(1)?)?;
        let mut loss = (words * self.words)?;
        for (weight, logits) in [(self.backbone, backbone), (self.encoder, encoder)] {
            if weight > 0.0 {
                loss = (loss + (surprise(logits, classes)?.mean(1)? * weight)?)?;
            }
        }
        if self.glosses > 0.0 {
            let rest = encoder.dim(D::Minus1)? - 1;
            let told = glosses.lt(rest as u32)?.to_dtype(encoder.dtype())?.sum(1)?.maximum(1.0)?;
            let sequence = (ctc(encoder, glosses, frames, rest as u32)? / told)?;
            loss = (loss + (sequence * self.glosses)?)?;
        }
        Ok(loss)
    }
}

/// Candidates and references to a figure in 0..=1.
pub(super) type Score = fn(&[Vec<u32>], &[Vec<u32>]) -> f64;

/// Judges translations.
pub(super) struct Translated {
    /// The sentences, and their texts.
    pub corpus: (Examples, Vec<Vec<u32>>),
    pub weights: Weights,
    pub score: Score,
}

impl Evaluator for Translated {
    fn evaluate(&self, network: &dyn Network) -> Result<Evaluation, StudyError> {
        let (examples, references) = &self.corpus;
        let all: Vec<u32> = (0..references.len() as u32).collect();
        let (mut told, mut loss) = (Vec::new(), 0.0);
        for rows in all.chunks(BATCH) {
            let examples = examples.rows(rows, Mode::Eval)?;
            let output = network.forward(&examples.inputs, Mode::Eval)?;
            let losses = self.weights.losses(&output, &examples.targets)?.detach();
            let part: f64 = mean(&losses, None)?.to_dtype(DType::F64)?.to_scalar()?;
            loss += part * rows.len() as f64 / all.len() as f64;
            if let Some(words) = output.more.get(2) {
                told.extend(sentences(words)?);
            }
        }
        Ok(Evaluation { loss, metric: (self.score)(&told, references) })
    }
}

/// Judges classes.
pub(super) fn told(examples: Examples) -> Box<dyn Evaluator> {
    Box::new(Told(examples))
}

struct Told(Examples);

impl Evaluator for Told {
    fn evaluate(&self, network: &dyn Network) -> Result<Evaluation, StudyError> {
        HeldOutEvaluator { source: &self.0, objective: &Loss::CrossEntropy, batch: BATCH }.evaluate(network)
    }
}
