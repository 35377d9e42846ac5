//! How much of a network still takes part: dormant units, and the rank of what the head reads.

use candle_core::{DType, Tensor};
use ndarray::Array2;
use serde::Serialize;

use crate::math::matrix::C64;
use crate::math::singular::singular_values;
use crate::nn::{Mode, Network, NnError};

/// Units whose mean activity is at most this share of their layer's are dormant (Sokar et al. 2023, arXiv:2302.12902).
pub const DORMANT: f64 = 0.025;

/// Of one network on some rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Health {
    /// Share of hidden units with a mean activity of at most [`DORMANT`] times the mean of their layer.
    pub dormant: f64,
    /// Share of hidden units that are 0 on every row.
    pub dead: f64,
    /// exp H(σ / Σσ), σ the singular values of the features (Roy & Vetterli 2007).
    pub rank: f64,
}

/// Mean of |activity| over rows and positions, by layer and unit.
///
/// # Errors
/// If the network fails.
pub fn activity(network: &dyn Network, inputs: &[Tensor]) -> Result<Vec<Vec<f64>>, NnError> {
    of_layers(&network.forward(inputs, Mode::Eval)?.more)
}

/// Mean of |activity| over rows and positions, by layer and unit, of what leaves each layer (rows, units, …).
///
/// # Errors
/// If the tensor library fails.
pub fn of_layers(layers: &[Tensor]) -> Result<Vec<Vec<f64>>, NnError> {
    let of_layer = |layer: &Tensor| -> Result<Vec<f64>, NnError> {
        let by_unit = layer.detach().abs()?.transpose(0, 1)?.contiguous()?.flatten_from(1)?;
        Ok(by_unit.to_dtype(DType::F64)?.mean(1)?.to_vec1()?)
    };
    layers.iter().map(of_layer).collect()
}

/// The units of a layer that are dormant, by their activity.
pub fn dormant(activity: &[f64]) -> Vec<usize> {
    let mean = activity.iter().sum::<f64>() / activity.len() as f64;
    (0..activity.len()).filter(|&unit| activity[unit] <= DORMANT * mean).collect()
}

impl Health {
    /// Of `network` on `inputs`.
    ///
    /// # Errors
    /// If the network fails.
    pub fn of(network: &dyn Network, inputs: &[Tensor]) -> Result<Self, NnError> {
        let output = network.forward(inputs, Mode::Eval)?;
        Self::of_outputs(&output.more, &output.features)
    }

    /// Of what leaves each layer with units that can be dormant (rows, units, …), and of the features (rows, width).
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn of_outputs(layers: &[Tensor], features: &Tensor) -> Result<Self, NnError> {
        let layers = of_layers(layers)?;
        let units: usize = layers.iter().map(Vec::len).sum();
        let share = |count: usize| count as f64 / units.max(1) as f64;
        let features = features.detach().to_dtype(DType::F64)?;
        // Both products have the same singular values but for zeros; the smaller one is decomposed.
        let transposed = features.t()?;
        let product = if features.dim(0)? < features.dim(1)? {
            features.matmul(&transposed)?
        } else {
            transposed.matmul(&features)?
        };
        let overlaps = product.to_vec2::<f64>()?;
        let width = overlaps.len();
        let overlaps = Array2::from_shape_fn((width, width), |(row, column)| C64::new(overlaps[row][column], 0.0));
        Ok(Self {
            dormant: share(layers.iter().map(|layer| dormant(layer).len()).sum()),
            dead: share(layers.iter().flatten().filter(|mean| **mean == 0.0).count()),
            rank: effective_rank(singular_values(&overlaps).0.into_iter().map(f64::sqrt)),
        })
    }
}

/// exp H(σ / Σσ); 0 of nothing but zeros.
pub fn effective_rank(singular: impl Iterator<Item = f64>) -> f64 {
    let singular: Vec<f64> = singular.collect();
    let sum: f64 = singular.iter().sum();
    if !(sum > 0.0) {
        return 0.0;
    }
    let shares = singular.iter().map(|s| s / sum).filter(|share| *share > 0.0);
    shares.map(|share| -share * share.ln()).sum::<f64>().exp()
}
