//! Static ZZ: what coupled qubits do to each other whenever they are not in one gate.
//!
//! A shift ζ turns the pair by `exp(-i 2π ζ t ZZ/4)` in time t. The local parts are absorbed in calibrated frequencies.
//! An echoed gate has a pulse in its middle that turns the sign of its control, so a resting partner of a control is
//! refocused, two controls echoed together are not (Sundaresan et al. 2020, arXiv 2007.02925).

use std::collections::HashMap;

use super::Repair;
use super::repair::RepairLog;
use crate::circuit::{Gate, Op, OpKind};
use crate::device::Device;
use crate::device::schedule::ScheduledOp;
use crate::math::Seconds;
use crate::noise::channel::ChannelList;
use crate::noise::{Channel, NoiseError};

/// ζ in hertz by processor family: the median over its devices of their medians, of the 68 snapshots of
/// qiskit-ibm-runtime 0.51, exact zeros left out. Fixed frequencies first, then tunable couplers.
const TYPICAL: &[(&str, f64)] = &[
    ("Canary", -64e3),
    ("Falcon", -54e3),
    ("Hummingbird", -73e3),
    ("Eagle", -62e3),
    ("Heron", 4.1e3),
    ("Nighthawk", 9.7e3),
];

/// Times of a schedule are exact to this, seconds: a thousandth of the shortest clock step of any device.
const ROUNDING: f64 = 1e-13;

/// ζ of the pair, hertz, and what had to be taken in its place. An exact zero in a snapshot means not measured.
pub fn shift(device: &Device, pair: (usize, usize)) -> (f64, Option<Repair>) {
    let (a, b) = pair;
    let recorded = device.details.zz.iter().find(|(other, _)| *other == (a, b) || *other == (b, a));
    match recorded.map(|&(_, shift)| shift).filter(|shift| *shift != 0.0) {
        Some(shift) => (shift, None),
        None => {
            let family = device.details.family();
            match TYPICAL.iter().find(|(name, _)| Some(*name) == family) {
                Some(&(_, typical)) => (typical, Some(Repair::TypicalZz)),
                None => (0.0, Some(Repair::UnknownZz)),
            }
        }
    }
}

/// The operand that `op`'s own echo turns in the middle of the gate: the control of an ecr, and of a cx in the direction
/// that the device drives, which is the shorter one.
pub fn echoed(op: &Op, device: &Device) -> Option<usize> {
    let OpKind::Gate { gate, controls: 0, .. } = op.kind else { return None };
    let length = |qubits: [usize; 2]| {
        let rows = &device.calibration.gates;
        rows.iter().find(|row| row.gate == gate && row.qubits == qubits).and_then(|row| row.length)
    };
    match (gate, &op.qubits[..]) {
        (Gate::Ecr, &[control, _]) => Some(control),
        (Gate::Cx, &[control, target]) => match (length([control, target]), length([target, control])) {
            (Some(Seconds(here)), Some(Seconds(back))) if back < here => Some(target),
            _ => Some(control),
        },
        _ => None,
    }
}

/// What a qubit is doing.
#[derive(Clone, Copy, Default)]
struct Activity {
    start: f64,
    end: f64,
    /// The other operand, if it is in one gate with it.
    partner: Option<usize>,
    echoed: bool,
}

impl Activity {
    /// The end of the first half of an echo: what happens in it is seen with the other sign after the gate.
    fn turned_until(&self) -> Option<f64> {
        self.echoed.then_some((self.start + self.end) / 2.0)
    }
}

struct Pair {
    qubits: (usize, usize),
    shift: f64,
    since: f64,
}

/// Phases of all pairs of a circuit over time.
pub struct Phases {
    pairs: Vec<Pair>,
    /// Indices into `pairs`, by qubit.
    of_qubit: HashMap<usize, Vec<usize>>,
    busy: HashMap<usize, Activity>,
}

