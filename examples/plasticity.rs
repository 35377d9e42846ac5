//! A network trained on random labels, and the effect of replacing its least useful weights.
//!
//! `cargo run --release --example plasticity`

use qgraft::lab::run_in_memory;
use qgraft::systems::plasticity::{Plasticity, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let spec = Spec { settings: vec!["random_labels".into()], ..Spec::default() };
    let results = run_in_memory::<Plasticity>(&spec)?;
    let mean = |metric: &str| results.of(metric).samples().map_or(f64::NAN, |samples| samples.mean());
    println!("dormant units: {:.2} fresh, {:.2} trained", mean("fresh_dormant"), mean("dormant"));
    for (arm, area) in results.of("area").by("arm") {
        let last = results.of("last").at("arm", &arm).samples().map_or(f64::NAN, |samples| samples.mean());
        println!("{arm:26} mean accuracy over the epochs {:.3}, last {last:.3}", area.mean());
    }
    Ok(())
}
