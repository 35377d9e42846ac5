//! The Heisenberg engine: observables pulled back once for a whole batch.
//!
//! Where the encoding comes first and the trained part after it, a program is, row by row, a product state followed by
//! maps that are the same for all rows. Each observable is pulled back through those maps once, as 4ⁿ real numbers in
//! the Pauli basis, noise included; a row then costs one contraction with its n Bloch vectors. The gradient goes the
//! same way: the batch is contracted into one vector per observable, which is carried forward through the shared maps.
//!
//! Programs whose row slots come back after an entangling gate (data re-uploading) run row by row as in
//! [`Density`](crate::sim::Density).

pub mod block;
mod conjugate;
pub mod kernel;
pub mod product;
pub mod sweep;

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::circuit::Observable;
use crate::noise::{Program, Step};
use crate::sim::density::chunks;
use crate::sim::memo::{Memo, at_precision};
use crate::sim::readout::{Ending, Reads, Terms, recorded};
use crate::sim::statevector::vector::Vectors;
use crate::sim::{AngleGradient, Angles, Density, Precision, SimError, Simulator, check};
use block::{Block, Bound, Fuser};
use product::Prefix;

const NAME: &str = "pauli";
const INSTEAD: &str = "use statevector if the program is ideal, trajectory if it is noisy";
/// Rows contracted together.
const ROWS: usize = 16;

/// The engine for training: exact expectation values and gradients, ideal or noisy, of programs without mid-circuit
/// measurement, at a cost that hardly depends on the batch. Memory grows with observables times 4ⁿ.
#[derive(Default)]
pub struct Pauli {
    precision: Precision,
    double: Memo<Plan<f64>>,
    single: Memo<Plan<f32>>,
    density: Density,
}

struct Plan<F> {
    qubits: usize,
    /// Maps on single qubits before anything entangles them.
    prefix: Prefix<F>,
    /// Everything after.
    suffix: Vec<Block<F>>,
    reads: Reads,
    /// Whether the suffix is the same for all rows; if not, rows run one by one.
    splits: bool,
}

impl<F: Vectors> Plan<F> {
    fn of(program: &Program, row_slots: usize) -> Result<Self, SimError> {
        let qubits = program.qubits();
        check::memory(NAME, qubits, 2.0 * size_of::<F>() as f64 * 4f64.powi(qubits as i32), INSTEAD)?;
        let ending = Ending::of(program);
        if let Some(step) = ending.dynamic() {
            return Err(SimError::Unsupported { engine: NAME, step, instead: "use density or trajectory" });
        }
        let mut fuser = Fuser::new(qubits, row_slots);
        for step in &ending.body {
            match step {
                Step::Gate(op) => fuser.gate(op),
                Step::Noise { channel, qubits, .. } => fuser.channel(channel, qubits),
                Step::Reset { qubit, .. } => fuser.reset(*qubit),
                Step::Measure { .. } => unreachable!("a measurement before the end was refused above"),
            }
        }
        let mut entangled = vec![false; qubits];
        let (mut prefix, mut suffix) = (Vec::new(), Vec::new());
        for block in fuser.finish() {
            if let [qubit] = block.qubits[..]
                && !entangled[qubit]
            {
                prefix.push(block);
            } else {
                block.qubits.iter().for_each(|&q| entangled[q] = true);
                suffix.push(block);
            }
        }
        let splits = suffix.iter().all(|block| !block.by_row);
        Ok(Self { qubits, prefix: Prefix::new(qubits, prefix), suffix, reads: ending.reads, splits })
    }

    fn bind(&self, angles: &Angles) -> Vec<Arc<Bound<F>>> {
        self.suffix.iter().map(|block| block.bind(angles, 0..1)).collect()
    }

    /// The observables at the end, lane o the o-th.
    fn observables(&self, terms: &[Terms]) -> Vec<F> {
        let lanes = terms.len();
        let mut v = vec![F::ZERO; lanes << (2 * self.qubits)];
        for (lane, terms) in terms.iter().enumerate() {
            for &(weight, string) in terms {
                v[sweep::component(string, self.qubits) * lanes + lane] += F::of(weight);
            }
        }
        v
    }

    /// `v` pulled back through a run of blocks, last block first; what stands after block k goes to `keep(k, v)`.
    fn pull_back(
        &self,
        bounds: &[Arc<Bound<F>>],
        blocks: std::ops::Range<usize>,
        lanes: usize,
        v: &mut [F],
        mut keep: impl FnMut(usize, &[F]),
    ) {
        for k in blocks.rev() {
            keep(k, v);
            self.suffix[k].backward(v, lanes, &bounds[k]);
        }
    }

