//! Settings of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::lab::{Preset, Settings, Validation};
use crate::math::Stream;
use crate::nn::head::CircuitConfig;
use crate::nn::optim::{Method, Schedule};
use crate::study::train::TrainConfig;
use crate::systems::angiography::encoder::{TextSize, VideoSize};
use crate::systems::angiography::phantom::Phantom;
use crate::systems::angiography::studies::FilmShape;

/// A grid of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Losses of the pre-training, measured by retrieval.
    Retrieval,
    /// Poolings on studies with a single lesion.
    Pooling,
    /// Poolings on all tasks, with fewer films and after a shift.
    Probe,
    /// Few labelled studies: frozen, unfrozen, from scratch.
    Transfer,
    /// Heads on the pooled vector, a circuit among them.
    Heads,
    /// Reports of a table: impressions found by findings.
    Reports,
}

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// New patients, starts and batches for each seed; with own studies another split of the patients.
    pub seeds: Vec<u64>,
    /// Folder of own studies in place of drawn ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// Table of reports with the columns patient, findings and impression, for the part reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reports: Option<PathBuf>,
    /// Folder of a pretrained encoder whose vectors of reports are read; without one an encoder learns with the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<PathBuf>,
    /// The task of own studies that transfer and heads are about; the last with labels 0 and 1 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Share of the patients of own studies that are tested on.
    pub test_share: f64,
    /// What is run.
    pub parts: Vec<Part>,
    /// Shape of films; own ones are brought to it.
    pub films: FilmShape,
    /// Drawn studies to learn from.
    pub studies: usize,
    /// Drawn studies to test on, and as many after a shift.
    pub test_studies: usize,
    /// Test studies with different findings among which reports are searched, at most.
    pub pairs: usize,
    /// Drawn studies with a single lesion or none to learn from, for each kind, and as many to test on.
    pub single_lesions: usize,
    /// Labelled studies of transfer and heads.
    pub few: usize,
    /// Share of labels that are missing while learning.
    pub missing: f64,
    /// Photons of a pixel without anything in the way.
    pub photons: f64,
    /// The same after the shift.
    pub shifted_photons: f64,
    /// Factor on movements after the shift.
    pub shifted_sway: f64,
    /// Largest deviation from the usual projections in degrees, before the shift and after it.
    pub deviation: [f64; 2],
    /// The encoder of films.
    pub video: VideoSize,
    /// The encoder of reports.
    pub text: TextSize,
    /// Width of the space that films and reports share.
    pub common: usize,
    /// Temperature of CLIP at the start.
    pub temperature: f64,
    /// Hidden width of the gated attention.
    pub hidden: usize,
    /// Pre-training: a row is a study.
    pub pretrain: TrainConfig,
    /// Training of poolings and heads on vectors of a frozen encoder.
    pub probe: TrainConfig,
    /// Training of encoder, pooling and head together.
    pub tune: TrainConfig,
    /// Films of a study that a step of it reads, at most.
    pub tune_films: usize,
    /// Share of the encoder's parameters, counted from the top, that the arm unfrozen trains.
    pub trainable_fraction: f64,
    /// Rate of a pre-trained encoder, in rates of the head.
    pub encoder_rate: f64,
    /// Rate of the pooling, in rates of the head.
    pub pool_rate: f64,
    /// The circuit of heads.
    pub circuit: CircuitConfig,
    /// Training of heads.
    pub head_train: TrainConfig,
}

const COSINE: Schedule = Schedule::Cosine { floor: 0.02 };

impl Default for Spec {
    /// The quick run.
    fn default() -> Self {
        let train = |epochs: usize, batch: usize, rate: f64| TrainConfig {
            schedule: COSINE,
            clip: Some(1.0),
            ..TrainConfig::new(epochs, batch, rate, Method::adamw(1e-4))
        };
        Self {
            seeds: vec![0],
            data: None,
            reports: None,
            encoder: None,
            target: None,
            test_share: 0.3,
            parts: vec![Part::Retrieval, Part::Pooling, Part::Probe, Part::Transfer, Part::Heads],
            films: FilmShape { frames: 8, edge: 32 },
            studies: 400,
            test_studies: 200,
            pairs: 64,
            single_lesions: 100,
            few: 100,
            missing: 0.2,
            photons: 2000.0,
            shifted_photons: 1200.0,
            shifted_sway: 1.3,
            deviation: [6.0, 9.0],
            video: VideoSize { channels: vec![8, 16, 32], width: 48, blocks: 1, heads: 4 },
            text: TextSize { width: 32, blocks: 1, heads: 4, words: 2000 },
            common: 32,
            temperature: 0.1,
            hidden: 32,
            pretrain: TrainConfig { warm_up: 10, ..train(15, 32, 3e-3) },
            probe: train(30, 32, 3e-3),
            tune: train(6, 16, 2e-3),
            tune_films: 4,
            trainable_fraction: 0.5,
            encoder_rate: 0.1,
            pool_rate: 1.0,
            circuit: CircuitConfig { qubits: 4, depth: 2, ..CircuitConfig::default() },
            head_train: TrainConfig { schedule: COSINE, ..TrainConfig::new(20, 16, 0.01, Method::ADAM) },
        }
    }
}

impl Spec {
    /// Uses own studies.
    pub fn set_data(&mut self, path: &str) {
        self.data = Some(path.into());
        self.parts.retain(|part| *part != Part::Pooling);
    }

    /// Uses a table of reports, and films no longer.
    pub fn set_reports(&mut self, path: &str) {
        self.reports = Some(path.into());
        self.parts = vec![Part::Reports];
    }

