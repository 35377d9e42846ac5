//! A pretrained backbone whose last stages are trained on pictures, for every system that fine-tunes one.
//!
//! The stages below stay as they are, so their planes are computed once for each picture and kept in the feature cache.

use std::path::Path;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::data::{
    BadPicture, FeatureCache, HoldOut, Part, Picture, Pictures, Samples, Split, TestRows, Transform, fashion_mnist,
    has_boxes, read_crops, read_folder_for,
};
use crate::lab::{Context, Validation};
use crate::math::Stream;
use crate::math::order::argmax;
use crate::nn::backbone::{BackboneRow, Stage, TopStages, Trunk, extract};
use crate::nn::head::HeadModel;
use crate::nn::model::{Network, first};
use crate::nn::{
    Backbone as PictureBackbone, Dataset, Examples, Head, LayerGroups, Mode, Model, NnError, Output, Params, Weights,
};
use crate::study::StudyError;
use crate::study::files::{PredictionLine, predictions_csv};
use crate::systems::conditions::IDEAL;
use crate::systems::inputs::{Backbone, naming_skip_bad};

/// Share of a folder without parts that becomes the test set.
const HELD_OUT: f64 = 0.3;
/// Pictures evaluated at once.
const EVALUATED: usize = 100;

/// Which backbone, which of its stages are trained, and on how many pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiveStages {
    /// Row of the table of backbones, and its weight file if it has none inside the program.
    pub backbone: Backbone,
    /// Pixels along an edge of the square that the backbone reads.
    pub edge: usize,
    /// How many of the last stages are trained.
    pub stages: usize,
    /// Training pictures of each class, and as many for validation, at most; 0 takes all.
    pub labels: usize,
    /// Test pictures of each class, at most; 0 takes all.
    pub test: usize,
    /// Share of the pictures other than test pictures that validate, cut anew under every seed.
    pub validation: f64,
    /// Leave out pictures that cannot be read, instead of refusing them.
    pub skip_bad: bool,
}

impl Default for LiveStages {
    fn default() -> Self {
        let backbone = Backbone::default();
        Self { backbone, edge: 96, stages: 2, labels: 20, test: 0, validation: 0.25, skip_bad: false }
    }
}

impl LiveStages {
    /// Refuses a backbone whose layers cannot be trained or whose weights are missing, and sizes out of range.
    pub fn validate(&self, field: &str, check: &mut Validation) {
        let name = |part: &str| format!("{field}.{part}");
        self.backbone.validate(&name("backbone"), check);
        check
            .whole(&name("edge"), self.edge, 32..=512)
            .between(&name("validation"), self.validation, (0.0, 1.0))
            .optional_count(&name("labels"), self.labels)
            .optional_count(&name("test"), self.test);
        let Ok(row) = BackboneRow::named(&self.backbone.name) else { return };
        match row.layers().len() {
            0 => _ = check.refuse(&name("backbone.name"), row.name, "a backbone whose layers can be trained"),
            stages => _ = check.whole(&name("stages"), self.stages, 1..=stages),
        }
        if self.backbone.weights.is_none() && !row.is_at_hand() {
            check.refuse(&name("backbone.weights"), "missing", format!("a weight file of {} (--weights)", row.name));
        }
    }

    /// From a picture to what the backbone reads: the square in its middle.
    ///
    /// # Errors
    /// If there is no such backbone.
    pub fn transform(&self) -> Result<Transform, NnError> {
        let Transform { mean, deviation, .. } = BackboneRow::named(&self.backbone.name)?.transform;
        Ok(Transform { resize: self.edge, crop: self.edge, mean, deviation })
    }
}

/// A trunk that reads pictures of another edge than it was pretrained at, up to a stage or to its features.
pub(super) struct AtEdge<'a> {
    pub trunk: &'a Trunk,
    pub transform: Transform,
    /// The planes of this stage in place of the features, row by row.
    pub stage: Option<&'a str>,
}

impl PictureBackbone for AtEdge<'_> {
    fn card(&self) -> &'static BackboneRow {
        self.trunk.card()
    }
    fn transform(&self) -> Transform {
        self.transform
    }
    fn stages(&self) -> &[Stage] {
        self.trunk.stages()
    }
    fn features(&self, images: &Tensor) -> Result<Tensor, NnError> {
        match self.stage {
            Some(stage) => Ok(self.trunk.stage_output(images, stage)?.flatten_from(1)?),
            None => self.trunk.features(images),
        }
    }
    fn stage_output(&self, images: &Tensor, stage: &str) -> Result<Tensor, NnError> {
        self.trunk.stage_output(images, stage)
    }
    fn logits(&self, images: &Tensor) -> Result<Tensor, NnError> {
        self.trunk.logits(images)
    }
}

