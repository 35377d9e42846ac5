//! Density matrices through blocks, forward and in reverse, lanes over rows of a batch.

use std::ops::Range;
use std::sync::Arc;

use crate::sim::Angles;
use crate::sim::kernel::float::Float;
use crate::sim::kernel::pauli::block::{Block, BlockMatrices};
use crate::sim::kernel::strings::{PauliMasks, Terms};

/// Bytes of intermediate states kept at most by one reverse pass; beyond, states are recomputed from checkpoints.
pub const KEPT: usize = 64 << 20;

/// The matrices of the shared blocks, `None` for blocks that differ by row: computed once for all rows.
pub fn bind<F: Float>(blocks: &[Block<F>], angles: &Angles) -> Vec<Option<Arc<BlockMatrices<F>>>> {
    blocks.iter().map(|block| (!block.by_row).then(|| block.bind(angles, 0..1))).collect()
}

/// `|0…0⟩⟨0…0|` in every lane: 1 for strings of I and Z.
pub fn ground<F: Float>(qubits: usize, lanes: usize) -> Vec<F> {
    let mut v = Vec::with_capacity(lanes << (2 * qubits));
    v.resize(lanes, F::ONE);
    for _ in 0..qubits {
        let size = v.len();
        v.resize(3 * size, F::ZERO);
        v.extend_from_within(..size);
    }
    v
}

/// The component that holds a Pauli string: letters I X Y Z are digits 0 to 3 in base 4.
pub fn component(string: PauliMasks, qubits: usize) -> usize {
    (0..qubits).fold(0, |index, q| {
        let (x, z) = ((string.x >> q & 1) as usize, (string.z >> q & 1) as usize);
        index | (2 * z + (x ^ z)) << (2 * q)
    })
}

/// `Σ w v[P]` for every lane.
pub fn expectation<F: Float>(v: &[F], lanes: usize, qubits: usize, terms: &Terms) -> Vec<f64> {
    let mut sum = vec![0.0; lanes];
    for &(weight, string) in terms {
        let row = &v[component(string, qubits) * lanes..][..lanes];
        sum.iter_mut().zip(row).for_each(|(s, x)| *s += weight * x.double());
    }
    sum
}

/// Outcome probabilities of one lane, 2ⁿ of them.
pub fn outcomes<F: Float>(v: &[F], lanes: usize, qubits: usize, lane: usize) -> Vec<f64> {
    let scale = 1.0 / (1u64 << qubits) as f64;
    let position = |z: usize| component(PauliMasks { x: 0, z: z as u64 }, qubits);
    let mut p: Vec<f64> = (0..1 << qubits).map(|z| v[position(z) * lanes + lane].double() * scale).collect();
    crate::sim::kernel::strings::walsh(&mut p);
    p
}

/// One block forward.
pub fn step<F: Float>(
    v: &mut [F],
    block: &Block<F>,
    matrices: &Option<Arc<BlockMatrices<F>>>,
    angles: &Angles,
    rows: Range<usize>,
) {
    match matrices {
        Some(matrices) => block.forward(v, rows.len(), matrices),
        None => block.forward(v, rows.len(), &block.bind(angles, rows.clone())),
    }
}

/// What a reverse pass gathers: the derivative by each shared block's numbers, and (row, slot, value) of slots that
/// differ by row.
pub struct BlockGradients {
    pub shared: Vec<Vec<f64>>,
    pub rows: Vec<(usize, usize, f64)>,
}

impl BlockGradients {
    pub fn new<F: Float>(blocks: &[Block<F>]) -> Self {
        let sizes = blocks.iter().map(|b| if b.by_row { 0 } else { b.numbers(1) });
        Self { shared: sizes.map(|size| vec![0.0; size]).collect(), rows: Vec::new() }
    }
}

