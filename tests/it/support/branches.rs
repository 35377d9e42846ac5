//! A slow simulator written from the definitions: full matrices, one branch per measurement outcome, no code shared with
//! the engines.

use qgraft::circuit::{Condition, Observable, Op, OpKind, PauliString};
use qgraft::math::matrix::{Matrix, c, dagger, identity, real, square, tensor};
use qgraft::noise::{Confusion, Program, Step};

/// `(m on qubits) · rho`, the embedding of `m` written out: it is zero unless all other qubits agree.
fn on_rows(m: &Matrix, qubits: &[usize], rho: &Matrix) -> Matrix {
    let local = |index: usize| qubits.iter().enumerate().fold(0, |sum, (k, &q)| sum + ((index >> q & 1) << k));
    let embedded = |index: usize, bits: usize| {
        qubits.iter().enumerate().fold(index, |index, (k, &q)| index & !(1 << q) | (bits >> k & 1) << q)
    };
    Matrix::from_shape_fn(rho.dim(), |(row, column)| {
        (0..m.ncols()).map(|bits| m[[local(row), bits]] * rho[[embedded(row, bits), column]]).sum()
    })
}

/// Unnormalised density matrices by the value of the classical register.
pub fn run(program: &Program, angles: &[f64]) -> Vec<(u64, Matrix)> {
    let total = program.qubits();
    let mut ground = Matrix::zeros((1 << total, 1 << total));
    ground[[0, 0]] = c(1.0, 0.0);
    let mut branches = vec![(0u64, ground)];
    let one = |bits: [f64; 2]| real([[bits[0], 0.0], [0.0, bits[1]]]);
    for step in &program.steps {
        let condition = match step {
            Step::Gate(op) => &op.condition,
            Step::Noise { condition, .. }
            | Step::Measure { condition, .. }
            | Step::Assign { condition, .. }
            | Step::Reset { condition, .. } => condition,
        };
        let holds = |bits: u64| {
            condition.as_ref().is_none_or(|Condition { bits: tested, value }| {
                tested.iter().enumerate().all(|(k, bit)| bits >> bit & 1 == value >> k & 1)
            })
        };
        let (met, unmet): (Vec<_>, Vec<_>) = branches.into_iter().partition(|(bits, _)| holds(*bits));
        branches = unmet;
        for (bits, rho) in met {
            let map = |kraus: &[Matrix], qubits: &[usize]| {
                kraus.iter().fold(Matrix::zeros(rho.dim()), |sum, k| {
                    let half = on_rows(k, qubits, &rho);
                    // K ρ K† = (K (K ρ)†)†, since ρ is Hermitian.
                    sum + dagger(&on_rows(k, qubits, &dagger(&half)))
                })
            };
            match step {
                Step::Gate(Op { kind: OpKind::GlobalPhase(_), .. }) => branches.push((bits, rho)),
                Step::Gate(op) => branches.push((bits, map(&[op.matrix(angles).unwrap()], &op.qubits))),
                Step::Noise { channel, qubits, .. } => branches.push((bits, map(channel.operators(), qubits))),
                Step::Assign { bit, value, .. } => {
                    branches.push((bits & !(1 << bit) | u64::from(*value) << bit, rho));
                }
                Step::Reset { qubit, .. } => {
                    let lower = real([[0.0, 1.0], [0.0, 0.0]]);
                    branches.push((bits, map(&[one([1.0, 0.0]), lower], &[*qubit])));
                }
                Step::Measure { qubit, bit, confusion, .. } => {
                    let flips = confusion.map_or([0.0, 0.0], |c| [c.one_given_zero.get(), c.zero_given_one.get()]);
                    for outcome in 0..2usize {
                        let projected = map(&[one([[1.0, 0.0], [0.0, 1.0]][outcome])], &[*qubit]);
                        for flipped in 0..2usize {
                            let p = if flipped == 1 { flips[outcome] } else { 1.0 - flips[outcome] };
                            let written = bits & !(1 << bit) | ((outcome ^ flipped) as u64) << bit;
                            branches.push((written, &projected * c(p, 0.0)));
                        }
                    }
                }
            }
        }
        // One matrix per register value is enough.
        branches.sort_by_key(|(bits, _)| *bits);
        branches = branches.into_iter().fold(Vec::new(), |mut merged: Vec<(u64, Matrix)>, (bits, rho)| {
            match merged.last_mut() {
                Some((last, sum)) if *last == bits => *sum += &rho,
                _ => merged.push((bits, rho)),
            }
            merged
        });
    }
    branches
}

/// The density matrix at the end, whatever the classical bits.
pub fn density(branches: &[(u64, Matrix)]) -> Matrix {
    branches.iter().map(|(_, rho)| rho.clone()).reduce(|sum, rho| sum + rho).unwrap()
}

/// The full matrix of a Pauli string whose letters are replaced by `a σ + b`.
fn recorded_string(program: &Program, string: &PauliString) -> Matrix {
    let (zero, i) = (c(0.0, 0.0), c(0.0, 1.0));
    (0..program.qubits()).fold(identity(1), |low, qubit| {
        let (a, b) = program.readout[qubit].map_or((1.0, 0.0), Confusion::on_z);
        let letter = match string.letter(qubit) {
            'I' => return tensor(&low, &identity(2)),
            'X' => real([[0.0, 1.0], [1.0, 0.0]]),
            'Y' => square([[zero, -i], [i, zero]]),
            _ => real([[1.0, 0.0], [0.0, -1.0]]),
        };
        tensor(&low, &(letter * c(a, 0.0) + identity(2) * c(b, 0.0)))
    })
}

/// Expectation value of the recorded bits in the final state.
pub fn expect(program: &Program, rho: &Matrix, observable: &Observable) -> f64 {
    // tr(P ρ) entry by entry.
    let value = |string| (recorded_string(program, string).t().to_owned() * rho).sum().re;
    observable.terms.iter().map(|(weight, string)| weight * value(string)).sum()
}

/// Over the classical bits if the program measures, else over its qubits.
pub fn probabilities(program: &Program, branches: &[(u64, Matrix)]) -> Vec<f64> {
    if !program.measures() {
        return density(branches).diag().iter().map(|z| z.re).collect();
    }
    let mut p = vec![0.0; 1 << program.outcome_bits()];
    let outcome = p.len() - 1;
    for (bits, rho) in branches {
        p[*bits as usize & outcome] += rho.diag().sum().re;
    }
    p
}
