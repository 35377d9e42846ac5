//! Product states of a batch: one Bloch vector per qubit and row, multiplied out only to be contracted.

use std::ops::Range;

use ndarray::ArrayView2;

use crate::sim::Angles;
use crate::sim::kernel::float::Float;
use crate::sim::kernel::pauli::block::Block;

/// Maps on single qubits, qubit by qubit in the order they act.
pub struct Prefix<F>(Vec<Vec<Block<F>>>);

/// The product states of some rows.
pub struct Product<F> {
    rows: Range<usize>,
    /// For each qubit the vector (I X Y Z major, row minor) before each of its blocks, and at the end.
    letters: Vec<Vec<Vec<F>>>,
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
        let letters = self.0.iter().map(|blocks| {
            let mut history = vec![ground.clone()];
            for block in blocks {
                let mut v = history[history.len() - 1].clone();
                block.forward(&mut v, lanes, &block.bind(angles, rows.clone()));
                history.push(v);
            }
            history
        });
        let letters: Vec<Vec<Vec<F>>> = letters.collect();
        let mut levels = vec![vec![F::ONE; lanes]];
        for history in &letters {
            let (last, factor) = (&levels[levels.len() - 1], &history[history.len() - 1]);
            let mut next = Vec::with_capacity(4 * last.len());
            for letter in factor.chunks_exact(lanes.max(1)) {
                for component in last.chunks_exact(lanes.max(1)) {
                    next.extend(component.iter().zip(letter).map(|(a, b)| *a * *b));
                }
            }
            levels.push(next);
        }
        Product { rows, letters, levels }
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
            for (weights, state) in v.chunks_exact(observables).zip(self.full().chunks_exact(lanes)) {
                for (sum, weight) in sums.chunks_exact_mut(lanes).zip(weights) {
                    sum.iter_mut().zip(state).for_each(|(s, x)| *s += weight.double() * x.double());
                }
            }
        }
        (0..lanes * observables).map(|i| sums[i % observables * lanes + i / observables]).collect()
    }

    /// `Σ_b cotangent[b][o] · state[P][b]`, observables minor.
    pub fn mixed(&self, cotangent: ArrayView2<f64>) -> Vec<F> {
        let lanes = self.rows.len().max(1);
        let columns = columns::<F>(cotangent);
        let parts = self.full().chunks_exact(lanes);
        parts.flat_map(|x| columns.iter().map(move |c| c.iter().zip(x).map(|(a, b)| *a * *b).sum())).collect()
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
        let mut d = vec![F::ZERO; self.full().len()];
        if columns.is_empty() {
            return Vec::new();
        }
        for (sum, weights) in d.chunks_exact_mut(lanes.max(1)).zip(v.chunks_exact(columns.len())) {
            for (column, weight) in columns.iter().zip(weights) {
                sum.iter_mut().zip(column).for_each(|(s, c)| *s += *weight * *c);
            }
        }
        let mut found = Vec::new();
        for (qubit, (blocks, history)) in prefix.0.iter().zip(&self.letters).enumerate().rev() {
            // Undo one multiplication: next[a, P] = letters[a] · last[P].
            let (last, letters) = (&self.levels[qubit], &history[history.len() - 1]);
            let mut d_last = vec![F::ZERO; last.len()];
            let mut d_letters = vec![0.0; letters.len()];
            for a in 0..4 {
                let (letter, part) = (&letters[a * lanes..][..lanes], &d[a * last.len()..][..last.len()]);
                let sum = &mut d_letters[a * lanes..][..lanes];
                for at in (0..last.len()).step_by(lanes.max(1)) {
                    for lane in 0..lanes {
                        sum[lane] += part[at + lane].double() * last[at + lane].double();
                        d_last[at + lane] += part[at + lane] * letter[lane];
                    }
                }
            }
            let mut d_letters: Vec<F> = d_letters.into_iter().map(F::of).collect();
            for (block, before) in blocks.iter().zip(history).rev() {
                let matrices = block.bind(angles, self.rows.clone());
                let mut entries = vec![0.0; block.numbers(lanes)];
                block.outer(before, &d_letters, lanes, &matrices, &mut entries);
                block.gradient(angles, self.rows.clone(), &matrices, entries, |row, slot, value| {
                    found.push((row, slot, value));
                });
                block.backward(&mut d_letters, lanes, &matrices);
            }
            d = d_last;
        }
        found
    }
}

/// The columns of a (rows, observables) view, each contiguous.
fn columns<F: Float>(view: ArrayView2<f64>) -> Vec<Vec<F>> {
    view.columns().into_iter().map(|column| column.iter().map(|&x| F::of(x)).collect()).collect()
}
