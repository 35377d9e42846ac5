//! Settings of a run.

use serde::{Deserialize, Serialize};

use crate::data::Synthetic;
use crate::lab::{Preset, Settings, Validation};
use crate::nn::head::{CircuitConfig, HEADS, HeadRow};
use crate::nn::optim::{Method, Schedule, StepSchedule};
use crate::noise::model::{MODELS, Scale};
use crate::sim::Condition;
use crate::study::train::TrainConfig;
use crate::study::{ClassWeight, StudyError};
use crate::systems::head_choice::HeadChoice;
use crate::systems::hold_out::HoldOutConfig;
use crate::systems::inputs::{Backbone, Data};
use crate::systems::qtl::conditions::{self, validate_source};

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// One training of every head per seed.
    pub seeds: Vec<u64>,
    /// Rows of the table of heads. `NAME@DEVICE` is trained under the noise of that device.
    pub heads: Vec<String>,
    /// What is learned from.
    pub data: Data,
    /// Which rows are held out.
    pub hold_out: HoldOutConfig,
    /// What turns pictures into features.
    pub backbone: Backbone,
    /// The circuit of the heads.
    pub circuit: CircuitConfig,
    /// How heads are trained.
    pub train: TrainConfig,
    /// What rows of each class count in the loss.
    pub class_weight: ClassWeight,
    /// Under which heads with a circuit are trained. A head that names a device is trained on that one.
    pub condition: Condition,
    /// Under which trained heads are evaluated.
    pub evaluate: EvaluateConfig,
}

/// Under which conditions trained heads are evaluated. Each device is evaluated at each scale of each source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluateConfig {
    /// Whether the main figures are those under the condition of the training, instead of those without noise.
    pub as_trained: bool,
    /// Names or files of devices.
    pub devices: Vec<String>,
    /// Row of the table of noise models.
    pub model: String,
    /// Sources of noise: `all`, `none`, or rows of `qgraft list sources` alone.
    pub sources: Vec<String>,
    /// Factors on the noise, besides 1.
    pub scales: Vec<f64>,
    /// Numbers of shots, without noise and under each device as calibrated.
    pub shots: Vec<usize>,
}

impl Default for EvaluateConfig {
    fn default() -> Self {
        Self {
            as_trained: false,
            devices: ["manila", "guadalupe"].map(String::from).to_vec(),
            model: "aer".into(),
            sources: vec!["all".into()],
            scales: vec![0.0, 0.5, 1.0, 2.0, 4.0],
            shots: vec![1024],
        }
    }
}

