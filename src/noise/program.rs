//! A circuit with its noise compiled in: the only input of a simulator.

use std::collections::BTreeSet;

use crate::circuit::{Circuit, Condition, Derived, Observable, Op, OpKind};
use crate::noise::channel::ChannelList;
use crate::noise::{Channel, Confusion, PairReadout};

/// One step of a program. Qubits are indices into the program's own register.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A unitary operation (gate, matrix, global phase), possibly under a condition.
    Gate(Op),
    /// A noise channel on its operands, first operand least significant, done only under `condition`.
    Noise {
        /// The channel.
        channel: Channel,
        /// Its operands.
        qubits: Vec<usize>,
        /// Classical condition inherited from the operation that made the noise.
        condition: Option<Condition>,
    },
    /// Projective measurement of the true state. The bit that is recorded suffers `confusion`.
    Measure {
        /// The qubit measured.
        qubit: usize,
        /// The classical bit written.
        bit: usize,
        /// Readout error, `None` for a perfect readout.
        confusion: Option<Confusion>,
        /// Classical condition.
        condition: Option<Condition>,
    },
    /// A classical bit is given a value.
    Assign {
        /// The classical bit.
        bit: usize,
        /// What it becomes.
        value: bool,
        /// Classical condition.
        condition: Option<Condition>,
    },
    /// Back to |0⟩.
    Reset {
        /// The qubit.
        qubit: usize,
        /// Classical condition.
        condition: Option<Condition>,
    },
}

impl Step {
    /// The condition under which it is done.
    pub fn condition(&self) -> Option<&Condition> {
        match self {
            Self::Gate(op) => op.condition.as_ref(),
            Self::Noise { condition, .. }
            | Self::Measure { condition, .. }
            | Self::Assign { condition, .. }
            | Self::Reset { condition, .. } => condition.as_ref(),
        }
    }

    /// The classical bit it writes and the condition it reads.
    fn bits_mut(&mut self) -> (Option<&mut usize>, &mut Option<Condition>) {
        match self {
            Self::Gate(op) => (None, &mut op.condition),
            Self::Noise { condition, .. } | Self::Reset { condition, .. } => (None, condition),
            Self::Measure { bit, condition, .. } | Self::Assign { bit, condition, .. } => (Some(bit), condition),
        }
    }
}

/// What a program is put together from.
pub(crate) enum Item {
    /// An operation; delays and barriers leave no step.
    Op(Op),
    /// A channel on qubits of the circuit, under a condition.
    Noise(Channel, Vec<usize>, Option<Condition>),
}

impl Item {
    /// The qubit that a measurement reads.
    pub(crate) fn measured(&self) -> Option<usize> {
        match self {
            Self::Op(Op { kind: OpKind::Measure { .. }, qubits, .. }) => Some(qubits[0]),
            _ => None,
        }
    }
}

/// Steps on a register that holds only the qubits the circuit touches.
///
/// A 127-qubit device circuit that touches 3 qubits is a 3-qubit program: `active[k]` is the circuit's index of the
/// program's qubit k, ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Circuit index of each program qubit.
    pub active: Vec<usize>,
    /// Width of the classical register, scratch bits included.
    pub bits: usize,
    /// How many of its highest bits are scratch: no part of an outcome.
    pub scratch: usize,
    /// Number of slots, derived ones included.
    pub slots: usize,
    /// What the last slots are computed of. Whatever runs a program takes the angles of the slots before them and computes
    /// these; `Simulator::prepare` alone takes all.
    pub derived: Vec<Derived>,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// Readout error of each program qubit, used for expectation values, which need no explicit measurement.
    pub readout: Vec<Option<Confusion>>,
    /// What qubits that are read together do to each other's bits, in order, after each one's own error. It acts on
    /// pairs that are both measured at the end of the program, and on expectation values.
    pub correlated: Vec<PairReadout>,
    /// What the noise model repaired or could not use, one sentence each.
    pub notices: Vec<String>,
}

impl Program {
    /// The circuit without any noise.
    ///
    /// `keep` lists circuit qubits that stay in the program even if nothing acts on them (an observable needs them).
    pub fn ideal(circuit: &Circuit, keep: &[usize]) -> Self {
        Self::compile(circuit, keep, |_| Vec::new(), |_| None)
    }

    /// The circuit with `noise_after(op)` behind each operation and `readout(qubit)` on each measured qubit; both
    /// take circuit qubits. Delays and barriers leave only their noise.
    pub fn compile(
        circuit: &Circuit,
        keep: &[usize],
        mut noise_after: impl FnMut(&Op) -> ChannelList,
        readout: impl Fn(usize) -> Option<Confusion>,
    ) -> Self {
        let items = circuit.ops().iter().flat_map(|op| {
            let noise = noise_after(op).into_iter();
            let after = noise.map(|(channel, qubits)| Item::Noise(channel, qubits, op.condition.clone()));
            std::iter::once(Item::Op(op.clone())).chain(after.collect::<Vec<_>>())
        });
        Self::assemble(circuit, keep, items, readout)
    }

