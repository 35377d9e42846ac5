//! Two rotations and a CX as one pass over the amplitudes.
//!
//! A pair is `P · (R ⊗ R) · D`: phases D, one real rotation `[1 -t; t 1]` on each of two qubits (its cosine is part of D),
//! and a permutation P, which is free. With what a CX lets through (phases on its control, X rotations on its target) left
//! to later gates, every circuit of one-qubit gates and CX is pairs: 8 multiply-and-adds an amplitude, where the dense
//! 4 × 4 matrix takes 16.

use crate::math::C64;
use crate::sim::kernel::amplitudes::State;
use crate::sim::kernel::float::Float;
use crate::sim::kernel::vector::{Unit, Vectors};

/// The operation on qubits c and t of its `qubits`. Combination `c + 2t` of their bits comes first in all lists.
#[derive(Clone, Debug)]
pub struct Pair {
    pub qubits: [usize; 2],
    /// Phases that come first, times the cosines of the rotations.
    pub phases: [C64; 4],
    /// Tangents of the rotations.
    pub tangents: [f64; 2],
    /// Whether each qubit is flipped behind its rotation.
    pub flipped: [bool; 2],
    /// Whether a CX from c to t comes last.
    pub linked: bool,
}

/// A pair on given operands. Operands below [`Vectors::part_bits`] lie inside registers; `numbers` are registers, `bit` and `bits` the
/// numbers between an amplitude and its partner.
pub enum PairKernel<F> {
    /// Both operands above.
    Above { bits: [usize; 2], phases: [[F; 2]; 4], tangents: [F; 2], to: [usize; 4] },
    /// The first above, the second inside: phases of both registers, then of each the weight of the second rotation.
    SecondInside { bit: usize, mask: usize, tangent: F, to: [usize; 2], flipped: [bool; 2], numbers: Vec<F> },
    /// The first inside, the second above: phases of both registers, the weight of the first rotation, then own and other
    /// weight of the second for both registers.
    FirstInside { bit: usize, mask: usize, flipped: bool, numbers: Vec<F> },
    /// Both inside: phases, then own and other weight of both rotations.
    Inside { masks: [usize; 2], numbers: Vec<F> },
}

/// What a qubit's own amplitude and that of its other side contribute where its bit is `bit`, after the rotation and, if
/// `flipped`, an X.
fn weights(tangent: f64, bit: usize, flipped: bool) -> [f64; 2] {
    let from = bit ^ usize::from(flipped);
    let cross = if from == 1 { tangent } else { -tangent };
    if flipped { [cross, 1.0] } else { [1.0, cross] }
}

/// The one of [`weights`] that is not 1.
fn weight(tangent: f64, bit: usize, flipped: bool) -> f64 {
    weights(tangent, bit, flipped)[usize::from(!flipped)]
}

/// Adds a register with a number for each position.
fn push<F: Vectors>(numbers: &mut Vec<F>, value: impl Fn(usize) -> f64) {
    numbers.extend((0..1 << F::part_bits()).map(|position| F::of(value(position))));
}

impl Pair {
    /// Whether t is flipped where c is `c` in the end.
    fn flips_second(&self, c: usize) -> bool {
        self.flipped[1] ^ (self.linked && c == 1)
    }

    pub fn kernel<F: Vectors>(&self) -> PairKernel<F> {
        let [c, t] = self.qubits;
        let [first, second] = self.tangents;
        let mut numbers = Vec::new();
        let phase = |numbers: &mut Vec<F>, bits: &dyn Fn(usize) -> usize| {
            push(numbers, |position| self.phases[bits(position)].re);
            push(numbers, |position| self.phases[bits(position)].im);
        };
        match (c < F::part_bits(), t < F::part_bits()) {
            (false, false) => {
                let to = std::array::from_fn(|from: usize| {
                    let c = (from & 1) ^ usize::from(self.flipped[0]);
                    let t = (from >> 1) ^ usize::from(self.flips_second(c));
                    c << self.qubits[0] | t << self.qubits[1]
                });
                let phases = self.phases.map(|z| [F::of(z.re), F::of(z.im)]);
                PairKernel::Above { bits: [1 << c, 1 << t], phases, tangents: self.tangents.map(F::of), to }
            }
            (false, true) => {
                for register in 0..2 {
                    phase(&mut numbers, &|position| register | (position >> t & 1) << 1);
                }
                // The bit that c has in the end.
                let ends = [0, 1].map(|c| c ^ usize::from(self.flipped[0]));
                let (flipped, to) = (ends.map(|c| self.flips_second(c)), ends.map(|end| end << c));
                for flipped in flipped {
                    push(&mut numbers, |position| weight(second, position >> t & 1, flipped));
                }
                PairKernel::SecondInside { bit: 1 << c, mask: 1 << t, tangent: F::of(first), to, flipped, numbers }
            }
            (true, false) => {
                for register in 0..2 {
                    phase(&mut numbers, &|position| (position >> c & 1) | register << 1);
                }
                let flipped = self.flipped[0];
                push(&mut numbers, |position| weight(first, position >> c & 1, flipped));
                for (register, part) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    push(&mut numbers, |position| {
                        weights(second, register, self.flips_second(position >> c & 1))[part]
                    });
                }
                PairKernel::FirstInside { bit: 1 << t, mask: 1 << c, flipped, numbers }
            }
            (true, true) => {
                phase(&mut numbers, &|position| (position >> c & 1) | (position >> t & 1) << 1);
                for part in 0..2 {
                    push(&mut numbers, |position| weights(first, position >> c & 1, self.flipped[0])[part]);
                }
                for part in 0..2 {
                    let flips = |position: usize| self.flips_second(position >> c & 1);
                    push(&mut numbers, |position| weights(second, position >> t & 1, flips(position))[part]);
                }
                PairKernel::Inside { masks: [1 << c, 1 << t], numbers }
            }
        }
    }
}

