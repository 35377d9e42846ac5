//! Loops over amplitudes: amplitude major, lane minor, real and imaginary parts apart.
//!
//! A state of n qubits and L lanes (rows of a batch) is `re[i·L + lane]`, `im[i·L + lane]`, i < 2ⁿ. All functions are
//! plain loops over blocks of fixed width, compiled for the widest vectors found at run time ([`widest!`]).

use pulp::Simd;

use crate::sim::kernel::aligned::Aligned;
use crate::sim::kernel::float::Float;
use crate::sim::kernel::widest::{fused, widest};

/// EntryTable worked on at once: one AVX-512 register of doubles, half of one in single precision.
pub const WIDE: usize = 8;

/// Amplitudes of L rows, in double or single precision.
pub struct State<F = f64> {
    pub re: Aligned<F>,
    pub im: Aligned<F>,
    pub lanes: usize,
}

impl<F: Float> Clone for State<F> {
    fn clone(&self) -> Self {
        Self { re: self.re.clone(), im: self.im.clone(), lanes: self.lanes }
    }
}

impl<F: Float> State<F> {
    /// |0…0⟩ in every lane.
    pub fn ground(qubits: usize, lanes: usize) -> Self {
        let mut state = Self::zeros(lanes << qubits, lanes);
        state.re[..lanes].fill(F::ONE);
        state
    }

    /// Nothing, `size` numbers of it.
    pub fn zeros(size: usize, lanes: usize) -> Self {
        Self { re: Aligned::zeros(size), im: Aligned::zeros(size), lanes }
    }
}

/// The form of a gate's matrix without its controls. It decides the loop.
#[derive(Clone, Debug, PartialEq)]
pub enum MatrixKind {
    /// One number per combination of target bits.
    Diagonal,
    /// Ones only: combination i goes to position `to[i]`.
    Permutation(Vec<usize>),
    /// No imaginary parts.
    Real,
    /// Anything.
    Complex,
}

/// Where a gate finds its operands.
pub struct OperandLayout {
    /// Controls and targets, ascending.
    sorted: Vec<usize>,
    /// Bits of controls and targets.
    operands: usize,
    /// Bits of the controls, all set.
    controls: usize,
    /// Amplitude offset of each combination of target bits.
    pub offsets: Vec<usize>,
    /// Amplitudes side by side below the lowest operand.
    pub run: usize,
    /// How many runs there are.
    pub count: usize,
}

impl OperandLayout {
    pub fn new(total: usize, controls: &[usize], targets: &[usize]) -> Self {
        let mut sorted = [controls, targets].concat();
        sorted.sort_unstable();
        let low = sorted.first().copied().unwrap_or(total);
        let offsets = (0..1usize << targets.len())
            .map(|bits| targets.iter().enumerate().map(|(k, &q)| (bits >> k & 1) << q).sum())
            .collect();
        let count = 1 << (total - sorted.len() - low);
        let controls = controls.iter().map(|&q| 1 << q).sum();
        let operands = sorted.iter().map(|&q| 1 << q).sum();
        Self { sorted, operands, controls, offsets, run: 1 << low, count }
    }

    /// First amplitude of a run: its index with zeros put in at the targets and ones at the controls.
    #[inline(always)]
    pub fn start(&self, run: usize) -> usize {
        let spread = self.sorted.iter().fold(run * self.run, |index, &q| {
            let below = (1 << q) - 1;
            (index & below) | (index & !below) << 1
        });
        spread | self.controls
    }

    /// First amplitude of the run behind the one that starts at `start`.
    #[inline(always)]
    pub fn next(&self, start: usize) -> usize {
        // The carry runs through the operands' bits.
        ((start | self.operands) + self.run) & !self.operands | self.controls
    }

    pub fn size(&self) -> usize {
        self.offsets.len()
    }
}

/// Entries of a gate's matrix or diagonal, `list[(2·entry + part)·L + lane]` with part 0 real, 1 imaginary. L is 1 if
/// all lanes share them.
#[derive(Clone, Copy)]
pub struct Entries<'a, F = f64> {
    pub list: &'a [F],
    pub by_row: bool,
}

impl<F: Float> Entries<'_, F> {
    #[inline(always)]
    pub fn get<const W: usize, const ROWS: bool>(
        &self,
        entry: usize,
        part: usize,
        lanes: usize,
        lane: usize,
    ) -> [F; W] {
        if ROWS { chunk(self.list, (2 * entry + part) * lanes + lane) } else { [self.list[2 * entry + part]; W] }
    }
}

/// `W` numbers of `v` from `at`.
#[inline(always)]
pub fn chunk<const W: usize, F: Float>(v: &[F], at: usize) -> [F; W] {
    v[at..at + W].try_into().expect("the slice has W elements")
}

