//! What the numbers of a metric count.

use serde::{Deserialize, Serialize};

use crate::math::words::{decimals, sig3};

/// The unit of a metric, which decides how values and differences are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A share of 0 to 1, written in per cent; differences in percentage points.
    Share,
    /// Percentage points already.
    Points,
    /// Degrees of an angle.
    Degrees,
    /// Natural units of information.
    Nats,
    /// A time in seconds.
    Seconds,
    /// A whole number of things.
    Count,
    /// A number without a unit.
    #[default]
    Plain,
}

impl Unit {
    /// The symbol after a heading: "%", "°".
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Share => "%",
            Self::Points => "points",
            Self::Degrees => "°",
            Self::Nats => "nats",
            Self::Seconds => "s",
            Self::Count | Self::Plain => "",
        }
    }

    /// The number that is written for a value: 87.4 for a share of 0.874.
    pub fn scaled(self, value: f64) -> f64 {
        if self == Self::Share { 100.0 * value } else { value }
    }

    /// A value without its symbol.
    pub fn number(self, value: f64) -> String {
        match self {
            Self::Share => decimals(100.0 * value, 1),
            Self::Count if value.fract() == 0.0 => format!("{value:.0}"),
            _ => sig3(value),
        }
    }

    /// A difference of two values without its unit, its sign always shown unless it is 0.
    pub fn signed(self, difference: f64) -> String {
        let text = self.number(difference);
        let is_zero = text.chars().all(|c| c == '0' || c == '.');
        if text.starts_with('−') || is_zero { text } else { format!("+{text}") }
    }

    /// What a difference counts: "points" for a share, the symbol else.
    pub fn of_difference(self) -> &'static str {
        if self == Self::Share { "points" } else { self.symbol() }
    }
}
