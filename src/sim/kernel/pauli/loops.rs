//! Loops over vectors in the Pauli basis: component major, lane minor.
//!
//! A vector of n qubits and L lanes is `v[p·L + lane]`, p < 4ⁿ, the letter of qubit k (I X Y Z) worth `4^k`. Lanes are
//! rows of a batch, or observables. All functions are plain loops over blocks of fixed width, compiled for the widest
//! vectors of the machine found at run time ([`widest!`]).

use std::ops::Range;

use pulp::Simd;
use smallvec::SmallVec;

use crate::sim::kernel::float::Float;
use crate::sim::kernel::widest::{fused, widest};

/// Lanes or components worked on at once: one AVX-512 register of doubles.
pub(super) const WIDE: usize = 8;
/// The same of singles.
const WIDER: usize = 16;
/// Components of the two lowest qubits.
const GROUP: usize = 16;

/// Numbers of a matrix; those on the letters of one qubit need no memory of their own.
pub type Numbers<F> = SmallVec<[F; 16]>;

/// A real matrix on the letters of some qubits, row major, the same for all lanes or one per lane.
#[derive(Clone, Copy)]
pub enum Weights<'a, F> {
    /// `m[i·K + j]`.
    Shared(&'a [F]),
    /// `m[(i·K + j)·L + lane]`.
    Lanes(&'a [F]),
}

/// Where a map on `qubits` finds its operands inside a vector of `total` qubits.
pub struct PauliLayout {
    /// Component offset of each of the `4^k` letters of the operands, first operand least significant.
    pub offsets: Vec<usize>,
    /// Components with letter I on all operands and on all qubits below the lowest of them.
    pub bases: Vec<usize>,
    /// Components that lie side by side below the lowest operand.
    pub run: usize,
    /// The other way to see operands among the two lowest qubits: inside groups of 16 components.
    low: Option<LowOperands>,
}

/// Operands of which one or two lie inside a group, the 16 components of the two lowest qubits.
struct LowOperands {
    /// Which digits of a group they are: 0, 1, or 2 for both.
    digits: usize,
    /// Where the groups that a map connects lie, first component of each; one for each letter of the operand above.
    offsets: Vec<usize>,
    /// First components of the groups with letter I above.
    bases: Vec<usize>,
    /// Row of the matrix for each letter combination inside each of the groups, those of one group side by side.
    rows: Vec<usize>,
}

impl LowOperands {
    fn new(total: usize, qubits: &[usize]) -> Option<Self> {
        let (low, high): (Vec<usize>, Vec<usize>) = qubits.iter().partition(|q| **q < 2);
        if total < 2 || low.is_empty() || qubits.len() > 2 {
            return None;
        }
        let digits = if low.len() == 2 { 2 } else { low[0] };
        let letter = |p: usize, qubit: usize| qubits.iter().position(|&q| q == qubit).map_or(0, |k| p >> (2 * k) & 3);
        let mut rows = vec![0; 1 << (2 * qubits.len())];
        for p in 0..rows.len() {
            let position = match digits {
                2 => letter(p, 0) | letter(p, 1) << 2,
                digit => letter(p, digit) | high.first().map_or(0, |&q| letter(p, q)) << 2,
            };
            rows[position] = p;
        }
        let bases = (0..1usize << (2 * total)).step_by(GROUP);
        Some(Self {
            digits,
            offsets: high.first().map_or(vec![0], |q| (0..4).map(|letter| letter << (2 * q)).collect()),
            bases: bases.filter(|base| high.iter().all(|q| base >> (2 * q) & 3 == 0)).collect(),
            rows,
        })
    }
}

impl PauliLayout {
    pub fn new(total: usize, qubits: &[usize]) -> Self {
        let mut sorted = qubits.to_vec();
        sorted.sort_unstable();
        let low = sorted[0];
        let offsets = (0..1usize << (2 * qubits.len()))
            .map(|p| qubits.iter().enumerate().map(|(k, &q)| (p >> (2 * k) & 3) << (2 * q)).sum())
            .collect();
        let bases = (0..1usize << (2 * (total - qubits.len() - low)))
            .map(|rest| {
                sorted.iter().fold(rest << (2 * low), |index, &q| {
                    let below = (1usize << (2 * q)) - 1;
                    (index & below) | (index & !below) << 2
                })
            })
            .collect();
        Self { offsets, bases, run: 1 << (2 * low), low: LowOperands::new(total, qubits) }
    }

    fn size(&self) -> usize {
        self.offsets.len()
    }
}

widest! {
    /// `v ← M v` on the one or two operands of `layout`.
    pub fn apply<'a, F: Float>(v: &'a mut [F], lanes: usize, layout: &'a PauliLayout, weights: Weights<'a, F>) = apply_loops
}

