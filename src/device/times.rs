//! How long the operations of a text take on a device.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::circuit::qasm::OperationTimes;
use crate::circuit::{Circuit, Op, OpKind, Param};
use crate::device::schedule::{duration, length};
use crate::device::transpile::{LayoutMethod, TranspileOptions, transpile};
use crate::device::{Device, Target};
use crate::math::Seconds;
use crate::math::order::median;

/// Times of operations on a device, for the stretches of OpenQASM 3 ([`crate::circuit::qasm::ReadOptions::times`]).
///
/// A native gate takes its calibrated time. Any other takes as long as it does when it is transpiled alone. Qubits that a
/// text writes as `$3` are those of the device. For others the layout says where they are; where it is only chosen after
/// reading, one- and two-qubit gates take the times of the coupled pair with the median time, and measurements and resets
/// the median of their times.
///
/// ```
/// use std::sync::Arc;
/// use qgraft::circuit::OpKind;
/// use qgraft::circuit::qasm::{ReadOptions, read};
/// use qgraft::device::{Device, DeviceTimes, LayoutMethod};
/// let times = DeviceTimes::of(&Device::named("manila")?, LayoutMethod::Trivial);
/// let options = ReadOptions { times: Some(Arc::new(times)), ..ReadOptions::default() };
/// let text = "include \"stdgates.inc\"; qubit[3] q; stretch a; barrier q; cx q[0], q[1]; delay[a] q[2]; barrier q;";
/// let OpKind::Delay(time) = read(text, &options)?.ops()[2].kind else { unreachable!() };
/// assert!((time.0 - 277.333e-9).abs() < 1e-12, "{time}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DeviceTimes {
    device: Device,
    target: Target,
    layout: LayoutMethod,
    /// The coupled pair whose gate has the median time.
    pair: Option<[usize; 2]>,
    /// Of gates that were transpiled, by what they are and where.
    found: Mutex<HashMap<String, Option<Seconds>>>,
}

impl DeviceTimes {
    /// The times of `device` for circuits whose qubits start as `layout` says.
    pub fn of(device: &Device, layout: LayoutMethod) -> Self {
        let target = Target::of(device);
        let rows = device.calibration.gates.iter().filter(|row| {
            target.edges.iter().any(|edge| edge.gate == row.gate && [edge.from, edge.to] == row.qubits[..])
        });
        let mut timed: Vec<(f64, [usize; 2])> =
            rows.filter_map(|row| Some((row.length?.0, [row.qubits[0], row.qubits[1]]))).collect();
        timed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let pair = timed.get(timed.len() / 2).map(|(_, pair)| *pair);
        Self { device: device.clone(), target, layout, pair, found: Mutex::default() }
    }

    /// Where the qubits of an operation are on the device, if that is known.
    fn places(&self, op: &Op, physical: bool) -> Option<Vec<usize>> {
        let qubits = op.qubits.iter();
        let place = |qubit: &usize| match &self.layout {
            _ if physical => Some(*qubit),
            LayoutMethod::Trivial => Some(*qubit),
            LayoutMethod::Given(qubits) => qubits.get(*qubit).copied(),
            LayoutMethod::NoiseAware => None,
        };
        match (qubits.map(place).collect::<Option<Vec<_>>>(), self.pair, op.qubits.len()) {
            (Some(places), ..) => Some(places),
            (None, Some(pair), count @ 1..=2) => Some(pair[..count].to_vec()),
            // Without couplings there is nothing to choose a pair by.
            (None, None, 1) => Some(vec![0]),
            _ => None,
        }
    }

    /// The median time of a measurement or a reset.
    fn typical(&self, op: &Op) -> Option<Seconds> {
        let qubits = self.device.calibration.qubits.iter().filter(|qubit| !qubit.faulty);
        let time = |qubit: &crate::device::QubitData| match op.kind {
            OpKind::Measure { .. } => qubit.readout_length,
            _ => qubit.reset_length,
        };
        median(qubits.filter_map(time).map(|time| time.0)).map(Seconds)
    }

    /// The time of a gate that is transpiled alone.
    fn transpiled(&self, op: &Op, places: Option<Vec<usize>>) -> Option<Seconds> {
        let OpKind::Gate { gate, params, controls } = &op.kind else {
            return self.length_of(&single(op)?, places);
        };
        let key = format!("{gate:?} {params:?} {controls} {places:?}");
        // A panic while it is held can only come from the transpiler, and what it holds stays right.
        let known = self.found.lock().unwrap_or_else(|held| held.into_inner()).get(&key).copied();
        known.unwrap_or_else(|| {
            let found = single(op).and_then(|circuit| self.length_of(&circuit, places));
            self.found.lock().unwrap_or_else(|held| held.into_inner()).insert(key, found);
            found
        })
    }

    fn length_of(&self, circuit: &Circuit, places: Option<Vec<usize>>) -> Option<Seconds> {
        let layout = places.map_or(LayoutMethod::NoiseAware, LayoutMethod::Given);
        let options = TranspileOptions { level: 1, layout, ..TranspileOptions::default() };
        let transpiled = transpile(circuit, &self.target, &options).ok()?;
        let times = transpiled.circuit.ops().iter().map(|op| self.calibrated(op));
        times.collect::<Option<Vec<_>>>()?;
        Some(length(&transpiled.circuit, &self.device))
    }

    /// The time of a native operation; `None` if the calibration lacks it.
    fn calibrated(&self, op: &Op) -> Option<Seconds> {
        match &op.kind {
            OpKind::Gate { gate, controls: 0, .. } => {
                let rows = &self.device.calibration.gates;
                rows.iter().find(|row| row.gate == *gate && row.qubits[..] == op.qubits[..])?.length
            }
            _ => Some(duration(op, &self.device)),
        }
    }
}

/// The operation alone, on qubits 0, 1, …. Angles that are open get values for which no gate is shorter.
fn single(op: &Op) -> Option<Circuit> {
    let mut circuit = Circuit::new(op.qubits.len());
    let mut alone = Op { qubits: (0..op.qubits.len()).collect(), condition: None, ..op.clone() };
    for (k, param) in alone.params_mut().iter_mut().enumerate().filter(|(_, param)| matches!(param, Param::Slot { .. }))
    {
        *param = Param::Fixed(0.37 + 0.61 * k as f64);
    }
    circuit.append(alone).ok()?;
    Some(circuit)
}

impl OperationTimes for DeviceTimes {
    fn time(&self, op: &Op, physical: bool) -> Option<Seconds> {
        let places = self.places(op, physical);
        if let OpKind::Measure { .. } | OpKind::Reset = op.kind {
            let is_placed = physical || self.layout != LayoutMethod::NoiseAware;
            let qubit = places.filter(|_| is_placed).and_then(|places| places.first().copied());
            let Some(qubit) = qubit else { return self.typical(op) };
            let data = self.device.calibration.qubits.get(qubit)?;
            return if matches!(op.kind, OpKind::Reset) { data.reset_length } else { data.readout_length };
        }
        let placed = places.clone().map(|places| Op { qubits: places.into(), ..op.clone() });
        placed.and_then(|op| self.calibrated(&op).filter(|_| is_gate(&op))).or_else(|| self.transpiled(op, places))
    }
}

fn is_gate(op: &Op) -> bool {
    matches!(op.kind, OpKind::Gate { .. })
}
