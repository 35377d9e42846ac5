//! What a run is told.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::nn::NnError;
use crate::nn::optim::{Method, Schedule};
use crate::sim::sample::affordable;
use crate::study::StudyError;
use crate::study::train::TrainConfig;
use crate::systems::soh::arms::{ARMS, ArmRow};
use crate::systems::soh::cell::PREFIX;
use crate::systems::soh::network::Forecaster;
use crate::systems::soh::target::{TARGETS, TargetRow};

/// The version of this file format.
pub const FORMAT: &str = "qgraft.soh/1";

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Format and version of this file.
    pub format: String,
    /// New cells and new trainings for each seed.
    pub seeds: Vec<u64>,
    /// Head of the network: a row of the table of heads.
    pub head: String,
    /// Heads that are trained and judged beside it.
    pub beside: Vec<String>,
    /// Rows of the table of targets.
    pub targets: Vec<String>,
    /// A CSV file of lives, one more target.
    pub data: Option<PathBuf>,
    /// Rows of the table of arms.
    pub arms: Vec<String>,
    /// λ to choose from, by leaving one source batch out.
    pub lambdas: Vec<f64>,
    /// Shots under which the circuit of a head is judged as well.
    pub shots: Vec<usize>,
    /// Miscoverage of the intervals.
    pub alpha: f64,
    /// Checkpoints that a forecast looks back at.
    pub window: usize,
    /// Numbers in the state of the LSTM.
    pub hidden: usize,
    /// Width of the layer behind it.
    pub dense: usize,
    /// Cells of each source batch to learn from.
    pub training_cells: usize,
    /// Cells of each source batch to stop by.
    pub validation_cells: usize,
    /// Cells of each source batch for calibration.
    pub calibration_cells: usize,
    /// Target cells that are adapted to, and as many others whose prefix calibrates.
    pub adaptation_cells: usize,
    /// Target cells that are judged.
    pub test_cells: usize,
    /// How the networks are trained.
    pub train: TrainConfig,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            format: FORMAT.into(),
            seeds: (0..2).collect(),
            head: "linear".into(),
            beside: Vec::new(),
            targets: TARGETS.iter().map(|row| row.name.into()).collect(),
            data: None,
            arms: ARMS.iter().map(|row| row.name.into()).collect(),
            lambdas: vec![0.0, 0.1, 1.0],
            shots: vec![16, 256],
            alpha: 0.1,
            window: 10,
            hidden: 32,
            dense: 32,
            training_cells: 10,
            validation_cells: 4,
            calibration_cells: 10,
            adaptation_cells: 6,
            test_cells: 30,
            train: TrainConfig {
                schedule: Schedule::Cosine { floor: 0.01 },
                clip: Some(1.0),
                keep_best: true,
                ..TrainConfig::new(30, 128, 3e-3, Method::ADAM)
            },
        }
    }
}

impl Spec {
    /// Cuts it down to what shows in seconds that everything works.
    pub fn quick(&mut self) {
        self.seeds.truncate(1);
        self.targets.retain(|name| name != "mild" && name != "pybamm");
        self.lambdas = vec![0.0, 0.3];
        self.hidden = self.hidden.min(16);
        self.dense = self.dense.min(16);
        self.training_cells = self.training_cells.min(5);
        self.train.epochs = self.train.epochs.min(10);
    }

    /// Five seeds, the whole grid of λ and an LSTM of 64.
    pub fn full(&mut self) {
        self.hidden = 64;
        self.seeds = (0..5).collect();
        self.lambdas = vec![0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0];
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
            return setting("format", self.format.clone(), "this version reads qgraft.soh/1");
        }
        for (field, count) in [
            ("seeds", self.seeds.len()),
            ("targets", self.targets.len() + usize::from(self.data.is_some())),
            ("arms", self.arms.len()),
            ("lambdas", self.lambdas.len()),
            ("training_cells", self.training_cells),
            ("validation_cells", self.validation_cells),
            ("calibration_cells", self.calibration_cells),
            ("adaptation_cells", self.adaptation_cells),
            ("hidden", self.hidden),
            ("dense", self.dense),
        ] {
            if count == 0 {
                return setting(field, "0".into(), "at least one is needed");
            }
        }
        if self.test_cells < 2 {
            return setting("test_cells", self.test_cells.to_string(), "use at least two");
        }
        if !(2..PREFIX - 1).contains(&self.window) {
            return setting("window", self.window.to_string(), "use 2 to 38 checkpoints");
        }
        if !(self.alpha > 0.0 && self.alpha < 1.0) {
            return setting("alpha", self.alpha.to_string(), "use a share between 0 and 1");
        }
        if let Some(lambda) = self.lambdas.iter().find(|lambda| !(**lambda >= 0.0 && lambda.is_finite())) {
            return setting("lambdas", lambda.to_string(), "use finite numbers, at least 0");
        }
        if self.shots.contains(&0) {
            return setting("shots", "0".into(), "use at least one");
        }
        self.shots.iter().try_for_each(|shots| affordable(*shots).map_err(NnError::from))?;
        let TrainConfig { epochs, batch, rate, .. } = self.train;
        if epochs == 0 || batch < 2 || !(rate > 0.0 && rate.is_finite()) {
            let value = format!("{epochs} epochs, batch {batch}, rate {rate}");
            return setting("train", value, "use at least one epoch, two rows a step, and a positive rate");
        }
        std::iter::once(&self.head)
            .chain(&self.beside)
            .try_for_each(|head| Forecaster::new(self.hidden, self.dense, head).map(drop))?;
        self.arms.iter().try_for_each(|name| ArmRow::named(name).map(drop))?;
        self.targets.iter().try_for_each(|name| TargetRow::named(name).map(drop))?;
        Ok(())
    }
}
