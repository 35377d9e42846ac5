//! Loops over a state of one lane for any operator on one or two qubits, whatever the qubits.
//!
//! A register holds the amplitudes that differ in the lowest qubits. Targets among those lie inside it, and a register is
//! paired with itself after a [`flip`](Unit::flip) for each pattern of flipped target bits; other targets distinguish
//! the registers of a group. Either way an operator takes 16 multiply-and-adds an amplitude.

use crate::math::matrix::c;
use crate::math::{C64, Matrix};
use crate::sim::kernel::amplitudes::{OperandLayout, State};
use crate::sim::kernel::vector::{Unit, Vectors, Work};

/// Which registers and positions the targets connect.
pub struct TargetLayout {
    targets: Vec<usize>,
    /// Targets above the registers.
    high: Vec<usize>,
    /// Patterns of flipped bits inside a register.
    masks: Vec<usize>,
    layout: OperandLayout,
}

impl TargetLayout {
    /// One or two targets in a state of `width` qubits, which fill a register at least.
    pub fn new<F: Vectors>(width: usize, targets: &[usize]) -> Self {
        let (low, high): (Vec<usize>, Vec<usize>) = targets.iter().partition(|q| **q < F::LOW);
        let low: usize = low.iter().map(|q| 1 << q).sum();
        let masks = (0..F::WIDTH).filter(|mask| mask & !low == 0).collect();
        let layout = OperandLayout::new(width - F::LOW, &[], &high.iter().map(|q| q - F::LOW).collect::<Vec<_>>());
        Self { targets: targets.to_vec(), high, masks, layout }
    }

    /// The bits of the targets at a position of a register of the group.
    fn bits(&self, register: usize, position: usize) -> usize {
        self.targets.iter().enumerate().fold(0, |bits, (k, q)| {
            let bit = match self.high.iter().position(|h| h == q) {
                Some(h) => register >> h & 1,
                None => position >> q & 1,
            };
            bits | bit << k
        })
    }

    /// For each register `out`, register `input` and mask, in this order, the entries of a matrix as two registers, real
    /// and imaginary part.
    pub fn numbers<F: Vectors>(&self, matrix: &Matrix) -> Vec<F> {
        let mut numbers = Vec::new();
        for (out, input, mask) in self.terms() {
            let entry = |position: usize| matrix[[self.bits(out, position), self.bits(input, position ^ mask)]];
            numbers.extend((0..F::WIDTH).map(|position| F::of(entry(position).re)));
            numbers.extend((0..F::WIDTH).map(|position| F::of(entry(position).im)));
        }
        numbers
    }

    fn terms(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let (registers, masks) = (self.layout.size(), self.masks.len());
        (0..registers * registers * masks)
            .map(move |k| (k / masks / registers, k / masks % registers, self.masks[k % masks]))
    }

    /// `ψ ← K ψ`, K as [`TargetLayout::numbers`].
    pub fn apply<F: Vectors>(&self, state: &mut State<F>, numbers: &[F]) {
        assert_eq!(numbers.len(), 2 * F::WIDTH * self.terms().count(), "two registers for each term");
        self.check(state);
        F::dispatch(Apply { state, group: self, numbers });
    }

    /// `Σ conj(ψ_i) ψ_j` over everything but the targets, row major.
    pub fn overlaps<F: Vectors>(&self, state: &State<F>) -> Vec<C64> {
        self.check(state);
        let mut sums = vec![F::ZERO; 2 * F::WIDTH * self.terms().count()];
        F::dispatch(Overlaps { state, group: self, sums: &mut sums });
        let side = 1 << self.targets.len();
        let mut out = vec![c(0.0, 0.0); side * side];
        for ((a, b, mask), sum) in self.terms().zip(sums.chunks_exact(2 * F::WIDTH)) {
            for position in 0..F::WIDTH {
                out[self.bits(a, position) * side + self.bits(b, position ^ mask)] +=
                    c(sum[position].double(), sum[F::WIDTH + position].double());
            }
        }
        out
    }

    /// What the loops rely on.
    fn check<F: Vectors>(&self, state: &State<F>) {
        let registers = self.layout.count * self.layout.run * self.layout.size();
        assert_eq!((state.re.len(), state.im.len()), (registers * F::WIDTH, registers * F::WIDTH), "the group's width");
    }
}

