//! One program, run many times from |0…0⟩ to its final state.

use ndarray::Array1;

use crate::math::C64;
use crate::noise::Program;
use crate::sim::cost::Request;
use crate::sim::kernel::amplitudes::State;
use crate::sim::kernel::vector::Vectors;
use crate::sim::statevector::Statevector;
use crate::sim::statevector::plan::Plan;
use crate::sim::statevector::tile_pass::TilePasses;
use crate::sim::{Angles, Precision, SimError, check};

/// A unitary program with its passes planned and its amplitudes allocated, made by [`Statevector::runner`].
///
/// ```
/// use qgraft::circuit::{Circuit, Gate};
/// use qgraft::noise::Program;
/// use qgraft::sim::Statevector;
/// let mut circuit = Circuit::new(2);
/// let angle = circuit.slot("angle");
/// circuit.push(Gate::Ry, &[0], &[angle])?.push(Gate::Cx, &[0, 1], &[])?;
/// let mut runner = Statevector::default().runner(&Program::ideal(&circuit, &[]))?;
/// for angle in [0.1, 0.2] {
///     runner.run(&[angle])?;
///     let p = runner.probabilities();
///     assert!((p[3] - (angle / 2.0).sin().powi(2)).abs() < 1e-15);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StatevectorRunner {
    plan: Plan,
    amplitudes: Amplitudes,
}

enum Amplitudes {
    Double(Buffer<f64>),
    Single(Buffer<f32>),
}

struct Buffer<F> {
    state: State<F>,
    /// TilePasses that no angle changes.
    fixed: Option<TilePasses<F>>,
}

impl<F: Vectors> Buffer<F> {
    fn new(plan: &Plan) -> Self {
        Self { state: plan.ground(), fixed: (plan.slots == 0).then(|| plan.passes(&Angles::of_weights(&[]), 0)) }
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

impl StatevectorRunner {
    pub(super) fn new(engine: &Statevector, program: &Program) -> Result<Self, SimError> {
        let plan = engine.plan(program, &[], 0, Request::Values)?;
        let amplitudes = match engine.precision {
            Precision::Double => Amplitudes::Double(Buffer::new(&plan)),
            Precision::Single => Amplitudes::Single(Buffer::new(&plan)),
        };
        Ok(Self { plan, amplitudes })
    }

    /// From |0…0⟩ to the final state before terminal measurements, for one vector of angles (radians) of all slots,
    /// derived ones too ([`Circuit::expand`](crate::circuit::Circuit::expand)). Nothing is allocated if the program has none.
    ///
    /// # Errors
    /// If there are not as many angles as slots, or one is NaN or infinite.
    pub fn run(&mut self, angles: &[f64]) -> Result<(), SimError> {
        check::angles(self.plan.slots, 0, &Angles::of_weights(angles))?;
        match &mut self.amplitudes {
            Amplitudes::Double(amplitudes) => amplitudes.run(&self.plan, angles),
            Amplitudes::Single(amplitudes) => amplitudes.run(&self.plan, angles),
        }
        Ok(())
    }

    /// Amplitude `Σ bit_q 2^q` of the state after the last [`StatevectorRunner::run`].
    ///
    /// # Panics
    /// If `index` is not below 2ⁿ.
    pub fn amplitude(&self, index: usize) -> C64 {
        assert!(index < 1 << self.plan.qubits, "amplitude {index} of {} qubits", self.plan.qubits);
        match &self.amplitudes {
            Amplitudes::Double(amplitudes) => amplitudes.amplitude(index),
            Amplitudes::Single(amplitudes) => amplitudes.amplitude(index),
        }
    }

    /// All amplitudes after the last [`StatevectorRunner::run`], 2ⁿ.
    pub fn amplitudes(&self) -> Array1<C64> {
        (0..1 << self.plan.qubits).map(|index| self.amplitude(index)).collect()
    }

    /// Outcome probabilities of the qubits after the last [`StatevectorRunner::run`], 2ⁿ.
    pub fn probabilities(&self) -> Array1<f64> {
        (0..1 << self.plan.qubits).map(|index| self.amplitude(index).norm_sqr()).collect()
    }
}
