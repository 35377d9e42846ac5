//! Settings of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::data::has_boxes;
use crate::lab::{Preset, Settings, Validation};
use crate::nn::backbone::BACKBONES;
use crate::nn::decode::BeamSearch;
use crate::nn::head::CircuitConfig;
use crate::nn::optim::{Method, Schedule};
use crate::study::train::TrainConfig;
use crate::systems::conditions::ConditionConfig;
use crate::systems::hatl::arms::{ARMS, arm};
use crate::systems::hatl::signs::Camera;
use crate::systems::hatl::tasks::{TASKS, task};
use crate::systems::hatl::texts::Texts;
use crate::systems::live_stages::LiveStages;
use crate::systems::methods::MethodConfig;
use crate::transfer::{Need, Rule};

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Row of the table of tasks: the target task.
    pub task: String,
    /// A folder of films with texts, or of classes of pictures; without it the drawn films or the embedded pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// One source network per seed, from which every arm starts.
    pub seeds: Vec<u64>,
    /// Rows of the table of arms.
    pub arms: Vec<String>,
    /// Row of the table of heads; only for a task that classifies. `NAME@DEVICE` is trained under the noise of that device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// Drawn films of the source task.
    pub source_films: SourceFilms,
    /// Training clips of each class of the source task, and a quarter as many for validation.
    pub source_clips: usize,
    /// Training sentences.
    pub sentences: usize,
    /// Validation sentences.
    pub dev: usize,
    /// Test sentences.
    pub test: usize,
    /// Training clips of each gloss, and half as many for validation; or training pictures of each class, and as many for
    /// validation.
    pub per_class: usize,
    /// The pose estimator of drawn films.
    pub camera: Camera,
    /// Pictures and their backbone.
    pub pictures: PictureConfig,
    /// Photos, and the backbone whose last stages are released on them.
    pub photos: LiveStages,
    /// Texts, and the encoder whose last blocks are released on them.
    #[serde(skip_serializing_if = "is_default")]
    pub texts: Texts,
    /// Sizes of backbone and translator.
    pub sizes: Sizes,
    /// Terms of the loss of a translation.
    pub weights: LossWeights,
    /// How test sentences are decoded a second time, if its beam is wider than 1; else decoding is greedy.
    pub search: BeamSearch,
    /// When layers are released.
    pub rule: Rule,
    /// Training of the source network.
    pub source: TrainConfig,
    /// Training on the target task: the same number of updates for every arm.
    pub target: TrainConfig,
    /// The circuit of a quantum head.
    pub circuit: CircuitConfig,
    /// Transfer methods beside the schedule of an arm.
    #[serde(skip_serializing_if = "MethodConfig::is_empty")]
    pub method: MethodConfig,
    /// Conditions under which the circuit of a trained head is evaluated.
    #[serde(skip_serializing_if = "ConditionConfig::is_default")]
    pub evaluate: ConditionConfig,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Drawn films of the source task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceFilms {
    /// Gross motions.
    Actions,
    /// Single signs of another language.
    Signs,
}

/// Pictures and their backbone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PictureConfig {
    /// Row of the table of backbones.
    pub backbone: String,
    /// Weight file; without one the embedded weights, or those of the model hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    /// Pixels of an edge, far fewer than the backbone was pretrained at: a backbone that is trained is computed in every
    /// step.
    pub edge: usize,
    /// Factor on the learning rate of the backbone under every schedule.
    pub backbone_rate: f64,
}

/// Sizes of backbone and translator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sizes {
    /// Channels of each block of the backbone.
    pub blocks: Vec<usize>,
    /// Width of the translator.
    pub width: usize,
    /// Heads of its attention.
    pub heads: usize,
    /// Its encoder layers.
    pub encoder: usize,
    /// Its decoder layers.
    pub decoder: usize,
    /// Dropout rate of the translator, in 0..1.
    pub dropout: f64,
}

/// Factors on the terms of the loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossWeights {
    /// Words of the text.
    pub words: f64,
    /// Glosses of the sentence, by connectionist temporal classification on the encoder.
    pub glosses: f64,
    /// Glosses of frames, from the backbone.
    pub backbone: f64,
    /// Glosses of frames, from the encoder.
    pub encoder: f64,
}

impl Default for PictureConfig {
    fn default() -> Self {
        Self { backbone: "efficientnet_lite0".into(), weights: None, edge: 32, backbone_rate: 0.01 }
    }
}

impl Default for Sizes {
    fn default() -> Self {
        Self { blocks: vec![32, 32, 48, 48], width: 48, heads: 4, encoder: 1, decoder: 1, dropout: 0.1 }
    }
}

impl Default for LossWeights {
    fn default() -> Self {
        Self { words: 1.0, glosses: 0.0, backbone: 0.1, encoder: 0.1 }
    }
}

