//! A model applied to a circuit on a device.

use std::collections::HashMap;

use super::gate::{GateNoise, Lifetime, scaled_readout};
use super::repair::Ledger;
use super::{NoiseModel, Readout, Repair, compat};
use crate::circuit::{Circuit, Gate, Op, OpKind};
use crate::device::schedule::with_delays;
use crate::device::{Device, placed};
use crate::math::{Probability, Seconds};
use crate::noise::{Channel, Confusion, NoiseError, Program};

/// Channels and the device qubits they act on.
type Placed = Vec<(Channel, Vec<usize>)>;

pub fn apply(model: &NoiseModel, circuit: &Circuit, device: &Device, keep: &[usize]) -> Result<Program, NoiseError> {
    let Some(kind) = model.row.readout else { return Ok(Program::ideal(circuit, keep)) };
    let width = device.calibration.qubits.len();
    let touched = circuit.ops().iter().flat_map(|op| &op.qubits).chain(keep);
    if let Some(&qubit) = touched.max().filter(|&&q| q >= width) {
        return Err(NoiseError::TooWide { device: device.name.clone(), qubit, width });
    }
    let waiting = model.row.idle.then(|| with_delays(circuit, device, model.options.order));
    let circuit = waiting.as_ref().unwrap_or(circuit);
    let mut builder = Builder { model, device, gates: HashMap::new(), ledger: Ledger::default(), failure: None };
    let readouts: Vec<_> = (0..width).map(|q| readout(model, device, kind, q)).collect();
    let mut program = Program::compile(circuit, keep, |op| builder.noise_after(op), |q| readouts[q].0);
    for &q in &program.active {
        if let Some(repair) = readouts[q].1 {
            builder.ledger.note(repair, format!("qubit {q}"));
        }
    }
    if let Some(failure) = builder.failure {
        return Err(failure);
    }
    if let Some(what) = builder.ledger.refused().filter(|_| model.options.strict) {
        return Err(NoiseError::Uncalibrated { what, device: device.name.clone() });
    }
    program.notices = builder.ledger.notices();
    Ok(program)
}

/// The readout error of qubit `q`, and what had to be mended for it.
fn readout(model: &NoiseModel, device: &Device, kind: Readout, q: usize) -> (Option<Confusion>, Option<Repair>) {
    let data = &device.calibration.qubits[q];
    if !model.options.readout_error {
        return (None, None);
    }
    if data.faulty {
        return (None, Some(Repair::OutOfService));
    }
    let probability = |p: f64| Probability::new(p).ok();
    let symmetric = data.readout_error.and_then(probability).map(Confusion::symmetric);
    let measured = data.one_given_zero.and_then(probability).zip(data.zero_given_one.and_then(probability));
    let measured = measured.map(|(one_given_zero, zero_given_one)| Confusion { one_given_zero, zero_given_one });
    let mean =
        |c: Confusion| probability((c.one_given_zero.get() + c.zero_given_one.get()) / 2.0).map(Confusion::symmetric);
    let (wanted, other) = match kind {
        Readout::Symmetric => (symmetric, measured.and_then(mean)),
        Readout::Measured => (measured, symmetric),
    };
    let repair = match (wanted, other) {
        (Some(_), _) => None,
        (None, Some(_)) => Some(Repair::ReadoutFromOther),
        (None, None) => Some(Repair::UnknownReadout),
    };
    (wanted.or(other).map(|confusion| scaled_readout(confusion, model.options.scale.readout)), repair)
}

struct Builder<'a> {
    model: &'a NoiseModel,
    device: &'a Device,
    /// Noise of the gates met so far.
    gates: HashMap<(Gate, Vec<usize>), Placed>,
    ledger: Ledger,
    /// The first channel that could not be built.
    failure: Option<NoiseError>,
}

