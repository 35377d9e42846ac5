//! Reported against achieved: what a model makes of each gate and qubit of a device.

use std::collections::HashSet;

use super::gate::{GateNoise, Lifetime};
use super::{NoiseOptions, Repair};
use crate::circuit::Gate;
use crate::device::Device;
use crate::math::matrix::{identity, tensor};
use crate::math::{Matrix, Seconds};
use crate::noise::{Channel, NoiseError};

/// One calibrated gate of the device's basis.
#[derive(Clone, Debug, PartialEq)]
pub struct GateReport {
    /// The gate.
    pub gate: Gate,
    /// Its operands in order.
    pub qubits: Vec<usize>,
    /// The calibration's average gate infidelity.
    pub reported: Option<f64>,
    /// Its duration.
    pub length: Option<Seconds>,
    /// Average infidelity of relaxation during the gate alone.
    pub relaxation: f64,
    /// Parameter λ of the depolarizing channel before it.
    pub depolarizing: f64,
    /// Average infidelity of the channels as built, computed from their Kraus operators.
    pub achieved: f64,
    /// Why achieved and reported differ, where they do, and all other repairs.
    pub repairs: Vec<Repair>,
}

/// One qubit.
#[derive(Clone, Debug, PartialEq)]
pub struct QubitReport {
    /// Its index.
    pub qubit: usize,
    /// Relaxation times as reported.
    pub reported: (Option<Seconds>, Option<Seconds>),
    /// Relaxation times as used; infinite if unknown.
    pub used: (Seconds, Seconds),
    /// Assignment error, P(1|0) and P(0|1), as reported.
    pub readout: [Option<f64>; 3],
    /// Repairs; a qubit out of service is one of them.
    pub repairs: Vec<Repair>,
}

/// Each gate of the basis with the exact channels that `options` give it. A gate out of service has none: it achieves
/// infidelity 0, with the repair that names the reason.
///
/// # Errors
/// If a channel cannot be built, which a device that was read without error does not allow.
pub fn gates(device: &Device, options: &NoiseOptions) -> Result<Vec<GateReport>, NoiseError> {
    let calibration = &device.calibration;
    let mut report = Vec::new();
    for row in calibration.gates.iter().filter(|row| device.basis.contains(&row.gate)) {
        let out_of_service = row.faulty || row.qubits.iter().any(|&q| calibration.qubits[q].faulty);
        let noise = GateNoise::of(row, calibration, options);
        let mut repairs = noise.gate_repairs.clone();
        repairs.extend(noise.qubit_repairs.iter().map(|&(_, repair)| repair));
        repairs.dedup();
        let relaxation = noise.relaxation_infidelity;
        let noise = noise.scaled(options);
        let channels = noise.channels()?;
        report.push(GateReport {
            gate: row.gate,
            qubits: row.qubits.clone(),
            reported: row.error,
            length: row.length,
            relaxation,
            depolarizing: noise.lambda,
            achieved: if out_of_service { 0.0 } else { infidelity(&row.qubits, &channels) },
            repairs: if out_of_service { vec![Repair::OutOfService] } else { repairs },
        });
    }
    Ok(report)
}

/// Each qubit's relaxation times, reported and used.
pub fn qubits(device: &Device, options: &NoiseOptions) -> Vec<QubitReport> {
    let row = |(qubit, data)| {
        let (lifetime, mut repairs) = Lifetime::of(data, options);
        repairs.extend(data.faulty.then_some(Repair::OutOfService));
        let readout = [data.readout_error, data.one_given_zero, data.zero_given_one];
        repairs.extend(readout.iter().all(Option::is_none).then_some(Repair::UnknownReadout));
        QubitReport { qubit, reported: (data.t1, data.t2), used: (lifetime.t1, lifetime.t2), readout, repairs }
    };
    device.calibration.qubits.iter().enumerate().map(row).collect()
}

/// Coupled pairs without a row of a native two-qubit gate in either direction.
pub fn uncalibrated_couplings(device: &Device) -> Vec<(usize, usize)> {
    let rows = device.calibration.gates.iter().filter(|row| device.basis.contains(&row.gate) && row.qubits.len() == 2);
    let calibrated: HashSet<(usize, usize)> =
        rows.map(|row| (row.qubits[0].min(row.qubits[1]), row.qubits[0].max(row.qubits[1]))).collect();
    device.couplings().into_iter().filter(|pair| !calibrated.contains(pair)).collect()
}

/// Average gate infidelity of `channels` in order, on a gate's one or two `qubits`.
pub fn infidelity(qubits: &[usize], channels: &[(Channel, Vec<usize>)]) -> f64 {
    let d = 1usize << qubits.len();
    let mut total: Matrix = identity(d * d);
    for (channel, on) in channels {
        let operators = channel.operators().iter().map(|operator| match (qubits, &on[..]) {
            ([low, _], [qubit]) if qubit == low => tensor(operator, &identity(2)),
            ([_, _], [_]) => tensor(&identity(2), operator),
            _ => operator.clone(),
        });
        let whole =
            Channel::trusted("embedded", operators.collect()).expect("operators of one channel on one gate fit");
        total = whole.superoperator().dot(&total);
    }
    let process = total.diag().sum().re / (d * d) as f64;
    1.0 - (d as f64 * process + 1.0) / (d as f64 + 1.0)
}
