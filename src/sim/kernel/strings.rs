//! Pauli strings on amplitudes, all strings with one X/Y pattern at a time.
//!
//! `P|i⟩ = i^{|x&z|} (-1)^{|i&z|} |i ⊕ x⟩`, so the strings that share x differ by signs alone: one Walsh transform of
//! `conj(ψ[i ⊕ x]) ψ[i]` gives the expectation values of all of them, and one transform of their weights gives the
//! operator that applies them all.

use std::collections::BTreeMap;

use crate::math::matrix::{C64, c};
use crate::sim::kernel::amplitudes::State;
use crate::sim::kernel::float::Float;

/// A Pauli string on a register of at most 64 qubits: bit k of `x` is an X or Y on qubit k, bit k of `z` a Z or Y.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PauliMasks {
    pub x: u64,
    pub z: u64,
}

/// A weighted sum of Pauli strings.
pub type Terms = Vec<(f64, PauliMasks)>;

/// Strings of some observables by X/Y pattern: (z, observable, weight).
pub struct Strings(BTreeMap<u64, Vec<(u64, usize, f64)>>);

impl Strings {
    pub fn new(observables: &[Terms]) -> Self {
        let mut groups: BTreeMap<u64, Vec<_>> = BTreeMap::new();
        for (o, terms) in observables.iter().enumerate() {
            for &(weight, string) in terms {
                groups.entry(string.x).or_default().push((string.z, o, weight));
            }
        }
        Self(groups)
    }

    /// Whether they keep real amplitudes real: no string has an odd number of Y.
    pub fn are_real(&self) -> bool {
        self.0.iter().all(|(x, strings)| strings.iter().all(|(z, ..)| (x & z).count_ones().is_multiple_of(2)))
    }

    /// The strings (z, observable, weight) of each X/Y pattern, patterns ascending.
    pub fn by_pattern(&self) -> impl Iterator<Item = (u64, &[(u64, usize, f64)])> {
        self.0.iter().map(|(&x, strings)| (x, &strings[..]))
    }

    /// Expectation values, lane major.
    pub fn expectations<F: Float>(&self, state: &State<F>, observables: usize) -> Vec<f64> {
        let lanes = state.lanes;
        let mut out = vec![0.0; lanes * observables];
        for (&x, strings) in &self.0 {
            let mut products = vec![vec![0.0; state.re.len()]; if x == 0 { 1 } else { 2 }];
            for i in 0..state.re.len() / lanes.max(1) {
                let (from, to) = (i * lanes, (i ^ x as usize) * lanes);
                for lane in 0..lanes {
                    let (ar, ai) = (state.re[to + lane].double(), state.im[to + lane].double());
                    let (br, bi) = (state.re[from + lane].double(), state.im[from + lane].double());
                    products[0][from + lane] = ar * br + ai * bi;
                    if x != 0 {
                        products[1][from + lane] = ar * bi - ai * br;
                    }
                }
            }
            products.iter_mut().for_each(|part| walsh_lanes(part, lanes));
            for &(z, o, weight) in strings {
                let phase = quarter_turns(x & z);
                for lane in 0..lanes {
                    let at = z as usize * lanes + lane;
                    let imaginary = products.get(1).map_or(0.0, |part| part[at]);
                    out[lane * observables + o] += weight * (phase.re * products[0][at] - phase.im * imaginary);
                }
            }
        }
        out
    }

    /// `Σ_o cotangent(lane, o) O_o |ψ⟩` for every lane.
    pub fn bra<F: Float>(&self, state: &State<F>, cotangent: impl Fn(usize, usize) -> f64) -> State<F> {
        let lanes = state.lanes;
        let size = state.re.len();
        let mut out = State::zeros(size, lanes);
        for (&x, strings) in &self.0 {
            // Weights of strings with an even and an odd number of Y: real and imaginary eigenvalues.
            let mut weights = vec![vec![0.0; size]; if x == 0 { 1 } else { 2 }];
            for &(z, o, weight) in strings {
                let phase = quarter_turns(x & z);
                for lane in 0..lanes {
                    let at = z as usize * lanes + lane;
                    let value = weight * cotangent(lane, o);
                    weights[0][at] += value * phase.re;
                    if x != 0 {
                        weights[1][at] += value * phase.im;
                    }
                }
            }
            weights.iter_mut().for_each(|part| walsh_lanes(part, lanes));
            for i in 0..size / lanes.max(1) {
                let (from, to) = (i * lanes, (i ^ x as usize) * lanes);
                for lane in 0..lanes {
                    let wr = weights[0][from + lane];
                    let wi = weights.get(1).map_or(0.0, |part| part[from + lane]);
                    let (xr, xi) = (state.re[from + lane].double(), state.im[from + lane].double());
                    out.re[to + lane] += F::of(wr * xr - wi * xi);
                    out.im[to + lane] += F::of(wr * xi + wi * xr);
                }
            }
        }
        out
    }
}

/// `i^{number of ones}`.
pub fn quarter_turns(y: u64) -> C64 {
    [c(1.0, 0.0), c(0.0, 1.0), c(-1.0, 0.0), c(0.0, -1.0)][y.count_ones() as usize % 4]
}

/// [`walsh`] for each lane.
fn walsh_lanes(v: &mut [f64], lanes: usize) {
    if lanes == 1 {
        return walsh(v);
    }
    let mut half = lanes;
    while half < v.len() {
        for pair in v.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}

/// The Walsh–Hadamard transform in place: `out[i] = Σ_j (-1)^{|i & j|} v[j]`, its own inverse up to `1/len`.
///
/// It turns expectation values of Z strings into outcomes and weights of Z strings into eigenvalues.
pub fn walsh(v: &mut [f64]) {
    let mut half = 1;
    while half < v.len() {
        for pair in v.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}
