//! Statistics of small diagnostic studies, histograms of gradients and the machines of small cohorts against scipy, statsmodels,
//! scikit-learn and scikit-image (tests/reference/diagnostic.py).

use candle_core::{Device, Tensor};
use ndarray::{Array1, Array2};
use qgraft::classic::{KernelLogistic, Pca, SupportVectors};
use qgraft::data::{Hog, grouped_folds};
use qgraft::math::Stream;
use qgraft::nn::backbone::grad_cam::{grad_cam, normalised, resampled};
use qgraft::study::diagnostic::{RocArea, clopper_pearson, fleiss_kappa, group_bootstrap, mcnemar, operating_point};
use serde_json::Value;

use crate::support::cases::numbers;

fn reference() -> Value {
    serde_json::from_str(include_str!("../reference/diagnostic.json")).unwrap()
}

#[track_caller]
fn near(what: &str, got: f64, expected: &Value, tolerance: f64) {
    let expected = expected.as_f64().unwrap();
    assert!((got - expected).abs() <= tolerance, "{what}: {got} instead of {expected}");
}

fn count(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn array(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(numbers).collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

fn flags(value: &Value) -> Vec<bool> {
    numbers(value).iter().map(|number| *number == 1.0).collect()
}

#[test]
fn exact_intervals_are_those_of_scipy() {
    for case in reference()["shares"].as_array().unwrap() {
        let level = case["level"].as_f64().unwrap();
        let interval = clopper_pearson(count(&case["hits"]), count(&case["of"]), level).unwrap();
        near("low", interval.low, &case["low"], 1e-10);
        near("high", interval.high, &case["high"], 1e-10);
    }
    for (hits, of, level) in [(0, 0, 0.95), (3, 2, 0.95), (1, 2, 1.0), (1, 2, 0.0)] {
        assert_eq!(clopper_pearson(hits, of, level), None);
    }
}

#[test]
fn areas_with_variances_and_paired_tests_are_those_of_delong_and_scikit_learn() {
    for case in reference()["areas"].as_array().unwrap() {
        let truth = flags(&case["truth"]);
        let areas: Vec<RocArea> = (0..2).map(|k| RocArea::new(&numbers(&case["scores"][k]), &truth).unwrap()).collect();
        for (k, area) in areas.iter().enumerate() {
            near("area", area.area, &case["areas"][k], 1e-13);
            near("variance", area.variance(), &case["variances"][k], 1e-13);
        }
        let interval = areas[0].interval(0.95).unwrap();
        near("low", interval.low, &case["interval"][0], 1e-9);
        near("high", interval.high, &case["interval"][1], 1e-9);
        let compared = areas[0].minus(&areas[1]).unwrap();
        near("error", compared.error, &case["error"], 1e-12);
        near("p", compared.p, &case["p"], 1e-9);
        assert_eq!(areas[0].minus(&areas[0]).unwrap().p, 1.0, "a classifier does not differ from itself");
    }
    assert_eq!(RocArea::new(&[1.0, 2.0, 3.0], &[true, false, false]), None, "one case has no variance");
    assert_eq!(RocArea::new(&[1.0, f64::NAN, 3.0, 4.0], &[true, true, false, false]), None);
}

#[test]
fn paired_errors_and_agreement_are_those_of_statsmodels() {
    let all = reference();
    for case in all["mcnemar"].as_array().unwrap() {
        near("p", mcnemar(count(&case["first"]), count(&case["second"])), &case["p"], 1e-12);
    }
    assert_eq!(mcnemar(0, 0), 1.0);
    for case in all["kappas"].as_array().unwrap() {
        let counts: Vec<Vec<usize>> = case["counts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row.as_array().unwrap().iter().map(count).collect())
            .collect();
        near("kappa", fleiss_kappa(&counts).unwrap(), &case["kappa"], 1e-12);
    }
    assert_eq!(fleiss_kappa(&[vec![3, 0], vec![3, 0]]), None, "one category alone says nothing");
    assert_eq!(fleiss_kappa(&[vec![2, 1], vec![2, 2]]), None, "another number of readers");
}

/// With one row for each group the interval is that of independent rows; with every row twice in its group it stays as wide, while
/// drawing rows would make it narrower by √2.
#[test]
fn the_bootstrap_draws_groups_and_not_rows() {
    let mut stream = Stream::named(1, "values");
    let values: Vec<f64> = (0..200).map(|_| stream.normal()).collect();
    let width = |copies: usize| {
        let groups: Vec<usize> = (0..200 * copies).map(|row| row / copies).collect();
        let mean = |rows: &[usize]| Some(rows.iter().map(|row| values[row / copies]).sum::<f64>() / rows.len() as f64);
        let found = group_bootstrap(&groups, (0.95, 2000, 7), mean).unwrap();
        found.high - found.low
    };
    let spread = qgraft::study::stats::sd(&values).unwrap();
    let expected = 2.0 * 1.96 * spread / 200f64.sqrt();
    // 2000 draws give the width to about 4 %.
    for copies in [1, 2] {
        assert!((width(copies) / expected - 1.0).abs() < 0.1, "{copies}: {} of {expected}", width(copies));
    }
    assert_eq!(group_bootstrap(&[0, 1], (0.95, 10, 0), |_| None), None);
}

#[test]
fn the_operating_point_reaches_its_sensitivity_and_no_more_than_it_needs() {
    let mut stream = Stream::named(2, "scores");
    let truth: Vec<bool> = (0..97).map(|k| k % 3 > 0).collect();
    let scores: Vec<f64> = truth.iter().map(|own| f64::from(u8::from(*own)) + stream.normal()).collect();
    let positives = truth.iter().filter(|own| **own).count();
    for sensitivity in [0.5, 0.9, 0.95, 1.0] {
        let threshold = operating_point(&scores, &truth, sensitivity).unwrap();
        let found = |threshold: f64| scores.iter().zip(&truth).filter(|(s, own)| **own && **s >= threshold).count();
        let needed = sensitivity * positives as f64;
        assert!(found(threshold) as f64 >= needed && (found(threshold) as f64) < needed + 1.0, "{sensitivity}");
    }
    assert_eq!(operating_point(&[1.0], &[false], 0.9), None);
}

#[test]
fn histograms_of_gradients_are_those_of_scikit_image() {
    for case in reference()["hog"].as_array().unwrap() {
        let size = |name: &str| count(&case[name]);
        let hog = Hog { orientations: size("orientations"), cell: size("cell"), block: size("block") };
        let found = hog.features(&numbers(&case["picture"]), size("height"), size("width"));
        let expected = numbers(&case["features"]);
        assert_eq!(found.len(), expected.len());
        // scikit-image sums a cell in single precision.
        let largest = found.iter().zip(&expected).fold(0.0f64, |m, (a, b)| m.max((a - b).abs()));
        assert!(largest < 1e-6, "{hog:?}: {largest}");
    }
    assert!(Hog { orientations: 9, cell: 8, block: 2 }.features(&[0.0; 64], 8, 8).is_empty());
}

#[test]
fn machines_on_kernels_decide_as_those_of_scikit_learn() {
    let case = &reference()["machines"];
    let (rows, new, labels) = (array(&case["rows"]), array(&case["new"]), flags(&case["labels"]));
    for fit in case["logistic"].as_array().unwrap() {
        let fitted =
            KernelLogistic::fit(rows.dot(&rows.t()).view(), &labels, fit["penalty"].as_f64().unwrap()).unwrap();
        for (row, expected) in new.dot(&rows.t()).rows().into_iter().zip(fit["odds"].as_array().unwrap()) {
            // scikit-learn stops at a gradient of 1e-10.
            near("log odds", fitted.log_odds(row), expected, 1e-6);
        }
    }
    let gamma = case["gamma"].as_f64().unwrap();
    let kernel = |a: &Array2<f64>, b: &Array2<f64>| {
        Array2::from_shape_fn((a.nrows(), b.nrows()), |(i, j)| {
            let gap: Array1<f64> = &a.row(i) - &b.row(j);
            (-gamma * gap.dot(&gap)).exp()
        })
    };
    let classes: Vec<u32> = labels.iter().map(|label| u32::from(*label)).collect();
    let cost = case["cost"].as_f64().unwrap();
    let machine = SupportVectors::fit(kernel(&rows, &rows).view(), &classes, 2, cost, 1e-8);
    let found = machine.decide(kernel(&new, &rows).view());
    for (row, expected) in found.rows().into_iter().zip(case["decision"].as_array().unwrap()) {
        near("decision", row[1], expected, 1e-6);
    }
    assert_eq!(KernelLogistic::fit(rows.dot(&rows.t()).view(), &[true; 30], 1.0), None, "one class");
}

#[test]
fn folds_keep_groups_whole_and_classes_in_proportion() {
    let groups: Vec<usize> = (0..162).flat_map(|patient| vec![patient; 1 + patient % 4]).collect();
    let truth: Vec<bool> = groups.iter().map(|patient| *patient < 102).collect();
    let folds = grouped_folds(&groups, &truth, 5, &mut Stream::named(3, "folds")).unwrap();
    for (row, group) in groups.iter().enumerate() {
        let first = groups.iter().position(|own| own == group).unwrap();
        assert_eq!(folds[row], folds[first]);
    }
    for fold in 0..5 {
        let of = |positive: bool| {
            let own: std::collections::BTreeSet<usize> = (0..groups.len())
                .filter(|row| folds[*row] == fold && truth[*row] == positive)
                .map(|row| groups[row])
                .collect();
            own.len()
        };
        assert!((20..=21).contains(&of(true)) && of(false) == 12, "fold {fold}: {} and {}", of(true), of(false));
    }
    let error = grouped_folds(&groups, &truth, 61, &mut Stream::named(3, "folds")).unwrap_err().to_string();
    assert!(error.contains("60 negative groups"), "{error}");
}

#[test]
fn components_among_combinations_of_few_rows_are_those_among_columns() {
    let mut stream = Stream::named(4, "rows");
    let rows = Array2::from_shape_fn((12, 40), |(_, column)| (1.0 + column as f64) * stream.normal());
    let new = Array2::from_shape_fn((3, 40), |_| stream.normal());
    let of = |pca: Pca| (pca.transform(rows.view()), pca.transform(new.view()));
    let (columns, few) = (of(Pca::fit(rows.view(), 5, 0)), of(Pca::fit_to_few(rows.view(), 5, 0)));
    for (a, b) in [(&columns.0, &few.0), (&columns.1, &few.1)] {
        let largest = (a - b).iter().fold(0.0f64, |m, gap| m.max(gap.abs()));
        // Either iteration stops at a relative change of 1e-12.
        assert!(largest < 1e-8, "{largest}");
    }
}

#[test]
fn maps_are_those_of_grad_cam() {
    let cases: Value = serde_json::from_str(include_str!("../reference/grad_cam.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let planes: Vec<Array2<f64>> = case["planes"].as_array().unwrap().iter().map(array).collect();
        let (height, width) = planes[0].dim();
        let values: Vec<f64> = planes.iter().flatten().copied().collect();
        let planes = Tensor::from_vec(values, (planes.len(), height, width), &Device::Cpu).unwrap();
        let gradient = Array1::from(numbers(&case["gradient"]));
        let expected = array(&case["map"]);
        let map = normalised(grad_cam(&planes, gradient.view()).unwrap());
        let found = normalised(resampled(&map, expected.nrows(), expected.ncols()));
        let largest = (&found - &expected).iter().fold(0.0f64, |m, gap| m.max(gap.abs()));
        // The package computes in single precision.
        assert!(largest < 1e-5, "{largest}");
        assert!(grad_cam(&planes, gradient.slice(ndarray::s![1..])).is_err());
    }
}

#[test]
fn slopes_of_heads_are_differences_of_their_odds() {
    use qgraft::data::{FeatureRows, FeatureSplit};
    use qgraft::nn::head::HeadConfig;
    use qgraft::study::Trainer;
    let mut stream = Stream::named(8, "rows");
    let rows = FeatureRows {
        values: Array2::from_shape_fn((9, 4), |_| stream.normal() as f32),
        labels: (0..9).map(|row| row % 3).collect(),
        classes: ["a", "b", "c"].map(String::from).to_vec(),
        ids: (0..9).map(|row| row.to_string()).collect(),
    };
    let data = FeatureSplit { training: rows.clone(), validation: rows.clone() };
    for head in ["mlp_a", "quantum"] {
        let config = HeadConfig::named(head).unwrap().qubits(2).depth(1);
        let trained = Trainer::adam(0.05).epochs(3).fit(&config, &data).unwrap();
        let slopes = trained.slopes(rows.values.view(), 2).unwrap();
        let odds = |values: &Array2<f32>| trained.predict(values.view()).unwrap().mapv(|p| (p / (1.0 - p)).ln());
        for column in 0..4 {
            let at = |step: f32| {
                let mut moved = rows.values.clone();
                moved.column_mut(column).mapv_inplace(|value| value + step);
                odds(&moved).column(2).to_owned()
            };
            let differences = (at(0.02) - at(-0.02)) / 0.04;
            for (slope, difference) in slopes.column(column).iter().zip(&differences) {
                // Single precision and third derivatives leave about a thousandth; the kinks of hardtanh are rare.
                assert!((slope - difference).abs() < 5e-3, "{head}: {slope} and {difference}");
            }
        }
        assert!(trained.slopes(rows.values.view(), 3).is_err());
    }
}
