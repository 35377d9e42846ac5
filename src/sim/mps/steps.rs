//! A program as unitaries, draws of operators, measurements and classical bits.

use std::sync::Arc;

use super::NAME;
use super::chain::{Chain, drawn};
use crate::circuit::{Condition, Op, OpKind};
use crate::math::matrix::{dagger, distance, identity};
use crate::math::{C64, Matrix, Stream};
use crate::noise::{Channel, Confusion, Program, Step};
use crate::sim::SimError;
use crate::sim::readout::{ProgramParts, TerminalMeasurements};

/// Gates on more qubits, controls apart, are not run: a block of k sites has 2^k times as many numbers.
pub const MOST_OPERANDS: usize = 5;

/// What a step does.
pub enum Act {
    /// A gate without slots.
    Fixed(Arc<Matrix>),
    /// A gate with slots.
    Gate(Op),
    /// One of some operators is drawn.
    Draw(Arc<Operators>),
    Measure {
        bit: usize,
        confusion: Option<Confusion>,
    },
    Assign {
        bit: usize,
        value: bool,
    },
    Reset,
}

/// One step of a program.
pub struct ChainStep {
    pub act: Act,
    /// Controls first.
    pub qubits: Vec<usize>,
    /// Controls that are no part of the matrix.
    pub controls: usize,
    pub condition: Option<Condition>,
}

/// Kraus operators of a channel.
pub struct Operators {
    all: Vec<Matrix>,
    /// Probabilities of operators that are unitary up to a factor, and the unitaries: the same for all states. Those on two
    /// qubits are taken apart where they are products.
    mixture: Option<(Vec<f64>, Vec<Unitary>)>,
}

enum Unitary {
    Identity,
    Local(Vec<(usize, Matrix)>),
    Whole(Matrix),
}

/// A program up to its terminal measurements.
pub struct ChainProgram {
    pub steps: Vec<ChainStep>,
    pub measurements: TerminalMeasurements,
    pub bits: usize,
    /// Whether states and classical bits depend on draws.
    pub draws: bool,
}

impl Operators {
    fn of(channel: &Channel) -> Self {
        let all = channel.operators().to_vec();
        let size = all.first().map_or(1, Matrix::nrows);
        let weighted: Option<Vec<(f64, Unitary)>> = all.iter().map(|k| weighted(k, size)).collect();
        Self { mixture: weighted.map(|list| list.into_iter().unzip()), all }
    }

    fn apply(&self, chain: &mut Chain, qubits: &[usize], stream: &mut Stream, toward: usize) {
        let Some((weights, unitaries)) = &self.mixture else {
            chain.draw(qubits, &self.all, stream, toward);
            return;
        };
        match &unitaries[drawn(weights, stream)] {
            Unitary::Identity => {}
            Unitary::Local(list) => list.iter().for_each(|(k, m)| chain.apply(&[qubits[*k]], m, toward)),
            Unitary::Whole(m) => chain.apply(qubits, m, toward),
        }
    }
}

/// An operator as a probability and a unitary; `None` if it is none.
fn weighted(k: &Matrix, size: usize) -> Option<(f64, Unitary)> {
    let square = dagger(k).dot(k);
    let weight = square.diag().sum().re / size as f64;
    if distance(&square, &(identity(size) * C64::from(weight))) > 1e-14 {
        return None;
    }
    if weight == 0.0 {
        return Some((0.0, Unitary::Identity));
    }
    let unitary = k.mapv(|z| z / weight.sqrt());
    let phase = unitary[[0, 0]];
    if distance(&unitary, &(identity(size) * phase)) < 1e-15 {
        return Some((weight, Unitary::Identity));
    }
    Some((weight, product(&unitary).map_or(Unitary::Whole(unitary), Unitary::Local)))
}

