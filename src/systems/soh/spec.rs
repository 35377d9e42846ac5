//! Settings of a run.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::lab::{Preset, Settings, Validation};
use crate::nn::optim::{Method, Schedule};
use crate::sim::sample::affordable;
use crate::study::train::TrainConfig;
use crate::systems::conditions::ConditionConfig;
use crate::systems::methods::MethodConfig;
use crate::systems::soh::arms::{ARMS, Adaptation, ArmRow};
use crate::systems::soh::cell::{CHECKPOINTS, PREFIX, STEP};
use crate::systems::soh::network::QUBITS;
use crate::systems::soh::target::TARGETS;
use crate::transfer::Need;

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// New cells and new trainings for each seed.
    pub seeds: Vec<u64>,
    /// Heads of the network: rows of the table of heads. `NAME@DEVICE` is trained under the noise of that device. The first chooses λ and is the one of the checks.
    pub heads: Vec<String>,
    /// Rows of the table of targets.
    pub targets: Vec<String>,
    /// A CSV file of lifetimes, one more target; or a folder of cells, the only target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// Cells of another domain to learn from, where `data` is cells of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<PathBuf>,
    /// Axis of the user's cells.
    #[serde(skip_serializing_if = "Axis::is_default")]
    pub axis: Axis,
    /// State of health at the end of life.
    #[serde(skip_serializing_if = "is_usual_end")]
    pub end: f64,
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
    /// Transfer methods beside the adaptation of an arm.
    #[serde(skip_serializing_if = "MethodConfig::is_empty")]
    pub method: MethodConfig,
    /// Devices under whose noise the circuit of a trained head is evaluated, without and with the numbers of shots in `shots`.
    #[serde(skip_serializing_if = "ConditionConfig::is_default")]
    pub evaluate: ConditionConfig,
}

/// What cells are aged along, and where they are looked at. By default ampere hours in steps of 500.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Axis {
    /// Name of its column in the user's files; by default cycles or throughput.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Units of the axis between two checkpoints.
    pub step: f64,
    /// Checkpoints up to which target cells are labelled.
    pub prefix: usize,
}

impl Default for Axis {
    fn default() -> Self {
        Self { name: None, step: STEP, prefix: PREFIX }
    }
}

impl Axis {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Checkpoints of a user's cell, at most.
const MOST_OWN: usize = 2000;

/// State of health at which a cell is usually replaced.
const END: f64 = 0.8;

fn is_usual_end(end: &f64) -> bool {
    *end == END
}

impl Default for Spec {
    /// The quick run: one seed, two targets and a small network.
    fn default() -> Self {
        Self {
            seeds: vec![0],
            heads: vec!["linear".into()],
            targets: vec!["hard".into(), "none".into()],
            data: None,
            source: None,
            axis: Axis::default(),
            end: END,
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
            method: MethodConfig::default(),
            evaluate: ConditionConfig::default(),
        }
    }
}

impl Spec {
    /// Whether it studies cells of the user: a folder of them, or any with a source.
    pub fn is_own(&self) -> bool {
        self.source.is_some() || self.data.as_ref().is_some_and(|path| path.is_dir())
    }

    /// Takes a file of lifetimes, or a folder of cells with steps of ten cycles, a prefix of 20 steps and five seeds.
    pub fn set_data(&mut self, path: &str) {
        self.data = Some(path.into());
        self.targets.clear();
        if self.is_own() {
            self.own_defaults();
        }
    }

    /// Takes cells to learn from.
    pub fn set_source(&mut self, path: &str) {
        self.source = Some(path.into());
        self.targets.clear();
        self.own_defaults();
    }

    fn own_defaults(&mut self) {
        if self.axis.is_default() {
            self.axis = Axis { name: None, step: 10.0, prefix: 20 };
        }
        if self.seeds == [0] {
            self.seeds = (0..5).collect();
        }
        // λ is chosen on batches of the simulated source, which these cells do not have.
        self.lambdas = vec![0.3];
    }

    /// Checkpoints of the longest lifetime that is looked at.
    pub fn checkpoints(&self) -> usize {
        if self.is_own() { MOST_OWN } else { CHECKPOINTS }
    }

    /// The axis.
    pub fn axis(&self) -> Axis {
        self.axis.clone()
    }

    /// Arms that apply: without a source there is no other domain to adapt to.
    pub fn applying_arms(&self) -> Vec<&'static ArmRow> {
        let rows = self.arms.iter().filter_map(|name| ArmRow::named(name).ok());
        let has_domains = !self.is_own() || self.source.is_some();
        rows.filter(|row| has_domains || row.is_rule() || matches!(row.adaptation, Adaptation::SourceOnly)).collect()
    }

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
            doc: "five seeds, all targets, seven λ and an LSTM of 32 on twice the training cells, for the epochs of the quick \
                  run: longer training fits the source as well and the shifted targets worse",
            apply: |spec| {
                spec.seeds = (0..5).collect();
                spec.targets = TARGETS.iter().map(|row| row.name.into()).collect();
                spec.lambdas = vec![0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0];
                (spec.hidden, spec.dense, spec.training_cells) = (32, 32, 10);
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
            .whole("axis.prefix", self.axis.prefix, self.window.saturating_add(1)..=MOST_OWN)
            .path("data", self.data.as_deref())
            .path("source", self.source.as_deref())
            .positive("axis.step", self.axis.step)
            .between("end", self.end, (0.0, 1.0))
            .train("train", &self.train)
            .at_least("train.batch", self.train.batch, 2);
        if self.source.is_some() && self.data.is_none() {
            check.refuse("data", "nothing", "cells in question (--data) beside those of --source");
        }
        if !self.is_own() && !self.axis.is_default() {
            check.refuse("axis", self.axis.step, "no axis unless --data is a folder of cells or --source is given");
        }
        for head in &self.heads {
            check.head_on_device("heads", head, QUBITS);
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
        let adapted = self.applying_arms().into_iter().filter(|arm| arm.adapts());
        let (adapts, has_domains) = adapted.fold((false, false), |(_, all), arm| (true, all || arm.has_domains()));
        let mut lacks = vec![(Need::Classes, "a forecast is a number")];
        let one = (Need::Domains, "no arm learns from two domains at once; name prefix or one that aligns");
        lacks.extend((!has_domains).then_some(one));
        self.method.validate("method", &lacks, check);
        if !adapts && !self.method.is_empty() {
            let expected = "none: no arm learns from the target; name fine_tune or prefix, of own cells with --source";
            check.refuse("method.names", format!("{:?}", self.method.names), expected);
        }
        self.evaluate.validate("evaluate", (&self.heads, QUBITS), check);
        if let Some(shots) = self.evaluate.shots.first() {
            check.refuse("evaluate.shots", shots, "none: the numbers of shots are in `shots`");
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
