//! What trajectories read of a state of one lane: its norm, and the density matrix of one or two qubits.

use pulp::Simd;

use crate::math::C64;
use crate::math::matrix::c;
use crate::sim::statevector::kernel::{Places, State, WIDE, chunk};
use crate::sim::statevector::low::LOW;
use crate::sim::widest::{fused, widest};

/// Operands at most.
const OPERANDS: usize = 2;

/// Sums `Σ conj(a) b` over pairs of registers, real and imaginary part, place by place.
type Sums = ([f64; WIDE], [f64; WIDE]);

/// `⟨ψ|ψ⟩`.
pub fn norm(state: &State) -> f64 {
    let mut sum = 0.0;
    norm_into(&state.re, &state.im, &mut sum);
    sum
}

widest! {
    /// Adds up squares.
    pub fn norm_into<'a>(re: &'a [f64], im: &'a [f64], sum: &'a mut f64) = norm_loops
}

#[inline(always)]
fn norm_loops<S: Simd>(re: &[f64], im: &[f64], sum: &mut f64) {
    let mut sums = [0.0; WIDE];
    for (re, im) in re.chunks_exact(WIDE).zip(im.chunks_exact(WIDE)) {
        for i in 0..WIDE {
            sums[i] = fused::<S>(re[i], re[i], fused::<S>(im[i], im[i], sums[i]));
        }
    }
    *sum = sums.iter().sum();
}

/// `ψ ← factor ψ`.
pub fn scale(state: &mut State, factor: f64) {
    state.re.iter_mut().chain(&mut state.im).for_each(|x| *x *= factor);
}

/// `Σ conj(ψ_i) ψ_j` over everything but one or two targets, row major; the state is at least [`LOW`] qubits wide.
///
/// Amplitudes are read as registers of eight. Targets among the lowest qubits lie inside a register: pairs are found by
/// shuffling it with each pattern of flipped bits. Other targets tell registers apart.
pub fn overlaps(state: &State, targets: &[usize]) -> Vec<C64> {
    let (low, high): (Vec<usize>, Vec<usize>) = targets.iter().partition(|q| **q < LOW);
    let mask: usize = low.iter().map(|q| 1 << q).sum();
    let flips: Vec<usize> = (0..WIDE).filter(|flips| flips & !mask == 0).collect();
    let width = state.re.len().trailing_zeros() as usize;
    let places = Places::new(width - LOW, &[], &high.iter().map(|q| q - LOW).collect::<Vec<_>>());
    let registers = places.size();
    let mut sums = vec![([0.0; WIDE], [0.0; WIDE]); registers * registers * flips.len()];
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
            out[bits(a, place) * side + bits(b, place ^ flip)] += c(re[place], im[place]);
        }
    }
    out
}

widest! {
    /// Adds up products of all pairs of registers that the high targets connect, for each pattern of flipped bits.
    pub fn pairs<'a>(state: &'a State, places: &'a Places, flips: &'a [usize], sums: &'a mut [Sums]) = pair_loops
}

#[inline(always)]
fn pair_loops<S: Simd>(state: &State, places: &Places, flips: &[usize], sums: &mut [Sums]) {
    let registers = places.size();
    for run in 0..places.count {
        let start = places.start(run);
        for register in start..start + places.run {
            let mut x = [([0.0; WIDE], [0.0; WIDE]); 1 << OPERANDS];
            for (x, offset) in x.iter_mut().zip(&places.offsets) {
                let at = (register + offset) * WIDE;
                *x = (chunk(&state.re, at), chunk(&state.im, at));
            }
            for a in 0..registers {
                for b in 0..registers {
                    for (&flip, sum) in flips.iter().zip(&mut sums[(a * registers + b) * flips.len()..]) {
                        let (a, b) = (&x[a], &x[b]);
                        match flip {
                            0 => pair::<S, 0>(a, b, sum),
                            1 => pair::<S, 1>(a, b, sum),
                            2 => pair::<S, 2>(a, b, sum),
                            3 => pair::<S, 3>(a, b, sum),
                            4 => pair::<S, 4>(a, b, sum),
                            5 => pair::<S, 5>(a, b, sum),
                            6 => pair::<S, 6>(a, b, sum),
                            _ => pair::<S, 7>(a, b, sum),
                        }
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn pair<S: Simd, const FLIPS: usize>(a: &Sums, b: &Sums, sum: &mut Sums) {
    for i in 0..WIDE {
        let (br, bi) = (b.0[i ^ FLIPS], b.1[i ^ FLIPS]);
        sum.0[i] = fused::<S>(a.0[i], br, fused::<S>(a.1[i], bi, sum.0[i]));
        sum.1[i] = fused::<S>(a.0[i], bi, fused::<S>(-a.1[i], br, sum.1[i]));
    }
}
