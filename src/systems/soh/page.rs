//! The report.

use crate::math::words::sig3;
use crate::report::{Block, Drawing, Figure, Line, Page, Scale, Section, Table};
use crate::study::stats::Spread;
use crate::study::stats::per_cent;
use crate::systems::soh::arms::ARMS;
use crate::systems::soh::findings::{ArmFound, Findings, TargetFound};
use crate::systems::soh::intervals::CALIBRATIONS;
use crate::systems::soh::spec::Spec;
use crate::systems::soh::target::TARGETS;

/// Errors and split intervals by target and arm.
pub fn table(findings: &Findings) -> Table {
    let caption = "Errors in percentage points of state of health, on target cells after the labelled prefix; mean ± \
                   standard deviation over seeds. Ahead: ten checkpoints (5 kAh), each forecast read as the next input. \
                   Domains: area under the ROC curve of a classifier on latents, 0.5 is told apart by chance. Inside, \
                   width: split conformal intervals calibrated on the source.";
    let header = ["target", "arm", "RMSE", "MAE", "ahead", "on source", "MMD²", "domains", "inside %", "width"];
    let mut table = Table::new("errors", caption, &header, 2);
    for target in &findings.targets {
        for baseline in &target.baselines {
            let mut row = vec![target.target.clone(), baseline.name.into(), told(&baseline.rmse), "–".into()];
            row.push(told(&baseline.recursive));
            row.resize(header.len(), "–".into());
            table.rows.push(row);
        }
        for arm in &target.arms {
            let mut row = vec![target.target.clone(), named(arm, target)];
            row.extend(
                [arm.rmse, arm.mae, arm.recursive, arm.source_rmse, arm.discrepancy, arm.domain_auroc].iter().map(told),
            );
            let split = arm.interval("split");
            row.push(split.map_or("–".into(), |found| per_cent(&[found.points.mean])));
            row.push(split.map_or("–".into(), |found| told(&found.width)));
            table.rows.push(row);
        }
    }
    table
}

/// An arm, with its head where there are several.
fn named(arm: &ArmFound, target: &TargetFound) -> String {
    let several = target.arms.iter().any(|other| other.head != arm.head);
    if several { format!("{}, {}", arm.arm, arm.head) } else { arm.arm.into() }
}

/// Heads side by side, by the width of their intervals where coverage is the same.
pub fn heads(findings: &Findings) -> Table {
    let caption = "Intervals calibrated on half of the test cells and judged on the others, so that coverage is near what was \
                   asked for whatever the head; the narrower, the better the head. Width and RMSE in percentage points.";
    let header = ["target", "arm", "head", "RMSE", "inside %", "width"];
    let mut table = Table::new("heads", caption, &header, 3);
    for target in &findings.targets {
        for arm in &target.arms {
            let inside = per_cent(&[arm.verified_points.mean]);
            let words = [target.target.clone(), arm.arm.into(), arm.head.clone()];
            table.rows.push(words.into_iter().chain([told(&arm.rmse), inside, told(&arm.verified_width)]).collect());
        }
    }
    table
}

/// What shots do to the intervals of heads with a circuit; no rows without one.
pub fn shots(findings: &Findings) -> Table {
    let caption = "The same with the expectation values of the circuit found by shots: intervals calibrated on forecasts by \
                   exact values, and on forecasts by as many shots, whose noise is then part of the width.";
    let header = ["target", "arm", "head", "shots", "inside %", "width", "alike: inside %", "alike: width"];
    let mut table = Table::new("shots", caption, &header, 4);
    for target in &findings.targets {
        for arm in &target.arms {
            for found in &arm.sampled {
                let words = [target.target.clone(), arm.arm.into(), arm.head.clone(), found.shots.to_string()];
                let pairs = [(found.exactly_points, found.exactly_width), (found.alike_points, found.alike_width)];
                let told = pairs.iter().flat_map(|(points, width)| [per_cent(&[points.mean]), told(width)]);
                table.rows.push(words.into_iter().chain(told).collect());
            }
        }
    }
    table
}

fn told(spread: &Spread) -> String {
    let mean = sig3(spread.mean);
    spread.sd.map_or(mean.clone(), |sd| format!("{mean} ± {}", sig3(sd)))
}

fn intervals(target: &TargetFound) -> Table {
    let caption = format!(
        "Target {}: intervals by calibration, mean over seeds. Low cells: cells with less than 80 % of their points inside; \
         whole lives: cells with all of them. Width in percentage points, of finite intervals.",
        target.target
    );
    let header = ["arm", "calibration", "inside %", "low cells %", "whole lives %", "width", "infinite %"];
    let mut table = Table::new(&format!("intervals_{}", target.target), &caption, &header, 2);
    for arm in &target.arms {
        for found in &arm.intervals {
            let share = |spread: Spread| format!("{:.1}", 100.0 * spread.mean);
            table.rows.push(vec![
                named(arm, target),
                found.calibration.into(),
                share(found.points),
                share(found.low_cells),
                share(found.lives),
                sig3(found.width.mean),
                share(found.infinite),
            ]);
        }
    }
    table
}

