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

    /// Takes in the values after one more step. What never changes stays the same to the bit.
    ///
    /// # Errors
    /// If the average is of other parameters.
    pub fn step(&mut self, params: &Params) -> Result<(), NnError> {
        for (name, average) in &mut self.values.0 {
            let now = params.known(name)?.as_detached_tensor();
            // Not decay · a + (1 - decay) · now: of two equal numbers that is another, by rounding.
            *average = (&*average + ((now - &*average)? * (1.0 - self.decay))?)?;
        }
        Ok(())
    }
}
