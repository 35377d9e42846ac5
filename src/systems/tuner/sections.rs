//! Further parts of the report: the settings that were found, how much was measured, the budget that is needed.

use crate::lab::{Point, Results, render};
use crate::math::words::decimals;
use crate::report::{Block, Section, Table};
use crate::systems::tuner::arms::METHOD;
use crate::systems::tuner::spark::{self, Compared, KNOBS};
use crate::systems::tuner::spec::Spec;
use crate::systems::tuner::trial::{DEFAULT, Kept, TUNED};

/// Every section.
pub fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
    let kept: Vec<(&Point, Kept)> = results.kept("main", TUNED);
    let mut found = Vec::new();
    found.extend(best(&kept));
    let live: Vec<(&Point, Kept)> = results.kept("live", TUNED);
    found.extend(properties(&live));
    found.extend(by_query(&results.kept("live", spark::COMPARED)));
    found.extend(reached(spec, results));
    found.extend(measured(&kept));
    found
}

/// The best settings of the method, of the first seed of each task.
fn best(kept: &[(&Point, Kept)]) -> Option<Section> {
    let seed = kept.iter().map(|(point, _)| point.seed()).min()?;
    let own: Vec<&(&Point, Kept)> =
        kept.iter().filter(|(point, _)| point.get("arm") == METHOD && point.seed() == seed).collect();
    let (_, first) = own.first()?;
    let header: Vec<&str> = ["knob"].into_iter().chain(own.iter().map(|(point, _)| point.get("task"))).collect();
    let mut table = Table::new("settings", &format!("The method's best configuration under seed {seed}"), &header, 1);
    for (row, (knob, _)) in first.settings.iter().enumerate() {
        let cells = own.iter().map(|(_, kept)| kept.settings[row].1.clone());
        table.rows.push([knob.clone()].into_iter().chain(cells).collect());
    }
    let mut blocks = vec![Block::Table(table)];
    for (point, kept) in own {
        let levels: Vec<String> = kept.queries.iter().rev().skip(1).rev().map(|own| own.join(", ")).collect();
        let weights: Vec<String> =
            kept.weights.iter().map(|(name, weight)| format!("{name} {}", decimals(*weight, 2))).collect();
        blocks.push(Block::Text(format!(
            "{}: queries of the lower levels {}. Weights at the end: {}.",
            point.get("task"),
            levels.join("; "),
            if weights.is_empty() { "none".to_string() } else { weights.join(", ") }
        )));
    }
    Some(render::section("settings", "Settings that were found", blocks))
}

/// The best settings on a real Spark that are not its defaults, by Spark's names.
fn properties(kept: &[(&Point, Kept)]) -> Option<Section> {
    let mut blocks = Vec::new();
    let (space, defaults) = (spark::space(), spark::space().default());
    let defaults: Vec<String> = space.knobs().iter().zip(&defaults).map(|(knob, own)| knob.text(*own)).collect();
    for (k, (point, own)) in kept.iter().filter(|(point, _)| point.get("arm") != DEFAULT).enumerate() {
        let (arm, task, seed) = (point.get("arm"), point.get("task"), point.seed());
        let caption = format!("{arm} on {task}, seed {seed}: settings that differ from the defaults");
        let mut table = Table::new(&format!("properties_{}", k + 1), &caption, &["setting", "default", "best"], 1);
        for ((row, default), (_, value)) in
            KNOBS.iter().zip(&defaults).zip(&own.settings).filter(|((_, a), (_, b))| *a != b)
        {
            table.rows.push(vec![
                row.property.into(),
                format!("{default}{}", row.unit),
                format!("{value}{}", row.unit),
            ]);
        }
        blocks.push(match table.rows.is_empty() {
            true => {
                Block::Text(format!("{arm} on {task}, seed {seed}: nothing measured was faster than the defaults."))
            }
            false => Block::Table(table),
        });
    }
    (!blocks.is_empty()).then(|| render::section("settings", "Settings that were found", blocks))
}

/// Medians of each query.
fn by_query(kept: &[(&Point, Compared)]) -> Option<Section> {
    let mut blocks = Vec::new();
    for (k, (point, own)) in kept.iter().enumerate() {
        let (arm, task, seed) = (point.get("arm"), point.get("task"), point.seed());
        let caption = format!(
            "Seconds of each query, {arm} on {task}, seed {seed}: medians of {} repetitions",
            own.default.len()
        );
        let header = ["query", "defaults", "best", "defaults over best"];
        let mut table = Table::new(&format!("queries_{}", k + 1), &caption, &header, 1);
        for (query, default, tuned) in own.by_query() {
            table.rows.push(vec![query, decimals(default, 3), decimals(tuned, 3), decimals(default / tuned, 2)]);
        }
        if !table.rows.is_empty() {
            blocks.push(Block::Table(table));
        }
    }
    (!blocks.is_empty()).then(|| render::section("queries", "Queries", blocks))
}

/// The share of the budget after which each arm is as good as smac at the end.
fn reached(spec: &Spec, results: &Results) -> Option<Section> {
    let arms: Vec<&str> = results.grid("main")?.factor("arm")?.names().collect();
    let goal = results.of("slowdown").grid("main").at("arm", "smac").samples()?.mean();
    let header = ["arm", "at a quarter", "at a half", "at the end", "budget to smac's end"];
    let caption = format!(
        "Time over the least possible, mean over tasks and seeds, by share of the budget of {} full measurements of the defaults",
        spec.budget
    );
    let mut table = Table::new("reached", &caption, &header, 1);
    for arm in arms {
        let curve = mean_curve(results, arm)?;
        let at = |share: f64| decimals(curve[((share * curve.len() as f64) as usize).clamp(1, curve.len()) - 1], 3);
        let step = curve.iter().position(|value| *value <= goal + 1e-12);
        let share = step.map_or("–".into(), |step| format!("{} %", 100 * (step + 1) / curve.len()));
        table.rows.push(vec![arm.into(), at(0.25), at(0.5), at(1.0), share]);
    }
    Some(render::section("reached", "What is reached when", vec![Block::Table(table)]))
}

fn mean_curve(results: &Results, arm: &str) -> Option<Vec<f64>> {
    let own = results.trials("main").filter(|trial| trial.point.get("arm") == arm);
    let curves: Vec<&Vec<f64>> = own.filter_map(|trial| Some(&trial.measurement.curves.first()?.values)).collect();
    let length = curves.iter().map(|curve| curve.len()).min()?;
    let mean = |k: usize| curves.iter().map(|curve| curve[k]).sum::<f64>() / curves.len() as f64;
    Some((0..length).map(mean).collect())
}

/// Measurements at each level.
fn measured(kept: &[(&Point, Kept)]) -> Option<Section> {
    let mut arms: Vec<&str> = Vec::new();
    for (point, _) in kept {
        if !arms.contains(&point.get("arm")) {
            arms.push(point.get("arm"));
        }
    }
    let mut table = Table::new("levels", "Measurements of a session, means", &["arm", "1/9", "1/3", "full"], 1);
    for arm in arms {
        let own: Vec<&Kept> = kept.iter().filter(|(point, _)| point.get("arm") == arm).map(|(_, own)| own).collect();
        let mean = |level: usize| own.iter().map(|own| own.counts[level] as f64).sum::<f64>() / own.len() as f64;
        table.rows.push([arm.to_string()].into_iter().chain((0..3).map(|level| decimals(mean(level), 1))).collect());
    }
    (!table.rows.is_empty()).then(|| render::section("levels", "What was measured", vec![Block::Table(table)]))
}
