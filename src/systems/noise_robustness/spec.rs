//! Settings of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::data::Synthetic;
use crate::lab::{Preset, Settings, TRIALS, Validation};
use crate::nn::head::CircuitConfig;
use crate::nn::optim::{Method, Schedule, StepSchedule};
use crate::noise::model::{MODELS, Scale};
use crate::sim::mitigate::MITIGATIONS;
use crate::study::train::TrainConfig;
use crate::systems::inputs::{Backbone, Data};
use crate::systems::noise_robustness::arms::ARMS;
use crate::systems::noise_robustness::source::{open_circuit, saved_head};

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// One training of every arm per seed. A head or circuit that is given is evaluated once.
    pub seeds: Vec<u64>,
    /// Ways of training; unused where a head or circuit is given.
    pub arms: Vec<String>,
    /// A run folder of `qgraft run qtl` one of whose heads is evaluated, on the data of that run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<PathBuf>,
    /// Which head of that run; the best on its validation rows if it is not named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_name: Option<String>,
    /// Which seed of it; the best on its validation rows if it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_seed: Option<u64>,
    /// A circuit file, evaluated without a classifier at random angles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circuit_file: Option<PathBuf>,
    /// Folders searched for the files that an OpenQASM circuit file includes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<PathBuf>,
    /// Values for inputs of an OpenQASM 3 circuit file, each as `NAME=VALUE`; inputs of type float and angle need none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub input: Vec<String>,
    /// Names or files of devices to evaluate under. Heads are trained under the first.
    pub devices: Vec<String>,
    /// Row of the table of noise models.
    pub model: String,
    /// Factors on the noise.
    pub scales: Vec<f64>,
    /// Numbers of shots to evaluate with, besides exact expectation values. The controls take the first.
    pub shots: Vec<usize>,
    /// Rows of the table of mitigation methods, each applied alone in evaluations.
    pub mitigations: Vec<String>,
    /// What is learned from.
    pub data: Data,
    /// What turns pictures into features.
    pub backbone: Backbone,
    /// The circuit of the heads.
    pub circuit: CircuitConfig,
    /// How heads are trained.
    pub train: TrainConfig,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            seeds: (0..5).collect(),
            arms: ARMS.iter().map(|row| row.name.into()).collect(),
            head: None,
            head_name: None,
            head_seed: None,
            circuit_file: None,
            include: Vec::new(),
            input: Vec::new(),
            devices: ["manila", "guadalupe"].map(String::from).to_vec(),
            model: "aer".into(),
            scales: vec![0.0, 0.5, 1.0, 2.0, 4.0],
            shots: vec![1024],
            mitigations: ["readout_inversion", "zero_noise_linear"].map(String::from).to_vec(),
            data: Data::default(),
            backbone: Backbone::default(),
            circuit: CircuitConfig::default(),
            train: TrainConfig {
                schedule: Schedule::Step(StepSchedule { every: 3, factor: 0.9 }),
                ..TrainConfig::new(10, 16, 1e-3, Method::ADAM)
            },
        }
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.noise_robustness/2";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset {
            name: "quick",
            doc: "two seeds, three epochs, 40 pictures of each class, one device: a few seconds",
            apply: |spec| {
                spec.seeds = vec![0, 1];
                spec.train.epochs = spec.train.epochs.min(3);
                spec.data.rows_per_class = 40;
                spec.devices.truncate(1);
                spec.mitigations.truncate(1);
                spec.scales = vec![0.0, 1.0, 2.0];
            },
        },
        Preset {
            name: "smoke",
            doc: "a second: shows that everything works, its figures mean nothing",
            apply: |spec| {
                spec.seeds = vec![0, 1];
                spec.train.epochs = 1;
                spec.data =
                    Data::synthetic(Synthetic { training: 24, held_out: 12, classes: 2, separation: 3.0, seed: 0 });
                spec.circuit = CircuitConfig { qubits: 2, depth: 1, ..spec.circuit.clone() };
                spec.devices = vec!["manila".into()];
                (spec.scales, spec.shots) = (vec![0.0, 2.0, 4.0], vec![16]);
                spec.mitigations = vec!["readout_inversion".into()];
            },
        },
        Preset {
            name: "full",
            doc: "20 seeds, 40 epochs, until heads with a circuit are trained to the end; a minute or two",
            apply: |spec| (spec.seeds, spec.train.epochs) = ((0..20).collect(), 40),
        },
    ];

    fn circuit(&mut self) -> Option<(&'static str, &mut CircuitConfig)> {
        Some(("circuit", &mut self.circuit))
    }

    fn validate(&self, check: &mut Validation) {
        check
            .list("seeds", &self.seeds)
            .names("arms", &self.arms, ARMS.iter().map(|row| row.name))
            .list("devices", &self.devices)
            .name("model", &self.model, MODELS.iter().map(|row| row.name))
            .list("scales", &self.scales)
            .distinct("shots", &self.shots)
            .distinct("mitigations", &self.mitigations)
            .circuit("circuit", &self.circuit)
            .train("train", &self.train);
        for scale in &self.scales {
            check.within("scales", *scale, 0.0..=Scale::MOST);
        }
        for shots in &self.shots {
            check.whole("shots", *shots, 1..=100_000_000);
        }
        for name in &self.mitigations {
            check.name("mitigations", name, MITIGATIONS.iter().map(|row| row.name));
        }
        self.data.validate("data", &self.backbone, check);
        self.backbone.validate("backbone", check);
        let width = self.validate_source(check);
        check.devices("devices", &self.devices, width);
    }
}

impl Spec {
    /// Refuses a head or circuit that cannot be read; the number of qubits that devices must have.
    fn validate_source(&self, check: &mut Validation) -> usize {
        for input in &self.input {
            check.check("input", input, self.circuit_file.is_some(), "no value without circuit_file");
            check.check("input", input, input.contains('='), "NAME=VALUE, such as n=4");
        }
        for folder in &self.include {
            check.check("include", folder.display(), self.circuit_file.is_some(), "no folder without circuit_file");
            check.path("include", Some(folder));
        }
        if let Some(folder) = &self.head {
            if let Some(path) = &self.circuit_file {
                check.refuse("circuit_file", path.display(), "no circuit file beside head: evaluate one at a time");
            }
            if let Some(path) = &self.data.path {
                check.refuse(
                    "data.path",
                    path.display(),
                    "no data beside head: it is evaluated on the data of its run",
                );
            }
            match saved_head(folder, self) {
                Ok(run) => {
                    // Reports in a run folder are written again; its trials decide the result.
                    check.path("head", Some(&folder.join(TRIALS)));
                    return run.head.model.shape.qubits;
                }
                Err(error) => {
                    check.refuse("head", folder.display(), format!("a run folder with a trained circuit; {error}"));
                }
            }
        } else if self.head_name.is_some() || self.head_seed.is_some() {
            check.refuse("head", "missing", "a run folder, where head_name or head_seed says which head of it");
        } else if let Some(path) = &self.circuit_file {
            match open_circuit(path, self) {
                Ok((circuit, _)) => {
                    check.path("circuit_file", Some(path));
                    return circuit.qubits();
                }
                Err(error) => {
                    let expected = format!("a circuit of gates, measured at its end at most; {error}");
                    check.refuse("circuit_file", path.display(), expected);
                }
            }
        }
        self.circuit.qubits
    }
}
