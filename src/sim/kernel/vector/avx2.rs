//! Registers of 256 bits, and pairs of them in place of one of 512.

use std::arch::x86_64::{__m256, __m256d, __m256i};
use std::marker::PhantomData;

use pulp::x86::V3;

use super::Unit;

/// AVX2 with fused multiply-and-add, in pairs of registers.
#[derive(Clone, Copy)]
pub struct Avx2<F>(Half<F>);

/// One register of a pair.
#[derive(Clone, Copy)]
pub struct Half<F>(V3, PhantomData<F>);

impl<F> Avx2<F> {
    pub fn new(simd: V3) -> Self {
        Self(Half(simd, PhantomData))
    }
}

macro_rules! unit {
    ($number:ty, $half:literal, $register:ty, [$set:ident, $mul:ident, $fused:ident, $fused_neg:ident, $load:ident,
        $store:ident], |$simd:ident, $value:ident, $positions:ident| $permute:expr) => {
        impl Unit for Half<$number> {
            type Number = $number;
            type Register = $register;
            type Flips = __m256i;
            type Part = Self;

            const WIDTH: usize = $half;

            #[inline(always)]
            fn part(self) -> Self {
                self
            }

            #[inline(always)]
            fn splat(self, value: $number) -> $register {
                self.0.avx.$set(value)
            }

            #[inline(always)]
            fn mul(self, a: $register, b: $register) -> $register {
                self.0.avx.$mul(a, b)
            }

            #[inline(always)]
            fn fused(self, a: $register, b: $register, c: $register) -> $register {
                self.0.fma.$fused(a, b, c)
            }

            #[inline(always)]
            fn fused_neg(self, a: $register, b: $register, c: $register) -> $register {
                self.0.fma.$fused_neg(a, b, c)
            }

            /// Indices in units of 32 bits, whatever the number.
            #[inline(always)]
            fn flips(self, mask: usize) -> __m256i {
                let (mask, each) = (mask & ($half - 1), 8 / $half);
                let positions: [u32; 8] = std::array::from_fn(|position| (position ^ (mask * each)) as u32);
                // SAFETY: both are 256 bits of plain integers.
                unsafe { std::mem::transmute(positions) }
            }

            #[inline(always)]
            fn flip(self, a: $register, flips: __m256i) -> $register {
                let ($simd, $value, $positions) = (self.0, a, flips);
                $permute
            }

            #[inline(always)]
            // SAFETY: the trait's own requirement on the caller.
            unsafe fn load_at(self, list: &[$number], at: usize) -> $register {
                debug_assert!(at + Self::WIDTH <= list.len());
                // SAFETY: the caller promises that the list reaches to the end of the register.
                unsafe { self.0.avx.$load(list.as_ptr().add(at)) }
            }

            #[inline(always)]
            // SAFETY: the trait's own requirement on the caller.
            unsafe fn store_at(self, list: &mut [$number], at: usize, value: $register) {
                debug_assert!(at + Self::WIDTH <= list.len());
                // SAFETY: the caller promises that the list reaches to the end of the register.
                unsafe { self.0.avx.$store(list.as_mut_ptr().add(at), value) }
            }
        }

        impl Unit for Avx2<$number> {
            type Number = $number;
            type Register = [$register; 2];
            /// Whether the halves are exchanged, and which positions of each.
            type Flips = (bool, __m256i);
            type Part = Half<$number>;

            const WIDTH: usize = 2 * $half;

            #[inline(always)]
            fn part(self) -> Half<$number> {
                self.0
            }

            #[inline(always)]
            fn splat(self, value: $number) -> [$register; 2] {
                [self.0.splat(value); 2]
            }

            #[inline(always)]
            fn mul(self, a: [$register; 2], b: [$register; 2]) -> [$register; 2] {
                [self.0.mul(a[0], b[0]), self.0.mul(a[1], b[1])]
            }

            #[inline(always)]
            fn fused(self, a: [$register; 2], b: [$register; 2], c: [$register; 2]) -> [$register; 2] {
                [self.0.fused(a[0], b[0], c[0]), self.0.fused(a[1], b[1], c[1])]
            }

            #[inline(always)]
            fn fused_neg(self, a: [$register; 2], b: [$register; 2], c: [$register; 2]) -> [$register; 2] {
                [self.0.fused_neg(a[0], b[0], c[0]), self.0.fused_neg(a[1], b[1], c[1])]
            }

            #[inline(always)]
            fn flips(self, mask: usize) -> (bool, __m256i) {
                (mask & $half != 0, self.0.flips(mask))
            }

            #[inline(always)]
            fn flip(self, a: [$register; 2], (cross, positions): (bool, __m256i)) -> [$register; 2] {
                let [low, high] = [self.0.flip(a[0], positions), self.0.flip(a[1], positions)];
                if cross { [high, low] } else { [low, high] }
            }

            #[inline(always)]
            // SAFETY: the trait's own requirement on the caller.
            unsafe fn load_at(self, list: &[$number], at: usize) -> [$register; 2] {
                // SAFETY: the caller promises that the list reaches to the end of both halves.
                unsafe { [self.0.load_at(list, at), self.0.load_at(list, at + $half)] }
            }

            #[inline(always)]
            // SAFETY: the trait's own requirement on the caller.
            unsafe fn store_at(self, list: &mut [$number], at: usize, value: [$register; 2]) {
                // SAFETY: as in `load_at`.
                unsafe {
                    self.0.store_at(list, at, value[0]);
                    self.0.store_at(list, at + $half, value[1]);
                }
            }
        }
    };
}
unit!(
    f64,
    4,
    __m256d,
    [_mm256_set1_pd, _mm256_mul_pd, _mm256_fmadd_pd, _mm256_fnmadd_pd, _mm256_loadu_pd, _mm256_storeu_pd],
    |simd, value, positions| {
        let numbers = simd.avx2._mm256_permutevar8x32_ps(simd.avx._mm256_castpd_ps(value), positions);
        simd.avx._mm256_castps_pd(numbers)
    }
);
unit!(
    f32,
    8,
    __m256,
    [_mm256_set1_ps, _mm256_mul_ps, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_loadu_ps, _mm256_storeu_ps],
    |simd, value, positions| simd.avx2._mm256_permutevar8x32_ps(value, positions)
);
