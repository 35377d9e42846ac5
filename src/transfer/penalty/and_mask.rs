//! Steps along which all domains agree.

use candle_core::{DType, Tensor};

use crate::nn::{NnError, Params};
use crate::transfer::penalty::{by_domain, mean_over, weights_of};
use crate::transfer::{Batch, Transfer};

/// ANDMask: of the gradient of the loss only entries stay whose signs agree over domains, |mean_e sign g_e| >= τ; they are
/// divided by the share of such entries (Parascandolo et al. 2021, arXiv:2009.00329, as DomainBed computes it).
///
/// The method adds a number that is 0 and whose gradient is the masked one less the plain one.
#[derive(Clone, Copy, Debug)]
pub struct AndMask {
    /// τ, in 0..=1; 1 keeps entries on which all domains agree.
    pub threshold: f64,
}

impl Default for AndMask {
    fn default() -> Self {
        Self { threshold: 1.0 }
    }
}

impl Transfer for AndMask {
    fn penalty(&self, params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let weights = weights_of(batch)?;
        let mut gradients = Vec::new();
        for rows in by_domain(batch)?.into_values() {
            let heft =
                rows.iter().map(|&row| weights.as_ref().map_or(1.0, |weights| weights[row as usize])).sum::<f64>();
            if heft > 0.0 {
                gradients.push((heft, mean_over(batch, batch.losses, &rows)?.backward()?));
            }
        }
        let total: f64 = gradients.iter().map(|(heft, _)| heft).sum();
        let mut sum: Option<Tensor> = None;
        for (_, var) in params.trainable().filter(|(name, _)| params.is_trainable(name)) {
            let mut own = Vec::new();
            // The loss is the mean over rows, so that its gradient weighs domains by their rows.
            let mut plain: Option<Tensor> = None;
            for (heft, store) in &gradients {
                let Some(gradient) = store.get(var.as_tensor()) else { continue };
                let part = (gradient * (heft / total))?;
                plain = Some(match plain {
                    Some(plain) => (plain + part)?,
                    None => part,
                });
                own.push(gradient.clone());
            }
            // A parameter that no loss of the batch depends on.
            let Some(plain) = plain else { continue };
            let own = Tensor::stack(&own, 0)?;
            // Means of signs are multiples of 1 / domains; rounding must not lose a 1.
            let agreement = own.sign()?.mean(0)?.abs()?;
            let mask = agreement.ge(self.threshold - 1e-6)?.to_dtype(own.dtype())?;
            let share: f64 = mask.mean_all()?.to_dtype(DType::F64)?.to_scalar()?;
            let masked = ((mask * own.mean(0)?)? * (1.0 / (1e-10 + share)))?;
            let term = ((masked - plain)?.detach() * var.as_tensor())?.sum_all()?;
            sum = Some(match sum {
                Some(sum) => (sum + term)?,
                None => term,
            });
        }
        // Only the gradient matters.
        sum.map(|sum| Ok((&sum - sum.detach())?)).transpose()
    }
}
