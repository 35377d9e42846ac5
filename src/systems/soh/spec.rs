//! Settings of a run.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::lab::{Preset, Settings, Validation};
use crate::nn::optim::{Method, Schedule};
use crate::sim::sample::affordable;
use crate::study::train::TrainConfig;
use crate::systems::soh::arms::ARMS;
use crate::systems::soh::cell::PREFIX;
use crate::systems::soh::target::TARGETS;

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// New cells and new trainings for each seed.
    pub seeds: Vec<u64>,
    /// Heads of the network: rows of the table of heads. The first chooses λ and is the one of the checks.
    pub heads: Vec<String>,
    /// Rows of the table of targets.
    pub targets: Vec<String>,
    /// A CSV file of lifetimes, one more target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// Rows of the table of arms.
    pub arms: Vec<String>,
    /// λ to choose from, by leaving one source batch out.
    pub lambdas: Vec<f64>,
    /// Numbers of shots under which the circuit of a head is evaluated as well.
    pub shots: Vec<usize>,
    /// Miscoverage of the intervals, strictly between 0 and 1.
    pub alpha: f64,
    /// Checkpoints in the window of a forecast, 2 to 38.
    pub window: usize,
    /// Width of the LSTM's state.
    pub hidden: usize,
    /// Width of the layer behind it.
    pub dense: usize,
    /// Training cells of each source batch.
    pub training_cells: usize,
    /// Validation cells of each source batch.
    pub validation_cells: usize,
    /// Calibration cells of each source batch.
    pub calibration_cells: usize,
    /// Target cells that are adapted to, and as many others whose prefix calibrates.
    pub adaptation_cells: usize,
    /// Target cells that are evaluated, at least 2.
    pub test_cells: usize,
    /// How the networks are trained.
    pub train: TrainConfig,
}

impl Default for Spec {
    /// The quick run: one seed, two targets and a small network.
    fn default() -> Self {
        Self {
            seeds: vec![0],
            heads: vec!["linear".into()],
            targets: vec!["hard".into(), "none".into()],
            data: None,
            arms: ARMS.iter().map(|row| row.name.into()).collect(),
            lambdas: vec![0.0, 0.3],
            shots: vec![16, 256],
            alpha: 0.1,
            window: 10,
            hidden: 16,
            dense: 16,
            training_cells: 5,
            validation_cells: 4,
            calibration_cells: 10,
            adaptation_cells: 6,
            test_cells: 30,
            train: TrainConfig {
                schedule: Schedule::Cosine { floor: 0.01 },
                clip: Some(1.0),
                keep_best: true,
                ..TrainConfig::new(10, 128, 3e-3, Method::ADAM)
            },
        }
    }
}

impl Spec {
    /// Names of all targets: those of the table, then the file's.
    pub fn target_names(&self) -> Vec<String> {
        self.targets.iter().cloned().chain(self.data.as_deref().map(stem)).collect()
    }
}

/// The name of a file without its ending.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.soh/2";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset {
            name: "quick",
            doc: "one seed, two targets and a small network, under a minute; the default",
            apply: |_| {},
        },
        Preset {
            name: "smoke",
            doc: "tiny sizes, one or two seconds, to try the program; the figures are meaningless",
            apply: |spec| {
                spec.targets = vec!["hard".into()];
                (spec.hidden, spec.dense, spec.training_cells, spec.validation_cells) = (4, 4, 1, 1);
                (spec.calibration_cells, spec.adaptation_cells, spec.test_cells) = (2, 2, 4);
                spec.train.epochs = 2;
            },
        },
        Preset {
            name: "full",
            doc: "five seeds, all targets, seven λ and an LSTM of 64, about 40 minutes of processor time",
            apply: |spec| {
                spec.seeds = (0..5).collect();
                spec.targets = TARGETS.iter().map(|row| row.name.into()).collect();
                spec.lambdas = vec![0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0];
                (spec.hidden, spec.dense, spec.training_cells, spec.train.epochs) = (64, 32, 10, 30);
            },
        },
    ];

    fn validate(&self, check: &mut Validation) {
        check
            .list("seeds", &self.seeds)
            .list("heads", &self.heads)
            .names("arms", &self.arms, ARMS.iter().map(|row| row.name))
            .list("lambdas", &self.lambdas)
            .distinct("shots", &self.shots)
            .between("alpha", self.alpha, (0.0, 1.0))
            .whole("window", self.window, 2..=PREFIX - 2)
            .path("data", self.data.as_deref())
            .train("train", &self.train)
            .at_least("train.batch", self.train.batch, 2);
        for head in &self.heads {
            check.trained_head("heads", head);
        }
        if self.data.is_none() {
            check.list("targets", &self.targets);
        }
        check.distinct("targets", &self.targets);
        for target in &self.targets {
            check.name("targets", target, TARGETS.iter().map(|row| row.name));
        }
        if let Some(name) = self.data.as_deref().map(stem).filter(|name| self.targets.contains(name)) {
            check.refuse("data", format!("{name:?}"), "a file whose name is not that of a target beside it");
        }
        for lambda in &self.lambdas {
            check.not_negative("lambdas", *lambda);
        }
        for shots in &self.shots {
            if let Err(error) = affordable(*shots) {
                check.refuse("shots", shots, error.to_string());
            }
            check.count("shots", *shots);
        }
        check.width("hidden", self.hidden).width("dense", self.dense);
        for (field, count) in [
            ("training_cells", self.training_cells),
            ("validation_cells", self.validation_cells),
            ("calibration_cells", self.calibration_cells),
            ("adaptation_cells", self.adaptation_cells),
        ] {
            check.count(field, count);
        }
        // Those of even number calibrate and train the domain classifier, the others evaluate.
        check.at_least("test_cells", self.test_cells, 2);
    }
}
