//! Distributionally robust optimisation over groups.

use std::cell::RefCell;
use std::collections::BTreeMap;

use candle_core::{DType, Tensor};

use crate::nn::{NnError, Params};
use crate::transfer::penalty::{by_domain, mean_over, risk};
use crate::transfer::{Batch, FitContext, Transfer};

/// The loss Σ_e q_e R_e in place of the mean loss. After every step q_e grows by e^{η R_e}, so that the worst domain counts
/// most (Sagawa et al. 2020, arXiv:1911.08731, algorithm 1). A domain that was not seen yet starts at the mean share of the
/// others. The shares are state of the training, so it does not continue from a checkpoint.
#[derive(Clone, Debug)]
pub struct GroupDro {
    /// η.
    pub step: f64,
    /// q by domain.
    shares: RefCell<BTreeMap<u32, f64>>,
}

impl Default for GroupDro {
    /// η = 0.01, as in DomainBed.
    fn default() -> Self {
        Self::new(0.01)
    }
}

impl GroupDro {
    /// With this η.
    pub fn new(step: f64) -> Self {
        Self { step, shares: RefCell::default() }
    }

    /// The share of each domain, in the order of their numbers.
    pub fn shares(&self) -> Vec<f64> {
        self.shares.borrow().values().copied().collect()
    }
}

impl Transfer for GroupDro {
    fn prepare(&mut self, _context: &FitContext, _params: &mut Params) -> Result<(), NnError> {
        self.shares.borrow_mut().clear();
        Ok(())
    }

    fn penalty(&self, _params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let mut shares = self.shares.borrow_mut();
        let mut risks = Vec::new();
        for (domain, rows) in by_domain(batch)? {
            risks.push((domain, mean_over(batch, batch.losses, &rows)?));
        }
        for (domain, _) in &risks {
            let usual = if shares.is_empty() { 1.0 } else { shares.values().sum::<f64>() / shares.len() as f64 };
            shares.entry(*domain).or_insert(usual);
        }
        for (domain, risk) in &risks {
            let value: f64 = risk.to_dtype(DType::F64)?.to_scalar()?;
            if let Some(share) = shares.get_mut(domain) {
                *share *= (self.step * value).exp();
            }
        }
        let total: f64 = shares.values().sum();
        shares.values_mut().for_each(|share| *share /= total);
        let mut added = risk(batch)?.neg()?;
        for (domain, risk) in risks {
            added = (added + (risk * shares[&domain])?)?;
        }
        Ok(Some(added))
    }

    fn is_resumable(&self) -> bool {
        false
    }
}
