//! Sums over rows of a batch: states (components, rows) against observables (components, observables), both row major.

use pulp::Simd;

use crate::sim::kernel::float::Float;
use crate::sim::kernel::pauli::loops::{WIDE, chunk, doubles};
use crate::sim::kernel::widest::{fused, widest};

/// Observables whose sums are held in registers together.
const TOGETHER: usize = 4;
/// Components that go through all rows and observables before the next, so that long vectors are read from memory once.
const COMPONENTS: usize = 32;

widest! {
    /// Adds `Σ_P v[P][o] · state[P][b]` to `sums[o][b]`. Sums are f64, since they are long.
    pub fn contract<'a, F: Float>(state: &'a [F], rows: usize, v: &'a [F], observables: usize, sums: &'a mut [f64])
        = contract_loops
}

#[inline(always)]
fn contract_loops<S: Simd, F: Float>(state: &[F], rows: usize, v: &[F], observables: usize, sums: &mut [f64]) {
    for (state, v) in state.chunks(COMPONENTS * rows).zip(v.chunks(COMPONENTS * observables)) {
        let mut first = 0;
        while first + TOGETHER <= observables {
            contract_some::<S, F, TOGETHER>(state, rows, v, (first, observables), sums);
            first += TOGETHER;
        }
        for first in first..observables {
            contract_some::<S, F, 1>(state, rows, v, (first, observables), sums);
        }
    }
}

/// `O` observables from the first.
#[inline(always)]
fn contract_some<S: Simd, F: Float, const O: usize>(
    state: &[F],
    rows: usize,
    v: &[F],
    observables: (usize, usize),
    sums: &mut [f64],
) {
    let mut at = 0;
    while at + WIDE <= rows {
        contract_block::<S, F, O, WIDE>(state, (at, rows), v, observables, sums);
        at += WIDE;
    }
    for at in at..rows {
        contract_block::<S, F, O, 1>(state, (at, rows), v, observables, sums);
    }
}

#[inline(always)]
fn contract_block<S: Simd, F: Float, const O: usize, const W: usize>(
    state: &[F],
    (at, rows): (usize, usize),
    v: &[F],
    (first, observables): (usize, usize),
    sums: &mut [f64],
) {
    let mut sum = [[0.0; W]; O];
    for (weights, state) in v.chunks_exact(observables).zip(state.chunks_exact(rows)) {
        let x: [f64; W] = doubles(chunk(state, at));
        let weights: [F; O] = chunk(weights, first);
        for o in 0..O {
            for w in 0..W {
                sum[o][w] = fused::<S, f64>(weights[o].double(), x[w], sum[o][w]);
            }
        }
    }
    for o in 0..O {
        for w in 0..W {
            sums[(first + o) * rows + at + w] += sum[o][w];
        }
    }
}

widest! {
    /// `out[P][o] = Σ_b cotangent[b][o] · state[P][b]`.
    pub fn mix<'a, F: Float>(state: &'a [F], rows: usize, cotangent: &'a [F], out: &'a mut [F]) = mix_loops
}

#[inline(always)]
fn mix_loops<S: Simd, F: Float>(state: &[F], rows: usize, cotangent: &[F], out: &mut [F]) {
    let observables = cotangent.len() / rows;
    for (out, state) in out.chunks_exact_mut(observables).zip(state.chunks_exact(rows)) {
        let mut first = 0;
        while first + TOGETHER <= observables {
            mix_some::<S, F, TOGETHER>(state, cotangent, first, out);
            first += TOGETHER;
        }
        for first in first..observables {
            mix_some::<S, F, 1>(state, cotangent, first, out);
        }
    }
}

/// `O` observables from the first: their sums lie side by side, so nothing is added across a register.
#[inline(always)]
fn mix_some<S: Simd, F: Float, const O: usize>(state: &[F], cotangent: &[F], first: usize, out: &mut [F]) {
    let mut sum = [F::ZERO; O];
    for (x, row) in state.iter().zip(cotangent.chunks_exact(out.len())) {
        let c: [F; O] = chunk(row, first);
        for o in 0..O {
            sum[o] = fused::<S, F>(c[o], *x, sum[o]);
        }
    }
    out[first..first + O].copy_from_slice(&sum);
}

