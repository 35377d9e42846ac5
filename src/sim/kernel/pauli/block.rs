//! Programs in the Pauli basis: neighbouring gates and channels fused into blocks of one or two qubits.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use smallvec::SmallVec;

use crate::circuit::{Op, OpKind};
use crate::math::Matrix;
use crate::math::matrix::{controlled, controlled_block};
use crate::noise::{Channel, transfer, transfer_derivative};
use crate::sim::Angles;
use crate::sim::kernel::entry_map::EntryMap;
use crate::sim::kernel::float::Float;
use crate::sim::kernel::pauli::conjugate::{self, Controlled};
use crate::sim::kernel::pauli::loops::{Numbers, PauliLayout, Weights, apply, outer, outer_lanes, transposed};
use crate::sim::kernel::pauli::nonzero::{LEAST, Nonzeros, apply_nonzeros};

/// Factors in the order they act, each on some of the block's qubits. Its numbers are of width F, factors f64 in both.
pub struct Block<F = f64> {
    /// Qubits of the program, the first least significant.
    pub qubits: Vec<usize>,
    /// How many of the first only switch a wide block on; its numbers are those on the others.
    pub controls: usize,
    /// Whether it differs from row to row; then it has one factor.
    pub by_row: bool,
    /// Where the block finds its operands in a vector of the program's width, worked out when there is one: for wide
    /// programs, which trajectories run, it would not fit into memory. Blocks on the same qubits share it.
    layout: Arc<OnceLock<PauliLayout>>,
    /// Width of that program.
    total: usize,
    factors: Vec<Factor>,
    /// Its numbers, once they are known, if no angle of it has a slot.
    known: OnceLock<Arc<BlockMatrices<F>>>,
}

struct Factor {
    /// Positions in the block's qubits.
    positions: Vec<usize>,
    map: EntryMap,
    /// Where it finds them in a vector of the block's width.
    layout: OnceLock<PauliLayout>,
}

impl Factor {
    fn new(positions: Vec<usize>, map: EntryMap) -> Self {
        Self { positions, map, layout: OnceLock::new() }
    }

    /// In a block of `width` qubits, once it is whole.
    fn layout(&self, width: usize) -> &PauliLayout {
        self.layout.get_or_init(|| PauliLayout::new(width, &self.positions))
    }
}

/// A block with its angles put in.
pub struct BlockMatrices<F = f64> {
    /// The transfer matrix; of a wide block the entries of its unitary.
    pub numbers: Numbers<F>,
    /// The transpose, once it is asked for; a wide block has none.
    transpose: OnceLock<Numbers<F>>,
    /// The entries of the matrix and of its transpose that are not zero, where they are few.
    nonzeros: Option<[Nonzeros<F>; 2]>,
    /// The matrices after each factor, one behind the other.
    history: SmallVec<[f64; 32]>,
}

impl<F: Float> BlockMatrices<F> {
    /// The transpose of matrices of `size` letters, one for each of `lanes`.
    fn transpose(&self, size: usize, lanes: usize) -> &[F] {
        self.transpose.get_or_init(|| transposed(&self.numbers, size, lanes))
    }
}

impl<F: Float> Block<F> {
    /// Three qubits and more: kept as a unitary, because its transfer matrix would be huge.
    pub fn is_wide(&self) -> bool {
        self.qubits.len() > 2
    }

    /// Whether none of its angles has a slot.
    pub fn is_fixed(&self) -> bool {
        self.factors.iter().all(|factor| factor.map.is_fixed())
    }

    fn layout(&self) -> &PauliLayout {
        self.layout.get_or_init(|| PauliLayout::new(self.total, &self.qubits))
    }

    /// Letters of its operands, `4^k`.
    fn size(&self) -> usize {
        1 << (2 * self.qubits.len())
    }

    /// The block with the angles of `rows`, one matrix per row, or with the shared angles alone.
    pub fn bind(&self, angles: &Angles, rows: Range<usize>) -> Arc<BlockMatrices<F>> {
        if self.is_fixed() {
            return Arc::clone(self.known.get_or_init(|| Arc::new(self.put_in(angles, 0..1))));
        }
        Arc::new(self.put_in(angles, rows))
    }

