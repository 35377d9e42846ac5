//! The course of a program without its numbers: how many blocks it becomes, and how many states the values of its
//! classical register split it into.

use crate::circuit::{Condition, Op, OpKind, Param};
use crate::noise::Step;
use crate::sim::readout::ProgramParts;

/// One entry of [`Stages::list`](crate::sim::stages::Stages).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageOutline {
    /// Classical bits that decide whether it happens.
    reads: u64,
    /// Whether there are such bits.
    conditional: bool,
    /// What it does.
    pub action: ActionOutline,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ActionOutline {
    /// So many fused blocks.
    Blocks(usize),
    /// A measurement into this bit.
    Measure { bit: usize },
}

/// A program before its terminal measurements, stage by stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    pub list: Vec<StageOutline>,
    /// Classical bits that no terminal measurement writes.
    kept: u64,
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
    /// States held at the same time.
    pub states: f64,
    /// Blocks and measurements, summed over the branches that they act on.
    pub work: f64,
    /// Branches at the end.
    pub last: f64,
}

impl Outline {
    /// Of a program on so many qubits and bits, of which slots below `input_slots` differ by row.
    pub fn of(parts: &ProgramParts, (qubits, bits): (usize, usize), input_slots: usize) -> Self {
        let mut list = Vec::new();
        let mut blocks = BlockCount::new(qubits);
        let mut current: Option<&Condition> = None;
        let mut push = |condition: Option<&Condition>, action| {
            let reads = condition.iter().flat_map(|condition| &condition.bits).fold(0, |all, &bit| all | flag(bit));
            list.push(StageOutline { reads, conditional: condition.is_some(), action });
        };
        for step in &parts.body {
            let condition = match step {
                Step::Gate(op) => &op.condition,
                Step::Noise { condition, .. } | Step::Measure { condition, .. } | Step::Reset { condition, .. } => {
                    condition
                }
            };
            let condition = condition.as_ref();
            if condition != current || matches!(step, Step::Measure { .. }) {
                let done = std::mem::replace(&mut blocks, BlockCount::new(qubits));
                push(std::mem::replace(&mut current, condition), ActionOutline::Blocks(done.count));
            }
            match step {
                Step::Gate(op) => blocks.gate(op, input_slots),
                Step::Noise { qubits, .. } => blocks.map(qubits),
                Step::Reset { qubit, .. } => blocks.map(&[*qubit]),
                Step::Measure { bit, .. } => push(condition, ActionOutline::Measure { bit: *bit }),
            }
        }
        push(current, ActionOutline::Blocks(blocks.count));
        let terminal = parts.measurements.list.iter().fold(0, |all, read| all | flag(read.bit));
        let all = (0..bits).fold(0, |all, bit| all | flag(bit));
        Self { list, kept: all & !terminal }
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
        let mut after: Vec<u64> = self.list.iter().rev().map(|stage| {
            let here = live;
            if let (ActionOutline::Measure { bit }, false) = (stage.action, stage.conditional) {
                live &= !flag(bit);
            }
            live |= stage.reads;
            here
        }).collect();
        after.reverse();
        after
    }

    /// How a state splits if no outcome is impossible and no more than `most` branches run side by side.
    pub fn branching(&self, wanted: WantedBits, most: usize) -> Branching {
        let (mut groups, mut waiting, mut split, mut states, mut work) = (1f64, 0f64, 0u64, 1f64, 0f64);
        for (stage, live) in self.list.iter().zip(self.live(wanted)) {
            let branches = count(split);
            match stage.action {
                ActionOutline::Blocks(blocks) => work += groups * branches * blocks as f64,
                ActionOutline::Measure { bit } => {
                    if branches > 1.0 && 2.0 * branches > most as f64 {
                        (groups, waiting, split) = (groups * branches, waiting + branches - 1.0, 0);
                    }
                    work += 2.0 * groups * count(split);
                    split |= flag(bit);
                    // The last branch is still there when its two successors are.
                    states = states.max(waiting + count(split) + 1.0);
                }
            }
            split &= live;
        }
        Branching { states, work, last: groups * count(split) }
    }
}

fn count(split: u64) -> f64 {
    2f64.powi(split.count_ones() as i32)
}

/// A bit of a register of 64; none beyond, which no engine runs.
fn flag(bit: usize) -> u64 {
    if bit < 64 { 1 << bit } else { 0 }
}

/// Counts the blocks that the [`Fuser`](crate::sim::kernel::pauli::block::Fuser) makes.
struct BlockCount {
    count: usize,
    /// The block that the next map on each qubit may join, and whether it is on that qubit alone.
    open: Vec<Option<(usize, bool)>>,
    made: usize,
}

impl BlockCount {
    fn new(qubits: usize) -> Self {
        Self { count: 0, open: vec![None; qubits], made: 0 }
    }

    fn gate(&mut self, op: &Op, input_slots: usize) {
        let by_row = |param: &Param| param.dependence().is_some_and(|(slot, _)| slot < input_slots);
        if matches!(op.kind, OpKind::GlobalPhase(_)) {
            return;
        }
        if op.qubits.len() > 2 || op.params().iter().any(by_row) {
            self.count += 1;
            op.qubits.iter().for_each(|&q| self.open[q] = None);
            return;
        }
        self.map(&op.qubits);
    }

    fn map(&mut self, qubits: &[usize]) {
        let block = |q: usize| self.open[q].map(|(block, _)| block);
        if block(qubits[0]).is_some() && qubits.iter().all(|&q| block(q) == block(qubits[0])) {
            return;
        }
        let alone = qubits.len() == 1;
        if !alone {
            self.count -= qubits.iter().filter(|&&q| self.open[q].is_some_and(|(_, alone)| alone)).count();
        }
        self.count += 1;
        self.made += 1;
        qubits.iter().for_each(|&q| self.open[q] = Some((self.made, alone)));
    }
}
