//! A random forest, the same forest as a network, and networks distilled from it.
//!
//! `cargo run --release --example forest`

use qgraft::lab::run_in_memory;
use qgraft::systems::forest::{RandomForests, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let spec = Spec { tables: vec!["wine".into()], ..Spec::default() };
    let results = run_in_memory::<RandomForests>(&spec)?;
    let mean = |grid: &str, metric: &str, levels: &[(&str, &str)]| {
        let samples = results.cell(grid, metric, levels).samples();
        samples.map_or(f64::NAN, |samples| samples.mean())
    };
    println!("forest: accuracy {:.3}", mean("teacher", "accuracy", &[]));
    println!("as a network: largest difference {:.0e}", mean("network", "difference", &[("form", "steps")]));
    for target in &spec.targets {
        for student in spec.student_names() {
            let levels = [("target", target.as_str()), ("student", student.as_str())];
            let (accuracy, divergence) = (mean("main", "accuracy", &levels), mean("main", "divergence", &levels));
            println!("{target:10} {student:7} accuracy {accuracy:.3}, KL {divergence:.3}");
        }
    }
    Ok(())
}
