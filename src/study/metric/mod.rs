//! Metrics: what is measured on predicted probabilities and labels. One row of [`METRICS`] each.
//!
//! A [`Predictions`] is checked once, when it is made. Afterwards a metric has a value or a named reason why it has
//! none ([`Undefined`]), never a NaN. `tests/it/statistics.rs` compares every row with scikit-learn.
//!
//! ```
//! use ndarray::array;
//! use qgraft::study::metric::{METRICS, Predictions};
//!
//! let predictions = Predictions::new(array![[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]], vec![0, 1, 1])?;
//! let accuracy = METRICS.iter().find(|row| row.name == "accuracy").unwrap();
//! assert_eq!((accuracy.measure)(&predictions), Ok(2.0 / 3.0));
//! # Ok::<(), qgraft::study::StudyError>(())
//! ```

pub mod counts;
pub mod probability;
pub mod ranking;
pub mod text;
mod unit;

use ndarray::{Array2, Axis};
pub use unit::Unit;

use serde::{Deserialize, Serialize};

use super::error::{Result, StudyError};
use crate::math::order::argmax;

/// Predicted class probabilities beside the true labels.
#[derive(Clone, Debug)]
pub struct Predictions {
    probabilities: Array2<f64>,
    labels: Vec<usize>,
}

impl Predictions {
    /// `probabilities` is (samples, classes), each row in [0, 1] and summing to 1 within 1e-3 (the error of an f32
    /// softmax); `labels` counts classes from 0.
    ///
    /// # Errors
    /// Lengths that differ, fewer than two classes, a label that is no class, a row that is no distribution.
    pub fn new(probabilities: Array2<f64>, labels: Vec<usize>) -> Result<Self> {
        let (rows, classes) = probabilities.dim();
        if rows != labels.len() || classes < 2 {
            return Err(StudyError::Shape { rows, classes, labels: labels.len() });
        }
        if let Some((sample, &label)) = labels.iter().enumerate().find(|&(_, &label)| label >= classes) {
            return Err(StudyError::Label { sample, label, classes });
        }
        for (sample, row) in probabilities.rows().into_iter().enumerate() {
            let inside = row.iter().all(|p| (0.0..=1.0).contains(p));
            if !inside || (row.sum() - 1.0).abs() > 1e-3 {
                return Err(StudyError::Probabilities { sample, values: row.to_vec() });
            }
        }
        Ok(Self { probabilities, labels })
    }

    /// The predictions of several seeds as one, for curves and matrices over all of them.
    ///
    /// # Errors
    /// None at all, or different numbers of classes.
    pub fn pooled(seeds: &[Self]) -> Result<Self> {
        let classes = seeds.first().map_or(0, Self::classes);
        let views: Vec<_> = seeds.iter().map(|seed| seed.probabilities.view()).collect();
        let labels: Vec<usize> = seeds.iter().flat_map(|seed| seed.labels.iter().copied()).collect();
        let unlike = |_| StudyError::Shape { rows: labels.len(), classes, labels: labels.len() };
        let probabilities = ndarray::concatenate(Axis(0), &views).map_err(unlike)?;
        Ok(Self { probabilities, labels })
    }

    /// Share of samples whose most probable class is the true one; 0 of no samples.
    pub fn accuracy(&self) -> f64 {
        counts::accuracy(self).unwrap_or(0.0)
    }

    /// (samples, classes).
    pub fn probabilities(&self) -> &Array2<f64> {
        &self.probabilities
    }

