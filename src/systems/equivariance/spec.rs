//! Settings of a run.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::lab::{Preset, Settings, Validation};
use crate::nn::optim::Method;
use crate::study::train::TrainConfig;
use crate::systems::equivariance::groups::GROUPS;
use crate::systems::equivariance::molecules::{ATOM_TASKS, AtomTask};
use crate::systems::equivariance::network::Size;
use crate::systems::equivariance::sequences::{DIGITS, OWN};
use crate::systems::equivariance::tasks::TASKS;

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// One set of sequences and one start per seed.
    pub seeds: Vec<u64>,
    /// Rows of the tables of tasks, of sequences or of atoms, or `digits`.
    pub tasks: Vec<String>,
    /// A table of own sequences, in place of the tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// Its group, and that of the digits: a row of the table of groups, or a file of generators.
    pub group: String,
    /// Groups that every task is learned under: `own` is that of the task.
    pub groups: Vec<String>,
    /// What is studied.
    pub parts: Vec<Part>,
    /// Sequences of a task, or frames of a molecule (of which there are 1,000); 70 % are learned from, 15 % choose the epoch,
    /// 15 % are the test.
    pub rows: usize,
    /// Every second pixel of the digits.
    pub small_digits: bool,
    /// The network.
    pub size: Size,
    /// How a task is learned.
    pub train: TrainConfig,
    /// Factor on the learning rate of the vectors of orbits.
    pub orbit_rate: f64,
    /// Factor on the learning rate of the vectors of tokens.
    pub token_rate: f64,
    /// What is learned after other tasks.
    pub transfer: TransferSpec,
    /// Training rows of each of several tasks that are learned together.
    pub together: usize,
}

/// A task learned after other tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransferSpec {
    /// Training rows of the task.
    pub rows: Vec<usize>,
    /// Epochs on the other tasks.
    pub source_epochs: usize,
    /// How the task is learned.
    pub train: TrainConfig,
}

/// Parts of the study.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Each task under each group.
    Groups,
    /// A readout by a circuit against readouts without.
    Readouts,
    /// A task after other tasks, with few rows.
    Transfer,
    /// All tasks at once against one.
    Together,
    /// Whether a group that was given too small is found.
    Discovery,
}

impl Default for TransferSpec {
    fn default() -> Self {
        Self { rows: vec![30, 262], source_epochs: 8, train: config(15, 1e-3) }
    }
}

/// Adam, as in the source, leaving the best epoch on the validation rows.
fn config(epochs: usize, rate: f64) -> TrainConfig {
    TrainConfig { keep_best: true, ..TrainConfig::new(epochs, 64, rate, Method::adamw(0.0)) }
}

impl Default for Spec {
    /// The quick run: small networks, one seed.
    fn default() -> Self {
        Self {
            seeds: vec![0],
            tasks: ["intersect", "cyclic_sum", "palindrome"].map(String::from).to_vec(),
            data: None,
            group: "square".into(),
            groups: ["own", "trivial", "symmetric"].map(String::from).to_vec(),
            parts: vec![Part::Groups, Part::Readouts, Part::Transfer, Part::Together, Part::Discovery],
            rows: 1200,
            small_digits: true,
            size: Size::default(),
            train: config(15, 3e-3),
            orbit_rate: 1.0,
            token_rate: 1.0,
            transfer: TransferSpec::default(),
            together: 340,
        }
    }
}

impl Spec {
    /// Whether a part is studied. Own rows and digits are one task each, so only groups and readouts remain.
    pub fn has(&self, part: Part) -> bool {
        let is_single = self.data.is_some() || self.tasks.iter().any(|task| task == DIGITS) || self.tasks.len() < 2;
        self.parts.contains(&part) && (matches!(part, Part::Groups | Part::Readouts) || !is_single)
    }

