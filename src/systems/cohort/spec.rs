//! Settings of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::lab::{Preset, Settings, Validation};
use crate::nn::backbone::BackboneRow;
use crate::nn::head::CircuitConfig;
use crate::nn::optim::{Method, Schedule};
use crate::study::train::TrainConfig;
use crate::systems::cohort::arms::{ARMS, ArmRow, Features};
use crate::systems::cohort::tuned::Tuning;
use crate::systems::inputs::Backbone;

/// Where patients come from unless a folder is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Drawn slices of a gland with a lesion or without.
    Phantom,
    /// Pullovers and shirts of Fashion-MNIST, inside the program; each picture is a case.
    Shirts,
}

/// Drawn pictures of a run and seed, at most.
const MOST_PICTURES: usize = 50_000;

/// A grid of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// All arms on a small cohort.
    Arms,
    /// Arms without a circuit on a cohort ten times as large.
    Large,
}

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// New patients for each seed. With a folder of pictures, other folds or, with `resample`, another draw of its patients.
    pub seeds: Vec<u64>,
    /// Where patients come from without a folder.
    pub source: Source,
    /// Folder of pictures, DICOM series or NIfTI volumes with patients, or photographs with boxes, in place of the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// The class that is the finding; without it the one that has no name such as normal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub positive: Option<String>,
    /// Table of what readers said of some of the patients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readers: Option<PathBuf>,
    /// Draws `positives` and `negatives` from the patients of the folder under each seed.
    pub resample: bool,
    /// Leave out pictures that cannot be read, instead of refusing them.
    pub skip_bad: bool,
    /// Whether pictures are split as well, so that a patient can be on both sides.
    pub allow_leakage: bool,
    /// What is run.
    pub parts: Vec<Part>,
    /// Rows of the table of arms.
    pub arms: Vec<String>,
    /// The network of the arms `network` and `fine_tuned`.
    pub network: Backbone,
    /// How its last stages are trained.
    pub tuning: Tuning,
    /// Patients with the finding.
    pub positives: usize,
    /// Patients without.
    pub negatives: usize,
    /// How many times as large the cohort of the part `large` is.
    pub large: usize,
    /// Slices of a drawn patient, at most.
    pub slices: usize,
    /// What the darkest drawn lesion takes from the brightness; the faintest takes a fifth of it.
    pub contrast: f64,
    /// Size of a drawn patient's texture, as a share of the brightness.
    pub texture: f64,
    /// Repetitions of the cross-validation with new folds.
    pub repeats: usize,
    /// Folds: each is tested on once.
    pub folds: usize,
    /// Folds within the patients that are learned from, for everything that is chosen.
    pub inner_folds: usize,
    /// The share of positive patients that the threshold finds among those it is chosen on.
    pub sensitivity: f64,
    /// Penalties of logistic regression: one is chosen.
    pub penalties: Vec<f64>,
    /// Costs of errors of support vectors: one is chosen.
    pub costs: Vec<f64>,
    /// Principal components of the pixels.
    pub pixel_components: usize,
    /// Principal components of the network's features that heads read.
    pub components: usize,
    /// The circuit of heads.
    pub circuit: CircuitConfig,
    /// How heads are trained.
    pub train: TrainConfig,
    /// Pictures with a drawn lesion whose maps are compared with it, at most; 0 compares none.
    pub maps: usize,
    /// Draws of the bootstrap.
    pub resamples: usize,
}

impl Default for Spec {
    /// The quick run.
    fn default() -> Self {
        Self {
            seeds: vec![0],
            source: Source::Phantom,
            data: None,
            positive: None,
            readers: None,
            resample: false,
            skip_bad: false,
            allow_leakage: false,
            parts: vec![Part::Arms],
            arms: ARMS.iter().filter(|row| !row.reads_network()).map(|row| row.name.into()).collect(),
            network: Backbone { name: "squeezenet1_1".into(), weights: None },
            tuning: Tuning::default(),
            positives: 40,
            negatives: 24,
            large: 10,
            slices: 2,
            contrast: 0.6,
            texture: 0.03,
            repeats: 1,
            folds: 5,
            inner_folds: 3,
            sensitivity: 0.95,
            penalties: vec![3000.0, 300.0, 30.0],
            costs: vec![1.0, 10.0],
            pixel_components: 20,
            components: 8,
            circuit: CircuitConfig::default(),
            train: TrainConfig {
                schedule: Schedule::Cosine { floor: 0.05 },
                ..TrainConfig::new(15, 16, 0.02, Method::ADAM)
            },
            maps: 10,
            resamples: 1000,
        }
    }
}

impl Spec {
    /// Uses the pictures of a folder, under one seed: its patients are the same under every seed.
    pub fn set_data(&mut self, path: &str) {
        self.data = Some(path.into());
        self.parts = vec![Part::Arms];
        self.seeds.truncate(1);
    }

