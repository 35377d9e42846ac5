//! A Qiskit `Target` (`backend.target` of a BackendV2) as JSON.
//!
//! Qiskit has no file format for it. This one has the names of the class: attributes as keys, times in seconds,
//! frequencies in hertz, and each instruction as the list of its properties by operands. `docs/hardware.md` has the
//! lines of Python that write it.
//!
//! ```json
//! {"name": "fake_example", "num_qubits": 2, "dt": 4e-9,
//!  "granularity": 1, "min_length": 2, "pulse_alignment": 1, "acquire_alignment": 1,
//!  "qubit_properties": [{"t1": 2.2e-4, "t2": 3.1e-4, "frequency": null}, {"t1": 1.7e-4, "t2": 1.2e-4}],
//!  "instructions": {
//!    "sx": [{"qargs": [0], "duration": 3.2e-8, "error": 3e-4}, {"qargs": [1], "duration": 3.2e-8, "error": 2e-4}],
//!    "cz": [{"qargs": [0, 1], "duration": 6.8e-8, "error": 5e-3}],
//!    "measure": [{"qargs": [0], "duration": 1.6e-6, "error": 0.02}, {"qargs": [1], "duration": 1.6e-6, "error": 0.01}],
//!    "if_else": []}}
//! ```
//! An instruction without operands is on every qubit. Only `num_qubits` and `instructions` are needed.

use serde_json::Value;

use super::compact::MOST_QUBITS;
use super::field::{Field, Notices};
use super::ibm::{INSTRUCTIONS, lifetime, pairs_of};
use crate::circuit::Gate;
use crate::device::calibration::op_label;
use crate::device::shipped::plain;
use crate::device::{Calibration, Details, Device, DeviceError, GateData, Provenance, QubitData, Timing};
use crate::math::Seconds;

/// Whether `document` is a target.
pub fn is_target(document: &Value) -> bool {
    document.get("instructions").is_some()
}

/// What an instruction has on one list of operands.
struct Properties {
    qubits: Vec<usize>,
    duration: Option<Seconds>,
    error: Option<f64>,
}

/// The device that `document` describes. `file` names it in errors.
///
/// A target knows one readout error a qubit, so both kinds of misreading get it; it knows no anharmonicity, no ZZ shift
/// and no layer fidelity. Qiskit leaves a qubit that is out of service out of every instruction: one without a
/// one-qubit gate is marked as such, and reported.
pub fn read(file: &str, document: &Value) -> Result<Device, DeviceError> {
    let notices = Notices::default();
    let root = Field::root(file, document, &notices);
    let stated = root.get("num_qubits")?;
    let count = match stated.index()? {
        0 => return Err(stated.wrong("is 0")),
        count if count > MOST_QUBITS => return Err(stated.wrong(format!("is {count}, more than {MOST_QUBITS}"))),
        count => count,
    };
    let mut qubits = qubit_rows(&root, count)?;
    let (mut basis, mut gates, mut has_reset) = (Vec::new(), Vec::new(), false);
    let instructions = root.get("instructions")?;
    for (name, field) in instructions.entries()? {
        let rows = properties(name, &field, count)?;
        match (name, Gate::named(name)) {
            ("measure", _) => {
                for row in single(&rows) {
                    (qubits[row.0].readout_error, qubits[row.0].readout_length) = (row.1.error, row.1.duration);
                }
            }
            ("reset", _) => {
                has_reset = true;
                for row in single(&rows) {
                    qubits[row.0].reset_length = row.1.duration;
                }
            }
            (_, Some(gate)) if gate.row().qubits > 2 => {
                field.note(&format!("acts on {} qubits; the device is used without it", gate.row().qubits));
            }
            (_, Some(gate)) => {
                if !basis.contains(&gate) {
                    basis.push(gate);
                }
                gates.extend(gate_rows(gate, &field, rows, count)?);
            }
            (name, None) if INSTRUCTIONS.contains(&name) => {}
            (_, None) => field.note("is not in the gate table; the device is used without it"),
        }
    }
    if !basis.iter().any(|gate| gate.row().qubits == 1 && *gate != Gate::Id) {
        return Err(instructions.wrong("lists no one-qubit gate that is in the gate table"));
    }
    // Qiskit lists its instructions in no order.
    basis.sort_by_key(|gate: &Gate| *gate as usize);
    gates.sort_by(|a: &GateData, b| (a.gate as usize, &a.qubits).cmp(&(b.gate as usize, &b.qubits)));
    mark_out_of_service(file, &mut qubits, &gates, &notices);
    let dt = known(&root, "dt")?.map(Seconds);
    let name = root.find("name").map_or(Ok("unnamed"), |name| name.text())?;
    Ok(Device {
        name: plain(name).into(),
        basis,
        has_reset,
        dt,
        coupling: pairs_of(&gates),
        calibration: Calibration { source: provenance(file), qubits, gates },
        details: Details { timing: timing(&root)?, ..Details::default() },
        notices: notices.take(),
    })
}

