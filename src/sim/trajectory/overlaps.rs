//! What trajectories read of a state of one lane: its norm, and the density matrix of one or two qubits.

use pulp::Simd;

use crate::math::C64;
use crate::math::matrix::c;
use crate::sim::float::Float;
use crate::sim::statevector::kernel::{Places, State, WIDE, chunk};
use crate::sim::statevector::low::LOW;
use crate::sim::widest::{fused, widest};

/// Operands at most.
const OPERANDS: usize = 2;

/// Sums `Σ conj(a) b` over pairs of registers, real and imaginary part, place by place.
type Sums<F> = ([F; WIDE], [F; WIDE]);

/// `⟨ψ|ψ⟩`.
pub fn norm<F: Float>(state: &State<F>) -> f64 {
    let mut sum = 0.0;
    norm_into(&state.re, &state.im, &mut sum);
    sum
}

widest! {
    /// Adds up squares.
    pub fn norm_into<'a, F: Float>(re: &'a [F], im: &'a [F], sum: &'a mut f64) = norm_loops
}

#[inline(always)]
fn norm_loops<S: Simd, F: Float>(re: &[F], im: &[F], sum: &mut f64) {
    let mut sums = [F::ZERO; WIDE];
    for (re, im) in re.chunks_exact(WIDE).zip(im.chunks_exact(WIDE)) {
        for i in 0..WIDE {
            sums[i] = fused::<S, F>(re[i], re[i], fused::<S, F>(im[i], im[i], sums[i]));
        }
    }
    *sum = sums.iter().map(|x| x.double()).sum();
}

/// `ψ ← factor ψ`.
pub fn scale<F: Float>(state: &mut State<F>, factor: f64) {
    let factor = F::of(factor);
    state.re.iter_mut().chain(&mut state.im).for_each(|x| *x = *x * factor);
}

/// `Σ conj(ψ_i) ψ_j` over everything but one or two targets, row major; the state is at least [`LOW`] qubits wide.
///
/// Amplitudes are read as registers of eight. Targets among the lowest qubits lie inside a register: pairs are found by
/// shuffling it with each pattern of flipped bits. Other targets tell registers apart.
pub fn overlaps<F: Float>(state: &State<F>, targets: &[usize]) -> Vec<C64> {
    let (low, high): (Vec<usize>, Vec<usize>) = targets.iter().partition(|q| **q < LOW);
    let mask: usize = low.iter().map(|q| 1 << q).sum();
    let flips: Vec<usize> = (0..WIDE).filter(|flips| flips & !mask == 0).collect();
    let width = state.re.len().trailing_zeros() as usize;
    let places = Places::new(width - LOW, &[], &high.iter().map(|q| q - LOW).collect::<Vec<_>>());
    let registers = places.size();
    let mut sums = vec![([F::ZERO; WIDE], [F::ZERO; WIDE]); registers * registers * flips.len()];
    pairs(state, &places, &flips, &mut sums);
    // The bits of the targets, from the number of a register and a place in it.
    let bits = |register: usize, place: usize| {
        targets.iter().enumerate().fold(0, |bits, (k, q)| {
            let bit = match high.iter().position(|h| h == q) {
                Some(h) => register >> h & 1,
                None => place >> q & 1,
            };
            bits | bit << k
        })
    };
    let side = 1 << targets.len();
    let mut out = vec![c(0.0, 0.0); side * side];
    for (pair, (re, im)) in sums.iter().enumerate() {
        let (a, b, flip) = (pair / flips.len() / registers, pair / flips.len() % registers, flips[pair % flips.len()]);
        for place in 0..WIDE {
            out[bits(a, place) * side + bits(b, place ^ flip)] += c(re[place].double(), im[place].double());
        }
    }
    out
}

widest! {
    /// Adds up products of all pairs of registers that the high targets connect, for each pattern of flipped bits.
    pub fn pairs<'a, F: Float>(state: &'a State<F>, places: &'a Places, flips: &'a [usize], sums: &'a mut [Sums<F>]) = pair_loops
}

#[inline(always)]
fn pair_loops<S: Simd, F: Float>(state: &State<F>, places: &Places, flips: &[usize], sums: &mut [Sums<F>]) {
    let registers = places.size();
    for run in 0..places.count {
        let start = places.start(run);
        for register in start..start + places.run {
            let mut x = [([F::ZERO; WIDE], [F::ZERO; WIDE]); 1 << OPERANDS];
            for (x, offset) in x.iter_mut().zip(&places.offsets) {
                let at = (register + offset) * WIDE;
                *x = (chunk(&state.re, at), chunk(&state.im, at));
            }
            for a in 0..registers {
                for b in 0..registers {
                    for (&flip, sum) in flips.iter().zip(&mut sums[(a * registers + b) * flips.len()..]) {
                        let (a, b) = (&x[a], &x[b]);
                        match flip {
                            0 => pair::<S, F, 0>(a, b, sum),
                            1 => pair::<S, F, 1>(a, b, sum),
                            2 => pair::<S, F, 2>(a, b, sum),
                            3 => pair::<S, F, 3>(a, b, sum),
                            4 => pair::<S, F, 4>(a, b, sum),
                            5 => pair::<S, F, 5>(a, b, sum),
                            6 => pair::<S, F, 6>(a, b, sum),
                            _ => pair::<S, F, 7>(a, b, sum),
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn pair<S: Simd, F: Float, const FLIPS: usize>(a: &Sums<F>, b: &Sums<F>, sum: &mut Sums<F>) {
    for i in 0..WIDE {
        let (br, bi) = (b.0[i ^ FLIPS], b.1[i ^ FLIPS]);
        sum.0[i] = fused::<S, F>(a.0[i], br, fused::<S, F>(a.1[i], bi, sum.0[i]));
        sum.1[i] = fused::<S, F>(a.0[i], bi, fused::<S, F>(-a.1[i], br, sum.1[i]));
    }
}
