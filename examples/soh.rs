//! examples/soh.rs: battery cells of another domain, forecast with and without their first labels.
//!
//! `cargo run --release --example soh`

use qgraft::systems::Workplace;
use qgraft::systems::soh::{self, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = tempfile::tempdir()?;
    let mut spec = Spec::default();
    spec.quick();
    spec.targets = vec!["hard".into()];
    spec.arms = ["source_only", "prefix"].map(String::from).to_vec();
    let out = place.path().join("run");
    let found = soh::run(&spec, &Workplace { out: &out, cache: place.path(), threads: 2 }, &())?.findings;
    for arm in &found.targets[0].arms {
        println!("{:12} error {:.2} points of state of health", arm.arm, arm.rmse.mean);
        for interval in &arm.intervals {
            let [inside, infinite] = [interval.points.mean, interval.infinite.mean].map(|share| 100.0 * share);
            let (name, width) = (&interval.calibration, interval.width.mean);
            println!("    {name:12} {inside:5.1} % inside, {width:.2} points wide, {infinite:.0} % infinite");
        }
    }
    Ok(())
}
