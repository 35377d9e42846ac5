//! What a simulator refuses, and what can go wrong between a circuit and its values.

use crate::circuit::{CircuitError, CircuitFileError};
use crate::device::{DeviceError, TranspileError};
use crate::math::words::number;
use crate::noise::NoiseError;

/// What engines without measurements say instead.
pub(crate) const FOR_DYNAMIC: &str =
    "use density or trajectory; on wide registers mps, or stabilizer for Clifford gates";

/// A circuit that cannot be run under its condition.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names every field")]
pub enum Error {
    /// A circuit file that cannot be read.
    #[error(transparent)]
    File(#[from] CircuitFileError),
    /// A circuit or observable that cannot be built.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// A device that cannot be read.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A circuit that cannot be rewritten for its device.
    #[error(transparent)]
    Transpile(#[from] TranspileError),
    /// A noise model that cannot be applied.
    #[error(transparent)]
    Noise(#[from] NoiseError),
    /// An engine that refuses the program or its angles.
    #[error(transparent)]
    Sim(#[from] SimError),
    /// A value that no condition has.
    #[error("{field} is {value}; give {expected}")]
    Condition { field: &'static str, value: String, expected: &'static str },
    /// An observable on a qubit that the circuit does not have.
    #[error("observable {text:?} names qubit {qubit}; the circuit has {width} qubits, 0 to {}", width.saturating_sub(1))]
    NoQubit { text: String, qubit: usize, width: usize },
}

/// A simulation that cannot run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names every field")]
pub enum SimError {
    /// Angles and program have different numbers of slots.
    #[error("the program has {slots} slots, {got} angles were given per row")]
    AngleCount { slots: usize, got: usize },
    /// Another number of input slots than the program was prepared for.
    #[error("the program was prepared for {expected} input slots, {got} were given per row")]
    InputSlots { expected: usize, got: usize },
    /// A NaN or infinite angle.
    #[error("angle {slot} of row {row} is {value}; angles must be finite")]
    NotFinite { row: usize, slot: usize, value: f64 },
    /// A formula of angles that has no value there.
    #[error("the formula {formula} is {} in row {row}; give angles at which it is a finite number", number(*value))]
    OutsideDomain { formula: String, row: usize, value: f64 },
    /// An observable outside the register.
    #[error("observable {observable} reaches past the {qubits} qubits of the program")]
    ObservableOutOfRange { observable: String, qubits: usize },
    /// A cotangent of the wrong shape.
    #[error("the cotangent is {got:?}, expected (batch, observables) = {expected:?}")]
    CotangentShape { got: (usize, usize), expected: (usize, usize) },
    /// A direction of the wrong shape.
    #[error("the direction has rows and weight slots {got:?}, expected those of the angles, {expected:?}")]
    DirectionShape { got: ((usize, usize), usize), expected: ((usize, usize), usize) },
    /// A difference over nothing.
    #[error("the step of the difference is {}; give a finite number above 0, such as 1e-4", number(*step))]
    DifferenceStep { step: f64 },
    /// A mean over nothing.
    #[error("a gradient from no sample is nothing; give samples = 1 or more")]
    NoSamples,
    /// A slot the program does not have.
    #[error("slot {slot} does not exist; the program has {slots}")]
    NoSlot { slot: usize, slots: usize },
    /// More memory than an engine may allocate.
    #[error("{engine} on {qubits} qubits would take {needed} of memory, there are {there}; {instead}")]
    TooLarge { engine: &'static str, qubits: usize, needed: String, there: String, instead: String },
    /// More terms than are written down.
    #[error("{what} on {qubits} qubits would take {needed}; {instead}")]
    TooMuch { what: &'static str, qubits: usize, needed: &'static str, instead: &'static str },
    /// More time than the limit of one call.
    #[error("{engine} would take about {needed}; {instead}")]
    TooLong { engine: String, needed: String, instead: String },
    /// An error that was asked for and cannot be stated.
    #[error(
        "{engine} cannot state an error of at most {tolerance:e} with {terms} strings, which are used up at a cut of {below:.1e}: \
         the smallest bound was {bound}, the smallest interval {interval}; allow more strings or a larger tolerance"
    )]
    Tolerance { engine: &'static str, tolerance: f64, terms: usize, below: f64, bound: String, interval: String },
    /// A step the engine cannot do.
    #[error("{engine} cannot run {step}; {instead}")]
    Unsupported { engine: &'static str, step: String, instead: &'static str },
    /// A step without a derivative.
    #[error("{step} has no derivative; remove it or use an engine's probabilities instead")]
    NotDifferentiable { step: String },
    /// Noise that so few programs do not cancel.
    #[error(
        "error cancellation multiplies values by γ = {cost:.3e}, and the mean over {draws} programs would be off by more than the \
         observable's norm; weaken the noise, or draw at least γ² = {needed:.1e} programs"
    )]
    CancellationCost { cost: f64, draws: usize, needed: f64 },
    /// A noise scale that folding cannot make.
    #[error("noise cannot be scaled by {}; folding makes factors of at least 1", number(*scale))]
    NoiseScale { scale: f64 },
    /// A noise scale that makes a program too long to run.
    #[error("noise scaled by {} by folding repeats {steps} steps that often; use a factor of at most {most:.0}", number(*scale))]
    TooMuchFolding { scale: f64, steps: usize, most: f64 },
    /// Too few points to continue to zero noise.
    #[error(
        "extrapolation needs values at {needed} different noise scales, folding reached {scales:?}; scale by odd numbers"
    )]
    TooFewScales { needed: usize, scales: Vec<f64> },
    /// Noise that leaves nothing to be recovered.
    #[error("{what} destroys all information and cannot be inverted; lower its error")]
    NotInvertible { what: String },
    /// More terms than can be enumerated.
    #[error("the exact average is over {terms:.1e} programs; draw a sample instead")]
    TooManyTerms { terms: f64 },
    /// No mitigation of this name.
    #[error("no mitigation is called {name:?}; there are {known}")]
    UnknownMitigation { name: String, known: String },
    /// A noise model that refuses the circuit.
    #[error(transparent)]
    Noise(#[from] crate::noise::NoiseError),
    /// No engine of this name.
    #[error("no engine is called {name:?}; there are {known}")]
    UnknownEngine { name: String, known: String },
    /// No precision of this name.
    #[error("no precision is called {name:?}; there are double and single")]
    UnknownPrecision { name: String },
    /// A bit that no outcome has.
    #[error("bit {bit} is not in an outcome; outcomes have {bits} bits, 0 to {}", bits.saturating_sub(1))]
    NoBit { bit: usize, bits: usize },
    /// Qubits that are not in the register, or named twice.
    #[error("qubit {qubit} is not in the program's register of {qubits}, or is listed twice")]
    BadQubit { qubit: usize, qubits: usize },
    /// A rank that no message comes from.
    #[error("rank {rank} has ended, or makes another call than the others; its own message says why")]
    RankEnded { rank: usize },
    /// A rank that no message came from in time.
    #[error("rank {rank} has sent nothing for {seconds} s; give it less work at a time")]
    RankSilent { rank: usize, seconds: u64 },
    /// What went wrong on another rank.
    #[error("rank {rank} failed: {message}")]
    OnRank { rank: usize, message: String },
    /// A number of ranks over which a state is not cut.
    #[error("a state of {qubits} qubits cannot be cut over {ranks} ranks; start {instead}")]
    RankCount { ranks: usize, qubits: usize, instead: String },
    /// MPI that cannot be used.
    #[error("MPI: {reason}")]
    Mpi { reason: String },
}

impl SimError {
    /// The same refusal for want of memory or time with other advice, made of its own; other errors as they are.
    pub(crate) fn advised(self, advice: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::TooLarge { engine, qubits, needed, there, instead } => {
                Self::TooLarge { engine, qubits, needed, there, instead: advice(instead) }
            }
            Self::TooLong { engine, needed, instead } => Self::TooLong { engine, needed, instead: advice(instead) },
            other => other,
        }
    }
}
