//! What can be set about a model.

use crate::device::schedule::Order;
use crate::noise::NoiseError;

/// How much of each source of noise is applied: 1 is what was measured, 0 none.
///
/// A factor k means the source acting k times: relaxation for k times the duration, the depolarizing map to the power
/// k (`1 - λ → (1 - λ)^k`), the confusion matrix to the power k, k times the angle of what is coherent. The channels are
/// built at k = 1 and then scaled, so that factors of one source leave the others alone. What has no power (a gate worse
/// than full depolarization, a readout worse than a coin) is scaled linearly below k = 1 and left as it is above.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The depolarizing part of gate errors.
    pub gate_error: f64,
    /// Relaxation during gates, delays and resets.
    pub relaxation: f64,
    /// Readout errors.
    pub readout: f64,
    /// The static ZZ shift between neighbours.
    pub zz: f64,
    /// What a gate loses because a neighbouring one is driven at the same time.
    pub parallel: f64,
    /// The coherent part of gate errors.
    pub coherent: f64,
    /// Slow dephasing.
    pub slow: f64,
}

impl Scale {
    /// Largest factor. Channels saturate before: times a hundred, an error of 1 % is certain.
    pub const MOST: f64 = 1000.0;

    /// The same factor for every source.
    pub fn all(factor: f64) -> Self {
        Self {
            gate_error: factor,
            relaxation: factor,
            readout: factor,
            zz: factor,
            parallel: factor,
            coherent: factor,
            slow: factor,
        }
    }

    /// `factor` on one source alone, a row of [`SOURCES`]; on all of them for "all", and no noise for "none".
    ///
    /// # Errors
    /// If there is no source of this name, with the nearest one.
    pub fn of_source(name: &str, factor: f64) -> Result<Self, NoiseError> {
        let mut scale = Self::all(if name == "all" { factor } else { 0.0 });
        if !["all", "none"].contains(&name) {
            let row = SOURCES.iter().find(|row| row.name == name);
            let names = || ["all", "none"].into_iter().chain(SOURCES.iter().map(|row| row.name));
            let row = row.ok_or_else(|| NoiseError::unknown("source of noise", name, names()))?;
            *(row.factor)(&mut scale) = factor;
        }
        Ok(scale)
    }
}

/// A source of noise: a number of [`Scale`].
pub struct SourceRow {
    /// Name in tables and messages.
    pub name: &'static str,
    /// What it is, for people.
    pub doc: &'static str,
    /// Its factor.
    pub factor: fn(&mut Scale) -> &mut f64,
}

/// Every source that can be scaled or switched off.
pub static SOURCES: &[SourceRow] = &[
    SourceRow {
        name: "gate_error",
        doc: "the depolarizing part of calibrated gate errors",
        factor: |scale| &mut scale.gate_error,
    },
    SourceRow {
        name: "relaxation",
        doc: "T1 and T2 during gates, waiting, delays and resets",
        factor: |scale| &mut scale.relaxation,
    },
    SourceRow { name: "readout", doc: "misread bits", factor: |scale| &mut scale.readout },
    SourceRow { name: "zz", doc: "static ZZ between coupled qubits not in one gate", factor: |scale| &mut scale.zz },
    SourceRow {
        name: "parallel",
        doc: "what gates lose when a neighbouring one is driven at the same time",
        factor: |scale| &mut scale.parallel,
    },
    SourceRow {
        name: "coherent",
        doc: "the coherent part of calibrated gate errors",
        factor: |scale| &mut scale.coherent,
    },
    SourceRow { name: "slow", doc: "slow dephasing, constant during a run", factor: |scale| &mut scale.slow },
];

