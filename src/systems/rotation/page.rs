//! The report.

use crate::math::words::sig3;
use crate::report::{Block, Drawing, Figure, Line, Page, Scale, Section, Table};
use crate::study::stats::Spread;
use crate::systems::checks;
use crate::systems::rotation::findings::{Findings, GraftFound, TransferFound};
use crate::systems::rotation::heads::HEADS;
use crate::systems::rotation::measure::{QUALITIES, Trained};
use crate::systems::rotation::photo::Crop;
use crate::systems::rotation::spec::Spec;
use crate::systems::rotation::transfer::STARTS;

/// Errors by head.
pub fn table(findings: &Findings) -> Table {
    let caption = "Error around the circle, degrees; mean ± standard deviation over seeds. Seam: the error within 15° of 0° \
                   over the error elsewhere. Doubt: mean entropy (nats) of a distribution, mean length of a vector or \
                   amplitude of phases, on pictures whose angle can be known → on those where it cannot (ambiguous scenes, \
                   beside photographs noise). Second mode: mass a quarter or half turn from the mode on ambiguous scenes.";
    let header = ["head", "mean", "median", "within 10°", "seam", "doubt", "second mode"];
    let mut table = Table::new("errors", caption, &header, 1);
    for row in &findings.heads {
        let over = |value: fn(&Trained) -> Option<f64>| findings.over(&row.head, value).map_or("–".into(), sig3);
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
    let mean = sig3(spread.mean);
    spread.sd.map_or(mean.clone(), |sd| format!("{mean} ± {}", sig3(sd)))
}

/// Checks with their figures.
pub fn checks(findings: &Findings) -> Table {
    checks::table(&findings.checks, "; what cannot be asked of it is left out")
}

/// Whether views betray their angle by how they were made, and what a lossy copy costs.
pub fn traces(findings: &Findings) -> Table {
    let caption = "Traces. Fourfold: |mean cos 4(told − true)| on pictures without content, about 0 if the making of views \
                   leaves no trace that tells the angle up to quarter turns, 1 if it tells it. JPEG: mean error, and share \
                   below 10°, when each view was saved as a JPEG of this quality and read again.";
    let mut header = vec!["head".to_string(), "fourfold".into(), "mean".into(), "within 10°".into()];
    for quality in QUALITIES {
        header.extend([format!("mean, JPEG {quality}"), format!("within 10°, JPEG {quality}")]);
    }
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut table = Table::new("traces", caption, &header, 1);
    for row in &findings.heads {
        let over =
            |value: &dyn Fn(&Trained) -> f64| findings.over(&row.head, |t| Some(value(t))).map_or("–".into(), sig3);
        let mut cells =
            vec![row.head.clone(), over(&|t| t.fourfold), over(&|t| t.clear.mean), over(&|t| t.clear.within_10)];
        for k in 0..QUALITIES.len() {
            cells.extend([over(&|t| t.resaved[k].mean), over(&|t| t.resaved[k].within_10)]);
        }
        table.rows.push(cells);
    }
    table
}

fn rates(findings: &Findings) -> Option<Table> {
    let caption = "Mean error on validation pictures by factor on the learning rate; each seed is judged at its best.";
    let mut table = Table::new("rates", caption, &["head", "rate ×", "mean error"], 2);
    for row in findings.heads.iter().filter(|row| row.rates.len() > 1) {
        let cells = |(rate, error): &(f64, Spread)| vec![row.head.clone(), sig3(*rate), told(error)];
        table.rows.extend(row.rates.iter().map(cells));
    }
    (!table.rows.is_empty()).then_some(table)
}

/// The transfer.
pub fn transfer(found: &TransferFound) -> Table {
    let caption = format!(
        "Few labels: mean error on clear scenes after the last epoch, degrees. The source tells {} of the twelve classes of \
         its test scenes rightly.",
        told(&found.source)
    );
    let mut table = Table::new("transfer", &caption, &["start", "what it is", "mean error"], 1);
    for (name, error, _) in &found.starts {
        let doc = STARTS.iter().find(|start| start.0 == name).map_or("", |start| start.1);
        table.rows.push(vec![name.clone(), doc.into(), told(error)]);
    }
    table
}

fn curves(found: &TransferFound) -> Figure {
    let line = |(name, _, curve): &(String, Spread, Vec<Spread>)| Line {
        label: name.clone(),
        points: curve.iter().enumerate().map(|(epoch, error)| (epoch as f64 + 1.0, error.mean)).collect(),
        spread: Vec::new(),
        guide: false,
    };
    Figure {
        name: "transfer".into(),
        caption: "Mean error on clear scenes after each epoch, mean over seeds".into(),
        drawing: Drawing::Lines {
            x: ("epoch".into(), Scale::Linear),
            y: ("mean error, degrees".into(), Scale::Powers),
            lines: found.starts.iter().map(line).collect(),
            bands: false,
        },
    }
}

/// Heads on the frozen backbone.
pub fn grafts(grafts: &[GraftFound]) -> Table {
    let caption = "Heads on the frozen backbone of the transfer, which learned classes of upright scenes and nothing of angles: \
                   error on clear scenes, degrees; length of the vector or amplitude of the phases on clear and on ambiguous \
                   scenes, which a circuit cannot lift above 1.";
    let header = ["code", "head", "parameters", "mean", "median", "length, clear", "length, ambiguous"];
    let mut table = Table::new("grafts", caption, &header, 2);
    for graft in grafts {
        let mut row = vec![graft.code.clone(), graft.head.clone(), graft.parameters.to_string()];
        row.extend([&graft.mean, &graft.median, &graft.clear_length, &graft.ambiguous_length].map(told));
        table.rows.push(row);
    }
    table
}

/// The whole page.
pub fn page(spec: &Spec, findings: &Findings) -> Page {
    let heads = HEADS.iter().map(|row| format!("{}: {}", row.name, row.doc)).collect();
    let section = |anchor: &str, heading: &str, blocks: Vec<Block>| Section {
        anchor: anchor.into(),
        heading: heading.into(),
        blocks,
    };
    let data = match &spec.photos {
        Some(photos) => {
            let crop = if photos.crop == Crop::Disc { "disc" } else { "rectangle" };
            format!("photographs of {}, crop {crop}", photos.folder.display())
        }
        None => format!("{} training scenes", spec.training_scenes),
    };
    let mut sections = vec![
        section("errors", "Errors", vec![Block::Table(table(findings))]),
        section("checks", "Checks", vec![Block::Table(checks(findings))]),
        section("traces", "Traces", vec![Block::Table(traces(findings))]),
    ];
    if let Some(rates) = rates(findings) {
        sections.push(section("rates", "Rates", vec![Block::Table(rates)]));
    }
    if let Some(found) = &findings.transfer {
        let blocks = vec![Block::Table(transfer(found)), Block::Figures(vec![curves(found)])];
        sections.push(section("transfer", "Transfer", blocks));
    }
    if !findings.grafts.is_empty() {
        sections.push(section("grafts", "Circuits as heads", vec![Block::Table(grafts(&findings.grafts))]));
    }
    sections.push(section("heads", "Heads", vec![Block::List(heads)]));
    Page {
        title: "Image rotation angle".into(),
        facts: vec![
            format!("seeds {}", spec.seeds.len()),
            format!("{data}, {} epochs", spec.train.epochs),
            format!("qgraft {}", env!("CARGO_PKG_VERSION")),
        ],
        sections,
    }
}
