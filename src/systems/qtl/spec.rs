//! What a run of the hybrid-transfer study is told: one TOML file, every field with a default.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::circuit::ansatz::{ANSATZE, AnsatzRow};
use crate::device::Device;
use crate::nn::NnError;
use crate::nn::backbone::BackboneRow;
use crate::nn::head::{HeadRow, HeadShape};
use crate::nn::optim::{Method, Schedule, StepSchedule};
use crate::noise::model::NoiseModel;
use crate::study::StudyError;
use crate::study::train::TrainConfig;
use crate::systems::spec::{Backbone, Circuit, Data, DataKind};

/// The version of this file format.
pub const FORMAT: &str = "qgraft.qtl/1";

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Format and version of this file.
    pub format: String,
    /// One training of every head per seed.
    pub seeds: Vec<u64>,
    /// Heads to train, in the order of the table. `NAME@DEVICE` trains a circuit head under that device's noise.
    pub heads: Vec<String>,
    /// What is learned from.
    pub data: Data,
    /// What turns images into features.
    pub backbone: Backbone,
    /// The circuit of the dressed heads.
    pub circuit: Circuit,
    /// How heads are trained.
    pub train: TrainConfig,
    /// What the trained heads are judged under.
    pub judge: Judge,
}

/// What the trained heads are judged under.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Judge {
    /// Devices whose noise every circuit head is run under.
    pub devices: Vec<String>,
    /// Row of the noise-model table.
    pub model: String,
    /// Factors on the noise of each device, for the curve; 1 is the calibrated noise and always judged.
    pub scales: Vec<f64>,
    /// Numbers of shots, ideal and under each device; exact expectation values are always judged.
    pub shots: Vec<u64>,
    /// Confidence of the intervals.
    pub confidence: f64,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            format: FORMAT.into(),
            seeds: (0..5).collect(),
            heads: ["linear", "mlp_a", "mlp_b", "quantum", "quantum@manila", "separable", "frozen_quantum"]
                .map(String::from)
                .to_vec(),
            data: Data::default(),
            backbone: Backbone::default(),
            circuit: Circuit::default(),
            train: TrainConfig {
                schedule: Schedule::Step(StepSchedule { every: 3, factor: 0.9 }),
                ..TrainConfig::new(10, 16, 1e-3, Method::ADAM)
            },
            judge: Judge::default(),
        }
    }
}

impl Default for Judge {
    fn default() -> Self {
        Self {
            devices: vec!["manila".into(), "guadalupe".into()],
            model: "aer".into(),
            scales: vec![0.0, 0.5, 1.0, 2.0, 4.0],
            shots: vec![1024],
            confidence: 0.95,
        }
    }
}

/// A head of the spec: its row, and the device it is trained under.
#[derive(Clone)]
pub struct HeadChoice {
    /// As written in the spec.
    pub label: String,
    /// Row of the head table.
    pub row: &'static HeadRow,
    /// Device whose noise is on while it is trained.
    pub trained_under: Option<String>,
}

