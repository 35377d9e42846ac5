//! Checks: what is expected of a whole run. A check that cannot fail is a metric, not a check.

use serde::{Deserialize, Serialize};

use crate::lab::results::Results;
use crate::math::words::sig3;

/// A figure of a whole run and what it is expected to be.
#[derive(Clone, Copy)]
pub struct Check {
    /// Name in metrics.json and in claims.
    pub name: &'static str,
    /// What the figure is.
    pub doc: &'static str,
    /// What is expected.
    pub expect: Expect,
    /// The figure; `None` where the run lacks what it needs.
    pub value: fn(&Results) -> Option<f64>,
}

/// What a figure is expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// At least so much.
    AtLeast(f64),
    /// At most so much.
    AtMost(f64),
    /// Between two values, both included.
    Within(f64, f64),
}

impl Expect {
    /// Whether a figure is as expected.
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
            Self::Within(low, high) => low <= value && value <= high,
        }
    }

    /// "at least 0.2".
    pub fn text(self) -> String {
        match self {
            Self::AtLeast(bound) => format!("≥ {}", sig3(bound)),
            Self::AtMost(bound) => format!("≤ {}", sig3(bound)),
            Self::Within(low, high) => format!("{} to {}", sig3(low), sig3(high)),
        }
    }
}

/// A check with its figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
    /// Name of the check.
    pub name: &'static str,
    /// What the figure is.
    pub doc: &'static str,
    /// What was found, in six digits.
    pub value: f64,
    /// What is expected.
    pub expect: Expect,
    /// Whether it is so.
    pub holds: bool,
}

/// The checks that a run can decide.
pub fn run(checks: &[Check], results: &Results) -> Vec<Checked> {
    let one = |&Check { name, doc, expect, value }: &Check| {
        let value = six_digits(value(results).filter(|value| value.is_finite())?);
        Some(Checked { name, doc, value, expect, holds: expect.holds(value) })
    };
    checks.iter().filter_map(one).collect()
}

/// Rounded to six digits, so that a difference of counts over their number meets a bound that it equals.
fn six_digits(value: f64) -> f64 {
    // What was formatted as a number reads as one.
    format!("{value:.5e}").parse().unwrap_or(value)
}
