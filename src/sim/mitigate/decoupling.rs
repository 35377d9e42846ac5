//! Dynamical decoupling: pulses in waiting times.

use std::f64::consts::PI;

use crate::circuit::{Circuit, Gate, Op, OpKind, Param};
use crate::device::Device;
use crate::device::schedule::{Order, duration, with_delays};
use crate::math::Seconds;

/// Which pulses fill a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulses {
    /// X, X: undoes what turns the qubit about Z (Viola and Lloyd 1998, arXiv quant-ph/9803057).
    XX,
    /// X, Y, X, Y: undoes slow turns about any axis (Maudsley 1986, doi 10.1016/0022-2364(86)90160-5).
    XY4,
}

impl Pulses {
    fn axes(self) -> &'static [Gate] {
        match self {
            Self::XX => &[Gate::X, Gate::X],
            Self::XY4 => &[Gate::X, Gate::Y, Gate::X, Gate::Y],
        }
    }
}

/// `circuit`, in native gates and with qubit k on the device's qubit k, scheduled as late as possible, with pulses in
/// every wait that is long enough for them: between equal parts of what is left, half a part at either end.
///
/// The pulses together are the identity up to phase and each wait keeps its length. Y is X behind a frame change. Waits
/// of qubits whose X is not calibrated stay as they are.
pub fn decouple(circuit: &Circuit, device: &Device, pulses: Pulses) -> Circuit {
    let scheduled = with_delays(circuit, device, Order::AsLateAsPossible);
    let mut filled = Circuit::with_bits(scheduled.qubits(), scheduled.bits()).with_scratch(scheduled.scratch());
    filled.copy_slots(&scheduled);
    for op in scheduled.ops() {
        let sequence = match op.kind {
            OpKind::Delay(Seconds(wait)) if op.condition.is_none() => fill(wait, op.qubits[0], device, pulses),
            _ => None,
        };
        for op in sequence.unwrap_or_else(|| vec![op.clone()]) {
            filled.append(op).expect("operations of a checked circuit, and pulses and delays on its qubits");
        }
    }
    filled
}

/// A wait of `wait` seconds with pulses in it, or `None` if they do not fit.
fn fill(wait: f64, qubit: usize, device: &Device, pulses: Pulses) -> Option<Vec<Op>> {
    let x = Op::gate(Gate::X, &[qubit], &[]);
    let axes = pulses.axes();
    let Seconds(length) = duration(&x, device);
    let free = wait - axes.len() as f64 * length;
    // A pulse of unknown length is one the device does not have.
    if length <= 0.0 || free <= 0.0 {
        return None;
    }
    let part = free / axes.len() as f64;
    let pause = |time: f64| Op::of(OpKind::Delay(Seconds(time)), &[qubit]);
    let mut sequence = vec![pause(part / 2.0)];
    for (k, axis) in axes.iter().enumerate() {
        if k > 0 {
            sequence.push(pause(part));
        }
        if *axis == Gate::Y {
            sequence.push(Op::gate(Gate::Rz, &[qubit], &[Param::Fixed(PI)]));
        }
        sequence.push(x.clone());
    }
    sequence.push(pause(part / 2.0));
    Some(sequence)
}
