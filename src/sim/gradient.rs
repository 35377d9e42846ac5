//! Gradients, exact or estimated, with any engine.

use std::f64::consts::{FRAC_PI_2, SQRT_2};

use ndarray::{Array1, Array2, ArrayView2};
use rayon::prelude::*;

use crate::circuit::{Observable, Op, OpKind, Shift};
use crate::math::Stream;
use crate::noise::{Program, Step};
use crate::sim::{AngleGradient, Angles, SimError, Simulator, check, derived};

/// How a gradient is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gradient {
    /// The engine's own [`Simulator::vjp`]: reverse mode, exact, at a cost independent of the number of angles.
    Adjoint,
    /// Parameter shift: exact, from expectation values alone, so it also works on hardware and with shots. Two or four
    /// runs for each angle of each gate that has a slot.
    Shift,
    /// Central difference `(f(a + h) - f(a - h)) / 2h`: error of order h² (and of rounding over h).
    Difference {
        /// The step h, radians. 1e-4 balances both errors in double precision, 1e-2 in single.
        step: f64,
    },
    /// Simultaneous perturbation (Spall 1992, doi 10.1109/9.119632): unbiased up to order `step²`, two runs for each
    /// sample whatever the number of angles, and noisy.
    Spsa {
        /// The size of the perturbation, radians.
        step: f64,
        /// How many random directions are averaged.
        samples: usize,
        /// Seed of the directions.
        seed: u64,
    },
}

