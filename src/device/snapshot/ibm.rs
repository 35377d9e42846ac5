//! IBM's own snapshots: `props_*.json`, what was measured, and `conf_*.json`, what the device is.
//!
//! A live backend returns the same two documents through the service. Everything is a record
//! `{name, value, unit, date}`, read by name because order and presence vary. The layout has been the same since 2020
//! but for the micro sign in units, missing frequencies (Heron and later) and missing readout lengths (2020).

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::field::{Field, Notices};
use crate::circuit::Gate;
use crate::device::calibration::op_label;
use crate::device::shipped::plain;
use crate::device::{
    Calibration, Details, Device, DeviceError, GateData, LayerFidelity, Provenance, QubitData, Timing,
};
use crate::math::Seconds;

/// Names in `basis_gates` that are instructions and control flow, not unitary gates. Those that a calibration describes
/// (measurement, reset) are read from their own records.
pub const INSTRUCTIONS: [&str; 16] = [
    "measure",
    "measure_2",
    "reset",
    "reset_2",
    "delay",
    "barrier",
    "if_else",
    "while_loop",
    "for_loop",
    "switch_case",
    "break_loop",
    "continue_loop",
    "box",
    "store",
    "initialize",
    "id_delay",
];

/// Calibrated but native only on request ("fractional gates"), so not in a gate set that is read from the calibration.
const FRACTIONAL: [Gate; 2] = [Gate::Rx, Gate::Rzz];

/// Ten times longer than any IBM device has reported. More means a wrong unit.
const LONGEST_LIFE: Seconds = Seconds(0.02);

/// The device that the properties in `props` and the configuration in `conf` (file name and document) describe. Without
/// configuration the native gates and couplings are those with a calibration, and dt is unknown.
///
/// Not read: the short `measure_2` and `reset_2`, the exchange couplings `jq_*`, pulse-level data, and rows of gates
/// that are not in our gate table.
pub fn read(props_file: &str, props: &Value, conf: Option<(&str, &Value)>) -> Result<Device, DeviceError> {
    let notices = Notices::default();
    let props = Field::root(props_file, props, &notices);
    let conf = conf.map(|(file, document)| Field::root(file, document, &notices));
    let mut qubits: Vec<QubitData> = props.get("qubits")?.list()?.iter().map(qubit).collect::<Result<_, _>>()?;
    if let Some(stated) = conf.as_ref().map(|conf| conf.get("n_qubits")).transpose()?
        && stated.index()? != qubits.len()
    {
        return Err(stated.wrong(format!("is {}, but the properties list {} qubits", stated.index()?, qubits.len())));
    }
    let gates = gate_rows(&props, &mut qubits)?;
    let Some(conf) = conf else {
        return calibrated_alone(props_file, &props, qubits, gates, &notices);
    };
    let basis_names = conf.get("basis_gates")?.texts()?;
    let coupling = match conf.find("coupling_map") {
        Some(map) => map.pairs()?,
        None => Vec::new(),
    };
    let has_reset = match conf.find("supported_instructions") {
        Some(list) => basis_names.contains(&"reset") || list.texts()?.contains(&"reset"),
        None => true,
    };
    let full_name = conf.find("backend_name").map_or_else(|| props.get("backend_name"), Ok)?.text()?;
    let dt = conf.find("dt").map(|dt| dt.known_number()).transpose()?.flatten();
    Ok(Device {
        name: plain(full_name).into(),
        basis: basis(&conf.get("basis_gates")?)?,
        has_reset,
        dt: dt.map(Seconds::nano),
        details: details(&props, Some(&conf), &coupling)?,
        coupling,
        calibration: Calibration { source: provenance(props_file, &props)?, qubits, gates },
        notices: notices.take(),
    })
}

fn provenance(props_file: &str, props: &Field) -> Result<Provenance, DeviceError> {
    let date = props.find("last_update_date").map_or(Ok(""), |date| date.text())?.trim();
    Ok(Provenance {
        origin: format!("IBM snapshot {}", file_name(props_file)),
        date: if date.is_empty() { "not stated" } else { date }.into(),
        licence: "not stated".into(),
    })
}