/// Parameters that no calibration has, used by the model `hardware` alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hardware {
    /// Share of a gate's error beyond relaxation that is an over-rotation about the gate's own axis, 0 to 1. The
    /// average infidelity stays what was measured, the sign is drawn once per gate and snapshot. Randomised
    /// benchmarking cannot measure it, so the default is 0; a study should go through 0 to 1.
    pub coherent: f64,
    /// T2* / T2, above 0 and up to 1 (no slow dephasing). Calibrations have the echo T2 only. The default 0.5 is a
    /// choice of the usual order (Krantz et al. 2019, arXiv 1904.06560, §III), to be varied.
    pub ramsey_ratio: f64,
    /// Standard deviation of ln T1 from run to run, T2 going with it; used by ensembles. The default 0.2 is what
    /// transmons show over hours (Burnett et al. 2019, arXiv 1901.04417).
    pub drift: f64,
    /// Probability that the recorded bits of two coupled qubits, read together, are both flipped. The default is 0.
    pub joint_flip: f64,
}

impl Hardware {
    /// Nothing that `crosstalk` does not have.
    pub const NONE: Self = Self { coherent: 0.0, ramsey_ratio: 1.0, drift: 0.0, joint_flip: 0.0 };
}

impl Default for Hardware {
    fn default() -> Self {
        Self { coherent: 0.0, ramsey_ratio: 0.5, drift: 0.2, joint_flip: 0.0 }
    }
}

/// What can be set about a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoiseOptions {
    /// Whether calibrated gate errors are used at all (Aer's `gate_error`).
    pub gate_error: bool,
    /// Whether relaxation is used at all (Aer's `thermal_relaxation`). Without it the whole gate error becomes
    /// depolarizing, unlike a scale of 0, which only removes relaxation.
    pub thermal_relaxation: bool,
    /// Whether readout errors are used at all (Aer's `readout_error`).
    pub readout_error: bool,
    /// Temperature of the qubits, millikelvin: sets the population of |1⟩ that relaxation tends to, where the
    /// frequency is known. 0 means |0⟩.
    pub temperature_millikelvin: f64,
    /// Factors on each source.
    pub scale: Scale,
    /// How operations are scheduled, for models in which waiting qubits relax.
    pub order: Order,
    /// Refuse circuits with gates that have no usable calibration instead of running them as the notices report.
    pub strict: bool,
    /// Parameters that no calibration has.
    pub hardware: Hardware,
}

impl Default for NoiseOptions {
    fn default() -> Self {
        Self {
            gate_error: true,
            thermal_relaxation: true,
            readout_error: true,
            temperature_millikelvin: 0.0,
            scale: Scale::all(1.0),
            order: Order::default(),
            strict: false,
            hardware: Hardware::default(),
        }
    }
}

impl NoiseOptions {
    pub(super) fn check(&self) -> Result<(), NoiseError> {
        let refuse = |channel, parameter, value, expected: &str| {
            Err(NoiseError::Parameter { channel, parameter, value, expected: expected.into() })
        };
        let mut scale = self.scale;
        for source in SOURCES {
            let factor = *(source.factor)(&mut scale);
            if !(0.0..=Scale::MOST).contains(&factor) {
                return refuse("scale", source.name, factor, &format!("0 to {}", Scale::MOST));
            }
        }
        if !self.temperature_millikelvin.is_finite() {
            return refuse("model", "temperature_millikelvin", self.temperature_millikelvin, "a finite number");
        }
        let Hardware { coherent, ramsey_ratio, drift, joint_flip } = self.hardware;
        for (parameter, value) in [("coherent", coherent), ("joint_flip", joint_flip)] {
            if !(0.0..=1.0).contains(&value) {
                return refuse("hardware", parameter, value, "0 to 1");
            }
        }
        if !(ramsey_ratio > 0.0 && ramsey_ratio <= 1.0) {
            return refuse("hardware", "ramsey_ratio", ramsey_ratio, "above 0, up to 1");
        }
        if !(drift >= 0.0 && drift.is_finite()) {
            return refuse("hardware", "drift", drift, "0 or more");
        }
        Ok(())
    }
}