#[inline(always)]
fn apply_loops<S: Simd, F: Float>(v: &mut [F], lanes: usize, layout: &PauliLayout, weights: Weights<F>) {
    if let (Weights::Shared(m), 1, Some(low)) = (weights, lanes, &layout.low) {
        return apply_low::<S, F>(v, low, m);
    }
    match (weights, layout.size()) {
        (Weights::Shared(m), 4) => apply_shared::<S, F, 4>(v, lanes, layout, m),
        (Weights::Shared(m), 16) => apply_shared::<S, F, 16>(v, lanes, layout, m),
        (Weights::Lanes(m), 4) => apply_lanes::<S, F, 4>(v, lanes, layout, m),
        (Weights::Lanes(m), 16) => apply_lanes::<S, F, 16>(v, lanes, layout, m),
        (_, size) => unreachable!("matrices of one or two qubits come here, not of {size} letters"),
    }
}

#[inline(always)]
fn apply_shared<S: Simd, F: Float, const K: usize>(v: &mut [F], lanes: usize, layout: &PauliLayout, m: &[F]) {
    let m: &[F] = &m[..K * K];
    let inner = lanes * layout.run;
    for base in &layout.bases {
        let start = base * lanes;
        let mut at = start;
        while is_short::<F>() && at + WIDER <= start + inner {
            apply_block::<S, F, K, WIDER>(v, at, lanes, &layout.offsets, |i, j| [m[i * K + j]; WIDER]);
            at += WIDER;
        }
        while at + WIDE <= start + inner {
            apply_block::<S, F, K, WIDE>(v, at, lanes, &layout.offsets, |i, j| [m[i * K + j]; WIDE]);
            at += WIDE;
        }
        while at + WIDE / 2 <= start + inner {
            apply_block::<S, F, K, 4>(v, at, lanes, &layout.offsets, |i, j| [m[i * K + j]; 4]);
            at += 4;
        }
        while at < start + inner {
            apply_block::<S, F, K, 1>(v, at, lanes, &layout.offsets, |i, j| [m[i * K + j]]);
            at += 1;
        }
    }
}

#[inline(always)]
fn apply_lanes<S: Simd, F: Float, const K: usize>(v: &mut [F], lanes: usize, layout: &PauliLayout, m: &[F]) {
    for base in &layout.bases {
        for row in *base..base + layout.run {
            let mut lane = 0;
            while is_short::<F>() && lane + WIDER <= lanes {
                apply_block::<S, F, K, WIDER>(v, row * lanes + lane, lanes, &layout.offsets, |i, j| {
                    chunk(m, (i * K + j) * lanes + lane)
                });
                lane += WIDER;
            }
            while lane + WIDE <= lanes {
                apply_block::<S, F, K, WIDE>(v, row * lanes + lane, lanes, &layout.offsets, |i, j| {
                    chunk(m, (i * K + j) * lanes + lane)
                });
                lane += WIDE;
            }
            while lane < lanes {
                apply_block::<S, F, K, 1>(v, row * lanes + lane, lanes, &layout.offsets, |i, j| {
                    [m[(i * K + j) * lanes + lane]]
                });
                lane += 1;
            }
        }
    }
}

/// One lane, operands among the two lowest qubits: a group y of 16 components is `Σ c ∘ x[s]`, x[s] a group with the
/// letters of its operands set to s, and c the column of the matrix for s and the letters that y has.
#[inline(always)]
fn apply_low<S: Simd, F: Float>(v: &mut [F], low: &LowOperands, m: &[F]) {
    match (low.digits, low.offsets.len()) {
        (0, 1) => apply_groups::<S, F, 0, 4, 1>(v, low, m),
        (0, _) => apply_groups::<S, F, 0, 4, 4>(v, low, m),
        (1, 1) => apply_groups::<S, F, 1, 4, 1>(v, low, m),
        (1, _) => apply_groups::<S, F, 1, 4, 4>(v, low, m),
        _ => apply_groups::<S, F, 2, 16, 1>(v, low, m),
    }
}

