//! What to offer in a new market and at which prices, with customers of other markets and without.
//!
//! `cargo run --release --example pricing`

use qgraft::lab::run_in_memory;
use qgraft::systems::pricing::{Part, Pricing, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arms = ["target_only", "transfer", "pooled", "cap"].map(String::from).to_vec();
    let spec = Spec { arms, parts: vec![Part::Arms, Part::Shifts], rounds: 1000, ..Spec::default() };
    let results = run_in_memory::<Pricing>(&spec)?;
    for (arm, regret) in results.of("regret").grid("main").by("arm") {
        let share = results.of("regret_share").grid("main").at("arm", &arm).samples();
        let share = share.map_or(f64::NAN, |samples| samples.mean());
        println!("{arm:12} regret {:.0}, {:.1} % of the best revenue", regret.mean(), 100.0 * share);
    }
    for shift in &spec.shifts {
        let of = |arm: &str| {
            let query = results.of("regret").grid("shifts").at("arm", arm).at("shift", &shift.to_string());
            query.samples().map_or(f64::NAN, |samples| samples.mean())
        };
        println!("difference {shift}: regret {:.0}, of pooled choices {:.0}", of("transfer"), of("pooled"));
    }
    Ok(())
}
