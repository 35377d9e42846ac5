//! Drawings as plain data: lines, rows of marks, heat maps.

use crate::report::chart::{Axis, Chart, HeatMap, Key, Look, Series};
use crate::report::html::escape;

/// Colours and dashes by index, in hues that colour-blind readers can distinguish (Paul Tol's "bright" scheme).
const INKS: [(&str, &str); 9] = [
    ("var(--classical-0)", "none"),
    ("var(--quantum-0)", "none"),
    ("var(--control-0)", "6 3"),
    ("var(--quantum-2)", "none"),
    ("var(--classical-1)", "6 3"),
    ("var(--quantum-1)", "6 3"),
    ("var(--control-1)", "2 2"),
    ("var(--classical-2)", "2 2"),
    ("var(--control-2)", "2 2"),
];

/// One series by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it shows.
    pub label: String,
    /// (x, y).
    pub points: Vec<(f64, f64)>,
    /// Standard deviation of y at each point; empty if there is none to show.
    pub spread: Vec<f64>,
    /// A thin dashed line without marks: a fit or a bound. Takes the colour of the line before it.
    pub guide: bool,
}

/// How an axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Evenly.
    Linear,
    /// In powers of ten.
    Powers,
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Drawing {
    /// Lines over a numeric axis.
    Lines {
        /// Label of the horizontal axis, with its unit, and how it counts.
        x: (String, Scale),
        /// The same of the vertical one.
        y: (String, Scale),
        /// The lines.
        lines: Vec<Line>,
        /// Whether spreads are bands (many points) or whiskers (few).
        bands: bool,
    },
    /// One row per name, one mark with whiskers for each line in it: point x is the value, y the number of the row.
    Rows {
        /// Names of the rows, from above.
        names: Vec<String>,
        /// Label of the values.
        x: String,
        /// The marks; (value, row), rows counted from 0 above.
        lines: Vec<Line>,
    },
    /// Shaded cells.
    Cells {
        /// What rows are, and their names from below.
        rows: (String, Vec<String>),
        /// What columns are, and their names.
        columns: (String, Vec<String>),
        /// What the shade means.
        shade: String,
        /// By row, then column; NaN is an empty cell.
        values: Vec<Vec<f64>>,
    },
}

/// A drawing with its caption and the name of its files.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Name of its files without ending.
    pub name: String,
    /// What it shows and how to read it.
    pub caption: String,
    /// What is drawn.
    pub drawing: Drawing,
}

impl Figure {
    /// `<figure>` with caption and legend.
    pub fn html(&self) -> String {
        let (drawn, keys) = match &self.drawing {
            Drawing::Cells { .. } => (self.heat_map().svg(), Vec::new()),
            _ => (self.chart().svg(), self.keys()),
        };
        let key = |key: &Key| {
            format!(
                "<span class=\"key\"><svg viewBox=\"0 0 32 12\" width=\"32\" height=\"12\" aria-hidden=\"true\"><line \
                 x1=\"0\" y1=\"6\" x2=\"32\" y2=\"6\" stroke=\"{}\" stroke-width=\"2.5\" stroke-dasharray=\"{}\"/></svg> \
                 {}</span>",
                key.colour,
                key.dash,
                escape(&key.label)
            )
        };
        let legend = match keys.len() {
            0 => String::new(),
            _ => format!("<p class=\"legend\">{}</p>", keys.iter().map(key).collect::<Vec<_>>().join(" ")),
        };
        format!("<figure><figcaption>{}</figcaption>{legend}{drawn}</figure>\n", escape(&self.caption))
    }

    /// An SVG and a PNG that need no page.
    pub fn files(&self) -> (String, Result<Vec<u8>, String>) {
        match &self.drawing {
            Drawing::Cells { .. } => self.heat_map().files(),
            _ => self.chart().files(&self.keys()),
        }
    }

    fn lines(&self) -> &[Line] {
        match &self.drawing {
            Drawing::Lines { lines, .. } | Drawing::Rows { lines, .. } => lines,
            Drawing::Cells { .. } => &[],
        }
    }

