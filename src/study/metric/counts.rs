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

/// What the confusion matrix says of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassCounts {
    /// Samples of the class.
    pub samples: usize,
    /// Samples predicted as the class.
    pub predicted: usize,
    /// Samples of the class that are predicted as it.
    pub right: usize,
}

impl ClassCounts {
    /// Share of the predictions of the class that are right; 0 if it is never predicted.
    pub fn precision(&self) -> f64 {
        self.right as f64 / self.predicted.max(1) as f64
    }

    /// Share of the samples of the class that are found; 0 if it has none.
    pub fn recall(&self) -> f64 {
        self.right as f64 / self.samples.max(1) as f64
    }

    /// Harmonic mean of both, 2·TP / (2·TP + FP + FN); 0 of a class without samples and predictions.
    pub fn f1(&self) -> f64 {
        2.0 * self.right as f64 / (self.samples + self.predicted).max(1) as f64
    }

    /// Whether the class is predicted less than a fifth as often as it occurs: a share of right predictions over all
    /// classes hides that.
    pub fn is_neglected(&self) -> bool {
        5 * self.predicted < self.samples
    }
}

/// The counts of each class.
pub fn by_class(predictions: &Predictions) -> Vec<ClassCounts> {
    let counts = confusion(predictions);
    let of_class = |class: usize| ClassCounts {
        samples: counts.row(class).sum(),
        predicted: counts.column(class).sum(),
        right: counts[[class, class]],
    };
    (0..predictions.classes()).map(of_class).collect()
}

/// Mean over classes of what is measured of each.
fn macro_mean(predictions: &Predictions, of_class: fn(&ClassCounts) -> f64) -> Value {
    predictions.every_class_present()?;
    Ok(by_class(predictions).iter().map(of_class).sum::<f64>() / predictions.classes() as f64)
}

/// Macro precision. A class that is never predicted counts as 0.
pub fn precision(predictions: &Predictions) -> Value {
    macro_mean(predictions, ClassCounts::precision)
}

/// Macro recall, which is also called balanced accuracy.
pub fn balanced_accuracy(predictions: &Predictions) -> Value {
    macro_mean(predictions, ClassCounts::recall)
}

/// Macro F1: 2·TP / (2·TP + FP + FN) of each class, averaged. A class that is never predicted counts as 0.
pub fn f1(predictions: &Predictions) -> Value {
    macro_mean(predictions, ClassCounts::f1)
}
