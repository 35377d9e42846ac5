//! From one row of the calibration to the two numbers of its noise: depolarizing parameter and relaxation time.

use super::{Options, Repair};
use crate::device::{Calibration, GateData, QubitData};
use crate::math::Seconds;
use crate::noise::channel::{Channel, Decay, depolarizing};
use crate::noise::{Confusion, NoiseError};

/// Relaxation times of one qubit, possible together, and the population of |1⟩ they tend to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lifetime {
    pub t1: Seconds,
    pub t2: Seconds,
    pub excited: f64,
}

impl Lifetime {
    /// What `data` says, mended where it must be; unknown times are infinite.
    pub fn of(data: &QubitData, options: &Options) -> (Self, Vec<Repair>) {
        let mut repairs = Vec::new();
        let (t1, t2) = match (data.t1, data.t2) {
            (None, None) => {
                repairs.push(Repair::NoRelaxationTimes);
                (Seconds(f64::INFINITY), Seconds(f64::INFINITY))
            }
            (None, Some(t2)) => {
                repairs.push(Repair::UnknownT1);
                (Seconds(f64::INFINITY), t2)
            }
            (Some(t1), None) => {
                repairs.push(Repair::UnknownT2);
                (t1, Seconds(2.0 * t1.0))
            }
            (Some(t1), Some(t2)) if t2.0 > 2.0 * t1.0 => {
                repairs.push(Repair::T2AboveTwiceT1);
                (t1, Seconds(2.0 * t1.0))
            }
            (Some(t1), Some(t2)) => (t1, t2),
        };
        if options.temperature_millikelvin != 0.0 && data.frequency.is_none() {
            repairs.push(Repair::UnknownFrequency);
        }
        let excited = data.frequency.map_or(0.0, |f| excited_population(f, options.temperature_millikelvin));
        (Self { t1, t2, excited }, repairs)
    }

    /// Whether nothing ever decays.
    pub fn is_endless(&self) -> bool {
        self.t1.0.is_infinite() && self.t2.0.is_infinite()
    }

    /// What happens in `time`.
    pub fn decay(&self, time: Seconds) -> Decay {
        Decay { population: (-time.0 / self.t1.0).exp(), coherence: (-time.0 / self.t2.0).exp(), excited: self.excited }
    }

    /// Relaxation for `time` as a channel.
    pub fn channel(&self, time: Seconds) -> Result<Channel, NoiseError> {
        Channel::named("thermal_relaxation", &[self.t1.0, self.t2.0, time.0, self.excited])
    }
}

/// Boltzmann's distribution over the two levels: `1/(1 + exp(h f / k T))`, turned over for negative temperatures.
/// The constant h/k is Aer's, in hertz and millikelvin, so that its digits come out.
fn excited_population(frequency: f64, millikelvin: f64) -> f64 {
    if millikelvin == 0.0 {
        return 0.0;
    }
    let population = 1.0 / (1.0 + (47.99243 * 1e-9 * frequency / millikelvin.abs()).exp());
    if millikelvin < 0.0 { 1.0 - population } else { population }
}

/// The noise of one gate on its qubits.
#[derive(Clone, Debug, PartialEq)]
pub struct GateNoise {
    pub qubits: Vec<usize>,
    /// Parameter of the depolarizing channel that comes first.
    pub lambda: f64,
    /// Duration of the relaxation that follows, zero for none.
    pub time: Seconds,
    /// Of each qubit, in the gate's order.
    pub lifetimes: Vec<Lifetime>,
    /// Average infidelity of that relaxation alone.
    pub relaxation_infidelity: f64,
    /// What was mended in the gate's own numbers.
    pub gate_repairs: Vec<Repair>,
    /// What was mended in the numbers of its qubits.
    pub qubit_repairs: Vec<(usize, Repair)>,
}

