//! What can be wrong with a channel or a noise model.

use crate::math::words::{closest, number};

/// A channel, model or program that cannot be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names every field")]
pub enum NoiseError {
    /// A parameter of a channel outside its range.
    #[error("{channel}: {parameter} = {} is out of range; expected {expected}", number(*value))]
    Parameter { channel: &'static str, parameter: &'static str, value: f64, expected: String },
    /// Kraus operators that do not sum to the identity.
    #[error("Kraus operators are not complete: |ΣK†K - 1| = {defect:.1e}; scale them so that ΣK†K = 1")]
    NotComplete { defect: f64 },
    /// No row of that name.
    #[error("there is no {kind} {name:?}{suggestion}; known are {known}")]
    Unknown { kind: &'static str, name: String, suggestion: String, known: String },
    /// Wrong number of parameters.
    #[error("{channel} takes {expected} parameters ({names}), {got} were given")]
    ParameterCount { channel: &'static str, expected: usize, names: String, got: usize },
    /// A channel with more operands than the gates it shall follow.
    #[error("{channel} acts on {qubits} qubits and cannot follow gates on one")]
    TooManyOperands { channel: &'static str, qubits: usize },
    /// A circuit wider than the device.
    #[error("the circuit uses qubit {qubit}, but {device} has {width}; transpile it for the device first")]
    TooWide { device: String, qubit: usize, width: usize },
    /// A gate without usable calibration, in strict mode.
    #[error("{what}; leave strict mode to run it with this repair, or transpile the circuit for {device}")]
    Uncalibrated { what: String, device: String },
    /// A list of noise that cannot be read.
    #[error("not a list of noise: {}", crate::math::words::bounded(.0))]
    BadList(String),
    /// A confusion matrix that is none.
    #[error("row {row} of a confusion matrix is {values:?}; expected probabilities that sum to 1")]
    NotStochastic { row: usize, values: [f64; 4] },
    /// A chain whose layer fidelity cannot be predicted.
    #[error("{device}, chain of {qubits} qubits: {problem}")]
    Chain { device: String, qubits: usize, problem: String },
    /// A matrix of the wrong shape.
    #[error("Kraus operator {index} is {rows}x{columns}; all must be square, of one size, on 1 to 2 qubits")]
    Shape { index: usize, rows: usize, columns: usize },
}

impl NoiseError {
    /// `name` is none of `names`; suggests the nearest.
    pub(crate) fn unknown(kind: &'static str, name: &str, names: impl Iterator<Item = &'static str>) -> Self {
        let names: Vec<&str> = names.collect();
        let suggestion = closest(name, names.iter().copied());
        let suggestion = suggestion.map_or(String::new(), |other| format!(" (did you mean {other}?)"));
        Self::Unknown { kind, name: name.into(), suggestion, known: names.join(", ") }
    }
}
