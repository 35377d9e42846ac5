//! Second derivatives along a direction.

use ndarray::{Array2, ArrayView2};

use crate::circuit::Observable;
use crate::noise::Program;
use crate::sim::gradient::{ShiftTerm, each_term, shift_terms};
use crate::sim::{AngleGradient, Angles, SimError, Simulator, check, derived};

/// How a product of the Hessian with a vector is found from gradients of an engine. The Hessian itself is never written
/// down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hessian {
    /// Parameter shift of the gradient: exact, two or four gradients for each angle of each gate that has a slot.
    Shift,
    /// Central difference of the gradient along the direction: two gradients, error of order `step²`.
    Difference {
        /// The step, in units of the direction. 1e-4 balances truncation and rounding for a direction of norm one.
        step: f64,
    },
}

impl Hessian {
    /// `Σ_j ∂²f/∂a_i ∂a_j · direction_j` for `f = Σ cotangent[b][o] · expect[b][o]`; other arguments as
    /// [`Simulator::vjp`]. `direction` and the result are shaped like the gradient.
    ///
    /// # Errors
    /// As [`Simulator::vjp`], if `direction` has another shape than the angles or, for `Shift`, a gate has no shift rule or
    /// an angle is computed of others, for `Difference`, the step is not above 0.
    pub fn vector(
        self,
        engine: &dyn Simulator,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
        direction: &AngleGradient,
    ) -> Result<AngleGradient, SimError> {
        let input_slots = angles.inputs.ncols();
        check::angles(program.declared_slots(), input_slots, &angles)?;
        check::cotangent(angles.batch(), observables.len(), cotangent)?;
        let got = (direction.inputs.dim(), direction.weights.len());
        let expected = (angles.inputs.dim(), angles.weights.len());
        if got != expected {
            return Err(SimError::DirectionShape { got, expected });
        }
        match self {
            Self::Shift if !program.derived.is_empty() => Err(SimError::Unsupported {
                engine: "the parameter-shift rule of second derivatives",
                step: "an angle that is computed of others".into(),
                instead: "use Difference",
            }),
            Self::Shift => {
                let split = angles.inputs.ncols();
                let terms = shift_terms(program)?;
                let part = |shift: &ShiftTerm| {
                    // Gradients are linear in the cotangent, so a direction that differs by row scales the rows of it.
                    let along = |row: usize| match shift.slot.checked_sub(split) {
                        None => direction.inputs[[row, shift.slot]],
                        Some(k) => direction.weights[k],
                    };
                    let scaled = Array2::from_shape_fn(cotangent.dim(), |(row, o)| {
                        shift.weight * along(row) * cotangent[[row, o]]
                    });
                    engine.vjp(&shift.apply(program), angles, observables, scaled.view())
                };
                let mut sum = AngleGradient::zeros(&angles);
                for part in each_term(program, &terms, part) {
                    sum += part?;
                }
                Ok(sum)
            }
            Self::Difference { step } => {
                check::step(step)?;
                check::differentiable(program)?;
                let prepared = derived::prepare(engine, program, observables, input_slots)?;
                let at = |by: f64| {
                    let inputs = &angles.inputs + &(&direction.inputs * by);
                    let weights = &angles.weights + &(&direction.weights * by);
                    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
                    prepared.vjp(angles, cotangent)
                };
                let change = combined(&at(step)?, &at(-step)?, -1.0);
                Ok(combined(&AngleGradient::zeros(&angles), &change, 0.5 / step))
            }
        }
    }
}

/// `a + factor · b`.
fn combined(a: &AngleGradient, b: &AngleGradient, factor: f64) -> AngleGradient {
    AngleGradient { inputs: &a.inputs + &(&b.inputs * factor), weights: &a.weights + &(&b.weights * factor) }
}
