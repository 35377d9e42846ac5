//! Maps on pictures. Grad-CAM: where the planes of the last stage raise a score (Selvaraju et al. 2017, doi
//! 10.1109/ICCV.2017.74). Attention rollout: what the class token of a ViT is made of (Abnar & Zuidema 2020, arXiv:2005.00928).

use candle_core::{DType, Device, Tensor};
use ndarray::{Array2, ArrayView1};

use super::Backbone;
use crate::data::{Picture, Transform};
use crate::nn::NnError;

/// A map (height, width) from planes (channels, height, width) and the derivatives of a score by the mean of each plane:
/// the positive part of `Σ_k α_k A_k`, whose α_k is the mean over a plane of the derivative by its values. A score that reads
/// means of planes has the same derivative everywhere on one.
///
/// # Errors
/// Planes of another shape, or another number of derivatives.
pub fn grad_cam(planes: &Tensor, gradient: ArrayView1<'_, f64>) -> Result<Array2<f64>, NnError> {
    let (channels, height, width) = planes.dims3()?;
    if channels != gradient.len() {
        let reason = "expected one derivative for each plane";
        return Err(NnError::Setting { field: "gradient", value: gradient.len().to_string(), reason });
    }
    let values: Vec<f64> = planes.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
    let area = height * width;
    let at = |place: usize| (0..channels).map(|k| gradient[k] * values[k * area + place]).sum::<f64>() / area as f64;
    Ok(Array2::from_shape_fn((height, width), |(row, column)| at(row * width + column).max(0.0)))
}

/// Values from 0 to 1; all 0 where nothing is above the least.
pub fn normalised(mut map: Array2<f64>) -> Array2<f64> {
    let least = map.iter().copied().fold(f64::INFINITY, f64::min);
    map -= least;
    let most = map.iter().copied().fold(0.0, f64::max);
    if most > 0.0 { map / most } else { map }
}

/// The value at a place, in cells from the upper left corner, linear between the middles of cells.
fn sample(map: &Array2<f64>, row: f64, column: f64) -> f64 {
    let along = |place: f64, count: usize| {
        let place = (place - 0.5).clamp(0.0, (count - 1) as f64);
        let first = (place as usize).min(count.saturating_sub(2));
        (first, (first + 1).min(count - 1), place - first as f64)
    };
    let ((top, bottom, down), (left, right, across)) = (along(row, map.nrows()), along(column, map.ncols()));
    let mix = |a: f64, b: f64, share: f64| a + share * (b - a);
    mix(mix(map[[top, left]], map[[top, right]], across), mix(map[[bottom, left]], map[[bottom, right]], across), down)
}

/// A map on another grid, linear between the middles of its cells, as `cv2.resize` does.
pub fn resampled(map: &Array2<f64>, height: usize, width: usize) -> Array2<f64> {
    let scale = |place: usize, from: usize, to: usize| (place as f64 + 0.5) * from as f64 / to as f64;
    Array2::from_shape_fn((height, width), |(row, column)| {
        sample(map, scale(row, map.nrows(), height), scale(column, map.ncols(), width))
    })
}

/// A map of the square that a transform cuts out, on the pixels of the picture (height, width), from 0 to 1; 0 outside the square.
pub fn on_picture(map: &Array2<f64>, picture: &Picture, transform: &Transform) -> Array2<f64> {
    let scale = transform.resize as f64 / picture.width.min(picture.height) as f64;
    let place = |pixel: usize, side: usize, cells: usize| {
        let margin = (side as f64 * scale - transform.crop as f64) / 2.0;
        ((pixel as f64 + 0.5) * scale - margin) / transform.crop as f64 * cells as f64
    };
    let map = normalised(map.clone());
    normalised(Array2::from_shape_fn((picture.height, picture.width), |(row, column)| {
        let (row, column) = (place(row, picture.height, map.nrows()), place(column, picture.width, map.ncols()));
        let is_inside = |place: f64, count: usize| place >= 0.0 && place <= count as f64;
        match is_inside(row, map.nrows()) && is_inside(column, map.ncols()) {
            true => sample(&map, row, column),
            false => 0.0,
        }
    }))
}

/// The attention rollout of a network for one picture on its square grid of patches; `None` of a network without attention of all
/// tokens to all. It is the same for every score.
///
/// # Errors
/// If the network cannot compute.
pub fn attention_map(network: &dyn Backbone, picture: &Picture) -> Result<Option<Array2<f64>>, NnError> {
    let Some(shares) = network.attention_rollout(&image(network, picture)?)? else { return Ok(None) };
    let shares: Vec<f64> = shares.squeeze(0)?.to_vec1()?;
    let side = shares.len().isqrt();
    Ok(Array2::from_shape_vec((side, side), shares).ok())
}

/// The planes (channels, height, width) of the last stage of a network for one picture.
///
/// # Errors
/// If the network cannot compute.
pub fn last_planes(network: &dyn Backbone, picture: &Picture) -> Result<Tensor, NnError> {
    let images = image(network, picture)?;
    let missing = NnError::Setting { field: "stage", value: network.card().name.into(), reason: "it has no stages" };
    let stage = network.stages().last().ok_or(missing)?.name.clone();
    Ok(network.stage_output(&images, &stage)?.squeeze(0)?)
}

/// What a network reads of a picture, (1, 3, height, width).
fn image(network: &dyn Backbone, picture: &Picture) -> Result<Tensor, NnError> {
    let transform = network.transform();
    Ok(Tensor::from_vec(transform.apply(picture), (1, 3, transform.crop, transform.crop), &Device::Cpu)?)
}
