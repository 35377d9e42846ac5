//! examples/noise_robustness.rs: the noise-robustness benchmark from a program, on a circuit and on trained heads.
//!
//! `cargo run --release --example noise_robustness`

use std::path::Path;

use qgraft::systems::Workplace;
use qgraft::systems::noise_robustness::{self, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = tempfile::tempdir()?;
    let cache = Path::new(".qgraft-cache");

    // A circuit without a classifier: what noise leaves of its expectation values and gradients.
    let circuit = Spec { circuit_file: Some("circuits/reference_study_dressed.qasm".into()), ..Spec::default() };
    let out = place.path().join("circuit");
    let found = noise_robustness::run(&circuit, &Workplace { out: &out, cache, threads: 2 }, &())?.findings;
    for point in found.plain() {
        let slope = point.contraction.map_or("none".into(), |slope| format!("{:.3}", slope.mean));
        println!("{:12} x{:<4} slope of <Z> {slope}", point.device, point.scale);
    }

    // Heads trained without noise, under it, and under a changing strength of it.
    let mut heads = Spec::default();
    heads.quick();
    let out = place.path().join("heads");
    let found = noise_robustness::run(&heads, &Workplace { out: &out, cache, threads: 2 }, &())?.findings;
    for sentence in &found.sentences {
        println!("{sentence}");
    }
    Ok(())
}
