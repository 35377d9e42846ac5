//! Readout error of one qubit.

use serde::{Deserialize, Serialize};

use crate::math::Probability;

/// What is recorded given what is true.
///
/// A true 0 is recorded as 1 with probability `one_given_zero`, a true 1 as 0 with `zero_given_one`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// P(record 1 | true 0), IBM's `prob_meas1_prep0`.
    pub one_given_zero: Probability,
    /// P(record 0 | true 1), IBM's `prob_meas0_prep1`.
    pub zero_given_one: Probability,
}

impl Confusion {
    /// Both flips with the same probability.
    pub fn symmetric(error: Probability) -> Self {
        Self { one_given_zero: error, zero_given_one: error }
    }

    /// `(a, b)` such that the recorded ⟨Z⟩ is `a·⟨Z⟩ + b`: `a = 1 - p10 - p01`, `b = p01 - p10`
    /// (with p10 = P(1|0), p01 = P(0|1)).
    pub fn on_z(self) -> (f64, f64) {
        let (p10, p01) = (self.one_given_zero.get(), self.zero_given_one.get());
        (1.0 - p10 - p01, p01 - p10)
    }
}
