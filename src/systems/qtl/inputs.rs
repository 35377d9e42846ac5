//! From the spec's data to features with labels.

use crate::data::{
    BadPicture, FeatureCache, Features, Part, Pictures, Split, fashion_mnist, read_features, read_folder,
};
use crate::nn::backbone::{BackboneRow, extract};
use crate::study::StudyError;
use crate::systems::Progress;
use crate::systems::qtl::Workplace;
use crate::systems::qtl::spec::{Data, Source, Spec};

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
pub fn load(spec: &Spec, place: &Workplace<'_>, progress: &dyn Progress) -> Result<Inputs, StudyError> {
    let split = Split { validation: spec.data.held_out, seed: spec.data.split_seed };
    // `Spec::check` makes sure of the path where one is needed.
    let path = spec.data.path.clone().unwrap_or_default();
    match spec.data.source {
        Source::Features => {
            let mut features = read_features(&path, split)?;
            let kept = kept(&features.samples, &spec.data);
            features.values = features.values.select(ndarray::Axis(0), &kept);
            features.samples = features.samples.select(&kept);
            Ok(Inputs { features, title: format!("features of {}", path.display()), notices: Vec::new() })
        }
        Source::FashionMnist => {
            let title = "Fashion-MNIST T-shirt, pullover, shirt".to_string();
            from_pictures(spec, fashion_mnist::shirts()?, title, place, progress)
        }
        Source::Folder => {
            let bad = if spec.data.skip_bad { BadPicture::Skip } else { BadPicture::Refuse };
            let pictures = read_folder(&path, split, bad)?;
            from_pictures(spec, pictures, path.display().to_string(), place, progress)
        }
    }
}

fn from_pictures(
    spec: &Spec,
    pictures: Pictures,
    title: String,
    place: &Workplace<'_>,
    progress: &dyn Progress,
) -> Result<Inputs, StudyError> {
    let kept = kept(&pictures.samples, &spec.data);
    let pictures = Pictures {
        samples: pictures.samples.select(&kept),
        pictures: kept.iter().map(|&i| pictures.pictures[i].clone()).collect(),
        skipped: pictures.skipped,
    };
    let row = BackboneRow::named(&spec.backbone.name)?;
    let (backbone, digest) = row.open(spec.backbone.weights.as_deref())?;
    let cache = FeatureCache::new(place.cache);
    progress.stage("features", pictures.pictures.len());
    let mut done = 0;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(place.threads)
        .build()
        .map_err(|e| StudyError::Threads { reason: e.to_string() })?;
    let found = pool.install(|| {
        extract(backbone.as_ref(), &digest, &pictures, Some(&cache), |count| {
            progress.learned(count - done);
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
