//! Studies of the circuit alone: gradients, reach, transpilation.

use crate::math::words::sig3;
use crate::report::{Block, Drawing, Figure, Line, Scale, Table};
use crate::study::landscape::{Gradients, Reach, decay};
use crate::systems::qtl::battery::job::{Counts, Outcome};
use crate::systems::qtl::battery::tell::{Finished, grouped, values, varying};

fn number(text: &str) -> f64 {
    // Every value of this list was read as a number when the plan was made.
    text.parse().unwrap_or(f64::NAN)
}

/// (number of `key`, value) of runs whose outcome has one.
fn points(runs: &[&Finished<'_>], key: &str, value: impl Fn(&Outcome) -> Option<f64>) -> Vec<(f64, f64)> {
    runs.iter().filter_map(|run| Some((number(run.run.labels.get(key)), value(&run.outcome)?))).collect()
}

fn gradients(outcome: &Outcome) -> Option<&Gradients> {
    if let Outcome::Landscape(gradients) = outcome { Some(gradients) } else { None }
}

fn reached(outcome: &Outcome) -> Option<&Reach> {
    if let Outcome::Reach(reach) = outcome { Some(reach) } else { None }
}

fn counts(outcome: &Outcome) -> Option<&Counts> {
    if let Outcome::Transpiling(counts) = outcome { Some(counts) } else { None }
}

/// A name out of key and value: "depth 3, manila".
fn named(keys: &[&str], values: &[&str]) -> String {
    let word = |(key, value): (&&str, &&str)| match value.parse::<f64>() {
        Ok(_) => format!("{key} {value}"),
        Err(_) => value.replace('_', " "),
    };
    keys.iter().zip(values).map(word).collect::<Vec<_>>().join(", ")
}

/// A file name out of the same.
fn file_name(prefix: &str, values: &[&str]) -> String {
    std::iter::once(&prefix).chain(values).copied().collect::<Vec<_>>().join("_")
}

/// Variance of the gradient by width with the fitted decay, table and figures.
pub fn landscape(runs: &[&Finished<'_>]) -> Vec<Block> {
    let mut table = Table::new(
        "barren_plateau",
        "Variance of ∂L/∂w over random starts, mean over weights, by number of qubits. Decay: fitted factor by which it \
         changes for each further qubit",
        &["ansatz", "layers", "device", "cost", "start"],
        5,
    );
    let widths = values(runs, "qubits");
    table.header.extend(widths.iter().map(|width| format!("{width} qubits")));
    table.header.push("decay".into());
    let variance = |outcome: &Outcome| gradients(outcome).map(|g| g.variance);
    for (name, own) in grouped(runs, &["ansatz", "depth", "device", "cost", "start"]) {
        let at = points(&own, "qubits", variance);
        let cell = |width: &&str| at.iter().find(|p| p.0 == number(width)).map_or("–".into(), |p| sig3(p.1));
        let mut cells: Vec<String> = name.iter().map(|text| text.replace('_', " ")).collect();
        cells.extend(widths.iter().map(cell));
        cells.push(decay(&at).map_or("–".into(), |(rate, _)| format!("× {}", sig3((-rate).exp()))));
        table.rows.push(cells);
    }
    let keys = ["ansatz", "depth", "cost", "device"];
    let shown = varying(runs, &keys);
    let figure = |(name, own): (Vec<&str>, Vec<&Finished<'_>>)| {
        let mut lines = Vec::new();
        for (start, own) in grouped(&own, &["start"]) {
            let at = points(&own, "qubits", variance);
            let fit = decay(&at);
            let name = start[0].replace('_', " ");
            let label = match fit {
                Some((rate, _)) => format!("{name} (× {} per qubit)", sig3((-rate).exp())),
                None => name,
            };
            lines.push(Line { label, points: at.clone(), spread: Vec::new(), guide: false });
            if let Some((rate, intercept)) = fit {
                let fitted = at.iter().map(|(x, _)| (*x, (intercept - rate * x).exp())).collect();
                lines.push(Line { label: String::new(), points: fitted, spread: Vec::new(), guide: true });
            }
        }
        let place: Vec<&str> = keys.iter().zip(&name).filter(|(key, _)| shown.contains(key)).map(|(_, v)| *v).collect();
        Figure {
            name: file_name("barren_plateau", &place),
            caption: format!(
                "Variance of the gradient against width: {}. A straight fall on this scale is exponential; dotted: its fit",
                named(&keys, &name)
            ),
            drawing: Drawing::Lines {
                x: ("qubits".into(), Scale::Linear),
                y: ("variance of ∂L/∂w (1/rad²)".into(), Scale::Powers),
                lines,
                bands: false,
            },
        }
    };
    let figures = grouped(runs, &keys).into_iter().map(figure).collect();
    vec![Block::Table(table), Block::Figures(figures)]
}

/// Expressibility and entangling capability by depth and width.
pub fn reach(runs: &[&Finished<'_>]) -> Vec<Block> {
    let mut table = Table::new(
        "expressibility",
        "Expressibility: divergence of the fidelities of random states of the circuit from those of Haar-random states, \
         nats, 0 reaches everything evenly. Entangling capability: mean Meyer–Wallach measure, 0 to 1",
        &["ansatz", "qubits", "layers", "expressibility (nats)", "entangling capability"],
        3,
    );
    for (name, own) in grouped(runs, &["ansatz", "qubits", "depth"]) {
        let Some(found) = own.first().and_then(|run| reached(&run.outcome)) else { continue };
        let mut cells: Vec<String> = name.iter().map(|text| text.to_string()).collect();
        cells.extend([sig3(found.expressibility), sig3(found.entangling)]);
        table.rows.push(cells);
    }
    type Measure = (&'static str, &'static str, Scale, fn(&Reach) -> f64);
    let measures: [Measure; 2] = [
        ("expressibility", "divergence from Haar (nats)", Scale::Powers, |r| r.expressibility),
        ("entangling", "entangling capability", Scale::Linear, |r| r.entangling),
    ];
    let figure = |(name, label, scale, value): Measure| {
        let lines = grouped(runs, &["ansatz", "qubits"]).into_iter().map(|(line, own)| Line {
            label: named(&["ansatz", "qubits"], &line),
            points: points(&own, "depth", |outcome| reached(outcome).map(value)),
            spread: Vec::new(),
            guide: false,
        });
        let x = ("layers".into(), Scale::Linear);
        let drawing = Drawing::Lines { x, y: (label.into(), scale), lines: lines.collect(), bands: false };
        Figure { name: name.into(), caption: format!("{label} against depth"), drawing }
    };
    vec![Block::Table(table), Block::Figures(measures.into_iter().map(figure).collect())]
}

/// What each device makes of the circuit.
pub fn transpilation(runs: &[&Finished<'_>]) -> Vec<Block> {
    let mut table = Table::new(
        "transpilation",
        "The circuit as written (ideal) and as each device runs it. Pulses: one-qubit gates that take time. Success: product \
         of 1 − error over all gates, without idling",
        &["ansatz", "layers", "qubits", "device", "depth", "two-qubit gates", "pulses", "success"],
        4,
    );
    for run in runs {
        let Some(found) = counts(&run.outcome) else { continue };
        let mut cells: Vec<String> =
            ["ansatz", "depth", "qubits", "device"].iter().map(|key| run.run.labels.get(key).to_string()).collect();
        cells.extend([found.depth, found.two_qubit_gates, found.pulses].map(|count| count.to_string()));
        cells.push(found.success.map_or("–".into(), |success| format!("{success:.3}")));
        table.rows.push(cells);
    }
    let keys = ["ansatz", "depth", "device"];
    let shown = varying(runs, &keys);
    let shown = if shown.is_empty() { vec!["device"] } else { shown };
    let figure = |(name, label, value): (&str, &str, fn(&Counts) -> usize)| {
        let lines = grouped(runs, &shown).into_iter().map(|(line, own)| Line {
            label: named(&shown, &line),
            points: points(&own, "qubits", |outcome| counts(outcome).map(|c| value(c) as f64)),
            spread: Vec::new(),
            guide: false,
        });
        Figure {
            name: name.into(),
            caption: format!("{label} against width"),
            drawing: Drawing::Lines {
                x: ("qubits".into(), Scale::Linear),
                y: (label.into(), Scale::Linear),
                lines: lines.collect(),
                bands: false,
            },
        }
    };
    let figures = vec![
        figure(("transpiled_depth", "depth after transpilation", |c| c.depth)),
        figure(("transpiled_two_qubit_gates", "two-qubit gates after transpilation", |c| c.two_qubit_gates)),
    ];
    vec![Block::Table(table), Block::Figures(figures)]
}