    /// The gradient of the shared slots of the suffix: `carried` holds, lane by lane, the batch contracted with the
    /// observable's cotangent, and is pushed forward past the pulled-back observables.
    fn suffix_gradient(
        &self,
        bounds: &[Arc<Bound<F>>],
        angles: &Angles,
        terms: &[Terms],
        mut carried: Vec<F>,
        gradient: &mut AngleGradient,
    ) {
        let (lanes, count) = (terms.len(), self.suffix.len());
        let stride = sweep::stride(count, size_of_val(&carried[..]));
        // Observables as they stand after the last block of each run of `stride` blocks.
        let mut checkpoints = Vec::new();
        let mut v = self.observables(terms);
        self.pull_back(bounds, 0..count, lanes, &mut v, |k, v| {
            if (k + 1) % stride == 0 || k + 1 == count {
                checkpoints.push(v.to_vec());
            }
        });
        for first in (0..count).step_by(stride) {
            let last = (first + stride).min(count);
            let mut v = checkpoints.pop().expect("one checkpoint was kept for each run");
            let mut after = Vec::with_capacity(last - first);
            self.pull_back(bounds, first..last, lanes, &mut v, |_, v| after.push(v.to_vec()));
            for (k, after) in (first..last).zip(after.into_iter().rev()) {
                let block = &self.suffix[k];
                let mut d = vec![0.0; block.numbers(1)];
                block.outer(&carried, &after, lanes, &bounds[k], &mut d);
                block.gradient(angles, 0..1, &bounds[k], d, |row, slot, value| gradient.add(row, slot, value));
                block.forward(&mut carried, lanes, &bounds[k]);
            }
        }
    }
}

impl Pauli {
    /// An engine that computes with numbers of this width; angles and results are f64 in both.
    pub fn new(precision: Precision) -> Self {
        Self { precision, density: Density::new(precision), ..Self::default() }
    }

    fn plan<F: Vectors>(
        &self,
        memo: &Memo<Plan<F>>,
        program: &Program,
        angles: &Angles,
    ) -> Result<Arc<Plan<F>>, SimError> {
        check::angles(program, angles)?;
        let row_slots = angles.rows.ncols();
        memo.get(program, row_slots, || Plan::of(program, row_slots))
    }

    fn expect_in<F: Vectors>(
        &self,
        memo: &Memo<Plan<F>>,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
    ) -> Result<Array2<f64>, SimError> {
        let plan = self.plan(memo, program, &angles)?;
        if !plan.splits {
            return self.density.expect(program, angles, observables);
        }
        enough_memory::<F>(plan.qubits, observables.len())?;
        let terms = recorded(NAME, program, observables, &plan.reads)?;
        let mut v = plan.observables(&terms);
        plan.pull_back(&plan.bind(&angles), 0..plan.suffix.len(), terms.len(), &mut v, |_, _| {});
        let parts: Vec<Vec<f64>> = chunks(angles.batch(), ROWS)
            .into_par_iter()
            .map(|rows| plan.prefix.run(&angles, rows).contract(&v, terms.len()))
            .collect();
        let values = parts.into_iter().flatten().collect();
        Ok(Array2::from_shape_vec((angles.batch(), terms.len()), values)
            .expect("each row of the batch gave one value per observable"))
    }

    fn vjp_in<F: Vectors>(
        &self,
        memo: &Memo<Plan<F>>,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<AngleGradient, SimError> {
        check::differentiable(program)?;
        check::cotangent(&angles, observables, cotangent)?;
        let plan = self.plan(memo, program, &angles)?;
        if !plan.splits {
            return self.density.vjp(program, angles, observables, cotangent);
        }
        enough_memory::<F>(plan.qubits, observables.len())?;
        let terms = recorded(NAME, program, observables, &plan.reads)?;
        let lanes = terms.len();
        let bounds = plan.bind(&angles);
        let mut pulled = plan.observables(&terms);
        plan.pull_back(&bounds, 0..plan.suffix.len(), lanes, &mut pulled, |_, _| {});
        let parts: Vec<_> = chunks(angles.batch(), ROWS)
            .into_par_iter()
            .map(|rows| {
                let state = plan.prefix.run(&angles, rows.clone());
                let weights = cotangent.slice(ndarray::s![rows, ..]);
                (state.gradient(&plan.prefix, &angles, &pulled, weights), state.mixed(weights))
            })
            .collect();
        let mut gradient = AngleGradient::zeros(&angles);
        let mut carried = vec![F::ZERO; pulled.len()];
        for (found, mixed) in parts {
            found.into_iter().for_each(|(row, slot, value)| gradient.add(row, slot, value));
            carried.iter_mut().zip(mixed).for_each(|(sum, x)| *sum += x);
        }
        plan.suffix_gradient(&bounds, &angles, &terms, carried, &mut gradient);
        Ok(gradient)
    }

    fn probabilities_in<F: Vectors>(
        &self,
        memo: &Memo<Plan<F>>,
        program: &Program,
        angles: Angles,
    ) -> Result<Array2<f64>, SimError> {
        self.plan(memo, program, &angles)?;
        self.density.probabilities(program, angles)
    }
}

fn enough_memory<F>(qubits: usize, observables: usize) -> Result<(), SimError> {
    let numbers = 4.0 * observables.max(1) as f64 * 4f64.powi(qubits as i32);
    check::memory(NAME, qubits, size_of::<F>() as f64 * numbers, INSTEAD)
}

impl Simulator for Pauli {
    fn name(&self) -> String {
        format!("pauli, {} precision", self.precision)
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn expect(&self, program: &Program, angles: Angles, observables: &[Observable]) -> Result<Array2<f64>, SimError> {
        at_precision!(self.expect_in(program, angles, observables))
    }

    fn vjp(
        &self,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<AngleGradient, SimError> {
        at_precision!(self.vjp_in(program, angles, observables, cotangent))
    }

    fn probabilities(&self, program: &Program, angles: Angles) -> Result<Array2<f64>, SimError> {
        at_precision!(self.probabilities_in(program, angles))
    }
}
