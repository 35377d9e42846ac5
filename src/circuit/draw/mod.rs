//! Pictures of circuits: [`text`] for terminals, [`svg`] for papers and reports.
//!
//! Both read as Qiskit's drawings do: qubit 0 on top, time to the right, one double line for all classical bits.

mod grid;
mod svg;
mod text;

pub use svg::svg;
pub use text::text;

use crate::circuit::{Circuit, CircuitError};

/// Whether a picture of the circuit is of a size that a viewer can open: at most a million marks, and at most ten million
/// crossings of wires and columns. Larger ones take gigabytes.
///
/// # Errors
/// If it is larger.
pub fn check(circuit: &Circuit) -> Result<(), CircuitError> {
    const MARKS: usize = 1_000_000;
    const CROSSINGS: usize = 10_000_000;
    let refuse = |reason: String| {
        let hint = "draw a part of it";
        Err(CircuitError::NotExpressible { format: "a picture", op: "the circuit".into(), reason, hint })
    };
    let marks: usize = circuit.ops().iter().map(|op| op.qubits.len().max(1)).sum();
    if marks > MARKS {
        return refuse(format!("its operations have {marks} operands, at most {MARKS} are drawn"));
    }
    let (_, columns) = grid::layout(circuit);
    let crossings = columns.saturating_mul(circuit.qubits());
    if crossings > CROSSINGS {
        let qubits = circuit.qubits();
        return refuse(format!("{qubits} wires and {columns} columns cross more than {CROSSINGS} times"));
    }
    Ok(())
}