/// Picks the loop for the number of registers and of masks.
macro_rules! by_group {
    ($group:expr, $work:ident.$loops:ident($unit:expr)) => {
        match ($group.layout.size(), $group.masks.len()) {
            (1, 2) => $work.$loops::<_, 1, 2>($unit),
            (1, 4) => $work.$loops::<_, 1, 4>($unit),
            (2, 1) => $work.$loops::<_, 2, 1>($unit),
            (2, 2) => $work.$loops::<_, 2, 2>($unit),
            (4, 1) => $work.$loops::<_, 4, 1>($unit),
            other => unreachable!("one or two targets, not {other:?}"),
        }
    };
}

struct Apply<'a, F> {
    state: &'a mut State<F>,
    group: &'a TargetLayout,
    numbers: &'a [F],
}

impl<F: Vectors> Work<F> for Apply<'_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        by_group!(self.group, self.loops(unit));
    }
}

impl<F: Vectors> Apply<'_, F> {
    #[inline(always)]
    fn loops<U: Unit<Number = F>, const R: usize, const M: usize>(self, unit: U) {
        let Self { state, group, numbers } = self;
        // Read once: for the compiler a store might change what a state holds.
        let (list_re, list_im): (&mut [F], &mut [F]) = (&mut state.re, &mut state.im);
        let flips: [U::Flips; M] = std::array::from_fn(|m| unit.flips(group.masks[m]));
        let offsets: [usize; R] = std::array::from_fn(|r| group.layout.offsets[r]);
        let zero = unit.splat(F::ZERO);
        for run in 0..group.layout.count {
            let start = group.layout.start(run);
            for at in start..start + group.layout.run {
                // Loops over registers, because a closure may be compiled apart from them, for the oldest machine.
                let mut x = [(zero, zero); R];
                for r in 0..R {
                    // SAFETY: `check` has seen that the positions of the group are those of the state.
                    x[r] = unsafe { (unit.load(list_re, at + offsets[r]), unit.load(list_im, at + offsets[r])) };
                }
                for out in 0..R {
                    let (mut re, mut im) = (zero, zero);
                    for input in 0..R {
                        for m in 0..M {
                            let term = 2 * ((out * R + input) * M + m);
                            // SAFETY: `apply` has seen two registers for each term.
                            let (kr, ki) = unsafe { (unit.load(numbers, term), unit.load(numbers, term + 1)) };
                            let (xr, xi) = if M == 1 {
                                x[input]
                            } else {
                                (unit.flip(x[input].0, flips[m]), unit.flip(x[input].1, flips[m]))
                            };
                            re = unit.fused_neg(ki, xi, unit.fused(kr, xr, re));
                            im = unit.fused(ki, xr, unit.fused(kr, xi, im));
                        }
                    }
                    // SAFETY: as above.
                    unsafe {
                        unit.store(list_re, at + offsets[out], re);
                        unit.store(list_im, at + offsets[out], im);
                    }
                }
            }
        }
    }
}

struct Overlaps<'a, F> {
    state: &'a State<F>,
    group: &'a TargetLayout,
    sums: &'a mut [F],
}

impl<F: Vectors> Work<F> for Overlaps<'_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        by_group!(self.group, self.loops(unit));
    }
}

impl<F: Vectors> Overlaps<'_, F> {
    #[inline(always)]
    fn loops<U: Unit<Number = F>, const R: usize, const M: usize>(self, unit: U) {
        let Self { state, group, sums } = self;
        let flips: [U::Flips; M] = std::array::from_fn(|m| unit.flips(group.masks[m]));
        let zero = unit.splat(F::ZERO);
        let mut found = [[[(zero, zero); M]; R]; R];
        for run in 0..group.layout.count {
            let start = group.layout.start(run);
            for at in start..start + group.layout.run {
                let mut x = [(zero, zero); R];
                for r in 0..R {
                    let position = at + group.layout.offsets[r];
                    // SAFETY: `check` has seen that the positions of the group are those of the state.
                    x[r] = unsafe { (unit.load(&state.re, position), unit.load(&state.im, position)) };
                }
                for a in 0..R {
                    for b in 0..R {
                        for m in 0..M {
                            let (br, bi) =
                                if M == 1 { x[b] } else { (unit.flip(x[b].0, flips[m]), unit.flip(x[b].1, flips[m])) };
                            let (re, im) = found[a][b][m];
                            found[a][b][m] = (
                                unit.fused(x[a].0, br, unit.fused(x[a].1, bi, re)),
                                unit.fused(x[a].0, bi, unit.fused_neg(x[a].1, br, im)),
                            );
                        }
                    }
                }
            }
        }
        for (term, (re, im)) in found.iter().flatten().flatten().enumerate() {
            // SAFETY: `overlaps` has made two registers for each term.
            unsafe {
                unit.store(sums, 2 * term, *re);
                unit.store(sums, 2 * term + 1, *im);
            }
        }
    }
}
