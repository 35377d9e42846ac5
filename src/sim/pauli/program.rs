//! A program made ready to run, and the tape of a forward run.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use crate::noise::Program;
use crate::sim::angles::OwnedAngles;
use crate::sim::cost::Request;
use crate::sim::kernel::vector::Vectors;
use crate::sim::kernel::{chunks, each_in_order, each_of_some};
use crate::sim::pauli::NAME;
use crate::sim::pauli::cost::{at_a_time, rows as rows_together};
use crate::sim::pauli::heisenberg::{HeisenbergObservables, ObservableCache};
use crate::sim::pauli::plan::{Plan, call};
use crate::sim::pauli::product::Product;
use crate::sim::prepared::{Lazy, Prepared, Recorded, Tape};
use crate::sim::{AngleGradient, Angles, Density, SimError, Simulator, check};

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

    /// The angles fit the program and the call the machine. Returns the runs of rows, and how many go side by side.
    fn check(&self, angles: &Angles, request: Request) -> Result<(Vec<Range<usize>>, usize), SimError> {
        check::angles(self.plan.slots, self.plan.input_slots, angles)?;
        let (workload, call) = (&self.plan.workload, call::<F>(request, angles.batch()));
        workload.check(NAME, &call)?;
        let together = rows_together(call.number() * workload.mixed());
        Ok((chunks(angles.batch(), together), at_a_time(workload, &call)))
    }

    fn check_gradient(
        &self,
        angles: &Angles,
        cotangent: ArrayView2<f64>,
    ) -> Result<(Vec<Range<usize>>, usize), SimError> {
        self.plan.differentiable.clone()?;
        check::cotangent(angles.batch(), self.plan.terms.len(), cotangent)?;
        self.check(angles, Request::Gradient)
    }

    /// The observables before the suffix, under these weights.
    fn heisenberg(&self, angles: &Angles) -> Arc<HeisenbergObservables<F>> {
        let plan = &*self.plan;
        let build = |old| HeisenbergObservables::new(&plan.suffix, angles, plan.observables(), plan.terms.len(), old);
        self.cache.get(angles, build)
    }

    fn outcomes(&self) -> Result<&dyn Prepared, SimError> {
        let prepare = || self.density.prepare(&self.program, &[], self.plan.input_slots);
        self.outcomes.get(prepare).map(|prepared| &**prepared)
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
        let (chunks, at_a_time) = self.check(&angles, Request::Values)?;
        let heisenberg = self.heisenberg(&angles);
        let parts = each_of_some(chunks, at_a_time, |rows| {
            self.plan.prefix.run(&angles, rows).contract(&heisenberg.front, self.plan.terms.len())
        });
        Ok(self.by_row(angles.batch(), parts))
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        Ok(self.value_and_gradient(angles, cotangent)?.1)
    }

    fn value_and_gradient(
        &self,
        angles: Angles,
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        let (chunks, at_a_time) = self.check_gradient(&angles, cotangent)?;
        let heisenberg = self.heisenberg(&angles);
        let (mut values, mut gradient) = (Vec::new(), GradientSum::new(&heisenberg, &angles));
        // As many chunks at a time as run side by side: each leaves a vector for each observable.
        for chunks in chunks.chunks(at_a_time.max(1)) {
            let parts = each_in_order(chunks.to_vec(), |rows| {
                let state = self.plan.prefix.run(&angles, rows);
                let values = state.contract(&heisenberg.front, self.plan.terms.len());
                (values, backward(&self.plan, &heisenberg, &angles, &state, cotangent))
            });
            for (part, backward) in parts {
                values.push(part);
                gradient.add(backward);
            }
        }
        Ok((self.by_row(angles.batch(), values), gradient.finish(&self.plan, &heisenberg, &angles)))
    }

    fn record(&self, angles: Angles, most_bytes: usize) -> Result<Recorded, SimError> {
        if self.plan.differentiable.is_err() || self.tape_bytes(angles.batch()) > most_bytes as f64 {
            return Ok((self.expect(angles)?, None));
        }
        let (chunks, _) = self.check(&angles, Request::Values)?;
        let heisenberg = self.heisenberg(&angles);
        let runs = each_in_order(chunks, |rows| {
            let state = self.plan.prefix.run(&angles, rows);
            (state.contract(&heisenberg.front, self.plan.terms.len()), state)
        });
        let (values, states): (Vec<_>, Vec<_>) = runs.into_iter().unzip();
        let (plan, owned) = (Arc::clone(&self.plan), OwnedAngles::of(&angles));
        let tape = PauliTape { plan, angles: owned, heisenberg, states };
        Ok((self.by_row(angles.batch(), values), Some(Box::new(tape))))
    }

    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.outcomes()?.probabilities(angles)
    }

    fn sample(&self, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        self.outcomes()?.sample(angles, shots, seed)
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

/// The gradient of the whole batch, added up from the parts of its runs of rows, in order.
struct GradientSum<F> {
    gradient: AngleGradient,
    carried: Vec<F>,
}

impl<F: Vectors> GradientSum<F> {
    fn new(heisenberg: &HeisenbergObservables<F>, angles: &Angles) -> Self {
        Self { gradient: AngleGradient::zeros(angles), carried: vec![F::ZERO; heisenberg.front.len()] }
    }

    fn add(&mut self, (found, mixed): Backward<F>) {
        found.into_iter().for_each(|(row, slot, value)| self.gradient.add(row, slot, value));
        self.carried.iter_mut().zip(mixed).for_each(|(sum, x)| *sum += x);
    }

    fn finish(self, plan: &Plan<F>, heisenberg: &HeisenbergObservables<F>, angles: &Angles) -> AngleGradient {
        let Self { mut gradient, carried } = self;
        heisenberg.gradient(&plan.suffix, angles, carried, &mut gradient);
        gradient
    }
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
        let mut gradient = GradientSum::new(&self.heisenberg, &angles);
        for states in self.states.chunks(rayon::current_num_threads()) {
            let parts = each_in_order(states.iter().collect(), |state: &Product<F>| {
                backward(&self.plan, &self.heisenberg, &angles, state, cotangent)
            });
            parts.into_iter().for_each(|part| gradient.add(part));
        }
        Ok(gradient.finish(&self.plan, &self.heisenberg, &angles))
    }
}