impl Gradient {
    /// The gradient of `Σ cotangent[b][o] · expect[b][o]`; arguments as [`Simulator::vjp`].
    ///
    /// # Errors
    /// As [`Simulator::vjp`], if a gate has no shift rule (a rotation under extra controls has two frequencies, but its
    /// row describes the gate alone), and if a step is not above 0 or there are no samples.
    pub fn vjp(
        self,
        engine: &dyn Simulator,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<AngleGradient, SimError> {
        let by_all = |program: &Program, angles: Angles| self.vjp(engine, program, angles, observables, cotangent);
        if let Some(gradient) = derived::gradient(program, &angles, by_all) {
            return gradient;
        }
        let input_slots = angles.inputs.ncols();
        check::angles(program.slots, input_slots, &angles)?;
        check::cotangent(angles.batch(), observables.len(), cotangent)?;
        let weighted = |values: Array2<f64>| (values * cotangent).sum_axis(ndarray::Axis(1));
        match self {
            Self::Adjoint => engine.vjp(program, angles, observables, cotangent),
            Self::Shift => {
                shift(program, angles, |shifted| Ok(weighted(engine.expect(shifted, angles, observables)?)))
            }
            Self::Difference { step } => {
                check::step(step)?;
                let prepared = engine.prepare(program, observables, input_slots)?;
                difference(angles, step, |angles| Ok(weighted(prepared.expect(angles)?)))
            }
            Self::Spsa { samples: 0, .. } => Err(SimError::NoSamples),
            Self::Spsa { step, samples, seed } => {
                check::step(step)?;
                let prepared = engine.prepare(program, observables, input_slots)?;
                spsa(angles, (step, samples, seed), |angles| Ok(weighted(prepared.expect(angles)?)))
            }
        }
    }
}

/// The rule of frequencies 1/2 and 1, as weights and displacements.
pub(super) const FOUR_TERM: [(f64, f64); 4] = {
    let [near, far] = [(SQRT_2 + 1.0) / (4.0 * SQRT_2), (SQRT_2 - 1.0) / (4.0 * SQRT_2)];
    [(near, FRAC_PI_2), (-near, -FRAC_PI_2), (-far, 3.0 * FRAC_PI_2), (far, -3.0 * FRAC_PI_2)]
};

/// Weights and displacements of a rule: `f'(θ) = Σ w f(θ + s)`.
fn rule(shift: Shift) -> Vec<(f64, f64)> {
    match shift {
        Shift::TwoTerm => vec![(0.5, FRAC_PI_2), (-0.5, -FRAC_PI_2)],
        Shift::FourTerm => FOUR_TERM.to_vec(),
        Shift::Axis => FOUR_TERM.map(|(weight, by)| (2.0 * weight, by / 2.0)).to_vec(),
    }
}

/// The rule of angle `k` of an operation.
fn rule_of(op: &Op, k: usize) -> Result<Vec<(f64, f64)>, SimError> {
    match &op.kind {
        // No expectation value depends on it.
        OpKind::GlobalPhase(_) => Ok(Vec::new()),
        OpKind::Gate { gate, controls: 0, .. } => Ok(rule(gate.row().shift[k])),
        _ => Err(SimError::Unsupported {
            engine: "the parameter-shift rule",
            step: op.name(),
            instead: "write it with gates of the table, use Difference, or an engine with a reverse mode (statevector, \
                      density, pauli)",
        }),
    }
}

/// One term of a shift rule: an angle of a gate displaced.
pub(super) struct ShiftTerm {
    /// The gate's position among the steps.
    pub step: usize,
    /// Which of its angles.
    pub index: usize,
    /// The slot that the angle depends on.
    pub slot: usize,
    /// What the value found counts in the derivative by the slot.
    pub weight: f64,
    /// The displacement, radians.
    pub by: f64,
}

impl ShiftTerm {
    /// The program with the angle displaced.
    pub fn apply(&self, program: &Program) -> Program {
        let mut shifted = program.clone();
        let Step::Gate(op) = &mut shifted.steps[self.step] else { unreachable!("only gates have angles") };
        op.params_mut()[self.index] = op.params()[self.index] + self.by;
        shifted
    }
}

/// All terms of the shift rules of a program. A slot may be in several gates: each is shifted alone and the derivatives
/// are added.
pub(super) fn shift_terms(program: &Program) -> Result<Vec<ShiftTerm>, SimError> {
    check::differentiable(program)?;
    let mut all = Vec::new();
    for (at, step) in program.steps.iter().enumerate() {
        let Step::Gate(op) = step else { continue };
        for (index, param) in op.params().iter().enumerate() {
            let Some((slot, scale)) = param.dependence() else { continue };
            let terms = rule_of(op, index)?.into_iter();
            all.extend(terms.map(|(weight, by)| ShiftTerm { step: at, index, slot, weight: scale * weight, by }));
        }
    }
    Ok(all)
}

/// Widest programs of which several run side by side: engines spread wider ones over threads themselves, and only one
/// then takes memory.
const SIDE_BY_SIDE: usize = 10;

/// `each` of some terms, in order.
pub(super) fn each_term<T: Send>(
    program: &Program,
    terms: &[ShiftTerm],
    each: impl Fn(&ShiftTerm) -> T + Send + Sync,
) -> Vec<T> {
    if program.qubits() <= SIDE_BY_SIDE {
        terms.par_iter().map(each).collect()
    } else {
        terms.iter().map(each).collect()
    }
}

fn shift(
    program: &Program,
    angles: Angles,
    value: impl Fn(&Program) -> Result<Array1<f64>, SimError> + Sync,
) -> Result<AngleGradient, SimError> {
    let runs = shift_terms(program)?;
    let value = |run: &ShiftTerm| value(&run.apply(program));
    let values: Vec<Array1<f64>> = each_term(program, &runs, value).into_iter().collect::<Result<_, _>>()?;
    let mut gradient = AngleGradient::zeros(&angles);
    for (run, values) in runs.iter().zip(&values) {
        values.iter().enumerate().for_each(|(row, f)| gradient.add(row, run.slot, run.weight * f));
    }
    Ok(gradient)
}

fn difference(
    angles: Angles,
    step: f64,
    value: impl Fn(Angles) -> Result<Array1<f64>, SimError>,
) -> Result<AngleGradient, SimError> {
    let mut gradient = AngleGradient::zeros(&angles);
    for slot in 0..angles.slots() {
        for (by, weight) in [(step, 0.5 / step), (-step, -0.5 / step)] {
            let (mut inputs, mut weights) = (angles.inputs.to_owned(), angles.weights.to_owned());
            match slot.checked_sub(inputs.ncols()) {
                None => inputs.column_mut(slot).mapv_inplace(|a| a + by),
                Some(k) => weights[k] += by,
            }
            let values = value(Angles { inputs: inputs.view(), weights: weights.view() })?;
            values.iter().enumerate().for_each(|(row, f)| gradient.add(row, slot, weight * f));
        }
    }
    Ok(gradient)
}

fn spsa(
    angles: Angles,
    (step, samples, seed): (f64, usize, u64),
    value: impl Fn(Angles) -> Result<Array1<f64>, SimError>,
) -> Result<AngleGradient, SimError> {
    let mut gradient = AngleGradient::zeros(&angles);
    for sample in 0..samples {
        let mut stream = Stream::numbered(seed, sample as u64);
        let mut sign = || if stream.uniform() < 0.5 { -1.0 } else { 1.0 };
        let inputs = Array2::from_shape_simple_fn(angles.inputs.dim(), &mut sign);
        let weights = Array1::from_shape_simple_fn(angles.weights.dim(), &mut sign);
        let at = |by: f64| {
            let (inputs, weights) = (&angles.inputs + &(&inputs * by), &angles.weights + &(&weights * by));
            value(Angles { inputs: inputs.view(), weights: weights.view() })
        };
        let slope = (at(step)? - at(-step)?) / (2.0 * step * samples as f64);
        // A sign is its own inverse.
        for ((mut sum, signs), slope) in gradient.inputs.rows_mut().into_iter().zip(inputs.rows()).zip(&slope) {
            sum.scaled_add(*slope, &signs);
        }
        gradient.weights.scaled_add(slope.sum(), &weights);
    }
    Ok(gradient)
}
