//! Clifford circuits with Pauli noise: shots of wide random circuits and of surface codes, exact values. The goals are the times
//! of stim 1.16 in Python on the same kind of circuits: `python benches/peers/stabilizer.py`, one thread.
//!
//! `cargo bench --no-default-features --bench stabilizer`

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use qgraft::circuit::{Circuit, Gate, Observable, Op};
use qgraft::math::Stream;
use qgraft::noise::channel::depolarizing;
use qgraft::noise::{Channel, Program, Step};
use qgraft::sim::{Angles, Simulator, Stabilizer};

/// Layers of H, S or √X on every qubit and CX on random pairs, then a measurement of every qubit.
fn layers(qubits: usize, depth: usize) -> Circuit {
    let mut circuit = Circuit::with_bits(qubits, qubits);
    let mut stream = Stream::named(1, "layers");
    for _ in 0..depth {
        for qubit in 0..qubits {
            circuit.push([Gate::H, Gate::S, Gate::Sx][stream.below(3)], &[qubit], &[]).unwrap();
        }
        for pair in stream.permutation(qubits).chunks_exact(2) {
            circuit.push(Gate::Cx, pair, &[]).unwrap();
        }
    }
    for qubit in 0..qubits {
        circuit.measure(qubit, qubit).unwrap();
    }
    circuit
}

/// Rounds of the rotated surface code in its Z basis: depolarizing behind every gate and on idle data, flips around
/// measurements and resets, data measured at the end.
fn surface_code(distance: usize, rounds: usize, error: f64) -> Program {
    let data = |row: usize, column: usize| row * distance + column;
    // Ancilla of the plaquette whose lower right data qubit is (row, column); X on even ones.
    let mut ancillas: Vec<(bool, [Option<usize>; 4])> = Vec::new();
    for row in 0..=distance {
        for column in 0..=distance {
            let is_x = (row + column) % 2 == 0;
            let on_edge = (row % distance == 0, column % distance == 0);
            let stands = match on_edge {
                (false, false) => true,
                (true, false) => is_x,
                (false, true) => !is_x,
                (true, true) => false,
            };
            let corner = |down: usize, right: usize| {
                let (r, c) = ((row + down).checked_sub(1)?, (column + right).checked_sub(1)?);
                (r < distance && c < distance).then(|| data(r, c))
            };
            // Hooks of X and Z checks run along different axes.
            let corners = match is_x {
                true => [corner(0, 0), corner(0, 1), corner(1, 0), corner(1, 1)],
                false => [corner(0, 0), corner(1, 0), corner(0, 1), corner(1, 1)],
            };
            if stands {
                ancillas.push((is_x, corners));
            }
        }
    }
    let first = distance * distance;
    let bits = ancillas.len() * rounds + first;
    let qubits = first + ancillas.len();
    let mut program = Program::ideal(&Circuit::with_bits(qubits, bits), &(0..qubits).collect::<Vec<_>>());
    let (one, two) = (depolarizing(error, 1).unwrap(), depolarizing(error, 2).unwrap());
    let flip = Channel::named("bit_flip", &[error]).unwrap();
    let noise = |channel: &Channel, qubits: &[usize]| Step::Noise {
        channel: channel.clone(),
        qubits: qubits.to_vec(),
        condition: None,
    };
    let steps = &mut program.steps;
    let measure = |steps: &mut Vec<Step>, qubit: usize, bit: usize| {
        steps.extend([noise(&flip, &[qubit]), Step::Measure { qubit, bit, confusion: None, condition: None }]);
    };
    for round in 0..rounds {
        steps.extend((0..first).map(|qubit| noise(&one, &[qubit])));
        for half in 0..2 {
            if half == 1 {
                for corner in 0..4 {
                    for (k, (is_x, corners)) in ancillas.iter().enumerate() {
                        let Some(other) = corners[corner] else { continue };
                        let pair = if *is_x { [first + k, other] } else { [other, first + k] };
                        steps.extend([Step::Gate(Op::gate(Gate::Cx, &pair, &[])), noise(&two, &pair)]);
                    }
                }
            }
            for (k, _) in ancillas.iter().enumerate().filter(|(_, (is_x, _))| *is_x) {
                steps.extend([Step::Gate(Op::gate(Gate::H, &[first + k], &[])), noise(&one, &[first + k])]);
            }
        }
        for k in 0..ancillas.len() {
            measure(steps, first + k, round * ancillas.len() + k);
            steps.extend([Step::Reset { qubit: first + k, condition: None }, noise(&flip, &[first + k])]);
        }
    }
    (0..first).for_each(|qubit| measure(steps, qubit, rounds * ancillas.len() + qubit));
    program
}

fn shots(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stabilizer");
    group.sample_size(10);
    for (depth, goal) in [(10, "34 ms"), (100, "50 ms")] {
        let program = Program::ideal(&layers(1000, depth), &[]);
        group.bench_function(format!("1,000 qubits, {depth} layers, 1,000 shots (goal {goal})"), |bench| {
            bench.iter(|| black_box(Stabilizer.records(black_box(&program), &[], 1000, 1).unwrap()));
        });
    }
    for (distance, shots, goal) in [(11, 10_000, "72 ms"), (25, 1000, "84 ms")] {
        let program = surface_code(distance, distance, 1e-3);
        group.bench_function(format!("surface code, distance {distance}, {shots} shots (goal {goal})"), |bench| {
            bench.iter(|| black_box(Stabilizer.records(black_box(&program), &[], shots, 1).unwrap()));
        });
    }
    group.finish();
}

fn values(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stabilizer");
    let circuit = layers(100, 10);
    let noise = |op: &Op| match op.qubits.len() {
        _ if op.written_bit().is_some() => Vec::new(),
        count => vec![(depolarizing(1e-3, count).unwrap(), op.qubits.to_vec())],
    };
    let program = Program::compile(&circuit, &[], noise, |_| None);
    let observables = Observable::all_z(100);
    group.bench_function("100 qubits, 10 noisy layers, 100 exact values (goal 5 ms)", |bench| {
        bench
            .iter(|| black_box(Stabilizer.expect(black_box(&program), Angles::of_weights(&[]), &observables).unwrap()));
    });
    group.finish();
}

criterion_group!(benches, shots, values);
criterion_main!(benches);