    /// The `items`, which are operations of `circuit` and noise on its qubits, in order.
    pub(crate) fn assemble(
        circuit: &Circuit,
        keep: &[usize],
        items: impl IntoIterator<Item = Item>,
        readout: impl Fn(usize) -> Option<Confusion>,
    ) -> Self {
        let active = active_qubits(circuit, keep);
        let position = |qubit: &usize| active.binary_search(qubit).expect("an operand of the circuit is active");
        let step = |item: Item| match item {
            Item::Noise(channel, qubits, condition) => {
                Some(Step::Noise { channel, qubits: qubits.iter().map(position).collect(), condition })
            }
            Item::Op(op) => {
                let condition = op.condition.clone();
                match op.kind {
                    OpKind::Measure { bit } => {
                        let confusion = readout(op.qubits[0]);
                        Some(Step::Measure { qubit: position(&op.qubits[0]), bit, confusion, condition })
                    }
                    OpKind::Assign { bit, value } => Some(Step::Assign { bit, value, condition }),
                    OpKind::Reset => Some(Step::Reset { qubit: position(&op.qubits[0]), condition }),
                    OpKind::Barrier | OpKind::Delay(_) => None,
                    _ => Some(Step::Gate(Op { qubits: op.qubits.iter().map(position).collect(), ..op })),
                }
            }
        };
        let steps = items.into_iter().filter_map(step).collect();
        let readout = active.iter().map(|&q| readout(q)).collect();
        let (bits, scratch) = (circuit.bits() + circuit.scratch(), circuit.scratch());
        let derived = circuit.derived().to_vec();
        let slots = circuit.slots() + derived.len();
        Self { bits, scratch, slots, derived, steps, readout, correlated: Vec::new(), notices: Vec::new(), active }
    }

    /// Number of slots that are not computed of others.
    pub fn declared_slots(&self) -> usize {
        self.slots - self.derived.len()
    }

    /// Number of qubits simulated.
    pub fn qubits(&self) -> usize {
        self.active.len()
    }

    /// Bits of an outcome: the classical register without its scratch bits.
    pub fn outcome_bits(&self) -> usize {
        self.bits - self.scratch
    }

    /// Whether its outcomes are of classical bits, not of qubits: it measures, or gives bits of the outcome a value.
    pub fn measures(&self) -> bool {
        let outcome = self.outcome_bits();
        self.steps.iter().any(|step| match step {
            Step::Measure { .. } => true,
            Step::Assign { bit, .. } => *bit < outcome,
            _ => false,
        })
    }

    /// The program on a classical register that holds only the bits it writes or reads, and the old index of each bit
    /// of an outcome, ascending: outcomes are indexed by bits, and a wide register may use few.
    pub fn with_used_bits(mut self) -> (Self, Vec<usize>) {
        let mut used = BTreeSet::new();
        for step in &mut self.steps {
            let (written, condition) = step.bits_mut();
            used.extend(written.map(|bit| *bit));
            used.extend(condition.iter().flat_map(|condition| condition.bits.iter().copied()));
        }
        let used: Vec<usize> = used.into_iter().collect();
        let position = |bit: usize| used.binary_search(&bit).expect("the bit was found above");
        for step in &mut self.steps {
            let (written, condition) = step.bits_mut();
            written.into_iter().for_each(|bit| *bit = position(*bit));
            condition.iter_mut().flat_map(|condition| &mut condition.bits).for_each(|bit| *bit = position(*bit));
        }
        let outcome = used.partition_point(|&bit| bit < self.bits - self.scratch);
        let (bits, scratch) = (used.len(), used.len() - outcome);
        (Self { bits, scratch, ..self }, used[..outcome].to_vec())
    }

    /// The observable whose qubit k sits on circuit qubit `qubits[k]` (the end of a layout), on program qubits; `None` if
    /// it acts on a qubit past the list or one that is not active.
    pub fn relabel(&self, observable: &Observable, qubits: &[usize]) -> Option<Observable> {
        if observable.width() > qubits.len() {
            return None;
        }
        // Where a qubit goes that the observable does not act on does not matter.
        let mut positions = vec![0; observable.width()];
        for k in observable.support() {
            positions[k] = self.active.binary_search(qubits.get(k)?).ok()?;
        }
        Some(observable.relabel(&positions))
    }
}

/// The qubits of `circuit` that a program has, ascending.
pub(crate) fn active_qubits(circuit: &Circuit, keep: &[usize]) -> Vec<usize> {
    let touched = circuit.ops().iter().filter(|op| !matches!(op.kind, OpKind::Barrier)).flat_map(|op| &op.qubits);
    let mut active: Vec<usize> = touched.chain(keep).copied().collect();
    active.sort_unstable();
    active.dedup();
    active
}
