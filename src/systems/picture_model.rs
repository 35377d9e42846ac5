//! A fine-tuned backbone with its head as one file: saved by a trial, applied to new pictures.
//!
//! The file holds what differs from the pretrained weights, which come from the program or from the weight file that the run
//! named; a hash in its header makes sure that they are the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Tensor};
use serde::{Deserialize, Serialize};

use crate::circuit::Circuit;
use crate::data::Transform;
use crate::lab::{Applied, ApplyOptions, ModelChoice, OnnxModel, SavedRun, SavedTrial};
use crate::nn::backbone::{BackboneRow, Trunk, extract};
use crate::nn::head::{CircuitConfig, HeadConfig, HeadModel};
use crate::nn::{ModelHeader, NnError, Params, Weights};
use crate::sim::{Condition, Executions};
use crate::study::train::predict;
use crate::study::{Observer, StudyError};
use crate::systems::inputs::{Backbone, NewData, NewRows, new_pictures};
use crate::systems::live_stages::{AtEdge, LiveStages, TopClassifier};
use crate::systems::saved_head::{answers, classifier_onnx, picture_features};

/// File of a trial with its fine-tuned network.
pub const MODEL_FILE: &str = "model.safetensors";
/// File of a trial with what its network says of every test picture.
pub const PREDICTIONS_FILE: &str = "predictions.csv";

/// The metadata of the file.
#[derive(Serialize, Deserialize)]
struct Header {
    backbone: String,
    /// Of the pretrained weights, in hexadecimal digits.
    weights: String,
    edge: usize,
    head: String,
    circuit: CircuitConfig,
    /// The circuit itself as circuit JSON.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    program: Option<String>,
    classes: Vec<String>,
}

impl ModelHeader for Header {
    const ENTRY: &'static str = "model";
    const FORMAT: &'static str = "qgraft.picture_model/1";
    const WHAT: &'static str = "a fine-tuned network";
}

/// The file of a trained network: its preprocessing, its head and its classes are in the header.
///
/// # Errors
/// If the tensor library fails.
pub fn to_bytes(
    config: &LiveStages,
    circuit: &CircuitConfig,
    model: &TopClassifier,
    params: &Params,
    classes: &[String],
) -> Result<Vec<u8>, StudyError> {
    let header = Header {
        backbone: model.row.name.into(),
        weights: model.weights.digest_text()?,
        edge: config.edge,
        head: model.head.row.name.into(),
        circuit: circuit.clone(),
        program: model.head.ansatz.as_ref().map(|ansatz| ansatz.circuit.to_json()),
        classes: classes.to_vec(),
    };
    let mut tensors = Vec::new();
    for (name, var) in params.iter() {
        let tensor = var.as_detached_tensor();
        let is_same = match model.weights.get(name) {
            Some(known) if known.dims() == tensor.dims() => {
                known.flatten_all()?.to_vec1::<f32>()? == tensor.flatten_all()?.to_vec1::<f32>()?
            }
            _ => false,
        };
        if !is_same {
            tensors.push((name.to_string(), tensor));
        }
    }
    Ok(header.to_bytes(tensors)?)
}

/// A network read back.
pub struct PictureModel {
    /// The classes it tells apart.
    pub classes: Vec<String>,
    trunk: Trunk,
    transform: Transform,
    head: HeadModel,
    params: Params,
}

impl PictureModel {
    /// From the bytes of its file, which errors call `path`. `weights` is the weight file that its run named.
    ///
    /// # Errors
    /// Bytes that are no such file, or other pretrained weights than those it was trained from.
    pub fn from_bytes(bytes: &[u8], path: &Path, weights: Option<&Path>) -> Result<Self, StudyError> {
        let failed = |reason: String| StudyError::from(NnError::File { path: path.into(), reason });
        let header = Header::read(bytes, path)?;
        let row = BackboneRow::named(&header.backbone)?;
        let pretrained = row.trainable_weights(weights)?;
        if pretrained.digest_text()? != header.weights {
            return Err(failed(format!("it was trained from other weights of {} than {}", row.name, pretrained.place)));
        }
        let own = Weights::from_safetensors(bytes, path.display().to_string())?;
        let mut merged: BTreeMap<String, Tensor> = pretrained.iter().map(|(n, t)| (n.into(), t.clone())).collect();
        merged.extend(own.iter().map(|(name, tensor)| (name.to_string(), tensor.clone())));
        let trunk = Trunk::new(row, &Weights::new(merged, own.place.clone())?)?;
        let config = HeadConfig::named(&header.head)?.circuit(header.circuit);
        let mut head = config.model(row.width.unwrap_or_default(), header.classes.len())?;
        if let Some(program) = &header.program {
            let circuit = Circuit::from_json(program).map_err(|e| failed(format!("circuit: {e}")))?;
            head = head.with_circuit(circuit)?;
        }
        let mut params = Params::new(0, DType::F32);
        head.build(&mut params)?;
        params.load_bytes(bytes, path)?;
        let Transform { mean, deviation, .. } = row.transform;
        let transform = Transform { resize: header.edge, crop: header.edge, mean, deviation };
        Ok(Self { classes: header.classes, trunk, transform, head, params })
    }

