//! A program made ready to run, and the tape of a forward run.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use crate::noise::Program;
use crate::sim::angles::OwnedAngles;
use crate::sim::kernel::vector::Vectors;
use crate::sim::kernel::{chunks, each_in_order};
use crate::sim::pauli::heisenberg::{HeisenbergObservables, ObservableCache};
use crate::sim::pauli::plan::Plan;
use crate::sim::pauli::product::Product;
use crate::sim::pauli::{INSTEAD, NAME};
use crate::sim::prepared::{Lazy, Prepared, Recorded, Tape};
use crate::sim::{AngleGradient, Angles, Density, SimError, Simulator, check};

/// Rows contracted together.
const ROWS: usize = 16;

/// A plan that runs.
pub struct PauliProgram<F> {
    /// The engine's name.
    name: String,
    plan: Arc<Plan<F>>,
    cache: ObservableCache<F>,
    density: Density,
    program: Program,
    /// The program on the density engine, which finds probabilities.
    outcomes: Lazy<Arc<dyn Prepared>>,
}

impl<F: Vectors> PauliProgram<F> {
    pub fn new(name: String, plan: Plan<F>, density: Density, program: Program) -> Self {
        let cache = ObservableCache::default();
        Self { name, plan: Arc::new(plan), cache, density, program, outcomes: Lazy::default() }
    }

    fn check(&self, angles: &Angles) -> Result<(), SimError> {
        check::angles(self.plan.slots, self.plan.input_slots, angles)
    }

    fn check_gradient(&self, angles: &Angles, cotangent: ArrayView2<f64>) -> Result<(), SimError> {
        self.plan.differentiable.clone()?;
        check::cotangent(angles.batch(), self.plan.terms.len(), cotangent)?;
        self.check(angles)
    }

    /// The observables before the suffix, under these weights.
    fn heisenberg(&self, angles: &Angles) -> Result<Arc<HeisenbergObservables<F>>, SimError> {
        let Plan { qubits, suffix, terms, .. } = &*self.plan;
        let numbers = 4.0 * terms.len().max(1) as f64 * 4f64.powi(*qubits as i32);
        check::memory(NAME, *qubits, size_of::<F>() as f64 * numbers, INSTEAD)?;
        Ok(self.cache.get(angles, || HeisenbergObservables::new(suffix, *qubits, angles, terms)))
    }

    /// Values of runs of rows as (batch, observables).
    fn by_row(&self, batch: usize, parts: impl IntoIterator<Item = Vec<f64>>) -> Array2<f64> {
        let values = parts.into_iter().flatten().collect();
        Array2::from_shape_vec((batch, self.plan.terms.len()), values)
            .expect("each row of the batch gave one value per observable")
    }

    /// Bytes of the product states of so many rows, and of the observables pulled back.
    fn tape_bytes(&self, batch: usize) -> f64 {
        let vectors = 4.0 / 3.0 * batch as f64 + self.plan.terms.len() as f64;
        size_of::<F>() as f64 * vectors * 4f64.powi(self.plan.qubits as i32)
    }
}

impl<F: Vectors> Prepared for PauliProgram<F> {
    fn resolved_name(&self, _batch: usize) -> String {
        self.name.clone()
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.check(&angles)?;
        let heisenberg = self.heisenberg(&angles)?;
        let parts = each_in_order(chunks(angles.batch(), ROWS), |rows| {
            self.plan.prefix.run(&angles, rows).contract(&heisenberg.front, self.plan.terms.len())
        });
        Ok(self.by_row(angles.batch(), parts))
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        self.check_gradient(&angles, cotangent)?;
        let heisenberg = self.heisenberg(&angles)?;
        let parts = each_in_order(chunks(angles.batch(), ROWS), |rows| {
            backward(&self.plan, &heisenberg, &angles, &self.plan.prefix.run(&angles, rows), cotangent)
        });
        Ok(gradient(&self.plan, &heisenberg, &angles, parts))
    }

