//! Ways of learning a detector for a target patient.

use crate::study::StudyError;

/// Which labels of the source patients count, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// None.
    Unused,
    /// Only theirs.
    Only,
    /// Each as much as one of the target.
    Pooled,
    /// As cross-validation over the target's labels says.
    Chosen,
}

/// Which views a fuzzy system has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Views {
    /// Those of the settings.
    All,
    /// The one with the smallest error in cross-validation.
    Best,
    /// Those of the settings and expectation values of a circuit.
    Quantum,
    /// Those of the settings and as many random features of the same inputs.
    Random,
    /// Hidden layers of networks that are trained on the views of the settings, with a distance between domains.
    Deep {
        /// Whether one kernel of the distance is the fidelity of states.
        is_fidelity: bool,
    },
    /// Hidden layers of convolutions over samples, spectra and wavelet packets, trained alike.
    Convolutional,
}

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learner {
    /// TSK rules in several views.
    Fuzzy {
        /// Labels of the source.
        source: Source,
        /// Whether views are pulled to each other and weighted by their errors.
        is_collaborative: bool,
        /// Whether the distance between domains is a penalty.
        has_mmd: bool,
        /// The views.
        views: Views,
    },
    /// A support vector machine with a Gaussian kernel on all rows.
    Svm,
    /// Logistic regression on all rows.
    Logistic,
    /// Logistic regression after aligning the covariances.
    Coral,
    /// A support vector machine on transfer components: of all rows alone, or of each class besides.
    Components {
        /// Joint distribution adaptation.
        is_joint: bool,
    },
}

/// An arm.
pub struct ArmRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// What it learns.
    pub learner: Learner,
    /// Whether its model is kept.
    pub is_saved: bool,
}

const fn fuzzy(source: Source, is_collaborative: bool, has_mmd: bool, views: Views) -> Learner {
    Learner::Fuzzy { source, is_collaborative, has_mmd, views }
}

/// Every arm.
pub static ARMS: &[ArmRow] = &[
    ArmRow {
        name: "target_only",
        doc: "TSK rules in every view from the few labels of the target alone",
        learner: fuzzy(Source::Unused, false, false, Views::All),
        is_saved: true,
    },
    ArmRow {
        name: "source_only",
        doc: "the same from the source patients alone",
        learner: fuzzy(Source::Only, false, false, Views::All),
        is_saved: true,
    },
    ArmRow {
        name: "pooled",
        doc: "the same from all labels, each counted alike",
        learner: fuzzy(Source::Pooled, false, false, Views::All),
        is_saved: true,
    },
    ArmRow {
        name: "multi_view",
        doc: "views that collaborate, from the labels of the target alone",
        learner: fuzzy(Source::Unused, true, false, Views::All),
        is_saved: false,
    },
    ArmRow {
        name: "transfer",
        doc: "the method: views collaborate, sources weighted by cross-validation, domains pulled together",
        learner: fuzzy(Source::Chosen, true, true, Views::All),
        is_saved: true,
    },
    ArmRow {
        name: "no_mmd",
        doc: "the method without the distance between domains",
        learner: fuzzy(Source::Chosen, true, false, Views::All),
        is_saved: false,
    },
    ArmRow {
        name: "no_collaboration",
        doc: "the method with views that know nothing of each other, weighted alike",
        learner: fuzzy(Source::Chosen, false, true, Views::All),
        is_saved: false,
    },
    ArmRow {
        name: "one_view",
        doc: "the method in the single view that cross-validation chooses",
        learner: fuzzy(Source::Chosen, true, true, Views::Best),
        is_saved: false,
    },
    ArmRow {
        name: "hybrid",
        doc: "the method with a view of expectation values of a circuit",
        learner: fuzzy(Source::Chosen, true, true, Views::Quantum),
        is_saved: true,
    },
    ArmRow {
        name: "random_view",
        doc: "the method with as many random features in place of the circuit",
        learner: fuzzy(Source::Chosen, true, true, Views::Random),
        is_saved: false,
    },
    ArmRow {
        name: "deep",
        doc: "the method on hidden layers of networks that are trained with a distance between domains",
        learner: fuzzy(Source::Chosen, true, true, Views::Deep { is_fidelity: false }),
        is_saved: false,
    },
    ArmRow {
        name: "deep_fidelity",
        doc: "the same, one kernel of the distance a fidelity of quantum states",
        learner: fuzzy(Source::Chosen, true, true, Views::Deep { is_fidelity: true }),
        is_saved: false,
    },
    ArmRow {
        name: "deep_convolutional",
        doc: "the method on hidden layers of convolutions over samples, spectra and wavelet packets, trained alike",
        learner: fuzzy(Source::Chosen, true, true, Views::Convolutional),
        is_saved: false,
    },
    ArmRow {
        name: "svm",
        doc: "a support vector machine with a Gaussian kernel on all labels",
        learner: Learner::Svm,
        is_saved: false,
    },
    ArmRow {
        name: "logistic",
        doc: "logistic regression on all views and labels",
        learner: Learner::Logistic,
        is_saved: false,
    },
    ArmRow {
        name: "coral",
        doc: "the same after sources got the covariance of the target (CORAL)",
        learner: Learner::Coral,
        is_saved: false,
    },
    ArmRow {
        name: "tca",
        doc: "a support vector machine on transfer components (TCA, linear kernel)",
        learner: Learner::Components { is_joint: false },
        is_saved: false,
    },
    ArmRow {
        name: "jda",
        doc: "the same with the distance within each class besides (JDA)",
        learner: Learner::Components { is_joint: true },
        is_saved: false,
    },
];

impl ArmRow {
    /// The arm of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let found = ARMS.iter().find(|row| row.name == name);
        found.ok_or_else(|| StudyError::unknown("arm", name, ARMS.iter().map(|row| row.name)))
    }
}
