//! A learned map as a file, and what it says of new rows.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use ndarray::{Array1, Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::classic::alignment::Affine;
use crate::data::read_matrix;
use crate::lab::{Applied, ApplyOptions, SavedRun, SavedTrial};
use crate::nn::{Model, ModelHeader, NnError, Params};
use crate::study::StudyError;
use crate::systems::alignment::network::{AlignerNet, Scales};

/// File of a trial with its map.
pub const MODEL_FILE: &str = "aligner.safetensors";

/// File of a trial with its network.
pub const NETWORK_FILE: &str = "aligner_network.safetensors";

/// Parameters of a network at most: one of sizes that a file states is refused before memory is taken for it.
const MOST: usize = 1 << 27;

/// A network and its scales.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct SavedNetwork {
    net: AlignerNet,
    scales: Scales,
}

impl ModelHeader for SavedNetwork {
    const ENTRY: &'static str = "alignment";
    const FORMAT: &'static str = "qgraft.aligner_network/1";
    const WHAT: &'static str = "a network that aligns";
}

/// The file of a network.
pub(super) fn network_bytes(net: &AlignerNet, scales: &Scales, params: &Params) -> Result<Vec<u8>, StudyError> {
    Ok(SavedNetwork { net: net.clone(), scales: scales.clone() }.to_bytes_of(params)?)
}

/// What predicts new rows.
enum Aligner {
    Map(Affine),
    Network(Box<SavedNetwork>, Params),
}

impl Aligner {
    fn of(trial: &SavedTrial) -> Result<Self, StudyError> {
        if trial.has(MODEL_FILE) {
            return Ok(Self::Map(SavedMap::from_bytes(&trial.file(MODEL_FILE)?, &trial.path(MODEL_FILE))?));
        }
        let (bytes, path) = (trial.file(NETWORK_FILE)?, trial.path(NETWORK_FILE));
        let saved = SavedNetwork::read(&bytes, &path)?;
        let (net, scales) = (&saved.net, &saved.scales);
        let rows = [&scales.x_mean, &scales.x_deviation, &scales.y_mean];
        let are_finite = rows.iter().all(|row| row.iter().all(|value| value.is_finite()));
        let is_sound = [net.inputs, net.outputs, net.width].iter().all(|size| (1..=1 << 20).contains(size))
            && (scales.x_mean.len(), scales.x_deviation.len()) == (net.inputs, net.inputs)
            && scales.y_mean.len() == net.outputs
            && are_finite
            && scales.y_deviation.is_finite()
            && scales.x_deviation.iter().all(|deviation| *deviation > 0.0);
        let mut params = Params::new(0, DType::F32).at_most(MOST);
        if is_sound {
            net.build(&mut params)?;
            params.load_bytes(&bytes, &path)?;
            return Ok(Self::Network(Box::new(saved), params));
        }
        let reason = "the parts of its header do not fit each other".into();
        Err(NnError::File { path, reason }.into())
    }

    /// Lengths of a row of inputs and of targets.
    fn sizes(&self) -> (usize, usize) {
        match self {
            Self::Map(map) => map.weights.dim(),
            Self::Network(saved, _) => (saved.net.inputs, saved.net.outputs),
        }
    }

    fn predict(&mut self, rows: ArrayView2<'_, f64>) -> Result<Array2<f64>, StudyError> {
        match self {
            Self::Map(map) => Ok(map.predict(rows)),
            Self::Network(saved, params) => saved.net.predict(params, &saved.scales, rows),
        }
    }
}

/// Sizes of a map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedMap {
    /// Length of a row of inputs.
    pub inputs: usize,
    /// Length of a row of targets.
    pub outputs: usize,
}

impl ModelHeader for SavedMap {
    const ENTRY: &'static str = "alignment";
    const FORMAT: &'static str = "qgraft.aligner/1";
    const WHAT: &'static str = "an aligner";
}

