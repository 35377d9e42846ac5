//! The report.

use crate::classic::boxes::FUSIONS;
use crate::math::words::sig3;
use crate::report::figure::{Drawing, Line, Scale};
use crate::report::{Block, Figure, Page, Section, Table};
use crate::study::stats::Spread;
use crate::systems::smear::measure::{Findings, Judged};
use crate::systems::smear::members::REMEDIES;
use crate::systems::smear::picture::{COLOUR_NAMES, SHOWN_FROM};
use crate::systems::smear::spec::Spec;

/// Every arm with its figures.
pub fn table(findings: &Findings) -> Table {
    let caption = format!(
        "Average precision on test fields, {}; mean ± standard deviation over seeds. Rare: {}. Gains of ensembles are \
         relative to the best of their members at the same figure.",
        findings.data,
        findings.rare.join(" and ")
    );
    let header = ["arm", "mAP50-95", "mAP50", "mAP75", "rare", "gain", "gain at 0.5", "gain at 0.75"];
    let mut table = Table::new("arms", &caption, &header, 1);
    let second = findings.second.iter().map(|second| (format!("wbf, then {}", second.judged.name), &second.judged));
    let alike = findings.alike.iter().map(|arm| (format!("wbf of three seeds: {}", arm.name), arm));
    let plain = findings.members.iter().chain(&findings.fused).map(|arm| (arm.name.clone(), arm));
    for (name, arm) in plain.chain(alike).chain(second) {
        let Judged { map, map50, map75, rare, gains, .. } = arm;
        let gain = |k: usize| gains.as_ref().map_or("–".into(), |gains| percent(&gains[k]));
        let rare = rare.as_ref().map_or("–".into(), told);
        table.rows.push(vec![name, told(map), told(map50), told(map75), rare, gain(0), gain(1), gain(2)]);
    }
    table
}

/// Gains of simulated ensembles.
pub fn simulated(findings: &Findings) -> Table {
    let caption = "Three simulated detectors: relative gain in mAP50-95 over the best of them, by the correlation of their \
                   errors; mean ± standard deviation over collections of fields.";
    let names = FUSIONS.iter().map(|row| row.name);
    let header: Vec<&str> = ["correlation", "measured", "best single"].into_iter().chain(names).collect();
    let mut table = Table::new("simulated", caption, &header, 1);
    for point in &findings.simulated {
        let fixed = [sig3(point.correlation), sig3(point.measured), told(&point.best)];
        table.rows.push(fixed.into_iter().chain(point.gains.iter().map(|(_, gain)| percent(gain))).collect());
    }
    table
}

fn told(spread: &Spread) -> String {
    let mean = sig3(spread.mean);
    spread.sd.map_or(mean.clone(), |sd| format!("{mean} ± {}", sig3(sd)))
}

fn percent(spread: &Spread) -> String {
    let mean = format!("{:+.0} %", 100.0 * spread.mean);
    spread.sd.map_or(mean.clone(), |sd| format!("{mean} ± {:.0}", 100.0 * sd))
}

fn gains(findings: &Findings) -> Figure {
    let lines = FUSIONS.iter().enumerate().map(|(k, row)| Line {
        label: row.name.into(),
        points: findings.simulated.iter().map(|point| (point.correlation, 100.0 * point.gains[k].1.mean)).collect(),
        spread: Vec::new(),
        guide: false,
    });
    Figure {
        name: "gains".into(),
        caption: "What fusing gains falls as the detectors' errors become alike".into(),
        drawing: Drawing::Lines {
            x: ("correlation of errors".into(), Scale::Linear),
            y: ("gain over the best detector, %".into(), Scale::Linear),
            lines: lines.collect(),
            bands: false,
        },
    }
}

/// The whole page.
pub fn page(spec: &Spec, findings: &Findings, png: Vec<u8>) -> Page {
    let remedies = REMEDIES.iter().map(|row| format!("{}: {}", row.name, row.doc));
    let fusions = FUSIONS.iter().map(|row| format!("{}: {}", row.name, row.doc));
    let chosen = "wbf_tuned: weights and threshold chosen on validation fields".to_string();
    let pairs = findings
        .correlations
        .iter()
        .map(|(first, second, correlation)| format!("{first} and {second}: {}", sig3(*correlation)));
    let accuracies = findings
        .second
        .iter()
        .map(|second| format!("{} names {} of the test cells rightly", second.judged.name, told(&second.accuracy)));
    let colours = findings.classes.iter().zip(COLOUR_NAMES.iter().cycle());
    let colours: Vec<String> = colours.map(|(class, colour)| format!("{class} {colour}")).collect();
    let caption = format!(
        "Left: what is there. Middle: boxes of the three members. Right: fused. Boxes with a score from {SHOWN_FROM} on. {}.",
        colours.join(", ")
    );
    let section =
        |anchor: &str, heading: &str, blocks| Section { anchor: anchor.into(), heading: heading.into(), blocks };
    let mut sections = vec![
        section("fields", "Fields", vec![Block::Picture { caption, png }]),
        section("trained", "Trained detectors", vec![Block::Table(table(findings))]),
        section(
            "simulated",
            "Simulated detectors",
            vec![Block::Figures(vec![gains(findings)]), Block::Table(simulated(findings))],
        ),
        section(
            "errors",
            "How alike errors are",
            vec![
                Block::Text(
                    "Correlation of recognising a cell, mean over seeds. Fusion lives on what is missing to 1.".into(),
                ),
                Block::List(pairs.chain(accuracies).collect()),
            ],
        ),
        section("arms_explained", "Arms", vec![Block::List(remedies.chain(fusions).chain([chosen]).collect())]),
    ];
    if !findings.notices.is_empty() {
        sections.push(section("notices", "Notices", vec![Block::List(findings.notices.clone())]));
    }
    Page {
        title: "Detectors fused: cells in smears".into(),
        facts: vec![
            findings.data.clone(),
            format!("seeds {}", spec.seeds.len()),
            format!("{} training fields, {} epochs", spec.fields[0], spec.train.epochs),
            format!("qgraft {}", env!("CARGO_PKG_VERSION")),
        ],
        sections,
    }
}