fn life(target: &TargetFound, arm: &ArmFound) -> Figure {
    let trace = &arm.trace;
    let per_cent = |values: &[f64]| trace.throughput.iter().copied().zip(values.iter().map(|v| 100.0 * v)).collect();
    let band = |radius: Option<f64>| radius.map_or(Vec::new(), |radius| vec![100.0 * radius; trace.forecast.len()]);
    let line = |label: &str, points, spread| Line { label: label.into(), points, spread, guide: false };
    let forecast = || per_cent(&trace.forecast);
    let lines = vec![
        line("forecast, interval by the prefix", forecast(), band(trace.prefix)),
        line("forecast, interval by the source", forecast(), band(trace.split)),
        line("measured", per_cent(&trace.measured), Vec::new()),
    ];
    let axes = [("throughput (kAh)", Scale::Linear), ("state of health (%)", Scale::Linear)];
    let [x, y] = axes.map(|(label, scale)| (label.to_string(), scale));
    Figure {
        name: format!("life_{}_{}", target.target, arm.arm),
        caption: format!(
            "{}, {}: a test cell's life, each value forecast one checkpoint ahead, 90 % intervals unless asked otherwise",
            target.target, arm.arm
        ),
        drawing: Drawing::Lines { x, y, lines, bands: true },
    }
}

fn coverage(target: &TargetFound) -> Figure {
    let names = CALIBRATIONS.iter().map(|row| row.name.to_string()).collect();
    let line = |arm: &ArmFound| {
        let points = arm.intervals.iter().enumerate().map(|(row, found)| (100.0 * found.points.mean, row as f64));
        let spread = arm.intervals.iter().map(|found| 100.0 * found.points.sd.unwrap_or(0.0)).collect();
        Line { label: named(arm, target), points: points.collect(), spread, guide: false }
    };
    Figure {
        name: format!("coverage_{}", target.target),
        caption: format!("{}: share of points inside, ± one standard deviation over seeds", target.target),
        drawing: Drawing::Rows { names, x: "points inside (%)".into(), lines: target.arms.iter().map(line).collect() },
    }
}

fn criteria(findings: &Findings) -> Table {
    let header = ["what", "measured", "from", "to", "holds"];
    let caption = "Ranges of the trainings were fixed before the first of them, those of the simulations after a trial; what does \
                   not hold is told as it is";
    let mut table = Table::new("criteria", caption, &header, 1);
    for c in &findings.criteria {
        let holds = if c.holds { "yes" } else { "no" };
        let [measured, from, to] = [c.measured, c.range.0, c.range.1].map(sig3);
        table.rows.push(vec![c.what.into(), measured, from, to, holds.into()]);
    }
    table
}

fn lambdas(findings: &Findings) -> Table {
    let header = ["seed", "λ", "RMSE on the batch left out, by λ"];
    let mut table = Table::new("lambdas", "λ is chosen by leaving one source batch out", &header, 1);
    for chosen in &findings.chosen {
        let errors = chosen.errors.iter().map(|(lambda, error)| format!("{lambda}: {error:.4}"));
        let errors = errors.collect::<Vec<_>>().join(", ");
        table.rows.push(vec![chosen.seed.to_string(), chosen.lambda.to_string(), errors]);
    }
    table
}

/// The whole page.
pub fn page(spec: &Spec, findings: &Findings) -> Page {
    let section = |anchor: &str, heading: &str, blocks: Vec<Block>| Section {
        anchor: anchor.into(),
        heading: heading.into(),
        blocks,
    };
    let lives = |target: &TargetFound| {
        let shown = ["source_only", "prefix", "mmd"].into_iter().filter_map(|name| target.arm(name));
        Block::Figures(shown.map(|arm| life(target, arm)).collect())
    };
    let text = "Calibration cells come from the source, and points of one cell resemble each other: coverage of points says \
                little about a cell, and nothing about another protocol.";
    let mut of_intervals = vec![Block::Warning(text.into())];
    for target in &findings.targets {
        of_intervals.push(Block::Figures(vec![coverage(target)]));
        of_intervals.push(Block::Table(intervals(target)));
    }
    let mut verified = vec![Block::Table(heads(findings))];
    let shots = shots(findings);
    if !shots.rows.is_empty() {
        verified.push(Block::Table(shots));
    }
    let names =
        |rows: Vec<(&str, &str)>| Block::List(rows.into_iter().map(|(name, doc)| format!("{name}: {doc}")).collect());
    Page {
        title: "Battery state of health".into(),
        facts: vec![
            format!("seeds {}", spec.seeds.len()),
            format!("head {}", std::iter::once(&spec.head).chain(&spec.beside).cloned().collect::<Vec<_>>().join(", ")),
            format!("LSTM of {}, {} epochs", spec.hidden, spec.train.epochs),
            format!("qgraft {}", env!("CARGO_PKG_VERSION")),
        ],
        sections: vec![
            section("lives", "Intervals over a life", findings.targets.iter().map(lives).collect()),
            section("errors", "Errors", vec![Block::Table(table(findings))]),
            section("heads", "At verified coverage", verified),
            section("intervals", "Intervals", of_intervals),
            section("criteria", "Criteria", vec![Block::Table(criteria(findings))]),
            section("lambda", "Choice of λ", vec![Block::Table(lambdas(findings))]),
            section("targets", "Targets", vec![names(TARGETS.iter().map(|r| (r.name, r.doc)).collect())]),
            section("arms", "Arms", vec![names(ARMS.iter().map(|r| (r.name, r.doc)).collect())]),
            section("how", "Calibrations", vec![names(CALIBRATIONS.iter().map(|r| (r.name, r.doc)).collect())]),
        ],
    }
}
