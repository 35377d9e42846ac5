//! The engine for Clifford circuits with Pauli noise, on registers of any width.
//!
//! A program with its angles put in becomes Clifford operations as tables of Pauli strings (`clifford`), Pauli noise,
//! measurements, resets and conditions (`steps`). Values and probabilities are products of letters and bits pulled back to
//! the start, noise included, without error (`pulled`). Shots are differences from one run on a tableau (`tableau`,
//! its last measurements: `terminal`; `frames`), as rows of bits (`records`).

mod clifford;
mod cost;
mod frames;
mod program;
mod pulled;
mod records;
mod steps;
mod tableau;
mod terminal;

use std::sync::Arc;

use crate::circuit::Observable;
use crate::noise::Program;
use crate::sim::derived::all_angles;
use crate::sim::prepared::Prepared;
use crate::sim::{Angles, Precision, SimError, Simulator, check};
pub use cost::cost;
use program::StabilizerProgram;
pub use records::ShotRecords;
pub use steps::Sampling;

const NAME: &str = "stabilizer";

/// The engine for programs of Clifford operations, Pauli noise, measurements, resets and conditions, exact: thousands of
/// qubits, millions of shots. A gate on at most five operands is a Clifford gate if it takes Pauli strings to Pauli strings at
/// its angles (to 1e-12); noise is Pauli if its transfer matrix is diagonal. Everything else is refused by name; noise of
/// other kinds can be twirled first ([`all_twirled`](crate::sim::mitigate::all_twirled)).
///
/// Expectation values and probabilities include the noise without sampling error. Steps that depend on m classical bits cost
/// up to 2^m terms; past 2^18 they are refused. Shots ([`Simulator::sample`], [`Stabilizer::records`]) have no such limit.
/// Gradients are by the parameter-shift rule, where it stays among Clifford operations.
///
/// Tableaux: Aaronson and Gottesman 2004, arXiv quant-ph/0406196; frames of many shots: Gidney 2021, arXiv 2103.02202.
///
/// ```
/// use qgraft::circuit::{Circuit, Gate};
/// use qgraft::noise::Program;
/// use qgraft::sim::Stabilizer;
/// let mut circuit = Circuit::new(500);
/// circuit.push(Gate::H, &[0], &[])?;
/// for qubit in 1..500 {
///     circuit.push(Gate::Cx, &[qubit - 1, qubit], &[])?;
/// }
/// let shots = Stabilizer.records(&Program::ideal(&circuit, &[]), &[], 1000, 7)?;
/// assert!((0..1000).all(|shot| shots.bit(shot, 0) == shots.bit(shot, 499)));
/// assert_eq!(shots.counts().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Stabilizer;

impl Stabilizer {
    /// Outcomes of single shots as rows of bits, for registers whose outcomes no list could hold. `angles` has one number
    /// for each slot.
    ///
    /// # Errors
    /// As [`Simulator::expect`], and if so many shots take too much memory or too long.
    pub fn records(&self, program: &Program, angles: &[f64], shots: usize, seed: u64) -> Result<ShotRecords, SimError> {
        program::records(program, &Self::angles(program, angles)?, shots, seed)
    }

    /// Mean signs `⟨(-1)^(sum of recorded bits)⟩` of sets of bits of an outcome, exact with all noise and misreadings: the
    /// rate of a detector of an error-correcting code is `(1 - mean) / 2`. A bit that is listed twice counts twice.
    ///
    /// # Errors
    /// As [`Simulator::expect`], and if a set names a bit that outcomes do not have.
    pub fn parities(&self, program: &Program, angles: &[f64], sets: &[Vec<usize>]) -> Result<Vec<f64>, SimError> {
        let all = Self::angles(program, angles)?;
        StabilizerProgram::new(program, &[], 0)?.parities(&all, sets)
    }

    /// The angles of all slots.
    fn angles(program: &Program, angles: &[f64]) -> Result<Vec<f64>, SimError> {
        let all = all_angles(program, &Angles::of_weights(angles))?;
        check::angles(program.slots, 0, &all.view())?;
        Ok(all.view().row(0))
    }
}

impl Simulator for Stabilizer {
    fn name(&self) -> String {
        format!("{NAME}, double precision")
    }

    fn precision(&self) -> Precision {
        Precision::Double
    }

    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        Ok(Arc::new(StabilizerProgram::new(program, observables, input_slots)?))
    }
}
