//! Two rotations and a CX as one pass over the amplitudes.
//!
//! A pair is `P · (R ⊗ R) · D`: phases D, one real rotation `[1 -t; t 1]` on each of two qubits (its cosine stands in D),
//! and a permutation P, which is free. With what a CX lets through (phases on its control, X rotations on its target) left
//! to later gates, every circuit of one-qubit gates and CX is pairs: 8 multiply-and-adds an amplitude, where the dense
//! 4 × 4 matrix takes 16.

use crate::math::C64;
use crate::sim::float::Float;
use crate::sim::statevector::kernel::State;
use crate::sim::statevector::vector::{Unit, Vectors};

/// The operation on qubits c and t of its `qubits`; combination `c + 2t` of their bits comes first in all lists.
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

/// A pair at its place: operands below [`Vectors::LOW`] lie inside registers.
pub enum Placed<F> {
    /// Both operands above: bits of registers.
    High { bits: [usize; 2], phases: [[F; 2]; 4], tangents: [F; 2], to: [usize; 4] },
    /// One inside, one above. `numbers` are registers: phases, then own and other weight of the rotation between
    /// registers, then of the one inside them, each for the register with bit 0 and 1.
    Mixed { bit: usize, mask: usize, inside_first: bool, numbers: Vec<F> },
    /// Both inside: phases, then own and other weight of both rotations.
    Low { masks: [usize; 2], numbers: Vec<F> },
}

/// What a qubit's own amplitude and that of its other side contribute where its bit is `bit`, after the rotation and, if
/// `flipped`, an X.
fn weights(tangent: f64, bit: usize, flipped: bool) -> [f64; 2] {
    let from = bit ^ usize::from(flipped);
    let cross = if from == 1 { tangent } else { -tangent };
    if flipped { [cross, 1.0] } else { [1.0, cross] }
}

/// Adds a register with a number for each place.
fn push<F: Vectors>(numbers: &mut Vec<F>, value: impl Fn(usize) -> f64) {
    numbers.extend((0..F::WIDTH).map(|place| F::of(value(place))));
}

impl Pair {
    /// Whether t is flipped where c is `c` in the end.
    fn flips_second(&self, c: usize) -> bool {
        self.flipped[1] ^ (self.linked && c == 1)
    }

    pub fn placed<F: Vectors>(&self) -> Placed<F> {
        let [c, t] = self.qubits;
        let mut numbers = Vec::new();
        let phase = |numbers: &mut Vec<F>, bits: &dyn Fn(usize) -> usize| {
            push(numbers, |place| self.phases[bits(place)].re);
            push(numbers, |place| self.phases[bits(place)].im);
        };
        match (c < F::LOW, t < F::LOW) {
            (false, false) => {
                let to = std::array::from_fn(|from: usize| {
                    let c = (from & 1) ^ usize::from(self.flipped[0]);
                    let t = (from >> 1) ^ usize::from(self.flips_second(c));
                    c << (self.qubits[0] - F::LOW) | t << (self.qubits[1] - F::LOW)
                });
                let phases = self.phases.map(|z| [F::of(z.re), F::of(z.im)]);
                Placed::High { bits: [c - F::LOW, t - F::LOW], phases, tangents: self.tangents.map(F::of), to }
            }
            (true, true) => {
                phase(&mut numbers, &|place| (place >> c & 1) | (place >> t & 1) << 1);
                for part in 0..2 {
                    push(&mut numbers, |place| weights(self.tangents[0], place >> c & 1, self.flipped[0])[part]);
                }
                for part in 0..2 {
                    let flips = |place: usize| self.flips_second(place >> c & 1);
                    push(&mut numbers, |place| weights(self.tangents[1], place >> t & 1, flips(place))[part]);
                }
                Placed::Low { masks: [1 << c, 1 << t], numbers }
            }
            (inside_first, _) => {
                for register in 0..2 {
                    phase(&mut numbers, &|place| {
                        if inside_first { (place >> c & 1) | register << 1 } else { register | (place >> t & 1) << 1 }
                    });
                }
                // The first rotation does not depend on the second qubit, the second on the first by the CX.
                let first = |bit: usize, part: usize| weights(self.tangents[0], bit, self.flipped[0])[part];
                let second =
                    |bit: usize, c: usize, part: usize| weights(self.tangents[1], bit, self.flips_second(c))[part];
                for (register, part) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    push(&mut numbers, |place| {
                        if inside_first { second(register, place >> c & 1, part) } else { first(register, part) }
                    });
                }
                for (register, part) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    push(&mut numbers, |place| {
                        if inside_first { first(place >> c & 1, part) } else { second(place >> t & 1, register, part) }
                    });
                }
                let (inside, above) = if inside_first { (c, t) } else { (t, c) };
                Placed::Mixed { bit: above - F::LOW, mask: 1 << inside, inside_first, numbers }
            }
        }
    }
}

