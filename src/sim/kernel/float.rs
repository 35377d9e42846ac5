//! The two widths of floating point numbers that engines compute with.

use std::fmt::Debug;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Neg, Sub};

/// f64 or f32. Angles and results are f64 everywhere; amplitudes have the width that the options set.
pub trait Float:
    Copy
    + Debug
    + Default
    + PartialEq
    + Send
    + Sync
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Neg<Output = Self>
    + Sum
    + 'static
{
    const ZERO: Self;
    const ONE: Self;

    /// The nearest number of this width.
    fn of(value: f64) -> Self;

    /// The same number as f64.
    fn double(self) -> f64;

    /// `self·b + c`, rounded once.
    fn fused(self, b: Self, c: Self) -> Self;
}

macro_rules! float {
    ($type:ty) => {
        impl Float for $type {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;

            #[inline(always)]
            fn of(value: f64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn double(self) -> f64 {
                self.into()
            }

            #[inline(always)]
            fn fused(self, b: Self, c: Self) -> Self {
                self.mul_add(b, c)
            }
        }
    };
}
float!(f64);
float!(f32);
