//! What is expected of a whole run: the acceptance of the reconstruction. Values are means over seeds.

use crate::lab::{Check, Expect, Results};

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "erm_reads_colour",
        doc: "accuracy of erm on coloured test rows, last epoch",
        expect: Expect::AtMost(0.35),
        value: |all| accuracy(all, "coloured", "erm", "last"),
    },
    Check {
        name: "irm_over_erm",
        doc: "accuracy of irm on coloured test rows minus that of erm, both after the last epoch, as the protocol states",
        expect: Expect::AtLeast(0.25),
        value: |all| Some(accuracy(all, "coloured", "irm", "last")? - accuracy(all, "coloured", "erm", "last")?),
    },
    Check {
        name: "v_rex_over_erm",
        doc: "the same of v_rex",
        expect: Expect::AtLeast(0.25),
        value: |all| Some(accuracy(all, "coloured", "v_rex", "last")? - accuracy(all, "coloured", "erm", "last")?),
    },
    Check {
        name: "irm_of_oracle",
        doc: "accuracy of irm, selected by the oracle, over that of the network without colour",
        expect: Expect::AtLeast(0.85),
        value: |all| Some(accuracy(all, "coloured", "irm", "oracle")? / accuracy(all, "coloured", "oracle", "oracle")?),
    },
    Check {
        name: "v_rex_of_oracle",
        doc: "the same of v_rex",
        expect: Expect::AtLeast(0.85),
        value: |all| {
            Some(accuracy(all, "coloured", "v_rex", "oracle")? / accuracy(all, "coloured", "oracle", "oracle")?)
        },
    },
    Check {
        name: "irm_training",
        doc: "accuracy of irm on coloured training rows, last epoch",
        expect: Expect::AtMost(0.8),
        value: |all| mean(all, "training", "coloured", "irm", "last"),
    },
    Check {
        name: "validation_misses",
        doc: "accuracy of irm selected by training-domain validation, minus that selected by the oracle",
        expect: Expect::AtMost(-0.1),
        value: |all| Some(accuracy(all, "coloured", "irm", "training")? - accuracy(all, "coloured", "irm", "oracle")?),
    },
    Check {
        name: "acquisition_gap",
        doc: "accuracy of gin_ipa on another scanner minus that of erm, over the gap of erm between validation and test",
        expect: Expect::AtLeast(0.4),
        value: |all| {
            let erm = accuracy(all, "acquisition", "erm", "training")?;
            let gap = mean(all, "validation", "acquisition", "erm", "training")? - erm;
            Some((accuracy(all, "acquisition", "gin_ipa", "training")? - erm) / gap)
        },
    },
    Check {
        name: "backdoor_restores",
        doc: "share of the gap between erm and the network without confounding that backdoor restores",
        expect: Expect::AtLeast(0.7),
        value: |all| {
            let erm = accuracy(all, "confounded", "erm", "last")?;
            let oracle = accuracy(all, "confounded", "oracle", "last")?;
            Some((accuracy(all, "confounded", "backdoor", "last")? - erm) / (oracle - erm))
        },
    },
    Check {
        name: "no_harm",
        doc: "largest loss of accuracy against erm over all arms, without a shift",
        expect: Expect::AtMost(0.015),
        value: |all| {
            let erm = accuracy(all, "no_shift", "erm", "training")?;
            let arms = all.grid("no_shift")?.factor("arm")?.names();
            let losses = arms.filter_map(|arm| Some(erm - accuracy(all, "no_shift", arm, "training")?));
            losses.reduce(f64::max)
        },
    },
    Check {
        name: "irm_without_shift",
        doc: "penalty of IRM over the loss, trained with irm on equal environments, at most",
        expect: Expect::AtMost(1e-3),
        value: |all| Some(all.of("irm_share").grid("identical").at("arm", "irm").samples()?.max()),
    },
    Check {
        name: "v_rex_without_shift",
        doc: "penalty of V-REx over the loss, trained with v_rex on equal environments, at most",
        expect: Expect::AtMost(1e-3),
        value: |all| Some(all.of("rex_share").grid("identical").at("arm", "v_rex").samples()?.max()),
    },
    Check {
        name: "naive_effect",
        doc: "error of the naive effect in linear models with a confounder, mean over models",
        expect: Expect::AtLeast(0.1),
        value: |all| effect(all, "naive"),
    },
    Check {
        name: "backdoor_effect",
        doc: "error of the effect after adjustment for the confounder",
        expect: Expect::AtMost(0.1),
        value: |all| effect(all, "backdoor"),
    },
    Check {
        name: "front_door_effect",
        doc: "error of the effect through the mediator, confounder hidden",
        expect: Expect::AtMost(0.2),
        value: |all| effect(all, "front_door"),
    },
    Check {
        name: "v_rex_on_unseen_device",
        doc: "least accuracy of v_rex on devices that the training lacks, minus that of training without noise; quantum head",
        expect: Expect::AtLeast(0.0),
        value: |all| {
            let of = |arm: &str| {
                let query = all.of("worst_unseen").grid("devices").at("head", "quantum").at("arm", arm);
                Some(query.samples()?.mean())
            };
            Some(of("v_rex")? - of("ideal")?)
        },
    },
];

fn effect(all: &Results, arm: &str) -> Option<f64> {
    Some(all.of("effect_error").grid("effects").at("arm", arm).samples()?.mean())
}

fn mean(all: &Results, metric: &str, grid: &str, arm: &str, selection: &str) -> Option<f64> {
    Some(all.of(metric).grid(grid).at("arm", arm).at("selection", selection).samples()?.mean())
}

/// Mean accuracy of an arm on test rows.
pub fn accuracy(all: &Results, grid: &str, arm: &str, selection: &str) -> Option<f64> {
    mean(all, "accuracy", grid, arm, selection)
}