impl Default for Spec {
    fn default() -> Self {
        let heads = ["linear", "mlp_a", "mlp_b", "quantum", "quantum@manila", "separable", "frozen_quantum"];
        Self {
            seeds: (0..5).collect(),
            heads: heads.map(String::from).to_vec(),
            data: Data::default(),
            hold_out: HoldOutConfig::default(),
            backbone: Backbone::default(),
            circuit: CircuitConfig::default(),
            train: TrainConfig {
                schedule: Schedule::Step(StepSchedule { every: 3, factor: 0.9 }),
                ..TrainConfig::new(10, 16, 1e-3, Method::ADAM)
            },
            class_weight: ClassWeight::None,
            condition: Condition::default(),
            evaluate: EvaluateConfig::default(),
        }
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.qtl/2";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset {
            name: "quick",
            doc: "two seeds, three epochs, 40 pictures of each class: a few seconds",
            apply: |spec| {
                spec.seeds = vec![0, 1];
                spec.train.epochs = spec.train.epochs.min(3);
                spec.data.rows_per_class = 40;
                spec.evaluate.scales = vec![0.0, 1.0, 2.0];
            },
        },
        Preset {
            name: "smoke",
            doc: "a second: shows that everything works, its figures mean nothing",
            apply: |spec| {
                spec.seeds = vec![0, 1];
                spec.heads = ["linear", "quantum", "quantum@manila", "quantum_kernel"].map(String::from).to_vec();
                spec.train.epochs = 1;
                spec.data =
                    Data::synthetic(Synthetic { training: 24, held_out: 12, classes: 2, separation: 3.0, seed: 0 });
                spec.circuit = CircuitConfig { qubits: 2, depth: 1, ..spec.circuit.clone() };
                spec.evaluate.devices = vec!["manila".into()];
                spec.evaluate.scales = vec![1.0, 2.0];
            },
        },
        Preset {
            name: "full",
            doc: "20 seeds and 40 epochs, about a minute",
            apply: |spec| {
                spec.seeds = (0..20).collect();
                spec.train.epochs = 40;
            },
        },
        Preset {
            name: "study",
            doc: "4 qubits, depth 3, Adam 1e-3, batch 16, 10 epochs (arXiv 2603.16973); the default",
            apply: |_| {},
        },
        Preset {
            name: "mari",
            doc: "H and RY encoding, alternating CNOT, depth 6, Adam 4e-4, batch 4, 30 epochs (arXiv 1912.08278)",
            apply: |spec| {
                family(spec, "mari", 6);
                spec.train = TrainConfig {
                    schedule: Schedule::Step(StepSchedule { every: 10, factor: 0.1 }),
                    ..TrainConfig::new(30, 4, 4e-4, Method::ADAM)
                };
            },
        },
        Preset {
            name: "strongly_entangling",
            doc: "the default with strongly entangling layers (arXiv 1804.00633)",
            apply: |spec| family(spec, "strongly_entangling", 3),
        },
        Preset {
            name: "reuploading",
            doc: "the default with features uploaded before every layer, trained scales (arXiv 1907.02085)",
            apply: |spec| family(spec, "reuploading", 3),
        },
        Preset {
            name: "amplitude",
            doc: "the default with 2^n features as amplitudes (arXiv quant-ph/0407010)",
            apply: |spec| family(spec, "amplitude", 3),
        },
        Preset {
            name: "families",
            doc: "five families of quantum transfer learning and their baselines: DQN, QPIE, AE (TLQNN, TLQCNN), PV, ED \
                  (arXiv 2605.19417)",
            apply: |spec| {
                let heads =
                    ["linear", "mlp_a", "dqn", "qpie", "tlqnn", "tlqcnn", "post_variational", "entangled_dressed"];
                spec.heads = heads.map(String::from).to_vec();
            },
        },
        Preset {
            name: "kernel",
            doc: "support vectors on fidelities, fixed and trained, beside the linear head and the dressed circuit (arXiv \
                  1804.11326, 2105.02276)",
            apply: |spec| {
                spec.heads = ["linear", "quantum", "quantum_kernel", "trained_kernel"].map(String::from).to_vec();
            },
        },
    ];

    fn circuit(&mut self) -> Option<(&'static str, &mut CircuitConfig)> {
        Some(("circuit", &mut self.circuit))
    }

    fn validate(&self, check: &mut Validation) {
        let qubits = &self.circuit.qubits;
        check
            .list("seeds", &self.seeds)
            .list("heads", &self.heads)
            .circuit("circuit", &self.circuit)
            .train("train", &self.train)
            .distinct("evaluate.devices", &self.evaluate.devices)
            .name("evaluate.model", &self.evaluate.model, MODELS.iter().map(|row| row.name))
            .list("evaluate.sources", &self.evaluate.sources)
            .distinct("evaluate.scales", &self.evaluate.scales)
            .distinct("evaluate.shots", &self.evaluate.shots);
        let is_amplitude = self.circuit.takes_amplitudes();
        let expected = "at most 12: amplitude encoding prepares 2^n amplitudes";
        check.check("circuit.qubits", qubits, !is_amplitude || *qubits <= 12, expected);
        for label in &self.heads {
            match HeadChoice::named(label, &self.circuit) {
                Ok(HeadChoice { device: Some(device), .. }) => _ = check.device("heads", &device, *qubits),
                Ok(_) => {}
                Err(_) if HeadRow::of_label(label).is_err() => {
                    let name = label.split_once('@').map_or(label.as_str(), |(name, _)| name);
                    check.name("heads", name, HEADS.iter().map(|row| row.name));
                }
                Err(_) => {
                    check.refuse(
                        "heads",
                        format!("{label:?}"),
                        "a head with a circuit or a quantum kernel before @DEVICE",
                    );
                }
            }
        }
        self.data.validate("data", &self.backbone, check);
        self.backbone.validate("backbone", check);
        self.hold_out.validate("hold_out", check);
        conditions::validate("condition", &self.condition, *qubits, check);
        check.devices("evaluate.devices", &self.evaluate.devices, *qubits);
        for source in &self.evaluate.sources {
            validate_source("evaluate.sources", source, check);
        }
        for scale in &self.evaluate.scales {
            check.within("evaluate.scales", *scale, 0.0..=Scale::MOST);
        }
        for shots in &self.evaluate.shots {
            check.whole("evaluate.shots", *shots, 1..=100_000_000);
        }
    }
}

impl Spec {
    /// The heads, in order.
    ///
    /// # Errors
    /// If a name is in no table, or a head without a circuit names a device.
    pub fn choices(&self) -> Result<Vec<HeadChoice>, StudyError> {
        let choice = |label: &String| Ok(HeadChoice::named(label, &self.circuit)?);
        self.heads.iter().map(choice).collect()
    }
}

fn family(spec: &mut Spec, ansatz: &str, depth: usize) {
    spec.circuit.ansatz = ansatz.into();
    spec.circuit.depth = depth;
}
