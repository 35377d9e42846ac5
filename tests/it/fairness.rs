//! Class weights, focal losses, weights of words and fairness against scikit-learn, torchvision and fairlearn
//! (tests/reference/fairness.py).

use candle_core::{Device, Tensor};
use ndarray::Array2;
use qgraft::classic::TermWeights;
use qgraft::classic::fairness::{Reduction, group_offsets, offset_decisions};
use qgraft::data::{Sampler, class_weights, effective_number_weights};
use qgraft::math::Stream;
use qgraft::nn::loss::sigmoid_focal;
use qgraft::study::fairness::{demographic_parity_difference, equalized_odds_difference};
use qgraft::study::metric::{Predictions, counts, ranking};
use serde_json::Value;

use crate::support::cases::numbers;

fn reference() -> Value {
    serde_json::from_str(include_str!("../reference/fairness.json")).unwrap()
}

fn whole(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|number| number as usize).collect()
}

fn table(value: &Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = value.as_array().unwrap().iter().map(numbers).collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

#[track_caller]
fn near(got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len());
    for (k, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((got - expected).abs() <= tolerance, "value {k} is {got}, expected {expected}");
    }
}

#[test]
fn class_weights_and_focal_loss_match() {
    let reference = reference();
    let labels: Vec<usize> =
        whole(&reference["counts"]).into_iter().enumerate().flat_map(|(class, count)| vec![class; count]).collect();
    near(&class_weights(&labels, 8, 1.0), &numbers(&reference["balanced"]), 1e-9);
    near(&effective_number_weights(&labels, 8, 0.999), &numbers(&reference["effective"]), 1e-9);
    // The value that the dossier of the paper states.
    near(&[numbers(&reference["focal"]).iter().sum::<f64>() / 3.0], &[0.129_120_256], 1e-8);
    let column = |values: [f64; 3]| Tensor::new(&values, &Device::Cpu).unwrap().unsqueeze(1).unwrap();
    let loss = sigmoid_focal(&column([2.0, -1.0, 0.3]), &column([1.0, 1.0, 0.0]), 2.0, 0.25).unwrap();
    near(&loss.to_vec1::<f64>().unwrap(), &numbers(&reference["focal"]), 1e-9);
}

#[test]
fn differences_of_groups_match_fairlearn() {
    let reference = reference();
    let [truth, said, groups] = ["truth", "said", "groups"].map(|name| whole(&reference[name]));
    let expected = |name: &str| reference[name].as_f64().unwrap();
    let parity = demographic_parity_difference(&said, &groups, 3);
    near(&[parity], &[expected("demographic_parity")], 1e-12);
    near(&[equalized_odds_difference(&said, &truth, &groups, 3)], &[expected("equalized_odds")], 1e-12);
    let binary = |values: &[usize]| values.iter().map(|class| usize::from(*class > 0)).collect::<Vec<_>>();
    let (truth_2, said_2) = (binary(&truth), binary(&said));
    near(&[demographic_parity_difference(&said_2, &groups, 2)], &[expected("binary_demographic_parity")], 1e-12);
    near(&[equalized_odds_difference(&said_2, &truth_2, &groups, 2)], &[expected("binary_equalized_odds")], 1e-12);
    assert_eq!(demographic_parity_difference(&said, &vec![0; said.len()], 3), 0.0, "one group");
    let predictions = Predictions::new(table(&reference["scores"]), truth).unwrap();
    near(&[ranking::average_precision(&predictions).unwrap()], &[expected("average_precision")], 1e-9);
    near(&[counts::f1(&predictions).unwrap()], &[expected("f1")], 1e-9);
}

/// With two classes what the second costs less than the first is fairlearn's signed weight.
#[test]
fn costs_of_the_reduction_are_the_signed_weights_of_fairlearn() {
    let reference = reference();
    let labels: Vec<usize> = whole(&reference["truth"]).into_iter().map(|class| usize::from(class > 0)).collect();
    let groups = whole(&reference["groups"]);
    let mut multipliers = Array2::zeros((2, 2));
    for entry in reference["multipliers"].as_array().unwrap() {
        let sign = if entry[0] == "+" { 1.0 } else { -1.0 };
        multipliers[[entry[1].as_u64().unwrap() as usize, 1]] += sign * entry[2].as_f64().unwrap();
    }
    let costs = Reduction::new(&labels, &groups, 2, 0.01, 1.0, 1.0).costs(multipliers.view());
    let signed: Vec<f64> = costs.rows().into_iter().map(|row| row[0] - row[1]).collect();
    near(&signed, &numbers(&reference["signed_weights"]), 1e-12);
}