impl SavedMap {
    /// The file of a map.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn to_bytes(&self, map: &Affine) -> Result<Vec<u8>, StudyError> {
        let weights = Tensor::from_iter(map.weights.iter().copied(), &Device::Cpu)?.reshape(map.weights.dim())?;
        let intercepts = Tensor::new(map.intercepts.to_vec(), &Device::Cpu)?;
        Ok(ModelHeader::to_bytes(self, [("weights", weights), ("intercepts", intercepts)])?)
    }

    /// The map of a file, which errors call `path`.
    ///
    /// # Errors
    /// Bytes that are no such file.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Affine, StudyError> {
        let failed = |reason: String| StudyError::from(NnError::File { path: path.into(), reason });
        let Self { inputs, outputs } = Self::read(bytes, path)?;
        let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu).map_err(|e| failed(e.to_string()))?;
        let values = |name: &str| -> Result<Vec<f64>, StudyError> {
            let tensor = tensors.get(name).ok_or_else(|| failed(format!("it lacks the tensor `{name}`")))?;
            let values: Vec<f64> =
                tensor.flatten_all().and_then(|t| t.to_vec1()).map_err(|e| failed(format!("{name}: {e}")))?;
            match values.iter().position(|value| !value.is_finite()) {
                Some(at) => Err(failed(format!("{name}: value {} is {}; the file is damaged", at + 1, values[at]))),
                None => Ok(values),
            }
        };
        let (weights, intercepts) = (values("weights")?, values("intercepts")?);
        if intercepts.len() != outputs || inputs == 0 {
            return Err(failed("the tensors do not fit its header".into()));
        }
        let weights = Array2::from_shape_vec((inputs, outputs), weights);
        let weights = weights.map_err(|_| failed("the tensors do not fit its header".into()))?;
        Ok(Affine { weights, intercepts: Array1::from(intercepts) })
    }
}

/// A map of a run on new inputs: a row of targets for each. Of several maps it is that of the most
/// pairs and the least error of held-out pairs; test rows decide nothing.
///
/// # Errors
/// A run without maps, a file without a matrix of this width.
pub fn apply(run: &SavedRun, options: &ApplyOptions) -> Result<Applied, StudyError> {
    options.refuse_condition()?;
    let mut models = run.models(&[MODEL_FILE, NETWORK_FILE], &options.choice)?;
    models.sort_by(|a, b| {
        let rank = |trial: &SavedTrial| {
            let rows: f64 = trial.point.get("rows").parse().unwrap_or(0.0);
            (-rows, trial.measurement.get("validation").unwrap_or(f64::INFINITY))
        };
        let (a, b) = (rank(a), rank(b));
        a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    let trial = models[0];
    let mut aligner = Aligner::of(trial)?;
    let (inputs, outputs) = aligner.sizes();
    let mut applied = Applied { model: trial.title(), ..Applied::default() };
    let outputs = (1..=outputs).map(|k| format!("y{k}"));
    applied.columns = ["file".to_string(), "row".to_string()].into_iter().chain(outputs).collect();
    for path in &options.data {
        let rows = read_matrix(path, "x")?;
        if rows.ncols() != inputs {
            let reason = format!("rows of {} numbers; the map reads rows of {}", rows.ncols(), inputs);
            return Err(StudyError::Spec { path: path.clone(), reason });
        }
        let predicted = aligner.predict(rows.view())?;
        if let Some(((row, _), value)) = predicted.indexed_iter().find(|(_, value)| !value.is_finite()) {
            let reason =
                format!("row {}: the model answers {value}; a row is far too large, or the model is damaged", row + 1);
            return Err(StudyError::Spec { path: path.clone(), reason });
        }
        for (number, row) in predicted.rows().into_iter().enumerate() {
            let values = row.iter().map(|value| json!(value));
            let first = [json!(path.display().to_string()), json!(number + 1)];
            applied.rows.push(first.into_iter().chain(values).collect());
        }
    }
    Ok(applied)
}
