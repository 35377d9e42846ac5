//! examples/forest.rs: a random forest, the same forest as a network, and a network that learned from it.
//!
//! `cargo run --release --example forest`

use qgraft::systems::Workplace;
use qgraft::systems::forest::{self, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = tempfile::tempdir()?;
    let spec = Spec { tables: vec!["wine".into()], ..Spec::default() };
    let out = place.path().join("run");
    let found = forest::run(&spec, &Workplace { out: &out, cache: place.path(), threads: 2 }, &())?.findings;
    let wine = &found.tasks[0];
    println!("forest: accuracy {:.3}", wine.forest.accuracy);
    println!("as a network: largest difference {:.0e}", wine.conversion.network);
    for student in &wine.students {
        let (target, shape, test) = (&student.target, &student.student, &student.test);
        println!("{target:10} {shape:7} accuracy {:.3}, KL {:.3}", test.accuracy, test.divergence);
    }
    Ok(())
}
