//! The backward sweep of the adjoint method: gates un-applied from two states at once.

use pulp::Simd;

use crate::sim::statevector::kernel::{
    Entries, Kind, Places, State, WIDE, apply, apply_large, by_kind, chunk, for_each_block, load, multiply, store,
};
use crate::sim::widest::{fused, widest};

/// Un-applies a gate whose inverse has the entries `inverse`.
pub fn unapply(state: &mut State, places: &Places, kind: &Kind, inverse: Entries) {
    if let Kind::Permutation(to) = kind {
        let mut from = vec![0; to.len()];
        to.iter().enumerate().for_each(|(i, &place)| from[place] = i);
        return apply(state, places, &Kind::Permutation(from), inverse);
    }
    apply(state, places, kind, inverse);
}

widest! {
    /// Un-applies a gate whose inverse has the entries `inverse` from both states, and adds to `found` the derivative of
    /// `2 Re⟨bra|ket⟩` by the entries of the gate, laid out like them.
    pub fn unapply_both<'a>(
        ket: &'a mut State,
        bra: &'a mut State,
        places: &'a Places,
        kind: &'a Kind,
        inverse: Entries<'a>,
        found: &'a mut [f64],
    ) = unapply_loops
}

#[inline(always)]
fn unapply_loops<S: Simd>(
    ket: &mut State,
    bra: &mut State,
    places: &Places,
    kind: &Kind,
    inverse: Entries,
    found: &mut [f64],
) {
    by_kind!(kind, places, inverse, unapply_diagonal, unapply_dense, unapply_large, (ket, bra, places, inverse, found));
}

/// `2 Re⟨bra| dU |ket⟩` is `Σ 2 Re(T dU)` with `T[i][j] = conj(bra_i) ket_j`: by the real part of an entry its derivative
/// is `2 Re T`, by the imaginary part `-2 Im T`.
#[inline(always)]
fn gather<const W: usize, const ROWS: bool>(
    found: &mut [f64],
    index: usize,
    lanes: usize,
    lane: usize,
    (re, im): ([f64; W], [f64; W]),
) {
    if ROWS {
        for w in 0..W {
            found[2 * index * lanes + lane + w] += 2.0 * re[w];
            found[(2 * index + 1) * lanes + lane + w] -= 2.0 * im[w];
        }
    } else {
        found[2 * index] += 2.0 * re.iter().sum::<f64>();
        found[2 * index + 1] -= 2.0 * im.iter().sum::<f64>();
    }
}

/// Sums of one block: to its lanes at once, or into registers that are gathered at the end.
#[inline(always)]
fn tally<const W: usize, const ROWS: bool>(
    found: &mut [f64],
    wide: &mut ([f64; WIDE], [f64; WIDE]),
    index: usize,
    lanes: usize,
    lane: usize,
    sums: ([f64; W], [f64; W]),
) {
    if ROWS {
        return gather::<W, true>(found, index, lanes, lane, sums);
    }
    for w in 0..W {
        wide.0[w] += sums.0[w];
        wide.1[w] += sums.1[w];
    }
}

/// `conj(a) b`, or its real part alone.
#[inline(always)]
fn overlap<S: Simd, const W: usize, const REAL: bool>(
    (ar, ai): (&[f64; W], &[f64; W]),
    (br, bi): (&[f64; W], &[f64; W]),
    (re, im): (&mut [f64; W], &mut [f64; W]),
) {
    for w in 0..W {
        re[w] = fused::<S>(ar[w], br[w], fused::<S>(ai[w], bi[w], re[w]));
        if !REAL {
            im[w] = fused::<S>(ar[w], bi[w], fused::<S>(-ai[w], br[w], im[w]));
        }
    }
}