    fn value_and_gradient(
        &self,
        angles: Angles,
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        self.check_gradient(&angles, cotangent)?;
        let heisenberg = self.heisenberg(&angles)?;
        let parts = each_in_order(chunks(angles.batch(), ROWS), |rows| {
            let state = self.plan.prefix.run(&angles, rows);
            let values = state.contract(&heisenberg.front, self.plan.terms.len());
            (values, backward(&self.plan, &heisenberg, &angles, &state, cotangent))
        });
        let (values, parts): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        Ok((self.by_row(angles.batch(), values), gradient(&self.plan, &heisenberg, &angles, parts)))
    }

    fn record(&self, angles: Angles, most_bytes: usize) -> Result<Recorded, SimError> {
        if self.plan.differentiable.is_err() || self.tape_bytes(angles.batch()) > most_bytes as f64 {
            return Ok((self.expect(angles)?, None));
        }
        self.check(&angles)?;
        let heisenberg = self.heisenberg(&angles)?;
        let runs = each_in_order(chunks(angles.batch(), ROWS), |rows| {
            let state = self.plan.prefix.run(&angles, rows);
            (state.contract(&heisenberg.front, self.plan.terms.len()), state)
        });
        let (values, states): (Vec<_>, Vec<_>) = runs.into_iter().unzip();
        let (plan, owned) = (Arc::clone(&self.plan), OwnedAngles::of(&angles));
        let tape = PauliTape { plan, angles: owned, heisenberg, states };
        Ok((self.by_row(angles.batch(), values), Some(Box::new(tape))))
    }

    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let prepare = || self.density.prepare(&self.program, &[], self.plan.input_slots);
        self.outcomes.get(prepare)?.probabilities(angles)
    }
}

/// What a backward run over some rows gives: (row, slot, value) of the slots of the prefix, and the rows contracted into
/// one vector for each observable.
type Backward<F> = (Vec<(usize, usize, f64)>, Vec<F>);

fn backward<F: Vectors>(
    plan: &Plan<F>,
    heisenberg: &HeisenbergObservables<F>,
    angles: &Angles,
    state: &Product<F>,
    cotangent: ArrayView2<f64>,
) -> Backward<F> {
    let weights = cotangent.slice(ndarray::s![state.rows(), ..]);
    (state.gradient(&plan.prefix, angles, &heisenberg.front, weights), state.mixed(weights))
}

/// The gradient of the whole batch from the parts of its runs of rows, in order.
fn gradient<F: Vectors>(
    plan: &Plan<F>,
    heisenberg: &HeisenbergObservables<F>,
    angles: &Angles,
    parts: Vec<Backward<F>>,
) -> AngleGradient {
    let mut gradient = AngleGradient::zeros(angles);
    let mut carried = vec![F::ZERO; heisenberg.front.len()];
    for (found, mixed) in parts {
        found.into_iter().for_each(|(row, slot, value)| gradient.add(row, slot, value));
        carried.iter_mut().zip(mixed).for_each(|(sum, x)| *sum += x);
    }
    heisenberg.gradient(&plan.suffix, angles, carried, &mut gradient);
    gradient
}

/// The product states of a forward run, and the observables that they were contracted with.
struct PauliTape<F> {
    plan: Arc<Plan<F>>,
    angles: OwnedAngles,
    heisenberg: Arc<HeisenbergObservables<F>>,
    states: Vec<Product<F>>,
}

impl<F: Vectors> Tape for PauliTape<F> {
    fn vjp(&self, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        let angles = self.angles.view();
        check::cotangent(angles.batch(), self.plan.terms.len(), cotangent)?;
        let parts = each_in_order(self.states.iter().collect(), |state: &Product<F>| {
            backward(&self.plan, &self.heisenberg, &angles, state, cotangent)
        });
        Ok(gradient(&self.plan, &self.heisenberg, &angles, parts))
    }
}
