//! How a tuner chooses.

use serde::{Deserialize, Serialize};

/// What scores candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// Nothing: candidates are random.
    Random,
    /// A Gaussian process and expected improvement.
    Gaussian,
    /// A forest and expected improvement (SMAC).
    Forest,
    /// Densities of good and bad configurations (TPE).
    Parzen,
}

/// How the members of an ensemble are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Combination {
    /// Weighted ranks of expected improvements.
    Ranks,
    /// Expected improvement of the weighted mean of standardised predictions.
    Mean,
}

/// What is taken from source tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// How models are combined.
    pub combination: Combination,
    /// Knobs that the compressed space keeps; `None` searches the whole space.
    pub keep: Option<usize>,
    /// Full measurements of the sources' best configurations at the start; each batch at a lower level takes two more.
    pub warm_start: usize,
    /// Whether sources without an order in common are left out.
    pub gate: bool,
}

/// What the public code of MFTune does otherwise than it says, or than it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quirk {
    /// Worse configurations of a source weigh more in the densities of compressed ranges, and all of them count.
    WorseWeighMore,
    /// Predictions are drawn with the variance where the standard deviation belongs.
    VarianceIsDeviation,
    /// The acquisition ranks candidates by the task's own model alone.
    TargetOnly,
    /// Choices are not counted in the compression, so all of them vary.
    NumbersOnly,
    /// All members are scaled by the values of the one that was fitted last.
    SharedScale,
}

impl Quirk {
    /// All, with names and what they do.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::WorseWeighMore, "worse_weigh_more"),
        (Self::VarianceIsDeviation, "variance_is_deviation"),
        (Self::TargetOnly, "target_only"),
        (Self::NumbersOnly, "numbers_only"),
        (Self::SharedScale, "shared_scale"),
    ];
}

/// How a tuner chooses.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What scores candidates.
    pub model: Model,
    /// Whether it measures by brackets of levels, or always fully.
    pub brackets: bool,
    /// η: of the configurations of a level, one in so many goes on to the next, which is so many times as close.
    pub eta: usize,
    /// Number of levels.
    pub levels: usize,
    /// What it takes from source tasks; `None` takes nothing.
    pub transfer: Option<Transfer>,
    /// Points of a Latin hypercube before any model, besides the defaults.
    pub design: usize,
    /// Trees of a forest.
    pub trees: usize,
    /// Candidates that are scored for a batch.
    pub candidates: usize,
    /// Share of proposals that are random.
    pub random_share: f64,
    /// Share of random candidates from the whole space where it is compressed.
    pub whole_share: f64,
    /// What is done as the public code does it.
    pub quirks: Vec<Quirk>,
}

impl Options {
    /// A tuner with a model alone, by full measurements.
    pub fn plain(model: Model) -> Self {
        Self {
            model,
            brackets: false,
            eta: 3,
            levels: 3,
            transfer: None,
            design: 6,
            trees: 10,
            candidates: 700,
            random_share: 0.0,
            whole_share: 0.1,
            quirks: Vec::new(),
        }
    }

    /// MFTune: forests, brackets, an ensemble over sources, `keep` knobs, warm start and gate.
    pub fn mftune(keep: usize) -> Self {
        let transfer = Transfer { combination: Combination::Ranks, keep: Some(keep), warm_start: 4, gate: true };
        Self { brackets: true, design: 0, transfer: Some(transfer), ..Self::plain(Model::Forest) }
    }

    /// Whether something is done as the public code does it.
    pub fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// The full level.
    pub fn full(&self) -> usize {
        self.levels - 1
    }
}

/// A way to choose, by name.
pub struct Strategy {
    /// Name in settings.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Its options for a space of so many knobs.
    pub options: fn(usize) -> Options,
}

/// Every strategy.
pub static STRATEGIES: &[Strategy] = &[
    Strategy {
        name: "mftune",
        doc: "brackets of cheap measurements, forests, histories of earlier tunings",
        options: |knobs| Options::mftune(knobs.min(8)),
    },
    Strategy {
        name: "smac",
        doc: "a forest and expected improvement, full measurements",
        options: |_| Options::plain(Model::Forest),
    },
    Strategy {
        name: "gp",
        doc: "Latin hypercube, then a Gaussian process and expected improvement",
        options: |_| Options::plain(Model::Gaussian),
    },
    Strategy {
        name: "bohb",
        doc: "brackets of cheap measurements and Parzen densities, a third at random",
        options: |_| Options { brackets: true, design: 0, random_share: 1.0 / 3.0, ..Options::plain(Model::Parzen) },
    },
    Strategy { name: "tpe", doc: "Parzen densities, full measurements", options: |_| Options::plain(Model::Parzen) },
    Strategy {
        name: "random",
        doc: "random configurations, full measurements",
        options: |_| Options { design: 0, ..Options::plain(Model::Random) },
    },
];

impl Options {
    /// Those of a strategy; `None` if there is none of this name.
    pub fn named(name: &str, knobs: usize) -> Option<Self> {
        STRATEGIES.iter().find(|row| row.name == name).map(|row| (row.options)(knobs))
    }
}