impl<F: Vectors> PairKernel<F> {
    /// Applies it to a state whose width it was built for, on registers of `2^part_bits` numbers.
    #[inline(always)]
    pub fn apply<U: Unit<Number = F>>(&self, unit: U, state: &mut State<F>) {
        let (unit, width) = (unit.part(), U::Part::WIDTH);
        let length = state.re.len();
        assert!(length.is_power_of_two() && state.im.len() == length, "a state is a power of two");
        assert!(width == 1 << F::part_bits() && length >= width, "built for other registers");
        // Read once: for the compiler a store might change what a state holds.
        let state = Parts { re: &mut state.re, im: &mut state.im };
        match self {
            Self::Above { bits, phases, tangents, to } => {
                assert!(bits.iter().all(|bit| (width..length).contains(bit)), "an operand is outside the state");
                if phases[0] == [F::ONE, F::ZERO] {
                    above::<U::Part, true>(unit, state, *bits, phases, *tangents, *to);
                } else {
                    above::<U::Part, false>(unit, state, *bits, phases, *tangents, *to);
                }
            }
            Self::SecondInside { bit, mask, tangent, to, flipped, numbers } => {
                assert!((width..length).contains(bit), "an operand is outside the state");
                second_inside(unit, state, (*bit, *mask), *tangent, *to, *flipped, numbers);
            }
            Self::FirstInside { bit, mask, flipped, numbers } => {
                assert!((width..length).contains(bit), "an operand is outside the state");
                first_inside(unit, state, *bit, *mask, *flipped, numbers);
            }
            Self::Inside { masks, numbers } => inside(unit, state, *masks, numbers),
        }
    }
}

/// The amplitudes of a state.
struct Parts<'a, F> {
    re: &'a mut [F],
    im: &'a mut [F],
}

/// Real and imaginary parts.
type Complex<U> = [<U as Unit>::Register; 2];

#[inline(always)]
fn load<U: Unit>(unit: U, state: &Parts<U::Number>, at: usize) -> Complex<U> {
    // SAFETY: kernels go through registers of the state, with operands that `PairKernel::apply` has checked.
    unsafe { [unit.load_at(state.re, at), unit.load_at(state.im, at)] }
}

#[inline(always)]
fn store<U: Unit>(unit: U, state: &mut Parts<U::Number>, at: usize, value: Complex<U>) {
    // SAFETY: as `load`.
    unsafe {
        unit.store_at(state.re, at, value[0]);
        unit.store_at(state.im, at, value[1]);
    }
}

/// Constants come second in `fused_neg`: the compiler would keep their negatives in registers as well.
#[inline(always)]
fn times<U: Unit>(unit: U, a: Complex<U>, b: Complex<U>) -> Complex<U> {
    [unit.fused_neg(b[1], a[1], unit.mul(a[0], b[0])), unit.fused(a[1], b[0], unit.mul(a[0], b[1]))]
}

/// `own·x + other·y` with real weights.
#[inline(always)]
fn weighted<U: Unit>(unit: U, own: U::Register, x: Complex<U>, other: U::Register, y: Complex<U>) -> Complex<U> {
    [unit.fused(other, y[0], unit.mul(own, x[0])), unit.fused(other, y[1], unit.mul(own, x[1]))]
}

/// `weight·x + y` with a real weight.
#[inline(always)]
fn added<U: Unit>(unit: U, weight: U::Register, x: Complex<U>, y: Complex<U>) -> Complex<U> {
    [unit.fused(weight, x[0], y[0]), unit.fused(weight, x[1], y[1])]
}

/// `[1 -t; t 1]` on two amplitudes.
#[inline(always)]
fn turned<U: Unit>(unit: U, tangent: U::Register, a: Complex<U>, b: Complex<U>) -> (Complex<U>, Complex<U>) {
    ([unit.fused_neg(b[0], tangent, a[0]), unit.fused_neg(b[1], tangent, a[1])], added(unit, tangent, a, b))
}

#[inline(always)]
fn exchanged<U: Unit>(unit: U, x: Complex<U>, flips: U::Flips) -> Complex<U> {
    [unit.flip(x[0], flips), unit.flip(x[1], flips)]
}

