//! Real one-qubit gates, controlled or not, on a single row where an operand lies inside a register.
//!
//! What [`plain`](crate::sim::statevector::plain) does with pairs of registers happens here between places of one: a gate
//! on a low qubit sends a register x to `straight ∘ x + cross ∘ flip(x)`, and where a low control is 0 the weights are 1
//! and 0.

use crate::sim::float::Float;
use crate::sim::statevector::kernel::Places;
use crate::sim::statevector::plain::Real;
use crate::sim::statevector::vector::{Unit, Vectors, WIDEST, Work};

/// Where such a gate finds its operands.
pub struct Within {
    /// Operands above the register, in units of registers.
    places: Places,
    /// Which places a target inside the register exchanges.
    flip: Option<usize>,
    /// Bits of the controls inside the register, all set.
    controls: usize,
    /// For a register whose target is 0, should the target lie above, and for one where it is 1: of each place, which of
    /// the matrix's four entries, of 1 and of 0, it keeps of itself and takes of its partner.
    sources: [[[u8; WIDEST]; 2]; 2],
}

/// In [`Within::sources`], behind the four entries of a matrix.
const ONE: u8 = 4;
const ZERO: u8 = 5;

impl Within {
    /// The operands in a state of `total` qubits; `None` if all lie above a register, or the state does not fill one.
    pub fn new<F: Vectors>(total: usize, controls: &[usize], target: usize) -> Option<Self> {
        let (low, high): (Vec<usize>, Vec<usize>) = controls.iter().partition(|&&qubit| qubit < F::LOW);
        let inside = target < F::LOW;
        if total < F::LOW || low.is_empty() && !inside {
            return None;
        }
        let above: Vec<usize> = high.iter().map(|qubit| qubit - F::LOW).collect();
        let targets = if inside { vec![] } else { vec![target - F::LOW] };
        let mut within = Self {
            places: Places::new(total - F::LOW, &above, &targets),
            flip: inside.then_some(1 << target),
            controls: low.iter().map(|qubit| 1 << qubit).sum(),
            sources: [[[ONE; WIDEST], [ZERO; WIDEST]]; 2],
        };
        for above in 0..2 {
            for place in (0..WIDEST).filter(|&place| within.is_on(place)).collect::<Vec<_>>() {
                let bit = within.bit(place, above) as u8;
                within.sources[above][0][place] = 3 * bit;
                within.sources[above][1][place] = 1 + bit;
            }
        }
        Some(within)
    }

    fn is_on(&self, place: usize) -> bool {
        place & self.controls == self.controls
    }

    /// The target's bit at a place of the register in which it is `above`, should the target lie above.
    fn bit(&self, place: usize, above: usize) -> usize {
        self.flip.map_or(above, |mask| usize::from(place & mask != 0))
    }

