//! The part of a device that transpilation reads: native gates, couplings, errors.

use crate::circuit::Gate;
use crate::device::{Device, GateData};

/// Native gates, usable directed couplings and errors of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Number of physical qubits.
    pub qubits: usize,
    /// Native one-qubit gates.
    pub single: Vec<Gate>,
    /// Usable two-qubit gates, by ordered pair. A gate with error 1, out of service or on an unusable qubit is left
    /// out.
    pub edges: Vec<Edge>,
    /// Error of a one-qubit pulse (sx, or the like) per qubit. Unknown counts as the device's median. 1 marks a qubit
    /// that is not usable: out of service, or with a one-qubit gate that is not calibrated.
    pub single_error: Vec<f64>,
    /// Readout error per qubit; unknown counts as the device's median.
    pub readout_error: Vec<f64>,
}

/// One usable native two-qubit gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// The gate.
    pub gate: Gate,
    /// First operand.
    pub from: usize,
    /// Second operand.
    pub to: usize,
    /// Average gate infidelity.
    pub error: f64,
}

impl Target {
    /// What transpilation needs of `device`.
    pub fn of(device: &Device) -> Self {
        let data = &device.calibration.qubits;
        let rows = |operands: usize| {
            let native = device.calibration.gates.iter().filter(|row| device.basis.contains(&row.gate));
            native.filter(move |row| row.qubits.len() == operands)
        };
        let mut usable: Vec<bool> = data.iter().map(|qubit| !qubit.faulty).collect();
        let mut pulse: Vec<Option<f64>> = vec![None; data.len()];
        for row in rows(1) {
            let q = row.qubits[0];
            usable[q] &= is_usable(row);
            pulse[q] = row.error.into_iter().chain(pulse[q]).reduce(f64::max);
        }
        let edges = rows(2)
            .filter(|row| is_usable(row) && row.qubits.iter().all(|&q| usable[q]))
            .map(|row| Edge { gate: row.gate, from: row.qubits[0], to: row.qubits[1], error: row.error.unwrap_or(0.0) })
            .collect();
        let known =
            |errors: Vec<Option<f64>>| errors.into_iter().zip(&usable).map(|(e, ok)| e.filter(|_| *ok)).collect();
        let mut single_error = with_median(known(pulse));
        single_error.iter_mut().zip(&usable).filter(|(_, ok)| !**ok).for_each(|(error, _)| *error = 1.0);
        Self {
            qubits: data.len(),
            single: device.basis.iter().copied().filter(|g| g.row().qubits == 1).collect(),
            edges,
            single_error,
            readout_error: with_median(data.iter().map(|q| q.readout_error).collect()),
        }
    }

    /// Whether `qubit` can be used.
    pub fn is_usable(&self, qubit: usize) -> bool {
        self.single_error[qubit] < 1.0
    }
}

/// A gate with error 1 is one that was not calibrated.
fn is_usable(row: &GateData) -> bool {
    !row.faulty && row.error.is_none_or(|error| error < 1.0)
}

fn with_median(values: Vec<Option<f64>>) -> Vec<f64> {
    let mut known: Vec<f64> = values.iter().flatten().copied().collect();
    known.sort_by(f64::total_cmp);
    let median = known.get(known.len() / 2).copied().unwrap_or(0.0);
    values.into_iter().map(|v| v.unwrap_or(median)).collect()
}
