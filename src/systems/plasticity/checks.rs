//! What is expected of a whole run. Areas are means of test accuracy over the epochs of fine-tuning.

use crate::lab::{Check, Expect, Results, Samples};
use crate::study::stats::{effect_size, mean};
use crate::systems::plasticity::PRETRAINED;

const GRADIENT: &str = "gradient 30 % resample";
const MAGNITUDE: &str = "magnitude 30 % resample";
const RANDOM: &str = "random 30 % resample";
/// The share that is expected on drawn pictures. It was fixed before any run.
const GENTLE: &str = "gradient 10 % resample";

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "dormant",
        doc: "random_labels: share of dormant units after the source over that of a fresh network",
        expect: Expect::AtLeast(2.0),
        value: |all| {
            let of = |metric: &str| all.of(metric).at("setting", "random_labels").samples();
            of("dormant")?.over(&of("fresh_dormant")?)
        },
    },
    Check {
        name: "loss",
        doc: "random_labels: area of scratch minus area of plain (\"far below\" read as 0.2)",
        expect: Expect::AtLeast(0.2),
        value: |all| gap(all, "random_labels", "scratch", "plain"),
    },
    Check {
        name: "closed",
        doc: "random_labels: share of that gap which gradient 30 % resample closes",
        expect: Expect::AtLeast(0.6),
        value: |all| {
            let of = |arm: &str| gap(all, "random_labels", arm, "plain");
            Some(of(GRADIENT)? / of("scratch")?)
        },
    },
    Check {
        name: "over_random",
        doc: "random_labels: area of gradient minus area of random, both 30 % resample",
        expect: Expect::AtLeast(0.0),
        value: |all| gap(all, "random_labels", GRADIENT, RANDOM),
    },
    Check {
        name: "over_magnitude",
        doc: "random_labels: area of gradient minus area of magnitude, both 30 % resample",
        expect: Expect::AtLeast(0.0),
        value: |all| gap(all, "random_labels", GRADIENT, MAGNITUDE),
    },
    Check {
        name: "useful_over_plain",
        doc: "useful_source: area of gradient 30 % resample minus area of plain, in standard errors",
        expect: Expect::AtLeast(2.0),
        value: |all| in_errors(all, "useful_source", GRADIENT, "plain"),
    },
    Check {
        name: "useful_over_random",
        doc: "useful_source: area of gradient minus area of random, both 30 % resample, in standard errors",
        expect: Expect::AtLeast(5.0),
        value: |all| in_errors(all, "useful_source", GRADIENT, RANDOM),
    },
    Check {
        name: "far_epochs",
        doc: "far: epochs until gradient 10 % resample has the last accuracy of plain, over those of plain",
        expect: Expect::AtMost(0.8),
        value: |all| epochs(all, "main", "far"),
    },
    Check {
        name: "shirts_epochs",
        doc: "shirts, pretrained: the same figure",
        expect: Expect::AtMost(0.8),
        value: |all| epochs(all, PRETRAINED, "shirts"),
    },
    Check {
        name: "shirts_dormant",
        doc: "shirts: share of dormant units of the pretrained stages minus that of fresh ones, which may be 0",
        expect: Expect::AtLeast(0.05),
        value: |all| {
            let of = |metric: &str| all.of(metric).at("setting", "shirts").samples();
            mean(&of("dormant")?.minus(&of("fresh_dormant")?)?)
        },
    },
    Check {
        name: "shirts_targeted",
        doc: "shirts: area of the better of gradient and magnitude minus area of random, all 10 % resample, in standard \
              errors",
        expect: Expect::AtLeast(1.0),
        value: |all| targeted(all, "shirts"),
    },
    Check {
        name: "far_last",
        doc: "far: last accuracy of gradient 10 % resample minus that of plain",
        expect: Expect::AtLeast(0.0),
        value: |all| mean(&differences(all, "last", "far", GENTLE, "plain")?),
    },
    Check {
        name: "near_last",
        doc: "near: last accuracy of gradient 10 % resample minus that of plain",
        expect: Expect::AtLeast(-0.005),
        value: |all| mean(&differences(all, "last", "near", GENTLE, "plain")?),
    },
    Check {
        name: "far_targeted",
        doc: "far: area of the better of gradient and magnitude minus area of random, all 10 % resample, in standard errors",
        expect: Expect::AtLeast(1.0),
        value: |all| targeted(all, "far"),
    },
];

/// Epochs until the gentle redraw has the last accuracy of plain fine-tuning, over those of plain.
fn epochs(all: &Results, grid: &str, setting: &str) -> Option<f64> {
    let curve = |arm: &str| all.mean_curve(grid, "accuracy", &[("setting", setting), ("arm", arm)]);
    let (plain, gentle) = (curve("plain")?, curve(GENTLE)?);
    let goal = *plain.last()?;
    // An arm that never comes there counts as one epoch more than there are.
    let epochs = |curve: &[f64]| 1 + curve.iter().position(|a| *a >= goal).unwrap_or(curve.len());
    Some(epochs(gentle) as f64 / epochs(plain) as f64)
}

/// How far the better of two informed redraws is ahead of one by chance, in standard errors.
fn targeted(all: &Results, setting: &str) -> Option<f64> {
    let over = |arm: &str| in_errors(all, setting, arm, "random 10 % resample");
    Some(over(GENTLE)?.max(over("magnitude 10 % resample")?))
}

fn samples(all: &Results, metric: &str, setting: &str, arm: &str) -> Option<Samples> {
    all.of(metric).at("setting", setting).at("arm", arm).samples()
}

fn differences(all: &Results, metric: &str, setting: &str, arm: &str, other: &str) -> Option<Vec<f64>> {
    samples(all, metric, setting, arm)?.minus(&samples(all, metric, setting, other)?)
}

fn gap(all: &Results, setting: &str, arm: &str, other: &str) -> Option<f64> {
    mean(&differences(all, "area", setting, arm, other)?)
}

/// Mean paired difference of areas over its standard error; `None` of one seed.
fn in_errors(all: &Results, setting: &str, arm: &str, other: &str) -> Option<f64> {
    let differences = differences(all, "area", setting, arm, other)?;
    Some(effect_size(&differences)? * (differences.len() as f64).sqrt())
}
