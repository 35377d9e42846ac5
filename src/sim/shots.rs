//! Finite numbers of shots: outcomes drawn from exact probabilities, expectation values estimated from them.

use std::sync::Arc;

use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

use crate::circuit::{Gate, Observable, Op, PauliString};
use crate::math::Stream;
use crate::noise::{Program, Step};
use crate::sim::{AngleGradient, Angles, SimError, Simulator};

/// How often each outcome came up in `shots` draws from `probabilities`, which are taken relative to their sum.
pub fn counts(probabilities: ArrayView1<f64>, shots: u64, stream: &mut Stream) -> Vec<u64> {
    let mut total = 0.0;
    let cumulative: Vec<f64> = probabilities
        .iter()
        .map(|p| {
            total += p.max(0.0);
            total
        })
        .collect();
    let mut counts = vec![0; cumulative.len()];
    for _ in 0..shots {
        let draw = stream.uniform() * total;
        let outcome = cumulative.partition_point(|&sum| sum <= draw);
        counts[outcome.min(cumulative.len() - 1)] += 1;
    }
    counts
}

/// An engine that sees what a device shows: every expectation value is estimated from a number of shots, readout error
/// included.
///
/// Pauli strings that can be read in one basis share their shots; each basis gets `shots`. Basis changes are taken as
/// free of noise. The draws of a row are a function of (seed, row, basis).
pub struct Shots {
    inner: Arc<dyn Simulator>,
    shots: u64,
    seed: u64,
}

impl Shots {
    /// `shots` draws per basis from the exact probabilities of `inner`; at least one.
    pub fn new(inner: Arc<dyn Simulator>, shots: u64, seed: u64) -> Self {
        Self { inner, shots: shots.max(1), seed }
    }
}

/// Letters that can be read in one run, and the strings that are.
struct Basis {
    letters: PauliString,
    /// (observable, weight, qubits whose parity is the string's value).
    strings: Vec<(usize, f64, u64)>,
}

impl Basis {
    /// As few bases as a first fit finds.
    fn group(observables: &[Observable]) -> Vec<Self> {
        let mut bases: Vec<Self> = Vec::new();
        for (o, observable) in observables.iter().enumerate() {
            for &(weight, string) in &observable.terms {
                let fits = |basis: &&mut Self| {
                    let both = basis.letters.support() & string.support();
                    (basis.letters.x ^ string.x) & both == 0 && (basis.letters.z ^ string.z) & both == 0
                };
                let entry = (o, weight, string.support());
                match bases.iter_mut().find(fits) {
                    Some(basis) => {
                        basis.letters.x |= string.x;
                        basis.letters.z |= string.z;
                        basis.strings.push(entry);
                    }
                    None => bases.push(Self { letters: string, strings: vec![entry] }),
                }
            }
        }
        bases
    }

    /// The program, then the change of basis, then a measurement of every qubit into its own bit.
    fn measured(&self, program: &Program) -> Program {
        let mut measured = program.clone();
        measured.bits = program.qubits();
        for qubit in 0..program.qubits() {
            let turns: &[Gate] = match self.letters.letter(qubit) {
                'X' => &[Gate::H],
                'Y' => &[Gate::Sdg, Gate::H],
                _ => &[],
            };
            measured.steps.extend(turns.iter().map(|&gate| Step::Gate(Op::gate(gate, &[qubit], &[]))));
        }
        let read = |(qubit, &confusion)| Step::Measure { qubit, bit: qubit, confusion, condition: None };
        measured.steps.extend(program.readout.iter().enumerate().map(read));
        measured
    }
}

impl Simulator for Shots {
    fn name(&self) -> String {
        format!("{}, {} shots", self.inner.name(), self.shots)
    }

    fn chosen(&self, program: &Program) -> String {
        format!("{}, {} shots", self.inner.chosen(program), self.shots)
    }

    fn expect(&self, program: &Program, angles: Angles, observables: &[Observable]) -> Result<Array2<f64>, SimError> {
        if program.steps.iter().any(|step| matches!(step, Step::Measure { .. })) {
            let step = "a program that measures by itself".to_string();
            return Err(SimError::Unsupported { engine: "shots", step, instead: "draw counts from its probabilities" });
        }
        super::check::observables(program, observables)?;
        let mut out = Array2::zeros((angles.batch(), observables.len()));
        for (number, basis) in Basis::group(observables).iter().enumerate() {
            let probabilities = self.inner.probabilities(&basis.measured(program), angles)?;
            let rows: Vec<Vec<u64>> = (0..angles.batch())
                .into_par_iter()
                .map(|row| {
                    let mut stream = Stream::named(self.seed, &format!("shots {row} {number}"));
                    counts(probabilities.row(row), self.shots, &mut stream)
                })
                .collect();
            for (row, counts) in rows.iter().enumerate() {
                for &(o, weight, qubits) in &basis.strings {
                    let signed = counts.iter().enumerate().map(|(outcome, &count)| {
                        let odd = (outcome as u64 & qubits).count_ones() % 2 == 1;
                        if odd { -(count as f64) } else { count as f64 }
                    });
                    out[[row, o]] += weight * signed.sum::<f64>() / self.shots as f64;
                }
            }
        }
        Ok(out)
    }

    fn vjp(
        &self,
        _program: &Program,
        _angles: Angles,
        _observables: &[Observable],
        _cotangent: ArrayView2<f64>,
    ) -> Result<AngleGradient, SimError> {
        let step = "reverse mode".to_string();
        Err(SimError::Unsupported { engine: "shots", step, instead: "train on exact expectation values" })
    }

    fn probabilities(&self, program: &Program, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.inner.probabilities(program, angles)
    }
}
