//! OpenQASM in and out: circuits of some hundred gates as text and back. Goals are for one thread of a 2-core server: a
//! tenth of what simulating a state vector of 12 to 16 qubits takes, so that reading and writing files is never the
//! largest part.
//!
//! `cargo bench --no-default-features --bench circuit`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use qgraft::circuit::qasm::{ReadOptions, WriteOptions, read, write2, write3};
use qgraft::math::Stream;

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

/// A text of about 2 MB: rotations by numbers, entangling gates, a few others, on 100 qubits.
fn long(version: u8) -> String {
    let mut text = String::from(match version {
        2 => "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[100];\n",
        _ => "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[100] q;\n",
    });
    let mut stream = Stream::named(1, "long text");
    while text.len() < 2_000_000 {
        let (a, b) = (stream.below(100), stream.below(99));
        let b = (a + 1 + b) % 100;
        let angle = 8.0 * stream.uniform() - 4.0;
        text += &match stream.below(20) {
            0..8 => format!("rz({angle:?}) q[{a}];\n"),
            8..16 => format!("cx q[{a}], q[{b}];\n"),
            16..18 => format!("h q[{a}];\n"),
            18 => format!("u3(pi/2,{angle:?},-pi/{}) q[{a}];\n", 1 + b),
            _ => format!("rx(3*pi/{}) q[{b}];\n", 1 + a),
        };
    }
    text
}

/// A file of 200 MB in 4 seconds.
fn long_texts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("long text");
    for version in [2, 3] {
        let text = long(version);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("OpenQASM {version} (goal 50 MB/s)"), |bench| {
            bench.iter(|| black_box(read(black_box(&text), &ReadOptions::default()).unwrap()));
        });
    }
    group.finish();
}

criterion_group!(benches, text, long_texts);
criterion_main!(benches);
