//! Why a circuit cannot be rewritten for a target.

use crate::circuit::CircuitError;

/// A circuit that cannot be transpiled, or a target it cannot be transpiled for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names every field")]
pub enum TranspileError {
    /// More qubits than the device has.
    #[error("the circuit has {needed} qubits, the device only {available} usable ones; take a wider device")]
    TooWide { needed: usize, available: usize },
    /// Gates under so many controls that what they become would not fit into memory.
    #[error(
        "the gates under many controls become up to {count} gates, at most {most} are rewritten; use fewer controls"
    )]
    TooManyGates { count: u64, most: u64 },
    /// More qubits interact with each other than a connected part of the device has room for.
    #[error(
        "{needed} qubits interact with each other, but the largest connected part of the device has room for {largest}; take \
         a device with more"
    )]
    Disconnected { needed: usize, largest: usize },
    /// A layout given by the caller that puts qubits that interact into parts of the device that no coupling joins.
    #[error(
        "layout: qubits {first} and {second} interact, and no couplings join their physical qubits {} and {}; put them on \
         others, or leave the layout out",
        .physical.0, .physical.1
    )]
    Apart { first: usize, second: usize, physical: (usize, usize) },
    /// No two-qubit gate this transpiler can build on.
    #[error("the circuit needs a two-qubit gate and the device offers none of {known} (it has: {})", list(.found))]
    NoEntangler { found: Vec<String>, known: String },
    /// A device whose couplers are all out of service.
    #[error(
        "the circuit needs a two-qubit gate, but every coupler of the device is out of service or not calibrated (gate \
         error 1): {pairs}; take the calibration of another day or another device"
    )]
    AllOutOfService { pairs: String },
    /// One-qubit gates from which not every rotation can be built.
    #[error("one-qubit gates {} cannot build every rotation; a basis such as rz, sx or u is needed", list(.found))]
    NoBasis { found: Vec<String> },
    /// An optimisation level that does not exist.
    #[error("level {got} does not exist; use 0, 1, 2 or 3")]
    Level { got: u8 },
    /// A layout given by the caller that is not one.
    #[error("layout: {reason}; list one distinct physical qubit below {available} for each of the {needed} qubits")]
    Layout { reason: String, needed: usize, available: usize },
    /// A qubit that is to be read and does not exist.
    #[error("qubit {qubit} is to be read; the circuit has {available}")]
    Read { qubit: usize, available: usize },
    /// A device edge or error list that does not fit its own width.
    #[error("target: {field} names qubit {qubit}, the device has {available}")]
    Target { field: &'static str, qubit: usize, available: usize },
    /// The rewritten circuit was refused.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
