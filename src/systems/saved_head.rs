//! A trained head of a run folder: for every command and every system that applies one.
//!
//! Everything is read from the folder: the head's file holds its circuit, and the trial holds the settings of its data.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::device::TranspiledCircuit;
use crate::lab::{Applied, ApplyOptions, SavedRun, SavedTrial};
use crate::nn::NnError;
use crate::sim::{Condition, Execution, Executions};
use crate::study::metric::{METRICS, Predictions};
use crate::study::{Observer, StudyError, TrainedHead};
use crate::systems::hold_out::{HoldOutConfig, Rows};
use crate::systems::inputs::{self, Backbone, Data, NewRows};

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

/// Which head of a run folder. What is left open is decided by the validation rows: the highest accuracy after the last
/// epoch, of equal ones the lowest loss, of equal ones the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeadQuery<'a> {
    /// Its label in the run: `NAME` or `NAME@DEVICE`.
    pub label: Option<&'a str>,
    /// The seed it was trained under.
    pub seed: Option<u64>,
    /// Whether it must have a circuit.
    pub with_circuit: bool,
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
    /// Reads a head of a run folder.
    ///
    /// # Errors
    /// A folder without trained heads, or a label or seed that the run does not have; the message lists those there are.
    pub fn read(folder: &Path, query: &HeadQuery) -> Result<Self, StudyError> {
        Self::of_run(&SavedRun::open(folder)?, query)
    }

    /// Reads a head of an opened run.
    ///
    /// # Errors
    /// As [`SavedHead::read`].
    pub fn of_run(run: &SavedRun, query: &HeadQuery) -> Result<Self, StudyError> {
        let found = candidates(run, query)?;
        for trial in found.iter().filter(|trial| trial.has(HEAD_FILE)) {
            let head = TrainedHead::from_bytes(&trial.file(HEAD_FILE)?, &trial.path(HEAD_FILE))?;
            if head.model.ansatz.is_some() || !query.with_circuit {
                let (label, seed) = (label(trial).to_string(), trial.point.seed());
                return Ok(Self { label, seed, head, settings: trial.settings()?, trial: (*trial).clone() });
            }
        }
        let names = distinct(run.trials.iter().filter(|trial| is_head(trial)).map(|trial| label(trial).to_string()));
        let reason = match query.label {
            Some(label) if found.iter().any(|trial| trial.has(KERNEL_FILE)) => {
                format!("{label:?} is a kernel: its circuit runs pairs of rows, so only predict applies it")
            }
            Some(label) => format!("head {label:?} has no circuit; the run has {}", names.join(", ")),
            None => format!("no head with a circuit; the run has {}", names.join(", ")),
        };
        Err(StudyError::SavedRun { path: run.folder.clone(), reason })
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
        self.trial.check_contents("data.path", data.path_for(backbone).as_deref())?;
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
    })
}

/// What the head of a run that the options name predicts for new data.
///
/// # Errors
/// As [`SavedHead::read`] and [`SavedHead::apply`].
pub fn apply(run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Applied, StudyError> {
    let query = HeadQuery { label: options.head.as_deref(), seed: options.seed, with_circuit: false };
    SavedHead::of_run(run, &query)?.apply(options, observer)
}

/// Trials of the heads of a run that a query leaves, the best on validation rows first.
///
/// # Errors
/// As [`SavedHead::read`].
pub fn candidates<'r>(run: &'r SavedRun, query: &HeadQuery) -> Result<Vec<&'r SavedTrial>, StudyError> {
    let refuse = |reason: String| StudyError::SavedRun { path: run.folder.clone(), reason };
    let all: Vec<&SavedTrial> = run.trials.iter().filter(|trial| is_head(trial)).collect();
    if all.is_empty() {
        return Err(refuse("the run keeps no trained head".into()));
    }
    let labels = distinct(all.iter().map(|trial| label(trial).to_string()));
    let is_named = |trial: &&SavedTrial| query.label.is_none_or(|own| label(trial) == own);
    let mut found: Vec<&SavedTrial> = all.into_iter().filter(is_named).collect();
    if found.is_empty() {
        let asked = query.label.unwrap_or_default();
        return Err(refuse(format!("no head {asked:?}; the run has {}", labels.join(", "))));
    }
    let seeds = distinct(found.iter().map(|trial| trial.point.seed().to_string()));
    found.retain(|trial| query.seed.is_none_or(|seed| trial.point.seed() == seed));
    if found.is_empty() {
        let asked = query.seed.unwrap_or_default();
        return Err(refuse(format!("no seed {asked} of this head; the run has {}", seeds.join(", "))));
    }
    found.sort_by(|a, b| rank(b).partial_cmp(&rank(a)).unwrap_or(std::cmp::Ordering::Equal));
    Ok(found)
}

fn is_head(trial: &SavedTrial) -> bool {
    trial.has(HEAD_FILE) || trial.has(KERNEL_FILE)
}

/// Heads of a run are levels of the factor `head`; ways of training one head are arms.
fn label(trial: &SavedTrial) -> &str {
    match trial.point.get("head") {
        "" => trial.point.get("arm"),
        head => head,
    }
}

/// Accuracy on the validation rows after the last epoch, then their negative loss.
fn rank(trial: &SavedTrial) -> (f64, f64) {
    let last = |metric: &str| {
        let curve = trial.measurement.curves.iter().find(|curve| curve.metric == metric)?;
        curve.values.last().copied()
    };
    (last("validation_accuracy").unwrap_or(-1.0), -last("validation_loss").unwrap_or(f64::MAX))
}

fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
