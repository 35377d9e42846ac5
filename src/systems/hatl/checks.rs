//! What is expected of a whole run: of BLEU-4 where texts are written, of accuracy where classes are predicted.

use crate::lab::{Check, Expect, Query, Results, Samples};

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "gain",
        doc: "what hatl gains on the better of frozen and full, as a share of what that lacks to a score of 1",
        expect: Expect::AtLeast(0.05),
        value: |all| headway(mean(all, "hatl")?, mean(all, "frozen")?.max(mean(all, "full")?)),
    },
    Check {
        name: "spread",
        doc: "standard deviation over seeds of hatl over that of full",
        expect: Expect::AtMost(1.0),
        value: |all| Some(samples(all, "hatl")?.spread().sd? / samples(all, "full")?.spread().sd?),
    },
    Check {
        name: "worst",
        doc: "seeds on which hatl scores below both frozen and full",
        expect: Expect::AtMost(0.0),
        value: |all| {
            let hatl = samples(all, "hatl")?;
            let [frozen, full] = [hatl.minus(&samples(all, "frozen")?)?, hatl.minus(&samples(all, "full")?)?];
            Some(frozen.iter().zip(&full).filter(|(frozen, full)| **frozen < 0.0 && **full < 0.0).count() as f64)
        },
    },
    Check {
        name: "restore",
        doc: "mean score of hatl minus that of no_restore",
        expect: Expect::AtLeast(0.0),
        value: |all| lead(all, "no_restore"),
    },
    Check {
        name: "rates",
        doc: "mean score of hatl minus that of one_rate",
        expect: Expect::AtLeast(0.0),
        value: |all| lead(all, "one_rate"),
    },
    Check {
        name: "metric",
        doc: "mean score of hatl minus that of fixed",
        expect: Expect::AtLeast(0.0),
        value: |all| lead(all, "fixed"),
    },
    Check {
        name: "order",
        doc: "mean score of hatl minus that of bottom_up",
        expect: Expect::AtLeast(0.0),
        value: |all| lead(all, "bottom_up"),
    },
    Check {
        name: "transfer",
        doc: "what hatl gains on scratch, as a share of what scratch lacks to a score of 1",
        expect: Expect::AtLeast(0.1),
        value: |all| headway(mean(all, "hatl")?, mean(all, "scratch")?),
    },
    Check {
        name: "source",
        doc: "what the source gives full training, as a share of what scratch lacks to a score of 1",
        expect: Expect::AtLeast(0.1),
        value: |all| headway(mean(all, "full")?, mean(all, "scratch")?),
    },
];

/// The gain of a score on another as a share of what that lacks to the highest possible one: of 0.965, no gain by a factor of
/// 1.05 is possible.
fn headway(score: f64, other: f64) -> Option<f64> {
    (other < 1.0).then(|| (score - other) / (1.0 - other))
}

/// The primary metric of the task.
fn score(all: &Results) -> Query<'_> {
    let bleu = all.of("bleu");
    if bleu.rows().is_empty() { all.of("accuracy") } else { bleu }
}

fn samples(all: &Results, arm: &str) -> Option<Samples> {
    score(all).at("arm", arm).samples()
}

fn mean(all: &Results, arm: &str) -> Option<f64> {
    Some(samples(all, arm)?.mean())
}

fn lead(all: &Results, arm: &str) -> Option<f64> {
    Some(mean(all, "hatl")? - mean(all, arm)?)
}