#[inline(always)]
fn apply_groups<S: Simd, F: Float, const DIGITS: usize, const LETTERS: usize, const GROUPS: usize>(
    v: &mut [F],
    low: &LowOperands,
    m: &[F],
) {
    let mut columns = [[[[F::ZERO; GROUP]; GROUPS]; LETTERS]; GROUPS];
    for input in 0..GROUPS {
        for s in 0..LETTERS {
            let column = low.rows[input * LETTERS + s];
            for out in 0..GROUPS {
                let entries: [F; LETTERS] =
                    std::array::from_fn(|i| m[low.rows[out * LETTERS + i] * LETTERS * GROUPS + column]);
                for position in 0..GROUP {
                    columns[input][s][out][position] = match DIGITS {
                        0 => entries[position & 3],
                        1 => entries[position >> 2],
                        _ => entries[position],
                    };
                }
            }
        }
    }
    for base in &low.bases {
        let mut y = [[F::ZERO; GROUP]; GROUPS];
        for input in 0..GROUPS {
            let x: [F; GROUP] = chunk(v, base + low.offsets[input]);
            for s in 0..LETTERS {
                let mut set = [F::ZERO; GROUP];
                for position in 0..GROUP {
                    set[position] = match DIGITS {
                        0 => x[position & 12 | s],
                        1 => x[position & 3 | s << 2],
                        _ => x[s],
                    };
                }
                for out in 0..GROUPS {
                    let column = &columns[input][s][out];
                    for position in 0..GROUP {
                        y[out][position] = fused::<S, F>(column[position], set[position], y[out][position]);
                    }
                }
            }
        }
        for out in 0..GROUPS {
            v[base + low.offsets[out]..][..GROUP].copy_from_slice(&y[out]);
        }
    }
}

/// Whether a register holds [`WIDER`] numbers.
#[inline(always)]
fn is_short<F: Float>() -> bool {
    size_of::<F>() < size_of::<f64>()
}

/// `W` numbers of `v` from `at`.
#[inline(always)]
pub(super) fn chunk<F: Float, const W: usize>(v: &[F], at: usize) -> [F; W] {
    v[at..at + W].try_into().expect("the slice has W elements")
}

#[inline(always)]
fn apply_block<S: Simd, F: Float, const K: usize, const W: usize>(
    v: &mut [F],
    at: usize,
    lanes: usize,
    offsets: &[usize],
    entry: impl Fn(usize, usize) -> [F; W],
) {
    let mut x = [[F::ZERO; W]; K];
    for j in 0..K {
        x[j] = chunk(v, at + offsets[j] * lanes);
    }
    for i in 0..K {
        let mut sum = [F::ZERO; W];
        for j in 0..K {
            let factor = entry(i, j);
            for w in 0..W {
                sum[w] = fused::<S, _>(factor[w], x[j][w], sum[w]);
            }
        }
        v[at + offsets[i] * lanes..][..W].copy_from_slice(&sum);
    }
}

widest! {
    /// The derivative of `⟨g, M v⟩` with respect to M, added to `out[i·K + j]`: `Σ g_i v_j` over everything else, lanes
    /// too. Sums are f64, since they are long.
    pub fn outer<'a, F: Float>(v: &'a [F], g: &'a [F], lanes: usize, layout: &'a PauliLayout, out: &'a mut [f64])
        = outer_loops
}

#[inline(always)]
fn outer_loops<S: Simd, F: Float>(v: &[F], g: &[F], lanes: usize, layout: &PauliLayout, out: &mut [f64]) {
    let (size, inner) = (layout.size(), lanes * layout.run);
    for i in (0..size).step_by(4) {
        for j in (0..size).step_by(4) {
            let operands = (&layout.offsets[i..i + 4], &layout.offsets[j..j + 4]);
            let mut tile = [[0.0; 4]; 4];
            if inner.is_multiple_of(WIDE) {
                outer_tile::<S, F, WIDE>(v, g, lanes, layout, operands, 0..inner, &mut tile);
            } else {
                let even = inner - inner % (WIDE / 2);
                outer_tile::<S, F, { WIDE / 2 }>(v, g, lanes, layout, operands, 0..even, &mut tile);
                outer_tile::<S, F, 1>(v, g, lanes, layout, operands, even..inner, &mut tile);
            }
            for (a, row) in tile.iter().enumerate() {
                for (b, value) in row.iter().enumerate() {
                    out[(i + a) * size + j + b] += value;
                }
            }
        }
    }
}

