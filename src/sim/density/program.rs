//! A noisy or dynamic program made ready to run, and the tape of a forward run.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2, s};

use crate::sim::angles::OwnedAngles;
use crate::sim::cost::{Call, Request, WantedBits};
use crate::sim::density::NAME;
use crate::sim::density::cost::at_a_time;
use crate::sim::density::plan::{Matrices, Plan};
use crate::sim::kernel::pauli::sweep::{self, BlockGradients};
use crate::sim::kernel::vector::Vectors;
use crate::sim::kernel::{each_in_order, each_of_some};
use crate::sim::prepared::{Prepared, Recorded, Tape};
use crate::sim::readout::record;
use crate::sim::sample::sample;
use crate::sim::{AngleGradient, Angles, SimError, check};

/// A plan that runs.
pub struct DensityProgram<F> {
    /// The engine's name.
    name: String,
    plan: Arc<Plan<F>>,
}

impl<F: Vectors> DensityProgram<F> {
    pub fn new(name: String, plan: Plan<F>) -> Self {
        Self { name, plan: Arc::new(plan) }
    }

    /// The angles fit the program and the call the machine. Returns how many chunks of the batch run side by side.
    fn check(&self, angles: &Angles, request: Request) -> Result<usize, SimError> {
        check::angles(self.plan.slots, self.plan.input_slots, angles)?;
        let call = self.plan.call(request, angles.batch());
        self.plan.workload.check(NAME, &call)?;
        Ok(at_a_time(&self.plan.workload, &call))
    }

    fn check_gradient(&self, angles: &Angles, cotangent: ArrayView2<f64>) -> Result<usize, SimError> {
        self.plan.differentiable.clone()?;
        check::cotangent(angles.batch(), self.plan.terms.len(), cotangent)?;
        self.check(angles, Request::Gradient)
    }

    /// Values of runs of rows, one list for each observable, as (batch, observables).
    fn by_row(&self, batch: usize, parts: &[(Range<usize>, Vec<Vec<f64>>)]) -> Array2<f64> {
        let mut out = Array2::zeros((batch, self.plan.terms.len()));
        for (rows, columns) in parts {
            for (o, column) in columns.iter().enumerate() {
                column.iter().zip(rows.clone()).for_each(|(value, row)| out[[row, o]] = *value);
            }
        }
        out
    }

    /// Bytes of the states before and after every block.
    fn tape_bytes(&self, batch: usize) -> f64 {
        let states = self.plan.blocks().len() + 1;
        (size_of::<F>() * states * batch) as f64 * 4f64.powi(self.plan.stages.qubits as i32)
    }
}

impl<F: Vectors> Prepared for DensityProgram<F> {
    fn resolved_name(&self, _batch: usize) -> String {
        self.name.clone()
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let at_a_time = self.check(&angles, Request::Values)?;
        let plan = &self.plan;
        let all_matrices = plan.bind(&angles);
        let parts = each_of_some(plan.chunks(angles.batch()), at_a_time, |rows| {
            let mut values = plan.no_expectations(rows.len());
            plan.run(&all_matrices, &angles, rows.clone(), WantedBits::Nothing, |_, v| {
                plan.add_expectations(&v, rows.len(), &mut values);
            });
            (rows, values)
        });
        Ok(self.by_row(angles.batch(), &parts))
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        let at_a_time = self.check_gradient(&angles, cotangent)?;
        let (plan, blocks) = (&self.plan, self.plan.blocks());
        let matrices = sweep::bind(blocks, &angles);
        let parts = each_of_some(plan.chunks(angles.batch()), at_a_time, |rows| {
            let ground = sweep::ground(plan.stages.qubits, rows.len());
            let bra = plan.bra(rows.clone(), cotangent);
            let mut found = BlockGradients::new(blocks);
            sweep::reverse(blocks, &matrices, &angles, rows, ground, bra, &mut found);
            found
        });
        Ok(plan.gradient(&angles, &matrices, parts))
    }