/// A unitary on two qubits as one on each, if it is such a product: `m[2i + j, 2k + l] = high[i, k] low[j, l]`.
fn product(m: &Matrix) -> Option<Vec<(usize, Matrix)>> {
    if m.nrows() != 4 {
        return None;
    }
    let ((row, column), pivot) = m.indexed_iter().max_by(|a, b| a.1.norm().total_cmp(&b.1.norm()))?;
    let low = Matrix::from_shape_fn((2, 2), |(j, l)| m[[(row & 2) | j, (column & 2) | l]]);
    let high = Matrix::from_shape_fn((2, 2), |(i, k)| m[[(2 * i) | (row & 1), (2 * k) | (column & 1)]] / pivot);
    if distance(&ndarray::linalg::kron(&high, &low), m) > 1e-14 {
        return None;
    }
    // Both are unitary up to a factor; their product is unitary.
    let scale = low.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt() / 2f64.sqrt();
    Some(vec![(0, low.mapv(|z| z / scale)), (1, high.mapv(|z| z * scale))])
}

impl ChainProgram {
    /// # Errors
    /// If a step acts on more qubits than a block of sites has.
    pub fn new(program: &Program) -> Result<Self, SimError> {
        let parts = ProgramParts::of(program);
        let mut steps = Vec::with_capacity(parts.body.len());
        for step in &parts.body {
            let mut controls = 0;
            let (act, qubits) = match step {
                Step::Gate(op) if matches!(op.kind, OpKind::GlobalPhase(_)) => continue,
                Step::Gate(op) if op.qubits.len() > MOST_OPERANDS => {
                    let (switches, own) = op.without_controls();
                    if own.qubits.len() > MOST_OPERANDS {
                        let step = format!("{} on {} qubits", op.name(), own.qubits.len());
                        let instead = "decompose it into gates on at most five (transpile it for a device), or use statevector \
                                       or density";
                        return Err(SimError::Unsupported { engine: NAME, step, instead });
                    }
                    controls = switches.len();
                    let act = match own.params().iter().any(|param| param.dependence().is_some()) {
                        true => Act::Gate(own),
                        false => match own.matrix(&[]) {
                            Some(matrix) => Act::Fixed(Arc::new(matrix)),
                            None => continue,
                        },
                    };
                    (act, op.qubits.to_vec())
                }
                Step::Gate(op) if op.params().iter().any(|param| param.dependence().is_some()) => {
                    (Act::Gate(op.clone()), op.qubits.to_vec())
                }
                Step::Gate(op) => match op.matrix(&[]) {
                    Some(matrix) => (Act::Fixed(Arc::new(matrix)), op.qubits.to_vec()),
                    None => continue,
                },
                Step::Noise { channel, qubits, .. } => (Act::Draw(Arc::new(Operators::of(channel))), qubits.clone()),
                Step::Measure { qubit, bit, confusion, .. } => {
                    (Act::Measure { bit: *bit, confusion: *confusion }, vec![*qubit])
                }
                Step::Assign { bit, value, .. } => (Act::Assign { bit: *bit, value: *value }, Vec::new()),
                Step::Reset { qubit, .. } => (Act::Reset, vec![*qubit]),
            };
            steps.push(ChainStep { act, qubits, controls, condition: step.condition().cloned() });
        }
        let draws =
            steps.iter().any(|step| !matches!(step.act, Act::Fixed(_) | Act::Gate(_)) || step.condition.is_some());
        if parts.dynamic().is_none() {
            steps = in_sweeps(steps, program.qubits());
        }
        Ok(Self { steps, measurements: parts.measurements, bits: program.bits, draws })
    }

    /// Matrices of the gates at the angles of a row.
    pub fn bind(&self, angles: &[f64]) -> Vec<Option<Arc<Matrix>>> {
        let matrix = |step: &ChainStep| match &step.act {
            Act::Fixed(matrix) => Some(Arc::clone(matrix)),
            Act::Gate(op) => op.matrix(angles).map(Arc::new),
            _ => None,
        };
        self.steps.iter().map(matrix).collect()
    }

