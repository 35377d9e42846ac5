//! The vector unit as kernels see it: registers of one width for each kind of number, whatever the machine has.
//!
//! A register holds `2^LOW` numbers, so the lowest `LOW` bits of an index are places inside a register. AVX-512 runs it
//! with its own instructions; everything else runs arrays of the same width that the compiler vectorizes.

use crate::sim::float::Float;

/// Instructions on registers of numbers.
pub trait Unit: Copy {
    type Number: Vectors;
    type Register: Copy;
    /// Which places of a register change with which: [`Unit::flips`].
    type Flips: Copy;

    fn splat(self, value: Self::Number) -> Self::Register;
    fn mul(self, a: Self::Register, b: Self::Register) -> Self::Register;
    /// `a·b + c`.
    fn fused(self, a: Self::Register, b: Self::Register, c: Self::Register) -> Self::Register;
    /// `c - a·b`.
    fn fused_neg(self, a: Self::Register, b: Self::Register, c: Self::Register) -> Self::Register;
    /// The exchange of place i with place `i ^ mask`.
    fn flips(self, mask: usize) -> Self::Flips;
    fn flip(self, a: Self::Register, flips: Self::Flips) -> Self::Register;
    /// Register number `at` of `list`.
    ///
    /// # Safety
    /// `list` holds at least `at + 1` registers.
    unsafe fn load(self, list: &[Self::Number], at: usize) -> Self::Register;
    /// # Safety
    /// `list` holds at least `at + 1` registers.
    unsafe fn store(self, list: &mut [Self::Number], at: usize, value: Self::Register);
}

/// Work that runs on whatever vector unit the machine has. `run` and all that it calls must be `#[inline(always)]`, or it
/// is compiled for the oldest machine.
pub trait Work<F> {
    fn run<U: Unit<Number = F>>(self, unit: U);
}

/// Numbers that fill registers.
pub trait Vectors: Float {
    /// Bits of an index inside one register.
    const LOW: usize;
    /// Numbers in a register.
    const WIDTH: usize = 1 << Self::LOW;

    /// Runs work on the best unit found.
    fn dispatch(work: impl Work<Self>);
}

/// Any machine: arrays of W numbers, `FUSED` where multiply-and-add is one instruction.
#[derive(Clone, Copy)]
struct Arrays<F, const W: usize, const FUSED: bool>(std::marker::PhantomData<F>);

impl<F: Vectors, const W: usize, const FUSED: bool> Unit for Arrays<F, W, FUSED> {
    type Number = F;
    type Register = [F; W];
    type Flips = usize;

    #[inline(always)]
    fn splat(self, value: F) -> [F; W] {
        [value; W]
    }

    #[inline(always)]
    fn mul(self, mut a: [F; W], b: [F; W]) -> [F; W] {
        for w in 0..W {
            a[w] = a[w] * b[w];
        }
        a
    }

    #[inline(always)]
    fn fused(self, mut a: [F; W], b: [F; W], c: [F; W]) -> [F; W] {
        for w in 0..W {
            a[w] = if FUSED { a[w].fused(b[w], c[w]) } else { a[w] * b[w] + c[w] };
        }
        a
    }

    #[inline(always)]
    fn fused_neg(self, mut a: [F; W], b: [F; W], c: [F; W]) -> [F; W] {
        for w in 0..W {
            a[w] = if FUSED { (-a[w]).fused(b[w], c[w]) } else { c[w] - a[w] * b[w] };
        }
        a
    }

    #[inline(always)]
    fn flips(self, mask: usize) -> usize {
        mask
    }

    #[inline(always)]
    fn flip(self, a: [F; W], mask: usize) -> [F; W] {
        let mut out = a;
        for w in 0..W {
            out[w] = a[(w ^ mask) & (W - 1)];
        }
        out
    }

    #[inline(always)]
    unsafe fn load(self, list: &[F], at: usize) -> [F; W] {
        list[at * W..][..W].try_into().expect("the slice has W elements")
    }

    #[inline(always)]
    unsafe fn store(self, list: &mut [F], at: usize, value: [F; W]) {
        list[at * W..][..W].copy_from_slice(&value);
    }
}

macro_rules! vectors {
    ($number:ty, $low:literal, $avx512:ident, $register:ty, $index:ty, [$set:ident, $mul:ident, $fused:ident, $fused_neg:ident,
        $permute:ident, $load:ident, $store:ident]) => {
        impl Vectors for $number {
            const LOW: usize = $low;

            fn dispatch(work: impl Work<Self>) {
                #[cfg(target_arch = "x86_64")]
                if let Some(simd) = pulp::x86::V4::try_new() {
                    struct Wide<T>(T, pulp::x86::V4);
                    impl<T: Work<$number>> pulp::NullaryFnOnce for Wide<T> {
                        type Output = ();
                        #[inline(always)]
                        fn call(self) {
                            self.0.run($avx512(self.1));
                        }
                    }
                    return simd.vectorize(Wide(work, simd));
                }
                struct Each<T>(T);
                impl<T: Work<$number>> pulp::WithSimd for Each<T> {
                    type Output = ();
                    #[inline(always)]
                    fn with_simd<S: pulp::Simd>(self, _: S) {
                        if S::IS_SCALAR {
                            self.0.run(Arrays::<$number, { 1 << $low }, false>(std::marker::PhantomData));
                        } else {
                            self.0.run(Arrays::<$number, { 1 << $low }, true>(std::marker::PhantomData));
                        }
                    }
                }
                pulp::Arch::new().dispatch(Each(work));
            }
        }

        /// AVX-512.
        #[cfg(target_arch = "x86_64")]
        #[derive(Clone, Copy)]
        struct $avx512(pulp::x86::V4);

        #[cfg(target_arch = "x86_64")]
        impl Unit for $avx512 {
            type Number = $number;
            type Register = $register;
            type Flips = std::arch::x86_64::__m512i;

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
            fn flips(self, mask: usize) -> Self::Flips {
                let places: [$index; 1 << $low] = std::array::from_fn(|place| (place ^ mask) as $index);
                // SAFETY: both are 512 bits of plain integers.
                unsafe { std::mem::transmute(places) }
            }

            #[inline(always)]
            fn flip(self, a: $register, flips: Self::Flips) -> $register {
                self.0.avx512f.$permute(flips, a)
            }

            #[inline(always)]
            unsafe fn load(self, list: &[$number], at: usize) -> $register {
                debug_assert!((at + 1) * Self::Number::WIDTH <= list.len());
                // SAFETY: the caller promises that the list reaches to the end of register `at`.
                unsafe { self.0.avx512f.$load(list.as_ptr().add(at * Self::Number::WIDTH)) }
            }

            #[inline(always)]
            unsafe fn store(self, list: &mut [$number], at: usize, value: $register) {
                debug_assert!((at + 1) * Self::Number::WIDTH <= list.len());
                // SAFETY: the caller promises that the list reaches to the end of register `at`.
                unsafe { self.0.avx512f.$store(list.as_mut_ptr().add(at * Self::Number::WIDTH), value) }
            }
        }
    };
}
vectors!(
    f64,
    3,
    DoubleAvx512,
    std::arch::x86_64::__m512d,
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
vectors!(
    f32,
    4,
    SingleAvx512,
    std::arch::x86_64::__m512,
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
