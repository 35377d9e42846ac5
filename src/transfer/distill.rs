//! Staying near a teacher.

use candle_core::Tensor;

use crate::nn::loss::{distillation, mean};
use crate::nn::{Mode, NnError, Params};
use crate::transfer::{Batch, FitContext, Transfer};

/// Adds `weight` · T² KL(teacher ‖ network) of outputs softened by T, averaged over all rows of the batch, labelled or
/// not.
#[derive(Clone, Debug)]
pub struct Distill {
    /// (rows, classes): the teacher's scores for the training rows; without them those of the network at its start.
    pub teacher: Option<Tensor>,
    /// (rows, classes): the scores of the network at the start of this training, where there is no teacher.
    pub start: Option<Tensor>,
    /// T.
    pub temperature: f64,
    /// Factor on the penalty.
    pub weight: f64,
}

impl Default for Distill {
    fn default() -> Self {
        Self { teacher: None, start: None, temperature: 2.0, weight: 1.0 }
    }
}

impl Transfer for Distill {
    fn prepare(&mut self, context: &FitContext, params: &mut Params) -> Result<(), NnError> {
        if self.teacher.is_some() {
            return Ok(());
        }
        let network = context.model.build(params)?;
        let all: Vec<u32> = (0..context.training.len() as u32).collect();
        let mut scores = Vec::new();
        for rows in all.chunks(context.batch.max(1)) {
            let examples = context.training.rows(rows, Mode::Eval)?;
            scores.push(network.forward(&examples.inputs, Mode::Eval)?.logits.detach());
        }
        self.start = Some(Tensor::cat(&scores, 0)?);
        Ok(())
    }

    fn penalty(&self, _params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let Some(teacher) = self.teacher.as_ref().or(self.start.as_ref()) else { return Ok(None) };
        let teacher = teacher.index_select(&Tensor::new(batch.rows, teacher.device())?, 0)?;
        let losses = distillation(&batch.output.logits, &teacher, self.temperature)?;
        Ok(Some((mean(&losses, None)? * self.weight)?))
    }
}
