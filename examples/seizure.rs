//! Fuzzy rules for the seizures of one patient, with other patients' labels and without. Not for diagnosis.
//!
//! `cargo run --release --example seizure`

use qgraft::lab::run_in_memory;
use qgraft::systems::seizure::{Part, RULES, Seizure, Spec, ViewRules, sentences};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arms = ["target_only", "pooled", "transfer", "hybrid", "random_view"].map(String::from).to_vec();
    let spec = Spec { arms, parts: vec![Part::Arms], patients: 3, ..Spec::default() };
    let results = run_in_memory::<Seizure>(&spec)?;
    for (arm, accuracy) in results.of("balanced_accuracy").by("arm") {
        let alarms = results.of("false_alarms").at("arm", &arm).samples().map_or(f64::NAN, |samples| samples.mean());
        println!("{arm:12} balanced accuracy {:.1} %, {alarms:.0} false alarms per hour", 100.0 * accuracy.mean());
    }
    let weight = results.of("extra_weight").at("arm", "hybrid").samples().map_or(f64::NAN, |samples| samples.mean());
    println!("learned weight of the circuit's view: {weight:.2}");
    for (point, rules) in results.kept::<Vec<ViewRules>>("main", RULES) {
        if point.get("arm") == "transfer" && point.get("target") == "p01" {
            println!("{}", sentences(&rules).join("\n"));
        }
    }
    Ok(())
}
