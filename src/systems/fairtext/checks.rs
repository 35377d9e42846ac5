//! What is expected of a whole run: the acceptance of the reconstruction. Values are means over seeds.

use crate::lab::{Check, Expect, Results, Samples};

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "order",
        doc: "least step of accuracy in fused > text > tfidf_logistic and fused > indicators",
        expect: Expect::AtLeast(0.0),
        value: |all| {
            let of = |arm: &str| mean(all, "accuracy", "main", arm);
            let (fused, text) = (of("fused")?, of("text")?);
            Some((fused - text).min(text - of("tfidf_logistic")?).min(fused - of("indicators")?))
        },
    },
    Check {
        name: "fused_over_logistic",
        doc: "accuracy of fused minus that of tfidf_logistic",
        expect: Expect::AtLeast(0.08),
        value: |all| Some(mean(all, "accuracy", "main", "fused")? - mean(all, "accuracy", "main", "tfidf_logistic")?),
    },
    Check {
        name: "minority_ap_over_logistic",
        doc: "average precision of the rarest class, fused minus tfidf_logistic",
        expect: Expect::AtLeast(0.10),
        value: |all| {
            Some(mean(all, "minority_ap", "main", "fused")? - mean(all, "minority_ap", "main", "tfidf_logistic")?)
        },
    },
    Check {
        name: "of_bayes",
        doc: "accuracy of fused above the majority class, over that of the best possible decision",
        expect: Expect::AtLeast(0.9),
        value: |all| mean(all, "of_bayes", "main", "fused"),
    },
    Check {
        name: "pretrained_over_random",
        doc: "macro F1 of the pretrained encoder minus that of random weights, with 1,200 texts to learn from",
        expect: Expect::AtLeast(0.08),
        value: |all| gap(all, "1200"),
    },
    Check {
        name: "gap_shrinks",
        doc: "the same difference with the most texts minus that with 1,200",
        expect: Expect::AtMost(0.0),
        value: |all| {
            let sizes = all.grid("transfer")?.factor("size")?;
            let most = sizes.names().filter_map(|name| name.parse::<usize>().ok()).max().filter(|most| *most > 1200)?;
            Some(gap(all, &most.to_string())? - gap(all, "1200")?)
        },
    },
    Check {
        name: "minority_recall",
        doc: "recall of the rarest class of weighted or focal, whichever is higher, minus that of plain",
        expect: Expect::AtLeast(0.10),
        value: |all| {
            let best = balanced(all)?;
            Some(mean(all, "minority_recall", "imbalance", best)? - mean(all, "minority_recall", "imbalance", "plain")?)
        },
    },
    Check {
        name: "balance_accuracy",
        doc: "accuracy of plain minus that of this arm",
        expect: Expect::AtMost(0.03),
        value: |all| {
            let best = balanced(all)?;
            Some(mean(all, "accuracy", "imbalance", "plain")? - mean(all, "accuracy", "imbalance", best)?)
        },
    },
    Check {
        name: "balance_ap",
        doc: "absolute difference of the average precision of the rarest class, this arm against plain: weights move the threshold, \
              not the order",
        expect: Expect::AtMost(0.03),
        value: |all| {
            let best = balanced(all)?;
            let of = |arm: &str| mean(all, "minority_ap", "imbalance", arm);
            Some((of(best)? - of("plain")?).abs())
        },
    },
    Check {
        name: "parity_without",
        doc: "demographic-parity difference without a penalty",
        expect: Expect::AtLeast(0.10),
        value: |all| mean(all, "parity", "fairness", "penalty_0"),
    },
    Check {
        name: "parity_with",
        doc: "least demographic-parity difference of a penalty that costs at most 3 points of accuracy",
        expect: Expect::AtMost(0.03),
        value: |all| least_parity(all, "penalty_"),
    },
    Check {
        name: "parity_with_group",
        doc: "least demographic-parity difference of a penalty whose network reads the group and that costs at most 3 points of \
              accuracy",
        expect: Expect::AtMost(0.03),
        value: |all| least_parity(all, "group_penalty_"),
    },
    Check {
        name: "front_is_monotone",
        doc: "largest rise of the demographic-parity difference from one factor of the penalty to the next, minus two standard errors \
              of the paired rise",
        expect: Expect::AtMost(0.0),
        value: |all| {
            let arms = penalties(all);
            let of = |arm: &str| samples(all, "parity", "fairness", arm);
            let rises = arms.windows(2).filter_map(|pair| {
                let rises = of(&pair[1].1)?.minus(&of(&pair[0].1)?)?;
                let (count, mean) = (rises.len() as f64, crate::study::stats::mean(&rises)?);
                let error = crate::study::stats::sd(&rises)? / count.sqrt();
                Some(mean - 2.0 * error)
            });
            rises.reduce(f64::max)
        },
    },
    Check {
        name: "gradual_accuracy",
        doc: "accuracy of gradual unfreezing minus that of full fine-tuning, few reports",
        expect: Expect::AtLeast(-0.01),
        value: |all| {
            Some(mean(all, "accuracy", "unfreezing", "gradual")? - mean(all, "accuracy", "unfreezing", "full")?)
        },
    },
    Check {
        name: "gradual_spread",
        doc: "standard deviation over seeds of the accuracy of gradual unfreezing minus that of full fine-tuning",
        expect: Expect::AtMost(0.0),
        value: |all| {
            let sd = |arm: &str| samples(all, "accuracy", "unfreezing", arm)?.spread().sd;
            Some(sd("gradual")? - sd("full")?)
        },
    },
];

