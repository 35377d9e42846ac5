//! More noise on purpose: a gate, its inverse, and the gate again.

use std::collections::BTreeSet;

use crate::circuit::{Op, OpKind};
use crate::noise::{Program, Step};
use crate::sim::SimError;

/// No folded program is longer: so many steps take about half a gigabyte.
const MOST_STEPS: f64 = 2e6;

/// Which part of a program is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folding {
    /// Everything: U becomes U U† U. What is left over repeats the end of the circuit.
    Global,
    /// Each noisy gate on its own: G becomes G G† G. What is left over is spread evenly.
    Local,
}

/// A gate with the noise behind it, up to the next gate.
struct Group<'a>(&'a [Step]);

impl Group<'_> {
    fn is_noisy(&self) -> bool {
        self.0.iter().any(|step| matches!(step, Step::Noise { .. }))
    }

    /// The inverse gate with the same noise: on IBM devices entanglers and X are their own inverse, √X† is √X between
    /// frame changes, and frame changes have no noise.
    fn inverse(&self) -> Result<Vec<Step>, SimError> {
        let inverted = |step: &Step| match step {
            Step::Gate(op) => inverse(op).map(Step::Gate),
            noise => Ok(noise.clone()),
        };
        self.0.iter().map(inverted).collect()
    }
}

fn inverse(op: &Op) -> Result<Op, SimError> {
    op.inverse().ok_or_else(|| SimError::Unsupported {
        engine: "folding",
        step: op.name(),
        instead: "fold circuits of unconditional gates with measurements at the end only",
    })
}

/// `program` with `scale` times its noise, and the factor reached: whole gates are repeated, so it is the nearest one to
/// `scale` that their number allows. Noise that waits for nothing, such as idling, is repeated with the gate before it.
/// Readout errors are not scaled.
///
/// # Errors
/// If `scale` is below 1, not finite or so large that the program would have more than 2·10⁶ steps, or the program resets,
/// acts under a condition, or goes on with a qubit behind its measurement.
pub fn fold(program: &Program, scale: f64, folding: Folding) -> Result<(Program, f64), SimError> {
    if !(scale >= 1.0 && scale.is_finite()) {
        return Err(SimError::NoiseScale { scale });
    }
    let most = MOST_STEPS / program.steps.len().max(1) as f64;
    if scale > most.max(1.0) {
        return Err(SimError::TooMuchFolding { scale, steps: program.steps.len(), most: most.max(1.0) });
    }
    let (body, reads) = apart(&program.steps)?;
    let groups: Vec<Group> = body.chunk_by(|_, next| !matches!(next, Step::Gate(_))).map(Group).collect();
    let noisy: Vec<usize> = (0..groups.len()).filter(|&k| groups[k].is_noisy()).collect();
    let repeats = ((scale - 1.0) / 2.0 * noisy.len() as f64).round() as usize;
    let (whole, left) = (repeats / noisy.len().max(1), repeats % noisy.len().max(1));
    let mut steps = Vec::with_capacity(body.len() * (1 + 2 * (whole + 1)));
    match folding {
        Folding::Global => {
            let back_and_forth = |from: usize, steps: &mut Vec<Step>| -> Result<(), SimError> {
                for group in groups[from..].iter().rev() {
                    steps.extend(group.inverse()?);
                }
                steps.extend(groups[from..].iter().flat_map(|group| group.0.to_vec()));
                Ok(())
            };
            steps.extend_from_slice(&body);
            for _ in 0..whole {
                back_and_forth(0, &mut steps)?;
            }
            if left > 0 {
                back_and_forth(noisy[noisy.len() - left], &mut steps)?;
            }
        }
        Folding::Local => {
            let mut seen = 0;
            for group in &groups {
                steps.extend_from_slice(group.0);
                if !group.is_noisy() {
                    continue;
                }
                let extra = (seen + 1) * left / noisy.len() - seen * left / noisy.len();
                seen += 1;
                for _ in 0..whole + extra {
                    steps.extend(group.inverse()?);
                    steps.extend_from_slice(group.0);
                }
            }
        }
    }
    steps.extend(reads);
    let reached = if noisy.is_empty() { scale } else { 1.0 + 2.0 * repeats as f64 / noisy.len() as f64 };
    Ok((Program { steps, ..program.clone() }, reached))
}

/// The steps without measurements, and the measurements. A measurement waits for the end, if nothing behind it depends on it.
fn apart(steps: &[Step]) -> Result<(Vec<Step>, Vec<Step>), SimError> {
    let (mut body, mut reads) = (Vec::with_capacity(steps.len()), Vec::new());
    let mut measured = BTreeSet::new();
    for step in steps {
        let behind = |qubits: &[usize]| {
            !reads.is_empty() && (step.condition().is_some() || qubits.iter().any(|qubit| measured.contains(qubit)))
        };
        let refused = match step {
            Step::Measure { qubit, condition: None, .. } => {
                measured.insert(*qubit);
                reads.push(step.clone());
                continue;
            }
            Step::Gate(op) => behind(&op.qubits).then(|| format!("{} behind a measurement", op.name())),
            Step::Noise { channel, qubits, .. } => {
                behind(qubits).then(|| format!("{} behind a measurement", channel.name()))
            }
            Step::Measure { qubit, .. } => Some(format!("measurement of qubit {qubit} under a condition")),
            Step::Assign { bit, .. } => Some(format!("assignment of classical bit {bit}")),
            Step::Reset { qubit, .. } => {
                let (step, instead) = (format!("reset of qubit {qubit}"), "start every qubit in |0⟩ once");
                return Err(SimError::Unsupported { engine: "folding", step, instead });
            }
        };
        if let Some(step) = refused {
            return Err(SimError::Unsupported { engine: "folding", step, instead: "measure at the end only" });
        }
        body.push(step.clone());
    }
    Ok((body, reads))
}

/// Whether a step is a gate without condition.
pub fn plain_gate(step: &Step) -> Option<&Op> {
    match step {
        Step::Gate(op) if op.condition.is_none() && !matches!(op.kind, OpKind::GlobalPhase(_)) => Some(op),
        _ => None,
    }
}
