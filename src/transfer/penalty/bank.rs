//! Kernels that rows of features are compared by.

use std::sync::Arc;

use candle_core::{DType, Tensor, WithDType};
use ndarray::NdFloat;

use crate::circuit::ansatz::uploading_feature_map;
use crate::circuit::{Observable, PauliString};
use crate::math::order;
use crate::nn::{NnError, QuantumLayer};
use crate::noise::Program;
use crate::sim::Execution;
use crate::sim::Statevector;

/// Rows of a block.
const BLOCK: usize = 64;

/// Which kernels a method compares features by.
#[derive(Clone, Debug)]
pub enum Kernels {
    /// [`Bank::median`] of each batch.
    Median,
    /// [`Bank::with_fidelity`] of each batch, on so many qubits.
    Fidelity {
        /// Number of qubits.
        qubits: usize,
    },
    /// The same for every batch.
    Fixed(Bank),
}

/// Kernels; their mean is one, too.
#[derive(Clone, Debug, PartialEq)]
pub struct Bank {
    /// Variances s² of Gaussians e^{-d²/(2 s²)}.
    pub variances: Vec<f64>,
    /// A fidelity beside them.
    pub fidelity: Option<Fidelity>,
}

/// `|⟨φ(x)|φ(y)⟩|²`, φ the [`uploading_feature_map`] of the features times `factor`: exact, and differentiable in both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fidelity {
    /// Number of qubits, 1 to 6. A row costs 4^qubits expectation values.
    pub qubits: usize,
    /// Radians for a unit of a feature.
    pub factor: f64,
}

/// Rows with what the kernels need of them.
pub(super) struct Seen {
    rows: Tensor,
    /// (rows, 4ⁿ - 1): expectation values of all Pauli strings but the identity.
    paulis: Option<Tensor>,
}

impl Kernels {
    /// The kernels for a batch with rows `x` of one domain and `y` of another.
    ///
    /// # Errors
    /// If the widths differ.
    pub fn bank(&self, x: &Tensor, y: &Tensor) -> Result<Bank, NnError> {
        match self {
            Self::Median => Bank::median(x, y),
            Self::Fidelity { qubits } => Bank::with_fidelity(x, y, *qubits),
            Self::Fixed(bank) => Ok(bank.clone()),
        }
    }
}

impl Bank {
    /// Gaussians of these variances.
    pub fn gaussians(variances: &[f64]) -> Self {
        Self { variances: variances.to_vec(), fidelity: None }
    }

    /// Gaussians whose variances are the median of all squared distances between two rows of `x` (n, width) and `y`
    /// (m, width), times 1/4, 1/2, 1, 2 and 4, so that they fit the features. Constants: features are not rewarded for
    /// spreading out.
    ///
    /// # Errors
    /// If the widths differ.
    pub fn median(x: &Tensor, y: &Tensor) -> Result<Self, NnError> {
        let median = median(x, y)?;
        Ok(Self::gaussians(&[0.25, 0.5, 1.0, 2.0, 4.0].map(|factor| factor * median)))
    }

    /// The same with a [`Fidelity`] on `qubits` qubits in place of the Gaussian in the middle. Without entanglers it would
    /// be Π cos²(Δ/2) = 1 - Σ Δ²/4 + …; its factor makes that the Gaussian it replaces, up to the second order.
    ///
    /// # Errors
    /// If the widths differ.
    pub fn with_fidelity(x: &Tensor, y: &Tensor, qubits: usize) -> Result<Self, NnError> {
        let median = median(x, y)?;
        let variances = [0.25, 0.5, 2.0, 4.0].map(|factor| factor * median).to_vec();
        Ok(Self { variances, fidelity: Some(Fidelity { qubits, factor: (2.0 / median).sqrt() }) })
    }

    /// What the kernels need of `rows` (n, width); refused if the fidelity has too many qubits.
    pub(super) fn see(&self, rows: &Tensor) -> Result<Seen, NnError> {
        let paulis = self.fidelity.map(|fidelity| fidelity.paulis(rows)).transpose()?;
        Ok(Seen { rows: rows.clone(), paulis })
    }

    /// The sum over all pairs of rows of the mean of the kernels. Its first derivatives are exact; it has no second ones.
    pub(super) fn sum(&self, x: &Seen, y: &Seen) -> Result<Tensor, NnError> {
        let mut sum = gaussian_sum(&x.rows, &y.rows, &self.variances)?;
        let kernels = self.variances.len() + usize::from(self.fidelity.is_some());
        if let (Some(fidelity), Some(p), Some(q)) = (&self.fidelity, &x.paulis, &y.paulis) {
            // tr(ρσ) = 2⁻ⁿ Σ_P tr(Pρ) tr(Pσ), and the identity's term is 1. It is linear in both states.
            let share = 1.0 / (1u64 << fidelity.qubits) as f64;
            let pairs = (x.rows.dim(0)? * y.rows.dim(0)?) as f64;
            sum = (sum + (p.sum(0)? * q.sum(0)?)?.sum_all()?.affine(share, share * pairs)?)?;
        }
        Ok((sum / kernels as f64)?)
    }
}

