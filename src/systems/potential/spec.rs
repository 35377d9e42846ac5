//! Settings of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::lab::{Preset, Settings, Validation};
use crate::math::EnergyUnit;
use crate::nn::layer::PainnSize;
use crate::nn::optim::{Method, Schedule};
use crate::study::train::TrainConfig;
use crate::systems::potential::arms::ARMS;
use crate::systems::potential::sources::{OWN, SOURCES};

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Other frames to learn from and other networks for each seed.
    pub seeds: Vec<u64>,
    /// Rows of the table of sources.
    pub sources: Vec<String>,
    /// Own frames with energies and forces of the low level, in place of the sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// Own frames with energies and forces of the high level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<PathBuf>,
    /// Unit of the energies of both files; forces are in it per Å.
    pub unit: EnergyUnit,
    /// How test frames are set apart.
    pub split: Split,
    /// What is studied.
    pub parts: Vec<Part>,
    /// Rows of the table of arms.
    pub arms: Vec<String>,
    /// Frames of the high level to learn from.
    pub rows: Vec<usize>,
    /// Frames of the low level to learn from, at most.
    pub low_rows: usize,
    /// Frames of the high level to test on, at most.
    pub test_rows: usize,
    /// The network.
    pub size: Size,
    /// Weight of the squared error of the energy of a frame (eV²).
    pub energy_weight: f64,
    /// Weight of the mean squared error of a component of a force (eV²/Å²).
    pub force_weight: f64,
    /// How the low level is learned.
    pub pretrain: TrainConfig,
    /// How the high level is learned. An epoch has `draws` frames, however many there are, so every arm and every number of
    /// frames has the same number of steps.
    pub tune: TrainConfig,
    /// Frames of an epoch of `tune`.
    pub draws: usize,
    /// Molecular dynamics with the tuned networks.
    pub dynamics: DynamicsSpec,
}

/// How test frames are set apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// The last 30 % of the frames of each molecule, after a gap of 10 %: neighbouring frames of a trajectory are alike.
    #[default]
    Time,
    /// Whole molecules.
    Molecule,
}

/// Parts of the study.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The high level, learned in several ways.
    Tuning,
    /// A circuit beside the readout, against a layer of as many parameters.
    Readouts,
    /// Molecular dynamics.
    Dynamics,
}

/// Sizes of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Size {
    /// Width of the scalars and vectors of an atom.
    pub width: usize,
    /// Blocks of message and update.
    pub blocks: usize,
    /// Radial functions.
    pub radial: usize,
    /// Distance in Å from which atoms do not see each other.
    pub cutoff: f64,
    /// Qubits of the circuit beside the readout.
    pub qubits: usize,
    /// How often the circuit reads its angles.
    pub uploads: usize,
}

/// Molecular dynamics from the first test frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DynamicsSpec {
    /// Steps at constant energy, and as many with a heat bath.
    pub steps: usize,
    /// Length of a step in fs.
    pub step: f64,
    /// Temperature in K of the start at constant energy.
    pub kelvin: f64,
    /// Temperature in K of the heat bath. Distances of pairs are compared with those of the frames, so it is theirs.
    pub bath: f64,
    /// Friction of the heat bath in 1/fs.
    pub friction: f64,
    /// Steps from one frame of the trajectory to the next.
    pub every: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self { width: 32, blocks: 3, radial: 16, cutoff: 5.0, qubits: 4, uploads: 2 }
    }
}

impl Size {
    /// The layer for so many elements.
    pub fn of_layer(&self, species: usize) -> PainnSize {
        let Self { width, blocks, radial, cutoff, .. } = *self;
        PainnSize { species, width, blocks, radial, cutoff }
    }
}

impl Default for DynamicsSpec {
    fn default() -> Self {
        Self { steps: 1000, step: 0.5, kelvin: 300.0, bath: 500.0, friction: 0.02, every: 20 }
    }
}

fn config(epochs: usize, rate: f64) -> TrainConfig {
    let schedule = Schedule::Cosine { floor: 0.01 };
    TrainConfig { schedule, warm_up: 20, clip: Some(10.0), ..TrainConfig::new(epochs, 10, rate, Method::adamw(0.01)) }
}

impl Default for Spec {
    /// The quick run: a small network, one seed.
    fn default() -> Self {
        Self {
            seeds: vec![0],
            sources: vec!["ethanol".into()],
            data: None,
            target: None,
            unit: EnergyUnit::ElectronVolt,
            split: Split::Time,
            parts: vec![Part::Tuning, Part::Readouts, Part::Dynamics],
            arms: ["scratch", "fine_tuned", "frozen", "delta", "force_field"].map(String::from).to_vec(),
            rows: vec![10, 25],
            low_rows: 500,
            test_rows: 100,
            size: Size::default(),
            energy_weight: 0.01,
            force_weight: 0.99,
            pretrain: TrainConfig { keep_best: true, ..config(12, 5e-3) },
            tune: config(20, 2e-3),
            draws: 100,
            dynamics: DynamicsSpec::default(),
        }
    }
}

