//! How good a network has become.

use candle_core::DType;
use serde::{Deserialize, Serialize};

use crate::nn::loss::{Objective, mean};
use crate::nn::{Mode, Network, Source};
use crate::study::StudyError;

/// What a look at held-out rows gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Mean loss.
    pub loss: f64,
    /// What schedules, early stopping and methods go by; higher is better.
    pub metric: f64,
}

/// Says after every epoch how good the network is.
pub trait Judge {
    /// Loss and metric of the network.
    ///
    /// # Errors
    /// If the network or its simulator fails.
    fn judge(&self, network: &dyn Network) -> Result<Judged, StudyError>;
}

/// Judges on held-out rows: the metric is the share of rows classified rightly or, where that is no question, the loss
/// with its sign turned.
#[derive(Clone, Copy)]
pub struct HeldOut<'a> {
    /// The rows.
    pub source: &'a dyn Source,
    /// How wrong the network is on a row.
    pub objective: &'a dyn Objective,
    /// Rows to compute at once.
    pub batch: usize,
}

impl Judge for HeldOut<'_> {
    fn judge(&self, network: &dyn Network) -> Result<Judged, StudyError> {
        let all: Vec<u32> = (0..self.source.len() as u32).collect();
        let (mut loss, mut right, mut count) = (0.0, Some(0.0), 0.0);
        for rows in all.chunks(self.batch.max(1)) {
            let examples = self.source.rows(rows, Mode::Judge)?;
            let output = network.forward(&examples.inputs, Mode::Judge)?;
            let losses = self.objective.losses(&output, &examples.targets)?.detach();
            let part: f64 = mean(&losses, examples.weights.as_ref())?.to_dtype(DType::F64)?.to_scalar()?;
            let weight = rows.len() as f64;
            count += weight;
            // A running mean: of a single part it is that part's, to the bit.
            loss += (part - loss) * (weight / count);
            right = match (right, self.objective.right(&output, &examples.targets)?) {
                (Some(sum), Some(more)) => Some(sum + more),
                _ => None,
            };
        }
        Ok(Judged { loss, metric: right.map_or(-loss, |right| right / count) })
    }
}
