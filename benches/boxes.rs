//! Weighted boxes fusion of the thousand random pictures that tests/reference/boxes.py times the package ensemble-boxes on.
//!
//! `cargo bench --bench boxes`

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/it/support/boxes.rs"]
mod random;

fn fusion(criterion: &mut Criterion) {
    let cases: Vec<random::Case> = (0..1000).map(random::Case::new).collect();
    let mut group = criterion.benchmark_group("boxes");
    group.throughput(Throughput::Elements(cases.len() as u64));
    group.bench_function("wbf, 1,000 pictures (goal 35 ms, a twentieth of the package)", |bench| {
        bench.iter(|| {
            for case in &cases {
                for (_, fusion) in case.fusions().into_iter().take(1) {
                    black_box(fusion.fuse(black_box(&case.detectors)));
                }
            }
        });
    });
    group.finish();
}

criterion_group!(benches, fusion);
criterion_main!(benches);
