//! The gates that training is made of, on whole registers: real one-qubit gates (controlled or not), flips, and their
//! backward sweep.
//!
//! A real matrix treats real and imaginary parts alike and apart, so these kernels see one part at a time, and a program
//! whose gates are all real never touches the imaginary one.

use crate::sim::kernel::amplitudes::OperandLayout;
use crate::sim::kernel::float::Float;
use crate::sim::kernel::vector::{Unit, Vectors, WIDEST, Work};

/// A real 2 × 2 matrix: entries as in [`Entries`](crate::sim::kernel::amplitudes::Entries), imaginary parts zero.
#[derive(Clone, Copy)]
pub struct RealMatrix<'a, F> {
    pub list: &'a [F],
    pub by_row: bool,
}

/// Whether every block of a gate's amplitudes is whole registers.
pub fn fits<F: Vectors>(layout: &OperandLayout, lanes: usize, by_row: bool) -> bool {
    // A single row shares its entries with no other.
    let block = if by_row && lanes > 1 { lanes } else { lanes * layout.run };
    layout.size() == 2 && block.is_multiple_of(F::WIDTH)
}

/// Of every `stride` registers in a run the one numbered `class`, where a gate's numbers differ by lane; else all.
#[derive(Clone, Copy)]
struct Lanes {
    class: usize,
    stride: usize,
}

impl Lanes {
    const ALL: Self = Self { class: 0, stride: 1 };

    /// Of all registers those that share the numbers of a matrix, for each of its numbers.
    fn of<U: Unit>(matrix: RealMatrix<U::Number>, lanes: usize) -> impl Iterator<Item = Self> {
        let stride = if matrix.by_row { lanes / U::WIDTH } else { 1 };
        (0..stride).map(move |class| Self { class, stride })
    }
}

/// Calls the body for every pair of registers that a gate joins. Nothing is exchanged inside a register, so these loops
/// run on parts of registers.
macro_rules! for_each_pair {
    ($width:expr, $layout:expr, $lanes:expr, $among:expr, $length:expr, |$a:ident, $b:ident| $body:expr) => {
        let (first, second) = ($layout.offsets[0] * $lanes / $width, $layout.offsets[1] * $lanes / $width);
        let inner = $layout.run * $lanes / $width;
        let last = $layout.start($layout.count - 1) * $lanes / $width + first.max(second) + inner;
        assert!(last * $width <= $length, "an operand is outside the state");
        let mut next = $layout.start(0);
        for _ in 0..$layout.count {
            let start = next * $lanes / $width;
            next = $layout.next(next);
            let mut at = $among.class;
            while at < inner {
                let ($a, $b) = (start + at + first, start + at + second);
                $body;
                at += $among.stride;
            }
        }
    };
}

/// One part of a state under a matrix.
pub struct Apply<'a, F> {
    pub part: &'a mut [F],
    pub lanes: usize,
    pub layout: &'a OperandLayout,
    pub matrix: RealMatrix<'a, F>,
}

impl<F: Vectors> Work<F> for Apply<'_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        self.loops(unit.part());
    }
}

impl<F: Vectors> Apply<'_, F> {
    #[inline(always)]
    fn loops<U: Unit<Number = F>>(self, unit: U) {
        let Self { part, lanes, layout, matrix } = self;
        for among in Lanes::of::<U>(matrix, lanes) {
            let w = weights(unit, matrix, lanes, among);
            for_each_pair!(U::WIDTH, layout, lanes, among, part.len(), |a, b| {
                // SAFETY: the macro has checked the last pair.
                unsafe {
                    let (x, y) = (unit.load(part, a), unit.load(part, b));
                    unit.store(part, a, unit.fused(w[1], y, unit.mul(w[0], x)));
                    unit.store(part, b, unit.fused(w[3], y, unit.mul(w[2], x)));
                }
            });
        }
    }
}

/// One part of a state under an X, controlled or not.
pub struct Flip<'a, F> {
    pub part: &'a mut [F],
    pub lanes: usize,
    pub layout: &'a OperandLayout,
}

