//! What is expected of a whole run: the reconstruction's acceptance.

use crate::lab::{Check, Expect, Results, Samples};
use crate::systems::tuner::arms::METHOD;
use crate::systems::tuner::trial::DEFAULT;

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "below_smac",
        doc: "time of the method's best configuration over that of smac, mean over tasks and seeds",
        expect: Expect::AtMost(0.97),
        value: |all| ratio(all, "main", ("slowdown", METHOD), ("slowdown", "smac")),
    },
    Check {
        name: "half_the_budget",
        doc: "time of the method's best configuration at half the budget over smac's last one",
        expect: Expect::AtMost(1.0),
        value: |all| ratio(all, "main", ("half_slowdown", METHOD), ("slowdown", "smac")),
    },
    Check {
        name: "fidelity_helps",
        doc: "time with the method over that without query subsets",
        expect: Expect::AtMost(1.0),
        value: |all| ratio(all, "main", ("slowdown", METHOD), ("slowdown", "no_fidelity")),
    },
    Check {
        name: "transfer_helps",
        doc: "time with the method over that without sources",
        expect: Expect::AtMost(1.0),
        value: |all| ratio(all, "main", ("slowdown", METHOD), ("slowdown", "no_transfer")),
    },
    Check {
        name: "compression_helps",
        doc: "time with the method over that in the whole space",
        expect: Expect::AtMost(1.0),
        value: |all| ratio(all, "main", ("slowdown", METHOD), ("slowdown", "no_compression")),
    },
    Check {
        name: "warm_start_helps",
        doc: "time with the method over that without a warm start",
        expect: Expect::AtMost(1.0),
        value: |all| ratio(all, "main", ("slowdown", METHOD), ("slowdown", "no_warm_start")),
    },
    Check {
        name: "subset_orders",
        doc: "Kendall's τ of chosen queries that take a ninth with all queries",
        expect: Expect::AtLeast(0.6),
        value: |all| tau(all, "subset"),
    },
    Check {
        name: "subset_over_random",
        doc: "its τ less that of random queries of the same cost",
        expect: Expect::AtLeast(0.1),
        value: |all| Some(tau(all, "subset")? - tau(all, "random_subset")?),
    },
    Check {
        name: "subset_over_data",
        doc: "its τ less that of all queries on a ninth of the data",
        expect: Expect::AtLeast(0.1),
        value: |all| Some(tau(all, "subset")? - tau(all, "smaller_data")?),
    },
    Check {
        name: "no_harm",
        doc: "with one source of opposite preferences: time with the method over that without sources",
        expect: Expect::AtMost(1.03),
        value: |all| ratio(all, "dissimilar", ("slowdown", METHOD), ("slowdown", "no_transfer")),
    },
    Check {
        name: "within_budget",
        doc: "largest share of the budget that any arm spent",
        expect: Expect::AtMost(1.0),
        value: |all| Some(all.of("spent").samples()?.max()),
    },
    Check {
        name: "everything_paid",
        doc: "full results whose queries were not all paid for",
        expect: Expect::AtMost(0.0),
        value: |all| Some(all.of("unpaid").samples()?.values().iter().sum()),
    },
    Check {
        name: "faster_on_spark",
        doc: "real Spark: lower end of the interval of the method's speed-up over the defaults, least over tasks and seeds",
        expect: Expect::AtLeast(1.0),
        value: |all| Some(samples(all, "live", ("speedup_low", METHOD))?.min()),
    },
    Check {
        name: "control_on_spark",
        doc: "real Spark: how far the interval of the defaults against themselves is from 1 on the nearer side, as a factor",
        expect: Expect::AtMost(1.0),
        value: |all| {
            let low = samples(all, "live", ("speedup_low", DEFAULT))?.max();
            let high = samples(all, "live", ("speedup_high", DEFAULT))?.min();
            Some(low.max(1.0 / high))
        },
    },
];

fn samples(all: &Results, grid: &str, (metric, arm): (&str, &str)) -> Option<Samples> {
    all.of(metric).grid(grid).at("arm", arm).samples()
}

/// The geometric mean over tasks and seeds of one value over another.
fn ratio(all: &Results, grid: &str, one: (&str, &str), other: (&str, &str)) -> Option<f64> {
    let (one, other) = samples(all, grid, one)?.paired(&samples(all, grid, other)?, &["task", "seed"]);
    let logarithms: Vec<f64> = one.iter().zip(&other).map(|(one, other)| (one / other).ln()).collect();
    (!logarithms.is_empty()).then(|| (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp())
}

fn tau(all: &Results, cheap: &str) -> Option<f64> {
    Some(all.of("tau").grid("fidelity").at("measurement", cheap).samples()?.mean())
}
