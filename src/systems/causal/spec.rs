//! Settings of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::lab::{Preset, Settings, Validation};
use crate::nn::head::CircuitConfig;
use crate::nn::optim::Method;
use crate::sim::Condition;
use crate::study::train::TrainConfig;
use crate::systems::causal::arms::ARMS;
use crate::systems::causal::declaration::Declaration;
use crate::systems::causal::devices::DEVICE_DIGITS;
use crate::systems::causal::task::TASKS;

/// Name of the grid of own rows.
pub const OWN: &str = "own";

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Methods on the tasks.
    Tasks,
    /// Effects in linear models.
    Effects,
    /// Devices as environments.
    Devices,
}

/// Pictures of the coloured tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Images {
    /// 14,000 of Fashion-MNIST, 14×14.
    Garments,
    /// 1,797 handwritten digits, 8×8.
    Digits,
}

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Rows, splits and starts are drawn anew for each seed.
    pub seeds: Vec<u64>,
    /// A table with a column of environments, or a folder ENVIRONMENT/CLASS/PICTURE, in place of the tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// The column of environments of a table.
    pub environment: String,
    /// The column of classes of a table; the last by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Environments that are tested in; without any, a third of them is drawn for each seed.
    pub held_out: Vec<String>,
    /// Edge that own pictures are scaled to.
    pub size: usize,
    /// What is run.
    pub parts: Vec<Part>,
    /// Rows of the table of tasks.
    pub tasks: Vec<String>,
    /// Rows of the table of arms; without any, all that the declaration allows.
    pub arms: Vec<String>,
    /// Whether methods run that the declaration refuses.
    pub allow_refused: bool,
    /// Pictures of the coloured tasks.
    pub images: Images,
    /// Rows to learn from in the coloured tasks.
    pub rows: usize,
    /// The same of simulated slices.
    pub scanner_rows: usize,
    /// Rows that training-domain validation selects on, and as many that the oracle selects on.
    pub held_out_rows: usize,
    /// Rows that are tested on.
    pub test_rows: usize,
    /// Share of wrong labels in the coloured tasks.
    pub label_flip: f64,
    /// Share of rows whose colour is not that of the label: two training environments, the test.
    pub colour_flips: [f64; 3],
    /// Factors of a penalty that are tried, at most.
    pub candidates: usize,
    /// Share of the training after which a penalty has its factor; before, it is 1, or the factor if that is less.
    pub from: f64,
    /// Factor on the squares of all parameters in the coloured tasks, that of the protocol of IRM.
    pub coloured_decay: f64,
    /// The same in the other tasks.
    pub decay: f64,
    /// Width of the hidden layers.
    pub hidden: usize,
    /// Training of the coloured tasks; a step has all rows in the protocol of IRM.
    pub coloured_train: TrainConfig,
    /// Training of the other tasks. Every step has equally many rows of each environment.
    pub train: TrainConfig,
    /// Permutations of the tests of invariance.
    pub permutations: usize,
    /// Rows of a linear model.
    pub effect_rows: usize,
    /// Devices that are environments of the training, beside the circuit without noise.
    pub devices: Vec<String>,
    /// Devices that are evaluated on alone.
    pub unseen: Vec<String>,
    /// Factor on the noise of the first device on another day.
    pub drift: f64,
    /// The circuit of the head that is trained over devices.
    pub circuit: CircuitConfig,
    /// Rows to learn from on each device.
    pub device_rows: usize,
    /// Rows that are evaluated on every device.
    pub device_test_rows: usize,
    /// Factor on V-REx and IRM over devices.
    pub device_weight: f64,
    /// How heads are trained over devices; a step has as many rows of each device as its batch.
    pub device_train: TrainConfig,
    /// What differs between the environments of own rows. Tasks inside the program have their own declaration.
    pub declaration: Declaration,
}