fn provenance(file: &str) -> Provenance {
    let file = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let not_stated = || "not stated".to_string();
    Provenance { origin: format!("Qiskit target {file}"), date: not_stated(), licence: not_stated() }
}

fn known(field: &Field, key: &str) -> Result<Option<f64>, DeviceError> {
    Ok(field.find(key).map(|value| value.known_number()).transpose()?.flatten())
}

fn qubit_rows(root: &Field, count: usize) -> Result<Vec<QubitData>, DeviceError> {
    let Some(list) = root.find("qubit_properties") else {
        return Ok(vec![QubitData::default(); count]);
    };
    let rows = list.list()?;
    if rows.is_empty() {
        return Ok(vec![QubitData::default(); count]);
    }
    if rows.len() != count {
        return Err(list.wrong(format!("has {} entries, but num_qubits is {count}", rows.len())));
    }
    let row = |row: &Field| {
        let life = |key: &str| match known(row, key)? {
            Some(time) => {
                lifetime(time).map_err(|problem| row.clone().called(format!("{}.{key}", row.path())).wrong(problem))
            }
            None => Ok(None),
        };
        Ok(QubitData { t1: life("t1")?, t2: life("t2")?, frequency: known(row, "frequency")?, ..QubitData::default() })
    };
    rows.iter().map(row).collect()
}

fn properties(name: &str, field: &Field, count: usize) -> Result<Vec<Properties>, DeviceError> {
    if !field.is_list() {
        return Err(field.wrong("is no list of {\"qargs\": [0, 1], \"duration\": 6.8e-8, \"error\": 0.005}"));
    }
    let row = |row: &Field| {
        let operands = row.get("qargs")?;
        let qubits = operands.indices()?;
        if let Some(outside) = qubits.iter().find(|&&q| q >= count) {
            return Err(operands.wrong(format!("names qubit {outside} of {name}, num_qubits is {count}")));
        }
        let label = op_label(name, &qubits);
        let number = |key: &str| match row.find(key) {
            Some(value) => value.called(format!("{label} {key}")).known_number(),
            None => Ok(None),
        };
        Ok(Properties { duration: number("duration")?.map(Seconds), error: number("error")?, qubits })
    };
    field.list()?.iter().map(row).collect()
}

/// Properties on one qubit, with this qubit.
fn single(rows: &[Properties]) -> impl Iterator<Item = (usize, &Properties)> {
    rows.iter().filter_map(|row| Some((*row.qubits.first()?, row)))
}

fn gate_rows(gate: Gate, field: &Field, rows: Vec<Properties>, count: usize) -> Result<Vec<GateData>, DeviceError> {
    if rows.is_empty() {
        return match gate.row().qubits {
            1 if gate == Gate::Rz => Ok((0..count).map(GateData::frame_change).collect()),
            1 => Ok((0..count)
                .map(|q| GateData { gate, qubits: vec![q], error: None, length: None, faulty: false })
                .collect()),
            _ => Err(field.wrong("lists no qubits; a two-qubit gate needs the coupled pairs as qargs")),
        };
    }
    let row =
        |Properties { qubits, duration, error }| GateData { gate, qubits, error, length: duration, faulty: false };
    Ok(rows.into_iter().map(row).collect())
}

/// Marks the qubits without a one-qubit gate.
fn mark_out_of_service(file: &str, qubits: &mut [QubitData], gates: &[GateData], notices: &Notices) {
    let is_on = |q: usize| gates.iter().any(|row| row.qubits == [q]);
    let missing: Vec<usize> = (0..qubits.len()).filter(|&q| !is_on(q)).collect();
    for &q in &missing {
        qubits[q].faulty = true;
    }
    if !missing.is_empty() {
        let names = missing.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
        notices.note(format!("{file}: no one-qubit gate on qubit {names}: taken as out of service"));
    }
}

fn timing(root: &Field) -> Result<Option<Timing>, DeviceError> {
    const KEYS: [&str; 4] = ["granularity", "min_length", "pulse_alignment", "acquire_alignment"];
    if KEYS.iter().all(|key| root.find(key).is_none()) {
        return Ok(None);
    }
    let read = |key: &str| root.find(key).map_or(Ok(1), |field| field.index()).map(|steps| steps as u64);
    Ok(Some(Timing {
        granularity: read(KEYS[0])?,
        min_length: read(KEYS[1])?,
        pulse_alignment: read(KEYS[2])?,
        acquire_alignment: read(KEYS[3])?,
    }))
}
