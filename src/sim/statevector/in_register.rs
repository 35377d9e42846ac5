//! RealMatrix one-qubit gates, controlled or not, on a single row where an operand lies inside a register.
//!
//! What [`real_gate`](crate::sim::statevector::real_gate) does with pairs of registers happens here between positions of one: a gate
//! on a low qubit sends a register x to `straight ∘ x + cross ∘ flip(x)`, and where a low control is 0 the weights are 1
//! and 0.

use crate::sim::kernel::amplitudes::OperandLayout;
use crate::sim::kernel::float::Float;
use crate::sim::kernel::vector::{Unit, Vectors, WIDEST, Work};
use crate::sim::statevector::real_gate::RealMatrix;

/// Where such a gate finds its operands.
pub struct InRegisterLayout {
    /// Operands above the register, in units of registers.
    layout: OperandLayout,
    /// Which positions a target inside the register exchanges.
    flip: Option<usize>,
    /// Bits of the controls inside the register, all set.
    controls: usize,
    /// For a register whose target is 0, should the target lie above, and for one where it is 1: of each position, which of
    /// the matrix's four entries, of 1 and of 0, it keeps of itself and takes of its partner.
    sources: [[[u8; WIDEST]; 2]; 2],
}

/// In [`InRegisterLayout::sources`], behind the four entries of a matrix.
const ONE: u8 = 4;
const ZERO: u8 = 5;

impl InRegisterLayout {
    /// The operands in a state of `total` qubits; `None` if all lie above a register, or the state does not fill one.
    pub fn new<F: Vectors>(total: usize, controls: &[usize], target: usize) -> Option<Self> {
        let (low, high): (Vec<usize>, Vec<usize>) = controls.iter().partition(|&&qubit| qubit < F::LOW);
        let inside = target < F::LOW;
        if total < F::LOW || low.is_empty() && !inside {
            return None;
        }
        let above: Vec<usize> = high.iter().map(|qubit| qubit - F::LOW).collect();
        let targets = if inside { vec![] } else { vec![target - F::LOW] };
        let mut in_register = Self {
            layout: OperandLayout::new(total - F::LOW, &above, &targets),
            flip: inside.then_some(1 << target),
            controls: low.iter().map(|qubit| 1 << qubit).sum(),
            sources: [[[ONE; WIDEST], [ZERO; WIDEST]]; 2],
        };
        for above in 0..2 {
            for position in (0..WIDEST).filter(|&position| in_register.is_on(position)).collect::<Vec<_>>() {
                let bit = in_register.bit(position, above) as u8;
                in_register.sources[above][0][position] = 3 * bit;
                in_register.sources[above][1][position] = 1 + bit;
            }
        }
        Some(in_register)
    }

    fn is_on(&self, position: usize) -> bool {
        position & self.controls == self.controls
    }

    /// The target's bit at a position of the register in which it is `above`, should the target lie above.
    fn bit(&self, position: usize, above: usize) -> usize {
        self.flip.map_or(above, |mask| usize::from(position & mask != 0))
    }

    /// What each position keeps of itself and takes of its partner; the register whose target is 0, then the one where it
    /// is 1 (the same two if the target lies inside).
    #[inline(always)]
    fn weights<U: Unit>(&self, unit: U, matrix: RealMatrix<U::Number>) -> [[U::Register; 2]; 2] {
        assert!(matrix.list.len() == 8, "a matrix has four complex entries");
        let entry = |k: usize| matrix.list[2 * k];
        let numbers = [entry(0), entry(1), entry(2), entry(3), U::Number::ONE, U::Number::ZERO];
        let mut out = [[unit.splat(U::Number::ZERO); 2]; 2];
        for above in 0..self.registers() {
            for part in 0..2 {
                let mut list = [U::Number::ZERO; WIDEST];
                for position in 0..U::WIDTH {
                    list[position] = numbers[usize::from(self.sources[above][part][position])];
                }
                // SAFETY: no register is longer than the array.
                out[above][part] = unsafe { unit.load(&list, 0) };
            }
        }
        out
    }

    /// How many registers the gate joins.
    fn registers(&self) -> usize {
        if self.flip.is_some() { 1 } else { 2 }
    }
}

