//! Maximum mean discrepancy (Gretton et al. 2012, JMLR 13:723).

use candle_core::Tensor;

use crate::nn::{NnError, Params};
use crate::transfer::penalty::bank::Seen;
use crate::transfer::penalty::{Bank, Kernels, over_pairs, ramp};
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
    /// By which kernels.
    pub kernels: Kernels,
    /// Whether rows are compared within their stratum only ([`Examples::strata`](crate::nn::Examples::strata)): domains that
    /// differ in their labels should not be aligned as a whole.
    pub stratified: bool,
    /// Whether the weight rises with the training, by [`ramp`].
    pub ramped: bool,
}

impl Default for Mmd {
    fn default() -> Self {
        Self { weight: 1.0, estimate: Estimate::Biased, kernels: Kernels::Median, stratified: false, ramped: false }
    }
}

impl Transfer for Mmd {
    fn penalty(&self, _params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let weight = if self.ramped { self.weight * ramp(batch.progress) } else { self.weight };
        let distance = over_pairs(batch, self.stratified, |x, y| mmd(x, y, &self.kernels.bank(x, y)?, self.estimate))?;
        Ok(distance.map(|distance| distance * weight).transpose()?)
    }
}

/// MMD² between the rows of `x` (n, width) and of `y` (m, width) under the mean of the kernels of `bank`, with first
/// derivatives alone. Not clamped: the unbiased estimate may be negative.
///
/// # Errors
/// If the widths differ, a fidelity has no or more than 6 qubits, or the unbiased estimate is of a single row.
pub fn mmd(x: &Tensor, y: &Tensor, bank: &Bank, estimate: Estimate) -> Result<Tensor, NnError> {
    let within = |rows: &Seen, count: f64| -> Result<Tensor, NnError> {
        let sum = bank.sum(rows, rows)?;
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
    let counts = (x.dim(0)? as f64, y.dim(0)? as f64);
    let (x, y) = (bank.see(x)?, bank.see(y)?);
    let across = (bank.sum(&x, &y)? * (2.0 / (counts.0 * counts.1)))?;
    Ok(((within(&x, counts.0)? + within(&y, counts.1)?)? - across)?)
}
