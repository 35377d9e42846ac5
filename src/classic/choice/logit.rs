//! The multinomial logit model (McFadden 1974): likelihood, gradient, Fisher information and maximum.

use std::ops::Range;

use ndarray::{Array1, Array2};

use crate::classic::ClassicError;
use crate::math::linear::solve_positive;

/// Newton steps at most.
pub const MOST_STEPS: usize = 200;

/// Observed choices, each of one of several alternatives, or of none of them.
///
/// The utility of an alternative is row·ν, and that of none is 0. Probabilities are proportional to e^utility.
#[derive(Clone, Debug, PartialEq)]
pub struct Choices {
    width: usize,
    has_outside: bool,
    rows: Vec<f64>,
    /// The first alternative of each choice, and behind the last one their number.
    starts: Vec<usize>,
    chosen: Vec<Option<usize>>,
    weights: Vec<f64>,
}

impl Choices {
    /// No choices yet, with rows of this width. With `has_outside`, none of the alternatives may be chosen.
    pub fn new(width: usize, has_outside: bool) -> Self {
        let (rows, chosen, weights) = (Vec::new(), Vec::new(), Vec::new());
        Self { width, has_outside, rows, starts: vec![0], chosen, weights }
    }

    /// Adds a choice: `rows` (alternatives × width), the index of the chosen one.
    ///
    /// # Errors
    /// Rows of another width, no alternatives, an index that is none of theirs, none where none may not be chosen.
    pub fn push(&mut self, rows: &[f64], chosen: Option<usize>, weight: f64) -> Result<(), ClassicError> {
        let count = rows.len().checked_div(self.width).unwrap_or(0);
        let is_whole = count > 0 && count * self.width == rows.len();
        let is_one = chosen.map_or(self.has_outside, |chosen| chosen < count);
        if !is_whole || !is_one || !(weight >= 0.0) {
            let reason = format!(
                "a choice of {chosen:?} with weight {weight} among {} values; expected rows of {} and one of them",
                rows.len(),
                self.width
            );
            return Err(ClassicError::Choices { reason });
        }
        self.rows.extend_from_slice(rows);
        self.starts.push(self.rows.len() / self.width);
        self.chosen.push(chosen);
        self.weights.push(weight);
        Ok(())
    }

    /// Adds choices of others of the same width, their weights times `factor`.
    pub fn extend(&mut self, other: &Self, range: Range<usize>, factor: f64) {
        let range = range.start.min(other.len())..range.end.min(other.len());
        for k in range {
            let (from, to) = (other.starts[k], other.starts[k + 1]);
            self.rows.extend_from_slice(&other.rows[from * other.width..to * other.width]);
            self.starts.push(self.rows.len() / self.width.max(1));
            self.chosen.push(other.chosen[k]);
            self.weights.push(factor * other.weights[k]);
        }
    }

    /// Number of choices.
    pub fn len(&self) -> usize {
        self.chosen.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }

    /// Length of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The index of what was chosen.
    pub fn chosen(&self, choice: usize) -> Option<usize> {
        self.chosen[choice]
    }

    /// The rows of a choice, alternatives × width.
    pub fn rows(&self, choice: usize) -> &[f64] {
        &self.rows[self.starts[choice] * self.width..self.starts[choice + 1] * self.width]
    }

    /// Probabilities of the alternatives of a choice. They sum to less than 1 where none may be chosen.
    pub fn probabilities(&self, choice: usize, nu: &[f64]) -> Vec<f64> {
        let mut shares = Vec::new();
        self.shares(choice, nu, &mut shares);
        shares
    }

    /// Writes the probabilities into `shares` and returns the logarithm of their denominator.
    fn shares(&self, choice: usize, nu: &[f64], shares: &mut Vec<f64>) -> f64 {
        shares.clear();
        shares.extend(self.rows(choice).chunks_exact(self.width).map(|row| dot(row, nu)));
        let outside = if self.has_outside { 0.0 } else { f64::NEG_INFINITY };
        let most = shares.iter().copied().fold(outside, f64::max);
        let sum = shares.iter().map(|v| (v - most).exp()).sum::<f64>() + (outside - most).exp();
        let log = most + sum.ln();
        shares.iter_mut().for_each(|v| *v = (*v - log).exp());
        log
    }

    fn total(&self) -> f64 {
        self.weights.iter().sum::<f64>().max(f64::MIN_POSITIVE)
    }

