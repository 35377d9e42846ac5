//! Gradients by every way there is agree: adjoint = shift = difference, ideal and noisy, row and weight slots.

use std::sync::Arc;

use ndarray::{Array1, Array2};
use qgraft::circuit::gate::GATES;
use qgraft::circuit::{Circuit, Gate, Observable, Op, OpKind, Params};
use qgraft::math::Stream;
use qgraft::noise::Program;
use qgraft::sim::{
    AngleGradient, Angles, Density, ENGINES, EngineOptions, EngineRow, Gradient, Hessian, Precision, Shots, SimError,
    Simulator, Statevector, Trajectory,
};

use crate::support::random;
use crate::support::random::Kinds;

/// Exact methods differ by rounding alone.
const EXACT: f64 = 1e-11;
/// The same in single precision.
const SINGLE: f64 = 1e-5;
/// Central difference with step 1e-4: h² f'''/6 is about 1e-9 for slots in several gates.
const DIFFERENCE: (f64, f64) = (1e-4, 1e-6);

fn furthest(a: &AngleGradient, b: &AngleGradient) -> f64 {
    assert_eq!((a.inputs.dim(), a.weights.dim()), (b.inputs.dim(), b.weights.dim()));
    let pairs = a.inputs.iter().zip(&b.inputs).chain(a.weights.iter().zip(&b.weights));
    pairs.map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}

fn engines(noise: bool) -> Vec<Arc<dyn Simulator>> {
    // What auto chooses runs by its own name.
    let runs = |row: &&EngineRow| match row.name {
        "auto" | "trajectory" => false,
        // With its usual cut it is not exact: `sparse.rs` has its tests.
        "sparse" => false,
        // Random gates are no Clifford gates: `stabilizer.rs` has its tests.
        "stabilizer" => false,
        // By the shift rule, and noise by draws: `mps.rs` has its tests.
        "mps" => false,
        "statevector" => !noise,
        _ => true,
    };
    let make = |row: &EngineRow, precision| (row.make)(EngineOptions { precision, ..EngineOptions::default() });
    let both = |row| [Precision::Double, Precision::Single].map(|precision| make(row, precision));
    ENGINES.iter().filter(runs).flat_map(both).collect()
}

fn tolerance(engine: &dyn Simulator) -> f64 {
    match engine.precision() {
        Precision::Double => EXACT,
        Precision::Single => SINGLE,
    }
}

fn random_cotangent(batch: usize, observables: usize) -> Array2<f64> {
    let mut stream = Stream::named(7, "cotangent");
    Array2::from_shape_simple_fn((batch, observables), || stream.normal())
}

/// Adjoint of all engines against each other, the shift rule where it holds, and the difference.
fn agrees(context: &str, program: &Program, noise: bool, input_slots: usize, batch: usize, shift: bool) {
    let observables = random::observables(program.qubits());
    let (inputs, weights) = random::angles(3, batch, input_slots, program.slots - input_slots);
    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
    let cotangent = random_cotangent(batch, observables.len());
    let by = |method: Gradient, engine: &dyn Simulator| {
        method.vjp(engine, program, angles, &observables, cotangent.view()).unwrap()
    };
    let density = Density::default();
    let reference = by(Gradient::Adjoint, &density);
    let difference = furthest(&reference, &by(Gradient::Difference { step: DIFFERENCE.0 }, &density));
    assert!(difference < DIFFERENCE.1 * (1 + batch) as f64, "{context}: difference off by {difference:e}");
    if shift {
        let error = furthest(&reference, &by(Gradient::Shift, &density));
        assert!(error < EXACT * (1 + batch) as f64, "{context}: shift off by {error:e}");
    }
    for engine in engines(noise) {
        let error = furthest(&reference, &by(Gradient::Adjoint, &*engine));
        assert!(error < tolerance(&*engine) * (1 + batch) as f64, "{context}, {}: off by {error:e}", engine.name());
    }
}