fn samples(all: &Results, metric: &str, grid: &str, arm: &str) -> Option<Samples> {
    all.of(metric).grid(grid).at("arm", arm).samples()
}

/// Mean over seeds.
pub fn mean(all: &Results, metric: &str, grid: &str, arm: &str) -> Option<f64> {
    Some(samples(all, metric, grid, arm)?.mean())
}

/// Macro F1 of the pretrained encoder minus that of random weights.
fn gap(all: &Results, size: &str) -> Option<f64> {
    let of = |start: &str| Some(all.of("f1").grid("transfer").at("start", start).at("size", size).samples()?.mean());
    Some(of("pretrained")? - of("random")?)
}

/// Of weighted and focal the one with the higher recall of the rarest class.
fn balanced(all: &Results) -> Option<&'static str> {
    let of = |arm: &'static str| Some((mean(all, "minority_recall", "imbalance", arm)?, arm));
    let found = ["weighted", "focal"].into_iter().filter_map(of);
    found.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, arm)| arm)
}

/// Least demographic-parity difference of the penalties with this prefix that cost at most 3 points of accuracy.
fn least_parity(all: &Results, prefix: &str) -> Option<f64> {
    let accuracy = mean(all, "accuracy", "fairness", "penalty_0")?;
    let arms = with_prefix(all, prefix).into_iter().filter_map(|(_, arm)| {
        let is_cheap = accuracy - mean(all, "accuracy", "fairness", &arm)? <= 0.03;
        mean(all, "parity", "fairness", &arm).filter(|_| is_cheap)
    });
    arms.reduce(f64::min)
}

/// Arms of the penalty, by rising factor.
pub fn penalties(all: &Results) -> Vec<(f64, String)> {
    with_prefix(all, "penalty_")
}

fn with_prefix(all: &Results, prefix: &str) -> Vec<(f64, String)> {
    let arms = all.grid("fairness").and_then(|grid| grid.factor("arm"));
    let factor = |name: &str| Some((name.strip_prefix(prefix)?.parse::<f64>().ok()?, name.to_string()));
    let mut found: Vec<(f64, String)> = arms.map(|arms| arms.names().filter_map(factor).collect()).unwrap_or_default();
    found.sort_by(|one, other| one.0.total_cmp(&other.0));
    found
}
