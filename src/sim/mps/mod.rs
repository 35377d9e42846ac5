//! The engine that holds a state as a chain of tensors, a matrix product state.
//!
//! A program becomes unitaries, draws of operators, measurements and classical bits (`steps`). They act on the chain
//! (`chain`) once qubits are side by side (`places`); every matrix between two sites is split by singular values, and small
//! ones are dropped (`split`). `program` runs batches, `cost` bounds memory and time before they are spent.

mod chain;
mod cost;
mod places;
mod program;
mod split;
mod steps;

use std::sync::Arc;

use crate::circuit::Observable;
use crate::math::Stream;
use crate::noise::Program;
use crate::sim::cost::{Call, Request};
use crate::sim::derived::all_angles;
use crate::sim::prepared::Prepared;
use crate::sim::{Account, Angles, EngineOptions, Precision, ShotRecords, SimError, Simulator, check};
use chain::Chain;
pub use cost::{ChainOutline, cost, is_exact};
use program::MpsProgram;

const NAME: &str = "mps";

/// What a chain drops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bond {
    /// Largest bond dimension: so many singular values are kept at most, 1 to 4096.
    pub most: usize,
    /// Share of the square of the norm that every split may drop in small singular values, 0 to 1; 0 drops those alone that
    /// are zero up to rounding.
    pub weight: f64,
}

impl Default for Bond {
    /// At most 128 values, of which those that weigh less than 1e-16 together are dropped.
    fn default() -> Self {
        Self { most: 128, weight: 1e-16 }
    }
}

/// Largest bond dimension that may be asked for.
pub const MOST_BOND: usize = 4096;

/// The engine for chains with little entanglement, ideal and noisy, on registers of any width: a matrix product state.
/// Qubits on several sites are brought side by side by swaps. Noise, measurements, resets and conditions run shot by shot.
///
/// [`Prepared::account`] tells what truncation may have changed: an ideal program's states are turned by at most the sum of
/// the angles `arcsin √w` of the dropped weights w, so a value errs by at most twice its norm times the sine of that; values
/// of noisy programs are means of [`EngineOptions::shots`] runs with an interval, and with a bound of their bias, the mean
/// over runs of the sums of `2 √w` (channels do not lengthen trace distances).
///
/// It runs gates on up to five operands under any number of controls. Gradients are by the parameter-shift rule.
///
/// Vidal 2003, arXiv quant-ph/0301063; Schollwöck 2011, arXiv 1008.3477, for canonical forms.
#[derive(Clone, Copy, Debug)]
pub struct Mps {
    /// What is dropped.
    pub bond: Bond,
    /// Runs per row of a program whose states depend on draws.
    pub shots: usize,
    /// Seed of all randomness.
    pub seed: u64,
}

impl Default for Mps {
    fn default() -> Self {
        Self::new(&EngineOptions::default())
    }
}

impl Mps {
    /// With the limits, shots and seed of these options.
    pub fn new(options: &EngineOptions) -> Self {
        Self { bond: options.bond, shots: options.shots, seed: options.seed }
    }

    fn call(&self, request: Request, rows: usize) -> Call {
        let &Self { bond, shots, seed } = self;
        Call::new(request, &EngineOptions { bond, shots, seed, ..EngineOptions::default() }).rows(rows)
    }

    /// Outcomes of single shots as rows of bits, for registers whose outcomes no list could hold, and an account: its bound
    /// is that of the probability of any set of outcomes, for programs with draws in the mean over shots. `angles` has one
    /// number for each slot.
    ///
    /// # Errors
    /// As [`Simulator::expect`], and if so many shots take too much memory or too long.
    pub fn records(
        &self,
        program: &Program,
        angles: &[f64],
        shots: usize,
        seed: u64,
    ) -> Result<(ShotRecords, Account), SimError> {
        let all = all_angles(program, &Angles::of_weights(angles))?;
        let prepared = MpsProgram::new(*self, program, &[], 0)?;
        check::angles(program.slots, 0, &all.view())?;
        prepared.records(&all.view().row(0), shots, seed)
    }

    /// The final state of each row of `angles`.
    ///
    /// # Errors
    /// If the program has noise, measurements or resets, gates on more operands than it runs, takes another number of angles,
    /// or takes too much memory or too long.
    pub fn states(&self, program: &Program, angles: Angles) -> Result<Vec<MatrixProductState>, SimError> {
        let prepared = MpsProgram::new(*self, program, &[], angles.inputs.ncols())?;
        Ok(prepared.states(&angles)?.into_iter().map(|chain| MatrixProductState { chain }).collect())
    }
}

/// The final state of a program without noise, on any number of qubits.
#[derive(Clone)]
pub struct MatrixProductState {
    chain: Chain,
}

impl MatrixProductState {
    /// `|⟨self|other⟩|²`, 0 to 1 up to rounding.
    ///
    /// # Panics
    /// If they have different numbers of qubits.
    pub fn fidelity(&self, other: &Self) -> f64 {
        self.chain.overlap(&other.chain).norm_sqr()
    }

    /// Purity `tr ρ²` of each qubit, 1/2 to 1.
    pub fn purities(&mut self) -> Vec<f64> {
        self.chain.purities()
    }

    /// The angle, radians, by which dropped singular values can have turned it at most; 0 if none was dropped.
    pub fn error_angle(&self) -> f64 {
        self.chain.losses.angle
    }
}

impl Simulator for Mps {
    fn name(&self) -> String {
        let Bond { most, weight } = self.bond;
        format!(
            "mps, bonds up to {most}, dropped weight {weight:e}, {} shots under noise, double precision",
            self.shots
        )
    }

    fn precision(&self) -> Precision {
        Precision::Double
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
        Ok(Arc::new(MpsProgram::new(*self, program, observables, input_slots)?))
    }
}