impl<F: Vectors> Work<F> for Flip<'_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        self.loops(unit.part());
    }
}

impl<F: Vectors> Flip<'_, F> {
    #[inline(always)]
    fn loops<U: Unit<Number = F>>(self, unit: U) {
        let Self { part, lanes, layout } = self;
        for_each_pair!(U::WIDTH, layout, lanes, Lanes::ALL, part.len(), |a, b| {
            // SAFETY: the macro has checked the last pair.
            unsafe {
                let (x, y) = (unit.load(part, a), unit.load(part, b));
                unit.store(part, a, y);
                unit.store(part, b, x);
            }
        });
    }
}

/// One part of ket and bra under the inverse of a gate; adds `2 bra_i ket_j`, the ket's part taken before the gate and the
/// bra's behind it, to entry (i, j) of `found` (each followed by an imaginary part, which stays).
pub struct Unapply<'a, F> {
    pub ket: &'a mut [F],
    pub bra: &'a mut [F],
    pub lanes: usize,
    pub layout: &'a OperandLayout,
    pub inverse: RealMatrix<'a, F>,
    pub found: &'a mut [f64],
}

impl<F: Vectors> Work<F> for Unapply<'_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        self.loops(unit.part());
    }
}

impl<F: Vectors> Unapply<'_, F> {
    #[inline(always)]
    fn loops<U: Unit<Number = F>>(self, unit: U) {
        let Self { ket, bra, lanes, layout, inverse, found } = self;
        for among in Lanes::of::<U>(inverse, lanes) {
            let w = weights(unit, inverse, lanes, among);
            let mut sums = [unit.splat(F::ZERO); 4];
            for_each_pair!(U::WIDTH, layout, lanes, among, ket.len().min(bra.len()), |a, b| {
                // SAFETY: the macro has checked the last pair.
                unsafe {
                    let (x, y) = (unit.load(ket, a), unit.load(ket, b));
                    let (x, y) = (unit.fused(w[1], y, unit.mul(w[0], x)), unit.fused(w[3], y, unit.mul(w[2], x)));
                    let (p, q) = (unit.load(bra, a), unit.load(bra, b));
                    sums = [
                        unit.fused(p, x, sums[0]),
                        unit.fused(p, y, sums[1]),
                        unit.fused(q, x, sums[2]),
                        unit.fused(q, y, sums[3]),
                    ];
                    unit.store(ket, a, x);
                    unit.store(ket, b, y);
                    unit.store(bra, a, unit.fused(w[1], q, unit.mul(w[0], p)));
                    unit.store(bra, b, unit.fused(w[3], q, unit.mul(w[2], p)));
                }
            });
            let mut numbers = [F::ZERO; WIDEST];
            for (entry, &sum) in sums.iter().enumerate() {
                // SAFETY: no register is longer than the array.
                unsafe { unit.store(&mut numbers, 0, sum) };
                for (k, value) in numbers[..U::WIDTH].iter().enumerate() {
                    let at = if inverse.by_row { 2 * entry * lanes + among.class * U::WIDTH + k } else { 2 * entry };
                    found[at] += 2.0 * value.double();
                }
            }
        }
    }
}

/// The entries of a matrix in registers, for the lanes of one class.
#[inline(always)]
fn weights<U: Unit>(unit: U, matrix: RealMatrix<U::Number>, lanes: usize, among: Lanes) -> [U::Register; 4] {
    let count = if matrix.by_row { lanes } else { 1 };
    assert!(matrix.list.len() == 8 * count, "a matrix has four complex entries");
    let mut out = [unit.splat(U::Number::ZERO); 4];
    for entry in 0..4 {
        out[entry] = if matrix.by_row {
            // SAFETY: the list has two parts for each of four entries, of `stride` registers each.
            unsafe { unit.load(matrix.list, 2 * entry * among.stride + among.class) }
        } else {
            unit.splat(matrix.list[2 * entry])
        };
    }
    out
}
