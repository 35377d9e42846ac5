//! What can go wrong with a study.

use crate::nn::NnError;

/// A study that cannot run or be written down.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names every field")]
pub enum StudyError {
    /// From networks, circuits, simulators.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// From the tensor library.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// The user asked to stop.
    #[error("interrupted; nothing was written")]
    Interrupted,
    /// A loss that is not a number.
    #[error(
        "the loss became {loss} in epoch {epoch}; lower the learning rate (train.rate = {rate}) or check the features"
    )]
    Diverged { loss: f64, epoch: usize, rate: f64 },
}
