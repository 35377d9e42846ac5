//! A noisy or dynamic program made ready to run, and the tape of a forward run.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView2};

use crate::sim::angles::OwnedAngles;
use crate::sim::density::NAME;
use crate::sim::density::plan::{Branches, Matrices, Plan};
use crate::sim::kernel::each_in_order;
use crate::sim::kernel::pauli::sweep::{self, BlockGradients};
use crate::sim::kernel::vector::Vectors;
use crate::sim::prepared::{Prepared, Recorded, Tape};
use crate::sim::readout::record;
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

    fn check(&self, angles: &Angles) -> Result<(), SimError> {
        check::angles(self.plan.slots, self.plan.input_slots, angles)
    }

    fn check_gradient(&self, angles: &Angles, cotangent: ArrayView2<f64>) -> Result<(), SimError> {
        self.plan.differentiable.clone()?;
        check::cotangent(angles.batch(), self.plan.terms.len(), cotangent)?;
        self.check(angles)
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
        self.check(&angles)?;
        let all_matrices = self.plan.bind(&angles);
        let parts = each_in_order(Plan::<F>::chunks(angles.batch()), |rows| {
            let branches = self.plan.run(&all_matrices, &angles, rows.clone());
            let values = self.plan.expectations(&branches, rows.len());
            (rows, values)
        });
        Ok(self.by_row(angles.batch(), &parts))
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        self.check_gradient(&angles, cotangent)?;
        let (plan, blocks) = (&self.plan, self.plan.blocks());
        let matrices = sweep::bind(blocks, &angles);
        let parts = each_in_order(Plan::<F>::chunks(angles.batch()), |rows| {
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
        self.check(&angles)?;
        let matrices = sweep::bind(plan.blocks(), &angles);
        let runs = each_in_order(Plan::<F>::chunks(angles.batch()), |rows| {
            let ground = sweep::ground(plan.stages.qubits, rows.len());
            let mut states = sweep::states(plan.blocks(), &matrices, &angles, rows.clone(), ground);
            let last = states.pop().expect("a run ends in a state");
            let values = plan.expectations(&Branches::from([(0, last)]), rows.len());
            ((rows.clone(), values), (rows, states))
        });
        let (values, runs): (Vec<_>, Vec<_>) = runs.into_iter().unzip();
        let values = self.by_row(angles.batch(), &values);
        let tape = DensityTape { plan: Arc::clone(plan), angles: OwnedAngles::of(&angles), matrices, runs };
        Ok((values, Some(Box::new(tape))))
    }

    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.check(&angles)?;
        let stages = &self.plan.stages;
        let all_matrices = self.plan.bind(&angles);
        let width = stages.width();
        let bytes = angles.batch() as f64 * 8.0 * 2f64.powi(width as i32);
        check::memory(NAME, stages.qubits, bytes, "sample counts instead")?;
        let parts = each_in_order(Plan::<F>::chunks(angles.batch()), |rows| {
            let (lanes, branches) = (rows.len(), self.plan.run(&all_matrices, &angles, rows));
            let each = (0..lanes).map(|lane| {
                let mut p = vec![0.0; 1 << width];
                for (bits, v) in &branches {
                    let outcomes = sweep::outcomes(v, lanes, stages.qubits, lane);
                    if stages.measures {
                        record(&stages.measurements, &outcomes, *bits as usize, &mut p);
                    } else {
                        p.iter_mut().zip(outcomes).for_each(|(sum, x)| *sum += x);
                    }
                }
                p
            });
            each.collect::<Vec<_>>()
        });
        let mut out = Array2::zeros((angles.batch(), 1 << width));
        for (mut row, p) in out.rows_mut().into_iter().zip(parts.into_iter().flatten()) {
            row.assign(&Array1::from(p));
        }
        Ok(out)
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