    /// Names of what is learned.
    pub fn task_names(&self) -> Vec<String> {
        if self.data.is_some() { vec![OWN.into()] } else { self.tasks.clone() }
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.equivariance/1";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset { name: "quick", doc: "small networks, one seed, under a minute; the default", apply: |_| {} },
        Preset {
            name: "smoke",
            doc: "a second or two: shows that everything works, its figures mean nothing",
            apply: |spec| {
                spec.tasks.truncate(2);
                (spec.rows, spec.together, spec.train.epochs) = (60, 20, 2);
                (spec.transfer.rows, spec.transfer.source_epochs, spec.transfer.train.epochs) = (vec![20], 1, 2);
                spec.size = Size { width: 8, layers: 1, heads: 2, circuit_depth: 1, ..Size::default() };
            },
        },
        Preset {
            name: "full",
            doc: "five seeds and more rows, a quarter of an hour",
            apply: |spec| {
                spec.seeds = (0..5).collect();
                (spec.rows, spec.together, spec.train.epochs) = (2000, 560, 25);
                spec.transfer.rows = vec![30, 120, 262];
                (spec.transfer.source_epochs, spec.transfer.train.epochs) = (12, 25);
            },
        },
        Preset {
            name: "source",
            doc: "with full: the sizes of the source, hours",
            apply: |spec| {
                (spec.rows, spec.together) = (2500, 700);
                spec.size = Size { width: 128, layers: 4, heads: 8, ..Size::default() };
                (spec.train.epochs, spec.train.rate) = (40, 1e-3);
                spec.transfer.rows = vec![15, 30, 60, 120, 262];
                (spec.transfer.source_epochs, spec.transfer.train.epochs) = (15, 40);
            },
        },
    ];

    fn validate(&self, check: &mut Validation) {
        check
            .list("seeds", &self.seeds)
            .list("parts", &self.parts)
            .distinct("transfer.rows", &self.transfer.rows)
            .names("tasks", &self.tasks, task_choices())
            .list("groups", &self.groups)
            .path("data", self.data.as_deref())
            .whole("rows", self.rows, 20..=1_000_000)
            .whole("together", self.together, 1..=1_000_000)
            .whole("size.width", self.size.width, 1..=4096)
            .whole("size.layers", self.size.layers, 1..=64)
            .whole("size.circuit_depth", self.size.circuit_depth, 1..=64)
            .within("size.dropout", self.size.dropout, 0.0..=0.9)
            .not_negative("orbit_rate", self.orbit_rate)
            .not_negative("token_rate", self.token_rate)
            .train("train", &self.train)
            .train("transfer.train", &self.transfer.train)
            .whole("transfer.source_epochs", self.transfer.source_epochs, 1..=1_000_000);
        // A group is a row of the table or a file, whose contents then decide the result.
        for (field, name) in self.groups.iter().map(|name| ("groups", name)).chain([("group", &self.group)]) {
            let is_row = GROUPS.iter().any(|row| row.name == name) || (field == "groups" && name == "own");
            match Path::new(name).is_file() {
                true if !is_row => _ = check.path(field, Some(Path::new(name))),
                _ => _ = check.check(field, name, is_row, "a row of the table of groups, or a file of generators"),
            }
        }
        let divides = self.size.heads > 0 && self.size.width.is_multiple_of(self.size.heads);
        check.check("size.heads", self.size.heads, divides, "a number that divides size.width");
        let trained = self.rows.saturating_mul(70) / 100;
        check.check("together", self.together, self.together <= trained, "at most 70 % of rows");
        for &rows in &self.transfer.rows {
            check.check("transfer.rows", rows, (1..=trained).contains(&rows), "from 1 to 70 % of rows");
        }
        // A batch has rows of equally many positions.
        let count = |is_of: fn(&str) -> bool| self.tasks.iter().filter(|task| is_of(task.as_str())).count();
        let (digits, atoms) = (count(|task| task == DIGITS), count(|task| AtomTask::named(task).is_some()));
        let fits = self.tasks.len() == 1 || (digits == 0 && (atoms == 0 || atoms == self.tasks.len()));
        let expected = "tasks of equally many positions: sequences, or atoms, or digits alone";
        check.check("tasks", self.tasks.join(","), fits, expected);
    }
}

/// Everything that `tasks` may name.
pub fn task_choices() -> Vec<&'static str> {
    TASKS.iter().map(|row| row.name).chain(ATOM_TASKS.iter().map(|row| row.name)).chain([DIGITS]).collect()
}