    /// The weighted mean of the negative log-likelihood. Its gradient is written into `slope`.
    pub fn loss(&self, nu: &[f64], slope: &mut [f64]) -> f64 {
        slope.fill(0.0);
        let (mut loss, mut shares) = (0.0, Vec::new());
        for choice in 0..self.len() {
            let weight = self.weights[choice];
            let log = self.shares(choice, nu, &mut shares);
            let rows = self.rows(choice);
            let mut value = log;
            for (k, row) in rows.chunks_exact(self.width).enumerate() {
                let is_chosen = self.chosen[choice] == Some(k);
                if is_chosen {
                    value -= dot(row, nu);
                }
                let gap = weight * (shares[k] - f64::from(u8::from(is_chosen)));
                slope.iter_mut().zip(row).for_each(|(s, x)| *s += gap * x);
            }
            loss += weight * value;
        }
        let total = self.total();
        slope.iter_mut().for_each(|s| *s /= total);
        loss / total
    }

    /// The weighted sum of the Fisher information Σ q x xᵀ - (Σ q x)(Σ q x)ᵀ of each choice, (width, width). It is the
    /// second derivative of the summed negative log-likelihood.
    pub fn fisher(&self, nu: &[f64]) -> Array2<f64> {
        let width = self.width;
        let mut sum = vec![0.0; width * width];
        let (mut shares, mut mean) = (Vec::new(), vec![0.0; width]);
        for choice in 0..self.len() {
            self.shares(choice, nu, &mut shares);
            mean.fill(0.0);
            for (row, q) in self.rows(choice).chunks_exact(width).zip(&shares) {
                mean.iter_mut().zip(row).for_each(|(m, x)| *m += q * x);
                add_outer(&mut sum, row, self.weights[choice] * q);
            }
            add_outer(&mut sum, &mean, -self.weights[choice]);
        }
        symmetric(sum, width)
    }

    /// Σ x xᵀ over all rows of all choices, (width, width).
    pub fn gram(&self) -> Array2<f64> {
        let mut sum = vec![0.0; self.width * self.width];
        self.rows.chunks_exact(self.width.max(1)).for_each(|row| add_outer(&mut sum, row, 1.0));
        symmetric(sum, self.width)
    }

    /// The ν that minimises mean negative log-likelihood + ridge/2 · |ν|², from `start`, by Newton's method with halved steps.
    ///
    /// # Errors
    /// If values are not finite, or the curvature is none.
    pub fn fit(&self, start: &[f64], ridge: f64) -> Result<Vec<f64>, ClassicError> {
        let penalty = |nu: &[f64]| 0.5 * ridge * dot(nu, nu);
        let mut nu = start.to_vec();
        let (mut slope, mut unused) = (vec![0.0; self.width], vec![0.0; self.width]);
        let mut value = self.loss(&nu, &mut slope) + penalty(&nu);
        for _ in 0..MOST_STEPS {
            slope.iter_mut().zip(&nu).for_each(|(s, v)| *s += ridge * v);
            if slope.iter().all(|s| s.abs() < 1e-11) {
                break;
            }
            let mut curvature = self.fisher(&nu) / self.total();
            curvature.diag_mut().iter_mut().for_each(|entry| *entry += ridge);
            let right = Array1::from(slope.clone()).insert_axis(ndarray::Axis(1));
            let step = solve_positive(&curvature, &right).ok_or_else(|| ClassicError::Choices {
                reason: "the likelihood of the choices has no curvature; a feature is not finite, or none differs"
                    .into(),
            })?;
            let mut length = 1.0;
            let (next, found) = loop {
                let next: Vec<f64> = nu.iter().zip(step.iter()).map(|(v, s)| v - length * s).collect();
                let found = self.loss(&next, &mut unused) + penalty(&next);
                if found <= value || length < 1e-9 {
                    break (next, found);
                }
                length /= 2.0;
            };
            let gain = value - found;
            if !(gain >= 0.0) {
                break;
            }
            (nu, value) = (next, found);
            std::mem::swap(&mut slope, &mut unused);
            if gain == 0.0 {
                break;
            }
        }
        match nu.iter().all(|v| v.is_finite()) {
            true => Ok(nu),
            false => Err(ClassicError::Choices { reason: "the likelihood of the choices is not finite".into() }),
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Adds factor·x xᵀ to the lower triangle of `sum`.
fn add_outer(sum: &mut [f64], x: &[f64], factor: f64) {
    let width = x.len();
    for (i, x_i) in x.iter().enumerate() {
        let scaled = factor * x_i;
        sum[i * width..i * width + i + 1].iter_mut().zip(x).for_each(|(s, x_j)| *s += scaled * x_j);
    }
}

/// A lower triangle as a whole matrix.
fn symmetric(sum: Vec<f64>, width: usize) -> Array2<f64> {
    Array2::from_shape_fn((width, width), |(i, j)| sum[i.max(j) * width + i.min(j)])
}
