//! Which noise a circuit loses its fidelity to: by source, and by operation.
//!
//! Fidelity is that of the state before the final measurements with the ideal one, times the probability that all final
//! bits of the ideal outcomes are read rightly. One source, or the noise of one operation, is switched off at a time,
//! and what the fidelity gains is its part of the loss. To first order parts add up to the loss. What they miss is the
//! remainder.

use std::collections::BTreeMap;

use ndarray::ArrayView2;

use crate::circuit::Circuit;
use crate::device::Device;
use crate::math::C64;
use crate::noise::model::{NoiseModel, SOURCES};
use crate::noise::{Confusion, Program, Step};
use crate::sim::readout::ProgramParts;
use crate::sim::{SimError, state};

/// Density matrices of more qubits take minutes.
const MOST_QUBITS: usize = 10;

/// A part of the lost fidelity.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// A source of [`SOURCES`], or an operation such as `cx(0, 1)`.
    pub name: String,
    /// How often it happens; 1 for a source.
    pub count: usize,
    /// What the fidelity gains without it.
    pub lost: f64,
}

/// Where the fidelity of a circuit went.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// With all noise, 0 to 1.
    pub fidelity: f64,
    /// Each source that takes some, the largest first.
    pub sources: Vec<Part>,
    /// `1 - fidelity` less the parts of all sources.
    pub sources_remainder: f64,
    /// Each operation that takes some, the largest first. All that do the same to the same qubits count together.
    pub operations: Vec<Part>,
    /// `1 - fidelity` less the parts of all operations.
    pub operations_remainder: f64,
    /// What the noise model repaired.
    pub notices: Vec<String>,
}

/// Explains the loss of `circuit`, whose qubit k is the device's qubit k, under `model`.
///
/// # Errors
/// If the model refuses the circuit, it has slots, more than 10 qubits in use, or a measurement, reset or condition before
/// its end (then there is no one ideal state).
pub fn explain(model: &NoiseModel, circuit: &Circuit, device: &Device) -> Result<Explanation, SimError> {
    if circuit.slots() > 0 {
        return Err(SimError::AngleCount { slots: circuit.slots(), got: 0 });
    }
    let (program, causes) = model.apply_with_causes(circuit, device, &[])?;
    let ideal = Ideal::of(circuit)?;
    let fidelity = ideal.fidelity(&program)?;
    let lost = 1.0 - fidelity;
    let mut sources = Vec::new();
    for source in SOURCES {
        let mut without = model.with_source(source, 0.0).apply(circuit, device, &[])?;
        without.notices.clone_from(&program.notices);
        if without != program {
            let gained = ideal.fidelity(&without)? - fidelity;
            sources.push(Part { name: source.name.into(), count: 1, lost: gained });
        }
    }
    let mut steps: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (k, cause) in causes.iter().enumerate() {
        if let Some(cause) = cause {
            steps.entry(cause).or_default().push(k);
        }
    }
    let mut operations = Vec::new();
    for (name, of_cause) in steps {
        let kept = program.steps.iter().enumerate().filter(|(k, _)| !of_cause.contains(k));
        let without = Program { steps: kept.map(|(_, step)| step.clone()).collect(), ..program.clone() };
        let count = runs(&of_cause);
        operations.push(Part { name: name.into(), count, lost: ideal.fidelity(&without)? - fidelity });
    }
    for (qubit, gained) in ideal.readout_parts(&program) {
        operations.push(Part {
            name: format!("measure({})", program.active[qubit]),
            count: 1,
            lost: gained * fidelity,
        });
    }
    let remainder = |parts: &[Part]| lost - parts.iter().map(|part| part.lost).sum::<f64>();
    let (sources_remainder, operations_remainder) = (remainder(&sources), remainder(&operations));
    for parts in [&mut sources, &mut operations] {
        parts.sort_by(|a, b| b.lost.total_cmp(&a.lost));
    }
    let notices = program.notices;
    Ok(Explanation { fidelity, sources, sources_remainder, operations, operations_remainder, notices })
}

/// Number of runs of consecutive numbers.
fn runs(steps: &[usize]) -> usize {
    steps.iter().enumerate().filter(|(k, step)| *k == 0 || steps[k - 1] + 1 != **step).count()
}

/// What the circuit should give.
struct Ideal {
    state: ndarray::Array1<C64>,
}

impl Ideal {
    fn of(circuit: &Circuit) -> Result<Self, SimError> {
        let program = Program::ideal(circuit, &[]);
        let parts = ProgramParts::of(&program);
        let early = parts.body.iter().any(|step| matches!(step, Step::Reset { .. }));
        if let Some(step) = parts.dynamic().or(early.then(|| "a reset".into())) {
            let instead = "only circuits with one ideal final state can be explained";
            return Err(SimError::Unsupported { engine: "explain", step, instead });
        }
        if program.qubits() > MOST_QUBITS {
            let (qubits, needed) = (program.qubits(), "density matrices of more than 10 qubits, one for each part");
            return Err(SimError::TooMuch { what: "explain", qubits, needed, instead: "explain a part of it" });
        }
        let body = parts.body.iter().map(|step| (*step).clone()).collect();
        let unitary = Program { steps: body, ..program.clone() };
        Ok(Self { state: state::statevector(&unitary, &[])? })
    }

    fn fidelity(&self, program: &Program) -> Result<f64, SimError> {
        let rho = state::density(program, &[])?;
        let rho: ArrayView2<C64> = rho.view();
        Ok(state::fidelity(rho, self.state.view()) * self.read_rightly(program, |_| true))
    }

    /// Probability that all final bits of an ideal outcome are read rightly, with the confusion of some qubits alone.
    /// Flips of one bit that undo each other do not count as right.
    fn read_rightly(&self, program: &Program, confused: impl Fn(usize) -> bool) -> f64 {
        let measurements = ProgramParts::of(program).measurements;
        let rightly = |outcome: usize| {
            let single = measurements.list.iter().filter(|read| confused(read.qubit)).map(|read| {
                let flips = read.confusion.as_ref().map_or([0.0; 2], Confusion::flips);
                1.0 - flips[outcome >> read.qubit & 1]
            });
            let pairs = measurements.pairs.iter().map(|&(a, b, matrix)| {
                let bit = |k: usize| outcome >> measurements.list[k].qubit & 1;
                let truth = bit(a) | bit(b) << 1;
                matrix[truth][truth]
            });
            single.product::<f64>() * pairs.product::<f64>()
        };
        self.state.iter().enumerate().map(|(outcome, z)| z.norm_sqr() * rightly(outcome)).sum()
    }

    /// By how much, relative to all, each qubit's perfect readout would raise the fidelity.
    fn readout_parts(&self, program: &Program) -> Vec<(usize, f64)> {
        let all = self.read_rightly(program, |_| true);
        let measurements = ProgramParts::of(program).measurements.list;
        let confused = measurements.iter().filter(|read| read.confusion.is_some());
        confused.map(|read| (read.qubit, self.read_rightly(program, |q| q != read.qubit) / all - 1.0)).collect()
    }
}
