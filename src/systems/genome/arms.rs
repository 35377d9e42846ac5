//! What is learned from an alignment.

use crate::study::StudyError;

/// What the network is trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The likelihood of the column on the tree, given the base of the reference or not.
    Column {
        /// Whether the base of the reference is given.
        is_conditioned: bool,
    },
    /// The base of the reference where the input is masked.
    Base,
    /// The base frequencies of the other genomes in the column.
    Counts,
}

/// An arm.
pub struct ArmRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// What it is trained on.
    pub target: Target,
    /// Whether it reads the sequence. The others have one θ for all sites.
    pub reads: bool,
}

/// Every arm that is trained.
pub static ARMS: &[ArmRow] = &[
    ArmRow {
        name: "composition",
        doc: "one θ for every site, fitted by the likelihood of the columns",
        target: Target::Column { is_conditioned: true },
        reads: false,
    },
    ArmRow {
        name: "phylogenetic",
        doc: "θ from the sequence, trained by the likelihood of the column given the base of the reference",
        target: Target::Column { is_conditioned: true },
        reads: true,
    },
    ArmRow {
        name: "unconditioned",
        doc: "the same without the condition: the network sees a base that it is asked for",
        target: Target::Column { is_conditioned: false },
        reads: true,
    },
    ArmRow {
        name: "masked_base",
        doc: "the same network, trained to fill in masked bases of the reference (15 %)",
        target: Target::Base,
        reads: true,
    },
    ArmRow {
        name: "counts",
        doc: "the same network, trained on the base frequencies of the other genomes, each counted alike",
        target: Target::Counts,
        reads: true,
    },
];

/// The arm of published weights.
pub const PUBLISHED: &str = "published";

impl ArmRow {
    /// The arm of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let found = ARMS.iter().find(|row| row.name == name);
        found.ok_or_else(|| StudyError::unknown("arm", name, ARMS.iter().map(|row| row.name)))
    }

    /// Whether its output says how fast a site changes.
    pub fn has_rate(&self) -> bool {
        matches!(self.target, Target::Column { .. })
    }
}
