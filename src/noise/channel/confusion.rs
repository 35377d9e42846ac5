//! Readout error as a channel before a perfect measurement.

use crate::math::Matrix;
use crate::math::matrix::c;
use crate::noise::{Channel, NoiseError};

/// `ρ → Σ P(r|t) |r⟩⟨t| ρ |t⟩⟨r|` for one qubit; `misread` is P(1|0), P(0|1).
pub(super) fn readout(misread: &[f64]) -> Result<Channel, NoiseError> {
    channel("readout", 2, misread)
}

/// The same for two qubits. `misread` is P(r|t) for each true t in order and each other r in order.
pub(super) fn readout_pair(misread: &[f64]) -> Result<Channel, NoiseError> {
    channel("readout_pair", 4, misread)
}

fn channel(name: &'static str, outcomes: usize, misread: &[f64]) -> Result<Channel, NoiseError> {
    let mut operators = Vec::new();
    for (truth, misread) in misread.chunks(outcomes - 1).enumerate() {
        let sum: f64 = misread.iter().sum();
        // Probabilities that add up to one may do so only to rounding.
        if sum > 1.0 + 1e-12 {
            let parameter = "the sum of all P(r|t) of one t";
            return Err(NoiseError::Parameter { channel: name, parameter, value: sum, expected: "0 to 1".into() });
        }
        let mut probabilities = misread.to_vec();
        probabilities.insert(truth, (1.0 - sum).max(0.0));
        for (recorded, p) in probabilities.into_iter().enumerate().filter(|(_, p)| *p > 0.0) {
            let mut operator = Matrix::zeros((outcomes, outcomes));
            operator[[recorded, truth]] = c(p.sqrt(), 0.0);
            operators.push(operator);
        }
    }
    Channel::kraus(name, operators)
}