/// Calls the body for every register at which the gate finds its controls 1 and a target above it 0.
macro_rules! for_each_register {
    ($in_register:expr, $width:expr, $length:expr, |$at:ident, $partner:ident| $body:expr) => {
        let layout = &$in_register.layout;
        let above = layout.offsets[layout.size() - 1];
        let last = layout.start(layout.count - 1) + above + layout.run;
        assert!(last * $width <= $length, "an operand is outside the state");
        let mut start = layout.start(0);
        for _ in 0..layout.count {
            for $at in start..start + layout.run {
                let $partner = $at + above;
                $body;
            }
            start = layout.next(start);
        }
    };
}

/// One part of a state under a matrix.
pub struct Apply<'a, F> {
    pub part: &'a mut [F],
    pub in_register: &'a InRegisterLayout,
    pub matrix: RealMatrix<'a, F>,
}

impl<F: Vectors> Work<F> for Apply<'_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        let Self { part, in_register, matrix } = self;
        let [[s0, c0], [s1, c1]] = in_register.weights(unit, matrix);
        let flips = unit.flips(in_register.flip.unwrap_or(0));
        if in_register.flip.is_some() {
            for_each_register!(in_register, F::WIDTH, part.len(), |at, _partner| {
                // SAFETY: the macro has checked the last register.
                unsafe {
                    let x = unit.load(part, at);
                    unit.store(part, at, unit.fused(c0, unit.flip(x, flips), unit.mul(s0, x)));
                }
            });
        } else {
            for_each_register!(in_register, F::WIDTH, part.len(), |at, partner| {
                // SAFETY: the macro has checked the last pair.
                unsafe {
                    let (x, y) = (unit.load(part, at), unit.load(part, partner));
                    unit.store(part, at, unit.fused(c0, y, unit.mul(s0, x)));
                    unit.store(part, partner, unit.fused(c1, x, unit.mul(s1, y)));
                }
            });
        }
    }
}

/// One part of ket and bra under the inverse of a gate; adds to `found` what
/// [`real_gate::Unapply`](crate::sim::statevector::real_gate::Unapply) does.
pub struct Unapply<'a, F> {
    pub ket: &'a mut [F],
    pub bra: &'a mut [F],
    pub in_register: &'a InRegisterLayout,
    pub inverse: RealMatrix<'a, F>,
    pub found: &'a mut [f64],
}

