//! A network whose last stages are trained on the patients that are learned from.
//!
//! The stages below stay as they are, so their planes are the features that the arm reads: they are computed once for each picture.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use ndarray::{Array1, Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::data::class_weights;
use crate::lab::Validation;
use crate::nn::backbone::grad_cam::grad_cam;
use crate::nn::backbone::{BackboneRow, Trunk};
use crate::nn::head::{HeadConfig, HeadModel};
use crate::nn::loss::Loss;
use crate::nn::model::Model;
use crate::nn::optim::{Method, Schedule};
use crate::nn::{Backbone as _, Examples, LearningRates, Mode, NnError, Params, Weights};
use crate::study::train::{TrainConfig, TrainingLoop};
use crate::study::{Observer, StudyError};
use crate::systems::inputs;
use crate::systems::live_stages::{AtEdge, TopClassifier};

/// Pictures that a network reads at once when nothing is learned.
const AT_ONCE: usize = 16;

/// Numbers of a picture at most, of those that a file states.
const MOST: usize = 1 << 26;

/// How the last stages of a network are trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tuning {
    /// How many of the last stages are trained.
    pub stages: usize,
    /// Their learning rate, in rates of the linear head.
    pub rate: f64,
    /// The training of both. Classes count alike.
    pub train: TrainConfig,
}

impl Default for Tuning {
    fn default() -> Self {
        let train = TrainConfig::new(15, 16, 1e-3, Method::adamw(1e-4));
        Self { stages: 1, rate: 0.1, train: TrainConfig { schedule: Schedule::Cosine { floor: 0.02 }, ..train } }
    }
}

impl Tuning {
    /// Refuses values out of their range.
    pub fn validate(&self, field: &str, check: &mut Validation) {
        let name = |part: &str| format!("{field}.{part}");
        check
            .whole(&name("stages"), self.stages, 1..=1000)
            .within(&name("rate"), self.rate, 0.0..=100.0)
            .train(&name("train"), &self.train);
    }

    /// Refuses a network whose layers cannot be trained, and one of which no stage would stay as it is.
    pub fn validate_on(&self, field: &str, network: &inputs::Backbone, check: &mut Validation) {
        let name = |part: &str| format!("{field}.{part}");
        let Ok(row) = BackboneRow::named(&network.name) else { return };
        match row.layers().len() {
            0 | 1 => _ = check.refuse("network.name", row.name, "a network whose layers can be trained"),
            stages => _ = check.whole(&name("stages"), self.stages, 1..=stages - 1),
        }
    }
}

/// The network of an arm, cut below the stages that are trained.
pub struct CutNetwork {
    /// The whole network with its pretrained weights.
    pub trunk: Trunk,
    row: &'static BackboneRow,
    weights: Weights,
    /// The first stage that is trained, from 0.
    first: usize,
    /// The stage below it.
    stage: String,
    /// What leaves that stage: channels, height, width.
    shape: [usize; 3],
    /// Of the weights and the stage, for the feature cache.
    pub digest: [u8; 32],
}

impl CutNetwork {
    /// Opens the network of the settings.
    ///
    /// # Errors
    /// Weights that are missing, cannot be read or do not fit, or a network without so many stages.
    pub fn open(network: &inputs::Backbone, stages: usize) -> Result<Self, StudyError> {
        let row = BackboneRow::named(&network.name)?;
        let weights = row.trainable_weights(network.weights.as_deref())?;
        let trunk = Trunk::new(row, &weights)?;
        let first = row.layers().len().saturating_sub(stages);
        let reason = "at least one stage of the network must stay as it is";
        let missing = || NnError::Setting { field: "tuning.stages", value: stages.to_string(), reason };
        let stage = first.checked_sub(1).and_then(|k| trunk.stages().get(k)).ok_or_else(missing)?.name.clone();
        let edge = trunk.transform().crop;
        let black = Tensor::zeros((1, 3, edge, edge), DType::F32, &Device::Cpu)?;
        let (_, channels, height, width) = trunk.stage_output(&black, &stage)?.dims4()?;
        let digest = *blake3::hash(&[&weights.digest()?[..], stage.as_bytes()].concat()).as_bytes();
        Ok(Self { trunk, row, weights, first, stage, shape: [channels, height, width], digest })
    }

    /// The stages that are not trained; their planes in one row are the features.
    pub(super) fn below(&self) -> AtEdge<'_> {
        AtEdge { trunk: &self.trunk, transform: self.trunk.transform(), stage: Some(&self.stage) }
    }

    /// Trains the last stages and a linear head on planes (rows, width) of pictures with or without the finding.
    ///
    /// # Errors
    /// A training that fails or is stopped.
    pub fn fit(
        &self,
        tuning: &Tuning,
        (planes, labels): (ArrayView2<'_, f64>, &[bool]),
        seed: u64,
        observer: &dyn Observer,
    ) -> Result<TunedNetwork, StudyError> {
        let mut network = TunedNetwork::untrained(self.row, self.weights.clone(), (self.first, self.shape), seed)?;
        let classes: Vec<usize> = labels.iter().map(|label| usize::from(*label)).collect();
        let of_class = class_weights(&classes, 2, 1.0);
        let weights: Vec<f32> = classes.iter().map(|class| of_class[*class] as f32).collect();
        let targets: Vec<u32> = classes.iter().map(|class| *class as u32).collect();
        let rows = Examples {
            weights: Some(Tensor::new(weights, &Device::Cpu)?),
            ..Examples::new(network.planes(planes)?, Tensor::new(targets, &Device::Cpu)?)
        };
        let TunedNetwork { model, params, .. } = &mut network;
        let groups = model.groups(params);
        let slower: Vec<(String, f64)> = groups.trunk().map(|name| (name.to_string(), tuning.rate)).collect();
        let mut rates = LearningRates::new(slower);
        let training =
            TrainingLoop { observer, ..TrainingLoop::new(model, &rows, &Loss::CrossEntropy, &tuning.train, seed) };
        training.run(params, &mut rates)?;
        params.set_rates(&rates);
        Ok(network)
    }
}

