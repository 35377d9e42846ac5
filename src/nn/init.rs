//! Initial values, drawn from our own generator: the tensor library's CPU generator cannot be seeded.

use crate::math::Stream;

/// How a parameter starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Every entry the same.
    Constant(f64),
    /// Normal with mean 0.
    Normal {
        /// Standard deviation.
        sd: f64,
    },
    /// Uniform in ±`bound`.
    Uniform {
        /// Half width.
        bound: f64,
    },
}

impl Init {
    /// PyTorch's default for `Linear` and `Conv2d`, weight and bias alike: uniform in ±1/√fan_in
    /// (`kaiming_uniform_` with a = √5).
    pub fn fan_in(fan_in: usize) -> Self {
        Self::Uniform { bound: (fan_in as f64).sqrt().recip() }
    }

    /// `count` values from `stream`.
    pub fn draw(self, stream: &mut Stream, count: usize) -> Vec<f64> {
        (0..count)
            .map(|_| match self {
                Self::Constant(value) => value,
                Self::Normal { sd } => sd * stream.normal(),
                Self::Uniform { bound } => bound * (2.0 * stream.uniform() - 1.0),
            })
            .collect()
    }
}