    /// The true class of each sample.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.probabilities.ncols()
    }

    /// The most probable class of each sample; the first of equals, as numpy's `argmax`.
    pub fn predicted(&self) -> Vec<usize> {
        self.probabilities.rows().into_iter().map(argmax).collect()
    }

    /// Fails with the first class that has no sample, or if there are no samples at all.
    fn every_class_present(&self) -> std::result::Result<(), Undefined> {
        self.some_samples()?;
        match (0..self.classes()).find(|class| !self.labels.contains(class)) {
            Some(class) => Err(Undefined::ClassAbsent { class }),
            None => Ok(()),
        }
    }

    fn some_samples(&self) -> std::result::Result<(), Undefined> {
        if self.labels.is_empty() { Err(Undefined::NoSamples) } else { Ok(()) }
    }
}

/// Why a metric has no value on these samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names every field")]
pub enum Undefined {
    /// No samples.
    #[error("there are no samples")]
    NoSamples,
    /// A class without samples has neither a recall nor a ROC curve.
    #[error("class {class} has no samples")]
    ClassAbsent { class: usize },
}

/// A number, or the reason why there is none.
pub type Value = std::result::Result<f64, Undefined>;

/// Which way a metric improves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names explain themselves")]
pub enum Better {
    #[default]
    Higher,
    Lower,
}

/// One metric.
pub struct MetricRow {
    /// The name in spec files, tables and metrics.json.
    pub name: &'static str,
    /// The heading in a table.
    pub heading: &'static str,
    /// What it measures, its range and source.
    pub doc: &'static str,
    /// Which way it improves.
    pub better: Better,
    /// The measurement.
    pub measure: fn(&Predictions) -> Value,
}

/// Every metric, in the order tables show them.
pub static METRICS: &[MetricRow] = &[
    MetricRow {
        name: "accuracy",
        heading: "Accuracy",
        doc: "share of samples whose most probable class is the true one, 0 to 1",
        better: Better::Higher,
        measure: counts::accuracy,
    },
    MetricRow {
        name: "balanced_accuracy",
        heading: "Balanced accuracy",
        doc: "recall of each class, averaged over classes without weights (macro recall), 0 to 1",
        better: Better::Higher,
        measure: counts::balanced_accuracy,
    },
    MetricRow {
        name: "precision",
        heading: "Precision",
        doc: "precision of each class, averaged over classes without weights (macro), 0 to 1; 0 for a class that is never \
              predicted",
        better: Better::Higher,
        measure: counts::precision,
    },
    MetricRow {
        name: "f1",
        heading: "F1",
        doc: "harmonic mean of precision and recall of each class, averaged over classes without weights (macro F1), 0 to 1",
        better: Better::Higher,
        measure: counts::f1,
    },
    MetricRow {
        name: "auc",
        heading: "AUC",
        doc: "area under the ROC curve, 0 to 1, chance 0.5; of class 1 when there are two classes, else each class \
              against the rest, averaged without weights (macro)",
        better: Better::Higher,
        measure: ranking::auc,
    },
    MetricRow {
        name: "average_precision",
        heading: "Average precision",
        doc: "mean precision over the steps of recall, 0 to 1; of class 1 when there are two classes, else each class \
              against the rest, averaged without weights (macro)",
        better: Better::Higher,
        measure: ranking::average_precision,
    },
    MetricRow {
        name: "log_loss",
        heading: "Log loss",
        doc: "mean negative log probability of the true class, in nats, 0 upwards; probabilities are clipped to \
              2.2e-16 as in scikit-learn",
        better: Better::Lower,
        measure: probability::log_loss,
    },
    MetricRow {
        name: "calibration_error",
        heading: "Calibration error",
        doc: "expected calibration error, 0 to 1: gap between confidence and accuracy in 15 bins of equal width, \
              weighted by samples (Guo et al. 2017, arXiv 1706.04599, equation 3)",
        better: Better::Lower,
        measure: probability::calibration_error,
    },
    MetricRow {
        name: "brier",
        heading: "Brier",
        doc: "mean squared distance between the predicted and the one-hot distribution, summed over classes, 0 to 2 \
              (Brier 1950; with two classes twice the form that looks at class 1 alone)",
        better: Better::Lower,
        measure: probability::brier,
    },
];
