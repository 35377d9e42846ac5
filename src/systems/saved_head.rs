//! A trained head of a run folder: for every command and every system that applies one.
//!
//! Everything is read from the folder: the head's file holds its circuit, and the trial holds the settings of its data.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::data::{Transform, companions};
use crate::device::TranspiledCircuit;
use crate::lab::{Applied, ApplyOptions, ModelChoice, OnnxModel, SavedRun, SavedTrial};
use crate::nn::backbone::{BackboneRow, Network, Trunk};
use crate::nn::onnx::{OnnxAttribute, OnnxFacts, OnnxGraph, OnnxValue};
use crate::nn::{Head, NnError};
use crate::sim::{Condition, Execution, Executions};
use crate::study::metric::{METRICS, Predictions};
use crate::study::{Observer, StudyError, TrainedHead};
use crate::systems::hold_out::{HoldOutConfig, Rows};
use crate::systems::inputs::{self, Backbone, Data, DataKind, NewRows};

/// File of a trial with its trained head.
pub const HEAD_FILE: &str = "head.safetensors";

/// File of a trial with its fitted kernel.
pub const KERNEL_FILE: &str = "kernel.json";
/// File of a trial with its circuit as each device ran it.
pub const TRANSPILED_FILE: &str = "transpiled.json";

/// The circuit of a head as devices run it, by the name of the device. It is stored with the head, so that what is applied
/// or exported later is what was evaluated.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TranspiledCircuits(BTreeMap<String, String>);

impl TranspiledCircuits {
    /// Takes in what runs under a condition; nothing without a device.
    pub fn add(&mut self, condition: &Condition, execution: &Execution) {
        if let (Some(device), Some(transpiled)) = (&condition.device, &execution.transpiled) {
            self.0.entry(device.clone()).or_insert_with(|| transpiled.to_json());
        }
    }

    /// The file; `None` if there are no circuits.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let text = serde_json::to_string(self).expect("texts always serialise");
        (!self.0.is_empty()).then(|| text.into_bytes())
    }
}

/// What of a trial's settings decides the rows of its head.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RowSettings {
    data: Data,
    backbone: Backbone,
    hold_out: HoldOutConfig,
}

/// A trained head of a run folder.
pub struct SavedHead {
    /// Its label in the run.
    pub label: String,
    /// The seed it was trained under.
    pub seed: u64,
    /// The head; its circuit runs without noise.
    pub head: TrainedHead,
    /// The trial that trained it.
    pub trial: SavedTrial,
    settings: RowSettings,
}

impl SavedHead {
    /// Reads the head with a circuit that a choice means, the best on validation rows of several.
    ///
    /// # Errors
    /// A folder without trained heads, a label or seed that the run does not have, or no head with a circuit; the message
    /// lists those there are.
    pub fn with_circuit(folder: &Path, choice: &ModelChoice) -> Result<Self, StudyError> {
        let run = SavedRun::open(folder)?;
        let found = candidates(&run, choice)?;
        for trial in found.iter().filter(|trial| trial.has(HEAD_FILE)) {
            let saved = Self::of_trial(trial)?;
            if saved.head.model.ansatz.is_some() {
                return Ok(saved);
            }
        }
        let reason = match &choice.label {
            Some(label) if found.iter().any(|trial| trial.has(KERNEL_FILE)) => {
                format!("{label:?} is a kernel: its circuit runs pairs of rows, so only predict applies it")
            }
            Some(label) => format!("head {label:?} has no circuit"),
            None => "no head of the run has a circuit".into(),
        };
        Err(StudyError::SavedRun { path: folder.into(), reason })
    }

    /// Reads the head of a trial.
    ///
    /// # Errors
    /// If its file is no trained head.
    pub fn of_trial(trial: &SavedTrial) -> Result<Self, StudyError> {
        let head = TrainedHead::from_bytes(&trial.file(HEAD_FILE)?, &trial.path(HEAD_FILE))?;
        let (label, seed) = (trial.label().to_string(), trial.point.seed());
        Ok(Self { label, seed, head, settings: trial.settings()?, trial: trial.clone() })
    }