/// Calls the body for every block of a gate's amplitudes: `at` is the position of the block in the arrays, `lane` its first
/// lane, `W` its width. Where entries differ by lane a block stays inside one amplitude.
macro_rules! for_each_block {
    ($layout:expr, $lanes:expr, $rows:expr, |$at:ident, $lane:ident, $w:ident| $body:expr) => {
        let (inner, repeats) = if $rows { ($lanes, $layout.run) } else { ($lanes * $layout.run, 1) };
        let mut next = $layout.start(0);
        for _ in 0..$layout.count {
            let start = next * $lanes;
            next = $layout.next(next);
            for repeat in 0..repeats {
                let first = start + repeat * inner;
                let mut $lane = 0;
                while $lane + WIDE <= inner {
                    const $w: usize = WIDE;
                    let $at = first + $lane;
                    $body;
                    $lane += WIDE;
                }
                while $lane + 4 <= inner {
                    const $w: usize = 4;
                    let $at = first + $lane;
                    $body;
                    $lane += 4;
                }
                while $lane < inner {
                    const $w: usize = 1;
                    let $at = first + $lane;
                    $body;
                    $lane += 1;
                }
            }
        }
    };
}

/// Picks the loop for a gate's kind, size and whether its entries differ by lane.
macro_rules! by_kind {
    ($kind:expr, $layout:expr, $entries:expr, $diagonal:ident, $dense:ident, $large:ident, $arguments:tt) => {
        match ($kind, $layout.size(), $entries.by_row) {
            (MatrixKind::Diagonal, _, false) => by_kind!(@call $diagonal::<S, F, false>, $arguments),
            (MatrixKind::Diagonal, _, true) => by_kind!(@call $diagonal::<S, F, true>, $arguments),
            (MatrixKind::Real, 2, false) => by_kind!(@call $dense::<S, F, 2, true, false>, $arguments),
            (MatrixKind::Real, 2, true) => by_kind!(@call $dense::<S, F, 2, true, true>, $arguments),
            (MatrixKind::Complex, 2, false) => by_kind!(@call $dense::<S, F, 2, false, false>, $arguments),
            (MatrixKind::Complex, 2, true) => by_kind!(@call $dense::<S, F, 2, false, true>, $arguments),
            (MatrixKind::Real, 4, false) => by_kind!(@call $dense::<S, F, 4, true, false>, $arguments),
            (_, 4, false) => by_kind!(@call $dense::<S, F, 4, false, false>, $arguments),
            (_, 4, true) => by_kind!(@call $dense::<S, F, 4, false, true>, $arguments),
            _ => by_kind!(@call $large::<S, F>, $arguments),
        }
    };
    (@call $function:expr, ($($argument:expr),*)) => { $function($($argument),*) };
}

pub(crate) use {by_kind, for_each_block};

widest! {
    /// Applies a gate.
    pub fn apply<'a, F: Float>(
        state: &'a mut State<F>,
        layout: &'a OperandLayout,
        kind: &'a MatrixKind,
        entries: Entries<'a, F>,
    ) = apply_loops
}

#[inline(always)]
fn apply_loops<S: Simd, F: Float>(
    state: &mut State<F>,
    layout: &OperandLayout,
    kind: &MatrixKind,
    entries: Entries<F>,
) {
    if let MatrixKind::Permutation(to) = kind {
        return permute(state, layout, to);
    }
    by_kind!(kind, layout, entries, apply_diagonal, apply_dense, apply_large, (state, layout, entries));
}

#[inline(always)]
fn permute<F: Float>(state: &mut State<F>, layout: &OperandLayout, to: &[usize]) {
    let inner = state.lanes * layout.run;
    let mut held = vec![F::ZERO; to.len() * inner];
    for run in 0..layout.count {
        let start = layout.start(run) * state.lanes;
        for part in [&mut state.re, &mut state.im] {
            if let ([1, 0], [first, second]) = (to, &layout.offsets[..]) {
                let (low, high) = part.split_at_mut(start + second * state.lanes);
                low[start + first * state.lanes..][..inner].swap_with_slice(&mut high[..inner]);
                continue;
            }
            for (piece, offset) in held.chunks_exact_mut(inner).zip(&layout.offsets) {
                piece.copy_from_slice(&part[start + offset * state.lanes..][..inner]);
            }
            for (piece, &position) in held.chunks_exact(inner).zip(to) {
                part[start + layout.offsets[position] * state.lanes..][..inner].copy_from_slice(piece);
            }
        }
    }
}

#[inline(always)]
fn apply_diagonal<S: Simd, F: Float, const ROWS: bool>(
    state: &mut State<F>,
    layout: &OperandLayout,
    entries: Entries<F>,
) {
    let lanes = state.lanes;
    for (i, offset) in layout.offsets.iter().enumerate() {
        if !ROWS && entries.list[2 * i..2 * i + 2] == [F::ONE, F::ZERO] {
            continue;
        }
        for_each_block!(layout, lanes, ROWS, |at, lane, W| {
            let at = at + offset * lanes;
            let (dr, di) = (entries.get::<W, ROWS>(i, 0, lanes, lane), entries.get::<W, ROWS>(i, 1, lanes, lane));
            let (xr, xi): ([F; W], [F; W]) = (chunk(&state.re, at), chunk(&state.im, at));
            for w in 0..W {
                state.re[at + w] = fused::<S, _>(dr[w], xr[w], -(di[w] * xi[w]));
                state.im[at + w] = fused::<S, _>(dr[w], xi[w], di[w] * xr[w]);
            }
        });
    }
}

