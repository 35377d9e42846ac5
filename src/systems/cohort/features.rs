//! Pictures as features.

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::Array2;
use rayon::prelude::*;

use crate::data::{FeatureCache, Hog, Part, Picture, Pictures, Samples, Transform};
use crate::math::Stream;
use crate::nn::backbone::{Backbone, BackboneRow, Trunk, extract};
use crate::nn::{NnError, Weights};
use crate::study::{Observer, StudyError};
use crate::systems::cohort::arms::Features;
use crate::systems::cohort::tuned::CutNetwork;
use crate::systems::inputs;

/// Histograms: nine directions, cells of 16 pixels, blocks of two by two cells.
const HOG: Hog = Hog { orientations: 9, cell: 16, block: 2 };
/// Edge of the picture that they are made of.
const HOG_EDGE: usize = 128;
/// Edge of the picture whose pixels are features.
const PIXEL_EDGE: usize = 32;
/// Shares of red, green and blue in grey, as scikit-image has them.
const GREY: [f32; 3] = [0.2125, 0.7154, 0.0721];

/// The networks that a run needs, opened once.
#[derive(Default)]
pub struct Networks {
    whole: BTreeMap<Features, (Box<dyn Backbone>, [u8; 32])>,
    cut: Option<CutNetwork>,
}

impl Networks {
    /// Opens those of these kinds of features; `network` is that of the settings, of which the last `stages` may be trained.
    ///
    /// # Errors
    /// Weights that are missing, cannot be read or do not fit.
    pub fn open(kinds: &[Features], (network, stages): (&inputs::Backbone, usize)) -> Result<Self, StudyError> {
        let mut found = Self::default();
        for kind in kinds {
            let lite0 = || BackboneRow::named("efficientnet_lite0");
            let opened = match kind {
                Features::Lite0 => lite0()?.open(None)?,
                Features::Shuffled => {
                    let weights = shuffled(&lite0()?.weights(None)?)?;
                    let trunk: Box<dyn Backbone> = Box::new(Trunk::new(lite0()?, &weights)?);
                    (trunk, weights.digest()?)
                }
                Features::Network => BackboneRow::named(&network.name)?.open(network.weights.as_deref())?,
                Features::Planes => {
                    found.cut = Some(CutNetwork::open(network, stages)?);
                    continue;
                }
                Features::Histograms | Features::Pixels => continue,
            };
            found.whole.insert(*kind, opened);
        }
        Ok(found)
    }

    /// The network of these features, if they are one's.
    pub fn network(&self, kind: Features) -> Option<&dyn Backbone> {
        match (kind, &self.cut) {
            (Features::Planes, Some(cut)) => Some(&cut.trunk),
            _ => self.whole.get(&kind).map(|(network, _)| network.as_ref()),
        }
    }

    /// The network whose last stages may be trained, if an arm has one.
    pub fn cut(&self) -> Option<&CutNetwork> {
        self.cut.as_ref()
    }

    /// Features (pictures, width) of one kind.
    ///
    /// # Errors
    /// A network that cannot compute, or a run that is stopped.
    pub fn features(
        &self,
        kind: Features,
        pictures: &[Picture],
        (observer, cache): (&dyn Observer, &Path),
    ) -> Result<Array2<f64>, StudyError> {
        if observer.stopped() {
            return Err(StudyError::Interrupted);
        }
        let below = self.cut.as_ref().filter(|_| kind == Features::Planes).map(|cut| (cut.below(), cut.digest));
        let whole = self.whole.get(&kind).map(|(network, digest)| (network.as_ref(), *digest));
        let cut = below.as_ref().map(|(network, digest)| (network as &dyn Backbone, *digest));
        let Some((network, digest)) = whole.or(cut) else {
            let rows: Vec<Vec<f64>> = pictures.par_iter().map(|picture| plain(kind, picture)).collect();
            let width = rows.first().map_or(0, Vec::len);
            // Every picture is brought to one size.
            return Ok(Array2::from_shape_vec((rows.len(), width), rows.concat()).expect("rows of one width"));
        };
        observer.stage("features", pictures.len());
        let count = pictures.len();
        let samples = Samples {
            source: "cohort".into(),
            ids: vec![String::new(); count],
            labels: vec![0; count],
            classes: Vec::new(),
            parts: vec![Part::Test; count],
            groups: Vec::new(),
        };
        let pictures = Pictures { pictures: pictures.to_vec(), samples, skipped: Vec::new(), notices: Vec::new() };
        let cache = FeatureCache::new(cache);
        let mut done = 0;
        let found = extract(network, &digest, &pictures, Some(&cache), |reached| {
            observer.advance(reached - done);
            done = reached;
            !observer.stopped()
        })?;
        observer.done();
        Ok(found.ok_or(StudyError::Interrupted)?.features.values.mapv(f64::from))
    }
}

/// Weights whose tensors have their values in a random order: the control has no picture left in it, but sizes of its layers.
fn shuffled(weights: &Weights) -> Result<Weights, NnError> {
    let mut tensors = Vec::new();
    for (name, tensor) in weights.iter() {
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        let order = Stream::named(0, name).permutation(values.len());
        let values: Vec<f32> = order.into_iter().map(|k| values[k]).collect();
        tensors.push((name.to_string(), candle_core::Tensor::from_vec(values, tensor.shape(), tensor.device())?));
    }
    Weights::new(tensors, format!("{}, shuffled", weights.place))
}

fn plain(kind: Features, picture: &Picture) -> Vec<f64> {
    let edge = if kind == Features::Histograms { HOG_EDGE } else { PIXEL_EDGE };
    let grey = grey(picture, edge);
    if kind == Features::Histograms { HOG.features(&grey, edge, edge) } else { grey }
}

/// Grey pixels, 0 to 1, of the square in the middle of a picture.
fn grey(picture: &Picture, edge: usize) -> Vec<f64> {
    let transform = Transform { resize: edge, crop: edge, mean: [0.0; 3], deviation: [255.0; 3] };
    let colours = transform.apply(picture);
    let pixels = edge * edge;
    (0..pixels).map(|k| f64::from((0..3).map(|c| GREY[c] * colours[c * pixels + k]).sum::<f32>())).collect()
}
