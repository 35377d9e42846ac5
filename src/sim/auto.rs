//! The engine that chooses an engine.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use crate::circuit::{Observable, Param};
use crate::noise::{Program, Step};
use crate::sim::check::MEMORY_LIMIT;
use crate::sim::prepared::{Lazy, Prepared, Recorded};
use crate::sim::readout::ProgramParts;
use crate::sim::{
    AngleGradient, Angles, Density, EngineOptions, Pauli, Precision, SimError, Simulator, Statevector, Trajectory,
};

/// Runs each program on the exact engine that is estimated to be the cheapest, or on trajectories where no exact engine
/// fits into memory. [`Auto::choose`] returns it.
#[derive(Clone, Copy, Debug)]
pub struct Auto {
    precision: Precision,
    statevector: Statevector,
    density: Density,
    pauli: Pauli,
    trajectory: Trajectory,
}

/// The engines to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Statevector,
    Pauli,
    Density,
    Trajectory,
}

/// What a call computes: it decides which engines are worth their cost.
#[derive(Clone, Copy)]
enum Request {
    Observables(usize),
    Probabilities,
}

/// What decides the cost of a program on each engine.
struct Costs {
    qubits: usize,
    bits: usize,
    /// Whether every step but terminal measurements is a gate without condition.
    ideal: bool,
    /// Whether it measures before its end or acts under a condition.
    dynamic: bool,
    /// Whether input slots come on single qubits before anything entangles them: what the Heisenberg engine is fast at.
    splits: bool,
}

impl Costs {
    fn of(program: &Program, input_slots: usize) -> Self {
        let parts = ProgramParts::of(program);
        let dynamic = parts.dynamic().is_some();
        Self {
            qubits: program.qubits(),
            bits: program.bits,
            ideal: !dynamic && parts.body.iter().all(|step| matches!(step, Step::Gate(_))),
            dynamic,
            splits: splits(program, input_slots),
        }
    }

    fn cheapest(&self, batch: usize, request: Request) -> Choice {
        let n = self.qubits as i32;
        let (pure, mixed, batch) = (2f64.powi(n), 4f64.powi(n), batch.max(1) as f64);
        // Flops a number and step, bytes in all. A real 16 × 16 matrix represents several fused gates and channels, so a
        // step costs about the same in all pictures.
        let mut candidates: Vec<(f64, f64, Choice)> = Vec::new();
        if self.ideal {
            candidates.push((batch * pure * 2.0, 48.0 * pure, Choice::Statevector));
        }
        if let Request::Observables(count) = request
            && !self.dynamic
            && self.splits
        {
            let count = count.max(1) as f64;
            candidates.push((count * mixed, 32.0 * count * mixed, Choice::Pauli));
        }
        if self.bits <= 62 {
            let branches = if self.dynamic { 4.0 } else { 1.0 };
            candidates.push((batch * mixed * branches, 128.0 * mixed, Choice::Density));
        }
        let fitting = candidates.into_iter().filter(|(_, bytes, _)| *bytes <= MEMORY_LIMIT);
        // Trajectories hold several state vectors: without noise one alone takes less, and is what a refusal names.
        let least = if self.ideal { Choice::Statevector } else { Choice::Trajectory };
        fitting.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(least, |(_, _, choice)| choice)
    }
}

fn splits(program: &Program, input_slots: usize) -> bool {
    let mut entangled = vec![false; program.qubits()];
    program.steps.iter().all(|step| {
        let (qubits, by_row): (&[usize], bool) = match step {
            Step::Gate(op) => {
                let is_input = |p: &Param| p.dependence().is_some_and(|(slot, _)| slot < input_slots);
                (&op.qubits, op.params().iter().any(is_input))
            }
            Step::Noise { qubits, .. } => (qubits, false),
            Step::Measure { .. } | Step::Reset { .. } => (&[], false),
        };
        let many = qubits.len() > 1;
        let fits = !by_row || !many && qubits.iter().all(|&q| !entangled[q]);
        qubits.iter().for_each(|&q| entangled[q] |= many);
        fits
    })
}

impl Auto {
    /// With these options for the engines it chooses from.
    pub fn new(options: EngineOptions) -> Self {
        Self {
            precision: options.precision,
            statevector: Statevector::new(options.precision),
            density: Density::new(options.precision),
            pauli: Pauli::new(options.precision),
            trajectory: Trajectory::with_precision(options.shots, options.seed, options.precision),
        }
    }

    /// The engine that computes so many observables of this program for a batch of `angles`; `None` observables mean
    /// probabilities.
    pub fn choose(&self, program: &Program, angles: Angles, observables: Option<usize>) -> &dyn Simulator {
        let request = observables.map_or(Request::Probabilities, Request::Observables);
        self.engine(Costs::of(program, angles.inputs.ncols()).cheapest(angles.batch(), request))
    }

    fn engine(&self, choice: Choice) -> &dyn Simulator {
        match choice {
            Choice::Statevector => &self.statevector,
            Choice::Pauli => &self.pauli,
            Choice::Density => &self.density,
            Choice::Trajectory => &self.trajectory,
        }
    }
}

impl Simulator for Auto {
    fn name(&self) -> String {
        format!("auto, {} precision", self.precision)
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        Ok(Arc::new(AutoProgram {
            engines: *self,
            costs: Costs::of(program, input_slots),
            program: program.clone(),
            observables: observables.to_vec(),
            input_slots,
            prepared: Default::default(),
        }))
    }
}

/// A program that is prepared on each engine when a batch first runs there.
struct AutoProgram {
    engines: Auto,
    costs: Costs,
    program: Program,
    observables: Vec<Observable>,
    input_slots: usize,
    /// By [`Choice`].
    prepared: [Lazy<Arc<dyn Prepared>>; 4],
}

impl AutoProgram {
    fn choice(&self, batch: usize) -> Choice {
        self.costs.cheapest(batch, Request::Observables(self.observables.len()))
    }

    fn on(&self, choice: Choice) -> Result<&dyn Prepared, SimError> {
        let prepare = || self.engines.engine(choice).prepare(&self.program, &self.observables, self.input_slots);
        self.prepared[choice as usize].get(prepare).map(|prepared| &**prepared)
    }

    fn for_values(&self, angles: &Angles) -> Result<&dyn Prepared, SimError> {
        self.on(self.choice(angles.batch()))
    }

    fn for_outcomes(&self, angles: &Angles) -> Result<&dyn Prepared, SimError> {
        self.on(self.costs.cheapest(angles.batch(), Request::Probabilities))
    }
}

impl Prepared for AutoProgram {
    fn resolved_name(&self, batch: usize) -> String {
        self.engines.engine(self.choice(batch)).name()
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.for_values(&angles)?.expect(angles)
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        self.for_values(&angles)?.vjp(angles, cotangent)
    }

    fn value_and_gradient(
        &self,
        angles: Angles,
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        self.for_values(&angles)?.value_and_gradient(angles, cotangent)
    }

    fn record(&self, angles: Angles, most_bytes: usize) -> Result<Recorded, SimError> {
        self.for_values(&angles)?.record(angles, most_bytes)
    }

    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.for_outcomes(&angles)?.probabilities(angles)
    }

    fn sample(&self, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        self.for_outcomes(&angles)?.sample(angles, shots, seed)
    }
}
