//! Simulators at work. Goals are for one thread of a 2-core AVX-512 server; they are in the name of each bench.
//!
//! `cargo bench --no-default-features --bench sim`

use std::f64::consts::PI;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::{Array1, Array2};
use qgraft::circuit::{Circuit, Gate, Observable, Param};
use qgraft::math::Stream;
use qgraft::noise::channel::{amplitude_damping, depolarizing};
use qgraft::noise::{Channel, Program};
use qgraft::sim::{Angles, Density, Pauli, Precision, Prepared, Simulator, Statevector, Trajectory};

/// A classifier head as a transpiler leaves it: every rotation as Rz √X Rz √X Rz, encoding first, then `layers` layers of
/// trained rotations and a chain of CX, relaxation and depolarizing noise behind each √X and CX.
fn head(qubits: usize, layers: usize, noisy: bool) -> (Program, usize) {
    let mut circuit = Circuit::new(qubits);
    let slots: Vec<Param> = (0..qubits * (layers + 1)).map(|k| circuit.slot(format!("s{k}"))).collect();
    let rotation = |circuit: &mut Circuit, qubit: usize, angle: Param| {
        for middle in [Some(angle + std::f64::consts::PI), None] {
            circuit.push(Gate::Rz, &[qubit], &[(0.4).into()]).unwrap();
            circuit.push(Gate::Sx, &[qubit], &[]).unwrap();
            circuit.push(Gate::Rz, &[qubit], &[middle.unwrap_or(0.7.into())]).unwrap();
        }
    };
    for layer in 0..=layers {
        (0..qubits).for_each(|q| rotation(&mut circuit, q, slots[layer * qubits + q]));
        if layer > 0 {
            (1..qubits).for_each(|q| drop(circuit.push(Gate::Cx, &[q - 1, q], &[])));
        }
    }
    let relax = amplitude_damping(1e-3).unwrap();
    let mix = |qubits| depolarizing(1e-3, qubits).unwrap();
    let noise = |op: &qgraft::circuit::Op| -> Vec<(Channel, Vec<usize>)> {
        if !noisy || op.name() == "rz" {
            return Vec::new();
        }
        let relaxed = op.qubits.iter().map(|&q| (relax.clone(), vec![q]));
        relaxed.chain([(mix(op.qubits.len()), op.qubits.to_vec())]).collect()
    };
    (Program::compile(&circuit, &[], noise, |_| None), qubits)
}

/// The circuit of `qgraft bench grad`: Ry of the inputs, then layers of Ry and a chain of CX.
fn grad_circuit(qubits: usize, layers: usize) -> Program {
    let mut circuit = Circuit::new(qubits);
    let slots: Vec<Param> = (0..qubits * (layers + 1)).map(|k| circuit.slot(format!("s{k}"))).collect();
    for layer in 0..=layers {
        for q in 0..qubits {
            circuit.push(Gate::Ry, &[q], &[slots[layer * qubits + q]]).unwrap();
        }
        if layer > 0 {
            (1..qubits).for_each(|q| drop(circuit.push(Gate::Cx, &[q - 1, q], &[])));
        }
    }
    Program::ideal(&circuit, &[])
}

fn random_circuit(qubits: usize, layers: usize) -> Program {
    let mut stream = Stream::named(1, "bench");
    let mut circuit = Circuit::new(qubits);
    for _ in 0..layers {
        for q in 0..qubits {
            let angles: Vec<Param> = (0..3).map(|_| Param::Fixed(stream.normal())).collect();
            circuit.push(Gate::U, &[q], &angles).unwrap();
        }
        for pair in stream.permutation(qubits).chunks_exact(2) {
            circuit.push(Gate::Cx, pair, &[]).unwrap();
        }
    }
    Program::ideal(&circuit, &[])
}

/// The quantum Fourier transform of a product state, with its swaps.
fn fourier(qubits: usize) -> Program {
    let mut circuit = Circuit::new(qubits);
    for q in 0..qubits {
        circuit.push(Gate::Ry, &[q], &[(0.3 + 0.2 * q as f64).into()]).unwrap();
    }
    for q in (0..qubits).rev() {
        circuit.push(Gate::H, &[q], &[]).unwrap();
        for control in (0..q).rev() {
            circuit.push(Gate::Cp, &[control, q], &[(PI / f64::from(1 << (q - control))).into()]).unwrap();
        }
    }
    for q in 0..qubits / 2 {
        circuit.push(Gate::Swap, &[q, qubits - 1 - q], &[]).unwrap();
    }
    Program::ideal(&circuit, &[])
}

/// Layers of Ry and Rz on every qubit and a ring of CX.
fn ansatz(qubits: usize, layers: usize) -> Program {
    let mut circuit = Circuit::new(qubits);
    for k in 0..layers * qubits {
        let q = k % qubits;
        circuit.push(Gate::Ry, &[q], &[(0.1 + 0.7 * k as f64).into()]).unwrap();
        circuit.push(Gate::Rz, &[q], &[(0.5 - 0.4 * k as f64).into()]).unwrap();
        if q + 1 == qubits {
            (0..qubits).for_each(|q| drop(circuit.push(Gate::Cx, &[q, (q + 1) % qubits], &[])));
        }
    }
    Program::ideal(&circuit, &[])
}

