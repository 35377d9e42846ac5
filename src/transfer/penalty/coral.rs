//! Correlation alignment.

use candle_core::Tensor;

use crate::nn::{NnError, Params};
use crate::transfer::penalty::over_pairs;
use crate::transfer::{Batch, Transfer};

/// Which distance of two covariances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoralForm {
    /// [`coral`].
    Covariances,
    /// [`coral_means`].
    MeansAndCovariances,
}

/// Pulls the covariances of the domains' features together.
#[derive(Clone, Copy, Debug)]
pub struct Coral {
    /// Factor on the penalty.
    pub weight: f64,
    /// Which distance.
    pub form: CoralForm,
}

impl Default for Coral {
    fn default() -> Self {
        Self { weight: 1.0, form: CoralForm::Covariances }
    }
}

impl Transfer for Coral {
    fn penalty(&self, _params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let distance = match self.form {
            CoralForm::Covariances => coral,
            CoralForm::MeansAndCovariances => coral_means,
        };
        Ok(over_pairs(batch, false, distance)?.map(|distance| distance * self.weight).transpose()?)
    }
}

/// The covariance (divisor n - 1) of rows (n, d).
fn covariance(rows: &Tensor) -> Result<Tensor, NnError> {
    let (count, _) = rows.dims2()?;
    let centred = rows.broadcast_sub(&rows.mean_keepdim(0)?)?;
    Ok((centred.t()?.matmul(&centred)? / (count.max(2) - 1) as f64)?)
}

/// |C_x - C_y|² / (4 d²) for the covariances (divisor n - 1) of the rows of `x` (n, d) and `y` (m, d), with the Frobenius
/// norm; differentiable (Sun & Saenko 2016, arXiv:1607.01719, eq. 1).
///
/// # Errors
/// If the widths differ.
pub fn coral(x: &Tensor, y: &Tensor) -> Result<Tensor, NnError> {
    let width = x.dim(1)? as f64;
    Ok(((covariance(x)? - covariance(y)?)?.sqr()?.sum_all()? / (4.0 * width * width))?)
}

/// The mean of (μ_x - μ_y)² over the features plus the mean of (C_x - C_y)² over pairs of them; differentiable (CORAL in
/// DomainBed, Gulrajani & Lopez-Paz 2021, arXiv:2007.01434).
///
/// # Errors
/// If the widths differ.
pub fn coral_means(x: &Tensor, y: &Tensor) -> Result<Tensor, NnError> {
    let means = (x.mean(0)? - y.mean(0)?)?.sqr()?.mean_all()?;
    Ok((means + (covariance(x)? - covariance(y)?)?.sqr()?.mean_all()?)?)
}
