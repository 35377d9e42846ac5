//! Every row of the gate table: unitary, inverse, derivative by difference, definition up to phase, name.

use std::collections::HashSet;

use qgraft::circuit::gate::GATES;
use qgraft::circuit::{Circuit, Gate, Param};
use qgraft::math::Matrix;
use qgraft::math::matrix::{c, controlled, dagger, distance, distance_up_to_phase, identity, unitarity_defect};

/// Angles off every special value.
fn odd_angles(count: usize) -> Vec<f64> {
    (0..count).map(|k| 0.37 + 0.61 * k as f64).collect()
}

fn fixed(values: &[f64]) -> Vec<Param> {
    values.iter().map(|&v| Param::Fixed(v)).collect()
}

/// The unitary of a list of gates with operands, built column by column with no code of the simulators.
fn unitary_of(qubits: usize, steps: impl IntoIterator<Item = (Gate, Vec<usize>, Vec<Param>)>) -> Matrix {
    let size = 1usize << qubits;
    let mut total = identity(size);
    for (gate, operands, params) in steps {
        let values: Vec<f64> = params.iter().map(|p| p.value(&[])).collect();
        let small = (gate.row().matrix)(&values);
        let mut big = Matrix::zeros((size, size));
        for column in 0..size {
            let inner = operands.iter().enumerate().fold(0, |acc, (k, &q)| acc | ((column >> q & 1) << k));
            let rest = operands.iter().fold(column, |acc, &q| acc & !(1 << q));
            for out in 0..small.nrows() {
                let row = operands.iter().enumerate().fold(rest, |acc, (k, &q)| acc | ((out >> k & 1) << q));
                big[[row, column]] += small[[out, inner]];
            }
        }
        total = big.dot(&total);
    }
    total
}

#[test]
fn rows_are_in_the_order_of_the_enum_and_names_are_unique() {
    let mut names = HashSet::new();
    for (position, row) in GATES.iter().enumerate() {
        assert_eq!(row.gate as usize, position, "{}", row.name);
        for name in row.aliases.iter().chain([&row.name]) {
            assert!(names.insert(*name), "{name} is listed twice");
            assert_eq!(Gate::named(name), Some(row.gate));
        }
        assert!(!row.doc.is_empty(), "{}", row.name);
        assert_eq!(row.shift.len(), row.params.len(), "{}", row.name);
    }
}

#[test]
fn every_gate_is_unitary() {
    for row in GATES {
        let m = (row.matrix)(&odd_angles(row.params.len()));
        assert_eq!(m.nrows(), 1 << row.qubits, "{}", row.name);
        assert!(unitarity_defect(&m) < 1e-14, "{}", row.name);
    }
}

#[test]
fn every_inverse_is_one() {
    for row in GATES {
        let params = fixed(&odd_angles(row.params.len()));
        let mut circuit = Circuit::new(row.qubits);
        let operands: Vec<usize> = (0..row.qubits).collect();
        circuit.push(row.gate, &operands, &params).unwrap();
        let inverse = circuit.inverse().unwrap().ops()[0].matrix(&[]).unwrap();
        let expected = dagger(&circuit.ops()[0].matrix(&[]).unwrap());
        assert!(distance(&inverse, &expected) < 1e-14, "{}", row.name);
    }
}

#[test]
fn every_derivative_agrees_with_a_difference() {
    // Central difference with step 1e-5: error about 1e-10 from truncation and rounding together.
    for row in GATES {
        let at = odd_angles(row.params.len());
        for k in 0..at.len() {
            let shifted = |step: f64| {
                let mut v = at.clone();
                v[k] += step;
                (row.matrix)(&v)
            };
            let difference = (shifted(1e-5) - shifted(-1e-5)) * c(0.5e5, 0.0);
            assert!(distance(&(row.derivative)(&at, k), &difference) < 1e-9, "{} angle {k}", row.name);
        }
    }
}

#[test]
fn every_definition_is_the_gate_up_to_phase() {
    for row in GATES {
        let at = odd_angles(row.params.len());
        let body = (row.definition)(&fixed(&at));
        if body.is_empty() {
            assert!([Gate::U, Gate::Cx].contains(&row.gate), "{} ends nowhere", row.name);
            continue;
        }
        let built = unitary_of(row.qubits, body);
        assert!(distance_up_to_phase(&built, &(row.matrix)(&at)) < 1e-14, "{}", row.name);
    }
}

#[test]
fn symmetric_means_operands_can_be_exchanged() {
    for row in GATES.iter().filter(|row| row.qubits > 1) {
        let at = odd_angles(row.params.len());
        let last = row.qubits - 1;
        let mut order: Vec<usize> = (0..row.qubits).collect();
        order.swap(0, last);
        let turned = unitary_of(row.qubits, [(row.gate, order, fixed(&at))]);
        let same = distance(&turned, &(row.matrix)(&at)) < 1e-14;
        assert_eq!(same, row.symmetric, "{}", row.name);
    }
}

#[test]
fn controls_of_a_gate_are_those_of_its_matrix() {
    for row in GATES {
        let (controls, base) = row.gate.as_controlled();
        let at = odd_angles(row.params.len());
        let built = controlled(&(base.row().matrix)(&at), controls);
        assert!(distance(&built, &(row.matrix)(&at)) < 1e-15, "{}", row.name);
        assert_eq!(base.controlled_by(controls), (0, row.gate), "{}", row.name);
    }
    assert_eq!(Gate::Cx.controlled_by(5), (2, Gate::C4x));
    assert_eq!(Gate::Rxx.controlled_by(2), (2, Gate::Rxx));
}
