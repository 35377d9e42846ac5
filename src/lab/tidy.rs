//! The tables of a run for other programs: results.csv, curves.csv, timing.csv.

use crate::lab::metric::Metric;
use crate::lab::results::Results;
use crate::report::Table;

/// One row per point, evaluation and metric.
pub fn results(results: &Results) -> Table {
    let factors = factors(results);
    let mut header = vec!["grid"];
    header.extend(&factors);
    header.extend(["metric", "value"]);
    let mut table = Table::new("results", "", &header, 0);
    for row in &results.rows {
        let mut cells = vec![row.grid.clone()];
        cells.extend(factors.iter().map(|factor| row.level(factor).to_string()));
        cells.extend([row.metric.clone(), row.value.to_string()]);
        table.rows.push(cells);
    }
    table
}

/// One row per trial, curve and epoch.
pub fn curves(results: &Results) -> Table {
    let factors = factors(results);
    let mut header = vec!["grid"];
    header.extend(&factors);
    header.extend(["metric", "epoch", "value"]);
    let mut table = Table::new("curves", "", &header, 0);
    for finished in &results.finished {
        for curve in &finished.measurement.curves {
            for (epoch, value) in curve.values.iter().enumerate() {
                let mut cells = vec![finished.point.grid.clone()];
                cells.extend(factors.iter().map(|factor| finished.point.get(factor).to_string()));
                cells.extend([curve.metric.clone(), (epoch + 1).to_string(), value.to_string()]);
                table.rows.push(cells);
            }
        }
    }
    table
}

/// What each step took, and metrics that are times. It differs at every repetition, so it is a separate file.
pub fn timing(results: &Results, metrics: &[Metric], grams_per_joule: f64) -> Table {
    let factors = factors(results);
    let volatile: Vec<&str> = metrics.iter().filter(|m| m.volatile).map(|m| m.name).collect();
    let mut header = vec!["grid"];
    header.extend(&factors);
    header.extend(["wall_seconds", "cpu_seconds", "joules", "is_estimate", "grams_co2"]);
    header.extend(&volatile);
    let mut table = Table::new("timing", "", &header, 0);
    for finished in &results.finished {
        let usage = &finished.usage;
        let mut cells = vec![finished.point.grid.clone()];
        cells.extend(factors.iter().map(|factor| finished.point.get(factor).to_string()));
        let numbers = [usage.wall_seconds, usage.cpu_seconds, usage.joules];
        cells.extend(numbers.map(|number| number.to_string()));
        cells.extend([usage.estimated.to_string(), (grams_per_joule * usage.joules).to_string()]);
        let value = |name: &&str| finished.measurement.get(name).map_or(String::new(), |value| value.to_string());
        cells.extend(volatile.iter().map(value));
        table.rows.push(cells);
    }
    table
}

/// Names of all factors, in the order in which grids name them.
fn factors(results: &Results) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for factor in results.grids.iter().flat_map(|grid| &grid.factors) {
        if !names.contains(&factor.name.as_str()) {
            names.push(&factor.name);
        }
    }
    names
}
