//! The Heisenberg engine: observables pulled back once for a whole batch.
//!
//! Where the encoding comes first and the trained part after it, a program is, row by row, a product state followed by
//! maps that are the same for all rows. Each observable is pulled back through those maps once, as 4ⁿ real numbers in
//! the Pauli basis, noise included. A row then costs one contraction with its n Bloch vectors. The gradient goes the
//! same way: the batch is contracted into one vector per observable, which is carried forward through the shared maps.
//!
//! Programs whose input slots come back after an entangling gate (data re-uploading) run row by row as in
//! [`Density`](crate::sim::Density).

mod cost;
mod heisenberg;
mod plan;
mod product;
mod program;

use std::sync::Arc;

use crate::circuit::Observable;
use crate::noise::Program;
use crate::sim::kernel::vector::Vectors;
use crate::sim::prepared::Prepared;
use crate::sim::{Density, Precision, SimError, Simulator, cones};
pub use cost::cost;
use plan::Plan;
use program::PauliProgram;

const NAME: &str = "pauli";

/// The engine for training: exact expectation values and gradients, ideal or noisy, of programs without mid-circuit
/// measurement, at a cost that hardly depends on the batch. Memory grows with observables times 4ⁿ.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pauli {
    precision: Precision,
}

impl Pauli {
    /// An engine that computes with numbers of this width. Angles and results are f64 in both.
    pub fn new(precision: Precision) -> Self {
        Self { precision }
    }

    fn prepare_in<F: Vectors>(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        let plan = Plan::<F>::new(program, observables, input_slots)?;
        let density = Density::new(self.precision);
        if !plan.splits {
            return density.prepare(program, observables, input_slots);
        }
        Ok(Arc::new(PauliProgram::new(self.name(), plan, density, program.clone())))
    }
}

impl Simulator for Pauli {
    fn name(&self) -> String {
        format!("pauli, {} precision", self.precision)
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        if let Some(on_cones) = cones::of_engine(self, cost, (1, false), program, observables, input_slots)? {
            return Ok(on_cones);
        }
        match self.precision {
            Precision::Double => self.prepare_in::<f64>(program, observables, input_slots),
            Precision::Single => self.prepare_in::<f32>(program, observables, input_slots),
        }
    }
}
