//! Writes our own snapshot format; [`super::compact`] describes it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::column::{self, FREQUENCY, LENGTH, LIFETIME, PLAIN};
use super::compact::FORMAT;
use crate::device::{Device, GateData, QubitData};

/// The text of a snapshot, one top-level key per line. Numbers are the shortest decimals that read back to the same
/// double, in a unit from which the SI value comes out bit for bit.
pub fn write(device: &Device) -> String {
    let source = &device.calibration.source;
    let rows = &device.calibration.qubits;
    let mut lines: Vec<(String, Value)> = vec![
        ("format".into(), json!(FORMAT)),
        ("device".into(), json!(device.name)),
        ("source".into(), json!({"origin": source.origin, "date": source.date, "licence": source.licence})),
    ];
    let details = &device.details;
    lines.extend(details.processor.iter().map(|text| ("processor".into(), json!(text))));
    lines.push(("qubits".into(), json!(rows.len())));
    lines.extend(column::write("dt", LENGTH, &[device.dt.map(|dt| dt.0)]));
    lines.extend(details.timing.iter().map(|grid| ("timing".into(), json!(grid))));
    lines.push(("basis".into(), json!(device.basis.iter().map(|gate| gate.name()).collect::<Vec<_>>())));
    lines.push(("reset".into(), json!(device.has_reset)));
    let mut coupling: Vec<Vec<usize>> = device.coupling.iter().map(|&(a, b)| vec![a, b]).collect();
    coupling.sort_by_key(|pair| undirected(pair));
    lines.push(("coupling".into(), Value::Object(directed("pairs", &coupling))));
    if !details.coordinates.is_empty() {
        lines.push(("coordinates".into(), json!(details.coordinates)));
    }
    lines.extend(column::write("t1", LIFETIME, &per_qubit(rows, |q| q.t1.map(|t| t.0))));
    lines.extend(column::write("t2", LIFETIME, &per_qubit(rows, |q| q.t2.map(|t| t.0))));
    lines.extend(column::write("frequency", FREQUENCY, &per_qubit(rows, |q| q.frequency)));
    lines.extend(column::write("anharmonicity", FREQUENCY, &per_qubit(rows, |q| q.anharmonicity)));
    lines.extend(column::write("reset_length", LENGTH, &per_qubit(rows, |q| q.reset_length.map(|t| t.0))));
    let faulty: Vec<usize> = (0..rows.len()).filter(|&q| rows[q].faulty).collect();
    if !faulty.is_empty() {
        lines.push(("faulty".into(), json!(faulty)));
    }
    let readout: Map<String, Value> = [
        column::write("error", PLAIN, &per_qubit(rows, |q| q.readout_error)),
        column::write("p1_given_0", PLAIN, &per_qubit(rows, |q| q.one_given_zero)),
        column::write("p0_given_1", PLAIN, &per_qubit(rows, |q| q.zero_given_one)),
        column::write("length", LENGTH, &per_qubit(rows, |q| q.readout_length.map(|t| t.0))),
    ]
    .into_iter()
    .flatten()
    .collect();
    lines.push(("readout".into(), Value::Object(readout)));
    lines.push(("gates".into(), gate_columns(rows.len(), &device.calibration.gates)));
    if !details.zz.is_empty() {
        let pairs: Vec<_> = details.zz.iter().map(|(pair, _)| pair).collect();
        let shifts: Vec<_> = details.zz.iter().map(|(_, shift)| Some(*shift)).collect();
        let mut zz = Map::from_iter([("pairs".into(), json!(pairs))]);
        zz.extend(column::write("shift", FREQUENCY, &shifts));
        lines.push(("zz".into(), Value::Object(zz)));
    }
    if !details.layer_fidelity.is_empty() {
        let chains: Vec<_> = details.layer_fidelity.iter().map(|chain| &chain.qubits).collect();
        let values: Vec<_> = details.layer_fidelity.iter().map(|chain| chain.value).collect();
        lines.push(("layer_fidelity".into(), json!({"qubits": chains, "value": values})));
    }
    let lines: Vec<String> = lines.iter().map(|(key, value)| format!("{key:?}: {value}")).collect();
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}

fn per_qubit(rows: &[QubitData], value: impl Fn(&QubitData) -> Option<f64>) -> Vec<Option<f64>> {
    rows.iter().map(value).collect()
}

/// Operand lists under `key`: half of them and `both_directions` where each is followed by its reverse.
fn directed(key: &str, lists: &[Vec<usize>]) -> Map<String, Value> {
    let reversed = |pair: &[Vec<usize>]| pair.len() == 2 && pair[0].len() == 2 && pair[0].iter().rev().eq(&pair[1]);
    if !lists.is_empty() && lists.chunks(2).all(reversed) {
        let half: Vec<_> = lists.iter().step_by(2).collect();
        return Map::from_iter([(key.into(), json!(half)), ("both_directions".into(), json!(true))]);
    }
    Map::from_iter([(key.into(), json!(lists))])
}

/// A key that sorts a pair next to its reverse.
fn undirected(operands: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut sorted = operands.to_vec();
    sorted.sort_unstable();
    (sorted, operands.to_vec())
}

fn gate_columns(qubits: usize, rows: &[GateData]) -> Value {
    let mut by_gate: BTreeMap<&str, Vec<&GateData>> = BTreeMap::new();
    for row in rows {
        by_gate.entry(row.gate.name()).or_default().push(row);
    }
    let mut written: Map<String, Value> = Map::new();
    for (name, mut rows) in by_gate {
        rows.sort_by_key(|row| undirected(&row.qubits));
        let columns = Value::Object(columns_of(qubits, &rows));
        let equal = written.iter().find(|(_, other)| **other == columns).map(|(equal, _)| json!({"same_as": equal}));
        written.insert(name.into(), equal.unwrap_or(columns));
    }
    Value::Object(written)
}

fn columns_of(qubits: usize, rows: &[&GateData]) -> Map<String, Value> {
    let lists: Vec<Vec<usize>> = rows.iter().map(|row| row.qubits.clone()).collect();
    let everywhere = lists.len() == qubits && lists.iter().enumerate().all(|(k, list)| *list == [k]);
    let mut entry = if everywhere { Map::new() } else { directed("on", &lists) };
    let numbers = |row: &GateData| (row.error, row.length, row.faulty);
    let mut rows = rows.to_vec();
    if entry.contains_key("both_directions") {
        if rows.chunks(2).all(|pair| numbers(pair[0]) == numbers(pair[1])) {
            rows = rows.into_iter().step_by(2).collect();
        } else {
            entry = Map::from_iter([("on".into(), json!(lists))]);
        }
    }
    entry.extend(column::write("error", PLAIN, &rows.iter().map(|row| row.error).collect::<Vec<_>>()));
    entry.extend(column::write("length", LENGTH, &rows.iter().map(|row| row.length.map(|t| t.0)).collect::<Vec<_>>()));
    let faulty: Vec<usize> = (0..rows.len()).filter(|&k| rows[k].faulty).collect();
    if !faulty.is_empty() {
        entry.insert("faulty".into(), json!(faulty));
    }
    entry
}