#[inline(always)]
pub(super) fn doubles<F: Float, const W: usize>(numbers: [F; W]) -> [f64; W] {
    let mut out = [0.0; W];
    for w in 0..W {
        out[w] = numbers[w].double();
    }
    out
}

/// A 4 × 4 piece of [`outer`] over a part of what lies side by side, in steps of `W`: sums are held in registers over the
/// whole vector.
#[inline(always)]
fn outer_tile<S: Simd, F: Float, const W: usize>(
    v: &[F],
    g: &[F],
    lanes: usize,
    layout: &PauliLayout,
    operands: (&[usize], &[usize]),
    part: Range<usize>,
    tile: &mut [[f64; 4]; 4],
) {
    if part.is_empty() {
        return;
    }
    let mut sums = [[[0.0; W]; 4]; 4];
    for base in &layout.bases {
        for at in (base * lanes + part.start..base * lanes + part.end).step_by(W) {
            outer_block::<S, F, W>(v, g, at, lanes, operands, &mut sums);
        }
    }
    for a in 0..4 {
        for b in 0..4 {
            tile[a][b] += total(sums[a][b]);
        }
    }
}

/// The sum of `W` numbers, a power of two: halves on halves, in an order that every machine keeps.
#[inline(always)]
fn total<const W: usize>(mut list: [f64; W]) -> f64 {
    let mut half = W / 2;
    while half > 0 {
        for w in 0..half {
            list[w] += list[w + half];
        }
        half /= 2;
    }
    list[0]
}

/// `W` lanes or components of [`outer_tile`].
#[inline(always)]
fn outer_block<S: Simd, F: Float, const W: usize>(
    v: &[F],
    g: &[F],
    at: usize,
    lanes: usize,
    (rows, columns): (&[usize], &[usize]),
    sums: &mut [[[f64; W]; 4]; 4],
) {
    let mut x = [[0.0; W]; 4];
    for b in 0..4 {
        x[b] = doubles(chunk(v, at + columns[b] * lanes));
    }
    for a in 0..4 {
        let y: [f64; W] = doubles(chunk(g, at + rows[a] * lanes));
        for b in 0..4 {
            for w in 0..W {
                sums[a][b][w] = fused::<S, _>(y[w], x[b][w], sums[a][b][w]);
            }
        }
    }
}

widest! {
    /// As [`outer`], one matrix per lane: added to `out[(i·K + j)·L + lane]`.
    pub fn outer_lanes<'a, F: Float>(v: &'a [F], g: &'a [F], lanes: usize, layout: &'a PauliLayout, out: &'a mut [f64])
        = outer_lanes_loops
}

#[inline(always)]
fn outer_lanes_loops<S: Simd, F: Float>(v: &[F], g: &[F], lanes: usize, layout: &PauliLayout, out: &mut [f64]) {
    let size = layout.size();
    for base in &layout.bases {
        for row in *base..base + layout.run {
            for i in 0..size {
                let y = &g[(row + layout.offsets[i]) * lanes..][..lanes];
                for j in 0..size {
                    let x = &v[(row + layout.offsets[j]) * lanes..][..lanes];
                    let sum = &mut out[(i * size + j) * lanes..][..lanes];
                    for lane in 0..lanes {
                        sum[lane] = fused::<S, f64>(y[lane].double(), x[lane].double(), sum[lane]);
                    }
                }
            }
        }
    }
}

/// The transpose of a square matrix, row major; of one matrix per lane for `lanes > 1`.
pub fn transposed<F: Float>(m: &[F], size: usize, lanes: usize) -> Numbers<F> {
    let mut out = Numbers::from_elem(F::ZERO, m.len());
    for i in 0..size {
        for j in 0..size {
            let (from, to) = ((i * size + j) * lanes, (j * size + i) * lanes);
            match lanes {
                1 => out[to] = m[from],
                _ => out[to..][..lanes].copy_from_slice(&m[from..][..lanes]),
            }
        }
    }
    out
}
