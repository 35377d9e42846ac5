//! The course of a program without its numbers: how many blocks it becomes, and how many states the values of its
//! classical register split it into.

use std::collections::BTreeSet;

use crate::circuit::{Condition, Op, OpKind, Param};
use crate::noise::Step;
use crate::sim::needed::left;
use crate::sim::readout::ProgramParts;

/// One entry of [`Stages::list`](crate::sim::stages::Stages).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageOutline {
    /// Classical bits that decide whether it happens.
    reads: u64,
    /// Whether there are such bits.
    conditional: bool,
    /// Size of a state there as a share of that of the whole program: 4⁻¹ for each qubit that is not needed any more.
    share: f64,
    /// What it does.
    pub action: ActionOutline,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ActionOutline {
    /// So many fused blocks.
    Blocks(usize),
    /// A measurement into this bit.
    Measure { bit: usize },
    /// A value for this bit.
    Assign { bit: usize },
}

/// A program before its terminal measurements, stage by stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    pub list: Vec<StageOutline>,
    /// Classical bits that no terminal measurement writes.
    pub kept: u64,
    /// Bytes of the lists of where blocks find their operands in a vector over Pauli strings; one list for each choice of
    /// operands.
    pub index_bytes: f64,
}

/// Classical bits whose values are wanted at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedBits {
    /// None: states are summed over the register.
    Nothing,
    /// Those that no terminal measurement writes.
    Outcomes,
}

/// What splitting a state by measurements takes, at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Branching {
    /// States of the whole program held at the same time.
    pub states: f64,
    /// Blocks and measurements, summed over the branches that they act on, each by the share of a state that is left.
    pub work: f64,
    /// Branches at the end.
    pub last: f64,
    /// Size of their states, as a share.
    pub last_share: f64,
}

impl Outline {
    /// Of a program on so many qubits and bits, of which slots below `input_slots` differ by row.
    pub fn of(parts: &ProgramParts, (qubits, bits): (usize, usize), input_slots: usize) -> Self {
        Self::narrowing(parts, (qubits, bits), input_slots, qubits)
    }

    /// The same where qubits are left out after their last step, but for those below `end`.
    pub fn narrowing(parts: &ProgramParts, (qubits, bits): (usize, usize), input_slots: usize, end: usize) -> Self {
        let left = left(&parts.body, end);
        let mut here = left[0];
        let mut list = Vec::new();
        let mut blocks = BlockCount::new(qubits);
        let mut current: Option<&Condition> = None;
        let mut push = |condition: Option<&Condition>, left: usize, action| {
            let share = 4f64.powi(left as i32 - qubits as i32);
            let reads = condition.iter().flat_map(|condition| &condition.bits).fold(0, |all, &bit| all | flag(bit));
            list.push(StageOutline { reads, conditional: condition.is_some(), share, action });
        };
        for (at, step) in parts.body.iter().enumerate() {
            let condition = step.condition();
            let is_block = !matches!(step, Step::Measure { .. } | Step::Assign { .. });
            if condition != current || !is_block {
                push(std::mem::replace(&mut current, condition), here, ActionOutline::Blocks(blocks.cut()));
                here = left[if is_block { at } else { at + 1 }];
            }
            match step {
                Step::Gate(op) => blocks.gate(op, input_slots),
                Step::Noise { qubits, .. } => blocks.map(qubits),
                Step::Reset { qubit, .. } => blocks.map(&[*qubit]),
                Step::Measure { bit, .. } => push(condition, left[at], ActionOutline::Measure { bit: *bit }),
                Step::Assign { bit, .. } => push(condition, left[at], ActionOutline::Assign { bit: *bit }),
            }
        }
        push(current, here, ActionOutline::Blocks(blocks.cut()));
        let index_bytes = blocks.operands.iter().map(|operands| index_bytes(qubits, operands)).sum();
        let terminal = parts.measurements.list.iter().fold(0, |all, read| all | flag(read.bit));
        let all = (0..bits).fold(0, |all, bit| all | flag(bit));
        Self { list, kept: all & !terminal, index_bytes }
    }

    /// Blocks of all stages.
    pub fn blocks(&self) -> usize {
        let count = |stage: &StageOutline| if let ActionOutline::Blocks(count) = stage.action { count } else { 1 };
        self.list.iter().map(count).sum()
    }

    /// Measurements before the terminal ones.
    pub fn measurements(&self) -> usize {
        self.list.iter().filter(|stage| matches!(stage.action, ActionOutline::Measure { .. })).count()
    }

