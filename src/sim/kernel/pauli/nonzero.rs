//! Matrices on the letters of two qubits of which most entries are zero.
//!
//! Gates keep traces, so the letters I of their operands mix with nothing; Clifford gates and noise mix hardly any letters.
//! A two-qubit gate with its noise has 20 to 100 entries of 256.

use pulp::Simd;

use crate::sim::kernel::float::Float;
use crate::sim::kernel::pauli::loops::{PauliLayout, WIDE, WIDER, chunk, is_short};
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

widest! {
    /// `v ← M v` on the two operands of `layout`, which have at least [`LEAST`] numbers side by side.
    pub fn apply_nonzeros<'a, F: Float>(v: &'a mut [F], lanes: usize, layout: &'a PauliLayout, m: &'a Nonzeros<F>)
        = nonzero_loops
}

#[inline(always)]
fn nonzero_loops<S: Simd, F: Float>(v: &mut [F], lanes: usize, layout: &PauliLayout, m: &Nonzeros<F>) {
    let inner = lanes * layout.run;
    for base in &layout.bases {
        let (mut at, end) = (base * lanes, base * lanes + inner);
        while is_short::<F>() && at + WIDER <= end {
            nonzero_block::<S, F, WIDER>(v, at, lanes, layout, m);
            at += WIDER;
        }
        while at + WIDE <= end {
            nonzero_block::<S, F, WIDE>(v, at, lanes, layout, m);
            at += WIDE;
        }
        while at + LEAST <= end {
            nonzero_block::<S, F, LEAST>(v, at, lanes, layout, m);
            at += LEAST;
        }
        while at < end {
            nonzero_block::<S, F, 1>(v, at, lanes, layout, m);
            at += 1;
        }
    }
}

#[inline(always)]
fn nonzero_block<S: Simd, F: Float, const W: usize>(
    v: &mut [F],
    at: usize,
    lanes: usize,
    layout: &PauliLayout,
    m: &Nonzeros<F>,
) {
    let offsets: &[usize; LETTERS] = layout.offsets[..].try_into().expect("the layout is that of two qubits");
    let mut x = [[F::ZERO; W]; LETTERS];
    for j in 0..LETTERS {
        x[j] = chunk(v, at + offsets[j] * lanes);
    }
    let mut first = 0;
    for (offset, &end) in offsets.iter().zip(&m.ends) {
        let mut sum = [F::ZERO; W];
        for (column, &value) in m.columns[first..end].iter().zip(&m.values[first..end]) {
            // Columns are below the number of letters.
            let x = &x[column & (LETTERS - 1)];
            for w in 0..W {
                sum[w] = fused::<S, _>(value, x[w], sum[w]);
            }
        }
        v[at + offset * lanes..][..W].copy_from_slice(&sum);
        first = end;
    }
}
