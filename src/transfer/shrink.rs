//! Shrinking a trunk towards zero and adding noise (Ash & Adams 2020, arXiv:1910.08475).

use candle_core::{DType, Tensor};

use crate::math::Stream;
use crate::nn::init::Init;
use crate::nn::{LayerGroups, LearningRates, NnError, Params};
use crate::transfer::schedule::only;
use crate::transfer::{FitContext, Transfer};

/// w ← `keep` · w + `noise` · w₀ for each matrix and kernel of the trunk, once, with w₀ drawn from what the parameter
/// started from.
#[derive(Clone, Debug)]
pub struct ShrinkPerturb {
    /// The layers; the last is the head.
    pub groups: LayerGroups,
    /// What is kept of a weight, in 0..=1.
    pub keep: f64,
    /// What is added of a fresh one, in 0..=1.
    pub noise: f64,
    /// Epochs in which the head alone learns first.
    pub head_first: usize,
}

impl ShrinkPerturb {
    /// One epoch of the head, then half of each weight and a tenth of a fresh one.
    pub fn new(groups: &LayerGroups) -> Self {
        Self { groups: groups.clone(), keep: 0.5, noise: 0.1, head_first: 1 }
    }
}

impl Transfer for ShrinkPerturb {
    fn before_epoch(&mut self, context: &FitContext, params: &mut Params, epoch: usize) -> Result<(), NnError> {
        if epoch != self.head_first {
            return Ok(());
        }
        for name in self.groups.trunk() {
            let Some(var) = params.find(name).filter(|var| var.rank() > 1 && params.is_trainable(name)) else {
                continue;
            };
            let values: Vec<f64> = var.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
            let init = params.init(name).unwrap_or(Init::Constant(0.0));
            let fresh = init.draw(&mut Stream::named(context.seed, &format!("perturb {name}")), values.len());
            let moved: Vec<f64> =
                values.iter().zip(fresh).map(|(w, fresh)| self.keep * w + self.noise * fresh).collect();
            var.set(&Tensor::from_vec(moved, var.shape(), var.device())?.to_dtype(var.dtype())?)?;
        }
        Ok(())
    }

    fn learning_rates(&self, _params: &Params, epoch: usize) -> LearningRates {
        only(&self.groups, |group| epoch >= self.head_first || group + 1 == self.groups.len())
    }
}