    /// Whether some arm reads these features.
    pub fn reads(&self, features: Features) -> bool {
        self.arms.iter().any(|name| ArmRow::named(name).is_ok_and(|row| row.features == features))
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.cohort/1";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset {
            name: "quick",
            doc: "one drawn cohort of 64 patients, one cross-validation; under a minute; the default",
            apply: |_| {},
        },
        Preset {
            name: "smoke",
            doc: "seconds: shows that everything works, its figures mean nothing",
            apply: |spec| {
                (spec.positives, spec.negatives, spec.slices) = (6, 5, 2);
                (spec.folds, spec.inner_folds, spec.resamples, spec.maps) = (2, 2, 50, 2);
                spec.arms = ["lite0", "hog_svm", "pca_logistic", "quantum", "classical"].map(String::from).to_vec();
                (spec.penalties, spec.costs) = (vec![300.0], vec![1.0]);
                (spec.components, spec.pixel_components, spec.train.epochs) = (2, 3, 2);
                spec.tuning.train.epochs = 2;
                (spec.circuit.qubits, spec.circuit.depth) = (2, 1);
            },
        },
        Preset {
            name: "full",
            doc: "five drawn cohorts of 162 patients and one ten times as large, five cross-validations each; about an hour",
            apply: |spec| {
                spec.seeds = vec![1, 2, 3, 4, 5];
                spec.parts = vec![Part::Arms, Part::Large];
                (spec.positives, spec.negatives, spec.repeats) = (102, 60, 5);
                (spec.pixel_components, spec.components) = (50, 16);
                (spec.penalties, spec.costs) =
                    (vec![10_000.0, 3000.0, 1000.0, 300.0, 100.0], vec![0.1, 1.0, 10.0, 100.0]);
                (spec.train.epochs, spec.resamples, spec.maps) = (30, 2000, 60);
            },
        },
    ];

    fn validate(&self, check: &mut Validation) {
        check
            .list("seeds", &self.seeds)
            .path("data", self.data.as_deref())
            .path("readers", self.readers.as_deref())
            .list("parts", &self.parts)
            .names("arms", &self.arms, ARMS.iter().map(|row| row.name))
            .whole("positives", self.positives, 2..=10_000)
            .whole("negatives", self.negatives, 2..=10_000)
            .whole("large", self.large, 2..=100)
            .whole("slices", self.slices, 1..=50)
            .within("contrast", self.contrast, 0.0..=1.0)
            .within("texture", self.texture, 0.0..=1.0)
            .whole("repeats", self.repeats, 1..=1000)
            .whole("folds", self.folds, 2..=100)
            .whole("inner_folds", self.inner_folds, 2..=100)
            .within("sensitivity", self.sensitivity, 0.01..=1.0)
            .distinct("penalties", &self.penalties)
            .distinct("costs", &self.costs)
            .whole("pixel_components", self.pixel_components, 1..=1000)
            .whole("components", self.components, 1..=1000)
            .circuit("circuit", &self.circuit)
            .train("train", &self.train)
            .whole("maps", self.maps, 0..=100_000)
            .whole("resamples", self.resamples, 10..=1_000_000);
        self.network.validate("network", check);
        self.tuning.validate("tuning", check);
        for (field, values) in [("penalties", &self.penalties), ("costs", &self.costs)] {
            check.check(field, "[]", !values.is_empty(), "at least one");
            values.iter().for_each(|value| _ = check.within(field, *value, 1e-6..=1e9));
        }
        let has_weights =
            self.network.weights.is_some() || BackboneRow::named(&self.network.name).is_ok_and(BackboneRow::is_at_hand);
        let network_arms =
            self.arms.iter().filter_map(|name| ArmRow::named(name).ok()).filter(|row| row.reads_network());
        if let (Some(arm), false) = (network_arms.map(|row| row.name).next(), has_weights) {
            let expected = format!("a weight file of {} (--weights), for the arm {arm}", self.network.name);
            check.refuse("network.weights", "missing", expected);
        }
        if self.reads(Features::Planes) {
            self.tuning.validate_on("tuning", &self.network, check);
        }
        if self.data.is_none() {
            let expected = "a folder of pictures beside it (--data)";
            for (field, value) in [
                ("positive", self.positive.clone()),
                ("readers", self.readers.as_ref().map(|p| p.display().to_string())),
            ] {
                if let Some(value) = value {
                    check.refuse(field, value, expected);
                }
            }
            check.check("resample", self.resample, !self.resample, expected);
            let most = if self.source == Source::Shirts { 300 } else { usize::MAX };
            check.check("positives", self.positives, self.positives <= most, "at most 300, as many as are embedded");
            check.check("negatives", self.negatives, self.negatives <= most, "at most 300, as many as are embedded");
        } else {
            let is_one = self.seeds.len() == 1 || self.resample;
            let expected = "one seed: the patients are the same under each, so that seeds would count them again; --repeats \
                            repeats the folds, --resample draws cohorts";
            check.check("seeds", format!("{:?}", self.seeds), is_one, expected);
        }
        let factor = if self.parts.contains(&Part::Large) { self.large } else { 1 };
        let patients = self.positives.saturating_add(self.negatives).saturating_mul(factor);
        let is_small = self.data.is_some() || patients.saturating_mul(self.slices) <= MOST_PICTURES;
        let expected = "no more than 50000 pictures: fewer patients, slices or times as many in the part large";
        check.check("positives", self.positives, is_small, expected);
        let expected = "arms alone: there are no more patients than the cohort has";
        let can_grow = self.data.is_none() && self.source == Source::Phantom;
        check.check("parts", "large", can_grow || !self.parts.contains(&Part::Large), expected);
    }
}
