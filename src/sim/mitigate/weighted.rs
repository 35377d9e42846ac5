//! Weighted sums of programs: what every method that is linear in expectation values comes down to.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use crate::circuit::Observable;
use crate::noise::Program;
use crate::sim::prepared::{Prepared, Recorded, Tape};
use crate::sim::{AngleGradient, Angles, SimError, Simulator, check};

/// Bytes of prepared programs that a sum keeps. Beyond, each program is prepared anew whenever the sum runs.
const KEPT: f64 = (64 << 20) as f64;

/// Programs with their weights, in order.
pub type Terms = Vec<(f64, Program)>;

/// Bytes of a step of a program that is written down.
const STEP: f64 = 200.0;

/// So many programs like `program` can be written down.
///
/// # Errors
/// If they take more memory than there is.
pub fn check_terms(count: usize, program: &Program) -> Result<(), SimError> {
    // What a method adds to a program at most doubles it.
    let bytes = 2.0 * STEP * count as f64 * (program.steps.len() + program.readout.len() + 1) as f64;
    check::memory("a mitigated program", program.qubits(), bytes, "average over fewer programs")
}

/// `engine` drawing from part number `number` of its randomness, or the engine itself if it draws nothing.
pub fn substream<S: Simulator + Clone + 'static>(engine: &S, number: u64) -> Arc<dyn Simulator> {
    engine.with_substream(number).unwrap_or_else(|| Arc::new(engine.clone()))
}

/// `Σ weight · value` over some programs. Each draws its own shots.
pub struct WeightedSum {
    terms: Vec<(f64, Term)>,
    observables: Vec<Observable>,
    input_slots: usize,
}

enum Term {
    Prepared(Arc<dyn Prepared>),
    /// To be prepared at each run.
    Program(Arc<dyn Simulator>, Program),
}

impl WeightedSum {
    /// The sum of `terms` on `engine`, term k on substream k.
    pub fn new<S: Simulator + Clone + 'static>(
        engine: &S,
        terms: Terms,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Self, SimError> {
        let kept = terms.iter().map(|(_, program)| prepared_bytes(program)).sum::<f64>() <= KEPT;
        let term = |(number, (weight, program)): (usize, (f64, Program))| {
            let engine = substream(engine, number as u64);
            let term = match kept {
                true => Term::Prepared(engine.prepare(&program, observables, input_slots)?),
                false => Term::Program(engine, program),
            };
            Ok((weight, term))
        };
        let terms = terms.into_iter().enumerate().map(term).collect::<Result<_, SimError>>()?;
        Ok(Self { terms, observables: observables.to_vec(), input_slots })
    }

    /// What runs the first program.
    pub fn resolved_name(&self, batch: usize) -> String {
        let name = |(_, term): &(f64, Term)| match term {
            Term::Prepared(prepared) => prepared.resolved_name(batch),
            Term::Program(engine, _) => engine.name(),
        };
        self.terms.first().map(name).unwrap_or_default()
    }

    fn prepared(&self, term: &Term) -> Result<Arc<dyn Prepared>, SimError> {
        match term {
            Term::Prepared(prepared) => Ok(Arc::clone(prepared)),
            Term::Program(engine, program) => engine.prepare(program, &self.observables, self.input_slots),
        }
    }

    fn sum(
        &self,
        mut value: impl FnMut(&dyn Prepared) -> Result<Array2<f64>, SimError>,
    ) -> Result<Array2<f64>, SimError> {
        let mut total: Option<Array2<f64>> = None;
        for (weight, term) in &self.terms {
            let values = value(&*self.prepared(term)?)? * *weight;
            total = Some(match total {
                Some(total) => total + values,
                None => values,
            });
        }
        Ok(total.expect("a mitigated program is at least one program"))
    }

    pub fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.sum(|prepared| prepared.expect(angles))
    }

    pub fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.sum(|prepared| prepared.probabilities(angles))
    }

    pub fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        let mut total = AngleGradient::zeros(&angles);
        for (weight, term) in &self.terms {
            total += self.prepared(term)?.vjp(angles, (&cotangent * *weight).view())?;
        }
        Ok(total)
    }

    /// [`WeightedSum::expect`] with a tape, if every term has one.
    pub fn record(&self, angles: Angles, most_bytes: usize) -> Result<Recorded, SimError> {
        let mut tapes = Vec::new();
        let values = self.sum(|prepared| {
            let (values, tape) = prepared.record(angles, most_bytes / self.terms.len())?;
            tapes.extend(tape);
            Ok(values)
        })?;
        if tapes.len() < self.terms.len() {
            return Ok((values, None));
        }
        let zeros = AngleGradient::zeros(&angles);
        let parts = self.terms.iter().map(|(weight, _)| *weight).zip(tapes).collect();
        Ok((values, Some(Box::new(SumTape { parts, zeros }))))
    }
}

/// About what the matrices and operand lists of a prepared program take, 4ⁿ⁻¹ indices for each step at most.
fn prepared_bytes(program: &Program) -> f64 {
    8.0 * program.steps.len() as f64 * 4f64.powi(program.qubits() as i32 - 1)
}

/// The tapes of all terms with their weights.
struct SumTape {
    parts: Vec<(f64, Box<dyn Tape>)>,
    zeros: AngleGradient,
}

impl Tape for SumTape {
    fn vjp(&self, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        let mut total = self.zeros.clone();
        for (weight, tape) in &self.parts {
            total += tape.vjp((&cotangent * *weight).view())?;
        }
        Ok(total)
    }
}

/// A program mitigated by a sum of programs.
pub struct SumProgram {
    /// What follows the name of the engine.
    pub suffix: &'static str,
    pub sum: WeightedSum,
}

impl Prepared for SumProgram {
    fn resolved_name(&self, batch: usize) -> String {
        format!("{} {}", self.sum.resolved_name(batch), self.suffix)
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

    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.sum.probabilities(angles)
    }
}
