//! State vectors, exact for unitary programs, batched: rows are lanes of the vector unit.
//!
//! Gradients are adjoint (Jones and Gacon 2020, arXiv 2009.02823): one backward sweep un-applies the gates from the state
//! and from `Σ_o c_o O_o|ψ⟩`, so the cost does not grow with the number of angles or observables.

mod adjoint;
mod cost;
mod fuse;
mod gate_kernel;
mod gates;
mod in_register;
mod pair;
mod phases;
mod plan;
mod program;
mod real_gate;
mod runner;
mod sharded;
mod shuffle;
mod sweep;
mod tile_pass;
mod tiles;

pub use cost::cost;
pub use runner::StatevectorRunner;
pub use sharded::Sharded;

use std::sync::Arc;

use ndarray::Array2;

use crate::circuit::Observable;
use crate::math::C64;
use crate::noise::Program;
use crate::sim::cost::Request;
use crate::sim::derived::all_angles;
use crate::sim::prepared::Prepared;
use crate::sim::{Angles, Precision, SimError, Simulator, cones};
use plan::Plan;
use program::StatevectorProgram;

const NAME: &str = "statevector";

/// The exact engine for programs without noise, conditions, resets and mid-circuit measurements: time and memory grow
/// with 2ⁿ.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statevector {
    precision: Precision,
}

impl Statevector {
    /// An engine that computes with numbers of this width. Angles and results are f64 in both.
    pub fn new(precision: Precision) -> Self {
        Self { precision }
    }

    /// A program planned once, with its amplitudes allocated, for many runs of a single row.
    ///
    /// # Errors
    /// If the program is too large, or has a step this engine does not have.
    pub fn runner(&self, program: &Program) -> Result<StatevectorRunner, SimError> {
        StatevectorRunner::new(self, program)
    }

    /// The final state of every row before terminal measurements, amplitude k of qubits `Σ bit_q 2^q`, (batch, 2ⁿ).
    ///
    /// # Errors
    /// As [`Simulator::expect`].
    pub fn states(&self, program: &Program, angles: Angles) -> Result<Array2<C64>, SimError> {
        let all = all_angles(program, &angles)?;
        let angles = all.view();
        let plan = self.plan(program, &[], angles.inputs.ncols(), Request::States)?;
        match self.precision {
            Precision::Double => StatevectorProgram::<f64>::new(self.name(), plan).states(angles),
            Precision::Single => StatevectorProgram::<f32>::new(self.name(), plan).states(angles),
        }
    }

    /// The plan of a program of which `request` for one row fits into memory.
    fn plan(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
        request: Request,
    ) -> Result<Plan, SimError> {
        Plan::new(program, observables, input_slots, self.precision, request)
    }
}

impl Simulator for Statevector {
    fn name(&self) -> String {
        format!("statevector, {} precision", self.precision)
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
        if let Some(on_cones) = cones::of_engine(self, cost, (1, true), program, observables, input_slots)? {
            return Ok(on_cones);
        }
        let request = if observables.is_empty() { Request::Probabilities } else { Request::Values };
        let plan = self.plan(program, observables, input_slots, request)?;
        Ok(match self.precision {
            Precision::Double => Arc::new(StatevectorProgram::<f64>::new(self.name(), plan)),
            Precision::Single => Arc::new(StatevectorProgram::<f32>::new(self.name(), plan)),
        })
    }
}