    /// Reads the best head without a circuit on validation rows, of those that a choice leaves, and writes it as an ONNX file:
    /// from pictures, with the backbone, or from features if the run read those.
    ///
    /// # Errors
    /// No head without a circuit, or a backbone that cannot be written.
    pub fn onnx(run: &SavedRun, choice: &ModelChoice) -> Result<OnnxModel, StudyError> {
        for trial in candidates(run, choice)?.into_iter().filter(|trial| trial.has(HEAD_FILE)) {
            let saved = Self::of_trial(trial)?;
            if saved.head.model.ansatz.is_none() {
                return saved.to_onnx();
            }
        }
        let reason = match &choice.label {
            Some(label) => {
                format!("head {label:?} has a circuit, which ONNX has no operators for; --format qasm3 writes it")
            }
            None => {
                "every head of the run has a circuit, which ONNX has no operators for; --format qasm3 writes one".into()
            }
        };
        Err(StudyError::SavedRun { path: run.folder.clone(), reason })
    }

    fn to_onnx(&self) -> Result<OnnxModel, StudyError> {
        let RowSettings { data, backbone, .. } = &self.settings;
        let head = self.head.model.build(&mut self.head.params.clone())?;
        let width = self.head.model.shape.features;
        let of_pictures = matches!(data.source, DataKind::Folder | DataKind::FashionMnist);
        let row = BackboneRow::named(&backbone.name)?;
        let (mut graph, input, features, view) = match (of_pictures, row.network) {
            (true, Network::Layers(_)) => {
                self.trial.check_contents("backbone.weights", backbone.weights.as_deref())?;
                let trunk = Trunk::new(row, &row.weights(backbone.weights.as_deref())?)?;
                let transform = row.transform;
                let (graph, features) = picture_features(&trunk, transform)?;
                let view = format!(
                    "shorter edge scaled to {} pixels, the middle {} x {1} pixels cut out",
                    transform.resize, transform.crop
                );
                (graph, format!("`pictures` (batch, 3, {0}, {0}), RGB from 0 to 255", transform.crop), features, view)
            }
            _ => {
                let (graph, features) = OnnxGraph::new("features", &[width]);
                let view = format!("features of {}", backbone.name);
                (graph, format!("`features` (batch, {width})"), features, view)
            }
        };
        let bytes = classifier_onnx(&mut graph, head.as_ref(), &features, &self.head.classes, view)?
            .ok_or_else(|| self.has_circuit())?;
        let title = format!("{}; {input}, to `probabilities` (batch, {})", self.title(), self.head.classes.len());
        Ok(OnnxModel { title, bytes })
    }

    fn has_circuit(&self) -> NnError {
        let reason = "ONNX has no operators for a circuit; --format qasm3 writes it";
        NnError::Setting { field: "head", value: self.label.clone(), reason }
    }

    /// "quantum, seed 3".
    pub fn title(&self) -> String {
        format!("{}, seed {}", self.label, self.seed)
    }

    /// The rows it was trained and evaluated on, with a name for the data and notices. Reads the data of its run again
    /// and takes their features from the cache, or computes them anew.
    ///
    /// # Errors
    /// If the data cannot be read.
    pub fn rows(
        &self,
        (cache, threads): (&Path, usize),
        observer: &dyn Observer,
    ) -> Result<(Rows, String, Vec<String>), StudyError> {
        let RowSettings { data, backbone, hold_out } = &self.settings;
        let path = data.path_for(backbone);
        // Labels beside a file of features.
        let beside = path.iter().flat_map(|path| companions(path).unwrap_or_default()).collect::<Vec<_>>();
        self.trial.check_contents("data.path", path.as_deref())?;
        self.trial.check_contents("data.beside", &beside)?;
        self.trial.check_contents("backbone.weights", backbone.weights.as_deref())?;
        let loaded = inputs::load(data, backbone, (cache, threads), observer)?;
        Ok((Rows::cut(&loaded.features, hold_out, self.seed)?, loaded.title, loaded.notices))
    }

