//! Matrix product states: layers of rotations and CZ on a line until bonds are full. The goals are the times of the faster of
//! quimb 1.16 and Qiskit Aer 0.18 on the same circuits: `python benches/peers/mps.py`, one thread.
//!
//! `cargo bench --no-default-features --bench mps`

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use qgraft::circuit::{Circuit, Gate, Observable};
use qgraft::noise::Program;
use qgraft::sim::{Angles, Bond, Mps, Simulator};

/// The circuit of `benches/peers/mps.py`.
fn brickwork(qubits: usize, depth: usize) -> Circuit {
    let mut circuit = Circuit::new(qubits);
    for layer in 0..depth {
        for qubit in 0..qubits {
            let angle = 1.3 * (1.7 * (layer * qubits + qubit) as f64 + 0.4).sin() + 0.4;
            circuit.push([Gate::Ry, Gate::Rx][layer % 2], &[qubit], &[angle.into()]).unwrap();
        }
        for qubit in (layer % 2..qubits - 1).step_by(2) {
            circuit.push(Gate::Cz, &[qubit, qubit + 1], &[]).unwrap();
        }
    }
    circuit
}

fn chains(c: &mut Criterion) {
    let mut group = c.benchmark_group("mps");
    group.sample_size(10);
    for (depth, most, goal) in [(10, 32, "0.067 s"), (20, 64, "1.7 s")] {
        let program = Program::ideal(&brickwork(50, depth), &[]);
        let engine = Mps { bond: Bond { most, weight: 1e-16 }, ..Mps::default() };
        let observables = Observable::all_z(50);
        group.bench_function(format!("50 qubits, {depth} layers, bonds up to {most} (goal {goal})"), |b| {
            b.iter(|| black_box(engine.expect(&program, Angles::of_weights(&[]), &observables).unwrap()));
        });
    }
    let program = Program::ideal(&brickwork(50, 6), &[]);
    group.bench_function("50 qubits, 6 layers, 1,000 shots", |b| {
        b.iter(|| black_box(Mps::default().records(&program, &[], 1000, 1).unwrap()));
    });
    group.finish();
}

criterion_group!(benches, chains);
criterion_main!(benches);
