//! Tables of cells: one row for each combination of arms and settings, one column for each metric.

use std::collections::BTreeSet;

use crate::lab::factor::{Factor, Grid, Role};
use crate::lab::metric::Metric;
use crate::lab::render::{Material, mean_sd};
use crate::lab::results::{Query, Row, Samples};
use crate::math::words::join_and;
use crate::report::{Block, Drawing, Figure, Line, Scale, Table};

/// Factors of a grid that identify the rows of a table.
pub(super) fn row_factors(grid: &Grid) -> Vec<&Factor> {
    let varied = |f: &&Factor| matches!(f.role, Role::Arm | Role::Setting) && f.levels.len() > 1;
    let found: Vec<&Factor> = grid.factors.iter().filter(varied).collect();
    // A table needs names for its rows.
    if found.is_empty() { grid.factors.iter().filter(|f| f.role == Role::Arm).collect() } else { found }
}

/// Combinations of levels, the first factor the slowest.
pub(super) fn combinations(factors: &[&Factor]) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = vec![Vec::new()];
    for factor in factors {
        let with = |so_far: &Vec<String>| -> Vec<Vec<String>> {
            factor.names().map(|level| so_far.iter().cloned().chain([level.to_string()]).collect()).collect()
        };
        found = found.iter().flat_map(with).collect();
    }
    found
}

pub(super) fn at<'a>(query: Query<'a>, factors: &[&Factor], levels: &[String]) -> Query<'a> {
    factors.iter().zip(levels).fold(query, |query, (factor, level)| query.at(&factor.name, level))
}

pub(super) fn metrics_of<'a>(material: &Material<'a>, grid: &Grid) -> Vec<&'a Metric> {
    grid.metrics.iter().filter_map(|name| material.metrics.iter().find(|m| m.name == *name)).collect()
}

/// Metrics of a grid that have values: of trials themselves, or under evaluation factors.
fn measured<'a>(material: &Material<'a>, grid: &Grid, under_evaluation: bool) -> Vec<&'a Metric> {
    let evaluated: Vec<&Factor> = grid.factors.iter().filter(|f| f.role == Role::Evaluation).collect();
    let is_under = |row: &Row| evaluated.iter().any(|f| !row.level(&f.name).is_empty());
    let own = material.results.rows.iter().filter(|row| row.grid == grid.name && is_under(row) == under_evaluation);
    let names: BTreeSet<&str> = own.map(|row| row.metric.as_str()).collect();
    metrics_of(material, grid).into_iter().filter(|metric| names.contains(metric.name)).collect()
}

/// What the columns mean, in the order of the columns.
fn explained(metrics: &[&Metric]) -> String {
    metrics.iter().map(|m| format!("{}: {}", m.heading, m.doc)).collect::<Vec<_>>().join("; ")
}

/// One table a grid: its cells by row, its metrics by column.
pub(super) fn tables(material: &Material) -> Vec<Block> {
    let mut blocks = Vec::new();
    for grid in &material.results.grids {
        let (factors, metrics) = (row_factors(grid), measured(material, grid, false));
        let mut header: Vec<String> = factors.iter().map(|f| f.name.replace('_', " ")).collect();
        header.extend(metrics.iter().map(|metric| metric.title()));
        let caption = format!("{}. Mean ± standard deviation over seeds. {}", grid.heading, explained(&metrics));
        let mut table = Table { name: grid.name.clone(), caption, header, rows: Vec::new(), names: factors.len() };
        for levels in combinations(&factors) {
            let samples = |metric: &&Metric| -> Option<Samples> {
                at(material.results.of(metric.name).grid(&grid.name), &factors, &levels).plain().samples()
            };
            let cells: Vec<Option<Samples>> = metrics.iter().map(samples).collect();
            if cells.iter().all(Option::is_none) {
                continue;
            }
            let text = |(metric, cell): (&&Metric, &Option<Samples>)| {
                cell.as_ref().map_or("–".into(), |samples| mean_sd(metric.unit, &samples.spread()))
            };
            table.rows.push(levels.into_iter().chain(metrics.iter().zip(&cells).map(text)).collect());
        }
        if !table.rows.is_empty() {
            blocks.push(Block::Table(table));
        }
    }
    blocks
}

/// Values under evaluation factors, one table for each grid and set of factors that its values were measured under, and
/// lines over factors that are numbers.
pub(super) fn evaluations(material: &Material) -> Vec<Block> {
    let mut blocks = Vec::new();
    for grid in &material.results.grids {
        let evaluated: Vec<&Factor> = grid.factors.iter().filter(|f| f.role == Role::Evaluation).collect();
        if evaluated.is_empty() {
            continue;
        }
        let (factors, metrics) = (row_factors(grid), measured(material, grid, true));
        let mut sets: Vec<(Vec<&str>, Vec<Vec<String>>)> = Vec::new();
        for row in material.results.rows.iter().filter(|row| row.grid == grid.name) {
            let under: Vec<&str> =
                evaluated.iter().map(|f| f.name.as_str()).filter(|f| !row.level(f).is_empty()).collect();
            if under.is_empty() || !metrics.iter().any(|m| m.name == row.metric) {
                continue;
            }
            let names = factors.iter().map(|f| f.name.as_str()).chain(under.iter().copied());
            let levels: Vec<String> = names.map(|name| row.level(name).to_string()).collect();
            match sets.iter_mut().find(|(known, _)| *known == under) {
                Some((_, rows)) if rows.contains(&levels) => {}
                Some((_, rows)) => rows.push(levels),
                None => sets.push((under, vec![levels])),
            }
        }
        let has_values = !sets.is_empty();
        for (under, rows) in sets {
            blocks.push(Block::Table(evaluation_table(material, grid, (&factors, &under), &metrics, rows)));
        }
        if has_values {
            blocks.extend(sweeps(material, grid));
        }
    }
    blocks
}

