//! From the spec's data to features with labels.

use candle_core::{Device as Place, Tensor};
use ndarray::{Array2, Axis};

use crate::data::{
    BadPicture, FeatureCache, Features, Part, Pictures, Samples, Split, fashion_mnist, read_features, read_folder,
};
use crate::nn::backbone::{BackboneRow, extract};
use crate::study::train::Rows;
use crate::study::{Observer, StudyError};
use crate::systems::Workplace;
use crate::systems::spec::{Backbone, Data, DataKind};

/// What heads learn from.
pub struct Inputs {
    /// Features with labels and parts.
    pub features: Features,
    /// Data and backbone in a few words.
    pub title: String,
    /// Skipped images and the like.
    pub notices: Vec<String>,
}

/// Reads the data and, if it is pictures, passes them through the frozen backbone or takes their features from the
/// cache.
///
/// # Errors
/// If data or weights cannot be read.
pub fn load(
    data: &Data,
    backbone: &Backbone,
    place: &Workplace<'_>,
    progress: &dyn Observer,
) -> Result<Inputs, StudyError> {
    let split = Split { validation: data.held_out, seed: data.split_seed };
    // Checking a spec makes sure of the path where one is needed.
    let path = data.path.clone().unwrap_or_default();
    match data.source {
        DataKind::Features => {
            let mut features = read_features(&path, split)?;
            let kept = kept(&features.samples, data);
            features.values = features.values.select(ndarray::Axis(0), &kept);
            features.samples = features.samples.select(&kept);
            Ok(Inputs { features, title: format!("features of {}", path.display()), notices: Vec::new() })
        }
        DataKind::FashionMnist => {
            let title = "Fashion-MNIST T-shirt, pullover, shirt".to_string();
            from_pictures((data, backbone), fashion_mnist::shirts()?, title, place, progress)
        }
        DataKind::Folder => {
            let bad = if data.skip_bad { BadPicture::Skip } else { BadPicture::Refuse };
            let pictures = read_folder(&path, split, bad)?;
            from_pictures((data, backbone), pictures, path.display().to_string(), place, progress)
        }
    }
}

fn from_pictures(
    (data, backbone): (&Data, &Backbone),
    pictures: Pictures,
    title: String,
    place: &Workplace<'_>,
    progress: &dyn Observer,
) -> Result<Inputs, StudyError> {
    let kept = kept(&pictures.samples, data);
    let pictures = Pictures {
        samples: pictures.samples.select(&kept),
        pictures: kept.iter().map(|&i| pictures.pictures[i].clone()).collect(),
        skipped: pictures.skipped,
    };
    let row = BackboneRow::named(&backbone.name)?;
    let (network, digest) = row.open(backbone.weights.as_deref())?;
    let cache = FeatureCache::new(place.cache);
    progress.stage("features", pictures.pictures.len());
    let mut done = 0;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(place.threads)
        .build()
        .map_err(|e| StudyError::Threads { reason: e.to_string() })?;
    let found = pool.install(|| {
        extract(network.as_ref(), &digest, &pictures, Some(&cache), |count| {
            progress.advance(count - done);
            done = count;
        })
    })?;
    if found.cached {
        progress.note(&format!("features of {} pictures are in the cache", pictures.pictures.len()));
    }
    let skipped = pictures.skipped.iter().map(|reason| format!("left out: {reason}"));
    Ok(Inputs {
        features: found.features,
        title: format!("{title} · {}", row.name),
        notices: skipped.chain(found.notices).collect(),
    })
}

/// The rows of one part of `values` (samples, width) as tensors.
///
/// # Errors
/// If the tensor library fails.
pub fn rows(values: &Array2<f32>, samples: &Samples, part: Part) -> Result<Rows, StudyError> {
    let picked = samples.of(part);
    let values = values.select(Axis(0), &picked);
    let labels: Vec<u32> = picked.iter().map(|&i| samples.labels[i] as u32).collect();
    let shape = values.dim();
    Ok(Rows {
        features: Tensor::from_vec(values.into_iter().collect::<Vec<f32>>(), shape, &Place::Cpu)?,
        labels: Tensor::new(labels, &Place::Cpu)?,
    })
}

/// The samples a spec keeps: the first `rows_per_class` of each class and part, or all.
fn kept(samples: &crate::data::Samples, data: &Data) -> Vec<usize> {
    let mut counts = vec![[0usize; Part::ALL.len()]; samples.classes.len()];
    (0..samples.len())
        .filter(|&i| {
            let count = &mut counts[samples.labels[i]][samples.parts[i] as usize];
            *count += 1;
            data.rows_per_class == 0 || *count <= data.rows_per_class
        })
        .collect()
}
