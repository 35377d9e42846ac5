//! Fuzzy rules, their closed-form solver and classical adaptation (values from tests/reference/seizure.py).

use ndarray::{Array1, Array2, Axis, concatenate, s};
use qgraft::classic::adaptation::{coral, transfer_components};
use qgraft::classic::clustering::{Linkage, agglomerate};
use qgraft::classic::fuzzy::*;
use qgraft::math::Stream;
use qgraft::study::stats::friedman;
use serde::Deserialize;

#[derive(Deserialize)]
struct Groups {
    method: String,
    most: usize,
    groups: Vec<usize>,
}

#[derive(Deserialize)]
struct Reference {
    rows: Vec<Vec<f64>>,
    clusters: Vec<Groups>,
    x: Vec<Vec<f64>>,
    group: Vec<usize>,
    y: Vec<Vec<f64>>,
    features: Vec<Vec<f64>>,
    ridge: Vec<Vec<f64>>,
    plain: Vec<Vec<f64>>,
    source: Vec<Vec<f64>>,
    target: Vec<Vec<f64>>,
    coral: Vec<Vec<f64>>,
    tca: Vec<Vec<f64>>,
    friedman_rows: Vec<Vec<f64>>,
    friedman: [f64; 2],
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../reference/seizure.json")).unwrap()
}

