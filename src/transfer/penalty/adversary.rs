//! Domain-adversarial training (Ganin et al. 2016, arXiv:1505.07818).

use candle_core::Tensor;

use crate::nn::layer::{Linear, reverse_gradient};
use crate::nn::loss::{cross_entropy, mean};
use crate::nn::{Mode, NnError, Params};
use crate::transfer::penalty::ramp;
use crate::transfer::{Batch, FitContext, Transfer};

/// A small network learns to classify domains by their features. The features receive its gradient with reversed sign,
/// times `weight` and a [`ramp`]. Its parameters are `adversary.hidden.*` and `adversary.answer.*`.
#[derive(Clone, Debug)]
pub struct Adversary {
    /// Number of domains.
    pub domains: usize,
    /// Width of its hidden layer.
    pub hidden: usize,
    /// Factor on the reversed gradient.
    pub weight: f64,
    /// Whether the factor rises with the training.
    pub ramped: bool,
    layers: Option<[Linear; 2]>,
}

impl Default for Adversary {
    fn default() -> Self {
        Self::telling(2)
    }
}

impl Adversary {
    /// A ramped adversary with 32 hidden units for so many domains.
    pub fn telling(domains: usize) -> Self {
        Self { domains, hidden: 32, weight: 1.0, ramped: true, layers: None }
    }
}

impl Transfer for Adversary {
    fn prepare(&mut self, context: &FitContext, params: &mut Params) -> Result<(), NnError> {
        let examples = context.training.rows(&[0], Mode::Eval)?;
        let output = context.model.build(params)?.forward(&examples.inputs, Mode::Eval)?;
        let width = output.features.flatten_from(1)?.dim(1)?;
        self.layers = Some([
            Linear::new(params, "adversary.hidden", (width, self.hidden), true)?,
            Linear::new(params, "adversary.answer", (self.hidden, self.domains), true)?,
        ]);
        Ok(())
    }

    fn penalty(&self, _params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let Some([hidden, answer]) = &self.layers else { return Ok(None) };
        let domains = batch.examples.domains()?;
        if let Some(domain) = domains.iter().find(|domain| **domain as usize >= self.domains) {
            let reason = "the adversary was made for fewer domains";
            return Err(NnError::Setting { field: "domains", value: domain.to_string(), reason });
        }
        let strength = if self.ramped { self.weight * ramp(batch.progress) } else { self.weight };
        let features = reverse_gradient(&batch.output.features.flatten_from(1)?, strength)?;
        let answers = answer.forward(&hidden.forward(&features)?.relu()?)?;
        let truth = Tensor::new(domains, answers.device())?;
        Ok(Some(mean(&cross_entropy(&answers, &truth)?, None)?))
    }
}
