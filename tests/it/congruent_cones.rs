//! Cones that differ in their angles alone run as rows of one program: values and gradients are those of each by itself.

use ndarray::{Array2, ArrayView2};
use qgraft::circuit::{Circuit, Gate, Letter, Observable, Param, PauliString};
use qgraft::noise::Program;
use qgraft::sim::{Angles, Auto, Density, EngineOptions, Simulator, Statevector};

const QUBITS: usize = 40;
const WEIGHTS: usize = 5;

/// A slot of its own on each qubit, then two layers of turns by weights and numbers with pairs of neighbours entangled. Qubit 17 has a
/// gate that no other has.
fn program() -> Program {
    let mut circuit = Circuit::new(QUBITS);
    let inputs: Vec<Param> = (0..QUBITS).map(|qubit| circuit.slot(format!("x{qubit}"))).collect();
    let weights: Vec<Param> = (0..WEIGHTS).map(|k| circuit.slot(format!("w{k}"))).collect();
    for layer in 0..2 {
        for (qubit, &input) in inputs.iter().enumerate() {
            let number = Param::Fixed(0.3 + 0.07 * qubit as f64);
            let angle = if layer == 0 { input * 0.8 + 0.1 } else { weights[qubit % WEIGHTS] };
            circuit.push(Gate::Ry, &[qubit], &[angle]).unwrap();
            circuit.push(Gate::U, &[qubit], &[number, Param::Fixed(0.2), weights[layer]]).unwrap();
        }
        if layer == 0 {
            circuit.push(Gate::Sx, &[17], &[]).unwrap();
        }
        for qubit in (layer..QUBITS - 1).step_by(2) {
            circuit.push(Gate::Cx, &[qubit, qubit + 1], &[]).unwrap();
        }
    }
    Program::ideal(&circuit, &[])
}

/// A sum over all qubits, one of few strings of several kinds with a constant, and a single string twice.
fn observables() -> Vec<Observable> {
    let string = |letters: &[(usize, Letter)]| PauliString::new(letters.iter().copied());
    let all = (0..QUBITS).map(|qubit| (0.5 - 0.1 * qubit as f64, string(&[(qubit, Letter::Z)]))).collect();
    let few = vec![
        (2.0, string(&[(3, Letter::X), (4, Letter::Z)])),
        (-1.0, string(&[(0, Letter::Z)])),
        (1.5, PauliString::default()),
    ];
    let twice = vec![(0.5, string(&[(20, Letter::Y)])), (0.25, string(&[(20, Letter::Y)]))];
    [all, few, twice].map(|terms| Observable { terms }).into()
}

/// Values (batch, observables) and the gradient by inputs and weights, string by string on the cone of each.
fn by_string(program: &Program, angles: Angles, cotangent: ArrayView2<f64>) -> (Array2<f64>, Array2<f64>, Vec<f64>) {
    let mut values = Array2::zeros(cotangent.dim());
    let (mut inputs, mut weights) = (Array2::zeros(angles.inputs.dim()), vec![0.0; angles.weights.len()]);
    for (o, observable) in observables().into_iter().enumerate() {
        for (weight, string) in observable.terms {
            let single = Observable { terms: vec![(1.0, string)] };
            let (cone, qubits) = program.cone(&single);
            let mut positions = vec![0; program.qubits()];
            qubits.iter().enumerate().for_each(|(position, &qubit)| positions[qubit] = position);
            let prepared =
                Density::default().prepare(&cone, &[single.relabel(&positions)], angles.inputs.ncols()).unwrap();
            let slope = cotangent.column(o).mapv(|slope| weight * slope).insert_axis(ndarray::Axis(1));
            let (value, gradient) = prepared.value_and_gradient(angles, slope.view()).unwrap();
            values.column_mut(o).scaled_add(weight, &value.column(0));
            inputs += &gradient.inputs;
            weights.iter_mut().zip(gradient.weights).for_each(|(sum, x)| *sum += x);
        }
    }
    (values, inputs, weights)
}

