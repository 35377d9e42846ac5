//! Mixtures of Pauli operators.

use crate::circuit::Gate;
use crate::math::Matrix;
use crate::math::matrix::{C64, tensor};
use crate::noise::{Channel, NoiseError};

/// 1, X, Y, Z.
pub(crate) fn paulis() -> [Matrix; 4] {
    [Gate::Id, Gate::X, Gate::Y, Gate::Z].map(|gate| (gate.row().matrix)(&[]))
}

/// The 4ⁿ Pauli strings on 1 or 2 qubits. The first operand's letter changes fastest.
pub(crate) fn strings(qubits: usize) -> Vec<Matrix> {
    match qubits {
        1 => paulis().to_vec(),
        _ => paulis().iter().flat_map(|high| paulis().map(|low| tensor(&low, high))).collect(),
    }
}

/// `ρ → Σ p_k P_k ρ P_k` with `p_0 = 1 - Σ others`; `others` are the probabilities of the strings after the identity.
pub(crate) fn mixture(name: &'static str, others: &[f64]) -> Result<Channel, NoiseError> {
    let sum: f64 = others.iter().sum();
    // Probabilities that add up to one may do so only to rounding.
    if sum > 1.0 + 1e-12 {
        return Err(NoiseError::Parameter {
            channel: name,
            parameter: "the sum of all probabilities",
            value: sum,
            expected: "0 to 1".into(),
        });
    }
    let weights = std::iter::once((1.0 - sum).max(0.0)).chain(others.iter().copied());
    let qubits = if others.len() == 3 { 1 } else { 2 };
    let terms = strings(qubits).into_iter().zip(weights).filter(|(_, weight)| *weight > 0.0);
    Channel::kraus(name, terms.map(|(string, weight)| string * C64::from(weight.sqrt())).collect())
}

/// `ρ → (1 - λ) ρ + λ tr(ρ) 1/2ⁿ`, Aer's convention: fully mixed at λ = 1, and λ up to `4ⁿ/(4ⁿ - 1)`.
///
/// # Errors
/// If `lambda` is outside that range or `qubits` is not 1 or 2.
pub fn depolarizing(lambda: f64, qubits: usize) -> Result<Channel, NoiseError> {
    let name = match qubits {
        1 => "depolarizing",
        2 => "depolarizing2",
        _ => return Err(NoiseError::Shape { index: 0, rows: 1 << qubits.min(32), columns: 1 << qubits.min(32) }),
    };
    Channel::named(name, &[lambda])
}

/// Depolarizing with `lambda` already known to be in range.
pub(super) fn depolarizing_row(name: &'static str, lambda: f64, qubits: usize) -> Result<Channel, NoiseError> {
    let strings = 1usize << (2 * qubits);
    mixture(name, &vec![lambda / strings as f64; strings - 1])
}

/// Each of the `4ⁿ - 1` other strings with `p / (4ⁿ - 1)`.
pub(super) fn uniform_row(name: &'static str, p: f64, qubits: usize) -> Result<Channel, NoiseError> {
    let others = (1usize << (2 * qubits)) - 1;
    mixture(name, &vec![p / others as f64; others])
}
