//! The report.

use crate::report::{Block, Drawing, Figure, Line, Page, Scale, Section, Table};
use crate::study::stats::{mean, sd};
use crate::systems::checks;
use crate::systems::hatl::arms::ARMS;
use crate::systems::hatl::findings::{ArmFound, Findings};
use crate::systems::hatl::spec::Spec;
use crate::systems::hatl::task::TASKS;

/// Checks with their figures.
pub fn checks(findings: &Findings) -> Table {
    checks::table(&findings.checks, "; what cannot be asked of it (one seed has no spread) is left out")
}

/// Scores by arm.
pub fn table(findings: &Findings) -> Table {
    let caption = "Scores on the test set in per cent, mean ± standard deviation over seeds; the epochs in which more began to \
                   move than before, for the first seed.";
    let mut header = vec!["arm"];
    header.extend(findings.measures.iter().map(String::as_str));
    header.push("releases");
    let mut table = Table::new("scores", caption, &header, 1);
    for arm in &findings.arms {
        let releases = arm.releases.first().map_or(&[][..], Vec::as_slice).iter().map(usize::to_string);
        let releases = releases.collect::<Vec<_>>().join(", ");
        let mut row = vec![arm.arm.clone()];
        row.extend(arm.scores.iter().map(|seeds| spread(seeds)));
        row.push(if releases.is_empty() { "–".into() } else { releases });
        table.rows.push(row);
    }
    table
}

fn spread(values: &[f64]) -> String {
    let mean = mean(values).map_or("–".into(), |mean| format!("{mean:.1}"));
    sd(values).map_or(mean.clone(), |sd| format!("{mean} ± {sd:.1}"))
}

fn verdicts(findings: &Findings) -> Table {
    let caption = "What the rule decided, in epochs of all seeds.";
    let mut table = Table::new("verdicts", caption, &["arm", "decisions"], 1);
    for arm in findings.arms.iter().filter(|arm| !arm.verdicts.is_empty()) {
        let told: Vec<_> = arm.verdicts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        table.rows.push(vec![arm.arm.clone(), told.join(", ")]);
    }
    table
}

fn curves(findings: &Findings) -> Figure {
    let line = |arm: &ArmFound| Line {
        label: arm.arm.clone(),
        points: arm.curve.iter().enumerate().map(|(epoch, metric)| (epoch as f64 + 1.0, *metric)).collect(),
        spread: Vec::new(),
        guide: false,
    };
    let drawn = ["hatl", "full", "frozen", "gradual", "scratch"];
    Figure {
        name: "curves".into(),
        caption: "Dev metric after each epoch, mean over seeds".into(),
        drawing: Drawing::Lines {
            x: ("epoch".into(), Scale::Linear),
            y: ("dev metric".into(), Scale::Linear),
            lines: drawn.iter().filter_map(|name| findings.arm(name)).map(line).collect(),
            bands: false,
        },
    }
}

/// The whole page.
pub fn page(spec: &Spec, findings: &Findings) -> Page {
    let section = |anchor: &str, heading: &str, block: Block| Section {
        anchor: anchor.into(),
        heading: heading.into(),
        blocks: vec![block],
    };
    let arms = ARMS.iter().map(|row| format!("{}: {}", row.name, row.doc)).collect();
    let has_head = TASKS.iter().any(|row| row.name == spec.task && row.classifies);
    Page {
        title: "Hierarchical adaptive transfer".into(),
        facts: vec![
            format!("seeds {}", spec.seeds.len()),
            if has_head { format!("{}, head {}", spec.task, spec.head) } else { spec.task.clone() },
            format!("{} epochs", spec.target.epochs),
            mean(&findings.source).map_or("pretrained".into(), |mean| format!("accuracy on the source {mean:.3}")),
            format!("qgraft {}", env!("CARGO_PKG_VERSION")),
        ],
        sections: vec![
            section("scores", "Scores", Block::Table(table(findings))),
            section("curves", "Learning curves", Block::Figures(vec![curves(findings)])),
            section("checks", "Checks", Block::Table(checks(findings))),
            section("verdicts", "Decisions", Block::Table(verdicts(findings))),
            section("arms", "Arms", Block::List(arms)),
        ],
    }
}
