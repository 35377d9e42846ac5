//! Noise models: a device's calibration made into channels behind each operation of a circuit.
//!
//! * [`MODELS`]: the ladder of models, each a row of switches.
//! * [`NoiseModel`]: a row with [`Options`]; [`NoiseModel::apply`] makes the [`Program`] that simulators run.
//! * [`Repair`]: everything a model mends or cannot honour, told once by name in [`Program::notices`].
//! * [`report`]: reported against achieved error of each gate. [`uniform`]: models and devices of a few numbers.
//!
//! The formulas are those of Qiskit Aer 0.18 (`noise/device/models.py`, the route through a backend's target): a gate
//! whose calibrated average infidelity is `e` gets a depolarizing channel and then relaxation of each of its qubits for
//! its duration, the depolarizing part chosen so that the two together have infidelity `e`.

mod apply;
mod compat;
mod gate;
mod repair;
pub mod report;
pub mod uniform;

pub use repair::Repair;

use crate::circuit::Circuit;
use crate::device::Device;
use crate::device::schedule::Order;
use crate::noise::{NoiseError, Program};

/// Which readout errors a model takes from the calibration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readout {
    /// Both flips with the assignment error, as Aer does.
    Symmetric,
    /// The two measured conditional probabilities.
    Measured,
}

/// One model: which effects it has.
pub struct ModelRow {
    /// Name on the command line.
    pub name: &'static str,
    /// What it is, for people.
    pub doc: &'static str,
    /// Readout errors, `None` for a noiseless model.
    readout: Option<Readout>,
    /// Whether Aer's dropping of terms with probability up to 1e-10 is reproduced.
    cutoffs: bool,
    /// Whether qubits relax while they wait for others.
    idle: bool,
}

/// Every model. From `aer` on each has the effects of the one before and one more.
pub static MODELS: &[ModelRow] = &[
    ModelRow { name: "ideal", doc: "No noise at all.", readout: None, cutoffs: false, idle: false },
    ModelRow {
        name: "aer-compat",
        doc: "Qiskit Aer's own digits: as aer, but terms with probability up to 1e-10 are dropped as Aer does, which \
              loses up to 4e-9 of the trace per gate.",
        readout: Some(Readout::Symmetric),
        cutoffs: true,
        idle: false,
    },
    ModelRow {
        name: "aer",
        doc: "What NoiseModel.from_backend of Qiskit Aer means, as exact trace-preserving channels: calibrated gate \
              error, relaxation during gates, delays and resets, symmetric readout error. The default.",
        readout: Some(Readout::Symmetric),
        cutoffs: false,
        idle: false,
    },
    ModelRow {
        name: "aer-asym",
        doc: "As aer, with the measured asymmetric readout error: a 1 is misread more often than a 0.",
        readout: Some(Readout::Measured),
        cutoffs: false,
        idle: false,
    },
    ModelRow {
        name: "scheduled",
        doc: "As aer-asym, with relaxation of every qubit that waits: for gates and readouts of others, for conditions, \
              and during its own readout if it is used again.",
        readout: Some(Readout::Measured),
        cutoffs: false,
        idle: true,
    },
];

/// How much of each source of noise is applied: 1 is what was measured, 0 none.
///
/// A factor k means the source acting k times: relaxation for k times the duration, the depolarizing map to the power
/// k (`1 - λ → (1 - λ)^k`), the confusion matrix to the power k. The channels are built at k = 1 and then scaled, so
/// that factors of one source leave the others alone. What has no power (a gate worse than full depolarization, a
/// readout worse than a coin) is scaled linearly below k = 1 and left as it is above.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The depolarizing part of gate errors.
    pub gate_error: f64,
    /// Relaxation during gates, delays and resets.
    pub relaxation: f64,
    /// Readout errors.
    pub readout: f64,
}

impl Scale {
    /// The same factor for every source.
    pub fn all(factor: f64) -> Self {
        Self { gate_error: factor, relaxation: factor, readout: factor }
    }
}

/// What can be set about a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
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
    /// How operations are placed in time, for models in which waiting qubits relax.
    pub order: Order,
    /// Refuse circuits with gates that have no usable calibration instead of running them as the notices tell.
    pub strict: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            gate_error: true,
            thermal_relaxation: true,
            readout_error: true,
            temperature_millikelvin: 0.0,
            scale: Scale::all(1.0),
            order: Order::default(),
            strict: false,
        }
    }
}

/// A model of the table with its options.
#[derive(Clone, Copy)]
pub struct NoiseModel {
    row: &'static ModelRow,
    options: Options,
}

impl NoiseModel {
    /// The model of this name with default options.
    ///
    /// # Errors
    /// If there is none; the message lists those there are.
    pub fn named(name: &str) -> Result<Self, NoiseError> {
        let names = MODELS.iter().map(|row| row.name);
        let row = MODELS.iter().find(|row| row.name == name);
        let row = row.ok_or_else(|| NoiseError::unknown("noise model", name, names))?;
        Ok(Self { row, options: Options::default() })
    }

    /// The same with `options`.
    ///
    /// # Errors
    /// If a scale is negative or not finite, or the temperature is not finite.
    pub fn with(self, options: Options) -> Result<Self, NoiseError> {
        let Scale { gate_error, relaxation, readout } = options.scale;
        for (parameter, value) in [("gate_error", gate_error), ("relaxation", relaxation), ("readout", readout)] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(NoiseError::Parameter { channel: "scale", parameter, value, expected: "0 or more".into() });
            }
        }
        let temperature = options.temperature_millikelvin;
        if !temperature.is_finite() {
            return Err(NoiseError::Parameter {
                channel: self.row.name,
                parameter: "temperature_millikelvin",
                value: temperature,
                expected: "a finite number".into(),
            });
        }
        Ok(Self { options, ..self })
    }

    /// Name of its row.
    pub fn name(&self) -> &'static str {
        self.row.name
    }

    /// `circuit`, whose qubit k is the device's qubit k, with the noise of `device` compiled in.
    ///
    /// `keep` lists qubits that stay in the program even if nothing acts on them. Each gate is matched by name and
    /// ordered qubits, as Aer does; what has no calibration runs without noise and is told in the program's notices.
    ///
    /// ```
    /// # use qgraft::circuit::{Circuit, Gate};
    /// # use qgraft::device::Device;
    /// # use qgraft::noise::model::NoiseModel;
    /// let mut circuit = Circuit::new(5);
    /// circuit.push(Gate::Sx, &[0], &[])?.push(Gate::H, &[1], &[])?;
    /// let program = NoiseModel::named("aer")?.apply(&circuit, &Device::named("manila")?, &[])?;
    /// assert!(program.notices.iter().any(|notice| notice.contains("h(1)")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the circuit uses a qubit the device does not have or, in strict mode, a gate without usable calibration.
    pub fn apply(&self, circuit: &Circuit, device: &Device, keep: &[usize]) -> Result<Program, NoiseError> {
        apply::apply(self, circuit, device, keep)
    }
}
