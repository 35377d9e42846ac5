//! What a run is told.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::circuit::ansatz::AnsatzRow;
use crate::nn::NnError;
use crate::nn::head::CircuitConfig;
use crate::nn::head::{Body, HeadRow as GraftRow};
use crate::nn::optim::{Method, Schedule};
use crate::study::StudyError;
use crate::study::train::TrainConfig;
use crate::systems::rotation::heads::{Form, HEADS, HeadRow};
use crate::systems::rotation::photo::Crop;

/// The version of this file format.
pub const FORMAT: &str = "qgraft.rotation/1";

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Format and version of this file.
    pub format: String,
    /// One training of every head per seed.
    pub seeds: Vec<u64>,
    /// Rows of the table of heads.
    pub heads: Vec<String>,
    /// Factors on the learning rate under which `direct` is tried: the one with the lowest mean error on validation
    /// pictures is judged.
    pub rates: Vec<f64>,
    /// Scenes to learn from; each epoch sees each once, under a new angle.
    pub training_scenes: usize,
    /// Scenes to judge on, of either kind, and to choose a rate on.
    pub test_scenes: usize,
    /// Share of training scenes whose angle is known up to a quarter turn only, in 0..=1.
    pub ambiguous: f64,
    /// Photographs instead of scenes; then there is neither transfer nor grafts.
    pub photos: Option<Photos>,
    /// How the networks are trained.
    pub train: TrainConfig,
    /// A backbone that learned classes of scenes before.
    pub transfer: Pretraining,
    /// Heads on that backbone, frozen.
    pub grafts: Grafts,
}

/// Photographs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Photos {
    /// The folder; folders in it are read as well.
    pub folder: PathBuf,
    /// What of a turned photograph is seen.
    pub crop: Crop,
    /// Share of photographs held out, above 0 and below 1: a third of them to choose a rate on, the others to judge on.
    pub held_out: f64,
    /// Leave out photographs that cannot be read, instead of refusing them.
    pub skip_bad: bool,
}

impl Photos {
    /// A fifth held out, the neutral crop.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, crop: Crop::Disc, held_out: 0.2, skip_bad: false }
    }
}

/// Learning classes of upright scenes first, then angles with few labels, beside a network that learns angles from nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pretraining {
    /// Scenes with classes, 0 to leave this part out.
    pub scenes: usize,
    /// How classes are learned.
    pub source: TrainConfig,
    /// Scenes to learn angles from.
    pub labels: usize,
    /// The head.
    pub head: String,
    /// How angles are learned, with a pretrained backbone or without.
    pub target: TrainConfig,
}

/// Heads on the frozen backbone of the transfer, circuits among them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grafts {
    /// Rows of the common table of heads; none leaves this part out.
    pub heads: Vec<String>,
    /// Rows of the table of heads above that are codes: what the heads say.
    pub codes: Vec<String>,
    /// The circuit.
    pub circuit: CircuitConfig,
    /// Fixed views of each training scene.
    pub views: usize,
    /// How heads are trained.
    pub train: TrainConfig,
}

fn cosine(epochs: usize, rate: f64) -> TrainConfig {
    TrainConfig {
        schedule: Schedule::Cosine { floor: 0.01 },
        ..TrainConfig::new(epochs, 32, rate, Method::adamw(0.01))
    }
}

impl Default for Pretraining {
    fn default() -> Self {
        Self { scenes: 1200, source: cosine(6, 2e-3), labels: 250, head: "gaussian".into(), target: cosine(12, 2e-3) }
    }
}

impl Default for Grafts {
    fn default() -> Self {
        Self {
            heads: Vec::new(),
            codes: vec!["unit_vector".into(), "phase_shift".into()],
            circuit: CircuitConfig { ansatz: "reuploading".into(), ..CircuitConfig::default() },
            views: 2,
            train: cosine(20, 2e-3),
        }
    }
}

impl Default for Spec {
    /// The quick cut: one seed.
    fn default() -> Self {
        Self {
            format: FORMAT.into(),
            seeds: vec![0],
            heads: HEADS.iter().map(|row| row.name.into()).collect(),
            rates: vec![1.0],
            training_scenes: 1000,
            test_scenes: 200,
            ambiguous: 0.1,
            photos: None,
            train: cosine(6, 2e-3),
            transfer: Pretraining::default(),
            grafts: Grafts::default(),
        }
    }
}

