//! What a run is told.

use serde::{Deserialize, Serialize};

use crate::nn::NnError;
use crate::nn::head::{Body, HeadRow};
use crate::nn::optim::{Method, Schedule};
use crate::study::StudyError;
use crate::study::train::TrainConfig;
use crate::systems::plasticity::stand_ins::{SETTINGS, SettingRow};
use crate::systems::spec::Circuit;
use crate::transfer::{Utility, Value};

/// The version of this file format.
pub const FORMAT: &str = "qgraft.plasticity/1";

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Format and version of this file.
    pub format: String,
    /// One source phase per setting and seed, from which every arm starts.
    pub seeds: Vec<u64>,
    /// Rows of the table of settings.
    pub settings: Vec<String>,
    /// Row of the table of heads that target networks get.
    pub head: String,
    /// How useful a weight is.
    pub utilities: Vec<Utility>,
    /// Shares of weights to replace, in 0..=1.
    pub shares: Vec<f64>,
    /// Largest utilities to replace, in mean utilities of a tensor.
    pub thresholds: Vec<f64>,
    /// What weights are replaced by.
    pub values: Vec<Value>,
    /// Where weights are replaced.
    pub layers: Vec<Layers>,
    /// Epochs in which the head alone learns, before anything is chosen: gradients under an untrained head are noise.
    pub head_epochs: usize,
    /// Batches whose gradients are averaged.
    pub batches: usize,
    /// Batches that running statistics see after it.
    pub calibration: usize,
    /// The circuit of a quantum head.
    pub circuit: Circuit,
    /// The settings on digits.
    pub digits: Digits,
    /// The settings on drawn pictures.
    pub pictures: Pictures,
}

/// Layers of a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layers {
    /// All of them.
    All,
    /// The third next to the input, at least one.
    First,
    /// The third next to the head, at least one.
    Last,
}

/// The settings on digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Digits {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Rows of a source task.
    pub rows: usize,
    /// Dataset tasks with random labels.
    pub tasks: usize,
    /// The same before the useful one.
    pub useful_tasks: usize,
    /// How each of them is trained.
    pub random: TrainConfig,
    /// How the useful one is trained.
    pub useful: TrainConfig,
    /// Labelled digits.
    pub labels: usize,
    /// The same after the useful source.
    pub useful_labels: usize,
    /// How they are learned.
    pub target: TrainConfig,
}

/// The settings on drawn pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pictures {
    /// Pixels along an edge.
    pub edge: usize,
    /// Channels of the convolutions.
    pub channels: Vec<usize>,
    /// Pictures of each class to learn from first.
    pub source_rows: usize,
    /// The same afterwards.
    pub labels: usize,
    /// The same to judge on.
    pub test_rows: usize,
    /// How the source is learned.
    pub source: TrainConfig,
    /// How the target is learned.
    pub target: TrainConfig,
}

impl Default for Digits {
    fn default() -> Self {
        let descent = Method::Sgd { momentum: 0.0 };
        Self {
            hidden: vec![100; 3],
            rows: 600,
            tasks: 25,
            useful_tasks: 15,
            random: TrainConfig::new(25, 32, 0.15, descent),
            useful: TrainConfig::new(60, 32, 0.05, descent),
            labels: 300,
            useful_labels: 150,
            target: TrainConfig::new(30, 32, 0.15, descent),
        }
    }
}

impl Default for Pictures {
    fn default() -> Self {
        let cosine = |epochs, rate| TrainConfig {
            schedule: Schedule::Cosine { floor: 0.0 },
            ..TrainConfig::new(epochs, 32, rate, Method::adamw(0.05))
        };
        Self {
            edge: 12,
            channels: vec![8, 16, 32],
            source_rows: 80,
            labels: 50,
            test_rows: 50,
            source: cosine(12, 3e-3),
            target: cosine(30, 3e-3),
        }
    }
}

