//! Settings of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::lab::{Preset, Settings, Validation};
use crate::systems::alignment::arms::ARMS;
use crate::systems::alignment::readout::Lender;

/// A grid of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Unpaired targets, by the number of pairs.
    Unpaired,
    /// Maps of other subjects.
    Sources,
    /// Worlds whose unpaired targets or sources are of no use.
    Safety,
    /// Noisy expectation values of a circuit mapped to ideal ones.
    Readout,
    /// Subjects who see garments.
    Pictures,
}

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// New subjects and stimuli for each seed.
    pub seeds: Vec<u64>,
    /// Matrix of inputs of your own, one row a pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// Matrix of their targets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<PathBuf>,
    /// Matrix of further targets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<PathBuf>,
    /// Share of your own pairs that maps are tested on.
    pub test_share: f64,
    /// What is run without data of your own.
    pub parts: Vec<Part>,
    /// Rows of the table of arms.
    pub arms: Vec<String>,
    /// Numbers of pairs.
    pub rows: Vec<usize>,
    /// Targets of a row: deviations fall as the number of the target to the power of minus this.
    pub decays: Vec<f64>,
    /// Simulated inputs of a row.
    pub inputs: usize,
    /// Simulated targets of a row.
    pub outputs: usize,
    /// Variance of what an input says over that of its noise.
    pub signal_to_noise: f64,
    /// Unpaired targets.
    pub pool_rows: usize,
    /// Test rows.
    pub test_rows: usize,
    /// Simulated sources.
    pub sources: usize,
    /// Of them, those that are like the target.
    pub related: Vec<usize>,
    /// How far related sources are from the target, relative to it.
    pub distance: f64,
    /// Pairs of a source.
    pub source_rows: usize,
    /// Penalty of the weights of sources.
    pub penalty: f64,
    /// Penalty of the fit to unpaired targets, for each of them.
    pub weak: f64,
    /// Folds of every cross-validation.
    pub folds: usize,
    /// Numbers of garments that a subject saw.
    pub seen: Vec<usize>,
    /// Width of the hidden layers of a network.
    pub width: usize,
    /// Passes of a network over its pairs.
    pub epochs: usize,
    /// Rows of a gallery that is searched.
    pub gallery: usize,
    /// Worlds of the part on safety.
    pub worlds: usize,
    /// Device of noisy expectation values.
    pub device: String,
    /// Where maps of expectation values are borrowed from.
    pub lenders: Vec<Lender>,
    /// Devices that are sources.
    pub other_devices: Vec<String>,
    /// Other days of the device that are sources.
    pub days: usize,
    /// Deviation of the logarithm of T1, T2 and errors from day to day.
    pub drift: f64,
    /// Circuits whose values are to be mitigated.
    pub circuits: usize,
    /// Qubits of the circuit.
    pub qubits: usize,
    /// Layers of it.
    pub layers: usize,
    /// Shots of each circuit. Methods without pairs have those of the pairs, too.
    pub shots: usize,
    /// Numbers of circuits whose ideal expectation values are known.
    pub pairs: Vec<usize>,
}

impl Default for Spec {
    /// The quick run.
    fn default() -> Self {
        Self {
            seeds: vec![0, 1],
            data: None,
            answers: None,
            pool: None,
            test_share: 0.3,
            parts: vec![Part::Unpaired, Part::Sources, Part::Safety, Part::Readout, Part::Pictures],
            arms: ARMS.iter().map(|row| row.name.into()).collect(),
            rows: vec![60, 240],
            decays: vec![1.0, 0.3],
            inputs: 40,
            outputs: 24,
            signal_to_noise: 0.6,
            pool_rows: 2_000,
            test_rows: 300,
            sources: 5,
            related: vec![2, 0],
            distance: 0.3,
            source_rows: 1_000,
            penalty: 0.05,
            weak: 1e-3,
            folds: 5,
            seen: vec![100, 250],
            width: 64,
            epochs: 20,
            gallery: 300,
            worlds: 4,
            device: "manila".into(),
            lenders: vec![Lender::Days, Lender::Devices],
            other_devices: ["oslo", "guadalupe", "kolkata"].map(String::from).to_vec(),
            days: 3,
            drift: 0.2,
            circuits: 300,
            qubits: 4,
            layers: 3,
            shots: 1_000,
            pairs: vec![20, 100],
        }
    }
}

