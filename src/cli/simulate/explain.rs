//! What each engine would take, before anything runs.

use anyhow::Result;
use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::Serialize;

use super::Arguments;
use super::answer::{Outcomes, Rows, options, short};
use super::setup::Setup;
use crate::math::Seconds;
use crate::sim::cost::{Call, Request, Workload, duration, size};
use crate::sim::{Angles, Auto, ENGINES, EngineRow, engine};

/// What an engine is estimated to take for the whole circuit.
#[derive(Serialize)]
pub struct Explained {
    pub engine: &'static str,
    /// Whether it runs what is asked for.
    pub runs: bool,
    /// Whether that is within the limits of one call.
    pub fits: bool,
    /// Bytes at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<f64>,
    /// Seconds on one thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The engine that "auto" chooses, or why it runs none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
}

/// A row for each engine.
pub fn explained(arguments: &Arguments, setup: &Setup) -> Result<Vec<Explained>> {
    let options = options(arguments);
    let listed = Outcomes::of("auto", arguments, setup)?.listed;
    let request = match setup.observables.is_empty() {
        false => Request::Values,
        true if listed => Request::Probabilities,
        true => Request::Sample,
    };
    let workload = Workload::new(&setup.program, &setup.observables, 0);
    let call = Call { threads: 1, ..Call::new(request, &options) };
    let rows = ENGINES.iter().map(|row| {
        let cost = (row.cost)(&workload, &call);
        Ok(Explained {
            engine: row.name,
            runs: cost.is_some(),
            fits: cost.is_some_and(|cost| cost.fits()),
            bytes: cost.map(|cost| cost.bytes),
            seconds: cost.map(|cost| cost.seconds),
            chosen: if row.name == "auto" { Some(chosen(arguments, setup)?) } else { None },
        })
    });
    rows.collect()
}

/// What "auto" would take, or why it refuses.
fn chosen(arguments: &Arguments, setup: &Setup) -> Result<String> {
    let (program, observables, options) = (&setup.program, &setup.observables, options(arguments));
    let mut parts = Vec::new();
    if !observables.is_empty() {
        let prepared = engine("auto", options)?.prepare(program, observables, 0);
        parts.push(prepared.map_or_else(|refused| refused.to_string(), |prepared| prepared.resolved_name(1)));
    }
    let Outcomes { by_rows, listed, .. } = Outcomes::of("auto", arguments, setup)?;
    match by_rows {
        Some(Rows::Stabilizer) => parts.push("outcomes by stabilizer, shot by shot".into()),
        Some(Rows::Mps) => parts.push("outcomes by mps, shot by shot".into()),
        None if listed => {
            let auto = Auto::new(options);
            let row = EngineRow::named(&short(auto.choose(program, Angles::of_weights(&[]), None).name()))?;
            let call = Call::new(Request::Probabilities, &options);
            let refused = Workload::new(program, &[], 0).check(row.name, &call).err();
            parts.push(refused.map_or_else(|| format!("outcomes by {}", row.name), |refused| refused.to_string()));
        }
        None => {}
    }
    Ok(parts.join("; "))
}

/// The same as a table.
pub fn text(rows: &[Explained]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["engine", "memory at most", "about", ""]);
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    for row in rows {
        let note = match (row.runs, row.fits) {
            (false, _) => "does not run this",
            (true, false) => "past the limits of one call",
            (true, true) => "",
        };
        let memory = row.bytes.map_or(String::new(), size);
        let long = |seconds: f64| if seconds < 1.0 { Seconds(seconds).to_string() } else { duration(seconds) };
        let time = row.seconds.map_or(String::new(), long);
        table.add_row([Cell::new(row.engine), right(memory), right(time), Cell::new(note)]);
    }
    let mut text = format!(
        "{table}\nEstimates for the whole circuit on one thread; parts that an observable feels may take less.\n"
    );
    text.extend(rows.iter().filter_map(|row| row.chosen.as_ref()).map(|chosen| format!("auto: {chosen}\n")));
    text
}
