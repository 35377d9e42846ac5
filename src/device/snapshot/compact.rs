//! Our own snapshot: one small JSON per device, columns instead of records, the unit in each key.
//!
//! ```json
//! {"format": 1,
//!  "device": "example",
//!  "source": {"origin": "made up", "date": "2026-01-01", "licence": "CC0-1.0"},
//!  "qubits": 2,
//!  "dt_ns": 4,
//!  "basis": ["sx", "rz", "cz"],
//!  "reset": true,
//!  "coupling": {"pairs": [[0, 1]], "both_directions": true},
//!  "t1_us": [251.3, null],
//!  "t2_us": 150,
//!  "readout": {"error": [0.01, 0.02], "p1_given_0": 0.004, "length_ns": 1200},
//!  "gates": {"sx": {"error": 2e-4, "length_ns": 32},
//!            "rz": {"error": 0, "length_ns": 0},
//!            "cz": {"on": [[0, 1]], "both_directions": true, "error": [0.005], "length_ns": 68}}}
//! ```
//! A number means a constant column, null for one unknown value, an absent key for an unknown column. Unknown
//! keys are ignored. A gate without `on` is on every qubit. `"same_as": "sx"` repeats another gate's rows. Optional
//! keys: `processor`, `timing`, `coordinates`, `frequency_ghz`, `anharmonicity_ghz`, `reset_length_ns`, `faulty`
//! (lists of qubits, or of row numbers in a gate), `zz` and `layer_fidelity`.

use std::collections::HashSet;

use serde_json::Value;

use super::column::{self, FREQUENCY, LENGTH, LIFETIME, PLAIN};
use super::field::{Field, Notices};
use crate::circuit::Gate;
use crate::device::{
    Calibration, Details, Device, DeviceError, GateData, LayerFidelity, Provenance, QubitData, Timing,
};
use crate::math::Seconds;

pub const FORMAT: usize = 1;

/// More qubits than any device or circuit has. A scalar column of them would waste memory and time.
pub const MOST_QUBITS: usize = 10_000;

/// The device that `document` describes. `file` names it in errors.
pub fn read(file: &str, document: &Value) -> Result<Device, DeviceError> {
    let notices = Notices::default();
    let root = Field::root(file, document, &notices);
    let format = root.get("format")?;
    if format.index()? != FORMAT {
        return Err(format.wrong(format!("is {}, this version reads {FORMAT}", format.index()?)));
    }
    let count = root.get("qubits")?;
    let qubits = match count.index()? {
        0 => return Err(count.wrong("is 0")),
        number if number > MOST_QUBITS => return Err(count.wrong(format!("is {number}, more than {MOST_QUBITS}"))),
        number => number,
    };
    Ok(Device {
        name: root.get("device")?.text()?.into(),
        basis: root.get("basis")?.list()?.iter().map(gate).collect::<Result<_, _>>()?,
        has_reset: root.get("reset")?.truth()?,
        dt: column::read(&root, "dt", LENGTH, 1)?[0].map(Seconds),
        coupling: coupling(&root)?,
        details: details(&root)?,
        calibration: Calibration {
            source: source(&root.get("source")?)?,
            qubits: qubit_rows(&root, qubits)?,
            gates: gate_rows(&root.get("gates")?, qubits)?,
        },
        notices: notices.take(),
    })
}

fn coupling(root: &Field) -> Result<Vec<(usize, usize)>, DeviceError> {
    let Some(field) = root.find("coupling") else { return Ok(Vec::new()) };
    let pair = |list: Vec<usize>| match list[..] {
        [a, b] => Ok((a, b)),
        _ => Err(field.wrong(format!("lists {list:?}, which is not a pair"))),
    };
    operands(&field, "pairs")?.into_iter().map(pair).collect()
}

fn gate(name: &Field) -> Result<Gate, DeviceError> {
    let text = name.text()?;
    Gate::named(text).ok_or_else(|| name.wrong(format!("is {text:?}, which is not in the gate table")))
}

fn source(field: &Field) -> Result<Provenance, DeviceError> {
    let text = |key: &str| {
        let entry = field.get(key)?;
        match entry.text()?.trim() {
            "" => Err(entry.wrong("is empty")),
            text => Ok(text.to_owned()),
        }
    };
    Ok(Provenance { origin: text("origin")?, date: text("date")?, licence: text("licence")? })
}

/// Operand lists under `key`, each followed by its reverse if `both_directions` is set.
fn operands(field: &Field, key: &str) -> Result<Vec<Vec<usize>>, DeviceError> {
    let listed: Vec<Vec<usize>> = field.get(key)?.list()?.iter().map(Field::indices).collect::<Result<_, _>>()?;
    if !field.find("both_directions").map_or(Ok(false), |field| field.truth())? {
        return Ok(listed);
    }
    Ok(listed.into_iter().flat_map(|list| [list.clone(), list.into_iter().rev().collect()]).collect())
}

