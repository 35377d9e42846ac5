//! Logistic regression of two classes on a precomputed kernel.

use ndarray::{Array1, ArrayView1, ArrayView2};

/// The logarithm of the odds of a class as `Σ a_i k(x_i, x) + b` over training rows; minimises Σ log-loss + penalty/2 · aᵀKa. With
/// the kernel `x·y` it is [`Logistic`](super::Logistic) with the weights `Σ a_i x_i`, at a cost that grows with the number of rows
/// and not of features.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelLogistic {
    /// a, one for each training row.
    pub coefficients: Array1<f64>,
    /// b, not penalised.
    pub bias: f64,
}

/// Newton steps at most.
const STEPS: usize = 50;
/// Steps of conjugate gradients within one.
const INNER: usize = 500;

impl KernelLogistic {
    /// Fitted to the kernel of training rows, (rows, rows), symmetric and positive semidefinite, by Newton's method: its equations
    /// are scaled by the root of the weights (Rasmussen & Williams 2006, algorithm 3.1) and solved by conjugate gradients. `None`
    /// if `penalty` is not positive, the rows are of one class, or a value is not finite.
    pub fn fit(kernel: ArrayView2<'_, f64>, labels: &[bool], penalty: f64) -> Option<Self> {
        let count = labels.len();
        let positives = labels.iter().filter(|label| **label).count();
        if kernel.dim() != (count, count) || positives == 0 || positives == count || penalty.is_nan() || penalty <= 0.0
        {
            return None;
        }
        let targets: Array1<f64> = labels.iter().map(|label| f64::from(u8::from(*label))).collect();
        let mut fitted = Self { coefficients: Array1::zeros(count), bias: 0.0 };
        let mut odds: Array1<f64> = Array1::zeros(count);
        let mut loss = fitted.loss(&odds, &targets, kernel, penalty);
        for _ in 0..STEPS {
            let p = odds.mapv(|f: f64| 1.0 / (1.0 + (-f).exp()));
            let slope = &targets - &p;
            // At the minimum penalty · a = y - p, and the residuals sum to nothing.
            let gap =
                (&slope - &(&fitted.coefficients * penalty)).iter().fold(slope.sum().abs(), |m, g| m.max(g.abs()));
            if gap < 1e-9 {
                break;
            }
            // From below, so that confident rows stay in the equations.
            let root = p.mapv(|p| (p * (1.0 - p)).max(1e-10).sqrt());
            let working = &odds + &(&slope / &root.mapv(|r| r * r));
            let inverse = |right: &Array1<f64>| -> Array1<f64> {
                let apply = |x: &Array1<f64>| &kernel.dot(&(x * &root)) * &root + x * penalty;
                &conjugate_gradients(apply, right * &root) * &root
            };
            let (of_working, of_ones) = (inverse(&working), inverse(&Array1::ones(count)));
            let bias = of_working.sum() / of_ones.sum();
            let coefficients = of_working - of_ones * bias;
            let mut length = 1.0;
            loop {
                let mix = |old: f64, new: f64| old + length * (new - old);
                let next = Self {
                    coefficients: ndarray::Zip::from(&fitted.coefficients)
                        .and(&coefficients)
                        .map_collect(|old, new| mix(*old, *new)),
                    bias: mix(fitted.bias, bias),
                };
                let found = kernel.dot(&next.coefficients) + next.bias;
                let reached = next.loss(&found, &targets, kernel, penalty);
                if reached <= loss || length < 1e-4 {
                    (fitted, odds, loss) = (next, found, reached);
                    break;
                }
                length /= 2.0;
            }
        }
        loss.is_finite().then_some(fitted)
    }

    /// The logarithm of the odds from the kernel of a row with the training rows.
    pub fn log_odds(&self, kernel: ArrayView1<'_, f64>) -> f64 {
        kernel.dot(&self.coefficients) + self.bias
    }

    fn loss(&self, odds: &Array1<f64>, targets: &Array1<f64>, kernel: ArrayView2<'_, f64>, penalty: f64) -> f64 {
        // log(1 + e^f) - y f, without overflow.
        let row = |(f, y): (&f64, &f64)| f.max(0.0) + (-f.abs()).exp().ln_1p() - y * f;
        let fit: f64 = odds.iter().zip(targets).map(row).sum();
        fit + 0.5 * penalty * self.coefficients.dot(&kernel.dot(&self.coefficients))
    }
}

/// The x with `apply(x) = right` for a positive definite map.
fn conjugate_gradients(apply: impl Fn(&Array1<f64>) -> Array1<f64>, right: Array1<f64>) -> Array1<f64> {
    let mut x = Array1::zeros(right.len());
    let mut residual = right;
    let mut direction = residual.clone();
    let mut square = residual.dot(&residual);
    let goal = 1e-24 * square;
    for _ in 0..INNER {
        if square <= goal {
            break;
        }
        let image = apply(&direction);
        let step = square / direction.dot(&image);
        x.scaled_add(step, &direction);
        residual.scaled_add(-step, &image);
        let next = residual.dot(&residual);
        direction = &residual + &(&direction * (next / square));
        square = next;
    }
    x
}
