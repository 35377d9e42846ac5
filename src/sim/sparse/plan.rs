//! The steps of an observable's cone, and the product states they start from.

use super::map::{Action, LocalMap, MOST_OPERANDS};
use super::tape::Step;
use crate::circuit::{Observable, OpKind};
use crate::noise::{self, Program};
use crate::sim::SimError;
use crate::sim::readout::{ProgramParts, WideTerms, recorded_strings};

/// Strings hold at most so many qubits.
pub const MOST_QUBITS: usize = 192;

/// One observable of a program, on its cone.
pub struct Plan {
    pub qubits: usize,
    /// In the order of the program.
    pub steps: Vec<Step>,
    /// What happens to each qubit before anything entangles it.
    pub starts: Vec<Option<LocalMap>>,
    /// The observable at the end, readout error included.
    pub terms: WideTerms,
    /// Sum of the magnitudes of the observable: no value is larger.
    pub norm: f64,
    /// Whether a step, starts apart, reads a slot that differs by row.
    pub by_row: bool,
}

impl Plan {
    /// # Errors
    /// If the cone has a step that the engine does not run, or more qubits than a string holds.
    pub fn new(
        engine: &'static str,
        program: &Program,
        observable: &Observable,
        inputs: usize,
    ) -> Result<Self, SimError> {
        let (cone, kept) = program.cone(observable);
        let mut positions = vec![0; program.qubits()];
        kept.iter().enumerate().for_each(|(position, &qubit)| positions[qubit] = position);
        let observable = observable.relabel(&positions);
        let qubits = cone.qubits();
        let unsupported = |step: String, instead| SimError::Unsupported { engine, step, instead };
        if qubits > MOST_QUBITS {
            let step = format!("an observable that depends on {qubits} qubits");
            return Err(unsupported(step, "use an observable that depends on at most 192"));
        }
        let parts = ProgramParts::of(&cone);
        let mut maps: Vec<LocalMap> = Vec::new();
        // The last map on each qubit.
        let mut last: Vec<Option<usize>> = vec![None; qubits];
        for step in &parts.body {
            let condition = "use density or trajectory";
            let map = match step {
                noise::Step::Gate(op) if op.condition.is_some() => {
                    return Err(unsupported(format!("{} under a condition", op.name()), condition));
                }
                noise::Step::Gate(op) if matches!(op.kind, OpKind::GlobalPhase(_)) => continue,
                noise::Step::Gate(op) if op.qubits.len() > MOST_OPERANDS => {
                    let step = format!("{} on {} qubits", op.name(), op.qubits.len());
                    return Err(unsupported(step, "decompose it, or use statevector or density"));
                }
                noise::Step::Gate(op) => LocalMap::gate(op),
                noise::Step::Noise { condition: None, channel, qubits } => LocalMap::channel(channel, qubits),
                noise::Step::Reset { condition: None, qubit } => LocalMap::reset(*qubit),
                noise::Step::Measure { condition: None, qubit, .. } => LocalMap::dephasing(*qubit),
                _ => return Err(unsupported("a step under a condition".into(), condition)),
            };
            let open = last[map.qubits[0]].filter(|&at| maps[at].qubits == map.qubits);
            match open.filter(|_| map.qubits.iter().all(|&qubit| last[qubit] == open)) {
                Some(at) => maps[at].join(map),
                None => {
                    map.qubits.iter().for_each(|&qubit| last[qubit] = Some(maps.len()));
                    maps.push(map);
                }
            }
        }
        let (mut starts, mut steps, mut fresh) =
            ((0..qubits).map(|_| None).collect::<Vec<_>>(), Vec::new(), vec![true; qubits]);
        for map in maps {
            match map.qubits[..] {
                [qubit] if fresh[qubit] && starts[qubit].is_none() => starts[qubit] = Some(map),
                _ => {
                    let action = map.action(program.slots);
                    if !matches!(action, Action::Nothing) {
                        steps.push(Step { action, map });
                    }
                }
            }
            if let Some(step) = steps.last() {
                step.map.qubits.iter().for_each(|&qubit| fresh[qubit] = false);
            }
        }
        let terms = recorded_strings(engine, &cone, std::slice::from_ref(&observable), &parts.measurements)?;
        Ok(Self {
            qubits,
            by_row: steps.iter().any(|step| step.map.slots().any(|slot| slot < inputs)),
            steps,
            starts,
            terms: terms.into_iter().next().unwrap_or_default(),
            norm: observable.terms.iter().map(|(weight, _)| weight.abs()).sum(),
        })
    }
}