#[inline(always)]
fn apply_dense<S: Simd, F: Float, const K: usize, const REAL: bool, const ROWS: bool>(
    state: &mut State<F>,
    layout: &OperandLayout,
    entries: Entries<F>,
) {
    let lanes = state.lanes;
    for_each_block!(layout, lanes, ROWS, |at, lane, W| {
        let x = load::<F, K, W>(state, layout, at);
        let y = multiply::<S, F, K, W, REAL, ROWS>(&x, &entries, lanes, lane);
        store::<F, K, W>(state, layout, at, &y);
    });
}

/// RealMatrix and imaginary parts of K amplitudes in W lanes.
pub type Block<F, const K: usize, const W: usize> = ([[F; W]; K], [[F; W]; K]);

#[inline(always)]
pub fn load<F: Float, const K: usize, const W: usize>(
    state: &State<F>,
    layout: &OperandLayout,
    at: usize,
) -> Block<F, K, W> {
    let position = |j: usize| at + layout.offsets[j] * state.lanes;
    let mut x = ([[F::ZERO; W]; K], [[F::ZERO; W]; K]);
    for j in 0..K {
        (x.0[j], x.1[j]) = (chunk(&state.re, position(j)), chunk(&state.im, position(j)));
    }
    x
}

#[inline(always)]
pub fn store<F: Float, const K: usize, const W: usize>(
    state: &mut State<F>,
    layout: &OperandLayout,
    at: usize,
    x: &Block<F, K, W>,
) {
    for j in 0..K {
        let position = at + layout.offsets[j] * state.lanes;
        state.re[position..position + W].copy_from_slice(&x.0[j]);
        state.im[position..position + W].copy_from_slice(&x.1[j]);
    }
}

#[inline(always)]
pub fn multiply<S: Simd, F: Float, const K: usize, const W: usize, const REAL: bool, const ROWS: bool>(
    x: &Block<F, K, W>,
    entries: &Entries<F>,
    lanes: usize,
    lane: usize,
) -> Block<F, K, W> {
    let mut y = ([[F::ZERO; W]; K], [[F::ZERO; W]; K]);
    for i in 0..K {
        for j in 0..K {
            let mr = entries.get::<W, ROWS>(i * K + j, 0, lanes, lane);
            for w in 0..W {
                y.0[i][w] = fused::<S, _>(mr[w], x.0[j][w], y.0[i][w]);
                y.1[i][w] = fused::<S, _>(mr[w], x.1[j][w], y.1[i][w]);
            }
            if !REAL {
                let mi = entries.get::<W, ROWS>(i * K + j, 1, lanes, lane);
                for w in 0..W {
                    y.0[i][w] = fused::<S, _>(-mi[w], x.1[j][w], y.0[i][w]);
                    y.1[i][w] = fused::<S, _>(mi[w], x.0[j][w], y.1[i][w]);
                }
            }
        }
    }
    y
}

#[inline(always)]
pub fn apply_large<S: Simd, F: Float>(state: &mut State<F>, layout: &OperandLayout, entries: Entries<F>) {
    let (lanes, size) = (state.lanes, layout.size());
    let mut x = vec![(F::ZERO, F::ZERO); size];
    for run in 0..layout.count {
        let start = layout.start(run) * lanes;
        for at in start..start + layout.run * lanes {
            for (value, offset) in x.iter_mut().zip(&layout.offsets) {
                *value = (state.re[at + offset * lanes], state.im[at + offset * lanes]);
            }
            for (i, offset) in layout.offsets.iter().enumerate() {
                let (mut re, mut im) = (F::ZERO, F::ZERO);
                for (j, &(xr, xi)) in x.iter().enumerate() {
                    let (mr, mi) = entry(&entries, i * size + j, lanes, at % lanes);
                    re = fused::<S, _>(mr, xr, fused::<S, _>(-mi, xi, re));
                    im = fused::<S, _>(mr, xi, fused::<S, _>(mi, xr, im));
                }
                (state.re[at + offset * lanes], state.im[at + offset * lanes]) = (re, im);
            }
        }
    }
}

fn entry<F: Float>(entries: &Entries<F>, index: usize, lanes: usize, lane: usize) -> (F, F) {
    let at = |part: usize| if entries.by_row { (2 * index + part) * lanes + lane } else { 2 * index + part };
    (entries.list[at(0)], entries.list[at(1)])
}
