//! The part of a device that transpilation looks at: native gates, couplings, errors.

use crate::circuit::Gate;
use crate::device::Device;

/// Native gates, usable directed couplings and errors of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Number of physical qubits.
    pub qubits: usize,
    /// Native one-qubit gates.
    pub single: Vec<Gate>,
    /// Usable two-qubit gates, by ordered pair; a gate with error 1 or out of service is left out.
    pub edges: Vec<Edge>,
    /// Error of a one-qubit pulse (sx, or the like) per qubit; unknown counts as the device's median.
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
        let qubits = device.calibration.qubits.len();
        let rows = || device.calibration.gates.iter().filter(|row| device.basis.contains(&row.gate) && !row.faulty);
        let edges = rows()
            .filter(|row| row.qubits.len() == 2 && row.error.is_none_or(|e| e < 1.0))
            .map(|row| Edge { gate: row.gate, from: row.qubits[0], to: row.qubits[1], error: row.error.unwrap_or(0.0) })
            .collect();
        let mut pulse = vec![None; qubits];
        for row in rows().filter(|row| row.qubits.len() == 1) {
            let worst: &mut Option<f64> = &mut pulse[row.qubits[0]];
            *worst = row.error.into_iter().chain(*worst).reduce(f64::max);
        }
        let readout = device.calibration.qubits.iter().map(|q| q.readout_error).collect();
        Self {
            qubits,
            single: device.basis.iter().copied().filter(|g| g.row().qubits == 1).collect(),
            edges,
            single_error: with_median(pulse),
            readout_error: with_median(readout),
        }
    }
}

fn with_median(values: Vec<Option<f64>>) -> Vec<f64> {
    let mut known: Vec<f64> = values.iter().flatten().copied().collect();
    known.sort_by(f64::total_cmp);
    let median = known.get(known.len() / 2).copied().unwrap_or(0.0);
    values.into_iter().map(|v| v.unwrap_or(median)).collect()
}