impl Default for Spec {
    /// The quick run: one seed, few sentences and epochs.
    fn default() -> Self {
        let config = |epochs, batch, rate| TrainConfig {
            warm_up: 20,
            clip: Some(1.0),
            keep_best: true,
            ..TrainConfig::new(epochs, batch, rate, Method::adamw(0.01))
        };
        Self {
            task: "sentences".into(),
            data: None,
            seeds: vec![0],
            arms: ARMS.iter().map(|row| row.name.into()).collect(),
            head: None,
            source_films: SourceFilms::Actions,
            source_clips: 16,
            sentences: 200,
            dev: 40,
            test: 100,
            per_class: 8,
            camera: Camera::default(),
            pictures: PictureConfig::default(),
            photos: LiveStages { edge: 64, stages: 3, labels: 15, test: 50, ..LiveStages::default() },
            texts: Texts::default(),
            sizes: Sizes::default(),
            weights: LossWeights::default(),
            search: BeamSearch::default(),
            rule: Rule {
                warm_up: 3,
                patience: 1,
                cooldown: 1,
                plateau: 0.1,
                near_best: 0.1,
                floor: 0.02,
                ..Rule::default()
            },
            source: TrainConfig { schedule: Schedule::Cosine { floor: 0.01 }, ..config(6, 32, 3e-3) },
            target: config(12, 16, 2e-3),
            circuit: CircuitConfig { qubits: 6, depth: 2, ..CircuitConfig::default() },
            method: MethodConfig::default(),
            evaluate: ConditionConfig::default(),
        }
    }
}

impl Spec {
    /// The quick run of a task, laid over these settings.
    fn choose(&mut self, name: &str) {
        self.task = name.into();
        if let Some(row) = task(name) {
            (row.quick)(self);
        }
    }

    /// Classifies the texts of a file, by the quick run of that task.
    pub fn read_texts(&mut self, file: impl Into<PathBuf>) {
        if self.task != "texts" {
            self.choose("texts");
        }
        self.data = Some(file.into());
    }

