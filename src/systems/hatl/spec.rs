//! What a run is told.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::nn::NnError;
use crate::nn::head::CircuitConfig;
use crate::nn::head::{Body, HeadRow};
use crate::nn::optim::{Method, Schedule};
use crate::study::StudyError;
use crate::study::train::TrainConfig;
use crate::systems::hatl::arms::{ARMS, ArmRow};
use crate::systems::hatl::search::Search;
use crate::systems::hatl::signs::Camera;
use crate::systems::hatl::task::TaskRow;
use crate::transfer::Rule;

/// The version of this file format.
pub const FORMAT: &str = "qgraft.hatl/2";

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Format and version of this file.
    pub format: String,
    /// Row of the table of tasks: what is learned in the end.
    pub task: String,
    /// Films with texts to learn from (a folder, see `read`), or a folder of classes of pictures; without one, what is
    /// drawn or inside the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// One source phase per seed, from which every arm starts.
    pub seeds: Vec<u64>,
    /// Rows of the table of arms.
    pub arms: Vec<String>,
    /// Row of the table of heads, for a task that tells classes apart.
    pub head: String,
    /// What is learned first.
    pub first: First,
    /// Clips of each class to learn from first.
    pub actions: usize,
    /// Sentences to learn from.
    pub sentences: usize,
    /// Sentences that the schedules watch.
    pub dev: usize,
    /// Sentences to judge on.
    pub test: usize,
    /// Clips of each gloss to learn from, and half as many to watch; or pictures of each class, and as many to watch.
    pub clips: usize,
    /// How well keypoints of drawn films are found.
    pub camera: Camera,
    /// What pictures pass through.
    pub pictures: Pictures,
    /// The network.
    pub sizes: Sizes,
    /// Terms of the loss.
    pub weights: Weights,
    /// How texts are looked for when a translator is judged in the end. Beside the training it says the likeliest words.
    pub search: Search,
    /// When layers are released.
    pub rule: Rule,
    /// How the source is learned.
    pub source: TrainConfig,
    /// How the target is learned: by every arm in as many updates.
    pub target: TrainConfig,
    /// The circuit of a quantum head.
    pub circuit: CircuitConfig,
}

/// What is learned before the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum First {
    /// Gross motions.
    Actions,
    /// Single signs of another language.
    Signs,
}

/// What pictures pass through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pictures {
    /// Row of the table of backbones.
    pub backbone: String,
    /// Weight file; without one the embedded weights, or those of the model hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    /// Pixels of an edge, far fewer than the backbone was pretrained at: one that moves computes everything anew in every
    /// step.
    pub edge: usize,
    /// Factor on the rate of the backbone, whatever the schedule: it knows something, the head does not.
    pub rate: f64,
}

impl Default for Pictures {
    fn default() -> Self {
        Self { backbone: "efficientnet_lite0".into(), weights: None, edge: 32, rate: 0.01 }
    }
}

/// Sizes of backbone and translator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sizes {
    /// Channels of each block of the backbone.
    pub blocks: Vec<usize>,
    /// Width of the translator.
    pub width: usize,
    /// Heads of its attention.
    pub heads: usize,
    /// Its encoder layers.
    pub encoder: usize,
    /// Its decoder layers.
    pub decoder: usize,
    /// Share of the translator's values dropped in training, in 0..1.
    pub dropout: f64,
}

/// Factors on the terms of the loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Weights {
    /// Words of the text.
    pub words: f64,
    /// Glosses of the sentence, by connectionist temporal classification on the encoder.
    pub glosses: f64,
    /// Glosses of frames, from the backbone.
    pub backbone: f64,
    /// The same from the encoder.
    pub encoder: f64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { blocks: vec![32, 32, 48, 48], width: 48, heads: 4, encoder: 1, decoder: 1, dropout: 0.1 }
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self { words: 1.0, glosses: 0.0, backbone: 0.1, encoder: 0.1 }
    }
}

impl Default for Spec {
    /// The quick run: one seed, few sentences and epochs.
    fn default() -> Self {
        let config = |epochs, batch, rate| TrainConfig {
            warm_up: 20,
            clip: Some(1.0),
            keep_best: true,
            ..TrainConfig::new(epochs, batch, rate, Method::adamw(0.01))
        };
        Self {
            format: FORMAT.into(),
            task: "sentences".into(),
            data: None,
            seeds: vec![0],
            arms: ARMS.iter().map(|row| row.name.into()).collect(),
            head: "quantum".into(),
            first: First::Actions,
            actions: 16,
            sentences: 200,
            dev: 40,
            test: 100,
            clips: 8,
            camera: Camera::default(),
            pictures: Pictures::default(),
            sizes: Sizes::default(),
            weights: Weights::default(),
            search: Search::default(),
            rule: Rule {
                warm_up: 3,
                patience: 1,
                cooldown: 1,
                plateau: 0.1,
                near_best: 0.1,
                floor: 0.02,
                ..Rule::default()
            },
            source: TrainConfig { schedule: Schedule::Cosine { floor: 0.01 }, ..config(6, 32, 3e-3) },
            target: config(12, 16, 2e-3),
            circuit: CircuitConfig { qubits: 6, depth: 2, ..CircuitConfig::default() },
        }
    }
}

