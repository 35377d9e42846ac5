//! The report of a run: what every system's report has, from the results alone.

use crate::lab::check::Checked;
use crate::lab::contrast::Compared;
use crate::lab::experiment::Info;
use crate::lab::factor::{Factor, Grid, Role};
use crate::lab::metric::Metric;
use crate::lab::results::{Results, Row, Samples};
use crate::math::words::{join_and, p_value, pluralise, sig3};
use crate::report::{Block, Drawing, Figure, Line, Page, Scale, Section, Table};
use crate::study::compare::{Comparison, Finding};
use crate::study::metric::Unit;
use crate::study::stats::Spread;

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
    spread.sd.map_or(mean.clone(), |sd| format!("{mean} ± {}", unit.number(sd)))
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

fn is_evident(comparison: &Comparison) -> bool {
    matches!(comparison.finding, Finding::Better | Finding::Worse)
}

/// How many sentences the verdict has at most; the table below has all comparisons.
const SENTENCES: usize = 12;

fn verdict(material: &Material) -> Vec<Block> {
    let applying: Vec<&Comparison> =
        material.compared.iter().filter(|c| c.inapplicable.is_none()).map(|c| &c.comparison).collect();
    let mut blocks = Vec::new();
    if !applying.is_empty() {
        let evident: Vec<&&Comparison> = applying.iter().filter(|c| is_evident(c)).collect();
        let corrected = applying.iter().filter(|c| c.wilcoxon_holm < 0.05).count();
        let measured = applying.iter().any(|c| c.interval.is_some());
        blocks.push(Block::Text(match measured {
            false => "One seed cannot tell a difference from chance: there is no interval.".into(),
            true => format!(
                "Of {}, {} {} a 95 % interval that excludes 0; {corrected} with p < 0.05 after Holm's correction.",
                pluralise(applying.len(), "comparison"),
                evident.len(),
                if evident.len() == 1 { "has" } else { "have" },
            ),
        }));
        let shown: Vec<&Comparison> = match evident.is_empty() {
            true => applying.iter().copied().filter(|_| measured).take(SENTENCES).collect(),
            false => evident.into_iter().copied().take(SENTENCES).collect(),
        };
        if !shown.is_empty() {
            blocks.push(Block::List(shown.into_iter().map(Comparison::sentence).collect()));
        }
    }
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for compared in material.compared {
        let Some(reason) = compared.inapplicable.as_deref() else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, titles)) => titles.push(compared.contrast.title()),
            None => reasons.push((reason, vec![compared.contrast.title()])),
        }
    }
    let text = |(reason, titles): (&str, Vec<String>)| format!("{}: not applicable, {reason}.", titles.join("; "));
    blocks.extend(reasons.into_iter().map(text).map(Block::Text));
    let failed = material.results.failures.len();
    if failed > 0 {
        blocks.push(Block::Warning(format!("{} failed; see the notices.", pluralise(failed, "trial"))));
    }
    blocks
}

/// Factors of a grid that tell rows of a table apart.
fn row_factors(grid: &Grid) -> Vec<&Factor> {
    let varied = |f: &&Factor| matches!(f.role, Role::Arm | Role::Setting) && f.levels.len() > 1;
    let found: Vec<&Factor> = grid.factors.iter().filter(varied).collect();
    // A table needs names for its rows.
    if found.is_empty() { grid.factors.iter().filter(|f| f.role == Role::Arm).collect() } else { found }
}

/// Combinations of levels, the first factor the slowest.
fn combinations(factors: &[&Factor]) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = vec![Vec::new()];
    for factor in factors {
        let with = |so_far: &Vec<String>| -> Vec<Vec<String>> {
            factor.names().map(|level| so_far.iter().cloned().chain([level.to_string()]).collect()).collect()
        };
        found = found.iter().flat_map(with).collect();
    }
    found
}

fn metrics_of<'a>(material: &Material<'a>, grid: &Grid) -> Vec<&'a Metric> {
    grid.metrics.iter().filter_map(|name| material.metrics.iter().find(|m| m.name == *name)).collect()
}

/// What the columns mean, in the order of the columns.
fn explained(metrics: &[&Metric]) -> String {
    metrics.iter().map(|m| format!("{}: {}", m.heading, m.doc)).collect::<Vec<_>>().join("; ")
}

/// One table a grid: its cells by row, its metrics by column.
fn tables(material: &Material) -> Vec<Block> {
    let of_grid = |grid: &Grid| {
        let factors = row_factors(grid);
        let names: Vec<&str> = factors.iter().map(|f| f.name.as_str()).collect();
        let caption = format!("{}. Mean ± standard deviation over seeds", grid.heading);
        filled(material, grid, (&grid.name, &caption), &names, combinations(&factors))
    };
    material.results.grids.iter().filter_map(of_grid).map(Block::Table).collect()
}

