//! The report.

use crate::math::words::{p_value, sig3};
use crate::report::{Block, Drawing, Figure, Line, Page, Scale, Section, Table};
use crate::study::stats::{effect_size, holm, mean, sd, wilcoxon};
use crate::systems::checks;
use crate::systems::plasticity::arms::CONTROLS;
use crate::systems::plasticity::findings::{ArmFound, Findings, SettingFound};
use crate::systems::plasticity::spec::Spec;
use crate::systems::plasticity::stand_ins::SETTINGS;

/// What is drawn of each setting.
const DRAWN: [&str; 6] =
    ["scratch", "plain", "gradient 30 % resample", "random 30 % resample", "magnitude 30 % resample", "frozen"];

/// Checks with their figures.
pub fn checks(findings: &Findings) -> Table {
    checks::table(&findings.checks, "; what cannot be asked of it (one seed has no standard error) is left out")
}

/// Areas under the learning curve by arm and setting.
pub fn table(findings: &Findings) -> Table {
    let caption =
        "Mean test accuracy over the epochs of fine-tuning, and in brackets that after the last one; means over seeds.";
    let mut header = vec!["arm"];
    header.extend(findings.settings.iter().map(|found| found.setting.as_str()));
    let mut table = Table::new("areas", caption, &header, 1);
    let told = |values: &[f64]| mean(values).map_or("–".into(), |value| format!("{value:.3}"));
    for arm in findings.settings.first().map_or(&[][..], |found| &found.arms) {
        let cells = findings.settings.iter().map(|found| match found.arm(&arm.arm) {
            Some(arm) => format!("{} ({})", told(&arm.area), told(&arm.last)),
            None => "–".into(),
        });
        table.rows.push([arm.arm.clone()].into_iter().chain(cells).collect());
    }
    table
}

/// Everything about one setting's arms.
fn arms(found: &SettingFound) -> Table {
    let caption = format!(
        "{}: area under the learning curve, its paired difference to plain fine-tuning and to the random choice of the same \
         cell (± standard error), p of Wilcoxon's test of the difference to plain (Holm over the arms), accuracy after the \
         last epoch, accuracy right before and right after weights were replaced, share of them.",
        found.setting
    );
    let header = ["arm", "area", "− plain", "p", "− random", "last", "before → after", "replaced %"];
    let mut table = Table::new(&format!("arms_{}", found.setting), &caption, &header, 1);
    let against = |arm: &ArmFound, other: Option<&ArmFound>| -> Option<Vec<f64>> {
        Some(arm.area.iter().zip(&other?.area).map(|(a, b)| a - b).collect())
    };
    let plain = |arm: &ArmFound| against(arm, found.arm("plain")).unwrap_or_default();
    let p_values = holm(&found.arms.iter().map(|arm| wilcoxon(&plain(arm))).collect::<Vec<f64>>());
    for (arm, p) in found.arms.iter().zip(p_values) {
        let random = arm.arm.split_once(' ').map(|(_, cell)| format!("random {cell}"));
        let random = random.and_then(|name| against(arm, found.arm(&name)));
        table.rows.push(vec![
            arm.arm.clone(),
            spread(&arm.area),
            if arm.arm == "plain" { "–".into() } else { difference(&plain(arm)) },
            if arm.arm == "plain" { "–".into() } else { p_value(p) },
            random.filter(|_| !arm.arm.starts_with("random")).map_or("–".into(), |random| difference(&random)),
            spread(&arm.last),
            arm.around.map_or("–".into(), |(before, after)| format!("{before:.3} → {after:.3}")),
            arm.replaced.map_or("–".into(), |share| sig3(100.0 * share)),
        ]);
    }
    table
}

fn spread(values: &[f64]) -> String {
    let mean = mean(values).map_or("–".into(), |mean| format!("{mean:.3}"));
    sd(values).map_or(mean.clone(), |sd| format!("{mean} ± {sd:.3}"))
}