    fn keys(&self) -> Vec<Key> {
        let key = |(line, (colour, dash)): (&Line, (&str, &'static str))| Key {
            label: line.label.clone(),
            colour: colour.into(),
            dash,
        };
        let named = self.lines().iter().zip(inks(self.lines())).filter(|(line, _)| !line.label.is_empty());
        named.map(key).collect()
    }

    fn chart(&self) -> Chart {
        match &self.drawing {
            Drawing::Rows { names, x, lines } => rows(names, x, lines, &self.caption),
            Drawing::Lines { x, y, lines, bands } => over_axis(x, y, lines, *bands, &self.caption),
            Drawing::Cells { .. } => unreachable!("cells are drawn as a heat map"),
        }
    }

    fn heat_map(&self) -> HeatMap {
        let Drawing::Cells { rows, columns, shade, values } = &self.drawing else {
            unreachable!("only cells are drawn as a heat map")
        };
        HeatMap {
            description: self.caption.clone(),
            rows: rows.clone(),
            columns: columns.clone(),
            values_are: shade.clone(),
            values: values.clone(),
        }
    }
}

/// Colour and dash of each line. A guide has the colour of the line before it.
fn inks(lines: &[Line]) -> Vec<(&'static str, &'static str)> {
    let mut index = 0;
    let mut found: Vec<(&'static str, &'static str)> = Vec::with_capacity(lines.len());
    for line in lines {
        match found.last() {
            Some(&(colour, _)) if line.guide => found.push((colour, "3 3")),
            _ => {
                found.push(INKS[index % INKS.len()]);
                index += 1;
            }
        }
    }
    found
}

fn over_axis(x: &(String, Scale), y: &(String, Scale), lines: &[Line], bands: bool, caption: &str) -> Chart {
    let onto = |scale: Scale, value: f64| if scale == Scale::Powers { value.log10() } else { value };
    let drawn = |line: &Line| -> Vec<((f64, f64), f64)> {
        let spread = |k: usize| line.spread.get(k).copied().unwrap_or(0.0);
        let points = line.points.iter().enumerate().map(|(k, &(a, b))| ((onto(x.1, a), onto(y.1, b)), spread(k)));
        // No logarithm, no mark.
        points.filter(|((a, b), _)| a.is_finite() && b.is_finite()).collect()
    };
    let all: Vec<((f64, f64), f64)> = lines.iter().flat_map(drawn).collect();
    let across = ends(all.iter().map(|(p, _)| p.0));
    let up = ends(all.iter().flat_map(|(p, s)| [p.1 - s, p.1 + s]));
    let reach = (across.1 - across.0).max(1e-9);
    let mut series = Vec::new();
    for (index, (line, (colour, dash))) in lines.iter().zip(inks(lines)).enumerate() {
        let (mut points, spread): (Vec<(f64, f64)>, Vec<f64>) = drawn(line).into_iter().unzip();
        let width = if line.guide { 1.1 } else { 1.8 };
        let look = Look::Line { width, dash };
        let colour = colour.to_string();
        if bands || line.guide || line.spread.is_empty() {
            let band = if bands && !line.spread.is_empty() { spread } else { Vec::new() };
            series.push(Series { colour: colour.clone(), points: points.clone(), spread: band, look });
            if !bands && !line.guide {
                series.push(Series { colour, points, spread: Vec::new(), look: Look::MarksAlongY("circle") });
            }
        } else {
            // Shifted by a hundredth of the axis, so that whiskers at one x do not cover each other.
            let shift = (index as f64 - (lines.len() as f64 - 1.0) / 2.0) * reach / 100.0;
            points.iter_mut().for_each(|point| point.0 += shift);
            series.push(Series { colour: colour.clone(), points: points.clone(), spread: Vec::new(), look });
            series.push(Series { colour, points, spread, look: Look::MarksAlongY("circle") });
        }
    }
    let margin = 0.04 * reach;
    Chart {
        description: caption.into(),
        size: (560.0, 340.0),
        x: axis(&x.0, x.1, (across.0 - margin, across.1 + margin), all.iter().all(|(p, _)| p.0.fract() == 0.0)),
        y: axis(&y.0, y.1, stretched(up), false),
        series,
        mark_x: None,
    }
}

fn rows(names: &[String], x: &str, lines: &[Line], caption: &str) -> Chart {
    let count = lines.len() as f64;
    let reach = lines.iter().flat_map(|line| {
        let spread = |k: usize| line.spread.get(k).copied().unwrap_or(0.0);
        line.points.iter().enumerate().flat_map(move |(k, p)| [p.0 - spread(k), p.0 + spread(k)])
    });
    let series = lines.iter().zip(inks(lines)).enumerate().map(|(index, (line, (colour, _)))| {
        // The first line uppermost in its row. Marks take up two thirds of it.
        let shift = (count - 1.0 - 2.0 * index as f64) / 2.0 * 0.66 / count;
        let points = line.points.iter().map(|&(value, row)| (value, names.len() as f64 - row + shift)).collect();
        let mut spread = line.spread.clone();
        spread.resize(line.points.len(), 0.0);
        Series { colour: colour.into(), points, spread, look: Look::MarksAlongX("circle") }
    });
    Chart {
        description: caption.into(),
        size: (760.0, 62.0 + names.len() as f64 * (14.0 + 12.0 * count)),
        x: axis(x, Scale::Linear, stretched(ends(reach)), false),
        y: Axis::of_names(names.iter().rev().cloned().collect()),
        series: series.collect(),
        mark_x: None,
    }
}

fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high { (0.0, 1.0) } else { (low, high) }
}

/// A margin at both ends, where marks would be cut in half; a wider one where both ends are equal.
fn stretched((low, high): (f64, f64)) -> (f64, f64) {
    let margin = if high - low < 1e-9 { 0.5 } else { 0.05 * (high - low) };
    (low - margin, high + margin)
}

/// An axis with its ticks; counts (`whole`) have none between them.
fn axis(label: &str, scale: Scale, range: (f64, f64), whole: bool) -> Axis {
    if scale == Scale::Powers {
        return Axis::of_powers(label, (range.0.floor(), range.1.ceil()));
    }
    // 1, 2 or 5 times a power of ten, three to seven to an axis.
    let rough = (range.1 - range.0) / 6.5;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= rough).unwrap_or(10.0 * power);
    Axis::new(label, range, if whole { step.max(1.0) } else { step })
}