/// Values under evaluation factors, one table for each grid and set of factors that its values were measured under.
fn evaluations(material: &Material) -> Vec<Block> {
    let mut blocks = Vec::new();
    for grid in &material.results.grids {
        let metrics = metrics_of(material, grid);
        let evaluated = |row: &Row| -> Vec<&str> {
            let factors = grid.factors.iter().filter(|f| f.role == Role::Evaluation && !row.level(&f.name).is_empty());
            factors.map(|f| f.name.as_str()).collect()
        };
        let mut sets: Vec<(Vec<&str>, Vec<Vec<String>>)> = Vec::new();
        for row in material.results.rows.iter().filter(|row| row.grid == grid.name) {
            let set = evaluated(row);
            if set.is_empty() || !metrics.iter().any(|m| m.name == row.metric) {
                continue;
            }
            let names = row_factors(grid).into_iter().map(|f| f.name.as_str()).chain(set.iter().copied());
            let levels: Vec<String> = names.map(|name| row.level(name).to_string()).collect();
            match sets.iter_mut().find(|(known, _)| *known == set) {
                Some((_, rows)) if rows.contains(&levels) => {}
                Some((_, rows)) => rows.push(levels),
                None => sets.push((set, vec![levels])),
            }
        }
        for (set, rows) in sets {
            let words: Vec<String> = set.iter().map(|name| name.replace('_', " ")).collect();
            let caption = format!("{}, by {}. Mean ± standard deviation over seeds", grid.heading, join_and(&words));
            let name = format!("{}_{}", grid.name, set.join("_"));
            let names: Vec<&str> = row_factors(grid).into_iter().map(|f| f.name.as_str()).chain(set).collect();
            blocks.extend(filled(material, grid, (&name, &caption), &names, rows).map(Block::Table));
        }
    }
    blocks
}

/// The table of a grid with these cells as rows, without rows and columns that have no value; `None` if none has.
fn filled(
    material: &Material,
    grid: &Grid,
    (name, caption): (&str, &str),
    factors: &[&str],
    rows: Vec<Vec<String>>,
) -> Option<Table> {
    let samples = |metric: &Metric, levels: &[String]| {
        let at = factors.iter().copied().zip(levels.iter().map(String::as_str));
        material.results.cell(&grid.name, metric.name, at).samples()
    };
    let columns: Vec<(&Metric, Vec<Option<Samples>>)> = metrics_of(material, grid)
        .into_iter()
        .map(|metric| (metric, rows.iter().map(|levels| samples(metric, levels)).collect::<Vec<_>>()))
        .filter(|(_, column)| column.iter().any(Option::is_some))
        .collect();
    let metrics: Vec<&Metric> = columns.iter().map(|(metric, _)| *metric).collect();
    let mut header: Vec<String> = factors.iter().map(|name| name.replace('_', " ")).collect();
    header.extend(metrics.iter().map(|metric| metric.title()));
    let caption = format!("{caption}. {}", explained(&metrics));
    let mut table = Table { name: name.into(), caption, header, rows: Vec::new(), names: factors.len() };
    for (place, levels) in rows.into_iter().enumerate() {
        if columns.iter().all(|(_, column)| column[place].is_none()) {
            continue;
        }
        let text = |(metric, column): &(&Metric, Vec<Option<Samples>>)| {
            column[place].as_ref().map_or("–".into(), |samples| mean_sd(metric.unit, &samples.spread()))
        };
        // What a block measured belongs to no arm.
        let names = levels.into_iter().map(|level| if level.is_empty() { "–".into() } else { level });
        table.rows.push(names.chain(columns.iter().map(text)).collect());
    }
    (!table.rows.is_empty()).then_some(table)
}

/// Every comparison, and the intervals of the first ones as a figure.
fn comparisons(material: &Material) -> Vec<Block> {
    let applying: Vec<&Compared> = material.compared.iter().filter(|c| c.inapplicable.is_none()).collect();
    if applying.is_empty() {
        return Vec::new();
    }
    let header = ["comparison", "metric", "difference", "95% CI", "BCa", "p, Wilcoxon", "p, Holm", "pairs", "verdict"];
    let caption = "Paired comparisons: difference of means, 95 % interval of the paired t test and of the bootstrap (BCa), \
                   Wilcoxon's signed-rank test and the same after Holm's correction over this table. An interval covers \
                   chance in training on this data, not other data";
    let mut table = Table::new("comparisons", caption, &header, 2);
    for Compared { contrast, comparison: c, .. } in &applying {
        let unit = c.quantity.unit;
        let interval = |i: &Option<crate::study::stats::Interval>| {
            i.map_or("–".into(), |i| format!("{} to {}", unit.number(i.low), unit.number(i.high)))
        };
        let metric = material.metrics.iter().find(|m| m.name == contrast.metric);
        table.rows.push(vec![
            contrast.title(),
            metric.map_or(contrast.metric.clone(), |m| m.heading.into()),
            format!("{} {}", unit.signed(c.difference), unit.of_difference()).trim_end().into(),
            interval(&c.interval),
            interval(&c.bootstrap),
            p_value(c.wilcoxon),
            p_value(c.wilcoxon_holm),
            c.seeds.to_string(),
            c.finding.word().into(),
        ]);
    }
    let mut blocks = vec![Block::Table(table)];
    blocks.extend(intervals(&applying).map(|figure| Block::Figures(vec![figure])));
    blocks
}

