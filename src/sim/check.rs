//! What every engine checks before it starts.

use ndarray::ArrayView2;

use crate::circuit::Observable;
use crate::noise::{Program, Step};
use crate::sim::{Angles, SimError, cost};

/// Angles fit a program of `slots` slots that was prepared for `input_slots` input slots, and are finite.
pub fn angles(slots: usize, input_slots: usize, angles: &Angles) -> Result<(), SimError> {
    if angles.slots() != slots {
        return Err(SimError::AngleCount { slots, got: angles.slots() });
    }
    if angles.inputs.ncols() != input_slots {
        return Err(SimError::InputSlots { expected: input_slots, got: angles.inputs.ncols() });
    }
    let weights = angles.weights.iter().enumerate().map(|(k, v)| (0, input_slots + k, *v));
    let inputs = angles.inputs.indexed_iter().map(|((row, slot), v)| (row, slot, *v));
    match inputs.chain(weights).find(|(_, _, value)| !value.is_finite()) {
        Some((row, slot, value)) => Err(SimError::NotFinite { row, slot, value }),
        None => Ok(()),
    }
}

/// Every observable lies inside the register.
pub fn observables(program: &Program, observables: &[Observable]) -> Result<(), SimError> {
    let qubits = program.qubits();
    match observables.iter().find(|o| o.width() > qubits) {
        Some(o) => Err(SimError::ObservableOutOfRange { observable: o.to_string(), qubits }),
        None => Ok(()),
    }
}

/// The cotangent has a row per row of angles and a column per observable.
pub fn cotangent(batch: usize, observables: usize, cotangent: ArrayView2<f64>) -> Result<(), SimError> {
    let expected = (batch, observables);
    if cotangent.dim() == expected { Ok(()) } else { Err(SimError::CotangentShape { got: cotangent.dim(), expected }) }
}

/// Every step of the program has a derivative.
pub fn differentiable(program: &Program) -> Result<(), SimError> {
    let refused = program.steps.iter().find_map(|step| match step {
        Step::Gate(op) if op.condition.is_some() => Some(format!("{} under a condition", op.name())),
        Step::Noise { condition: Some(_), channel, .. } => Some(format!("{} under a condition", channel.name())),
        Step::Measure { qubit, .. } => Some(format!("measure of qubit {qubit}")),
        Step::Assign { bit, .. } => Some(format!("assignment of classical bit {bit}")),
        Step::Reset { qubit, .. } => Some(format!("reset of qubit {qubit}")),
        _ => None,
    });
    refused.map_or(Ok(()), |step| Err(SimError::NotDifferentiable { step }))
}

/// A difference can be taken over this step.
pub fn step(step: f64) -> Result<(), SimError> {
    if step > 0.0 && step.is_finite() { Ok(()) } else { Err(SimError::DifferenceStep { step }) }
}

/// Memory for `what`, which is no call of an engine.
pub fn memory(what: &'static str, qubits: usize, bytes: f64, instead: &'static str) -> Result<(), SimError> {
    let there = cost::available(bytes);
    if bytes <= there {
        return Ok(());
    }
    let (needed, there) = (cost::size(bytes), cost::size(there));
    Err(SimError::TooLarge { engine: what, qubits, needed, there, instead: instead.into() })
}

/// `what`, which is no call of an engine, takes no longer than a call may.
pub fn seconds(what: &str, seconds: f64, instead: &str) -> Result<(), SimError> {
    if seconds <= cost::TIME_LIMIT {
        return Ok(());
    }
    Err(SimError::TooLong { engine: what.into(), needed: cost::duration(seconds), instead: instead.into() })
}

/// `shots` draws from known probabilities take no longer than a call may.
pub fn draws(shots: usize) -> Result<(), SimError> {
    let seconds = shots as f64 * cost::DRAW;
    if seconds <= cost::TIME_LIMIT {
        return Ok(());
    }
    let fitting = cost::TIME_LIMIT / cost::DRAW;
    let instead = format!("use at most {fitting:.0}, or exact probabilities, which are the limit of many shots");
    Err(SimError::TooLong { engine: format!("drawing {shots} shots"), needed: cost::duration(seconds), instead })
}
