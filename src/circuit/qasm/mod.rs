//! OpenQASM 2 and 3, in and out.
//!
//! * [`read`], [`read_with_notices`]: a text as a circuit, or a [`QasmError`] with line, column and what to write.
//! * [`write2`], [`write3`]: any circuit as text; what the target's gate library lacks is defined in the file.
//!
//! From text to circuit: `token` (words), `parse` with `statements`, `declarations` and `formula` (a tree of one statement),
//! `build` with `act` and `gates` (the circuit), the two versions sharing every step. A statement is built as soon as it is
//! read. `expression`, `value` and `binary` compute what the text determines; `variables`, `arrays` and `subroutines` hold
//! and call it. What depends on measurements is a `words` of bits: `logic` and `arithmetic` compute with it by assignments
//! under conditions, `flow` and `loops` make branches of it, `scratch` numbers its bits. `timing` holds what a text says
//! about times, and `timeline` resolves its stretches. `directives` keeps
//! pragmas and annotations.
//!
//! A circuit is static: registers are flattened in the order of their declaration, loops, subroutines and gate definitions
//! expanded, inputs become slots, branches become conditions.
//!
//! `U(θ, φ, λ)` has a real upper left entry in both versions, as in OpenQASM 2 and Qiskit. The OpenQASM 3 text gives it
//! a further phase e^{iθ/2}, which only shows under a control. The writer therefore puts `cu` there, on which all
//! agree.

mod act;
mod arithmetic;
mod arrays;
mod binary;
mod build;
mod condition;
mod contents;
mod cursor;
mod declarations;
mod directives;
mod error;
mod expression;
mod flow;
mod formula;
mod gates;
mod library;
mod logic;
mod loops;
mod lower;
mod names;
mod number;
mod parse;
mod plain;
mod read;
mod registers;
mod scope;
mod scratch;
mod statements;
mod subroutines;
mod syntax;
mod timeline;
mod timing;
mod token;
mod unitary;
mod value;
mod variables;
mod words;
mod write;

pub use error::{Notice, QasmError};
pub use names::slot_identifiers;
pub(super) use number::formula;
pub use number::{multiple_of_pi, number};
pub use read::{OutcomeRegister, ReadOptions, Reading, read, read_with_notices};
pub use timing::OperationTimes;
pub use write::{WriteOptions, write2, write3};
