//! Settings of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::data::{BUNDLED, TargetKind, TargetOptions};
use crate::lab::{Preset, Settings, Validation};
use crate::nn::head::CircuitConfig;
use crate::nn::optim::{Method, Schedule};
use crate::study::train::TrainConfig;
use crate::systems::conditions::ConditionConfig;
use crate::systems::forest::targets::TARGETS;
use crate::systems::methods::MethodConfig;
use crate::transfer::Need;

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Tables inside the program; used where there is no `data`.
    pub tables: Vec<String>,
    /// A CSV, KEEL or Parquet file, or a folder of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// The column to predict, where `data` is one file; its last column by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What the target is: `regression` or `classification`; by default its values decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Columns that are read although they look like identifiers or dates.
    pub keep: Vec<String>,
    /// Further columns that are left out.
    pub drop: Vec<String>,
    /// A forest that was grown elsewhere (safetensors), in place of one that is grown here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forest: Option<PathBuf>,
    /// Number K of parts for cross-validation, in place of `test`. Under seed s part s mod K is tested, of the s div K-th
    /// cut of all rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<usize>,
    /// One split, forest and set of students per seed.
    pub seeds: Vec<u64>,
    /// Share of rows to evaluate on, strictly between 0 and 1.
    pub test: f64,
    /// Share of the others to choose on, strictly between 0 and 1.
    pub validation: f64,
    /// Training rows, at most.
    pub rows: usize,
    /// Trees of the teacher.
    pub trees: usize,
    /// What students learn from: rows of the table of targets.
    pub targets: Vec<String>,
    /// Students: hidden layers and their width. The other students are compared with the first.
    pub shapes: Vec<Shape>,
    /// Further students: rows of the table of heads. `NAME@DEVICE` is trained under the noise of that device.
    pub heads: Vec<String>,
    /// The circuit of such a head.
    pub circuit: CircuitConfig,
    /// T, by which both sides of the divergence are softened.
    pub temperature: f64,
    /// Share of the labels' cross-entropy in the loss of students that learn from the forest, 0 to 1.
    pub labels: f64,
    /// Synthetic rows for each true one.
    pub copies: usize,
    /// Share of the values of a synthetic row that come from another row, 0 to 1.
    pub swap: f64,
    /// A value of a mixed row lies around its neighbour's with a standard deviation of their distance over this.
    pub spread: f64,
    /// Principal components in front of the student of the pipeline, at most. 0 leaves the pipeline out.
    pub components: usize,
    /// How students are trained.
    pub train: TrainConfig,
    /// The forest that becomes a network.
    pub network: Conversion,
    /// Transfer methods in the training of students.
    #[serde(skip_serializing_if = "MethodConfig::is_empty")]
    pub method: MethodConfig,
    /// Conditions under which the circuit of a trained student is evaluated.
    #[serde(skip_serializing_if = "ConditionConfig::is_default")]
    pub evaluate: ConditionConfig,
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
pub struct Conversion {
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
    /// The quick run: the bundled tables under one seed.
    fn default() -> Self {
        Self {
            tables: BUNDLED.iter().map(|row| row.name.into()).collect(),
            data: None,
            target: None,
            task: None,
            keep: Vec::new(),
            drop: Vec::new(),
            forest: None,
            folds: None,
            seeds: vec![0],
            test: 0.3,
            validation: 0.2,
            rows: 4000,
            trees: 100,
            targets: TARGETS.iter().filter(|row| row.is_default).map(|row| row.name.into()).collect(),
            shapes: [(2, 128), (1, 64), (3, 128)].map(|(depth, width)| Shape { depth, width }).to_vec(),
            heads: Vec::new(),
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
            network: Conversion { trees: 30, depth: 6, split: 100.0, leaf: 10.0, epochs: 5, rate: 1e-3 },
            method: MethodConfig::default(),
            evaluate: ConditionConfig::default(),
        }
    }
}

/// Folds and seeds of a run on one table.
const FOLDS: usize = 5;

/// What a target can be said to be.
pub const TASKS: [&str; 2] = ["regression", "classification"];

impl Spec {
    /// Whether it studies one table of the user: with baselines, folds and saved models.
    pub fn is_own_table(&self) -> bool {
        self.data.as_ref().is_some_and(|path| path.is_file())
    }

    /// Takes a file, with five folds, or a folder of tables.
    pub fn set_data(&mut self, path: &str) {
        self.data = Some(path.into());
        if self.is_own_table() && self.folds.is_none() {
            self.folds = Some(FOLDS);
            self.seeds = (0..FOLDS as u64).collect();
        }
    }

