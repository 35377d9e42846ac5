//! Observables pulled back through the shared part of a program: what all rows have in common, and the forward and the
//! backward pass of a training step.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use crate::sim::kernel::pauli::block::{Block, BlockMatrices};
use crate::sim::kernel::pauli::loops::Numbers;
use crate::sim::kernel::vector::Vectors;
use crate::sim::pauli::cost::every;
use crate::sim::{AngleGradient, Angles};

/// Observables before some blocks, under certain weights.
pub struct HeisenbergObservables<F> {
    weights: Vec<f64>,
    all_matrices: Vec<Arc<BlockMatrices<F>>>,
    /// How many there are.
    lanes: usize,
    /// As they are before the first block: component major, lane o the o-th.
    pub front: Vec<F>,
    /// The same after the last of each run of so many blocks.
    kept: Vec<Vec<F>>,
    every: usize,
}

/// The last ones of a program: every batch under the same weights uses them, as evaluation does.
pub struct ObservableCache<F>(Mutex<Option<Arc<HeisenbergObservables<F>>>>);

impl<F> Default for ObservableCache<F> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<F> ObservableCache<F> {
    /// Those under the weights of `angles`, built if they are not the last ones, in the memory of the last ones if nothing
    /// else reads them.
    pub fn get(
        &self,
        angles: &Angles,
        build: impl FnOnce(Option<HeisenbergObservables<F>>) -> HeisenbergObservables<F>,
    ) -> Arc<HeisenbergObservables<F>> {
        // A thread that panicked while it held the lock left a whole value behind.
        let last = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last().clone();
        if let Some(known) = known.filter(|known| angles.weights.iter().eq(&known.weights)) {
            return known;
        }
        let old = last().take().and_then(|old| Arc::try_unwrap(old).ok());
        let built = Arc::new(build(old));
        *last() = Some(Arc::clone(&built));
        built
    }
}

impl<F: Vectors> HeisenbergObservables<F> {
    /// `behind` are the observables behind the blocks, one in each of `lanes`. Vectors of `old` are written over: memory that
    /// is given back and asked for again at each step costs more than the passes over it.
    pub fn new(blocks: &[Block<F>], angles: &Angles, behind: Cow<[F]>, lanes: usize, old: Option<Self>) -> Self {
        let count = blocks.len();
        let all_matrices: Vec<Arc<BlockMatrices<F>>> = blocks.iter().map(|block| block.bind(angles, 0..1)).collect();
        let (mut spare, front) = old.map_or_else(Default::default, |old| (old.kept, old.front));
        let copy = |from: &[F], mut to: Vec<F>| {
            to.clear();
            to.extend_from_slice(from);
            to
        };
        let mut front = match behind {
            Cow::Borrowed(behind) => copy(behind, front),
            Cow::Owned(behind) => behind,
        };
        let every = every(count, size_of_val(&front[..]) as f64);
        let mut kept = Vec::with_capacity(count.div_ceil(every));
        for (k, (block, matrices)) in blocks.iter().zip(&all_matrices).enumerate().rev() {
            if (k + 1) % every == 0 || k + 1 == count {
                kept.push(copy(&front, spare.pop().unwrap_or_default()));
            }
            block.backward(&mut front, lanes, matrices);
        }
        kept.reverse();
        Self { weights: angles.weights.to_vec(), all_matrices, lanes, front, kept, every }
    }

    /// Adds the gradient of the weight slots of the blocks: `carried` holds, lane by lane, the batch contracted with the
    /// observable's cotangent, and is pushed forward past the pulled-back observables.
    pub fn gradient(&self, blocks: &[Block<F>], angles: &Angles, mut carried: Vec<F>, gradient: &mut AngleGradient) {
        for (first, kept) in (0..blocks.len()).step_by(self.every).zip(&self.kept) {
            let last = (first + self.every).min(blocks.len());
            // After the last block but one of the run, then further to the front.
            let mut again: Vec<Vec<F>> = Vec::new();
            for k in (first + 1..last).rev() {
                let mut v = again.last().unwrap_or(kept).clone();
                blocks[k].backward(&mut v, self.lanes, &self.all_matrices[k]);
                again.push(v);
            }
            for k in first..last {
                let after = if k + 1 == last { kept } else { &again[last - 2 - k] };
                let (block, matrices) = (&blocks[k], &self.all_matrices[k]);
                let mut d = Numbers::from_elem(0.0, block.numbers(1));
                block.outer(&carried, after, self.lanes, matrices, &mut d);
                block.gradient(angles, 0..1, matrices, &mut d, |row, slot, value| gradient.add(row, slot, value));
                if k + 1 < blocks.len() {
                    block.forward(&mut carried, self.lanes, matrices);
                }
            }
        }
    }
}
