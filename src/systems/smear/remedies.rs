//! The detectors of the ensemble: one network trained with different remedies for rare classes.

use std::path::Path;

use candle_core::{DType, Tensor};
use serde::{Deserialize, Serialize};

use crate::classic::boxes::Detection;
use crate::data::{Sampler, class_weights, picture_weights};
use crate::nn::{Model, ModelHeader, NnError, Params, Weights};
use crate::study::train::{TrainConfig, TrainingLoop};
use crate::study::{Observer, StudyError};
use crate::systems::inputs::Backbone;
use crate::systems::methods::Beside;
use crate::systems::smear::cells::{BOX, Field, SOURCE_CLASSES};
use crate::systems::smear::detector::{CentreLoss, Detector, with_box_size};
use crate::systems::smear::field_dataset::FieldDataset;
use crate::systems::smear::inputs::{Inputs, labels};
use crate::systems::smear::pretrained::Pretrained;
use crate::systems::smear::spec::Spec;
use crate::transfer::schedule::Full;

/// A remedy for rare classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// None.
    None,
    /// Rare classes have a larger weight in the loss.
    Weighted,
    /// Fields with rare classes are drawn more often.
    Resampled,
    /// The detector is pretrained on single cells of a related collection, or has a pretrained network below it.
    Transferred,
}

/// A remedy by name.
#[derive(Debug)]
pub struct RemedyRow {
    /// Its name.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// The remedy.
    pub remedy: Remedy,
}

/// The plain detector, and the three remedies that are fused.
pub static REMEDIES: [RemedyRow; 4] = [
    RemedyRow { name: PLAIN, doc: "the detector without a remedy; not in the ensembles", remedy: Remedy::None },
    RemedyRow {
        name: "weighted",
        doc: "each class has the weight (N / (K n))^½ in the loss, clamped to 0.5..5, then scaled to mean 1",
        remedy: Remedy::Weighted,
    },
    RemedyRow {
        name: "resampled",
        doc: "fields are drawn in proportion to the mean of N / n over their cells",
        remedy: Remedy::Resampled,
    },
    RemedyRow {
        name: "transferred",
        doc: "drawn fields: pretrained on single cells of five coarser classes and another stain, then with a new last layer; \
              photographs: on a network pretrained on ImageNet, whose upper stages are trained",
        remedy: Remedy::Transferred,
    },
];

/// Index of the remedy that transfers.
pub const TRANSFERRED: usize = 3;

/// The detector without a remedy.
pub const PLAIN: &str = "plain";

/// Boxes of a detector by field, best score first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Boxes {
    /// In the validation fields.
    pub validation: Vec<Vec<Detection>>,
    /// In the test fields.
    pub test: Vec<Vec<Detection>>,
}

/// A trained detector.
pub struct TrainedDetector {
    detector: Detector,
    params: Params,
}

impl TrainedDetector {
    /// Trains the detector with row `index` of [`REMEDIES`] under `seed`, and on the fields by the methods of a level beside it.
    pub fn train(
        spec: &Spec,
        inputs: &Inputs,
        (index, method): (usize, &str),
        seed: u64,
        observer: &dyn Observer,
    ) -> Result<Self, StudyError> {
        // Each remedy has initial weights of its own, as each seed has: ensembles of seeds and of remedies differ in the
        // remedy alone.
        let seed = seed * REMEDIES.len() as u64 + index as u64;
        let remedy = REMEDIES[index].remedy;
        let (mut detector, classes) = (detector(spec, inputs), inputs.classes.len());
        let mut params = Params::new(seed, DType::F32);
        if remedy == Remedy::Transferred {
            detector.pretrained = inputs.pretrained.clone();
        }
        if remedy == Remedy::Transferred && detector.pretrained.is_none() {
            let source = Detector { classes: SOURCE_CLASSES, head: SOURCE_HEAD, typical_edge: BOX, ..detector.clone() };
            let dataset = FieldDataset { fields: &inputs.source, detector: &source };
            let loss = CentreLoss { weights: vec![1.0; SOURCE_CLASSES] };
            // As many cells in a step as a batch of fields has.
            let config = TrainConfig { batch: spec.train.batch * spec.cells, ..spec.train };
            TrainingLoop { observer, ..TrainingLoop::new(&source, &dataset, &loss, &config, seed) }
                .run(&mut params, &mut Full)?;
        }
        let labels = labels(&inputs.training);
        let weights = match remedy {
            Remedy::Weighted => loss_weights(&labels.concat(), classes),
            _ => vec![1.0; classes],
        };
        let sampler = match remedy {
            Remedy::Resampled => Sampler::Weighted(picture_weights(&labels, classes, 1.0)),
            _ => Sampler::Shuffled,
        };
        let dataset = FieldDataset { fields: &inputs.training, detector: &detector };
        let loss = CentreLoss { weights };
        let training =
            TrainingLoop { observer, sampler, ..TrainingLoop::new(&detector, &dataset, &loss, &spec.train, seed) };
        if let Some(pretrained) = &detector.pretrained {
            detector.build(&mut params)?;
            let rates = pretrained.learning_rates(&params);
            let mut method = Beside::new(rates.clone(), method, &pretrained.groups(&params))?;
            training.run(&mut params, &mut method)?;
            params.merge_adapters()?;
            // What is evaluated is what is stored.
            params.round_to_half(&rates)?;
            params.freeze();
        } else {
            detector.build(&mut params)?;
            let mut method = Beside::new(Full, method, &detector.groups(&params))?;
            training.run(&mut params, &mut method)?;
            params.merge_adapters()?;
        }
        Ok(Self { detector, params })
    }