/// Intervals as marks with whiskers, of those comparisons that share the unit of the first.
fn intervals(compared: &[&Compared]) -> Option<Figure> {
    const ROWS: usize = 24;
    let unit = compared.first()?.comparison.quantity.unit;
    let own = compared.iter().filter(|c| c.comparison.quantity.unit == unit && c.comparison.interval.is_some());
    let shown: Vec<&&Compared> = own.take(ROWS).collect();
    let line = |evident: bool| {
        let rows = shown.iter().enumerate().filter(|(_, c)| is_evident(&c.comparison) == evident);
        let half = |c: &Comparison| c.interval.map_or(0.0, |i| unit.scaled(i.high - i.low) / 2.0);
        let (points, spread) =
            rows.map(|(k, c)| ((unit.scaled(c.comparison.difference), k as f64), half(&c.comparison))).unzip();
        let label = if evident { "interval excludes 0" } else { "interval covers 0" };
        Line { label: label.into(), points, spread, guide: false }
    };
    (!shown.is_empty()).then(|| Figure {
        name: "comparisons".into(),
        caption: "Differences with their 95 % intervals".into(),
        drawing: Drawing::Rows {
            names: shown.iter().map(|c| c.contrast.title()).collect(),
            x: format!("difference {}", unit.of_difference()).trim_end().into(),
            lines: vec![line(true), line(false)],
        },
    })
}

/// Learning curves, one figure for each grid, setting and metric, a line for each arm.
fn curves(material: &Material) -> Vec<Block> {
    /// More lines than this cannot be told apart.
    const LINES: usize = 8;
    let mut figures = Vec::new();
    for grid in &material.results.grids {
        let factors = row_factors(grid);
        let (arms, settings): (Vec<&Factor>, Vec<&Factor>) = factors.iter().partition(|f| f.role == Role::Arm);
        let mut metrics: Vec<&str> = Vec::new();
        for curve in material.results.trials(&grid.name).flat_map(|f| &f.measurement.curves) {
            if !metrics.contains(&curve.metric.as_str()) {
                metrics.push(&curve.metric);
            }
        }
        for metric in metrics {
            let unit = material.metrics.iter().find(|m| m.name == metric).map_or(Unit::Plain, |m| m.unit);
            for setting in combinations(&settings) {
                let line = |arm: Vec<String>| {
                    let agrees = |factors: &[&Factor], levels: &[String], point: &crate::lab::factor::Point| {
                        factors.iter().zip(levels).all(|(factor, level)| point.get(&factor.name) == level)
                    };
                    let own = material
                        .results
                        .trials(&grid.name)
                        .filter(|f| agrees(&arms, &arm, &f.point) && agrees(&settings, &setting, &f.point));
                    let seeds: Vec<Vec<f64>> = own
                        .filter_map(|f| f.measurement.curves.iter().find(|c| c.metric == metric))
                        .map(|curve| curve.values.iter().map(|v| unit.scaled(*v)).collect())
                        .collect();
                    let spreads = Spread::of_curves(&seeds);
                    (!spreads.is_empty()).then(|| Line {
                        label: arm.join(", "),
                        points: spreads.iter().enumerate().map(|(k, s)| (k as f64 + 1.0, s.mean)).collect(),
                        spread: match seeds.len() {
                            0 | 1 => Vec::new(),
                            _ => spreads.iter().map(|s| s.sd.unwrap_or(0.0)).collect(),
                        },
                        guide: false,
                    })
                };
                let mut lines: Vec<Line> = combinations(&arms).into_iter().filter_map(line).collect();
                let left_out = lines.len().saturating_sub(LINES);
                lines.truncate(LINES);
                if lines.is_empty() {
                    continue;
                }
                let heading = material.metrics.iter().find(|m| m.name == metric).map_or(metric.into(), Metric::title);
                let within = if setting.is_empty() { String::new() } else { format!(", {}", setting.join(", ")) };
                let more = match left_out {
                    0 => String::new(),
                    count => format!("; {count} further arms stand in curves.csv"),
                };
                figures.push(Figure {
                    name: [&[grid.name.clone(), metric.to_string()][..], &setting[..]].concat().join("_"),
                    caption: format!("{heading} by epoch{within}, mean over seeds{more}"),
                    drawing: Drawing::Lines {
                        x: ("epoch".into(), Scale::Linear),
                        y: (heading, Scale::Linear),
                        lines,
                        bands: true,
                    },
                });
            }
        }
    }
    if figures.is_empty() { Vec::new() } else { vec![Block::Figures(figures)] }
}

fn checks(material: &Material) -> Vec<Block> {
    if material.checked.is_empty() {
        return Vec::new();
    }
    let caption = "What is expected of the whole run. A check that the run cannot answer is left out";
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