#[test]
fn values_and_gradients_are_those_of_each_cone() {
    let program = program();
    // All angles are weights, or the first ones differ by row: then each cone is by itself.
    for (slots, rows) in [(0, 1), (QUBITS, 3)] {
        let inputs = Array2::from_shape_fn((rows, slots), |(row, k)| ((7 * row + 3 * k) as f64).sin());
        let weights: Vec<f64> = (slots..QUBITS + WEIGHTS).map(|k| 0.4 - 0.3 * (k % 7) as f64).collect();
        let angles = Angles { inputs: inputs.view(), weights: weights.as_slice().into() };
        let observables = observables();
        let cotangent = Array2::from_shape_fn((rows, observables.len()), |(row, o)| 1.0 - 0.4 * (row + 2 * o) as f64);
        let (values, by_inputs, by_weights) = by_string(&program, angles, cotangent.view());
        // Single precision: some dozen roundings of 6e-8 on sums of 40 strings with coefficients up to 3.4.
        let engines: [(Box<dyn Simulator>, f64); 3] = [
            (Box::new(Auto::new(EngineOptions::default())), 1e-12),
            (Box::new(Statevector::default()), 1e-12),
            (Box::new(Statevector::new(qgraft::sim::Precision::Single)), 2e-4),
        ];
        for (engine, tolerance) in engines {
            let prepared = engine.prepare(&program, &observables, slots).unwrap();
            let name = prepared.resolved_name(rows);
            assert!(name.contains("on cones of at most 4 qubits"), "{name}");
            let largest = |a: &Array2<f64>, b: &Array2<f64>| (a - b).iter().fold(0.0_f64, |most, x| most.max(x.abs()));
            let (found, gradient) = prepared.value_and_gradient(angles, cotangent.view()).unwrap();
            assert!(largest(&found, &values) < tolerance, "{name}: {found} {values}");
            assert!(largest(&gradient.inputs, &by_inputs) < tolerance, "{name}");
            for (found, expected) in gradient.weights.iter().zip(&by_weights) {
                assert!((found - expected).abs() < 10.0 * tolerance, "{name}: {found} {expected}");
            }
            let (recorded, tape) = prepared.record(angles, 1 << 24).unwrap();
            assert!(largest(&recorded, &prepared.expect(angles).unwrap()) == 0.0, "{name}");
            assert_eq!(tape.unwrap().vjp(cotangent.view()).unwrap(), prepared.vjp(angles, cotangent.view()).unwrap());
        }
    }
}

/// Numbers that all cones share stay numbers, and a cone that no other is like is run by itself.
#[test]
fn sums_without_slots_run_as_one_program() {
    let mut circuit = Circuit::new(24);
    for layer in 0..3 {
        for qubit in 0..24 {
            let angle = Param::Fixed((0.9 * (24 * layer + qubit) as f64).cos());
            circuit.push(Gate::Ry, &[qubit], &[angle]).unwrap().push(Gate::Rz, &[qubit], &[0.7.into()]).unwrap();
        }
        for qubit in 0..23 {
            circuit.push(Gate::Cz, &[qubit, qubit + 1], &[]).unwrap();
        }
    }
    let program = Program::ideal(&circuit, &[]);
    let strings = Observable::all_z(24);
    let sum = Observable { terms: strings.iter().flat_map(|observable| observable.terms.clone()).collect() };
    let auto = Auto::new(EngineOptions::default());
    let whole = auto.expect(&program, Angles::of_weights(&[]), &[sum]).unwrap()[[0, 0]];
    let each = strings
        .iter()
        .map(|z| auto.expect(&program, Angles::of_weights(&[]), std::slice::from_ref(z)).unwrap()[[0, 0]]);
    // Two dozen values, each to rounding.
    assert!((whole - each.sum::<f64>()).abs() < 1e-12);
}
