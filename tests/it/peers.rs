//! Engines against values made with Qiskit and PennyLane (tests/reference/engines.py).

use ndarray::{Array1, Array2};
use qgraft::math::matrix::distance;
use qgraft::sim::{Angles, Density, Pauli, Simulator, Statevector, state};
use serde_json::Value;

use crate::support::cases::{complex, numbers, observables, program, square};

/// Two programs' rounding over about a hundred gates.
const TOLERANCE: f64 = 1e-10;

fn cases(kind: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../reference/engines.json")).unwrap();
    all[kind].as_array().unwrap().clone()
}

#[test]
fn states_and_expectation_values_of_qiskit() {
    for case in cases("ideal") {
        let program = program(&case);
        let expected = complex(&case["state"]);
        let found = state::statevector(&program, &[]).unwrap();
        let furthest = found.iter().zip(&expected).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max);
        assert!(furthest < TOLERANCE, "amplitudes off by {furthest:e}");
        let (inputs, weights) = (Array2::zeros((1, 0)), Array1::zeros(0));
        let angles = Angles { inputs: inputs.view(), weights: weights.view() };
        for engine in [&Statevector::default() as &dyn Simulator, &Density::default(), &Pauli::default()] {
            let found = engine.expect(&program, angles, &observables(&case)).unwrap();
            for (value, expected) in found.iter().zip(numbers(&case["expect"])) {
                assert!((value - expected).abs() < TOLERANCE, "{}: {value}, not {expected}", engine.name());
            }
        }
    }
}

#[test]
fn density_matrices_of_qiskit() {
    for case in cases("noisy") {
        let program = program(&case);
        let found = state::density(&program, &[]).unwrap();
        let error = distance(&found, &square(&case["density"]));
        assert!(error < TOLERANCE, "off by {error:e}");
        for (outcome, expected) in numbers(&case["probabilities"]).into_iter().enumerate() {
            assert!((found[[outcome, outcome]].re - expected).abs() < TOLERANCE);
        }
    }
}

#[test]
fn noisy_gradients_of_pennylane() {
    for case in cases("gradient") {
        let program = program(&case);
        let values = Array1::from(numbers(&case["angles"]));
        let observables = observables(&case);
        let jacobian: Vec<Vec<f64>> = case["jacobian"].as_array().unwrap().iter().map(numbers).collect();
        // The first three angles by row, the rest shared: both ways back are compared.
        let (inputs, weights) = (values.slice(ndarray::s![..3]), values.slice(ndarray::s![3..]));
        let angles = Angles { inputs: inputs.insert_axis(ndarray::Axis(0)), weights };
        for engine in [&Density::default() as &dyn Simulator, &Pauli::default()] {
            let found = engine.expect(&program, angles, &observables).unwrap();
            for (o, expected) in numbers(&case["expect"]).into_iter().enumerate() {
                assert!((found[[0, o]] - expected).abs() < TOLERANCE, "{} {o}", engine.name());
                let mut cotangent = Array2::zeros((1, observables.len()));
                cotangent[[0, o]] = 1.0;
                let gradient = engine.vjp(&program, angles, &observables, cotangent.view()).unwrap();
                for (slot, value) in gradient.inputs.iter().chain(&gradient.weights).enumerate() {
                    let expected = jacobian[o][slot];
                    assert!(
                        (value - expected).abs() < TOLERANCE,
                        "{} slot {slot}: {value}, not {expected}",
                        engine.name()
                    );
                }
            }
        }
    }
}