impl Spec {
    /// Uses inputs of your own.
    pub fn set_data(&mut self, path: &str) {
        self.data = Some(path.into());
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.alignment/1";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset { name: "quick", doc: "two seeds of small worlds; under a minute; the default", apply: |_| {} },
        Preset {
            name: "smoke",
            doc: "seconds: shows that everything works, its figures mean nothing",
            apply: |spec| {
                spec.seeds = vec![0];
                (spec.rows, spec.pairs, spec.decays) = (vec![20], vec![10], vec![1.0]);
                (spec.inputs, spec.outputs, spec.pool_rows, spec.test_rows) = (8, 5, 100, 60);
                (spec.source_rows, spec.worlds, spec.folds) = (60, 1, 3);
                (spec.qubits, spec.layers, spec.shots, spec.circuits) = (2, 2, 100, 20);
                (spec.days, spec.other_devices) = (2, vec!["oslo".into()]);
                (spec.seen, spec.width, spec.epochs) = (vec![20], 8, 2);
            },
        },
        Preset {
            name: "full",
            doc: "five seeds, 120 inputs, 64 targets, 20,000 unpaired targets, 50 worlds for safety; about half an hour",
            apply: |spec| {
                spec.seeds = (2..7).collect();
                spec.rows = vec![60, 120, 240, 480, 960];
                (spec.inputs, spec.outputs, spec.pool_rows, spec.test_rows) = (120, 64, 20_000, 2_000);
                spec.source_rows = 2_000;
                (spec.worlds, spec.pairs) = (50, vec![20, 50, 100, 300]);
                (spec.seen, spec.width, spec.epochs) = (vec![50, 100, 250, 1_000, 5_000], 256, 40);
            },
        },
    ];

    fn validate(&self, check: &mut Validation) {
        check
            .list("seeds", &self.seeds)
            .path("data", self.data.as_deref())
            .path("answers", self.answers.as_deref())
            .path("pool", self.pool.as_deref())
            .between("test_share", self.test_share, (0.0, 1.0))
            .list("parts", &self.parts)
            .names("arms", &self.arms, ARMS.iter().map(|row| row.name))
            .list("rows", &self.rows)
            .list("decays", &self.decays)
            .whole("inputs", self.inputs, 1..=1_000)
            .whole("outputs", self.outputs, 2..=1_000)
            .within("signal_to_noise", self.signal_to_noise, 1e-3..=1e6)
            .whole("pool_rows", self.pool_rows, 10..=1_000_000)
            .whole("test_rows", self.test_rows, 10..=100_000)
            .whole("sources", self.sources, 1..=100)
            .list("related", &self.related)
            .within("distance", self.distance, 0.0..=10.0)
            .whole("source_rows", self.source_rows, 10..=100_000)
            .within("penalty", self.penalty, 0.0..=1.0)
            .within("weak", self.weak, 1e-12..=1e3)
            .whole("folds", self.folds, 2..=100)
            .whole("gallery", self.gallery, 2..=10_000)
            .whole("worlds", self.worlds, 1..=1_000)
            .device("device", &self.device, self.qubits.min(12))
            .list("lenders", &self.lenders)
            .list("other_devices", &self.other_devices)
            .devices("other_devices", &self.other_devices, self.qubits.min(12))
            .whole("days", self.days, 1..=100)
            .within("drift", self.drift, 0.0..=3.0)
            .whole("circuits", self.circuits, 10..=100_000)
            .whole("qubits", self.qubits, 2..=10)
            .whole("layers", self.layers, 1..=20)
            .whole("shots", self.shots, 10..=10_000_000)
            .list("pairs", &self.pairs)
            .list("seen", &self.seen)
            .whole("width", self.width, 1..=4_096)
            .whole("epochs", self.epochs, 1..=10_000);
        for decay in &self.decays {
            check.within("decays", *decay, 0.0..=10.0);
        }
        for (field, numbers) in [("rows", &self.rows), ("pairs", &self.pairs)] {
            for rows in numbers {
                check.whole(field, *rows, 6..=100_000);
            }
        }
        for seen in &self.seen {
            check.whole("seen", *seen, 6..=5_000);
        }
        for related in &self.related {
            check.whole("related", *related, 0..=self.sources.max(1));
        }
        let has_both = self.data.is_some() == self.answers.is_some() && (self.data.is_some() || self.pool.is_none());
        let expected = "inputs, targets and perhaps unpaired targets together (--data, --answers, --pool)";
        let given = |path: &Option<PathBuf>| path.as_ref().map_or("none".into(), |path| path.display().to_string());
        check.check("answers", given(&self.answers), has_both, expected);
    }
}