    /// What each place keeps of itself and takes of its partner; the register whose target is 0, then the one where it
    /// is 1 (the same two if the target lies inside).
    #[inline(always)]
    fn weights<U: Unit>(&self, unit: U, matrix: Real<U::Number>) -> [[U::Register; 2]; 2] {
        assert!(matrix.list.len() == 8, "a matrix has four complex entries");
        let entry = |k: usize| matrix.list[2 * k];
        let numbers = [entry(0), entry(1), entry(2), entry(3), U::Number::ONE, U::Number::ZERO];
        let mut out = [[unit.splat(U::Number::ZERO); 2]; 2];
        for above in 0..self.registers() {
            for part in 0..2 {
                let mut list = [U::Number::ZERO; WIDEST];
                for place in 0..U::WIDTH {
                    list[place] = numbers[usize::from(self.sources[above][part][place])];
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
    ($within:expr, $width:expr, $length:expr, |$at:ident, $partner:ident| $body:expr) => {
        let places = &$within.places;
        let above = places.offsets[places.size() - 1];
        let last = places.start(places.count - 1) + above + places.run;
        assert!(last * $width <= $length, "an operand is outside the state");
        let mut start = places.start(0);
        for _ in 0..places.count {
            for $at in start..start + places.run {
                let $partner = $at + above;
                $body;
            }
            start = places.next(start);
        }
    };
}

/// One part of a state under a matrix.
pub struct Apply<'a, F> {
    pub part: &'a mut [F],
    pub within: &'a Within,
    pub matrix: Real<'a, F>,
}

impl<F: Vectors> Work<F> for Apply<'_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        let Self { part, within, matrix } = self;
        let [[s0, c0], [s1, c1]] = within.weights(unit, matrix);
        let flips = unit.flips(within.flip.unwrap_or(0));
        if within.flip.is_some() {
            for_each_register!(within, F::WIDTH, part.len(), |at, _partner| {
                // SAFETY: the macro has checked the last register.
                unsafe {
                    let x = unit.load(part, at);
                    unit.store(part, at, unit.fused(c0, unit.flip(x, flips), unit.mul(s0, x)));
                }
            });
        } else {
            for_each_register!(within, F::WIDTH, part.len(), |at, partner| {
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
/// [`plain::Unapply`](crate::sim::statevector::plain::Unapply) does.
pub struct Unapply<'a, F> {
    pub ket: &'a mut [F],
    pub bra: &'a mut [F],
    pub within: &'a Within,
    pub inverse: Real<'a, F>,
    pub found: &'a mut [f64],
}

impl<F: Vectors> Work<F> for Unapply<'_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        let Self { ket, bra, within, inverse, found } = self;
        let [[s0, c0], [s1, c1]] = within.weights(unit, inverse);
        let flips = unit.flips(within.flip.unwrap_or(0));
        let length = ket.len().min(bra.len());
        // Of the register whose target is 0 and of that where it is 1: bra times ket, and bra times the ket's partner.
        let mut sums = [[unit.splat(F::ZERO); 2]; 2];
        if within.flip.is_some() {
            for_each_register!(within, F::WIDTH, length, |at, _partner| {
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
            for_each_register!(within, F::WIDTH, length, |at, partner| {
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
        for (above, pair) in sums.iter().enumerate().take(within.registers()) {
            for (crossed, &sum) in pair.iter().enumerate() {
                let mut numbers = [F::ZERO; WIDEST];
                // SAFETY: no register is longer than the array.
                unsafe { unit.store(&mut numbers, 0, sum) };
                // Where a control is 0 the gate's entries have no part.
                for (place, value) in numbers[..F::WIDTH].iter().enumerate().filter(|(place, _)| within.is_on(*place)) {
                    let row = within.bit(place, above);
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
    use crate::sim::statevector::adjoint::unapply_both;
    use crate::sim::statevector::kernel::{Entries, Kind, State, apply};
    use crate::sim::statevector::vector::portable;

    fn random<F: Vectors>(qubits: usize, stream: &mut Stream) -> State<F> {
        let mut state = State::zeros(1 << qubits, 1);
        state.re.iter_mut().for_each(|x| *x = F::of(stream.normal()));
        state
    }

    /// Every target with no, one and two controls, against the loops that do not use registers.
    fn agrees<F: Vectors>(tolerance: f64) {
        let (total, mut stream) = (7, Stream::named(1, "within"));
        let close = |a: &[F], b: &[F]| a.iter().zip(b).all(|(a, b)| (a.double() - b.double()).abs() < tolerance);
        let mut seen = 0;
        for target in 0..total {
            for first in 0..total {
                for second in 0..total {
                    let mut controls: Vec<usize> = vec![first, second];
                    controls.retain(|&qubit| qubit != target);
                    controls.dedup();
                    let Some(within) = Within::new::<F>(total, &controls, target) else { continue };
                    seen += 1;
                    let places = Places::new(total, &controls, &[target]);
                    let list = [0.8, 0.0, -0.3, 0.0, 0.4, 0.0, 0.9, 0.0].map(F::of);
                    let (matrix, entries) =
                        (Real { list: &list, by_row: false }, Entries { list: &list, by_row: false });
                    let (ket, bra) = (random::<F>(total, &mut stream), random::<F>(total, &mut stream));

                    let mut expected = ket.clone();
                    apply(&mut expected, &places, &Kind::Real, entries);
                    let (mut best, mut plainest) = (ket.clone(), ket.clone());
                    F::dispatch(Apply { part: &mut best.re, within: &within, matrix });
                    portable(Apply { part: &mut plainest.re, within: &within, matrix });
                    assert!(close(&best.re, &expected.re), "{controls:?} {target}");
                    assert!(close(&plainest.re, &expected.re), "{controls:?} {target}, portable");

                    let (mut kets, mut bras) = ((ket.clone(), ket.clone()), (bra.clone(), bra.clone()));
                    let (mut expected, mut found) = ([0.0; 8], [0.0; 8]);
                    unapply_both(&mut kets.0, &mut bras.0, &places, &Kind::Real, entries, &mut expected);
                    let (k, b) = (&mut kets.1.re, &mut bras.1.re);
                    F::dispatch(Unapply { ket: k, bra: b, within: &within, inverse: matrix, found: &mut found });
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
