//! examples/plasticity.rs: a network that learned noise, and what replacing its least useful weights gives back.
//!
//! `cargo run --release --example plasticity`

use qgraft::systems::Workplace;
use qgraft::systems::plasticity::{self, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = tempfile::tempdir()?;
    let spec = Spec { settings: vec!["random_labels".into()], ..Spec::default() };
    let out = place.path().join("run");
    let found = plasticity::run(&spec, &Workplace { out: &out, cache: place.path(), threads: 2 }, &())?.findings;
    let setting = &found.settings[0];
    println!("dormant units: {:.2} fresh, {:.2} trained", setting.fresh.dormant, setting.trained.dormant);
    for arm in &setting.arms {
        println!("{:26} mean accuracy over the epochs {:.3}, last {:.3}", arm.arm, arm.area[0], arm.last[0]);
    }
    Ok(())
}
