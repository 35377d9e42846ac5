//! Engines for noise at work, on transpiled three-layer ansatzes with calibrated noise. Goals are for one thread of a
//! 2-core AVX-512 server; they are in the name of each bench.
//!
//! `cargo bench --no-default-features --bench noisy`; `QGRAFT_BENCH_THREADS=2` for two threads.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ndarray::{Array1, Array2};
use qgraft::circuit::qasm::{self, ReadOptions};
use qgraft::circuit::{Circuit, Gate, Observable, Param};
use qgraft::math::units::Seconds;
use qgraft::noise::channel::{amplitude_damping, depolarizing, thermal_relaxation};
use qgraft::noise::{Channel, Program};
use qgraft::sim::{Angles, EngineOptions, Precision, Prepared, Simulator, engine};

/// Noise of some gates: `channels` maps a gate and its operands to depolarizing noise and relaxation of each operand.
#[derive(serde::Deserialize)]
struct Noise {
    channels: BTreeMap<String, After>,
}

#[derive(serde::Deserialize)]
struct After {
    depol: f64,
    /// T1, T2 and duration of each operand, seconds.
    relax: Vec<[f64; 3]>,
}

impl After {
    fn channels(&self, qubits: &[usize]) -> Vec<(Channel, Vec<usize>)> {
        let mix = depolarizing(self.depol, qubits.len()).unwrap();
        let relax = self.relax.iter().zip(qubits).map(|([t1, t2, time], &qubit)| {
            (thermal_relaxation(Seconds(*t1), Seconds(*t2), Seconds(*time), 0.0).unwrap(), vec![qubit])
        });
        std::iter::once((mix, qubits.to_vec())).chain(relax).collect()
    }
}

macro_rules! case {
    ($name:literal) => {
        (include_str!(concat!("noisy/", $name, ".qasm")), include_str!(concat!("noisy/", $name, ".json")))
    };
}

fn program((circuit, noise): (&str, &str)) -> Program {
    let circuit = qasm::read(circuit, &ReadOptions::default()).unwrap();
    let noise: Noise = serde_json::from_str(noise).unwrap();
    let after = |op: &qgraft::circuit::Op| {
        let operands: Vec<String> = op.qubits.iter().map(usize::to_string).collect();
        let found = noise.channels.get(&format!("{} {}", op.name(), operands.join(" ")));
        found.map_or_else(Vec::new, |after| after.channels(&op.qubits))
    };
    Program::compile(&circuit, &[], after, |_| None)
}

/// A classifier head as a transpiler leaves it: every rotation as Rz √X Rz √X Rz, encoding first, then three layers of
/// trained rotations and a chain of CX, relaxation and depolarizing noise behind each √X and CX.
fn head(qubits: usize, noisy: bool) -> Program {
    let mut circuit = Circuit::new(qubits);
    let slots: Vec<Param> = (0..qubits * 4).map(|k| circuit.slot(format!("s{k}"))).collect();
    for layer in 0..4 {
        for qubit in 0..qubits {
            let angle = slots[layer * qubits + qubit];
            for turn in [Param::from(0.4), angle + std::f64::consts::PI] {
                circuit.push(Gate::Rz, &[qubit], &[turn]).unwrap();
                circuit.push(Gate::Sx, &[qubit], &[]).unwrap();
            }
            circuit.push(Gate::Rz, &[qubit], &[0.7.into()]).unwrap();
        }
        if layer > 0 {
            (1..qubits).for_each(|q| drop(circuit.push(Gate::Cx, &[q - 1, q], &[])));
        }
    }
    let relax = amplitude_damping(1e-3).unwrap();
    let noise = |op: &qgraft::circuit::Op| -> Vec<(Channel, Vec<usize>)> {
        if !noisy || op.name() == "rz" {
            return Vec::new();
        }
        let relaxed = op.qubits.iter().map(|&q| (relax.clone(), vec![q]));
        relaxed.chain([(depolarizing(1e-3, op.qubits.len()).unwrap(), op.qubits.to_vec())]).collect()
    };
    Program::compile(&circuit, &[], noise, |_| None)
}

/// Expectation values and full gradient of a prepared program, what one training step computes.
fn step(prepared: &dyn Prepared, program: &Program, batch: usize) -> f64 {
    let inputs = program.qubits();
    let rows = Array2::from_shape_fn((batch, inputs), |(b, i)| 1.5 * (0.7 * (b * inputs + i) as f64 + 0.1).sin());
    let weights = Array1::from_shape_fn(program.slots - inputs, |k| 1.2 * (0.9 * k as f64 + 0.3).cos());
    let angles = Angles { inputs: rows.view(), weights: weights.view() };
    let values = prepared.expect(angles).unwrap();
    let cotangent = Array2::ones(values.dim());
    let gradient = prepared.vjp(angles, cotangent.view()).unwrap();
    values.sum() + gradient.inputs.sum() + gradient.weights.sum()
}

fn benches(c: &mut Criterion) {
    let threads = std::env::var("QGRAFT_BENCH_THREADS").map_or(1, |n| n.parse().expect("a number of threads"));
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("nothing has started the pool yet");
    let mut run = |name: &str, work: &mut dyn FnMut() -> f64| {
        c.bench_function(name, |b| b.iter(|| black_box(work())));
    };
    let fixed = Angles::of_weights(&[]);
    for precision in [Precision::Double, Precision::Single] {
        let options = EngineOptions { precision, ..EngineOptions::default() };
        for (name, case, goal) in [
            ("n = 4", case!("manila_n04"), "18 us"),
            ("n = 8", case!("guadalupe_n08"), "2.1 ms"),
            ("n = 10", case!("guadalupe_n10"), "37 ms"),
        ] {
            let density = engine("density", options).unwrap().prepare(&program(case), &[], 0).unwrap();
            run(&format!("density {name} {precision:?} (goal {goal})"), &mut || {
                density.probabilities(fixed).unwrap()[[0, 0]]
            });
        }
        for (name, case, goal) in [
            ("n = 4", case!("manila_n04"), "1.7 ms"),
            ("n = 8", case!("guadalupe_n08"), "15 ms"),
            ("n = 12", case!("guadalupe_n12"), "145 ms"),
            ("n = 16", case!("guadalupe_n16"), "0.6 s"),
        ] {
            let trajectory = engine("trajectory", options).unwrap().prepare(&program(case), &[], 0).unwrap();
            run(&format!("1024 trajectories {name} {precision:?} (goal {goal})"), &mut || {
                trajectory.probabilities(fixed).unwrap()[[0, 0]]
            });
        }
        for (kind, goal) in [("ideal", ""), ("noisy", " (goal: twice the ideal one)")] {
            let program = head(4, kind == "noisy");
            for name in ["pauli", "density"] {
                let (engine, observables) = (engine(name, options).unwrap(), Observable::all_z(program.qubits()));
                let prepared = engine.prepare(&program, &observables, program.qubits()).unwrap();
                run(&format!("head 4 qubits batch 16 {kind} {name} {precision:?}{goal}"), &mut || {
                    step(&*prepared, &program, 16)
                });
            }
        }
    }
}

criterion_group! {
    name = noisy;
    config = Criterion::default().sample_size(10).measurement_time(std::time::Duration::from_secs(2)).warm_up_time(std::time::Duration::from_millis(300));
    targets = benches
}
criterion_main!(noisy);