/// The derivative of `⟨bra, state after all blocks⟩` with respect to every block, starting from `v`.
///
/// States before the blocks are kept, or every so many of them and the rest recomputed, so that memory stays bounded.
pub fn reverse<F: Float>(
    blocks: &[Block<F>],
    all_matrices: &[Option<Arc<BlockMatrices<F>>>],
    angles: &Angles,
    rows: Range<usize>,
    v: Vec<F>,
    mut bra: Vec<F>,
    found: &mut BlockGradients,
) {
    let stride = stride(blocks.len(), size_of_val(&v[..]));
    let mut checkpoints = Vec::new();
    let mut state = v;
    for (k, (block, matrices)) in blocks.iter().zip(all_matrices).enumerate() {
        if k % stride == 0 {
            checkpoints.push(state.clone());
        }
        if k / stride < (blocks.len() - 1) / stride {
            step(&mut state, block, matrices, angles, rows.clone());
        }
    }
    for (part, checkpoint) in checkpoints.into_iter().enumerate().rev() {
        let first = part * stride;
        let last = (first + stride).min(blocks.len());
        let mut before = vec![checkpoint];
        for k in first..last - 1 {
            let mut next = before[before.len() - 1].clone();
            step(&mut next, &blocks[k], &all_matrices[k], angles, rows.clone());
            before.push(next);
        }
        for (k, state) in (first..last).zip(before).rev() {
            reverse_block((k, &blocks[k], &all_matrices[k]), angles, rows.clone(), &state, &mut bra, found);
        }
    }
}

/// The state before each block, and the one after the last.
pub fn states<F: Float>(
    blocks: &[Block<F>],
    all_matrices: &[Option<Arc<BlockMatrices<F>>>],
    angles: &Angles,
    rows: Range<usize>,
    v: Vec<F>,
) -> Vec<Vec<F>> {
    let mut states = vec![v];
    for (block, matrices) in blocks.iter().zip(all_matrices) {
        let mut next = states[states.len() - 1].clone();
        step(&mut next, block, matrices, angles, rows.clone());
        states.push(next);
    }
    states
}

/// [`reverse`] with the states before the blocks at hand.
pub fn reverse_from<F: Float>(
    blocks: &[Block<F>],
    all_matrices: &[Option<Arc<BlockMatrices<F>>>],
    angles: &Angles,
    rows: Range<usize>,
    states: &[Vec<F>],
    mut bra: Vec<F>,
    found: &mut BlockGradients,
) {
    for (k, state) in (0..blocks.len()).zip(states).rev() {
        reverse_block((k, &blocks[k], &all_matrices[k]), angles, rows.clone(), state, &mut bra, found);
    }
}

/// One block of [`reverse`]: its derivative at the state before it, then the bra before it.
fn reverse_block<F: Float>(
    (k, block, matrices): (usize, &Block<F>, &Option<Arc<BlockMatrices<F>>>),
    angles: &Angles,
    rows: Range<usize>,
    state: &[F],
    bra: &mut [F],
    found: &mut BlockGradients,
) {
    let lanes = rows.len();
    match matrices {
        Some(matrices) => {
            block.outer(state, bra, lanes, matrices, &mut found.shared[k]);
            block.backward(bra, lanes, matrices);
        }
        None => {
            let matrices = block.bind(angles, rows.clone());
            let mut d = vec![0.0; block.numbers(lanes)];
            block.outer(state, bra, lanes, &matrices, &mut d);
            block.gradient(angles, rows, &matrices, &mut d, |row, slot, value| found.rows.push((row, slot, value)));
            block.backward(bra, lanes, &matrices);
        }
    }
}

/// How many blocks apart states of so many bytes are kept, so that they stay within [`KEPT`] or, for long programs, as
/// few as recomputing each once allows.
pub fn stride(blocks: usize, bytes: usize) -> usize {
    let affordable = (KEPT / bytes.max(1)).max(1);
    if blocks <= affordable { blocks.max(1) } else { blocks.isqrt() + 1 }
}
