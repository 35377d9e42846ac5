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
use crate::systems::rotation::encodings::{ENCODINGS, codes};
use crate::systems::rotation::photo::Crop;
use crate::systems::rotation::readout::{READOUTS, Readout};
use crate::transfer::Need;

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// One training of every encoding per seed.
    pub seeds: Vec<u64>,
    /// Rows of the table of encodings.
    pub encodings: Vec<String>,
    /// What reads the planes of a network, rows of the table of readouts: the first in all trainings on angles but those of the
    /// transfer and its heads. Several are compared under one encoding.
    #[serde(skip_serializing_if = "is_planes")]
    pub readouts: Vec<String>,
    /// Factors on the learning rate at which `direct` is trained. The trial with the lowest error on validation pictures
    /// is reported.
    pub direct_rates: Vec<f64>,
    /// Rows of the common table of heads, trained on the frozen backbone of the transfer; none leaves this part out.
    /// `NAME@DEVICE` is trained under the noise of that device.
    pub heads: Vec<String>,
    /// Training scenes. Each epoch has each once, under a new angle.
    pub training_scenes: usize,
    /// Test scenes of each kind, and validation scenes.
    pub test_scenes: usize,
    /// Share of training scenes whose angle is known up to quarter turns only, in 0..=1.
    pub ambiguous: f64,
    /// Photographs instead of scenes, for a pretrained network. Then there is neither transfer nor a frozen backbone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub photos: Option<Photos>,
    /// Training of the networks.
    pub train: TrainConfig,
    /// A backbone that is trained on classes of scenes first.
    pub transfer: Pretraining,
    /// Heads on that backbone, frozen.
    pub frozen_heads: FrozenHeads,
    /// Transfer methods in the training on angles of the transfer, or on photographs.
    #[serde(skip_serializing_if = "MethodConfig::is_empty")]
    pub method: MethodConfig,
    /// Conditions under which the circuits of `heads` are evaluated.
    #[serde(skip_serializing_if = "ConditionConfig::is_default")]
    pub evaluate: ConditionConfig,
}

/// Photographs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Photos {
    /// The folder; its subfolders are read as well.
    pub folder: PathBuf,
    /// The part of a rotated photograph that a view shows.
    pub crop: Crop,
    /// Share of photographs held out, above 0 and below 1: a third of them for validation, the others for the test.
    pub held_out: f64,
    /// Leave out photographs that cannot be read, instead of refusing them.
    #[serde(default)]
    pub skip_bad: bool,
    /// The pretrained network.
    #[serde(default)]
    pub backbone: Backbone,
    /// Pixels along an edge of a view, 64 to 224.
    #[serde(default = "default_size")]
    pub size: usize,
    /// Stages of the backbone that are trained, from the last but one down; those below are constant.
    #[serde(default = "default_live_stages")]
    pub live_stages: usize,
    /// Views of each training photograph, up to 1000, at random angles, every second one mirrored. An epoch has one of each photograph.
    #[serde(default = "default_views")]
    pub views: usize,
}

/// Whether it is the default list, which settings need not state.
fn is_planes(readouts: &[String]) -> bool {
    readouts == [READOUTS[0].0]
}

fn default_size() -> usize {
    96
}

fn default_live_stages() -> usize {
    2
}

fn default_views() -> usize {
    24
}

impl Photos {
    /// Three tenths held out, cropped to a disc, views of 96 pixels for EfficientNet-Lite0.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            crop: Crop::Disc,
            held_out: 0.3,
            skip_bad: false,
            backbone: Backbone::default(),
            size: default_size(),
            live_stages: default_live_stages(),
            views: default_views(),
        }
    }
}

/// Classes of upright scenes first, then angles with few labels, beside a network from scratch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pretraining {
    /// Scenes with classes; 0 leaves this part out.
    pub scenes: usize,
    /// Training on classes.
    pub source: TrainConfig,
    /// Training scenes with angles.
    pub labels: usize,
    /// Row of the table of encodings.
    pub encoding: String,
    /// Training on angles, with a pretrained backbone or from scratch.
    pub target: TrainConfig,
}

/// Heads on the frozen backbone of the transfer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FrozenHeads {
    /// Encodings of the heads: rows of the table of encodings that are codes.
    pub codes: Vec<String>,
    /// The circuit.
    pub circuit: CircuitConfig,
    /// Fixed views of each training scene.
    pub views: usize,
    /// Training of the heads.
    pub train: TrainConfig,
}

fn cosine(epochs: usize, rate: f64) -> TrainConfig {
    TrainConfig {
        schedule: Schedule::Cosine { floor: 0.01 },
        ..TrainConfig::new(epochs, 32, rate, Method::adamw(0.01))
    }
}

impl Default for Pretraining {
    fn default() -> Self {
        let encoding = "gaussian".into();
        Self { scenes: 1200, source: cosine(6, 2e-3), labels: 250, encoding, target: cosine(12, 2e-3) }
    }
}

impl Default for FrozenHeads {
    fn default() -> Self {
        Self {
            codes: codes().map(String::from).collect(),
            circuit: CircuitConfig { ansatz: "reuploading".into(), ..CircuitConfig::default() },
            views: 2,
            train: cosine(20, 2e-3),
        }
    }
}

impl Default for Spec {
    /// The quick run: one seed.
    fn default() -> Self {
        Self {
            seeds: vec![0],
            encodings: ENCODINGS.iter().map(|row| row.name.into()).collect(),
            readouts: vec![READOUTS[0].0.into()],
            direct_rates: vec![1.0],
            heads: Vec::new(),
            training_scenes: 1000,
            test_scenes: 200,
            ambiguous: 0.1,
            photos: None,
            train: cosine(6, 2e-3),
            transfer: Pretraining::default(),
            frozen_heads: FrozenHeads::default(),
            method: MethodConfig::default(),
            evaluate: ConditionConfig::default(),
        }
    }
}

