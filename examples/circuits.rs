//! How fast gradients vanish with the number of qubits, under a local and a global cost.
//!
//! `cargo run --release --example circuits`

use qgraft::lab::run_in_memory;
use qgraft::systems::circuits::{Circuits, IDEAL, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let spec = Spec {
        experiments: vec!["gradients".into(), "expressibility".into()],
        devices: vec![IDEAL.into()],
        qubits: (2..=6).collect(),
        ..Spec::default()
    };
    let results = run_in_memory::<Circuits>(&spec)?;
    for (cost, factors) in results.of("decay_factor").at("start", "uniform").by("cost") {
        println!("{cost:6} cost: the gradient variance changes by × {:.2} per qubit", factors.mean());
    }
    for (ansatz, divergences) in results.of("expressibility").at("qubits", "4").by("ansatz") {
        println!("{ansatz}: {:.3} nats from Haar-random states, mean over depths", divergences.mean());
    }
    Ok(())
}
