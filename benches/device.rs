//! Transpilation of the circuits that tests/reference/transpile.py times Qiskit on (level 3, least of five seeds). The goal
//! in each name is a fifth of that time, which was measured on another machine.
//!
//! `cargo bench --no-default-features --bench device`

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use qgraft::device::transpile::{TranspileOptions, transpile};

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/it/support/transpile.rs"]
mod reference;

/// The widest target and the longest circuits, one of them with slots.
const TARGET: &str = "heavy hex of 115, cz";
const CIRCUITS: [&str; 4] = ["ghz 8", "qft 8", "ring ansatz 8, slots", "mixed gates 9"];

fn device(criterion: &mut Criterion) {
    let reference = reference::read();
    let target = reference.targets[TARGET].target();
    let mut group = criterion.benchmark_group("device");
    group.sample_size(20);
    for theirs in reference.qiskit.iter().filter(|t| t.target == TARGET && CIRCUITS.contains(&&*t.circuit)) {
        let circuit = reference.circuits[&theirs.circuit].circuit();
        let qiskit = reference::least(theirs.milliseconds.clone());
        let name =
            format!("transpile {} for {TARGET} (goal {:.1} ms, Qiskit {qiskit} ms)", theirs.circuit, qiskit / 5.0);
        group.bench_function(name, |bench| {
            bench.iter(|| black_box(transpile(black_box(&circuit), &target, &TranspileOptions::default()).unwrap()));
        });
    }
    group.finish();
}

criterion_group!(benches, device);
criterion_main!(benches);