    /// The bits whose values are read after each stage. States that differ in others alone can be added.
    pub fn live(&self, wanted: WantedBits) -> Vec<u64> {
        let mut live = if wanted == WantedBits::Outcomes { self.kept } else { 0 };
        let mut after: Vec<u64> = self
            .list
            .iter()
            .rev()
            .map(|stage| {
                let here = live;
                if let (ActionOutline::Measure { bit } | ActionOutline::Assign { bit }, false) =
                    (stage.action, stage.conditional)
                {
                    live &= !flag(bit);
                }
                live |= stage.reads;
                here
            })
            .collect();
        after.reverse();
        after
    }

    /// How a state splits if no outcome is impossible and no more than `most` branches run side by side.
    pub fn branching(&self, wanted: WantedBits, most: usize) -> Branching {
        let (mut groups, mut waiting, mut split, mut work) = (1f64, 0f64, 0u64, 0f64);
        let mut states = self.list.first().map_or(1.0, |stage| stage.share);
        // Bits that are computed split nothing themselves: what is measured bounds the branches.
        let mut measured = 0i32;
        let count = |split: u64, measured: i32| 2f64.powi((split.count_ones() as i32).min(measured));
        for (stage, live) in self.list.iter().zip(self.live(wanted)) {
            let branches = count(split, measured);
            let share = stage.share;
            match stage.action {
                ActionOutline::Blocks(blocks) => work += share * groups * branches * blocks as f64,
                ActionOutline::Measure { bit } => {
                    if branches > 1.0 && 2.0 * branches > most as f64 {
                        let behind = share * (branches - 1.0);
                        (groups, waiting, split, measured) = (groups * branches, waiting + behind, 0, 0);
                    }
                    let before = count(split, measured);
                    work += 2.0 * share * groups * before;
                    split |= flag(bit);
                    measured += 1;
                    // One more: a branch is still there when its successors are.
                    states = states.max(waiting + share * (before.max(count(split & live, measured)) + 1.0));
                }
                ActionOutline::Assign { bit } if stage.reads & split != 0 => split |= flag(bit),
                ActionOutline::Assign { .. } => {}
            }
            split &= live;
        }
        let last_share = self.list.last().map_or(1.0, |stage| stage.share);
        Branching { states, work, last: groups * count(split, measured), last_share }
    }
}

/// A bit of a register of 64; none beyond, which no engine runs.
fn flag(bit: usize) -> u64 {
    if bit < 64 { 1 << bit } else { 0 }
}

/// Bytes of a [`PauliLayout`](crate::sim::kernel::pauli::loops::PauliLayout) in a register of so many qubits.
fn index_bytes(qubits: usize, operands: &[usize]) -> f64 {
    let power = |exponent: usize| 8.0 * 4f64.powi(exponent as i32);
    let (count, lowest) = (operands.len(), operands.iter().copied().min().unwrap_or(0));
    let high = operands.iter().filter(|&&q| q >= 2).count();
    // Operands among the two lowest qubits have a second list.
    let low = if count <= 2 && lowest < 2 && qubits >= 2 { power(qubits - 2 - high) } else { 0.0 };
    power(count) + power(qubits - count - lowest) + low
}

/// Follows which blocks the [`Fuser`](crate::sim::kernel::pauli::block::Fuser) makes.
struct BlockCount {
    /// Operands of each block of the stage, `None` for those that another took in.
    blocks: Vec<Option<Vec<usize>>>,
    /// The block that the next map on each qubit may join.
    open: Vec<Option<usize>>,
    /// Operands of the blocks of all stages so far.
    operands: BTreeSet<Vec<usize>>,
}

impl BlockCount {
    fn new(qubits: usize) -> Self {
        Self { blocks: Vec::new(), open: vec![None; qubits], operands: BTreeSet::new() }
    }

    /// Ends a stage: how many blocks it has.
    fn cut(&mut self) -> usize {
        self.open.fill(None);
        let blocks: Vec<Vec<usize>> = std::mem::take(&mut self.blocks).into_iter().flatten().collect();
        let count = blocks.len();
        self.operands.extend(blocks);
        count
    }

    fn gate(&mut self, op: &Op, input_slots: usize) {
        let by_row = |param: &Param| param.dependence().is_some_and(|(slot, _)| slot < input_slots);
        if matches!(op.kind, OpKind::GlobalPhase(_)) {
            return;
        }
        if op.qubits.len() > 2 || op.params().iter().any(by_row) {
            self.blocks.push(Some(op.qubits.to_vec()));
            op.qubits.iter().for_each(|&q| self.open[q] = None);
            return;
        }
        self.map(&op.qubits);
    }

