//! examples/qtl.rs: the hybrid-transfer study from a program: build the spec, run it, read the report.
//!
//! `cargo run --release --example qtl`

use std::path::Path;

use qgraft::systems::qtl::{self, PresetRow, Spec, Workplace};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut spec = Spec::default();
    (PresetRow::named("mari")?.apply)(&mut spec);
    spec.heads = ["linear", "mlp_a", "quantum", "quantum@torino"].map(String::from).to_vec();
    spec.judge.devices = vec!["torino".into(), "fez".into()];
    spec.seeds = vec![0, 1, 2];
    spec.train.epochs = 5;

    let place = tempfile::tempdir()?;
    let out = place.path().join("run");
    let outcome = qtl::run(&spec, &Workplace { out: &out, cache: Path::new(".qgraft-cache"), threads: 2 }, &())?;

    for answer in &outcome.report.answers {
        println!("{} {}", answer.question.ask(), answer.verdict);
    }
    for point in &outcome.report.noise {
        println!("{:16} {:22} x{:<4} {:.3}", point.head, point.setting, point.scale, point.accuracy.mean);
    }
    Ok(())
}
