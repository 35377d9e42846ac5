//! The training loop. There is only this one.

use candle_core::{D, DType, Tensor};
use candle_nn::loss::cross_entropy;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::math::Stream;
use crate::nn::optim::{Method, StepSchedule};
use crate::nn::{Head, Optimizer, Params, Plan};
use crate::study::StudyError;

/// How a head is trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Passes over the training rows.
    pub epochs: usize,
    /// Rows of a step; the last step of an epoch takes what is left.
    pub batch: usize,
    /// Learning rate.
    pub rate: f64,
    /// How the rate falls.
    pub schedule: StepSchedule,
    /// The optimiser.
    pub optimizer: Method,
}

/// Rows to learn from or to judge on: features (rows, width) in the parameters' element type, labels (rows) u32.
#[derive(Clone, Debug)]
pub struct Rows {
    /// (rows, width).
    pub features: Tensor,
    /// (rows), class indices.
    pub labels: Tensor,
}

impl Rows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.elem_count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What happened in one epoch. Training figures are means over the epoch's steps, before each step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Mean cross-entropy on the training rows.
    pub train_loss: f64,
    /// Share of training rows classified rightly.
    pub train_accuracy: f64,
    /// Mean cross-entropy on the validation rows, after the epoch.
    pub validation_loss: f64,
    /// Share of validation rows classified rightly, after the epoch.
    pub validation_accuracy: f64,
}

/// Who watches a training: told of every step, asked whether to stop.
pub trait Watch: Sync {
    /// `rows` more training rows were learned from.
    fn learned(&self, rows: usize);
    /// Whether the user wants to stop.
    fn stopped(&self) -> bool;
    /// An epoch has ended, with the parameters as it left them.
    ///
    /// # Errors
    /// Whatever keeps the watcher from taking note; the training ends with it.
    fn after_epoch(&self, _epoch: &Epoch, _params: &Params) -> Result<(), StudyError> {
        Ok(())
    }
}

/// Nobody watches.
impl Watch for () {
    fn learned(&self, _rows: usize) {}
    fn stopped(&self) -> bool {
        false
    }
}

/// Trains `head`, whose parameters are `params`, moving what `plan` moves. Batches are drawn under `seed`.
///
/// Every epoch ends with a look at the validation rows, for the learning curve only: nothing is chosen by it, and the
/// parameters left behind are those of the last epoch.
///
/// # Errors
/// If the head or its simulator fails, the loss stops being a number, or the watch says stop.
pub fn train(
    head: &dyn Head,
    params: &Params,
    plan: &Plan,
    (training, validation): (&Rows, &Rows),
    recipe: &Recipe,
    seed: u64,
    watch: &dyn Watch,
) -> Result<Vec<Epoch>, StudyError> {
    let mut optimizer = Optimizer::new(recipe.optimizer);
    let mut batches = Stream::named(seed, "batches");
    let mut history = Vec::with_capacity(recipe.epochs);
    for epoch in 0..recipe.epochs {
        let rate = recipe.rate * recipe.schedule.at(epoch);
        let (mut loss_sum, mut right) = (0.0, 0.0);
        let order: Vec<u32> = batches.permutation(training.len()).into_iter().map(|row| row as u32).collect();
        for rows in order.chunks(recipe.batch.max(1)) {
            if watch.stopped() {
                return Err(StudyError::Interrupted);
            }
            let picked = Tensor::new(rows, training.features.device())?;
            let features = training.features.index_select(&picked, 0)?;
            let labels = training.labels.index_select(&picked, 0)?;
            let logits = head.logits(&features)?;
            let loss = cross_entropy(&logits, &labels)?;
            let value = loss.to_dtype(DType::F64)?.to_scalar::<f64>()?;
            if !value.is_finite() {
                return Err(StudyError::Diverged { loss: value, epoch, rate });
            }
            optimizer.step(params, &loss.backward()?, plan, rate)?;
            loss_sum += value * rows.len() as f64;
            right += count_right(&logits, &labels)?;
            watch.learned(rows.len());
        }
        let count = training.len() as f64;
        let (validation_loss, validation_accuracy) = judge(head, validation)?;
        let told =
            Epoch { train_loss: loss_sum / count, train_accuracy: right / count, validation_loss, validation_accuracy };
        watch.after_epoch(&told, params)?;
        history.push(told);
    }
    Ok(history)
}

/// Class probabilities (rows, classes) of a head.
///
/// # Errors
/// If the head or its simulator fails.
pub fn predict(head: &dyn Head, features: &Tensor) -> Result<Array2<f64>, StudyError> {
    let logits = head.logits(features)?.detach();
    let probabilities = candle_nn::ops::softmax(&logits.to_dtype(DType::F64)?, D::Minus1)?;
    let (rows, classes) = probabilities.dims2()?;
    let values = probabilities.flatten_all()?.to_vec1()?;
    Ok(Array2::from_shape_vec((rows, classes), values).expect("a (rows, classes) tensor has rows·classes values"))
}

/// Mean cross-entropy and accuracy.
fn judge(head: &dyn Head, rows: &Rows) -> Result<(f64, f64), StudyError> {
    let logits = head.logits(&rows.features)?;
    let loss = cross_entropy(&logits, &rows.labels)?.to_dtype(DType::F64)?.to_scalar()?;
    Ok((loss, count_right(&logits, &rows.labels)? / rows.len() as f64))
}

fn count_right(logits: &Tensor, labels: &Tensor) -> Result<f64, StudyError> {
    let same = logits.detach().argmax(D::Minus1)?.eq(labels)?;
    Ok(same.to_dtype(DType::F64)?.sum_all()?.to_scalar()?)
}
