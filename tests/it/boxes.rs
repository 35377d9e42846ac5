//! Fused boxes and average precision against ensemble-boxes and pycocotools (tests/reference/boxes.json, made by boxes.py
//! beside it), on random pictures that `support::boxes` draws alike.

use std::collections::HashMap;

use qgraft::classic::boxes::{Confidence, Detection, FUSIONS, Fusion, Method, inside};
use qgraft::study::detection::{Rule, Scores, Truth, average_precision, error_correlation, recognised};
use serde::Deserialize;

use crate::support::boxes::{CLASSES, Case, digest};

#[derive(Deserialize)]
struct Reference {
    fused: HashMap<String, Vec<(usize, f64)>>,
    float32: Vec<(usize, f64)>,
    coco: Vec<Vec<Option<f64>>>,
    voc: Vec<Vec<[Option<f64>; 2]>>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../reference/boxes.json")).unwrap()
}

#[test]
fn a_thousand_pictures_are_fused_as_ensemble_boxes_does() {
    let Reference { fused, float32, .. } = reference();
    assert_eq!(float32.len(), 1000);
    for number in 0..1000 {
        let case = Case::new(number);
        for (name, fusion) in case.fusions() {
            let found = fusion.fuse(&case.detectors);
            let (count, expected) = fused[name][number];
            // f64 on both sides; a digest is a sum of up to 300 numbers below 3.
            assert_eq!(found.len(), count, "{name} {number}");
            assert!((digest(&found) - expected).abs() < 1e-9, "{name} {number}: {} and {expected}", digest(&found));
            if name == "wbf" {
                // The package as it is keeps means in float32: 2e-6 for each box and all its edges.
                let tolerance = 2e-6 * (1 + count) as f64;
                assert!((digest(&found) - float32[number].1).abs() < tolerance, "{number} in float32");
            }
        }
    }
}

fn detection(corners: [f64; 4], score: f64, label: usize) -> Detection {
    Detection { corners, score, label }
}

fn three_detectors() -> Vec<Vec<Detection>> {
    vec![
        vec![
            detection([0.10, 0.10, 0.30, 0.30], 0.9, 0),
            detection([0.50, 0.50, 0.80, 0.90], 0.6, 1),
            detection([0.12, 0.11, 0.31, 0.32], 0.4, 0),
        ],
        vec![detection([0.11, 0.09, 0.29, 0.31], 0.7, 0), detection([0.52, 0.48, 0.79, 0.88], 0.8, 1)],
        vec![detection([0.70, 0.10, 0.90, 0.25], 0.3, 2), detection([0.50, 0.52, 0.82, 0.91], 0.5, 1)],
    ]
}

