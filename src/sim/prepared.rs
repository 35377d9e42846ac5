//! Programs made ready to be run many times.

use std::sync::OnceLock;

use ndarray::{Array2, ArrayView2};

use crate::sim::{Account, AngleGradient, Angles, SimError, sample};

/// A program with its observables on one engine, planned once: [`Simulator::prepare`](crate::sim::Simulator::prepare)
/// makes it, and it runs for any angles with as many input slots as it was prepared for.
///
/// Results are the same for any number of threads.
pub trait Prepared: Send + Sync {
    /// Name of the engine that runs a batch of so many rows, for reports: another than
    /// [`Simulator::name`](crate::sim::Simulator::name) only where an engine chooses by cost.
    fn resolved_name(&self, batch: usize) -> String;

    /// Expectation values, (batch, observables).
    ///
    /// # Errors
    /// If angles and program do not fit or hold NaN, or the batch needs too much memory.
    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError>;

    /// The gradient of `Σ cotangent[b][o] · expect[b][o]` with respect to all angles; `cotangent` is
    /// (batch, observables).
    ///
    /// # Errors
    /// As [`Prepared::expect`], and if the program measures, resets or acts under a condition.
    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError>;

    /// [`Prepared::expect`] and [`Prepared::vjp`] together, for engines that share the forward run.
    ///
    /// # Errors
    /// As [`Prepared::vjp`].
    fn value_and_gradient(
        &self,
        angles: Angles,
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        Ok((self.expect(angles)?, self.vjp(angles, cotangent)?))
    }

    /// [`Prepared::expect`], and a tape of the forward run from which the gradient follows without running forward
    /// again. There is none if the engine has no reverse mode, or if it would hold more than `most_bytes`.
    ///
    /// # Errors
    /// As [`Prepared::expect`].
    fn record(&self, angles: Angles, _most_bytes: usize) -> Result<Recorded, SimError> {
        Ok((self.expect(angles)?, None))
    }

    /// Whether expectation values of a batch of so many rows are means of draws.
    fn draws(&self, _batch: usize) -> bool {
        false
    }

    /// What the engine knows about the error of each value of [`Prepared::expect`], (batch, observables). `None` does not mean
    /// exact: engines that neither drop nor draw give no account, and neither do [`Shots`](crate::sim::Shots) nor mitigations.
    ///
    /// # Errors
    /// As [`Prepared::expect`].
    fn account(&self, _angles: Angles) -> Result<Option<Array2<Account>>, SimError> {
        Ok(None)
    }

    /// Outcome probabilities, (batch, 2^k): over the classical bits if the program measures (readout error included,
    /// index `Σ bit_c 2^c`), else over its qubits.
    ///
    /// # Errors
    /// As [`Prepared::expect`].
    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError>;

    /// Outcomes of `shots` shots for every row, (batch, 2^k) with columns as in [`Prepared::probabilities`].
    ///
    /// # Errors
    /// As [`Prepared::probabilities`], and if so many shots take too long.
    fn sample(&self, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        sample::affordable(shots)?;
        Ok(sample::sample(self.probabilities(angles)?.view(), shots, seed))
    }
}

/// Expectation values (batch, observables) of a forward run, with its tape if there is one.
pub type Recorded = (Array2<f64>, Option<Box<dyn Tape>>);

/// What a forward run keeps for its backward run.
pub trait Tape: Send + Sync {
    /// [`Prepared::vjp`] at the angles of the forward run, to the bit. It may be called more than once.
    ///
    /// # Errors
    /// As [`Prepared::vjp`].
    fn vjp(&self, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError>;
}

/// Something made at its first use, or the reason why it cannot be made.
pub struct Lazy<T>(OnceLock<Result<T, SimError>>);

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> Lazy<T> {
    /// It, made by `make` if this is the first use.
    pub fn get(&self, make: impl FnOnce() -> Result<T, SimError>) -> Result<&T, SimError> {
        self.0.get_or_init(make).as_ref().map_err(Clone::clone)
    }
}