/// Trained last stages under a linear head.
pub struct TunedNetwork {
    model: TopClassifier,
    params: Params,
    shape: [usize; 3],
}

impl Clone for TunedNetwork {
    fn clone(&self) -> Self {
        let model = self.model.with_head(self.model.head.clone());
        Self { model, params: self.params.clone(), shape: self.shape }
    }
}

/// What a file says of a [`TunedNetwork`] beside its tensors.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TunedHeader {
    network: String,
    first: usize,
    shape: [usize; 3],
}

impl TunedNetwork {
    /// The stages from `first` on as they are in `weights`, under a linear head at its random start.
    fn untrained(
        row: &'static BackboneRow,
        weights: Weights,
        (first, shape): (usize, [usize; 3]),
        seed: u64,
    ) -> Result<Self, NnError> {
        let reason = "its layers are in a file";
        let missing = || NnError::Setting { field: "network", value: row.name.into(), reason };
        let head: HeadModel = HeadConfig::named("linear")?.model(row.width.ok_or_else(missing)?, 2)?;
        let model = TopClassifier { row, weights, first, head };
        let mut params = Params::new(seed, DType::F32);
        model.build(&mut params)?;
        Ok(Self { model, params, shape })
    }

    /// Numbers of a picture that it reads.
    pub fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// Trained parameters; of a network that was read from a file those that can be trained.
    pub fn parameters(&self) -> usize {
        let trained = self.params.trainable().filter(|(name, _)| self.params.is_trainable(name));
        trained.map(|(_, var)| var.elem_count()).sum()
    }

    fn planes(&self, rows: ArrayView2<'_, f64>) -> Result<Tensor, NnError> {
        let [channels, height, width] = self.shape;
        let values: Vec<f32> = rows.iter().map(|value| *value as f32).collect();
        Ok(Tensor::from_vec(values, (rows.nrows(), channels, height, width), &Device::Cpu)?)
    }

    /// The logarithm of the odds of each row of planes.
    ///
    /// # Errors
    /// Rows of another width.
    pub fn decide(&self, rows: ArrayView2<'_, f64>) -> Result<Vec<f64>, StudyError> {
        let mut params = self.params.clone();
        let network = self.model.build(&mut params)?;
        let mut found = Vec::with_capacity(rows.nrows());
        for part in rows.axis_chunks_iter(ndarray::Axis(0), AT_ONCE) {
            let logits = network.forward(&[self.planes(part)?], Mode::Eval)?.logits.detach();
            let logits: Vec<Vec<f64>> = logits.to_dtype(DType::F64)?.to_vec2()?;
            found.extend(logits.into_iter().map(|logits| logits[1] - logits[0]));
        }
        Ok(found)
    }

    /// Grad-CAM of a row of planes at the last stage; `None` where its planes have one value each, as the class token of a ViT.
    ///
    /// # Errors
    /// A row of another width.
    pub fn map(&self, row: ArrayView2<'_, f64>) -> Result<Option<Array2<f64>>, StudyError> {
        let mut params = self.params.clone();
        let planes = self.model.stages(&mut params)?.last_planes(&self.planes(row)?)?.detach().squeeze(0)?;
        let (channels, height, width) = planes.dims3()?;
        if height * width == 1 {
            return Ok(None);
        }
        // The head is linear: its slope by a feature is what one more of it adds.
        let head = self.model.head.build(&mut params)?;
        let axes = Tensor::cat(&[Tensor::eye(channels, DType::F32, &Device::Cpu)?, zeros(channels)?], 0)?;
        let logits: Vec<Vec<f64>> = head.logits(&axes)?.detach().to_dtype(DType::F64)?.to_vec2()?;
        let score = |row: usize| logits[row][1] - logits[row][0];
        let slope = Array1::from_shape_fn(channels, |k| score(k) - score(channels));
        Ok(Some(grad_cam(&planes, slope.view())?))
    }

    /// What a file holds: a header and tensors.
    pub fn parts(&self) -> (TunedHeader, Vec<(String, Tensor)>) {
        let header = TunedHeader { network: self.model.row.name.into(), first: self.model.first, shape: self.shape };
        let tensors = self.params.iter().map(|(name, var)| (name.to_string(), var.as_detached_tensor()));
        (header, tensors.collect())
    }

    /// From what a file holds, which errors call `path`.
    ///
    /// # Errors
    /// Parts that do not fit each other.
    pub fn of_parts(
        header: &TunedHeader,
        tensors: impl IntoIterator<Item = (String, Tensor)>,
        path: &Path,
    ) -> Result<Self, NnError> {
        let weights = Weights::new(tensors, path.display().to_string())?;
        let row = BackboneRow::named(&header.network)?;
        let width = header.shape.iter().try_fold(1usize, |width, side| width.checked_mul(*side));
        if width.is_none_or(|width| width > MOST) {
            let reason = format!("its planes have the shape {:?}", header.shape);
            return Err(NnError::File { path: path.into(), reason });
        }
        let found = Self::untrained(row, weights.clone(), (header.first, header.shape), 0)?;
        let fit = found.params.load_matching(&weights)?;
        if !fit.is_complete() {
            return Err(NnError::Weights { backbone: row.name, place: weights.place, fit: Box::new(fit) });
        }
        Ok(found)
    }
}

fn zeros(width: usize) -> candle_core::Result<Tensor> {
    Tensor::zeros((1, width), DType::F32, &Device::Cpu)
}
