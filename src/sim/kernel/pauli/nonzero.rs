//! Matrices on the letters of two qubits of which most entries are zero.
//!
//! Gates keep traces, so the letters I of their operands mix with nothing; Clifford gates and noise mix hardly any letters.
//! A two-qubit gate with its noise has 20 to 100 entries of 256.

use pulp::Simd;

use crate::sim::kernel::float::Float;
use crate::sim::kernel::pauli::loops::{PauliLayout, WIDE, chunk};
use crate::sim::kernel::widest::{fused, widest};

/// The entries of a square matrix that are not zero, row by row.
pub struct Nonzeros<F> {
    /// How many entries the rows up to each have.
    ends: Vec<usize>,
    columns: Vec<usize>,
    values: Vec<F>,
}

impl<F: Float> Nonzeros<F> {
    /// Those of a matrix, row major; `None` if they are more than half of it, where the dense loop is faster.
    pub fn of(m: &[F], size: usize) -> Option<Self> {
        let (mut ends, mut columns, mut values) = (Vec::with_capacity(size), Vec::new(), Vec::new());
        for row in m.chunks_exact(size) {
            for (column, &value) in row.iter().enumerate().filter(|(_, value)| **value != F::ZERO) {
                columns.push(column);
                values.push(value);
            }
            ends.push(columns.len());
        }
        (2 * columns.len() <= m.len()).then_some(Self { ends, columns, values })
    }
}

/// Components times lanes side by side from which on the loop over entries fills half a register.
pub const LEAST: usize = WIDE / 2;
/// Letters of two qubits.
const LETTERS: usize = 16;
/// Numbers of each letter that are worked on at once: 4 KiB of doubles for all letters, and the sums of one letter fit into
/// the registers of every machine.
const PIECE: usize = 32;

widest! {
    /// `v ← M v` on the two operands of `layout`, which have at least [`LEAST`] numbers side by side.
    pub fn apply_nonzeros<'a, F: Float>(v: &'a mut [F], lanes: usize, layout: &'a PauliLayout, m: &'a Nonzeros<F>)
        = nonzero_loops
}

#[inline(always)]
fn nonzero_loops<S: Simd, F: Float>(v: &mut [F], lanes: usize, layout: &PauliLayout, m: &Nonzeros<F>) {
    match lanes * layout.run {
        inner if inner % 16 == 0 => nonzero_pieces::<S, F, 16>(v, lanes, layout, m),
        inner if inner % 4 == 0 => nonzero_pieces::<S, F, 4>(v, lanes, layout, m),
        _ => nonzero_pieces::<S, F, 1>(v, lanes, layout, m),
    }
}

/// Copies a piece of every letter, `E` numbers that lie side by side at a time, then computes letter by letter. Copies of a
/// fixed length are moves of registers, and one entry is loaded once for a whole piece.
#[inline(always)]
fn nonzero_pieces<S: Simd, F: Float, const E: usize>(v: &mut [F], lanes: usize, layout: &PauliLayout, m: &Nonzeros<F>) {
    let offsets: [usize; LETTERS] = std::array::from_fn(|letter| layout.offsets[letter] * lanes);
    let inner = lanes * layout.run;
    let mut x = [[F::ZERO; PIECE]; LETTERS];
    let (mut starts, mut count) = ([0; PIECE], 0);
    for base in &layout.bases {
        for at in (0..inner).step_by(E) {
            starts[count] = base * lanes + at;
            count += 1;
            if count == PIECE / E {
                nonzero_piece::<S, F, E>(v, &starts[..count], &offsets, m, &mut x);
                count = 0;
            }
        }
    }
    if count > 0 {
        nonzero_piece::<S, F, E>(v, &starts[..count], &offsets, m, &mut x);
    }
}

/// One piece: `E` numbers from each of `starts`, of every letter.
#[inline(always)]
fn nonzero_piece<S: Simd, F: Float, const E: usize>(
    v: &mut [F],
    starts: &[usize],
    offsets: &[usize; LETTERS],
    m: &Nonzeros<F>,
    x: &mut [[F; PIECE]; LETTERS],
) {
    for letter in 0..LETTERS {
        for (to, start) in x[letter].as_chunks_mut::<E>().0.iter_mut().zip(starts) {
            *to = chunk(v, start + offsets[letter]);
        }
    }
    let mut first = 0;
    for (offset, &end) in offsets.iter().zip(&m.ends) {
        let mut sum = [F::ZERO; PIECE];
        for (column, &value) in m.columns[first..end].iter().zip(&m.values[first..end]) {
            // Columns are below 16.
            let x = &x[column & (LETTERS - 1)];
            for w in 0..PIECE {
                sum[w] = fused::<S, _>(value, x[w], sum[w]);
            }
        }
        for (from, start) in sum.as_chunks::<E>().0.iter().zip(starts) {
            v[start + offset..][..E].copy_from_slice(from);
        }
        first = end;
    }
}
