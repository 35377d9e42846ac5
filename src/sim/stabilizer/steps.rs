//! A program as Clifford operations, Pauli noise, measurements and resets, with its angles put in.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::sync::Arc;

use ndarray::Array2;
use smallvec::smallvec;

use super::NAME;
use super::clifford::{Clifford, MOST_OPERANDS, anticommute};
use crate::circuit::gate::GATES;
use crate::circuit::{Condition, Gate, Op, OpKind, Operands};
use crate::noise::{self, Channel, Confusion, PairConfusion, Program};
use crate::sim::SimError;
use crate::sim::readout::ProgramParts;

/// Entries of a Pauli transfer matrix below this are zero: what rounding leaves of a Pauli channel.
const TOLERANCE: f64 = 1e-12;

/// Something done to its qubits where the classical bits meet the condition.
pub struct Step {
    pub action: Action,
    pub qubits: Operands,
    pub condition: Option<Condition>,
}

pub enum Action {
    Clifford(Arc<Clifford>),
    Noise(Arc<PauliNoise>),
    Measure { bit: usize, confusion: Option<Confusion> },
    Assign { bit: usize, value: bool },
    Reset,
}

/// A Pauli channel. Strings are local, as in [`Clifford`].
pub struct PauliNoise {
    /// By string: the factor that it takes.
    pub factors: Vec<f64>,
    /// Errors other than none, each with the sum of its probability and those before it.
    pub errors: Vec<(f64, u16)>,
}

impl PauliNoise {
    /// Probability of any error.
    pub fn probability(&self) -> f64 {
        self.errors.last().map_or(0.0, |(sum, _)| *sum)
    }

    /// The error at `share` of all of them, 0 to 1.
    pub fn error(&self, share: f64) -> u16 {
        let drawn = share * self.probability();
        let position = self.errors.partition_point(|(sum, _)| *sum <= drawn);
        self.errors[position.min(self.errors.len() - 1)].1
    }

    /// From a transfer matrix that is diagonal and keeps the trace; `None` from any other.
    fn of(transfer: &Array2<f64>) -> Option<Self> {
        let size = transfer.nrows();
        let is_diagonal = |((p, q), entry): ((usize, usize), &f64)| p == q || entry.abs() < TOLERANCE;
        if !transfer.indexed_iter().all(is_diagonal) || (transfer[[0, 0]] - 1.0).abs() > TOLERANCE {
            return None;
        }
        let mut factors = vec![0.0; size];
        // Its digits count I X Y Z; a local string has bits of X and Z.
        let bits = |digits: usize| digits ^ (digits >> 1 & 0x155);
        (0..size).for_each(|string| factors[bits(string)] = transfer[[string, string]]);
        let sign = |error, string| if anticommute(error, string as u16) { -1.0 } else { 1.0 };
        let probability =
            |error: u16| (0..size).map(|string| sign(error, string) * factors[string]).sum::<f64>() / size as f64;
        let mut sum = 0.0;
        let mut errors = Vec::new();
        for error in 1..size as u16 {
            let p = probability(error);
            if p < -TOLERANCE {
                return None;
            }
            if p > f64::EPSILON {
                sum += p;
                errors.push((sum, error));
            }
        }
        Some(Self { factors, errors })
    }
}

/// A program with its angles put in, and what its outcomes are.
pub struct CliffordProgram {
    pub qubits: usize,
    /// Classical bits, those behind the register that stand for qubits included.
    pub bits: usize,
    pub steps: Vec<Step>,
    /// Bits of an outcome.
    pub outcome: Range<usize>,
    /// Misreadings of terminal measurements, by bit, …
    pub misread: Vec<(usize, Confusion)>,
    /// … and then of pairs of them.
    pub pairs: Vec<((usize, usize), PairConfusion)>,
}

impl CliffordProgram {
    /// What happens before the terminal measurements: what expectation values depend on.
    ///
    /// # Errors
    /// If a step is neither Clifford nor Pauli noise; the message names it.
    pub fn body(program: &Program, angles: &[f64]) -> Result<Self, SimError> {
        Self::read(program, &ProgramParts::of(program), angles)
    }

