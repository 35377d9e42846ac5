//! A pretrained backbone fine-tuned on a folder of class folders, and its model applied to new pictures.
//!
//! `cargo run --release --example own_pictures -- photos/ new/`

use std::path::PathBuf;

use qgraft::lab::{ApplyOptions, ModelChoice, Overrides, RunOptions, SavedRun, System, SystemOf};
use qgraft::sim::Condition;
use qgraft::systems::plasticity::Plasticity;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [data, new] = &paths[..] else { return Err("name a folder of class folders and a folder of pictures".into()) };
    let system = SystemOf::<Plasticity>::new();
    let flags = [("data", data.as_str()), ("epochs", "8")].map(|(name, value)| (name.into(), value.into())).to_vec();
    let request = system.resolve(&Overrides { flags, ..Overrides::default() })?;
    let outcome = system.run(&request, &RunOptions::new("runs/own_pictures"), &())?;
    for (arm, last) in outcome.results.of("last").by("arm") {
        println!("{arm:26} last accuracy {:.3}", last.mean());
    }
    let options = ApplyOptions {
        data: vec![PathBuf::from(new)],
        choice: ModelChoice::default(),
        condition: Condition::default(),
        skip_bad: false,
        cache: ".qgraft-cache".into(),
        threads: 2,
        out_files: None,
    };
    let applied = system.apply(&SavedRun::open(&outcome.folder)?, &options, &())?;
    println!("{}", applied.model);
    print!("{}", String::from_utf8(applied.csv())?);
    Ok(())
}