#[test]
fn every_parameterised_gate_alone_and_controlled() {
    for row in GATES.iter().filter(|row| !row.params.is_empty()) {
        for controls in 0..=1 {
            let qubits = (row.qubits + controls).max(2);
            let mut circuit = Circuit::new(qubits);
            let slots: Vec<_> = row.params.iter().map(|name| circuit.slot(*name)).collect();
            for qubit in 0..qubits {
                circuit.push(Gate::Ry, &[qubit], &[(0.7 + 0.4 * qubit as f64).into()]).unwrap();
                circuit.push(Gate::Rz, &[qubit], &[(0.2 - 0.5 * qubit as f64).into()]).unwrap();
            }
            // Twice, scaled and in reversed operand order: slots are shared by gates and affine.
            let operands: Vec<usize> = (0..row.qubits + controls).collect();
            let reversed: Vec<usize> = operands.iter().rev().copied().collect();
            for (operands, scale) in [(operands, 1.0), (reversed, -0.6)] {
                let params = slots.iter().map(|&slot| slot * scale + 0.3).collect();
                let kind = OpKind::Gate { gate: row.gate, params, controls };
                circuit.append(Op::of(kind, &operands)).unwrap();
            }
            let program = Program::ideal(&circuit, &[]);
            for input_slots in [0, slots.len()] {
                let context = format!("{} under {controls} controls, {input_slots} input slots", row.name);
                agrees(&context, &program, false, input_slots, 3, controls == 0);
            }
        }
    }
}

#[test]
fn random_programs() {
    let encoded = Kinds { encoded_first: true, readout: true, ..Kinds::default() };
    let kinds = [
        Kinds::default(),
        Kinds { noise: true, readout: true, ..Kinds::default() },
        encoded,
        Kinds { noise: true, ..encoded },
    ];
    for (k, kinds) in kinds.into_iter().enumerate() {
        for seed in 0..5 {
            let qubits = 1 + seed as usize % 4;
            let program = random::program(10 * k as u64 + seed, qubits, 14, (2, 3), kinds);
            for batch in [0, 1, 5] {
                let context = format!("kind {k}, seed {seed}, {qubits} qubits, batch {batch}");
                agrees(&context, &program, kinds.noise, 2, batch, false);
            }
        }
    }
}

/// A wide row goes over tiles, forwards if its gates are real, and backwards; sixteen rows go gate by gate.
#[test]
fn one_wide_row_is_as_good_as_many() {
    let real = [Gate::Ry, Gate::Cx, Gate::H, Gate::Cry, Gate::X, Gate::Ccx];
    let complex = [Gate::Rx, Gate::Cx, Gate::Rz, Gate::Crx, Gate::Cp, Gate::U, Gate::Rzz, Gate::Swap, Gate::Ccx];
    for (kind, gates) in [("real", &real[..]), ("complex", &complex)] {
        let (qubits, input_slots, batch) = (12, 4, 16);
        let mut stream = Stream::named(11, kind);
        let mut circuit = Circuit::new(qubits);
        for k in 0..150 {
            let row = gates[k % gates.len()].row();
            let operands = stream.permutation(qubits);
            let params: Vec<_> = (0..row.params.len()).map(|p| circuit.slot(format!("{k}.{p}"))).collect();
            circuit.push(row.gate, &operands[..row.qubits], &params).unwrap();
        }
        let program = Program::ideal(&circuit, &Vec::from_iter(0..qubits));
        let observables: Vec<Observable> =
            ["Z0 Z11", "X3 + 0.5 Z7", "X1 X2"].map(|text| text.parse().unwrap()).to_vec();
        let (one, weights) = random::angles(5, 1, input_slots, program.slots - input_slots);
        let many = Array2::from_shape_fn((batch, input_slots), |(_, slot)| one[[0, slot]]);
        for precision in [Precision::Double, Precision::Single] {
            let engine = Statevector::new(precision);
            let run = |inputs: &Array2<f64>, threads: usize| {
                let angles = Angles { inputs: inputs.view(), weights: weights.view() };
                let cotangent = Array2::ones((inputs.nrows(), observables.len()));
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| engine.value_and_gradient(&program, angles, &observables, cotangent.view()).unwrap())
            };
            let (values, gradient) = run(&one, 1);
            assert_eq!((values.clone(), gradient.clone()), run(&one, 2), "{kind}, {precision}: threads matter");
            let (expected, reference) = run(&many, 1);
            let inputs = reference.inputs.row(0).to_owned().insert_axis(ndarray::Axis(0));
            let reference = AngleGradient { inputs, weights: reference.weights / batch as f64 };
            let error = (&values.row(0) - &expected.row(0)).mapv(f64::abs).sum() + furthest(&gradient, &reference);
            assert!(error < tolerance(&engine) * 10.0, "{kind}, {precision}: off by {error:e}");
        }
    }
}

