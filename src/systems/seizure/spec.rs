//! Settings of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::classic::clustering::Linkage;
use crate::classic::fuzzy::{Firing, Penalties};
use crate::data::signal::{FolderNames, RATES, patient_names};
use crate::lab::{Preset, Settings, StudyError, Validation};
use crate::nn::optim::{Method, Schedule};
use crate::study::train::TrainConfig;
use crate::systems::seizure::arms::{ARMS, ArmRow, Learner, Views};
use crate::systems::seizure::cohort::patient_name;
use crate::systems::seizure::views::VIEWS;

/// Simulated patients at most.
const MOST_PATIENTS: usize = 1000;

/// A grid of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// All arms with few labels.
    Arms,
    /// The method and its baseline with many labels.
    Labels,
    /// The method with sources whose labels are shuffled.
    Shuffled,
}

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// New patients or another split of the same ones, for each seed.
    pub seeds: Vec<u64>,
    /// Folder of recordings, one folder a patient, in place of simulated patients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// Sampling rates of patients whose files do not state them: `name=hertz`.
    pub rates: Vec<String>,
    /// Further names of folders with seizures.
    pub seizure_folders: Vec<String>,
    /// Further names of folders without.
    pub background_folders: Vec<String>,
    /// Target patients; all by default.
    pub targets: Vec<String>,
    /// Whether segments of one recording may be on both sides of a split.
    pub allow_leakage: bool,
    /// What is run.
    pub parts: Vec<Part>,
    /// Rows of the table of arms.
    pub arms: Vec<String>,
    /// Rows of the table of views.
    pub views: Vec<String>,
    /// Simulated patients.
    pub patients: usize,
    /// Recordings of each.
    pub records: usize,
    /// Length of each, seconds; the second half is a seizure.
    pub record_seconds: usize,
    /// Samples a second that every recording is resampled to.
    pub rate: f64,
    /// Length of a segment, seconds.
    pub seconds: f64,
    /// Labelled segments of each class of the target.
    pub labels: usize,
    /// The same in the part with many labels.
    pub many_labels: usize,
    /// Unlabelled segments of the target, at most.
    pub unlabelled: usize,
    /// Labelled segments of each class of each source patient, at most.
    pub source_segments: usize,
    /// Share of the target's recordings that is tested on.
    pub test_share: f64,
    /// Principal components of a view that has more features.
    pub components: usize,
    /// Rules of a view.
    pub rules: usize,
    /// Segments that centres are found from, at most.
    pub clustered: usize,
    /// The distance between groups of segments.
    pub linkage: Linkage,
    /// How rules stop to fire.
    pub firing: Firing,
    /// Whether exponents are means over the features instead of sums.
    pub average_exponents: bool,
    /// Penalties, relative to the weight of all labels.
    pub penalties: Penalties,
    /// Share of a class from which on a segment counts as labelled.
    pub confidence: f64,
    /// Rounds of labelling, at most.
    pub rounds: usize,
    /// What all labels of the source count relative to those of the target: cross-validation chooses one. With 0 the distance
    /// between domains is no penalty either.
    pub source_weights: Vec<f64>,
    /// Parts of the labels for cross-validation.
    pub folds: usize,
    /// Qubits of the quantum view.
    pub qubits: usize,
    /// Layers of its circuit; each reads as many principal components as there are qubits.
    pub uploads: usize,
    /// Radians for a standard deviation of a component.
    pub bandwidth: f64,
    /// Rows of other patients that support vector machines learn from, at most.
    pub kernel_rows: usize,
    /// Width of the hidden layers of a deep view.
    pub hidden: usize,
    /// Planes of the first two convolutions of a convolutional view; the last two have twice as many.
    pub filters: usize,
    /// Factor on the distance between domains in a deep view.
    pub deep_mmd: f64,
    /// How deep views are trained.
    pub train: TrainConfig,
}

