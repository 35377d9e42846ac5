//! The run folder: everything a run leaves behind.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::Tensor;

use crate::circuit::qasm::{WriteOptions, write2, write3};
use crate::circuit::{Ansatz, Circuit, draw};
use crate::data::Samples;
use crate::nn::NnError;
use crate::nn::head::DressedHead;
use crate::sim::Execution;
use crate::study::StudyError;
use crate::study::files::{EpochLine, PredictionLine, RunFolder, predictions_csv, training_log_csv};
use crate::study::report::{Drawing, Report, html, json};
use crate::systems::qtl::Setting;
use crate::systems::qtl::experiment::{Executions, Table, Trained};
use crate::systems::qtl::saved::{measured, numbers};
use crate::systems::qtl::spec::{HeadChoice, Spec};

/// Each file of a run folder and what it holds.
const FILES: [(&str, &str); 10] = [
    ("report.html", "this report, self-contained"),
    ("metrics.json", "every figure of the report"),
    ("predictions.csv", "class probabilities of every head, seed, calibrated setting and validation row"),
    ("training_log.csv", "losses and validation accuracy of every epoch"),
    ("heads.safetensors", "parameters of every trained head, named HEAD/SEED/PARAMETER"),
    ("head.safetensors", "parameters of the exported head alone"),
    ("circuit.json", "its circuit with open slots, lossless"),
    ("circuit.qasm", "its circuit as OpenQASM 2, bound to the first validation row, measured"),
    ("circuit3.qasm", "its circuit as OpenQASM 3: trained weights bound, features as `input float`, measured"),
    ("spec.toml", "the resolved specification; `qgraft run qtl --spec spec.toml` repeats the run"),
];

/// The head whose circuit is drawn and exported: the first circuit head of the spec under its first seed.
pub struct Exported {
    ansatz: Ansatz,
    /// Trained weights, radians.
    weights: Vec<f64>,
    /// Input angles of the first validation row, radians.
    inputs: Vec<f64>,
    label: String,
    seed: u64,
}

impl Exported {
    /// Finds it, or `None` if no head of the spec runs a circuit.
    ///
    /// # Errors
    /// If the head cannot be rebuilt on its parameters.
    pub fn find(
        spec: &Spec,
        heads: &[HeadChoice],
        trained: &mut [Trained],
        table: &Table,
        executions: &Executions,
    ) -> Result<Option<Self>, StudyError> {
        let circuit_head = |t: &&mut Trained| heads[t.head].row.is_dressed();
        let Some(run) = trained.iter_mut().find(circuit_head) else { return Ok(None) };
        let choice = &heads[run.head];
        let shape = spec.shape(table.training.features.dim(1)?, table.classes);
        let family = spec.family()?;
        let Some(ansatz) = choice.row.ansatz(family, &shape)? else { return Ok(None) };
        let execution: Execution = executions.get(choice.row, &Setting::IDEAL, run.seed)?;
        let head = DressedHead::new(&mut run.params, &shape, choice.row.family(family), execution)?;
        let angles = head.circuit().angles(&table.validation.features.narrow(0, 0, 1)?)?;
        let (weights, inputs) = (numbers(head.circuit().weights())?, numbers(&angles)?);
        Ok(Some(Self { ansatz, weights, inputs, label: choice.label.clone(), seed: run.seed }))
    }

    /// The circuit for the report.
    pub fn drawing(&self) -> Drawing {
        let circuit = &self.ansatz.circuit;
        Drawing {
            svg: Some(draw::svg(circuit)),
            text: draw::text(circuit, 120),
            caption: format!(
                "{} on {} qubits, {} operations; slots x are features, w are trained weights",
                self.label,
                circuit.qubits(),
                circuit.ops().len(),
            ),
        }
    }

    fn trained(&self) -> Result<Circuit, StudyError> {
        measured(&self.ansatz, &self.weights)
    }
}

/// Refuses a folder with something in it, or a place that cannot be written to, before the work is done.
///
/// # Errors
/// As [`write`].
pub fn check_free(target: &Path) -> Result<(), StudyError> {
    // Made and dropped again: the folder appears only when a run is whole.
    RunFolder::create(target).map(drop)
}

