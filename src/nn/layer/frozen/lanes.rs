//! Sixteen floats at a time on whatever the processor has.

use pulp::{NullaryFnOnce, Simd};

/// Channels that lie side by side in memory: one AVX-512 register, one cache line.
pub(super) const LANES: usize = 16;

/// Sixteen channels of one pixel.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Block(pub [f32; LANES]);

/// Which vector instructions the kernels use. Results differ between them in the last digits, because sums of fused
/// and of plain multiply-adds round differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Instructions {
    /// Whatever the compiler makes of plain loops.
    Portable,
    /// 128-bit vectors of 64-bit ARM.
    Neon,
    /// 256-bit vectors and fused multiply-add of x86-64 since 2013.
    Avx2,
    /// 512-bit vectors of x86-64 servers since 2017.
    Avx512,
}

impl Instructions {
    /// What this processor can run, slowest first; never empty.
    pub fn available() -> Vec<Self> {
        let mut found = vec![Instructions::Portable];
        #[cfg(target_arch = "aarch64")]
        found.extend(pulp::aarch64::Neon::try_new().map(|_| Instructions::Neon));
        #[cfg(target_arch = "x86_64")]
        {
            found.extend(pulp::x86::V3::try_new().map(|_| Instructions::Avx2));
            found.extend(pulp::x86::V4::try_new().map(|_| Instructions::Avx512));
        }
        found
    }

    /// The fastest this processor can run.
    pub fn best() -> Self {
        Self::available().pop().unwrap_or(Instructions::Portable)
    }

    /// Runs `task` with these instructions, or with plain loops where the processor lacks them.
    pub(super) fn run(self, task: impl Task) {
        match self {
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon if let Some(simd) = pulp::aarch64::Neon::try_new() => task.run(Wide::<_, 4>(simd)),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 if let Some(simd) = pulp::x86::V3::try_new() => task.run(Wide::<_, 2>(simd)),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 if let Some(simd) = pulp::x86::V4::try_new() => task.run(Wide::<_, 1>(simd)),
            _ => task.run(Wide::<_, LANES>(pulp::Scalar::new())),
        }
    }
}

/// Work that is written once for all instruction sets.
pub(super) trait Task {
    fn run<L: Lanes>(self, lanes: L);
}

/// Arithmetic on sixteen floats. A kernel must be `#[inline(always)]` down from the type it gives to
/// [`Lanes::vectorize`]: only then is it compiled for the instructions at hand.
pub(super) trait Lanes: Copy {
    type Vector: Copy;
    /// Whether a vector is one register, and there are 32 of them.
    const WIDE: bool;

    fn vectorize<K: NullaryFnOnce<Output = ()>>(self, kernel: K);
    fn splat(self, value: f32) -> Self::Vector;
    /// a · b + c.
    fn multiply_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// # Safety
    /// `from` must be valid for reading sixteen floats.
    unsafe fn load(self, from: *const f32) -> Self::Vector;
    /// # Safety
    /// `to` must be valid for writing sixteen floats.
    unsafe fn store(self, to: *mut f32, value: Self::Vector);
}

/// N registers of an instruction set that together hold sixteen floats.
#[derive(Clone, Copy)]
pub(super) struct Wide<S, const N: usize>(S);

impl<S: Simd, const N: usize> Lanes for Wide<S, N> {
    type Vector = [S::f32s; N];
    const WIDE: bool = N == 1;

    #[inline(always)]
    fn vectorize<K: NullaryFnOnce<Output = ()>>(self, kernel: K) {
        self.0.vectorize(kernel);
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        [self.0.splat_f32s(value); N]
    }

    #[inline(always)]
    fn multiply_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        let mut sum = c;
        for i in 0..N {
            sum[i] = self.0.mul_add_e_f32s(a[i], b[i], c[i]);
        }
        sum
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        let mut sum = a;
        for i in 0..N {
            sum[i] = self.0.add_f32s(a[i], b[i]);
        }
        sum
    }

    #[inline(always)]
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        let mut larger = a;
        for i in 0..N {
            larger[i] = self.0.max_f32s(a[i], b[i]);
        }
        larger
    }

    #[inline(always)]
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        let mut smaller = a;
        for i in 0..N {
            smaller[i] = self.0.min_f32s(a[i], b[i]);
        }
        smaller
    }

    // SAFETY: the trait states what callers must guarantee.
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::Vector {
        // SAFETY: N vectors are sixteen floats, which the caller guarantees. The read may be unaligned.
        unsafe { from.cast::<Self::Vector>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: Self::Vector) {
        // SAFETY: as in `load`.
        unsafe { to.cast::<Self::Vector>().write_unaligned(value) }
    }
}
