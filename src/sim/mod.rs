//! Simulators: programs in, expectation values, probabilities and gradients out, batched over rows of angles.
//!
//! * [`Angles`]: input slots differ by row, weight slots are shared by the batch.
//! * [`Simulator`]: what every engine can do; [`ENGINES`] lists them, [`engine`] makes one by name.
//! * [`Gradient`]: ways to a gradient other than an engine's own.
//! * [`Shots`], [`sample`]: what a finite number of shots shows.
//! * [`Hessian`], [`fisher`]: second derivatives along a direction, and how fast states move with their angles.
//! * [`state`], [`information`]: final states, and functions of states.
//! * [`mitigate`]: error mitigation around any engine.
//! * [`explain`]: which noise a circuit loses its fidelity to.

mod angles;
mod auto;
mod check;
mod density;
mod engine;
mod error;
pub mod explain;
pub mod fisher;
mod gradient;
mod hessian;
pub mod information;
mod kernel;
mod memo;
pub mod mitigate;
mod pauli;
mod readout;
pub mod sample;
mod stages;
pub mod state;
mod statevector;
mod trajectory;

pub use angles::{AngleGradient, Angles};
pub use auto::Auto;
pub use density::Density;
pub use engine::{ENGINES, EngineOptions, EngineRow, Precision, engine};
pub use error::SimError;
pub use gradient::Gradient;
pub use hessian::Hessian;
pub use pauli::Pauli;
pub use sample::Shots;
pub use statevector::{Prepared, Statevector};
pub use trajectory::Trajectory;

use auto_impl::auto_impl;
use ndarray::{Array2, ArrayView2};

use crate::circuit::Observable;
use crate::noise::Program;

/// An engine. All methods take the program's own qubits, batch over rows, and give the same answer for any number of
/// threads.
///
/// Expectation values include the program's `readout` error: they are those of the recorded bits, `Π (a_q Z_q + b_q)`
/// for each Pauli string after its basis rotation.
#[auto_impl(&, Box, Arc)]
pub trait Simulator: Send + Sync {
    /// Name for reports: engine and precision.
    fn name(&self) -> String;

    /// The name of what runs this program for a batch of `angles` and so many observables: another than
    /// [`Simulator::name`] only where an engine chooses.
    fn resolved_name(&self, _program: &Program, _angles: Angles, _observables: usize) -> String {
        self.name()
    }

    /// The width of the numbers it computes with; angles and results are f64 in any.
    fn precision(&self) -> Precision;

    /// The same engine drawing from another part of its randomness, for callers that combine several runs whose draws
    /// must be independent; `None` for an engine that draws nothing.
    fn with_substream(&self, _number: u64) -> Option<Box<dyn Simulator + '_>> {
        None
    }

    /// Expectation values, (batch, observables).
    ///
    /// # Errors
    /// If angles and program do not fit or hold NaN, an observable reaches past the register, or the program needs
    /// more memory or a step this engine does not have.
    fn expect(&self, program: &Program, angles: Angles, observables: &[Observable]) -> Result<Array2<f64>, SimError>;

    /// The gradient of `Σ cotangent[b][o] · expect[b][o]` with respect to all angles; `cotangent` is
    /// (batch, observables).
    ///
    /// # Errors
    /// As [`Simulator::expect`], and if the program measures, resets or acts under a condition.
    fn vjp(
        &self,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<AngleGradient, SimError>;

    /// [`Simulator::expect`] and [`Simulator::vjp`] together, for engines that can share the forward run.
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
        let values = self.expect(program, angles, observables)?;
        Ok((values, self.vjp(program, angles, observables, cotangent)?))
    }

    /// Outcome probabilities, (batch, 2^k): over the classical bits if the program measures (readout error included,
    /// index `Σ bit_c 2^c`), else over its qubits.
    ///
    /// # Errors
    /// As [`Simulator::expect`].
    fn probabilities(&self, program: &Program, angles: Angles) -> Result<Array2<f64>, SimError>;

    /// Outcomes of `shots` shots for every row, (batch, 2^k) with columns as in [`Simulator::probabilities`].
    ///
    /// # Errors
    /// As [`Simulator::expect`].
    fn sample(&self, program: &Program, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        sample::affordable(shots)?;
        Ok(sample::sample(self.probabilities(program, angles)?.view(), shots, seed))
    }
}
