//! Simulators at work. Goals are for one thread of a 2-core AVX-512 server; they stand in the name of each bench.
//!
//! `cargo bench --no-default-features --bench sim`

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::{Array1, Array2};
use qgraft::circuit::{Circuit, Gate, Observable, Param};
use qgraft::math::Stream;
use qgraft::noise::channel::{amplitude_damping, depolarizing};
use qgraft::noise::{Channel, Program};
use qgraft::sim::{Angles, Density, Pauli, Simulator, Statevector, Trajectory, state};

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
        relaxed.chain([(mix(op.qubits.len()), op.qubits.clone())]).collect()
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

/// Expectation values and full gradient, what one training step asks for.
fn step(engine: &dyn Simulator, program: &Program, inputs: usize, batch: usize) -> f64 {
    let rows = Array2::from_shape_fn((batch, inputs), |(b, i)| 1.5 * (0.7 * (b * inputs + i) as f64 + 0.1).sin());
    let shared = Array1::from_shape_fn(program.slots - inputs, |k| 1.2 * (0.9 * k as f64 + 0.3).cos());
    let angles = Angles { rows: rows.view(), shared: shared.view() };
    let observables = Observable::all_z(program.qubits());
    let values = engine.expect(program, angles, &observables).unwrap();
    let cotangent = Array2::ones(values.dim());
    let gradient = engine.vjp(program, angles, &observables, cotangent.view()).unwrap();
    values.sum() + gradient.rows.sum() + gradient.shared.sum()
}

fn benches(c: &mut Criterion) {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("nothing has started the pool yet");
    let mut run = |name: &str, work: &mut dyn FnMut() -> f64| {
        c.bench_function(name, |b| b.iter(|| black_box(work())));
    };
    for (kind, noisy) in [("ideal", false), ("noisy", true)] {
        let (program, inputs) = head(4, 3, noisy);
        let (pauli, density) = (Pauli::default(), Density::default());
        run(&format!("head 4 qubits depth 3 batch 16 {kind}, pauli (goal 2 ms)"), &mut || {
            step(&pauli, &program, inputs, 16)
        });
        run(&format!("head 4 qubits depth 3 batch 16 {kind}, density"), &mut || step(&density, &program, inputs, 16));
    }
    for (qubits, goal) in [(4, "0.026 ms"), (8, "0.34 ms"), (12, "14 ms")] {
        let program = grad_circuit(qubits, 6);
        let (statevector, pauli) = (Statevector::default(), Pauli::default());
        run(&format!("grad n = {qubits} L = 6 B = 32, statevector (goal {goal})"), &mut || {
            step(&statevector, &program, qubits, 32)
        });
        if qubits <= 4 {
            run(&format!("grad n = {qubits} L = 6 B = 32, pauli (goal {goal})"), &mut || {
                step(&pauli, &program, qubits, 32)
            });
        }
    }
    for (qubits, goal) in [(16, "2.9 ms"), (20, "53 ms")] {
        let program = random_circuit(qubits, 20);
        run(&format!("sv random n = {qubits} (goal {goal})"), &mut || state::statevector(&program, &[]).unwrap()[0].re);
    }
    let (program, inputs) = head(8, 3, true);
    let rows = Array2::from_elem((1, inputs), 0.3);
    let shared = Array1::from_elem(program.slots - inputs, 0.2);
    let angles = Angles { rows: rows.view(), shared: shared.view() };
    let density = Density::default();
    run("noisy n = 8 depth 3, density (goal 2 ms)", &mut || density.probabilities(&program, angles).unwrap()[[0, 0]]);
    let trajectory = Trajectory::new(1024, 1);
    run("noisy n = 8 depth 3, 1024 trajectories (goal 15 ms)", &mut || {
        trajectory.probabilities(&program, angles).unwrap()[[0, 0]]
    });
}

criterion_group! {
    name = sim;
    config = Criterion::default().sample_size(10).measurement_time(std::time::Duration::from_secs(2)).warm_up_time(std::time::Duration::from_millis(300));
    targets = benches
}
criterion_main!(sim);
