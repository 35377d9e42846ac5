//! A frozen network, histograms of gradients and a circuit on a few patients, with exact intervals. Not for diagnosis.
//!
//! `cargo run --release --example cohort`

use qgraft::lab::run_in_memory;
use qgraft::study::diagnostic::{clopper_pearson, mcnemar};
use qgraft::systems::cohort::{OUTCOME, Outcome, SmallCohort, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arms = ["lite0", "hog_svm", "quantum", "classical"].map(String::from).to_vec();
    let results = run_in_memory::<SmallCohort>(&Spec { arms, ..Spec::default() })?;
    let kept: Vec<_> = results.kept::<Outcome>("main", OUTCOME);
    for (point, outcome) in &kept {
        let (right, of) = outcome.right(Some(true));
        let found = clopper_pearson(right, of, 0.95).ok_or("no positive patients")?;
        let area = outcome.area().ok_or("too few patients")?;
        let interval = area.interval(0.95).ok_or("no interval")?;
        println!(
            "{:10} area {:.3} ({:.3} to {:.3}), {right} of {of} found ({:.2} to {:.2})",
            point.get("arm"),
            area.area,
            interval.low,
            interval.high,
            found.low,
            found.high
        );
    }
    let right =
        |k: usize| -> Vec<bool> { kept[k].1.called().iter().zip(&kept[k].1.truth).map(|(a, b)| a == b).collect() };
    let (network, histograms) = (right(0), right(1));
    let only = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| **a && !**b).count();
    let p = mcnemar(only(&network, &histograms), only(&histograms, &network));
    println!("network and histograms are right equally often: p = {p:.2}");
    Ok(())
}
