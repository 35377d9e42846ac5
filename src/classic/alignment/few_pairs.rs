//! Maps from few pairs: with unpaired targets (inverse semi-supervised learning), and with maps of other subjects. Both are
//! reconstructions of Xu, Yan and Li 2026 (arXiv 2603.21042), whose algorithms were not available.

use ndarray::{Array2, ArrayView2, Axis};

use crate::classic::alignment::ridge::{Affine, Choice, PairedRows, RidgePath};
use crate::classic::{ClassicError, L1};
use crate::math::Stream;

/// Rows in random order, cut into `count` folds of about equal size.
pub fn folds(rows: usize, count: usize, seed: u64) -> Vec<Vec<usize>> {
    let order = Stream::named(seed, "folds").permutation(rows);
    let count = count.clamp(1, rows.max(1));
    (0..count).map(|k| order.iter().copied().skip(k).step_by(count).collect()).collect()
}

/// Rows outside of a fold.
pub(super) fn outside(folds: &[Vec<usize>], fold: usize) -> Vec<usize> {
    folds.iter().enumerate().filter(|(k, _)| *k != fold).flat_map(|(_, rows)| rows.iter().copied()).collect()
}

/// A map x → y that uses targets without inputs. The inverse map y → x is fitted to the pairs; it gives inputs of unpaired
/// targets; noise of the size of its cross-fitted residuals is added to them; a map is fitted to these pairs; and its residuals on
/// the real pairs are corrected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Isl {
    /// Whether noise is added. Without, the second fit inverts the first one exactly, and the map is useless.
    pub has_noise: bool,
    /// Whether residuals are corrected.
    pub is_corrected: bool,
    /// Penalty of the fit to unpaired targets, for each of them.
    pub weak: f64,
    /// Folds of every cross-validation.
    pub folds: usize,
    /// How penalties are chosen.
    pub choice: Choice,
    /// Seed of folds and noise.
    pub seed: u64,
}

impl Isl {
    /// The map of the pairs alone.
    ///
    /// # Errors
    /// If values are not finite.
    pub fn supervised(&self, pairs: PairedRows<'_>) -> Result<Affine, ClassicError> {
        let folds = folds(pairs.x.nrows(), self.folds, self.seed);
        Ok(RidgePath::cross_validated(pairs, &folds, self.choice)?.0)
    }

    /// The map of pairs and unpaired targets.
    ///
    /// # Errors
    /// If values are not finite.
    pub fn fit(&self, pairs: PairedRows<'_>, pool: ArrayView2<'_, f64>) -> Result<Affine, ClassicError> {
        let folds = folds(pairs.x.nrows(), self.folds, self.seed);
        let inverse = PairedRows { x: pairs.y, y: pairs.x };
        let alpha = RidgePath::cross_validated(inverse, &folds, Choice::Common)?.1.first().copied().unwrap_or(1.0);
        self.fit_by(pairs, pool, &|inverse| RidgePath::new(inverse).fit(alpha))
    }

