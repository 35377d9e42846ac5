//! Metrics and statistics against scikit-learn and scipy (tests/reference/metrics.py), and the edges those leave open.

use ndarray::{Array2, array};
use qgraft::study::compare::{Answer, Comparison, Finding, Quantity, Question, correct};
use qgraft::study::metric::{METRICS, Predictions, Undefined, counts, ranking};
use qgraft::study::{StudyError, conformal, stats};
use serde_json::Value;

use crate::support::cases::numbers;

fn reference(part: &str) -> Vec<Value> {
    let text = include_str!("../reference/statistics.json");
    serde_json::from_str::<Value>(text).unwrap()[part].as_array().unwrap().clone()
}

fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(numbers).collect()
}

/// Sums over at most 60 terms of order 1 differ in their order of summation only.
const ROUNDING: f64 = 1e-13;
/// statrs evaluates the incomplete beta and its inverse iteratively.
const DISTRIBUTION: f64 = 1e-9;

#[track_caller]
fn near(what: &str, got: f64, expected: f64, tolerance: f64) {
    assert!((got - expected).abs() <= tolerance, "{what}: {got} instead of {expected}");
}

fn predictions(case: &Value) -> Predictions {
    let probabilities = rows(&case["probabilities"]);
    let shape = (probabilities.len(), probabilities[0].len());
    let labels = numbers(&case["labels"]).iter().map(|l| *l as usize).collect();
    Predictions::new(Array2::from_shape_vec(shape, probabilities.concat()).unwrap(), labels).unwrap()
}

#[test]
fn every_metric_agrees_with_scikit_learn() {
    for case in reference("metrics") {
        let predictions = predictions(&case);
        for row in METRICS {
            let what = format!("{} of {}", row.name, case["name"]);
            near(&what, (row.measure)(&predictions).unwrap(), case[row.name].as_f64().unwrap(), ROUNDING);
        }
    }
}

#[test]
fn confusion_and_roc_agree_with_scikit_learn() {
    for case in reference("metrics") {
        let (name, predictions) = (&case["name"], predictions(&case));
        let counted = counts::confusion(&predictions).mapv(|count| count as f64);
        assert_eq!(counted.into_raw_vec_and_offset().0, rows(&case["confusion"]).concat(), "{name}");
        let curve = ranking::roc(&predictions, case["roc_class"].as_u64().unwrap() as usize).unwrap();
        let expected = rows(&case["roc"]);
        assert_eq!(curve.len(), expected.len(), "{name}");
        for (point, expected) in curve.iter().zip(&expected) {
            near("false positive rate", point.false_positive_rate, expected[0], ROUNDING);
            near("true positive rate", point.true_positive_rate, expected[1], ROUNDING);
        }
    }
}

#[test]
fn what_is_undefined_is_named() {
    let nothing = Predictions::new(Array2::zeros((0, 2)), vec![]).unwrap();
    let one_class = Predictions::new(array![[0.8, 0.2], [0.4, 0.6]], vec![0, 0]).unwrap();
    for row in METRICS {
        assert_eq!((row.measure)(&nothing), Err(Undefined::NoSamples), "{}", row.name);
        match row.name {
            "f1" | "balanced_accuracy" | "precision" | "auc" | "average_precision" => {
                assert_eq!((row.measure)(&one_class), Err(Undefined::ClassAbsent { class: 1 }));
            }
            _ => assert!((row.measure)(&one_class).unwrap().is_finite(), "{}", row.name),
        }
    }
}