    /// Runs from |0…0⟩ to the terminal measurements; returns the classical bits.
    pub fn run(&self, matrices: &[Option<Arc<Matrix>>], chain: &mut Chain, stream: &mut Stream) -> Vec<bool> {
        let mut bits = vec![false; self.bits];
        // Where the centre is wanted next.
        let mut toward = vec![0; self.steps.len()];
        let mut next = self.steps.last().and_then(|step| step.qubits.first().copied()).unwrap_or(0);
        for (k, step) in self.steps.iter().enumerate().rev() {
            toward[k] = next;
            if step.qubits.len() > 1 || matches!(step.act, Act::Draw(_) | Act::Measure { .. } | Act::Reset) {
                next = step.qubits[0];
            }
        }
        for ((step, matrix), toward) in self.steps.iter().zip(matrices).zip(toward) {
            if step.condition.as_ref().is_some_and(|condition| !condition.is_met(|bit| bits[bit])) {
                continue;
            }
            match (&step.act, matrix) {
                (_, Some(matrix)) if step.controls > 0 => {
                    let (controls, own) = step.qubits.split_at(step.controls);
                    chain.apply_controlled(controls, own, matrix, toward);
                }
                (_, Some(matrix)) => chain.apply(&step.qubits, matrix, toward),
                (Act::Draw(operators), None) => operators.apply(chain, &step.qubits, stream, toward),
                (Act::Measure { bit, confusion }, None) => {
                    let value = chain.measure(step.qubits[0], stream);
                    bits[*bit] = value ^ misread(*confusion, value, stream);
                }
                (Act::Assign { bit, value }, None) => bits[*bit] = *value,
                (Act::Reset, None) => {
                    if chain.measure(step.qubits[0], stream) {
                        let flip = Matrix::from_shape_fn((2, 2), |(i, j)| C64::from(f64::from(u8::from(i != j))));
                        chain.apply(&step.qubits, &flip, toward);
                    }
                }
                // Gates have a matrix.
                (Act::Fixed(_) | Act::Gate(_), None) => {}
            }
        }
        bits
    }

    /// What a shot records whose qubits hold `values`: terminal measurements with their errors, over `bits`.
    pub fn record(&self, values: &[bool], bits: &mut [bool], stream: &mut Stream) {
        let list = &self.measurements.list;
        let mut read: Vec<bool> =
            list.iter().map(|m| values[m.qubit] ^ misread(m.confusion, values[m.qubit], stream)).collect();
        for &(a, b, matrix) in &self.measurements.pairs {
            let truth = usize::from(read[a]) | usize::from(read[b]) << 1;
            let recorded = drawn(&matrix[truth], stream);
            (read[a], read[b]) = (recorded & 1 == 1, recorded >> 1 == 1);
        }
        list.iter().zip(read).for_each(|(m, value)| bits[m.bit] = value);
    }
}

fn misread(confusion: Option<Confusion>, value: bool, stream: &mut Stream) -> bool {
    confusion.is_some_and(|confusion| stream.uniform() < confusion.flips()[usize::from(value)])
}

/// The same steps with those on different qubits in another order: level by level, to the right and to the left in turn, so
/// that the centre of the chain goes along.
fn in_sweeps(steps: Vec<ChainStep>, qubits: usize) -> Vec<ChainStep> {
    let (mut level, mut place): (Vec<usize>, Vec<usize>) = (vec![0; qubits], (0..qubits).collect());
    let mut sorted: Vec<(usize, usize, ChainStep)> = Vec::with_capacity(steps.len());
    for step in steps {
        if step.qubits.len() > 1 && !matches!(step.act, Act::Draw(_)) {
            let next = 1 + step.qubits.iter().map(|&qubit| level[qubit]).max().unwrap_or(0);
            let first = step.qubits.iter().min().copied().unwrap_or(0);
            step.qubits.iter().for_each(|&qubit| (level[qubit], place[qubit]) = (next, first));
        } else if step.qubits.len() > 1 {
            // Noise on several qubits stays behind all that any of them waits for, and before what waits for it.
            let same =
                step.qubits.iter().all(|&q| (level[q], place[q]) == (level[step.qubits[0]], place[step.qubits[0]]));
            if !same {
                let next = 1 + step.qubits.iter().map(|&qubit| level[qubit]).max().unwrap_or(0);
                let first = step.qubits.iter().min().copied().unwrap_or(0);
                step.qubits.iter().for_each(|&qubit| (level[qubit], place[qubit]) = (next, first));
            }
        }
        let Some(&qubit) = step.qubits.first() else { continue };
        sorted.push((level[qubit], place[qubit], step));
    }
    let key =
        |(level, place, _): &(usize, usize, ChainStep)| (*level, if level % 2 == 1 { *place } else { qubits - place });
    sorted.sort_by_key(key);
    sorted.into_iter().map(|(_, _, step)| step).collect()
}
