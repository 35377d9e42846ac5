//! Coloured pictures in an environment that nobody has seen: four methods, selected by two rules, and what a declared shift refuses.
//!
//! `cargo run --release --example causal`

use qgraft::lab::run_in_memory;
use qgraft::systems::causal::{ARMS, Causal, Declaration, Part, Shift, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let declared = Declaration { shifts: vec![Shift::Prevalence], ..Declaration::default() };
    for row in ARMS {
        match declared.refusal(row.assumes) {
            Some(reason) => println!("{:15} refused: {reason}", row.name),
            None => println!("{:15} allowed", row.name),
        }
    }

    let arms = ["erm", "irm", "v_rex", "oracle"].map(String::from).to_vec();
    let spec = Spec { arms, tasks: vec!["coloured".into()], parts: vec![Part::Tasks], ..Spec::default() };
    let results = run_in_memory::<Causal>(&spec)?;
    for rule in ["training", "oracle"] {
        for (arm, accuracy) in results.of("accuracy").grid("coloured").at("selection", rule).by("arm") {
            println!("{arm:10} selected by {rule:10} {:.1} % of the test rows", 100.0 * accuracy.mean());
        }
    }
    Ok(())
}
