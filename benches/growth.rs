//! How time grows with size. Each row of [`ROWS`] doubles one size and fits the exponent of its time over the larger half of
//! its sizes. The goal is at most [`GOAL`]: near linear. Exponents depend little on the machine, times do.
//!
//! `cargo bench --no-default-features --bench growth`, with a part of a name to run some rows

use std::hint::black_box;
use std::time::Instant;

use ndarray::{Array1, Array2};
use qgraft::circuit::draw::text;
use qgraft::circuit::qasm::{ReadOptions, WriteOptions, read, write3};
use qgraft::circuit::{Circuit, Gate, Observable, Param};
use qgraft::device::transpile::{TranspileOptions, transpile};
use qgraft::device::{Device, Target};
use qgraft::math::Stream;
use qgraft::noise::{NoiseModel, Program};
use qgraft::sim::{Angles, Density, Simulator, Statevector, Trajectory};

/// Exponents above miss the goal.
const GOAL: f64 = 1.15;
/// Doublings from the smallest to the largest size.
const DOUBLINGS: u32 = 6;

/// One kind of work at growing sizes.
struct Row {
    name: &'static str,
    /// The smallest size; the largest is `2^DOUBLINGS` times as large.
    least: usize,
    /// What a size counts.
    unit: &'static str,
    /// Prepares the work for a size and returns what is timed.
    work: fn(usize) -> Box<dyn Fn()>,
}

const ROWS: &[Row] = &[
    Row { name: "read OpenQASM, 16 qubits", least: 8_000, unit: "gates", work: |n| reading(16, n) },
    Row { name: "write OpenQASM, 16 qubits", least: 8_000, unit: "gates", work: |n| writing(16, n) },
    Row { name: "draw, 4 qubits", least: 4_000, unit: "gates", work: |n| drawing(4, n) },
    Row { name: "state vector, 4 qubits", least: 8_000, unit: "gates", work: |n| statevector(4, n) },
    Row { name: "state vector, 12 qubits", least: 1_000, unit: "gates", work: |n| statevector(12, n) },
    Row { name: "state vector, 16 qubits", least: 500, unit: "gates", work: |n| statevector(16, n) },
    Row { name: "state vector, 18 qubits", least: 250, unit: "gates", work: |n| statevector(18, n) },
    Row { name: "gradient, 4 qubits", least: 1_000, unit: "gates", work: |n| gradient(4, n) },
    Row { name: "gradient, 13 qubits", least: 250, unit: "gates", work: |n| gradient(13, n) },
    Row { name: "density, 4 qubits under fez", least: 500, unit: "gates", work: |n| density(4, n) },
    Row { name: "trajectories, 4 qubits under fez", least: 125, unit: "gates", work: |n| trajectories(4, n) },
    Row { name: "noise of fez, 16 qubits", least: 500, unit: "gates", work: |n| noise(16, n) },
    Row { name: "transpile for fez, 4 qubits", least: 250, unit: "gates", work: |n| transpiling(4, n) },
    Row { name: "transpile for fez, 16 qubits", least: 250, unit: "gates", work: |n| transpiling(16, n) },
    Row { name: "read OpenQASM, wide register", least: 64, unit: "qubits", work: |n| reading(n, 8 * n) },
    Row { name: "batch, 4 qubits, 40 gates", least: 1_500, unit: "rows", work: batch },
    Row { name: "shots, 10 qubits", least: 160_000, unit: "shots", work: shots },
];

/// Alternating rotations about X and CX on random qubits.
fn random(qubits: usize, gates: usize) -> Circuit {
    let mut stream = Stream::named(1, "growth");
    let mut circuit = Circuit::new(qubits);
    for k in 0..gates {
        let mut pair = stream.permutation(qubits);
        pair.truncate(2);
        if k % 2 == 0 {
            circuit.push(Gate::Rx, &pair[..1], &[Param::Fixed(stream.normal())]).unwrap();
        } else {
            circuit.push(Gate::Cx, &pair, &[]).unwrap();
        }
    }
    circuit
}

/// The same with a slot for every rotation.
fn slots(qubits: usize, gates: usize) -> (Circuit, Vec<f64>) {
    let fixed = random(qubits, gates);
    let mut circuit = Circuit::new(qubits);
    for op in fixed.ops() {
        if op.name() == "rx" {
            let slot = circuit.slot(format!("s{}", circuit.slots()));
            circuit.push(Gate::Ry, &op.qubits, &[slot]).unwrap();
        } else {
            circuit.append(op.clone()).unwrap();
        }
    }
    let weights = (0..circuit.slots()).map(|k| 0.1 + (k % 60) as f64 / 10.0).collect();
    (circuit, weights)
}

fn z0() -> Vec<Observable> {
    vec![Observable::z(0)]
}

fn reading(qubits: usize, gates: usize) -> Box<dyn Fn()> {
    let text = write3(&random(qubits, gates), &WriteOptions::default());
    Box::new(move || drop(black_box(read(&text, &ReadOptions::default()).unwrap())))
}

fn writing(qubits: usize, gates: usize) -> Box<dyn Fn()> {
    let circuit = random(qubits, gates);
    Box::new(move || drop(black_box(write3(&circuit, &WriteOptions::default()))))
}