impl Fidelity {
    fn paulis(&self, rows: &Tensor) -> Result<Tensor, NnError> {
        if !(1..=6).contains(&self.qubits) {
            let reason = "a kernel of states takes 1 to 6 qubits: it costs 4^qubits values a row";
            return Err(NnError::Setting { field: "qubits", value: self.qubits.to_string(), reason });
        }
        let circuit = uploading_feature_map(self.qubits, rows.dim(1)?)?;
        let keep: Vec<usize> = (0..self.qubits).collect();
        let strings = (1u64..1 << (2 * self.qubits)).map(|string| {
            let (x, z) = (string & ((1 << self.qubits) - 1), string >> self.qubits);
            Observable { terms: vec![(1.0, PauliString::from_masks(x, z))] }
        });
        let (program, engine) = (Program::ideal(&circuit, &keep), Arc::new(Statevector::default()));
        let layer = QuantumLayer::new(Execution::new(program, strings.collect(), circuit.slots(), engine)?);
        let no_weights = Tensor::zeros(0, rows.dtype(), rows.device())?;
        Ok(layer.forward(&(rows * self.factor)?, &no_weights)?)
    }
}

/// Σ e^{-d²/(2 s²)} over all pairs of rows and all variances s². The derivatives are computed beside the value, block by block: a
/// graph would keep several matrices of all pairs.
fn gaussian_sum(x: &Tensor, y: &Tensor, variances: &[f64]) -> Result<Tensor, NnError> {
    let (all, others) = (x.detach(), y.detach());
    let (mut value, mut slope_x, mut slope_y) = (0.0, Vec::new(), others.zeros_like()?);
    for rows in blocks(&all)? {
        let (sum, slopes) = kernels(&squared_distances(&rows, &others)?, variances)?;
        value += sum;
        // The derivative of e^{-d²/(2 s²)} by x is that times (y - x) / s².
        slope_x.push((slopes.matmul(&others)? - rows.broadcast_mul(&slopes.sum_keepdim(1)?)?)?);
        let towards = slopes.t()?.matmul(&rows)?;
        slope_y = ((slope_y + towards)? - others.broadcast_mul(&slopes.sum_keepdim(0)?.t()?)?)?;
    }
    // Both products are 0: they carry the derivatives.
    let along_x = ((x - all)? * Tensor::cat(&slope_x, 0)?)?.sum_all()?;
    let along_y = ((y - others)? * slope_y)?.sum_all()?;
    Ok(((along_x + along_y)? + value)?)
}

/// Of squared distances d²: the sum of e^{-d²/(2 s²)} over all of them and all variances s², and for each Σ e^{-d²/(2 s²)} / s².
fn kernels(distances: &Tensor, variances: &[f64]) -> Result<(f64, Tensor), NnError> {
    if distances.dtype() == DType::F32 {
        return kernels_of::<f32>(distances, variances);
    }
    let (sum, slopes) = kernels_of::<f64>(&distances.to_dtype(DType::F64)?, variances)?;
    Ok((sum, slopes.to_dtype(distances.dtype())?))
}

/// One pass over the numbers, because most kernels of most pairs are 0: an exponent below that of the least normal number is
/// not worth its exponential, which takes longest there.
fn kernels_of<T: WithDType + NdFloat>(distances: &Tensor, variances: &[f64]) -> Result<(f64, Tensor), NnError> {
    let least = T::min_positive_value().ln();
    // -1/(2 s²) and 1/s² of each variance.
    let of = |s2: &f64| (<T as WithDType>::from_f64(-0.5 / s2), <T as WithDType>::from_f64(1.0 / s2));
    let factors: Vec<(T, T)> = variances.iter().map(of).collect();
    let mut sum = 0.0;
    let mut slope_of = |distance: T| {
        let (mut of_pair, mut slope) = (T::zero(), T::zero());
        for &(scale, inverse) in &factors {
            let exponent = distance * scale;
            if exponent > least {
                let kernel = exponent.exp();
                of_pair += kernel;
                slope += kernel * inverse;
            }
        }
        sum += WithDType::to_f64(of_pair);
        slope
    };
    let slopes: Vec<T> = distances.flatten_all()?.to_vec1()?.into_iter().map(&mut slope_of).collect();
    Ok((sum, Tensor::from_vec(slopes, distances.shape(), distances.device())?))
}

fn median(x: &Tensor, y: &Tensor) -> Result<f64, NnError> {
    let rows = Tensor::cat(&[x.detach(), y.detach()], 0)?;
    let (count, mut distances, mut start) = (rows.dim(0)?, Vec::<f64>::new(), 0);
    for block in blocks(&rows)? {
        let rest = rows.narrow(0, start, count - start)?;
        let found: Vec<Vec<f64>> = squared_distances(&block, &rest)?.to_dtype(DType::F64)?.to_vec2()?;
        distances.extend(found.iter().enumerate().flat_map(|(row, found)| &found[row + 1..]));
        start += block.dim(0)?;
    }
    // Features that are all alike leave no scale. Any will do.
    Ok(order::median(distances).filter(|median| *median > 0.0).unwrap_or(1.0))
}

/// The rows in parts whose distances to some thousand others stay in the cache.
fn blocks(rows: &Tensor) -> Result<Vec<Tensor>, NnError> {
    let count = rows.dim(0)?;
    let block = |start| Ok(rows.narrow(0, start, BLOCK.min(count - start))?);
    (0..count).step_by(BLOCK).map(block).collect()
}

/// (n, m): |x_i - y_j|².
fn squared_distances(x: &Tensor, y: &Tensor) -> Result<Tensor, NnError> {
    let squares = |rows: &Tensor| rows.sqr()?.sum_keepdim(1);
    let products = (x.matmul(&y.t()?)? * 2.0)?;
    // Rounding can leave a small negative number where rows agree.
    Ok(squares(x)?.broadcast_add(&squares(y)?.t()?)?.broadcast_sub(&products)?.relu()?)
}
