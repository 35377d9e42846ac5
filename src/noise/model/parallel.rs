//! Two-qubit gates driven at the same time as a neighbouring one do worse than alone.
//!
//! Their infidelity is multiplied by `1 + κ`, times the share of the gate's duration in which the neighbour is driven.
//! κ is fitted to measured layer fidelities ([`super::chain`]): the device's own where its snapshot has them, else the
//! median over other devices of its family.

use super::{Repair, chain};
use crate::circuit::OpKind;
use crate::device::Device;
use crate::device::schedule::ScheduledOp;
use crate::math::order::median;

/// A fitted factor.
pub struct ParallelRow {
    /// Name of the device.
    pub device: &'static str,
    /// Family of its processor.
    pub family: &'static str,
    /// κ, the mean over its chains of 10 and 20 qubits.
    pub factor: f64,
}

const fn row(device: &'static str, family: &'static str, factor: f64) -> ParallelRow {
    ParallelRow { device, family, factor }
}

/// κ of every device whose snapshot records layer fidelities of calibrated chains of 10 or 20 qubits
/// (qiskit-ibm-runtime 0.51.0; the snapshots are in `data/layer_fidelity`, a test repeats the fits).
pub static PARALLEL: &[ParallelRow] = &[
    row("aachen", "Heron", 0.340),
    row("berlin", "Nighthawk", 0.388),
    row("boston", "Heron", 0.043),
    row("brisbane", "Eagle", 0.196),
    row("brussels", "Eagle", 0.432),
    row("cusco", "Eagle", -0.302),
    row("fez", "Heron", -0.100),
    row("kawasaki", "Eagle", 0.312),
    row("kingston", "Heron", 0.094),
    row("kyiv", "Eagle", -0.128),
    row("marrakesh", "Heron", -0.209),
    row("miami", "Nighthawk", 1.308),
    row("pittsburgh", "Heron", 0.557),
    row("quebec", "Eagle", -0.080),
    row("sherbrooke", "Eagle", 0.331),
    row("strasbourg", "Eagle", 0.420),
    row("torino", "Heron", 0.063),
];

/// κ of `device` and what had to be taken in its place.
pub fn factor(device: &Device) -> (f64, Option<Repair>) {
    if let Some(own) = chain::fitted(device) {
        return (own, None);
    }
    match typical(device) {
        Some(typical) => (typical, Some(Repair::TypicalParallel)),
        None => (0.0, Some(Repair::UnknownParallel)),
    }
}

/// The median κ of other devices of the same family, `None` if none is known.
pub fn typical(device: &Device) -> Option<f64> {
    let others = PARALLEL.iter().filter(|row| Some(row.family) == device.details.family() && row.device != device.name);
    median(others.map(|row| row.factor))
}

/// For each operation the share of its duration in which a neighbouring two-qubit gate is driven; 0 for all that are no
/// two-qubit gates.
pub fn shares(ops: &[ScheduledOp], device: &Device) -> Vec<f64> {
    let is_gate = |timed: &ScheduledOp| matches!(timed.op.kind, OpKind::Gate { .. }) && timed.op.qubits.len() == 2;
    let neighbours = |a: &ScheduledOp, b: &ScheduledOp| {
        let apart = !a.op.qubits.iter().any(|q| b.op.qubits.contains(q));
        let joins = |&(from, to): &(usize, usize)| {
            let between = |x: usize, y: usize| a.op.qubits.contains(&x) && b.op.qubits.contains(&y);
            between(from, to) || between(to, from)
        };
        apart && device.coupling.iter().any(joins)
    };
    let share = |timed: &ScheduledOp| {
        if !is_gate(timed) || timed.end <= timed.start {
            return 0.0;
        }
        let overlap = |other: &ScheduledOp| timed.end.min(other.end) - timed.start.max(other.start);
        let beside = ops.iter().filter(|other| is_gate(other) && overlap(other) > 0.0 && neighbours(timed, other));
        beside.map(overlap).fold(0.0, f64::max) / (timed.end - timed.start)
    };
    ops.iter().map(share).collect()
}
