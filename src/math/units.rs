//! Units as types where a bare number could be mistaken: a time for a rate, an error for a probability.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A duration in seconds. Calibration files keep microseconds and nanoseconds. They are converted once, on reading.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub f64);

impl Seconds {
    /// From microseconds. Divides, because 1e-6 has no exact double and 1e6 has: the result is correctly rounded.
    pub fn micro(value: f64) -> Self {
        Self(value / 1e6)
    }

    /// From nanoseconds, divided like microseconds.
    pub fn nano(value: f64) -> Self {
        Self(value / 1e9)
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.0;
        match s.abs() {
            a if a >= 1.0 || a == 0.0 => write!(f, "{s:.3} s"),
            a if a >= 1e-3 => write!(f, "{:.3} ms", s * 1e3),
            a if a >= 1e-6 => write!(f, "{:.3} µs", s * 1e6),
            _ => write!(f, "{:.3} ns", s * 1e9),
        }
    }
}

/// A number in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

impl Probability {
    /// Zero.
    pub const ZERO: Self = Self(0.0);

    /// `value`, or what is wrong with it.
    ///
    /// # Errors
    /// If `value` is not in [0, 1] (NaN is not).
    pub fn new(value: f64) -> Result<Self, NotAProbability> {
        if (0.0..=1.0).contains(&value) { Ok(Self(value)) } else { Err(NotAProbability(value)) }
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Probability {
    type Error = NotAProbability;
    fn try_from(value: f64) -> Result<Self, NotAProbability> {
        Self::new(value)
    }
}

impl From<Probability> for f64 {
    fn from(p: Probability) -> f64 {
        p.0
    }
}

/// The value was not in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is not a probability: expected a number in [0, 1]")]
pub struct NotAProbability(pub f64);