/// Long enough for states to be recomputed from checkpoints rather than kept: 78 blocks on 7 qubits, where 64 MiB hold 64
/// of eight rows and 73 of seven observables, 4⁷ numbers of 8 bytes each.
#[test]
fn checkpoints_do_not_change_the_gradient() {
    let mut circuit = Circuit::new(7);
    let slots: Vec<_> = (0..7).map(|k| circuit.slot(format!("s{k}"))).collect();
    for layer in 0..13 {
        for qubit in 0..7 {
            circuit.push(Gate::Ry, &[qubit], &[slots[qubit] * (1.0 + 0.1 * layer as f64)]).unwrap();
        }
        for qubit in 0..6 {
            circuit.push(Gate::Cx, &[qubit, qubit + 1], &[]).unwrap();
        }
    }
    let program = Program::ideal(&circuit, &[]);
    let observables = Observable::all_z(7);
    let (inputs, weights) = random::angles(1, 8, 0, 7);
    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
    let cotangent = random_cotangent(8, 7);
    let by = |engine: &dyn Simulator| engine.vjp(&program, angles, &observables, cotangent.view()).unwrap();
    let expected = by(&Statevector::default());
    for engine in engines(true) {
        let error = furthest(&expected, &by(&*engine));
        assert!(error < 10.0 * tolerance(&*engine), "{}: off by {error:e}", engine.name());
    }
}

/// The Heisenberg engine keeps the last observables it pulled back; it must distinguish them.
#[test]
fn what_an_engine_keeps_is_not_mistaken_for_another() {
    let mut circuit = Circuit::new(3);
    let slots: Vec<_> = (0..6).map(|k| circuit.slot(format!("s{k}"))).collect();
    for (k, &slot) in slots.iter().enumerate() {
        circuit.push(Gate::Ry, &[k % 3], &[slot]).unwrap();
        circuit.push(Gate::Cx, &[k % 3, (k + 1) % 3], &[]).unwrap();
    }
    let program = Program::ideal(&circuit, &[]);
    let all = random::observables(3);
    let pauli = || (ENGINES.iter().find(|row| row.name == "pauli").unwrap().make)(EngineOptions::default());
    let kept = pauli();
    for (seed, count) in [(1, 1), (1, 2), (2, 2), (2, 1), (1, 1), (1, 1)] {
        let (inputs, weights) = random::angles(seed, 3, 1, 5);
        let angles = Angles { inputs: inputs.view(), weights: weights.view() };
        let cotangent = random_cotangent(3, count);
        let ask = |engine: &dyn Simulator| {
            engine.value_and_gradient(&program, angles, &all[..count], cotangent.view()).unwrap()
        };
        let (values, gradient) = ask(&*kept);
        assert_eq!((values.clone(), gradient), ask(&*pauli()), "seed {seed}, {count} observables");
        assert_eq!(values, kept.expect(&program, angles, &all[..count]).unwrap());
    }
}