impl Builder<'_> {
    fn noise_after(&mut self, op: &Op) -> Placed {
        let built = match &op.kind {
            OpKind::Gate { gate, controls: 0, .. } => {
                let key = (*gate, op.qubits.clone());
                if let Some(known) = self.gates.get(&key) {
                    return known.clone();
                }
                let built = self.gate(*gate, &op.qubits);
                if let Ok(channels) = &built {
                    self.gates.insert(key, channels.clone());
                }
                built
            }
            OpKind::Gate { .. } | OpKind::Unitary(_) => {
                self.ledger.note(Repair::NotNative, placed(&op.name(), &op.qubits));
                Ok(Vec::new())
            }
            OpKind::Delay(time) => self.relax(op.qubits[0], *time),
            OpKind::Reset => self.reset(op.qubits[0]),
            OpKind::Measure { .. } => {
                let q = op.qubits[0];
                if self.model.row.idle && self.device.calibration.qubits[q].readout_length.is_none() {
                    self.ledger.note(Repair::UnknownReadoutLength, format!("qubit {q}"));
                }
                Ok(Vec::new())
            }
            OpKind::Barrier | OpKind::GlobalPhase(_) => Ok(Vec::new()),
        };
        built.unwrap_or_else(|error| {
            self.failure.get_or_insert(error);
            Vec::new()
        })
    }

    fn gate(&mut self, gate: Gate, qubits: &[usize]) -> Result<Placed, NoiseError> {
        let device = self.device;
        let name = placed(gate.name(), qubits);
        if !device.basis.contains(&gate) {
            self.ledger.note(Repair::NotNative, name);
            return Ok(Vec::new());
        }
        let rows = &device.calibration.gates;
        let Some(row) = rows.iter().find(|row| row.gate == gate && row.qubits == qubits) else {
            self.ledger.note(Repair::NoRow, name);
            return Ok(Vec::new());
        };
        if row.faulty || qubits.iter().any(|&q| device.calibration.qubits[q].faulty) {
            self.ledger.note(Repair::OutOfService, name);
            return Ok(Vec::new());
        }
        let noise = GateNoise::of(row, &device.calibration, &self.model.options);
        for &repair in &noise.gate_repairs {
            self.ledger.note(repair, name.clone());
        }
        for &(q, repair) in &noise.qubit_repairs {
            self.ledger.note(repair, format!("qubit {q}"));
        }
        self.channels(noise.scaled(&self.model.options))
    }

    fn channels(&self, noise: GateNoise) -> Result<Placed, NoiseError> {
        if self.model.row.cutoffs {
            let composite = compat::channel(&noise)?;
            return Ok(composite.map(|channel| (channel, noise.qubits)).into_iter().collect());
        }
        noise.channels()
    }

    /// Relaxation of qubit `q` for `time`.
    fn relax(&mut self, q: usize, time: Seconds) -> Result<Placed, NoiseError> {
        if !self.model.options.thermal_relaxation || time.0 == 0.0 {
            return Ok(Vec::new());
        }
        let (lifetime, repairs) = Lifetime::of(&self.device.calibration.qubits[q], &self.model.options);
        for repair in repairs {
            self.ledger.note(repair, format!("qubit {q}"));
        }
        let noise = GateNoise {
            qubits: vec![q],
            lambda: 0.0,
            time,
            lifetimes: vec![lifetime],
            relaxation_infidelity: 0.0,
            gate_repairs: Vec::new(),
            qubit_repairs: Vec::new(),
        };
        self.channels(noise.scaled(&self.model.options))
    }

    /// A reset relaxes for its own length once it is done.
    fn reset(&mut self, q: usize) -> Result<Placed, NoiseError> {
        let data = &self.device.calibration.qubits[q];
        if data.faulty {
            self.ledger.note(Repair::OutOfService, placed("reset", &[q]));
            return Ok(Vec::new());
        }
        match data.reset_length.filter(|_| self.device.has_reset) {
            Some(time) => self.relax(q, time),
            None => {
                self.ledger.note(Repair::UnknownReset, format!("qubit {q}"));
                Ok(Vec::new())
            }
        }
    }
}