#[test]
fn predictions_that_are_none_are_refused() {
    let label_of = |error: StudyError| error.to_string();
    let table = [
        (array![[f64::NAN, 0.5]], vec![0], "probabilities of sample 0"),
        (array![[0.5, 0.5], [0.9, 0.3]], vec![0, 1], "probabilities of sample 1"),
        (array![[1.5, -0.5]], vec![0], "probabilities of sample 0"),
        (array![[0.5, 0.5]], vec![2], "label of sample 0 is 2"),
        (array![[0.5, 0.5]], vec![0, 1], "1 rows of probabilities over 2 classes for 2 labels"),
        (array![[1.0]], vec![0], "at least 2 classes"),
    ];
    for (probabilities, labels, expected) in table {
        let message = label_of(Predictions::new(probabilities, labels).unwrap_err());
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn pooled_predictions_are_all_of_them() {
    let first = Predictions::new(array![[0.8, 0.2], [0.4, 0.6]], vec![0, 0]).unwrap();
    let second = Predictions::new(array![[0.1, 0.9]], vec![1]).unwrap();
    let pooled = Predictions::pooled(&[first.clone(), second]).unwrap();
    assert_eq!(pooled.probabilities(), array![[0.8, 0.2], [0.4, 0.6], [0.1, 0.9]]);
    assert_eq!(pooled.labels(), [0, 0, 1]);
    let three_classes = Predictions::new(array![[0.2, 0.2, 0.6]], vec![2]).unwrap();
    assert!(Predictions::pooled(&[first, three_classes]).is_err());
    assert!(Predictions::pooled(&[]).is_err());
}

#[test]
fn paired_statistics_agree_with_scipy() {
    for case in reference("paired") {
        let differences = numbers(&case["differences"]);
        let expected = |name: &str| case[name].as_f64().unwrap();
        let what = |name: &str| format!("{name} of {}", case["name"]);
        let table = [
            ("mean", stats::mean(&differences).unwrap(), ROUNDING),
            ("sd", stats::sd(&differences).unwrap(), ROUNDING),
            ("t_test", stats::t_test(&differences).unwrap(), DISTRIBUTION),
            ("effect_size", stats::effect_size(&differences).unwrap(), ROUNDING * 10.0),
            ("wilcoxon", stats::wilcoxon(&differences), DISTRIBUTION),
        ];
        for (name, got, tolerance) in table {
            near(&what(name), got, expected(name), tolerance);
        }
        let interval = stats::t_interval(&differences, 0.95).unwrap();
        let ends = numbers(&case["t_interval"]);
        near(&what("t interval, low"), interval.low, ends[0], DISTRIBUTION);
        near(&what("t interval, high"), interval.high, ends[1], DISTRIBUTION);
    }
}

#[test]
fn the_bootstrap_agrees_with_scipy_within_its_own_chance() {
    // Other random draws: with 50,000 of them an end changes by about 1 % of the interval's width (standard error of a
    // 2.5 % quantile of a normal distribution: 0.013 sd, width 3.9 sd), and scipy's 200,000 by half of that.
    for case in reference("paired") {
        let differences = numbers(&case["differences"]);
        let interval = stats::bootstrap_interval(&differences, 0.95, 50_000, 3).unwrap();
        let ends = numbers(&case["bootstrap"]);
        let tolerance = 0.03 * (ends[1] - ends[0]);
        near(&format!("low of {}", case["name"]), interval.low, ends[0], tolerance);
        near(&format!("high of {}", case["name"]), interval.high, ends[1], tolerance);
        assert_eq!(stats::bootstrap_interval(&differences, 0.95, 50_000, 3), Some(interval), "one seed, one result");
    }
}

#[test]
fn holm_adjusts_as_in_his_paper() {
    // Sorted 0.005·4, 0.01·3, 0.03·2, 0.04·1, then each at least the one before it.
    let adjusted = stats::holm(&[0.01, 0.04, 0.03, 0.005]);
    for (got, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
        near("Holm", *got, expected, ROUNDING);
    }
    assert_eq!(stats::holm(&[0.7, 0.6]), [1.0, 1.0], "never above 1");
    assert!(stats::holm(&[]).is_empty());
}

#[test]
fn a_question_without_an_answer_gets_none() {
    for values in [&[][..], &[0.3]] {
        assert_eq!(stats::sd(values), None);
        assert_eq!(stats::t_interval(values, 0.95), None);
        assert_eq!(stats::t_test(values), None);
        assert_eq!(stats::effect_size(values), None);
        assert_eq!(stats::bootstrap_interval(values, 0.95, 100, 1), None);
    }
    for level in [0.0, 1.0, -0.5, f64::NAN] {
        assert_eq!(stats::t_interval(&[0.1, 0.2], level), None);
        assert_eq!(stats::bootstrap_interval(&[0.1, 0.2], level, 100, 1), None);
    }
    assert_eq!(stats::bootstrap_interval(&[0.1, 0.2], 0.95, 0, 1), None);
    let single_draw = stats::bootstrap_interval(&[0.1, 0.2], 0.95, 1, 1).unwrap();
    assert!(single_draw.low.is_finite() && single_draw.high.is_finite(), "{single_draw:?}");
    assert_eq!(stats::mean(&[]), None);
    assert_eq!(stats::wilcoxon(&[]), 1.0);
    assert_eq!(stats::wilcoxon(&[0.0, 0.0]), 1.0);
}

fn against_zero(question: Question, differences: &[f64]) -> Comparison {
    let zeros = vec![0.0; differences.len()];
    Comparison::new(question, Quantity::ACCURACY, ("quantum", differences), ("linear", &zeros)).unwrap()
}

#[test]
fn a_comparison_is_worded_by_its_finding() {
    let table: [(Question, &[f64], Finding, &str); 9] = [
        (
            Question::Contribution,
            &[0.02, -0.02, 0.03, -0.01, 0.02],
            Finding::Unclear,
            "quantum − linear: +0.8 points (95% CI −1.9 to 3.5, 5 seeds): no evidence of a quantum contribution",
        ),
        (
            Question::Contribution,
            &[0.02, 0.03, 0.02],
            Finding::Better,
            "quantum − linear: +2.3 points (95% CI 0.9 to 3.8, 3 seeds): evidence of a gain with the quantum part, on this data",
        ),
        (
            Question::Contribution,
            &[-0.02, -0.03, -0.02],
            Finding::Worse,
            "quantum − linear: −2.3 points (95% CI −3.8 to −0.9, 3 seeds): evidence of a loss with the quantum part, on this data",
        ),
        (
            Question::Noise,
            &[-0.02, -0.03, -0.02],
            Finding::Worse,
            "quantum − linear: −2.3 points (95% CI −3.8 to −0.9, 3 seeds): evidence that noise costs accuracy",
        ),
        (
            Question::Contribution,
            &[0.0, 0.0, 0.0],
            Finding::NoSpread,
            "quantum − linear: 0.0 points in each of 3 seeds: no evidence of a quantum contribution",
        ),
        (
            Question::Contribution,
            &[0.01, 0.01, 0.01],
            Finding::NoSpread,
            "quantum − linear: +1.0 points in each of 3 seeds: without spread over seeds there is no interval",
        ),
        (
            Question::Contribution,
            &[0.01],
            Finding::TooFew,
            "quantum − linear: +1.0 points (1 seed): fewer than 3 seeds cannot distinguish a difference from chance",
        ),
        (
            Question::Contribution,
            &[0.0],
            Finding::TooFew,
            "quantum − linear: 0.0 points (1 seed): fewer than 3 seeds cannot distinguish a difference from chance",
        ),
        (
            Question::Difference,
            &[0.05, 0.051],
            Finding::TooFew,
            "quantum − linear: +5.1 points (2 seeds): fewer than 3 seeds cannot distinguish a difference from chance",
        ),
    ];
    for (question, differences, finding, sentence) in table {
        let comparison = against_zero(question, differences);
        assert_eq!((comparison.finding, comparison.sentence().as_str()), (finding, sentence), "{differences:?}");
        assert_eq!(comparison.wins + comparison.ties + comparison.losses, comparison.seeds);
    }
}

#[test]
fn differences_equal_but_for_rounding_have_no_spread() {
    let comparison =
        Comparison::new(Question::Difference, Quantity::ACCURACY, ("a", &[0.8, 0.9, 0.3]), ("b", &[0.7, 0.8, 0.2]))
            .unwrap();
    assert_eq!(comparison.finding, Finding::NoSpread);
    assert_eq!(comparison.wilcoxon, 0.25, "three wins of one size: both all-equal patterns of 2^3");
}

#[test]
fn a_comparison_that_does_not_pair_up_is_refused() {
    let compare = |a: &[f64], b: &[f64]| Comparison::new(Question::Difference, Quantity::ACCURACY, ("a", a), ("b", b));
    assert!(matches!(compare(&[0.1], &[0.1, 0.2]), Err(StudyError::Unpaired { first: 1, second: 2, .. })));
    assert!(matches!(compare(&[], &[]), Err(StudyError::Unpaired { .. })));
    assert!(matches!(compare(&[f64::NAN], &[0.1]), Err(StudyError::NotFinite { .. })));
}

#[test]
fn an_answer_claims_no_more_than_its_comparisons() {
    const UP: &[f64] = &[0.02, 0.03, 0.02];
    const DOWN: &[f64] = &[-0.02, -0.03, -0.02];
    const UNCLEAR: &[f64] = &[0.02, -0.03, 0.02];
    type Pairs<'a> = &'a [(&'a str, &'a [f64])];
    let table: [(Question, Pairs, &str); 9] = [
        (Question::Contribution, &[("linear", UP), ("mlp_a", UP)], "Yes, on this data: better than linear and mlp_a."),
        (
            Question::Contribution,
            &[("linear", UP), ("mlp_a", UNCLEAR)],
            "Not shown: better than linear, but no evidence against mlp_a.",
        ),
        (Question::Contribution, &[("linear", UNCLEAR), ("mlp_a", UNCLEAR)], "No evidence that it does."),
        (Question::Contribution, &[("linear", DOWN), ("mlp_a", UNCLEAR)], "No: worse than linear."),
        (Question::Contribution, &[("linear", DOWN), ("mlp_a", UP)], "Mixed: better than mlp_a, worse than linear."),
        (Question::Contribution, &[("linear", &[0.1])], "Not measured: no spread over seeds."),
        (Question::Noise, &[("ideal", DOWN)], "Yes: accuracy is lower for quantum."),
        (Question::Noise, &[("ideal", UNCLEAR)], "No evidence that it does."),
        (Question::Noise, &[("ideal", UP)], "No: accuracy is higher with it."),
    ];
    for (question, pairs, verdict) in table {
        let compare = |(baseline, differences): &(&str, &[f64])| {
            let zeros = vec![0.0; differences.len()];
            Comparison::new(question, Quantity::ACCURACY, ("quantum", differences), (baseline, &zeros)).unwrap()
        };
        let comparisons: Vec<Comparison> = pairs.iter().map(compare).collect();
        let answer = Answer::to(question, &comparisons).unwrap();
        assert_eq!(answer.verdict, verdict);
        assert_eq!(answer.evidence.len(), pairs.len());
        assert_eq!(Answer::to(Question::Difference, &comparisons), None);
    }
}

#[test]
fn an_answer_about_several_heads_names_them() {
    let up = &[0.02, 0.03, 0.02][..];
    let against =
        |head| Comparison::new(Question::Contribution, Quantity::ACCURACY, (head, up), ("linear", &[0.0; 3])).unwrap();
    let answer = Answer::to(Question::Contribution, &[against("quantum"), against("quantum_noisy")]).unwrap();
    assert_eq!(answer.verdict, "Yes, on this data: better than linear (quantum) and linear (quantum_noisy).");
}

#[test]
fn all_comparisons_of_a_report_are_corrected_together() {
    let rising = against_zero(Question::Noise, &[0.01, 0.02, 0.03, 0.04, 0.05]);
    let p = rising.t_test.unwrap();
    let mut comparisons = vec![rising.clone(), rising.clone(), rising, against_zero(Question::Noise, &[0.1])];
    correct(&mut comparisons);
    for comparison in &comparisons[..3] {
        near("Wilcoxon", comparison.wilcoxon, 0.0625, ROUNDING);
        near("Holm", comparison.t_test_holm.unwrap(), 3.0 * p, ROUNDING);
    }
    assert_eq!(comparisons[3].t_test_holm, None, "one pair has no p to correct");
}

#[test]
fn a_finding_needs_significance_after_the_correction() {
    // p = 0.023 alone.
    let alone = against_zero(Question::Contribution, &[0.02, 0.03, 0.045, 0.0, 0.02]);
    assert_eq!(alone.finding, Finding::Better);
    let noise = against_zero(Question::Contribution, &[0.02, -0.03, 0.045, 0.0, -0.02]);
    let mut several = vec![alone, noise.clone(), noise];
    correct(&mut several);
    assert_eq!(several[0].finding, Finding::Unclear);
    assert!(several[0].interval.is_some_and(|interval| !interval.covers(0.0)), "the interval is not corrected");
}

/// Residuals of the system `soh`; quantiles by mapie 1.6.0 where it has them, else by counting.
const RESIDUALS: [f64; 19] = [
    0.31, -0.12, 0.05, 0.44, -0.27, 0.18, -0.09, 0.22, -0.36, 0.015, 0.50, -0.41, 0.08, -0.02, 0.13, 0.29, -0.19, 0.07,
    -0.33,
];

#[test]
fn conformal_radii_are_order_statistics() {
    let scores = RESIDUALS.map(|residual| conformal::absolute(residual, 0.0));
    for (alpha, expected) in [(0.2, 0.36), (0.1, 0.44), (0.05, 0.50), (0.01, f64::INFINITY)] {
        assert_eq!(conformal::split(&scores, alpha), expected, "alpha {alpha}");
    }
    let weights: Vec<f64> = (0..19).map(|k| (-1.0 + f64::from(k) / 9.0).exp()).collect();
    for (alpha, expected) in [(0.3, 0.33), (0.2, 0.36), (0.1, 0.50), (0.05, f64::INFINITY)] {
        assert_eq!(conformal::weighted(&scores, &weights, 1.5, alpha), expected, "weighted, alpha {alpha}");
    }
    // Equal weights are no weights.
    for alpha in [0.3, 0.2, 0.1, 0.05, 0.01] {
        assert_eq!(conformal::weighted(&scores, &[1.0; 19], 1.0, alpha), conformal::split(&scores, alpha), "{alpha}");
    }
    // Where nothing is to be covered, nothing is in the interval, not even a forecast that is right.
    for alpha in [1.0, 1.3] {
        assert_eq!(conformal::split(&scores, alpha), f64::NEG_INFINITY, "alpha {alpha}");
        assert_eq!(conformal::weighted(&scores, &[1.0; 19], 1.0, alpha), f64::NEG_INFINITY, "alpha {alpha}");
    }
}

#[test]
fn coverage_over_calibrations_follows_its_beta_distribution() {
    // Uniform scores: the coverage of a radius q is q itself, and over calibrations of n it is Beta(k, n + 1 - k).
    let (count, alpha, repeats) = (100, 0.1, 4000);
    let mut stream = qgraft::math::Stream::named(5, "calibrations");
    let mut coverage: Vec<f64> = (0..repeats)
        .map(|_| conformal::split(&(0..count).map(|_| stream.uniform()).collect::<Vec<_>>(), alpha))
        .collect();
    coverage.sort_by(f64::total_cmp);
    let beta = statrs::distribution::Beta::new(91.0, 10.0).unwrap();
    let cdf = |x| statrs::distribution::ContinuousCDF::cdf(&beta, x);
    let rank = |k: usize| k as f64 / repeats as f64;
    let gap = |k: usize| (cdf(coverage[k]) - rank(k)).max(rank(k + 1) - cdf(coverage[k]));
    let largest = (0..repeats).map(gap).fold(0.0, f64::max);
    // Kolmogorov-Smirnov at p = 0.01: 1.63 / sqrt(n).
    assert!(largest < 1.63 / f64::from(repeats as u32).sqrt(), "{largest}");
}

#[test]
fn groups_are_calibrated_by_themselves_and_trajectories_whole() {
    let (scores, groups) = ([0.1, 0.4, 0.2, 0.9, 0.3, 0.7], [0, 1, 0, 1, 0, 1]);
    let radii = conformal::by_group(&scores, &groups, 0.25);
    assert_eq!([radii[&0], radii[&1]], [0.3, 0.9]);
    assert_eq!(conformal::largest_by_group(&scores, &groups), [0.3, 0.9]);
    assert_eq!(conformal::outside(2.0, 0.5, 1.5), 0.5);
    assert_eq!(conformal::outside(1.0, 0.5, 1.5), -0.5);
    assert_eq!(conformal::normalized(3.0, 1.0, 4.0), 0.5);
}

#[test]
fn an_adaptive_level_makes_up_for_misses() {
    let mut adaptive = conformal::Adaptive::new(0.1, 0.05);
    adaptive.update(false);
    assert!((adaptive.alpha - 0.055).abs() < 1e-15);
    (0..9).for_each(|_| adaptive.update(true));
    assert!((adaptive.alpha - 0.1).abs() < 1e-15, "one miss in ten is the target");
}

#[test]
fn intervals_are_evaluated_by_coverage_width_and_winkler() {
    let quality = conformal::quality(&[1.0, 5.0], &[(0.0, 2.0), (0.0, 4.0)], 0.1).unwrap();
    assert_eq!((quality.coverage, quality.width, quality.winkler), (0.5, 3.0, 3.0 + 20.0 / 2.0));
    assert!(conformal::quality(&[], &[], 0.1).is_none());
}
