//! Readout error undone by the inverse of each qubit's confusion matrix.
//!
//! Errors that two qubits share (correlated pairs) are not undone: each qubit is inverted by itself.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use crate::circuit::Observable;
use crate::noise::{Confusion, Program, Step};
use crate::sim::prepared::{Prepared, Recorded};
use crate::sim::readout::{ProgramParts, TerminalMeasurement};
use crate::sim::{Account, AngleGradient, Angles, Precision, SimError, Simulator};

/// An engine whose recorded values are those a perfect readout would have given.
///
/// A recorded letter of qubit q is `a_q σ + b_q`, so `(σ - b_q)/a_q` is measured in its place: exact for exact values,
/// and for shots free of bias, with a variance larger by `1/a_q²` for each letter. The confusions are the program's own,
/// as if they had been calibrated without error.
#[derive(Clone, Debug)]
pub struct ReadoutInversion<S> {
    /// The engine.
    pub inner: S,
}

/// What follows the name of an engine.
const SUFFIX: &str = "with readout inversion";

/// An observable is inverted into at most so many strings for each of its own.
const MOST_STRINGS: usize = 1 << 20;

/// `observable` with `(σ - b)/a` for each letter.
fn inverted(program: &Program, observable: &Observable) -> Result<Observable, SimError> {
    let mut terms = Vec::new();
    for (weight, string) in &observable.terms {
        let mut strings = vec![(*weight, string.clone())];
        for qubit in string.support() {
            let Some((a, b)) = program.readout.get(qubit).copied().flatten().map(Confusion::on_z) else { continue };
            if a.abs() < 1e-9 {
                return Err(SimError::NotInvertible { what: format!("the readout of qubit {qubit}") });
            }
            let constants: Vec<_> =
                strings.iter().filter(|_| b != 0.0).map(|(w, s)| (-w * b / a, s.with(qubit, None))).collect();
            strings.iter_mut().for_each(|(w, _)| *w /= a);
            strings.extend(constants);
            if strings.len() > MOST_STRINGS {
                return Err(SimError::TooMuch {
                    what: "readout inversion",
                    qubits: program.qubits(),
                    needed: "more than 2^20 Pauli strings for one observable",
                    instead: "use observables on fewer qubits, or probabilities",
                });
            }
        }
        terms.extend(strings);
    }
    Ok(Observable { terms })
}

impl<S: Simulator> Simulator for ReadoutInversion<S> {
    fn name(&self) -> String {
        format!("{} {SUFFIX}", self.inner.name())
    }

    fn precision(&self) -> Precision {
        self.inner.precision()
    }

    fn with_substream(&self, number: u64) -> Option<Arc<dyn Simulator>> {
        Some(Arc::new(ReadoutInversion { inner: self.inner.with_substream(number)? }))
    }

    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        let inverted: Vec<Observable> =
            observables.iter().map(|observable| inverted(program, observable)).collect::<Result<_, _>>()?;
        Ok(Arc::new(InvertedProgram {
            inner: self.inner.prepare(program, &inverted, input_slots)?,
            measurements: ProgramParts::of(program).measurements.list,
        }))
    }
}

/// A program with inverted observables.
struct InvertedProgram {
    inner: Arc<dyn Prepared>,
    measurements: Vec<TerminalMeasurement>,
}

impl Prepared for InvertedProgram {
    fn resolved_name(&self, batch: usize) -> String {
        format!("{} {SUFFIX}", self.inner.resolved_name(batch))
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.inner.expect(angles)
    }

    /// That of the engine for the inverted observables.
    fn account(&self, angles: Angles) -> Result<Option<Array2<Account>>, SimError> {
        self.inner.account(angles)
    }

    fn draws(&self, batch: usize) -> bool {
        self.inner.draws(batch)
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        self.inner.vjp(angles, cotangent)
    }

    fn record(&self, angles: Angles, most_bytes: usize) -> Result<Recorded, SimError> {
        self.inner.record(angles, most_bytes)
    }

    /// Sums to 1, but with shots single entries may be negative.
    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let mut p = self.inner.probabilities(angles)?;
        for read in &self.measurements {
            let Some(confusion) = read.confusion else { continue };
            let (up, down) = (confusion.one_given_zero.get(), confusion.zero_given_one.get());
            let a = 1.0 - up - down;
            if a.abs() < 1e-9 {
                return Err(SimError::NotInvertible { what: format!("the readout of qubit {}", read.qubit) });
            }
            for mut row in p.rows_mut() {
                for zero in (0..row.len()).filter(|outcome| outcome >> read.bit & 1 == 0) {
                    let one = zero | 1 << read.bit;
                    let (p0, p1) = (row[zero], row[one]);
                    row[zero] = ((1.0 - down) * p0 - down * p1) / a;
                    row[one] = ((1.0 - up) * p1 - up * p0) / a;
                }
            }
        }
        Ok(p)
    }
}

/// `program` with every qubit measured into the bit of its own number after `rotations`, for engines that return
/// recorded outcomes.
pub(super) fn measured(program: &Program, rotations: impl IntoIterator<Item = Step>) -> Program {
    let mut measured = program.clone();
    (measured.bits, measured.scratch) = (program.qubits(), 0);
    measured.steps.extend(rotations);
    measured.steps.extend(program.readout.iter().enumerate().map(|(qubit, confusion)| Step::Measure {
        qubit,
        bit: qubit,
        confusion: *confusion,
        condition: None,
    }));
    measured
}