    /// Which of so many patients of own data are tested on.
    pub fn tested(&self, patients: usize, seed: u64) -> Vec<bool> {
        let count = (self.test_share * patients as f64).round() as usize;
        let mut is_tested = vec![false; patients];
        let order = Stream::named(seed, "patients").permutation(patients);
        order.iter().take(count).for_each(|patient| is_tested[*patient] = true);
        is_tested
    }

    /// Drawn studies before the shift.
    pub fn phantom(&self) -> Phantom {
        let FilmShape { frames, edge } = self.films;
        Phantom { edge, frames, photons: self.photons, sway: 1.0, tilt: self.deviation[0] }
    }

    /// Drawn studies after it.
    pub fn shifted(&self) -> Phantom {
        Phantom { photons: self.shifted_photons, sway: self.shifted_sway, tilt: self.deviation[1], ..self.phantom() }
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.angiography/1";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset { name: "quick", doc: "one seed, 400 drawn studies; under a minute; the default", apply: |_| {} },
        Preset {
            name: "smoke",
            doc: "seconds: shows that everything works, its figures mean nothing",
            apply: |spec| {
                spec.films = FilmShape { frames: 2, edge: 16 };
                (spec.studies, spec.test_studies, spec.pairs) = (24, 24, 12);
                (spec.single_lesions, spec.few) = (8, 12);
                spec.video = VideoSize { channels: vec![4, 4], width: 8, blocks: 1, heads: 2 };
                spec.text = TextSize { width: 8, blocks: 1, heads: 2, words: 200 };
                (spec.common, spec.hidden) = (8, 4);
                (spec.pretrain.epochs, spec.pretrain.batch) = (1, 12);
                (spec.probe.epochs, spec.tune.epochs, spec.head_train.epochs) = (1, 1, 1);
                (spec.tune_films, spec.circuit.qubits, spec.circuit.depth) = (2, 2, 1);
            },
        },
        Preset {
            name: "full",
            doc: "three seeds, 2,000 drawn studies to learn from",
            apply: |spec| {
                spec.seeds = vec![1, 2, 3];
                (spec.studies, spec.test_studies, spec.pairs) = (2000, 600, 256);
                (spec.single_lesions, spec.few) = (500, 200);
                spec.video = VideoSize { channels: vec![16, 32, 64], width: 64, ..spec.video.clone() };
                spec.pretrain.epochs = 30;
                (spec.probe.epochs, spec.tune.epochs, spec.head_train.epochs) = (40, 15, 30);
            },
        },
    ];

    fn validate(&self, check: &mut Validation) {
        check
            .list("seeds", &self.seeds)
            .path("data", self.data.as_deref())
            .path("reports", self.reports.as_deref())
            .path("encoder", self.encoder.as_deref())
            .within("test_share", self.test_share, 0.05..=0.9)
            .list("parts", &self.parts)
            .whole("films.frames", self.films.frames, 1..=64)
            .whole("films.edge", self.films.edge, 8..=256)
            .whole("studies", self.studies, 8..=100_000)
            .whole("test_studies", self.test_studies, 8..=100_000)
            .whole("pairs", self.pairs, 2..=10_000)
            .whole("single_lesions", self.single_lesions, 4..=100_000)
            .whole("few", self.few, 4..=100_000)
            .within("missing", self.missing, 0.0..=0.95)
            .within("photons", self.photons, 1.0..=1e9)
            .within("shifted_photons", self.shifted_photons, 1.0..=1e9)
            .within("shifted_sway", self.shifted_sway, 0.0..=10.0)
            .check("video.channels", "[]", !self.video.channels.is_empty(), "at least one")
            .check("video.channels", self.video.channels.len(), self.video.channels.len() <= 6, "at most 6")
            .widths("video.channels", &self.video.channels)
            .width("video.width", self.video.width)
            .whole("video.blocks", self.video.blocks, 0..=12)
            .whole("video.heads", self.video.heads, 1..=64)
            .width("text.width", self.text.width)
            .whole("text.blocks", self.text.blocks, 0..=12)
            .whole("text.heads", self.text.heads, 1..=64)
            .whole("text.words", self.text.words, 1..=1_000_000)
            .width("common", self.common)
            .within("temperature", self.temperature, 1e-4..=100.0)
            .width("hidden", self.hidden)
            .train("pretrain", &self.pretrain)
            .train("probe", &self.probe)
            .train("tune", &self.tune)
            .whole("tune_films", self.tune_films, 1..=8)
            .within("trainable_fraction", self.trainable_fraction, 0.0..=1.0)
            .within("encoder_rate", self.encoder_rate, 0.0..=100.0)
            .within("pool_rate", self.pool_rate, 0.0..=100.0)
            .circuit("circuit", &self.circuit)
            .train("head_train", &self.head_train);
        for (field, heads, width) in
            [("video.heads", self.video.heads, self.video.width), ("text.heads", self.text.heads, self.text.width)]
        {
            check.check(field, heads, heads > 0 && width.is_multiple_of(heads), "a divisor of the width");
        }
        for degrees in self.deviation {
            check.within("deviation", degrees, 0.0..=90.0);
        }
        check.check("few", self.few, self.data.is_some() || self.few <= self.studies, "at most as many as studies");
        let is_asked = self.parts.contains(&Part::Reports);
        check.check(
            "parts",
            "reports",
            !is_asked || self.reports.is_some(),
            "a table of reports beside it (--reports)",
        );
        let path = self.reports.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        check.check(
            "reports",
            path,
            is_asked || self.reports.is_none(),
            "the part reports beside it (--parts reports)",
        );
        if self.data.is_none() {
            let expected = "own studies beside it (--data)";
            check.check("target", format!("{:?}", self.target), self.target.is_none(), expected);
        } else {
            let has_pooling = self.parts.contains(&Part::Pooling);
            check.check("parts", "pooling", !has_pooling, "other parts with --data: it needs drawn lesions");
        }
    }
}
