//! The report.

use crate::study::battery::table::three_digits;
use crate::study::battery::{Block, Page, Section, Table};
use crate::study::report::Spread;
use crate::study::stats;
use crate::systems::rotation::heads::HEADS;
use crate::systems::rotation::measure::{Findings, Trained};
use crate::systems::rotation::spec::Spec;

/// Errors by head.
pub fn table(findings: &Findings) -> Table {
    let caption = "Error around the circle on clear scenes, degrees; mean ± standard deviation over seeds. Seam: the error \
                   within 15° of 0° over the error elsewhere. Doubt: mean entropy (nats) of a distribution, mean length of \
                   a unit vector, on clear → ambiguous scenes. Second mode: mass a quarter or half turn from the mode on \
                   ambiguous scenes.";
    let header = ["head", "mean", "median", "within 10°", "seam", "doubt", "second mode"];
    let mut table = Table::new("errors", caption, &header, 1);
    for row in &findings.heads {
        let over = |value: fn(&Trained) -> Option<f64>| {
            stats::mean(&row.seeds.iter().filter_map(value).collect::<Vec<f64>>()).map_or("–".into(), three_digits)
        };
        let doubt = format!("{} → {}", over(|t| t.doubt.map(|d| d.0)), over(|t| t.doubt.map(|d| d.1)));
        table.rows.push(vec![
            row.head.clone(),
            told(&row.mean),
            told(&row.median),
            told(&row.within_10),
            row.seam_ratio.as_ref().map_or("–".into(), told),
            doubt,
            over(|t| t.second_mode),
        ]);
    }
    table
}

fn told(spread: &Spread) -> String {
    let mean = three_digits(spread.mean);
    spread.sd.map_or(mean.clone(), |sd| format!("{mean} ± {}", three_digits(sd)))
}

/// The whole page.
pub fn page(spec: &Spec, findings: &Findings) -> Page {
    let heads = HEADS.iter().map(|row| format!("{}: {}", row.name, row.doc)).collect();
    let section = |anchor: &str, heading: &str, block| Section {
        anchor: anchor.into(),
        heading: heading.into(),
        blocks: vec![block],
    };
    Page {
        title: "Image rotation angle".into(),
        facts: vec![
            format!("seeds {}", spec.seeds.len()),
            format!("{} training scenes, {} epochs", spec.training_scenes, spec.train.epochs),
            format!("qgraft {}", env!("CARGO_PKG_VERSION")),
        ],
        sections: vec![
            section("errors", "Errors", Block::Table(table(findings))),
            section("heads", "Heads", Block::List(heads)),
        ],
    }
}
