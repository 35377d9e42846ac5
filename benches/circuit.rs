//! OpenQASM in and out: circuits of some hundred gates as text and back. Goals are for one thread of a 2-core server: a
//! tenth of what simulating a state vector of 12 to 16 qubits takes, so that reading and writing files is never the
//! largest part.
//!
//! `cargo bench --no-default-features --bench circuit`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use qgraft::circuit::qasm::{ReadOptions, WriteOptions, read, write2, write3};

fn text(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("circuit");
    for (name, text, goal) in [
        ("random n = 24", include_str!("circuits/random_n24.qasm"), "1 ms"),
        ("Fourier transform n = 24", include_str!("circuits/qft_n24.qasm"), "1 ms"),
    ] {
        let circuit = read(text, &ReadOptions::default()).unwrap();
        group.throughput(Throughput::Elements(circuit.ops().len() as u64));
        group.bench_function(format!("read {name} (goal {goal})"), |bench| {
            bench.iter(|| black_box(read(black_box(text), &ReadOptions::default()).unwrap()));
        });
        group.bench_function(format!("write {name} as OpenQASM 2 (goal {goal})"), |bench| {
            bench.iter(|| black_box(write2(black_box(&circuit)).unwrap()));
        });
        group.bench_function(format!("write {name} as OpenQASM 3 (goal {goal})"), |bench| {
            bench.iter(|| black_box(write3(black_box(&circuit), &WriteOptions::default())));
        });
    }
    group.finish();
}

criterion_group!(benches, text);
criterion_main!(benches);
