//! Scores of pairs: cosines over a trained temperature.

use candle_core::{D, Tensor};

use crate::nn::init::Init;
use crate::nn::{NnError, Params};

/// The least temperature.
const FLOOR: f64 = 1e-4;
/// Scores with an offset lie within ± this.
const BOUND: f64 = 30.0;

/// cos(a_i, b_j) / τ + b with τ = max(e^{log τ}, 1e-4). CLIP has no offset (Radford et al. 2021, arXiv:2103.00020, section 2.3);
/// SigLIP has one (Zhai et al. 2023, arXiv:2303.15343, section 3.2), and its scores are cut off at ±30.
#[derive(Clone, Debug)]
pub struct ContrastiveScale {
    log_temperature: Tensor,
    offset: Option<Tensor>,
}

impl ContrastiveScale {
    /// `name.log_temperature` (1), starting at log `temperature`, and, with a start, `name.offset` (1).
    ///
    /// # Errors
    /// If `params` hold other shapes, or the temperature is not above 0.
    pub fn new(params: &mut Params, name: &str, (temperature, offset): (f64, Option<f64>)) -> Result<Self, NnError> {
        if !(temperature > 0.0 && temperature.is_finite()) {
            let reason = "a number above 0";
            return Err(NnError::Setting { field: "temperature", value: temperature.to_string(), reason });
        }
        let log_temperature = params.get(&format!("{name}.log_temperature"), &[1], Init::Constant(temperature.ln()))?;
        let offset = match offset {
            Some(start) => Some(params.get(&format!("{name}.offset"), &[1], Init::Constant(start))?),
            None => None,
        };
        Ok(Self { log_temperature, offset })
    }

    /// Scores (rows, columns) of `a` (rows, width) with `b` (columns, width).
    ///
    /// # Errors
    /// If the widths differ.
    pub fn forward(&self, a: &Tensor, b: &Tensor) -> candle_core::Result<Tensor> {
        let cosines = unit_rows(a)?.matmul(&unit_rows(b)?.t()?.contiguous()?)?;
        let temperature = self.log_temperature.exp()?.maximum(FLOOR)?;
        let scores = cosines.broadcast_div(&temperature)?;
        match &self.offset {
            Some(offset) => scores.broadcast_add(offset)?.clamp(-BOUND, BOUND),
            None => Ok(scores),
        }
    }
}

/// Rows (rows, width) divided by their lengths.
///
/// # Errors
/// If the tensor library fails.
pub fn unit_rows(x: &Tensor) -> candle_core::Result<Tensor> {
    // The small number keeps the gradient of a row of zeros finite.
    x.broadcast_div(&(x.sqr()?.sum_keepdim(D::Minus1)? + 1e-12)?.sqrt()?)
}
