//! Losses (rows) of logits (rows, …), each differentiable in the logits. Natural logarithms throughout.

use candle_core::{D, Result, Tensor};
use candle_nn::ops::log_softmax;

/// -log softmax(z)_y for logits (rows, classes) and classes (rows) u32.
///
/// # Errors
/// If shapes do not fit.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor) -> Result<Tensor> {
    log_softmax(logits, D::Minus1)?.gather(&labels.unsqueeze(1)?, 1)?.squeeze(1)?.neg()
}

/// -Σ_k t_k log softmax(z)_k for logits and distributions (rows, classes): its gradient is that of [`divergence`].
///
/// # Errors
/// If shapes do not fit.
pub fn soft_cross_entropy(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    (log_softmax(logits, D::Minus1)? * targets)?.sum(D::Minus1)?.neg()
}

/// KL(t ‖ softmax(z)) for logits and distributions (rows, classes); 0 log 0 is 0. Its mean over rows is PyTorch's
/// `KLDivLoss` with reduction `batchmean`.
///
/// # Errors
/// If shapes do not fit.
pub fn divergence(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    // Any positive bound does: it is only multiplied by 0.
    let entropy = (targets.maximum(1e-30)?.log()? * targets)?.sum(D::Minus1)?;
    entropy + soft_cross_entropy(logits, targets)?
}

/// T² KL(softmax(s/T) ‖ softmax(z/T)) for a student's logits z and a teacher's scores s (rows, classes): knowledge
/// distillation (Hinton, Vinyals & Dean 2015, arXiv:1503.02531, section 2). T² keeps the size of the gradient. The
/// teacher is a constant; logarithms of its probabilities do as scores.
///
/// # Errors
/// If shapes do not fit.
pub fn distillation(logits: &Tensor, teacher: &Tensor, temperature: f64) -> Result<Tensor> {
    let targets = candle_nn::ops::softmax(&(teacher.detach() / temperature)?, D::Minus1)?;
    divergence(&(logits / temperature)?, &targets)? * (temperature * temperature)
}

/// The mean over a row of -t log σ(z) - (1 - t) log(1 - σ(z)) for logits and targets in 0..=1 of one shape (rows, …),
/// as max(z, 0) - z t + log(1 + e^{-|z|}), which neither overflows nor loses small losses.
///
/// # Errors
/// If shapes do not fit.
pub fn binary_cross_entropy(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    let tail = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
    row_means(&((logits.relu()? - (logits * targets)?)? + tail)?)
}

/// -(1 - p_y)^γ log p_y with p = softmax(z) (Lin et al. 2017, arXiv:1708.02002, eq. 4), for logits (rows, classes) and
/// classes (rows) u32.
///
/// # Errors
/// If shapes do not fit.
pub fn focal(logits: &Tensor, labels: &Tensor, gamma: f64) -> Result<Tensor> {
    let loss = cross_entropy(logits, labels)?;
    if gamma == 0.0 {
        return Ok(loss);
    }
    // A power of exactly 0 has an infinite slope for γ < 1.
    let missing = (1.0 - loss.neg()?.exp()?)?.maximum(1e-12)?;
    missing.powf(gamma)? * loss
}

/// The mean over a row of -α_t (1 - p_t)^γ log p_t with p = σ(z), p_t the probability of the target and α_t = α where the target is
/// 1, 1 - α where it is 0 (Lin et al. 2017, arXiv:1708.02002, eq. 5), for logits and targets in {0, 1} of one shape (rows, …).
///
/// # Errors
/// If shapes do not fit.
pub fn sigmoid_focal(logits: &Tensor, targets: &Tensor, gamma: f64, alpha: f64) -> Result<Tensor> {
    // z where the target is 1, -z where it is 0: then p_t = σ of it.
    let signed = (logits * targets.affine(2.0, -1.0)?)?;
    let tail = (signed.abs()?.neg()?.exp()? + 1.0)?.log()?;
    let loss = (signed.neg()?.relu()? + tail)?;
    let missing = (1.0 - loss.neg()?.exp()?)?.maximum(1e-12)?;
    let share = targets.affine(2.0 * alpha - 1.0, 1.0 - alpha)?;
    row_means(&(loss * missing.powf(gamma)? * share)?)
}

/// The mean over a row of (z - t)², both (rows, …).
///
/// # Errors
/// If shapes do not fit.
pub fn squares(outputs: &Tensor, targets: &Tensor) -> Result<Tensor> {
    row_means(&(outputs - targets)?.sqr()?)
}

/// The mean over a row of |z - t|, both (rows, …).
///
/// # Errors
/// If shapes do not fit.
pub fn absolute(outputs: &Tensor, targets: &Tensor) -> Result<Tensor> {
    row_means(&(outputs - targets)?.abs()?)
}

/// The mean over a row of d²/2 where |d| ≤ δ and δ (|d| - δ/2) beyond, d = z - t, both (rows, …) (Huber 1964).
///
/// # Errors
/// If shapes do not fit.
pub fn huber(outputs: &Tensor, targets: &Tensor, delta: f64) -> Result<Tensor> {
    let gap = (outputs - targets)?.abs()?;
    // With s = min(|d|, δ) both branches are s (|d| - s/2).
    let short = gap.minimum(delta)?;
    row_means(&(&short * (&gap - (&short * 0.5)?)?)?)
}

/// (rows, …) to (rows).
pub(super) fn row_means(values: &Tensor) -> Result<Tensor> {
    match values.rank() {
        0 | 1 => Ok(values.clone()),
        _ => values.flatten_from(1)?.mean(1),
    }
}
