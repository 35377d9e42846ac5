//! Settings of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::lab::{Preset, Settings, Validation};
use crate::nn::head::CircuitConfig;
use crate::nn::optim::Method;
use crate::study::train::TrainConfig;
use crate::systems::fairtext::arms::ARMS;
use crate::systems::fairtext::world::World;
use crate::systems::glosses;

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What text, indicators and baselines reach.
    Arms,
    /// Rare classes.
    Imbalance,
    /// Equal decisions for groups.
    Fairness,
    /// An encoder that is trained on few reports.
    Unfreezing,
    /// An encoder that is trained from its pretrained and from random weights, with more and more texts.
    Transfer,
}

impl Part {
    /// Every part, with its name and the heading of its table.
    pub const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Arms, "main", "Reports of districts that were not learned from"),
        (Self::Imbalance, "imbalance", "Rare classes"),
        (Self::Fairness, "fairness", "Equal decisions for groups"),
        (Self::Unfreezing, "unfreezing", "An encoder that is trained on few reports"),
        (Self::Transfer, "transfer", "A pretrained encoder against random weights"),
    ];
}

/// The small encoder that learns from nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Small {
    /// Words, at most.
    pub vocabulary: usize,
    /// Width.
    pub width: usize,
    /// Blocks.
    pub layers: usize,
    /// Heads of an attention.
    pub heads: usize,
    /// Share that is dropped.
    pub dropout: f64,
    /// Texts that it learns from first.
    pub sentences: usize,
    /// How it learns from them.
    pub train: TrainConfig,
}

/// The reduction to weighted rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReductionConfig {
    /// Networks.
    pub rounds: usize,
    /// Difference of shares that is allowed.
    pub slack: f64,
    /// Bound of the multipliers.
    pub bound: f64,
    /// Step of their logarithms.
    pub rate: f64,
}

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Districts, reports, folds and starts are drawn anew for each seed.
    pub seeds: Vec<u64>,
    /// A table of own reports in place of drawn ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// Its column of texts.
    pub text: String,
    /// Its column of classes.
    pub target: String,
    /// Its column of groups, whose decisions are compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Its column of districts, which are not on both sides of a split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// The folder of a pretrained encoder; without one a small encoder learns from drawn texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<PathBuf>,
    /// The folder of WordNet's files, whose glosses are the texts of the part transfer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glosses: Option<PathBuf>,
    /// Classes of glosses.
    pub gloss_classes: Vec<String>,
    /// What is run.
    pub parts: Vec<Part>,
    /// Rows of the table of arms; without any, all of the parts.
    pub arms: Vec<String>,
    /// Drawn districts.
    pub world: World,
    /// The small encoder.
    pub small: Small,
    /// Longest text, in words and pieces of words.
    pub longest: usize,
    /// Folds of districts.
    pub folds: usize,
    /// Folds that are tested.
    pub tested_folds: usize,
    /// Words of the baselines, the most frequent.
    pub words: usize,
    /// Width of the hidden layer.
    pub hidden: usize,
    /// The circuit of the quantum head.
    pub circuit: CircuitConfig,
    /// How networks on vectors are trained.
    pub train: TrainConfig,
    /// How networks of the part fairness are trained: in large batches, because the gap of two groups in a small one is mostly chance,
    /// whose square is no reason to move decisions.
    pub fair: TrainConfig,
    /// How encoders are trained on reports.
    pub tune: TrainConfig,
    /// The reduction to weighted rows.
    pub reduction: ReductionConfig,
    /// Reports to learn from in the part unfreezing.
    pub few: usize,
    /// Texts to learn from in the part transfer.
    pub sizes: Vec<usize>,
    /// Texts to test on in the part transfer.
    pub transfer_test: usize,
    /// How encoders of the part transfer are trained.
    pub transfer: TrainConfig,
    /// Glosses of other classes that the pretrained encoder learns from first, as a further start; 0 for none.
    pub rich: usize,
    /// How it learns from them.
    pub rich_train: TrainConfig,
}

