//! Figures of a report: lifetimes with their intervals, coverage by calibration, and the choice of λ.

use crate::lab::{Results, render};
use crate::report::{Block, Drawing, Figure, Line, Scale, Section};
use crate::study::stats::Spread;
use crate::systems::soh::intervals::CALIBRATIONS;
use crate::systems::soh::spec::Spec;
use crate::systems::soh::trial::{LIFE, Life};

/// Arms whose forecasts of a lifetime are drawn.
const DRAWN: [&str; 3] = ["source_only", "prefix", "mmd"];

/// Every section.
pub fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
    let warning = "Calibration cells come from the source, and points of one cell resemble each other. Coverage of points \
                   is therefore weak evidence about a cell, and none about another protocol.";
    let coverage = spec.target_names().iter().map(|target| coverage(spec, results, target)).collect();
    let mut sections = vec![
        render::section("lives", "Intervals over a lifetime", vec![Block::Figures(lives(spec, results))]),
        render::section(
            "coverage",
            "Coverage by calibration",
            vec![Block::Warning(warning.into()), Block::Figures(coverage)],
        ),
    ];
    let chosen = chosen(spec, results);
    if !chosen.is_empty() {
        sections.push(render::section("lambda", "Choice of λ", vec![Block::List(chosen)]));
    }
    sections
}

/// A test cell of the first seed, by target and arm, forecast with the first head.
fn lives(spec: &Spec, results: &Results) -> Vec<Figure> {
    let kept = results.kept::<Life>("main", LIFE);
    let is_shown = |point: &crate::lab::Point| {
        point.seed() == spec.seeds[0] && point.get("head") == spec.heads[0] && DRAWN.contains(&point.get("arm"))
    };
    let axis = if spec.is_own() { "units of the axis" } else { "throughput (kAh)" };
    let shown = kept.iter().filter(|(point, _)| is_shown(point));
    shown.map(|(point, trace)| life((point.get("target"), point.get("arm")), axis, trace)).collect()
}

fn life((target, arm): (&str, &str), axis: &str, life: &Life) -> Figure {
    let per_cent = |values: &[f64]| life.throughput.iter().copied().zip(values.iter().map(|v| 100.0 * v)).collect();
    let band = |radius: Option<f64>| radius.map_or(Vec::new(), |radius| vec![100.0 * radius; life.forecast.len()]);
    let line = |label: &str, points, spread| Line { label: label.into(), points, spread, guide: false };
    Figure {
        name: format!("life_{target}_{arm}"),
        caption: format!("{target}, {arm}: the life of a test cell, each value forecast one checkpoint ahead"),
        drawing: Drawing::Lines {
            x: (axis.into(), Scale::Linear),
            y: ("state of health (%)".into(), Scale::Linear),
            lines: vec![
                line("forecast, interval by the prefix", per_cent(&life.forecast), band(life.prefix)),
                line("forecast, interval by the source", per_cent(&life.forecast), band(life.split)),
                line("measured", per_cent(&life.measured), Vec::new()),
            ],
            bands: true,
        },
    }
}

fn coverage(spec: &Spec, results: &Results, target: &str) -> Figure {
    let line = |arm: &String| {
        let share = |row: usize| -> Option<Spread> {
            let levels = [("target", target), ("arm", arm), ("calibration", CALIBRATIONS[row].name)];
            let cell = results.cell("main", "coverage", &levels).at("head", &spec.heads[0]);
            Some(cell.samples()?.spread())
        };
        let shares: Vec<(usize, Spread)> = (0..CALIBRATIONS.len()).filter_map(|row| Some((row, share(row)?))).collect();
        Line {
            label: arm.clone(),
            points: shares.iter().map(|(row, share)| (100.0 * share.mean, *row as f64)).collect(),
            spread: shares.iter().map(|(_, share)| 100.0 * share.sd.unwrap_or(0.0)).collect(),
            guide: false,
        }
    };
    Figure {
        name: format!("coverage_{target}"),
        caption: format!("{target}: share of points inside, ± one standard deviation over seeds"),
        drawing: Drawing::Rows {
            names: CALIBRATIONS.iter().map(|row| row.name.to_string()).collect(),
            x: "points inside (%)".into(),
            lines: spec.arms.iter().map(line).filter(|line| !line.points.is_empty()).collect(),
        },
    }
}

/// λ of each seed.
fn chosen(spec: &Spec, results: &Results) -> Vec<String> {
    let of_seed = |seed: &u64| {
        let lambda = results.of("lambda").grid("main").at("seed", &seed.to_string()).samples()?.values()[0];
        Some(format!("seed {seed}: λ = {lambda}"))
    };
    spec.seeds.iter().filter_map(of_seed).collect()
}
