//! What a run is told.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::nn::NnError;
use crate::nn::head::CircuitConfig;
use crate::nn::head::{Body, HeadRow};
use crate::nn::optim::{Method, Schedule};
use crate::study::StudyError;
use crate::study::train::TrainConfig;
use crate::systems::smear::simulate::Simulation;

/// The version of this file format.
pub const FORMAT: &str = "qgraft.smear/1";

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Format and version of this file.
    pub format: String,
    /// One training of every remedy per seed.
    pub seeds: Vec<u64>,
    /// A folder or zip file in the layout of Pascal VOC; without one, smears are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// Fields to learn from, to choose on, to judge on; of a data set at most so many.
    pub fields: [usize; 3],
    /// Rows of pixels of a field, a multiple of 4.
    pub edge: usize,
    /// Cells in a drawn field.
    pub cells: usize,
    /// Share of drawn training cells whose label is that of a neighbouring class, in 0..=1.
    pub label_noise: f64,
    /// Single cells of the source domain, for the remedy that transfers.
    pub source_cells: usize,
    /// Channels of the detector, a multiple of 8.
    pub width: usize,
    /// How detectors are trained.
    pub train: TrainConfig,
    /// Detectors that are drawn instead of trained.
    pub simulation: Simulation,
    /// Rows of the table of heads, each a second look at what the fused detectors found; none by default.
    pub heads: Vec<String>,
    /// The circuit of such a head.
    pub circuit: CircuitConfig,
}

impl Default for Spec {
    /// The quick run: one seed.
    fn default() -> Self {
        Self {
            format: FORMAT.into(),
            seeds: vec![0],
            data: None,
            fields: [120, 30, 60],
            edge: 128,
            cells: 4,
            label_noise: 0.08,
            source_cells: 400,
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
        }
    }
}

impl Spec {
    /// The run whose result is kept in the repository: three seeds, more fields, a wider network.
    pub fn full(&mut self) {
        self.seeds = (0..3).collect();
        self.fields = [600, 150, 300];
        self.source_cells = 1200;
        self.width = 32;
        self.simulation.repeats = 20;
    }

    /// The file that reads back to the same spec.
    pub fn to_toml(&self) -> String {
        // Numbers, strings, lists and tables only: nothing TOML cannot hold.
        toml::to_string_pretty(self).expect("a spec is plain data")
    }

    /// Checks names against the tables and numbers against their ranges.
    ///
    /// # Errors
    /// Naming the field, its value, and what it may be.
    pub fn check(&self) -> Result<(), StudyError> {
        let Simulation { scenes, repeats, correlations, recall, right, jitter, .. } = &self.simulation;
        let TrainConfig { epochs, batch, rate, .. } = self.train;
        let share = |value: &f64| (0.0..=1.0).contains(value);
        let rules = [
            ("format", self.format.clone(), self.format == FORMAT, "this version reads qgraft.smear/1"),
            ("seeds", format!("{:?}", self.seeds), !self.seeds.is_empty(), "at least one seed is needed"),
            ("fields", format!("{:?}", self.fields), !self.fields.contains(&0), "use at least one field of each kind"),
            (
                "edge",
                self.edge.to_string(),
                self.edge >= 32 && self.edge.is_multiple_of(4),
                "use a multiple of 4 from 32 on",
            ),
            ("cells", self.cells.to_string(), self.cells > 0, "use at least one cell"),
            ("label_noise", self.label_noise.to_string(), share(&self.label_noise), "use a share from 0 to 1"),
            ("source_cells", self.source_cells.to_string(), self.source_cells > 0, "use at least one cell"),
            (
                "width",
                self.width.to_string(),
                self.width > 0 && self.width.is_multiple_of(8),
                "use a positive multiple of 8",
            ),
            (
                "train",
                format!("{epochs} epochs, batch {batch}, rate {rate}"),
                epochs > 0 && batch > 0 && rate > 0.0 && rate.is_finite(),
                "use positive numbers",
            ),
            (
                "simulation.scenes, repeats",
                format!("{scenes}, {repeats}"),
                *scenes > 0 && *repeats > 0,
                "use at least one",
            ),
            (
                "simulation.correlations",
                format!("{correlations:?}"),
                correlations.iter().all(share),
                "use numbers from 0 to 1",
            ),
            (
                "simulation.recall, right, jitter",
                format!("{recall}, {right}, {jitter}"),
                share(recall) && share(right) && *jitter >= 0.0 && jitter.is_finite(),
                "use shares from 0 to 1, and a jitter that is not negative",
            ),
        ];
        if let Some((field, value, _, reason)) = rules.into_iter().find(|(_, _, holds, _)| !holds) {
            return Err(NnError::Setting { field, value, reason }.into());
        }
        for name in &self.heads {
            if matches!(HeadRow::named(name)?.body, Body::Kernel) {
                let reason = "a second look needs a head that is trained by gradients";
                return Err(NnError::Setting { field: "heads", value: name.clone(), reason }.into());
            }
        }
        Ok(())
    }
}
