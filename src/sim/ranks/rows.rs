//! The rows of a batch over ranks.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView2, s};

use crate::circuit::Observable;
use crate::noise::Program;
use crate::sim::ranks::{Communicator, accounts, gather_leaves, leaf_seed, table};
use crate::sim::{Account, AngleGradient, Angles, Precision, Prepared, SimError, Simulator, check};

/// Rows of a leaf; the last one takes the rest and has fewer than twice as many. Engines run 1 to 32 rows together, so every
/// row runs beside the same others as in the whole batch.
const LEAF: usize = 32;

/// An engine whose rows run on all ranks. Each rank runs leaves of 32 rows and gets the results of all.
///
/// Results are the same at any number of ranks. Those of up to 63 rows are the engine's own to the byte, and so are expectation
/// values and gradients by input slots of the engines `statevector`, `density` and `pauli` for any number of rows. Gradients by
/// weight slots are added leaf by leaf, which may change their last digits. Engines that draw use a substream for each further
/// leaf.
///
/// Methods that run an engine several times at once, such as mitigations, belong inside of it, not around it.
#[derive(Clone)]
pub struct Rows {
    inner: Arc<dyn Simulator>,
    ranks: Arc<dyn Communicator>,
}

impl Rows {
    /// The rows of `inner` over these ranks.
    pub fn new(inner: Arc<dyn Simulator>, ranks: Arc<dyn Communicator>) -> Self {
        Self { inner, ranks }
    }
}

impl Simulator for Rows {
    fn name(&self) -> String {
        format!("{}, rows over {} ranks", self.inner.name(), self.ranks.size())
    }

    fn precision(&self) -> Precision {
        self.inner.precision()
    }

    fn with_substream(&self, number: u64) -> Option<Arc<dyn Simulator>> {
        let inner = self.inner.with_substream(number)?;
        Some(Arc::new(Self { inner, ranks: Arc::clone(&self.ranks) }))
    }

    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        let first = self.inner.prepare(program, observables, input_slots)?;
        let (program, observables) = (program.clone(), observables.to_vec());
        Ok(Arc::new(RowsProgram { engine: self.clone(), first, program, observables, input_slots }))
    }
}

struct RowsProgram {
    engine: Rows,
    /// The program on the engine itself, as the first leaf runs it.
    first: Arc<dyn Prepared>,
    program: Program,
    observables: Vec<Observable>,
    input_slots: usize,
}

/// The rows of each leaf.
fn leaves(batch: usize) -> Vec<Range<usize>> {
    let count = (batch / LEAF).max(1);
    (0..count).map(|k| k * LEAF..if k + 1 == count { batch } else { (k + 1) * LEAF }).collect()
}

impl RowsProgram {
    /// The program as a leaf runs it: with draws of its own.
    fn of_leaf(&self, leaf: usize) -> Result<Arc<dyn Prepared>, SimError> {
        let substream = if leaf == 0 { None } else { self.engine.inner.with_substream(leaf as u64) };
        match substream {
            Some(engine) => engine.prepare(&self.program, &self.observables, self.input_slots),
            None => Ok(Arc::clone(&self.first)),
        }
    }

    /// What `each` makes of every leaf's number, program, angles and rows, one after the other.
    fn gather(
        &self,
        angles: &Angles,
        each: impl Fn(usize, &dyn Prepared, Angles, Range<usize>) -> Result<Vec<f64>, SimError>,
    ) -> Result<Vec<f64>, SimError> {
        // A leaf would count its rows from its own first one.
        check::angles(self.program.slots, self.input_slots, angles)?;
        let leaves = leaves(angles.batch());
        gather_leaves(&*self.engine.ranks, leaves.len(), |leaf| {
            let rows = leaves[leaf].clone();
            let inputs = angles.inputs.slice(s![rows.clone(), ..]);
            each(leaf, &*self.of_leaf(leaf)?, Angles { inputs, weights: angles.weights }, rows)
        })
    }
}

/// The gradient of a batch from those of its leaves, each its rows of input slots and then the weights.
fn gradient(angles: &Angles, values: &[f64]) -> AngleGradient {
    let (mut inputs, mut weights) = (Vec::new(), Vec::new());
    let mut rest = values;
    for rows in leaves(angles.batch()) {
        let (own, others) = rest.split_at(rows.len() * angles.inputs.ncols());
        let (shared, others) = others.split_at(angles.weights.len());
        inputs.extend_from_slice(own);
        match rows.start {
            0 => weights = shared.to_vec(),
            _ => weights.iter_mut().zip(shared).for_each(|(sum, value)| *sum += value),
        }
        rest = others;
    }
    let inputs = Array2::from_shape_vec(angles.inputs.raw_dim(), inputs).expect("leaves have all rows");
    AngleGradient { inputs, weights: Array1::from(weights) }
}

impl Prepared for RowsProgram {
    fn resolved_name(&self, batch: usize) -> String {
        format!("{}, rows over {} ranks", self.first.resolved_name(batch), self.engine.ranks.size())
    }

    fn draws(&self, batch: usize) -> bool {
        self.first.draws(batch)
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let values = self.gather(&angles, |_, leaf, angles, _| Ok(leaf.expect(angles)?.into_iter().collect()))?;
        Ok(table(angles.batch(), values))
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        check::cotangent(angles.batch(), self.observables.len(), cotangent)?;
        let values = self.gather(&angles, |_, leaf, angles, rows| {
            let AngleGradient { inputs, weights } = leaf.vjp(angles, cotangent.slice(s![rows, ..]))?;
            Ok(inputs.into_iter().chain(weights).collect())
        })?;
        Ok(gradient(&angles, &values))
    }

    fn account(&self, angles: Angles) -> Result<Option<Array2<Account>>, SimError> {
        let each = |_, leaf: &dyn Prepared, angles: Angles, _| {
            let accounts = leaf.account(angles)?;
            Ok(accounts.iter().flatten().flat_map(accounts::numbers).collect())
        };
        Ok(accounts::accounts(angles.batch(), &self.gather(&angles, each)?))
    }

    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let each = |_, leaf: &dyn Prepared, angles: Angles, _| Ok(leaf.probabilities(angles)?.into_iter().collect());
        Ok(table(angles.batch(), self.gather(&angles, each)?))
    }

    fn sample(&self, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        let counts = self.gather(&angles, |leaf, prepared, angles, _| {
            let counts = prepared.sample(angles, shots, leaf_seed(seed, leaf))?;
            // Exact: no count reaches 2^53.
            Ok(counts.into_iter().map(|count| count as f64).collect())
        })?;
        Ok(table(angles.batch(), counts).mapv(|count| count as u64))
    }
}