fn drawing(qubits: usize, gates: usize) -> Box<dyn Fn()> {
    let circuit = random(qubits, gates);
    Box::new(move || drop(black_box(text(&circuit, 80))))
}

/// Everything from the program to the value: planning is part of it.
fn statevector(qubits: usize, gates: usize) -> Box<dyn Fn()> {
    let program = Program::ideal(&random(qubits, gates), &[]);
    Box::new(move || {
        let prepared = Statevector::default().prepare(&program, &z0(), 0).unwrap();
        black_box(prepared.expect(Angles::of_weights(&[])).unwrap());
    })
}

fn gradient(qubits: usize, gates: usize) -> Box<dyn Fn()> {
    let (circuit, weights) = slots(qubits, gates);
    let program = Program::ideal(&circuit, &[]);
    Box::new(move || {
        let prepared = Statevector::default().prepare(&program, &z0(), 0).unwrap();
        black_box(prepared.vjp(Angles::of_weights(&weights), Array2::ones((1, 1)).view()).unwrap());
    })
}

/// A random circuit in the native gates of fez, and the device.
fn on_fez(qubits: usize, gates: usize) -> (Circuit, Device) {
    let device = Device::named("fez").unwrap();
    let found = transpile(&random(qubits, gates), &Target::of(&device), &TranspileOptions::default()).unwrap();
    (found.circuit, device)
}

fn under_fez(qubits: usize, gates: usize) -> Program {
    let (circuit, device) = on_fez(qubits, gates);
    NoiseModel::named("aer").unwrap().apply(&circuit, &device, &[]).unwrap()
}

fn density(qubits: usize, gates: usize) -> Box<dyn Fn()> {
    let program = under_fez(qubits, gates);
    Box::new(move || {
        let prepared = Density::default().prepare(&program, &z0(), 0).unwrap();
        black_box(prepared.expect(Angles::of_weights(&[])).unwrap());
    })
}

fn trajectories(qubits: usize, gates: usize) -> Box<dyn Fn()> {
    let program = under_fez(qubits, gates);
    Box::new(move || {
        let prepared = Trajectory::new(16, 1).prepare(&program, &z0(), 0).unwrap();
        black_box(prepared.expect(Angles::of_weights(&[])).unwrap());
    })
}

fn noise(qubits: usize, gates: usize) -> Box<dyn Fn()> {
    let (circuit, device) = on_fez(qubits, gates);
    let model = NoiseModel::named("aer").unwrap();
    Box::new(move || drop(black_box(model.apply(&circuit, &device, &[]).unwrap())))
}

fn transpiling(qubits: usize, gates: usize) -> Box<dyn Fn()> {
    let circuit = random(qubits, gates);
    let target = Target::of(&Device::named("fez").unwrap());
    Box::new(move || drop(black_box(transpile(&circuit, &target, &TranspileOptions::default()).unwrap())))
}

fn batch(rows: usize) -> Box<dyn Fn()> {
    let (circuit, weights) = slots(4, 40);
    let program = Program::ideal(&circuit, &[]);
    let inputs = Array2::from_shape_fn((rows, 4), |(row, k)| (row * 4 + k) as f64 / rows as f64);
    let weights = Array1::from(weights[4..].to_vec());
    Box::new(move || {
        let prepared = Statevector::default().prepare(&program, &z0(), 4).unwrap();
        black_box(prepared.expect(Angles { inputs: inputs.view(), weights: weights.view() }).unwrap());
    })
}

fn shots(count: usize) -> Box<dyn Fn()> {
    let program = Program::ideal(&random(10, 100), &[]);
    Box::new(move || {
        let prepared = Statevector::default().prepare(&program, &[], 0).unwrap();
        black_box(prepared.sample(Angles::of_weights(&[]), count, 1).unwrap());
    })
}

/// The least of three times, seconds.
fn time(work: &dyn Fn()) -> f64 {
    let once = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..3).map(once).fold(f64::INFINITY, f64::min)
}

/// The slope of the least-squares line through (ln size, ln time).
fn exponent(points: &[(usize, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|&(size, time)| ((size as f64).ln(), time.ln())).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / logs.len() as f64;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let products: f64 = logs.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    products / logs.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>()
}

fn main() {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("nothing has started the pool yet");
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    println!("| work | sizes | least time | largest time | exponent | goal |\n|---|---|---|---|---|---|");
    for row in ROWS.iter().filter(|row| row.name.contains(&wanted)) {
        let sizes = (0..=DOUBLINGS).map(|k| row.least << k);
        let points: Vec<(usize, f64)> = sizes.map(|size| (size, time(&*(row.work)(size)))).collect();
        let (first, last) = (points[0], points[points.len() - 1]);
        // Fixed costs hide the growth of small sizes.
        let found = exponent(&points[points.len() / 2..]);
        println!(
            "| {} | {} to {} {} | {:.2} ms | {:.2} ms | {found:.2} | {} |",
            row.name,
            first.0,
            last.0,
            row.unit,
            1e3 * first.1,
            1e3 * last.1,
            if found <= GOAL { "met" } else { "missed" }
        );
    }
}
