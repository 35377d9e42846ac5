//! Gates under many controls: every engine against plain matrices, what they are rewritten as, and what they cost.

use std::time::{Duration, Instant};

use qgraft::circuit::gate::GATES;
use qgraft::circuit::qasm::{ReadOptions, WriteOptions, read, write2, write3};
use qgraft::circuit::{Circuit, Gate, Observable, Op, OpKind, Param};
use qgraft::device::transpile::{LayoutMethod, TranspileError, TranspileOptions, transpile};
use qgraft::device::{Edge, Target};
use qgraft::math::C64;
use qgraft::noise::Program;
use qgraft::sim::{Angles, Density, Pauli, Precision, Simulator, Statevector, Trajectory};

use crate::support::equivalence::{applied, assert_equivalent, assert_native};

/// Some hundred gates, each good to 1e-16.
const EXACT: f64 = 1e-12;

fn controlled(gate: Gate, params: &[Param], controls: usize, qubits: &[usize]) -> Op {
    Op::of(OpKind::Gate { gate, params: params.into(), controls }, qubits)
}

/// Every gate of the table under two and more controls in a register of `qubits`, each angle a slot.
fn every_gate(qubits: usize) -> Circuit {
    let mut circuit = Circuit::new(qubits);
    for q in 0..qubits {
        circuit.push(Gate::Ry, &[q], &[(0.3 + 0.2 * q as f64).into()]).unwrap();
    }
    let slots: Vec<Param> = (0..4).map(|k| circuit.slot(format!("x{k}"))).collect();
    for (position, row) in GATES.iter().enumerate() {
        for controls in 2..=qubits.saturating_sub(row.qubits) {
            let operands: Vec<usize> = (0..row.qubits + controls).map(|k| (k * 5 + position) % qubits).collect();
            if operands.iter().any(|q| operands.iter().filter(|other| *other == q).count() > 1) {
                continue;
            }
            let params: Vec<Param> = (0..row.params.len()).map(|k| slots[k] * 0.7 + k as f64 * 0.4).collect();
            circuit.append(controlled(row.gate, &params, controls, &operands)).unwrap();
        }
        circuit.push(Gate::H, &[position % qubits], &[]).unwrap();
    }
    circuit
}

/// The state by `Op::matrix`.
fn plain(circuit: &Circuit, angles: &[f64]) -> Vec<C64> {
    let mut state = vec![C64::ZERO; 1 << circuit.qubits()];
    state[0] = C64::ONE;
    for op in circuit.ops() {
        state = applied(&op.matrix(angles).unwrap(), &op.qubits, &state);
    }
    state
}

fn probabilities(engine: &dyn Simulator, circuit: &Circuit, angles: &[f64]) -> Vec<f64> {
    let program = Program::ideal(circuit, &(0..circuit.qubits()).collect::<Vec<_>>());
    let found = engine.probabilities(&program, Angles::of_weights(angles)).unwrap();
    found.into_raw_vec_and_offset().0
}

const ANGLES: [f64; 4] = [0.7, -1.3, 2.1, 0.4];

#[test]
fn every_engine_keeps_controls_as_a_mask_and_agrees_with_matrices() {
    let circuit = every_gate(7);
    let expected: Vec<f64> = plain(&circuit, &ANGLES).iter().map(|z| z.norm_sqr()).collect();
    let single = 1e-5;
    let engines: [(Box<dyn Simulator>, f64); 4] = [
        (Box::new(Statevector::new(Precision::Double)), EXACT),
        (Box::new(Statevector::new(Precision::Single)), single),
        (Box::new(Density::new(Precision::Double)), EXACT),
        (Box::new(Density::new(Precision::Single)), single),
    ];
    for (engine, tolerance) in &engines {
        let found = probabilities(&**engine, &circuit, &ANGLES);
        let wrong = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(wrong < *tolerance, "{}: {wrong:e}", engine.name());
    }
    // Without noise a trajectory is the state itself, whatever is drawn.
    let program = Program::ideal(&circuit, &(0..7).collect::<Vec<_>>());
    let observables = [Observable::z(0), Observable::z(3), Observable::z(6)];
    let exact = Statevector::default().expect(&program, Angles::of_weights(&ANGLES), &observables).unwrap();
    for engine in [&Trajectory::new(3, 1) as &dyn Simulator, &Pauli::default()] {
        let found = engine.expect(&program, Angles::of_weights(&ANGLES), &observables).unwrap();
        let wrong = found.iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(wrong < EXACT, "{}: {wrong:e}", engine.name());
    }
}