impl Default for Spec {
    /// The quick run.
    fn default() -> Self {
        let arms = ["erm", "oracle", "group_dro", "irm", "v_rex", "coral", "backdoor", "counterfactual"];
        Self {
            seeds: vec![0],
            data: None,
            environment: "environment".into(),
            target: None,
            held_out: Vec::new(),
            size: 32,
            parts: vec![Part::Tasks, Part::Effects, Part::Devices],
            tasks: vec!["coloured".into(), "confounded".into()],
            arms: arms.map(String::from).to_vec(),
            allow_refused: false,
            images: Images::Garments,
            rows: 2000,
            scanner_rows: 240,
            held_out_rows: 200,
            test_rows: 500,
            label_flip: 0.25,
            colour_flips: [0.2, 0.1, 0.9],
            candidates: 1,
            from: 0.38,
            coloured_decay: 1.1e-3,
            decay: 1e-5,
            hidden: 64,
            coloured_train: TrainConfig::new(200, 2000, 1e-3, Method::ADAM),
            train: TrainConfig::new(30, 60, 3e-3, Method::ADAM),
            permutations: 20,
            effect_rows: 2000,
            devices: vec!["torino".into(), "fez".into()],
            unseen: vec!["sherbrooke".into()],
            drift: 3.0,
            circuit: CircuitConfig { qubits: 3, depth: 3, ..CircuitConfig::default() },
            device_rows: 60,
            device_test_rows: 120,
            device_weight: 10.0,
            device_train: TrainConfig::new(40, 30, 0.03, Method::ADAM),
            declaration: Declaration::default(),
        }
    }
}

impl Spec {
    /// Uses own rows.
    pub fn set_data(&mut self, path: &str) {
        self.data = Some(path.into());
        self.parts = vec![Part::Tasks];
        self.arms = Vec::new();
    }

