//! What of a dynamic program its results depend on, and until when it needs each qubit.
//!
//! A gate after the last measurement of its qubit changes no outcome, and a qubit that nothing reads any more can be traced
//! out. An engine whose states grow with 4ⁿ then pays for the qubits that are left.

use std::collections::BTreeSet;

use crate::circuit::{Observable, Op};
use crate::noise::{Program, Step};
use crate::sim::cost::Outline;
use crate::sim::readout::ProgramParts;

/// The steps that results depend on, with qubits numbered anew: the one that is needed longest is qubit 0.
#[derive(Clone, Debug)]
pub struct Needed {
    /// The program of these steps. Readout error and names of qubits stay those of the whole program.
    pub program: Program,
    /// The new number of each qubit.
    pub number: Vec<usize>,
    /// Qubits that are needed at the end, for observables and terminal measurements: those below this number.
    pub end: usize,
}

impl Needed {
    /// For probabilities of outcomes and values of these observables; `None` for a program that is not dynamic, or that
    /// needs all its qubits to the end because it measures none.
    pub fn of(program: &Program, observables: &[Observable]) -> Option<Self> {
        let whole = ProgramParts::of(program);
        if !program.measures() || whole.dynamic().is_none() {
            return None;
        }
        let at_end = observables.iter().flat_map(Observable::support);
        let paired = program.correlated.iter().flat_map(|pair| [pair.qubits.0, pair.qubits.1]);
        let mut needed: BTreeSet<usize> = at_end.chain(paired).filter(|&qubit| qubit < program.qubits()).collect();
        let mut steps = Vec::with_capacity(program.steps.len());
        for step in program.steps.iter().rev() {
            let operands = operands(step);
            let is_needed = match step {
                Step::Measure { .. } | Step::Assign { .. } => true,
                Step::Gate(_) | Step::Noise { .. } | Step::Reset { .. } => operands.iter().any(|q| needed.contains(q)),
            };
            if !is_needed {
                continue;
            }
            needed.extend(operands);
            if let Step::Reset { qubit, condition: None } = step {
                needed.remove(qubit);
            }
            steps.push(step.clone());
        }
        steps.reverse();
        let mut reduced = Program { steps, ..program.clone() };

        // The last step of each qubit. Terminal measurements and observables come behind all steps of the body.
        let parts = ProgramParts::of(&reduced);
        let behind = parts.body.len() + 1;
        let mut last = vec![0; program.qubits()];
        for (at, step) in parts.body.iter().enumerate() {
            operands_of(step, |qubit| last[qubit] = at + 1);
        }
        let at_end = observables.iter().flat_map(Observable::support);
        let paired = program.correlated.iter().flat_map(|pair| [pair.qubits.0, pair.qubits.1]);
        let measured = parts.measurements.list.iter().map(|read| read.qubit);
        let at_end = at_end.chain(paired).chain(measured);
        at_end.filter(|&qubit| qubit < program.qubits()).for_each(|qubit| last[qubit] = behind);
        let mut order: Vec<usize> = (0..program.qubits()).collect();
        order.sort_by_key(|&qubit| std::cmp::Reverse(last[qubit]));
        let end = order.iter().filter(|&&qubit| last[qubit] == behind).count();
        let mut number = vec![0; program.qubits()];
        order.into_iter().enumerate().for_each(|(new, old)| number[old] = new);

        reduced.steps.iter_mut().for_each(|step| renumber(step, &number));
        // A measurement that is the last step only because others were left out is not read together with another.
        let at_end: BTreeSet<usize> = whole.measurements.list.iter().map(|read| read.qubit).collect();
        reduced.correlated.retain(|pair| at_end.contains(&pair.qubits.0) && at_end.contains(&pair.qubits.1));
        for pair in &mut reduced.correlated {
            pair.qubits = (number[pair.qubits.0], number[pair.qubits.1]);
        }
        Some(Self { program: reduced, number, end })
    }

    /// Its outline; slots below `input_slots` differ by row.
    pub fn outline(&self, input_slots: usize) -> Outline {
        let size = (self.program.qubits(), self.program.outcome_bits());
        Outline::narrowing(&ProgramParts::of(&self.program), size, input_slots, self.end)
    }
}

/// How many qubits, the lowest, are needed from each step of a body on, and behind the last one `end`.
pub fn left(body: &[&Step], end: usize) -> Vec<usize> {
    let mut left = vec![end; body.len() + 1];
    for (at, step) in body.iter().enumerate().rev() {
        left[at] = left[at + 1];
        operands_of(step, |qubit| left[at] = left[at].max(qubit + 1));
    }
    left
}

fn operands(step: &Step) -> Vec<usize> {
    let mut all = Vec::new();
    operands_of(step, |qubit| all.push(qubit));
    all
}

fn operands_of(step: &Step, mut each: impl FnMut(usize)) {
    match step {
        Step::Gate(op) => op.qubits.iter().for_each(|&qubit| each(qubit)),
        Step::Noise { qubits, .. } => qubits.iter().for_each(|&qubit| each(qubit)),
        Step::Measure { qubit, .. } | Step::Reset { qubit, .. } => each(*qubit),
        Step::Assign { .. } => {}
    }
}

fn renumber(step: &mut Step, number: &[usize]) {
    match step {
        Step::Gate(Op { qubits, .. }) => qubits.iter_mut().for_each(|qubit| *qubit = number[*qubit]),
        Step::Noise { qubits, .. } => qubits.iter_mut().for_each(|qubit| *qubit = number[*qubit]),
        Step::Measure { qubit, .. } | Step::Reset { qubit, .. } => *qubit = number[*qubit],
        Step::Assign { .. } => {}
    }
}