    fn put_in(&self, angles: &Angles, rows: Range<usize>) -> BlockMatrices<F> {
        if self.by_row || self.is_wide() {
            let rows = if self.by_row { rows } else { 0..1 };
            let numbers: Vec<F> = self.factors[0].map.values(angles, rows).into_iter().map(F::of).collect();
            let (numbers, transpose) = (Numbers::from_vec(numbers), OnceLock::new());
            return BlockMatrices { numbers, transpose, nonzeros: None, history: SmallVec::new() };
        }
        // The rows of a matrix are a vector over the block's letters, its columns are lanes.
        let length = self.size() * self.size();
        let mut history = SmallVec::<[f64; 32]>::from_elem(0.0, length * self.factors.len());
        for (k, factor) in self.factors.iter().enumerate() {
            let (done, rest) = history.split_at_mut(length * k);
            let m = &mut rest[..length];
            factor.map.shared(angles, |numbers| match k.checked_sub(1) {
                None if self.is_covered_by(factor) => m.copy_from_slice(numbers),
                before => {
                    match before {
                        None => m.iter_mut().step_by(self.size() + 1).for_each(|entry| *entry = 1.0),
                        Some(before) => m.copy_from_slice(&done[length * before..]),
                    }
                    apply(m, self.size(), factor.layout(self.qubits.len()), Weights::Shared(numbers));
                }
            });
        }
        let m = &history[history.len() - length..];
        let numbers: Numbers<F> = m.iter().map(|&x| F::of(x)).collect();
        let mut matrices = BlockMatrices { numbers, transpose: OnceLock::new(), nonzeros: None, history };
        if self.qubits.len() == 2 {
            let transpose = Nonzeros::of(matrices.transpose(self.size(), 1), self.size());
            let both = Nonzeros::of(&matrices.numbers, self.size()).zip(transpose);
            matrices.nonzeros = both.map(<[_; 2]>::from);
        }
        matrices
    }

    /// A wide block.
    fn unitary<'a>(&'a self, matrices: &'a BlockMatrices<F>) -> Controlled<'a, F> {
        let (layout, entries) = (self.layout(), &matrices.numbers[..]);
        Controlled { layout, controls: self.controls, entries, by_row: self.by_row }
    }

    fn weights<'a>(&self, list: &'a [F]) -> Weights<'a, F> {
        if self.by_row { Weights::Lanes(list) } else { Weights::Shared(list) }
    }

    /// States forward: `v ← M v`.
    pub fn forward(&self, v: &mut [F], lanes: usize, matrices: &BlockMatrices<F>) {
        if self.is_wide() {
            conjugate::conjugate(v, lanes, self.unitary(matrices), false);
        } else {
            self.apply(v, lanes, &matrices.numbers, matrices.nonzeros.as_ref().map(|[forward, _]| forward));
        }
    }

    /// Observables back: `g ← Mᵀ g`.
    pub fn backward(&self, g: &mut [F], lanes: usize, matrices: &BlockMatrices<F>) {
        if self.is_wide() {
            conjugate::conjugate(g, lanes, self.unitary(matrices), true);
        } else {
            let transpose = matrices.transpose(self.size(), if self.by_row { lanes } else { 1 });
            self.apply(g, lanes, transpose, matrices.nonzeros.as_ref().map(|[_, backward]| backward));
        }
    }

    /// A matrix of the block, by its nonzero entries where they are few and enough numbers lie side by side.
    fn apply(&self, v: &mut [F], lanes: usize, matrix: &[F], nonzeros: Option<&Nonzeros<F>>) {
        let layout = self.layout();
        match nonzeros {
            Some(nonzeros) if lanes * layout.run >= LEAST => apply_nonzeros(v, lanes, layout, nonzeros),
            _ => apply(v, lanes, layout, self.weights(matrix)),
        }
    }

    /// Length of what [`Block::outer`] adds to; 0 if no angle of the block has a slot.
    pub fn numbers(&self, lanes: usize) -> usize {
        match () {
            () if self.is_fixed() => 0,
            () if self.is_wide() => (2 * (self.size() >> (2 * self.controls))) * if self.by_row { lanes } else { 1 },
            () => self.size() * self.size() * if self.by_row { lanes } else { 1 },
        }
    }

    /// Adds to `found` the derivative of `⟨g, M v⟩` by the block's numbers.
    pub fn outer(&self, v: &[F], g: &[F], lanes: usize, matrices: &BlockMatrices<F>, found: &mut [f64]) {
        match (found.is_empty(), self.is_wide(), self.by_row) {
            (true, ..) => {}
            (_, true, _) => conjugate::outer(v, g, lanes, self.unitary(matrices), found),
            (_, _, true) => outer_lanes(v, g, lanes, self.layout(), found),
            _ => outer(v, g, lanes, self.layout(), found),
        }
    }

    /// From the derivative by the block's numbers, which it overwrites, to slots: `add(row, slot, value)`. The row means
    /// nothing for shared slots.
    pub fn gradient(
        &self,
        angles: &Angles,
        rows: Range<usize>,
        matrices: &BlockMatrices<F>,
        found: &mut [f64],
        mut add: impl FnMut(usize, usize, f64),
    ) {
        if found.is_empty() {
            return;
        }
        if self.by_row || self.is_wide() {
            let rows = if self.by_row { rows } else { 0..1 };
            return self.factors[0].map.gradient(angles, rows, found, add);
        }
        // Reverse mode through the product of the factors, down to the first with a slot.
        let (lanes, d) = (self.size(), found);
        let first = self.factors.iter().position(|factor| !factor.map.is_fixed()).unwrap_or_default();
        for (k, factor) in self.factors.iter().enumerate().skip(first).rev() {
            let layout = factor.layout(self.qubits.len());
            let size = 1 << (2 * factor.positions.len());
            if !factor.map.is_fixed() {
                if k == 0 && self.is_covered_by(factor) {
                    return factor.map.gradient(angles, 0..1, d, add);
                }
                let mut entries = Numbers::from_elem(0.0, size * size);
                let length = lanes * lanes;
                match k.checked_sub(1) {
                    None => outer(&identity(lanes), d, lanes, layout, &mut entries),
                    Some(before) => {
                        outer(&matrices.history[length * before..][..length], d, lanes, layout, &mut entries)
                    }
                }
                factor.map.gradient(angles, 0..1, &entries, &mut add);
            }
            if k > first {
                let back = factor.map.shared(angles, |numbers| transposed(numbers, size, 1));
                apply(d, lanes, layout, Weights::Shared(&back));
            }
        }
    }

    /// Whether a factor acts on all qubits of the block, in their order.
    fn is_covered_by(&self, factor: &Factor) -> bool {
        factor.positions.iter().copied().eq(0..self.qubits.len())
    }

    /// A one-qubit block on the only qubit of a vector.
    pub fn alone(self) -> Self {
        Self { layout: Arc::new(OnceLock::from(PauliLayout::new(1, &[0]))), ..self }
    }
}