    fn value_and_gradient(
        &self,
        angles: Angles,
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        self.check_gradient(&angles, cotangent)?;
        match self.record(angles, sweep::KEPT)? {
            (values, Some(tape)) => Ok((values, tape.vjp(cotangent)?)),
            (values, None) => Ok((values, self.vjp(angles, cotangent)?)),
        }
    }

    fn record(&self, angles: Angles, most_bytes: usize) -> Result<Recorded, SimError> {
        let plan = &self.plan;
        if plan.differentiable.is_err() || self.tape_bytes(angles.batch()) > most_bytes as f64 {
            return Ok((self.expect(angles)?, None));
        }
        self.check(&angles, Request::Values)?;
        let matrices = sweep::bind(plan.blocks(), &angles);
        let runs = each_in_order(plan.chunks(angles.batch()), |rows| {
            let ground = sweep::ground(plan.stages.qubits, rows.len());
            let mut states = sweep::states(plan.blocks(), &matrices, &angles, rows.clone(), ground);
            let last = states.pop().expect("a run ends in a state");
            let mut values = plan.no_expectations(rows.len());
            plan.add_expectations(&last, rows.len(), &mut values);
            ((rows.clone(), values), (rows, states))
        });
        let (values, runs): (Vec<_>, Vec<_>) = runs.into_iter().unzip();
        let values = self.by_row(angles.batch(), &values);
        let tape = DensityTape { plan: Arc::clone(plan), angles: OwnedAngles::of(&angles), matrices, runs };
        Ok((values, Some(Box::new(tape))))
    }

    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let at_a_time = self.check(&angles, Request::Probabilities)?;
        let (plan, stages) = (&self.plan, &self.plan.stages);
        let all_matrices = plan.bind(&angles);
        let mut out = Array2::zeros((angles.batch(), 1 << stages.width()));
        let chunks = plan.chunks(angles.batch());
        // As many chunks at a time as run side by side, so that their tables are not held for the whole batch.
        for chunks in chunks.chunks(at_a_time.max(1)) {
            let parts = each_in_order(chunks.to_vec(), |rows| {
                let mut tables = Array2::zeros((rows.len(), 1 << stages.width()));
                plan.run(&all_matrices, &angles, rows.clone(), WantedBits::Outcomes, |bits, v| {
                    for (lane, mut p) in tables.rows_mut().into_iter().enumerate() {
                        let p = p.as_slice_mut().expect("rows of a new array are contiguous");
                        let outcomes = sweep::outcomes(&v, rows.len(), stages.last_qubits(), lane);
                        if stages.measures {
                            record(&stages.measurements, &outcomes, stages.outcome(bits) as usize, p);
                        } else {
                            p.iter_mut().zip(outcomes).for_each(|(sum, x)| *sum += x);
                        }
                    }
                });
                (rows, tables)
            });
            for (rows, tables) in parts {
                out.slice_mut(s![rows, ..]).assign(&tables);
            }
        }
        Ok(out)
    }

    fn sample(&self, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        let call = Call { shots, ..self.plan.call(Request::Sample, angles.batch()) };
        self.plan.workload.check(NAME, &call)?;
        Ok(sample(self.probabilities(angles)?.view(), shots, seed))
    }
}

/// The states before every block of a forward run.
struct DensityTape<F> {
    plan: Arc<Plan<F>>,
    angles: OwnedAngles,
    matrices: Matrices<F>,
    runs: Vec<(Range<usize>, Vec<Vec<F>>)>,
}

impl<F: Vectors> Tape for DensityTape<F> {
    fn vjp(&self, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        let (plan, angles) = (&self.plan, self.angles.view());
        check::cotangent(angles.batch(), plan.terms.len(), cotangent)?;
        let parts = each_in_order(self.runs.iter().collect(), |(rows, states): &(Range<usize>, Vec<Vec<F>>)| {
            let bra = plan.bra(rows.clone(), cotangent);
            let mut found = BlockGradients::new(plan.blocks());
            sweep::reverse_from(plan.blocks(), &self.matrices, &angles, rows.clone(), states, bra, &mut found);
            found
        });
        Ok(plan.gradient(&angles, &self.matrices, parts))
    }
}
