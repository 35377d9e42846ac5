//! examples/qtl.rs: quantum and classical heads on drawn features, from a program: settings, run, results.
//!
//! `cargo run --release --example qtl`

use qgraft::data::Synthetic;
use qgraft::lab::run_in_memory;
use qgraft::systems::inputs::Data;
use qgraft::systems::qtl::{Qtl, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shape = Synthetic { training: 200, held_out: 100, classes: 2, separation: 3.0, seed: 0 };
    let mut spec = Spec {
        seeds: vec![0, 1, 2],
        heads: ["linear", "mlp_a", "quantum", "quantum@torino"].map(String::from).to_vec(),
        data: Data::synthetic(shape),
        ..Spec::default()
    };
    spec.evaluate.devices = vec!["torino".into(), "fez".into()];

    let results = run_in_memory::<Qtl>(&spec)?;
    for (head, accuracy) in results.of("accuracy").plain().by("head") {
        println!("{head:16} {:.3} over {} seeds", accuracy.mean(), accuracy.len());
    }
    for (device, accuracy) in results.of("accuracy").at("head", "quantum").at("scale", "1").by("device") {
        println!("quantum on {device:8} {:.3}", accuracy.mean());
    }
    Ok(())
}
