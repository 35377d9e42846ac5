//! The engine that chooses an engine.

use ndarray::{Array2, ArrayView2};

use crate::circuit::Observable;
use crate::noise::{Program, Step};
use crate::sim::check::MEMORY_LIMIT;
use crate::sim::readout::ProgramParts;
use crate::sim::{
    AngleGradient, Angles, Density, EngineOptions, Pauli, Precision, SimError, Simulator, Statevector, Trajectory,
};

/// Runs each program on the exact engine that is estimated to be the cheapest, or on trajectories where no exact engine
/// fits into memory. [`Auto::choose`] says which.
pub struct Auto {
    precision: Precision,
    statevector: Statevector,
    density: Density,
    pauli: Pauli,
    trajectory: Trajectory,
}

/// What is asked for: it decides which engines pay.
#[derive(Clone, Copy)]
enum Question {
    Observables(usize),
    Probabilities,
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

    /// The engine that `expect` and `vjp` take for this program, batch and number of observables; `None` observables
    /// stand for `probabilities`.
    pub fn choose(&self, program: &Program, angles: Angles, observables: Option<usize>) -> &dyn Simulator {
        self.pick(program, &angles, observables.map_or(Question::Probabilities, Question::Observables))
    }

    fn pick(&self, program: &Program, angles: &Angles, question: Question) -> &dyn Simulator {
        let n = program.qubits() as i32;
        let (pure, mixed, batch) = (2f64.powi(n), 4f64.powi(n), angles.batch().max(1) as f64);
        let parts = ProgramParts::of(program);
        let ideal = parts.dynamic().is_none() && parts.body.iter().all(|step| matches!(step, Step::Gate(_)));
        // Flops a number and step, bytes in all. A real 16 × 16 matrix represents several fused gates and channels, so a
        // step costs about the same in all pictures.
        let mut candidates: Vec<(f64, f64, &dyn Simulator)> = Vec::new();
        if ideal {
            candidates.push((batch * pure * 2.0, 48.0 * pure, &self.statevector));
        }
        if let Question::Observables(count) = question
            && parts.dynamic().is_none()
            && splits(program, angles.inputs.ncols())
        {
            let count = count.max(1) as f64;
            candidates.push((count * mixed, 32.0 * count * mixed, &self.pauli));
        }
        if program.bits <= 62 {
            let branches = if parts.dynamic().is_some() { 4.0 } else { 1.0 };
            candidates.push((batch * mixed * branches, 128.0 * mixed, &self.density));
        }
        let fitting = candidates.into_iter().filter(|(_, bytes, _)| *bytes <= MEMORY_LIMIT);
        fitting.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(&self.trajectory, |(_, _, engine)| engine)
    }
}

/// Whether input slots stand on single qubits before anything entangles them: what the Heisenberg engine is fast at.
fn splits(program: &Program, input_slots: usize) -> bool {
    let mut entangled = vec![false; program.qubits()];
    program.steps.iter().all(|step| {
        let (qubits, by_row): (&[usize], bool) = match step {
            Step::Gate(op) => {
                let row = |p: &crate::circuit::Param| p.dependence().is_some_and(|(slot, _)| slot < input_slots);
                (&op.qubits, op.params().iter().any(row))
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

impl Simulator for Auto {
    fn name(&self) -> String {
        format!("auto, {} precision", self.precision)
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn resolved_name(&self, program: &Program, angles: Angles, observables: usize) -> String {
        self.choose(program, angles, Some(observables)).name()
    }

    fn expect(&self, program: &Program, angles: Angles, observables: &[Observable]) -> Result<Array2<f64>, SimError> {
        self.pick(program, &angles, Question::Observables(observables.len())).expect(program, angles, observables)
    }

    fn vjp(
        &self,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<AngleGradient, SimError> {
        let engine = self.pick(program, &angles, Question::Observables(observables.len()));
        engine.vjp(program, angles, observables, cotangent)
    }

    fn value_and_gradient(
        &self,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        let engine = self.pick(program, &angles, Question::Observables(observables.len()));
        engine.value_and_gradient(program, angles, observables, cotangent)
    }

    fn probabilities(&self, program: &Program, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.pick(program, &angles, Question::Probabilities).probabilities(program, angles)
    }

    fn sample(&self, program: &Program, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        self.pick(program, &angles, Question::Probabilities).sample(program, angles, shots, seed)
    }
}
