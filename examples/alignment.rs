//! A map from few pairs, with unpaired targets and without; noisy expectation values of a circuit mapped to ideal ones.
//!
//! `cargo run --release --example alignment`

use qgraft::lab::run_in_memory;
use qgraft::systems::alignment::{Alignment, Part, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let spec = Spec { parts: vec![Part::Unpaired, Part::Readout], ..Spec::default() };
    let results = run_in_memory::<Alignment>(&spec)?;
    for rows in &spec.rows {
        for (arm, error) in results.of("error").grid("unpaired").at("rows", &rows.to_string()).by("arm") {
            println!("{rows:3} pairs, {arm:16} error {:.3}", error.mean());
        }
    }
    for pairs in &spec.pairs {
        for (arm, error) in results.of("root_error").grid("readout").at("rows", &pairs.to_string()).by("arm") {
            println!("{pairs:3} circuits, {arm:18} error of an expectation value {:.4}", error.mean());
        }
    }
    Ok(())
}