    fn read(program: &Program, parts: &ProgramParts, angles: &[f64]) -> Result<Self, SimError> {
        let mut reader = Reader::default();
        // Room for measurements: to move many steps takes longer than to read them.
        let mut steps = Vec::with_capacity(parts.body.len() + program.qubits());
        for step in &parts.body {
            steps.extend(reader.step(step, angles)?);
        }
        Ok(Self {
            qubits: program.qubits(),
            bits: program.bits,
            steps,
            outcome: 0..0,
            misread: Vec::new(),
            pairs: Vec::new(),
        })
    }

    /// Number of steps up to the last that moves strings of qubits: behind it there are only Paulis and measurements.
    pub fn changes(&self) -> usize {
        let moves = |step: &Step| match &step.action {
            Action::Clifford(clifford) => clifford.as_pauli().is_none(),
            Action::Reset => true,
            Action::Noise(_) | Action::Measure { .. } | Action::Assign { .. } => false,
        };
        self.steps.iter().rposition(moves).map_or(0, |last| last + 1)
    }

    /// How its shots are drawn.
    pub fn sampling(&self) -> Sampling {
        Sampling::of(&self.steps)
    }

    /// The same with the measurements that make outcomes: those of the program, else one of each qubit into a bit behind the
    /// register.
    ///
    /// # Errors
    /// As [`CliffordProgram::body`].
    pub fn with_outcomes(program: &Program, angles: &[f64]) -> Result<Self, SimError> {
        let parts = ProgramParts::of(program);
        let mut whole = Self::read(program, &parts, angles)?;
        let measure = |qubit, bit| Step {
            action: Action::Measure { bit, confusion: None },
            qubits: smallvec![qubit],
            condition: None,
        };
        if !program.measures() {
            whole.steps.extend((0..whole.qubits).map(|qubit| measure(qubit, whole.bits + qubit)));
            whole.outcome = whole.bits..whole.bits + whole.qubits;
            whole.bits = whole.outcome.end;
            return Ok(whole);
        }
        let list = parts.measurements.list;
        whole.outcome = 0..program.outcome_bits();
        whole.misread = list.iter().filter_map(|read| Some((read.bit, read.confusion?))).collect();
        let bit = |qubit| Some(list.iter().find(|read| read.qubit == qubit)?.bit);
        let pair = |pair: &noise::PairReadout| Some(((bit(pair.qubits.0)?, bit(pair.qubits.1)?), pair.confusion));
        whole.pairs = program.correlated.iter().filter_map(pair).collect();
        // In the order of the program: bits that two of them write keep the last value.
        whole.steps.extend(list.iter().rev().map(|read| measure(read.qubit, read.bit)));
        Ok(whole)
    }
}

/// How shots of a program are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// Side by side, as differences from one run.
    Frames,
    /// Each by itself: where a condition decides something else than a Pauli or noise, shots that differ in it have no run in
    /// common.
    Tableaux,
}

impl Sampling {
    fn of<'a>(steps: impl IntoIterator<Item = &'a Step>) -> Self {
        let has_common_run = |step: &Step| match (&step.action, &step.condition) {
            (_, None) | (Action::Noise(_) | Action::Assign { .. }, _) => true,
            (Action::Clifford(clifford), Some(_)) => clifford.as_pauli().is_some(),
            (Action::Measure { .. } | Action::Reset, Some(_)) => false,
        };
        if steps.into_iter().all(has_common_run) { Self::Frames } else { Self::Tableaux }
    }

    /// How those of a program are drawn that the engine runs whatever its angles are; `None` for others.
    pub fn of_program(program: &Program) -> Option<Self> {
        let is_fixed = |step: &noise::Step| match step {
            noise::Step::Gate(op) => op.params().iter().all(|param| param.dependence().is_none()),
            _ => true,
        };
        let mut reader = Reader::default();
        let mut found = Self::Frames;
        for step in &program.steps {
            let step = if is_fixed(step) { reader.step(step, &[]).ok()? } else { return None };
            if Self::of(&step) == Self::Tableaux {
                found = Self::Tableaux;
            }
        }
        Some(found)
    }
}

/// Angles of a gate at most.
const MOST_ANGLES: usize = 4;
const _: () = {
    let mut row = 0;
    while row < GATES.len() {
        assert!(GATES[row].params.len() <= MOST_ANGLES);
        row += 1;
    }
};

/// A hash of few words: the usual one takes longer than all else that is done for a gate.
#[derive(Default)]
struct WordHasher(u64);

