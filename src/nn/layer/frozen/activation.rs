//! Activations that a frozen layer applies before it writes its output.

use super::lanes::{LANES, Lanes};

/// What is applied to a layer's output, element by element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// x.
    #[default]
    None,
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
    /// x · σ(x), also called swish.
    Silu,
    /// x · relu6(x + 3) / 6.
    Hardswish,
    /// σ(x) = 1 / (1 + e^-x).
    Sigmoid,
}

impl Activation {
    /// The piecewise linear part: every output is first cut to this range.
    pub(super) fn bounds(self) -> (f32, f32) {
        match self {
            Activation::Relu => (0.0, f32::INFINITY),
            Activation::Relu6 => (0.0, 6.0),
            _ => (f32::NEG_INFINITY, f32::INFINITY),
        }
    }

    /// Whether [`Activation::bend`] does anything.
    pub(super) fn is_curved(self) -> bool {
        matches!(self, Activation::Silu | Activation::Hardswish | Activation::Sigmoid)
    }

    /// The rest.
    #[inline(always)]
    pub(super) fn bend<L: Lanes>(self, lanes: L, x: L::Vector) -> L::Vector {
        match self {
            Activation::None | Activation::Relu | Activation::Relu6 => x,
            Activation::Silu => each(lanes, x, |x| x * sigmoid(x)),
            Activation::Hardswish => each(lanes, x, |x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0),
            Activation::Sigmoid => each(lanes, x, sigmoid),
        }
    }
}

#[inline(always)]
fn each<L: Lanes>(lanes: L, x: L::Vector, f: impl Fn(f32) -> f32) -> L::Vector {
    let mut values = [0.0f32; LANES];
    // SAFETY: `values` holds sixteen floats.
    unsafe { lanes.store(values.as_mut_ptr(), x) };
    for value in &mut values {
        *value = f(*value);
    }
    // SAFETY: as above.
    unsafe { lanes.load(values.as_ptr()) }
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// e^x within 2e-7 relative for |x| ≤ 87, clamped beyond; written without branches so that it compiles to vectors.
///
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2; e^r by its Taylor series to r⁷ (the next term is below 1e-8), 2^n by writing n
/// into the exponent bits.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// Adding it rounds to an integer, which is then in the lowest bits.
    const ROUND: f32 = 12_582_912.0; // 1.5 · 2²³
    /// ln 2 in two parts; n times the first is exact.
    const LN2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN2.0 - n * LN2.1;
    let series = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let power = series.into_iter().fold(1.0 / 5040.0, |sum, coefficient| sum * r + coefficient);
    power * f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()))
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn exp_is_exp() {
        for i in -8700..=8700 {
            let x = i as f32 / 100.0;
            let expected = f64::from(x).exp();
            assert!((f64::from(exp(x)) / expected - 1.0).abs() < 4e-7, "exp({x}) = {}, expected {expected}", exp(x));
        }
    }
}