fn qubit_rows(root: &Field, count: usize) -> Result<Vec<QubitData>, DeviceError> {
    let readout = root.find("readout");
    let of_readout = |name: &str, units| match &readout {
        Some(readout) => column::read(readout, name, units, count),
        None => Ok(vec![None; count]),
    };
    let t1 = column::read(root, "t1", LIFETIME, count)?;
    let t2 = column::read(root, "t2", LIFETIME, count)?;
    let frequency = column::read(root, "frequency", FREQUENCY, count)?;
    let anharmonicity = column::read(root, "anharmonicity", FREQUENCY, count)?;
    let reset_length = column::read(root, "reset_length", LENGTH, count)?;
    let error = of_readout("error", PLAIN)?;
    let one_given_zero = of_readout("p1_given_0", PLAIN)?;
    let zero_given_one = of_readout("p0_given_1", PLAIN)?;
    let readout_length = of_readout("length", LENGTH)?;
    let faulty = faulty(root)?;
    let row = |q: usize| QubitData {
        t1: t1[q].map(Seconds),
        t2: t2[q].map(Seconds),
        frequency: frequency[q],
        anharmonicity: anharmonicity[q],
        readout_error: error[q],
        one_given_zero: one_given_zero[q],
        zero_given_one: zero_given_one[q],
        readout_length: readout_length[q].map(Seconds),
        reset_length: reset_length[q].map(Seconds),
        faulty: faulty.contains(&q),
    };
    Ok((0..count).map(row).collect())
}

/// The numbers listed under `faulty`.
fn faulty(of: &Field) -> Result<HashSet<usize>, DeviceError> {
    Ok(of.find("faulty").map_or(Ok(Vec::new()), |list| list.indices())?.into_iter().collect())
}

fn gate_rows(gates: &Field, qubits: usize) -> Result<Vec<GateData>, DeviceError> {
    let mut rows = Vec::new();
    for (name, entry) in gates.entries()? {
        let gate = Gate::named(name).ok_or_else(|| entry.wrong("is not in the gate table"))?;
        let columns = match entry.find("same_as") {
            Some(other) => gates.get(other.text()?)?,
            None => entry,
        };
        let on = match columns.find("on") {
            Some(_) => operands(&columns, "on")?,
            None => (0..qubits).map(|q| vec![q]).collect(),
        };
        // One number per listed pair also serves its reverse.
        let directions = columns.find("both_directions");
        let doubled = directions.as_ref().map_or(Ok(false), |field| field.truth())?;
        if let (true, Some(field), None) = (doubled, &directions, columns.find("on")) {
            return Err(field.wrong("is true, but no pairs are listed under \"on\""));
        }
        let repeat = if doubled { 2 } else { 1 };
        let error = column::read(&columns, "error", PLAIN, on.len() / repeat)?;
        let length = column::read(&columns, "length", LENGTH, on.len() / repeat)?;
        let faulty = faulty(&columns)?;
        rows.extend(on.into_iter().enumerate().map(|(k, qubits)| GateData {
            gate,
            qubits,
            error: error[k / repeat],
            length: length[k / repeat].map(Seconds),
            faulty: faulty.contains(&(k / repeat)),
        }));
    }
    Ok(rows)
}

fn details(root: &Field) -> Result<Details, DeviceError> {
    let mut details = Details::default();
    if let Some(processor) = root.find("processor") {
        details.processor = Some(processor.text()?.into());
    }
    if let Some(grid) = root.find("timing") {
        let read = |key: &str| grid.get(key)?.index().map(|steps| steps as u64);
        details.timing = Some(Timing {
            granularity: read("granularity")?,
            min_length: read("min_length")?,
            pulse_alignment: read("pulse_alignment")?,
            acquire_alignment: read("acquire_alignment")?,
        });
    }
    if let Some(places) = root.find("coordinates") {
        details.coordinates = places.pairs()?;
    }
    if let Some(zz) = root.find("zz") {
        let pairs = zz.get("pairs")?.pairs()?;
        let shifts = column::read(&zz, "shift", FREQUENCY, pairs.len())?;
        details.zz = pairs.into_iter().zip(shifts).filter_map(|(pair, shift)| Some((pair, shift?))).collect();
    }
    if let Some(chains) = root.find("layer_fidelity") {
        let qubits = chains.get("qubits")?.list()?;
        let values = column::read(&chains, "value", PLAIN, qubits.len())?;
        for (chain, value) in qubits.iter().zip(values) {
            let value = value.ok_or_else(|| chain.wrong("has no value"))?;
            details.layer_fidelity.push(LayerFidelity { qubits: chain.indices()?, value });
        }
    }
    Ok(details)
}
