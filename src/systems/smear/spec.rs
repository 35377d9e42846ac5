//! Settings of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::lab::{Preset, Settings, Validation};
use crate::nn::head::CircuitConfig;
use crate::nn::optim::{Method, Schedule};
use crate::study::train::TrainConfig;
use crate::systems::conditions::ConditionConfig;
use crate::systems::inputs::Backbone;
use crate::systems::methods::MethodConfig;
use crate::systems::smear::simulation::Simulation;
use crate::transfer::Need;

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// One training of every remedy per seed.
    pub seeds: Vec<u64>,
    /// Photographs with boxes: COCO annotations, YOLO or Pascal VOC; without them, smears are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// Fields for training; of a data set at most this many, the first ones.
    pub training_fields: usize,
    /// Fields on which fusion weights and thresholds are chosen; of a data set at most this many.
    pub validation_fields: usize,
    /// Fields of the test; of a data set at most this many.
    pub test_fields: usize,
    /// Height of a field in pixels, a multiple of 4 from 32 to 4096. Drawn fields are square.
    pub edge: usize,
    /// Cells in a drawn field.
    pub cells: usize,
    /// Share of drawn training cells whose label is that of a neighbouring class, in 0..=1.
    pub label_noise: f64,
    /// Single cells of the source domain, on which the remedy `transferred` is pretrained.
    pub source_cells: usize,
    /// The pretrained network of the remedy `transferred` for photographs. Drawn fields have a source of their own.
    pub backbone: Backbone,
    /// Channels of the detector, a multiple of 8 up to 1024.
    pub width: usize,
    /// Training of the detectors.
    pub train: TrainConfig,
    /// Ensembles of detectors that are simulated, not trained.
    pub simulation: Simulation,
    /// Rows of the common table of heads, each a second stage behind the fused detectors; none leaves this part out.
    /// `NAME@DEVICE` is trained under the noise of that device.
    pub heads: Vec<String>,
    /// The circuit of such a head.
    pub circuit: CircuitConfig,
    /// Transfer methods in the training of the remedy `transferred` on the fields; each is a detector more.
    #[serde(skip_serializing_if = "MethodConfig::is_empty")]
    pub method: MethodConfig,
    /// Conditions under which the circuits of `heads` are evaluated.
    #[serde(skip_serializing_if = "ConditionConfig::is_default")]
    pub evaluate: ConditionConfig,
}

impl Default for Spec {
    /// The quick run: one seed.
    fn default() -> Self {
        Self {
            seeds: vec![0],
            data: None,
            training_fields: 120,
            validation_fields: 30,
            test_fields: 60,
            edge: 128,
            cells: 4,
            label_noise: 0.08,
            source_cells: 400,
            backbone: Backbone::default(),
            width: 24,
            train: TrainConfig {
                schedule: Schedule::Cosine { floor: 0.02 },
                warm_up: 20,
                clip: Some(10.0),
                ..TrainConfig::new(7, 8, 4e-3, Method::adamw(0.01))
            },
            simulation: Simulation::default(),
            heads: Vec::new(),
            circuit: CircuitConfig { qubits: 6, depth: 3, ..CircuitConfig::default() },
            method: MethodConfig::default(),
            evaluate: ConditionConfig::default(),
        }
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.smear/2";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset { name: "quick", doc: "one seed on drawn smears, under a minute; the default", apply: |_| {} },
        Preset {
            name: "smoke",
            doc: "a second or two: shows that everything works, its figures mean nothing",
            apply: |spec| {
                spec.seeds = (0..3).collect();
                (spec.training_fields, spec.validation_fields, spec.test_fields) = (8, 3, 6);
                (spec.edge, spec.cells, spec.source_cells, spec.width) = (48, 2, 16, 8);
                (spec.train.epochs, spec.train.warm_up) = (1, 0);
                spec.simulation = Simulation { fields: 6, repeats: 2, ..Simulation::default() };
                spec.simulation.correlations = vec![0.0, 0.6, 0.9];
                spec.heads = ["mlp_a", "quantum"].map(String::from).to_vec();
                (spec.circuit.qubits, spec.circuit.depth) = (2, 1);
            },
        },
        Preset {
            name: "full",
            doc: "three seeds, more fields, a wider network, a circuit and mlp_a; 18 minutes on two cores",
            apply: |spec| {
                spec.seeds = (0..3).collect();
                (spec.training_fields, spec.validation_fields, spec.test_fields) = (600, 150, 300);
                (spec.source_cells, spec.width) = (1200, 32);
                spec.simulation.repeats = 20;
                spec.heads = ["mlp_a", "quantum"].map(String::from).to_vec();
            },
        },
    ];

    fn circuit(&mut self) -> Option<(&'static str, &mut CircuitConfig)> {
        Some(("circuit", &mut self.circuit))
    }

    fn validate(&self, check: &mut Validation) {
        let is_edge = (32..=4096).contains(&self.edge) && self.edge.is_multiple_of(4);
        let is_width = (8..=1024).contains(&self.width) && self.width.is_multiple_of(8);
        check
            .list("seeds", &self.seeds)
            .path("data", self.data.as_deref())
            .count("training_fields", self.training_fields)
            .count("validation_fields", self.validation_fields)
            .count("test_fields", self.test_fields)
            .check("edge", self.edge, is_edge, "a multiple of 4 from 32 to 4096")
            .count("cells", self.cells)
            .within("label_noise", self.label_noise, 0.0..=1.0)
            .count("source_cells", self.source_cells)
            .check("width", self.width, is_width, "a multiple of 8 from 8 to 1024")
            .train("train", &self.train)
            .distinct("heads", &self.heads)
            .circuit("circuit", &self.circuit);
        for head in &self.heads {
            check.head_on_device("heads", head, self.circuit.width());
        }
        let lacks =
            [(Need::Domains, "all fields are of one domain"), (Need::Classes, "a detector has a map for each class")];
        self.method.validate("method", &lacks, check);
        self.evaluate.validate("evaluate", (&self.heads, self.circuit.width()), check);
        self.backbone.validate("backbone", check);
        self.simulation.validate("simulation", check);
    }
}
