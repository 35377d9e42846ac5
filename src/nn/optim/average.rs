//! The moving average of parameters.

use crate::nn::params::Snapshot;
use crate::nn::{NnError, Params};

/// An exponential moving average over the steps of a training (Polyak & Juditsky 1992; as in Tarvainen & Valpola 2017,
/// arXiv:1703.01780): a ← decay · a + (1 - decay) · values, starting at the values it is made of.
#[derive(Clone, Debug)]
pub struct Average {
    decay: f64,
    /// The average now.
    pub values: Snapshot,
}

impl Average {
    /// An average that starts with these values.
    pub fn new(decay: f64, values: Snapshot) -> Self {
        Self { decay, values }
    }

    /// Takes in the values after one more step.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn step(&mut self, params: &Params) -> Result<(), NnError> {
        for (average, (_, var)) in self.values.0.iter_mut().zip(params.iter()) {
            *average = ((&*average * self.decay)? + (var.as_detached_tensor() * (1.0 - self.decay))?)?;
        }
        Ok(())
    }
}