    /// Reads films or pictures from a folder. The glosses of single frames are unknown in the user's own sentences.
    pub fn read_from(&mut self, folder: impl Into<PathBuf>) {
        self.data = Some(folder.into());
        (self.weights.backbone, self.weights.encoder) = (0.0, 0.0);
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.hatl/3";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset {
            name: "quick",
            doc: "sentences, one seed, too few epochs to learn them, under a minute; the default",
            apply: |_| {},
        },
        Preset {
            name: "smoke",
            doc: "a second or two: shows that everything works, its figures mean nothing",
            apply: |spec| {
                (spec.source_clips, spec.sentences, spec.dev, spec.test, spec.per_class) = (2, 24, 8, 20, 2);
                (spec.photos.edge, spec.photos.stages, spec.photos.labels, spec.photos.test) = (32, 2, 2, 3);
                (spec.sizes.blocks, spec.sizes.width) = (vec![8, 8], 16);
                (spec.source.epochs, spec.target.epochs) = (1, 4);
                // Every epoch may release a block.
                let (window, warm_up, patience, cooldown) = (1, 0, 1, 0);
                let (plateau, near_best, floor) = (1.0, 1.0, -1.0);
                spec.rule = Rule { window, warm_up, patience, cooldown, plateau, near_best, floor, ..Rule::default() };
            },
        },
        Preset {
            name: "scarce",
            doc: "100 sentences filmed badly, without glosses of frames, after the signs of another language",
            apply: |spec| spec.choose("scarce"),
        },
        Preset {
            name: "unaligned",
            doc: "sentences filmed badly, without glosses of frames, after the signs of another language, which are worth \
                  something; every arm is trained until it stops improving",
            apply: |spec| spec.choose("unaligned"),
        },
        Preset {
            name: "glosses",
            doc: "single signs classified by a row of the table of heads",
            apply: |spec| spec.choose("glosses"),
        },
        Preset {
            name: "pictures",
            doc: "pictures classified by a row of the table of heads, on a pretrained backbone of the table",
            apply: |spec| spec.choose("pictures"),
        },
        Preset {
            name: "photos",
            doc: "pictures classified on a pretrained backbone whose last stages are released; --data reads class folders",
            apply: |spec| spec.choose("photos"),
        },
        Preset {
            name: "texts",
            doc: "texts classified on a pretrained text encoder whose last blocks are released; needs --texts and --encoder",
            apply: |spec| spec.choose("texts"),
        },
        Preset {
            name: "full",
            doc: "five seeds and epochs enough to release every block, after the preset of a task; half an hour",
            apply: |spec| {
                spec.seeds = (0..5).collect();
                if let Some(row) = task(&spec.task) {
                    (row.full)(spec);
                }
            },
        },
    ];

    fn circuit(&mut self) -> Option<(&'static str, &mut CircuitConfig)> {
        Some(("circuit", &mut self.circuit))
    }

    fn validate(&self, check: &mut Validation) {
        let (sizes, weights, rule, search) = (&self.sizes, &self.weights, &self.rule, &self.search);
        // A score is at most 1; of its noise there may be any number.
        let farthest = if rule.in_noise { 100.0 } else { 1.0 };
        check
            .name("task", &self.task, TASKS.iter().map(|row| row.name))
            .path("data", self.data.as_deref())
            .list("seeds", &self.seeds)
            .names("arms", &self.arms, ARMS.iter().map(|row| row.name))
            .count("source_clips", self.source_clips)
            .at_least("sentences", self.sentences, 2)
            .count("dev", self.dev)
            .whole("test", self.test, 20..=1_000_000)
            .count("per_class", self.per_class)
            .not_negative("camera.noise", self.camera.noise)
            .check("camera.missing", self.camera.missing, (0.0..1.0).contains(&self.camera.missing), BELOW_ONE)
            .name("pictures.backbone", &self.pictures.backbone, BACKBONES.iter().map(|row| row.name))
            .path("pictures.weights", self.pictures.weights.as_deref())
            .edge("pictures.edge", self.pictures.edge, 32)
            .positive("pictures.backbone_rate", self.pictures.backbone_rate)
            .widths("sizes.blocks", &sizes.blocks)
            .width("sizes.width", sizes.width)
            .check(
                "sizes.heads",
                sizes.heads,
                sizes.heads > 0 && sizes.width.is_multiple_of(sizes.heads),
                "a divisor of sizes.width",
            )
            .layers("sizes.encoder", sizes.encoder)
            .layers("sizes.decoder", sizes.decoder)
            .check("sizes.dropout", sizes.dropout, (0.0..1.0).contains(&sizes.dropout), BELOW_ONE)
            .not_negative("weights.words", weights.words)
            .not_negative("weights.glosses", weights.glosses)
            .not_negative("weights.backbone", weights.backbone)
            .not_negative("weights.encoder", weights.encoder)
            .whole("search.beam_size", search.beam_size, 1..=1000)
            .not_negative("search.length_penalty", search.length_penalty)
            .count("rule.window", rule.window)
            .count("rule.patience", rule.patience)
            .optional_count("rule.cooldown", rule.cooldown)
            .optional_count("rule.warm_up", rule.warm_up)
            .within("rule.plateau", rule.plateau, 0.0..=farthest)
            .within("rule.decay", rule.decay, 0.0..=1.0)
            .within("rule.near_best", rule.near_best, 0.0..=farthest)
            .within("rule.floor", rule.floor, -1.0..=1.0)
            .positive("rule.ratio", rule.ratio)
            .train("source", &self.source)
            .train("target", &self.target)
            .at_least("source.batch", self.source.batch, 2)
            .at_least("target.batch", self.target.batch, 2)
            .circuit("circuit", &self.circuit);
        let Some(row) = task(&self.task) else { return };
        self.photos.validate("photos", check);
        let has_other_file = |path: &&PathBuf| row.name == "photos" && path.is_file() && !has_boxes(path);
        if let Some(path) = self.data.as_ref().filter(has_other_file) {
            let expected = "a folder of class folders, or pictures with boxes (a folder or zip file like Pascal VOC)";
            check.refuse("data", path.display(), expected);
        }
        let texts = &self.texts;
        check
            .path("texts.encoder", texts.encoder.as_deref())
            .layers("texts.blocks", texts.blocks)
            .count("texts.labels", texts.labels)
            .count("texts.test", texts.test)
            .whole("texts.longest", texts.longest, 3..=100_000)
            .positive("texts.encoder_rate", texts.encoder_rate)
            .check("texts.class", &texts.class, texts.class != texts.text, "another column than texts.text");
        match (&self.head, row.classifies) {
            (Some(head), true) => _ = check.head_on_device("head", head, self.circuit.width()),
            (Some(head), false) => {
                let expected = format!("none: task {} translates; glosses and pictures have a head", row.name);
                check.refuse("head", format!("{head:?}"), expected);
            }
            (None, true) => _ = check.refuse("head", "none", "a row of the table of heads, such as quantum"),
            (None, false) => {}
        }
        let mut lacks = vec![(Need::Domains, "all films or pictures are of one domain")];
        lacks.extend((!row.classifies).then_some((Need::Classes, "a translation is words")));
        self.method.validate("method", &lacks, check);
        let heads: Vec<&String> = self.head.iter().collect();
        self.evaluate.validate("evaluate", (&heads, self.circuit.width()), check);
        if let Some(folder) = self.data.as_ref().filter(|_| !row.reads_data) {
            check.refuse("data", folder.display(), format!("none: the films of task {} are drawn", row.name));
        }
        if row.source.is_none() && self.arms.iter().filter_map(|name| arm(name)).any(|arm| arm.from_scratch) {
            let expected = format!("no arm from scratch: the backbone of task {} comes pretrained", row.name);
            check.refuse("arms", format!("{:?}", self.arms), expected);
        }
    }
}

/// What a share below 1 is expected to be.
const BELOW_ONE: &str = "a number of at least 0 and below 1";
