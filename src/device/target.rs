//! The part of a device that transpilation reads: native gates, couplings, errors.

use crate::circuit::Gate;
use crate::device::{Device, GateData, op_label};
use crate::math::order::median;

/// Native gates, usable directed couplings and errors of a device.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Target {
    /// Number of physical qubits.
    pub qubits: usize,
    /// Native one-qubit gates.
    pub single: Vec<Gate>,
    /// Usable two-qubit gates, by ordered pair. A gate with error 1, out of service or on an unusable qubit is left
    /// out. An unknown error counts as the median of the known ones of the same gate.
    pub edges: Vec<Edge>,
    /// Ordered pairs with a native two-qubit gate that was left out of `edges`.
    pub out_of_service: Vec<(usize, usize)>,
    /// Error of a one-qubit pulse (sx, or the like) per qubit. Unknown counts as the device's median. 1 marks a qubit
    /// that is not usable: out of service, or with a one-qubit gate that is not calibrated.
    pub single_error: Vec<f64>,
    /// Readout error per qubit; unknown counts as the device's median, and 1 stands where a qubit is not usable.
    pub readout_error: Vec<f64>,
    /// What was unknown and taken as a median, one sentence for each kind.
    pub notices: Vec<String>,
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
            // The frame change is exact; its 0 must not stand for a pulse of unknown error.
            if !matches!(row.gate, Gate::Rz | Gate::P | Gate::Id) {
                pulse[q] = row.error.into_iter().chain(pulse[q]).reduce(f64::max);
            }
        }
        let mut notices = Vec::new();
        let mut complete = |errors: &[Option<f64>], what: &str, label: &dyn Fn(usize) -> String| {
            let (errors, notice) = with_median(errors, what, label);
            notices.extend(notice);
            errors
        };
        let (mut edges, mut out_of_service) = (Vec::new(), Vec::new());
        for gate in device.basis.iter().filter(|gate| gate.row().qubits == 2) {
            let (taken, left_out): (Vec<&GateData>, Vec<&GateData>) = rows(2)
                .filter(|row| row.gate == *gate)
                .partition(|row| is_usable(row) && row.qubits.iter().all(|&q| usable[q]));
            let errors: Vec<_> = taken.iter().map(|row| row.error).collect();
            let errors = complete(&errors, "gate error", &|k| op_label(gate.name(), &taken[k].qubits));
            let edge =
                |(row, error): (&&GateData, f64)| Edge { gate: *gate, from: row.qubits[0], to: row.qubits[1], error };
            edges.extend(taken.iter().zip(errors).map(edge));
            out_of_service.extend(left_out.iter().map(|row| (row.qubits[0], row.qubits[1])));
        }
        // What is not usable counts as certain to fail, and not in the median.
        let of_usable = |errors: Vec<Option<f64>>| -> Vec<Option<f64>> {
            errors.into_iter().zip(&usable).map(|(error, usable)| if *usable { error } else { Some(1.0) }).collect()
        };
        let qubit = |q: usize| format!("qubit {q}");
        let single_error = complete(&of_usable(pulse), "error of one-qubit gates", &qubit);
        let readout = data.iter().map(|data| data.readout_error).collect();
        let readout_error = complete(&of_usable(readout), "readout error", &qubit);
        Self {
            qubits: data.len(),
            single: device.basis.iter().copied().filter(|g| g.row().qubits == 1).collect(),
            edges,
            out_of_service,
            single_error,
            readout_error,
            notices,
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

/// Names listed in one notice; the rest are counted.
const LISTED: usize = 12;

/// `errors` with the median of the known ones below 1 in place of the unknown, and a notice if there are such.
fn with_median(errors: &[Option<f64>], what: &str, label: &dyn Fn(usize) -> String) -> (Vec<f64>, Option<String>) {
    let median = median(errors.iter().flatten().copied().filter(|error| *error < 1.0));
    let unknown: Vec<usize> = (0..errors.len()).filter(|&k| errors[k].is_none()).collect();
    let notice = (!unknown.is_empty()).then(|| {
        let mut names = unknown.iter().take(LISTED).map(|&k| label(k)).collect::<Vec<_>>().join(", ");
        if let Some(more @ 1..) = unknown.len().checked_sub(LISTED) {
            names += &format!(" and {more} more");
        }
        match median {
            Some(median) => {
                format!("{names}: {what} unknown, the layout counts the median of the others, {median:.3e}")
            }
            None => format!("{names}: {what} unknown everywhere, the layout does not weigh it"),
        }
    });
    (errors.iter().map(|error| error.or(median).unwrap_or(0.0)).collect(), notice)
}
