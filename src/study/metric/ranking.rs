//! Metrics of the order in which samples are ranked: the ROC and precision-recall curves and what is under them.

use super::{Predictions, Undefined, Value};

/// One point of a ROC curve: what is called positive at this threshold and above.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RocPoint {
    /// Share of the other classes' samples called positive.
    pub false_positive_rate: f64,
    /// Share of the class's samples called positive.
    pub true_positive_rate: f64,
    /// Probability from which a sample is called positive; infinite at the start of the curve, where none is.
    pub threshold: f64,
}

/// The ROC curve of `class` against the rest, from (0, 0) to (1, 1). Samples of equal probability make one step, so
/// that ties are neither won nor lost.
pub fn roc(predictions: &Predictions, class: usize) -> Result<Vec<RocPoint>, Undefined> {
    predictions.every_class_present()?;
    let mut ranked: Vec<(f64, bool)> = predictions
        .probabilities()
        .column(class)
        .iter()
        .zip(predictions.labels())
        .map(|(&probability, &label)| (probability, label == class))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let positives = ranked.iter().filter(|(_, positive)| *positive).count();
    let negatives = ranked.len() - positives;

    let mut curve = vec![RocPoint { false_positive_rate: 0.0, true_positive_rate: 0.0, threshold: f64::INFINITY }];
    let (mut true_positives, mut false_positives) = (0, 0);
    for tied in ranked.chunk_by(|a, b| a.0 == b.0) {
        let won = tied.iter().filter(|(_, positive)| *positive).count();
        true_positives += won;
        false_positives += tied.len() - won;
        curve.push(RocPoint {
            false_positive_rate: false_positives as f64 / negatives as f64,
            true_positive_rate: true_positives as f64 / positives as f64,
            threshold: tied[0].0,
        });
    }
    Ok(curve)
}

/// One point of a precision-recall curve: what is called positive at this threshold and above.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrecisionRecallPoint {
    /// Share of the class's samples called positive.
    pub recall: f64,
    /// Share of the samples called positive that are of the class.
    pub precision: f64,
}

/// The precision-recall curve of `class` against the rest, recall ascending. Samples of equal probability make one step.
pub fn precision_recall(predictions: &Predictions, class: usize) -> Result<Vec<PrecisionRecallPoint>, Undefined> {
    let counts: Vec<f64> = predictions.labels().iter().map(|label| f64::from(u8::from(*label == class))).collect();
    let positives: f64 = counts.iter().sum();
    let negatives = counts.len() as f64 - positives;
    let point = |step: &RocPoint| {
        let (right, wrong) = (step.true_positive_rate * positives, step.false_positive_rate * negatives);
        PrecisionRecallPoint { recall: step.true_positive_rate, precision: right / (right + wrong) }
    };
    Ok(roc(predictions, class)?[1..].iter().map(point).collect())
}

/// Average precision: the mean precision over the steps of recall, each weighted by its height, without interpolation
/// (Σ (R_n − R_{n−1}) P_n, as scikit-learn). Of class 1 when there are two classes, else the mean over classes.
pub fn average_precision(predictions: &Predictions) -> Value {
    let evaluated = if predictions.classes() == 2 { 1..2 } else { 0..predictions.classes() };
    let count = evaluated.len();
    let of_class = |class| average_precision_of_class(predictions, class);
    Ok(evaluated.map(of_class).collect::<Result<Vec<f64>, _>>()?.iter().sum::<f64>() / count as f64)
}

/// The same of one class against the rest.
///
/// # Errors
/// A class without samples.
pub fn average_precision_of_class(predictions: &Predictions, class: usize) -> Value {
    let mut before = 0.0;
    let step = |point: PrecisionRecallPoint| {
        let height = point.recall - before;
        before = point.recall;
        height * point.precision
    };
    Ok(precision_recall(predictions, class)?.into_iter().map(step).sum())
}

/// Placements of cases (DeLong, DeLong & Clarke-Pearson 1988, doi 10.2307/2531595): for each positive one the share of negative
/// ones that it ranks above, and for each negative one the share of positive ones above it, ties half. Shares of no cases are NaN.
pub fn placements(scores: &[f64], is_positive: &[bool]) -> [Vec<f64>; 2] {
    let of = |kind: bool| -> Vec<f64> {
        scores.iter().zip(is_positive).filter(|(_, own)| **own == kind).map(|(score, _)| *score).collect()
    };
    let sorted = |values: &[f64]| {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        values
    };
    let (positive, negative) = (of(true), of(false));
    let (ranked, others) = (sorted(&positive), sorted(&negative));
    // The share of sorted values below one, equal ones counted half.
    let below = |sorted: &[f64], value: f64| {
        let (less, up_to) = (sorted.partition_point(|v| *v < value), sorted.partition_point(|v| *v <= value));
        (less + up_to) as f64 / (2 * sorted.len()) as f64
    };
    let of_positive = positive.iter().map(|score| below(&others, *score)).collect();
    let of_negative = negative.iter().map(|score| 1.0 - below(&ranked, *score)).collect();
    [of_positive, of_negative]
}

/// Area under the ROC curve of scores that rise with the chance of being positive: the chance that a positive case ranks above a
/// negative one, ties half. `None` without cases of both kinds.
pub fn area(scores: &[f64], is_positive: &[bool]) -> Option<f64> {
    let [of_positive, of_negative] = placements(scores, is_positive);
    let has_both = !of_positive.is_empty() && !of_negative.is_empty();
    has_both.then(|| of_positive.iter().sum::<f64>() / of_positive.len() as f64)
}

/// The same of the probability of `class`, against the rest.
///
/// # Errors
/// A class without samples.
pub fn area_of_class(predictions: &Predictions, class: usize) -> Value {
    predictions.every_class_present()?;
    let scores = predictions.probabilities().column(class).to_vec();
    let is_positive: Vec<bool> = predictions.labels().iter().map(|label| *label == class).collect();
    // Of one class there are no other samples.
    area(&scores, &is_positive).ok_or(Undefined::NoSamples)
}

/// AUC of class 1 when there are two classes, else the mean over classes of each against the rest.
pub fn auc(predictions: &Predictions) -> Value {
    let evaluated = if predictions.classes() == 2 { 1..2 } else { 0..predictions.classes() };
    let count = evaluated.len();
    let areas: Vec<f64> = evaluated.map(|class| area_of_class(predictions, class)).collect::<Result<_, _>>()?;
    Ok(areas.iter().sum::<f64>() / count as f64)
}
