//! Channels: completely positive maps with a name, as Kraus operators.

use std::fmt;
use std::sync::Arc;

use crate::math::Matrix;
use crate::math::matrix::{C64, c, dagger, distance, identity};
use crate::noise::NoiseError;

/// A channel on one or two qubits with its numbers put in.
#[derive(Clone, PartialEq)]
pub struct Channel {
    name: &'static str,
    qubits: usize,
    kraus: Arc<[Matrix]>,
}

impl Channel {
    /// A channel from Kraus operators on 1 or 2 qubits, first operand least significant.
    ///
    /// # Errors
    /// If the operators are empty, of different or odd shapes, or not complete to 1e-8.
    pub fn kraus(name: &'static str, kraus: Vec<Matrix>) -> Result<Self, NoiseError> {
        let channel = Self::trusted(name, kraus)?;
        let size = 1 << channel.qubits;
        let sum = channel.kraus.iter().fold(Matrix::zeros((size, size)), |sum, k| sum + dagger(k).dot(k));
        let defect = distance(&sum, &identity(size));
        // A NaN defect must fail too, hence the negated comparison.
        if !(defect <= 1e-8) {
            return Err(NoiseError::NotComplete { defect });
        }
        Ok(channel)
    }

    /// The same without the check of completeness: Aer's own cutoffs lose trace, and its digits need that.
    pub(crate) fn trusted(name: &'static str, kraus: Vec<Matrix>) -> Result<Self, NoiseError> {
        let rows = kraus.first().map_or(0, Matrix::nrows);
        for (index, k) in kraus.iter().enumerate() {
            if k.dim() != (rows, rows) || !(rows == 2 || rows == 4) {
                return Err(NoiseError::Shape { index, rows: k.nrows(), columns: k.ncols() });
            }
        }
        if kraus.is_empty() {
            return Err(NoiseError::Shape { index: 0, rows: 0, columns: 0 });
        }
        Ok(Self { name, qubits: rows.trailing_zeros() as usize, kraus: kraus.into() })
    }

    /// The name of its row.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Number of operands, 1 or 2.
    pub fn qubits(&self) -> usize {
        self.qubits
    }

    /// Its Kraus operators.
    pub fn operators(&self) -> &[Matrix] {
        &self.kraus
    }

    /// `Σ K ⊗ K*`, acting on row-major vectorised density matrices: `vec(ρ)[i·d + j] = ρ[i][j]`.
    pub fn superoperator(&self) -> Matrix {
        let size = 1 << (2 * self.qubits);
        self.kraus
            .iter()
            .fold(Matrix::zeros((size, size)), |sum, k| sum + ndarray::linalg::kron(k, &k.mapv(|z| z.conj())))
    }

    /// The average gate fidelity with the identity, `(Σ|tr K|² + d) / (d² + d)` (Nielsen 2002, arXiv quant-ph/0205035).
    pub fn average_fidelity(&self) -> f64 {
        let d = f64::from(1u32 << self.qubits);
        let traces: f64 = self.kraus.iter().map(|k| k.diag().sum().norm_sqr()).sum();
        (traces + d) / (d * d + d)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Channel({}, {} qubits, {} operators)", self.name, self.qubits, self.kraus.len())
    }
}

/// `ρ → (1 - λ) ρ + λ tr(ρ) 1/2ⁿ`, Aer's convention: fully mixed at λ = 1, and λ up to `4ⁿ/(4ⁿ - 1)`.
///
/// # Errors
/// If `lambda` is outside that range or `qubits` is not 1 or 2.
pub fn depolarizing(lambda: f64, qubits: usize) -> Result<Channel, NoiseError> {
    let paulis = 4f64.powi(qubits as i32);
    if !(0.0..=paulis / (paulis - 1.0)).contains(&lambda) {
        return Err(NoiseError::Parameter {
            channel: "depolarizing",
            parameter: "lambda",
            value: lambda,
            expected: "0 to 4^n/(4^n - 1)",
        });
    }
    let x = crate::circuit::Gate::X.row();
    let single: Vec<Matrix> = vec![
        identity(2),
        (x.matrix)(&[]),
        (crate::circuit::Gate::Y.row().matrix)(&[]),
        (crate::circuit::Gate::Z.row().matrix)(&[]),
    ];
    let strings: Vec<Matrix> = match qubits {
        1 => single,
        _ => single.iter().flat_map(|high| single.iter().map(|low| crate::math::matrix::tensor(low, high))).collect(),
    };
    let weight = |k: usize| if k == 0 { 1.0 - lambda * (paulis - 1.0) / paulis } else { lambda / paulis };
    let scaled = strings.into_iter().enumerate().map(|(k, p)| p * C64::from(weight(k).max(0.0).sqrt())).collect();
    Channel::kraus("depolarizing", scaled)
}

/// Decay from |1⟩ to |0⟩ with probability `gamma`.
///
/// # Errors
/// If `gamma` is not in [0, 1].
pub fn amplitude_damping(gamma: f64) -> Result<Channel, NoiseError> {
    if !(0.0..=1.0).contains(&gamma) {
        return Err(NoiseError::Parameter {
            channel: "amplitude_damping",
            parameter: "gamma",
            value: gamma,
            expected: "0 to 1",
        });
    }
    let mut keep = identity(2);
    keep[[1, 1]] = c((1.0 - gamma).sqrt(), 0.0);
    let mut decay = Matrix::zeros((2, 2));
    decay[[0, 1]] = c(gamma.sqrt(), 0.0);
    Channel::kraus("amplitude_damping", vec![keep, decay])
}