/// The ordered pairs of all two-qubit gates.
pub fn pairs_of(gates: &[GateData]) -> Vec<(usize, usize)> {
    let pair = |row: &GateData| <[usize; 2]>::try_from(&row.qubits[..]).ok().map(|[a, b]| (a, b));
    let mut pairs: Vec<_> = gates.iter().filter_map(pair).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// The device of properties without configuration.
///
/// # Errors
/// If no gate on one and none on two qubits is calibrated, from which the native gates could be seen.
fn calibrated_alone(
    props_file: &str,
    props: &Field,
    qubits: Vec<QubitData>,
    mut gates: Vec<GateData>,
    notices: &Notices,
) -> Result<Device, DeviceError> {
    for row in props.get("gates")?.list()? {
        let name = row.get("gate")?.text()?;
        // The exchange couplings jq_* are no gates.
        if Gate::named(name).is_none() && !INSTRUCTIONS.contains(&name) && !name.starts_with("jq") {
            notices.note(format!("{props_file}: {name:?} is not in the gate table; the device is used without it"));
        }
    }
    let mut basis: Vec<Gate> = gates.iter().map(|row| row.gate).filter(|gate| !FRACTIONAL.contains(gate)).collect();
    basis.sort_by_key(|gate| *gate as usize);
    basis.dedup();
    let operands = |count: usize| basis.iter().any(|gate| gate.row().qubits == count && *gate != Gate::Id);
    if !(operands(1) && (operands(2) || qubits.len() == 1)) {
        return Err(DeviceError::NoConfiguration { props: props_file.into() });
    }
    if !basis.contains(&Gate::Rz) && (basis.contains(&Gate::Sx) || basis.contains(&Gate::Rx)) {
        gates.extend((0..qubits.len()).map(GateData::frame_change));
        basis.push(Gate::Rz);
    }
    let names: Vec<&str> = basis.iter().map(|gate| gate.name()).collect();
    notices.note(format!(
        "{props_file}: no configuration beside it, the native gates are taken to be the calibrated ones, {}; dt is unknown",
        names.join(", ")
    ));
    let coupling = pairs_of(&gates);
    let name = props.find("backend_name").map_or(Ok("unnamed"), |name| name.text())?;
    Ok(Device {
        name: plain(name).into(),
        basis,
        has_reset: true,
        dt: None,
        details: details(props, None, &coupling)?,
        coupling,
        calibration: Calibration { source: provenance(props_file, props)?, qubits, gates },
        notices: notices.take(),
    })
}

fn file_name(file: &str) -> &str {
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}

/// The unitary gates of `basis_gates`. What is not in the gate table cannot be transpiled to, and is reported.
fn basis(list: &Field) -> Result<Vec<Gate>, DeviceError> {
    let mut gates = Vec::new();
    for entry in list.list()? {
        let name = entry.text()?;
        match Gate::named(name) {
            Some(gate) if !gates.contains(&gate) => gates.push(gate),
            None if !INSTRUCTIONS.contains(&name) => {
                entry.note(&format!("is {name:?}, which is not in the gate table; the device is used without it"));
            }
            _ => {}
        }
    }
    if gates.is_empty() {
        return Err(list.wrong("lists no gate that is in the gate table"));
    }
    Ok(gates)
}

/// A record's value in SI units, `None` if it is none that JSON has.
fn si(record: &Field) -> Result<Option<f64>, DeviceError> {
    let named = record.find("value").map(|value| value.called(record.path()).known_number()).transpose()?;
    let Some(value) = named.flatten() else { return Ok(None) };
    let unit = record.find("unit").map_or(Ok(""), |unit| unit.text())?;
    // Division where the factor is below one, as IBM's own reader does: the result is correctly rounded.
    Ok(Some(match unit {
        "" | "s" | "Hz" => value,
        "ms" => value / 1e3,
        // U+00B5 micro sign and U+03BC Greek mu are different characters. Older files have the former.
        "us" | "\u{b5}s" | "\u{3bc}s" => value / 1e6,
        "ns" => value / 1e9,
        "kHz" => value * 1e3,
        "MHz" => value * 1e6,
        "GHz" => value * 1e9,
        _ => return Err(record.wrong(format!("has the unit {unit:?}; known are s, ms, us, ns, Hz, kHz, MHz, GHz"))),
    }))
}

/// Records of a list by name, the later of two with one name winning.
fn each_record<'a>(
    list: &Field<'a>,
    owner: &str,
    mut take: impl FnMut(&'a str, f64) -> Result<(), String>,
) -> Result<(), DeviceError> {
    for record in list.list()? {
        if record.is_null() {
            continue;
        }
        let name = record.get("name")?.text()?;
        let record = record.called(format!("{owner} {name}"));
        if let Some(value) = si(&record)? {
            take(name, value).map_err(|problem| record.wrong(problem))?;
        }
    }
    Ok(())
}

/// A lifetime in seconds.
///
/// # Errors
/// One longer than any qubit has.
pub fn lifetime(value: f64) -> Result<Option<Seconds>, String> {
    if value > LONGEST_LIFE.0 {
        return Err(format!("is {} s, above the lifetime of any qubit; is its unit right?", value));
    }
    Ok(Some(Seconds(value)))
}

fn qubit(records: &Field) -> Result<QubitData, DeviceError> {
    let mut data = QubitData::default();
    let owner = records.path().replace("qubits[", "qubit ").replace(']', "");
    each_record(records, &owner, |name, value| {
        match name {
            "T1" => data.t1 = lifetime(value)?,
            "T2" => data.t2 = lifetime(value)?,
            "frequency" => data.frequency = Some(value),
            "anharmonicity" => data.anharmonicity = Some(value),
            "readout_error" => data.readout_error = Some(value),
            "prob_meas1_prep0" => data.one_given_zero = Some(value),
            "prob_meas0_prep1" => data.zero_given_one = Some(value),
            "readout_length" => data.readout_length = Some(Seconds(value)),
            "operational" => data.faulty = value == 0.0,
            _ => {}
        }
        Ok(())
    })?;
    Ok(data)
}

fn gate_rows(props: &Field, qubits: &mut [QubitData]) -> Result<Vec<GateData>, DeviceError> {
    let mut rows: Vec<GateData> = Vec::new();
    for row in props.get("gates")?.list()? {
        let name = row.get("gate")?.text()?;
        let operands = row.get("qubits")?;
        let places = operands.indices()?;
        if let Some(&outside) = places.iter().find(|&&q| q >= qubits.len()) {
            return Err(operands.wrong(format!("names qubit {outside} of {}, the device has {}", name, qubits.len())));
        }
        let owner = op_label(name, &places);
        let (mut error, mut length, mut faulty) = (None, None, false);
        each_record(&row.get("parameters")?, &owner, |parameter, value| {
            match parameter {
                "gate_error" => error = Some(value),
                "gate_length" => length = Some(Seconds(value)),
                "operational" => faulty = value == 0.0,
                _ => {}
            }
            Ok(())
        })?;
        match Gate::named(name) {
            Some(gate) => rows.push(GateData { gate, qubits: places, error, length, faulty }),
            None if name == "reset" && places.len() == 1 => qubits[places[0]].reset_length = length,
            None => {}
        }
    }
    Ok(latest(rows))
}

/// The rows without those that a later row of the same gate and qubits replaces.
fn latest(rows: Vec<GateData>) -> Vec<GateData> {
    let mut seen = std::collections::HashSet::new();
    let mut kept: Vec<GateData> =
        rows.into_iter().rev().filter(|row| seen.insert((row.gate, row.qubits.clone()))).collect();
    kept.reverse();
    kept
}

fn details(props: &Field, conf: Option<&Field>, coupling: &[(usize, usize)]) -> Result<Details, DeviceError> {
    let mut details = Details::default();
    if let Some(conf) = conf {
        (details.processor, details.timing) = (processor(conf)?, timing(conf)?);
    }
    if let Some(list) = conf.and_then(|conf| conf.find("coords")) {
        details.coordinates = list.pairs()?;
    }
    let coupling: HashSet<(usize, usize)> = coupling.iter().copied().collect();
    let mut layer_values = HashMap::new();
    if let Some(general) = props.find("general") {
        each_record(&general, "general", |name, value| {
            if let Some(glued) = name.strip_prefix("zz_") {
                details.zz.extend(split_pair(glued, &coupling).map(|pair| (pair, value)));
            } else if name.starts_with("lf_") {
                // Of equal names the first counts.
                layer_values.entry(name).or_insert(value);
            }
            Ok(())
        })?;
    }
    if let Some(lists) = props.find("general_qlists") {
        for list in lists.list()? {
            let name = list.get("name")?.text()?;
            if let Some(&value) = layer_values.get(name) {
                details.layer_fidelity.push(LayerFidelity { qubits: list.get("qubits")?.indices()?, value });
            }
        }
    }
    Ok(details)
}

/// `zz_7273` is the pair 72, 73: the one split whose halves are an edge. An ambiguous name is left out.
fn split_pair(glued: &str, coupling: &HashSet<(usize, usize)>) -> Option<(usize, usize)> {
    let number = |text: &str| (text == "0" || !text.starts_with('0')).then(|| text.parse().ok()).flatten();
    // Two numbers below 2⁶⁴ have at most 20 digits each.
    let splits = (1..glued.len().min(41)).filter(|&at| glued.is_char_boundary(at)).filter_map(|at| {
        let pair = (number(&glued[..at])?, number(&glued[at..])?);
        (coupling.contains(&pair) || coupling.contains(&(pair.1, pair.0))).then_some(pair)
    });
    let found: Vec<_> = splits.collect();
    if let [pair] = found[..] { Some(pair) } else { None }
}

fn processor(conf: &Field) -> Result<Option<String>, DeviceError> {
    let Some(kind) = conf.find("processor_type") else { return Ok(None) };
    let Some(family) = kind.find("family") else { return Ok(None) };
    Ok(Some(match kind.find("revision") {
        Some(revision) => format!("{} r{}", family.text()?, revision.word()?),
        None => family.text()?.into(),
    }))
}

fn timing(conf: &Field) -> Result<Option<Timing>, DeviceError> {
    let Some(grid) = conf.find("timing_constraints") else { return Ok(None) };
    let read = |key: &str| grid.find(key).map_or(Ok(1), |field| field.index()).map(|steps| steps as u64);
    Ok(Some(Timing {
        granularity: read("granularity")?,
        min_length: read("min_length")?,
        pulse_alignment: read("pulse_alignment")?,
        acquire_alignment: read("acquire_alignment")?,
    }))
}
