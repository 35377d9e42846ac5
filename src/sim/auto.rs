//! The engine that chooses an engine.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use crate::circuit::Observable;
use crate::math::Stream;
use crate::noise::Program;
use crate::sim::cost::{Call, Cost, Request, Workload};
use crate::sim::prepared::{Lazy, Prepared, Recorded};
use crate::sim::{
    Account, AngleGradient, Angles, Bond, Cut, Density, EngineOptions, Mps, Pauli, Precision, SimError, Simulator,
    Sparse, Stabilizer, Statevector, Trajectory, cones, density, mps, pauli, sparse, stabilizer, statevector,
    trajectory,
};

/// Runs each program on the exact engine that is estimated to take the least time; Clifford circuits with Pauli noise may be run
/// by [`Stabilizer`], however wide, and chains whose bonds need no truncation by [`Mps`]. Trajectories run what no exact engine
/// can within 16 GiB and an hour, and what takes one more than a second a row and ten times as long as trajectories. Sums of
/// Pauli strings ([`Sparse`]) run expectation values that neither can, or that take trajectories more than ten seconds a row.
/// Of programs whose observables feel only a part each, those parts are run ([`Program::cone`]).
/// [`Auto::choose`] returns the engine. The estimates are those of [`cost`](crate::sim::cost).
#[derive(Clone, Copy, Debug)]
pub struct Auto {
    options: EngineOptions,
    statevector: Statevector,
    density: Density,
    pauli: Pauli,
    trajectory: Trajectory,
    sparse: Sparse,
    mps: Mps,
}

/// The engines to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Statevector,
    Pauli,
    Density,
    Trajectory,
    Sparse,
    Stabilizer,
    Mps,
}

/// Trajectories take the place of an exact engine where it takes longer than this a row, seconds, …
const PATIENCE: f64 = 1.0;
/// … and so many times as long as they do.
const TIMES_FASTER: f64 = 10.0;
/// Sums of Pauli strings take the place of trajectories that take longer than this a row, seconds.
const LONG: f64 = 10.0;

impl Choice {
    /// In the order in which equally fast ones are taken.
    const EXACT: [Self; 5] = [Self::Statevector, Self::Pauli, Self::Density, Self::Stabilizer, Self::Mps];

    fn cost(self, w: &Workload, call: &Call) -> Option<Cost> {
        match self {
            Self::Statevector => statevector::cost(w, call),
            // What it has no way of its own for is left to the engine that it would hand it to.
            Self::Pauli if !w.splits || call.request == Request::Probabilities => None,
            Self::Pauli => pauli::cost(w, call),
            Self::Density => density::cost(w, call),
            Self::Trajectory => trajectory::cost(w, call),
            Self::Sparse => sparse::cost(w, call),
            Self::Stabilizer => stabilizer::cost(w, call),
            // Only chains that are held without truncation are exact, and numbers are double.
            Self::Mps if call.precision == Precision::Single || !mps::is_exact(w, call.bond) => None,
            // Its gradients take a run for each angle: what may be trained is left to engines with a reverse mode.
            Self::Mps if w.angles > 0 && w.observables > 0 => None,
            Self::Mps => mps::cost(w, call),
        }
    }
}

/// The engine for a call of so many rows. It depends on the program and the call, not on the machine or its load.
fn cheapest(w: &Workload, request: Request, rows: usize, options: &EngineOptions) -> Choice {
    let call = Call { threads: 1, ..Call::new(request, options).rows(rows.max(1)) };
    let costs = Choice::EXACT.into_iter().filter_map(|choice| Some((choice, choice.cost(w, &call)?)));
    let fastest = costs.filter(|(_, cost)| cost.fits()).min_by(|a, b| a.1.seconds.total_cmp(&b.1.seconds));
    let sampled = Choice::Trajectory.cost(w, &call).filter(Cost::fits);
    // Probing takes a while.
    let sparse = || Choice::Sparse.cost(w, &call).is_some_and(|cost| cost.fits());
    match (fastest, sampled) {
        (Some((_, exact)), Some(sampled))
            if !w.ideal()
                && options.cut.tolerance.is_none()
                && exact.seconds > PATIENCE * call.rows as f64
                && exact.seconds > TIMES_FASTER * sampled.seconds =>
        {
            Choice::Trajectory
        }
        (Some((choice, _)), _) => choice,
        // Trajectories do not state the error that a tolerance asks for. Sums of strings do, or say why they cannot.
        (None, _) if options.cut.tolerance.is_some() && matches!(request, Request::Values | Request::Gradient) => {
            Choice::Sparse
        }
        (None, sampled) if sampled.is_none_or(|cost| cost.seconds > LONG * call.rows as f64) && sparse() => {
            Choice::Sparse
        }
        // Trajectories hold several state vectors: without noise one alone takes less, and is what a refusal names.
        (None, _) if w.ideal() => Choice::Statevector,
        (None, _) => Choice::Trajectory,
    }
}

/// What a call takes on the engine that is chosen for it.
pub fn cost(w: &Workload, call: &Call) -> Option<Cost> {
    let request = if call.request == Request::Sample { Request::Probabilities } else { call.request };
    cheapest(w, request, call.rows, &options_of(call)).cost(w, call)
}