#[test]
fn gates_without_a_shift_rule_are_named() {
    let mut circuit = Circuit::new(3);
    let angle = circuit.slot("angle");
    let kind = OpKind::Gate { gate: Gate::Rx, params: Params::from_slice(&[angle]), controls: 2 };
    circuit.append(Op::of(kind, &[0, 1, 2])).unwrap();
    let program = Program::ideal(&circuit, &[]);
    let (inputs, weights) = (Array2::zeros((1, 0)), Array1::zeros(1));
    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
    let cotangent = Array2::ones((1, 1));
    let refused =
        Gradient::Shift.vjp(&Statevector::default(), &program, angles, &Observable::all_z(1), cotangent.view());
    assert!(matches!(&refused, Err(SimError::Unsupported { step, .. }) if step == "ctrl(2) @ rx"), "{refused:?}");
}

#[test]
fn differences_over_nothing_are_refused() {
    let mut circuit = Circuit::new(1);
    let angle = circuit.slot("angle");
    circuit.push(Gate::Rx, &[0], &[angle]).unwrap();
    let program = Program::ideal(&circuit, &[]);
    let (inputs, weights) = (Array2::zeros((1, 0)), Array1::zeros(1));
    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
    let (engine, observables, cotangent) = (Statevector::default(), Observable::all_z(1), Array2::ones((1, 1)));
    for step in [0.0, -1e-4, f64::NAN, f64::INFINITY] {
        for method in [Gradient::Difference { step }, Gradient::Spsa { step, samples: 1, seed: 0 }] {
            let refused = method.vjp(&engine, &program, angles, &observables, cotangent.view());
            assert!(matches!(refused, Err(SimError::DifferenceStep { .. })), "{method:?}: {refused:?}");
        }
        let along = AngleGradient::zeros(&angles);
        let way = Hessian::Difference { step };
        let refused = way.vector(&engine, &program, angles, &observables, cotangent.view(), &along);
        assert!(matches!(refused, Err(SimError::DifferenceStep { .. })), "{way:?}: {refused:?}");
    }
    let none = Gradient::Spsa { step: 1e-3, samples: 0, seed: 0 };
    assert_eq!(none.vjp(&engine, &program, angles, &observables, cotangent.view()), Err(SimError::NoSamples));
}

/// A small noisy program and its exact gradient.
fn estimated(engine: &dyn Simulator, method: Gradient) -> (AngleGradient, AngleGradient) {
    let mut circuit = Circuit::new(2);
    let (x, w) = (circuit.slot("x"), circuit.slot("w"));
    circuit.push(Gate::Ry, &[0], &[x]).unwrap().push(Gate::Cx, &[0, 1], &[]).unwrap();
    circuit.push(Gate::Crx, &[0, 1], &[w]).unwrap();
    let program = Program::ideal(&circuit, &[]);
    let (inputs, weights) = (ndarray::array![[0.4], [1.1]], ndarray::array![0.8]);
    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
    let observables = Observable::all_z(2);
    let cotangent = random_cotangent(2, 2);
    let exact = Statevector::default().vjp(&program, angles, &observables, cotangent.view()).unwrap();
    (exact, method.vjp(engine, &program, angles, &observables, cotangent.view()).unwrap())
}

#[test]
fn estimates_scatter_around_the_exact_gradient() {
    // Per sample each entry is off by the other entries' size, about 1; the mean of 4000 by 1/63, five times that 0.08.
    let spsa = Gradient::Spsa { step: 1e-3, samples: 4000, seed: 1 };
    // Two to four runs of 10,000 shots, each off by 1/100 per observable: five standard errors are below 0.15.
    let shots = Shots { inner: Statevector::default(), shots: 10_000, seed: 2 };
    for (name, (exact, estimate), bound) in [
        ("spsa", estimated(&Statevector::default(), spsa), 0.08),
        ("shift with shots", estimated(&shots, Gradient::Adjoint), 0.15),
        // Without noise a trajectory is the exact state.
        ("shift with trajectories", estimated(&Trajectory::new(8, 0), Gradient::Adjoint), 1e-12),
    ] {
        let error = furthest(&exact, &estimate);
        assert!(error < bound, "{name}: off by {error}");
        assert!(error > 0.0, "{name} is exact to the last bit, so it was not estimated");
    }
}
