//! The loop as heads on cached features use it: classes, one plan, nothing chosen by the validation rows.

use candle_core::{D, DType, Tensor};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::nn::loss::Loss;
use crate::nn::model::first;
use crate::nn::optim::{Method, Schedule, StepSchedule};
use crate::nn::{Examples, Head, Mode, Model, Network, NnError, Output, Params, Plan};
use crate::study::StudyError;
use crate::study::train::{Fit, HeldOut, Regime, Watch};

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

    fn examples(&self) -> Examples {
        Examples::new(self.features.clone(), self.labels.clone())
    }
}

impl From<Recipe> for Regime {
    fn from(recipe: Recipe) -> Self {
        let Recipe { epochs, batch, rate, schedule, optimizer } = recipe;
        Self { schedule: Schedule::Step(schedule), ..Self::new(epochs, batch, rate, optimizer) }
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
    let model = Built(head);
    let (training, validation) = (training.examples(), validation.examples());
    let loss = Loss::CrossEntropy;
    let fit = Fit {
        judge: &HeldOut { source: &validation, objective: &loss, batch: usize::MAX },
        watch,
        ..Fit::new(&model, &training, &loss, &Regime::from(*recipe), seed)
    };
    // A clone shares the variables, so what is trained are the caller's parameters.
    let history = fit.run(&mut params.clone(), &mut plan.clone())?;
    let right = |share: Option<f64>| share.unwrap_or(f64::NAN);
    Ok(history
        .into_iter()
        .map(|record| Epoch {
            train_loss: record.loss,
            train_accuracy: right(record.right),
            validation_loss: record.judged.loss,
            validation_accuracy: record.judged.metric,
        })
        .collect())
}

/// A head that was built before.
struct Built<'a>(&'a dyn Head);

impl Model for Built<'_> {
    fn build<'a>(&'a self, _params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        Ok(Box::new(Built(self.0)))
    }
}

impl Network for Built<'_> {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let features = first(inputs)?;
        Ok(Output::new(features.clone(), self.0.logits(features)?))
    }
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
