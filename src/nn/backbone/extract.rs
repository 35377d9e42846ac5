//! The features of many pictures: each passes the trunk once and is then kept.

use candle_core::{Device, Tensor};
use ndarray::Array2;
use rayon::prelude::*;

use super::Backbone;
use crate::data::{Cached, FeatureCache, Features, Pictures, cache_key};
use crate::nn::NnError;

/// Pictures that pass the trunk together.
const BATCH: usize = 32;

/// What [`extract`] found or made.
#[derive(Debug)]
pub struct Extracted {
    /// One row per picture.
    pub features: Features,
    /// Whether they were in the cache.
    pub cached: bool,
    /// What a user should know: a damaged cache file, a cache that could not be written.
    pub notices: Vec<String>,
}

/// The features of all pictures, from the cache if they are there; `None` if they were not and `proceed` ended the work.
/// `weights` is the digest of the backbone's weights. `proceed` is called with the number of pictures done before the first
/// and after each batch, and says whether to go on.
///
/// # Errors
/// If the backbone cannot compute. A cache that cannot be read or written is a notice, not an error.
pub fn extract(
    backbone: &dyn Backbone,
    weights: &[u8; 32],
    pictures: &Pictures,
    cache: Option<&FeatureCache>,
    mut proceed: impl FnMut(usize) -> bool,
) -> Result<Option<Extracted>, NnError> {
    let transform = backbone.transform();
    let key = cache_key(weights, backbone.card().name, &transform, &pictures.pictures);
    let mut notices = Vec::new();
    match cache.map_or(Cached::Miss, |cache| cache.load(&key)) {
        Cached::Hit(values) => {
            let features = Features { values, samples: pictures.samples.clone(), notices: pictures.notices.clone() };
            return Ok(Some(Extracted { features, cached: true, notices }));
        }
        Cached::Damaged(reason) => notices.push(format!("cached features are computed again: {reason}")),
        Cached::Miss => {}
    }

    if !proceed(0) {
        return Ok(None);
    }
    let mut values = Vec::new();
    let mut width = 0;
    for (batch, chunk) in pictures.pictures.chunks(BATCH).enumerate() {
        let inputs: Vec<f32> = chunk.par_iter().flat_map_iter(|picture| transform.apply(picture)).collect();
        let images = Tensor::from_vec(inputs, (chunk.len(), 3, transform.crop, transform.crop), &Device::Cpu)?;
        let features = backbone.features(&images)?;
        width = features.dim(1)?;
        values.extend(features.flatten_all()?.to_vec1::<f32>()?);
        if !proceed(batch * BATCH + chunk.len()) {
            return Ok(None);
        }
    }
    let values = Array2::from_shape_vec((pictures.pictures.len(), width), values)
        .map_err(|e| NnError::Tensor(candle_core::Error::wrap(e)))?;
    if let Some(Err(e)) = cache.map(|cache| cache.store(&key, &values)) {
        notices.push(format!("features are not kept: {e}"));
    }
    let features = Features { values, samples: pictures.samples.clone(), notices: pictures.notices.clone() };
    Ok(Some(Extracted { features, cached: false, notices }))
}
