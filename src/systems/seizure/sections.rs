//! Further parts of the report: all arms over all targets, rules, the warning about leakage.

use crate::lab::{Results, render};
use crate::math::words::{decimals, p_value, sig3};
use crate::report::{Block, Section, Table};
use crate::study::stats::{friedman, quantile};
use crate::systems::seizure::METHOD;
use crate::systems::seizure::checks::by_target;
use crate::systems::seizure::rules::{self, ViewRules};
use crate::systems::seizure::spec::Spec;
use crate::systems::seizure::trial::RULES;

/// Targets whose rules are shown, at most.
const SHOWN: usize = 2;

/// Every section.
pub fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
    let mut found = vec![render::section(
        "use",
        "What this is",
        vec![Block::Warning("Research software, not for diagnosis. No result of it is about a person.".into())],
    )];
    if spec.allow_leakage {
        let text = "LEAKAGE ALLOWED: segments of one recording are on both sides of the split (--allow-leakage). Accuracies \
                    are too high; they say nothing about new recordings.";
        found.push(render::section("leakage", "Leakage allowed", vec![Block::Alarm(text.into())]));
    }
    found.extend(targets(results));
    let kept: Vec<(&crate::lab::Point, Vec<ViewRules>)> = results.kept("main", RULES);
    let first = spec.seeds.first().copied().unwrap_or(0);
    let is_shown = |point: &crate::lab::Point| point.get("arm") == METHOD && point.seed() == first;
    let mut blocks = Vec::new();
    for (point, views) in kept.iter().filter(|(point, _)| is_shown(point)).take(SHOWN) {
        let target = point.get("target");
        blocks.extend(rules::blocks(&format!("{target}, seed {first}"), &format!("{target}_{first}"), views));
    }
    if !blocks.is_empty() {
        found.push(render::section("rules", "Rules of the method", blocks));
    }
    found
}

/// Medians and quartiles over targets, and whether the arms differ.
fn targets(results: &Results) -> Option<Section> {
    let grid = results.grid("main")?;
    let arms: Vec<&str> = grid.factor("arm")?.names().collect();
    let names: Vec<&str> = grid.factor("target")?.names().collect();
    let of = |arm: &str, target: &str| {
        Some(results.of("balanced_accuracy").grid("main").at("arm", arm).at("target", target).samples()?.mean())
    };
    let mut table = Table::new(
        "targets",
        "Balanced accuracy (%) over targets, mean over seeds",
        &["arm", "median", "lower quartile", "upper quartile", "least", "most"],
        1,
    );
    for arm in &arms {
        let Some(samples) = by_target(results, "main", arm) else { continue };
        let mut sorted = samples.values();
        sorted.sort_by(f64::total_cmp);
        let percent = |share: f64| decimals(100.0 * quantile(&sorted, share), 1);
        table.rows.push([vec![arm.to_string()], [0.5, 0.25, 0.75, 0.0, 1.0].map(percent).to_vec()].concat());
    }
    let mut blocks = vec![Block::Table(table)];
    let complete: Vec<Vec<f64>> = names
        .iter()
        .filter_map(|target| arms.iter().map(|arm| of(arm, target)).collect::<Option<Vec<f64>>>())
        .collect();
    if let Some((statistic, p)) = friedman(&complete) {
        blocks.push(Block::Text(format!(
            "Friedman's test over {} targets and {} arms: χ² = {}, p {}. Paired comparisons with Holm's correction are above.",
            complete.len(),
            arms.len(),
            sig3(statistic),
            if p < 0.001 { p_value(p) } else { format!("= {}", p_value(p)) }
        )));
    }
    Some(render::section("targets", "Arms over targets", blocks))
}
