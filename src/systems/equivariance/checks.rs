//! What is expected of a whole run: the acceptance bounds, fixed before any run.

use crate::lab::{Check, Expect, Results, Samples};

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "equivariance",
        doc: "largest change of a logit under a generator of the group",
        expect: Expect::AtMost(1e-4),
        value: |all| Some(all.of("inside").samples()?.max()),
    },
    Check {
        name: "no_more_symmetry",
        doc: "least change of a logit under a permutation outside of the group, trained networks",
        expect: Expect::AtLeast(1e-2),
        value: |all| Some(all.of("outside").grid("groups").samples()?.min()),
    },
    Check {
        name: "intersect_group",
        doc: "intersect: test loss under its own group over that under none",
        expect: Expect::AtMost(0.8),
        value: |all| ratio(all, "groups", "intersect", ("own", "trivial"), None),
    },
    Check {
        name: "cyclic_sum_group",
        doc: "cyclic_sum: test loss under its own group over that under none",
        expect: Expect::AtMost(0.8),
        value: |all| ratio(all, "groups", "cyclic_sum", ("own", "trivial"), None),
    },
    Check {
        name: "too_large",
        doc: "palindrome under all permutations: accuracy beyond the most frequent label",
        expect: Expect::AtMost(0.03),
        value: |all| {
            let of =
                |metric: &str| all.of(metric).grid("groups").at("task", "palindrome").at("arm", "symmetric").samples();
            Some(of("accuracy")?.mean() - of("majority")?.mean())
        },
    },
    Check {
        name: "transfer_intersect",
        doc: "intersect from 30 rows: test loss after other tasks over that from the start",
        expect: Expect::AtMost(0.8),
        value: |all| ratio(all, "transfer", "intersect", ("transferred", "scratch"), Some("30")),
    },
    Check {
        name: "transfer_accuracy",
        doc: "intersect from 30 rows: accuracy gained by learning other tasks first",
        expect: Expect::AtLeast(0.1),
        value: |all| {
            let of = |arm: &str| cell(all, "transfer", "accuracy", "intersect", arm, Some("30"));
            Some(of("transferred")?.mean() - of("scratch")?.mean())
        },
    },
    Check {
        name: "transfer_overall",
        doc: "mean log ratio of the losses after other tasks and from the start, all tasks and numbers of rows",
        expect: Expect::AtMost(0.0),
        value: |all| {
            let of = |arm: &str| all.of("loss").grid("transfer").at("arm", arm).samples();
            let (own, other) = of("transferred")?.paired(&of("scratch")?, &["task", "rows", "seed"]);
            let ratios: Vec<f64> = own.iter().zip(&other).map(|(a, b)| (a / b).ln()).collect();
            Some(ratios.iter().sum::<f64>() / ratios.len() as f64)
        },
    },
    Check {
        name: "few_rows_group",
        doc: "cyclic_sum from 262 rows: test loss under its own group over that under none, from the start",
        expect: Expect::AtMost(0.5),
        value: |all| ratio(all, "transfer", "cyclic_sum", ("scratch", "scratch_trivial"), Some("262")),
    },
    Check {
        name: "together",
        doc: "intersect: test loss of all tasks together over that of the task alone",
        expect: Expect::AtMost(1.0),
        value: |all| ratio(all, "together", "intersect", ("together", "alone"), None),
    },
    Check {
        name: "discovery",
        doc: "least cosine of vectors of orbits that the missing symmetry maps to each other",
        expect: Expect::AtLeast(0.9),
        value: |all| Some(all.of("least_cosine").samples()?.mean()),
    },
];

fn cell(all: &Results, grid: &str, metric: &str, task: &str, arm: &str, rows: Option<&str>) -> Option<Samples> {
    let query = all.of(metric).grid(grid).at("task", task).at("arm", arm);
    match rows {
        Some(rows) => query.at("rows", rows).samples(),
        None => query.samples(),
    }
}

fn ratio(all: &Results, grid: &str, task: &str, arms: (&str, &str), rows: Option<&str>) -> Option<f64> {
    let of = |arm: &str| cell(all, grid, "loss", task, arm, rows);
    Some(of(arms.0)?.mean() / of(arms.1)?.mean())
}