impl Spec {
    /// The first readout.
    pub(super) fn readout(&self) -> Readout {
        self.readouts.first().and_then(|name| Readout::named(name)).unwrap_or(READOUTS[0].2)
    }

    /// Photographs in a folder instead of scenes. They have no classes, so transfer and frozen heads are left out.
    pub fn read_from(&mut self, folder: impl Into<PathBuf>) {
        self.photos = Some(match self.photos.take() {
            Some(photos) => Photos { folder: folder.into(), ..photos },
            None => Photos::new(folder.into()),
        });
        self.transfer.scenes = 0;
        self.heads.clear();
        let known = Self::default();
        if self.encodings == known.encodings {
            self.encodings.retain(|name| name != "naive");
        }
        if self.train == known.train {
            self.train = cosine(40, 1e-3);
        }
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.rotation/2";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset {
            name: "quick",
            doc: "every encoding and the transfer under one seed with few scenes, under a minute; the default",
            apply: |_| {},
        },
        Preset {
            name: "smoke",
            doc: "a second or two: shows that everything works, its figures mean nothing",
            apply: |spec| {
                spec.encodings = ["naive", "direct", "unit_vector", "gaussian"].map(String::from).to_vec();
                spec.direct_rates = vec![0.3, 1.0];
                spec.heads = ["mlp_a", "quantum"].map(String::from).to_vec();
                (spec.training_scenes, spec.test_scenes, spec.train.epochs) = (64, 24, 1);
                (spec.transfer.scenes, spec.transfer.labels) = (48, 20);
                (spec.transfer.source.epochs, spec.transfer.target.epochs) = (1, 2);
                (spec.frozen_heads.train.epochs, spec.frozen_heads.circuit.qubits) = (2, 3);
            },
        },
        Preset {
            name: "full",
            doc: "three seeds, direct at three rates, heads on a frozen backbone; 13 minutes of processor time",
            apply: |spec| {
                spec.seeds = (0..3).collect();
                spec.direct_rates = vec![0.1, 0.3, 1.0];
                spec.heads = ["linear", "mlp_a", "separable", "quantum"].map(String::from).to_vec();
                (spec.training_scenes, spec.test_scenes) = (2000, 500);
                spec.train.epochs = 12;
                (spec.transfer.scenes, spec.transfer.labels) = (2400, 500);
                spec.transfer.source.epochs = 12;
                // As many steps as the encodings get on four times as many scenes.
                spec.transfer.target.epochs = 48;
                spec.frozen_heads.views = 4;
            },
        },
    ];

    fn circuit(&mut self) -> Option<(&'static str, &mut CircuitConfig)> {
        Some(("frozen_heads.circuit", &mut self.frozen_heads.circuit))
    }

    fn validate(&self, check: &mut Validation) {
        let (transfer, frozen) = (&self.transfer, &self.frozen_heads);
        let qubits = &frozen.circuit.qubits;
        let names = ENCODINGS.iter().map(|row| row.name);
        check
            .list("seeds", &self.seeds)
            .names("encodings", &self.encodings, names.clone())
            .names("readouts", &self.readouts, READOUTS.iter().map(|row| row.0))
            .list("direct_rates", &self.direct_rates)
            .distinct("heads", &self.heads)
            .count("training_scenes", self.training_scenes)
            .count("test_scenes", self.test_scenes)
            .optional_count("transfer.scenes", transfer.scenes)
            .within("ambiguous", self.ambiguous, 0.0..=1.0)
            .train("train", &self.train)
            .train("transfer.source", &transfer.source)
            .count("transfer.labels", transfer.labels)
            .name("transfer.encoding", &transfer.encoding, names)
            .train("transfer.target", &transfer.target)
            .names("frozen_heads.codes", &frozen.codes, codes())
            .circuit("frozen_heads.circuit", &frozen.circuit)
            .check(
                "frozen_heads.circuit.observables",
                format!("{:?}", frozen.circuit.observables),
                frozen.circuit.observables.is_empty(),
                "none: the encoding of the angle decides what is measured",
            )
            .at_least("frozen_heads.circuit.qubits", *qubits, 3)
            .count("frozen_heads.views", frozen.views)
            .train("frozen_heads.train", &frozen.train);
        for rate in &self.direct_rates {
            check.positive("direct_rates", *rate);
        }
        for head in &self.heads {
            check.head_on_device("heads", head, *qubits);
        }
        let lacks = [(Need::Domains, "all pictures are of one domain"), (Need::Classes, "an angle is no class")];
        self.method.validate("method", &lacks, check);
        if !self.method.is_empty() && transfer.scenes == 0 && self.photos.is_none() {
            check.refuse(
                "transfer.scenes",
                0,
                "at least 1: methods take part in the training on angles of the transfer",
            );
        }
        self.evaluate.validate("evaluate", (&self.heads, *qubits), check);
        if !self.heads.is_empty() && transfer.scenes == 0 {
            check.refuse("transfer.scenes", 0, "at least 1: heads are trained on the backbone of the transfer");
        }
        if let Some(photos) = &self.photos {
            check
                .path("photos.folder", Some(&photos.folder))
                .between("photos.held_out", photos.held_out, (0.0, 1.0))
                .whole("photos.size", photos.size, 64..=224)
                .whole("photos.views", photos.views, 1..=1000)
                .whole("photos.live_stages", photos.live_stages, 1..=20);
            photos.backbone.validate("photos.backbone", check);
            if transfer.scenes > 0 {
                check.refuse("transfer.scenes", transfer.scenes, "0: photographs have no classes for the source");
            }
        }
    }
}
