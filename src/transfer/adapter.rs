//! Low-rank adapters.

use crate::nn::{LayerGroups, LearningRates, NnError, Params};
use crate::transfer::schedule::only;
use crate::transfer::{FitContext, Transfer};

/// The trunk stays. Each of its matrices and kernels W (out, …) gets a trained sum W + α/r B A, B (out, r) and A (r,
/// …).
#[derive(Clone, Debug)]
pub struct LowRank {
    /// The layers; the last is the head.
    pub groups: LayerGroups,
    /// r, at most the smaller side of each matrix.
    pub rank: usize,
    /// α.
    pub alpha: f64,
}

impl LowRank {
    /// Rank 4, α = 4.
    pub fn new(groups: &LayerGroups) -> Self {
        Self { groups: groups.clone(), rank: 4, alpha: 4.0 }
    }
}

impl Transfer for LowRank {
    fn prepare(&mut self, _scene: &FitContext, params: &mut Params) -> Result<(), NnError> {
        for name in self.groups.trunk() {
            let shape = params.find(name).map(|var| var.dims().to_vec()).unwrap_or_default();
            if let [out, rest @ ..] = &shape[..]
                && !rest.is_empty()
            {
                let rank = self.rank.min(*out).min(rest.iter().product()).max(1);
                params.adapt(name, rank, self.alpha / rank as f64)?;
            }
        }
        Ok(())
    }

    fn learning_rates(&self, _params: &Params, _epoch: usize) -> LearningRates {
        only(&self.groups, |group| group + 1 == self.groups.len())
    }
}
