//! Twirled readout error extinction.
//!
//! Van den Berg, Minev and Temme 2022 (arXiv 2012.09738): a flip before and after the readout of a random half of the
//! qubits makes the error symmetric, so that a Pauli string is multiplied by one number. The same number is seen on
//! |0…0⟩, where the true value is 1.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use crate::circuit::{Letter, Observable, PauliString};
use crate::math::{Probability, Stream};
use crate::noise::{Confusion, Program};
use crate::sim::mitigate::Average;
use crate::sim::mitigate::weighted::{Terms, WeightedSum, check_terms, substream};
use crate::sim::prepared::{Lazy, Prepared, Recorded};
use crate::sim::{AngleGradient, Angles, Precision, SimError, Simulator, check};

/// What follows the name of an engine.
const SUFFIX: &str = "with twirled readout";

/// An engine whose recorded values are divided by those that |0…0⟩ shows, both under flips. Confusion matrices are never
/// used; the circuit is taken not to depend on the flips, which join its last gates.
#[derive(Clone, Debug)]
pub struct TwirledReadout<S> {
    /// The engine.
    pub inner: S,
    /// Which flips.
    pub average: Average,
}

/// `program` with the readout of the qubits in `mask`, 64 to a word, flipped before and after, which exchanges the two errors.
fn flipped(program: &Program, mask: &[u64]) -> Program {
    let exchanged = |(qubit, confusion): (usize, &Option<Confusion>)| {
        confusion.map(|Confusion { one_given_zero, zero_given_one }| match mask[qubit / 64] >> (qubit % 64) & 1 {
            1 => Confusion { one_given_zero: zero_given_one, zero_given_one: one_given_zero },
            _ => Confusion { one_given_zero, zero_given_one },
        })
    };
    Program { readout: program.readout.iter().enumerate().map(exchanged).collect(), ..program.clone() }
}

/// The mean of all masks at once: flips of different qubits are independent.
fn symmetric(program: &Program) -> Program {
    let mean = |confusion: &Confusion| {
        let mean = (confusion.one_given_zero.get() + confusion.zero_given_one.get()) / 2.0;
        Confusion::symmetric(Probability::new(mean).expect("a mean of probabilities is one"))
    };
    Program { readout: program.readout.iter().map(|c| c.as_ref().map(mean)).collect(), ..program.clone() }
}

impl<S: Simulator + Clone + 'static> TwirledReadout<S> {
    /// The programs that are averaged, with their weights.
    fn twirls(&self, program: &Program) -> Result<Terms, SimError> {
        Ok(match self.average {
            Average::Exact => vec![(1.0, symmetric(program))],
            Average::Sampled { count, seed } => {
                check_terms(count, program)?;
                let mut masks = Stream::named(seed, "readout twirl");
                let words = program.qubits().div_ceil(64);
                let mut mask = || (0..words).map(|_| masks.bits()).collect::<Vec<_>>();
                (0..count).map(|_| (1.0 / count as f64, flipped(program, &mask()))).collect()
            }
        })
    }

    /// The values of |0…0⟩ for each string of `strings` as Z on its support.
    fn calibrated(&self, program: &Program, strings: &[PauliString]) -> Result<Vec<f64>, SimError> {
        let empty =
            Program { steps: Vec::new(), slots: 0, derived: Vec::new(), bits: 0, scratch: 0, ..program.clone() };
        let as_z = |s: &PauliString| {
            let z = PauliString::new(s.support().map(|qubit| (qubit, Letter::Z)));
            Observable { terms: vec![(1.0, z)] }
        };
        let observables: Vec<Observable> = strings.iter().map(as_z).collect();
        // Draws of its own, apart from those of the circuit.
        let engine = substream(&self.inner, u64::MAX);
        let sum = WeightedSum::new(&engine, self.twirls(&empty)?, &observables, 0)?;
        Ok(sum.expect(Angles::of_weights(&[]))?.row(0).to_vec())
    }

    /// Each observable with its strings divided by their values on |0…0⟩.
    fn divided(&self, program: &Program, observables: &[Observable]) -> Result<Vec<Observable>, SimError> {
        check::observables(program, observables)?;
        let strings: Vec<PauliString> =
            observables.iter().flat_map(|o| o.terms.iter().map(|(_, s)| s.clone())).collect();
        let mut factors = self.calibrated(program, &strings)?.into_iter();
        let divide = |(weight, string): &(f64, PauliString)| {
            // One number for each string, in order.
            let factor = factors.next().expect("as many numbers as strings");
            if factor.abs() < 1e-9 {
                return Err(SimError::NotInvertible {
                    what: format!("the readout of {}", Observable { terms: vec![(1.0, string.clone())] }),
                });
            }
            Ok((weight / factor, string.clone()))
        };
        let terms: Vec<(f64, PauliString)> =
            observables.iter().flat_map(|o| &o.terms).map(divide).collect::<Result<_, _>>()?;
        let mut terms = terms.into_iter();
        Ok(observables.iter().map(|o| Observable { terms: terms.by_ref().take(o.terms.len()).collect() }).collect())
    }
}

impl<S: Simulator + Clone + 'static> Simulator for TwirledReadout<S> {
    fn name(&self) -> String {
        format!("{} {SUFFIX}", self.inner.name())
    }

    fn precision(&self) -> Precision {
        self.inner.precision()
    }

    fn with_substream(&self, number: u64) -> Option<Arc<dyn Simulator>> {
        Some(Arc::new(TwirledReadout { inner: self.inner.with_substream(number)?, average: self.average }))
    }

    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        // Probabilities are not corrected, so a program without observables is the engine's own.
        if observables.is_empty() {
            return self.inner.prepare(program, observables, input_slots);
        }
        let divided = self.divided(program, observables)?;
        Ok(Arc::new(TwirledProgram {
            sum: WeightedSum::new(&self.inner, self.twirls(program)?, &divided, input_slots)?,
            engine: self.clone(),
            program: program.clone(),
            input_slots,
            outcomes: Lazy::default(),
        }))
    }
}

/// A program with its observables divided by the calibrated factors.
struct TwirledProgram<S> {
    engine: TwirledReadout<S>,
    sum: WeightedSum,
    program: Program,
    input_slots: usize,
    /// The program on the engine itself.
    outcomes: Lazy<Arc<dyn Prepared>>,
}

impl<S: Simulator + Clone + 'static> Prepared for TwirledProgram<S> {
    fn resolved_name(&self, batch: usize) -> String {
        format!("{} {SUFFIX}", self.sum.resolved_name(batch))
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.sum.expect(angles)
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        self.sum.vjp(angles, cotangent)
    }

    fn record(&self, angles: Angles, most_bytes: usize) -> Result<Recorded, SimError> {
        self.sum.record(angles, most_bytes)
    }

    /// As the engine gives them: the method corrects expectation values only.
    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let prepare = || self.engine.inner.prepare(&self.program, &[], self.input_slots);
        self.outcomes.get(prepare)?.probabilities(angles)
    }
}