/// Pictures as the planes that the trained stages read.
pub struct LivePictures {
    /// The backbone.
    pub row: &'static BackboneRow,
    /// Its pretrained weights.
    pub weights: Weights,
    /// The first stage that is trained, from 0.
    pub first: usize,
    /// Ids, classes and parts.
    pub samples: Samples,
    /// Where the pictures are from, in a few words.
    pub title: String,
    /// What was left out or repaired.
    pub notices: Vec<String>,
    /// (pictures, channels, height, width).
    planes: Tensor,
}

/// The pictures of one seed.
pub struct PictureParts {
    /// To learn from.
    pub training: Examples,
    /// To choose on.
    pub validation: Examples,
    /// That no choice was made on.
    pub test: Examples,
    /// The samples of the test, in its order.
    pub test_samples: Samples,
}

impl PictureParts {
    /// Accuracies on the test of guessing, and of naming its most frequent class.
    pub fn baselines(&self) -> [f64; 2] {
        let (labels, classes) = (&self.test_samples.labels, self.test_samples.classes.len());
        let count = |class: usize| labels.iter().filter(|label| **label == class).count();
        let largest = (0..classes).map(count).max().unwrap_or(0);
        [1.0 / classes as f64, largest as f64 / labels.len().max(1) as f64]
    }

    /// What a network says of every test picture, as predictions.csv.
    ///
    /// # Errors
    /// If the network fails.
    pub fn predictions(
        &self,
        model: &dyn Model,
        params: &mut Params,
        (label, seed): (&str, u64),
    ) -> Result<Vec<u8>, StudyError> {
        let network = model.build(params)?;
        let Samples { classes, ids, labels, .. } = &self.test_samples;
        let all: Vec<u32> = (0..labels.len() as u32).collect();
        let mut lines = Vec::new();
        for rows in all.chunks(EVALUATED) {
            let examples = self.test.rows(rows, Mode::Eval)?;
            let logits = network.forward(&examples.inputs, Mode::Eval)?.logits.detach().to_dtype(DType::F64)?;
            let probabilities = candle_nn::ops::softmax(&logits, 1)?.to_vec2::<f64>()?;
            lines.extend(rows.iter().zip(probabilities).map(|(&row, probabilities)| PredictionLine {
                head: label.into(),
                seed,
                condition: IDEAL.into(),
                sample: ids[row as usize].clone(),
                label: classes[labels[row as usize]].clone(),
                predicted: classes[argmax(&probabilities)].clone(),
                probabilities,
            }));
        }
        predictions_csv(classes, &lines)
    }
}

impl LivePictures {
    /// Reads pictures and passes them through the stages that are not trained: class folders, pictures with boxes in the
    /// layout of Pascal VOC (a folder or a zip file) of which the objects are cut out, or the shirts of Fashion-MNIST.
    ///
    /// # Errors
    /// If pictures or weights cannot be read, or a class has too few pictures.
    pub fn open(config: &LiveStages, data: Option<&Path>, context: &Context) -> Result<Self, StudyError> {
        let row = BackboneRow::named(&config.backbone.name)?;
        let weights = row.trainable_weights(config.backbone.weights.as_deref())?;
        let trunk = Trunk::new(row, &weights)?;
        let transform = config.transform()?;
        let bad = if config.skip_bad { BadPicture::Skip } else { BadPicture::Refuse };
        let mut pictures = match data {
            None => fashion_mnist::shirts()?,
            Some(path) if has_boxes(path) => read_crops(path)?,
            Some(path) => {
                let split = Split { validation: HELD_OUT, seed: 0 };
                read_folder_for(&transform, path, split, bad).map_err(naming_skip_bad)?
            }
        };
        let title = match data {
            None => format!("Fashion-MNIST T-shirt, pullover, shirt · {}", row.name),
            Some(path) => format!("{} · {}", path.display(), row.name),
        };
        let skipped = std::mem::take(&mut pictures.skipped);
        let mut notices = std::mem::take(&mut pictures.notices);
        notices.extend(skipped.into_iter().map(|reason| format!("left out: {reason}")));
        let first = row.layers().len().saturating_sub(config.stages);
        let planes = match first {
            0 => images(&pictures.pictures, &transform)?,
            _ => {
                let stage = trunk.stages()[first - 1].clone();
                let below = AtEdge { trunk: &trunk, transform, stage: Some(&stage.name) };
                let values = run(&below, (&weights, &stage.name), &pictures, context, &mut notices)?;
                let (rows, width) = values.dim();
                // The pictures are squares, so are the planes.
                let side = ((width / stage.channels) as f64).sqrt().round() as usize;
                let (values, _) = values.into_raw_vec_and_offset();
                Tensor::from_vec(values, (rows, stage.channels, side, side), &Device::Cpu)?
            }
        };
        Ok(Self { row, weights, first, samples: pictures.samples, title, notices, planes })
    }

    /// Width of the features.
    pub fn features(&self) -> usize {
        // Validation refuses backbones whose layers are in a file, which alone have no width.
        self.row.width.unwrap_or_default()
    }

