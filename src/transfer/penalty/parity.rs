//! Demographic parity as a penalty.

use candle_core::{D, Tensor};

use crate::nn::{NnError, Params};
use crate::transfer::penalty::{by_domain, rows_of};
use crate::transfer::{Batch, Transfer};

/// The answer says nothing of the group: the sum over classes of the squared difference of two groups' mean probabilities, the
/// mean over all pairs of groups (after Kamishima et al. 2012 and Beutel et al. 2019, arXiv:1901.04562, who penalise other distances
/// of the same means). Groups are domains. A batch with one group adds nothing; batches that hold every group in proportion are made
/// by [`Sampler::Proportional`](crate::data::Sampler::Proportional).
///
/// Demographic parity is about decisions, the penalty about probabilities: its factor is chosen by the decisions.
#[derive(Clone, Copy, Debug)]
pub struct Parity {
    /// Factor on the penalty.
    pub weight: f64,
    /// Whether the means are of the features, such as the expectations of a circuit, and not of the class probabilities.
    pub on_features: bool,
}

impl Default for Parity {
    fn default() -> Self {
        Self { weight: 1.0, on_features: false }
    }
}

impl Transfer for Parity {
    fn penalty(&self, _params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let values = match self.on_features {
            true => batch.output.features.flatten_from(1)?,
            false => {
                let logits = batch.output.logits.flatten_from(1)?;
                // A single output is a number, not a class.
                if logits.dim(1)? > 1 { candle_nn::ops::softmax(&logits, D::Minus1)? } else { logits }
            }
        };
        let domains = by_domain(batch)?;
        let means = domains.values().map(|rows| Ok(rows_of(&values, rows)?.mean(0)?));
        let means = means.collect::<Result<Vec<Tensor>, NnError>>()?;
        let mut gaps = Vec::new();
        for (k, one) in means.iter().enumerate() {
            for other in &means[k + 1..] {
                gaps.push((one - other)?.sqr()?.sum_all()?);
            }
        }
        match gaps.is_empty() {
            true => Ok(None),
            false => Ok(Some((Tensor::stack(&gaps, 0)?.mean_all()? * self.weight)?)),
        }
    }
}
