//! A calibration of 156 qubits into the program of a transpiled circuit, by each model. Goal: less than transpiling the
//! circuit takes.
//!
//! `cargo bench --no-default-features --bench noise`

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use qgraft::circuit::qasm::{ReadOptions, read};
use qgraft::device::transpile::{TranspileOptions, transpile};
use qgraft::device::{Device, Target};
use qgraft::noise::NoiseModel;

fn noise(criterion: &mut Criterion) {
    let device = Device::named("fez").unwrap();
    let circuit = read(include_str!("circuits/random_n08.qasm"), &ReadOptions::default()).unwrap();
    let transpiled = transpile(&circuit, &Target::of(&device), &TranspileOptions::default()).unwrap();
    let mut group = criterion.benchmark_group("noise");
    group.sample_size(20);
    for (name, goal) in [("aer", "5 ms"), ("scheduled", "10 ms"), ("crosstalk", "20 ms")] {
        let model = NoiseModel::named(name).unwrap();
        group.bench_function(format!("{name} on fez, random n = 8 (goal {goal})"), |bench| {
            bench.iter(|| {
                black_box(model.apply(black_box(&transpiled.circuit), &device, &transpiled.final_layout).unwrap())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, noise);
criterion_main!(benches);