impl Hasher for WordHasher {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    /// Multiplication by an odd number near 2⁶⁴ over the golden ratio (Knuth, The Art of Computer Programming 3, 6.4).
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.write_u64(word as u64);
    }
}

/// A gate, how many controls it has, and its angles. An array: comparing empty vectors takes longer than all else for plain gates.
type GateKey = (Gate, usize, [u64; MOST_ANGLES]);

/// Turns steps of a program into ours. The same gates and channels come again and again.
#[derive(Default)]
struct Reader {
    gates: HashMap<GateKey, Option<Arc<Clifford>>, BuildHasherDefault<WordHasher>>,
    /// By the place of the operators, which clones of a channel share.
    channels: HashMap<usize, Option<Arc<PauliNoise>>>,
}

impl Reader {
    fn step(&mut self, step: &noise::Step, angles: &[f64]) -> Result<Option<Step>, SimError> {
        let (action, qubits, condition) = match step {
            noise::Step::Gate(op) => match self.gate(op, angles)? {
                Some(clifford) => (Action::Clifford(clifford), op.qubits.clone(), &op.condition),
                None => return Ok(None),
            },
            noise::Step::Noise { channel, qubits, condition } => (self.channel(channel)?, qubits[..].into(), condition),
            noise::Step::Measure { qubit, bit, confusion, condition } => {
                (Action::Measure { bit: *bit, confusion: *confusion }, smallvec![*qubit], condition)
            }
            noise::Step::Assign { bit, value, condition } => {
                (Action::Assign { bit: *bit, value: *value }, smallvec![], condition)
            }
            noise::Step::Reset { qubit, condition } => (Action::Reset, smallvec![*qubit], condition),
        };
        Ok(Some(Step { action, qubits, condition: condition.clone() }))
    }

    /// `None` for what changes nothing.
    fn gate(&mut self, op: &Op, angles: &[f64]) -> Result<Option<Arc<Clifford>>, SimError> {
        let read = |op: &Op| {
            let small = op.qubits.len() <= MOST_OPERANDS;
            small.then(|| op.matrix(angles)).flatten().and_then(|matrix| Clifford::of(&matrix)).map(Arc::new)
        };
        let clifford = match &op.kind {
            OpKind::GlobalPhase(_) => return Ok(None),
            OpKind::Gate { gate, params, controls } => {
                let mut bits = [0; MOST_ANGLES];
                bits.iter_mut().zip(params).for_each(|(bits, param)| *bits = param.value(angles).to_bits());
                self.gates.entry((*gate, *controls, bits)).or_insert_with(|| read(op)).clone()
            }
            _ => read(op),
        };
        match clifford {
            Some(clifford) => Ok(Some(clifford).filter(|clifford| !clifford.is_identity())),
            None => Err(refused_gate(op, angles)),
        }
    }

    fn channel(&mut self, channel: &Channel) -> Result<Action, SimError> {
        let operators = channel.operators();
        let read = || PauliNoise::of(&channel.pauli_transfer()).map(Arc::new);
        if let Some(noise) = self.channels.entry(operators.as_ptr() as usize).or_insert_with(read) {
            return Ok(Action::Noise(Arc::clone(noise)));
        }
        // Coherent errors by quarter turns are gates.
        let clifford = if operators.len() == 1 { Clifford::of(&operators[0]) } else { None };
        clifford.map(|clifford| Action::Clifford(Arc::new(clifford))).ok_or_else(|| SimError::Unsupported {
            engine: NAME,
            step: format!("{}, which is no Pauli channel", channel.name()),
            instead: "twirl the noise (`--twirl`, `sim::mitigate::all_twirled`), or use density, trajectory or sparse",
        })
    }
}

fn refused_gate(op: &Op, angles: &[f64]) -> SimError {
    let values: Vec<String> = op.params().iter().map(|param| param.value(angles).to_string()).collect();
    let at = if values.is_empty() { String::new() } else { format!("({})", values.join(", ")) };
    let (what, instead) = match op.qubits.len() > MOST_OPERANDS {
        true => (format!("on {} qubits", op.qubits.len()), "decompose it into gates on at most five"),
        false => ("which is no Clifford operation".into(), "use another engine, or angles that are multiples of π/2"),
    };
    SimError::Unsupported { engine: NAME, step: format!("{}{at}, {what}", op.name()), instead }
}