#[test]
fn gradients_pass_through_many_controls() {
    // Wide enough for tiles (13 qubits) and narrow; each slot in gates under two to many controls.
    for qubits in [5, 13] {
        let mut circuit = Circuit::new(qubits);
        (0..qubits).for_each(|q| _ = circuit.push(Gate::Ry, &[q], &[(1.1 + 0.1 * q as f64).into()]).unwrap());
        let slots: Vec<Param> = (0..4).map(|k| circuit.slot(format!("x{k}"))).collect();
        let all: Vec<usize> = (0..qubits).rev().collect();
        for (gate, count) in [(Gate::Ry, 1), (Gate::P, 1), (Gate::U, 3), (Gate::Rxx, 1), (Gate::Cu, 4)] {
            let row = gate.row();
            for controls in [2, qubits - row.qubits] {
                let operands = &all[..controls + row.qubits];
                circuit.append(controlled(gate, &slots[..count], controls, operands)).unwrap();
                circuit.push(Gate::H, &[operands[0]], &[]).unwrap();
            }
        }
        let program = Program::ideal(&circuit, &(0..qubits).collect::<Vec<_>>());
        let observables = [Observable::z(0), Observable::z(qubits - 1)];
        let cotangent = ndarray::array![[0.8, -0.5]];
        let value = |angles: &[f64]| -> f64 {
            let found = Statevector::default().expect(&program, Angles::of_weights(angles), &observables).unwrap();
            found[[0, 0]] * 0.8 - found[[0, 1]] * 0.5
        };
        let step = 1e-5;
        let difference: Vec<f64> = (0..4)
            .map(|k| {
                let moved = |by: f64| {
                    let mut angles = ANGLES;
                    angles[k] += by;
                    value(&angles)
                };
                (moved(step) - moved(-step)) / (2.0 * step)
            })
            .collect();
        let density = Density::default();
        let engines: &[&dyn Simulator] = if qubits < 8 {
            &[&Statevector::default(), &density, &Pauli::default()]
        } else {
            &[&Statevector::default()]
        };
        for engine in engines {
            let found = engine.vjp(&program, Angles::of_weights(&ANGLES), &observables, cotangent.view()).unwrap();
            for (k, (adjoint, difference)) in found.weights.iter().zip(&difference).enumerate() {
                // A central difference with step h is good to h² and to 1e-16 / h.
                assert!(
                    (adjoint - difference).abs() < 1e-8,
                    "{}, {qubits}, slot {k}: {adjoint} {difference}",
                    engine.name()
                );
            }
        }
    }
}

#[test]
fn grover_searches_twenty_qubits_in_a_moment() {
    const QUBITS: usize = 20;
    const MARKED: usize = 0b1011_0010_1110_0101_1001;
    const ROUNDS: usize = 6;
    let mut circuit = Circuit::new(QUBITS);
    let all: Vec<usize> = (0..QUBITS).collect();
    let each = |circuit: &mut Circuit, gate: Gate, chosen: &dyn Fn(usize) -> bool| {
        (0..QUBITS).filter(|q| chosen(*q)).for_each(|q| _ = circuit.push(gate, &[q], &[]).unwrap());
    };
    each(&mut circuit, Gate::H, &|_| true);
    for _ in 0..ROUNDS {
        for mark in [MARKED, 0] {
            if mark == 0 {
                each(&mut circuit, Gate::H, &|_| true);
            }
            each(&mut circuit, Gate::X, &|q| mark >> q & 1 == 0);
            circuit.append(controlled(Gate::Z, &[], QUBITS - 1, &all)).unwrap();
            each(&mut circuit, Gate::X, &|q| mark >> q & 1 == 0);
        }
        each(&mut circuit, Gate::H, &|_| true);
    }
    let start = Instant::now();
    let found = probabilities(&Statevector::default(), &circuit, &[]);
    // Boyer et al. 1998, arXiv quant-ph/9605034: sin²((2k + 1) θ) with sin θ = 2^{-n/2}.
    let angle = 2f64.powi(-(QUBITS as i32) / 2).asin();
    let expected = ((2 * ROUNDS + 1) as f64 * angle).sin().powi(2);
    assert!((found[MARKED] - expected).abs() < EXACT, "{} {expected}", found[MARKED]);
    // An unoptimised build on a busy machine; a release build takes a tenth.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn both_versions_of_openqasm_keep_the_state() {
    for (controls, free) in [(6, 0), (7, 1), (8, 0), (5, 4)] {
        let qubits = controls + 1 + free;
        let mut circuit = Circuit::new(qubits);
        (0..qubits).for_each(|q| _ = circuit.push(Gate::Ry, &[q], &[(0.9 + 0.2 * q as f64).into()]).unwrap());
        let operands: Vec<usize> = (0..=controls).collect();
        for (gate, params) in
            [(Gate::X, vec![]), (Gate::Rx, vec![0.7]), (Gate::P, vec![1.3]), (Gate::U, vec![0.3, 0.9, -0.4])]
        {
            let params: Vec<Param> = params.into_iter().map(Param::Fixed).collect();
            circuit.append(controlled(gate, &params, controls, &operands)).unwrap();
        }
        let expected = plain(&circuit, &[]);
        for text in [write2(&circuit).unwrap(), write3(&circuit, &WriteOptions::default())] {
            let back = read(&text, &ReadOptions::default()).unwrap();
            let overlap: C64 = plain(&back, &[]).iter().zip(&expected).map(|(a, b)| a.conj() * b).sum();
            assert!((overlap.norm() - 1.0).abs() < EXACT, "{controls} controls, {free} free: {overlap}");
        }
    }
}

