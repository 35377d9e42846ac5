//! From one row of the calibration to the two numbers of its noise: depolarizing parameter and relaxation time.

use super::{NoiseOptions, Repair};
use crate::circuit::Gate;
use crate::device::{Calibration, GateData, QubitData};
use crate::math::Seconds;
use crate::noise::channel::{Channel, ChannelList, Decay, depolarizing};
use crate::noise::{Confusion, NoiseError};

/// Relaxation times of one qubit, possible together, and the population of |1⟩ they tend to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lifetime {
    pub t1: Seconds,
    pub t2: Seconds,
    pub excited: f64,
}

impl Lifetime {
    /// The times in `data`, repaired where they are impossible. Unknown times are infinite.
    pub fn of(data: &QubitData, options: &NoiseOptions) -> (Self, Vec<Repair>) {
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
/// The constant h/k is Aer's, in hertz and millikelvin, so that the digits agree.
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
    /// Over-rotation that comes first: the row of the channel and the angle.
    pub rotation: Option<(&'static str, f64)>,
    /// Parameter of the depolarizing channel that follows.
    pub lambda: f64,
    /// Parameter of what a neighbouring gate at the same time adds to it; negative where it takes away.
    pub parallel: f64,
    /// Duration of the relaxation that follows, zero for none.
    pub time: Seconds,
    /// Of each qubit, in the gate's order.
    pub lifetimes: Vec<Lifetime>,
    /// Average infidelity of that relaxation alone.
    pub relaxation_infidelity: f64,
    /// Repairs of the gate's own numbers.
    pub gate_repairs: Vec<Repair>,
    /// Repairs of the numbers of its qubits.
    pub qubit_repairs: Vec<(usize, Repair)>,
}

impl GateNoise {
    /// The noise of `row`, at scale one.
    ///
    /// With d = 2ⁿ, e the reported error and `F_r = 1 - r` the average fidelity of the relaxation alone, depolarizing
    /// by `λ = d (e - r) / (d F_r - 1)` makes the whole have infidelity e; if e ≤ r relaxation alone is already worse.
    pub fn of(row: &GateData, calibration: &Calibration, options: &NoiseOptions) -> Self {
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
        Self {
            qubits: row.qubits.clone(),
            rotation: None,
            lambda,
            parallel: 0.0,
            time,
            lifetimes,
            relaxation_infidelity,
            gate_repairs,
            qubit_repairs,
        }
    }

    /// Relaxation of `qubit` for `time` and nothing else.
    pub fn wait(qubit: usize, time: Seconds, lifetime: Lifetime) -> Self {
        Self {
            qubits: vec![qubit],
            rotation: None,
            lambda: 0.0,
            parallel: 0.0,
            time,
            lifetimes: vec![lifetime],
            relaxation_infidelity: 0.0,
            gate_repairs: Vec::new(),
            qubit_repairs: Vec::new(),
        }
    }

    fn dimension(&self) -> f64 {
        f64::from(1u32 << self.qubits.len())
    }

    /// Largest λ that is a channel.
    fn most(&self) -> f64 {
        let strings = self.dimension().powi(2);
        strings / (strings - 1.0)
    }

    /// Average infidelity of the depolarizing channel and the relaxation, `1 - (1 - λ) F_r - λ/d`.
    pub fn infidelity(&self) -> f64 {
        1.0 - (1.0 - self.lambda) * (1.0 - self.relaxation_infidelity) - self.lambda / self.dimension()
    }

    /// The same with its infidelity multiplied by `1 + factor`, as far as depolarizing reaches. An uncalibrated gate stays
    /// as it is.
    pub fn in_parallel(mut self, factor: f64) -> Self {
        if factor != 0.0 && self.lambda < 1.0 {
            let (d, relaxed) = (self.dimension(), self.relaxation_infidelity);
            let lambda = d * ((1.0 + factor) * self.infidelity() - relaxed) / (d * (1.0 - relaxed) - 1.0);
            self.parallel = 1.0 - (1.0 - lambda.clamp(0.0, self.most())) / (1.0 - self.lambda);
        }
        self
    }

    /// The same with a `share` of the error beyond relaxation as an over-rotation, about the axis of the channel `axis`
    /// and by an angle of the given sign: `d/(d+1) sin²(δ/2)` of infidelity, less depolarizing, the same in all.
    pub fn partly_coherent(mut self, share: f64, axis: &'static str, sign: f64) -> Self {
        let d = self.dimension();
        let excess = self.infidelity() - self.relaxation_infidelity;
        if share == 0.0 || excess <= 0.0 || self.lambda >= 1.0 {
            return self;
        }
        let sin = (share * excess * (d + 1.0) / d).clamp(0.0, 1.0).sqrt();
        let angle = 2.0 * sin.asin();
        // Trace of the Pauli transfer matrix of rotation and relaxation: strings that anticommute with the axis shrink
        // by the cosine of the angle.
        let letters: Vec<u8> = axis.bytes().rev().take(self.qubits.len()).collect();
        let shrink = |k: usize| {
            let letter = |q: usize| k >> (2 * q) & 3;
            // The name ends with the letters of the axis, first operand first.
            let axis_letter = |q: usize| usize::from(letters[letters.len() - 1 - q] - b'x') + 1;
            let turned = (0..self.qubits.len()).filter(|&q| letter(q) != 0 && letter(q) != axis_letter(q)).count();
            let relaxed = self.lifetimes.iter().enumerate().map(|(q, lifetime)| {
                let decay = lifetime.decay(self.time);
                [1.0, decay.coherence, decay.coherence, decay.population][letter(q)]
            });
            relaxed.product::<f64>() * if turned % 2 == 1 { angle.cos() } else { 1.0 }
        };
        let trace: f64 = (0..1usize << (2 * self.qubits.len())).map(shrink).sum();
        let process = 1.0 - self.infidelity() * (d + 1.0) / d;
        self.lambda = (1.0 - (d * d * process - 1.0) / (trace - 1.0)).clamp(0.0, self.most());
        self.rotation = Some((axis, sign * angle));
        self
    }

    /// The same with the lifetimes of each qubit multiplied by `factor`.
    pub fn drifted(mut self, factor: impl Fn(usize) -> f64) -> Self {
        for (lifetime, &q) in self.lifetimes.iter_mut().zip(&self.qubits) {
            lifetime.t1.0 *= factor(q);
            lifetime.t2.0 *= factor(q);
        }
        self
    }

    /// The same with each source scaled.
    pub fn scaled(mut self, options: &NoiseOptions) -> Self {
        self.lambda = power(self.lambda, options.scale.gate_error);
        self.rotation = self.rotation.map(|(axis, angle)| (axis, angle * options.scale.coherent));
        self.time.0 *= options.scale.relaxation;
        self
    }

    /// Over-rotation, depolarizing on all qubits, then relaxation of each: exact channels, in the order they act.
    pub fn channels(&self) -> Result<ChannelList, NoiseError> {
        let mut channels = Vec::new();
        if let Some((axis, angle)) = self.rotation.filter(|(_, angle)| *angle != 0.0) {
            channels.push((Channel::named(axis, &[angle])?, self.qubits.clone()));
        }
        let lambda = match self.parallel {
            0.0 => self.lambda,
            more => (1.0 - (1.0 - self.lambda) * (1.0 - more)).clamp(0.0, self.most()),
        };
        if lambda > 0.0 {
            channels.push((depolarizing(lambda, self.qubits.len())?, self.qubits.clone()));
        }
        for (lifetime, &q) in self.lifetimes.iter().zip(&self.qubits) {
            if self.time.0 > 0.0 && !lifetime.is_endless() {
                channels.push((lifetime.channel(self.time)?, vec![q]));
            }
        }
        Ok(channels)
    }
}

/// The channel that turns about a gate's own axis; `None` for a gate without a drive.
pub fn axis(gate: Gate) -> Option<&'static str> {
    match gate {
        Gate::Sx | Gate::Sxdg | Gate::X | Gate::Rx => Some("over_rotation_x"),
        Gate::Y | Gate::Ry => Some("over_rotation_y"),
        Gate::Cx | Gate::Ecr => Some("over_rotation_zx"),
        Gate::Cz | Gate::Rzz => Some("over_rotation_zz"),
        _ => None,
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

/// The probability of a flip of two bits together, acting k times.
pub fn scaled_joint_flip(p: f64, k: f64) -> f64 {
    power(2.0 * p, k) / 2.0
}
