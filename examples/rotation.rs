//! examples/rotation.rs: two heads for the rotation angle of a picture, compared from a program.
//!
//! `cargo run --release --example rotation`

use qgraft::systems::Workplace;
use qgraft::systems::rotation::{self, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = tempfile::tempdir()?;
    let mut spec = Spec { heads: ["naive", "gaussian"].map(String::from).to_vec(), ..Spec::default() };
    // Without the backbone that learns classes first.
    spec.transfer.scenes = 0;
    let out = place.path().join("run");
    let found = rotation::run(&spec, &Workplace { out: &out, cache: place.path(), threads: 2 }, &())?.findings;
    for head in &found.heads {
        println!("{:12} mean error {:.1}°, median {:.1}°", head.head, head.mean.mean, head.median.mean);
    }
    Ok(())
}
