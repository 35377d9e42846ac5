//! Settings of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::lab::{Preset, Settings, Validation};
use crate::systems::pricing::arms::ARMS;
use crate::systems::pricing::world::Shift;

/// A grid of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// All arms with a sparse difference of markets.
    Arms,
    /// The method and pooling for differences of several sizes.
    Shifts,
    /// The same where every parameter differs.
    Dense,
    /// Weights of sources where covariates differ.
    Covariates,
    /// Radii of the theory's size.
    Theory,
    /// Which parameters are found to differ.
    Support,
    /// Features of a circuit and others.
    Features,
}

/// Choices of the target and the sources that an episode learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum History {
    /// Those of the last episode, as in the paper.
    Episode,
    /// All.
    All,
}

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// New markets and customers for each seed.
    pub seeds: Vec<u64>,
    /// Table of choices in place of simulated markets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// The market of it that is the target; that with the fewest choices by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Choices of the target that its model is learned from, of a table.
    pub rows: Vec<usize>,
    /// Share of the target's choices of a table that models are tested on.
    pub test_share: f64,
    /// What is run of simulated markets.
    pub parts: Vec<Part>,
    /// Rows of the table of arms.
    pub arms: Vec<String>,
    /// Features of an item.
    pub features: usize,
    /// Items a round.
    pub items: usize,
    /// Items offered, at most.
    pub offer: usize,
    /// Source markets.
    pub sources: usize,
    /// Rounds.
    pub rounds: usize,
    /// The largest price.
    pub ceiling: f64,
    /// Sum of the target's price sensitivities of simulated markets.
    pub sensitivity: f64,
    /// Parameters by which simulated sources differ from the target.
    pub coordinates: usize,
    /// By how much each.
    pub shift: f64,
    /// The same in the part with several differences.
    pub shifts: Vec<f64>,
    /// Whether all sources differ in the same parameters by the same amounts, as the theory needs.
    pub common_support: bool,
    /// Factor on the radius of sampling.
    pub alpha: f64,
    /// Factor on the radius of what is left of the difference.
    pub beta: f64,
    /// Factor on the penalty of the difference.
    pub lambda: f64,
    /// Penalty on the squared length of parameters, relative to the mean log-likelihood.
    pub ridge: f64,
    /// What a unit of price takes away from every utility, at least.
    pub least_slope: f64,
    /// Prices between 0 and the largest that are offered.
    pub price_levels: usize,
    /// Choices that an episode learns from.
    pub history: History,
    /// Last rounds of an episode that may be forced to random play.
    pub gate_rounds: usize,
    /// Least eigenvalue of the sum of squared rows of an episode, for each of these rounds, below which they are: the paper's
    /// κ²·K·C/2, with choice probabilities κ of about 1/6 (five items and none alike), offers of K = 5 and rows whose squares have
    /// the least eigenvalue C = 0.008.
    pub gate_information: f64,
    /// A parameter is taken to differ if its difference is at least this share of the largest one.
    pub found_share: f64,
    /// Qubits of the circuit and numbers that are observed of an item.
    pub qubits: usize,
    /// Times that it reads the numbers.
    pub uploads: usize,
    /// Radians for 1.
    pub bandwidth: f64,
}

impl Default for Spec {
    /// The quick run.
    fn default() -> Self {
        Self {
            seeds: vec![0, 1],
            data: None,
            target: None,
            rows: vec![50, 200, 800],
            test_share: 0.5,
            parts: vec![
                Part::Arms,
                Part::Shifts,
                Part::Dense,
                Part::Covariates,
                Part::Theory,
                Part::Support,
                Part::Features,
            ],
            arms: ARMS.iter().map(|row| row.name.into()).collect(),
            features: 10,
            items: 30,
            offer: 5,
            sources: 5,
            rounds: 512,
            ceiling: 4.0,
            sensitivity: 1.5,
            coordinates: 4,
            shift: 1.2,
            shifts: vec![0.0, 0.6, 2.4],
            common_support: true,
            alpha: 0.02,
            beta: 0.05,
            lambda: 0.03,
            ridge: 1e-3,
            least_slope: 0.2,
            price_levels: 80,
            history: History::Episode,
            gate_rounds: 16,
            gate_information: 5e-4,
            found_share: 0.2,
            qubits: 4,
            uploads: 3,
            bandwidth: 1.0,
        }
    }
}

