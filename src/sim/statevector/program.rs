//! A unitary program made ready to run, and the tape of a forward run.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array2, ArrayView1, ArrayView2};

use crate::math::C64;
use crate::sim::angles::OwnedAngles;
use crate::sim::cost::Request;
use crate::sim::kernel::amplitudes::State;
use crate::sim::kernel::each_in_order;
use crate::sim::kernel::float::Float;
use crate::sim::kernel::vector::Vectors;
use crate::sim::prepared::{Prepared, Recorded, Tape};
use crate::sim::readout::record;
use crate::sim::sample::sample;
use crate::sim::statevector::gates::EntryTable;
use crate::sim::statevector::plan::{Backward, Forward, Plan};
use crate::sim::{AngleGradient, Angles, SimError, check};

/// A plan that runs with numbers of width F.
pub struct StatevectorProgram<F> {
    /// The engine's name.
    name: String,
    plan: Arc<Plan>,
    width: PhantomData<F>,
}

impl<F: Vectors> StatevectorProgram<F> {
    pub fn new(name: String, plan: Plan) -> Self {
        Self { name, plan: Arc::new(plan), width: PhantomData }
    }

    /// The final state of every row, (batch, 2ⁿ).
    pub fn states(&self, angles: Angles) -> Result<Array2<C64>, SimError> {
        let plan = &self.plan;
        let at_a_time = plan.check(&angles, Request::States, 0)?;
        let size = 1usize << plan.qubits;
        let shared = EntryTable::<F>::shared(&plan.gates, &angles);
        let mut out = Array2::zeros((angles.batch(), size));
        for chunks in plan.chunks::<F>(angles.batch()).chunks(at_a_time) {
            for run in each_in_order(chunks.to_vec(), |rows| plan.forward(&shared, &angles, rows)) {
                for (lane, row) in run.rows.enumerate() {
                    for (i, z) in out.row_mut(row).iter_mut().enumerate() {
                        let at = i * run.state.lanes + lane;
                        *z = C64::new(run.state.re[at].double(), run.state.im[at].double());
                    }
                }
            }
        }
        Ok(out)
    }

    /// Values of runs of rows as (batch, observables).
    fn by_row(&self, batch: usize, parts: impl IntoIterator<Item = Vec<f64>>) -> Array2<f64> {
        let values = parts.into_iter().flatten().collect();
        Array2::from_shape_vec((batch, self.plan.observables), values)
            .expect("each row of the batch gave one value per observable")
    }

    /// Angles, cotangent and program allow a gradient.
    fn check_gradient(&self, angles: &Angles, cotangent: ArrayView2<f64>) -> Result<usize, SimError> {
        self.plan.differentiable.clone()?;
        check::cotangent(angles.batch(), self.plan.observables, cotangent)?;
        self.plan.check(angles, Request::Gradient, 0)
    }

    /// Bytes that a tape of so many rows holds, apart from the entries of gates.
    fn tape_bytes(&self, batch: usize) -> f64 {
        (2 * size_of::<F>() * batch) as f64 * 2f64.powi(self.plan.qubits as i32)
    }
}

impl<F: Vectors> Prepared for StatevectorProgram<F> {
    fn resolved_name(&self, _batch: usize) -> String {
        self.name.clone()
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let plan = &self.plan;
        let at_a_time = plan.check(&angles, Request::Values, 0)?;
        let shared = EntryTable::<F>::shared(&plan.gates, &angles);
        let parts = plan.for_rows::<F, _>((angles.batch(), at_a_time), |rows| {
            plan.expectations(&plan.forward::<F>(&shared, &angles, rows).state)
        });
        Ok(self.by_row(angles.batch(), parts))
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        let at_a_time = self.check_gradient(&angles, cotangent)?;
        let plan = &self.plan;
        let shared = EntryTable::<F>::shared(&plan.gates, &angles);
        let parts = plan.for_rows::<F, _>((angles.batch(), at_a_time), |rows| {
            let forward = plan.forward(&shared, &angles, rows);
            plan.backward(&shared, &angles, forward, |row, o| cotangent[[row, o]])
        });
        Ok(plan.gradient(&angles, parts))
    }

