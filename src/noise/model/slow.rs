//! What changes from run to run but hardly during one: the frequency of each qubit, and its T1 and T2.
//!
//! Calibrations have the echo T2. Without an echo coherence falls to 1/e at T2*, the difference being a detuning Δ that
//! is constant in a run and Gaussian over runs: `e^{-t/T2 - σ²t²/2}`, hence `σ² T2*²/2 = 1 - T2*/T2` (Krantz et al. 2019,
//! arXiv 1904.06560, §III.B).

use std::collections::HashMap;

use super::gate::Lifetime;
use super::{Hardware, NoiseOptions, zz};
use crate::circuit::OpKind;
use crate::device::Device;
use crate::device::schedule::ScheduledOp;
use crate::math::Stream;
use crate::noise::channel::ChannelList;
use crate::noise::{Channel, NoiseError};

/// One run of an ensemble.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EnsembleRun {
    pub seed: u64,
    pub number: u64,
}

/// The slow changes of one program.
pub struct SlowNoise {
    /// Standard deviation of each qubit's detuning, radians per second.
    spread: Vec<f64>,
    /// Detuning of each qubit in this run, `None` for the average over runs.
    detuning: Option<Vec<f64>>,
    /// Factor on T1 and T2 of each qubit.
    drift: Vec<f64>,
    /// For how long each qubit has gathered phase, seconds.
    exposed: HashMap<usize, f64>,
}

impl SlowNoise {
    pub fn new(hardware: &Hardware, options: &NoiseOptions, device: &Device, run: Option<EnsembleRun>) -> Self {
        let qubits = &device.calibration.qubits;
        let spread = |data| {
            let t2 = Lifetime::of(data, options).0.t2.0;
            let ratio = hardware.ramsey_ratio;
            options.scale.slow * (2.0 * (1.0 - ratio)).sqrt() / (ratio * t2)
        };
        let spread: Vec<f64> = qubits.iter().map(spread).collect();
        let normals = |run: EnsembleRun, purpose: &str, number: u64| {
            let mut stream = Stream::numbered(Stream::named(run.seed, purpose).bits(), number);
            qubits.iter().map(|_| stream.normal()).collect::<Vec<f64>>()
        };
        let detuning = run.map(|run| {
            // Runs in pairs of opposite detuning, so that what is odd in it averages to nothing.
            let sign = if run.number % 2 == 0 { 1.0 } else { -1.0 };
            let drawn = normals(run, "slow dephasing", run.number / 2);
            drawn.iter().zip(&spread).map(|(z, sigma)| sign * z * sigma).collect()
        });
        let drift = match run {
            Some(run) => normals(run, "drift", run.number).iter().map(|z| (hardware.drift * z).exp()).collect(),
            None => vec![1.0; qubits.len()],
        };
        Self { spread, detuning, drift, exposed: HashMap::new() }
    }

    /// Whether runs differ and this is their average.
    pub fn is_averaged(&self, hardware: &Hardware) -> bool {
        self.detuning.is_none() && (self.spread.iter().any(|s| *s > 0.0) || hardware.drift > 0.0)
    }

    /// Factor on T1 and T2 of qubit `q`.
    pub fn drift(&self, q: usize) -> f64 {
        self.drift[q]
    }

    /// The dephasing that goes with an operation: a phase in a single run; on average the factor by which
    /// `e^{-σ²t²/2}` falls while the time since the qubit's last preparation grows.
    pub fn after(&mut self, timed: &ScheduledOp, device: &Device) -> Result<ChannelList, NoiseError> {
        if matches!(timed.op.kind, OpKind::Reset | OpKind::Measure { .. }) {
            self.exposed.retain(|q, _| !timed.op.qubits.contains(q));
            return Ok(Vec::new());
        }
        let time = timed.end - timed.start;
        let echoed = zz::echoed(&timed.op, device);
        let mut channels = Vec::new();
        for &q in timed.op.qubits.iter().filter(|q| time > 0.0 && Some(**q) != echoed && self.spread[**q] > 0.0) {
            let channel = match &self.detuning {
                Some(detuning) => Channel::named("over_rotation_z", &[detuning[q] * time])?,
                None => {
                    let before = self.exposed.entry(q).or_default();
                    let after = *before + time;
                    let fallen = (self.spread[q].powi(2) * (*before * *before - after * after) / 2.0).exp();
                    *before = after;
                    Channel::named("phase_flip", &[(1.0 - fallen) / 2.0])?
                }
            };
            channels.push((channel, vec![q]));
        }
        Ok(channels)
    }
}
