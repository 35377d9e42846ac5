//! yao-rs: `expect_grad`, a row at a time, of ΣZ.

use num_complex::Complex64;
use yao_rs::ad::expect_grad;
use yao_rs::circuit::{Circuit, control, put};
use yao_rs::gate::Gate;
use yao_rs::operator::{Op, OperatorPolynomial, OperatorString};
use yao_rs::register::ArrayReg;

pub fn gradient(qubits: usize, layers: usize, batch: usize, budget: f64) -> (f64, f64, f64) {
    let rotations = || (0..qubits).map(|q| put(vec![q], Gate::Ry(0.0)));
    let mut elements: Vec<_> = rotations().collect();
    for _ in 0..layers {
        elements.extend(rotations());
        elements.extend((1..qubits).map(|q| control(vec![q - 1], vec![q], Gate::X)));
    }
    let mut circuit = Circuit::qubits(qubits, elements).expect("a valid circuit");
    let terms = (0..qubits).map(|q| OperatorString::new(vec![(q, Op::Z)])).collect();
    let observable = OperatorPolynomial::new(vec![Complex64::ONE; qubits], terms);
    let (rows, zero) = (crate::angles(qubits, layers, batch), ArrayReg::zero_state(qubits));
    let (median, least, gradients) = crate::timed(budget, || {
        let row = |row: &Vec<f64>| {
            circuit.dispatch(row);
            expect_grad(&observable, &circuit, &zero).1
        };
        rows.iter().map(row).collect::<Vec<_>>()
    });
    (median, least, crate::gradient_checksum(qubits, &gradients))
}
