//! The vector unit as kernels see it: registers of one width for each kind of number, whatever the machine has.
//!
//! A register holds `2^LOW` numbers, so the lowest `LOW` bits of an index are positions inside a register. AVX-512 has such
//! registers; AVX2 has halves of them, and kernels run over these wherever they can ([`Unit::part`]), since two of every
//! number would not stay in its 16 registers. Everything else runs arrays that the compiler vectorizes.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::sim::kernel::float::Float;

/// Numbers in the widest register there is.
pub const WIDEST: usize = 16;

/// Instructions on registers of numbers.
pub trait Unit: Copy {
    type Number: Vectors;
    type Register: Copy;
    /// Which positions of a register are exchanged: [`Unit::flips`].
    type Flips: Copy;
    /// The same instructions on the registers that the machine really has.
    type Part: Unit<Number = Self::Number, Part = Self::Part>;

    /// Numbers in a register.
    const WIDTH: usize;

    fn part(self) -> Self::Part;

    fn splat(self, value: Self::Number) -> Self::Register;
    fn mul(self, a: Self::Register, b: Self::Register) -> Self::Register;
    /// `a·b + c`.
    fn fused(self, a: Self::Register, b: Self::Register, c: Self::Register) -> Self::Register;
    /// `c - a·b`.
    fn fused_neg(self, a: Self::Register, b: Self::Register, c: Self::Register) -> Self::Register;
    /// The exchange of position i with position `i ^ mask`.
    fn flips(self, mask: usize) -> Self::Flips;
    fn flip(self, a: Self::Register, flips: Self::Flips) -> Self::Register;
    /// The register that starts at number `at` of `list`.
    ///
    /// # Safety
    /// `list` holds at least `at + WIDTH` numbers.
    unsafe fn load_at(self, list: &[Self::Number], at: usize) -> Self::Register;
    /// # Safety
    /// `list` holds at least `at + WIDTH` numbers.
    unsafe fn store_at(self, list: &mut [Self::Number], at: usize, value: Self::Register);

    /// Register number `at` of `list`.
    ///
    /// # Safety
    /// `list` holds at least `at + 1` registers.
    #[inline(always)]
    unsafe fn load(self, list: &[Self::Number], at: usize) -> Self::Register {
        // SAFETY: the caller promises that the list reaches to the end of register `at`.
        unsafe { self.load_at(list, at * Self::WIDTH) }
    }

    /// # Safety
    /// `list` holds at least `at + 1` registers.
    #[inline(always)]
    unsafe fn store(self, list: &mut [Self::Number], at: usize, value: Self::Register) {
        // SAFETY: as in `load`.
        unsafe { self.store_at(list, at * Self::WIDTH, value) }
    }
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

    /// Bits of an index inside one register of the [`Unit::Part`] of this machine's unit.
    fn part_bits() -> usize;

    /// Runs work on the best unit found.
    fn dispatch(work: impl Work<Self>);
}

/// Any machine: arrays of W numbers, in parts of P, `FUSED` where multiply-and-add is one instruction.
#[derive(Clone, Copy)]
struct Arrays<F, const W: usize, const P: usize, const FUSED: bool>(std::marker::PhantomData<F>);

impl<F: Vectors, const W: usize, const P: usize, const FUSED: bool> Unit for Arrays<F, W, P, FUSED> {
    type Number = F;
    type Register = [F; W];
    type Flips = usize;
    type Part = Arrays<F, P, P, FUSED>;

    const WIDTH: usize = W;

    #[inline(always)]
    fn part(self) -> Self::Part {
        Arrays(self.0)
    }

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
    // SAFETY: the trait's own requirement on the caller.
    unsafe fn load_at(self, list: &[F], at: usize) -> [F; W] {
        list[at..][..W].try_into().expect("the slice has W elements")
    }

    #[inline(always)]
    // SAFETY: the trait's own requirement on the caller.
    unsafe fn store_at(self, list: &mut [F], at: usize, value: [F; W]) {
        list[at..][..W].copy_from_slice(&value);
    }
}

/// Runs work on arrays.
#[cfg(not(target_arch = "x86_64"))]
fn arrays<F: Vectors, const W: usize>(work: impl Work<F>) {
    struct Each<F, T, const W: usize>(T, std::marker::PhantomData<F>);
    impl<F: Vectors, T: Work<F>, const W: usize> pulp::WithSimd for Each<F, T, W> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _: S) {
            if S::IS_SCALAR {
                self.0.run(Arrays::<F, W, W, false>(self.1));
            } else {
                self.0.run(Arrays::<F, W, W, true>(self.1));
            }
        }
    }
    pulp::Arch::new().dispatch(Each::<F, _, W>(work, std::marker::PhantomData));
}

macro_rules! vectors {
    ($number:ty, $low:literal) => {
        impl Vectors for $number {
            const LOW: usize = $low;

            fn part_bits() -> usize {
                #[cfg(target_arch = "x86_64")]
                if pulp::x86::V4::try_new().is_none() && pulp::x86::V3::try_new().is_some() {
                    return $low - 1;
                }
                $low
            }

            fn dispatch(work: impl Work<Self>) {
                #[cfg(target_arch = "x86_64")]
                {
                    if let Some(simd) = pulp::x86::V4::try_new() {
                        return simd.vectorize(On { work, unit: avx512::Avx512::<$number>::new(simd) });
                    }
                    if let Some(simd) = pulp::x86::V3::try_new() {
                        return simd.vectorize(On { work, unit: avx2::Avx2::<$number>::new(simd) });
                    }
                    work.run(Arrays::<$number, { 1 << $low }, { 1 << $low }, false>(std::marker::PhantomData))
                }
                #[cfg(not(target_arch = "x86_64"))]
                arrays::<$number, { 1 << $low }>(work)
            }
        }
    };
}
vectors!(f64, 3);
vectors!(f32, 4);

/// Work on a unit, in the form that pulp calls.
#[cfg(target_arch = "x86_64")]
struct On<T, U> {
    work: T,
    unit: U,
}

#[cfg(target_arch = "x86_64")]
impl<U: Unit, T: Work<U::Number>> pulp::NullaryFnOnce for On<T, U> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.work.run(self.unit);
    }
}

/// Runs work on plain arrays, in parts as large as those of this machine's unit.
#[cfg(test)]
pub fn portable<F: Vectors>(work: impl Work<F>) {
    match (F::LOW, F::part_bits()) {
        (3, 3) => work.run(Arrays::<F, 8, 8, false>(std::marker::PhantomData)),
        (3, _) => work.run(Arrays::<F, 8, 4, false>(std::marker::PhantomData)),
        (_, 4) => work.run(Arrays::<F, 16, 16, false>(std::marker::PhantomData)),
        _ => work.run(Arrays::<F, 16, 8, false>(std::marker::PhantomData)),
    }
}
