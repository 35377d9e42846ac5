//! Variances of gradients that agree between domains.

use std::cell::RefCell;
use std::collections::BTreeMap;

use candle_core::Tensor;

use crate::nn::{NnError, Params};
use crate::transfer::penalty::{by_domain, rows_of, weights_of};
use crate::transfer::{Batch, FitContext, Transfer};

/// Fishr: the mean over domains of |v_e - mean v|² / size, v_e the variance over the rows of domain e of the gradient of
/// their loss by a linear read-out of the features (Rame, Dancette & Cord 2022, arXiv:2109.02934, eq. 4, as DomainBed
/// computes it). The gradient of a row is its residual times its features, so that no second derivative is taken. Variances
/// are averaged over steps and divided by 1 - decay, so that their slope does not depend on the decay.
#[derive(Clone, Debug)]
pub struct Fishr {
    /// Factor on the penalty.
    pub weight: f64,
    /// Share of the training after which the penalty begins.
    pub from: f64,
    /// Decay of the average over steps, in 0..1; 0 is no average. An average is state of the training, which then does not
    /// continue from a checkpoint.
    pub decay: f64,
    averages: RefCell<BTreeMap<u32, Tensor>>,
}

impl Default for Fishr {
    /// Weight 1, no average: for batches that hold most of a domain. DomainBed has 0.95 for 32 rows of each.
    fn default() -> Self {
        Self::averaged(0.0)
    }
}

impl Fishr {
    /// With an average over steps of this decay.
    pub fn averaged(decay: f64) -> Self {
        Self { weight: 1.0, from: 0.0, decay, averages: RefCell::default() }
    }
}

impl Transfer for Fishr {
    fn prepare(&mut self, _context: &FitContext, _params: &mut Params) -> Result<(), NnError> {
        self.averages.borrow_mut().clear();
        Ok(())
    }

    fn penalty(&self, _params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let reason = "fishr needs a loss whose slope is known: cross-entropy or squares";
        let unknown = NnError::Setting { field: "objective", value: "no residual".into(), reason };
        let residuals = batch.objective.residuals(batch.output, &batch.examples.targets)?.ok_or(unknown)?;
        let (residuals, features) = (residuals.flatten_from(1)?, batch.output.features.flatten_from(1)?);
        // A constant feature stands for the bias.
        let ones = Tensor::ones((features.dim(0)?, 1), features.dtype(), features.device())?;
        let features = Tensor::cat(&[&features, &ones], 1)?;
        let weights = weights_of(batch)?;
        let mut variances = Vec::new();
        let mut averages = self.averages.borrow_mut();
        for (domain, mut rows) in by_domain(batch)? {
            if let Some(weights) = &weights {
                rows.retain(|row| weights[*row as usize] > 0.0);
            }
            if rows.is_empty() {
                continue;
            }
            let count = rows.len() as f64;
            let (residual, feature) = (rows_of(&residuals, &rows)?, rows_of(&features, &rows)?);
            let squares = (residual.sqr()?.t()?.matmul(&feature.sqr()?)? / count)?;
            let means = (residual.t()?.matmul(&feature)? / count)?;
            let mut variance = (squares - means.sqr()?)?.flatten_all()?;
            if self.decay > 0.0 {
                let own = (variance.detach() * (1.0 - self.decay))?;
                let before = averages.get(&domain).cloned();
                let average = match &before {
                    Some(before) => (own + (before * self.decay)?)?,
                    None => own,
                };
                averages.insert(domain, average);
                if let Some(before) = before {
                    variance = (variance + (before * (self.decay / (1.0 - self.decay)))?)?;
                }
            }
            variances.push(variance);
        }
        if variances.is_empty() || batch.progress < self.from {
            return Ok(None);
        }
        let variances = Tensor::stack(&variances, 0)?;
        let distance = variances.broadcast_sub(&variances.mean_keepdim(0)?)?.sqr()?.mean_all()?;
        Ok(Some((distance * self.weight)?))
    }

    fn is_resumable(&self) -> bool {
        self.decay == 0.0
    }
}
