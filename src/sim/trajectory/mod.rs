//! Trajectories: noise as random jumps of pure states, which shots with the same jumps share.
//!
//! * [`operators`]: blocks of gates and noise as Kraus operators of which one is picked;
//! * [`tree`]: shots that run together until they pick differently;
//! * [`loops`], [`norm`]: loops over amplitudes.

mod cost;
mod loops;
mod norm;
mod operators;
mod plan;
mod program;
mod tree;

use std::sync::Arc;

use ndarray::Array2;

use crate::circuit::Observable;
use crate::math::Stream;
use crate::noise::Program;
use crate::sim::cost::{Call, Request};
use crate::sim::prepared::Prepared;
use crate::sim::{Angles, EngineOptions, Precision, SimError, Simulator, cones};
pub use cost::cost;
use program::TrajectoryProgram;

const NAME: &str = "trajectory";

/// The sampling engine, for noisy and dynamic programs too wide for a density matrix: memory grows with 2ⁿ, the error
/// falls with the square root of `shots`. Time grows with the number of different pasts that shots have: under weak noise
/// most have none, so a thousand shots cost far less than a thousand runs.
///
/// Shot s of row b draws from its own random stream, so results do not depend on threads. Expectation values and
/// probabilities are means over the shots' exact ones, with less variance than counting outcomes; [`Prepared::account`] states
/// the 95 % intervals of expectation values. Gradients are by the parameter-shift rule with the same streams in all runs.
#[derive(Clone, Copy, Debug)]
pub struct Trajectory {
    /// Trajectories per row.
    pub shots: usize,
    /// Seed of all randomness.
    pub seed: u64,
    precision: Precision,
}

impl Trajectory {
    /// An engine of `shots` trajectories per row.
    pub fn new(shots: usize, seed: u64) -> Self {
        Self::with_precision(shots, seed, Precision::Double)
    }

    /// The same with amplitudes of this width. Angles and results are f64 in both.
    pub fn with_precision(shots: usize, seed: u64, precision: Precision) -> Self {
        Self { shots, seed, precision }
    }

    /// A call for so many rows.
    fn call(&self, request: Request, rows: usize) -> Call {
        let &Self { shots, seed, precision } = self;
        Call::new(request, &EngineOptions { precision, shots, seed, ..EngineOptions::default() }).rows(rows)
    }

    /// Outcomes of `shots` shots for every row, (batch, 2^k) with columns as in [`Prepared::probabilities`].
    ///
    /// # Errors
    /// As [`Simulator::expect`].
    pub fn counts(&self, program: &Program, angles: Angles) -> Result<Array2<u64>, SimError> {
        self.sample(program, angles, self.shots, self.seed)
    }
}

impl Simulator for Trajectory {
    fn name(&self) -> String {
        format!("trajectory, {} shots, {} precision", self.shots, self.precision)
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn with_substream(&self, number: u64) -> Option<Arc<dyn Simulator>> {
        Some(Arc::new(Self { seed: Stream::numbered(self.seed, number).bits(), ..*self }))
    }

    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        if let Some(on_cones) = cones::of_engine(self, cost, (self.shots, false), program, observables, input_slots)? {
            return Ok(on_cones);
        }
        Ok(match self.precision {
            Precision::Double => Arc::new(TrajectoryProgram::<f64>::new(*self, program, observables, input_slots)?),
            Precision::Single => Arc::new(TrajectoryProgram::<f32>::new(*self, program, observables, input_slots)?),
        })
    }
}
