//! The report.

use crate::math::words::sig3;
use crate::report::{Block, Page, Section, Table};
use crate::study::stats::mean;
use crate::systems::checks;
use crate::systems::forest::findings::{Findings, middle};
use crate::systems::forest::guided::Guided;
use crate::systems::forest::measure::{Found, Learned};
use crate::systems::forest::targets::{TARGETS, TargetRow};

/// Checks with their figures.
pub fn checks(findings: &Findings) -> Table {
    checks::table(&findings.checks, "")
}

/// Accuracy and divergence by task.
pub fn table(findings: &Findings) -> Table {
    let caption = "Accuracy on test rows, and in brackets the divergence KL(forest ‖ student) in nats, of the first student \
                   with each target; chosen: the student that is best on validation rows, of all.";
    let learned = |row: &&TargetRow| findings.tasks.iter().any(|found| found.with(row.name).is_some());
    let learned: Vec<&TargetRow> = TARGETS.iter().filter(learned).collect();
    let mut header = vec!["task", "rows", "forest"];
    header.extend(learned.iter().map(|row| row.name));
    header.push("chosen");
    let mut table = Table::new("tasks", caption, &header, 1);
    for found in &findings.tasks {
        let mut cells = vec![found.task.clone(), found.size.0.to_string(), sig3(found.forest.accuracy)];
        let targets = learned.iter().map(|row| found.with(row.name));
        cells.extend(targets.chain([found.chosen()]).map(|learned| match learned {
            Some(l) => format!("{} ({})", sig3(l.test.accuracy), sig3(l.test.divergence)),
            None => "–".into(),
        }));
        table.rows.push(cells);
    }
    table
}

/// Every student with every target, over tasks.
pub fn means(findings: &Findings) -> Table {
    let caption = "Over tasks: mean change of accuracy from the forest, mean agreement with it, median divergence \
                   KL(forest ‖ student) and mean log-loss in nats, on test rows.";
    let header = ["student", "target", "accuracy", "agreement", "KL", "log-loss"];
    let mut table = Table::new("means", caption, &header, 2);
    let Some(first) = findings.tasks.first() else { return table };
    for Learned { target, student, .. } in &first.students {
        let values = |value: fn(&Found, &Learned) -> f64| -> Vec<f64> {
            findings.tasks.iter().filter_map(|found| Some(value(found, found.of(target, student)?))).collect()
        };
        let told = |value: Option<f64>| value.map_or("–".into(), sig3);
        table.rows.push(vec![
            student.clone(),
            target.clone(),
            told(mean(&values(|found, own| own.test.accuracy - found.forest.accuracy))),
            told(mean(&values(|_, own| own.test.agreement))),
            told(middle(values(|_, own| own.test.divergence))),
            told(mean(&values(|_, own| own.test.log_loss))),
        ]);
    }
    table
}

/// Who chooses a student, and what is lost.
pub fn choices(guided: &Guided) -> Table {
    let caption = "Agreement with the forest on test rows that is lost against the best student of all, mean over tasks. The \
                   first three have seen no student of the table they choose for.";
    let mut table = Table::new("choices", caption, &["chosen by", "lost"], 1);
    let rows = [
        ("a forest over descriptions of other tables", guided.forest),
        ("the best on average over other tables", guided.average),
        ("chance", guided.chance),
        ("validation, of the three that the forest likes most", guided.three),
        ("validation, of all students", guided.validated),
    ];
    table.rows.extend(rows.map(|(who, lost)| vec![who.into(), sig3(lost)]));
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
    let mut page = Page {
        title: "Random forests as networks".into(),
        facts: vec![format!("{} tasks", findings.tasks.len()), format!("qgraft {}", env!("CARGO_PKG_VERSION"))],
        sections: vec![
            section("checks", "Checks", Block::Table(checks(findings))),
            section("means", "Students", Block::Table(means(findings))),
            section("tasks", "Tasks", Block::Table(table(findings))),
            section("targets", "Targets", Block::List(targets)),
        ],
    };
    if let Some(guided) = &findings.guided {
        page.sections.insert(2, section("choices", "Choosing without training", Block::Table(choices(guided))));
    }
    page
}
