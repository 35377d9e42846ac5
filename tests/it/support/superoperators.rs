//! A slow, plainly written density-matrix evolution that shares no code with the simulators: the independent check of
//! programs. Every step is a superoperator on its operands, written out from the step's own matrices.

use std::collections::BTreeMap;

use qgraft::circuit::Condition;
use qgraft::math::Matrix;
use qgraft::math::matrix::{C64, c};
use qgraft::noise::Confusion;
use qgraft::noise::program::{Program, Step};

/// Unnormalised density matrices by recorded classical bits.
pub type Branches = BTreeMap<u64, Matrix>;

/// `Σ K ρ K†` on the operands `qubits`, first least significant, as `Σ K ⊗ K*` on the operands' indices.
pub fn act(density: &Matrix, operators: &[Matrix], qubits: &[usize]) -> Matrix {
    let size = density.nrows();
    let inner = 1usize << qubits.len();
    let index = |rest: usize, k: usize| {
        qubits.iter().enumerate().fold(rest, |index, (bit, &q)| index & !(1 << q) | ((k >> bit & 1) << q))
    };
    // What of Σ K ⊗ K* is not zero, as (to, from, value).
    let mut entries = Vec::new();
    for to in 0..inner * inner {
        for from in 0..inner * inner {
            let value: C64 =
                operators.iter().map(|k| k[[to / inner, from / inner]] * k[[to % inner, from % inner]].conj()).sum();
            if value != c(0.0, 0.0) {
                entries.push((to, from, value));
            }
        }
    }
    let mask: usize = qubits.iter().map(|q| 1 << q).sum();
    let rests: Vec<usize> = (0..size).filter(|index| index & mask == 0).collect();
    let mut out = Matrix::zeros((size, size));
    for &row in &rests {
        for &column in &rests {
            let indices: Vec<[usize; 2]> =
                (0..inner * inner).map(|k| [index(row, k / inner), index(column, k % inner)]).collect();
            for &(to, from, value) in &entries {
                out[indices[to]] += value * density[indices[from]];
            }
        }
    }
    out
}

fn holds(condition: &Option<Condition>, bits: u64) -> bool {
    let Some(Condition { bits: read, value }) = condition else { return true };
    read.iter().enumerate().all(|(k, &bit)| bits >> bit & 1 == value >> k & 1)
}

fn projector(outcome: usize) -> Matrix {
    let mut p = Matrix::zeros((2, 2));
    p[[outcome, outcome]] = c(1.0, 0.0);
    p
}

/// P(recorded | outcome).
fn recorded(confusion: &Option<Confusion>, outcome: usize, recorded: usize) -> f64 {
    let flip = confusion.map_or(0.0, |m| if outcome == 0 { m.one_given_zero.get() } else { m.zero_given_one.get() });
    if outcome == recorded { 1.0 - flip } else { flip }
}

/// All branches of `program` at these angles after the steps that `wanted` lets through, from |0…0⟩.
pub fn run(program: &Program, angles: &[f64], wanted: impl Fn(&Step) -> bool) -> Branches {
    let mut start = Matrix::zeros((1 << program.qubits(), 1 << program.qubits()));
    start[[0, 0]] = c(1.0, 0.0);
    let mut branches = Branches::from([(0, start)]);
    for step in program.steps.iter().filter(|step| wanted(step)) {
        let mut next = Branches::new();
        let mut add = |bits: u64, density: Matrix| {
            let sum = next.remove(&bits).map_or(density.clone(), |other: Matrix| other + density);
            next.insert(bits, sum);
        };
        for (bits, density) in branches {
            match step {
                Step::Gate(op) if holds(&op.condition, bits) => match op.matrix(angles) {
                    Some(matrix) => add(bits, act(&density, &[matrix], &op.qubits)),
                    None => add(bits, density),
                },
                Step::Noise { channel, qubits, condition } if holds(condition, bits) => {
                    add(bits, act(&density, channel.operators(), qubits));
                }
                Step::Reset { qubit, condition } if holds(condition, bits) => {
                    let mut lower = Matrix::zeros((2, 2));
                    lower[[0, 1]] = c(1.0, 0.0);
                    add(bits, act(&density, &[projector(0), lower], &[*qubit]));
                }
                Step::Measure { qubit, bit, confusion, condition } if holds(condition, bits) => {
                    for outcome in 0..2 {
                        let projected = act(&density, &[projector(outcome)], &[*qubit]);
                        for record in 0..2 {
                            let weight = c(recorded(confusion, outcome, record), 0.0);
                            add(bits & !(1 << bit) | (record as u64) << bit, &projected * weight);
                        }
                    }
                }
                _ => add(bits, density),
            }
        }
        branches = next;
    }
    branches
}

/// The state before any measurement, of a program that measures only at its end.
pub fn density(program: &Program, angles: &[f64]) -> Matrix {
    let branches = run(program, angles, |step| !matches!(step, Step::Measure { .. }));
    branches.into_values().next().unwrap()
}

/// P(recorded bits), index = Σ bit_c 2^c.
pub fn probabilities(program: &Program, angles: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; 1 << program.bits];
    for (bits, density) in run(program, angles, |_| true) {
        out[bits as usize] += density.diag().sum().re;
    }
    out
}

/// `density` with its qubits in another order: qubit k of the result is qubit `order[k]`.
pub fn reordered(density: &Matrix, order: &[usize]) -> Matrix {
    let old = |new: usize| order.iter().enumerate().fold(0, |index, (k, &q)| index | ((new >> k & 1) << q));
    Matrix::from_shape_fn(density.dim(), |(i, j)| density[[old(i), old(j)]])
}

/// The Pauli transfer matrix of `channels` in order on `n` qubits, `M[i][j] = tr(P_i E(P_j)) / 2ⁿ`, letters 1 X Y Z, the
/// first qubit's letter changing fastest.
pub fn transfer(n: usize, channels: &[(&[Matrix], &[usize])]) -> Vec<Vec<f64>> {
    let i = c(0.0, 1.0);
    let one = c(1.0, 0.0);
    let zero = c(0.0, 0.0);
    let letters =
        [[[one, zero], [zero, one]], [[zero, one], [one, zero]], [[zero, -i], [i, zero]], [[one, zero], [zero, -one]]];
    let string = |k: usize| {
        Matrix::from_shape_fn((1 << n, 1 << n), |(a, b)| {
            (0..n).map(|q| letters[k >> (2 * q) & 3][a >> q & 1][b >> q & 1]).product()
        })
    };
    let strings: Vec<Matrix> = (0..1 << (2 * n)).map(string).collect();
    let image = |p: &Matrix| channels.iter().fold(p.clone(), |m, (operators, on)| act(&m, operators, on));
    let images: Vec<Matrix> = strings.iter().map(image).collect();
    let entry = |p: &Matrix, e: &Matrix| p.dot(e).diag().sum().re / f64::from(1u32 << n);
    strings.iter().map(|p| images.iter().map(|e| entry(p, e)).collect()).collect()
}
