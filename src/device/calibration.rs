//! A device and what was measured on it, in SI units.

use serde::{Deserialize, Serialize};

use crate::circuit::Gate;
use crate::device::Details;
use crate::math::Seconds;

/// A quantum computer as its maker described and calibrated it.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Name, without `fake_` or `ibm_`.
    pub name: String,
    /// Native unitary gates.
    pub basis: Vec<Gate>,
    /// Whether `reset` is an instruction of the device.
    pub has_reset: bool,
    /// The time step, if known.
    pub dt: Option<Seconds>,
    /// Directed couplings, from the device description (every two-qubit gate row lies on one).
    pub coupling: Vec<(usize, usize)>,
    /// What was measured.
    pub calibration: Calibration,
    /// What only some snapshots record.
    pub details: Details,
    /// What was repaired or passed over in reading it, one sentence each. Not part of what is written.
    pub notices: Vec<String>,
}

impl Device {
    /// Coupled pairs without direction, ascending.
    pub fn couplings(&self) -> Vec<(usize, usize)> {
        let mut pairs: Vec<_> = self.coupling.iter().map(|&(a, b)| (a.min(b), a.max(b))).collect();
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }
}

/// One day's measurements. An absent number is unknown, never zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// Where the numbers come from.
    pub source: Provenance,
    /// Index = physical qubit.
    pub qubits: Vec<QubitData>,
    /// One row per gate and ordered operand list.
    pub gates: Vec<GateData>,
}

/// Provenance of a snapshot, mandatory in our own files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Package or service and version.
    pub origin: String,
    /// When the device was calibrated (ISO 8601).
    pub date: String,
    /// Licence of the data.
    pub licence: String,
}

/// What was measured on one qubit.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct QubitData {
    /// Relaxation time.
    pub t1: Option<Seconds>,
    /// Echo dephasing time.
    pub t2: Option<Seconds>,
    /// 0-1 transition frequency, hertz.
    pub frequency: Option<f64>,
    /// Anharmonicity, hertz, negative.
    pub anharmonicity: Option<f64>,
    /// Assignment error.
    pub readout_error: Option<f64>,
    /// P(record 1 | prepared 0).
    pub one_given_zero: Option<f64>,
    /// P(record 0 | prepared 1).
    pub zero_given_one: Option<f64>,
    /// Duration of a measurement.
    pub readout_length: Option<Seconds>,
    /// Duration of a reset.
    pub reset_length: Option<Seconds>,
    /// True if the maker took it out of service.
    pub faulty: bool,
}

/// What was measured for one gate on one ordered list of qubits.
#[derive(Clone, Debug, PartialEq)]
pub struct GateData {
    /// The gate.
    pub gate: Gate,
    /// Its operands, in the order the calibration lists.
    pub qubits: Vec<usize>,
    /// Average gate infidelity from randomised benchmarking. 1 means not calibrated.
    pub error: Option<f64>,
    /// Duration.
    pub length: Option<Seconds>,
    /// True if the maker took it out of service.
    pub faulty: bool,
}

impl GateData {
    /// `rz` on a qubit: a change of its frame, which takes no time and makes no error. Some calibrations leave it out.
    pub(crate) fn frame_change(qubit: usize) -> Self {
        let (error, length) = (Some(0.0), Some(Seconds(0.0)));
        Self { gate: Gate::Rz, qubits: vec![qubit], error, length, faulty: false }
    }
}

/// An operation on its qubits as people write it: `cx(0, 1)`.
pub(crate) fn op_label(name: &str, qubits: &[usize]) -> String {
    let qubits: Vec<String> = qubits.iter().map(usize::to_string).collect();
    format!("{name}({})", qubits.join(", "))
}