/// Writes the run folder `target`, all of it or nothing, and returns its path.
///
/// # Errors
/// If the folder is taken or cannot be written.
pub fn write(
    target: &Path,
    spec: &Spec,
    heads: &[HeadChoice],
    trained: &[Trained],
    samples: &Samples,
    mut report: Report,
    exported: Option<&Exported>,
) -> Result<PathBuf, StudyError> {
    let folder = RunFolder::create(target)?;
    let written = |name: &str| {
        exported.is_some() || !["head.safetensors", "circuit.json", "circuit.qasm", "circuit3.qasm"].contains(&name)
    };
    let listed = FILES.iter().filter(|(name, _)| written(name));
    report.files = listed.map(|(name, what)| (name.to_string(), what.to_string())).collect();
    folder.write("spec.toml", spec.to_toml().as_bytes())?;
    folder.write("metrics.json", json(&report)?.as_bytes())?;
    folder.write("report.html", html(&report).as_bytes())?;
    folder.write("predictions.csv", &predictions(heads, trained, samples)?)?;
    folder.write("training_log.csv", &training_log(heads, trained)?)?;
    let mut tensors = HashMap::new();
    for run in trained {
        for (name, var) in run.params.iter() {
            tensors.insert(format!("{}/{}/{name}", heads[run.head].label, run.seed), var.as_tensor().clone());
        }
    }
    save(&folder, "heads.safetensors", &tensors)?;
    if let Some(exported) = exported {
        let prefix = format!("{}/{}/", exported.label, exported.seed);
        let own = tensors.iter().filter_map(|(name, t)| Some((name.strip_prefix(&prefix)?.to_string(), t.clone())));
        save(&folder, "head.safetensors", &own.collect())?;
        let circuit = exported.trained()?;
        let bound = circuit.bind(&exported.inputs).map_err(NnError::from)?;
        folder.write("circuit.json", exported.ansatz.circuit.to_json().as_bytes())?;
        folder.write("circuit.qasm", write2(&bound).map_err(NnError::from)?.as_bytes())?;
        folder.write("circuit3.qasm", write3(&circuit, &WriteOptions::default()).as_bytes())?;
    }
    folder.finish()
}

fn save(folder: &RunFolder, name: &str, tensors: &HashMap<String, Tensor>) -> Result<(), StudyError> {
    let bytes = safetensors::serialize(tensors, None)
        .map_err(|e| StudyError::File { path: folder.path().join(name), source: std::io::Error::other(e) })?;
    folder.write(name, &bytes)
}

fn predictions(heads: &[HeadChoice], trained: &[Trained], samples: &Samples) -> Result<Vec<u8>, StudyError> {
    let rows = samples.of(crate::data::Part::Validation);
    let mut lines = Vec::new();
    for run in trained {
        for (setting, probabilities) in run.judged.iter().filter(|(s, _)| s.is_calibrated()) {
            for (row, &sample) in probabilities.rows().into_iter().zip(&rows) {
                let best = row.iter().enumerate().fold(0, |best, (class, p)| if *p > row[best] { class } else { best });
                lines.push(PredictionLine {
                    head: heads[run.head].label.clone(),
                    seed: run.seed,
                    setting: setting.to_string(),
                    sample: samples.ids[sample].clone(),
                    label: samples.classes[samples.labels[sample]].clone(),
                    predicted: samples.classes[best].clone(),
                    probabilities: row.to_vec(),
                });
            }
        }
    }
    predictions_csv(&samples.classes, &lines)
}

fn training_log(heads: &[HeadChoice], trained: &[Trained]) -> Result<Vec<u8>, StudyError> {
    let line = |run: &Trained, epoch: usize| {
        let at = run.history[epoch];
        EpochLine {
            head: heads[run.head].label.clone(),
            seed: run.seed,
            epoch: epoch + 1,
            learning_rate: at.rate,
            train_loss: at.loss,
            validation_loss: at.evaluation.loss,
            validation_accuracy: at.evaluation.metric,
        }
    };
    let lines = trained.iter().flat_map(|run| (0..run.history.len()).map(|epoch| line(run, epoch)));
    training_log_csv(&lines.collect::<Vec<_>>())
}