/// Expectation values and full gradient of a prepared program, what one training step computes.
fn step(prepared: &dyn Prepared, program: &Program, inputs: usize, batch: usize) -> f64 {
    let rows = Array2::from_shape_fn((batch, inputs), |(b, i)| 1.5 * (0.7 * (b * inputs + i) as f64 + 0.1).sin());
    let weights = Array1::from_shape_fn(program.slots - inputs, |k| 1.2 * (0.9 * k as f64 + 0.3).cos());
    let angles = Angles { inputs: rows.view(), weights: weights.view() };
    let values = prepared.expect(angles).unwrap();
    let cotangent = Array2::ones(values.dim());
    let gradient = prepared.vjp(angles, cotangent.view()).unwrap();
    values.sum() + gradient.inputs.sum() + gradient.weights.sum()
}

fn benches(c: &mut Criterion) {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("nothing has started the pool yet");
    let mut run = |name: &str, work: &mut dyn FnMut() -> f64| {
        c.bench_function(name, |b| b.iter(|| black_box(work())));
    };
    for (kind, noisy) in [("ideal", false), ("noisy", true)] {
        let (program, inputs) = head(4, 3, noisy);
        let observables = Observable::all_z(program.qubits());
        let pauli = Pauli::default().prepare(&program, &observables, inputs).unwrap();
        let density = Density::default().prepare(&program, &observables, inputs).unwrap();
        run(&format!("head 4 qubits depth 3 batch 16 {kind}, pauli (goal 2 ms)"), &mut || {
            step(&*pauli, &program, inputs, 16)
        });
        run(&format!("head 4 qubits depth 3 batch 16 {kind}, density"), &mut || step(&*density, &program, inputs, 16));
    }
    for (qubits, goal) in [(4, "0.026 ms"), (8, "0.34 ms"), (12, "14 ms")] {
        let program = grad_circuit(qubits, 6);
        let observables = Observable::all_z(qubits);
        let statevector = Statevector::default().prepare(&program, &observables, qubits).unwrap();
        let pauli = Pauli::default().prepare(&program, &observables, qubits).unwrap();
        run(&format!("grad n = {qubits} L = 6 B = 32, statevector (goal {goal})"), &mut || {
            step(&*statevector, &program, qubits, 32)
        });
        if qubits <= 4 {
            run(&format!("grad n = {qubits} L = 6 B = 32, pauli (goal {goal})"), &mut || {
                step(&*pauli, &program, qubits, 32)
            });
        }
    }
    let program = grad_circuit(16, 6);
    let statevector = Statevector::default().prepare(&program, &Observable::all_z(16), 16).unwrap();
    for (batch, goal) in [(1, "7 ms"), (32, "250 ms")] {
        run(&format!("grad n = 16 L = 6 B = {batch}, statevector (goal {goal})"), &mut || {
            step(&*statevector, &program, 16, batch)
        });
    }
    for (precision, qubits, goal) in [
        (Precision::Double, 4, "1.2 us"),
        (Precision::Double, 8, "14 us"),
        (Precision::Double, 12, "0.15 ms"),
        (Precision::Double, 16, "2.9 ms"),
        (Precision::Double, 20, "53 ms"),
        (Precision::Single, 20, "27 ms"),
    ] {
        let program = random_circuit(qubits, 20);
        let mut runner = Statevector::new(precision).runner(&program).unwrap();
        run(&format!("sv random n = {qubits}, {precision} (goal {goal})"), &mut || {
            runner.run(&[]).unwrap();
            runner.amplitude(0).re
        });
    }
    for (name, program, goal) in [
        ("qft n = 16", fourier(16), "1.3 ms"),
        ("qft n = 20", fourier(20), "21 ms"),
        ("ansatz n = 20", ansatz(20, 6), "33 ms"),
    ] {
        let mut runner = Statevector::default().runner(&program).unwrap();
        run(&format!("sv {name} (goal {goal})"), &mut || {
            runner.run(&[]).unwrap();
            runner.amplitude(0).re
        });
    }
    let (program, inputs) = head(8, 3, true);
    let rows = Array2::from_elem((1, inputs), 0.3);
    let weights = Array1::from_elem(program.slots - inputs, 0.2);
    let angles = Angles { inputs: rows.view(), weights: weights.view() };
    let density = Density::default().prepare(&program, &[], inputs).unwrap();
    run("noisy n = 8 depth 3, density (goal 2 ms)", &mut || density.probabilities(angles).unwrap()[[0, 0]]);
    let trajectory = Trajectory::new(1024, 1).prepare(&program, &[], inputs).unwrap();
    run("noisy n = 8 depth 3, 1024 trajectories (goal 15 ms)", &mut || {
        trajectory.probabilities(angles).unwrap()[[0, 0]]
    });
}

criterion_group! {
    name = sim;
    config = Criterion::default().sample_size(10).measurement_time(std::time::Duration::from_secs(2)).warm_up_time(std::time::Duration::from_millis(300));
    targets = benches
}
criterion_main!(sim);
