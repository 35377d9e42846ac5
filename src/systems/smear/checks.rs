//! What is expected of a whole run. A gain is relative to the best member of an ensemble.

use crate::lab::{Check, Expect, Results, Samples};
use crate::systems::smear::remedies::{PLAIN, REMEDIES};

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "simulated_fall",
        doc: "simulated: largest rise of the mean gain of wbf from one correlation to the next",
        expect: Expect::AtMost(0.0),
        value: |all| {
            let gains = simulated(all, "wbf")?;
            gains.windows(2).map(|pair| pair[1].1 - pair[0].1).reduce(f64::max)
        },
    },
    Check {
        name: "simulated_nms",
        doc: "simulated: smallest mean gain of wbf minus that of nms over all correlations",
        expect: Expect::AtLeast(-0.01),
        value: |all| smallest_lead(all, 1.0),
    },
    Check {
        name: "simulated_nms_low",
        doc: "simulated: smallest mean gain of wbf minus that of nms at correlations up to 0.3",
        expect: Expect::AtLeast(0.2),
        value: |all| smallest_lead(all, 0.3),
    },
    Check {
        name: "rare",
        doc: "trained: smallest mAP50-95 on the two rarest classes of a remedy over that of plain",
        expect: Expect::AtLeast(1.2),
        value: |all| {
            let of = |remedy: &str| all.of("map_rare").grid("detectors").at("remedy", remedy).samples();
            let plain = of(PLAIN)?;
            let ratios = REMEDIES.iter().skip(1).filter_map(|row| of(row.name)?.over(&plain));
            ratios.reduce(f64::min)
        },
    },
    Check {
        name: "gain",
        doc: "trained: mean gain of wbf",
        expect: Expect::AtLeast(0.1),
        value: |all| Some(trained(all, "gain")?.mean()),
    },
    Check {
        name: "gain_75",
        doc: "trained: mean gain of wbf at overlap 0.75 minus that at 0.5",
        expect: Expect::AtLeast(0.0),
        value: |all| Some(trained(all, "gain75")?.mean() - trained(all, "gain50")?.mean()),
    },
    Check {
        name: "remedies_over_seeds",
        doc: "trained: mean gain of wbf over three remedies minus that over three seeds of one",
        expect: Expect::AtLeast(0.0),
        value: |all| Some(trained(all, "gain")?.mean() - all.of("gain").grid("seed_ensembles").samples()?.mean()),
    },
];

/// Values of weighted boxes fusion of the three remedies.
fn trained(all: &Results, metric: &str) -> Option<Samples> {
    all.of(metric).grid("ensembles").at("ensemble", "wbf").samples()
}

/// Mean gains of simulated detectors by correlation, the lowest correlation first; `None` if there are none.
pub(super) fn simulated(all: &Results, fusion: &str) -> Option<Vec<(f64, f64)>> {
    let gains = all.of("gain").grid("simulated").at("fusion", fusion).by("correlation");
    let mut gains: Vec<(f64, f64)> =
        gains.into_iter().filter_map(|(level, gains)| Some((level.parse().ok()?, gains.mean()))).collect();
    gains.sort_by(|a, b| a.0.total_cmp(&b.0));
    (!gains.is_empty()).then_some(gains)
}

fn smallest_lead(all: &Results, highest: f64) -> Option<f64> {
    let (wbf, nms) = (simulated(all, "wbf")?, simulated(all, "nms")?);
    let leads = wbf.iter().zip(&nms).filter(|((correlation, _), _)| *correlation <= highest);
    leads.map(|((_, wbf), (_, nms))| wbf - nms).reduce(f64::min)
}
