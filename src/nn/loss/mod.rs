//! How wrong a network is, row by row: the loss of a batch is a weighted mean that callers form themselves, so that
//! rows can be weighted, left without a label, or compared by domain.

mod column;
mod contrastive;
mod cosine;
mod ctc;
mod rows;
mod tasks;

use candle_core::{D, DType, Tensor};

pub use column::column_log_likelihood;
pub use contrastive::{Contrastive, clip, multi_positive, siglip};
pub use cosine::{cosine_distance, soft_clip};
pub use ctc::ctc;
pub use rows::{
    absolute, binary_cross_entropy, cross_entropy, distillation, divergence, focal, huber, sigmoid_focal,
    soft_cross_entropy, squares,
};
pub use tasks::{Task, TaskKind, TaskLosses};

use crate::nn::{NnError, Output};

/// What training minimises.
pub trait Objective {
    /// (rows): the loss of each row, differentiable in the outputs.
    ///
    /// # Errors
    /// If outputs and targets do not fit.
    fn losses(&self, output: &Output, targets: &[Tensor]) -> Result<Tensor, NnError>;

    /// (rows): d loss / dw of each row with its logits multiplied by w, at w = 1, differentiable in the logits. Methods
    /// that test whether a classifier is optimal in every domain need it; `None` where it is not written down.
    ///
    /// # Errors
    /// If outputs and targets do not fit.
    fn slopes(&self, _output: &Output, _targets: &[Tensor]) -> Result<Option<Tensor>, NnError> {
        Ok(None)
    }

    /// (rows, outputs): the derivative of the loss of each row by its logits, differentiable in the logits; `None` where it
    /// is not written down.
    ///
    /// # Errors
    /// If outputs and targets do not fit.
    fn residuals(&self, _output: &Output, _targets: &[Tensor]) -> Result<Option<Tensor>, NnError> {
        Ok(None)
    }

    /// (rows) f64: 1 for each row that is classified rightly, 0 for the others; `None` where that is no question.
    ///
    /// # Errors
    /// If outputs and targets do not fit.
    fn right(&self, _output: &Output, _targets: &[Tensor]) -> Result<Option<Tensor>, NnError> {
        Ok(None)
    }
}

/// The usual objectives, on the logits and the first target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// [`cross_entropy`] with classes (rows) u32.
    CrossEntropy,
    /// [`soft_cross_entropy`] with distributions (rows, classes).
    SoftCrossEntropy,
    /// [`focal`] with classes (rows) u32.
    Focal {
        /// How much less the rows count that are right already; 0 is cross-entropy.
        gamma: f64,
    },
    /// [`binary_cross_entropy`] with numbers in 0..=1 of the logits' shape.
    BinaryCrossEntropy,
    /// [`squares`] with numbers of the logits' shape.
    Squares,
    /// [`absolute`] with numbers of the logits' shape.
    Absolute,
    /// [`huber`] with numbers of the logits' shape.
    Huber {
        /// Where squares change to absolute values.
        delta: f64,
    },
}

impl Objective for Loss {
    fn losses(&self, output: &Output, targets: &[Tensor]) -> Result<Tensor, NnError> {
        let (logits, target) = (&output.logits, first(targets)?);
        Ok(match *self {
            Self::CrossEntropy => cross_entropy(logits, target)?,
            Self::SoftCrossEntropy => soft_cross_entropy(logits, target)?,
            Self::Focal { gamma } => focal(logits, target, gamma)?,
            Self::BinaryCrossEntropy => binary_cross_entropy(logits, target)?,
            Self::Squares => squares(logits, target)?,
            Self::Absolute => absolute(logits, target)?,
            Self::Huber { delta } => huber(logits, target, delta)?,
        })
    }

    /// Cross-entropy: Σ_k (p_k - t_k) z_k; squares: the mean of 2 (z - t) z.
    fn slopes(&self, output: &Output, targets: &[Tensor]) -> Result<Option<Tensor>, NnError> {
        let (logits, target) = (&output.logits, first(targets)?);
        Ok(match self {
            Self::CrossEntropy => {
                let own = logits.gather(&target.unsqueeze(1)?, 1)?.squeeze(1)?;
                let expected = (candle_nn::ops::softmax(logits, D::Minus1)? * logits)?.sum(D::Minus1)?;
                Some((expected - own)?)
            }
            Self::SoftCrossEntropy => {
                let gap = (candle_nn::ops::softmax(logits, D::Minus1)? - target)?;
                Some((gap * logits)?.sum(D::Minus1)?)
            }
            Self::Squares => Some(rows::row_means(&(((logits - target)? * logits)? * 2.0)?)?),
            _ => None,
        })
    }

    /// Cross-entropy: p - t; squares: 2 (z - t) over the number of outputs.
    fn residuals(&self, output: &Output, targets: &[Tensor]) -> Result<Option<Tensor>, NnError> {
        let (logits, target) = (&output.logits, first(targets)?);
        Ok(match self {
            Self::CrossEntropy => {
                let (rows, _) = logits.dims2()?;
                let ones = Tensor::ones((rows, 1), logits.dtype(), logits.device())?;
                let truth = logits.zeros_like()?.scatter_add(&target.unsqueeze(1)?, &ones, 1)?;
                Some((candle_nn::ops::softmax(logits, D::Minus1)? - truth.detach())?)
            }
            Self::SoftCrossEntropy => Some((candle_nn::ops::softmax(logits, D::Minus1)? - target)?),
            Self::Squares => {
                let outputs = logits.elem_count() / logits.dim(0)?.max(1);
                Some(((logits - target)? * (2.0 / outputs.max(1) as f64))?)
            }
            _ => None,
        })
    }

    fn right(&self, output: &Output, targets: &[Tensor]) -> Result<Option<Tensor>, NnError> {
        let (logits, target) = (output.logits.detach(), first(targets)?);
        let labels = match self {
            Self::CrossEntropy | Self::Focal { .. } => target.clone(),
            Self::SoftCrossEntropy => target.argmax(D::Minus1)?,
            _ => return Ok(None),
        };
        Ok(Some(logits.argmax(D::Minus1)?.eq(&labels)?.to_dtype(DType::F64)?))
    }
}

/// The mean of `losses` (rows), each counted `weights` (rows) times; 0 where all weights are 0.
///
/// # Errors
/// If the tensor library fails.
pub fn mean(losses: &Tensor, weights: Option<&Tensor>) -> Result<Tensor, NnError> {
    let count = losses.elem_count() as f64;
    let Some(weights) = weights else { return Ok(losses.sum_all()?.affine(1.0 / count, 0.0)?) };
    let weights = weights.to_dtype(losses.dtype())?;
    let total: f64 = weights.to_dtype(DType::F64)?.sum_all()?.to_scalar()?;
    let share = if total > 0.0 { 1.0 / total } else { 0.0 };
    Ok((losses * weights)?.sum_all()?.affine(share, 0.0)?)
}

fn first(targets: &[Tensor]) -> Result<&Tensor, NnError> {
    let reason = "this loss compares with one target tensor";
    targets.first().ok_or(NnError::Setting { field: "targets", value: "none".into(), reason })
}