    /// The same with another way to fit the inverse map, from targets as inputs and inputs as targets.
    ///
    /// # Errors
    /// If values are not finite.
    pub fn fit_by(
        &self,
        pairs: PairedRows<'_>,
        pool: ArrayView2<'_, f64>,
        inverse: &dyn Fn(PairedRows<'_>) -> Result<Affine, ClassicError>,
    ) -> Result<Affine, ClassicError> {
        let folds = folds(pairs.x.nrows(), self.folds, self.seed);
        let map = inverse(PairedRows { x: pairs.y, y: pairs.x })?;
        let mut pseudo = map.predict(pool);
        if self.has_noise {
            let mut square = ndarray::Array1::<f64>::zeros(pairs.x.ncols());
            for (fold, held) in folds.iter().enumerate() {
                let rest = outside(&folds, fold);
                if rest.is_empty() {
                    continue;
                }
                let (x, y) = pairs.select(&rest);
                let own = inverse(PairedRows { x: y.view(), y: x.view() })?;
                let (x, y) = pairs.select(held);
                square += &(own.predict(y.view()) - &x).mapv(|g| g * g).sum_axis(Axis(0));
            }
            let deviation = (square / pairs.x.nrows().max(1) as f64).mapv(f64::sqrt);
            let mut stream = Stream::named(self.seed, "noise of inputs");
            for mut row in pseudo.rows_mut() {
                row.iter_mut().zip(&deviation).for_each(|(value, s)| *value += s * stream.normal());
            }
        }
        let rows = pool.nrows() as f64;
        let map = RidgePath::new(PairedRows { x: pseudo.view(), y: pool }).fit(self.weak * rows)?;
        if self.is_corrected { self.corrected(map, pairs) } else { Ok(map) }
    }

    /// A map with a correction of its residuals on the pairs, from ridge regression.
    ///
    /// # Errors
    /// If values are not finite.
    pub fn corrected(&self, map: Affine, pairs: PairedRows<'_>) -> Result<Affine, ClassicError> {
        let rest = &pairs.y - &map.predict(pairs.x);
        Ok(map.plus(&self.supervised(PairedRows { x: pairs.x, y: rest.view() })?))
    }

    /// The better of two ways to fit: `other` only if its cross-validated error is lower than that of the pairs alone, everything
    /// refitted within each fold.
    ///
    /// # Errors
    /// If values are not finite.
    pub fn gated(
        &self,
        pairs: PairedRows<'_>,
        other: &dyn Fn(PairedRows<'_>) -> Result<Affine, ClassicError>,
    ) -> Result<Gated, ClassicError> {
        let own = self.held_out_error(pairs, &|pairs| self.supervised(pairs))?;
        let of_other = self.held_out_error(pairs, other)?;
        match of_other < own {
            true => Ok(Gated { map: other(pairs)?, has_passed: true, held_out_error: of_other }),
            false => Ok(Gated { map: self.supervised(pairs)?, has_passed: false, held_out_error: own }),
        }
    }

    /// Σ|y - ŷ|² over the pairs, each predicted by a map that was fitted without its fold. Folds are other ones than those that
    /// penalties are chosen by.
    ///
    /// # Errors
    /// If values are not finite.
    pub fn held_out_error(
        &self,
        pairs: PairedRows<'_>,
        fit: &dyn Fn(PairedRows<'_>) -> Result<Affine, ClassicError>,
    ) -> Result<f64, ClassicError> {
        let folds = folds(pairs.x.nrows(), self.folds, Stream::named(self.seed, "held-out folds").bits());
        let mut sum = 0.0;
        for (fold, held) in folds.iter().enumerate() {
            let rest = outside(&folds, fold);
            if rest.is_empty() {
                continue;
            }
            let (x, y) = pairs.select(&rest);
            let map = fit(PairedRows { x: x.view(), y: y.view() })?;
            let (x, y) = pairs.select(held);
            sum += (map.predict(x.view()) - &y).mapv(|g| g * g).sum();
        }
        Ok(sum)
    }
}

/// The better of two maps.
#[derive(Clone, Debug, PartialEq)]
pub struct Gated {
    /// The map.
    pub map: Affine,
    /// Whether it is the other one than that of the pairs alone.
    pub has_passed: bool,
    /// Its Σ|y - ŷ|² over held-out pairs.
    pub held_out_error: f64,
}

/// Maps of other subjects on the same inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Sources {
    /// The maps.
    pub maps: Vec<Affine>,
    /// Penalty on their weights, relative to the mean square of the targets.
    pub penalty: f64,
}

impl Sources {
    /// argmin over w ≥ 0 of mean |y - Σ w f(x)|²/2 + penalty Σ w, with the square of y as its unit.
    pub fn weights(&self, pairs: PairedRows<'_>) -> Vec<f64> {
        let answers: Vec<Array2<f64>> = self.maps.iter().map(|map| map.predict(pairs.x)).collect();
        let unit = pairs.y.iter().map(|v| v * v).sum::<f64>().max(f64::MIN_POSITIVE);
        let product = |a: &Array2<f64>, b: ArrayView2<'_, f64>| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / unit;
        let gram: Vec<Vec<f64>> =
            answers.iter().map(|a| answers.iter().map(|b| product(a, b.view())).collect()).collect();
        let right: Vec<f64> = answers.iter().map(|a| product(a, pairs.y)).collect();
        let solver = L1 { is_nonnegative: true, ..L1::new(self.penalty) };
        solver.minimize(&vec![0.0; self.maps.len()], &mut |w, slope| {
            let mut value = 0.5;
            for (k, row) in gram.iter().enumerate() {
                let sum: f64 = row.iter().zip(w).map(|(g, w)| g * w).sum();
                slope[k] = sum - right[k];
                value += w[k] * (0.5 * sum - right[k]);
            }
            value
        })
    }

    /// The weighted sum of the maps.
    ///
    /// # Errors
    /// Without a map.
    pub fn combined(&self, weights: &[f64]) -> Result<Affine, ClassicError> {
        let first = self.maps.first().ok_or_else(|| ClassicError::Alignment { reason: "no map of a source".into() })?;
        let zero = Affine::zero(first.weights.nrows(), first.weights.ncols());
        Ok(self.maps.iter().zip(weights).fold(zero, |sum, (map, weight)| sum.plus(&map.times(*weight))))
    }
}