const fn adamw(epochs: usize, batch: usize, rate: f64) -> TrainConfig {
    let config = TrainConfig::new(epochs, batch, rate, Method::adamw(0.01));
    TrainConfig { keep_best: true, clip: Some(1.0), ..config }
}

impl Default for Spec {
    /// The quick run.
    fn default() -> Self {
        Self {
            seeds: vec![0],
            data: None,
            text: "text".into(),
            target: "label".into(),
            group: None,
            district: None,
            encoder: None,
            glosses: None,
            gloss_classes: ["artifact", "person", "communication", "food", "shape"].map(String::from).to_vec(),
            parts: Part::ALL.map(|(part, ..)| part).to_vec(),
            arms: Vec::new(),
            world: World::default(),
            small: Small {
                vocabulary: 2000,
                width: 48,
                layers: 2,
                heads: 4,
                dropout: 0.0,
                sentences: 4000,
                train: adamw(6, 32, 2e-3),
            },
            longest: 64,
            folds: 5,
            tested_folds: 1,
            words: 300,
            hidden: 64,
            circuit: CircuitConfig { weight_sd: 0.3, ..CircuitConfig::default() },
            train: adamw(30, 32, 1e-3),
            fair: adamw(150, 256, 3e-3),
            tune: TrainConfig { warm_up: 10, ..adamw(8, 16, 5e-4) },
            reduction: ReductionConfig { rounds: 6, slack: 0.01, bound: 3.0, rate: 3.0 },
            few: 300,
            sizes: vec![300, 1200],
            transfer_test: 1000,
            transfer: TrainConfig { warm_up: 20, ..adamw(6, 32, 5e-4) },
            rich: 0,
            rich_train: TrainConfig { warm_up: 100, ..adamw(2, 32, 2e-4) },
        }
    }
}

impl Spec {
    /// Uses own reports.
    pub fn set_data(&mut self, path: &str) {
        self.data = Some(path.into());
        self.parts = vec![Part::Arms, Part::Imbalance];
        if self.group.is_some() {
            self.parts.push(Part::Fairness);
        }
    }

