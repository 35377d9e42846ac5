//! Figures of the report: decay of gradients, expressibility against parameters, gates and success by device.

use crate::lab::{Grid, Query, Results, Role, Samples, Unit};
use crate::math::words::sig3;
use crate::report::{Block, Drawing, Figure, Line, Scale, Section};
use crate::study::landscape::decay;
use crate::systems::circuits::grids::{EXPRESSIBILITY, GRADIENTS, TRANSPILATION};

/// More lines than these cannot be told apart.
const MOST_LINES: usize = 8;

/// Further sections of the report.
pub fn sections(results: &Results) -> Vec<Section> {
    type Part = (&'static str, &'static str, fn(&Results, &Grid) -> Vec<Figure>);
    let parts: [Part; 4] = [
        (GRADIENTS, "Gradients by number of qubits", gradients),
        (GRADIENTS, "Gradients by number of layers", norms),
        (EXPRESSIBILITY, "Expressibility by number of parameters", expressibility),
        (TRANSPILATION, "Circuits on devices by number of qubits", transpilation),
    ];
    let section = |(name, heading, figures): Part| {
        let figures = figures(results, results.grid(name)?);
        let (anchor, heading) = (format!("figures-{}", heading.to_lowercase().replace(' ', "-")), heading.to_string());
        (!figures.is_empty()).then(|| Section { anchor, heading, blocks: vec![Block::Figures(figures)] })
    };
    parts.into_iter().filter_map(section).collect()
}

/// A level of each of several factors.
type Cell = Vec<(String, String)>;

/// Combinations of the levels of all factors but the seeds and some others: one figure each.
fn cells(grid: &Grid, but: &[&str]) -> Vec<Cell> {
    let mut found: Vec<Cell> = vec![Vec::new()];
    for factor in grid.factors.iter().filter(|f| f.role != Role::Seed && !but.contains(&f.name.as_str())) {
        let with = |cell: &Cell| -> Vec<Cell> {
            let level = |level: &str| cell.iter().cloned().chain([(factor.name.clone(), level.to_string())]).collect();
            factor.names().map(level).collect()
        };
        found = found.iter().flat_map(with).collect();
    }
    found
}

fn at<'a>(query: Query<'a>, cell: &Cell) -> Query<'a> {
    cell.iter().fold(query, |query, (factor, level)| query.at(factor, level))
}

