//! Reports of districts: what text and indicators reach beside the best possible decision, and what equal decisions for both groups cost.
//!
//! `cargo run --release --example fairtext`

use qgraft::lab::run_in_memory;
use qgraft::systems::fairtext::{FairText, Part, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arms =
        ["fused", "text", "indicators", "tfidf_logistic", "quantum", "tanh", "penalty_0", "penalty_3", "offsets"];
    let spec =
        Spec { arms: arms.map(String::from).to_vec(), parts: vec![Part::Arms, Part::Fairness], ..Spec::default() };
    let results = run_in_memory::<FairText>(&spec)?;
    let percent = |metric: &str| 100.0 * results.of(metric).grid("main").at("arm", "fused").samples().unwrap().mean();
    println!("largest class {:.1} %, best possible {:.1} %", percent("majority"), percent("bayes"));
    for grid in ["main", "fairness"] {
        let parity = results.of("parity").grid(grid).by("arm");
        for ((arm, accuracy), (_, parity)) in results.of("accuracy").grid(grid).by("arm").into_iter().zip(parity) {
            let (accuracy, parity) = (100.0 * accuracy.mean(), 100.0 * parity.mean());
            println!("{arm:15} accuracy {accuracy:.1} %, parity difference {parity:.1} points");
        }
    }
    Ok(())
}
