//! Arms: ways to choose what to measure.

use crate::classic::tuning::{Combination, Options, Quirk, Transfer};
use crate::study::StudyError;
use crate::systems::tuner::spec::Spec;

/// One arm.
pub struct ArmRow {
    /// Name on the command line.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// How it chooses.
    pub options: fn(&Spec) -> Options,
}

/// The method with its transfer changed.
fn changed(spec: &Spec, change: fn(Transfer) -> Transfer) -> Options {
    let options = Options::mftune(spec.keep);
    Options { transfer: options.transfer.map(change), ..options }
}

/// A row of [`STRATEGIES`](crate::classic::tuning::STRATEGIES), whose options do not depend on the space.
fn strategy(name: &str) -> Options {
    Options::named(name, 0).expect("the name of a row")
}

/// The method.
pub const METHOD: &str = "mftune";

/// Every arm.
pub static ARMS: &[ArmRow] = &[
    ArmRow { name: "smac", doc: "a forest and expected improvement, full measurements", options: |_| strategy("smac") },
    ArmRow {
        name: METHOD,
        doc: "query subsets, ensemble with sources, compressed space, warm start, gate",
        options: |spec| Options::mftune(spec.keep),
    },
    ArmRow {
        name: "no_fidelity",
        doc: "the same, full measurements alone",
        options: |spec| Options { brackets: false, ..Options::mftune(spec.keep) },
    },
    ArmRow {
        name: "no_transfer",
        doc: "the same without sources",
        options: |spec| Options { transfer: None, ..Options::mftune(spec.keep) },
    },
    ArmRow {
        name: "no_compression",
        doc: "the same in the whole space",
        options: |spec| changed(spec, |own| Transfer { keep: None, ..own }),
    },
    ArmRow {
        name: "no_warm_start",
        doc: "the same without configurations of sources",
        options: |spec| changed(spec, |own| Transfer { warm_start: 0, ..own }),
    },
    ArmRow {
        name: "no_gate",
        doc: "the same with sources down to a concordance of 0.2",
        options: |spec| changed(spec, |own| Transfer { gate: false, ..own }),
    },
    ArmRow {
        name: "public_code",
        doc: "the same with what the public code does otherwise",
        options: |spec| Options {
            quirks: Quirk::ALL.map(|(quirk, _)| quirk).to_vec(),
            ..changed(spec, |own| Transfer { gate: false, ..own })
        },
    },
    ArmRow { name: "random", doc: "random configurations, full measurements", options: |_| strategy("random") },
    ArmRow {
        name: "gp",
        doc: "Latin hypercube, then a Gaussian process and expected improvement (as LOCAT)",
        options: |_| strategy("gp"),
    },
    ArmRow {
        name: "rover",
        doc: "weighted mean of the models of sources and target (as Rover)",
        options: |spec| Options {
            brackets: false,
            transfer: Some(Transfer { combination: Combination::Mean, keep: None, warm_start: 0, gate: false }),
            ..Options::mftune(spec.keep)
        },
    },
    ArmRow {
        name: "bohb",
        doc: "query subsets and Parzen densities, a third at random (BOHB)",
        options: |_| strategy("bohb"),
    },
    ArmRow { name: "tpe", doc: "Parzen densities, full measurements", options: |_| strategy("tpe") },
    ArmRow { name: "default", doc: "the defaults", options: |_| strategy("random") },
];

impl ArmRow {
    /// The arm of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest one.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let unknown = || StudyError::unknown("arm", name, ARMS.iter().map(|row| row.name));
        ARMS.iter().find(|row| row.name == name).ok_or_else(unknown)
    }
}
