//! The tables of studies that train heads.

use crate::report::{Block, Table};
use crate::study::stats;
use crate::study::stats::per_cent;
use crate::systems::qtl::battery::job::{Outcome, Trained};
use crate::systems::qtl::battery::plan::StudyRow;
use crate::systems::qtl::battery::tell::{Finished, comparisons, curves, grouped, values, varying};

/// What may tell one cell of a study from another: everything but head and seed.
pub const CELL: [&str; 11] =
    ["dataset", "backbone", "qubits", "depth", "ansatz", "device", "channel", "scale", "shots", "mitigation", "epochs"];

/// What a run of these studies left.
pub fn trained<'a>(finished: &'a Finished<'_>) -> &'a Trained {
    match &finished.outcome {
        Outcome::Training(trained) => trained,
        // A job of a kind has an outcome of that kind, and a study has one kind of job.
        _ => unreachable!("a study that trains heads has trained heads"),
    }
}

/// A column of the table of heads: its heading, and its text for the runs of one head.
type Column = (&'static str, fn(&[&Finished<'_>]) -> String);

const HEAD_COLUMNS: [Column; 8] = [
    ("parameters", |runs| range(runs, |t| t.parameters)),
    ("in the circuit", |runs| range(runs, |t| t.quantum_parameters)),
    ("accuracy %, last epoch", |runs| per_cent(&over(runs, |t| Some(t.last)))),
    ("accuracy %, best val. epoch", |runs| per_cent(&over(runs, |t| Some(t.best_validation)))),
    ("F1", |runs| metric(runs, "f1")),
    ("AUC", |runs| metric(runs, "auc")),
    ("Brier", |runs| metric(runs, "brier")),
    ("runs", |runs| runs.len().to_string()),
];

/// Everything a study of trained heads has to say.
pub fn blocks(study: &StudyRow, runs: &[&Finished<'_>]) -> Vec<Block> {
    let mut blocks = comparisons::blocks(study, runs);
    let mut heads = Table::new(
        &format!("{}_heads", study.name),
        &format!(
            "{}: every head, mean ± sd over all its runs, on test rows; controls stand beside the circuit",
            study.heading
        ),
        &["head"],
        1,
    );
    heads.header.extend(HEAD_COLUMNS.iter().map(|(name, _)| name.to_string()));
    for (name, own) in grouped(runs, &["head"]) {
        let mut cells = vec![name[0].to_string()];
        cells.extend(HEAD_COLUMNS.iter().map(|(_, text)| text(&own)));
        heads.rows.push(cells);
    }
    blocks.push(Block::Table(heads));
    if !varying(runs, &CELL).is_empty() {
        blocks.push(Block::Table(by_cell(study, runs, "last epoch", |t| t.last)));
        blocks.push(Block::Table(by_cell(study, runs, "best validation epoch", |t| t.best_validation)));
    }
    blocks.extend(curves::blocks(study, runs));
    blocks
}

/// Accuracy of every head in every cell.
fn by_cell(study: &StudyRow, runs: &[&Finished<'_>], when: &str, value: fn(&Trained) -> f64) -> Table {
    let keys = varying(runs, &CELL);
    let heads = values(runs, "head");
    let mut table = Table::new(
        &format!("{}_{}", study.name, when.replace(' ', "_")),
        &format!("{}: accuracy % on test rows at the {when}, mean ± sd over seeds", study.heading),
        &[&keys[..], &heads[..]].concat(),
        keys.len(),
    );
    for (name, cell) in grouped(runs, &keys) {
        let of_head = |head: &&str| {
            let own = cell.iter().filter(|run| run.run.labels.get("head") == *head);
            per_cent(&own.map(|run| value(trained(run))).collect::<Vec<_>>())
        };
        table.rows.push(name.iter().map(|text| text.to_string()).chain(heads.iter().map(of_head)).collect());
    }
    table
}

fn over(runs: &[&Finished<'_>], value: impl Fn(&Trained) -> Option<f64>) -> Vec<f64> {
    runs.iter().filter_map(|run| value(trained(run))).collect()
}

/// "32", or "32 to 80" where runs differ.
fn range(runs: &[&Finished<'_>], value: fn(&Trained) -> usize) -> String {
    let values = || runs.iter().map(|run| value(trained(run)));
    match (values().min(), values().max()) {
        (Some(low), Some(high)) if low < high => format!("{low} to {high}"),
        (low, _) => low.map_or("–".into(), |low| low.to_string()),
    }
}

fn metric(runs: &[&Finished<'_>], name: &str) -> String {
    let values = over(runs, |t| t.metrics.get(name).copied().flatten());
    match (stats::mean(&values), stats::sd(&values)) {
        (Some(mean), Some(sd)) => format!("{mean:.3} ± {sd:.3}"),
        (Some(mean), None) => format!("{mean:.3}"),
        _ => "–".into(),
    }
}