impl Default for Spec {
    /// The quick run.
    fn default() -> Self {
        let quick = ARMS.iter().filter(|row| !row.name.starts_with("deep"));
        Self {
            seeds: vec![0],
            data: None,
            rates: Vec::new(),
            seizure_folders: Vec::new(),
            background_folders: Vec::new(),
            targets: Vec::new(),
            allow_leakage: false,
            parts: vec![Part::Arms, Part::Labels, Part::Shuffled],
            arms: quick.map(|row| row.name.into()).collect(),
            views: VIEWS.iter().map(|row| row.name.into()).collect(),
            patients: 4,
            records: 10,
            record_seconds: 40,
            rate: 256.0,
            seconds: 1.0,
            labels: 10,
            many_labels: 80,
            unlabelled: 120,
            source_segments: 60,
            test_share: 0.5,
            components: 20,
            rules: 4,
            clustered: 400,
            linkage: Linkage::Average,
            firing: Firing::Variance,
            average_exponents: true,
            penalties: Penalties { ridge: 0.03, agreement: 0.3, entropy: 0.1, mmd: 10.0 },
            confidence: 0.7,
            rounds: 10,
            source_weights: vec![0.0, 0.1, 1.0, 10.0, 100.0],
            folds: 5,
            qubits: 4,
            uploads: 3,
            bandwidth: 0.5,
            kernel_rows: 600,
            hidden: 32,
            filters: 16,
            deep_mmd: 1.0,
            train: TrainConfig {
                schedule: Schedule::Cosine { floor: 0.05 },
                ..TrainConfig::new(5, 64, 3e-3, Method::adamw(1e-3))
            },
        }
    }
}

impl Spec {
    /// Names of all patients.
    ///
    /// # Errors
    /// If the folder of recordings cannot be read.
    pub fn patient_names(&self) -> Result<Vec<String>, StudyError> {
        match &self.data {
            None => Ok((0..self.patients).map(patient_name).collect()),
            Some(folder) => Ok(patient_names(folder)?),
        }
    }

    /// Names of the targets.
    ///
    /// # Errors
    /// If the folder cannot be read, or lacks one of them.
    pub fn target_names(&self) -> Result<Vec<String>, StudyError> {
        let known = self.patient_names()?;
        if self.targets.is_empty() {
            return Ok(known);
        }
        for target in &self.targets {
            if !known.contains(target) {
                return Err(StudyError::unknown("target", target, known.iter().map(String::as_str)));
            }
        }
        Ok(self.targets.clone())
    }

    /// Whether an arm reads samples.
    pub fn keeps_samples(&self) -> bool {
        let is_convolutional = |name: &String| {
            let learner = ArmRow::named(name).map(|row| row.learner);
            matches!(learner, Ok(Learner::Fuzzy { views: Views::Convolutional, .. }))
        };
        self.arms.iter().any(is_convolutional)
    }

    /// What folders are called.
    pub fn folder_names(&self) -> FolderNames {
        FolderNames { seizure: self.seizure_folders.clone(), background: self.background_folders.clone() }
    }

    /// The rate that the settings give for a patient.
    pub fn rate_of(&self, patient: &str) -> Option<f64> {
        self.rates.iter().find_map(|entry| {
            let (name, rate) = entry.rsplit_once('=')?;
            if name == patient { rate.parse().ok() } else { None }
        })
    }