impl<F: Vectors> Placed<F> {
    /// Applies it to a state whose width it was placed for.
    #[inline(always)]
    pub fn apply<U: Unit<Number = F>>(&self, unit: U, state: &mut State<F>) {
        let registers = state.re.len() / F::WIDTH;
        assert!(registers.is_power_of_two() && state.im.len() == state.re.len(), "a state is a power of two");
        // Taken out once: a store might move what a state holds, as far as the compiler knows.
        let state = Parts { re: &mut state.re, im: &mut state.im };
        match self {
            Self::High { bits, phases, tangents, to } => {
                assert!(registers >> bits[0].max(bits[1]) > 1, "an operand is outside the state");
                high(unit.part(), state, *bits, phases, *tangents, *to);
            }
            Self::Mixed { bit, mask, inside_first, numbers } => {
                assert!(registers >> bit > 1 && numbers.len() == 12 * F::WIDTH, "an operand is outside the state");
                if *inside_first {
                    mixed::<U, true>(unit, state, *bit, *mask, numbers);
                } else {
                    mixed::<U, false>(unit, state, *bit, *mask, numbers);
                }
            }
            Self::Low { masks, numbers } => {
                assert!(numbers.len() == 6 * F::WIDTH, "a register is missing");
                low(unit, state, *masks, numbers);
            }
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
    // SAFETY: kernels form places below the number of registers, checked by `Placed::apply`.
    unsafe { [unit.load(state.re, at), unit.load(state.im, at)] }
}

#[inline(always)]
fn store<U: Unit>(unit: U, state: &mut Parts<U::Number>, at: usize, value: Complex<U>) {
    // SAFETY: as `load`.
    unsafe {
        unit.store(state.re, at, value[0]);
        unit.store(state.im, at, value[1]);
    }
}

#[inline(always)]
fn times<U: Unit>(unit: U, a: Complex<U>, b: Complex<U>) -> Complex<U> {
    [unit.fused_neg(a[1], b[1], unit.mul(a[0], b[0])), unit.fused(a[1], b[0], unit.mul(a[0], b[1]))]
}

/// `own·x + other·y` with real weights.
#[inline(always)]
fn weighted<U: Unit>(unit: U, own: U::Register, x: Complex<U>, other: U::Register, y: Complex<U>) -> Complex<U> {
    [unit.fused(other, y[0], unit.mul(own, x[0])), unit.fused(other, y[1], unit.mul(own, x[1]))]
}

/// `index` with a zero put in at `bit`.
#[inline(always)]
fn spread(index: usize, bit: usize) -> usize {
    let below = (1 << bit) - 1;
    (index & below) | (index & !below) << 1
}

#[inline(always)]
fn high<U: Unit>(
    unit: U,
    mut state: Parts<U::Number>,
    bits: [usize; 2],
    phases: &[[U::Number; 2]; 4],
    tangents: [U::Number; 2],
    to: [usize; 4],
) {
    // Places come in whole registers; this may run on parts of them.
    let parts = U::Number::WIDTH / U::WIDTH;
    let (bits, to) = (bits.map(|bit| bit + parts.ilog2() as usize), to.map(|offset| offset * parts));
    let (near, far) = if bits[0] < bits[1] { (bits[0], bits[1]) } else { (bits[1], bits[0]) };
    let from = [0, 1 << bits[0], 1 << bits[1], (1 << bits[0]) + (1 << bits[1])];
    let (first, second) = (unit.splat(tangents[0]), unit.splat(tangents[1]));
    let mut d = [[first; 2]; 4];
    for k in 0..4 {
        d[k] = [unit.splat(phases[k][0]), unit.splat(phases[k][1])];
    }
    for run in 0..state.re.len() / U::WIDTH / 4 {
        let at = spread(spread(run, near), far);
        let mut x = d;
        for k in 0..4 {
            x[k] = times(unit, d[k], load(unit, &state, at + from[k]));
        }
        let (a, b) = turned(unit, first, x[0], x[1]);
        let (c, d) = turned(unit, first, x[2], x[3]);
        let (a, c) = turned(unit, second, a, c);
        let (b, d) = turned(unit, second, b, d);
        store(unit, &mut state, at + to[0], a);
        store(unit, &mut state, at + to[1], b);
        store(unit, &mut state, at + to[2], c);
        store(unit, &mut state, at + to[3], d);
    }
}

/// `[1 -t; t 1]` on two amplitudes.
#[inline(always)]
fn turned<U: Unit>(unit: U, tangent: U::Register, a: Complex<U>, b: Complex<U>) -> (Complex<U>, Complex<U>) {
    (
        [unit.fused_neg(tangent, b[0], a[0]), unit.fused_neg(tangent, b[1], a[1])],
        [unit.fused(tangent, a[0], b[0]), unit.fused(tangent, a[1], b[1])],
    )
}

/// `own·x + other·y`, y being x with places exchanged.
#[inline(always)]
fn flipped<U: Unit>(unit: U, own: U::Register, other: U::Register, x: Complex<U>, flips: U::Flips) -> Complex<U> {
    weighted(unit, own, x, other, [unit.flip(x[0], flips), unit.flip(x[1], flips)])
}

#[inline(always)]
fn registers<U: Unit, const N: usize>(unit: U, numbers: &[U::Number]) -> [U::Register; N] {
    assert!(numbers.len() == N * U::Number::WIDTH, "a register is missing");
    let mut out = [unit.splat(U::Number::ZERO); N];
    for k in 0..N {
        // SAFETY: there are N registers.
        out[k] = unsafe { unit.load(numbers, k) };
    }
    out
}

#[inline(always)]
fn mixed<U: Unit, const INSIDE_FIRST: bool>(
    unit: U,
    mut state: Parts<U::Number>,
    bit: usize,
    mask: usize,
    numbers: &[U::Number],
) {
    let flips = unit.flips(mask);
    let n = registers::<U, 12>(unit, numbers);
    for run in 0..state.re.len() / U::Number::WIDTH / 2 {
        let at = spread(run, bit);
        let mut x = times(unit, [n[0], n[1]], load(unit, &state, at));
        let mut y = times(unit, [n[2], n[3]], load(unit, &state, at + (1 << bit)));
        if INSIDE_FIRST {
            x = flipped(unit, n[8], n[9], x, flips);
            y = flipped(unit, n[10], n[11], y, flips);
        }
        (x, y) = (weighted(unit, n[4], x, n[5], y), weighted(unit, n[6], y, n[7], x));
        if !INSIDE_FIRST {
            x = flipped(unit, n[8], n[9], x, flips);
            y = flipped(unit, n[10], n[11], y, flips);
        }
        store(unit, &mut state, at, x);
        store(unit, &mut state, at + (1 << bit), y);
    }
}

#[inline(always)]
fn low<U: Unit>(unit: U, mut state: Parts<U::Number>, masks: [usize; 2], numbers: &[U::Number]) {
    let (first, second) = (unit.flips(masks[0]), unit.flips(masks[1]));
    let n = registers::<U, 6>(unit, numbers);
    for at in 0..state.re.len() / U::Number::WIDTH {
        let x = times(unit, [n[0], n[1]], load(unit, &state, at));
        let x = flipped(unit, n[2], n[3], x, first);
        let x = flipped(unit, n[4], n[5], x, second);
        store(unit, &mut state, at, x);
    }
}
