//! What every engine checks before it starts.

use ndarray::ArrayView2;

use crate::circuit::Observable;
use crate::noise::{Program, Step};
use crate::sim::{Angles, SimError};

/// No engine allocates more than this for one call, bytes.
pub const MEMORY_LIMIT: f64 = 16.0 * 1024.0 * 1024.0 * 1024.0;

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
    let outside = |o: &&Observable| qubits < 64 && o.support() >> qubits != 0;
    match observables.iter().find(outside) {
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
        Step::Reset { qubit, .. } => Some(format!("reset of qubit {qubit}")),
        _ => None,
    });
    refused.map_or(Ok(()), |step| Err(SimError::NotDifferentiable { step }))
}

/// A difference can be taken over this step.
pub fn step(step: f64) -> Result<(), SimError> {
    if step > 0.0 && step.is_finite() { Ok(()) } else { Err(SimError::DifferenceStep { step }) }
}

/// `bytes` is not more than an engine may allocate.
pub fn memory(engine: &'static str, qubits: usize, bytes: f64, instead: &'static str) -> Result<(), SimError> {
    if bytes <= MEMORY_LIMIT {
        return Ok(());
    }
    Err(SimError::TooLarge { engine, qubits, needed: size(bytes), instead })
}

/// No engine draws shots for longer than this in one call, seconds.
const TIME_LIMIT: f64 = 3600.0;

/// `shots` shots of `seconds` each do not take longer than an hour.
pub fn time(engine: &'static str, shots: usize, seconds: f64) -> Result<(), SimError> {
    let whole = shots as f64 * seconds;
    if whole <= TIME_LIMIT {
        return Ok(());
    }
    let needed = match whole / 3600.0 {
        hours if hours < 48.0 => format!("{hours:.1} hours"),
        hours if hours < 48.0 * 365.0 => format!("{:.0} days", hours / 24.0),
        hours => format!("{:.0} years", hours / 24.0 / 365.0),
    };
    Err(SimError::TooLong { engine, shots, needed, fitting: (TIME_LIMIT / seconds) as usize })
}

/// A number of bytes for people.
fn size(bytes: f64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let power = ((bytes.max(1.0).log2() / 10.0) as usize).min(UNITS.len() - 1);
    match bytes / 1024f64.powi(power as i32) {
        few if few < 10.0 => format!("{few:.1} {}", UNITS[power]),
        some if some < 1e4 => format!("{some:.0} {}", UNITS[power]),
        many => format!("{many:.0e} {}", UNITS[power]),
    }
}
