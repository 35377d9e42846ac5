//! Two output encodings of the rotation angle of a picture, compared from a program.
//!
//! `cargo run --release --example rotation`

use qgraft::lab::run_in_memory;
use qgraft::systems::rotation::{Rotation, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut spec = Spec { encodings: ["naive", "gaussian"].map(String::from).to_vec(), ..Spec::default() };
    // Without the backbone that is trained on classes first.
    spec.transfer.scenes = 0;
    let results = run_in_memory::<Rotation>(&spec)?;
    for (encoding, error) in results.of("error").plain().by("encoding") {
        let median = results.of("median_error").at("encoding", &encoding).samples().map_or(f64::NAN, |m| m.mean());
        println!("{encoding:12} mean error {:.1}°, median {median:.1}°", error.mean());
    }
    Ok(())
}