/// A rotation inside a register, followed by an X if `flipped`.
#[inline(always)]
fn turned_inside<U: Unit>(unit: U, weight: U::Register, x: Complex<U>, flips: U::Flips, flipped: bool) -> Complex<U> {
    let y = exchanged(unit, x, flips);
    if flipped { added(unit, weight, x, y) } else { added(unit, weight, y, x) }
}

/// The next position at which all of `bits` are 0, when the last is `at`. Faster than putting bits into a counter.
#[inline(always)]
fn next(at: usize, bits: usize) -> usize {
    ((at | bits) + 1) & !bits
}

#[inline(always)]
fn registers<U: Unit, const N: usize>(unit: U, numbers: &[U::Number]) -> [U::Register; N] {
    assert!(numbers.len() == N * U::WIDTH, "a register is missing");
    let mut out = [unit.splat(U::Number::ZERO); N];
    for k in 0..N {
        // SAFETY: there are N registers.
        out[k] = unsafe { unit.load(numbers, k) };
    }
    out
}

/// With `PLAIN`, the first phase is 1.
#[inline(always)]
fn above<U: Unit, const PLAIN: bool>(
    unit: U,
    mut state: Parts<U::Number>,
    bits: [usize; 2],
    phases: &[[U::Number; 2]; 4],
    tangents: [U::Number; 2],
    to: [usize; 4],
) {
    let from = [0, bits[0], bits[1], bits[0] + bits[1]];
    let held = from[3] + U::WIDTH - 1;
    let (first, second) = (unit.splat(tangents[0]), unit.splat(tangents[1]));
    let mut d = [[first; 2]; 4];
    for k in 0..4 {
        d[k] = [unit.splat(phases[k][0]), unit.splat(phases[k][1])];
    }
    let mut at = 0;
    for _ in 0..state.re.len() / U::WIDTH / 4 {
        let mut x = d;
        for k in 0..4 {
            x[k] = load(unit, &state, at + from[k]);
            if k > 0 || !PLAIN {
                x[k] = times(unit, d[k], x[k]);
            }
        }
        let (a, b) = turned(unit, first, x[0], x[1]);
        let (c, d) = turned(unit, first, x[2], x[3]);
        let (a, c) = turned(unit, second, a, c);
        let (b, d) = turned(unit, second, b, d);
        store(unit, &mut state, at + to[0], a);
        store(unit, &mut state, at + to[1], b);
        store(unit, &mut state, at + to[2], c);
        store(unit, &mut state, at + to[3], d);
        at = next(at, held);
    }
}

#[inline(always)]
fn second_inside<U: Unit>(
    unit: U,
    mut state: Parts<U::Number>,
    (bit, mask): (usize, usize),
    tangent: U::Number,
    to: [usize; 2],
    flipped: [bool; 2],
    numbers: &[U::Number],
) {
    let (flips, tangent) = (unit.flips(mask), unit.splat(tangent));
    let n = registers::<U, 6>(unit, numbers);
    let mut at = 0;
    for _ in 0..state.re.len() / U::WIDTH / 2 {
        let x = times(unit, [n[0], n[1]], load(unit, &state, at));
        let y = times(unit, [n[2], n[3]], load(unit, &state, at + bit));
        let (x, y) = turned(unit, tangent, x, y);
        store(unit, &mut state, at + to[0], turned_inside(unit, n[4], x, flips, flipped[0]));
        store(unit, &mut state, at + to[1], turned_inside(unit, n[5], y, flips, flipped[1]));
        at = next(at, bit + U::WIDTH - 1);
    }
}

#[inline(always)]
fn first_inside<U: Unit>(
    unit: U,
    mut state: Parts<U::Number>,
    bit: usize,
    mask: usize,
    flipped: bool,
    numbers: &[U::Number],
) {
    let flips = unit.flips(mask);
    let n = registers::<U, 9>(unit, numbers);
    let mut at = 0;
    for _ in 0..state.re.len() / U::WIDTH / 2 {
        let x = times(unit, [n[0], n[1]], load(unit, &state, at));
        let y = times(unit, [n[2], n[3]], load(unit, &state, at + bit));
        let x = turned_inside(unit, n[4], x, flips, flipped);
        let y = turned_inside(unit, n[4], y, flips, flipped);
        store(unit, &mut state, at, weighted(unit, n[5], x, n[6], y));
        store(unit, &mut state, at + bit, weighted(unit, n[7], y, n[8], x));
        at = next(at, bit + U::WIDTH - 1);
    }
}

#[inline(always)]
fn inside<U: Unit>(unit: U, mut state: Parts<U::Number>, masks: [usize; 2], numbers: &[U::Number]) {
    let (first, second) = (unit.flips(masks[0]), unit.flips(masks[1]));
    let n = registers::<U, 6>(unit, numbers);
    for at in (0..state.re.len()).step_by(U::WIDTH) {
        let x = times(unit, [n[0], n[1]], load(unit, &state, at));
        let x = weighted(unit, n[2], x, n[3], exchanged(unit, x, first));
        let x = weighted(unit, n[4], x, n[5], exchanged(unit, x, second));
        store(unit, &mut state, at, x);
    }
}
