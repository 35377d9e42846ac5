//! Settings of a run.

use std::ops::Range;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::data::has_boxes;
use crate::lab::{Preset, Settings, Validation};
use crate::nn::head::CircuitConfig;
use crate::nn::optim::{Method, Schedule};
use crate::study::train::TrainConfig;
use crate::systems::conditions::ConditionConfig;
use crate::systems::live_stages::LiveStages;
use crate::systems::methods::MethodConfig;
use crate::systems::plasticity::arms::arms;
use crate::systems::plasticity::settings::{OWN, SETTINGS};
use crate::transfer::{Need, Utility, Value};

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// One source phase per setting and seed, from which every arm starts.
    pub seeds: Vec<u64>,
    /// Rows of the table of settings.
    pub settings: Vec<String>,
    /// Row of the table of heads that target networks get. `NAME@DEVICE` is trained on the target under the noise of that
    /// device, and the accuracies of its epochs are under it, too.
    pub head: String,
    /// How useful a weight is.
    pub utilities: Vec<Utility>,
    /// Shares of weights to replace, in 0..=1.
    pub shares: Vec<f64>,
    /// Largest utilities to replace, in mean utilities of a tensor.
    pub thresholds: Vec<f64>,
    /// What weights are replaced by.
    pub values: Vec<Value>,
    /// Where weights are replaced.
    pub layers: Vec<Layers>,
    /// Epochs in which the head alone learns, before anything is chosen: gradients under an untrained head are noise.
    pub head_epochs: usize,
    /// Batches whose gradients are averaged.
    pub batches: usize,
    /// Batches that running statistics see after it.
    pub calibration: usize,
    /// The circuit of a quantum head.
    pub circuit: CircuitConfig,
    /// The settings on digits.
    pub digits: Digits,
    /// The settings on drawn pictures.
    pub pictures: Pictures,
    /// The user's own pictures, which are then the only setting: a folder of class folders, or pictures with boxes in the
    /// layout of Pascal VOC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// The settings on a pretrained backbone.
    pub pretrained: Pretrained,
    /// Transfer methods beside the treatment of an arm.
    #[serde(skip_serializing_if = "MethodConfig::is_empty")]
    pub method: MethodConfig,
    /// Conditions under which the circuit of a fine-tuned head is evaluated.
    #[serde(skip_serializing_if = "ConditionConfig::is_default")]
    pub evaluate: ConditionConfig,
}

/// The settings on a pretrained backbone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pretrained {
    /// The backbone, its trained stages, and the pictures.
    pub live: LiveStages,
    /// How the target is learned.
    pub target: TrainConfig,
    /// Factors on its learning rate. Every arm is trained at each of them, and the one with the highest mean accuracy on
    /// the validation pictures is kept.
    pub rates: Vec<f64>,
    /// Arms whose networks are saved.
    pub saved: Vec<String>,
}

impl Default for Pretrained {
    fn default() -> Self {
        let target = TrainConfig {
            schedule: Schedule::Cosine { floor: 0.0 },
            ..TrainConfig::new(6, 16, 1e-3, Method::adamw(0.01))
        };
        let saved = ["plain", "frozen", "gradient 10 % resample"].map(String::from).to_vec();
        let live = LiveStages { edge: 64, labels: 15, test: 30, ..LiveStages::default() };
        Self { live, target, rates: vec![0.3, 1.0, 3.0], saved }
    }
}

/// Layers of a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layers {
    /// All of them.
    All,
    /// The third next to the input, at least one.
    First,
    /// The third next to the head, at least one.
    Last,
}

impl Layers {
    /// Which of `count` layers these are.
    pub fn range(self, count: usize) -> Range<usize> {
        let third = (count / 3).max(1);
        match self {
            Self::All => 0..count,
            Self::First => 0..third,
            Self::Last => count - third..count,
        }
    }
}

/// The settings on digits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Digits {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Rows of a source task.
    pub rows: usize,
    /// Dataset tasks with random labels.
    pub tasks: usize,
    /// The same before the useful one.
    pub useful_tasks: usize,
    /// How each of them is trained.
    pub random: TrainConfig,
    /// How the useful one is trained.
    pub useful: TrainConfig,
    /// Labelled digits.
    pub labels: usize,
    /// The same after the useful source.
    pub useful_labels: usize,
    /// How they are learned.
    pub target: TrainConfig,
}

/// The settings on drawn pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pictures {
    /// Pixels along an edge.
    pub edge: usize,
    /// What kind of network learns them.
    #[serde(skip_serializing_if = "is_default")]
    pub network: PictureNetwork,
    /// Channels of the convolutions.
    pub channels: Vec<usize>,
    /// Sizes of the transformer.
    #[serde(skip_serializing_if = "is_default")]
    pub transformer: VisionConfig,
    /// Training pictures of each class of the source.
    pub source_rows: usize,
    /// The same of the target.
    pub labels: usize,
    /// The same for the test.
    pub test_rows: usize,
    /// How the source is learned.
    pub source: TrainConfig,
    /// How the target is learned.
    pub target: TrainConfig,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Kinds of networks for drawn pictures, all trained from initial values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureNetwork {
    /// Convolutions with batch normalisation.
    #[default]
    Convolutions,
    /// A vision transformer (Dosovitskiy et al. 2021, arXiv:2010.11929).
    Transformer,
}