impl Default for Spec {
    /// The quick run: one seed and a few cells of the grid.
    fn default() -> Self {
        Self {
            format: FORMAT.into(),
            seeds: vec![0],
            settings: SETTINGS.iter().map(|row| row.name.into()).collect(),
            head: "linear".into(),
            utilities: vec![Utility::Gradient, Utility::Magnitude, Utility::Random],
            shares: vec![0.1, 0.3],
            thresholds: Vec::new(),
            values: vec![Value::Resample],
            layers: vec![Layers::All],
            head_epochs: 1,
            batches: 8,
            calibration: 16,
            circuit: Circuit { ansatz: "reuploading".into(), ..Circuit::default() },
            digits: Digits::default(),
            pictures: Pictures::default(),
        }
    }
}

impl Spec {
    /// The whole grid under ten seeds.
    pub fn full(&mut self) {
        self.seeds = (0..10).collect();
        self.shares = vec![0.001, 0.01, 0.05, 0.1, 0.2, 0.3];
        self.thresholds = vec![0.01, 0.1, 0.5];
        self.values = vec![Value::Resample, Value::Zero, Value::Matched];
        self.layers = vec![Layers::All, Layers::First, Layers::Last];
    }

    /// The file that reads back to the same spec.
    pub fn to_toml(&self) -> String {
        // Numbers, strings, lists and tables only: nothing TOML cannot hold.
        toml::to_string_pretty(self).expect("a spec is plain data")
    }

    /// Checks names against the tables and numbers against their ranges.
    ///
    /// # Errors
    /// Naming the field, its value, and what it may be.
    pub fn check(&self) -> Result<(), StudyError> {
        let setting = |field, value: String, reason| Err(NnError::Setting { field, value, reason }.into());
        if self.format != FORMAT {
            return setting("format", self.format.clone(), "this version reads qgraft.plasticity/1");
        }
        let (digits, pictures) = (&self.digits, &self.pictures);
        let counts = [
            ("seeds", self.seeds.len()),
            ("settings", self.settings.len()),
            ("head_epochs", self.head_epochs),
            ("batches", self.batches),
            ("digits.hidden", digits.hidden.iter().copied().min().unwrap_or(0)),
            ("digits.rows", digits.rows),
            ("digits.labels", digits.labels.min(digits.useful_labels)),
            ("pictures.edge", pictures.edge),
            ("pictures.channels", pictures.channels.iter().copied().min().unwrap_or(0)),
            ("pictures.source_rows", pictures.source_rows),
            ("pictures.labels", pictures.labels),
            ("pictures.test_rows", pictures.test_rows),
        ];
        if let Some((field, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return setting(field, "0".into(), "at least one is needed");
        }
        if digits.rows + digits.labels.max(digits.useful_labels) > 1500 {
            let value = format!("{} and {}", digits.rows, digits.labels.max(digits.useful_labels));
            return setting("digits.rows, labels", value, "of 1,797 digits use at most 1,500, the others judge");
        }
        if let Some(share) = self.shares.iter().find(|share| !(0.0..=1.0).contains(*share)) {
            return setting("shares", share.to_string(), "use shares from 0 to 1");
        }
        if let Some(factor) = self.thresholds.iter().find(|factor| !(**factor >= 0.0 && factor.is_finite())) {
            return setting("thresholds", factor.to_string(), "use numbers that are not negative");
        }
        let configs = [
            ("digits.random", digits.random),
            ("digits.useful", digits.useful),
            ("digits.target", digits.target),
            ("pictures.source", pictures.source),
            ("pictures.target", pictures.target),
        ];
        for (field, TrainConfig { epochs, batch, rate, .. }) in configs {
            if epochs < 2 || batch == 0 || !(rate > 0.0 && rate.is_finite()) {
                let value = format!("{epochs} epochs, batch {batch}, rate {rate}");
                return setting(field, value, "use at least two epochs and positive numbers");
            }
        }
        if self.head_epochs >= digits.target.epochs.min(pictures.target.epochs) {
            return setting("head_epochs", self.head_epochs.to_string(), "use fewer than the epochs on the target");
        }
        if matches!(HeadRow::named(&self.head)?.body, Body::Kernel) {
            return setting("head", self.head.clone(), "use a head that is trained by gradients");
        }
        self.settings.iter().try_for_each(|name| SettingRow::named(name).map(drop))
    }
}
