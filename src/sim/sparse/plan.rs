//! The steps of an observable's cone, and the product states they start from.

use std::ops::Range;

use super::map::{Action, LocalMap, MOST_OPERANDS, Monomial};
use super::sum::{Key, letter, local, support, with_local};
use crate::circuit::{Observable, OpKind};
use crate::noise::{self, Program};
use crate::sim::SimError;
use crate::sim::error::FOR_DYNAMIC;
use crate::sim::readout::{ProgramParts, WideTerms, recorded_strings};

/// Strings hold at most so many qubits.
pub const MOST_QUBITS: usize = 192;

/// A step: a local map, and what it does.
pub struct Step {
    pub map: LocalMap,
    pub action: Action,
}

/// Steps on different qubits that map strings to strings, one after the other; or one step that makes sums.
pub struct Level {
    pub steps: Range<usize>,
    /// Which of the steps acts on a qubit.
    of_qubit: Vec<Option<u32>>,
}

impl Level {
    fn new(qubits: usize, steps: Range<usize>, all: &[Step]) -> Self {
        let mut of_qubit = vec![None; qubits];
        for number in steps.clone() {
            all[number].map.qubits.iter().for_each(|&qubit| of_qubit[qubit] = Some(number as u32));
        }
        Self { steps, of_qubit }
    }

    /// Takes a string through the steps that act on its letters, by `image` of a map and a local string; returns the product
    /// of the factors.
    pub fn apply<const N: usize>(
        &self,
        steps: &[Step],
        key: &mut Key<N>,
        image: impl Fn(&Monomial, usize) -> (u16, f64),
    ) -> f64 {
        let (before, mut product) = (*key, 1.0);
        for qubit in support(&before) {
            let Some(number) = self.of_qubit[qubit] else { continue };
            let Step { map, action: Action::Monomial(monomial) } = &steps[number as usize] else { continue };
            // Once for the first of its operands that has a letter.
            if map.qubits.iter().any(|&other| other < qubit && letter(&before, other) != 0) {
                continue;
            }
            let string = local(&before, &map.qubits);
            let (to, factor) = image(monomial, string);
            if usize::from(to) != string {
                *key = with_local(*key, &map.qubits, usize::from(to));
            }
            product *= factor;
        }
        product
    }
}

/// One observable of a program, on its cone.
pub struct Plan {
    pub qubits: usize,
    /// In an order of the program: steps on different qubits may have changed places.
    pub steps: Vec<Step>,
    /// The same, in runs.
    pub levels: Vec<Level>,
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
            let condition = FOR_DYNAMIC;
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
                noise::Step::Assign { bit, condition: None, .. } => {
                    return Err(unsupported(format!("an assignment of classical bit {bit}"), condition));
                }
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
        // Steps that wait for the same steps act on different qubits.
        let mut reached = vec![0usize; qubits];
        let mut sorted: Vec<(usize, bool, Step)> = Vec::new();
        for step in steps {
            let level = 1 + step.map.qubits.iter().map(|&qubit| reached[qubit]).max().unwrap_or(0);
            step.map.qubits.iter().for_each(|&qubit| reached[qubit] = level);
            sorted.push((level, matches!(step.action, Action::Mix(_)), step));
        }
        sorted.sort_by_key(|(level, mixes, _)| (*level, *mixes));
        let mut runs: Vec<Range<usize>> = Vec::new();
        for (number, (level, mixes, _)) in sorted.iter().enumerate() {
            let joins =
                |run: &&mut Range<usize>| !mixes && (sorted[run.start].0, sorted[run.start].1) == (*level, false);
            match runs.last_mut().filter(joins) {
                Some(run) => run.end = number + 1,
                None => runs.push(number..number + 1),
            }
        }
        let steps: Vec<Step> = sorted.into_iter().map(|(_, _, step)| step).collect();
        let terms = recorded_strings(engine, &cone, std::slice::from_ref(&observable), &parts.measurements)?;
        Ok(Self {
            qubits,
            by_row: steps.iter().any(|step| step.map.slots().any(|slot| slot < inputs)),
            levels: runs.into_iter().map(|run| Level::new(qubits, run, &steps)).collect(),
            steps,
            starts,
            terms: terms.into_iter().next().unwrap_or_default(),
            norm: observable.terms.iter().map(|(weight, _)| weight.abs()).sum(),
        })
    }
}