    /// The pictures of a seed: the data's own held-out ones are the test, a share of the others validates.
    ///
    /// # Errors
    /// A class with too few pictures.
    pub fn parts(&self, config: &LiveStages, seed: u64) -> Result<PictureParts, StudyError> {
        let mut samples = self.samples.clone();
        HoldOut { validation: config.validation, test: TestRows::Marked, seed }.apply(&mut samples)?;
        // Drawn, because class folders are in the order of the names of their files.
        let order = Stream::named(seed, "pictures of each class").permutation(samples.len());
        let rows = |part: Part, most: usize| -> Vec<usize> {
            let mut counts = vec![0; samples.classes.len()];
            let mut taken: Vec<usize> = order
                .iter()
                .copied()
                .filter(|&row| {
                    let count = &mut counts[samples.labels[row]];
                    let is_in = samples.parts[row] == part && (most == 0 || *count < most);
                    *count += usize::from(is_in);
                    is_in
                })
                .collect();
            taken.sort_unstable();
            taken
        };
        let test = match config.test {
            // The same test pictures under every seed.
            0 => samples.of(Part::Test),
            most => rows(Part::Test, most),
        };
        let part = |rows: &[usize]| self.examples(&samples, rows);
        Ok(PictureParts {
            training: part(&rows(Part::Train, config.labels))?,
            validation: part(&rows(Part::Validation, config.labels))?,
            test: part(&test)?,
            test_samples: samples.select(&test),
        })
    }

    fn examples(&self, samples: &Samples, rows: &[usize]) -> Result<Examples, StudyError> {
        let labels: Vec<u32> = rows.iter().map(|&row| samples.labels[row] as u32).collect();
        let rows: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
        let planes = self.planes.index_select(&Tensor::new(rows, &Device::Cpu)?, 0)?;
        Ok(Examples::new(planes, Tensor::new(labels, &Device::Cpu)?))
    }

    /// The network that is trained: the last stages under a head.
    pub fn model(&self, head: HeadModel) -> TopClassifier {
        TopClassifier { row: self.row, weights: self.weights.clone(), first: self.first, head }
    }
}

/// Pictures (rows, 3, edge, edge).
fn images(pictures: &[Picture], transform: &Transform) -> Result<Tensor, StudyError> {
    let values: Vec<f32> = pictures.iter().flat_map(|picture| transform.apply(picture)).collect();
    Ok(Tensor::from_vec(values, (pictures.len(), 3, transform.crop, transform.crop), &Device::Cpu)?)
}

/// What a trunk makes of pictures, (pictures, width), from the cache if it is there.
fn run(
    trunk: &AtEdge,
    (weights, stage): (&Weights, &str),
    pictures: &Pictures,
    context: &Context,
    notices: &mut Vec<String>,
) -> Result<Array2<f32>, StudyError> {
    // The key of the cache names the backbone alone.
    let digest = *blake3::hash(&[&weights.digest()?[..], stage.as_bytes()].concat()).as_bytes();
    let cache = FeatureCache::new(context.cache);
    context.observer.stage("features", pictures.pictures.len());
    let mut done = 0;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(context.threads).build();
    let pool = pool.map_err(|e| StudyError::Threads { reason: e.to_string() })?;
    let found = pool.install(|| {
        extract(trunk, &digest, pictures, Some(&cache), |count| {
            context.observer.advance(count - done);
            done = count;
            !context.observer.stopped()
        })
    })?;
    let found = found.ok_or(StudyError::Interrupted)?;
    notices.extend(found.notices);
    Ok(found.features.values)
}

/// The last stages of a backbone under a head: planes (batch, channels, height, width) to class scores.
pub struct TopClassifier {
    /// The backbone.
    pub row: &'static BackboneRow,
    /// What its parameters start as.
    pub weights: Weights,
    /// The first stage that is trained, from 0.
    pub first: usize,
    /// Features to class scores.
    pub head: HeadModel,
}

impl TopClassifier {
    /// The same stages under this head.
    pub fn with_head(&self, head: HeadModel) -> Self {
        Self { row: self.row, weights: self.weights.clone(), first: self.first, head }
    }

    /// The stages alone.
    ///
    /// # Errors
    /// As [`TopStages::on`].
    pub fn stages(&self, params: &mut Params) -> Result<TopStages, NnError> {
        TopStages::on(params, self.row, &self.weights, self.first)
    }

    /// Its stages as layers from input to output, and everything else as the head.
    pub fn groups(&self, params: &Params) -> LayerGroups {
        LayerGroups::of_trunk(self.row.layers().into_iter().skip(self.first).collect(), params)
    }
}

struct Built {
    stages: TopStages,
    head: Arc<dyn Head>,
}

impl Model for TopClassifier {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        Ok(Box::new(Built { stages: self.stages(params)?, head: self.head.build(params)? }))
    }
}

impl Network for Built {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let features = self.stages.features(first(inputs)?)?;
        let logits = self.head.logits(&features)?;
        Ok(Output::new(features, logits))
    }
}