impl<F: Vectors> Work<F> for Unapply<'_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        let Self { ket, bra, in_register, inverse, found } = self;
        let [[s0, c0], [s1, c1]] = in_register.weights(unit, inverse);
        let flips = unit.flips(in_register.flip.unwrap_or(0));
        let length = ket.len().min(bra.len());
        // Of the register whose target is 0 and of that where it is 1: bra times ket, and bra times the ket's partner.
        let mut sums = [[unit.splat(F::ZERO); 2]; 2];
        if in_register.flip.is_some() {
            for_each_register!(in_register, F::WIDTH, length, |at, _partner| {
                // SAFETY: the macro has checked the last register.
                unsafe {
                    let x = unit.load(ket, at);
                    let x = unit.fused(c0, unit.flip(x, flips), unit.mul(s0, x));
                    let p = unit.load(bra, at);
                    sums[0] = [unit.fused(p, x, sums[0][0]), unit.fused(p, unit.flip(x, flips), sums[0][1])];
                    unit.store(ket, at, x);
                    unit.store(bra, at, unit.fused(c0, unit.flip(p, flips), unit.mul(s0, p)));
                }
            });
        } else {
            for_each_register!(in_register, F::WIDTH, length, |at, partner| {
                // SAFETY: the macro has checked the last pair.
                unsafe {
                    let (x, y) = (unit.load(ket, at), unit.load(ket, partner));
                    let (x, y) = (unit.fused(c0, y, unit.mul(s0, x)), unit.fused(c1, x, unit.mul(s1, y)));
                    let (p, q) = (unit.load(bra, at), unit.load(bra, partner));
                    sums = [
                        [unit.fused(p, x, sums[0][0]), unit.fused(p, y, sums[0][1])],
                        [unit.fused(q, y, sums[1][0]), unit.fused(q, x, sums[1][1])],
                    ];
                    unit.store(ket, at, x);
                    unit.store(ket, partner, y);
                    unit.store(bra, at, unit.fused(c0, q, unit.mul(s0, p)));
                    unit.store(bra, partner, unit.fused(c1, p, unit.mul(s1, q)));
                }
            });
        }
        for (above, pair) in sums.iter().enumerate().take(in_register.registers()) {
            for (crossed, &sum) in pair.iter().enumerate() {
                let mut numbers = [F::ZERO; WIDEST];
                // SAFETY: no register is longer than the array.
                unsafe { unit.store(&mut numbers, 0, sum) };
                // Where a control is 0 the gate's entries have no part.
                for (position, value) in
                    numbers[..F::WIDTH].iter().enumerate().filter(|(position, _)| in_register.is_on(*position))
                {
                    let row = in_register.bit(position, above);
                    found[2 * (2 * row + (row ^ crossed))] += 2.0 * value.double();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Stream;
    use crate::sim::kernel::amplitudes::{Entries, MatrixKind, State, apply};
    use crate::sim::kernel::vector::portable;
    use crate::sim::statevector::adjoint::unapply_both;

    fn random<F: Vectors>(qubits: usize, stream: &mut Stream) -> State<F> {
        let mut state = State::zeros(1 << qubits, 1);
        state.re.iter_mut().for_each(|x| *x = F::of(stream.normal()));
        state
    }

    /// Every target with no, one and two controls, against the loops that do not use registers.
    fn agrees<F: Vectors>(tolerance: f64) {
        let (total, mut stream) = (7, Stream::named(1, "in_register"));
        let close = |a: &[F], b: &[F]| a.iter().zip(b).all(|(a, b)| (a.double() - b.double()).abs() < tolerance);
        let mut seen = 0;
        for target in 0..total {
            for first in 0..total {
                for second in 0..total {
                    let mut controls: Vec<usize> = vec![first, second];
                    controls.retain(|&qubit| qubit != target);
                    controls.dedup();
                    let Some(in_register) = InRegisterLayout::new::<F>(total, &controls, target) else { continue };
                    seen += 1;
                    let layout = OperandLayout::new(total, &controls, &[target]);
                    let list = [0.8, 0.0, -0.3, 0.0, 0.4, 0.0, 0.9, 0.0].map(F::of);
                    let (matrix, entries) =
                        (RealMatrix { list: &list, by_row: false }, Entries { list: &list, by_row: false });
                    let (ket, bra) = (random::<F>(total, &mut stream), random::<F>(total, &mut stream));

                    let mut expected = ket.clone();
                    apply(&mut expected, &layout, &MatrixKind::Real, entries);
                    let (mut best, mut portably) = (ket.clone(), ket.clone());
                    F::dispatch(Apply { part: &mut best.re, in_register: &in_register, matrix });
                    portable(Apply { part: &mut portably.re, in_register: &in_register, matrix });
                    assert!(close(&best.re, &expected.re), "{controls:?} {target}");
                    assert!(close(&portably.re, &expected.re), "{controls:?} {target}, portable");

                    let (mut kets, mut bras) = ((ket.clone(), ket.clone()), (bra.clone(), bra.clone()));
                    let (mut expected, mut found) = ([0.0; 8], [0.0; 8]);
                    unapply_both(&mut kets.0, &mut bras.0, &layout, &MatrixKind::Real, entries, &mut expected);
                    let (k, b) = (&mut kets.1.re, &mut bras.1.re);
                    F::dispatch(Unapply {
                        ket: k,
                        bra: b,
                        in_register: &in_register,
                        inverse: matrix,
                        found: &mut found,
                    });
                    assert!(close(&kets.0.re, &kets.1.re) && close(&bras.0.re, &bras.1.re), "{controls:?} {target}");
                    for (a, b) in expected.iter().zip(&found) {
                        // Sums of 128 products.
                        assert!((a - b).abs() < 300.0 * tolerance, "{controls:?} {target}: {expected:?} {found:?}");
                    }
                }
            }
        }
        assert!(seen > 50, "operands inside a register were tried");
    }

    #[test]
    fn gates_inside_a_register_are_gates() {
        agrees::<f64>(1e-14);
        agrees::<f32>(1e-5);
    }
}
