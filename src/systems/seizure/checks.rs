//! What is expected of a whole run. Values are medians over targets of means over seeds. Bounds are those of the reconstruction.

use crate::lab::{Check, Expect, Results, Samples};

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "over_target_only",
        doc: "median balanced accuracy of transfer minus that of target_only",
        expect: Expect::AtLeast(0.05),
        value: |all| gain(all, "transfer", "target_only"),
    },
    Check {
        name: "over_source_only",
        doc: "the same minus that of source_only",
        expect: Expect::AtLeast(0.05),
        value: |all| gain(all, "transfer", "source_only"),
    },
    Check {
        name: "over_pooled",
        doc: "the same minus that of pooled",
        expect: Expect::AtLeast(0.02),
        value: |all| gain(all, "transfer", "pooled"),
    },
    Check {
        name: "worth_of_mmd",
        doc: "the same minus that of no_mmd",
        expect: Expect::AtLeast(0.01),
        value: |all| gain(all, "transfer", "no_mmd"),
    },
    Check {
        name: "worth_of_collaboration",
        doc: "the same minus that of no_collaboration",
        expect: Expect::AtLeast(0.01),
        value: |all| gain(all, "transfer", "no_collaboration"),
    },
    Check {
        name: "worth_of_views",
        doc: "the same minus that of one_view",
        expect: Expect::AtLeast(0.01),
        value: |all| gain(all, "transfer", "one_view"),
    },
    Check {
        name: "wins",
        doc: "share of targets on which transfer is better than target_only",
        expect: Expect::AtLeast(0.75),
        value: |all| {
            let (own, other) = (by_target(all, "main", "transfer")?, by_target(all, "main", "target_only")?);
            let (own, other) = own.paired(&other, &["target"]);
            let wins = own.iter().zip(&other).filter(|(own, other)| own > other).count();
            Some(wins as f64 / own.len().max(1) as f64)
        },
    },
    Check {
        name: "gain_with_many_labels",
        doc: "median balanced accuracy of transfer minus that of target_only, with many labels",
        expect: Expect::AtMost(0.02),
        value: |all| {
            Some(by_target(all, "labels", "transfer")?.median() - by_target(all, "labels", "target_only")?.median())
        },
    },
    Check {
        name: "harm_of_shuffled_source",
        doc: "median balanced accuracy of transfer from sources with shuffled labels minus that of target_only",
        expect: Expect::AtLeast(-0.02),
        value: |all| {
            Some(by_target(all, "shuffled", "transfer")?.median() - by_target(all, "main", "target_only")?.median())
        },
    },
    Check {
        name: "shuffled_source_unused",
        doc: "share of these trials in which cross-validation gives the source no weight",
        expect: Expect::AtLeast(0.9),
        value: |all| {
            let weights = all.of("source_weight").grid("shuffled").at("arm", "transfer").samples()?;
            let none = weights.values().iter().filter(|weight| **weight == 0.0).count();
            Some(none as f64 / weights.len() as f64)
        },
    },
    Check {
        name: "rules",
        doc: "rules of a view, at most",
        expect: Expect::AtMost(6.0),
        value: |all| Some(all.of("rules").samples()?.max()),
    },
];

/// Means over seeds of an arm's balanced accuracy, one for each target.
pub fn by_target(all: &Results, grid: &str, arm: &str) -> Option<Samples> {
    Some(all.of("balanced_accuracy").grid(grid).at("arm", arm).samples()?.averaged_by(&["target"]))
}

fn gain(all: &Results, arm: &str, other: &str) -> Option<f64> {
    Some(by_target(all, "main", arm)?.median() - by_target(all, "main", other)?.median())
}
