//! examples/noise_robustness.rs: noise on a circuit alone, and on heads trained without and under noise.
//!
//! `cargo run --release --example noise_robustness`

use qgraft::data::Synthetic;
use qgraft::lab::run_in_memory;
use qgraft::systems::inputs::Data;
use qgraft::systems::noise_robustness::{NoiseRobustness, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A circuit without a classifier: what noise leaves of its expectation values.
    let circuit = Spec { circuit_file: Some("circuits/reference_study_dressed.qasm".into()), ..Spec::default() };
    let results = run_in_memory::<NoiseRobustness>(&circuit)?;
    let exact = results.of("attenuation").at("source", "all").at("mitigation", "none").at("shots", "exact");
    for (device, values) in exact.by("device") {
        println!("{device:12} attenuation at each scale {:.3?}", values.values());
    }

    // Heads trained without noise, under it, and under a random strength of it.
    let mut heads = Spec { seeds: vec![0, 1, 2], devices: vec!["manila".into()], ..Spec::default() };
    heads.data = Data::synthetic(Synthetic { training: 200, held_out: 100, classes: 2, separation: 3.0, seed: 0 });
    let results = run_in_memory::<NoiseRobustness>(&heads)?;
    let twice = results.of("accuracy").at("source", "all").at("scale", "2").at("mitigation", "none");
    for (arm, accuracy) in twice.at("shots", "exact").by("arm") {
        println!("{arm:16} {:.3} at twice the noise of manila", accuracy.mean());
    }
    Ok(())
}