    /// The network as an ONNX file, from pictures to probabilities; `None` if its head has a circuit.
    ///
    /// # Errors
    /// A backbone with layers of a transformer.
    pub fn to_onnx(&mut self) -> Result<Option<Vec<u8>>, StudyError> {
        let (mut graph, features) = picture_features(&self.trunk, self.transform)?;
        let head = self.head.build(&mut self.params)?;
        let edge = self.transform.crop;
        let view = format!("shorter edge scaled to {edge} pixels, the middle square cut out");
        Ok(classifier_onnx(&mut graph, head.as_ref(), &features, &self.classes, view)?)
    }

    /// What it says of new pictures, its circuit, if it has one, under a condition.
    ///
    /// # Errors
    /// If a picture cannot be read, or the circuit cannot be compiled for the condition.
    pub fn apply(
        mut self,
        title: String,
        seed: u64,
        options: &ApplyOptions,
        observer: &dyn Observer,
    ) -> Result<Applied, StudyError> {
        if self.head.ansatz.is_none() && options.condition != Condition::default() {
            let reason = "the head has no circuit, so devices, shots and mitigation change nothing";
            return Err(NnError::Setting { field: "head", value: self.head.row.name.into(), reason }.into());
        }
        let new = NewData { paths: &options.data, classes: &self.classes, skip_bad: options.skip_bad };
        refuse_other_files(&options.data)?;
        let (pictures, labels) = new_pictures(&new, &self.transform)?;
        let network = AtEdge { trunk: &self.trunk, transform: self.transform, stage: None };
        observer.stage("pictures", pictures.pictures.len());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build();
        let pool = pool.map_err(|e| StudyError::Threads { reason: e.to_string() })?;
        let found = pool.install(|| extract(&network, &[0; 32], &pictures, None, |_| !observer.stopped()))?;
        let values = found.ok_or(StudyError::Interrupted)?.features.values;
        let skipped = pictures.skipped.iter().map(|reason| format!("left out: {reason}")).collect();
        let head = self.head.compile(&Executions::default(), &options.condition, seed)?;
        let (ids, dim) = (pictures.samples.ids, values.dim());
        let features = Tensor::from_vec(values.into_raw_vec_and_offset().0, dim, &candle_core::Device::Cpu)?;
        let probabilities = predict(head.build(&mut self.params)?.as_ref(), &features)?;
        // `answers` reads ids, labels and notices alone.
        let rows = NewRows { values: ndarray::Array2::zeros((0, 0)), ids, labels, notices: skipped };
        let title = match self.head.ansatz {
            Some(_) => format!("{title}; {}", options.condition),
            None => title,
        };
        answers(title, &self.classes, &rows, &probabilities)
    }
}

/// Refuses a file that is no picture by its ending, before it is decoded as one.
fn refuse_other_files(paths: &[PathBuf]) -> Result<(), StudyError> {
    let other = paths.iter().find(|path| path.is_file() && !crate::data::is_picture(path));
    other.map_or(Ok(()), |path| {
        let reason = "no picture by its ending; this model reads pictures and folders of pictures".into();
        Err(NnError::File { path: path.clone(), reason }.into())
    })
}

/// The best network of a run on its validation pictures, of those that the choice leaves.
///
/// # Errors
/// As [`SavedRun::models`].
pub fn best<'r>(run: &'r SavedRun, choice: &ModelChoice) -> Result<&'r SavedTrial, StudyError> {
    let found = run.models(&[MODEL_FILE], choice)?;
    let rank = |trial: &SavedTrial| trial.measurement.get("validation").unwrap_or(-1.0);
    let first = found[0];
    // Of equal ones the first.
    Ok(found.into_iter().fold(first, |best, trial| if rank(trial) > rank(best) { trial } else { best }))
}

/// The network of a trial as an ONNX file. `backbone` is that of the trial's settings.
///
/// # Errors
/// As [`PictureModel::from_bytes`] and [`PictureModel::to_onnx`], or a head with a circuit.
pub fn onnx(trial: &SavedTrial, (field, backbone): (&str, &Backbone)) -> Result<OnnxModel, StudyError> {
    let weights = backbone.weights.as_deref();
    trial.check_contents(field, weights)?;
    let mut model = PictureModel::from_bytes(&trial.file(MODEL_FILE)?, &trial.path(MODEL_FILE), weights)?;
    let reason = "ONNX has no operators for a circuit; name a network without one by --only";
    let refused = NnError::Setting { field: "head", value: model.head.row.name.into(), reason };
    let bytes = model.to_onnx()?.ok_or(refused)?;
    let title = format!(
        "{}; `pictures` (batch, 3, {1}, {1}), RGB from 0 to 255, to `probabilities` (batch, {2})",
        trial.title(),
        model.transform.crop,
        model.classes.len()
    );
    Ok(OnnxModel { title, bytes })
}

/// What the network of a trial says of new pictures. `backbone` is that of the trial's settings.
///
/// # Errors
/// As [`PictureModel::from_bytes`] and [`PictureModel::apply`].
pub fn apply(
    trial: &SavedTrial,
    (field, backbone): (&str, &Backbone),
    options: &ApplyOptions,
    observer: &dyn Observer,
) -> Result<Applied, StudyError> {
    let weights = backbone.weights.as_deref();
    trial.check_contents(field, weights)?;
    let model = PictureModel::from_bytes(&trial.file(MODEL_FILE)?, &trial.path(MODEL_FILE), weights)?;
    model.apply(trial.title(), trial.point.seed(), options, observer)
}
