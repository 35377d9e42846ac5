//! What a run is told.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::nn::NnError;
use crate::nn::head::{Body, HeadRow};
use crate::nn::optim::{Method, Schedule};
use crate::study::StudyError;
use crate::study::train::Regime;
use crate::systems::hatl::arms::{ARMS, ArmRow};
use crate::systems::spec::Circuit;
use crate::transfer::Rule;

/// The version of this file format.
pub const FORMAT: &str = "qgraft.hatl/1";

/// The head that translates; every other classifies single glosses.
pub const TRANSLATOR: &str = "translator";

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Format and version of this file.
    pub format: String,
    /// One source phase per seed, from which every arm starts.
    pub seeds: Vec<u64>,
    /// Rows of the table of arms.
    pub arms: Vec<String>,
    /// `translator`, or a row of the table of heads that tells single glosses apart.
    pub head: String,
    /// Clips of each action to learn from first.
    pub actions: usize,
    /// Sentences to learn from.
    pub sentences: usize,
    /// Sentences that the schedules watch.
    pub dev: usize,
    /// Sentences to judge on.
    pub test: usize,
    /// Clips of each gloss to learn from under a head that classifies; half as many are watched.
    pub clips: usize,
    /// The network.
    pub sizes: Sizes,
    /// Terms of the loss.
    pub weights: Weights,
    /// When layers are released.
    pub rule: Rule,
    /// How the source is learned.
    pub source: Regime,
    /// How the target is learned: by every arm in as many updates.
    pub target: Regime,
    /// The circuit of a quantum head.
    pub circuit: Circuit,
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
        Self { words: 1.0, backbone: 0.1, encoder: 0.1 }
    }
}

impl Default for Spec {
    /// The quick run: one seed, few sentences and epochs.
    fn default() -> Self {
        let regime = |epochs, batch, rate| Regime {
            warm_up: 20,
            clip: Some(1.0),
            keep_best: true,
            ..Regime::new(epochs, batch, rate, Method::adamw(0.01))
        };
        Self {
            format: FORMAT.into(),
            seeds: vec![0],
            arms: ARMS.iter().map(|row| row.name.into()).collect(),
            head: TRANSLATOR.into(),
            actions: 16,
            sentences: 200,
            dev: 40,
            test: 100,
            clips: 8,
            sizes: Sizes::default(),
            weights: Weights::default(),
            rule: Rule {
                warm_up: 3,
                patience: 1,
                cooldown: 1,
                plateau: 0.1,
                near_best: 0.1,
                floor: 0.02,
                ..Rule::default()
            },
            source: Regime { schedule: Schedule::Cosine { floor: 0.01 }, ..regime(6, 32, 3e-3) },
            target: regime(12, 16, 2e-3),
            circuit: Circuit { qubits: 6, depth: 2, ..Circuit::default() },
        }
    }
}

impl Spec {
    /// Five seeds, 300 sentences and enough epochs to release every layer.
    pub fn full(&mut self) {
        self.seeds = (0..5).collect();
        (self.actions, self.sentences, self.dev, self.test) = (60, 300, 100, 200);
        (self.source.epochs, self.target.epochs) = (12, 25);
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
            return setting("format", self.format.clone(), "this version reads qgraft.hatl/1");
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
        ];
        if let Some((field, _)) = counts.into_iter().find(|(_, count)| *count == 0) {
            return setting(field, "0".into(), "at least one is needed");
        }
        if self.test < 20 {
            return setting("test", self.test.to_string(), "use at least 20, so that new signers are among them");
        }
        if !(0.0..1.0).contains(&self.sizes.dropout) {
            return setting("sizes.dropout", self.sizes.dropout.to_string(), "use a share from 0 to below 1");
        }
        let Weights { words, backbone, encoder } = self.weights;
        if [words, backbone, encoder].iter().any(|weight| !(*weight >= 0.0 && weight.is_finite())) {
            return setting("weights", format!("{words}, {backbone}, {encoder}"), "use numbers that are not negative");
        }
        for (field, regime) in [("source", self.source), ("target", self.target)] {
            let Regime { epochs, batch, rate, .. } = regime;
            if epochs == 0 || batch < 2 || !(rate > 0.0 && rate.is_finite()) {
                let value = format!("{epochs} epochs, batch {batch}, rate {rate}");
                return setting(field, value, "use positive numbers, and batches of at least 2");
            }
        }
        if self.head != TRANSLATOR && matches!(HeadRow::named(&self.head)?.body, Body::Kernel) {
            return setting("head", self.head.clone(), "use a head that is trained by gradients");
        }
        self.arms.iter().try_for_each(|name| ArmRow::named(name).map(drop))
    }
}
