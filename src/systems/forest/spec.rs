//! What a run is told.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::data::BUNDLED;
use crate::nn::NnError;
use crate::nn::head::CircuitConfig;
use crate::nn::head::{Body, HeadRow};
use crate::nn::optim::{Method, Schedule};
use crate::study::StudyError;
use crate::study::train::TrainConfig;
use crate::systems::forest::targets::{TARGETS, TargetRow};

/// The version of this file format.
pub const FORMAT: &str = "qgraft.forest/1";

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Format and version of this file.
    pub format: String,
    /// Tables inside the program; used where there is no `data`.
    pub tables: Vec<String>,
    /// A CSV or KEEL file, or a folder of them.
    pub data: Option<PathBuf>,
    /// One split, forest and set of students per seed.
    pub seeds: Vec<u64>,
    /// Share of rows to judge on.
    pub test: f64,
    /// Share of the others to choose on.
    pub validation: f64,
    /// Rows to learn from, at most.
    pub rows: usize,
    /// Trees of the teacher.
    pub trees: usize,
    /// What students learn; rows of the table of targets, in its order.
    pub targets: Vec<String>,
    /// Students: hidden layers and their width. The first is the one that targets are compared on.
    pub shapes: Vec<Shape>,
    /// A row of the table of heads as the student, with the first of the shapes beside it.
    pub head: Option<String>,
    /// The circuit of that head.
    pub circuit: CircuitConfig,
    /// T, with which both sides of the divergence are softened.
    pub temperature: f64,
    /// Share of the labels' cross-entropy in the loss of students that learn from the forest.
    pub labels: f64,
    /// How many rows are made up for each true one.
    pub copies: usize,
    /// How often a made-up row takes a value from another row.
    pub swap: f64,
    /// How near to its neighbour a value of a mixed row lies: a standard deviation of their distance over this.
    pub spread: f64,
    /// Principal components in front of the student that is trained together with them, at most; 0 leaves it out.
    pub components: usize,
    /// How students are trained.
    pub train: TrainConfig,
    /// The forest that becomes a network.
    pub network: Converted,
}

/// Hidden layers of one width, with ReLU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Number of hidden layers.
    pub depth: usize,
    /// Their width.
    pub width: usize,
}

/// A smaller forest, converted exactly, softened and trained on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Converted {
    /// Number of trees.
    pub trees: usize,
    /// Splits above a leaf, at most.
    pub depth: usize,
    /// Steepness of the splits in units of a column's standard deviation.
    pub split: f64,
    /// Steepness of the leaves.
    pub leaf: f64,
    /// Epochs of joint training.
    pub epochs: usize,
    /// Its learning rate.
    pub rate: f64,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            format: FORMAT.into(),
            tables: BUNDLED.iter().map(|row| row.name.into()).collect(),
            data: None,
            seeds: vec![0],
            test: 0.3,
            validation: 0.2,
            rows: 4000,
            trees: 100,
            targets: TARGETS.iter().filter(|row| row.usual).map(|row| row.name.into()).collect(),
            shapes: [(2, 128), (1, 64), (3, 128)].map(|(depth, width)| Shape { depth, width }).to_vec(),
            head: None,
            circuit: CircuitConfig { ansatz: "reuploading".into(), ..CircuitConfig::default() },
            temperature: 1.0,
            labels: 0.0,
            copies: 2,
            swap: 0.3,
            spread: 1.0,
            components: 8,
            train: TrainConfig {
                schedule: Schedule::Cosine { floor: 0.0 },
                patience: Some(20),
                keep_best: true,
                ..TrainConfig::new(60, 64, 1e-3, Method::ADAM)
            },
            network: Converted { trees: 30, depth: 6, split: 100.0, leaf: 10.0, epochs: 5, rate: 1e-3 },
        }
    }
}

impl Spec {
    /// The whole run: more trees, longer trainings.
    pub fn full(&mut self) {
        self.trees = 300;
        self.train.epochs = 200;
    }

    /// The file that reads back to the same spec.
    pub fn to_toml(&self) -> String {
        // Numbers, strings, lists and tables only: nothing TOML cannot hold.
        toml::to_string_pretty(self).expect("a spec is plain data")
    }

    /// Number of students a target is tried on.
    pub fn students(&self) -> usize {
        if self.head.is_some() { 2 } else { self.shapes.len() }
    }

    /// Checks names against their tables and numbers against their ranges.
    ///
    /// # Errors
    /// Naming the field, its value, and what it may be.
    pub fn check(&self) -> Result<(), StudyError> {
        let setting = |field, value: String, reason| Err(NnError::Setting { field, value, reason }.into());
        if self.format != FORMAT {
            return setting("format", self.format.clone(), "this version reads qgraft.forest/1");
        }
        let counts = [
            ("tables", self.tables.len()),
            ("seeds", self.seeds.len()),
            ("targets", self.targets.len()),
            ("shapes", self.shapes.len()),
            ("rows", self.rows),
            ("trees", self.trees),
            ("train.epochs", self.train.epochs),
            ("train.batch", self.train.batch),
            ("network.trees", self.network.trees),
            ("network.depth", self.network.depth),
        ];
        if let Some((field, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return setting(field, "0".into(), "at least one is needed");
        }
        for (field, share) in [("test", self.test), ("validation", self.validation)] {
            if !(share > 0.0 && share < 1.0) {
                return setting(field, share.to_string(), "use a share between 0 and 1");
            }
        }
        for (field, share) in [("labels", self.labels), ("swap", self.swap)] {
            if !(0.0..=1.0).contains(&share) {
                return setting(field, share.to_string(), "use a share from 0 to 1");
            }
        }
        let Converted { split, leaf, rate, .. } = self.network;
        let positive = [
            ("temperature", self.temperature),
            ("spread", self.spread),
            ("train.rate", self.train.rate),
            ("network.split", split),
            ("network.leaf", leaf),
            ("network.rate", rate),
        ];
        if let Some((field, value)) = positive.into_iter().find(|(_, value)| !(*value > 0.0 && value.is_finite())) {
            return setting(field, value.to_string(), "use a positive number");
        }
        if let Some(Shape { depth, width }) = self.shapes.iter().find(|shape| shape.width == 0) {
            return setting("shapes", format!("{depth} layers of {width}"), "a layer needs a width");
        }
        for name in &self.tables {
            if !BUNDLED.iter().any(|row| row.name == name) {
                return Err(StudyError::unknown("table", name, BUNDLED.iter().map(|row| row.name)));
            }
        }
        self.targets.iter().try_for_each(|name| TargetRow::named(name).map(drop))?;
        if let Some(name) = &self.head {
            if matches!(HeadRow::named(name)?.body, Body::Kernel) {
                return setting("head", name.clone(), "use a head that is trained by gradients");
            }
            if crate::circuit::ansatz::AnsatzRow::named(&self.circuit.ansatz).is_none() {
                return setting("circuit.ansatz", self.circuit.ansatz.clone(), "see qgraft list ansatze");
            }
        }
        Ok(())
    }
}
