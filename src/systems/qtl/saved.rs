//! A trained head of a run folder, read back.

use std::path::Path;

use crate::lab::{Point, SavedRun};
use crate::nn::NnError;
use crate::study::{Observer, StudyError, TrainedHead};
use crate::systems::hold_out::Rows;
use crate::systems::inputs;
use crate::systems::qtl::Qtl;
use crate::systems::qtl::heads::HeadChoice;
use crate::systems::qtl::spec::Spec;
use crate::systems::qtl::trial::HEAD_FILE;

/// A head of a run with the settings it was trained by.
pub struct SavedHead {
    /// The settings of the run.
    pub spec: Spec,
    /// Its label in the run.
    pub label: String,
    /// The seed it was trained under.
    pub seed: u64,
    /// The head; its circuit runs without noise.
    pub head: TrainedHead,
}

impl SavedHead {
    /// Reads a head of a run folder: the one of this label and seed, or the first with a circuit and its first seed.
    ///
    /// # Errors
    /// A folder of another kind, or a head or seed that the run does not have.
    pub fn read(folder: &Path, label: Option<&str>, seed: Option<u64>) -> Result<Self, StudyError> {
        let run = SavedRun::<Qtl>::open(folder)?;
        let refuse = |field, value: String, reason| Err(NnError::Setting { field, value, reason }.into());
        let mut circuits: Vec<&Point> = Vec::new();
        for point in run.finished() {
            if HeadChoice::named(point.get("head"), &run.spec.circuit)?.has_circuit() {
                circuits.push(point);
            }
        }
        if let Some(label) = label {
            circuits.retain(|point| point.get("head") == label);
        }
        if circuits.is_empty() {
            let reason = "the run has no trained head with a circuit of this name";
            return refuse("head", label.unwrap_or("any").into(), reason);
        }
        if let Some(seed) = seed {
            circuits.retain(|point| point.seed() == seed);
        }
        let Some(point) = circuits.first() else {
            return refuse("seed", seed.unwrap_or_default().to_string(), "the run has no such seed of this head");
        };
        let trial = run.trial(point)?;
        let missing = || StudyError::MissingTrial { trial: format!("{HEAD_FILE} of {point}") };
        let bytes = trial.files.get(HEAD_FILE).ok_or_else(missing)?;
        let head = TrainedHead::from_bytes(bytes, &folder.join(HEAD_FILE))?;
        let (label, seed) = (point.get("head").to_string(), point.seed());
        Ok(Self { spec: run.spec.clone(), label, seed, head })
    }

    /// The input angles, radians, of the evaluated row `sample`, counted from 0 as in predictions.csv. Reads the run's data
    /// again and takes its features from the cache, or computes them anew.
    ///
    /// # Errors
    /// If the data cannot be read, is not what the head was trained on, or has fewer rows.
    pub fn inputs(
        &self,
        sample: usize,
        (cache, threads): (&Path, usize),
        observer: &dyn Observer,
    ) -> Result<Vec<f64>, StudyError> {
        let loaded = inputs::load(&self.spec.data, &self.spec.backbone, (cache, threads), observer)?;
        let rows = Rows::cut(&loaded.features, &self.spec.hold_out, self.seed)?.evaluated;
        if sample >= rows.len() {
            let reason = "the run has fewer evaluated rows; they are counted from 0, as in predictions.csv";
            return Err(NnError::Setting { field: "sample", value: sample.to_string(), reason }.into());
        }
        self.head.input_angles(rows.values.slice(ndarray::s![sample..=sample, ..]))
    }
}
