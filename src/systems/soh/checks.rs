//! What is expected of a whole run. Bounds of the trainings were fixed before the first of them, those of the simulations
//! after a trial of the same simulations.

use crate::lab::{Check, Expect, Results};

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "hard_mmd_source",
        doc: "hard: RMSE of mmd over that of source_only",
        expect: Expect::AtMost(0.85),
        value: |all| ratio(all, "rmse", "hard", ("mmd", "source_only")),
    },
    Check {
        name: "hard_mmd_prefix",
        doc: "hard: RMSE of mmd over that of prefix",
        expect: Expect::AtMost(1.0),
        value: |all| ratio(all, "rmse", "hard", ("mmd", "prefix")),
    },
    Check {
        name: "control_mmd_prefix",
        doc: "control: RMSE of mmd over that of prefix",
        expect: Expect::Within(0.95, 1.05),
        value: |all| ratio(all, "rmse", "none", ("mmd", "prefix")),
    },
    Check {
        name: "largest_lambda",
        doc: "largest λ chosen without the target",
        expect: Expect::AtMost(0.1),
        // Cells of a user are not chosen for: their λ is a setting.
        value: |all| all.grid("shift").and_then(|_| Some(all.of("lambda").grid("main").samples()?.max())),
    },
    Check {
        name: "hard_discrepancy",
        doc: "hard: MMD² of latents, mmd over source_only",
        expect: Expect::AtMost(0.5),
        value: |all| ratio(all, "discrepancy", "hard", ("mmd", "source_only")),
    },
    Check {
        name: "hard_domain_auroc",
        doc: "hard: AUROC of domains on latents of mmd",
        expect: Expect::AtMost(0.65),
        value: |all| mean(all, "domain_auroc", "hard", "mmd"),
    },
    Check {
        name: "hard_source_error",
        doc: "hard: RMSE on the source, mmd over source_only",
        expect: Expect::AtMost(1.1),
        value: |all| ratio(all, "source_rmse", "hard", ("mmd", "source_only")),
    },
    Check {
        name: "mild_discrepancy",
        doc: "mild: MMD² of latents, mmd over source_only",
        expect: Expect::AtMost(0.5),
        value: |all| ratio(all, "discrepancy", "mild", ("mmd", "source_only")),
    },
    Check {
        name: "mild_domain_auroc",
        doc: "mild: AUROC of domains on latents of mmd",
        expect: Expect::AtMost(0.65),
        value: |all| mean(all, "domain_auroc", "mild", "mmd"),
    },
    Check {
        name: "mild_source_error",
        doc: "mild: RMSE on the source, mmd over source_only",
        expect: Expect::AtMost(1.1),
        value: |all| ratio(all, "source_rmse", "mild", ("mmd", "source_only")),
    },
    Check {
        name: "control_split_coverage",
        doc: "control: coverage of mmd, split",
        expect: Expect::Within(0.88, 0.93),
        value: |all| coverage(all, "none", "split"),
    },
    Check {
        name: "hard_weighted_coverage",
        doc: "hard: coverage of mmd, weighted",
        expect: Expect::Within(0.87, 0.95),
        value: |all| coverage(all, "hard", "weighted"),
    },
    Check {
        name: "hard_prefix_coverage",
        doc: "hard: coverage of mmd, prefix",
        expect: Expect::Within(0.87, 0.95),
        value: |all| coverage(all, "hard", "prefix"),
    },
    Check {
        name: "pybamm_mmd_source",
        doc: "pybamm: RMSE of mmd over that of source_only",
        expect: Expect::AtMost(0.85),
        value: |all| ratio(all, "rmse", "pybamm", ("mmd", "source_only")),
    },
    Check {
        name: "pybamm_mmd_prefix",
        doc: "pybamm: RMSE of mmd over that of prefix",
        expect: Expect::AtMost(1.0),
        value: |all| ratio(all, "rmse", "pybamm", ("mmd", "prefix")),
    },
    Check {
        name: "pybamm_weighted_coverage",
        doc: "pybamm: coverage of mmd, weighted",
        expect: Expect::Within(0.87, 0.95),
        value: |all| coverage(all, "pybamm", "weighted"),
    },
    Check {
        name: "pybamm_prefix_coverage",
        doc: "pybamm: coverage of mmd, prefix",
        expect: Expect::Within(0.87, 0.95),
        value: |all| coverage(all, "pybamm", "prefix"),
    },
    Check {
        name: "hard_head_width",
        doc: "hard: width at verified coverage, the first other head over the baseline head, fine_tune",
        expect: Expect::AtMost(1.0),
        value: |all| head_width(all, "hard"),
    },
    Check {
        name: "pybamm_head_width",
        doc: "pybamm: width at verified coverage, the first other head over the baseline head, fine_tune",
        expect: Expect::AtMost(1.0),
        value: |all| head_width(all, "pybamm"),
    },
    Check {
        name: "hard_shots_coverage",
        doc: "hard: verified coverage of forecasts by the fewest shots, calibrated by as many, fine_tune",
        expect: Expect::Within(0.87, 0.95),
        value: |all| {
            let few = &all.factor("shots")?.levels.first()?.name;
            let rows = all.of("verified_coverage").at("target", "hard").at("arm", "fine_tune").at("shots", few);
            Some(rows.by("head").first()?.1.mean())
        },
    },
    Check {
        name: "shift_coverage",
        doc: "simulated shift: coverage without weights",
        expect: Expect::Within(0.739, 0.779),
        value: |all| simulated(all, "shift", "coverage", "split"),
    },
    Check {
        name: "shift_weighted_coverage",
        doc: "simulated shift: coverage with weights",
        expect: Expect::Within(0.885, 0.925),
        value: |all| simulated(all, "shift", "coverage", "weighted"),
    },
    Check {
        name: "shift_infinite",
        doc: "simulated shift: share of infinite intervals",
        expect: Expect::AtMost(0.026),
        value: |all| simulated(all, "shift", "infinite", "weighted"),
    },
    Check {
        name: "cells_coverage",
        doc: "simulated cells: coverage, pooled",
        expect: Expect::Within(0.87, 0.91),
        value: |all| simulated(all, "cells", "coverage", "split"),
    },
    Check {
        name: "cells_low",
        doc: "simulated cells: cells below 0.8, pooled",
        expect: Expect::Within(0.14, 0.19),
        value: |all| simulated(all, "cells", "low_cells", "split"),
    },
    Check {
        name: "cells_lives",
        doc: "simulated cells: whole lifetimes, pooled",
        expect: Expect::Within(0.12, 0.18),
        value: |all| simulated(all, "cells", "lives", "split"),
    },
    Check {
        name: "cells_whole_life",
        doc: "simulated cells: whole lifetimes, largest scores",
        expect: Expect::Within(0.89, 0.92),
        value: |all| simulated(all, "cells", "lives", "whole_life"),
    },
    Check {
        name: "cells_width",
        doc: "simulated cells: their width over pooled",
        expect: Expect::Within(1.7, 1.9),
        value: |all| simulated(all, "cells", "relative_width", "whole_life"),
    },
    Check {
        name: "cells_one_per_cell",
        doc: "simulated cells: coverage, one point per cell",
        expect: Expect::Within(0.89, 0.92),
        value: |all| simulated(all, "cells", "coverage", "one_per_cell"),
    },
];

