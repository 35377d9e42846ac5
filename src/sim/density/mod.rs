//! Density matrices, exact for every program: noise, measurement, reset, conditions.
//!
//! ρ is kept as the 4ⁿ real numbers `tr(P ρ)`, in which gates and channels are real matrices and noise is sparse. Mid-circuit
//! measurements split it into one unnormalised ρ per value of the classical register, so the result is exact.

mod cost;
mod plan;
mod program;

use std::sync::Arc;

use crate::circuit::Observable;
use crate::noise::Program;
use crate::sim::cost::{Request, WantedBits};
use crate::sim::derived::all_angles;
use crate::sim::prepared::Prepared;
use crate::sim::{Angles, Precision, SimError, Simulator, check, cones};
pub use cost::{cost, plan_bytes};
use plan::Plan;
use program::DensityProgram;

const NAME: &str = "density";

/// The exact engine for noisy and dynamic programs: time and memory grow with 4ⁿ.
///
/// Gradients are reverse mode through gates and channels alike: they cost about three forward runs, whatever the number
/// of angles and observables.
#[derive(Clone, Copy, Debug, Default)]
pub struct Density {
    precision: Precision,
}

impl Density {
    /// An engine that computes with numbers of this width. Angles and results are f64 in both.
    pub fn new(precision: Precision) -> Self {
        Self { precision }
    }

    /// The final state of the first row before terminal measurements, `tr(P ρ)`, summed over classical bits, in double
    /// precision.
    pub(super) fn vector(&self, program: &Program, angles: Angles) -> Result<Vec<f64>, SimError> {
        let all = all_angles(program, &angles)?;
        let angles = all.view();
        let plan = Plan::<f64>::of_states(program, angles.inputs.ncols())?;
        check::angles(plan.slots, plan.input_slots, &angles)?;
        plan.workload.check(NAME, &plan.call(Request::States, 1))?;
        let mut sum = Vec::new();
        plan.run(&plan.bind(&angles), &angles, 0..1, WantedBits::Nothing, |_, v| match sum.is_empty() {
            true => sum = v,
            false => sum.iter_mut().zip(v).for_each(|(sum, x)| *sum += x),
        });
        Ok(sum)
    }
}

impl Simulator for Density {
    fn name(&self) -> String {
        format!("density, {} precision", self.precision)
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
        Ok(match self.precision {
            Precision::Double => {
                Arc::new(DensityProgram::<f64>::new(self.name(), Plan::new(program, observables, input_slots)?))
            }
            Precision::Single => {
                Arc::new(DensityProgram::<f32>::new(self.name(), Plan::new(program, observables, input_slots)?))
            }
        })
    }
}
