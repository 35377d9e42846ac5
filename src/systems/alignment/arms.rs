//! How a map is learned from few pairs.

use crate::classic::alignment::Choice;
use crate::study::StudyError;

/// What a map is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learner {
    /// Ridge regression on the pairs.
    Ridge(Choice),
    /// Unpaired targets with inputs from the inverse map.
    Unpaired {
        /// Whether noise is added to them.
        has_noise: bool,
        /// Whether residuals on the pairs are corrected.
        is_corrected: bool,
        /// Whether cross-validation decides between this map and that of the pairs.
        is_gated: bool,
    },
    /// The same with the inverse map of a sparse sum of the sources' inverse maps, corrected on the pairs; with gate.
    UnpairedBorrowed,
    /// A network on the pairs, with early stopping.
    Network {
        /// Whether the loss contrasts the rows of a batch, too.
        is_contrastive: bool,
    },
    /// The mean of the maps of the sources, and a sparse difference from it.
    Debiased,
    /// The mean of the maps of the sources.
    MeanOfSources,
    /// The source with the least error on the pairs.
    BestSource,
    /// Sparse sum of the maps of the sources with weights of at least 0.
    Sparse {
        /// Whether residuals on the pairs are corrected.
        is_corrected: bool,
        /// Whether cross-validation decides between this map and that of the pairs.
        is_gated: bool,
    },
}

/// An arm.
#[derive(Debug)]
pub struct ArmRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// What the map is made of.
    pub learner: Learner,
}

impl Learner {
    /// Whether it reads unpaired targets.
    pub fn needs_pool(self) -> bool {
        matches!(self, Self::Unpaired { .. } | Self::UnpairedBorrowed)
    }

    /// Whether cross-validation decides between its map and that of the pairs.
    pub fn is_gated(self) -> bool {
        matches!(
            self,
            Self::Unpaired { is_gated: true, .. } | Self::UnpairedBorrowed | Self::Sparse { is_gated: true, .. }
        )
    }

    /// Whether it reads maps of sources.
    pub fn needs_sources(self) -> bool {
        matches!(
            self,
            Self::UnpairedBorrowed | Self::MeanOfSources | Self::BestSource | Self::Sparse { .. } | Self::Debiased
        )
    }
}

const fn unpaired(has_noise: bool, is_corrected: bool, is_gated: bool) -> Learner {
    Learner::Unpaired { has_noise, is_corrected, is_gated }
}

/// Every arm.
pub static ARMS: &[ArmRow] = &[
    ArmRow {
        name: "ridge",
        doc: "ridge regression on the pairs, one penalty",
        learner: Learner::Ridge(Choice::Common),
    },
    ArmRow {
        name: "ridge_targets",
        doc: "ridge regression on the pairs, a penalty for each target",
        learner: Learner::Ridge(Choice::EachTarget),
    },
    ArmRow {
        name: "isl",
        doc: "unpaired targets with noisy inputs, residuals corrected, gate",
        learner: unpaired(true, true, true),
    },
    ArmRow { name: "isl_ungated", doc: "the same without gate", learner: unpaired(true, true, false) },
    ArmRow {
        name: "isl_uncorrected",
        doc: "the same without correction and gate",
        learner: unpaired(true, false, false),
    },
    ArmRow {
        name: "isl_noiseless",
        doc: "the same without noise, correction and gate",
        learner: unpaired(false, false, false),
    },
    ArmRow { name: "mean_source", doc: "the mean of the maps of the sources", learner: Learner::MeanOfSources },
    ArmRow { name: "best_source", doc: "the source with the least error on the pairs", learner: Learner::BestSource },
    ArmRow {
        name: "sparse",
        doc: "a sparse sum of the sources",
        learner: Learner::Sparse { is_corrected: false, is_gated: false },
    },
    ArmRow {
        name: "mtl",
        doc: "a sparse sum of the sources, residuals corrected, gate",
        learner: Learner::Sparse { is_corrected: true, is_gated: true },
    },
    ArmRow {
        name: "isl_mtl",
        doc: "unpaired targets with the sources' inverse maps, residuals corrected, gate",
        learner: Learner::UnpairedBorrowed,
    },
    ArmRow {
        name: "debiased",
        doc: "the mean of the sources and a sparse difference (Chen et al. 2026, arXiv 2603.18114)",
        learner: Learner::Debiased,
    },
    ArmRow {
        name: "network",
        doc: "a network on the pairs: squares and cosines",
        learner: Learner::Network { is_contrastive: false },
    },
    ArmRow {
        name: "network_soft_clip",
        doc: "the same with the SoftCLIP loss, too",
        learner: Learner::Network { is_contrastive: true },
    },
];

impl ArmRow {
    /// The row of this name.
    ///
    /// # Errors
    /// An unknown name.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let known = || ARMS.iter().map(|row| row.name);
        ARMS.iter().find(|row| row.name == name).ok_or_else(|| StudyError::unknown("arm", name, known()))
    }
}
