//! Noise models: a device's calibration made into channels behind each operation of a circuit.
//!
//! * [`MODELS`]: the ladder of models, each a row of switches.
//! * [`NoiseModel`]: a row with [`NoiseOptions`]; [`NoiseModel::apply`] makes the [`Program`] that simulators run.
//! * [`Repair`]: what a model repairs or cannot use, reported once by name in [`Program::notices`].
//! * [`SOURCES`]: what can be scaled or switched off.
//! * [`report`]: reported against achieved error of each gate. [`chain`]: error per layered gate of whole chains, against
//!   measured ones. [`uniform`]: models and devices of a few numbers.
//!
//! The formulas are those of Qiskit Aer 0.18 (`noise/device/models.py`, the route through a backend's target): a gate
//! whose calibrated average infidelity is `e` gets a depolarizing channel and then relaxation of each of its qubits for
//! its duration, the depolarizing part chosen so that the two together have infidelity `e`.

mod apply;
pub mod chain;
mod compat;
mod gate;
mod options;
mod parallel;
mod repair;
pub mod report;
mod slow;
pub mod uniform;
mod zz;

pub use options::{Hardware, NoiseOptions, SOURCES, Scale, SourceRow};
pub use parallel::{PARALLEL, ParallelRow, typical as typical_parallel};
pub use repair::Repair;

use crate::circuit::Circuit;
use crate::device::Device;
use crate::noise::{NoiseError, Program};
use slow::EnsembleRun;

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
    /// Whether neighbours disturb each other: static ZZ, and gates driven at the same time.
    crosstalk: bool,
    /// Whether [`Hardware`] is used.
    hardware: bool,
}

/// No noise; each row states what it adds.
const NOTHING: ModelRow =
    ModelRow { name: "", doc: "", readout: None, cutoffs: false, idle: false, crosstalk: false, hardware: false };

/// Every model. From `aer` on each has the effects of the one before and one more.
pub static MODELS: &[ModelRow] = &[
    ModelRow { name: "ideal", doc: "No noise at all.", ..NOTHING },
    ModelRow {
        name: "aer-compat",
        doc: "Qiskit Aer's own digits: as aer, but terms with probability up to 1e-10 are dropped as Aer does, which \
              loses up to 4e-9 of the trace per gate.",
        readout: Some(Readout::Symmetric),
        cutoffs: true,
        ..NOTHING
    },
    ModelRow {
        name: "aer",
        doc: "What NoiseModel.from_backend of Qiskit Aer means, as exact trace-preserving channels: calibrated gate \
              error, relaxation during gates, delays and resets, symmetric readout error. The default.",
        readout: Some(Readout::Symmetric),
        ..NOTHING
    },
    ModelRow {
        name: "aer-asym",
        doc: "As aer, with the measured asymmetric readout error: a 1 is misread more often than a 0.",
        readout: Some(Readout::Measured),
        ..NOTHING
    },
    ModelRow {
        name: "scheduled",
        doc: "As aer-asym, with relaxation of every qubit that waits: for gates, readouts and resets of others, for \
              conditions, and during its own readout if it is used again.",
        readout: Some(Readout::Measured),
        idle: true,
        ..NOTHING
    },
    ModelRow {
        name: "crosstalk",
        doc: "As scheduled, with the static ZZ shift of coupled qubits that are not in one gate, and a larger error of \
              two-qubit gates driven at the same time as a neighbouring one, fitted to measured layer fidelities.",
        readout: Some(Readout::Measured),
        idle: true,
        crosstalk: true,
        ..NOTHING
    },
    ModelRow {
        name: "hardware",
        doc: "As crosstalk, with what no calibration has, as parameters: slow dephasing that echoes can undo, a \
              coherent share of gate errors, drift of T1 and T2 from run to run, joint flips in readout.",
        readout: Some(Readout::Measured),
        idle: true,
        crosstalk: true,
        hardware: true,
        ..NOTHING
    },
];

/// A model of the table with its options.
#[derive(Clone, Copy)]
pub struct NoiseModel {
    row: &'static ModelRow,
    options: NoiseOptions,
    /// Which run of an ensemble; `None` for the average.
    run: Option<EnsembleRun>,
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
        Ok(Self { row, options: NoiseOptions::default(), run: None })
    }

    /// The same with `options`.
    ///
    /// # Errors
    /// If a number of the options is out of its range. The message names it.
    pub fn with(self, options: NoiseOptions) -> Result<Self, NoiseError> {
        options.check()?;
        Ok(Self { options, ..self })
    }

    /// Name of its row.
    pub fn name(&self) -> &'static str {
        self.row.name
    }

    /// `circuit`, whose qubit k is the device's qubit k, with the noise of `device` compiled in.
    ///
    /// `keep` lists qubits that stay in the program even if nothing acts on them. Each gate is matched by name and
    /// ordered qubits, as Aer does; what has no calibration runs without noise and is reported in the program's notices.
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
    /// Under `hardware` with slow dephasing this is the average over runs, exact where no pulse refocuses it and too
    /// large where one does; [`NoiseModel::ensemble`] has the runs themselves.
    ///
    /// # Errors
    /// If the circuit uses a qubit the device does not have or, in strict mode, a gate without usable calibration.
    pub fn apply(&self, circuit: &Circuit, device: &Device, keep: &[usize]) -> Result<Program, NoiseError> {
        Ok(apply::apply(self, circuit, device, keep)?.0)
    }

    /// The same, and for each step that is noise the operation it comes from, such as `cx(0, 1)`, `delay(3)` or
    /// `zz(3, 4)`.
    ///
    /// # Errors
    /// As [`NoiseModel::apply`].
    pub fn apply_with_causes(
        &self,
        circuit: &Circuit,
        device: &Device,
        keep: &[usize],
    ) -> Result<(Program, Vec<Option<String>>), NoiseError> {
        apply::apply(self, circuit, device, keep)
    }

    /// The same model with one source scaled by `factor`.
    pub fn with_source(&self, source: &SourceRow, factor: f64) -> Self {
        let mut scaled = *self;
        *(source.factor)(&mut scaled.options.scale) = factor;
        scaled
    }

    /// The programs of `members` runs that differ in what changes slowly: the detuning of each qubit, constant in a run,
    /// and its T1 and T2. Their results are to be averaged, and their spread is the band within which a run will lie.
    /// Members come in pairs with opposite detunings. A model without slow changes gives equal programs. Each program is made
    /// when it is asked for, so a large ensemble takes no more memory than one run.
    ///
    /// # Errors
    /// As [`NoiseModel::apply`], for each member.
    pub fn ensemble(
        &self,
        circuit: &Circuit,
        device: &Device,
        keep: &[usize],
        members: u64,
        seed: u64,
    ) -> impl Iterator<Item = Result<Program, NoiseError>> {
        let run = move |number| Self { run: Some(EnsembleRun { seed, number }), ..*self }.apply(circuit, device, keep);
        (0..members).map(run)
    }

    fn hardware(&self) -> Hardware {
        if self.row.hardware { self.options.hardware } else { Hardware::NONE }
    }
}