impl Spec {
    /// The quick run of the task of this name.
    ///
    /// # Errors
    /// If there is no such task.
    pub fn of(task: &str) -> Result<Self, StudyError> {
        let mut spec = Self { task: task.into(), ..Self::default() };
        (TaskRow::named(task)?.quick)(&mut spec);
        Ok(spec)
    }

    /// Five seeds, and as much to learn from as the committed results had.
    ///
    /// # Errors
    /// If there is no such task.
    pub fn full(&mut self) -> Result<(), StudyError> {
        self.seeds = (0..5).collect();
        (TaskRow::named(&self.task)?.full)(self);
        Ok(())
    }

    /// The same with data of one's own, in whose sentences the glosses of single frames are not known.
    pub fn reading(&mut self, data: PathBuf) {
        self.data = Some(data);
        (self.weights.backbone, self.weights.encoder) = (0.0, 0.0);
    }

    /// Reads a spec file; fields it does not name are those of the quick run.
    ///
    /// # Errors
    /// If the file cannot be read or has fields that do not exist.
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

    /// Checks names against the tables and numbers against their ranges.
    ///
    /// # Errors
    /// Naming the field, its value, and what it may be.
    pub fn check(&self) -> Result<(), StudyError> {
        let setting = |field, value: String, reason| Err(NnError::Setting { field, value, reason }.into());
        if self.format != FORMAT {
            return setting("format", self.format.clone(), "this version reads qgraft.hatl/2");
        }
        let counts = [
            ("seeds", self.seeds.len()),
            ("arms", self.arms.len()),
            ("actions", self.actions),
            ("sentences", self.sentences),
            ("dev", self.dev),
            ("clips", self.clips),
            ("sizes.blocks", self.sizes.blocks.iter().copied().min().unwrap_or(0)),
            ("sizes.width", self.sizes.width),
            ("search.beam", self.search.beam),
        ];
        if let Some((field, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return setting(field, "0".into(), "at least one is needed");
        }
        if self.test < 20 {
            return setting("test", self.test.to_string(), "use at least 20, so that new signers are among them");
        }
        if !(self.pictures.rate > 0.0 && self.pictures.rate.is_finite()) {
            return setting("pictures.rate", self.pictures.rate.to_string(), "use a number above 0");
        }
        if !(0.0..1.0).contains(&self.sizes.dropout) {
            return setting("sizes.dropout", self.sizes.dropout.to_string(), "use a share from 0 to below 1");
        }
        let Weights { words, glosses, backbone, encoder } = self.weights;
        if [words, glosses, backbone, encoder].iter().any(|weight| !(*weight >= 0.0 && weight.is_finite())) {
            let value = format!("{words}, {glosses}, {backbone}, {encoder}");
            return setting("weights", value, "use numbers that are not negative");
        }
        let Camera { noise, missing } = self.camera;
        if !(noise >= 0.0 && noise.is_finite() && (0.0..1.0).contains(&missing)) {
            let reason = "use a noise that is not negative, and a share from 0 to below 1";
            return setting("camera", format!("noise {noise}, missing {missing}"), reason);
        }
        if self.pictures.edge < 32 {
            return setting("pictures.edge", self.pictures.edge.to_string(), "use at least 32 pixels");
        }
        if !(self.search.length >= 0.0 && self.search.length.is_finite()) {
            return setting("search.length", self.search.length.to_string(), "use a number that is not negative");
        }
        for (field, config) in [("source", self.source), ("target", self.target)] {
            let TrainConfig { epochs, batch, rate, .. } = config;
            if epochs == 0 || batch < 2 || !(rate > 0.0 && rate.is_finite()) {
                let value = format!("{epochs} epochs, batch {batch}, rate {rate}");
                return setting(field, value, "use positive numbers, and batches of at least 2");
            }
        }
        if matches!(HeadRow::named(&self.head)?.body, Body::Kernel) {
            return setting("head", self.head.clone(), "use a head that is trained by gradients");
        }
        let task = TaskRow::named(&self.task)?;
        if self.data.is_some() && !task.reads {
            return setting(
                "data",
                format!("with task {}", task.name),
                "its clips are drawn; read sentences or pictures",
            );
        }
        for name in &self.arms {
            if ArmRow::named(name)?.fresh && task.source.is_none() {
                let reason =
                    "a pretrained backbone has no start without its source: its statistics are not measured anew";
                return setting("arms", format!("{name} with task {}", task.name), reason);
            }
        }
        Ok(())
    }
}