impl PictureNetwork {
    /// Every kind by its name.
    pub const NAMES: [&'static str; 2] = ["convolutions", "transformer"];
}

/// Sizes of a small vision transformer; four times its width lies between the linear layers of an encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VisionConfig {
    /// Pixels along the side of a patch; they divide the edge.
    pub patch: usize,
    /// Width of a token.
    pub width: usize,
    /// Number of encoders.
    pub depth: usize,
    /// Heads of each; they divide the width.
    pub heads: usize,
}

impl Default for VisionConfig {
    fn default() -> Self {
        Self { patch: 4, width: 48, depth: 4, heads: 3 }
    }
}

impl Default for Digits {
    fn default() -> Self {
        let descent = Method::Sgd { momentum: 0.0 };
        Self {
            hidden: vec![100; 3],
            rows: 600,
            tasks: 25,
            useful_tasks: 15,
            random: TrainConfig::new(25, 32, 0.15, descent),
            useful: TrainConfig::new(60, 32, 0.05, descent),
            labels: 300,
            useful_labels: 150,
            target: TrainConfig::new(30, 32, 0.15, descent),
        }
    }
}

impl Default for Pictures {
    fn default() -> Self {
        let cosine = |epochs, rate| TrainConfig {
            schedule: Schedule::Cosine { floor: 0.0 },
            ..TrainConfig::new(epochs, 32, rate, Method::adamw(0.05))
        };
        Self {
            edge: 12,
            network: PictureNetwork::default(),
            channels: vec![8, 16, 32],
            transformer: VisionConfig::default(),
            source_rows: 80,
            labels: 50,
            test_rows: 50,
            source: cosine(12, 3e-3),
            target: cosine(30, 3e-3),
        }
    }
}

impl Default for Spec {
    /// The quick run: one seed and a few cells of the grid.
    fn default() -> Self {
        Self {
            seeds: vec![0],
            settings: vec!["shirts".into(), "useful_source".into()],
            head: "linear".into(),
            utilities: vec![Utility::Gradient, Utility::Magnitude, Utility::Random],
            shares: vec![0.1, 0.3],
            thresholds: Vec::new(),
            values: vec![Value::Resample],
            layers: vec![Layers::All],
            head_epochs: 1,
            batches: 8,
            calibration: 16,
            circuit: CircuitConfig { ansatz: "reuploading".into(), ..CircuitConfig::default() },
            digits: Digits::default(),
            pictures: Pictures::default(),
            data: None,
            pretrained: Pretrained::default(),
            method: MethodConfig::default(),
            evaluate: ConditionConfig::default(),
        }
    }
}

