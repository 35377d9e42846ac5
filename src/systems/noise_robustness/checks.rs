//! What is expected of a whole run. Bounds are our own. The circuit is that of the first arm, the device the first.

use crate::lab::{Check, Expect, Results};
use crate::math::order::median;
use crate::systems::conditions::{ALL, EXACT, UNMITIGATED};
use crate::systems::noise_robustness::conditions::SINGLE_SOURCES;
use crate::systems::noise_robustness::{CONTROLS, GRADIENTS, MAIN};

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "known_deviation",
        doc: "control 1: largest deviation of an expectation value under Pauli noise from its known value",
        expect: Expect::AtMost(1e-9),
        value: |all| Some(all.of("known_deviation").grid(CONTROLS).samples()?.max()),
    },
    Check {
        name: "flatness",
        doc: "control 2: largest change of accuracy by depolarizing noise, exact values and a read-out fitted anew, mean over \
              seeds",
        expect: Expect::AtMost(0.02),
        value: |all| Some(all.of("flatness").grid(CONTROLS).samples()?.mean()),
    },
    Check {
        name: "threshold_ratio",
        doc: "control 3: 1/c² where half of the accuracy above chance is lost with S shots, over S, median over seeds",
        expect: Expect::Within(0.1, 10.0),
        value: |all| median(all.of("threshold_ratio").grid(CONTROLS).samples()?.values()),
    },
    Check {
        name: "sources_multiply",
        doc: "product of the attenuations by single sources over that by all together, largest distance from 1 over scales",
        expect: Expect::AtMost(0.02),
        value: sources_multiply,
    },
    Check {
        name: "gradients_follow_attenuation",
        doc: "root of the variance of gradients over that without noise, over the attenuation of ⟨Z⟩: largest distance from 1 \
              over devices and scales",
        expect: Expect::AtMost(0.1),
        value: gradients_follow_attenuation,
    },
    Check {
        name: "refitted_at_4",
        doc: "accuracy with a read-out fitted anew: change by 4 times the noise, mean over seeds",
        expect: Expect::AtMost(0.01),
        value: |all| {
            let arm = first(all, "arm")?;
            let under = mean(all, "refitted", first(all, "device")?, ALL, "4")?;
            let without = all.cell(MAIN, "refitted", &[("arm", arm)]).samples()?.mean();
            Some((under - without).abs())
        },
    },
];

/// The first level of a factor of the evaluations.
fn first<'a>(all: &'a Results, factor: &str) -> Option<&'a str> {
    all.grid(MAIN)?.factor(factor)?.names().next()
}

/// The scales above 0.
fn scales(all: &Results) -> Option<Vec<&str>> {
    let scales = all.grid(MAIN)?.factor("scale")?.names();
    Some(scales.filter(|scale| scale.parse().is_ok_and(|scale: f64| scale > 0.0)).collect())
}

/// Mean over seeds of the first arm's exact and unmitigated value.
fn mean(all: &Results, metric: &str, device: &str, source: &str, scale: &str) -> Option<f64> {
    let levels = [
        ("arm", first(all, "arm")?),
        ("device", device),
        ("source", source),
        ("scale", scale),
        ("mitigation", UNMITIGATED),
        ("shots", EXACT),
    ];
    Some(all.cell(MAIN, metric, &levels).samples()?.mean())
}

fn sources_multiply(all: &Results) -> Option<f64> {
    let device = first(all, "device")?;
    let distance = |scale: &str| {
        let of = |source: &str| mean(all, "attenuation", device, source, scale);
        let product: f64 = SINGLE_SOURCES.iter().map(|source| of(source)).product::<Option<f64>>()?;
        Some((product / of(ALL)? - 1.0).abs())
    };
    scales(all)?.into_iter().filter_map(distance).reduce(f64::max)
}

fn gradients_follow_attenuation(all: &Results) -> Option<f64> {
    let without = all.cell(GRADIENTS, "gradient_variance", &[]).single()?;
    let mut largest: Option<f64> = None;
    for device in all.grid(MAIN)?.factor("device")?.names() {
        for scale in scales(all)? {
            let variance =
                all.cell(GRADIENTS, "gradient_variance", &[("device", device), ("scale", scale)]).single()?;
            let ratio = (variance / without).sqrt() / mean(all, "attenuation", device, ALL, scale)?;
            largest = Some(largest.unwrap_or(0.0).max((ratio - 1.0).abs()));
        }
    }
    largest
}
