//! Noise of a few numbers: the same channels behind every gate, or a device whose parts are all its median.

use std::collections::HashMap;

use crate::circuit::{Circuit, Gate, Op, OpKind};
use crate::device::{Device, GateData, QubitData};
use crate::math::Seconds;
use crate::math::order::median;
use crate::noise::{Channel, Confusion, NoiseError, Program};

/// The same noise everywhere, without a device: for studies of "depolarizing noise of 1 %".
///
/// ```
/// # use qgraft::circuit::{Circuit, Gate};
/// # use qgraft::noise::channel::depolarizing;
/// # use qgraft::noise::model::uniform::Uniform;
/// let noise = Uniform::new(vec![depolarizing(0.01, 1)?], vec![depolarizing(0.02, 2)?], None)?;
/// let mut bell = Circuit::new(2);
/// bell.push(Gate::H, &[0], &[])?.push(Gate::Cx, &[0, 1], &[])?;
/// assert_eq!(noise.apply(&bell, &[]).steps.len(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Uniform {
    single: Vec<Channel>,
    several: Vec<Channel>,
    readout: Option<Confusion>,
}

impl Uniform {
    /// Noise with `single` behind each gate on one qubit, `several` behind each gate on more, in order, and `readout`
    /// on each measured qubit. In `several` a one-qubit channel acts on each operand, a two-qubit channel on operands
    /// 0 and 1, then 1 and 2, and so on.
    ///
    /// # Errors
    /// If a channel of `single` acts on two qubits.
    pub fn new(single: Vec<Channel>, several: Vec<Channel>, readout: Option<Confusion>) -> Result<Self, NoiseError> {
        if let Some(channel) = single.iter().find(|channel| channel.qubits() > 1) {
            return Err(NoiseError::TooManyOperands { channel: channel.name(), qubits: channel.qubits() });
        }
        Ok(Self { single, several, readout })
    }

    /// `circuit` with this noise compiled in. Every gate counts, frame changes (rz, p) too, unlike on a device.
    pub fn apply(&self, circuit: &Circuit, keep: &[usize]) -> Program {
        let noise_after = |op: &Op| {
            let channels = match op.kind {
                OpKind::Gate { .. } | OpKind::Unitary(_) if op.qubits.len() == 1 => &self.single,
                OpKind::Gate { .. } | OpKind::Unitary(_) => &self.several,
                _ => return Vec::new(),
            };
            let steps = |channel: &Channel| {
                op.qubits.windows(channel.qubits()).map(|on| (channel.clone(), on.to_vec())).collect::<Vec<_>>()
            };
            channels.iter().flat_map(steps).collect()
        };
        Program::compile(circuit, keep, noise_after, |_| self.readout)
    }
}

/// `device` with every number replaced by the median of its kind over all qubits, or over all pairs of one gate, so
/// that what differs from the device itself is due to its unevenness. Parts out of service and gates with error 1 do
/// not count, and become like the others.
pub fn medians(device: &Device) -> Device {
    let mut uniform = device.clone();
    uniform.name = format!("{}_medians", device.name);
    let qubits: Vec<&QubitData> = device.calibration.qubits.iter().filter(|data| !data.faulty).collect();
    let over = |value: fn(&QubitData) -> Option<f64>| median(qubits.iter().filter_map(|data| value(data)));
    let typical = QubitData {
        t1: over(|q| q.t1.map(|t| t.0)).map(Seconds),
        t2: over(|q| q.t2.map(|t| t.0)).map(Seconds),
        frequency: over(|q| q.frequency),
        anharmonicity: over(|q| q.anharmonicity),
        readout_error: over(|q| q.readout_error),
        one_given_zero: over(|q| q.one_given_zero),
        zero_given_one: over(|q| q.zero_given_one),
        readout_length: over(|q| q.readout_length.map(|t| t.0)).map(Seconds),
        reset_length: over(|q| q.reset_length.map(|t| t.0)).map(Seconds),
        faulty: false,
    };
    uniform.calibration.qubits.fill(typical);
    if let Some(shift) = median(uniform.details.zz.iter().map(|(_, shift)| *shift).filter(|shift| *shift != 0.0)) {
        uniform.details.zz.iter_mut().for_each(|(_, other)| *other = shift);
    }
    let usable: Vec<&GateData> =
        device.calibration.gates.iter().filter(|row| !row.faulty && row.error.is_none_or(|e| e < 1.0)).collect();
    let mut typical: HashMap<Gate, (Option<f64>, Option<Seconds>)> = HashMap::new();
    for row in &mut uniform.calibration.gates {
        let (error, length) = *typical.entry(row.gate).or_insert_with(|| {
            let same = || usable.iter().filter(|other| other.gate == row.gate);
            (median(same().filter_map(|r| r.error)), median(same().filter_map(|r| Some(r.length?.0))).map(Seconds))
        });
        (row.error, row.length, row.faulty) = (error, length, false);
    }
    uniform
}
