//! Correlation alignment.

use candle_core::Tensor;

use crate::nn::{NnError, Params};
use crate::transfer::penalty::over_pairs;
use crate::transfer::{Batch, Transfer};

/// Pulls the covariances of the domains' features together.
#[derive(Clone, Copy, Debug)]
pub struct Coral {
    /// Factor on the penalty.
    pub weight: f64,
}

impl Default for Coral {
    fn default() -> Self {
        Self { weight: 1.0 }
    }
}

impl Transfer for Coral {
    fn penalty(&self, _params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        Ok(over_pairs(batch, false, coral)?.map(|distance| distance * self.weight).transpose()?)
    }
}

/// |C_x - C_y|² / (4 d²) for the covariances (divisor n - 1) of the rows of `x` (n, d) and `y` (m, d), with the Frobenius
/// norm; differentiable (Sun & Saenko 2016, arXiv:1607.01719, eq. 1).
///
/// # Errors
/// If the widths differ.
pub fn coral(x: &Tensor, y: &Tensor) -> Result<Tensor, NnError> {
    let covariance = |rows: &Tensor| {
        let (count, _) = rows.dims2()?;
        let centred = rows.broadcast_sub(&rows.mean_keepdim(0)?)?;
        centred.t()?.matmul(&centred)? / (count.max(2) - 1) as f64
    };
    let width = x.dim(1)? as f64;
    Ok(((covariance(x)? - covariance(y)?)?.sqr()?.sum_all()? / (4.0 * width * width))?)
}
