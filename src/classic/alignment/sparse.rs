//! A map and its sparse difference from another one.

use ndarray::{Array2, ArrayView2, Axis};

use crate::classic::alignment::ridge::{Affine, PairedRows};
use crate::classic::{ClassicError, L1};

/// Penalties that cross-validation chooses from, as shares of the least one at which there is no difference.
const SHARES: [f64; 6] = [1.0, 0.3, 0.1, 0.03, 0.01, 0.003];

/// Centred inputs and residuals of a map: their products, and what gives the intercepts.
struct Residuals {
    gram: Array2<f64>,
    right: Array2<f64>,
    means: (ndarray::Array1<f64>, ndarray::Array1<f64>),
}

impl Residuals {
    fn new(map: &Affine, pairs: PairedRows<'_>) -> Self {
        let rest = &pairs.y - &map.predict(pairs.x);
        let mean = |a: ArrayView2<'_, f64>| a.mean_axis(Axis(0)).unwrap_or_else(|| ndarray::Array1::zeros(a.ncols()));
        let means = (mean(pairs.x), mean(rest.view()));
        let (x, rest) = (&pairs.x - &means.0, rest - &means.1);
        let rows = x.nrows().max(1) as f64;
        Self { gram: x.t().dot(&x) / rows, right: x.t().dot(&rest) / rows, means }
    }

    /// The least penalty at which nothing differs.
    fn largest(&self) -> f64 {
        self.right.iter().fold(0.0, |most, value| most.max(value.abs()))
    }

    /// argmin over δ of mean |y - f(x) - x·δ|²/2 + penalty·Σ|δ|. Intercepts are not penalised.
    fn difference(&self, penalty: f64) -> Affine {
        let shape = self.right.dim();
        let solver = L1 { tolerance: 1e-8, iterations: 1_000, ..L1::new(penalty) };
        let found = solver.minimize(&vec![0.0; shape.0 * shape.1], &mut |weights, slope| {
            // As long as the matrix by construction.
            let Ok(weights) = ArrayView2::from_shape(shape, weights) else { return 0.0 };
            let product = self.gram.dot(&weights);
            let mut value = 0.0;
            for (((s, p), r), w) in slope.iter_mut().zip(&product).zip(&self.right).zip(&weights) {
                *s = p - r;
                value += w * (0.5 * p - r);
            }
            value
        });
        let weights = Array2::from_shape_vec(shape, found).unwrap_or_else(|_| Array2::zeros(shape));
        let intercepts = &self.means.1 - &self.means.0.dot(&weights);
        Affine { weights, intercepts }
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
    if !largest.is_finite() {
        return Err(ClassicError::Alignment { reason: "a value is not finite, or too large to be squared".into() });
    }
    let mut errors = [0.0; SHARES.len()];
    for (k, held) in folds.iter().enumerate() {
        let others = folds.iter().enumerate().filter(|(other, _)| *other != k);
        let rest: Vec<usize> = others.flat_map(|(_, rows)| rows.iter().copied()).collect();
        if held.is_empty() || rest.is_empty() {
            continue;
        }
        let (x, y) = pairs.select(&rest);
        let residuals = Residuals::new(map, PairedRows { x: x.view(), y: y.view() });
        let (x, y) = pairs.select(held);
        for (error, share) in errors.iter_mut().zip(SHARES) {
            let own = map.plus(&residuals.difference(share * largest));
            *error += (own.predict(x.view()) - &y).mapv(|gap| gap * gap).sum();
        }
    }
    let best = (1..SHARES.len()).fold(0, |best, k| if errors[k] < errors[best] { k } else { best });
    Ok(map.plus(&whole.difference(SHARES[best] * largest)))
}
