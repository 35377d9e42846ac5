//! What counts as reproduced.

use serde::Serialize;

use crate::systems::soh::controls::{Clustered, Shifted};
use crate::systems::soh::findings::{ArmFound, Chosen, SampledFound, TargetFound};
use crate::systems::soh::spec::Spec;

/// A figure and the range it should be in.
#[derive(Clone, Debug, Serialize)]
pub struct Criterion {
    /// What is measured.
    pub what: &'static str,
    /// The figure, over seeds where there are some.
    pub measured: f64,
    /// Lowest and highest value at which it holds.
    pub range: (f64, f64),
    /// Whether it does.
    pub holds: bool,
}

/// Every criterion whose arms and targets were run. Ranges of the trainings were fixed before the first of them; those of
/// the simulations were set with a trial of the same simulations at hand.
pub fn criteria(
    spec: &Spec,
    targets: &[TargetFound],
    chosen: &[Chosen],
    shifted: &Shifted,
    clustered: &Clustered,
) -> Vec<Criterion> {
    let arm = |target: &str, arm: &str| targets.iter().find(|t| t.target == target).and_then(|t| t.arm(arm));
    let ratio = |target: &str, above: &str, below: &str, value: fn(&ArmFound) -> f64| {
        Some(value(arm(target, above)?) / value(arm(target, below)?))
    };
    let points = |target: &str, calibration: &str| Some(arm(target, "mmd")?.interval(calibration)?.points.mean);
    // Of the spec's head over the first beside it, encoder frozen and the rest adapted on the prefix.
    let beside = |target: &str, value: fn(&ArmFound) -> f64| {
        let target = targets.iter().find(|t| t.target == target)?;
        Some(value(target.with("fine_tune", &spec.head)?) / value(target.with("fine_tune", spec.beside.first()?)?))
    };
    let few = |value: fn(&SampledFound) -> f64| {
        let target = targets.iter().find(|t| t.target == "hard")?;
        Some(value(target.with("fine_tune", &spec.head)?.sampled.first()?))
    };
    let width: fn(&ArmFound) -> f64 = |arm| arm.verified_width.mean;
    let lambda = chosen.iter().map(|c| c.lambda).reduce(f64::max);
    let rmse: fn(&ArmFound) -> f64 = |arm| arm.rmse.mean;
    let around = |value: f64, slack: f64| (value - slack, value + slack);
    let table = [
        ("hard: RMSE of mmd over that of source_only", ratio("hard", "mmd", "source_only", rmse), (0.0, 0.85)),
        ("hard: RMSE of mmd over that of prefix", ratio("hard", "mmd", "prefix", rmse), (0.0, 1.0)),
        ("control: RMSE of mmd over that of prefix", ratio("none", "mmd", "prefix", rmse), (0.95, 1.05)),
        ("largest λ chosen without the target", lambda, (0.0, 0.1)),
        (
            "hard: MMD² of latents, mmd over source_only",
            ratio("hard", "mmd", "source_only", |arm| arm.discrepancy.mean),
            (0.0, 0.5),
        ),
        ("hard: AUROC of domains on latents of mmd", arm("hard", "mmd").map(|a| a.domain_auroc.mean), (0.0, 0.65)),
        (
            "hard: RMSE on the source, mmd over source_only",
            ratio("hard", "mmd", "source_only", |arm| arm.source_rmse.mean),
            (0.0, 1.1),
        ),
        ("control: coverage of mmd, split", points("none", "split"), (0.88, 0.93)),
        ("hard: coverage of mmd, split (told as it is)", points("hard", "split"), (0.0, 1.0)),
        ("hard: coverage of mmd, weighted", points("hard", "weighted"), (0.87, 0.95)),
        ("hard: coverage of mmd, prefix", points("hard", "prefix"), (0.87, 0.95)),
        ("pybamm: RMSE of mmd over that of source_only", ratio("pybamm", "mmd", "source_only", rmse), (0.0, 0.85)),
        ("pybamm: RMSE of mmd over that of prefix", ratio("pybamm", "mmd", "prefix", rmse), (0.0, 1.0)),
        ("pybamm: coverage of mmd, split (told as it is)", points("pybamm", "split"), (0.0, 1.0)),
        ("pybamm: coverage of mmd, weighted", points("pybamm", "weighted"), (0.87, 0.95)),
        ("pybamm: coverage of mmd, prefix", points("pybamm", "prefix"), (0.87, 0.95)),
        ("hard: width at verified coverage, this head over the next, fine_tune", beside("hard", width), (0.0, 1.0)),
        ("pybamm: width at verified coverage, this head over the next, fine_tune", beside("pybamm", width), (0.0, 1.0)),
        ("hard: coverage by few shots, calibrated by as many, this head", few(|s| s.alike_points.mean), (0.87, 0.95)),
        ("hard: the same, calibrated without shots (told as it is)", few(|s| s.exactly_points.mean), (0.0, 1.0)),
        ("simulated shift: coverage without weights", Some(shifted.plain), around(0.759, 0.02)),
        ("simulated shift: coverage with weights", Some(shifted.weighted), around(0.905, 0.02)),
        ("simulated shift: share of infinite intervals", Some(shifted.infinite), (0.0, 0.026)),
        ("simulated cells: coverage, pooled", Some(clustered.pooled), around(0.89, 0.02)),
        ("simulated cells: cells below 0.8, pooled", Some(clustered.low_cells), (0.14, 0.19)),
        ("simulated cells: whole lives, pooled", Some(clustered.lives), around(0.15, 0.03)),
        ("simulated cells: whole lives, largest scores", Some(clustered.whole_lives), (0.89, 0.92)),
        ("simulated cells: their width over pooled", Some(clustered.wider), around(1.8, 0.1)),
        ("simulated cells: coverage, one point per cell", Some(clustered.one_per_cell), (0.89, 0.92)),
    ];
    let told = table.into_iter().filter_map(|(what, measured, range)| Some((what, measured?, range)));
    told.map(|(what, measured, range)| Criterion {
        what,
        measured,
        range,
        holds: (range.0..=range.1).contains(&measured),
    })
    .collect()
}