impl Spec {
    /// How sources differ from the target in a part.
    pub fn shift_of(&self, grid: &str, size: Option<f64>) -> Shift {
        let coordinates = if grid == "dense" { 2 * self.features } else { self.coordinates };
        Shift { coordinates, size: size.unwrap_or(self.shift), has_other_covariates: grid == "covariates" }
    }

    /// Uses a table of choices.
    pub fn set_data(&mut self, path: &str) {
        self.data = Some(path.into());
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.pricing/1";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset {
            name: "quick",
            doc: "two seeds of 512 rounds with 30 items and 5 sources; under a minute; the default",
            apply: |_| {},
        },
        Preset {
            name: "smoke",
            doc: "seconds: shows that everything works, its figures mean nothing",
            apply: |spec| {
                spec.seeds = vec![0];
                (spec.features, spec.items, spec.offer, spec.sources, spec.rounds) = (3, 6, 2, 2, 64);
                (spec.coordinates, spec.price_levels, spec.qubits, spec.uploads) = (2, 20, 2, 2);
                spec.shifts = vec![0.0, 1.2];
            },
        },
        Preset {
            name: "full",
            doc: "ten seeds of 2,000 rounds, six differences of markets, every arm; about an hour",
            apply: |spec| {
                // Settings were chosen by runs of seeds 0, 1 and 100 to 107.
                spec.seeds = (2..12).collect();
                spec.rounds = 2000;
                spec.shifts = vec![0.0, 0.15, 0.3, 0.6, 1.2, 2.4];
            },
        },
    ];

    fn validate(&self, check: &mut Validation) {
        check
            .list("seeds", &self.seeds)
            .path("data", self.data.as_deref())
            .list("rows", &self.rows)
            .between("test_share", self.test_share, (0.0, 1.0))
            .list("parts", &self.parts)
            .names("arms", &self.arms, ARMS.iter().map(|row| row.name))
            .whole("features", self.features, 1..=100)
            .whole("items", self.items, 1..=1_000)
            .whole("offer", self.offer, 1..=self.items.max(1))
            .whole("sources", self.sources, 0..=100)
            .whole("rounds", self.rounds, 8..=100_000)
            .within("ceiling", self.ceiling, 1e-3..=1e3)
            .within("sensitivity", self.sensitivity, 1e-3..=1e3)
            .whole("coordinates", self.coordinates, 0..=2 * self.features.min(100))
            .within("shift", self.shift, 0.0..=100.0)
            .list("shifts", &self.shifts)
            .within("alpha", self.alpha, 0.0..=100.0)
            .within("beta", self.beta, 0.0..=100.0)
            .within("lambda", self.lambda, 0.0..=100.0)
            .within("ridge", self.ridge, 1e-9..=1e3)
            .within("least_slope", self.least_slope, 0.0..=1e3)
            .whole("price_levels", self.price_levels, 2..=10_000)
            .whole("gate_rounds", self.gate_rounds, 0..=100_000)
            .within("gate_information", self.gate_information, 0.0..=1e3)
            .within("found_share", self.found_share, 0.0..=1.0)
            .whole("qubits", self.qubits, 1..=12)
            .whole("uploads", self.uploads, 1..=20)
            .positive("bandwidth", self.bandwidth);
        for rows in &self.rows {
            check.whole("rows", *rows, 1..=10_000_000);
        }
        for shift in &self.shifts {
            check.within("shifts", *shift, 0.0..=100.0);
        }
        // Contexts of a run are in memory.
        let size = self.rounds.saturating_mul(self.items).saturating_mul(self.features + self.sources);
        let expected = "fewer rounds: rounds × items × (features + sources) is at most 100,000,000";
        check.check("rounds", self.rounds, size <= 100_000_000, expected);
        if self.data.is_none() {
            let target = self.target.as_deref().unwrap_or_default();
            let expected = "a table of choices beside it (--data)";
            check.check("target", format!("{target:?}"), self.target.is_none(), expected);
        }
    }
}
