//! Which sources and gates a circuit loses its fidelity to.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Arguments, is_native, print_json, table};
use crate::cli::note;
use crate::device::{Device, LayoutMethod, Target, transpile};
use crate::noise::model::{NoiseModel, NoiseOptions};
use crate::sim::explain::{Explanation, Part, explain};

pub fn run(arguments: &Arguments, device: &Device, path: &Path) -> Result<()> {
    let options = NoiseOptions { temperature_millikelvin: arguments.temperature, ..NoiseOptions::default() };
    let model = NoiseModel::named(&arguments.model)?.with(options)?;
    let mut circuit = arguments.reading.read(path, Some((device, LayoutMethod::NoiseAware)))?;
    if !is_native(&circuit, device) {
        let target = Target::of(device);
        target.notices.iter().for_each(note);
        circuit = transpile(&circuit, &target, &Default::default())?.circuit;
        note(format_args!("{}: transpiled for {}", path.display(), device.name));
    }
    let found = explain(&model, &circuit, device).with_context(|| path.display().to_string())?;
    found.notices.iter().for_each(note);
    if arguments.json {
        return print_json(&json!({
            "device": device.name, "model": model.name(), "fidelity": found.fidelity,
            "sources": parts_json(&found.sources), "sources_remainder": found.sources_remainder,
            "operations": parts_json(&found.operations), "operations_remainder": found.operations_remainder,
            "notices": found.notices,
        }));
    }
    let Explanation { fidelity, sources, sources_remainder, operations, operations_remainder, .. } = &found;
    let mut out = crate::cli::console::stdout();
    writeln!(out, "{} on {} under {}: fidelity {fidelity:.6}", path.display(), device.name, model.name())?;
    for (title, parts, remainder) in
        [("source", sources, sources_remainder), ("operation", operations, operations_remainder)]
    {
        let row = |name: &str, count: usize, lost: f64| {
            let share = lost / (1.0 - fidelity).max(f64::MIN_POSITIVE);
            vec![name.into(), count.to_string(), format!("{lost:.3e}"), format!("{:.1} %", 100.0 * share)]
        };
        let mut rows: Vec<Vec<String>> = parts.iter().map(|part| row(&part.name, part.count, part.lost)).collect();
        rows.push(row("remainder (parts do not add up exactly)", 1, *remainder));
        writeln!(out, "\n{}", table(&[title, "times", "fidelity lost", "of the loss"], rows))?;
    }
    Ok(())
}

fn parts_json(parts: &[Part]) -> Value {
    parts.iter().map(|part| json!({"name": part.name, "count": part.count, "lost": part.lost})).collect()
}