    /// The input angles, radians, of the evaluated row `sample`, counted from 0 as in predictions.csv.
    ///
    /// # Errors
    /// If the data of the run cannot be read, or has fewer rows.
    pub fn angles_of(
        &self,
        sample: usize,
        places: (&Path, usize),
        observer: &dyn Observer,
    ) -> Result<Vec<f64>, StudyError> {
        let rows = self.rows(places, observer)?.0.evaluated;
        if sample >= rows.len() {
            let reason = "the run has fewer evaluated rows; they are counted from 0, as in predictions.csv";
            return Err(NnError::Setting { field: "sample", value: sample.to_string(), reason }.into());
        }
        self.head.input_angles(rows.values.slice(ndarray::s![sample..=sample, ..]))
    }

    /// Executions that run its circuit as its run did on the devices of the run, and transpile it for others.
    ///
    /// # Errors
    /// If what is stored is no transpiled circuit.
    pub fn executions(&self) -> Result<Executions, StudyError> {
        let executions = Executions::default();
        let Some(ansatz) = self.head.model.ansatz.as_ref().filter(|_| self.trial.has(TRANSPILED_FILE)) else {
            return Ok(executions);
        };
        let path = self.trial.path(TRANSPILED_FILE);
        let stored: TranspiledCircuits = serde_json::from_slice(&self.trial.file(TRANSPILED_FILE)?)
            .map_err(|source| StudyError::Json { path: path.clone(), source })?;
        for (device, text) in &stored.0 {
            let transpiled = TranspiledCircuit::from_json(text)
                .map_err(|e| StudyError::SavedRun { path: path.clone(), reason: format!("{device}: {e}") })?;
            executions.remember(device, &ansatz.circuit, transpiled);
        }
        Ok(executions)
    }

    /// What it predicts for new data.
    ///
    /// # Errors
    /// If the data cannot be read, has features of another width, or the circuit cannot be compiled for the condition.
    pub fn apply(&self, options: &ApplyOptions, observer: &dyn Observer) -> Result<Applied, StudyError> {
        let places = (options.cache.as_path(), options.threads);
        let new = inputs::NewData { paths: &options.data, classes: &self.head.classes, skip_bad: options.skip_bad };
        self.trial.check_contents("backbone.weights", self.settings.backbone.weights.as_deref())?;
        let rows = inputs::load_new(&new, &self.settings.backbone, places, observer)?;
        let has_circuit = self.head.model.ansatz.is_some();
        if !has_circuit && options.condition != Condition::default() {
            let reason = "the head has no circuit, so devices, shots and mitigation change nothing";
            return Err(NnError::Setting { field: "head", value: self.label.clone(), reason }.into());
        }
        let head = self.head.compile(&self.executions()?, &options.condition, self.seed)?;
        let probabilities = head.predict(rows.values.view())?;
        let mut applied = answers(self.title(), &self.head.classes, &rows, &probabilities)?;
        if let Some(execution) = &head.model.execution {
            let engine = execution.engine(rows.ids.len());
            applied.model = format!("{}; {}; engine {engine}", self.title(), options.condition);
            applied.notices.extend(execution.notices().iter().cloned());
        }
        Ok(applied)
    }
}

/// A graph with pictures (batch, 3, edge, edge) of values from 0 to 255 as its input, and their features by a trunk. The edge is that
/// of the transform.
///
/// # Errors
/// A trunk with layers of a transformer.
pub(super) fn picture_features(trunk: &Trunk, transform: Transform) -> Result<(OnnxGraph, OnnxValue), NnError> {
    let edge = transform.crop;
    let (mut graph, pictures) = OnnxGraph::new("pictures", &[3, edge, edge]);
    let normal = graph.normalised(&pictures, transform.mean, transform.deviation)?;
    let planes = trunk.write(&mut graph, &normal, (edge, edge), None)?;
    let features = graph.plane_means(&planes);
    Ok((graph, features))
}