impl Spec {
    /// The whole comparison under three seeds.
    pub fn full(&mut self) {
        self.seeds = (0..3).collect();
        self.rates = vec![0.1, 0.3, 1.0];
        (self.training_scenes, self.test_scenes) = (2000, 500);
        self.train.epochs = 12;
        (self.transfer.scenes, self.transfer.labels) = (2400, 500);
        self.transfer.source.epochs = 12;
        // As many steps as the heads above get on four times as many scenes.
        self.transfer.target.epochs = 48;
        self.grafts.heads = ["linear", "mlp_a", "separable", "quantum"].map(String::from).to_vec();
        self.grafts.views = 4;
    }

    /// The spec in the TOML file at `path`; what it leaves out is as in the quick cut.
    ///
    /// # Errors
    /// If it cannot be read, or names a field that there is not.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let failed = |reason: String| StudyError::Spec { path: path.into(), reason };
        let text = std::fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
        toml::from_str(&text).map_err(|e| failed(e.to_string()))
    }

    /// The file that reads back to the same spec.
    pub fn to_toml(&self) -> String {
        // Numbers, strings, lists and tables only: nothing TOML cannot hold.
        toml::to_string_pretty(self).expect("a spec is plain data")
    }

    /// Checks names against the table and numbers against their ranges.
    ///
    /// # Errors
    /// Naming the field, its value, and what it may be.
    pub fn check(&self) -> Result<(), StudyError> {
        let setting = |field, value: String, reason| Err(NnError::Setting { field, value, reason }.into());
        if self.format != FORMAT {
            return setting("format", self.format.clone(), "this version reads qgraft.rotation/1");
        }
        let (transfer, grafts) = (&self.transfer, &self.grafts);
        let counts = [
            ("seeds", self.seeds.len()),
            ("heads", self.heads.len()),
            ("rates", self.rates.len()),
            ("training_scenes", self.training_scenes),
            ("test_scenes", self.test_scenes),
            ("transfer.labels", transfer.labels),
            ("grafts.views", grafts.views),
            ("grafts.circuit.depth", grafts.circuit.depth),
        ];
        if let Some((field, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return setting(field, "0".into(), "at least one is needed");
        }
        if !(0.0..=1.0).contains(&self.ambiguous) {
            return setting("ambiguous", self.ambiguous.to_string(), "use a share from 0 to 1");
        }
        if let Some(rate) = self.rates.iter().find(|rate| !(**rate > 0.0 && rate.is_finite())) {
            return setting("rates", rate.to_string(), "use positive numbers");
        }
        if let Some(share) = self.photos.as_ref().map(|photos| photos.held_out).filter(|s| !(*s > 0.0 && *s < 1.0)) {
            return setting("photos.held_out", share.to_string(), "use a share above 0 and below 1");
        }
        let configs = [
            ("train", self.train),
            ("transfer.source", transfer.source),
            ("transfer.target", transfer.target),
            ("grafts.train", grafts.train),
        ];
        for (field, TrainConfig { epochs, batch, rate, .. }) in configs {
            if epochs == 0 || batch == 0 || !(rate > 0.0 && rate.is_finite()) {
                return setting(field, format!("{epochs} epochs, batch {batch}, rate {rate}"), "use positive numbers");
            }
        }
        self.heads.iter().chain([&transfer.head]).try_for_each(|name| HeadRow::named(name).map(drop))?;
        for name in &grafts.codes {
            if !matches!(HeadRow::named(name)?.form, Form::Values(_)) {
                return setting("grafts.codes", name.clone(), "use unit_vector or phase_shift");
            }
        }
        for name in &grafts.heads {
            if matches!(GraftRow::named(name)?.body, Body::Kernel) {
                return setting("grafts.heads", name.clone(), "use a head that is trained by gradients");
            }
        }
        if !grafts.heads.is_empty() && transfer.scenes == 0 {
            return setting(
                "transfer.scenes",
                "0".into(),
                "heads are grafted on the backbone of the transfer: it needs scenes",
            );
        }
        if !(3..=12).contains(&grafts.circuit.qubits) {
            return setting(
                "grafts.circuit.qubits",
                grafts.circuit.qubits.to_string(),
                "use 3 to 12 qubits, one for each phase",
            );
        }
        match AnsatzRow::named(&grafts.circuit.ansatz) {
            Some(_) => Ok(()),
            None => setting("grafts.circuit.ansatz", grafts.circuit.ansatz.clone(), "see qgraft list ansatze"),
        }
    }
}