impl Spec {
    /// Whether a part is studied.
    pub fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    /// Names of what is learned.
    pub fn source_names(&self) -> Vec<String> {
        if self.target.is_some() { vec![OWN.into()] } else { self.sources.clone() }
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.potential/1";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset { name: "quick", doc: "a small network, one seed, under a minute; the default", apply: |_| {} },
        Preset {
            name: "smoke",
            doc: "a few seconds: shows that everything works, its figures mean nothing",
            apply: |spec| {
                spec.size = Size { width: 8, blocks: 2, radial: 6, qubits: 2, uploads: 1, ..Size::default() };
                spec.arms = ["scratch", "fine_tuned", "hatl", "delta", "shuffled"].map(String::from).to_vec();
                (spec.low_rows, spec.test_rows, spec.draws, spec.rows) = (40, 10, 10, vec![10]);
                (spec.pretrain.epochs, spec.tune.epochs) = (2, 3);
                (spec.dynamics.steps, spec.dynamics.every) = (10, 5);
            },
        },
        Preset {
            name: "full",
            doc: "three seeds, every arm, four numbers of frames, 20 ps of dynamics; half an hour or more",
            apply: |spec| {
                spec.seeds = vec![0, 1, 2];
                spec.arms = ARMS.iter().map(|row| row.name.into()).collect();
                spec.rows = vec![10, 25, 100, 250];
                (spec.low_rows, spec.test_rows) = (3000, 300);
                spec.size = Size { width: 48, ..Size::default() };
                (spec.pretrain.epochs, spec.tune.epochs) = (10, 60);
                spec.dynamics.steps = 40_000;
                spec.dynamics.every = 200;
            },
        },
    ];

    fn validate(&self, check: &mut Validation) {
        let (size, dynamics) = (&self.size, &self.dynamics);
        check
            .list("seeds", &self.seeds)
            .list("parts", &self.parts)
            .names("arms", &self.arms, ARMS.iter().map(|row| row.name))
            .path("data", self.data.as_deref())
            .path("target", self.target.as_deref())
            .distinct("rows", &self.rows)
            .whole("low_rows", self.low_rows, 10..=1_000_000)
            .whole("test_rows", self.test_rows, 1..=1_000_000)
            .whole("draws", self.draws, 1..=1_000_000)
            .whole("size.width", size.width, 2..=1024)
            .whole("size.blocks", size.blocks, 1..=16)
            .whole("size.radial", size.radial, 1..=256)
            .whole("size.qubits", size.qubits, 1..=12)
            .whole("size.uploads", size.uploads, 1..=16)
            .within("size.cutoff", size.cutoff, 0.5..=20.0)
            .within("energy_weight", self.energy_weight, 0.0..=1e6)
            .within("force_weight", self.force_weight, 0.0..=1e6)
            .train("pretrain", &self.pretrain)
            .train("tune", &self.tune)
            .whole("dynamics.steps", dynamics.steps, 2..=100_000_000)
            .whole("dynamics.every", dynamics.every, 1..=1_000_000)
            .within("dynamics.step", dynamics.step, 0.001..=10.0)
            .within("dynamics.kelvin", dynamics.kelvin, 0.0..=1e5)
            .within("dynamics.bath", dynamics.bath, 0.0..=1e5)
            .within("dynamics.friction", dynamics.friction, 0.0..=1.0);
        match (&self.data, &self.target) {
            (Some(_), None) => _ = check.refuse("target", "missing", "a file of frames of the high level (--target)"),
            (None, Some(_)) => _ = check.refuse("data", "missing", "a file of frames of the low level (--data)"),
            (Some(_), Some(_)) => {}
            _ => _ = check.names("sources", &self.sources, SOURCES.iter().map(|row| row.name)),
        }
        let weights = self.energy_weight + self.force_weight;
        check.check("force_weight", self.force_weight, weights > 0.0, "above 0, or an energy_weight above 0");
        for &rows in &self.rows {
            check.check("rows", rows, (4..=1_000_000).contains(&rows), "from 4: two learn and two choose");
        }
        if self.has(Part::Dynamics) {
            let has = self.arms.iter().any(|arm| arm == "fine_tuned");
            let expected =
                "the arm fine_tuned beside it, whose network moves: add it to --arms, or give --parts tuning";
            check.check("parts", "dynamics", has, expected);
            let expected = "the part tuning beside it, whose networks move: give --parts tuning,dynamics";
            check.check("parts", "dynamics", self.has(Part::Tuning), expected);
        }
    }
}
