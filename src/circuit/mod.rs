//! Circuits: gates with slots for angles, and nothing about devices, noise or tensors.
//!
//! * [`Gate`] and [`gate::GATES`]: every gate is a row; parser, printer, docs and tests loop over the table.
//! * [`Param`]: an angle in radians, fixed or an affine function of one slot.
//! * [`Derived`]: an angle that is any other function of slots, computed before the circuit runs.
//! * [`Op`], [`Circuit`]: what is applied to which qubits, in order.
//! * [`Directive`]: a pragma or an annotation, kept beside the operations for exports.
//! * [`Observable`]: weighted sums of Pauli strings.
//! * [`qasm`]: OpenQASM 2 and 3, in and out; [`Circuit::to_json`]: our own lossless form; [`draw`]: text and SVG.
//!
//! Qubit k is bit k of the amplitude index.

pub mod ansatz;
mod build;
pub mod derived;
mod directive;
pub mod draw;
mod error;
mod file;
pub mod gate;
mod json;
pub mod observable;
mod op;
mod param;
mod prepare;
pub mod qasm;
mod slots;

/// Qubits, and classical bits, that a circuit from a file may have at most. Every engine and drawing takes memory for
/// each of them.
pub const MAX_REGISTER: usize = 4096;

pub use ansatz::Ansatz;
pub use build::Circuit;
pub use derived::{Derived, Operation};
pub use directive::Directive;
pub use error::CircuitError;
pub use file::CircuitFileError;
pub use gate::{Gate, GateRow, Shift};
pub use observable::{Letter, Observable, PauliString};
pub use op::{Condition, Op, OpKind, Operands, Params};
pub use param::Param;