/// Group 1 is positive more often. A learner that may decide by group and score reaches parity over the rounds.
#[test]
fn the_reduction_reaches_parity_with_an_exact_learner() {
    let mut stream = Stream::named(3, "rows");
    let groups: Vec<usize> = (0..400).map(|row| row % 2).collect();
    let labels: Vec<usize> =
        groups.iter().map(|group| usize::from(stream.uniform() < 0.2 + 0.5 * *group as f64)).collect();
    let mut game = Reduction::new(&labels, &groups, 2, 0.01, 10.0, 2.0);
    let mut shares = [0.0f64; 2];
    const ROUNDS: usize = 60;
    for _ in 0..ROUNDS {
        let (classes, weights) = game.rows();
        // The heavier class of each group: what a learner that knows the group alone can do best.
        let mut votes = [[0.0; 2]; 2];
        for row in 0..400 {
            votes[groups[row]][classes[row]] += weights[row];
        }
        let decisions: Vec<usize> =
            groups.iter().map(|group| usize::from(votes[*group][1] > votes[*group][0])).collect();
        for group in 0..2 {
            shares[group] += decisions[group] as f64 / ROUNDS as f64;
        }
        game.update(&decisions);
    }
    assert!((shares[0] - shares[1]).abs() <= 0.1, "{shares:?}; without constraints 0 and 1");
}

#[test]
fn offsets_for_each_group_make_shares_equal() {
    let mut stream = Stream::named(4, "rows");
    let groups: Vec<usize> = (0..600).map(|row| usize::from(row % 3 == 0)).collect();
    let probabilities = Array2::from_shape_fn((600, 3), |(row, class)| {
        0.1 + stream.uniform() + if groups[row] == class { 0.5 } else { 0.0 }
    });
    let sums = probabilities.sum_axis(ndarray::Axis(1)).insert_axis(ndarray::Axis(1));
    let probabilities = probabilities / &sums;
    let plain = offset_decisions(probabilities.view(), &groups, &Array2::zeros((2, 3)));
    assert!(demographic_parity_difference(&plain, &groups, 3) > 0.2);
    let offsets = group_offsets(probabilities.view(), &groups);
    let fair = offset_decisions(probabilities.view(), &groups, &offsets);
    // A share of 200 rows moves by half a point with a row.
    assert!(demographic_parity_difference(&fair, &groups, 3) <= 0.015);
}

#[test]
fn weights_of_words_match_scikit_learn() {
    let reference = reference();
    let texts: Vec<String> =
        reference["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_string()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let all: Vec<&str> = texts.iter().copied().chain(["new words"]).collect();
    let weights = TermWeights::fit(&all, usize::MAX);
    let words: Vec<&str> = reference["words"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert_eq!(weights.words, words);
    let found: Vec<f64> = weights.transform(&texts).iter().copied().collect();
    near(&found, &table(&reference["tfidf"]).iter().copied().collect::<Vec<f64>>(), 1e-9);
    assert_eq!(
        TermWeights::fit(&all, 2).words,
        ["failed", "the"],
        "the most frequent, of equals the first in the alphabet"
    );
    assert_eq!(weights.transform(&["xyz"]).sum(), 0.0);
}

#[test]
fn steps_hold_groups_in_proportion() {
    let groups: Vec<u32> = (0..100).map(|row| u32::from(row % 4 == 0)).collect();
    let steps = Sampler::Proportional(groups.clone()).epoch(100, 20, &mut Stream::named(1, "batches"));
    let mut all: Vec<u32> = steps.concat();
    all.sort();
    assert_eq!(all, (0..100).collect::<Vec<u32>>(), "every row once");
    for step in steps {
        let own = step.iter().filter(|row| groups[**row as usize] == 1).count();
        assert!((4..=6).contains(&own), "{own} of 20 rows are of the group that has a quarter");
    }
    assert!(Sampler::Proportional(vec![0; 3]).check(4).is_err());
}
