//! What no device can have: checked for every snapshot, whatever its format.

use std::collections::HashSet;

use crate::device::calibration::op_label;
use crate::device::{Device, DeviceError, GateData, QubitData};
use crate::math::Seconds;

/// Longer than any gate, readout or reset. A longer time means a wrong unit.
const LONGEST_OPERATION: Seconds = Seconds(0.1);

/// Larger than the ZZ shift of any two qubits, Hz: a larger one means a wrong unit.
const LARGEST_SHIFT: f64 = 1e9;

/// `device` if all its numbers are possible; `file` names it in errors.
pub fn checked(file: &str, device: Device) -> Result<Device, DeviceError> {
    let wrong = |(field, problem): (String, String)| DeviceError::Field { file: file.into(), field, problem };
    let count = device.calibration.qubits.len();
    for (q, data) in device.calibration.qubits.iter().enumerate() {
        check_qubit(data).map_err(|(field, problem)| wrong((format!("qubit {q} {field}"), problem)))?;
    }
    let mut seen = HashSet::new();
    for row in &device.calibration.gates {
        let name = op_label(row.gate.name(), &row.qubits);
        check_gate(row, count).map_err(|(field, problem)| wrong((format!("{name}{field}"), problem)))?;
        if !seen.insert((row.gate, &row.qubits)) {
            return Err(wrong((name, "is listed twice".into())));
        }
    }
    let pairs = device.coupling.iter().map(|pair| ("coupling", pair));
    for (what, &(a, b)) in pairs.chain(device.details.zz.iter().map(|(pair, _)| ("zz", pair))) {
        if a == b || a.max(b) >= count {
            return Err(wrong((what.into(), format!("has ({a}, {b}); the device has {count} qubits"))));
        }
    }
    if let Some(((a, b), shift)) = device.details.zz.iter().find(|(_, shift)| !(shift.abs() < LARGEST_SHIFT)) {
        return Err(wrong((format!("zz of ({a}, {b})"), format!("is {shift} Hz; expected less than 1 GHz"))));
    }
    for chain in &device.details.layer_fidelity {
        check_probability(Some(chain.value)).map_err(|problem| wrong(("layer_fidelity".into(), problem)))?;
        if chain.qubits.iter().any(|&q| q >= count) {
            return Err(wrong(("layer_fidelity".into(), format!("names a qubit outside 0..{count}"))));
        }
    }
    if let Some(dt) = device.dt.filter(|dt| !(dt.0 > 0.0 && dt.0 < 1e-3)) {
        return Err(wrong(("dt".into(), format!("is {} s; expected a positive time below 1 ms", dt.0))));
    }
    if device.basis.is_empty() {
        return Err(wrong(("basis".into(), "is empty: a device has native gates".into())));
    }
    Ok(device)
}

fn check_qubit(data: &QubitData) -> Result<(), (String, String)> {
    for (field, time) in [("T1", data.t1), ("T2", data.t2)] {
        if let Some(time) = time.filter(|time| !(time.0 > 0.0 && time.0.is_finite())) {
            return Err((field.into(), format!("is {} s; expected a positive time, or null if unknown", time.0)));
        }
    }
    if let Some(frequency) = data.frequency.filter(|f| !(*f > 0.0 && *f < 1e12)) {
        return Err(("frequency".into(), format!("is {frequency} Hz; expected 0 to 1000 GHz")));
    }
    if let Some(shift) = data.anharmonicity.filter(|f| !(f.abs() < 1e11)) {
        return Err(("anharmonicity".into(), format!("is {shift} Hz; expected less than 100 GHz")));
    }
    let probabilities = [
        ("readout error", data.readout_error),
        ("P(1 given 0)", data.one_given_zero),
        ("P(0 given 1)", data.zero_given_one),
    ];
    for (field, value) in probabilities {
        check_probability(value).map_err(|problem| (field.into(), problem))?;
    }
    for (field, time) in [("readout length", data.readout_length), ("reset length", data.reset_length)] {
        check_length(time).map_err(|problem| (field.into(), problem))?;
    }
    Ok(())
}

fn check_gate(row: &GateData, count: usize) -> Result<(), (String, String)> {
    let expected = row.gate.row().qubits;
    if row.qubits.len() != expected {
        return Err((String::new(), format!("lists {} qubits, the gate acts on {expected}", row.qubits.len())));
    }
    if expected > 2 {
        return Err((String::new(), format!("acts on {expected} qubits; a calibration has gates on one and two")));
    }
    if let Some(&outside) = row.qubits.iter().find(|&&q| q >= count) {
        return Err((String::new(), format!("names qubit {outside}, the device has {count}")));
    }
    if (1..expected).any(|k| row.qubits[..k].contains(&row.qubits[k])) {
        return Err((String::new(), "lists a qubit twice".into()));
    }
    check_probability(row.error).map_err(|problem| (" error".into(), problem))?;
    check_length(row.length).map_err(|problem| (" length".into(), problem))
}

fn check_probability(value: Option<f64>) -> Result<(), String> {
    match value {
        Some(p) if !(0.0..=1.0).contains(&p) => Err(format!("is {p}; expected 0 to 1, or null if unknown")),
        _ => Ok(()),
    }
}

fn check_length(time: Option<Seconds>) -> Result<(), String> {
    match time {
        Some(t) if !(0.0..=LONGEST_OPERATION.0).contains(&t.0) => {
            Err(format!("is {} s; expected 0 to {} s, is its unit right?", t.0, LONGEST_OPERATION.0))
        }
        _ => Ok(()),
    }
}