    /// How the columns of one table are read.
    pub fn target_options(&self) -> TargetOptions {
        let kind = self.task.as_deref().map(|task| match task {
            "regression" => TargetKind::Numbers,
            _ => TargetKind::Classes,
        });
        TargetOptions {
            target: self.target.clone(),
            kind,
            keep: self.keep.clone(),
            keep_option: "--keep",
            drop: self.drop.clone(),
            group: None,
        }
    }

    /// Names of all students: heads first, then shapes.
    pub fn student_names(&self) -> Vec<String> {
        self.heads.iter().cloned().chain(self.shapes.iter().map(Shape::name)).collect()
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.forest/2";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset { name: "quick", doc: "three bundled tables under one seed, in seconds; the default", apply: |_| {} },
        Preset {
            name: "smoke",
            doc: "tiny sizes, one or two seconds, to try the program; the figures are meaningless",
            apply: |spec| {
                spec.tables = vec!["iris".into(), "wine".into()];
                spec.targets = vec!["hard".into(), "synthetic".into()];
                spec.shapes = vec![Shape { depth: 1, width: 8 }, Shape { depth: 2, width: 8 }];
                (spec.trees, spec.components, spec.train.epochs) = (10, 2, 3);
                (spec.network.trees, spec.network.depth, spec.network.epochs) = (3, 3, 1);
            },
        },
        Preset {
            name: "full",
            doc: "forests of 300 trees and up to 200 epochs under five seeds",
            apply: |spec| {
                spec.seeds = (0..5).collect();
                (spec.trees, spec.train.epochs) = (300, 200);
            },
        },
    ];

    fn circuit(&mut self) -> Option<(&'static str, &mut CircuitConfig)> {
        Some(("circuit", &mut self.circuit))
    }

    fn validate(&self, check: &mut Validation) {
        let Conversion { trees, depth: splits, split, leaf, epochs, rate } = self.network;
        check
            .names("tables", &self.tables, BUNDLED.iter().map(|row| row.name))
            .path("data", self.data.as_deref())
            .path("forest", self.forest.as_deref())
            .distinct("keep", &self.keep)
            .distinct("drop", &self.drop)
            .list("seeds", &self.seeds)
            .between("test", self.test, (0.0, 1.0))
            .between("validation", self.validation, (0.0, 1.0))
            .names("targets", &self.targets, TARGETS.iter().map(|row| row.name))
            .list("shapes", &self.shapes)
            .distinct("heads", &self.heads)
            .circuit("circuit", &self.circuit)
            .within("labels", self.labels, 0.0..=1.0)
            .within("swap", self.swap, 0.0..=1.0)
            .train("train", &self.train);
        if let Some(task) = &self.task {
            check.name("task", task, TASKS);
        }
        if let Some(folds) = self.folds {
            check.whole("folds", folds, 2..=1000);
        }
        if !self.is_own_table() {
            let only = |field: &str, value: Option<String>, check: &mut Validation| {
                if let Some(value) = value {
                    check.refuse(field, value, "no value unless --data is one file: it says how that table is read");
                }
            };
            only("target", self.target.clone(), check);
            only("task", self.task.clone(), check);
            only("keep", self.keep.first().cloned(), check);
            only("drop", self.drop.first().cloned(), check);
            only("forest", self.forest.as_ref().map(|path| path.display().to_string()), check);
        }
        for shape in &self.shapes {
            check.width("shapes", shape.width).whole("shapes", shape.depth, 0..=100);
        }
        for head in &self.heads {
            check.head_on_device("heads", head, self.circuit.width());
        }
        let is_classes = !self.is_own_table() || self.task.as_deref() == Some("classification");
        let mut lacks = vec![(Need::Domains, "all rows are of one domain")];
        let unknown =
            (Need::Classes, "the target of a file may be a number unless --task classification says otherwise");
        lacks.extend((!is_classes).then_some(unknown));
        self.method.validate("method", &lacks, check);
        self.evaluate.validate("evaluate", (&self.heads, self.circuit.width()), check);
        for (field, count) in [("rows", self.rows), ("network.epochs", epochs)] {
            check.count(field, count);
        }
        check
            .whole("trees", self.trees, 1..=100_000)
            .whole("network.trees", trees, 1..=10_000)
            .whole("network.depth", splits, 1..=16)
            .whole("copies", self.copies, 0..=1000)
            .optional_count("components", self.components);
        for (field, value) in [
            ("temperature", self.temperature),
            ("spread", self.spread),
            ("network.split", split),
            ("network.leaf", leaf),
            ("network.rate", rate),
        ] {
            check.positive(field, value);
        }
    }
}
