//! Quantities on a circle, and codes that a network can learn them in. Radians.
//!
//! A plain number jumps at the seam where a full turn meets zero. Each code here is continuous on the circle.

use std::f64::consts::{PI, TAU};

use crate::math::order::argmax;

/// The representative of `angle` in 0..2π.
pub fn wrap(angle: f64) -> f64 {
    let wrapped = angle.rem_euclid(TAU);
    // A tiny negative angle rounds up to the full turn itself.
    if wrapped < TAU { wrapped } else { 0.0 }
}

/// The way around between two angles, in 0..=π.
pub fn distance(a: f64, b: f64) -> f64 {
    let turn = wrap(a - b);
    turn.min(TAU - turn)
}

/// The mean of unit vectors in these directions, each with its weight (at least 0): its direction, in 0..2π, and its
/// length, in 0..=1. The shorter, the less the direction means; that of a mean of length 0 is rounding.
pub fn mean(angles: impl IntoIterator<Item = (f64, f64)>) -> (f64, f64) {
    let (mut x, mut y, mut total) = (0.0, 0.0, 0.0);
    for (angle, weight) in angles {
        x += weight * angle.cos();
        y += weight * angle.sin();
        total += weight;
    }
    (wrap(y.atan2(x)), if total > 0.0 { x.hypot(y) / total } else { 0.0 })
}

/// A way to write an angle as numbers, and to read it back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Code {
    /// (cos θ, sin θ).
    UnitVector,
    /// cos(ω θ + 2π n / N) for n in 0..N: a phase-shift coder (Yu & Da 2023, arXiv:2211.06368). With ω > 1
    /// the angle is known up to a turn by 2π/ω.
    PhaseShift {
        /// N, at least 3.
        steps: usize,
        /// ω.
        frequency: usize,
    },
    /// One of `bins` equal bins: 1 in the bin of θ, 0 elsewhere; read back at the middle of the largest.
    Bins {
        /// Number of bins.
        bins: usize,
    },
    /// A Gaussian of width `sigma` (radians) around θ on `bins` points at multiples of 2π/bins, summing to 1; read back
    /// at the largest.
    Gaussian {
        /// Number of points.
        bins: usize,
        /// Standard deviation, radians.
        sigma: f64,
    },
}

impl Code {
    /// How many numbers it takes.
    pub fn width(self) -> usize {
        match self {
            Self::UnitVector => 2,
            Self::PhaseShift { steps, .. } => steps,
            Self::Bins { bins } | Self::Gaussian { bins, .. } => bins,
        }
    }

    /// The code of `angle`: [`width`](Self::width) numbers.
    ///
    /// ```
    /// use qgraft::math::circular::Code;
    /// let code = Code::PhaseShift { steps: 3, frequency: 1 };
    /// assert!((code.decode(&code.encode(6.2)) - 6.2).abs() < 1e-12);
    /// ```
    pub fn encode(self, angle: f64) -> Vec<f64> {
        match self {
            Self::UnitVector => vec![angle.cos(), angle.sin()],
            Self::PhaseShift { steps, frequency } => {
                (0..steps).map(|n| (frequency as f64 * angle + phase(n, steps)).cos()).collect()
            }
            Self::Bins { bins } => {
                let own = ((wrap(angle) / TAU * bins as f64) as usize).min(bins - 1);
                (0..bins).map(|bin| if bin == own { 1.0 } else { 0.0 }).collect()
            }
            Self::Gaussian { bins, sigma } => {
                let height = |bin| (-0.5 * (distance(phase(bin, bins), angle) / sigma).powi(2)).exp();
                let heights: Vec<f64> = (0..bins).map(height).collect();
                let sum: f64 = heights.iter().sum();
                heights.iter().map(|height| height / sum).collect()
            }
        }
    }

    /// The angle that `code` encodes, in 0..2π. Codes need not be exact: of scores per bin only the largest counts,
    /// the first of equal ones.
    pub fn decode(self, code: &[f64]) -> f64 {
        match self {
            Self::UnitVector => wrap(code[1].atan2(code[0])),
            Self::PhaseShift { steps, frequency } => {
                let (mut along, mut across) = (0.0, 0.0);
                for (n, value) in code.iter().enumerate() {
                    across += value * phase(n, steps).sin();
                    along += value * phase(n, steps).cos();
                }
                wrap(-across.atan2(along)) / frequency as f64
            }
            Self::Bins { bins } => (argmax(code) as f64 + 0.5) * TAU / bins as f64,
            Self::Gaussian { bins, .. } => phase(argmax(code), bins),
        }
    }

    /// Confidence of a code, in 0..=1: the length of a vector, the amplitude of phases, one minus the entropy of bins
    /// in units of the largest.
    pub fn confidence(self, code: &[f64]) -> f64 {
        match self {
            Self::UnitVector => code[0].hypot(code[1]).min(1.0),
            Self::PhaseShift { steps, .. } => {
                let part =
                    |f: fn(f64) -> f64| code.iter().enumerate().map(|(n, v)| v * f(phase(n, steps))).sum::<f64>();
                (part(f64::cos).hypot(part(f64::sin)) * 2.0 / steps as f64).min(1.0)
            }
            Self::Bins { bins } | Self::Gaussian { bins, .. } => {
                let entropy: f64 = code.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
                (1.0 - entropy / (bins as f64).ln()).max(0.0)
            }
        }
    }
}

/// The n-th of `steps` equal parts of a turn.
fn phase(n: usize, steps: usize) -> f64 {
    2.0 * PI * n as f64 / steps as f64
}
