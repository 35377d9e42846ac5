//! A model applied to a circuit on a device.

use std::collections::{HashMap, HashSet};

use super::gate::{GateNoise, Lifetime, axis, scaled_joint_flip, scaled_readout};
use super::repair::RepairLog;
use super::slow::SlowNoise;
use super::zz::Phases;
use super::{NoiseModel, Readout, Repair, compat, parallel};
use crate::circuit::{Circuit, Gate, Op, OpKind};
use crate::device::schedule::{ScheduledOp, schedule_ops};
use crate::device::{Device, GateData, op_label};
use crate::math::{Probability, Seconds, Stream};
use crate::noise::channel::ChannelList;
use crate::noise::program::{Item, active_qubits};
use crate::noise::{Confusion, NoiseError, PairConfusion, PairReadout, Program};

/// The program, and for each of its steps the operation that it comes from if it is noise.
pub fn apply(
    model: &NoiseModel,
    circuit: &Circuit,
    device: &Device,
    keep: &[usize],
) -> Result<(Program, Vec<Option<String>>), NoiseError> {
    let Some(kind) = model.row.readout else {
        let program = Program::ideal(circuit, keep);
        let causes = vec![None; program.steps.len()];
        return Ok((program, causes));
    };
    let width = device.calibration.qubits.len();
    let active = active_qubits(circuit, keep);
    if let Some(&qubit) = active.last().filter(|&&q| q >= width) {
        return Err(NoiseError::TooWide { device: device.name.clone(), qubit, width });
    }
    let mut builder = Builder::new(model, device);
    let readouts: HashMap<usize, _> = active.iter().map(|&q| (q, readout(model, device, kind, q))).collect();
    for q in &active {
        if let Some(repair) = readouts[q].1 {
            builder.repairs.note(repair, format!("qubit {q}"));
        }
    }
    let ops = if model.row.idle {
        schedule_ops(circuit, device, model.options.order)
    } else {
        // Without a schedule times do not matter.
        circuit.ops().iter().map(|op| ScheduledOp { op: op.clone(), start: 0.0, end: 0.0 }).collect()
    };
    let items = if model.row.crosstalk { builder.in_time(ops.clone(), &active)? } else { builder.one_by_one(&ops)? };
    let causes = causes(&items);
    let mut program = Program::assemble(circuit, keep, items, |q| readouts[&q].0);
    program.correlated = correlated(model, device, &active)?;
    if let Some(what) = builder.repairs.refused().filter(|_| model.options.strict) {
        return Err(NoiseError::Uncalibrated { what, device: device.name.clone() });
    }
    program.notices = builder.repairs.notices();
    debug_assert_eq!(program.steps.len(), causes.len(), "a cause for each step");
    Ok((program, causes))
}

/// The operation that made each noise, for the items that become steps.
fn causes(items: &[Item]) -> Vec<Option<String>> {
    let mut last = String::new();
    let cause = |item: &Item| match item {
        Item::Op(op) => {
            last = op_label(&op.name(), &op.qubits);
            (!matches!(op.kind, OpKind::Barrier | OpKind::Delay(_))).then_some(None)
        }
        Item::Noise(channel, qubits, _) if channel.name() == "zz_crosstalk" => Some(Some(op_label("zz", qubits))),
        Item::Noise(..) => Some(Some(last.clone())),
    };
    items.iter().filter_map(cause).collect()
}

/// Joint flips of coupled qubits, on the program's register.
fn correlated(model: &NoiseModel, device: &Device, active: &[usize]) -> Result<Vec<PairReadout>, NoiseError> {
    let p = scaled_joint_flip(model.hardware().joint_flip, model.options.scale.readout);
    if p == 0.0 || !model.options.readout_error {
        return Ok(Vec::new());
    }
    let confusion = PairConfusion::joint_flip(Probability::new(p).expect("scaled within [0, 1]"));
    let position = |q: usize| active.binary_search(&q).ok();
    let pairs = device.couplings().into_iter().filter_map(|(a, b)| Some((position(a)?, position(b)?)));
    Ok(pairs.map(|qubits| PairReadout { qubits, confusion }).collect())
}

/// The readout error of qubit `q`, and the repair it needed.
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
    slow: Option<SlowNoise>,
    /// The calibration row of each gate.
    rows: HashMap<(Gate, &'a [usize]), &'a GateData>,
    /// Noise of the gates met so far, by the factor that parallel gates put on them.
    gates: HashMap<(Gate, Vec<usize>, u64), ChannelList>,
    repairs: RepairLog,
}

