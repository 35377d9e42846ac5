//! What can be wrong with a circuit.

use crate::math::words::{bounded, number, shortened};

/// A circuit that cannot be built, or lacks what was requested.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names every field")]
pub enum CircuitError {
    /// An operand outside the register.
    #[error("{op}: qubit {qubit} is outside the register of {width}; use 0..{width}")]
    QubitOutOfRange { op: String, qubit: usize, width: usize },
    /// A classical bit outside the register.
    #[error("{op}: classical bit {bit} is outside the register of {width}; declare more bits")]
    BitOutOfRange { op: String, bit: usize, width: usize },
    /// One qubit listed twice.
    #[error("{op}: qubit {qubit} is listed twice")]
    RepeatedQubit { op: String, qubit: usize },
    /// Wrong number of operands.
    #[error("{op} acts on {expected} qubits, {got} were given")]
    OperandCount { op: String, expected: usize, got: usize },
    /// Wrong number of angles.
    #[error("{op} takes {expected} angles, {got} were given")]
    ParamCount { op: String, expected: usize, got: usize },
    /// An angle that is not a finite number.
    #[error("{op}: angle {value} is not a finite number")]
    NotFinite { op: String, value: f64 },
    /// A formula of angles that has no value there.
    #[error("the formula {} is {} at these angles; give angles at which it is a finite number", bounded(formula), number(*value))]
    OutsideDomain { formula: String, value: f64 },
    /// A slot index past the declared slots.
    #[error("{op}: slot {slot} was never declared (the circuit has {slots})")]
    UnknownSlot { op: String, slot: usize, slots: usize },
    /// A vector of angles of the wrong length.
    #[error("the circuit has {slots} slots, {got} angles were given")]
    AngleCount { slots: usize, got: usize },
    /// A matrix that is not a unitary on a whole number of qubits.
    #[error("the matrix is not unitary on 1 to 5 qubits: {rows}x{columns}, |U†U - 1| = {defect:.1e}")]
    NotUnitary { rows: usize, columns: usize, defect: f64 },
    /// Amplitudes that are no state of the qubits.
    #[error("no state to prepare: {reason}")]
    BadState { reason: String },
    /// A condition that no register can meet, or that tests too much.
    #[error("{op}: the condition {reason}")]
    BadCondition { op: String, reason: String },
    /// A text that is no pragma and no annotation, or belongs to no operation.
    #[error("{text:?} cannot stand in a circuit: {reason}; write for example \"@vendor.name\" before an operation")]
    BadDirective { text: String, reason: &'static str },
    /// Something that has no inverse.
    #[error("{op} has no inverse; only unitary circuits can be inverted")]
    NotInvertible { op: String },
    /// A circuit that is no unitary followed by measurements.
    #[error("{op} {reason}; expectation values and gradients need gates that are followed by measurements alone")]
    NotUnitaryCircuit { op: String, reason: String },
    /// Something that the other format cannot express.
    #[error("{op} cannot be written as {format}: {reason}; {hint}")]
    NotExpressible { format: &'static str, op: String, reason: String, hint: &'static str },
    /// A text that is not a circuit in our JSON form.
    #[error("not a circuit: {}", bounded(.0))]
    BadJson(String),
    /// A text that is not a sum of Pauli strings.
    #[error("observable {:?}: {}; write for example \"Z0 Z1 + 0.5 X2\"", shortened(text), shortened(reason))]
    BadObservable { text: String, reason: String },
}