    /// Names the column of groups.
    pub fn set_group(&mut self, column: &str) {
        self.group = Some(column.into());
        if !self.parts.contains(&Part::Fairness) {
            self.parts.push(Part::Fairness);
        }
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.fairtext/1";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset {
            name: "quick",
            doc: "one seed, one fold of five, a small encoder; under a minute; the default",
            apply: |_| {},
        },
        Preset {
            name: "smoke",
            doc: "seconds: shows that everything works, its figures mean nothing",
            apply: |spec| {
                (spec.world.reports, spec.world.test_reports) = (8, 2);
                (spec.small.sentences, spec.small.width, spec.small.layers, spec.small.train.epochs) = (60, 8, 1, 2);
                (spec.train.epochs, spec.tune.epochs, spec.transfer.epochs, spec.hidden) = (2, 2, 1, 8);
                (spec.fair.epochs, spec.rich_train.epochs) = (2, 1);
                (spec.few, spec.sizes, spec.transfer_test, spec.words) = (30, vec![30, 60], 40, 30);
                (spec.reduction.rounds, spec.circuit.qubits, spec.circuit.depth) = (2, 2, 1);
            },
        },
        Preset {
            name: "full",
            doc: "five seeds, all five folds, 1,200 reports and as many further ones to test on; under an hour",
            apply: |spec| {
                // Settings were chosen by runs of seed 0.
                (spec.seeds, spec.tested_folds) = (vec![1, 2, 3, 4, 5], 5);
                (spec.small.sentences, spec.small.train.epochs) = (6000, 8);
                (spec.train.epochs, spec.reduction.rounds) = (40, 8);
                (spec.sizes, spec.transfer_test) = (vec![300, 1200, 6000], 2000);
            },
        },
    ];

    fn validate(&self, check: &mut Validation) {
        check
            .list("seeds", &self.seeds)
            .path("data", self.data.as_deref())
            .path("encoder", self.encoder.as_deref())
            .path("glosses", self.glosses.as_deref())
            .list("parts", &self.parts)
            .distinct("arms", &self.arms)
            .distinct("gloss_classes", &self.gloss_classes)
            .whole("small.vocabulary", self.small.vocabulary, 6..=100_000)
            .width("small.width", self.small.width)
            .whole("small.layers", self.small.layers, 1..=24)
            .whole("small.sentences", self.small.sentences, 30..=1_000_000)
            .within("small.dropout", self.small.dropout, 0.0..=0.9)
            .train("small.train", &self.small.train)
            .whole("longest", self.longest, 4..=512)
            .whole("folds", self.folds, 2..=20)
            .whole("tested_folds", self.tested_folds, 1..=self.folds.max(1))
            .whole("words", self.words, 1..=5000)
            .width("hidden", self.hidden)
            .circuit("circuit", &self.circuit)
            .train("train", &self.train)
            .train("fair", &self.fair)
            .train("tune", &self.tune)
            .whole("reduction.rounds", self.reduction.rounds, 1..=100)
            .within("reduction.slack", self.reduction.slack, 0.0..=1.0)
            .positive("reduction.bound", self.reduction.bound)
            .positive("reduction.rate", self.reduction.rate)
            .whole("few", self.few, 10..=1_000_000)
            .list("sizes", &self.sizes)
            .whole("transfer_test", self.transfer_test, 10..=100_000)
            .train("transfer", &self.transfer)
            .whole("rich", self.rich, 0..=100_000)
            .train("rich_train", &self.rich_train);
        self.world.validate(check);
        for size in &self.sizes {
            check.whole("sizes", *size, 10..=100_000);
        }
        for name in &self.arms {
            check.name("arms", name, ARMS.iter().map(|row| row.name));
        }
        for name in &self.gloss_classes {
            check.name("gloss_classes", name, glosses::CLASSES);
        }
        let divides = self.small.heads > 0 && self.small.width.is_multiple_of(self.small.heads);
        check.check("small.heads", self.small.heads, divides, "a number that divides small.width");
        check.check("folds", self.folds, self.data.is_some() || self.folds <= 5, "at most 5 of drawn districts");
        check.check("circuit.qubits", self.circuit.qubits, self.circuit.qubits <= 8, "at most 8");
        let is_enough = self.glosses.is_none() || self.gloss_classes.len() > 1;
        check.check("gloss_classes", format!("{:?}", self.gloss_classes), is_enough, "at least two classes");
        if self.data.is_some() {
            let expected =
                "the folder of a pretrained encoder (--encoder) beside own reports: data/glosses/minilm.sh fetches one";
            check.check("encoder", "none", self.encoder.is_some(), expected);
            let is_one = self.seeds.len() == 1;
            let expected = "one seed: the reports are the same under each, so that seeds would count them again";
            check.check("seeds", format!("{:?}", self.seeds), is_one, expected);
            let expected = "arms without transfer: its texts are drawn, or glosses";
            check.check("parts", "transfer", !self.parts.contains(&Part::Transfer), expected);
            let has_groups = self.group.is_some() || !self.parts.contains(&Part::Fairness);
            check.check("parts", "fairness", has_groups, "a column of groups beside it (--group)");
        } else {
            let expected = "own reports beside it (--data)";
            let base = Self::default();
            for (field, own, usual) in [("text", &self.text, &base.text), ("target", &self.target, &base.target)] {
                check.check(field, own, own == usual, expected);
            }
            for (field, own) in [("group", &self.group), ("district", &self.district)] {
                check.check(field, format!("{own:?}"), own.is_none(), expected);
            }
        }
        let others = glosses::CLASSES.len().saturating_sub(self.gloss_classes.len());
        let has_others = self.glosses.is_some() && others > 1;
        let expected = "0, or glosses (--glosses) with two classes at least that are not among gloss_classes";
        check.check("rich", self.rich, self.rich == 0 || has_others, expected);
        if self.glosses.is_some() {
            let expected = "the part transfer, which reads glosses";
            check.check("parts", format!("{:?}", self.parts), self.parts.contains(&Part::Transfer), expected);
            let expected = "the folder of a pretrained encoder beside glosses: the small one knows the words of drawn reports alone";
            check.check("encoder", "none", self.encoder.is_some(), expected);
        }
    }
}
