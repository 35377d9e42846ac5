//! Simulators: programs in, expectation values, probabilities and gradients out, batched over rows of angles.
//!
//! * [`Angles`]: input slots differ by row, weight slots are shared by the batch.
//! * [`Simulator`]: an engine; [`ENGINES`] lists them, [`engine`] makes one by name. [`Prepared`]: a program planned on
//!   one, to be run many times.
//! * [`cost`]: the memory and the time that a call takes, by which engines are chosen and calls refused.
//! * [`Outcomes`]: derivatives of probabilities.
//! * [`Gradient`]: ways to a gradient other than an engine's own.
//! * [`Shots`], [`sample`]: what a finite number of shots shows.
//! * [`Hessian`], [`fisher`]: second derivatives along a direction, and how fast states change with their angles.
//! * [`state`], [`information`]: final states, and functions of states.
//! * [`mitigate`]: error mitigation around any engine.
//! * [`ranks`]: one calculation on several processes.
//! * [`explain`]: which noise a circuit loses its fidelity to.

mod account;
mod angles;
mod auto;
mod check;
mod compile;
mod condition;
mod cones;
mod congruent;
pub mod cost;
mod density;
mod derived;
mod engine;
mod error;
mod execution;
pub mod explain;
pub mod fisher;
mod gradient;
mod hessian;
pub mod information;
mod kernel;
pub mod mitigate;
mod mps;
mod needed;
mod outcomes;
mod pauli;
mod prepared;
pub mod ranks;
mod readout;
mod run;
pub mod sample;
mod shots;
mod sparse;
mod stabilizer;
mod stages;
pub mod state;
mod statevector;
mod trajectory;

pub use account::Account;
pub use angles::{AngleGradient, Angles};
pub use auto::Auto;
pub use compile::{CompileOptions, Executions, compile};
pub use condition::Condition;
#[cfg(feature = "cli")]
pub(crate) use cones::CONES;
pub use density::Density;
pub use engine::{ENGINES, EngineOptions, EngineRow, Precision, ValueKind, engine};
pub use error::{Error, SimError};
pub use execution::{Execution, ObservedCircuit};
#[cfg(feature = "cli")]
pub(crate) use execution::{with_outcome_bits, with_twirled_noise};
pub use gradient::Gradient;
pub use hessian::Hessian;
#[cfg(feature = "cli")]
pub(crate) use mps::MOST_BOND;
pub use mps::{Bond, MatrixProductState, Mps};
pub use outcomes::Outcomes;
pub use pauli::Pauli;
pub use prepared::{Prepared, Recorded, Tape};
pub use run::{Run, observed_qubits, value_and_grad};
pub use shots::Shots;
pub use sparse::{Cut, Sparse};
pub use stabilizer::{ShotRecords, Stabilizer};
pub use statevector::{Sharded, Statevector, StatevectorRunner};
pub use trajectory::Trajectory;

use std::sync::Arc;

use auto_impl::auto_impl;
use ndarray::{Array2, ArrayView2};

use crate::circuit::Observable;
use crate::noise::Program;

/// An engine: [`Simulator::prepare`] plans a program once, [`Prepared`] runs it many times. The other methods prepare and
/// run in one call. All take the program's own qubits, batch over rows, and give the same result for any number of
/// threads.
///
/// Expectation values include the program's `readout` error: they are those of the recorded bits, `Π (a_q Z_q + b_q)`
/// for each Pauli string after its basis rotation.
#[auto_impl(&, Box, Arc)]
pub trait Simulator: Send + Sync {
    /// Name for reports: engine and precision.
    fn name(&self) -> String;

    /// The width of the numbers it computes with. Angles and results are f64 in any.
    fn precision(&self) -> Precision;

    /// The same engine drawing from another part of its randomness, for callers that combine several runs whose draws
    /// must be independent; `None` for an engine that draws nothing.
    fn with_substream(&self, _number: u64) -> Option<Arc<dyn Simulator>> {
        None
    }

    /// Plans `program` for these observables and for angles of which the first `input_slots` slots differ by row. What is
    /// planned takes the angles of all slots, derived ones too; the other methods take those of the declared slots.
    ///
    /// # Errors
    /// If an observable reaches past the register, or the program needs more memory or a step this engine does not have.
    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError>;

    /// Expectation values, (batch, observables): [`Prepared::expect`].
    ///
    /// # Errors
    /// As [`Simulator::prepare`], and if angles and program do not fit or hold NaN.
    fn expect(&self, program: &Program, angles: Angles, observables: &[Observable]) -> Result<Array2<f64>, SimError> {
        derived::prepare(self, program, observables, angles.inputs.ncols())?.expect(angles)
    }

    /// The gradient of `Σ cotangent[b][o] · expect[b][o]` with respect to all angles; `cotangent` is
    /// (batch, observables): [`Prepared::vjp`].
    ///
    /// # Errors
    /// As [`Simulator::expect`], and if the program measures, resets or acts under a condition.
    fn vjp(
        &self,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<AngleGradient, SimError> {
        check::differentiable(program)?;
        derived::prepare(self, program, observables, angles.inputs.ncols())?.vjp(angles, cotangent)
    }

    /// [`Simulator::expect`] and [`Simulator::vjp`] together: [`Prepared::value_and_gradient`].
    ///
    /// # Errors
    /// As [`Simulator::vjp`].
    fn value_and_gradient(
        &self,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        check::differentiable(program)?;
        derived::prepare(self, program, observables, angles.inputs.ncols())?.value_and_gradient(angles, cotangent)
    }

    /// Outcome probabilities, (batch, 2^k): [`Prepared::probabilities`].
    ///
    /// # Errors
    /// As [`Simulator::expect`].
    fn probabilities(&self, program: &Program, angles: Angles) -> Result<Array2<f64>, SimError> {
        derived::prepare(self, program, &[], angles.inputs.ncols())?.probabilities(angles)
    }

    /// Outcomes of `shots` shots for every row, (batch, 2^k): [`Prepared::sample`].
    ///
    /// # Errors
    /// As [`Simulator::expect`].
    fn sample(&self, program: &Program, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        derived::prepare(self, program, &[], angles.inputs.ncols())?.sample(angles, shots, seed)
    }
}
