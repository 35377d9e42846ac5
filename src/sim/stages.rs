//! Programs cut at conditions and measurements, with what lies between fused into blocks.

use crate::circuit::Condition;
use crate::noise::{Confusion, Program, Step};
use crate::sim::kernel::float::Float;
use crate::sim::kernel::pauli::block::{Block, Fuser};
use crate::sim::needed::left;
use crate::sim::readout::{ProgramParts, TerminalMeasurements};

/// A program as the engines for noise run it.
pub struct Stages<F = f64> {
    /// Width of the quantum register at the beginning.
    pub qubits: usize,
    /// Bits of an outcome; scratch bits are higher.
    pub bits: usize,
    /// What happens before the terminal measurements, in order.
    pub list: Vec<Stage<F>>,
    /// The terminal measurements.
    pub measurements: TerminalMeasurements,
    /// Whether anything is measured at all.
    pub measures: bool,
}

/// Something done where the classical bits meet the condition.
pub struct Stage<F> {
    pub condition: Option<Condition>,
    /// Qubits that are left: those below this number. The others were traced out.
    pub qubits: usize,
    pub action: Action<F>,
}

pub enum Action<F> {
    Blocks(Vec<Block<F>>),
    Measure { qubit: usize, bit: usize, confusion: Option<Confusion> },
    Assign { bit: usize, value: bool },
}

impl<F: Float> Stages<F> {
    /// The stages of a program in which slots below `input_slots` differ by row.
    pub fn of(program: &Program, input_slots: usize) -> Self {
        Self::narrowing(program, input_slots, program.qubits())
    }

    /// The same where qubits are left out after their last step, but for those below `end`.
    pub fn narrowing(program: &Program, input_slots: usize, end: usize) -> Self {
        let parts = ProgramParts::of(program);
        let left = left(&parts.body, end);
        let (qubits, mut here) = (left[0], left[0]);
        let mut list: Vec<Stage<F>> = Vec::new();
        let mut fuser = Fuser::new(qubits, input_slots);
        let mut current: Option<Condition> = None;
        for (at, step) in parts.body.iter().enumerate() {
            let condition = step.condition();
            if condition != current.as_ref() || matches!(step, Step::Measure { .. } | Step::Assign { .. }) {
                let condition = std::mem::replace(&mut current, condition.cloned());
                list.push(Stage { condition, qubits: here, action: Action::Blocks(fuser.cut()) });
                let is_block = !matches!(step, Step::Measure { .. } | Step::Assign { .. });
                here = left[if is_block { at } else { at + 1 }];
                fuser.narrow(here);
            }
            match step {
                Step::Gate(op) => fuser.gate(op),
                Step::Noise { channel, qubits, .. } => fuser.channel(channel, qubits),
                Step::Reset { qubit, .. } => fuser.reset(*qubit),
                Step::Measure { qubit, bit, confusion, condition } => list.push(Stage {
                    condition: condition.clone(),
                    qubits: left[at],
                    action: Action::Measure { qubit: *qubit, bit: *bit, confusion: *confusion },
                }),
                Step::Assign { bit, value, condition } => list.push(Stage {
                    condition: condition.clone(),
                    qubits: left[at],
                    action: Action::Assign { bit: *bit, value: *value },
                }),
            }
        }
        list.push(Stage { condition: current, qubits: here, action: Action::Blocks(fuser.cut()) });
        let (bits, measures) = (program.outcome_bits(), program.measures());
        Self { qubits, bits, list, measurements: parts.measurements, measures }
    }

    /// Qubits of the states at the end.
    pub fn last_qubits(&self) -> usize {
        self.list.last().map_or(self.qubits, |stage| stage.qubits)
    }

    /// The bits of an outcome among all bits.
    pub fn outcome(&self, bits: u64) -> u64 {
        bits & ((1u64 << self.bits) - 1)
    }

    /// Number of outcomes that probabilities are given for, as a power of two.
    pub fn width(&self) -> usize {
        if self.measures { self.bits } else { self.qubits }
    }
}

/// The register with one bit given a value.
pub fn assigned(bits: u64, bit: usize, value: bool) -> u64 {
    bits & !(1 << bit) | u64::from(value) << bit
}

/// Whether the register `bits` meets a condition.
pub fn meets(condition: &Option<Condition>, bits: u64) -> bool {
    condition.as_ref().is_none_or(|condition| condition.is_met(|bit| bits >> bit & 1 == 1))
}