impl Phases {
    /// For the couplings among `active` qubits, each ζ times `scale`.
    pub fn new(device: &Device, active: &[usize], scale: f64, repairs: &mut RepairLog) -> Self {
        let mut phases = Self { pairs: Vec::new(), of_qubit: HashMap::new(), busy: HashMap::new() };
        for qubits in device.couplings().into_iter().filter(|(a, b)| active.contains(a) && active.contains(b)) {
            let (shift, repair) = shift(device, qubits);
            if let Some(repair) = repair {
                repairs.note(repair, format!("pair ({}, {})", qubits.0, qubits.1));
            }
            for q in [qubits.0, qubits.1] {
                phases.of_qubit.entry(q).or_default().push(phases.pairs.len());
            }
            phases.pairs.push(Pair { qubits, shift: shift * scale, since: 0.0 });
        }
        phases
    }

    /// The phases that precede `timed`, which then begins.
    pub fn begin(&mut self, timed: &ScheduledOp, device: &Device) -> Result<ChannelList, NoiseError> {
        let qubits = &timed.op.qubits;
        let mut touched: Vec<usize> = qubits.iter().flat_map(|q| self.of_qubit.get(q)).flatten().copied().collect();
        touched.sort_unstable();
        touched.dedup();
        let settled = self.settle(&touched, timed.start);
        let turned = echoed(&timed.op, device);
        for (k, &q) in qubits.iter().enumerate() {
            let partner = if let [_, _] = qubits[..] { Some(qubits[1 - k]) } else { None };
            let (start, end) = (timed.start, timed.end);
            self.busy.insert(q, Activity { start, end, partner, echoed: turned == Some(q) });
        }
        settled
    }

    /// All phases that have gathered by `end`, but for pairs of qubits for which `done` is true: they are not used any more.
    pub fn finish(&mut self, end: f64, done: impl Fn(usize) -> bool) -> Result<ChannelList, NoiseError> {
        let open = |k: &usize| !(done(self.pairs[*k].qubits.0) && done(self.pairs[*k].qubits.1));
        let open: Vec<usize> = (0..self.pairs.len()).filter(open).collect();
        self.settle(&open, end)
    }

    fn settle(&mut self, pairs: &[usize], now: f64) -> Result<ChannelList, NoiseError> {
        let mut channels = Vec::new();
        for &k in pairs {
            let time = self.signed_time(k, now);
            let Pair { qubits: (a, b), shift, since } = &mut self.pairs[k];
            *since = now.max(*since);
            if time != 0.0 && *shift != 0.0 {
                // A negative time is a phase of the other sign.
                let signed = shift.copysign(*shift * time);
                channels.push((Channel::named("zz_crosstalk", &[signed, time.abs()])?, vec![*a, *b]));
            }
        }
        Ok(channels)
    }

    /// Time since the last phase of the pair, each part with the signs of its echoes. Time in one gate does not count.
    fn signed_time(&self, pair: usize, now: f64) -> f64 {
        let Pair { qubits: (a, b), since, .. } = self.pairs[pair];
        let busy = |q: usize| self.busy.get(&q).copied().unwrap_or_default();
        let (left, right) = (busy(a), busy(b));
        let since = if left.partner == Some(b) { since.max(left.end) } else { since };
        let mut marks = vec![since, now];
        marks.extend([left, right].iter().filter_map(Activity::turned_until).filter(|m| *m > since && *m < now));
        marks.sort_by(f64::total_cmp);
        let sign = |at: f64| {
            let turned = |busy: Activity| busy.turned_until().is_some_and(|until| at >= busy.start && at < until);
            if turned(left) != turned(right) { -1.0 } else { 1.0 }
        };
        let parts = marks.windows(2).map(|w| (w[1] - w[0]) * sign(f64::midpoint(w[0], w[1])));
        let total: f64 = parts.sum();
        // The halves of an echo cancel, and operations follow each other, up to rounding.
        if now <= since || total.abs() < ROUNDING { 0.0 } else { total }
    }
}
