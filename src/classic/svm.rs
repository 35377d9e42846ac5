//! Support vector classification on a precomputed kernel.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

/// One-vs-rest C-support-vector classifiers on a kernel matrix, solved by sequential minimal optimisation with the
/// maximal violating pair (Fan, Chen & Lin 2005, working set selection 1).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SupportVectors {
    /// (training rows, classes): `α·y` of each binary machine.
    coefficients: Array2<f64>,
    /// (classes): offset of each machine.
    offsets: Array1<f64>,
}

impl SupportVectors {
    /// Fits on the kernel of the training rows with themselves, (rows, rows), symmetric and positive semidefinite;
    /// `penalty` is C > 0, labels are class indices below `classes`. Ends when no pair violates the optimality
    /// conditions by more than `tolerance`, or after 10⁶ steps.
    pub fn fit(kernel: ArrayView2<'_, f64>, labels: &[u32], classes: usize, penalty: f64, tolerance: f64) -> Self {
        let mut coefficients = Array2::zeros((labels.len(), classes));
        let mut offsets = Array1::zeros(classes);
        for class in 0..classes {
            let signs: Vec<f64> = labels.iter().map(|&l| if l as usize == class { 1.0 } else { -1.0 }).collect();
            let (alpha, offset) = solve(kernel, &signs, penalty, tolerance);
            for (row, (a, y)) in alpha.iter().zip(&signs).enumerate() {
                coefficients[[row, class]] = a * y;
            }
            offsets[class] = offset;
        }
        Self { coefficients, offsets }
    }

    /// Training rows and classes; `None` if the parts disagree, as those of a file may.
    pub fn sizes(&self) -> Option<(usize, usize)> {
        let (rows, classes) = self.coefficients.dim();
        (self.offsets.len() == classes).then_some((rows, classes))
    }

    /// Coefficients of the training rows, `α·y`, and the offset of the machine of one class: its decision is their product with
    /// the kernel, plus the offset. Rows with the coefficient 0 are no support vectors.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn machine(&self, class: usize) -> (ArrayView1<'_, f64>, f64) {
        (self.coefficients.column(class), self.offsets[class])
    }

    /// Decision values (rows, classes) from the kernel of new rows with the training rows, (rows, training rows). The
    /// largest names the class; they are not probabilities.
    pub fn decide(&self, kernel: ArrayView2<'_, f64>) -> Array2<f64> {
        kernel.dot(&self.coefficients) + &self.offsets
    }
}

/// Multipliers and offset of one binary machine: minimises `½ αᵀQα - 1ᵀα`, `Q_ij = y_i y_j K_ij`, under `yᵀα = 0`,
/// `0 ≤ α ≤ C`.
fn solve(kernel: ArrayView2<'_, f64>, y: &[f64], penalty: f64, tolerance: f64) -> (Vec<f64>, f64) {
    let count = y.len();
    let (mut alpha, mut gradient) = (vec![0.0; count], vec![-1.0; count]);
    let mut bounds = (0.0, 0.0);
    for _ in 0..1_000_000 {
        // -y∇ of a multiplier that may grow must not exceed that of one that may shrink.
        let (mut up, mut down) = (None, None);
        for k in 0..count {
            let slope = -y[k] * gradient[k];
            let (rises, falls) =
                if y[k] > 0.0 { (alpha[k] < penalty, alpha[k] > 0.0) } else { (alpha[k] > 0.0, alpha[k] < penalty) };
            if rises && up.is_none_or(|(_, best)| slope > best) {
                up = Some((k, slope));
            }
            if falls && down.is_none_or(|(_, best)| slope < best) {
                down = Some((k, slope));
            }
        }
        let (Some((i, highest)), Some((j, lowest))) = (up, down) else { break };
        bounds = (highest, lowest);
        if highest - lowest <= tolerance {
            break;
        }
        let curvature = (kernel[[i, i]] + kernel[[j, j]] - 2.0 * kernel[[i, j]]).max(1e-12);
        let slack = |k: usize, direction: f64| if y[k] * direction > 0.0 { penalty - alpha[k] } else { alpha[k] };
        let step = ((highest - lowest) / curvature).min(slack(i, 1.0)).min(slack(j, -1.0));
        alpha[i] += y[i] * step;
        alpha[j] -= y[j] * step;
        for k in 0..count {
            gradient[k] += y[k] * step * (kernel[[k, i]] - kernel[[k, j]]);
        }
    }
    // On the margin -y∇ equals the offset. The middle of the last bounds lies between all that are free.
    (alpha, (bounds.0 + bounds.1) / 2.0)
}