/// The file of a classifier: probabilities of these classes from features of a graph; `None` for a head with a circuit. `view` says
/// what its input is made of.
///
/// # Errors
/// If the tensor library fails.
pub(super) fn classifier_onnx(
    graph: &mut OnnxGraph,
    head: &dyn Head,
    features: &OnnxValue,
    classes: &[String],
    view: String,
) -> Result<Option<Vec<u8>>, NnError> {
    let Some(logits) = head.write(graph, features)? else { return Ok(None) };
    let probabilities = graph.node("Softmax", &[&logits], &[("axis", OnnxAttribute::Int(-1))]);
    let metadata = vec![("classes", serde_json::Value::from(classes.to_vec()).to_string()), ("view", view)];
    let facts = OnnxFacts { name: "classifier", output: ("probabilities", classes.len()), metadata };
    Ok(Some(graph.file(&probabilities, &facts)))
}

/// What a classifier says of new rows: class, confidence and probabilities (rows, classes), and metrics where classes are
/// known.
///
/// # Errors
/// If a row of `probabilities` is no distribution.
pub fn answers(
    model: String,
    classes: &[String],
    rows: &NewRows,
    probabilities: &ndarray::Array2<f64>,
) -> Result<Applied, StudyError> {
    let mut columns = ["sample", "predicted", "confidence"].map(String::from).to_vec();
    columns.extend(classes.iter().map(|class| format!("p({class})")));
    columns.push("label".into());
    let known: Vec<usize> = (0..rows.ids.len()).filter(|&row| rows.labels[row].is_some()).collect();
    let labels = known.iter().filter_map(|&row| rows.labels[row]).collect();
    let evaluated = Predictions::new(probabilities.select(ndarray::Axis(0), &known), labels)?;
    let metric = |row: &crate::study::metric::MetricRow| Some((row.name.to_string(), (row.measure)(&evaluated).ok()?));
    let line = |(row, id): (usize, &String)| {
        let values = probabilities.row(row);
        let predicted = crate::math::order::argmax(values);
        let label = rows.labels[row].map_or(serde_json::Value::Null, |label| classes[label].as_str().into());
        let mut cells = vec![id.as_str().into(), classes[predicted].as_str().into(), values[predicted].into()];
        cells.extend(values.iter().map(|&p| serde_json::Value::from(p)));
        cells.push(label);
        cells
    };
    Ok(Applied {
        model,
        columns,
        rows: rows.ids.iter().enumerate().map(line).collect(),
        metrics: METRICS.iter().filter_map(metric).collect(),
        known: known.len(),
        notices: rows.notices.clone(),
        features: None,
    })
}

/// Trials of the heads and kernels of a run that a choice leaves, the best on validation rows first: the highest accuracy
/// after the last epoch, of equal ones the lowest loss, of equal ones the first.
///
/// # Errors
/// As [`SavedRun::models`].
pub fn candidates<'r>(run: &'r SavedRun, choice: &ModelChoice) -> Result<Vec<&'r SavedTrial>, StudyError> {
    let mut found = run.models(&[HEAD_FILE, KERNEL_FILE], choice)?;
    found.sort_by(|a, b| rank(b).partial_cmp(&rank(a)).unwrap_or(std::cmp::Ordering::Equal));
    Ok(found)
}

/// Accuracy on the validation rows after the last epoch, then their negative loss.
fn rank(trial: &SavedTrial) -> (f64, f64) {
    let last = |metric: &str| {
        let curve = trial.measurement.curves.iter().find(|curve| curve.metric == metric)?;
        curve.values.last().copied()
    };
    (last("validation_accuracy").unwrap_or(-1.0), -last("validation_loss").unwrap_or(f64::MAX))
}
