//! What is expected of a whole run. Bounds of ethanol were set before any run, by a prototype in PyTorch.

use crate::lab::{Check, Expect, Results, Samples};

/// Force error in meV/Å of MMFF94 on the frames of GFN2-xTB, as the prototype measured it.
const MMFF94: f64 = 216.0;

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "ratio_10",
        doc: "ethanol, 10 frames: force error from scratch over that after the low level",
        expect: Expect::AtLeast(1.8),
        value: |all| ratio(all, "force_mae", "scratch", "10"),
    },
    Check {
        name: "ratio_25",
        doc: "ethanol, 25 frames: the same",
        expect: Expect::AtLeast(1.6),
        value: |all| ratio(all, "force_mae", "scratch", "25"),
    },
    Check {
        name: "ratio_100",
        doc: "ethanol, 100 frames: the same",
        expect: Expect::AtLeast(1.3),
        value: |all| ratio(all, "force_mae", "scratch", "100"),
    },
    Check {
        name: "energy_ratio_25",
        doc: "ethanol, 25 frames: energy error from scratch over that after the low level",
        expect: Expect::AtLeast(1.4),
        value: |all| ratio(all, "energy_mae", "scratch", "25"),
    },
    Check {
        name: "few_over_many",
        doc: "ethanol: force error after the low level with 10 frames over that from scratch with 100",
        expect: Expect::AtMost(1.0),
        value: |all| {
            let (few, many) = (of(all, "force_mae", "fine_tuned", "10")?, of(all, "force_mae", "scratch", "100")?);
            Some(few.mean() / many.mean())
        },
    },
    Check {
        name: "below_force_field",
        doc: "ethanol: largest force error after the low level over the numbers of frames, over that of MMFF94 itself",
        expect: Expect::AtMost(1.0),
        value: |all| {
            let own = all.of("force_mae").grid("tuning").at("source", "ethanol").at("arm", "fine_tuned").by("rows");
            let raw = all.of("force_mae").grid("tuning").at("source", "ethanol").at("arm", "force_field").samples();
            let worst = own
                .iter()
                .map(|(_, samples)| samples.mean())
                .fold(None, |a: Option<f64>, b| Some(a.map_or(b, |a| a.max(b))))?;
            Some(worst / raw.map_or(MMFF94, |samples| samples.mean()))
        },
    },
    Check {
        name: "steps",
        doc: "ethanol, 25 frames: share of the steps after which the loss of scratch's last step is reached",
        expect: Expect::AtMost(0.25),
        value: |all| Some(of(all, "steps_to_scratch", "fine_tuned", "25")?.mean()),
    },
    Check {
        name: "shuffled",
        doc: "control, ethanol, 25 frames: force error from scratch over that after shuffled energies and forces",
        expect: Expect::AtMost(1.1),
        value: |all| {
            Some(of(all, "force_mae", "scratch", "25")?.mean() / of(all, "force_mae", "shuffled", "25")?.mean())
        },
    },
    Check {
        name: "survived",
        doc: "ethanol: least share of the steps of dynamics that the tuned network survives",
        expect: Expect::AtLeast(1.0),
        value: |all| {
            let query = all.of("survived").grid("dynamics").at("source", "ethanol").at("arm", "fine_tuned");
            Some(query.samples()?.min())
        },
    },
    Check {
        name: "drift",
        doc: "ethanol: largest drift of the energy of the tuned network (meV per atom and ps)",
        expect: Expect::AtMost(1.0),
        value: |all| {
            let query = all.of("drift").grid("dynamics").at("source", "ethanol").at("arm", "fine_tuned");
            Some(query.samples()?.max())
        },
    },
];

fn of(all: &Results, metric: &str, arm: &str, rows: &str) -> Option<Samples> {
    all.of(metric).grid("tuning").at("source", "ethanol").at("arm", arm).at("rows", rows).samples()
}

fn ratio(all: &Results, metric: &str, arm: &str, rows: &str) -> Option<f64> {
    Some(of(all, metric, arm, rows)?.mean() / of(all, metric, "fine_tuned", rows)?.mean())
}
