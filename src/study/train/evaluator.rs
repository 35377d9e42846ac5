//! How good a network has become.

use candle_core::{DType, Tensor};
use serde::{Deserialize, Serialize};

use crate::nn::loss::{Objective, mean};
use crate::nn::{Dataset, Examples, Mode, Network};
use crate::study::StudyError;

/// Loss and metric on held-out rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Mean loss.
    #[serde(with = "exact")]
    pub loss: f64,
    /// What schedules, early stopping and methods go by. Higher is better.
    #[serde(with = "exact")]
    pub metric: f64,
}

/// Numbers that JSON has and, as words, those that it has not: a metric may be none.
mod exact {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(f64),
        Word(String),
    }

    pub fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() { to.serialize_f64(*value) } else { to.serialize_str(&value.to_string()) }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        match Written::deserialize(from)? {
            Written::Number(value) => Ok(value),
            Written::Word(word) => word.parse().map_err(|_| D::Error::custom(format!("{word:?} is no number"))),
        }
    }
}

/// Measures the network after every epoch. An evaluator that keeps more than it returns goes with a method that is not
/// [`resumable`](crate::transfer::Transfer::is_resumable): epochs before an interruption are not evaluated again.
pub trait Evaluator {
    /// Loss and metric of the network.
    ///
    /// # Errors
    /// If the network or its simulator fails.
    fn evaluate(&self, network: &dyn Network) -> Result<Evaluation, StudyError>;
}

/// Evaluates on held-out rows. The metric is the share of rows classified correctly; where rows have no classes, it is
/// the negative loss.
#[derive(Clone, Copy)]
pub struct HeldOutEvaluator<'a> {
    /// The rows.
    pub source: &'a dyn Dataset,
    /// How wrong the network is on a row.
    pub objective: &'a dyn Objective,
    /// Rows to compute at once.
    pub batch: usize,
}

impl Evaluator for HeldOutEvaluator<'_> {
    fn evaluate(&self, network: &dyn Network) -> Result<Evaluation, StudyError> {
        let all: Vec<u32> = (0..self.source.len() as u32).collect();
        let mut tally = Tally::default();
        for rows in all.chunks(self.batch.max(1)) {
            let examples = self.source.rows(rows, Mode::Eval)?;
            let output = network.forward(&examples.inputs, Mode::Eval)?;
            let losses = self.objective.losses(&output, &examples.targets)?.detach();
            let part: f64 = mean(&losses, examples.weights.as_ref())?.to_dtype(DType::F64)?.to_scalar()?;
            tally.add(part, &examples, self.objective.right(&output, &examples.targets)?)?;
        }
        Ok(Evaluation { loss: tally.loss, metric: tally.right().unwrap_or(-tally.loss) })
    }
}

/// Losses and correct predictions over the batches of all rows: the same however they are cut into batches, up to
/// rounding.
#[derive(Default)]
pub(super) struct Tally {
    /// Mean loss so far, each row counted with its weight.
    pub loss: f64,
    weight: f64,
    /// Of rows with a label; `None` where right and wrong is no question.
    right: Option<f64>,
    labelled: f64,
}

impl Tally {
    /// Takes in a batch with its mean loss and, (rows), what was right.
    pub fn add(&mut self, loss: f64, batch: &Examples, right: Option<Tensor>) -> Result<(), StudyError> {
        let rows = batch.len() as f64;
        let (weight, labelled) = match &batch.weights {
            Some(weights) => {
                let weights = weights.to_dtype(DType::F64)?;
                let labelled = weights.gt(0.0)?.to_dtype(DType::F64)?;
                (weights.sum_all()?.to_scalar()?, Some(labelled))
            }
            None => (rows, None),
        };
        self.weight += weight;
        if weight > 0.0 {
            // A running mean: of a single part it is that part's, to the bit.
            self.loss += (loss - self.loss) * (weight / self.weight);
        }
        if let Some(right) = right {
            let (right, count) = match &labelled {
                Some(labelled) => ((right * labelled)?, labelled.sum_all()?.to_scalar()?),
                None => (right, rows),
            };
            *self.right.get_or_insert(0.0) += right.sum_all()?.to_scalar::<f64>()?;
            self.labelled += count;
        }
        Ok(())
    }

    /// Share of labelled rows that are classified rightly.
    pub fn right(&self) -> Option<f64> {
        self.right.map(|right| if self.labelled > 0.0 { right / self.labelled } else { 0.0 })
    }
}
