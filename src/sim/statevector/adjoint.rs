//! The backward sweep of the adjoint method: gates un-applied from two states at once.

use pulp::Simd;

use crate::sim::kernel::amplitudes::{
    Entries, MatrixKind, OperandLayout, State, WIDE, apply, apply_large, by_kind, chunk, for_each_block, load,
    multiply, store,
};
use crate::sim::kernel::float::Float;
use crate::sim::kernel::widest::{fused, widest};

/// Un-applies a gate whose inverse has the entries `inverse`.
pub fn unapply<F: Float>(state: &mut State<F>, layout: &OperandLayout, kind: &MatrixKind, inverse: Entries<F>) {
    if let MatrixKind::Permutation(to) = kind {
        let mut from = vec![0; to.len()];
        to.iter().enumerate().for_each(|(i, &position)| from[position] = i);
        return apply(state, layout, &MatrixKind::Permutation(from), inverse);
    }
    apply(state, layout, kind, inverse);
}

widest! {
    /// Un-applies a gate whose inverse has the entries `inverse` from both states, and adds to `found` the derivative of
    /// `2 Re⟨bra|ket⟩` by the entries of the gate, laid out like them.
    pub fn unapply_both<'a, F: Float>(
        ket: &'a mut State<F>,
        bra: &'a mut State<F>,
        layout: &'a OperandLayout,
        kind: &'a MatrixKind,
        inverse: Entries<'a, F>,
        found: &'a mut [f64],
    ) = unapply_loops
}

#[inline(always)]
fn unapply_loops<S: Simd, F: Float>(
    ket: &mut State<F>,
    bra: &mut State<F>,
    layout: &OperandLayout,
    kind: &MatrixKind,
    inverse: Entries<F>,
    found: &mut [f64],
) {
    by_kind!(kind, layout, inverse, unapply_diagonal, unapply_dense, unapply_large, (ket, bra, layout, inverse, found));
}

/// `2 Re⟨bra| dU |ket⟩` is `Σ 2 Re(T dU)` with `T[i][j] = conj(bra_i) ket_j`: by the real part of an entry its derivative
/// is `2 Re T`, by the imaginary part `-2 Im T`.
#[inline(always)]
fn gather<F: Float, const W: usize, const ROWS: bool>(
    found: &mut [f64],
    index: usize,
    lanes: usize,
    lane: usize,
    (re, im): ([F; W], [F; W]),
) {
    if ROWS {
        for w in 0..W {
            found[2 * index * lanes + lane + w] += 2.0 * re[w].double();
            found[(2 * index + 1) * lanes + lane + w] -= 2.0 * im[w].double();
        }
    } else {
        found[2 * index] += 2.0 * re.iter().map(|x| x.double()).sum::<f64>();
        found[2 * index + 1] -= 2.0 * im.iter().map(|x| x.double()).sum::<f64>();
    }
}

/// Sums of one block: to its lanes at once, or into registers that are gathered at the end.
#[inline(always)]
fn tally<F: Float, const W: usize, const ROWS: bool>(
    found: &mut [f64],
    wide: &mut ([F; WIDE], [F; WIDE]),
    index: usize,
    lanes: usize,
    lane: usize,
    sums: ([F; W], [F; W]),
) {
    if ROWS {
        return gather::<F, W, true>(found, index, lanes, lane, sums);
    }
    for w in 0..W {
        wide.0[w] += sums.0[w];
        wide.1[w] += sums.1[w];
    }
}

/// `conj(a) b`, or its real part alone.
#[inline(always)]
fn overlap<S: Simd, F: Float, const W: usize, const REAL: bool>(
    (ar, ai): (&[F; W], &[F; W]),
    (br, bi): (&[F; W], &[F; W]),
    (re, im): (&mut [F; W], &mut [F; W]),
) {
    for w in 0..W {
        re[w] = fused::<S, _>(ar[w], br[w], fused::<S, _>(ai[w], bi[w], re[w]));
        if !REAL {
            im[w] = fused::<S, _>(ar[w], bi[w], fused::<S, _>(-ai[w], br[w], im[w]));
        }
    }
}