    /// Uses a folder of recordings; splits are the only thing that differs between seeds then. Targets that are simulated
    /// patients go.
    pub fn set_data(&mut self, path: &str) {
        self.data = Some(path.into());
        let simulated: Vec<String> = (0..self.patients.min(MOST_PATIENTS)).map(patient_name).collect();
        self.targets.retain(|target| !simulated.contains(target));
        self.parts = vec![Part::Arms];
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.seizure/1";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset {
            name: "quick",
            doc: "one seed, 4 simulated patients, each a target once; under a minute; the default",
            apply: |_| {},
        },
        Preset {
            name: "smoke",
            doc: "seconds: shows that everything works, its figures mean nothing",
            apply: |spec| {
                (spec.patients, spec.records, spec.record_seconds) = (2, 4, 8);
                (spec.labels, spec.many_labels, spec.unlabelled, spec.source_segments) = (3, 6, 20, 10);
                (spec.components, spec.rules, spec.clustered, spec.folds) = (4, 2, 30, 2);
                (spec.qubits, spec.uploads, spec.kernel_rows, spec.hidden) = (2, 2, 40, 4);
                (spec.rate, spec.filters, spec.train.epochs) = (64.0, 2, 2);
                spec.targets = vec![patient_name(0)];
                spec.arms = [
                    "target_only",
                    "transfer",
                    "one_view",
                    "hybrid",
                    "deep_fidelity",
                    "deep_convolutional",
                    "svm",
                    "coral",
                    "jda",
                ]
                .map(String::from)
                .to_vec();
            },
        },
        Preset {
            name: "full",
            doc: "three seeds of 12 simulated patients, each a target once, every arm; about an hour",
            apply: |spec| {
                // Settings were chosen by runs of seed 0.
                spec.seeds = vec![1, 2, 3];
                spec.arms = ARMS.iter().map(|row| row.name.into()).collect();
                (spec.patients, spec.records) = (12, 45);
                (spec.many_labels, spec.unlabelled, spec.source_segments) = (300, 400, 300);
                spec.test_share = 0.555;
                (spec.clustered, spec.kernel_rows) = (800, 1500);
                spec.train.epochs = 10;
            },
        },
    ];

    fn validate(&self, check: &mut Validation) {
        check
            .list("seeds", &self.seeds)
            .path("data", self.data.as_deref())
            .distinct("targets", &self.targets)
            .list("parts", &self.parts)
            .names("arms", &self.arms, ARMS.iter().map(|row| row.name))
            .names("views", &self.views, VIEWS.iter().map(|row| row.name))
            .whole("patients", self.patients, 2..=MOST_PATIENTS)
            .whole("records", self.records, 2..=10_000)
            .whole("record_seconds", self.record_seconds, 4..=3600)
            .within("rate", self.rate, 64.0..=4096.0)
            .within("seconds", self.seconds, 0.5..=60.0)
            .whole("labels", self.labels, 1..=100_000)
            .whole("many_labels", self.many_labels, 1..=100_000)
            .whole("unlabelled", self.unlabelled, 0..=100_000)
            .whole("source_segments", self.source_segments, 1..=100_000)
            .between("test_share", self.test_share, (0.0, 1.0))
            .whole("components", self.components, 1..=200)
            .whole("rules", self.rules, 1..=6)
            .whole("clustered", self.clustered, 2..=10_000)
            .not_negative("penalties.ridge", self.penalties.ridge)
            .not_negative("penalties.agreement", self.penalties.agreement)
            .positive("penalties.entropy", self.penalties.entropy)
            .not_negative("penalties.mmd", self.penalties.mmd)
            .within("confidence", self.confidence, 0.5..=1.0)
            .whole("rounds", self.rounds, 1..=1000)
            .list("source_weights", &self.source_weights)
            .whole("folds", self.folds, 2..=100)
            .whole("qubits", self.qubits, 1..=12)
            .whole("uploads", self.uploads, 1..=20)
            .positive("bandwidth", self.bandwidth)
            .whole("kernel_rows", self.kernel_rows, 10..=10_000)
            .width("hidden", self.hidden)
            .width("filters", self.filters)
            .not_negative("deep_mmd", self.deep_mmd)
            .train("train", &self.train);
        for weight in &self.source_weights {
            check.within("source_weights", *weight, 0.0..=1e6);
        }
        for entry in &self.rates {
            let rate = entry.rsplit_once('=').and_then(|(_, rate)| rate.parse::<f64>().ok());
            let is_rate = rate.is_some_and(|rate| RATES.contains(&rate));
            let expected = "PATIENT=HERTZ from 1 to 1000000, such as bonn=173.61";
            check.check("rates", format!("{entry:?}"), is_rate, expected);
        }
        if self.data.is_none() {
            let lists = [
                ("rates", &self.rates),
                ("seizure_folders", &self.seizure_folders),
                ("background_folders", &self.background_folders),
            ];
            let expected = "a folder of recordings beside it (--data)";
            for (field, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
                check.refuse(field, format!("{list:?}"), expected);
            }
            check.check("allow_leakage", self.allow_leakage, !self.allow_leakage, expected);
        }
        // Names of no more patients than there may be.
        if let Some(known) = (self.patients <= MOST_PATIENTS).then(|| self.patient_names().ok()).flatten() {
            for target in &self.targets {
                check.name("targets", target, known.iter().map(String::as_str));
            }
        }
    }
}
