//! Losses (rows) that compare directions of rows, each differentiable in the predictions.

use candle_core::{D, Result, Tensor};
use candle_nn::ops::{log_softmax, softmax};

/// Rows of length 1; rows of zeros stay.
fn unit(rows: &Tensor) -> Result<Tensor> {
    let length = rows.sqr()?.sum_keepdim(D::Minus1)?.affine(1.0, 1e-12)?.sqrt()?;
    rows.broadcast_div(&length)
}

/// 1 - cos of each predicted row (rows, width) with its target (rows, width).
///
/// # Errors
/// If shapes do not fit.
pub fn cosine_distance(predicted: &Tensor, targets: &Tensor) -> Result<Tensor> {
    (unit(predicted)? * unit(targets)?)?.sum(D::Minus1)?.affine(-1.0, 1.0)
}

/// SoftCLIP (Scotti et al. 2023, arXiv 2305.18274, eq. 3): the cross-entropy of softmax(p·tᵀ/τ) with softmax(t·tᵀ/τ), of rows p, t of
/// length 1, and the same of softmax(t·pᵀ/τ), both halved. Rows of a batch are each other's negatives; those whose targets are
/// alike count less as such.
///
/// # Errors
/// If shapes do not fit.
pub fn soft_clip(predicted: &Tensor, targets: &Tensor, temperature: f64) -> Result<Tensor> {
    let (predicted, targets) = (unit(predicted)?, unit(targets)?);
    let similar = |a: &Tensor| a.matmul(&targets.t()?)?.affine(1.0 / temperature, 0.0);
    let soft = softmax(&similar(&targets)?, D::Minus1)?.detach();
    let logits = similar(&predicted)?;
    let entropy = |logits: &Tensor| (log_softmax(logits, D::Minus1)? * &soft)?.sum(D::Minus1);
    (entropy(&logits)? + entropy(&logits.t()?.contiguous()?)?)?.affine(-0.5, 0.0)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor, Var};

    use super::{cosine_distance, soft_clip};

    fn rows(values: &[[f64; 2]]) -> Tensor {
        Tensor::from_iter(values.iter().flatten().copied(), &Device::Cpu).unwrap().reshape((values.len(), 2)).unwrap()
    }

    #[test]
    fn soft_clip_is_the_mean_of_both_cross_entropies() {
        let p = [[1.0, 0.5], [-0.3, 2.0], [0.7, -1.1]];
        let t = [[0.9, 0.2], [0.1, 1.5], [-0.4, -0.8]];
        let unit = |row: [f64; 2]| {
            let length = (row[0] * row[0] + row[1] * row[1]).sqrt();
            [row[0] / length, row[1] / length]
        };
        let (a, b) = (p.map(unit), t.map(unit));
        let dot = |x: [f64; 2], y: [f64; 2]| (x[0] * y[0] + x[1] * y[1]) / 0.5;
        let shares = |row: [f64; 3]| {
            let sum: f64 = row.iter().map(|v| v.exp()).sum();
            row.map(|v| v.exp() / sum)
        };
        let found: Vec<f64> = soft_clip(&rows(&p), &rows(&t), 0.5).unwrap().to_vec1().unwrap();
        for (k, found) in found.iter().enumerate() {
            let soft = shares([0, 1, 2].map(|j| dot(b[k], b[j])));
            let there = shares([0, 1, 2].map(|j| dot(a[k], b[j])));
            let back = shares([0, 1, 2].map(|j| dot(b[k], a[j])));
            let wanted: f64 = (0..3).map(|j| -0.5 * soft[j] * (there[j].ln() + back[j].ln())).sum();
            assert!((found - wanted).abs() < 1e-9, "{k}: {found} {wanted}");
        }
    }

    #[test]
    fn gradients_are_differences() {
        let (p, t) = ([[1.0, 0.5], [-0.3, 2.0]], rows(&[[0.9, 0.2], [0.1, 1.5]]));
        let value = |p: &Tensor| {
            let sum = (soft_clip(p, &t, 0.1).unwrap() + cosine_distance(p, &t).unwrap()).unwrap();
            sum.sum_all().unwrap()
        };
        let var = Var::from_tensor(&rows(&p)).unwrap();
        let slopes = value(&var).backward().unwrap().get(&var).unwrap().to_vec2::<f64>().unwrap();
        for (row, column) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            let moved = |by: f64| {
                let mut p = p;
                p[row][column] += by;
                value(&rows(&p)).to_scalar::<f64>().unwrap()
            };
            let wanted = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((slopes[row][column] - wanted).abs() < 1e-6, "{} {wanted}", slopes[row][column]);
        }
    }
}
