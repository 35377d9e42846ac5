//! The report.

use crate::study::battery::table::three_digits;
use crate::study::battery::{Block, Page, Section, Table};
use crate::systems::forest::findings::Findings;
use crate::systems::forest::targets::TARGETS;

/// Checks with their figures.
pub fn checks(findings: &Findings) -> Table {
    let mut table =
        Table::new("checks", "What is expected of the whole run.", &["check", "figure", "bound", "holds"], 1);
    for check in &findings.checks {
        let holds = if check.holds { "yes" } else { "no" };
        table.rows.push(vec![check.doc.into(), three_digits(check.figure), three_digits(check.bound), holds.into()]);
    }
    table
}

/// Accuracy and divergence by task.
pub fn table(findings: &Findings) -> Table {
    let caption = "Accuracy on test rows, and in brackets the divergence KL(forest ‖ student) in nats, of the first student \
                   with each target; chosen: the student that is best on validation rows, of all.";
    let mut header = vec!["task", "rows", "forest"];
    header.extend(TARGETS.iter().map(|row| row.name));
    header.push("chosen");
    let mut table = Table::new("tasks", caption, &header, 1);
    for found in &findings.tasks {
        let mut cells = vec![found.task.clone(), found.size.0.to_string(), three_digits(found.forest.accuracy)];
        let targets = TARGETS.iter().map(|row| found.with(row.name));
        cells.extend(targets.chain([found.chosen()]).map(|learned| match learned {
            Some(l) => format!("{} ({})", three_digits(l.test.accuracy), three_digits(l.test.divergence)),
            None => "–".into(),
        }));
        table.rows.push(cells);
    }
    table
}

/// The whole page.
pub fn page(findings: &Findings) -> Page {
    let targets = TARGETS.iter().map(|row| format!("{}: {}", row.name, row.doc)).collect();
    let section = |anchor: &str, heading: &str, block| Section {
        anchor: anchor.into(),
        heading: heading.into(),
        blocks: vec![block],
    };
    Page {
        title: "Random forests as networks".into(),
        facts: vec![format!("{} tasks", findings.tasks.len()), format!("qgraft {}", env!("CARGO_PKG_VERSION"))],
        sections: vec![
            section("checks", "Checks", Block::Table(checks(findings))),
            section("tasks", "Tasks", Block::Table(table(findings))),
            section("targets", "Targets", Block::List(targets)),
        ],
    }
}
