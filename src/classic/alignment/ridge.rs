//! Ridge regression of many targets, with one penalty for all or one for each.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use crate::classic::ClassicError;
use crate::math::linear::solve_positive;

/// Penalties that cross-validation chooses from: between 1 and 10⁵ about half a power of ten apart. Where inputs have a variance of
/// some dozens, the best one is some thousands; in a gap of ten around it the error is 5 % larger.
pub const ALPHAS: [f64; 14] = [1e-3, 1e-2, 1e-1, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 3e4, 1e5];

/// Rows of two representations that belong together.
#[derive(Clone, Copy, Debug)]
pub struct PairedRows<'a> {
    /// (rows, inputs).
    pub x: ArrayView2<'a, f64>,
    /// (rows, outputs).
    pub y: ArrayView2<'a, f64>,
}

impl PairedRows<'_> {
    /// The rows at these places.
    pub fn select(&self, rows: &[usize]) -> (Array2<f64>, Array2<f64>) {
        (self.x.select(Axis(0), rows), self.y.select(Axis(0), rows))
    }
}

/// x·weights + intercepts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Affine {
    /// (inputs, outputs).
    pub weights: Array2<f64>,
    /// (outputs).
    pub intercepts: Array1<f64>,
}

impl Affine {
    /// (rows, outputs) of (rows, inputs).
    pub fn predict(&self, x: ArrayView2<'_, f64>) -> Array2<f64> {
        x.dot(&self.weights) + &self.intercepts
    }

    /// The sum of two maps of the same sizes.
    pub fn plus(&self, other: &Self) -> Self {
        Self { weights: &self.weights + &other.weights, intercepts: &self.intercepts + &other.intercepts }
    }

    /// The map times a number.
    pub fn times(&self, factor: f64) -> Self {
        Self { weights: &self.weights * factor, intercepts: &self.intercepts * factor }
    }

    /// The map that answers 0.
    pub fn zero(inputs: usize, outputs: usize) -> Self {
        Self { weights: Array2::zeros((inputs, outputs)), intercepts: Array1::zeros(outputs) }
    }
}

/// How cross-validation chooses penalties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// One for all targets.
    Common,
    /// One for each target.
    EachTarget,
}

/// The matrices that ridge regression of any penalty needs: of centred rows, xᵀx and xᵀy, or x xᵀ where there are fewer rows than
/// inputs. Both give the minimum of |y - x·w|² + α|w|², as scikit-learn's `Ridge`.
#[derive(Clone, Debug)]
pub struct RidgePath {
    x: Array2<f64>,
    gram: Array2<f64>,
    right: Array2<f64>,
    is_dual: bool,
    means: (Array1<f64>, Array1<f64>),
}

impl RidgePath {
    /// Of these rows; at least one.
    pub fn new(rows: PairedRows<'_>) -> Self {
        let mean = |a: ArrayView2<'_, f64>| a.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(a.ncols()));
        let means = (mean(rows.x), mean(rows.y));
        let (x, y) = (&rows.x - &means.0, &rows.y - &means.1);
        let is_dual = x.nrows() < x.ncols();
        let (gram, right) = match is_dual {
            true => (x.dot(&x.t()), y),
            false => (x.t().dot(&x), x.t().dot(&y)),
        };
        Self { x, gram, right, is_dual, means }
    }

    /// The map with this penalty.
    ///
    /// # Errors
    /// If values are not finite.
    pub fn fit(&self, alpha: f64) -> Result<Affine, ClassicError> {
        let mut gram = self.gram.clone();
        gram.diag_mut().iter_mut().for_each(|entry| *entry += alpha);
        let solved = solve_positive(&gram, &self.right).ok_or_else(|| ClassicError::Alignment {
            reason: "a value is not finite, or too large to be squared".into(),
        })?;
        let weights = if self.is_dual { self.x.t().dot(&solved) } else { solved };
        let intercepts = &self.means.1 - &self.means.0.dot(&weights);
        Ok(Affine { weights, intercepts })
    }

    /// The map with penalties from cross-validation over these folds, and the penalty of each target. Of equal errors the larger
    /// penalty is taken.
    ///
    /// # Errors
    /// If values are not finite.
    pub fn cross_validated(
        rows: PairedRows<'_>,
        folds: &[Vec<usize>],
        choice: Choice,
    ) -> Result<(Affine, Vec<f64>), ClassicError> {
        let mut errors = Array2::<f64>::zeros((ALPHAS.len(), rows.y.ncols()));
        for (k, held) in folds.iter().enumerate() {
            let rest: Vec<usize> = folds
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != k)
                .flat_map(|(_, f)| f.iter().copied())
                .collect();
            if held.is_empty() || rest.is_empty() {
                continue;
            }
            let (x, y) = rows.select(&rest);
            let path = Self::new(PairedRows { x: x.view(), y: y.view() });
            let (x, y) = rows.select(held);
            for (mut of_alpha, alpha) in errors.rows_mut().into_iter().zip(ALPHAS) {
                let gap = path.fit(alpha)?.predict(x.view()) - &y;
                of_alpha += &gap.mapv(|g| g * g).sum_axis(Axis(0));
            }
        }
        let least =
            |of: &dyn Fn(usize) -> f64| (1..ALPHAS.len()).fold(0, |best, k| if of(k) <= of(best) { k } else { best });
        let path = Self::new(rows);
        let chosen: Vec<usize> = match choice {
            Choice::Common => vec![least(&|k| errors.row(k).sum()); rows.y.ncols()],
            Choice::EachTarget => (0..rows.y.ncols()).map(|target| least(&|k| errors[[k, target]])).collect(),
        };
        let mut map = Affine::zero(rows.x.ncols(), rows.y.ncols());
        let mut used = chosen.clone();
        used.sort_unstable();
        used.dedup();
        for k in used {
            let own = path.fit(ALPHAS[k])?;
            for target in (0..chosen.len()).filter(|&target| chosen[target] == k) {
                map.weights.column_mut(target).assign(&own.weights.column(target));
                map.intercepts[target] = own.intercepts[target];
            }
        }
        Ok((map, chosen.into_iter().map(|k| ALPHAS[k]).collect()))
    }
}
