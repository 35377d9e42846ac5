//! What a run found, held against what is expected of it: a table of figures in each system.

use serde::Serialize;

use crate::math::words::sig3;
use crate::report::Table;
use crate::study::StudyError;

/// A figure of a whole run, computed from `Found`, that is expected to be at least or at most so much.
pub struct CheckRow<Found: ?Sized> {
    /// Name in metrics.json.
    pub name: &'static str,
    /// What it measures.
    pub doc: &'static str,
    /// Whether the bound is the least it should be, or else the most.
    pub at_least: bool,
    /// What is expected.
    pub bound: f64,
    /// `None` where the run cannot tell.
    pub figure: fn(&Found) -> Option<f64>,
}

/// A check with its figure.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Checked {
    /// Name of its row.
    pub name: &'static str,
    /// What it measures.
    pub doc: &'static str,
    /// What was found, in six digits.
    pub figure: f64,
    /// What was expected.
    pub bound: f64,
    /// Whether it holds.
    pub holds: bool,
}

/// Those of `rows` that can be asked of what was found.
///
/// ```
/// use qgraft::systems::checks::{CheckRow, checked};
/// let figure = |accuracies: &[f64]| Some(accuracies.first()? - accuracies.last()?);
/// let rows = [CheckRow { name: "gain", doc: "first over last", at_least: true, bound: 0.1, figure }];
/// assert!(checked(&rows, &[0.9, 0.8][..])[0].holds);
/// assert!(!checked(&rows, &[0.9, 0.85][..])[0].holds);
/// assert!(checked(&rows, &[][..]).is_empty());
/// ```
pub fn checked<Found: ?Sized>(rows: &[CheckRow<Found>], found: &Found) -> Vec<Checked> {
    let check = |&CheckRow { name, doc, at_least, bound, figure }: &CheckRow<Found>| {
        let figure = six_digits(figure(found).filter(|figure| figure.is_finite())?);
        let holds = if at_least { figure >= bound } else { figure <= bound };
        Some(Checked { name, doc, figure, bound, holds })
    };
    rows.iter().filter_map(check).collect()
}

/// Differences of counts over their number are then what they look like.
fn six_digits(value: f64) -> f64 {
    // What was formatted as a number reads as one.
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// The checks for people; `left_out` says why one may be missing.
pub fn table(checks: &[Checked], left_out: &str) -> Table {
    let caption = format!("What is expected of the whole run{left_out}.");
    let mut table = Table::new("checks", &caption, &["check", "figure", "bound", "holds"], 1);
    for check in checks {
        let holds = if check.holds { "yes" } else { "no" };
        table.rows.push(vec![check.doc.into(), sig3(check.figure), sig3(check.bound), holds.into()]);
    }
    table
}

/// Findings as metrics.json.
///
/// # Errors
/// None in practice: findings are plain data.
pub fn metrics(findings: &impl Serialize) -> Result<String, StudyError> {
    let text = serde_json::to_string_pretty(findings);
    text.map(|text| text + "\n").map_err(|source| StudyError::Json { path: "metrics.json".into(), source })
}