#[inline(always)]
fn unapply_diagonal<S: Simd, F: Float, const ROWS: bool>(
    ket: &mut State<F>,
    bra: &mut State<F>,
    layout: &OperandLayout,
    inverse: Entries<F>,
    found: &mut [f64],
) {
    let lanes = ket.lanes;
    for (i, offset) in layout.offsets.iter().enumerate() {
        let mut wide = ([F::ZERO; WIDE], [F::ZERO; WIDE]);
        for_each_block!(layout, lanes, ROWS, |at, lane, W| {
            let at = at + offset * lanes;
            let (dr, di) = (inverse.get::<W, ROWS>(i, 0, lanes, lane), inverse.get::<W, ROWS>(i, 1, lanes, lane));
            let (xr, xi): ([F; W], [F; W]) = (chunk(&ket.re, at), chunk(&ket.im, at));
            let (br, bi): ([F; W], [F; W]) = (chunk(&bra.re, at), chunk(&bra.im, at));
            let (mut kr, mut ki) = ([F::ZERO; W], [F::ZERO; W]);
            for w in 0..W {
                kr[w] = fused::<S, _>(dr[w], xr[w], -(di[w] * xi[w]));
                ki[w] = fused::<S, _>(dr[w], xi[w], di[w] * xr[w]);
                ket.re[at + w] = kr[w];
                ket.im[at + w] = ki[w];
                bra.re[at + w] = fused::<S, _>(dr[w], br[w], -(di[w] * bi[w]));
                bra.im[at + w] = fused::<S, _>(dr[w], bi[w], di[w] * br[w]);
            }
            let mut sums = ([F::ZERO; W], [F::ZERO; W]);
            overlap::<S, F, W, false>((&br, &bi), (&kr, &ki), (&mut sums.0, &mut sums.1));
            tally::<F, W, ROWS>(found, &mut wide, i, lanes, lane, sums);
        });
        if !ROWS {
            gather::<F, WIDE, false>(found, i, lanes, 0, wide);
        }
    }
}

#[inline(always)]
fn unapply_dense<S: Simd, F: Float, const K: usize, const REAL: bool, const ROWS: bool>(
    ket: &mut State<F>,
    bra: &mut State<F>,
    layout: &OperandLayout,
    inverse: Entries<F>,
    found: &mut [f64],
) {
    let lanes = ket.lanes;
    let mut wide = [[([F::ZERO; WIDE], [F::ZERO; WIDE]); K]; K];
    for_each_block!(layout, lanes, ROWS, |at, lane, W| {
        let x = load::<F, K, W>(ket, layout, at);
        let before = multiply::<S, F, K, W, REAL, ROWS>(&x, &inverse, lanes, lane);
        store::<F, K, W>(ket, layout, at, &before);
        let after = load::<F, K, W>(bra, layout, at);
        for i in 0..K {
            for j in 0..K {
                let mut sums = ([F::ZERO; W], [F::ZERO; W]);
                overlap::<S, F, W, REAL>(
                    (&after.0[i], &after.1[i]),
                    (&before.0[j], &before.1[j]),
                    (&mut sums.0, &mut sums.1),
                );
                tally::<F, W, ROWS>(found, &mut wide[i][j], i * K + j, lanes, lane, sums);
            }
        }
        let y = multiply::<S, F, K, W, REAL, ROWS>(&after, &inverse, lanes, lane);
        store::<F, K, W>(bra, layout, at, &y);
    });
    if !ROWS {
        for i in 0..K {
            for j in 0..K {
                gather::<F, WIDE, false>(found, i * K + j, lanes, 0, wide[i][j]);
            }
        }
    }
}

#[inline(always)]
fn unapply_large<S: Simd, F: Float>(
    ket: &mut State<F>,
    bra: &mut State<F>,
    layout: &OperandLayout,
    inverse: Entries<F>,
    found: &mut [f64],
) {
    let (lanes, size) = (ket.lanes, layout.size());
    apply_large::<S, F>(ket, layout, inverse);
    for run in 0..layout.count {
        let start = layout.start(run) * lanes;
        for at in start..start + layout.run * lanes {
            for (i, a) in layout.offsets.iter().map(|offset| at + offset * lanes).enumerate() {
                for (j, b) in layout.offsets.iter().map(|offset| at + offset * lanes).enumerate() {
                    let re = bra.re[a] * ket.re[b] + bra.im[a] * ket.im[b];
                    let im = bra.re[a] * ket.im[b] - bra.im[a] * ket.re[b];
                    let index = i * size + j;
                    if inverse.by_row {
                        gather::<F, 1, true>(found, index, lanes, at % lanes, ([re], [im]));
                    } else {
                        gather::<F, 1, false>(found, index, lanes, 0, ([re], [im]));
                    }
                }
            }
        }
    }
    apply_large::<S, F>(bra, layout, inverse);
}