    /// Devices that are evaluated on: name and condition.
    pub fn conditions(&self) -> Vec<(String, Condition)> {
        let mut found = vec![("ideal".to_string(), Condition::default())];
        for device in self.devices.iter().chain(&self.unseen) {
            found.push((device.clone(), Condition::on_device(device)));
        }
        if let Some(first) = self.devices.first() {
            let drifted = Condition { scale: self.drift, ..Condition::on_device(first) };
            found.push((format!("{first} x{}", self.drift), drifted));
        }
        found
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.causal/1";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset {
            name: "quick",
            doc: "one seed, coloured garments and confounded scanners, some arms; under a minute; the default",
            apply: |_| {},
        },
        Preset {
            name: "smoke",
            doc: "seconds: shows that everything works, its figures mean nothing",
            apply: |spec| {
                spec.tasks = ["coloured", "acquisition", "confounded", "lung"].map(String::from).to_vec();
                spec.arms = Vec::new();
                (spec.images, spec.rows, spec.scanner_rows) = (Images::Digits, 60, 40);
                (spec.held_out_rows, spec.test_rows, spec.hidden, spec.candidates) = (20, 30, 8, 2);
                (spec.coloured_train.epochs, spec.train.epochs, spec.train.batch) = (4, 2, 20);
                (spec.permutations, spec.effect_rows) = (3, 50);
                (spec.device_rows, spec.device_test_rows, spec.device_train.epochs) = (12, 12, 1);
                (spec.circuit.qubits, spec.circuit.depth) = (2, 1);
            },
        },
        Preset {
            name: "full",
            doc: "five seeds, every task and arm, IRM's protocol on 4,000 pictures for 301 steps, two factors of each penalty; under \
                  an hour",
            apply: |spec| {
                // Settings were chosen by runs of seed 0.
                spec.seeds = vec![1, 2, 3, 4, 5];
                spec.tasks = TASKS.iter().map(|row| row.name.into()).collect();
                spec.arms = Vec::new();
                (spec.rows, spec.scanner_rows, spec.held_out_rows, spec.test_rows) = (4000, 1000, 1000, 3000);
                (spec.candidates, spec.hidden, spec.permutations) = (2, 64, 99);
                spec.coloured_train = TrainConfig::new(301, 4000, 1e-3, Method::ADAM);
                spec.train.epochs = 40;
                (spec.circuit.qubits, spec.circuit.depth) = (4, 6);
                (spec.device_rows, spec.device_test_rows, spec.device_train.epochs) = (200, 400, 60);
            },
        },
    ];

    fn validate(&self, check: &mut Validation) {
        check
            .list("seeds", &self.seeds)
            .path("data", self.data.as_deref())
            .distinct("held_out", &self.held_out)
            .edge("size", self.size, 8)
            .list("parts", &self.parts)
            .names("tasks", &self.tasks, TASKS.iter().map(|row| row.name))
            .distinct("arms", &self.arms)
            .at_least("rows", self.rows, 4)
            .at_least("scanner_rows", self.scanner_rows, 4)
            .at_least("held_out_rows", self.held_out_rows, 4)
            .at_least("test_rows", self.test_rows, 4)
            .within("label_flip", self.label_flip, 0.0..=0.5)
            .whole("candidates", self.candidates, 1..=3)
            .within("from", self.from, 0.0..=1.0)
            .not_negative("coloured_decay", self.coloured_decay)
            .not_negative("decay", self.decay)
            .width("hidden", self.hidden)
            .train("coloured_train", &self.coloured_train)
            .train("train", &self.train)
            .whole("permutations", self.permutations, 1..=10_000)
            .whole("effect_rows", self.effect_rows, 10..=1_000_000)
            .distinct("devices", &self.devices)
            .distinct("unseen", &self.unseen)
            .devices("devices", &self.devices, self.circuit.qubits)
            .devices("unseen", self.unseen.iter().filter(|name| !self.devices.contains(name)), self.circuit.qubits)
            .within("drift", self.drift, 0.0..=100.0)
            .circuit("circuit", &self.circuit)
            .check("circuit.qubits", self.circuit.qubits, self.circuit.qubits <= 8, "at most 8: training under noise")
            .whole("device_rows", self.device_rows, 4..=600)
            .whole("device_test_rows", self.device_test_rows, 4..=600)
            .not_negative("device_weight", self.device_weight)
            .train("device_train", &self.device_train);
        for (name, value) in ["rows", "scanner_rows", "held_out_rows", "test_rows"].into_iter().zip([
            self.rows,
            self.scanner_rows,
            self.held_out_rows,
            self.test_rows,
        ]) {
            check.check(name, value, value <= 100_000, "at most 100000");
        }
        for flip in self.colour_flips {
            check.within("colour_flips", flip, 0.0..=1.0);
        }
        for name in &self.arms {
            check.name("arms", name, ARMS.iter().map(|row| row.name));
        }
        for name in &self.unseen {
            let is_new = !self.devices.contains(name);
            check.check("unseen", name, is_new, "a device that is not one of the training");
        }
        let is_judged = !self.devices.is_empty() || !self.unseen.is_empty();
        check.check("unseen", "[]", is_judged, "a device that the training lacks, here or by drift of one of devices");
        let rows = self.device_rows + self.device_test_rows;
        let expected = format!("at most {DEVICE_DIGITS} rows with those of device_rows");
        check.check("device_test_rows", self.device_test_rows, rows <= DEVICE_DIGITS, &expected);
        for (field, value, expected) in self.declaration.violations() {
            check.refuse(field, value, expected);
        }
        let is_declared = self.data.is_none() || !self.declaration.shifts.is_empty();
        let expected = "what differs between the environments of own rows (--shifts), such as acquisition";
        check.check("declaration.shifts", "[]", is_declared, expected);
        if self.data.is_none() {
            let expected = "own rows beside it (--data)";
            let is_default = self.environment == Self::default().environment;
            check.check("environment", &self.environment, is_default, expected);
            check.check("held_out", format!("{:?}", self.held_out), self.held_out.is_empty(), expected);
            check.check("target", format!("{:?}", self.target), self.target.is_none(), expected);
            let is_default = self.declaration == Declaration::default();
            check.check("declaration", "changed", is_default, "own rows beside it (--data); tasks have their own");
        }
    }
}
