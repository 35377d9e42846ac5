//! Angles: fixed numbers or affine functions of a slot.

use std::ops::{Add, Mul, Neg};

use serde::{Deserialize, Serialize};

/// An angle in radians.
///
/// A slot is an index into the angle vector that a circuit is run with. Decompositions and transpilation only ever
/// scale and shift a slot's angle, so an affine function of one slot is closed under them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Param {
    /// A number.
    Fixed(f64),
    /// `scale · angles[slot] + offset`.
    Slot {
        /// Index into the angle vector.
        slot: usize,
        /// Factor.
        scale: f64,
        /// Constant, radians.
        offset: f64,
    },
}

impl Param {
    /// The angle of a slot itself.
    pub const fn slot(slot: usize) -> Self {
        Self::Slot { slot, scale: 1.0, offset: 0.0 }
    }

    /// The number this angle has for `angles`, one entry per slot.
    ///
    /// # Panics
    /// If the slot lies outside `angles`. Circuits and programs check their slots when they are built.
    pub fn value(self, angles: &[f64]) -> f64 {
        match self {
            Self::Fixed(value) => value,
            Self::Slot { slot, scale, offset } => scale * angles[slot] + offset,
        }
    }

    /// `(slot, d value / d angle)` for a slot, `None` for a number.
    pub const fn dependence(self) -> Option<(usize, f64)> {
        match self {
            Self::Fixed(_) => None,
            Self::Slot { slot, scale, .. } => Some((slot, scale)),
        }
    }
}

impl From<f64> for Param {
    fn from(value: f64) -> Self {
        Self::Fixed(value)
    }
}

impl Add<f64> for Param {
    type Output = Self;
    fn add(self, shift: f64) -> Self {
        match self {
            Self::Fixed(value) => Self::Fixed(value + shift),
            Self::Slot { slot, scale, offset } => Self::Slot { slot, scale, offset: offset + shift },
        }
    }
}

impl Mul<f64> for Param {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        match self {
            Self::Fixed(value) => Self::Fixed(value * factor),
            Self::Slot { slot, scale, offset } => Self::Slot { slot, scale: scale * factor, offset: offset * factor },
        }
    }
}

impl Neg for Param {
    type Output = Self;
    fn neg(self) -> Self {
        self * -1.0
    }
}