/// The options of which a call was made.
fn options_of(&Call { shots, precision, strings, below, bond, .. }: &Call) -> EngineOptions {
    let cut = Cut { terms: strings, below, ..Cut::default() };
    let bond = Bond { most: bond, ..Bond::default() };
    EngineOptions { precision, shots, cut, bond, ..EngineOptions::default() }
}

/// [`cost`] for weighing a whole program against its cones: an exact engine is worth a thousand times the time, and [`LONG`] for
/// each string at least, so that a few strings that no exact engine runs leave the others exact. Of observables in parts a
/// tolerance would be met part by part alone, so under one only exact engines run parts.
fn weighed(w: &Workload, call: &Call, options: &EngineOptions) -> Option<(Cost, f64)> {
    let choice = cheapest(w, call.request, call.rows, options);
    match Choice::EXACT.contains(&choice) {
        true => Some((choice.cost(w, call)?, 1.0)),
        false if options.cut.tolerance.is_some() => None,
        false => {
            let cost = choice.cost(w, call)?;
            let least = LONG * call.rows.max(1) as f64 * w.terms.max(1) as f64 / 1e3;
            Some((Cost { seconds: cost.seconds.max(least), ..cost }, 1e3))
        }
    }
}

impl Auto {
    /// With these options for the engines it chooses from.
    pub fn new(options: EngineOptions) -> Self {
        Self {
            options,
            statevector: Statevector::new(options.precision),
            density: Density::new(options.precision),
            pauli: Pauli::new(options.precision),
            trajectory: Trajectory::with_precision(options.shots, options.seed, options.precision),
            sparse: Sparse::new(options.cut),
            // It runs what needs no truncation.
            mps: Mps { bond: Bond { weight: 0.0, ..options.bond }, ..Mps::new(&options) },
        }
    }

    /// The engine that computes so many observables of this program for a batch of `angles`; `None` observables mean
    /// probabilities.
    pub fn choose(&self, program: &Program, angles: Angles, observables: Option<usize>) -> &dyn Simulator {
        let request = observables.map_or(Request::Probabilities, |_| Request::Values);
        let mut workload = Workload::new(program, &[], angles.inputs.ncols());
        workload.observables = observables.unwrap_or(0);
        workload.terms = workload.observables;
        self.engine(cheapest(&workload, request, angles.batch(), &self.options))
    }

    fn engine(&self, choice: Choice) -> &dyn Simulator {
        match choice {
            Choice::Statevector => &self.statevector,
            Choice::Pauli => &self.pauli,
            Choice::Density => &self.density,
            Choice::Trajectory => &self.trajectory,
            Choice::Sparse => &self.sparse,
            Choice::Stabilizer => &Stabilizer,
            Choice::Mps => &self.mps,
        }
    }
}

impl Simulator for Auto {
    fn name(&self) -> String {
        format!("auto, {} precision", self.options.precision)
    }

    fn precision(&self) -> Precision {
        self.options.precision
    }

    fn with_substream(&self, number: u64) -> Option<Arc<dyn Simulator>> {
        let seed = Stream::numbered(self.options.seed, number).bits();
        Some(Arc::new(Self::new(EngineOptions { seed, ..self.options })))
    }

    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        let (engine, options): (Arc<dyn Simulator>, _) = (Arc::new(*self), self.options);
        let weigh = move |w: &Workload, call: &Call| weighed(w, call, &options);
        let cone_options = cones::ConeOptions { cost: &weigh, worth: cones::WORTH, joins: true };
        if let Some(on_cones) = cones::prepare(&engine, &cone_options, &options, program, observables, input_slots)? {
            return Ok(on_cones);
        }
        Ok(Arc::new(AutoProgram {
            engines: *self,
            workload: Workload::new(program, observables, input_slots),
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
    workload: Workload,
    program: Program,
    observables: Vec<Observable>,
    input_slots: usize,
    /// By [`Choice`].
    prepared: [Lazy<Arc<dyn Prepared>>; 7],
}

impl AutoProgram {
    fn choice(&self, batch: usize) -> Choice {
        cheapest(&self.workload, Request::Values, batch, &self.engines.options)
    }

    fn on(&self, choice: Choice) -> Result<&dyn Prepared, SimError> {
        let prepare = || self.engines.engine(choice).prepare(&self.program, &self.observables, self.input_slots);
        self.prepared[choice as usize].get(prepare).map(|prepared| &**prepared)
    }

    fn for_values(&self, angles: &Angles) -> Result<&dyn Prepared, SimError> {
        self.on(self.choice(angles.batch()))
    }

    fn for_outcomes(&self, angles: &Angles) -> Result<&dyn Prepared, SimError> {
        self.on(cheapest(&self.workload, Request::Probabilities, angles.batch(), &self.engines.options))
    }
}

impl Prepared for AutoProgram {
    fn resolved_name(&self, batch: usize) -> String {
        self.engines.engine(self.choice(batch)).name()
    }

    fn draws(&self, batch: usize) -> bool {
        matches!(self.choice(batch), Choice::Trajectory)
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

    fn account(&self, angles: Angles) -> Result<Option<Array2<Account>>, SimError> {
        self.for_values(&angles)?.account(angles)
    }

    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.for_outcomes(&angles)?.probabilities(angles)
    }

    fn sample(&self, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        self.for_outcomes(&angles)?.sample(angles, shots, seed)
    }
}