impl<'a> Builder<'a> {
    fn new(model: &'a NoiseModel, device: &'a Device) -> Self {
        let rows = device.calibration.gates.iter().map(|row| ((row.gate, &row.qubits[..]), row)).collect();
        let mut repairs = RepairLog::default();
        let slow = model.row.hardware.then(|| {
            let slow = SlowNoise::new(&model.options.hardware, &model.options, device, model.run);
            if slow.is_averaged(&model.options.hardware) {
                repairs.note(Repair::AveragedSlowly, device.name.clone());
            }
            slow
        });
        Self { model, device, slow, rows, gates: HashMap::new(), repairs }
    }

    /// Operations as they come, each followed by its noise.
    fn one_by_one(&mut self, ops: &[ScheduledOp]) -> Result<Vec<Item>, NoiseError> {
        let mut items = Vec::new();
        for timed in ops {
            self.push(&mut items, timed.op.clone(), 0.0)?;
        }
        Ok(items)
    }

    /// Operations in the order of their start, with what neighbours do to each other in between. Measurements that
    /// nothing comes after go last: ZZ commutes with them, and engines are fast at measurements that are the end.
    fn in_time(&mut self, mut ops: Vec<ScheduledOp>, active: &[usize]) -> Result<Vec<Item>, NoiseError> {
        ops.sort_by(|a, b| a.start.total_cmp(&b.start));
        let (factor, repair) = parallel::factor(self.device);
        let factor = factor * self.model.options.scale.parallel;
        let shares = parallel::shares(&ops, self.device);
        if let Some(repair) = repair.filter(|_| shares.iter().any(|share| *share > 0.0)) {
            self.repairs.note(repair, self.device.name.clone());
        }
        let last = terminal(&ops);
        let mut phases = Phases::new(self.device, active, self.model.options.scale.zz, &mut self.repairs);
        let (mut items, mut reads) = (Vec::new(), Vec::new());
        let as_items =
            |channels: ChannelList| channels.into_iter().map(|(channel, qubits)| Item::Noise(channel, qubits, None));
        for ((timed, share), is_last) in ops.iter().zip(shares).zip(&last) {
            if matches!(timed.op.kind, OpKind::Barrier | OpKind::GlobalPhase(_) | OpKind::Assign { .. }) {
                items.push(Item::Op(timed.op.clone()));
                continue;
            }
            // A delay is no event for its neighbours: the phase gathers until something happens.
            if !matches!(timed.op.kind, OpKind::Delay(_)) {
                items.extend(as_items(phases.begin(timed, self.device)?));
            }
            self.push(if *is_last { &mut reads } else { &mut items }, timed.op.clone(), factor * share)?;
            if let Some(slow) = &mut self.slow {
                items.extend(as_items(slow.after(timed, self.device)?));
            }
        }
        let end = ops.iter().map(|timed| timed.end).fold(0.0, f64::max);
        let read: Vec<usize> = reads.iter().flat_map(|item| item.measured()).collect();
        items.extend(as_items(phases.finish(end, |q| read.contains(&q))?));
        items.extend(reads);
        Ok(items)
    }

    fn push(&mut self, items: &mut Vec<Item>, op: Op, parallel: f64) -> Result<(), NoiseError> {
        let condition = op.condition.clone();
        let noise = self.noise_after(&op, parallel)?;
        items.push(Item::Op(op));
        items.extend(noise.into_iter().map(|(channel, qubits)| Item::Noise(channel, qubits, condition.clone())));
        Ok(())
    }

    fn noise_after(&mut self, op: &Op, parallel: f64) -> Result<ChannelList, NoiseError> {
        match &op.kind {
            OpKind::Gate { gate, controls: 0, .. } => {
                let key = (*gate, op.qubits.to_vec(), parallel.to_bits());
                if let Some(known) = self.gates.get(&key) {
                    return Ok(known.clone());
                }
                let built = self.gate(*gate, &op.qubits, parallel)?;
                self.gates.insert(key, built.clone());
                Ok(built)
            }
            OpKind::Gate { .. } | OpKind::Unitary(_) => {
                self.repairs.note(Repair::NotNative, op_label(&op.name(), &op.qubits));
                Ok(Vec::new())
            }
            OpKind::Delay(time) => self.relax(op.qubits[0], *time),
            OpKind::Reset => self.reset(op.qubits[0]),
            OpKind::Measure { .. } => {
                let q = op.qubits[0];
                if self.model.row.idle && self.device.calibration.qubits[q].readout_length.is_none() {
                    self.repairs.note(Repair::UnknownReadoutLength, format!("qubit {q}"));
                }
                Ok(Vec::new())
            }
            OpKind::Barrier | OpKind::GlobalPhase(_) | OpKind::Assign { .. } => Ok(Vec::new()),
        }
    }

