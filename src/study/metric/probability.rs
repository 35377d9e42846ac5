//! Metrics of the probabilities themselves: is 80 % right eight times in ten?

use serde::{Deserialize, Serialize};

use super::{Predictions, Value};

/// Bins of the reliability diagram and of the calibration error.
pub const BINS: usize = 15;

/// The samples whose highest probability (the confidence) lies in one bin of equal width.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Samples in the bin, at least one.
    pub samples: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share of them predicted right.
    pub accuracy: f64,
}

/// The bins that hold samples, by rising confidence.
pub fn reliability(predictions: &Predictions) -> Vec<ReliabilityBin> {
    let mut bins = [(0usize, 0.0, 0usize); BINS];
    let rows = predictions.probabilities().rows().into_iter();
    for ((row, predicted), &label) in rows.zip(predictions.predicted()).zip(predictions.labels()) {
        let confidence = row[predicted];
        let (samples, sum, right) = &mut bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        *samples += 1;
        *sum += confidence;
        *right += usize::from(predicted == label);
    }
    bins.iter()
        .filter(|(samples, ..)| *samples > 0)
        .map(|&(samples, sum, right)| ReliabilityBin {
            samples,
            confidence: sum / samples as f64,
            accuracy: right as f64 / samples as f64,
        })
        .collect()
}

/// Σ over bins of (share of samples) · |accuracy − confidence|.
pub fn calibration_error(predictions: &Predictions) -> Value {
    predictions.some_samples()?;
    let gap = |bin: &ReliabilityBin| bin.samples as f64 * (bin.accuracy - bin.confidence).abs();
    Ok(reliability(predictions).iter().map(gap).sum::<f64>() / predictions.labels().len() as f64)
}

/// −mean log p(true class), in nats.
pub fn log_loss(predictions: &Predictions) -> Value {
    predictions.some_samples()?;
    let rows = predictions.probabilities().rows().into_iter();
    let total: f64 =
        rows.zip(predictions.labels()).map(|(row, &label)| -row[label].clamp(f64::EPSILON, 1.0).ln()).sum();
    Ok(total / predictions.labels().len() as f64)
}

/// Mean over samples of Σ over classes (p − 1[true class])².
pub fn brier(predictions: &Predictions) -> Value {
    predictions.some_samples()?;
    let rows = predictions.probabilities().rows().into_iter();
    let distance = |(row, &label): (ndarray::ArrayView1<f64>, &usize)| -> f64 {
        row.iter().enumerate().map(|(class, p)| (p - f64::from(class == label)).powi(2)).sum()
    };
    Ok(rows.zip(predictions.labels()).map(distance).sum::<f64>() / predictions.labels().len() as f64)
}