fn difference(differences: &[f64]) -> String {
    let Some(mean) = mean(differences) else { return "–".into() };
    match effect_size(differences) {
        Some(effect) => format!("{mean:+.4} ± {:.4}", (mean / effect).abs() / (differences.len() as f64).sqrt()),
        None => format!("{mean:+.4}"),
    }
}

fn health(findings: &Findings) -> Table {
    let caption = "The network before and after its source phase, on the target's test rows: units with at most 0.025 of their \
                   layer's mean activity, units that are always 0, effective rank of what the head reads. Stability: what the \
                   choices by gradients of two halves of the target's rows have in common (Jaccard). Cost: processor time of \
                   choosing by gradient and replacing, in per cent of the fine-tuning. Dormant angles: those of the circuit \
                   with at most 0.025 of the mean activity, of a head that is one.";
    let header = ["setting", "network", "dormant", "dead", "rank", "stability", "cost %", "dormant angles"];
    let mut table = Table::new("health", caption, &header, 2);
    for found in &findings.settings {
        for (name, health) in [("fresh", found.fresh), ("trained", found.trained)] {
            let numbers = [health.dormant, health.dead, health.rank].map(sig3);
            let mut row = vec![found.setting.clone(), name.into()];
            row.extend(numbers);
            let shares = found.stability.iter().map(|(share, common)| format!("{:.2} at {} %", common, 100.0 * share));
            let is_trained = name == "trained";
            row.push(if is_trained { shares.collect::<Vec<_>>().join(", ") } else { "–".into() });
            row.push(found.cost.filter(|_| is_trained).map_or("–".into(), |cost| sig3(100.0 * cost)));
            row.push(found.dormant_angles.filter(|_| is_trained).map_or("–".into(), sig3));
            table.rows.push(row);
        }
    }
    table
}

fn curves(found: &SettingFound) -> Figure {
    let line = |arm: &ArmFound| Line {
        label: arm.arm.clone(),
        points: arm.curve.iter().enumerate().map(|(epoch, accuracy)| (epoch as f64 + 1.0, *accuracy)).collect(),
        spread: Vec::new(),
        guide: false,
    };
    Figure {
        name: format!("curves_{}", found.setting),
        caption: format!("{}: test accuracy after each epoch, mean over seeds", found.setting),
        drawing: Drawing::Lines {
            x: ("epoch".into(), Scale::Linear),
            y: ("test accuracy".into(), Scale::Linear),
            lines: DRAWN.iter().filter_map(|name| found.arm(name)).map(line).collect(),
            bands: false,
        },
    }
}

/// The whole page.
pub fn page(spec: &Spec, findings: &Findings) -> Page {
    let section = |anchor: &str, heading: &str, blocks: Vec<Block>| Section {
        anchor: anchor.into(),
        heading: heading.into(),
        blocks,
    };
    let settings = SETTINGS.iter().map(|row| format!("{}: {}", row.name, row.doc)).collect();
    let controls = CONTROLS.iter().map(|(name, doc, ..)| format!("{name}: {doc}")).collect();
    Page {
        title: "Plasticity before fine-tuning".into(),
        facts: vec![
            format!("seeds {}", spec.seeds.len()),
            format!("head {}", spec.head),
            format!("qgraft {}", env!("CARGO_PKG_VERSION")),
        ],
        sections: vec![
            section("curves", "Learning curves", vec![Block::Figures(findings.settings.iter().map(curves).collect())]),
            section("checks", "Checks", vec![Block::Table(checks(findings))]),
            section("health", "Networks", vec![Block::Table(health(findings))]),
            section("arms", "Arms", findings.settings.iter().map(|found| Block::Table(arms(found))).collect()),
            section("settings", "Settings", vec![Block::List(settings)]),
            section("controls", "Controls", vec![Block::List(controls)]),
        ],
    }
}
