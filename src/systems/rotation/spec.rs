//! What a run is told.

use serde::{Deserialize, Serialize};

use crate::nn::NnError;
use crate::nn::optim::{Method, Schedule};
use crate::study::StudyError;
use crate::study::train::Regime;
use crate::systems::rotation::heads::{HEADS, HeadRow};

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
    /// Scenes to learn from; each epoch sees each once, under a new angle.
    pub training_scenes: usize,
    /// Scenes to judge on, of either kind.
    pub test_scenes: usize,
    /// Share of training scenes whose angle is known up to a quarter turn only, in 0..=1.
    pub ambiguous: f64,
    /// How the networks are trained.
    pub train: Regime,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            format: FORMAT.into(),
            seeds: (0..3).collect(),
            heads: HEADS.iter().map(|row| row.name.into()).collect(),
            training_scenes: 2000,
            test_scenes: 500,
            ambiguous: 0.1,
            train: Regime {
                schedule: Schedule::Cosine { floor: 0.01 },
                ..Regime::new(12, 32, 2e-3, Method::adamw(0.01))
            },
        }
    }
}

impl Spec {
    /// Cuts it down to what shows in seconds that everything works.
    pub fn quick(&mut self) {
        self.seeds.truncate(1);
        self.training_scenes = self.training_scenes.min(1000);
        self.test_scenes = self.test_scenes.min(200);
        self.train.epochs = self.train.epochs.min(3);
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
        if self.seeds.is_empty() {
            return setting("seeds", "[]".into(), "at least one seed is needed");
        }
        if self.heads.is_empty() {
            return setting("heads", "[]".into(), "at least one head is needed");
        }
        if self.training_scenes == 0 || self.test_scenes == 0 {
            let value = format!("{} and {}", self.training_scenes, self.test_scenes);
            return setting("training_scenes, test_scenes", value, "use at least one scene of each");
        }
        if !(0.0..=1.0).contains(&self.ambiguous) {
            return setting("ambiguous", self.ambiguous.to_string(), "use a share from 0 to 1");
        }
        let Regime { epochs, batch, rate, .. } = self.train;
        if epochs == 0 || batch == 0 || !(rate > 0.0 && rate.is_finite()) {
            return setting("train", format!("{epochs} epochs, batch {batch}, rate {rate}"), "use positive numbers");
        }
        self.heads.iter().try_for_each(|name| HeadRow::named(name).map(drop)).map_err(StudyError::from)
    }
}