/// A line of qubits coupled by cz.
fn line(qubits: usize) -> Target {
    Target {
        qubits,
        single: vec![Gate::Rz, Gate::Sx, Gate::X],
        edges: (1..qubits).map(|k| Edge { gate: Gate::Cz, from: k - 1, to: k, error: 0.01 }).collect(),
        single_error: vec![1e-4; qubits],
        readout_error: vec![0.01; qubits],
        notices: Vec::new(),
        out_of_service: Vec::new(),
    }
}

#[test]
fn transpiled_controls_are_equivalent_and_counted_first() {
    for (controls, qubits) in [(6, 7), (6, 8), (5, 9)] {
        let mut circuit = Circuit::new(qubits);
        let operands: Vec<usize> = (0..=controls).collect();
        for (gate, params) in [(Gate::X, vec![]), (Gate::Ry, vec![0.7]), (Gate::U, vec![0.3, 0.9, -0.4])] {
            let params: Vec<Param> = params.into_iter().map(Param::Fixed).collect();
            circuit.append(controlled(gate, &params, controls, &operands)).unwrap();
        }
        for level in [0, 1] {
            let options = TranspileOptions { level, layout: LayoutMethod::Trivial, ..TranspileOptions::default() };
            let target = line(qubits);
            let transpiled = transpile(&circuit, &target, &options).unwrap();
            let what = format!("{controls} controls on {qubits} qubits, level {level}");
            assert_native(&transpiled, &target, &what);
            assert_equivalent(&circuit, &transpiled, &what);
        }
    }
    let mut circuit = Circuit::new(1000);
    let all: Vec<usize> = (0..1000).collect();
    circuit.append(controlled(Gate::X, &[], 999, &all)).unwrap();
    let refused = transpile(&circuit, &line(1000), &TranspileOptions::default());
    assert!(matches!(refused, Err(TranspileError::TooManyGates { .. })), "{refused:?}");
    assert!(write2(&circuit).unwrap_err().to_string().contains("write OpenQASM 3"));
}

#[test]
fn a_measurement_under_its_own_bit_is_routed() {
    // The condition reads the bit that the measurement writes: one wire, named twice.
    for text in [
        "OPENQASM 3.0; include \"stdgates.inc\"; gate g a { h a; } qubit w; bit f; f = measure w; \
         if (f == 0) { g w; barrier w; reset w; x w; f = measure w; }",
        "OPENQASM 2.0; include \"qelib1.inc\"; qreg w[5]; creg f[2]; h w[0]; cx w[0],w[1]; cx w[1],w[2]; cx w[2],w[0]; \
         cx w[3],w[0]; cx w[4],w[1]; cx w[3],w[4]; measure w[0] -> f[0]; if(f==1) measure w[1] -> f[1]; \
         measure w[2] -> f[0];",
    ] {
        let circuit = read(text, &ReadOptions::default()).unwrap();
        for level in 0..=3 {
            let options = TranspileOptions { level, ..TranspileOptions::default() };
            let target = line(5);
            let transpiled = transpile(&circuit, &target, &options).unwrap();
            assert_native(&transpiled, &target, text);
            assert_equivalent(&circuit, &transpiled, text);
        }
    }
}
