//! What predicted rows are good for.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use crate::math::symmetric::eigenvectors;

/// Σ|y - ŷ|² / Σ|y - mean|², with the mean of the training rows.
pub fn normalised_error(predicted: ArrayView2<'_, f64>, truth: ArrayView2<'_, f64>, mean: ArrayView1<'_, f64>) -> f64 {
    let gap: f64 = predicted.iter().zip(&truth).map(|(p, t)| (p - t) * (p - t)).sum();
    let spread: f64 =
        truth.rows().into_iter().map(|row| row.iter().zip(&mean).map(|(t, m)| (t - m).powi(2)).sum::<f64>()).sum();
    gap / spread.max(f64::MIN_POSITIVE)
}

/// Cosines of centred predicted rows to centred true rows, (predicted, true). Embeddings are not centred by themselves, and a
/// common direction makes all cosines large.
fn cosines(predicted: ArrayView2<'_, f64>, truth: ArrayView2<'_, f64>, mean: ArrayView1<'_, f64>) -> Array2<f64> {
    let unit = |rows: ArrayView2<'_, f64>| {
        let mut rows = &rows - &mean;
        for mut row in rows.rows_mut() {
            let length = row.dot(&row).sqrt();
            if length > 0.0 {
                row /= length;
            }
        }
        rows
    };
    unit(predicted).dot(&unit(truth).t())
}

/// Share of rows whose own true row is among the k most similar ones of a gallery: the rows themselves in groups of `gallery`.
pub fn top_k(
    predicted: ArrayView2<'_, f64>,
    truth: ArrayView2<'_, f64>,
    mean: ArrayView1<'_, f64>,
    (k, gallery): (usize, usize),
) -> f64 {
    let (mut hits, mut count) = (0, 0);
    let size = gallery.max(1);
    for (own, other) in predicted.axis_chunks_iter(Axis(0), size).zip(truth.axis_chunks_iter(Axis(0), size)) {
        let similar = cosines(own, other, mean);
        for (row, values) in similar.rows().into_iter().enumerate() {
            let better = values.iter().enumerate().filter(|(at, value)| *at != row && **value >= values[row]).count();
            hits += usize::from(better < k);
            count += 1;
        }
    }
    f64::from(hits as u32) / f64::from(count.max(1) as u32)
}

/// Two-way identification: of all pairs of rows, the share in which a prediction is more similar to its own true row than to
/// the other one. Chance is one half.
pub fn two_way(predicted: ArrayView2<'_, f64>, truth: ArrayView2<'_, f64>, mean: ArrayView1<'_, f64>) -> f64 {
    let similar = cosines(predicted, truth, mean);
    let rows = similar.nrows();
    let mut wins = 0.0;
    for row in 0..rows {
        for other in (0..rows).filter(|other| *other != row) {
            let (own, false_one) = (similar[[row, row]], similar[[row, other]]);
            wins += if own > false_one {
                1.0
            } else if own == false_one {
                0.5
            } else {
                0.0
            };
        }
    }
    wins / ((rows * rows.saturating_sub(1)).max(1) as f64)
}

/// e^entropy of the shares of variance of the principal components (Roy and Vetterli 2007): how many directions rows use.
pub fn effective_rank(rows: ArrayView2<'_, f64>) -> f64 {
    let Some(mean) = rows.mean_axis(Axis(0)) else { return 0.0 };
    let centred = &rows - &mean;
    let (values, _) = eigenvectors(&centred.t().dot(&centred));
    let sum: f64 = values.iter().filter(|value| **value > 0.0).sum();
    if !(sum > 0.0) {
        return 0.0;
    }
    let shares = values.iter().map(|value| value / sum).filter(|share| *share > 0.0);
    (-shares.map(|share| share * share.ln()).sum::<f64>()).exp()
}

/// The share of the variance of each column that repetitions of a row agree in, (repetitions, rows, columns) given as a list of
/// equal matrices: (variance of means - variance of error of means) / variance of means, at least 0. At least two repetitions.
pub fn noise_ceiling(repetitions: &[ArrayView2<'_, f64>]) -> Option<Vec<f64>> {
    let count = repetitions.len();
    let first = repetitions.first().filter(|first| count >= 2 && first.nrows() >= 2)?;
    if repetitions.iter().any(|other| other.dim() != first.dim()) {
        return None;
    }
    let mut mean = Array2::<f64>::zeros(first.dim());
    repetitions.iter().for_each(|rows| mean += rows);
    mean /= count as f64;
    let mut within = Array2::<f64>::zeros(first.dim());
    repetitions.iter().for_each(|rows| within += &(rows - &mean).mapv(|g| g * g));
    let error = within.mean_axis(Axis(0))? / ((count - 1) * count) as f64;
    let spread = mean.var_axis(Axis(0), 1.0);
    let ceiling = |(spread, error): (&f64, &f64)| if *spread > 0.0 { (1.0 - error / spread).max(0.0) } else { 0.0 };
    Some(spread.iter().zip(&error).map(ceiling).collect())
}