impl Spec {
    /// Learns the user's own pictures, and nothing else.
    pub fn read_from(&mut self, path: impl Into<PathBuf>) {
        (self.data, self.settings) = (Some(path.into()), vec![OWN.into()]);
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.plasticity/2";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset {
            name: "quick",
            doc: "one seed and a few cells of the grid, under a minute; the default",
            apply: |_| {},
        },
        Preset {
            name: "smoke",
            doc: "a second or two: shows that everything works, its figures mean nothing",
            apply: |spec| {
                spec.settings = vec!["useful_source".into(), "far".into(), "shirts".into()];
                spec.shares = vec![0.3];
                spec.utilities = vec![Utility::Gradient, Utility::Random];
                let (digits, pictures) = (&mut spec.digits, &mut spec.pictures);
                (digits.hidden, digits.rows, digits.useful_tasks, digits.useful_labels) = (vec![16, 16], 200, 1, 100);
                (digits.random.epochs, digits.useful.epochs, digits.target.epochs) = (2, 10, 20);
                (pictures.edge, pictures.channels, pictures.source_rows) = (8, vec![4, 4], 4);
                (pictures.labels, pictures.test_rows, pictures.source.epochs, pictures.target.epochs) = (4, 4, 2, 2);
                let Pretrained { live, target, rates, saved } = &mut spec.pretrained;
                (live.edge, live.stages, live.labels, live.test, target.epochs) = (32, 1, 2, 3, 2);
                (*rates, *saved) = (vec![1.0, 3.0], vec!["plain".into()]);
            },
        },
        Preset {
            name: "pretrained",
            doc: "five seeds on a pretrained backbone at 96 pixels, half an hour; with --data the user's own pictures",
            apply: |spec| {
                spec.settings = vec!["shirts".into()];
                spec.seeds = (0..5).collect();
                spec.shares = vec![0.01, 0.1, 0.3];
                let Pretrained { live, target, .. } = &mut spec.pretrained;
                (live.edge, live.labels, live.test, target.epochs) = (96, 20, 0, 12);
            },
        },
        Preset {
            name: "full",
            doc: "the whole grid of 125 arms under ten seeds without a pretrained backbone, a quarter of an hour a setting",
            apply: |spec| {
                spec.settings = ["random_labels", "useful_source", "near", "far"].map(String::from).to_vec();
                spec.seeds = (0..10).collect();
                spec.shares = vec![0.001, 0.01, 0.05, 0.1, 0.2, 0.3];
                spec.thresholds = vec![0.01, 0.1, 0.5];
                spec.values = vec![Value::Resample, Value::Zero, Value::Matched];
                spec.layers = vec![Layers::All, Layers::First, Layers::Last];
            },
        },
    ];

    fn circuit(&mut self) -> Option<(&'static str, &mut CircuitConfig)> {
        Some(("circuit", &mut self.circuit))
    }

    fn validate(&self, check: &mut Validation) {
        check
            .list("seeds", &self.seeds)
            .names("settings", &self.settings, SETTINGS.iter().map(|row| row.name))
            .path("data", self.data.as_deref())
            .head_on_device("head", &self.head, self.circuit.width())
            .circuit("circuit", &self.circuit)
            .distinct("shares", &self.shares)
            .distinct("thresholds", &self.thresholds)
            .list("utilities", &self.utilities)
            .list("values", &self.values)
            .list("layers", &self.layers)
            .count("batches", self.batches)
            .optional_count("calibration", self.calibration)
            .optional_count("digits.tasks", self.digits.tasks)
            .optional_count("digits.useful_tasks", self.digits.useful_tasks)
            .count("head_epochs", self.head_epochs);
        for share in &self.shares {
            check.within("shares", *share, 0.0..=1.0);
        }
        for factor in &self.thresholds {
            check.not_negative("thresholds", *factor);
        }
        self.method.validate("method", &[(Need::Domains, "all rows of a target are of one domain")], check);
        self.evaluate.validate("evaluate", (&[&self.head], self.circuit.width()), check);
        let has_own = self.settings.iter().any(|name| name == OWN);
        match &self.data {
            Some(path) if self.settings != [OWN] => {
                check.refuse(
                    "data",
                    path.display(),
                    format!("settings = [\"{OWN}\"]: own pictures are a setting of their own"),
                );
            }
            Some(path) if path.is_file() && !has_boxes(path) => {
                let expected =
                    "a folder of class folders, or pictures with boxes (a folder or zip file like Pascal VOC)";
                check.refuse("data", path.display(), expected);
            }
            None if has_own => _ = check.refuse("data", "missing", "a folder of class folders (--data FOLDER)"),
            _ => {}
        }
        let Pretrained { live, target, rates, saved } = &self.pretrained;
        live.validate("pretrained.live", check);
        // The usual ones may be named where another grid of arms lacks them.
        let usual = Pretrained::default().saved;
        let arms: Vec<String> = arms(self).into_iter().map(|arm| arm.name).collect();
        for name in saved {
            let is_arm = arms.contains(name) || usual.contains(name);
            check.check("pretrained.saved", name, is_arm, "names of arms, such as plain");
        }
        check.train("pretrained.target", target).list("pretrained.rates", rates).distinct("pretrained.saved", saved);
        for rate in rates {
            check.positive("pretrained.rates", *rate);
        }
        let (digits, pictures) = (&self.digits, &self.pictures);
        for (field, count) in [
            ("digits.rows", digits.rows),
            ("digits.labels", digits.labels),
            ("digits.useful_labels", digits.useful_labels),
            ("pictures.source_rows", pictures.source_rows),
            ("pictures.labels", pictures.labels),
            ("pictures.test_rows", pictures.test_rows),
        ] {
            check.count(field, count);
        }
        for (field, widths) in [("digits.hidden", &digits.hidden), ("pictures.channels", &pictures.channels)] {
            check.widths(field, widths);
        }
        check.edge("pictures.edge", pictures.edge, 4);
        let VisionConfig { patch, width, depth, heads } = pictures.transformer;
        check.width("pictures.transformer.width", width).whole("pictures.transformer.depth", depth, 1..=24);
        let divides = |part: usize, whole: usize| part > 0 && whole.is_multiple_of(part);
        check.check(
            "pictures.transformer.heads",
            heads,
            divides(heads, width),
            "a divisor of pictures.transformer.width",
        );
        if pictures.network == PictureNetwork::Transformer {
            let expected = format!("a divisor of pictures.edge, {}", pictures.edge);
            check.check("pictures.transformer.patch", patch, divides(patch, pictures.edge), &expected);
        }
        for (field, labels) in [("digits.labels", digits.labels), ("digits.useful_labels", digits.useful_labels)] {
            let expected = "with digits.rows at most 1500 of 1,797 digits: the others are the test rows";
            check.check(field, labels, digits.rows.saturating_add(labels) <= 1500, expected);
        }
        for (field, config) in [
            ("digits.random", &digits.random),
            ("digits.useful", &digits.useful),
            ("digits.target", &digits.target),
            ("pictures.source", &pictures.source),
            ("pictures.target", &pictures.target),
        ] {
            check.train(field, config);
        }
        let shortest = digits.target.epochs.min(pictures.target.epochs).min(target.epochs);
        check.check(
            "head_epochs",
            self.head_epochs,
            self.head_epochs < shortest,
            "fewer than the epochs on the target",
        );
    }
}