/// "dressed, depth 3, manila": names as they are, numbers with what they count.
fn title(cell: &Cell) -> String {
    let word = |(factor, level): &(String, String)| match level.parse::<f64>() {
        Ok(_) => format!("{} {level}", factor.replace('_', " ")),
        Err(_) => level.replace('_', " "),
    };
    cell.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// Levels of a cell as a part of a file name.
fn slug(name: &str, cell: &Cell) -> String {
    std::iter::once(name).chain(cell.iter().map(|(_, level)| level.as_str())).collect::<Vec<_>>().join("_")
}

/// Means over seeds, each with its x. Spreads are given where the axis is linear.
fn line(label: String, values: &[(f64, Samples)], unit: Unit, scale: Scale) -> Option<Line> {
    let points: Vec<(f64, f64)> = values.iter().map(|(x, samples)| (*x, unit.scaled(samples.mean()))).collect();
    let sd = |(_, samples): &(f64, Samples)| unit.scaled(samples.spread().sd.unwrap_or(0.0));
    let spread = if scale == Scale::Linear { values.iter().map(sd).collect() } else { Vec::new() };
    (!points.is_empty()).then_some(Line { label, points, spread, guide: false })
}

fn by_qubits(query: &Query) -> Vec<(f64, Samples)> {
    query.by("qubits").into_iter().filter_map(|(qubits, samples)| Some((qubits.parse().ok()?, samples))).collect()
}

fn figure(name: String, caption: String, x: &str, y: (&str, Scale), lines: Vec<Line>) -> Option<Figure> {
    let (x, y) = ((x.into(), Scale::Linear), (y.0.into(), y.1));
    (!lines.is_empty()).then_some(Figure { name, caption, drawing: Drawing::Lines { x, y, lines, bands: false } })
}

/// Variance by number of qubits, a line for each start with its fit.
fn gradients(results: &Results, grid: &Grid) -> Vec<Figure> {
    let starts = || grid.factor("start").into_iter().flat_map(|factor| factor.names());
    let one = |cell: Cell| {
        let mut lines = Vec::new();
        for start in starts() {
            let values = by_qubits(&at(results.of("variance").at("start", start), &cell));
            let Some(mut own) = line(start.replace('_', " "), &values, Unit::Plain, Scale::Powers) else { continue };
            // A power cannot be drawn at 0.
            own.points.retain(|point| point.1 > 0.0);
            let fit = decay(&own.points).map(|(rate, intercept)| {
                own.label = format!("{} (× {} per qubit)", own.label, sig3((-rate).exp()));
                let points = own.points.iter().map(|(x, _)| (*x, (intercept - rate * x).exp())).collect();
                Line { label: String::new(), points, spread: Vec::new(), guide: true }
            });
            lines.push(own);
            lines.extend(fit);
        }
        let caption = format!(
            "Variance of the gradient, mean over seeds: {}. A straight fall on this scale is exponential; dashed: its fit",
            title(&cell)
        );
        figure(slug("variance", &cell), caption, "qubits", ("variance of ∂L/∂w (1/rad²)", Scale::Powers), lines)
    };
    cells(grid, &["start", "qubits"]).into_iter().filter_map(one).collect()
}

/// Norm of the gradient on the most qubits by number of layers, a line for each combination of everything else.
fn norms(results: &Results, grid: &Grid) -> Vec<Figure> {
    let widest = grid.factor("qubits").and_then(|factor| factor.names().max_by_key(|name| name.parse::<usize>().ok()));
    let Some(widest) = widest else { return Vec::new() };
    let varies = |factor: &String| grid.factor(factor).is_some_and(|factor| factor.names().count() > 1);
    let mut lines = Vec::new();
    for cell in cells(grid, &["depth", "qubits"]) {
        let by_depth = at(results.of("gradient_norm").at("qubits", widest), &cell).by("depth");
        let values: Vec<(f64, Samples)> =
            by_depth.into_iter().filter_map(|(depth, samples)| Some((depth.parse().ok()?, samples))).collect();
        let label = title(&cell.into_iter().filter(|(factor, _)| varies(factor)).collect());
        let own = line(label, &values, Unit::Plain, Scale::Powers).filter(|own| own.points.len() > 1);
        lines.extend(own.map(|mut own| {
            own.points.retain(|point| point.1 > 0.0);
            own
        }));
    }
    if lines.len() > MOST_LINES {
        return Vec::new();
    }
    let caption = format!("Norm of the gradient on {widest} qubits, mean over starts and seeds");
    let y = ("‖∂L/∂w‖ (1/rad)", Scale::Powers);
    figure(format!("norm_{widest}"), caption, "layers", y, lines).into_iter().collect()
}

/// All measures by number of parameters, a line for each ansatz and number of qubits, a mark for each depth.
fn expressibility(results: &Results, grid: &Grid) -> Vec<Figure> {
    let measures = [
        ("expressibility", "divergence from Haar-random states (nats)", Scale::Powers),
        ("quantile_expressibility", "divergence over Haar quantiles (nats)", Scale::Powers),
        ("entangling_capability", "entangling capability", Scale::Linear),
    ];
    let lines = |(metric, label, scale): (&str, &str, Scale)| {
        let one = |cell: &Cell| {
            let mut values: Vec<(f64, Samples)> = Vec::new();
            for (depth, samples) in at(results.of(metric), cell).by("depth") {
                let parameters = at(results.of("parameters"), cell).at("depth", &depth).samples()?;
                values.push((parameters.mean(), samples));
            }
            line(title(cell), &values, Unit::Plain, scale)
        };
        let lines = cells(grid, &["depth"]).iter().filter_map(one).collect();
        let caption = format!("{label}, mean over seeds; marks along a line are numbers of layers");
        figure(metric.into(), caption, "parameters", (label, scale), lines)
    };
    measures.into_iter().filter_map(lines).collect()
}

/// Gates and success at the highest level with the first layout, a line for each device.
fn transpilation(results: &Results, grid: &Grid) -> Vec<Figure> {
    let level = grid.factor("optimization_level").and_then(|factor| factor.names().last()).unwrap_or_default();
    let layout = grid.factor("layout").and_then(|factor| factor.names().next()).unwrap_or_default();
    let devices = || grid.factor("device").into_iter().flat_map(|factor| factor.names());
    let measures = [
        ("two_qubit_gates", "two-qubit gates", Unit::Count),
        ("success", "expected success (%)", Unit::Share),
        ("circuit_depth", "depth", Unit::Count),
    ];
    let mut figures = Vec::new();
    for cell in cells(grid, &["device", "layout", "optimization_level", "qubits"]) {
        for (metric, label, unit) in measures {
            let of = |metric: &str, device: &str| {
                let query = results.of(metric).at("device", device).at("optimization_level", level);
                by_qubits(&at(query.at("layout", layout), &cell))
            };
            let mut lines: Vec<Line> =
                devices().filter_map(|device| line(device.into(), &of(metric, device), unit, Scale::Linear)).collect();
            let written = match metric {
                "two_qubit_gates" => "written_two_qubit_gates",
                "circuit_depth" => "written_depth",
                _ => "",
            };
            let written = devices().next().map(|device| of(written, device)).unwrap_or_default();
            lines.extend(line("as written".into(), &written, unit, Scale::Linear));
            let level = format!("optimisation level {level}, layout {}", layout.replace('_', " "));
            let caption = format!("{label} after transpilation: {}; {level}", title(&cell));
            figures.extend(figure(slug(metric, &cell), caption, "qubits", (label, Scale::Linear), lines));
        }
    }
    figures
}
