//! Per qubit and per gate: reported, achieved, repaired.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

use super::{Arguments, print_json, shown, table};
use crate::device::Device;
use crate::math::Seconds;
use crate::noise::model::report::{self, GateReport, QubitReport};
use crate::noise::model::{NoiseOptions, Repair};

pub fn run(arguments: &Arguments, device: &Device) -> Result<()> {
    let options = NoiseOptions { temperature_millikelvin: arguments.temperature, ..NoiseOptions::default() };
    let qubits = report::qubits(device, &options);
    let gates = report::gates(device, &options)?;
    let dead = report::uncalibrated_couplings(device);
    let source = &device.calibration.source;
    if arguments.json {
        return print_json(&json!({
            "device": device.name,
            "source": source,
            "qubits": qubits.iter().map(qubit_json).collect::<Vec<_>>(),
            "gates": gates.iter().map(gate_json).collect::<Vec<_>>(),
            "uncalibrated_couplings": dead,
        }));
    }
    let mut out = crate::cli::console::stdout();
    writeln!(
        out,
        "{}, {} qubits, calibrated {}\n{}, {}",
        device.name,
        qubits.len(),
        source.date,
        source.origin,
        source.licence
    )?;
    let columns = ["qubit", "T1", "T2", "T1 used", "T2 used", "readout error", "P(1|0)", "P(0|1)", "repaired"];
    writeln!(out, "\n{}", table(&columns, qubits.iter().map(qubit_row)))?;
    let columns = ["gate", "qubits", "length", "reported", "achieved", "relaxation alone", "depolarizing", "repaired"];
    writeln!(out, "\n{}", table(&columns, gates.iter().map(gate_row)))?;
    for (a, b) in dead {
        writeln!(out, "coupling ({a}, {b}): {}", Repair::NoRow.sentence())?;
    }
    let met: BTreeSet<Repair> =
        qubits.iter().flat_map(|q| &q.repairs).chain(gates.iter().flat_map(|g| &g.repairs)).copied().collect();
    for repair in met {
        writeln!(out, "{}: {}", name(repair), repair.sentence())?;
    }
    Ok(())
}

/// The repair's name as in JSON.
fn name(repair: Repair) -> String {
    match json!(repair) {
        Value::String(name) => name,
        other => other.to_string(),
    }
}

fn names(repairs: &[Repair]) -> String {
    repairs.iter().map(|repair| name(*repair)).collect::<Vec<_>>().join(", ")
}

fn time(value: Option<Seconds>) -> String {
    value.map_or("-".into(), |time| if time.0.is_finite() { time.to_string() } else { "none".into() })
}

fn qubit_row(row: &QubitReport) -> Vec<String> {
    let [error, up, down] = row.readout.map(shown);
    let (t1, t2) = row.reported;
    let used = [time(Some(row.used.0)), time(Some(row.used.1))];
    let [t1_used, t2_used] = used;
    vec![row.qubit.to_string(), time(t1), time(t2), t1_used, t2_used, error, up, down, names(&row.repairs)]
}

fn qubit_json(row: &QubitReport) -> Value {
    let [error, up, down] = row.readout;
    let finite = |time: Seconds| time.0.is_finite().then_some(time.0);
    json!({
        "qubit": row.qubit, "t1_s": row.reported.0, "t2_s": row.reported.1,
        "t1_used_s": finite(row.used.0), "t2_used_s": finite(row.used.1),
        "readout_error": error, "p1_given_0": up, "p0_given_1": down, "repairs": row.repairs,
    })
}

fn gate_row(row: &GateReport) -> Vec<String> {
    let qubits: Vec<String> = row.qubits.iter().map(usize::to_string).collect();
    let number = |value: f64| shown(Some(value));
    vec![
        row.gate.name().into(),
        qubits.join(", "),
        time(row.length),
        shown(row.reported),
        number(row.achieved),
        number(row.relaxation),
        number(row.depolarizing),
        names(&row.repairs),
    ]
}

fn gate_json(row: &GateReport) -> Value {
    json!({
        "gate": row.gate.name(), "qubits": row.qubits, "length_s": row.length, "reported": row.reported,
        "achieved": row.achieved, "relaxation": row.relaxation, "depolarizing": row.depolarizing,
        "repairs": row.repairs,
    })
}