widest! {
    /// `out[P][b] = Σ_o v[P][o] · cotangent[o][b]`.
    pub fn weigh<'a, F: Float>(v: &'a [F], cotangent: &'a [F], rows: usize, out: &'a mut [F]) = weigh_loops
}

#[inline(always)]
fn weigh_loops<S: Simd, F: Float>(v: &[F], cotangent: &[F], rows: usize, out: &mut [F]) {
    let observables = cotangent.len() / rows;
    for (out, weights) in out.chunks_exact_mut(rows).zip(v.chunks_exact(observables)) {
        let mut at = 0;
        while at + WIDE <= rows {
            weigh_block::<S, F, WIDE>(weights, cotangent, (at, rows), out);
            at += WIDE;
        }
        for at in at..rows {
            weigh_block::<S, F, 1>(weights, cotangent, (at, rows), out);
        }
    }
}

#[inline(always)]
fn weigh_block<S: Simd, F: Float, const W: usize>(
    weights: &[F],
    cotangent: &[F],
    (at, rows): (usize, usize),
    out: &mut [F],
) {
    let mut sum = [F::ZERO; W];
    for (weight, column) in weights.iter().zip(cotangent.chunks_exact(rows)) {
        let c: [F; W] = chunk(column, at);
        for w in 0..W {
            sum[w] = fused::<S, F>(*weight, c[w], sum[w]);
        }
    }
    out[at..at + W].copy_from_slice(&sum);
}

widest! {
    /// Undoes one multiplication `next[a][P] = letters[a] · last[P]`, all by row: from the derivative `d` by `next` to those by
    /// `last` and, added, by `letters`. Sums over components are f64, since they are long.
    pub fn unmultiply<'a, F: Float>(
        d: &'a [F], last: &'a [F], letters: &'a [F], rows: usize, d_last: &'a mut [F], d_letters: &'a mut [f64],
    ) = unmultiply_loops
}

#[inline(always)]
fn unmultiply_loops<S: Simd, F: Float>(
    d: &[F],
    last: &[F],
    letters: &[F],
    rows: usize,
    d_last: &mut [F],
    d_letters: &mut [f64],
) {
    for first in (0..last.len()).step_by(COMPONENTS * rows) {
        let end = (first + COMPONENTS * rows).min(last.len());
        let mut at = 0;
        while at + WIDE <= rows {
            unmultiply_block::<S, F, WIDE>(d, last, letters, (first + at, end, rows), d_last, d_letters);
            at += WIDE;
        }
        for at in at..rows {
            unmultiply_block::<S, F, 1>(d, last, letters, (first + at, end, rows), d_last, d_letters);
        }
    }
}

/// `W` rows of some components.
#[inline(always)]
fn unmultiply_block<S: Simd, F: Float, const W: usize>(
    d: &[F],
    last: &[F],
    letters: &[F],
    (start, end, rows): (usize, usize, usize),
    d_last: &mut [F],
    d_letters: &mut [f64],
) {
    let row = start % rows;
    let mut letter = [[F::ZERO; W]; 4];
    for a in 0..4 {
        letter[a] = chunk(letters, a * rows + row);
    }
    let mut sums = [[0.0; W]; 4];
    for at in (start..end).step_by(rows) {
        let x: [F; W] = chunk(last, at);
        let mut sum = [F::ZERO; W];
        for a in 0..4 {
            let y: [F; W] = chunk(d, a * last.len() + at);
            for w in 0..W {
                sums[a][w] = fused::<S, f64>(y[w].double(), x[w].double(), sums[a][w]);
                sum[w] = fused::<S, F>(y[w], letter[a][w], sum[w]);
            }
        }
        d_last[at..at + W].copy_from_slice(&sum);
    }
    for a in 0..4 {
        for w in 0..W {
            d_letters[a * rows + row + w] += sums[a][w];
        }
    }
}
