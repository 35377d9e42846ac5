//! The report of a run: what every system's report has, from the results alone.

mod cells;
mod comparisons;
mod curves;

use crate::lab::check::Checked;
use crate::lab::contrast::Compared;
use crate::lab::experiment::Info;
use crate::lab::factor::Role;
use crate::lab::metric::Metric;
use crate::lab::results::Results;
use crate::math::words::{pluralise, sig3};
use crate::report::{Block, Page, Section, Table};
use crate::study::metric::Unit;
use crate::study::stats::Spread;
use cells::{evaluations, tables};
use comparisons::{comparisons, verdict};
use curves::curves;

/// Everything that a report is made of.
pub struct Material<'a> {
    /// Names and texts of the system.
    pub info: &'a Info,
    /// Its metrics.
    pub metrics: &'a [Metric],
    /// The settings as they are in spec.toml.
    pub spec: &'a str,
    /// What the run found.
    pub results: &'a Results,
    /// Comparisons, corrected over the report.
    pub compared: &'a [Compared],
    /// Checks with their figures.
    pub checked: &'a [Checked],
}

/// "0.874 ± 0.012" in the unit of a metric, without a spread where there is one value.
pub fn mean_sd(unit: Unit, spread: &Spread) -> String {
    let mean = unit.number(spread.mean);
    // Values that are equal but for the last bit have no spread.
    let is_rounding = |sd: &f64| *sd <= 1e-12 * spread.mean.abs();
    match spread.sd.map(|sd| if is_rounding(&sd) { 0.0 } else { sd }) {
        // A count that is the same under every seed, such as a number of parameters.
        Some(0.0) if unit == Unit::Count => mean,
        Some(sd) => format!("{mean} ± {}", unit.number(sd)),
        None => mean,
    }
}

/// The page, with further sections behind the results.
pub fn page(material: &Material, further: Vec<Section>) -> Page {
    let Material { info, results, .. } = material;
    let trials = results.finished.iter().filter(|f| f.is_trial).count();
    let seeds = results.factor("seed").map(|factor| factor.levels.len());
    let mut facts = vec![format!("{trials} of {}", pluralise(results.planned, "trial"))];
    facts.extend(seeds.map(|count| pluralise(count, "seed")));
    facts.push(format!("qgraft {}", env!("CARGO_PKG_VERSION")));
    let mut sections =
        vec![section("verdict", "In short", verdict(material)), section("results", "Results", tables(material))];
    sections.extend(further);
    sections.extend([
        section("evaluations", "Under each condition", evaluations(material)),
        section("comparisons", "Paired comparisons", comparisons(material)),
        section("curves", "Learning curves", curves(material)),
        section("checks", "Checks", checks(material)),
        section("levels", "What was compared", levels(results)),
        section("settings", "Settings", vec![Block::Code(material.spec.into())]),
        section("notices", "Notices", notices(results)),
    ]);
    sections.retain(|section| !section.blocks.is_empty());
    Page { title: info.title.into(), facts, sections }
}

/// A section of a report.
pub fn section(anchor: &str, heading: &str, blocks: Vec<Block>) -> Section {
    Section { anchor: anchor.into(), heading: heading.into(), blocks }
}

/// What a terminal shows: the tables of the results, the verdict, the checks.
pub fn summary(material: &Material) -> (Vec<Table>, Vec<String>) {
    let is_table = |block: Block| if let Block::Table(table) = block { Some(table) } else { None };
    let mut shown: Vec<Table> = tables(material).into_iter().filter_map(is_table).collect();
    shown.extend(checks(material).into_iter().filter_map(is_table));
    let mut sentences = Vec::new();
    for block in verdict(material) {
        match block {
            Block::Text(text) | Block::Warning(text) => sentences.push(text),
            Block::List(items) => sentences.extend(items.into_iter().map(|item| format!("  {item}"))),
            _ => {}
        }
    }
    (shown, sentences)
}

fn checks(material: &Material) -> Vec<Block> {
    if material.checked.is_empty() {
        return Vec::new();
    }
    let caption = "What is expected of the whole run. A check that the run cannot decide is left out";
    let mut table = Table::new("checks", caption, &["check", "figure", "expected", "verdict"], 1);
    for check in material.checked {
        let verdict = if check.holds { "holds" } else { "does not hold" };
        table.rows.push(vec![check.doc.into(), sig3(check.value), check.expect.text(), verdict.into()]);
    }
    vec![Block::Table(table)]
}

/// Every level with its line, factor by factor.
fn levels(results: &Results) -> Vec<Block> {
    let mut named: Vec<&str> = Vec::new();
    let mut items = Vec::new();
    for factor in results.grids.iter().flat_map(|grid| &grid.factors) {
        if factor.role == Role::Seed || named.contains(&factor.name.as_str()) {
            continue;
        }
        named.push(&factor.name);
        for level in &factor.levels {
            let doc = if level.doc.is_empty() { String::new() } else { format!(": {}", level.doc) };
            items.push(format!("{} {}{doc}", factor.name.replace('_', " "), level.name));
        }
    }
    if items.is_empty() { Vec::new() } else { vec![Block::List(items)] }
}

fn notices(results: &Results) -> Vec<Block> {
    let mut items: Vec<String> =
        results.failures.iter().map(|f| format!("failed: {} (id {}): {}", f.title, f.id, f.reason)).collect();
    items.extend(results.notices().into_iter().map(String::from));
    if items.is_empty() {
        return vec![Block::Text("Nothing was repaired, replaced or skipped.".into())];
    }
    vec![Block::List(items)]
}
