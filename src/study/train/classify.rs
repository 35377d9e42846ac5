//! The training loop for heads on cached features.

use candle_core::{D, DType, Tensor};
use ndarray::Array2;

use crate::nn::loss::Loss;
use crate::nn::model::first;
use crate::nn::{Examples, Head, Mode, Model, Network, NnError, Output, Params};
use crate::study::train::{Fitted, HeldOutEvaluator, TrainConfig, TrainingLoop};
use crate::study::{Observer, StudyError};
use crate::transfer::Transfer;

/// Rows for training or evaluation: features (rows, width) in the parameters' element type, labels (rows) u32.
#[derive(Clone, Debug)]
pub struct Rows {
    /// (rows, width).
    pub features: Tensor,
    /// (rows), class indices.
    pub labels: Tensor,
    /// (rows), what each row counts in the loss; `None` counts all alike.
    pub weights: Option<Tensor>,
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
        let examples = Examples::new(self.features.clone(), self.labels.clone());
        Examples { weights: self.weights.clone(), ..examples }
    }
}

/// Trains `head`, whose parameters are `params`, by `transfer`, which may be learning rates alone. Batches are drawn under
/// `seed`.
///
/// Every epoch ends with an evaluation on the validation rows: mean cross-entropy in nats, and accuracy as the metric.
///
/// # Errors
/// If the head or its simulator fails, the loss stops being a number, or the observer stops it.
pub fn train(
    head: &dyn Head,
    params: &Params,
    transfer: &mut dyn Transfer,
    (training, validation): (&Rows, &Rows),
    config: &TrainConfig,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Fitted, StudyError> {
    let model = Built(head);
    let (training, validation) = (training.examples(), validation.examples());
    let loss = Loss::CrossEntropy;
    let training_loop = TrainingLoop {
        evaluator: &HeldOutEvaluator { source: &validation, objective: &loss, batch: usize::MAX },
        observer,
        ..TrainingLoop::new(&model, &training, &loss, config, seed)
    };
    // A clone shares the variables, so what is trained are the caller's parameters.
    training_loop.fit(&mut params.clone(), transfer)
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