/// The entries of a unitary or of its derivative.
fn entries(unitary: &Matrix, derivative: Option<&Matrix>) -> Vec<f64> {
    derivative.unwrap_or(unitary).iter().flat_map(|z| [z.re, z.im]).collect()
}

/// The transfer matrix of a unitary or, with the derivative of the unitary, its derivative.
fn letters(unitary: &Matrix, derivative: Option<&Matrix>) -> Vec<f64> {
    let m = derivative.map_or_else(|| transfer(unitary), |d| transfer_derivative(unitary, d));
    m.into_raw_vec_and_offset().0
}

fn identity(size: usize) -> Vec<f64> {
    let mut m = vec![0.0; size * size];
    m.iter_mut().step_by(size + 1).for_each(|entry| *entry = 1.0);
    m
}

/// Fuses maps as they come: a map on qubits whose last block covers them joins it, a two-qubit map takes in the
/// one-qubit blocks before it, and numbers next to numbers become one matrix.
pub struct Fuser<F = f64> {
    total: usize,
    input_slots: usize,
    /// Whether angles stay out of two-qubit blocks of other maps.
    apart: bool,
    blocks: Vec<Option<Block<F>>>,
    /// The block that the next map on each qubit may join.
    open: Vec<Option<usize>>,
    /// Where blocks on these qubits find their operands.
    layouts: HashMap<Vec<usize>, Arc<OnceLock<PauliLayout>>>,
}

impl<F: Float> Fuser<F> {
    /// For programs of `total` qubits in which slots below `input_slots` differ by row.
    pub fn new(total: usize, input_slots: usize) -> Self {
        let (blocks, open) = (Vec::new(), vec![None; total]);
        Self { total, input_slots, apart: false, blocks, open, layouts: HashMap::new() }
    }

    /// Leaves gates with slots out of two-qubit blocks of other maps. Where vectors are short, putting angles in and the
    /// derivatives cost more than passes over them: a one-qubit block has 16 numbers and the fixed ones none to compute.
    pub fn apart(mut self) -> Self {
        self.apart = true;
        self
    }

    /// Goes on with the lowest `total` qubits, behind a [`Fuser::cut`].
    pub fn narrow(&mut self, total: usize) {
        if total < self.total {
            self.total = total;
            self.open.truncate(total);
            self.layouts.clear();
        }
    }

