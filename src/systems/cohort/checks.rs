//! What is expected of a whole run. Bounds are those of the reconstruction.

use crate::lab::{Check, Expect, Results, Samples};

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "worth_of_pretraining",
        doc: "area over patients of lite0 minus that of shuffled",
        expect: Expect::AtLeast(0.08),
        value: |all| gap(all, "main", "lite0", "shuffled"),
    },
    Check {
        name: "histograms_beside_network",
        doc: "area over patients of hog_svm minus that of lite0",
        expect: Expect::Within(-0.03, 0.03),
        value: |all| gap(all, "main", "hog_svm", "lite0"),
    },
    Check {
        name: "gap_shrinks",
        doc: "gain of lite0 over shuffled on the large cohort minus that on the small one",
        expect: Expect::AtMost(0.0),
        value: |all| Some(gap(all, "large", "lite0", "shuffled")? - gap(all, "main", "lite0", "shuffled")?),
    },
    Check {
        name: "sensitivity_reached",
        doc: "sensitivity of lite0 on patients that were not learned from, at the threshold chosen for 0.95",
        expect: Expect::AtLeast(0.9),
        value: |all| Some(samples(all, "main", "sensitivity", "lite0")?.mean()),
    },
    Check {
        name: "pointing",
        doc: "found lesions that the largest value of the map of lite0 is on",
        expect: Expect::AtLeast(0.8),
        value: |all| Some(samples(all, "main", "pointing", "lite0")?.mean()),
    },
    Check {
        name: "energy",
        doc: "share of the map of lite0 inside found lesions over their share of the picture",
        expect: Expect::AtLeast(3.0),
        value: |all| Some(samples(all, "main", "energy", "lite0")?.mean()),
    },
    Check {
        name: "leakage_inflates",
        doc: "area of lite0 with pictures split minus that with patients split",
        expect: Expect::AtLeast(0.02),
        value: |all| {
            let of = |split: &str| {
                Some(all.of("picture_auc").grid("main").at("arm", "lite0").at("split", split).samples()?.mean())
            };
            Some(of("pictures")? - of("patients")?)
        },
    },
];

/// Values of an arm under every seed; of patients alone where pictures are split as well.
fn samples(all: &Results, grid: &str, metric: &str, arm: &str) -> Option<Samples> {
    let query = || all.of(metric).grid(grid).at("arm", arm);
    let has_split = all.grid(grid)?.factor("split").is_some();
    if has_split { query().at("split", "patients").samples() } else { query().samples() }
}

fn gap(all: &Results, grid: &str, arm: &str, other: &str) -> Option<f64> {
    Some(samples(all, grid, "auc", arm)?.mean() - samples(all, grid, "auc", other)?.mean())
}
