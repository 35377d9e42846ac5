//! Product states of a batch: one Bloch vector per qubit and row, multiplied out only to be contracted.

use std::ops::Range;
use std::sync::Arc;

use ndarray::ArrayView2;

use crate::sim::Angles;
use crate::sim::kernel::float::Float;
use crate::sim::kernel::pauli::block::{Block, BlockMatrices};
use crate::sim::kernel::pauli::rows::{contract, mix, unmultiply, weigh};

/// Maps on single qubits, qubit by qubit in the order they act.
pub struct Prefix<F>(Vec<Vec<Block<F>>>);

/// The product states of some rows.
pub struct Product<F> {
    rows: Range<usize>,
    /// For each qubit the vector (I X Y Z major, row minor) before each of its blocks, and at the end, one behind the other.
    letters: Vec<Vec<F>>,
    /// For each qubit the matrices of its blocks.
    all_matrices: Vec<Vec<Arc<BlockMatrices<F>>>>,
    /// The products over the first k qubits, k = 0 ..= n: component major, row minor.
    levels: Vec<Vec<F>>,
}

impl<F: Float> Prefix<F> {
    pub fn new(qubits: usize, blocks: Vec<Block<F>>) -> Self {
        let mut sorted: Vec<Vec<Block<F>>> = (0..qubits).map(|_| Vec::new()).collect();
        for block in blocks {
            // On its own qubit the block is alone, whatever the width of the program.
            let qubit = block.qubits[0];
            sorted[qubit].push(block.alone());
        }
        Self(sorted)
    }

    /// The product states of `rows`.
    pub fn run(&self, angles: &Angles, rows: Range<usize>) -> Product<F> {
        let lanes = rows.len();
        let ground: Vec<F> =
            [F::ONE, F::ZERO, F::ZERO, F::ONE].iter().flat_map(|&x| std::iter::repeat_n(x, lanes)).collect();
        let bind = |blocks: &Vec<Block<F>>| blocks.iter().map(|block| block.bind(angles, rows.clone())).collect();
        let all_matrices: Vec<Vec<Arc<BlockMatrices<F>>>> = self.0.iter().map(bind).collect();
        let letters = self.0.iter().zip(&all_matrices).map(|(blocks, all_matrices)| {
            let mut history = Vec::with_capacity(ground.len() * (blocks.len() + 1));
            history.extend_from_slice(&ground);
            for (block, matrices) in blocks.iter().zip(all_matrices) {
                let last = history.len() - ground.len();
                history.extend_from_within(last..);
                block.forward(&mut history[last + ground.len()..], lanes, matrices);
            }
            history
        });
        let letters: Vec<Vec<F>> = letters.collect();
        let mut levels = Vec::with_capacity(letters.len() + 1);
        levels.push(vec![F::ONE; lanes]);
        for history in &letters {
            let (last, factor) = (&levels[levels.len() - 1], &history[history.len() - ground.len()..]);
            let mut next = Vec::with_capacity(4 * last.len());
            for letter in factor.chunks_exact(lanes.max(1)) {
                for component in last.chunks_exact(lanes.max(1)) {
                    next.extend(component.iter().zip(letter).map(|(a, b)| *a * *b));
                }
            }
            levels.push(next);
        }
        Product { rows, letters, all_matrices, levels }
    }
}

impl<F: Float> Product<F> {
    /// The rows whose states these are.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    fn full(&self) -> &[F] {
        &self.levels[self.levels.len() - 1]
    }

    /// `Σ_P v[P][o] · state[P][b]`, (rows, observables) row major.
    pub fn contract(&self, v: &[F], observables: usize) -> Vec<f64> {
        let lanes = self.rows.len();
        let mut sums = vec![0.0; observables * lanes];
        if observables > 0 && lanes > 0 {
            contract(self.full(), lanes, v, observables, &mut sums);
        }
        (0..lanes * observables).map(|i| sums[i % observables * lanes + i / observables]).collect()
    }

    /// `Σ_b cotangent[b][o] · state[P][b]`, observables minor.
    pub fn mixed(&self, cotangent: ArrayView2<f64>) -> Vec<F> {
        let by_row: Vec<F> = cotangent.iter().map(|&x| F::of(x)).collect();
        let mut out = vec![F::ZERO; self.full().len() / self.rows.len().max(1) * cotangent.ncols()];
        if !by_row.is_empty() {
            mix(self.full(), self.rows.len(), &by_row, &mut out);
        }
        out
    }

    /// The gradient of `Σ cotangent[b][o] Σ_P v[P][o] state[P][b]` by the slots of the prefix: (row, slot, value).
    pub fn gradient(
        &self,
        prefix: &Prefix<F>,
        angles: &Angles,
        v: &[F],
        cotangent: ArrayView2<f64>,
    ) -> Vec<(usize, usize, f64)> {
        let lanes = self.rows.len();
        let columns = columns::<F>(cotangent);
        if columns.is_empty() {
            return Vec::new();
        }
        let mut d = vec![F::ZERO; self.full().len()];
        weigh(v, &columns, lanes, &mut d);
        let (mut found, mut entries) = (Vec::new(), Vec::new());
        let qubits = prefix.0.iter().zip(&self.letters).zip(&self.all_matrices);
        for (qubit, ((blocks, history), all_matrices)) in qubits.enumerate().rev() {
            // Undo one multiplication: next[a, P] = letters[a] · last[P].
            let (last, letters) = (&self.levels[qubit], &history[4 * lanes * blocks.len()..]);
            let mut d_last = vec![F::ZERO; last.len()];
            let mut d_letters = vec![0.0; letters.len()];
            unmultiply(&d, last, letters, lanes, &mut d_last, &mut d_letters);
            let mut d_letters: Vec<F> = d_letters.into_iter().map(F::of).collect();
            for (k, (block, matrices)) in blocks.iter().zip(all_matrices).enumerate().rev() {
                let before = &history[4 * lanes * k..][..4 * lanes];
                entries.clear();
                entries.resize(block.numbers(lanes), 0.0);
                block.outer(before, &d_letters, lanes, matrices, &mut entries);
                block.gradient(angles, self.rows.clone(), matrices, &mut entries, |row, slot, value| {
                    found.push((row, slot, value));
                });
                if k > 0 {
                    block.backward(&mut d_letters, lanes, matrices);
                }
            }
            d = d_last;
        }
        found
    }
}

/// A (rows, observables) view, observables major.
fn columns<F: Float>(view: ArrayView2<f64>) -> Vec<F> {
    view.columns().into_iter().flatten().map(|&x| F::of(x)).collect()
}
