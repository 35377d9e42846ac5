//! What is expected of a whole run: the acceptance of the reconstruction. Values are means over seeds.

use crate::lab::{Check, Expect, Results};

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "recall_over_chance",
        doc: "share of studies whose report comes first, over chance; CLIP",
        expect: Expect::AtLeast(20.0),
        value: |all| of(all, "over_chance", "retrieval", "clip"),
    },
    Check {
        name: "recall_among_ten",
        doc: "share of studies whose report is among the first ten; CLIP",
        expect: Expect::AtLeast(0.5),
        value: |all| of(all, "recall_10", "retrieval", "clip"),
    },
    Check {
        name: "clip_beside_siglip",
        doc: "difference of the two losses in this share, over the larger",
        expect: Expect::AtMost(0.25),
        value: |all| {
            let clip = of(all, "recall_10", "retrieval", "clip")?;
            let siglip = of(all, "recall_10", "retrieval", "siglip")?;
            Some((clip - siglip).abs() / clip.max(siglip))
        },
    },
    Check {
        name: "shuffled_pairs",
        doc: "share of studies whose report is among the first ten, over chance; trained on shuffled pairs",
        expect: Expect::AtMost(2.0),
        value: |all| of(all, "over_chance_10", "retrieval", "shuffled"),
    },
    Check {
        name: "attention_on_hidden",
        doc: "area of the lesion with gated attention minus that with the mean; lesion in one or two of eight films",
        expect: Expect::AtLeast(0.03),
        value: |all| Some(lesion(all, "gated", "hidden")? - lesion(all, "mean", "hidden")?),
    },
    Check {
        name: "attention_everywhere",
        doc: "the same difference with the lesion in all films, at most either way",
        expect: Expect::AtMost(0.02),
        value: |all| Some((lesion(all, "gated", "everywhere")? - lesion(all, "mean", "everywhere")?).abs()),
    },
    Check {
        name: "mass_on_visible",
        doc: "weight of gated attention on films that show a hidden lesion, over their share of the films",
        expect: Expect::AtLeast(2.0),
        value: |all| Some(all.of("mass").grid("pooling").at("arm", "gated").at("lesion", "hidden").samples()?.mean()),
    },
    Check {
        name: "more_films",
        doc: "area of the findings with eight films minus that with one; hybrid pooling",
        expect: Expect::AtLeast(0.05),
        value: |all| Some(findings(all, "8")? - findings(all, "1")?),
    },
    Check {
        name: "monotone_in_films",
        doc: "least step of this area from one to two, four and eight films",
        expect: Expect::AtLeast(0.0),
        value: |all| {
            let areas = ["1", "2", "4", "8"].map(|films| findings(all, films));
            areas
                .windows(2)
                .map(|pair| Some(pair[1]? - pair[0]?))
                .collect::<Option<Vec<_>>>()?
                .into_iter()
                .reduce(f64::min)
        },
    },
    Check {
        name: "frozen_over_scratch",
        doc: "area of the outcome with the frozen encoder minus that from scratch; few labelled studies",
        expect: Expect::AtLeast(0.05),
        value: |all| {
            Some(of(all, "outcome_auc", "transfer", "frozen")? - of(all, "outcome_auc", "transfer", "scratch")?)
        },
    },
    Check {
        name: "share_of_bayes",
        doc: "area of the outcome above 0.5, over that of the true risks; all labelled studies, hybrid pooling",
        expect: Expect::AtLeast(0.85),
        value: |all| {
            let own = all.of("outcome_auc").grid("probe").at("arm", "hybrid").at("films", "8").samples()?.mean();
            Some((own - 0.5) / (of(all, "bayes_auc", "probe", "hybrid")? - 0.5))
        },
    },
    Check {
        name: "frozen_beside_unfrozen",
        doc: "difference of the area of the outcome between frozen and partly trained encoder, at most either way",
        expect: Expect::AtMost(0.03),
        value: |all| {
            let frozen = of(all, "outcome_auc", "transfer", "frozen")?;
            Some((frozen - of(all, "outcome_auc", "transfer", "unfrozen")?).abs())
        },
    },
    Check {
        name: "frozen_memory",
        doc: "counted memory of a step with the frozen encoder, over that with the partly trained one",
        expect: Expect::AtMost(0.2),
        value: |all| {
            Some(of(all, "step_memory", "transfer", "frozen")? / of(all, "step_memory", "transfer", "unfrozen")?)
        },
    },
    Check {
        name: "shift",
        doc: "area of the findings before the shift minus that after it; hybrid pooling, eight films",
        expect: Expect::AtMost(0.05),
        value: |all| Some(findings(all, "8")? - findings(all, "shifted")?),
    },
    Check {
        name: "circuit_not_inferior",
        doc: "area of the outcome of the bottleneck minus that of the circuit, less the spread of the bottleneck over seeds",
        expect: Expect::AtMost(0.0),
        value: |all| {
            let of = |arm: &str| all.of("outcome_auc").grid("heads").at("arm", arm).samples();
            let (bottleneck, circuit) = (of("bottleneck")?, of("quantum")?);
            let spread = crate::study::stats::sd(&bottleneck.values())?;
            Some(bottleneck.mean() - circuit.mean() - spread)
        },
    },
];

fn of(all: &Results, metric: &str, grid: &str, arm: &str) -> Option<f64> {
    Some(all.of(metric).grid(grid).at("arm", arm).plain().samples()?.mean())
}

fn lesion(all: &Results, arm: &str, kind: &str) -> Option<f64> {
    Some(all.of("lesion_auc").grid("pooling").at("arm", arm).at("lesion", kind).samples()?.mean())
}

fn findings(all: &Results, films: &str) -> Option<f64> {
    Some(all.of("finding_auc").grid("probe").at("arm", "hybrid").at("films", films).samples()?.mean())
}
