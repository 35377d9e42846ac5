//! Maximum mean discrepancy (Gretton et al. 2012, JMLR 13:723).

use candle_core::{DType, Tensor};

use crate::nn::{NnError, Params};
use crate::transfer::penalty::{over_pairs, ramp};
use crate::transfer::{Batch, Transfer};

/// Which estimate of MMD².
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimate {
    /// mean k(x, x') + mean k(y, y') - 2 mean k(x, y), all pairs counted (eq. 5); at least 0.
    Biased,
    /// The same without pairs of a row with itself (eq. 3); can be negative.
    Unbiased,
}

/// Pulls the features of the domains together.
#[derive(Clone, Debug)]
pub struct Mmd {
    /// Factor on the penalty.
    pub weight: f64,
    /// Which estimate.
    pub estimate: Estimate,
    /// Variances of the Gaussians; without them [`median_bank`] of each batch.
    pub bank: Option<Vec<f64>>,
    /// Whether the weight rises with the training, by [`ramp`].
    pub ramped: bool,
}

impl Default for Mmd {
    fn default() -> Self {
        Self { weight: 1.0, estimate: Estimate::Biased, bank: None, ramped: false }
    }
}

impl Transfer for Mmd {
    fn penalty(&self, _params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let weight = if self.ramped { self.weight * ramp(batch.progress) } else { self.weight };
        let distance = over_pairs(batch, |x, y| match &self.bank {
            Some(bank) => mmd(x, y, bank, self.estimate),
            None => mmd(x, y, &median_bank(x, y)?, self.estimate),
        })?;
        Ok(distance.map(|distance| distance * weight).transpose()?)
    }
}

/// MMD² between the rows of `x` (n, width) and of `y` (m, width) under the mean of the kernels e^{-d²/(2 s²)}, s² from
/// `bank`; differentiable. Not clamped: the unbiased estimate may be negative.
///
/// # Errors
/// If the widths differ, or the unbiased estimate is asked for of a single row.
pub fn mmd(x: &Tensor, y: &Tensor, bank: &[f64], estimate: Estimate) -> Result<Tensor, NnError> {
    let within = |rows: &Tensor| -> Result<Tensor, NnError> {
        let count = rows.dim(0)? as f64;
        let sum = kernel_mean(rows, rows, bank)?.sum_all()?;
        Ok(match estimate {
            Estimate::Biased => (sum / (count * count))?,
            // Every row's kernel with itself is 1.
            Estimate::Unbiased if count > 1.0 => ((sum - count)? / (count * (count - 1.0)))?,
            Estimate::Unbiased => {
                let reason = "the unbiased estimate needs at least two rows of each domain";
                return Err(NnError::Setting { field: "mmd rows", value: count.to_string(), reason });
            }
        })
    };
    Ok(((within(x)? + within(y)?)? - (kernel_mean(x, y, bank)?.mean_all()? * 2.0)?)?)
}

/// The median of all squared distances between two rows of `x` and `y`, times 1/4, 1/2, 1, 2 and 4: variances of a bank
/// of Gaussians that fits the features. A constant, so that features are not rewarded for spreading out.
///
/// # Errors
/// If the widths differ.
pub fn median_bank(x: &Tensor, y: &Tensor) -> Result<Vec<f64>, NnError> {
    let rows = Tensor::cat(&[x.detach(), y.detach()], 0)?;
    let count = rows.dim(0)?;
    let distances: Vec<f64> = squared_distances(&rows, &rows)?.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
    let mut upper: Vec<f64> = (0..count).flat_map(|i| distances[i * count + i + 1..(i + 1) * count].to_vec()).collect();
    upper.sort_by(f64::total_cmp);
    let (below, above) = (upper.get((upper.len().max(1) - 1) / 2), upper.get(upper.len() / 2));
    // Features that are all alike leave no scale; any will do.
    let median = match (below, above) {
        (Some(a), Some(b)) if a + b > 0.0 => (a + b) / 2.0,
        _ => 1.0,
    };
    Ok([0.25, 0.5, 1.0, 2.0, 4.0].map(|factor| factor * median).to_vec())
}

/// (n, m): the mean over the bank of the kernels between rows.
fn kernel_mean(x: &Tensor, y: &Tensor, bank: &[f64]) -> Result<Tensor, NnError> {
    let distances = squared_distances(x, y)?;
    let kernels: Vec<_> =
        bank.iter().map(|s2| (&distances * (-0.5 / s2))?.exp()).collect::<Result<_, candle_core::Error>>()?;
    Ok(Tensor::stack(&kernels, 0)?.mean(0)?)
}

/// (n, m): |x_i - y_j|².
fn squared_distances(x: &Tensor, y: &Tensor) -> Result<Tensor, NnError> {
    let squares = |rows: &Tensor| rows.sqr()?.sum_keepdim(1);
    let products = (x.matmul(&y.t()?)? * 2.0)?;
    // Rounding can leave a small negative number where rows agree.
    Ok(squares(x)?.broadcast_add(&squares(y)?.t()?)?.broadcast_sub(&products)?.relu()?)
}