#[test]
fn scores_of_a_known_picture() {
    let rows = [
        (Confidence::Average, vec![], [2.0 / 3.0, 19.0 / 30.0, 0.1]),
        (Confidence::Highest, vec![], [0.9, 0.8, 0.3]),
        (Confidence::BoxAndModel, vec![], [4.0 / 9.0, 19.0 / 30.0, 0.1]),
        (Confidence::AbsentModelAware, vec![], [0.5, 19.0 / 30.0, 0.1]),
        (Confidence::Average, vec![2.0, 1.0, 1.0], [0.825, 0.625, 0.075]),
    ];
    for (confidence, weights, expected) in rows {
        let mut fusion = Fusion::new(Method::Weighted { confidence, across_labels: false });
        fusion.weights = weights;
        let mut found = fusion.fuse(&three_detectors());
        found.sort_by_key(|found| found.label);
        let scores: Vec<f64> = found.iter().map(|found| found.score).collect();
        assert!(scores.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{confidence:?}: {scores:?}");
    }
    let fused = Fusion::new(FUSIONS[0].method).fuse(&three_detectors());
    let expected = [0.1075, 0.0985, 0.2985, 0.3075];
    assert!(fused[0].corners.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{:?}", fused[0]);
}

#[test]
fn a_vote_joins_what_labels_keep_apart() {
    let square = [0.2, 0.2, 0.4, 0.4];
    let detectors = [vec![detection(square, 0.5, 0)], vec![detection(square, 0.4, 1)], vec![detection(square, 0.3, 1)]];
    let count = |name: &str| {
        let row = FUSIONS.iter().find(|row| row.name == name).unwrap();
        Fusion::new(row.method).fuse(&detectors)
    };
    assert_eq!(count("wbf").len(), 2);
    let voted = count("wbf_vote");
    assert_eq!((voted.len(), voted[0].label), (1, 1));
}

#[test]
fn no_input_breaks_a_fusion() {
    let strange = [f64::NAN, f64::INFINITY, -1.0, 0.0];
    for row in FUSIONS {
        for a in strange {
            let found = vec![detection([a, 0.0, 0.5, 0.5], 0.5, 0), detection([0.0, 0.0, 0.5, 0.5], a, 0)];
            let fused = Fusion::new(row.method).fuse(&[found, vec![detection([0.0, 0.0, 0.5, 0.5], 0.0, 0)]]);
            assert!(fused.iter().all(|found| inside(found.corners) == Some(found.corners)), "{} {a}", row.name);
        }
        assert!(Fusion::new(row.method).fuse(&[]).is_empty());
        let found = vec![detection([0.0, 0.0, 0.5, 0.5], 0.5, 0)];
        let of_no_weight = Fusion { weights: vec![0.0, 0.0], ..Fusion::new(row.method) };
        assert!(of_no_weight.fuse(&[found.clone(), found]).is_empty(), "{}", row.name);
    }
}

/// Ten cases as one data set: what is there, and what the first detector found.
fn pictures(number: usize) -> (Vec<Vec<Detection>>, Vec<Vec<Truth>>) {
    let cleaned = |case: &Case| {
        let found = case.detectors[0].iter();
        found.filter_map(|found| Some(Detection { corners: inside(found.corners)?, ..*found })).collect()
    };
    (10 * number..10 * number + 10).map(Case::new).map(|case| (cleaned(&case), case.truths)).unzip()
}

#[test]
fn average_precision_is_that_of_pycocotools() {
    for (number, expected) in reference().coco.into_iter().enumerate() {
        let (found, truths) = pictures(number);
        let scores = Scores::of(&found, &truths, CLASSES);
        let got = scores.by_class.into_iter().chain([scores.map, scores.map50, scores.map75].map(Some));
        for (got, expected) in got.zip(expected) {
            // pycocotools adds 2e-16 to each denominator.
            let gap = got.zip(expected).map_or(0.0, |(a, b)| (a - b).abs());
            assert!(got.is_some() == expected.is_some() && gap < 1e-9, "{number}: {got:?}, {expected:?}");
        }
    }
}

#[test]
fn average_precision_is_that_of_pascal_voc() {
    for (number, expected) in reference().voc.into_iter().enumerate() {
        let (found, truths) = pictures(number);
        for (column, rule) in [Rule::Voc, Rule::Voc11].into_iter().enumerate() {
            let got = average_precision(&found, &truths, CLASSES, &[0.5], rule);
            for (class, got) in got.into_iter().enumerate() {
                let (got, expected) = (got.map(|values| values[0]), expected[class][column]);
                let gap = got.zip(expected).map_or(0.0, |(a, b)| (a - b).abs());
                assert!(got.is_some() == expected.is_some() && gap < 1e-9, "{rule:?} {number}: {got:?}, {expected:?}");
            }
        }
    }
}

#[test]
fn errors_correlate_as_computed_from_their_counts() {
    let rights = |bits: &str| bits.chars().map(|c| c == '1').collect::<Vec<_>>();
    let rows = [
        ("1100", "1100", Some(1.0)),
        ("1100", "0011", Some(-1.0)),
        ("1100", "1010", Some(0.0)),
        ("1111", "1010", None),
    ];
    for (a, b, expected) in rows {
        assert_eq!(error_correlation(&rights(a), &rights(b)), expected, "{a} {b}");
    }
    let thing = Truth { corners: [0.1, 0.1, 0.3, 0.3], label: 1 };
    let found = vec![detection(thing.corners, 0.5, 1), detection(thing.corners, 0.6, 0)];
    assert_eq!(
        recognised(&[found[..1].to_vec(), found, vec![]], &[vec![thing], vec![thing], vec![thing]]),
        [true, false, false]
    );
}
