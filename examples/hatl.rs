//! examples/hatl.rs: blocks of a backbone released one after the other, beside none and all of them at once.
//!
//! `cargo run --release --example hatl`

use qgraft::systems::Workplace;
use qgraft::systems::hatl::{self, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = tempfile::tempdir()?;
    let spec = Spec { arms: ["hatl", "frozen", "full"].map(String::from).to_vec(), ..Spec::default() };
    let out = place.path().join("run");
    let found = hatl::run(&spec, &Workplace { out: &out, cache: place.path(), threads: 2 }, &())?.findings;
    for arm in &found.arms {
        println!("{:8} BLEU-4 {:.1}, releases in epochs {:?}", arm.arm, arm.scores[0][0], arm.releases[0]);
    }
    Ok(())
}