/// The cell of an arm with the first head; `None` where λ = 0 was chosen, so that it is no arm of its own.
fn cell<'a>(all: &Results, target: &'a str, arm: &'a str) -> Option<[(&'a str, &'a str); 2]> {
    let levels = [("target", target), ("arm", arm)];
    all.inapplicable("main", &levels).is_none().then_some(levels)
}

fn mean(all: &Results, metric: &str, target: &str, arm: &str) -> Option<f64> {
    let head = &all.grid("main")?.factor("head")?.levels.first()?.name;
    Some(all.cell("main", metric, &cell(all, target, arm)?).at("head", head).samples()?.mean())
}

fn ratio(all: &Results, metric: &str, target: &str, (arm, other): (&str, &str)) -> Option<f64> {
    Some(mean(all, metric, target, arm)? / mean(all, metric, target, other)?)
}

fn coverage(all: &Results, target: &str, calibration: &str) -> Option<f64> {
    let head = &all.grid("main")?.factor("head")?.levels.first()?.name;
    let [target, arm] = cell(all, target, "mmd")?;
    Some(all.cell("main", "coverage", &[target, arm, ("calibration", calibration)]).at("head", head).samples()?.mean())
}

/// Of the first head that is not the baseline, over the baseline.
fn head_width(all: &Results, target: &str) -> Option<f64> {
    let heads = all.grid("main")?.factor("head")?;
    let baseline = heads.baseline()?;
    let other = heads.levels.iter().find(|head| head.name != baseline.name)?;
    let width = |head: &str| {
        let levels = [("target", target), ("arm", "fine_tune"), ("head", head)];
        Some(all.cell("main", "verified_width", &levels).samples()?.mean())
    };
    Some(width(&other.name)? / width(&baseline.name)?)
}

fn simulated(all: &Results, grid: &str, metric: &str, calibration: &str) -> Option<f64> {
    all.cell(grid, metric, &[("calibration", calibration)]).single()
}
