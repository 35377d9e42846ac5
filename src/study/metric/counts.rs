//! Metrics of the predicted class alone: the confusion matrix and what is read off it.

use ndarray::Array2;

use super::{Predictions, Value};

/// Counts (true class, predicted class), square over the classes.
pub fn confusion(predictions: &Predictions) -> Array2<usize> {
    let mut counts = Array2::zeros((predictions.classes(), predictions.classes()));
    for (&label, predicted) in predictions.labels().iter().zip(predictions.predicted()) {
        counts[[label, predicted]] += 1;
    }
    counts
}

/// Share of labels that are predicted right; 0 of none.
pub fn share_right(predicted: impl IntoIterator<Item = usize>, labels: &[usize]) -> f64 {
    let right = predicted.into_iter().zip(labels).filter(|(predicted, label)| predicted == *label).count();
    right as f64 / labels.len().max(1) as f64
}

/// Share of samples predicted right.
pub fn accuracy(predictions: &Predictions) -> Value {
    predictions.some_samples()?;
    Ok(share_right(predictions.predicted(), predictions.labels()))
}

/// Macro F1: 2·TP / (2·TP + FP + FN) of each class, averaged. A class that is never predicted counts as 0.
pub fn f1(predictions: &Predictions) -> Value {
    predictions.every_class_present()?;
    let counts = confusion(predictions);
    let of_class = |class: usize| {
        // The denominator is (true + predicted) samples of the class, at least 1 because every class is present.
        2.0 * counts[[class, class]] as f64 / (counts.row(class).sum() + counts.column(class).sum()) as f64
    };
    Ok((0..predictions.classes()).map(of_class).sum::<f64>() / predictions.classes() as f64)
}
