//! Registers of 512 bits.

use std::arch::x86_64::{__m512, __m512d, __m512i};
use std::marker::PhantomData;

use pulp::x86::V4;

use super::Unit;

/// AVX-512.
#[derive(Clone, Copy)]
pub struct Avx512<F>(V4, PhantomData<F>);

impl<F> Avx512<F> {
    pub fn new(simd: V4) -> Self {
        Self(simd, PhantomData)
    }
}

macro_rules! unit {
    ($number:ty, $width:literal, $register:ty, $index:ty, [$set:ident, $mul:ident, $fused:ident, $fused_neg:ident,
        $permute:ident, $load:ident, $store:ident]) => {
        impl Unit for Avx512<$number> {
            type Number = $number;
            type Register = $register;
            type Flips = __m512i;
            type Part = Self;

            const WIDTH: usize = $width;

            #[inline(always)]
            fn part(self) -> Self {
                self
            }

            #[inline(always)]
            fn splat(self, value: $number) -> $register {
                self.0.avx512f.$set(value)
            }

            #[inline(always)]
            fn mul(self, a: $register, b: $register) -> $register {
                self.0.avx512f.$mul(a, b)
            }

            #[inline(always)]
            fn fused(self, a: $register, b: $register, c: $register) -> $register {
                self.0.avx512f.$fused(a, b, c)
            }

            #[inline(always)]
            fn fused_neg(self, a: $register, b: $register, c: $register) -> $register {
                self.0.avx512f.$fused_neg(a, b, c)
            }

            #[inline(always)]
            fn flips(self, mask: usize) -> __m512i {
                let positions: [$index; $width] = std::array::from_fn(|position| (position ^ mask) as $index);
                // SAFETY: both are 512 bits of plain integers.
                unsafe { std::mem::transmute(positions) }
            }

            #[inline(always)]
            fn flip(self, a: $register, flips: __m512i) -> $register {
                self.0.avx512f.$permute(flips, a)
            }

            #[inline(always)]
            // SAFETY: the trait's own requirement on the caller.
            unsafe fn load_at(self, list: &[$number], at: usize) -> $register {
                debug_assert!(at + Self::WIDTH <= list.len());
                // SAFETY: the caller promises that the list reaches to the end of the register.
                unsafe { self.0.avx512f.$load(list.as_ptr().add(at)) }
            }

            #[inline(always)]
            // SAFETY: the trait's own requirement on the caller.
            unsafe fn store_at(self, list: &mut [$number], at: usize, value: $register) {
                debug_assert!(at + Self::WIDTH <= list.len());
                // SAFETY: the caller promises that the list reaches to the end of the register.
                unsafe { self.0.avx512f.$store(list.as_mut_ptr().add(at), value) }
            }
        }
    };
}
unit!(
    f64,
    8,
    __m512d,
    u64,
    [
        _mm512_set1_pd,
        _mm512_mul_pd,
        _mm512_fmadd_pd,
        _mm512_fnmadd_pd,
        _mm512_permutexvar_pd,
        _mm512_loadu_pd,
        _mm512_storeu_pd
    ]
);
unit!(
    f32,
    16,
    __m512,
    u32,
    [
        _mm512_set1_ps,
        _mm512_mul_ps,
        _mm512_fmadd_ps,
        _mm512_fnmadd_ps,
        _mm512_permutexvar_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps
    ]
);
