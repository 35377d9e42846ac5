//! The Heisenberg engine: observables pulled back once for a whole batch.
//!
//! Where the encoding comes first and the trained part after it, a program is, row by row, a product state followed by
//! maps that are the same for all rows. Each observable is pulled back through those maps once, as 4ⁿ real numbers in
//! the Pauli basis, noise included; a row then costs one contraction with its n Bloch vectors. The gradient goes the
//! same way: the batch is contracted into one vector per observable, which is carried forward through the shared maps.
//!
//! Programs whose input slots come back after an entangling gate (data re-uploading) run row by row as in
//! [`Density`](crate::sim::Density).

mod heisenberg;
mod product;

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::circuit::Observable;
use crate::noise::{Program, Step};
use crate::sim::kernel::chunks;
use crate::sim::kernel::pauli::block::{Block, Fuser};
use crate::sim::kernel::vector::Vectors;
use crate::sim::memo::{Memo, at_precision};
use crate::sim::readout::{ProgramParts, TerminalMeasurements, recorded};
use crate::sim::{AngleGradient, Angles, Density, Precision, SimError, Simulator, check};
use heisenberg::{HeisenbergObservables, ObservableCache};
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
    measurements: TerminalMeasurements,
    /// Whether the suffix is the same for all rows; if not, rows run one by one.
    splits: bool,
    cache: ObservableCache<F>,
}

impl<F: Vectors> Plan<F> {
    fn of(program: &Program, input_slots: usize) -> Result<Self, SimError> {
        let qubits = program.qubits();
        check::memory(NAME, qubits, 2.0 * size_of::<F>() as f64 * 4f64.powi(qubits as i32), INSTEAD)?;
        let parts = ProgramParts::of(program);
        if let Some(step) = parts.dynamic() {
            return Err(SimError::Unsupported { engine: NAME, step, instead: "use density or trajectory" });
        }
        let mut fuser = Fuser::new(qubits, input_slots);
        for step in &parts.body {
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
        Ok(Self {
            qubits,
            prefix: Prefix::new(qubits, prefix),
            suffix,
            measurements: parts.measurements,
            splits,
            cache: ObservableCache::default(),
        })
    }

    /// The observables behind the suffix.
    fn heisenberg(
        &self,
        program: &Program,
        angles: &Angles,
        observables: &[Observable],
    ) -> Result<Arc<HeisenbergObservables<F>>, SimError> {
        let numbers = 4.0 * observables.len().max(1) as f64 * 4f64.powi(self.qubits as i32);
        check::memory(NAME, self.qubits, size_of::<F>() as f64 * numbers, INSTEAD)?;
        let terms = recorded(NAME, program, observables, &self.measurements)?;
        let build = || HeisenbergObservables::new(&self.suffix, self.qubits, angles, observables, &terms);
        Ok(self.cache.get(angles, observables, build))
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
        let input_slots = angles.inputs.ncols();
        memo.get(program, input_slots, || Plan::of(program, input_slots))
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
        let heisenberg = plan.heisenberg(program, &angles, observables)?;
        let parts: Vec<Vec<f64>> = chunks(angles.batch(), ROWS)
            .into_par_iter()
            .map(|rows| plan.prefix.run(&angles, rows).contract(&heisenberg.front, observables.len()))
            .collect();
        Ok(by_row(parts, angles.batch(), observables.len()))
    }

    fn value_and_gradient_in<F: Vectors>(
        &self,
        memo: &Memo<Plan<F>>,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        check::differentiable(program)?;
        check::cotangent(&angles, observables, cotangent)?;
        let plan = self.plan(memo, program, &angles)?;
        if !plan.splits {
            return self.density.value_and_gradient(program, angles, observables, cotangent);
        }
        let heisenberg = plan.heisenberg(program, &angles, observables)?;
        let parts: Vec<_> = chunks(angles.batch(), ROWS)
            .into_par_iter()
            .map(|rows| {
                let state = plan.prefix.run(&angles, rows.clone());
                let weights = cotangent.slice(ndarray::s![rows, ..]);
                let found = state.gradient(&plan.prefix, &angles, &heisenberg.front, weights);
                (state.contract(&heisenberg.front, observables.len()), found, state.mixed(weights))
            })
            .collect();
        let mut gradient = AngleGradient::zeros(&angles);
        let mut carried = vec![F::ZERO; heisenberg.front.len()];
        let mut values = Vec::new();
        for (expected, found, mixed) in parts {
            values.push(expected);
            found.into_iter().for_each(|(row, slot, value)| gradient.add(row, slot, value));
            carried.iter_mut().zip(mixed).for_each(|(sum, x)| *sum += x);
        }
        heisenberg.gradient(&plan.suffix, &angles, carried, &mut gradient);
        Ok((by_row(values, angles.batch(), observables.len()), gradient))
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

/// Values of runs of rows as (batch, observables).
fn by_row(parts: Vec<Vec<f64>>, batch: usize, observables: usize) -> Array2<f64> {
    let values = parts.into_iter().flatten().collect();
    Array2::from_shape_vec((batch, observables), values).expect("each row of the batch gave one value per observable")
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
        Ok(self.value_and_gradient(program, angles, observables, cotangent)?.1)
    }

    fn value_and_gradient(
        &self,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        at_precision!(self.value_and_gradient_in(program, angles, observables, cotangent))
    }

    fn probabilities(&self, program: &Program, angles: Angles) -> Result<Array2<f64>, SimError> {
        at_precision!(self.probabilities_in(program, angles))
    }
}