fn array(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

/// The largest difference relative to the largest entry.
fn apart(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    let size = b.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    (a - b).iter().fold(0.0, |worst: f64, d| worst.max(d.abs())) / size
}

#[test]
fn groups_are_those_of_scipy() {
    let reference = reference();
    let rows = array(&reference.rows);
    for Groups { method, most, groups } in reference.clusters {
        let linkage = if method == "ward" { Linkage::Ward } else { Linkage::Average };
        assert_eq!(agglomerate(rows.view(), most, linkage), groups, "{method}, {most}");
    }
    let same = Array2::ones((5, 2));
    assert_eq!(agglomerate(same.view(), 3, Linkage::Average), [0; 5], "equal rows are one group");
    assert_eq!(agglomerate(same.slice(s![..2, ..]), 4, Linkage::Average), [0, 1], "no more rows than groups");
}

fn rules(reference: &Reference) -> Antecedents {
    Antecedents::of_groups(array(&reference.x).view(), &reference.group, Firing::Variance, false)
}

#[test]
fn rule_features_are_those_of_numpy_and_far_rows_have_one() {
    let reference = reference();
    let rules = rules(&reference);
    assert!(apart(&rules.features(array(&reference.x).view()), &array(&reference.features)) < 1e-12);
    // The product of 300 small numbers is 0 in double precision; its logarithm is not.
    let wide = Array2::from_shape_fn((4, 300), |(row, k)| (row * k) as f64);
    for firing in [Firing::Variance, Firing::Deviation] {
        let (wide_rules, _) = Antecedents::fit(wide.view(), (2, Linkage::Average), firing, false);
        let far = wide_rules.firing((&wide * 100.0).view());
        assert!(far.sum_axis(Axis(1)).iter().all(|sum| (sum - 1.0).abs() < 1e-12), "{firing:?}: {far}");
    }
}

fn no_penalty() -> Penalties {
    Penalties { ridge: 0.0, agreement: 0.0, entropy: 1.0, mmd: 0.0 }
}

#[test]
fn one_view_without_transfer_is_the_ridge_regression_of_scikit_learn() {
    let reference = reference();
    let (x, y) = (array(&reference.x), array(&reference.y));
    let ones = Array1::ones(x.nrows());
    let fit = |features: &Array2<f64>| {
        let rows = WeightedRows { targets: &y, fit: &ones, agree: &ones, contrasts: &[] };
        let penalties = Penalties { ridge: 0.3, ..no_penalty() };
        collaborate(std::slice::from_ref(features), &rows, &penalties, None, 3).unwrap()
    };
    let fitted = fit(&rules(&reference).features(x.view()));
    assert!(apart(&fitted.views[0], &array(&reference.ridge)) < 1e-9);
    // One rule is a linear regression on [x, 1].
    let (one, _) = Antecedents::fit(x.view(), (1, Linkage::Average), Firing::Variance, true);
    assert!(apart(&fit(&one.features(x.view())).views[0], &array(&reference.plain)) < 1e-9);
}

/// Three views of 60 rows in two domains, of which some have a class.
fn views() -> (Vec<Array2<f64>>, Domains) {
    let mut stream = Stream::named(3, "views");
    let classes: Vec<usize> = (0..60).map(|row| row % 2).collect();
    let view = |shift: f64, stream: &mut Stream| {
        let x = Array2::from_shape_fn((60, 3), |(row, _)| {
            stream.normal() + classes[row] as f64 + if row < 40 { shift } else { 0.0 }
        });
        let (rules, _) = Antecedents::fit(x.view(), (3, Linkage::Ward), Firing::Variance, true);
        rules.features(x.view())
    };
    let views = [0.5, 1.0, 2.0].map(|shift| view(shift, &mut stream)).to_vec();
    let labels = (0..60).map(|row| (row < 48).then_some(classes[row])).collect();
    (views, Domains { labels, is_source: (0..60).map(|row| row < 40).collect(), classes: 2 })
}

fn weighted(domains: &Domains) -> (Array2<f64>, Array1<f64>, Array1<f64>, Vec<Array1<f64>>) {
    let targets = Array2::from_shape_fn((60, 2), |(row, class)| f64::from(domains.labels[row] == Some(class)));
    let fit = domains.labels.iter().map(|label| f64::from(label.is_some())).collect();
    let domain = (0..60).map(|row| if row < 40 { 1.0 / 40.0 } else { -1.0 / 20.0 }).collect();
    (targets, fit, Array1::from_elem(60, 0.5), vec![domain])
}

#[test]
fn no_half_step_raises_the_objective_and_weights_sum_to_one() {
    let (views, domains) = views();
    let (targets, fit, agree, contrasts) = weighted(&domains);
    let rows = WeightedRows { targets: &targets, fit: &fit, agree: &agree, contrasts: &contrasts };
    for count in [1, 2, 3] {
        for (agreement, mmd) in [(0.0, 0.0), (0.7, 0.0), (0.0, 5.0), (3.0, 50.0)] {
            let penalties = Penalties { ridge: 0.1, agreement, entropy: 2.0, mmd };
            let found = collaborate(&views[..count], &rows, &penalties, None, 10).unwrap();
            for pair in found.objective.windows(2) {
                let slack = 1e-9 * pair[0].abs();
                assert!(pair[1] <= pair[0] + slack, "{count} views, {penalties:?}: {:?}", found.objective);
            }
            assert!((found.weights.sum() - 1.0).abs() < 1e-12);
        }
    }
    let even = Penalties { entropy: f64::INFINITY, agreement: 1.0, ridge: 0.1, mmd: 1.0 };
    let found = collaborate(&views, &rows, &even, None, 5).unwrap();
    assert!(found.weights.iter().all(|weight| (weight - 1.0 / 3.0).abs() < 1e-12), "{}", found.weights);
}

#[test]
fn consequents_are_where_the_gradient_is_zero() {
    let (views, domains) = views();
    let (targets, fit, agree, contrasts) = weighted(&domains);
    let rows = WeightedRows { targets: &targets, fit: &fit, agree: &agree, contrasts: &contrasts };
    let penalties = Penalties { ridge: 0.1, agreement: 0.5, entropy: 2.0, mmd: 3.0 };
    let found = collaborate(&views, &rows, &penalties, None, 400).unwrap();
    let value = |fitted: &Consequents| {
        let answers: Vec<Array2<f64>> = views.iter().zip(&fitted.views).map(|(g, p)| g.dot(p)).collect();
        let mut sum = 0.0;
        for (k, answer) in answers.iter().enumerate() {
            let others = answers.iter().enumerate().filter(|(j, _)| *j != k).map(|(_, a)| a);
            let mean = others.fold(Array2::<f64>::zeros((60, 2)), |sum, a| sum + a) / 2.0;
            let squares = |a: &Array2<f64>, weights: &Array1<f64>| a.mapv(|v| v * v).sum_axis(Axis(1)).dot(weights);
            sum += fitted.weights[k] * squares(&(answer - &targets), &fit)
                + penalties.ridge * fitted.views[k].iter().map(|p| p * p).sum::<f64>()
                + penalties.agreement * squares(&(answer - &mean), &agree)
                + penalties.mmd * answer.t().dot(&contrasts[0]).iter().map(|m| m * m).sum::<f64>()
                + penalties.entropy * fitted.weights[k] * fitted.weights[k].ln();
        }
        sum
    };
    let at = value(&found);
    assert!((at - found.objective.last().unwrap()).abs() < 1e-9 * at.abs(), "the objective is what it says");
    for (view, row, column) in [(0, 0, 0), (1, 3, 1), (2, 7, 0)] {
        let mut near = found.clone();
        near.views[view][[row, column]] += 1e-4;
        let up = value(&near);
        near.views[view][[row, column]] -= 2e-4;
        let slope = (up - value(&near)) / 2e-4;
        // 400 alternations leave a gradient of about 1e-6 of the objective.
        assert!(slope.abs() < 1e-4 * at.abs(), "view {view}: slope {slope}");
    }
}

#[test]
fn the_distance_of_domains_is_that_of_projected_means() {
    let (views, domains) = views();
    let (targets, fit, agree, contrasts) = weighted(&domains);
    let g = &views[0];
    let mean = |range: std::ops::Range<usize>| g.slice(s![range, ..]).mean_axis(Axis(0)).unwrap();
    let apart = mean(0..40) - mean(40..60);
    let of = |mmd: f64| {
        let rows = WeightedRows { targets: &targets, fit: &fit, agree: &agree, contrasts: &contrasts };
        let penalties = Penalties { ridge: 0.2, mmd, ..no_penalty() };
        collaborate(std::slice::from_ref(g), &rows, &penalties, None, 1).unwrap()
    };
    let (free, pulled) = (of(0.0), of(100.0));
    let distance = |found: &Consequents| apart.dot(&found.views[0]).iter().map(|d| d * d).sum::<f64>();
    // The objective counts exactly this distance.
    let without = |found: &Consequents| {
        let error = (g.dot(&found.views[0]) - &targets).mapv(|v| v * v).sum_axis(Axis(1)).dot(&fit);
        error + 0.2 * found.views[0].iter().map(|p| p * p).sum::<f64>()
    };
    let counted = (pulled.objective[1] - without(&pulled)) / 100.0;
    assert!((counted - distance(&pulled)).abs() < 1e-9 * counted, "{counted} {}", distance(&pulled));
    assert!(distance(&pulled) < distance(&free) && distance(&of(1e6)) < 0.01 * distance(&free));
}

#[test]
fn the_order_of_rows_does_not_matter_and_a_source_without_weight_changes_no_error() {
    let (views, domains) = views();
    let penalties = Penalties { ridge: 0.05, agreement: 0.3, entropy: 0.1, mmd: 1.0 };
    let options = TransferOptions { source_weight: 0.5, penalties, confidence: 0.55, rounds: 10 };
    let found = transfer(&views, &domains, &options).unwrap();
    let order = Stream::named(1, "order").permutation(60);
    let mixed: Vec<Array2<f64>> = views.iter().map(|view| view.select(Axis(0), &order)).collect();
    let mixed_domains = Domains {
        labels: order.iter().map(|&row| domains.labels[row]).collect(),
        is_source: order.iter().map(|&row| domains.is_source[row]).collect(),
        classes: 2,
    };
    let other = transfer(&mixed, &mixed_domains, &options).unwrap();
    for (own, other) in found.consequents.views.iter().zip(&other.consequents.views) {
        // Sums in another order.
        assert!(apart(own, other) < 1e-8);
    }
    let given: Vec<usize> = (0..60).filter(|&row| found.pseudo_labels[row].is_some()).collect();
    assert!(!given.is_empty() && given.iter().all(|row| *row >= 48), "only unlabelled rows of the target: {given:?}");
    // Without weight of the source, one view and no distance, only rows of the target are fitted.
    let alone = Penalties { agreement: 0.0, mmd: 0.0, entropy: 1.0, ridge: 0.05 };
    let options = TransferOptions { source_weight: 0.0, penalties: alone, ..options };
    let with = transfer(&views[..1], &domains, &options).unwrap();
    let target = views[0].slice(s![40.., ..]).to_owned();
    let own = Domains { labels: domains.labels[40..].to_vec(), is_source: vec![false; 20], classes: 2 };
    let without = transfer(&[target], &own, &options).unwrap();
    assert!(apart(&with.consequents.views[0], &without.consequents.views[0]) < 1e-9);
}

#[test]
fn alignment_and_transfer_components_are_those_of_scipy() {
    let reference = reference();
    let (source, target) = (array(&reference.source), array(&reference.target));
    assert!(apart(&coral(source.view(), target.view(), 1.0), &array(&reference.coral)) < 1e-9);
    let both = concatenate![Axis(0), source, target];
    let u: Array1<f64> = (0..55).map(|row| if row < 30 { 1.0 / 30.0 } else { -1.0 / 25.0 }).collect();
    let found = transfer_components(both.view(), &[u], 1.0, 2);
    for (own, other) in found.columns().into_iter().zip(array(&reference.tca).columns()) {
        // An eigenvector has no sign.
        let sign = own.dot(&other).signum();
        assert!((&own * sign - other).iter().all(|d| d.abs() < 1e-9));
    }
}

#[test]
fn friedman_is_that_of_scipy() {
    let Reference { friedman_rows, friedman: [statistic, p], .. } = reference();
    let found = friedman(&friedman_rows).unwrap();
    assert!((found.0 - statistic).abs() < 1e-10 && (found.1 - p).abs() < 1e-10, "{found:?}");
    assert_eq!(friedman(&[vec![1.0, 2.0, 3.0]]), None);
    assert_eq!(friedman(&[vec![1.0; 3], vec![1.0; 3]]), None, "equal values have no ranks");
}