impl Spec {
    /// Reads a spec file.
    ///
    /// # Errors
    /// If the file cannot be read, has an unknown key (named with its line), or holds a value out of range.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let bad = |reason: String| StudyError::Spec { path: path.into(), reason };
        let text = std::fs::read_to_string(path).map_err(|e| bad(e.to_string()))?;
        let spec: Self = toml::from_str(&text).map_err(|e| bad(e.to_string()))?;
        if spec.format != FORMAT {
            return Err(bad(format!("format is {:?}, this version reads {FORMAT:?}", spec.format)));
        }
        spec.check()?;
        Ok(spec)
    }

    /// The file that [`Spec::read`] reads back to the same spec.
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
        if self.seeds.is_empty() {
            return setting("seeds", "[]".into(), "at least one seed is needed");
        }
        if let Some(seed) = first_repeated(&self.seeds) {
            return setting("seeds", seed.to_string(), "a seed stands twice; repeated runs would count as independent");
        }
        if let Some(head) = first_repeated(&self.heads) {
            return setting("heads", head.clone(), "a head stands twice");
        }
        let family = self.family()?;
        let Circuit { qubits, depth, weight_sd, .. } = self.circuit;
        if !(1..=16).contains(&qubits) {
            return setting("circuit.qubits", qubits.to_string(), "use 1 to 16");
        }
        if !(1..=1000).contains(&depth) {
            return setting("circuit.depth", depth.to_string(), "use 1 to 1000");
        }
        if family.features(qubits) > 4096 {
            return setting("circuit.qubits", qubits.to_string(), "amplitude encoding takes at most 12 qubits");
        }
        if !(weight_sd >= 0.0 && weight_sd.is_finite()) {
            return setting("circuit.weight_sd", weight_sd.to_string(), "use a number of at least 0");
        }
        let TrainConfig { epochs, batch, rate, .. } = self.train;
        if epochs == 0 {
            return setting("train.epochs", "0".into(), "use at least 1");
        }
        if batch == 0 {
            return setting("train.batch", "0".into(), "use at least 1");
        }
        if !(rate > 0.0 && rate.is_finite()) {
            return setting("train.rate", rate.to_string(), "use a number above 0");
        }
        if !(self.data.held_out > 0.0 && self.data.held_out < 1.0) {
            return setting("data.held_out", self.data.held_out.to_string(), "use a share between 0 and 1");
        }
        if self.data.source != DataKind::FashionMnist && self.data.path.is_none() {
            return setting("data.path", "missing".into(), "a folder or a file of features needs a path");
        }
        if !(self.judge.confidence > 0.5 && self.judge.confidence < 1.0) {
            return setting("judge.confidence", self.judge.confidence.to_string(), "use a share such as 0.95");
        }
        if let Some(scale) = self.judge.scales.iter().find(|s| !(**s >= 0.0 && s.is_finite())) {
            return setting("judge.scales", scale.to_string(), "use numbers of at least 0");
        }
        if let Some(shots) = self.judge.shots.iter().find(|s| !(1..=100_000_000).contains(*s)) {
            return setting("judge.shots", shots.to_string(), "use 1 to 100 million shots");
        }
        NoiseModel::named(&self.judge.model).map_err(NnError::from)?;
        if self.data.source != DataKind::Features {
            BackboneRow::named(&self.backbone.name)?;
        }
        for device in &self.judge.devices {
            self.device(device)?;
        }
        for head in self.choices()? {
            if let Some(device) = head.trained_under {
                self.device(&device)?;
            }
        }
        Ok(())
    }

    /// The heads, in order.
    ///
    /// # Errors
    /// If a name is in no table, or a classical head is to be trained under noise.
    pub fn choices(&self) -> Result<Vec<HeadChoice>, StudyError> {
        let choice = |label: &String| {
            let (name, device) = label.split_once('@').map_or((label.as_str(), None), |(n, d)| (n, Some(d)));
            let row = HeadRow::named(name)?;
            if device.is_some() && !row.is_dressed() {
                let reason = "only a dressed circuit can be trained under a device's noise";
                return Err(NnError::Setting { field: "heads", value: label.clone(), reason }.into());
            }
            Ok(HeadChoice { label: label.clone(), row, trained_under: device.map(String::from) })
        };
        self.heads.iter().map(choice).collect()
    }

    /// The family of circuits.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn family(&self) -> Result<&'static AnsatzRow, StudyError> {
        let name = &self.circuit.ansatz;
        let names = ANSATZE.iter().map(|row| row.name);
        AnsatzRow::named(name).ok_or_else(|| NnError::unknown("ansatz", "ansatze", name, names).into())
    }

    /// A device of the spec, wide enough for the circuit.
    ///
    /// # Errors
    /// If it is unknown or too small.
    pub fn device(&self, name: &str) -> Result<Device, StudyError> {
        let device = Device::load(name).map_err(NnError::from)?;
        let width = device.calibration.qubits.len();
        if width < self.circuit.qubits {
            let value = format!("{name} ({width} qubits)");
            let reason = "the device has fewer qubits than the circuit";
            return Err(NnError::Setting { field: "judge.devices", value, reason }.into());
        }
        Ok(device)
    }

    /// The sizes of the heads for this data.
    pub fn shape(&self, features: usize, classes: usize) -> HeadShape {
        let Circuit { qubits, depth, weight_sd, .. } = self.circuit;
        HeadShape { features, classes, qubits, depth, weight_sd }
    }
}

fn first_repeated<T: PartialEq>(values: &[T]) -> Option<&T> {
    values.iter().enumerate().find(|&(i, v)| values[..i].contains(v)).map(|(_, v)| v)
}
