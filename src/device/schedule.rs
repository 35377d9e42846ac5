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

/// `circuit`, whose qubit k is the device's qubit k, with a delay for every gap between a qubit's operations, from its
/// first to the end of the circuit or its last measurement; a qubit that is used again after a measurement also waits
/// for the readout itself.
///
/// Gates last as long as the calibration says, measurements `readout_length`, resets `reset_length`; what is unknown
/// takes no time. A barrier aligns its qubits, a condition waits for its bits. Gaps are rounded to the device's grid.
pub fn with_delays(circuit: &Circuit, device: &Device, order: Order) -> Circuit {
    let durations: Vec<f64> = circuit.ops().iter().map(|op| duration(op, device).0).collect();
    let (mut starts, end) = earliest_starts(circuit, &durations);
    if order == Order::AsLateAsPossible {
        starts = latest_starts(circuit, &durations, end);
    }
    let mut scheduled = Circuit::with_bits(circuit.qubits(), circuit.bits());
    for name in circuit.slot_names() {
        scheduled.slot(name.as_str());
    }
    let grid = grid(device);
    let mut append = |op: Op| {
        scheduled.append(op).expect("operations of a checked circuit, and delays on its qubits");
    };
    // End of each qubit's last operation, and whether that was a measurement; `None` before the first.
    let mut last: Vec<Option<(f64, bool)>> = vec![None; circuit.qubits()];
    let wait = |gap: f64, qubit: usize| {
        let rounded = (gap / grid).round() * grid;
        (rounded > 0.0).then(|| Op::of(OpKind::Delay(Seconds(rounded)), &[qubit]))
    };
    for ((op, start), length) in circuit.ops().iter().zip(starts).zip(durations) {
        if matches!(op.kind, OpKind::Barrier) {
            append(op.clone());
            continue;
        }
        for &q in &op.qubits {
            // The readout itself is waited for by the measured qubit: its relaxation is not in the recorded bit alone.
            let since = last[q].map(|(end, measured)| if measured { end - readout_length(device, q).0 } else { end });
            since.and_then(|since| wait(start - since, q)).into_iter().for_each(&mut append);
            last[q] = Some((start + length, matches!(op.kind, OpKind::Measure { .. })));
        }
        append(op.clone());
    }
    for (q, last) in last.into_iter().enumerate() {
        if let Some((since, false)) = last {
            wait(end - since, q).into_iter().for_each(&mut append);
        }
    }
    scheduled
}

/// How long `circuit` takes on `device`, from its first operation to its last.
pub fn length(circuit: &Circuit, device: &Device) -> Seconds {
    let durations: Vec<f64> = circuit.ops().iter().map(|op| duration(op, device).0).collect();
    Seconds(earliest_starts(circuit, &durations).1)
}

/// How long `op` takes on `device`; what the calibration does not tell takes no time.
pub fn duration(op: &Op, device: &Device) -> Seconds {
    let calibration = &device.calibration;
    match &op.kind {
        OpKind::Gate { gate, controls: 0, .. } => {
            let row = calibration.gates.iter().find(|row| row.gate == *gate && row.qubits == op.qubits);
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
    let mut known = vec![0.0f64; circuit.bits()];
    let mut starts = Vec::new();
    for (op, length) in circuit.ops().iter().zip(durations) {
        let held = op.qubits.iter().map(|&q| free[q]);
        let start = held.chain(read_bits(op).iter().map(|&b| known[b])).fold(0.0, f64::max);
        op.qubits.iter().for_each(|&q| free[q] = start + length);
        if let OpKind::Measure { bit } = op.kind {
            known[bit] = start + length;
        }
        starts.push(start);
    }
    (starts, free.into_iter().fold(0.0, f64::max))
}

/// Start of each operation when all end as late as `end` and their successors allow.
fn latest_starts(circuit: &Circuit, durations: &[f64], end: f64) -> Vec<f64> {
    let mut needed = vec![end; circuit.qubits()];
    let mut read = vec![end; circuit.bits()];
    let mut starts = vec![0.0; durations.len()];
    for (k, op) in circuit.ops().iter().enumerate().rev() {
        let mut stop = op.qubits.iter().map(|&q| needed[q]).fold(end, f64::min);
        if let OpKind::Measure { bit } = op.kind {
            stop = stop.min(read[bit]);
            // What was recorded there before is not read any more.
            read[bit] = end;
        }
        starts[k] = stop - durations[k];
        op.qubits.iter().for_each(|&q| needed[q] = starts[k]);
        read_bits(op).iter().for_each(|&b| read[b] = read[b].min(starts[k]));
    }
    starts
}
