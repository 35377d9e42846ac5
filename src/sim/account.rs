//! What an engine that drops something knows about the error of its values.

use std::sync::{Arc, Mutex, PoisonError};

use ndarray::Array2;

use crate::sim::{Angles, SimError};

/// Independent runs of what draws, whose mean has an interval.
pub const RUNS: u64 = 8;
/// The half-width of a 95 % interval in standard errors of the mean of so many runs: Student's t with seven degrees of freedom.
pub const HALF_WIDTH_OF_RUNS: f64 = 2.364_624_251_6;
/// The half-width of a 95 % interval in standard errors, for many draws.
const HALF_WIDTH: f64 = 1.959_963_985;
/// What no draw showed has a probability of at most this over the number of draws, with 95 % confidence.
const UNSEEN: f64 = 3.0;

/// Half the width of the 95 % interval of a mean of `count` draws whose squared deviations from it sum to `spread`, of values
/// from `-norm` to `norm`.
pub fn half_width(spread: f64, count: f64, norm: f64) -> f64 {
    let half = HALF_WIDTH * (spread / (count - 1.0).max(1.0) / count).sqrt();
    half.max(least_half_width(norm, count))
}

/// The least half-width that [`half_width`] states: draws that agree, or a single one, do not show how rare the others are. No two
/// values differ by more than twice the norm.
pub fn least_half_width(norm: f64, count: f64) -> f64 {
    2.0 * norm * (UNSEEN / count).min(1.0)
}

/// The error of one expectation value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Account {
    /// Sum of the magnitudes of the observable's coefficients: no value is larger.
    pub norm: f64,
    /// What was dropped can have changed the value by no more than this. Of sums of strings: the sum of the magnitudes that
    /// were dropped, for every state and noise, as observables that are pulled back through channels do not grow. Of matrix
    /// product states: by the distance of the states. It says nothing once it exceeds the norm. Of a mean of draws it is the
    /// mean of their bounds.
    pub bound: f64,
    /// Half the width of the 95 % interval of a mean of draws; `None` if nothing was drawn, or too few draws fit.
    pub interval: Option<f64>,
    /// No less than the root mean square error over random products of basis states behind the first one-qubit steps; it says
    /// nothing certain about a given input. Of sums of strings that drop without drawing.
    pub rms: Option<f64>,
    /// Difference to a coarser run: four times the cut, a quarter of the strings, one letter less. Of a roulette: to the run
    /// that drops what the roulette draws. No bound; usually of the error's order.
    pub drift: Option<f64>,
    /// Product of what the truncations of a matrix product state left of its norm: an estimate of the fidelity with the exact
    /// state, no bound.
    pub fidelity: Option<f64>,
    /// Number of dropped coefficients or singular values, and of those that a roulette changed.
    pub dropped: u64,
    /// Most strings held at a time, or the largest bond dimension.
    pub terms: usize,
    /// Coefficients below this were dropped.
    pub below: f64,
}

impl Account {
    /// Whether nothing was dropped and nothing drawn: the value is exact to rounding.
    pub fn is_exact(&self) -> bool {
        self.dropped == 0 && self.interval.is_none()
    }

    /// An error that cannot be exceeded by what was dropped; `None` if the bound is void. What was drawn adds its interval.
    pub fn certificate(&self) -> Option<f64> {
        (self.bound < self.norm || self.dropped == 0).then_some(self.bound)
    }
}

impl std::ops::AddAssign for Account {
    /// The account of a sum of values.
    fn add_assign(&mut self, other: Self) {
        let sum = |own: Option<f64>, others: Option<f64>| match (own, others) {
            (Some(own), Some(others)) => Some(own + others),
            (Some(own), None) if other.is_exact() => Some(own),
            (None, Some(others)) if self.is_exact() => Some(others),
            _ => None,
        };
        let interval = sum(self.interval, other.interval);
        let (rms, drift) = (sum(self.rms, other.rms), sum(self.drift, other.drift));
        let fidelity = match (self.fidelity, other.fidelity) {
            (Some(own), Some(others)) => Some(own.min(others)),
            (own, others) => own.or(others),
        };
        *self = Self {
            norm: self.norm + other.norm,
            bound: self.bound + other.bound,
            interval,
            rms,
            drift,
            fidelity,
            dropped: self.dropped + other.dropped,
            terms: self.terms.max(other.terms),
            below: self.below.max(other.below),
        };
    }
}

/// A value and what is known about its error.
#[derive(Clone, Copy, Debug, Default)]
pub struct Estimate {
    pub value: f64,
    pub account: Account,
}

/// Estimates (batch, observables) at the last angles: what was found for values is not computed again for their errors.
#[derive(Default)]
pub struct LastEstimates(Mutex<Option<Known>>);

struct Known {
    inputs: Array2<f64>,
    weights: Vec<f64>,
    list: Arc<Array2<Estimate>>,
}

impl LastEstimates {
    /// Those at these angles, found by `find` if the last ones were others.
    ///
    /// # Errors
    /// Those of `find`.
    pub fn get(
        &self,
        angles: &Angles,
        find: impl FnOnce() -> Result<Array2<Estimate>, SimError>,
    ) -> Result<Arc<Array2<Estimate>>, SimError> {
        // A thread that panicked while it held the lock left a whole value behind.
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &&Known| known.inputs == angles.inputs && angles.weights.iter().eq(&known.weights);
        if let Some(known) = known.as_ref().filter(same) {
            return Ok(Arc::clone(&known.list));
        }
        drop(known);
        let list = Arc::new(find()?);
        let (inputs, weights) = (angles.inputs.to_owned(), angles.weights.to_vec());
        let known = Known { inputs, weights, list: Arc::clone(&list) };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(list)
    }
}
