//! OpenQASM 2 and 3, in and out.
//!
//! * [`read`], [`read_with_notices`]: a text as a circuit, or a [`QasmError`] with line, column and what to write.
//! * [`write2`], [`write3`]: any circuit as text; what the target's gate library lacks is defined in the file.
//!
//! From text to circuit: `token` (words), `parse` with `statements` and `formula` (a tree of one statement), `build` with
//! `gates`, `condition`, `expression` and `value` (the circuit), the two versions sharing every step. A statement is built
//! as soon as it is read.
//! A circuit is static: registers are flattened in the order of their declaration, loops and gate definitions expanded,
//! inputs become slots, branches become conditions.
//!
//! `U(θ, φ, λ)` has a real upper left entry in both versions, as in OpenQASM 2 and Qiskit. The OpenQASM 3 text gives it
//! a further phase e^{iθ/2}, which only shows under a control. The writer therefore puts `cu` there, on which all
//! agree.

mod build;
mod condition;
mod cursor;
mod declarations;
mod error;
mod expression;
mod flow;
mod formula;
mod gates;
mod library;
mod logic;
mod lower;
mod number;
mod parse;
mod read;
mod scope;
mod scratch;
mod statements;
mod subroutines;
mod syntax;
mod token;
mod unitary;
mod value;
mod variables;
mod words;
mod write;

pub use error::{Notice, QasmError};
pub use number::{multiple_of_pi, number};
pub use read::{ReadOptions, Reading, read, read_with_notices};
pub use write::{WriteOptions, slot_identifiers, write2, write3};