    /// Boxes in the validation and test fields.
    pub fn boxes(&mut self, inputs: &Inputs) -> Result<Boxes, StudyError> {
        let mut detect = |fields| {
            let boxes = self.detector.detect(&mut self.params, fields)?;
            Ok::<_, StudyError>(with_box_size(&boxes, inputs.box_size))
        };
        Ok(Boxes { validation: detect(&inputs.validation)?, test: detect(&inputs.test)? })
    }

    /// The parameters as a safetensors file, whose metadata say what they belong to.
    pub fn to_bytes(&self, spec: &Spec, inputs: &Inputs) -> Result<Vec<u8>, StudyError> {
        let size = inputs.training.first().map_or((0, 0), |field| (field.picture.width, field.picture.height));
        let header = DetectorHeader {
            classes: inputs.classes.clone(),
            width: self.detector.width,
            typical_edge: self.detector.typical_edge,
            field: size,
            box_size: inputs.box_size,
            backbone: match &self.detector.pretrained {
                Some(pretrained) => Some((spec.backbone.clone(), pretrained.digest()?)),
                None => None,
            },
        };
        // Of a pretrained network what was trained, in half precision; the rest comes with the network.
        let rates = self.detector.pretrained.as_ref().map(|pretrained| pretrained.learning_rates(&self.params));
        let is_own = |name: &str| match &rates {
            Some(rates) => self.params.trainable().any(|(own, _)| own == name) && rates.is_trainable(name),
            None => !name.starts_with(SOURCE_HEAD),
        };
        let own = self.params.iter().filter(|(name, _)| is_own(name));
        let dtype = if rates.is_some() { DType::F16 } else { DType::F32 };
        let tensors: Vec<(&str, Tensor)> = own
            .map(|(name, var)| Ok((name, var.as_detached_tensor().to_dtype(dtype)?)))
            .collect::<Result<_, candle_core::Error>>()?;
        Ok(header.to_bytes(tensors)?)
    }

    /// A detector from a file alone, with what its metadata say.
    pub fn open(bytes: &[u8], path: &Path) -> Result<(Self, DetectorHeader), StudyError> {
        let failed = |reason: String| NnError::File { path: path.into(), reason };
        let header = DetectorHeader::read(bytes, path)?;
        let mut detector = Detector {
            width: header.width,
            classes: header.classes.len(),
            head: "head",
            typical_edge: header.typical_edge,
            pretrained: None,
        };
        let mut params = Params::new(0, DType::F32);
        if let Some((backbone, digest)) = &header.backbone {
            let pretrained = Pretrained::open(backbone)?;
            if pretrained.digest()? != *digest {
                return Err(failed(format!("the weights of {} are not those of its training", backbone.name)).into());
            }
            detector.pretrained = Some(pretrained);
            detector.build(&mut params)?;
            params.load_matching(&Weights::from_safetensors(bytes, path.display().to_string())?)?;
            params.freeze();
        } else {
            detector.build(&mut params)?;
            params.load_bytes(bytes, path)?;
        }
        Ok((Self { detector, params }, header))
    }

    /// Boxes in new fields, as shares of each.
    pub fn detect(&mut self, fields: &[Field]) -> Result<Vec<Vec<Detection>>, StudyError> {
        self.detector.detect(&mut self.params, fields)
    }

    /// A detector from the bytes of [`TrainedDetector::to_bytes`] under the same settings.
    pub fn from_bytes(spec: &Spec, inputs: &Inputs, bytes: &[u8]) -> Result<Self, StudyError> {
        let detector = detector(spec, inputs);
        let mut params = Params::new(0, DType::F32);
        detector.build(&mut params)?;
        params.load_bytes(bytes, Path::new(DETECTOR_FILE))?;
        Ok(Self { detector, params })
    }

    /// The last layer's input at `points` (x, y as shares of the picture) of each field: by field, point, channel.
    pub fn features_at(
        &mut self,
        fields: &[Field],
        points: &[Vec<[f64; 2]>],
    ) -> Result<Vec<Vec<Vec<f32>>>, StudyError> {
        self.detector.features_at(&mut self.params, fields, points)
    }
}

/// Name of the last layer of the source task.
const SOURCE_HEAD: &str = "source_head";

/// What the parameters of a detector belong to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DetectorHeader {
    /// Class names.
    pub classes: Vec<String>,
    /// Channels.
    pub width: usize,
    /// Edge of a typical box, pixels of a field.
    pub typical_edge: f64,
    /// Width and height of a field, pixels.
    pub field: (usize, usize),
    /// Width and height of every box as shares of the field, where all boxes are of one size.
    pub box_size: Option<[f64; 2]>,
    /// The pretrained network below it, with the digest of its weights.
    pub backbone: Option<(Backbone, String)>,
}

impl ModelHeader for DetectorHeader {
    const ENTRY: &'static str = "detector";
    const FORMAT: &'static str = "qgraft.detector/1";
    const WHAT: &'static str = "a detector that says what its parameters belong to";
}

/// Name of the file of the parameters.
pub const DETECTOR_FILE: &str = "detector.safetensors";

/// The detector of every remedy.
fn detector(spec: &Spec, inputs: &Inputs) -> Detector {
    Detector {
        width: spec.width,
        classes: inputs.classes.len(),
        head: "head",
        typical_edge: inputs.typical_edge,
        pretrained: None,
    }
}

/// (N / (K n))^½ of each class, clamped to 0.5..5, then scaled to mean 1.
pub fn loss_weights(labels: &[usize], classes: usize) -> Vec<f64> {
    let weights = class_weights(labels, classes, 0.5).into_iter().map(|weight| weight.clamp(0.5, 5.0));
    let weights: Vec<f64> = weights.collect();
    let mean = weights.iter().sum::<f64>() / classes as f64;
    weights.into_iter().map(|weight| weight / mean).collect()
}