/// Rows measured under the same evaluation factors: those of `metrics` that have a value under them.
fn evaluation_table(
    material: &Material,
    grid: &Grid,
    (factors, under): (&[&Factor], &[&str]),
    metrics: &[&Metric],
    rows: Vec<Vec<String>>,
) -> Table {
    let names: Vec<&str> = factors.iter().map(|f| f.name.as_str()).chain(under.iter().copied()).collect();
    let others = grid.factors.iter().filter(|f| f.role == Role::Evaluation && !under.contains(&f.name.as_str()));
    let others: Vec<(&str, &str)> = others.map(|f| (f.name.as_str(), "")).collect();
    let samples = |metric: &Metric, levels: &[String]| {
        let own = names.iter().copied().zip(levels.iter().map(String::as_str));
        let at: Vec<(&str, &str)> = own.chain(others.iter().copied()).collect();
        material.results.cell(&grid.name, metric.name, &at).samples()
    };
    let has_values = |metric: &&Metric| rows.iter().any(|levels| samples(metric, levels).is_some());
    let metrics: Vec<&Metric> = metrics.iter().copied().filter(has_values).collect();
    let spaced = |name: &&str| name.replace('_', " ");
    let words: Vec<String> = under.iter().map(spaced).collect();
    let by = format!("{}, by {}. Mean ± standard deviation over seeds", grid.heading, join_and(&words));
    let header = names.iter().map(spaced).chain(metrics.iter().map(|metric| metric.title())).collect();
    let cells = |levels: Vec<String>| -> Vec<String> {
        let cell = |metric: &&Metric| {
            samples(metric, &levels).map_or("–".into(), |samples| mean_sd(metric.unit, &samples.spread()))
        };
        let cells: Vec<String> = metrics.iter().map(cell).collect();
        // What a block measured belongs to no arm.
        let shown = levels.into_iter().map(|level| if level.is_empty() { "–".into() } else { level });
        shown.chain(cells).collect()
    };
    Table {
        name: format!("{}_{}", grid.name, under.join("_")),
        caption: format!("{by}. {}", explained(&metrics)),
        header,
        names: names.len(),
        rows: rows.into_iter().map(cells).collect(),
    }
}

/// The first metric over each evaluation factor whose levels are numbers: a line for each arm, a figure for each
/// combination of the other evaluation factors.
fn sweeps(material: &Material, grid: &Grid) -> Option<Block> {
    /// Fewest points of a curve, and most figures.
    const POINTS: usize = 3;
    const FIGURES: usize = 8;
    let metric = *metrics_of(material, grid).first()?;
    let evaluated: Vec<&Factor> = grid.factors.iter().filter(|f| f.role == Role::Evaluation).collect();
    let arms = row_factors(grid);
    let mut figures = Vec::new();
    for swept in evaluated.iter().filter(|f| f.names().filter(|name| name.parse::<f64>().is_ok()).count() >= POINTS) {
        let others: Vec<&Factor> = evaluated.iter().copied().filter(|f| f.name != swept.name).collect();
        for levels in combinations(&others) {
            let line = |arm: Vec<String>| {
                let query = at(material.results.of(metric.name).grid(&grid.name), &arms, &arm);
                let query = at(query, &others, &levels);
                let point = |(level, samples): (String, Samples)| {
                    let spread = samples.spread();
                    let (mean, sd) = (metric.unit.scaled(spread.mean), metric.unit.scaled(spread.sd.unwrap_or(0.0)));
                    Some(((level.parse::<f64>().ok()?, mean), sd))
                };
                let mut points: Vec<((f64, f64), f64)> = query.by(&swept.name).into_iter().filter_map(point).collect();
                points.sort_by(|a, b| a.0.0.total_cmp(&b.0.0));
                let (points, spread): (Vec<(f64, f64)>, Vec<f64>) = points.into_iter().unzip();
                (points.len() >= POINTS).then(|| Line { label: arm.join(", "), points, spread, guide: false })
            };
            let lines: Vec<Line> = combinations(&arms).into_iter().filter_map(line).collect();
            if lines.is_empty() {
                continue;
            }
            let name = swept.name.replace('_', " ");
            figures.push(Figure {
                name: [&[grid.name.clone(), swept.name.clone()][..], &levels[..]].concat().join("_"),
                caption: format!("{} by {name}, {}", metric.title(), levels.join(", ")).trim_end_matches(", ").into(),
                drawing: Drawing::Lines {
                    x: (name, Scale::Linear),
                    y: (metric.title(), Scale::Linear),
                    lines,
                    bands: false,
                },
            });
        }
    }
    figures.truncate(FIGURES);
    (!figures.is_empty()).then_some(Block::Figures(figures))
}
