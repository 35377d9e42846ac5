//! What is expected of a whole run. Bounds are those of the reconstruction.

use crate::lab::{Check, Expect, Results, Samples};

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "kl_over_masked",
        doc: "simulated: KL of frequencies on motif sites, phylogenetic over masked_base",
        expect: Expect::AtMost(0.7),
        value: |all| of(all, "kl", "simulated", "phylogenetic")?.over(&of(all, "kl", "simulated", "masked_base")?),
    },
    Check {
        name: "frequency_correlation",
        doc: "simulated: correlation of predicted with true frequencies, phylogenetic",
        expect: Expect::AtLeast(0.85),
        value: |all| Some(of(all, "frequency_correlation", "simulated", "phylogenetic")?.mean()),
    },
    Check {
        name: "rate_correlation",
        doc: "simulated: rank correlation of predicted with true rates, phylogenetic",
        expect: Expect::AtLeast(0.6),
        value: |all| Some(of(all, "rate_correlation", "simulated", "phylogenetic")?.mean()),
    },
    Check {
        name: "variant_gain",
        doc: "simulated: AUROC of core against background variants, phylogenetic minus masked_base",
        expect: Expect::AtLeast(0.15),
        value: |all| {
            let auroc = |arm: &str| Some(of(all, "variant_auroc", "simulated", arm)?.mean());
            Some(auroc("phylogenetic")? - auroc("masked_base")?)
        },
    },
    Check {
        name: "oracle_gap",
        doc: "simulated: what phylogenetic lacks to the true parameters, as a share of what composition lacks",
        expect: Expect::AtMost(0.05),
        value: |all| {
            let oracle = all.of("oracle_log_likelihood").at("source", "simulated").samples()?.mean();
            let lacks = |arm: &str| Some(oracle - of(all, "log_likelihood", "simulated", arm)?.mean());
            Some(lacks("phylogenetic")? / lacks("composition")?)
        },
    },
    Check {
        name: "kl_over_counts",
        doc: "simulated: KL of frequencies on motif sites, phylogenetic over counts",
        expect: Expect::AtMost(0.5),
        value: |all| of(all, "kl", "simulated", "phylogenetic")?.over(&of(all, "kl", "simulated", "counts")?),
    },
    Check {
        name: "background_kl_over_counts",
        doc: "simulated: KL of frequencies on background sites, phylogenetic over counts",
        expect: Expect::AtMost(0.5),
        value: |all| {
            let own = of(all, "kl_background", "simulated", "phylogenetic")?;
            own.over(&of(all, "kl_background", "simulated", "counts")?)
        },
    },
    Check {
        name: "clade_harm",
        doc: "KL on motif sites with the copied leaf over that without: counts over phylogenetic",
        expect: Expect::AtLeast(2.0),
        value: |all| {
            let harm = |arm: &str| of(all, "kl", "clade", arm)?.over(&of(all, "kl", "simulated", arm)?);
            Some(harm("counts")? / harm("phylogenetic")?)
        },
    },
    Check {
        name: "unconditioned_excess",
        doc: "simulated: frequency that unconditioned adds to the base of the reference on background sites",
        expect: Expect::AtLeast(0.08),
        value: |all| Some(of(all, "reference_excess", "simulated", "unconditioned")?.mean()),
    },
    Check {
        name: "conditioned_excess",
        doc: "simulated: the same of phylogenetic",
        expect: Expect::Within(-0.03, 0.03),
        value: |all| Some(of(all, "reference_excess", "simulated", "phylogenetic")?.mean()),
    },
    Check {
        name: "transfer_gain",
        doc: "simulated: AUROC of motif sites from few labels, linear head on the frozen embedding minus scratch",
        expect: Expect::AtLeast(0.1),
        value: |all| {
            let auroc = |probe: &str| {
                Some(all.of("motif_auroc").at("source", "simulated").at("probe", probe).samples()?.mean())
            };
            Some(auroc("linear")? - auroc("scratch")?)
        },
    },
    Check {
        name: "strand_error",
        doc: "largest difference of θ between both strands over all trained networks",
        expect: Expect::AtMost(1e-5),
        value: |all| Some(all.of("strand_error").samples()?.max()),
    },
    Check {
        name: "alignment_gain",
        doc: "alignment: log-likelihood of held-out sites, phylogenetic minus composition (nats)",
        expect: Expect::AtLeast(0.0),
        value: |all| {
            let value = |arm: &str| Some(of(all, "log_likelihood", "alignment", arm)?.mean());
            Some(value("phylogenetic")? - value("composition")?)
        },
    },
    Check {
        name: "alignment_calibration",
        doc: "alignment: expected calibration error of phylogenetic",
        expect: Expect::AtMost(0.05),
        value: |all| Some(of(all, "calibration", "alignment", "phylogenetic")?.mean()),
    },
    Check {
        name: "golden_error",
        doc: "published weights: largest difference to what their notebook prints for TATAAA",
        expect: Expect::AtMost(1e-3),
        value: |all| Some(all.of("golden_error").samples()?.max()),
    },
];

fn of(all: &Results, metric: &str, source: &str, arm: &str) -> Option<Samples> {
    all.of(metric).grid("main").at("source", source).at("arm", arm).samples()
}
