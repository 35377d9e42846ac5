//! Gates on the three lowest qubits of a single row, where operands lie inside one vector register.
//!
//! Eight amplitudes that differ in the low bits are one register x. A gate on low bits sends it to
//! `Σ_m c_m ∘ shuffle_m(x)`, `shuffle_m(x)[i] = x[i ⊕ m]`, with one register of coefficients for each pattern m of flipped
//! bits; operands above stay loops over registers.

use pulp::Simd;

use crate::sim::kernel::amplitudes::{OperandLayout, State};
use crate::sim::kernel::float::Float;
use crate::sim::kernel::widest::{fused, widest};

/// Low qubits: a register holds `2^LOW` amplitudes.
pub const LOW: usize = 3;
const WIDTH: usize = 1 << LOW;
/// Registers one gate connects at most: two operands above the low ones.
const REGISTERS: usize = 4;

/// A gate as sums of shuffled registers.
pub struct ShuffleSum<F = f64> {
    /// Where registers that the gate connects lie, in units of registers.
    layout: OperandLayout,
    terms: Vec<Term<F>>,
}

/// `y[out] += coefficients ∘ shuffle(x[input])`.
struct Term<F> {
    out: usize,
    input: usize,
    flips: usize,
    re: [F; WIDTH],
    im: [F; WIDTH],
}

impl<F: Float> ShuffleSum<F> {
    /// The gate with this matrix (`entry(row, column)`) in a register of `total` qubits, `None` if no operand is low or
    /// too many are not.
    pub fn new(
        total: usize,
        controls: &[usize],
        targets: &[usize],
        entry: impl Fn(usize, usize) -> (f64, f64),
    ) -> Option<Self> {
        let low = |qubits: &[usize]| -> Vec<usize> { qubits.iter().copied().filter(|&q| q < LOW).collect() };
        let high = |qubits: &[usize]| -> Vec<usize> { qubits.iter().filter(|&&q| q >= LOW).map(|q| q - LOW).collect() };
        let (low_controls, high_targets) = (low(controls), high(targets));
        let registers = 1 << high_targets.len();
        if total < LOW || registers > REGISTERS || low(controls).is_empty() && low(targets).is_empty() {
            return None;
        }
        let flippable = low(targets).iter().fold(0, |mask, q| mask | 1 << q);
        // The index of a combination of target bits: low ones from the position in the register, others from its number.
        let local = |register: usize, position: usize| {
            let mut next = 0;
            targets.iter().enumerate().fold(0, |index, (k, &q)| {
                let bit = if q < LOW {
                    position >> q & 1
                } else {
                    next += 1;
                    register >> (next - 1) & 1
                };
                index | bit << k
            })
        };
        let mut terms = Vec::new();
        for out in 0..registers {
            for input in 0..registers {
                for flips in (0..WIDTH).filter(|flips| flips & !flippable == 0) {
                    let coefficient = |position: usize| {
                        if low_controls.iter().all(|q| position >> q & 1 == 1) {
                            entry(local(out, position), local(input, position ^ flips))
                        } else {
                            (f64::from(u8::from(out == input && flips == 0)), 0.0)
                        }
                    };
                    let both: [(f64, f64); WIDTH] = std::array::from_fn(coefficient);
                    if both != [(0.0, 0.0); WIDTH] {
                        terms.push(Term {
                            out,
                            input,
                            flips,
                            re: both.map(|c| F::of(c.0)),
                            im: both.map(|c| F::of(c.1)),
                        });
                    }
                }
            }
        }
        Some(Self { layout: OperandLayout::new(total - LOW, &high(controls), &high_targets), terms })
    }
}

widest! {
    /// Applies the gate to a state of one lane.
    pub fn shuffle<'a, F: Float>(state: &'a mut State<F>, gate: &'a ShuffleSum<F>) = shuffle_loops
}

#[inline(always)]
fn shuffle_loops<S: Simd, F: Float>(state: &mut State<F>, gate: &ShuffleSum<F>) {
    let layout = &gate.layout;
    for run in 0..layout.count {
        let start = layout.start(run);
        for register in start..start + layout.run {
            let mut x = [([F::ZERO; WIDTH], [F::ZERO; WIDTH]); REGISTERS];
            let mut y = x;
            for (x, offset) in x.iter_mut().zip(&layout.offsets) {
                let at = (register + offset) * WIDTH;
                x.0.copy_from_slice(&state.re[at..at + WIDTH]);
                x.1.copy_from_slice(&state.im[at..at + WIDTH]);
            }
            for term in &gate.terms {
                let (x, y) = (&x[term.input], &mut y[term.out]);
                match term.flips {
                    0 => add::<S, F, 0>(x, y, term),
                    1 => add::<S, F, 1>(x, y, term),
                    2 => add::<S, F, 2>(x, y, term),
                    3 => add::<S, F, 3>(x, y, term),
                    4 => add::<S, F, 4>(x, y, term),
                    5 => add::<S, F, 5>(x, y, term),
                    6 => add::<S, F, 6>(x, y, term),
                    _ => add::<S, F, 7>(x, y, term),
                }
            }
            for (y, offset) in y.iter().zip(&layout.offsets) {
                let at = (register + offset) * WIDTH;
                state.re[at..at + WIDTH].copy_from_slice(&y.0);
                state.im[at..at + WIDTH].copy_from_slice(&y.1);
            }
        }
    }
}

#[inline(always)]
fn add<S: Simd, F: Float, const FLIPS: usize>(
    x: &([F; WIDTH], [F; WIDTH]),
    y: &mut ([F; WIDTH], [F; WIDTH]),
    term: &Term<F>,
) {
    for i in 0..WIDTH {
        let (re, im) = (x.0[i ^ FLIPS], x.1[i ^ FLIPS]);
        y.0[i] = fused::<S, _>(term.re[i], re, fused::<S, _>(-term.im[i], im, y.0[i]));
        y.1[i] = fused::<S, _>(term.re[i], im, fused::<S, _>(term.im[i], re, y.1[i]));
    }
}
