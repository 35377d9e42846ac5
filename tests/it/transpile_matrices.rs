//! Matrices of one to five qubits become native gates: as many entanglers as the formulas say.

use qgraft::circuit::{self, Circuit, Gate, Op};
use qgraft::device::Target;
use qgraft::math::matrix::{C64, c};
use qgraft::math::{Matrix, Stream};

use crate::support::equivalence::unitary;
use crate::transpile::{assert_right, level, line, target};

/// A unitary in general position: Gram-Schmidt on normal numbers.
fn random_unitary(qubits: usize, stream: &mut Stream) -> Matrix {
    let size = 1 << qubits;
    let mut rows: Vec<Vec<C64>> = Vec::new();
    while rows.len() < size {
        let mut row: Vec<C64> = (0..size).map(|_| c(stream.normal(), stream.normal())).collect();
        for earlier in &rows {
            let overlap: C64 = earlier.iter().zip(&row).map(|(e, r)| e.conj() * r).sum();
            row.iter_mut().zip(earlier).for_each(|(r, e)| *r -= overlap * e);
        }
        let norm = row.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
        rows.push(row.into_iter().map(|z| z / norm).collect());
    }
    Matrix::from_shape_fn((size, size), |(i, j)| rows[i][j])
}

#[test]
fn matrices_on_one_and_two_qubits_take_at_most_three_entanglers() {
    let mut stream = Stream::named(1, "unitary");
    for trial in 0..20 {
        let mut circuit = Circuit::new(2);
        circuit.unitary(random_unitary(1, &mut stream), &[1]).unwrap();
        circuit.unitary(random_unitary(2, &mut stream), &[1, 0]).unwrap();
        for l in 0..4 {
            let transpiled = assert_right(&circuit, &line(2), &level(l), &format!("trial {trial}, level {l}"));
            assert_eq!((transpiled.two_qubit_gates, transpiled.pulses <= 16), (3, true), "trial {trial}, level {l}");
        }
    }
}

/// `23/48·4ⁿ - 3/2·2ⁿ + 4/3` (Shende, Bullock and Markov 2006): what a unitary in general position takes.
const SHANNON: [(usize, usize); 3] = [(3, 20), (4, 100), (5, 444)];

fn complete(qubits: usize) -> Target {
    let links: Vec<_> = (0..qubits).flat_map(|a| (a + 1..qubits).map(move |b| (a, b))).collect();
    target(qubits, &links, (Gate::Cz, true))
}

#[test]
fn matrices_on_three_to_five_qubits_take_the_known_number_of_entanglers() {
    let mut stream = Stream::named(2, "unitary");
    for (qubits, known) in SHANNON {
        let mut circuit = Circuit::new(qubits);
        let operands: Vec<usize> = (0..qubits).rev().collect();
        circuit.unitary(random_unitary(qubits, &mut stream), &operands).unwrap();
        let transpiled = assert_right(&circuit, &complete(qubits), &level(1), &format!("{qubits} qubits"));
        assert_eq!(transpiled.two_qubit_gates, known, "{qubits} qubits");
        assert_right(&circuit, &line(qubits + 1), &level(1), &format!("{qubits} qubits on a line"));
    }
}

#[test]
fn structured_matrices_on_three_to_five_qubits() {
    let product = |gates: &[(Gate, &[usize])], qubits: usize| {
        // Columns: images of the basis states under the circuit.
        let mut circuit = Circuit::new(qubits);
        for (gate, on) in gates {
            circuit.push(*gate, on, &[]).unwrap();
        }
        unitary(&circuit)
    };
    let shift =
        |size: usize| Matrix::from_shape_fn((size, size), |(i, j)| c(f64::from(u8::from(i == (j + 1) % size)), 0.0));
    let cases = [
        ("identity", Matrix::eye(8)),
        ("minus identity", Matrix::eye(16).mapv(|z: C64| -z)),
        ("cyclic shift of 8", shift(8)),
        ("cyclic shift of 32", shift(32)),
        ("toffoli", product(&[(Gate::Ccx, &[2, 0, 1])], 3)),
        ("swap beside h", product(&[(Gate::Swap, &[0, 2]), (Gate::H, &[1])], 3)),
        ("ghz on 4", product(&[(Gate::H, &[3]), (Gate::Cx, &[3, 1]), (Gate::Cx, &[1, 0]), (Gate::T, &[0])], 4)),
        ("phases", Matrix::from_diag(&ndarray::Array1::from_shape_fn(16, |k| C64::from_polar(1.0, 0.3 * k as f64)))),
    ];
    for (name, matrix) in cases {
        let qubits = matrix.nrows().trailing_zeros() as usize;
        let mut circuit = Circuit::with_bits(qubits, 1);
        let operands: Vec<usize> = (0..qubits).collect();
        circuit.push(Gate::H, &[0], &[]).unwrap().measure(0, 0).unwrap();
        circuit.unitary(matrix.clone(), &operands).unwrap();
        let when = Some(circuit::Condition { bits: vec![0], value: 1 });
        circuit.append(Op { condition: when, ..Op::unitary(matrix, &operands).unwrap() }).unwrap();
        for l in [0, 3] {
            assert_right(&circuit, &line(qubits), &level(l), &format!("{name}, level {l}"));
        }
    }
}
