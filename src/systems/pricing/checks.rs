//! What is expected of a whole run. Regrets are means over seeds.

use crate::lab::{Check, Expect, Results};

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "over_target_only",
        doc: "regret of transfer as a share of that of target_only",
        expect: Expect::AtMost(0.6),
        value: |all| ratio(all, "main", None, "transfer", "target_only"),
    },
    Check {
        name: "five_over_one",
        doc: "regret of transfer as a share of that with one source",
        expect: Expect::AtMost(1.0),
        value: |all| ratio(all, "main", None, "transfer", "transfer_one"),
    },
    Check {
        name: "over_pooled",
        doc: "regret of transfer as a share of that of pooled",
        expect: Expect::AtMost(0.75),
        value: |all| ratio(all, "main", None, "transfer", "pooled"),
    },
    Check {
        name: "over_cap",
        doc: "regret of target_only as a share of that of cap",
        expect: Expect::AtMost(1.0),
        value: |all| ratio(all, "main", None, "target_only", "cap"),
    },
    Check {
        name: "slope",
        doc: "slope of log regret of transfer by log rounds",
        expect: Expect::Within(0.35, 0.65),
        value: |all| slope(all, "main", None, "transfer"),
    },
    Check {
        name: "slope_of_pooled",
        doc: "slope of pooled minus that of transfer, at the largest difference of markets",
        expect: Expect::AtLeast(0.1),
        value: |all| {
            let most = largest(all)?;
            Some(slope(all, "shifts", Some(&most), "pooled")? - slope(all, "shifts", Some(&most), "transfer")?)
        },
    },
    Check {
        name: "no_difference",
        doc: "regret of transfer as a share of that of pooled, where markets are equal",
        expect: Expect::AtMost(1.15),
        value: |all| ratio(all, "shifts", Some("0"), "transfer", "pooled"),
    },
    Check {
        name: "large_difference",
        doc: "regret of transfer as a share of that of pooled, at the largest difference of markets",
        expect: Expect::AtMost(1.0),
        value: |all| ratio(all, "shifts", Some(&largest(all)?), "transfer", "pooled"),
    },
    Check {
        name: "dense",
        doc: "regret of transfer as a share of that of target_only, where every parameter differs",
        expect: Expect::AtMost(1.15),
        value: |all| ratio(all, "dense", None, "transfer", "target_only"),
    },
    Check {
        name: "support",
        doc: "F1 of the parameters found to differ after random play",
        expect: Expect::AtLeast(0.8),
        value: |all| Some(all.of("f1").grid("support").samples()?.mean()),
    },
    Check {
        name: "optimism",
        doc: "with radii of the theory's size, share of rounds whose optimistic revenue is at least the best",
        expect: Expect::AtLeast(0.95),
        value: |all| Some(all.of("optimistic").grid("theory").at("arm", "theory").samples()?.mean()),
    },
    Check {
        name: "forced",
        doc: "rounds of random play that the gate forces, as a share of all rounds",
        expect: Expect::AtMost(0.05),
        value: |all| {
            let forced = all.of("forced").grid("main").at("arm", "transfer").samples()?.mean();
            let rounds = all.of("rounds").grid("main").at("arm", "transfer").samples()?.mean();
            Some(forced / rounds)
        },
    },
];

/// The last level of the factor `shift`.
fn largest(all: &Results) -> Option<String> {
    Some(all.grid("shifts")?.factor("shift")?.names().last()?.to_string())
}

fn mean(all: &Results, metric: &str, grid: &str, shift: Option<&str>, arm: &str) -> Option<f64> {
    let mut query = all.of(metric).grid(grid).at("arm", arm);
    if let Some(shift) = shift {
        query = query.at("shift", shift);
    }
    Some(query.samples()?.mean())
}

fn ratio(all: &Results, grid: &str, shift: Option<&str>, arm: &str, other: &str) -> Option<f64> {
    Some(mean(all, "regret", grid, shift, arm)? / mean(all, "regret", grid, shift, other)?)
}

fn slope(all: &Results, grid: &str, shift: Option<&str>, arm: &str) -> Option<f64> {
    mean(all, "slope", grid, shift, arm)
}
