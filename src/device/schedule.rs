//! When each operation happens on a device, and the waiting that follows from it.

use crate::circuit::{Circuit, Condition, Op, OpKind};
use crate::device::Device;
use crate::math::Seconds;

/// Which end of the circuit operations are pushed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Order {
    /// Each operation as soon as its qubits and classical bits are free.
    AsSoonAsPossible,
    /// Each as late as the end of the circuit allows, what IBM does: qubits stay in |0⟩ as long as they can.
    #[default]
    AsLateAsPossible,
}

/// An operation and when it happens, seconds from the start of the circuit.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduledOp {
    /// The operation.
    pub op: Op,
    /// When it starts.
    pub start: f64,
    /// When it ends.
    pub end: f64,
}

/// `circuit`, whose qubit k is the device's qubit k, with a delay for every gap between a qubit's operations, from its
/// first to the end of the circuit or its last measurement; a qubit that is used again after a measurement also waits
/// for the readout itself.
///
/// Gates last as long as calibrated, measurements `readout_length`, resets `reset_length`; what is unknown
/// takes no time. A barrier aligns its qubits, a condition waits for its bits. Gaps are rounded to the device's grid.
pub fn with_delays(circuit: &Circuit, device: &Device, order: Order) -> Circuit {
    let mut scheduled = Circuit::with_bits(circuit.qubits(), circuit.bits()).with_scratch(circuit.scratch());
    scheduled.copy_slots(circuit);
    for timed in schedule_ops(circuit, device, order) {
        scheduled.append(timed.op).expect("operations of a checked circuit, and delays on its qubits");
    }
    scheduled
}

/// The operations of [`with_delays`] with their times, in the order of the circuit; sorted by start they are in an order
/// that qubits and classical bits allow, too.
pub fn schedule_ops(circuit: &Circuit, device: &Device, order: Order) -> Vec<ScheduledOp> {
    let durations: Vec<f64> = circuit.ops().iter().map(|op| duration(op, device).0).collect();
    let (mut starts, end) = earliest_starts(circuit, &durations);
    if order == Order::AsLateAsPossible {
        starts = latest_starts(circuit, &durations, end);
    }
    let grid = grid(device);
    // Since when each qubit waits, and whether it was measured last; `None` before its first operation.
    let mut last: Vec<Option<(f64, bool)>> = vec![None; circuit.qubits()];
    let wait = |from: f64, to: f64, qubit: usize| {
        let rounded = ((to - from) / grid).round() * grid;
        let op = || Op::of(OpKind::Delay(Seconds(rounded)), &[qubit]);
        (rounded > 0.0).then(|| ScheduledOp { op: op(), start: from, end: to })
    };
    let mut scheduled = Vec::new();
    for ((op, start), length) in circuit.ops().iter().zip(starts).zip(durations) {
        let timed = ScheduledOp { op: op.clone(), start, end: start + length };
        if matches!(op.kind, OpKind::Barrier) {
            scheduled.push(timed);
            continue;
        }
        for &q in &op.qubits {
            scheduled.extend(last[q].and_then(|(since, _)| wait(since, start, q)));
            // The readout itself is waited for by the measured qubit: its relaxation is not in the recorded bit alone.
            let measured = matches!(op.kind, OpKind::Measure { .. });
            last[q] = Some((if measured { start } else { timed.end }, measured));
        }
        scheduled.push(timed);
    }
    for (q, last) in last.into_iter().enumerate() {
        if let Some((since, false)) = last {
            scheduled.extend(wait(since, end, q));
        }
    }
    scheduled
}

/// How long `circuit` takes on `device`, from its first operation to its last.
pub fn length(circuit: &Circuit, device: &Device) -> Seconds {
    let durations: Vec<f64> = circuit.ops().iter().map(|op| duration(op, device).0).collect();
    Seconds(earliest_starts(circuit, &durations).1)
}

/// How long `op` takes on `device`. What the calibration lacks takes no time.
pub fn duration(op: &Op, device: &Device) -> Seconds {
    let calibration = &device.calibration;
    match &op.kind {
        OpKind::Gate { gate, controls: 0, .. } => {
            let row = calibration.gates.iter().find(|row| row.gate == *gate && row.qubits[..] == op.qubits[..]);
            row.and_then(|row| row.length).unwrap_or(Seconds(0.0))
        }
        OpKind::Measure { .. } => readout_length(device, op.qubits[0]),
        OpKind::Reset => qubit(device, op.qubits[0]).and_then(|data| data.reset_length).unwrap_or(Seconds(0.0)),
        OpKind::Delay(time) => *time,
        _ => Seconds(0.0),
    }
}

fn qubit(device: &Device, q: usize) -> Option<&crate::device::QubitData> {
    device.calibration.qubits.get(q)
}

fn readout_length(device: &Device, q: usize) -> Seconds {
    qubit(device, q).and_then(|data| data.readout_length).unwrap_or(Seconds(0.0))
}

/// Step of the device's clock; a picosecond where it is unknown, which only removes rounding errors.
fn grid(device: &Device) -> f64 {
    let granularity = device.details.timing.map_or(1, |timing| timing.granularity.max(1));
    device.dt.map_or(1e-12, |dt| dt.0 * granularity as f64)
}

fn read_bits(op: &Op) -> &[usize] {
    op.condition.as_ref().map_or(&[], |Condition { bits, .. }| bits)
}

/// Start of each operation when nothing waits longer than it must, and the end of the last.
fn earliest_starts(circuit: &Circuit, durations: &[f64]) -> (Vec<f64>, f64) {
    let mut free = vec![0.0f64; circuit.qubits()];
    let mut known = vec![0.0f64; circuit.bits() + circuit.scratch()];
    // A bit is not written again before it has been read.
    let mut read = vec![0.0f64; circuit.bits() + circuit.scratch()];
    let mut starts = Vec::new();
    for (op, length) in circuit.ops().iter().zip(durations) {
        let held = op.qubits.iter().map(|&q| free[q]);
        let mut start = held.chain(read_bits(op).iter().map(|&b| known[b])).fold(0.0, f64::max);
        if let Some(bit) = op.written_bit() {
            start = start.max(known[bit]).max(read[bit]);
            known[bit] = start + length;
        }
        op.qubits.iter().for_each(|&q| free[q] = start + length);
        read_bits(op).iter().for_each(|&b| read[b] = read[b].max(start));
        starts.push(start);
    }
    (starts, free.into_iter().fold(0.0, f64::max))
}

/// Start of each operation when all end as late as `end` and their successors allow.
fn latest_starts(circuit: &Circuit, durations: &[f64], end: f64) -> Vec<f64> {
    let mut needed = vec![end; circuit.qubits()];
    let mut read = vec![end; circuit.bits() + circuit.scratch()];
    let mut written = vec![end; circuit.bits() + circuit.scratch()];
    let mut starts = vec![0.0; durations.len()];
    for (k, op) in circuit.ops().iter().enumerate().rev() {
        let mut stop = op.qubits.iter().map(|&q| needed[q]).fold(end, f64::min);
        if let Some(bit) = op.written_bit() {
            stop = stop.min(read[bit]).min(written[bit]);
        }
        starts[k] = stop - durations[k];
        for &b in read_bits(op) {
            starts[k] = starts[k].min(written[b]);
            read[b] = read[b].min(starts[k]);
        }
        if let Some(bit) = op.written_bit() {
            // What was recorded there before is not read any more.
            (read[bit], written[bit]) = (end, starts[k]);
        }
        op.qubits.iter().for_each(|&q| needed[q] = starts[k]);
    }
    starts
}