#[inline(always)]
fn unapply_diagonal<S: Simd, const ROWS: bool>(
    ket: &mut State,
    bra: &mut State,
    places: &Places,
    inverse: Entries,
    found: &mut [f64],
) {
    let lanes = ket.lanes;
    for (i, offset) in places.offsets.iter().enumerate() {
        let mut wide = ([0.0; WIDE], [0.0; WIDE]);
        for_each_block!(places, lanes, ROWS, |at, lane, W| {
            let at = at + offset * lanes;
            let (dr, di) = (inverse.get::<W, ROWS>(i, 0, lanes, lane), inverse.get::<W, ROWS>(i, 1, lanes, lane));
            let (xr, xi): ([f64; W], [f64; W]) = (chunk(&ket.re, at), chunk(&ket.im, at));
            let (br, bi): ([f64; W], [f64; W]) = (chunk(&bra.re, at), chunk(&bra.im, at));
            let (mut kr, mut ki) = ([0.0; W], [0.0; W]);
            for w in 0..W {
                kr[w] = fused::<S>(dr[w], xr[w], -(di[w] * xi[w]));
                ki[w] = fused::<S>(dr[w], xi[w], di[w] * xr[w]);
                ket.re[at + w] = kr[w];
                ket.im[at + w] = ki[w];
                bra.re[at + w] = fused::<S>(dr[w], br[w], -(di[w] * bi[w]));
                bra.im[at + w] = fused::<S>(dr[w], bi[w], di[w] * br[w]);
            }
            let mut sums = ([0.0; W], [0.0; W]);
            overlap::<S, W, false>((&br, &bi), (&kr, &ki), (&mut sums.0, &mut sums.1));
            tally::<W, ROWS>(found, &mut wide, i, lanes, lane, sums);
        });
        if !ROWS {
            gather::<WIDE, false>(found, i, lanes, 0, wide);
        }
    }
}

#[inline(always)]
fn unapply_dense<S: Simd, const K: usize, const REAL: bool, const ROWS: bool>(
    ket: &mut State,
    bra: &mut State,
    places: &Places,
    inverse: Entries,
    found: &mut [f64],
) {
    let lanes = ket.lanes;
    let mut wide = [[([0.0; WIDE], [0.0; WIDE]); K]; K];
    for_each_block!(places, lanes, ROWS, |at, lane, W| {
        let x = load::<K, W>(ket, places, at);
        let before = multiply::<S, K, W, REAL, ROWS>(&x, &inverse, lanes, lane);
        store::<K, W>(ket, places, at, &before);
        let after = load::<K, W>(bra, places, at);
        for i in 0..K {
            for j in 0..K {
                let mut sums = ([0.0; W], [0.0; W]);
                overlap::<S, W, REAL>(
                    (&after.0[i], &after.1[i]),
                    (&before.0[j], &before.1[j]),
                    (&mut sums.0, &mut sums.1),
                );
                tally::<W, ROWS>(found, &mut wide[i][j], i * K + j, lanes, lane, sums);
            }
        }
        let y = multiply::<S, K, W, REAL, ROWS>(&after, &inverse, lanes, lane);
        store::<K, W>(bra, places, at, &y);
    });
    if !ROWS {
        for i in 0..K {
            for j in 0..K {
                gather::<WIDE, false>(found, i * K + j, lanes, 0, wide[i][j]);
            }
        }
    }
}

#[inline(always)]
fn unapply_large<S: Simd>(ket: &mut State, bra: &mut State, places: &Places, inverse: Entries, found: &mut [f64]) {
    let (lanes, size) = (ket.lanes, places.size());
    apply_large::<S>(ket, places, inverse);
    for run in 0..places.count {
        let start = places.start(run) * lanes;
        for at in start..start + places.run * lanes {
            for (i, a) in places.offsets.iter().map(|offset| at + offset * lanes).enumerate() {
                for (j, b) in places.offsets.iter().map(|offset| at + offset * lanes).enumerate() {
                    let re = bra.re[a] * ket.re[b] + bra.im[a] * ket.im[b];
                    let im = bra.re[a] * ket.im[b] - bra.im[a] * ket.re[b];
                    let index = i * size + j;
                    if inverse.by_row {
                        gather::<1, true>(found, index, lanes, at % lanes, ([re], [im]));
                    } else {
                        gather::<1, false>(found, index, lanes, 0, ([re], [im]));
                    }
                }
            }
        }
    }
    apply_large::<S>(bra, places, inverse);
}