    fn gate(&mut self, gate: Gate, qubits: &[usize], parallel: f64) -> Result<ChannelList, NoiseError> {
        let device = self.device;
        let name = op_label(gate.name(), qubits);
        if !device.basis.contains(&gate) {
            self.repairs.note(Repair::NotNative, name);
            return Ok(Vec::new());
        }
        let Some(&row) = self.rows.get(&(gate, qubits)) else {
            self.repairs.note(Repair::NoRow, name);
            return Ok(Vec::new());
        };
        if row.faulty || qubits.iter().any(|&q| device.calibration.qubits[q].faulty) {
            self.repairs.note(Repair::OutOfService, name);
            return Ok(Vec::new());
        }
        let noise = GateNoise::of(row, &device.calibration, &self.model.options);
        for &repair in &noise.gate_repairs {
            self.repairs.note(repair, name.clone());
        }
        for &(q, repair) in &noise.qubit_repairs {
            self.repairs.note(repair, format!("qubit {q}"));
        }
        let noise = noise.in_parallel(parallel);
        self.channels(match axis(gate) {
            Some(axis) => noise.partly_coherent(self.model.hardware().coherent, axis, self.sign(&name)),
            None => noise,
        })
    }

    /// The sign of a gate's over-rotation, the same in every circuit on one snapshot.
    fn sign(&self, gate: &str) -> f64 {
        let source = &self.device.calibration.source;
        let draw = Stream::named(0, &format!("over-rotation {} {} {gate}", self.device.name, source.date)).uniform();
        if draw < 0.5 { -1.0 } else { 1.0 }
    }

    fn channels(&self, noise: GateNoise) -> Result<ChannelList, NoiseError> {
        let mut noise = noise.scaled(&self.model.options);
        if let Some(slow) = &self.slow {
            noise = noise.drifted(|q| slow.drift(q));
        }
        if self.model.row.cutoffs {
            let composite = compat::channel(&noise)?;
            return Ok(composite.map(|channel| (channel, noise.qubits)).into_iter().collect());
        }
        noise.channels()
    }

    /// Relaxation of qubit `q` for `time`.
    fn relax(&mut self, q: usize, time: Seconds) -> Result<ChannelList, NoiseError> {
        if !self.model.options.thermal_relaxation || time.0 == 0.0 {
            return Ok(Vec::new());
        }
        let (lifetime, repairs) = Lifetime::of(&self.device.calibration.qubits[q], &self.model.options);
        for repair in repairs {
            self.repairs.note(repair, format!("qubit {q}"));
        }
        self.channels(GateNoise::wait(q, time, lifetime))
    }

    /// A reset relaxes for its own length once it is done.
    fn reset(&mut self, q: usize) -> Result<ChannelList, NoiseError> {
        let data = &self.device.calibration.qubits[q];
        if data.faulty {
            self.repairs.note(Repair::OutOfService, op_label("reset", &[q]));
            return Ok(Vec::new());
        }
        match data.reset_length.filter(|_| self.device.has_reset) {
            Some(time) => self.relax(q, time),
            None => {
                self.repairs.note(Repair::UnknownReset, format!("qubit {q}"));
                Ok(Vec::new())
            }
        }
    }
}

/// Which operations are measurements that neither their qubit nor their bit sees anything after.
fn terminal(ops: &[ScheduledOp]) -> Vec<bool> {
    let (mut qubits, mut bits) = (HashSet::<usize>::new(), HashSet::<usize>::new());
    let mut last: Vec<bool> = ops
        .iter()
        .rev()
        .map(|ScheduledOp { op, .. }| {
            let mut is_last = false;
            if let Some(bit) = op.written_bit() {
                let free = bits.insert(bit);
                is_last = free
                    && matches!(op.kind, OpKind::Measure { .. })
                    && op.condition.is_none()
                    && !qubits.contains(&op.qubits[0]);
            }
            bits.extend(op.condition.iter().flat_map(|condition| &condition.bits));
            if !matches!(op.kind, OpKind::Barrier) {
                qubits.extend(&op.qubits);
            }
            is_last
        })
        .collect();
    last.reverse();
    last
}