    pub fn gate(&mut self, op: &Op) {
        // A global phase leaves density matrices alone.
        if matches!(op.kind, OpKind::GlobalPhase(_)) {
            return;
        }
        if op.qubits.len() > 2 {
            let (controls, own) = op.without_controls();
            return self.wide(&op.qubits, controls.len(), EntryMap::of(&own, Box::new(entries)));
        }
        let (controls, own) = op.without_controls();
        let map = match controls.len() {
            0 => EntryMap::of(&own, Box::new(letters)),
            // One control of a one-qubit gate: its transfer matrix is small.
            count => EntryMap::of(
                &own,
                Box::new(move |unitary, derivative| {
                    let whole = derivative.map(|derivative| controlled_block(derivative, count));
                    letters(&controlled(unitary, count), whole.as_ref())
                }),
            ),
        };
        self.push(&op.qubits, map);
    }

    pub fn channel(&mut self, channel: &Channel, qubits: &[usize]) {
        self.push(qubits, EntryMap::Fixed(channel.pauli_transfer().into_raw_vec_and_offset().0));
    }

    pub fn reset(&mut self, qubit: usize) {
        // Trace goes to I and, as ⟨Z⟩ = 1, to Z. All else is lost.
        let mut m = vec![0.0; 16];
        (m[0], m[12]) = (1.0, 1.0);
        self.push(&[qubit], EntryMap::Fixed(m));
    }

    /// The blocks so far, in order. Nothing that comes later joins them.
    pub fn cut(&mut self) -> Vec<Block<F>> {
        self.open.fill(None);
        std::mem::take(&mut self.blocks).into_iter().flatten().collect()
    }

    /// A block that fuses with no other.
    fn wide(&mut self, qubits: &[usize], controls: usize, map: EntryMap) {
        let by_row = map.by_row(self.input_slots);
        self.start(qubits.to_vec(), by_row, vec![Factor::new((0..qubits.len()).collect(), map)]);
        self.blocks.iter_mut().rev().flatten().take(1).for_each(|block| block.controls = controls);
        qubits.iter().for_each(|&q| self.open[q] = None);
    }

    fn push(&mut self, qubits: &[usize], map: EntryMap) {
        if map.by_row(self.input_slots) {
            return self.wide(qubits, 0, map);
        }
        let last = self.open[qubits[0]].filter(|_| qubits.iter().all(|&q| self.open[q] == self.open[qubits[0]]));
        let joins =
            |block: &&mut Block<F>| !self.apart || block.qubits.len() == 1 || (map.is_fixed() && block.is_fixed());
        if let Some(block) = last.and_then(|at| self.blocks[at].as_mut()).filter(joins) {
            let positions = qubits.iter().map(|q| block.qubits.iter().position(|b| b == q));
            let positions = positions.collect::<Option<_>>().expect("an open block covers its qubits");
            join(&mut block.factors, Factor::new(positions, map));
            return;
        }
        let mut factors = Vec::new();
        if qubits.len() == 2 {
            for (position, &qubit) in qubits.iter().enumerate() {
                let joins = |b: &Block<F>| b.qubits.len() == 1 && (!self.apart || map.is_fixed() && b.is_fixed());
                let alone = |at: &usize| self.blocks[*at].as_ref().is_some_and(joins);
                let absorbed = self.open[qubit].filter(alone).and_then(|at| self.blocks[at].take());
                for factor in absorbed.into_iter().flat_map(|block| block.factors) {
                    factors.push(Factor::new(vec![position], factor.map));
                }
            }
        }
        join(&mut factors, Factor::new((0..qubits.len()).collect(), map));
        self.start(qubits.to_vec(), false, factors);
    }

    fn start(&mut self, qubits: Vec<usize>, by_row: bool, factors: Vec<Factor>) {
        qubits.iter().for_each(|&q| self.open[q] = Some(self.blocks.len()));
        let layout = Arc::clone(self.layouts.entry(qubits.clone()).or_default());
        let known = OnceLock::new();
        self.blocks.push(Some(Block { qubits, controls: 0, by_row, layout, total: self.total, factors, known }));
    }
}

/// Appends `next`, merged with the last factor if both are numbers.
fn join(factors: &mut Vec<Factor>, next: Factor) {
    let (Some(Factor { positions, map: EntryMap::Fixed(first), .. }), EntryMap::Fixed(second)) =
        (factors.last(), &next.map)
    else {
        factors.push(next);
        return;
    };
    let mut union = positions.clone();
    union.extend(next.positions.iter().filter(|p| !positions.contains(p)));
    let size = 1 << (2 * union.len());
    let mut merged = identity(size);
    for (layout, m) in [(positions, first), (&next.positions, second)] {
        let local: Vec<usize> = layout.iter().filter_map(|p| union.iter().position(|u| u == p)).collect();
        apply(&mut merged, size, &PauliLayout::new(union.len(), &local), Weights::Shared(m));
    }
    factors.pop();
    factors.push(Factor::new(union, EntryMap::Fixed(merged)));
}