    fn value_and_gradient(
        &self,
        angles: Angles,
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        let at_a_time = self.check_gradient(&angles, cotangent)?;
        let plan = &self.plan;
        let shared = EntryTable::<F>::shared(&plan.gates, &angles);
        let parts = plan.for_rows::<F, _>((angles.batch(), at_a_time), |rows| {
            let forward = plan.forward(&shared, &angles, rows);
            let values = plan.expectations(&forward.state);
            (values, plan.backward(&shared, &angles, forward, |row, o| cotangent[[row, o]]))
        });
        let (values, parts): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        Ok((self.by_row(angles.batch(), values), plan.gradient(&angles, parts)))
    }

    fn record(&self, angles: Angles, most_bytes: usize) -> Result<Recorded, SimError> {
        let plan = &self.plan;
        if plan.differentiable.is_err() || self.tape_bytes(angles.batch()) > most_bytes as f64 {
            return Ok((self.expect(angles)?, None));
        }
        let at_a_time = plan.check(&angles, Request::Values, 0)?;
        let shared = EntryTable::<F>::shared(&plan.gates, &angles);
        let runs = plan.for_rows::<F, _>((angles.batch(), at_a_time), |rows| {
            let forward = plan.forward::<F>(&shared, &angles, rows);
            (plan.expectations(&forward.state), forward)
        });
        let (values, runs): (Vec<_>, Vec<Forward<F>>) = runs.into_iter().unzip();
        let values = self.by_row(angles.batch(), values);
        let held: usize = runs.iter().map(Forward::bytes).sum();
        let tape = StatevectorTape { plan: Arc::clone(plan), angles: OwnedAngles::of(&angles), shared, runs };
        Ok((values, (held <= most_bytes).then(|| Box::new(tape) as Box<dyn Tape>)))
    }

    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let plan = &self.plan;
        let at_a_time = plan.check(&angles, Request::Probabilities, 0)?;
        let width = plan.bits.unwrap_or(plan.qubits);
        let shared = EntryTable::<F>::shared(&plan.gates, &angles);
        let tables = |rows: Range<usize>| -> Vec<Vec<f64>> {
            let state = plan.forward::<F>(&shared, &angles, rows).state;
            let each = (0..state.lanes).map(|lane| {
                let p = outcomes(&state, lane);
                if plan.bits.is_none() {
                    return p;
                }
                let mut recorded = vec![0.0; 1 << width];
                record(&plan.measurements, &p, 0, &mut recorded);
                recorded
            });
            each.collect()
        };
        if angles.batch() == 1 {
            // A wide register has no room for a second table.
            let p = tables(0..1).remove(0);
            return Ok(Array2::from_shape_vec((1, 1 << width), p).expect("one row of outcomes"));
        }
        let mut out = Array2::zeros((angles.batch(), 1 << width));
        // As many runs at a time as go side by side, so that their tables are not held for the whole batch.
        for chunks in plan.chunks::<F>(angles.batch()).chunks(at_a_time) {
            for (rows, tables) in each_in_order(chunks.to_vec(), |rows| (rows.clone(), tables(rows))) {
                rows.zip(tables).for_each(|(row, p)| out.row_mut(row).assign(&ArrayView1::from(&p)));
            }
        }
        Ok(out)
    }

    fn sample(&self, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        self.plan.check(&angles, Request::Sample, shots)?;
        Ok(sample(self.probabilities(angles)?.view(), shots, seed))
    }
}

/// The final states of a forward run with the entries of its gates.
struct StatevectorTape<F> {
    plan: Arc<Plan>,
    angles: OwnedAngles,
    shared: EntryTable<F>,
    runs: Vec<Forward<F>>,
}

impl<F: Vectors> Tape for StatevectorTape<F> {
    fn vjp(&self, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        let (plan, angles) = (&self.plan, self.angles.view());
        check::cotangent(angles.batch(), plan.observables, cotangent)?;
        let parts: Vec<Backward> = each_in_order(self.runs.iter().collect(), |forward: &Forward<F>| {
            // The backward run un-applies the gates from the state itself.
            plan.backward(&self.shared, &angles, forward.copied(), |row, o| cotangent[[row, o]])
        });
        Ok(plan.gradient(&angles, parts))
    }
}

/// Outcome probabilities of one lane.
fn outcomes<F: Float>(state: &State<F>, lane: usize) -> Vec<f64> {
    let amplitudes = (lane..state.re.len()).step_by(state.lanes);
    let square = |x: F| x.double() * x.double();
    amplitudes.map(|i| square(state.re[i]) + square(state.im[i])).collect()
}
