//! Learning curves as figures.

use crate::lab::factor::{Factor, Point, Role};
use crate::lab::metric::Metric;
use crate::lab::render::Material;
use crate::lab::render::cells::{combinations, row_factors};
use crate::report::{Block, Drawing, Figure, Line, Scale};
use crate::study::metric::Unit;
use crate::study::stats::Spread;

/// Learning curves, one figure for each grid, setting and metric, a line for each arm.
pub(super) fn curves(material: &Material) -> Vec<Block> {
    /// Most lines of one figure that a reader can distinguish.
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
                    let agrees = |factors: &[&Factor], levels: &[String], point: &Point| {
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
                    count => format!("; {count} further arms are in curves.csv"),
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