    fn map(&mut self, qubits: &[usize]) {
        let first = self.open[qubits[0]];
        if first.is_some() && qubits.iter().all(|&q| self.open[q] == first) {
            return;
        }
        if qubits.len() == 2 {
            for &qubit in qubits {
                let block = self.open[qubit].map(|at| &mut self.blocks[at]);
                block.into_iter().filter(|block| block.as_ref().is_some_and(|b| b.len() == 1)).for_each(|b| *b = None);
            }
        }
        qubits.iter().for_each(|&q| self.open[q] = Some(self.blocks.len()));
        self.blocks.push(Some(qubits.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{Circuit, Gate};
    use crate::noise::Program;
    use crate::noise::channel::amplitude_damping;
    use crate::sim::stages::{Action, Stages};

    /// A program with gates on one to three qubits, slots, noise, resets, measurements and conditions.
    fn program() -> Program {
        let mut circuit = Circuit::with_bits(4, 3);
        let (input, weight) = (circuit.slot("input"), circuit.slot("weight"));
        circuit.push(Gate::Rx, &[0], &[input]).unwrap().push(Gate::H, &[1], &[]).unwrap();
        circuit.push(Gate::Cx, &[0, 1], &[]).unwrap().push(Gate::Ry, &[1], &[weight]).unwrap();
        circuit.push(Gate::Cx, &[1, 0], &[]).unwrap().push(Gate::Ccx, &[0, 1, 2], &[]).unwrap();
        circuit.push(Gate::H, &[3], &[]).unwrap().push(Gate::Cz, &[2, 3], &[]).unwrap();
        let mut program = Program::ideal(&circuit, &[]);
        let on = |bit| Some(Condition { bits: vec![bit], value: 1 });
        let gate = |gate, qubits: &[usize], condition| Step::Gate(Op { condition, ..Op::gate(gate, qubits, &[]) });
        let damping = amplitude_damping(0.1).unwrap();
        let measure = |qubit, bit, condition| Step::Measure { qubit, bit, confusion: None, condition };
        program.steps.extend([
            Step::Noise { channel: damping, qubits: vec![3], condition: None },
            measure(0, 0, None),
            gate(Gate::X, &[1], on(0)),
            gate(Gate::H, &[0], None),
            measure(1, 1, on(0)),
            Step::Reset { qubit: 1, condition: None },
            measure(0, 0, None),
            gate(Gate::X, &[2], on(0)),
            measure(0, 2, None),
            gate(Gate::X, &[0], on(1)),
            measure(3, 2, None),
        ]);
        program
    }

    #[test]
    fn it_counts_the_blocks_that_engines_run() {
        let program = program();
        for input_slots in 0..=2 {
            let parts = ProgramParts::of(&program);
            let outline = Outline::of(&parts, (program.qubits(), program.bits), input_slots);
            let stages = Stages::<f64>::of(&program, input_slots);
            let actions = stages.list.iter().map(|stage| match &stage.action {
                Action::Blocks(blocks) => ActionOutline::Blocks(blocks.len()),
                &Action::Measure { bit, .. } => ActionOutline::Measure { bit },
                &Action::Assign { bit, .. } => ActionOutline::Assign { bit },
            });
            let expected: Vec<ActionOutline> = actions.collect();
            let found: Vec<ActionOutline> = outline.list.iter().map(|stage| stage.action).collect();
            assert_eq!(found, expected, "{input_slots} input slots");
        }
    }

    #[test]
    fn states_split_by_bits_that_are_still_read() {
        let program = program();
        let outline = Outline::of(&ProgramParts::of(&program), (4, 3), 0);
        // Bit 0 is read until its second value is, bit 1 until the end; the third measurement of qubit 0 is overwritten.
        let alone = outline.branching(WantedBits::Nothing, 64);
        assert_eq!((alone.states, alone.last), (5.0, 1.0));
        // Bits 0 and 1 are wanted at the end, bit 2 is written by a terminal measurement.
        let wanted = outline.branching(WantedBits::Outcomes, 64);
        assert_eq!((wanted.states, wanted.last), (5.0, 4.0));
        // Two at a time: each of two branches goes on alone.
        let grouped = outline.branching(WantedBits::Outcomes, 2);
        assert!(grouped.states <= 6.0 && grouped.last >= wanted.last, "{grouped:?}");
        assert!(grouped.work >= wanted.work, "{grouped:?}");
    }
}
