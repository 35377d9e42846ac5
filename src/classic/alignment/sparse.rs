//! A map and its sparse difference from another one.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::classic::ClassicError;
use crate::classic::alignment::few_pairs::outside;
use crate::classic::alignment::ridge::{Affine, PairedRows};

/// Penalties that cross-validation chooses from, as shares of the least one at which there is no difference. They fall, so that
/// each solution starts from the one before.
const SHARES: [f64; 6] = [1.0, 0.3, 0.1, 0.03, 0.01, 0.003];
/// Passes over the entries of a difference at most.
const PASSES: usize = 1_000;
/// Change of a slope at which passes end, relative to the least penalty at which there is no difference.
const TOLERANCE: f64 = 1e-8;

/// Centred inputs and residuals of a map: their products, and what gives the intercepts.
struct Residuals {
    /// (inputs, inputs): mean of x xᵀ.
    gram: Array2<f64>,
    /// (inputs, outputs): mean of x times the residual.
    right: Array2<f64>,
    means: (Array1<f64>, Array1<f64>),
}

impl Residuals {
    fn new(map: &Affine, pairs: PairedRows<'_>) -> Self {
        let rest = &pairs.y - &map.predict(pairs.x);
        let mean = |a: ArrayView2<'_, f64>| a.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(a.ncols()));
        let means = (mean(pairs.x), mean(rest.view()));
        let (x, rest) = (&pairs.x - &means.0, rest - &means.1);
        let rows = x.nrows().max(1) as f64;
        Self { gram: x.t().dot(&x) / rows, right: x.t().dot(&rest) / rows, means }
    }

    /// The least penalty at which nothing differs.
    fn largest(&self) -> f64 {
        self.right.iter().fold(0.0, |most, value| most.max(value.abs()))
    }

    /// Moves `weights` (inputs, outputs) to argmin over δ of mean |y - f(x) - x·δ|²/2 + penalty·Σ|δ| by coordinate descent (Friedman,
    /// Hastie and Tibshirani 2010, doi 10.18637/jss.v033.i01). Outputs do not depend on each other.
    fn descend(&self, penalty: f64, weights: &mut Array2<f64>) {
        let enough = TOLERANCE * self.largest();
        for (mut own, right) in weights.columns_mut().into_iter().zip(self.right.columns()) {
            let mut slopes = &right - &self.gram.dot(&own);
            for _ in 0..PASSES {
                let mut most: f64 = 0.0;
                for k in 0..own.len() {
                    let square = self.gram[[k, k]];
                    if square <= 0.0 {
                        // A constant input.
                        continue;
                    }
                    let pull = slopes[k] + square * own[k];
                    let moved = pull.signum() * (pull.abs() - penalty).max(0.0) / square - own[k];
                    if moved != 0.0 {
                        own[k] += moved;
                        slopes.scaled_add(-moved, &self.gram.column(k));
                        most = most.max((moved * square).abs());
                    }
                }
                if most <= enough {
                    break;
                }
            }
        }
    }

    /// The difference of these weights with its intercepts, which are not penalised.
    fn with_intercepts(&self, weights: &Array2<f64>) -> Affine {
        Affine { weights: weights.clone(), intercepts: &self.means.1 - &self.means.0.dot(weights) }
    }
}

/// A map of others and its sparse difference from the pairs: aggregate, then debias (Chen, Chen and Zhang 2026, arXiv 2603.18114,
/// step 2, with squares for the likelihood). Cross-validation over the folds chooses the penalty, of equal errors the larger one.
///
/// # Errors
/// If values are not finite.
pub fn debiased(map: &Affine, pairs: PairedRows<'_>, folds: &[Vec<usize>]) -> Result<Affine, ClassicError> {
    let whole = Residuals::new(map, pairs);
    let largest = whole.largest();
    if !whole.right.iter().chain(&whole.gram).all(|value| value.is_finite()) {
        return Err(ClassicError::Alignment { reason: "a value is not finite, or too large to be squared".into() });
    }
    let mut errors = [0.0; SHARES.len()];
    for (fold, held) in folds.iter().enumerate() {
        let rest = outside(folds, fold);
        if held.is_empty() || rest.is_empty() {
            continue;
        }
        let (x, y) = pairs.select(&rest);
        let residuals = Residuals::new(map, PairedRows { x: x.view(), y: y.view() });
        let (x, y) = pairs.select(held);
        let mut weights = Array2::zeros(residuals.right.dim());
        for (error, share) in errors.iter_mut().zip(SHARES) {
            residuals.descend(share * largest, &mut weights);
            let own = map.plus(&residuals.with_intercepts(&weights));
            *error += (own.predict(x.view()) - &y).mapv(|gap| gap * gap).sum();
        }
    }
    let best = (1..SHARES.len()).fold(0, |best, k| if errors[k] < errors[best] { k } else { best });
    let mut weights = Array2::zeros(whole.right.dim());
    for share in &SHARES[..=best] {
        whole.descend(share * largest, &mut weights);
    }
    Ok(map.plus(&whole.with_intercepts(&weights)))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, ArrayView2};

    use super::{Affine, PairedRows, Residuals};
    use crate::classic::L1;
    use crate::math::Stream;

    #[test]
    fn coordinate_descent_finds_the_minimum_of_proximal_gradients() {
        let mut stream = Stream::named(2, "sparse difference");
        let mut normal = |shape| Array2::from_shape_simple_fn(shape, || stream.normal());
        // Fewer rows than inputs, of which one is constant.
        let (mut x, y) = (normal((8, 12)), normal((8, 3)));
        x.column_mut(4).fill(7.0);
        let residuals = Residuals::new(&Affine::zero(12, 3), PairedRows { x: x.view(), y: y.view() });
        for share in [0.5, 0.1] {
            let penalty = share * residuals.largest();
            let mut weights = Array2::zeros((12, 3));
            residuals.descend(penalty, &mut weights);
            let found = L1::new(penalty).minimize(&[0.0; 36], &mut |weights, slope| {
                let weights = ArrayView2::from_shape((12, 3), weights).unwrap();
                let product = residuals.gram.dot(&weights);
                slope.iter_mut().zip(&product).zip(&residuals.right).for_each(|((s, p), r)| *s = p - r);
                let parts = product.iter().zip(&residuals.right).zip(&weights);
                parts.map(|((p, r), w)| w * (0.5 * p - r)).sum()
            });
            for (own, other) in weights.iter().zip(found) {
                assert!((own - other).abs() < 1e-5, "{share}: {own} {other}");
            }
            assert!(weights.row(4).iter().all(|weight| *weight == 0.0));
        }
    }
}