impl GateNoise {
    /// The noise of `row`, at scale one.
    ///
    /// With d = 2ⁿ, e the reported error and `F_r = 1 - r` the average fidelity of the relaxation alone, depolarizing
    /// by `λ = d (e - r) / (d F_r - 1)` makes the whole have infidelity e; if e ≤ r relaxation alone is already worse.
    pub fn of(row: &GateData, calibration: &Calibration, options: &Options) -> Self {
        let mut gate_repairs = Vec::new();
        let time = match row.length {
            Some(time) if options.thermal_relaxation => time,
            None if options.thermal_relaxation => {
                gate_repairs.push(Repair::UnknownLength);
                Seconds(0.0)
            }
            _ => Seconds(0.0),
        };
        let mut qubit_repairs = Vec::new();
        let mut lifetimes = Vec::new();
        for &q in &row.qubits {
            let (lifetime, repairs) = Lifetime::of(&calibration.qubits[q], options);
            lifetimes.push(lifetime);
            if time.0 > 0.0 {
                qubit_repairs.extend(repairs.into_iter().map(|repair| (q, repair)));
            }
        }
        let d = f64::from(1u32 << row.qubits.len());
        let process: f64 = lifetimes.iter().map(|lifetime| lifetime.decay(time).process_fidelity()).product();
        let fidelity = (d * process + 1.0) / (d + 1.0);
        let relaxation_infidelity = 1.0 - fidelity;
        let mut lambda = 0.0;
        match row.error {
            None => gate_repairs.push(Repair::UnknownError),
            Some(error) if !options.gate_error || error == 0.0 => {}
            Some(error) if error > relaxation_infidelity => {
                let largest = d / (d + 1.0);
                let strings = d * d;
                let most = strings / (strings - 1.0);
                lambda = d * (error.min(largest) - relaxation_infidelity) / (d * fidelity - 1.0);
                if error >= 1.0 {
                    gate_repairs.push(Repair::Uncalibrated);
                } else if error > largest || lambda > most {
                    gate_repairs.push(Repair::ErrorAboveMaximum);
                }
                lambda = lambda.min(most);
            }
            Some(_) => gate_repairs.push(Repair::RelaxationExceedsError),
        }
        Self { qubits: row.qubits.clone(), lambda, time, lifetimes, relaxation_infidelity, gate_repairs, qubit_repairs }
    }

    /// The same with each source scaled.
    pub fn scaled(mut self, options: &Options) -> Self {
        self.lambda = power(self.lambda, options.scale.gate_error);
        self.time.0 *= options.scale.relaxation;
        self
    }

    /// Depolarizing on all qubits, then relaxation of each: exact channels, in the order they act.
    pub fn channels(&self) -> Result<Vec<(Channel, Vec<usize>)>, NoiseError> {
        let mut channels = Vec::new();
        if self.lambda > 0.0 {
            channels.push((depolarizing(self.lambda, self.qubits.len())?, self.qubits.clone()));
        }
        for (lifetime, &q) in self.lifetimes.iter().zip(&self.qubits) {
            if self.time.0 > 0.0 && !lifetime.is_endless() {
                channels.push((lifetime.channel(self.time)?, vec![q]));
            }
        }
        Ok(channels)
    }
}

/// `1 - (1 - x)^k`; beyond x = 1 there is no power, so linear up to k = 1 and constant above.
fn power(x: f64, k: f64) -> f64 {
    if k == 1.0 {
        x
    } else if x <= 1.0 {
        1.0 - (1.0 - x).powf(k)
    } else {
        x * k.min(1.0)
    }
}

/// `confusion` acting k times.
pub fn scaled_readout(confusion: Confusion, k: f64) -> Confusion {
    let (p10, p01) = (confusion.one_given_zero.get(), confusion.zero_given_one.get());
    let sum = p10 + p01;
    // The confusion matrix has eigenvalues 1 and 1 - sum, and its fixed point divides sum in the ratio p10 : p01.
    let factor = if sum > 0.0 { power(sum, k) / sum } else { 0.0 };
    let scaled = |p: f64| (p * factor).clamp(0.0, 1.0).try_into().expect("clamped to [0, 1]");
    Confusion { one_given_zero: scaled(p10), zero_given_one: scaled(p01) }
}
