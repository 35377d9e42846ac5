//! What is expected of a whole run. Errors are means over seeds.

use crate::lab::{Check, Expect, Results, Samples};

/// Harm that a gated map may do: its error over that of ridge regression.
const HARM: f64 = 1.02;

/// Errors of our reconstruction, by decay, rows: ridge regression, then unpaired targets without correction and gate.
const TABLE: [(&str, &str, f64, f64); 10] = [
    ("1", "60", 0.219, 0.190),
    ("1", "120", 0.190, 0.174),
    ("1", "240", 0.173, 0.157),
    ("1", "480", 0.164, 0.151),
    ("1", "960", 0.150, 0.145),
    ("0.3", "60", 0.818, 0.756),
    ("0.3", "120", 0.710, 0.682),
    ("0.3", "240", 0.636, 0.600),
    ("0.3", "480", 0.595, 0.553),
    ("0.3", "960", 0.537, 0.522),
];

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "table",
        doc: "largest difference of an error of ridge or isl_uncorrected from the reference table",
        expect: Expect::AtMost(0.02),
        value: |all| {
            let mut most: f64 = 0.0;
            for (decay, rows, ridge, isl) in TABLE {
                most = most.max((error(all, "ridge", decay, rows)? - ridge).abs());
                most = most.max((error(all, "isl_uncorrected", decay, rows)? - isl).abs());
            }
            Some(most)
        },
    },
    Check {
        name: "below_ridge",
        doc: "largest error of isl as a share of that of ridge, over decays and pairs",
        expect: Expect::AtMost(1.0),
        value: |all| {
            let ratios = cells(all)?
                .into_iter()
                .map(|(decay, rows)| Some(error(all, "isl", &decay, &rows)? / error(all, "ridge", &decay, &rows)?));
            ratios.collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::max)
        },
    },
    Check {
        name: "noiseless",
        doc: "least error without noise as a share of that with noise, at 240 pairs",
        expect: Expect::AtLeast(5.0),
        value: |all| {
            let decays = all.grid("unpaired")?.factor("decay")?.names();
            let ratio = |decay: &str| {
                Some(error(all, "isl_noiseless", decay, "240")? / error(all, "isl_uncorrected", decay, "240")?)
            };
            decays.map(ratio).collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::min)
        },
    },
    Check {
        name: "safety",
        doc: "share of worlds with useless unpaired targets or sources in which the gated error is at most 1.02 of ridge",
        expect: Expect::AtLeast(0.95),
        value: |all| {
            let risks = all.of("risk").grid("safety").samples()?.values();
            Some(risks.iter().filter(|risk| **risk <= HARM).count() as f64 / risks.len() as f64)
        },
    },
    Check {
        name: "picked",
        doc: "share of trials with two related sources in which exactly these have weights",
        expect: Expect::AtLeast(0.9),
        value: |all| Some(all.of("picked").grid("sources").at("arm", "sparse").at("related", "2").samples()?.mean()),
    },
    Check {
        name: "unrelated_sources",
        doc: "largest error of mtl as a share of that of ridge, without related sources",
        expect: Expect::AtMost(HARM),
        value: |all| {
            let rows: Vec<String> = all.grid("sources")?.factor("rows")?.names().map(String::from).collect();
            let of = |arm: &str, rows: &str| -> Option<Samples> {
                all.of("error").grid("sources").at("arm", arm).at("related", "0").at("rows", rows).samples()
            };
            let ratios = rows.iter().map(|rows| Some(of("mtl", rows)?.mean() / of("ridge", rows)?.mean()));
            ratios.collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::max)
        },
    },
    Check {
        name: "fewer_pictures",
        doc: "error of isl_mtl from 100 pictures as a share of that of ridge from 250",
        expect: Expect::AtMost(1.0),
        value: |all| Some(seen(all, "error", "isl_mtl", "100")? / seen(all, "error", "ridge", "250")?),
    },
    Check {
        name: "retrieval",
        doc: "top-1 retrieval of isl_mtl minus that of ridge, from 100 pictures",
        expect: Expect::AtLeast(0.05),
        value: |all| Some(seen(all, "top_1", "isl_mtl", "100")? - seen(all, "top_1", "ridge", "100")?),
    },
    Check {
        name: "many_pictures",
        doc: "error of ridge from 5,000 pictures as a share of that of isl_mtl, less 1",
        expect: Expect::AtMost(0.01),
        value: |all| Some(seen(all, "error", "ridge", "5000")? / seen(all, "error", "isl_mtl", "5000")? - 1.0),
    },
];

/// Mean of a metric over subjects who saw so many pictures.
fn seen(all: &Results, metric: &str, arm: &str, rows: &str) -> Option<f64> {
    Some(all.of(metric).grid("pictures").at("arm", arm).at("rows", rows).samples()?.mean())
}

/// Decays and rows of the grid of unpaired targets.
fn cells(all: &Results) -> Option<Vec<(String, String)>> {
    let grid = all.grid("unpaired")?;
    let rows: Vec<String> = grid.factor("rows")?.names().map(String::from).collect();
    let with = |decay: &str| rows.iter().map(|rows| (decay.to_string(), rows.clone())).collect::<Vec<_>>();
    Some(grid.factor("decay")?.names().flat_map(with).collect())
}

fn error(all: &Results, arm: &str, decay: &str, rows: &str) -> Option<f64> {
    Some(all.of("error").grid("unpaired").at("arm", arm).at("decay", decay).at("rows", rows).samples()?.mean())
}
