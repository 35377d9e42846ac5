//! What can be wrong with a channel or a noise model.

/// A channel, model or program that cannot be built.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names every field")]
pub enum NoiseError {
    /// A parameter of a channel outside its range.
    #[error("{channel}: {parameter} = {value} is out of range; expected {expected}")]
    Parameter { channel: &'static str, parameter: &'static str, value: f64, expected: &'static str },
    /// Kraus operators that do not sum to the identity.
    #[error("Kraus operators are not complete: |ΣK†K - 1| = {defect:.1e}; scale them so that ΣK†K = 1")]
    NotComplete { defect: f64 },
    /// A matrix of the wrong shape.
    #[error("Kraus operator {index} is {rows}x{columns}; all must be square, of one size, on 1 to 2 qubits")]
    Shape { index: usize, rows: usize, columns: usize },
}
