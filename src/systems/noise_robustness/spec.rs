//! What a run of the noise-robustness benchmark is told.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::circuit::ansatz::{ANSATZE, AnsatzRow};
use crate::device::Device;
use crate::nn::NnError;
use crate::nn::head::CircuitConfig as Circuit;
use crate::nn::optim::{Method, Schedule, StepSchedule};
use crate::noise::model::NoiseModel;
use crate::sim::mitigate::MitigationRow;
use crate::study::StudyError;
use crate::study::train::TrainConfig;
use crate::systems::inputs::{Backbone, Data};

/// The version of this file format.
pub const FORMAT: &str = "qgraft.noise_robustness/1";

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Format and version of this file.
    pub format: String,
    /// A run folder of `qgraft run qtl` whose exported head is judged; without one, heads are trained.
    pub head: Option<PathBuf>,
    /// A circuit file, judged without a classifier.
    pub circuit_file: Option<PathBuf>,
    /// One training of every head per seed.
    pub seeds: Vec<u64>,
    /// Devices whose noise is judged under. The first is also the one that heads are trained under.
    pub devices: Vec<String>,
    /// Row of the noise-model table.
    pub model: String,
    /// Factors on the noise; heads trained in a changing environment see a random one of these in every batch.
    pub scales: Vec<f64>,
    /// Numbers of shots; exact expectation values are always judged.
    pub shots: Vec<u64>,
    /// Rows of the mitigation table.
    pub mitigations: Vec<String>,
    /// What is learned from.
    pub data: Data,
    /// What turns images into features.
    pub backbone: Backbone,
    /// The circuit of the heads.
    pub circuit: Circuit,
    /// How heads are trained.
    pub train: TrainConfig,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            format: FORMAT.into(),
            head: None,
            circuit_file: None,
            seeds: (0..5).collect(),
            devices: ["manila", "guadalupe"].map(String::from).to_vec(),
            model: "aer".into(),
            scales: vec![0.0, 0.5, 1.0, 2.0, 4.0],
            shots: vec![1024],
            mitigations: ["readout_inversion", "zero_noise_linear"].map(String::from).to_vec(),
            data: Data::default(),
            backbone: Backbone::default(),
            circuit: Circuit::default(),
            train: TrainConfig {
                schedule: Schedule::Step(StepSchedule { every: 3, factor: 0.9 }),
                ..TrainConfig::new(10, 16, 1e-3, Method::ADAM)
            },
        }
    }
}

/// The factor at which heads trained under noise are held against heads trained without.
pub const JUDGED_AT: f64 = 2.0;

impl Spec {
    /// Cuts it down to what shows in seconds that everything works.
    pub fn quick(&mut self) {
        self.seeds.truncate(2);
        self.train.epochs = self.train.epochs.min(3);
        self.data.rows_per_class = 40;
        self.devices.truncate(1);
        self.mitigations.truncate(1);
        self.scales = vec![0.0, 1.0, JUDGED_AT];
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
            return setting("format", self.format.clone(), "this version reads qgraft.noise_robustness/1");
        }
        if self.head.is_some() && self.circuit_file.is_some() {
            return setting("circuit_file", "given beside head".into(), "judge a head or a circuit, one at a time");
        }
        if self.seeds.is_empty() {
            return setting("seeds", "[]".into(), "at least one seed is needed");
        }
        if self.devices.is_empty() {
            return setting("devices", "[]".into(), "at least one device is needed");
        }
        if !self.scales.contains(&1.0) || !self.scales.contains(&JUDGED_AT) {
            return setting("scales", format!("{:?}", self.scales), "1 (as calibrated) and 2 must be among them");
        }
        if let Some(scale) = self.scales.iter().find(|s| !(**s >= 0.0 && s.is_finite())) {
            return setting("scales", scale.to_string(), "use numbers of at least 0");
        }
        if let Some(shots) = self.shots.iter().find(|s| !(1..=100_000_000).contains(*s)) {
            return setting("shots", shots.to_string(), "use 1 to 100 million shots");
        }
        if !(1..=12).contains(&self.circuit.qubits) || !(1..=1000).contains(&self.circuit.depth) {
            let value = format!("{} qubits, depth {}", self.circuit.qubits, self.circuit.depth);
            return setting("circuit", value, "use 1 to 12 qubits and depth 1 to 1000");
        }
        let TrainConfig { epochs, batch, rate, .. } = self.train;
        if epochs == 0 || batch == 0 || !(rate > 0.0 && rate.is_finite()) {
            return setting("train", format!("{epochs} epochs, batch {batch}, rate {rate}"), "use positive numbers");
        }
        self.family()?;
        NoiseModel::named(&self.model).map_err(NnError::from)?;
        self.mitigations()?;
        self.devices.iter().try_for_each(|name| self.device(name).map(drop))
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

    /// The mitigation methods.
    ///
    /// # Errors
    /// If there is none of a name.
    pub fn mitigations(&self) -> Result<Vec<&'static MitigationRow>, StudyError> {
        let rows = self.mitigations.iter().map(|name| MitigationRow::named(name));
        rows.collect::<Result<_, _>>().map_err(|e| NnError::from(e).into())
    }

    /// A device.
    ///
    /// # Errors
    /// If it is unknown.
    pub fn device(&self, name: &str) -> Result<Device, StudyError> {
        Device::load(name).map_err(|e| NnError::from(e).into())
    }
}
