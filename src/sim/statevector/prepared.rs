//! Programs made ready to be run many times from |0…0⟩ to their final state.

use std::sync::Arc;

use ndarray::Array1;

use crate::math::C64;
use crate::noise::Program;
use crate::sim::kernel::amplitudes::State;
use crate::sim::kernel::vector::Vectors;
use crate::sim::statevector::tile_pass::TilePasses;
use crate::sim::statevector::{INSTEAD, NAME, Plan, Statevector};
use crate::sim::{Angles, Precision, SimError, check};

/// A unitary program with its passes planned and its amplitudes allocated, made by [`Statevector::prepare`].
///
/// ```
/// use qgraft::circuit::{Circuit, Gate};
/// use qgraft::noise::Program;
/// use qgraft::sim::Statevector;
/// let mut circuit = Circuit::new(2);
/// let angle = circuit.slot("angle");
/// circuit.push(Gate::Ry, &[0], &[angle])?.push(Gate::Cx, &[0, 1], &[])?;
/// let mut prepared = Statevector::default().prepare(&Program::ideal(&circuit, &[]))?;
/// for angle in [0.1, 0.2] {
///     prepared.run(&[angle])?;
///     let p = prepared.probabilities();
///     assert!((p[3] - (angle / 2.0).sin().powi(2)).abs() < 1e-15);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Prepared {
    program: Program,
    plan: Arc<Plan>,
    run: Run,
}

enum Run {
    Double(Amplitudes<f64>),
    Single(Amplitudes<f32>),
}

struct Amplitudes<F> {
    state: State<F>,
    /// TilePasses that no angle changes.
    fixed: Option<TilePasses<F>>,
}

impl<F: Vectors> Amplitudes<F> {
    fn new(plan: &Plan, slots: usize) -> Self {
        Self { state: plan.ground(), fixed: (slots == 0).then(|| plan.passes(&Angles::of_weights(&[]), 0)) }
    }

    fn run(&mut self, plan: &Plan, angles: &[f64]) {
        self.state.re.fill(F::ZERO);
        self.state.im.fill(F::ZERO);
        self.state.re[0] = F::ONE;
        match &self.fixed {
            Some(passes) => passes.run(&mut self.state),
            None => plan.passes(&Angles::of_weights(angles), 0).run(&mut self.state),
        }
    }

    fn amplitude(&self, index: usize) -> C64 {
        C64::new(self.state.re[index].double(), self.state.im[index].double())
    }
}

impl Prepared {
    pub(super) fn new(engine: &Statevector, program: &Program) -> Result<Self, SimError> {
        let qubits = program.qubits();
        let size = if engine.precision == Precision::Double { 16.0 } else { 8.0 };
        check::memory(NAME, qubits, size * 2f64.powi(qubits as i32), INSTEAD)?;
        let plan = engine.memo.get(program, 0, || Plan::of(program, 0))?;
        let run = match engine.precision {
            Precision::Double => Run::Double(Amplitudes::new(&plan, program.slots)),
            Precision::Single => Run::Single(Amplitudes::new(&plan, program.slots)),
        };
        Ok(Self { program: program.clone(), plan, run })
    }

    /// From |0…0⟩ to the final state before terminal measurements, for one vector of angles (radians). Nothing is
    /// allocated if the program has no slots.
    ///
    /// # Errors
    /// If there are not as many angles as slots, or one is NaN or infinite.
    pub fn run(&mut self, angles: &[f64]) -> Result<(), SimError> {
        check::angles(&self.program, &Angles::of_weights(angles))?;
        match &mut self.run {
            Run::Double(amplitudes) => amplitudes.run(&self.plan, angles),
            Run::Single(amplitudes) => amplitudes.run(&self.plan, angles),
        }
        Ok(())
    }

    /// Amplitude `Σ bit_q 2^q` of the state after the last [`Prepared::run`].
    ///
    /// # Panics
    /// If `index` is not below 2ⁿ.
    pub fn amplitude(&self, index: usize) -> C64 {
        assert!(index < 1 << self.program.qubits(), "amplitude {index} of {} qubits", self.program.qubits());
        match &self.run {
            Run::Double(amplitudes) => amplitudes.amplitude(index),
            Run::Single(amplitudes) => amplitudes.amplitude(index),
        }
    }

    /// All amplitudes after the last [`Prepared::run`], 2ⁿ.
    pub fn amplitudes(&self) -> Array1<C64> {
        (0..1 << self.program.qubits()).map(|index| self.amplitude(index)).collect()
    }

    /// Outcome probabilities of the qubits after the last [`Prepared::run`], 2ⁿ.
    pub fn probabilities(&self) -> Array1<f64> {
        (0..1 << self.program.qubits()).map(|index| self.amplitude(index).norm_sqr()).collect()
    }
}
