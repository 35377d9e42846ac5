//! Staying near the start.

use std::collections::HashMap;

use candle_core::Tensor;

use crate::nn::{LayerGroups, NnError, Params};
use crate::transfer::{Batch, FitContext, Transfer};

/// L2-SP: α/2 Σ|w - w₀|² over the trunk, w₀ its start, and β/2 Σ|v|² over the rest (Li et al. 2018, arXiv:1802.01483).
#[derive(Clone, Debug)]
pub struct Anchor {
    groups: LayerGroups,
    /// α.
    pub trunk: f64,
    /// β.
    pub head: f64,
    start: HashMap<String, Tensor>,
}

impl Anchor {
    /// α = 0.1 and β = 0.01.
    pub fn new(groups: &LayerGroups) -> Self {
        Self { groups: groups.clone(), trunk: 0.1, head: 0.01, start: HashMap::new() }
    }
}

impl Transfer for Anchor {
    fn prepare(&mut self, _scene: &FitContext, params: &mut Params) -> Result<(), NnError> {
        for name in self.groups.trunk() {
            if let Some(var) = params.find(name) {
                self.start.insert(name.into(), var.as_detached_tensor().copy()?);
            }
        }
        Ok(())
    }

    fn penalty(&self, params: &Params, _batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let mut sum: Option<Tensor> = None;
        for (name, var) in params.trainable().filter(|(name, _)| params.is_trainable(name)) {
            let term = match self.start.get(name) {
                Some(start) => ((var.as_tensor() - start)?.sqr()?.sum_all()? * (0.5 * self.trunk))?,
                None => (var.as_tensor().sqr()?.sum_all()? * (0.5 * self.head))?,
            };
            sum = Some(match sum {
                Some(sum) => (sum + term)?,
                None => term,
            });
        }
        Ok(sum)
    }
}
