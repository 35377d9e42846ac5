//! Parts of a program that differ in nothing but their angles, as rows of one program: it is planned once, and its rows run
//! side by side.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use ndarray::{Array2, ArrayView2, aview1};

use crate::circuit::{Observable, Op, OpKind, Param, PauliString};
use crate::noise::{Program, Step};
use crate::sim::cones::Part;
use crate::sim::prepared::{Prepared, Recorded, Tape};
use crate::sim::{AngleGradient, Angles, SimError, check};

/// Wider parts run one by one: planning is little of what they take.
const MOST_QUBITS: usize = 12;

/// Several parts as one program.
#[derive(Clone, Debug)]
pub struct Congruent {
    /// By part: the angle of each input slot of the program.
    angles: Vec<Vec<Param>>,
    /// By column of the results: the part, and its coefficients of the program's observables.
    columns: Vec<(usize, Vec<(usize, f64)>)>,
}

/// A part whose angles may differ from those of others: gates alone, on few qubits, without readout error.
fn is_plain(part: &Part) -> bool {
    let Program { steps, readout, correlated, derived, .. } = &part.program;
    let is_gate = |step: &Step| matches!(step, Step::Gate(Op { condition: None, .. }));
    part.program.qubits() <= MOST_QUBITS
        && steps.iter().all(is_gate)
        && readout.iter().all(Option::is_none)
        && correlated.is_empty()
        && derived.is_empty()
}

/// Whether two operations are the same but for their angles.
fn alike(a: &Op, b: &Op) -> bool {
    a.qubits == b.qubits
        && match (&a.kind, &b.kind) {
            (OpKind::Gate { gate, controls, .. }, OpKind::Gate { gate: other_gate, controls: other_controls, .. }) => {
                (gate, controls) == (other_gate, other_controls)
            }
            (OpKind::GlobalPhase(_), OpKind::GlobalPhase(_)) => true,
            (a, b) => a == b,
        }
}

/// The gates of a part that is plain.
fn gates(part: &Part) -> impl Iterator<Item = &Op> {
    part.program.steps.iter().filter_map(|step| if let Step::Gate(op) = step { Some(op) } else { None })
}

/// The strings of all observables, ascending.
fn strings(part: &Part) -> Vec<&PauliString> {
    let mut strings: Vec<&PauliString> =
        part.observables.iter().flat_map(|observable| observable.terms.iter().map(|(_, string)| string)).collect();
    strings.sort_unstable();
    strings.dedup();
    strings
}

/// Parts that are likely to be congruent have one number.
fn number(part: &Part) -> u64 {
    let mut hasher = DefaultHasher::new();
    part.program.qubits().hash(&mut hasher);
    for op in gates(part) {
        op.qubits.hash(&mut hasher);
        if let OpKind::Gate { gate, controls, .. } = &op.kind {
            (gate, controls).hash(&mut hasher);
        }
    }
    strings(part).hash(&mut hasher);
    hasher.finish()
}

fn are_congruent(a: &Part, b: &Part) -> bool {
    a.program.qubits() == b.program.qubits()
        && a.program.steps.len() == b.program.steps.len()
        && gates(a).zip(gates(b)).all(|(a, b)| alike(a, b))
        && strings(a) == strings(b)
}

/// Parts with those that are congruent made into one, in the order of the first of each.
pub fn joined(parts: Vec<Part>) -> Vec<Part> {
    let mut groups: Vec<Vec<Part>> = Vec::new();
    let mut of_number: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for part in parts {
        let places = if is_plain(&part) { of_number.entry(number(&part)).or_default() } else { &mut Vec::new() };
        match places.iter().find(|&&at| are_congruent(&groups[at][0], &part)) {
            Some(&at) => groups[at].push(part),
            None => {
                places.push(groups.len());
                groups.push(vec![part]);
            }
        }
    }
    groups.into_iter().map(one_of).collect()
}

/// One part of parts that are congruent.
fn one_of(mut group: Vec<Part>) -> Part {
    if group.len() == 1 {
        return group.remove(0);
    }
    let all: Vec<Vec<Param>> =
        group.iter().map(|part| gates(part).flat_map(|op| op.params().iter().copied()).collect()).collect();
    // A number that all of them have stays one: engines do more with it.
    let is_common = |k: usize| matches!(all[0][k], Param::Fixed(_)) && all.iter().all(|own| own[k] == all[0][k]);
    let slots: Vec<usize> = (0..all[0].len()).filter(|&k| !is_common(k)).collect();
    let angles = all.iter().map(|own| slots.iter().map(|&k| own[k]).collect()).collect();

    let strings: Vec<PauliString> = strings(&group[0]).into_iter().cloned().collect();
    let place = |string: &PauliString| strings.binary_search(string).expect("congruent parts have the same strings");
    let mut columns = Vec::new();
    for (number, part) in group.iter().enumerate() {
        columns.extend(part.observables.iter().map(|observable| {
            (number, observable.terms.iter().map(|(weight, string)| (place(string), *weight)).collect())
        }));
    }
    let targets = group.iter().flat_map(|part| part.targets.iter().copied()).collect();

    let mut program = group.swap_remove(0).program;
    let mut slot = slots.iter().enumerate().peekable();
    let params = program.steps.iter_mut().filter_map(|step| if let Step::Gate(op) = step { Some(op) } else { None });
    for (k, param) in params.flat_map(|op| op.params_mut().iter_mut()).enumerate() {
        if let Some((number, _)) = slot.next_if(|(_, at)| **at == k) {
            *param = Param::slot(number);
        }
    }
    program.slots = slots.len();
    let observables = strings.into_iter().map(|string| Observable { terms: vec![(1.0, string)] }).collect();
    Part { program, observables, targets, congruent: Some(Congruent { angles, columns }) }
}

impl Congruent {
    /// How many parts there are.
    pub fn parts(&self) -> usize {
        self.angles.len()
    }

    /// Input slots of the program.
    pub fn inputs(&self) -> usize {
        self.angles[0].len()
    }

    /// The parts' observables, of the program's on an engine.
    pub fn prepared(self, program: Arc<dyn Prepared>) -> Arc<dyn Prepared> {
        Arc::new(CongruentParts { program, parts: Arc::new(self) })
    }

    /// The input slots of all parts: row `b · parts + p` is part p in row b of a batch.
    fn rows(&self, angles: &Angles) -> Array2<f64> {
        let (parts, inputs) = (self.parts(), self.inputs());
        Array2::from_shape_fn((angles.batch() * parts, inputs), |(row, slot)| {
            angles.value(self.angles[row % parts][slot], row / parts)
        })
    }

    /// Values (batch, columns) of those of the program in all rows.
    fn values(&self, found: &Array2<f64>) -> Array2<f64> {
        let parts = self.parts();
        Array2::from_shape_fn((found.nrows() / parts, self.columns.len()), |(row, column)| {
            let (part, terms) = &self.columns[column];
            terms.iter().map(|&(string, weight)| weight * found[[row * parts + part, string]]).sum()
        })
    }

    /// The cotangent of the program's values in all rows, of so many observables.
    fn cotangent(&self, of_columns: ArrayView2<f64>, observables: usize) -> Array2<f64> {
        let parts = self.parts();
        let mut out = Array2::zeros((of_columns.nrows() * parts, observables));
        for ((row, column), slope) in of_columns.indexed_iter() {
            let (part, terms) = &self.columns[column];
            terms.iter().for_each(|&(string, weight)| out[[row * parts + part, string]] += weight * slope);
        }
        out
    }

    /// The gradient by the angles of the batch, shaped like `zeros`, of that by the input slots.
    fn gradient(&self, by_slot: &AngleGradient, mut zeros: AngleGradient) -> AngleGradient {
        let parts = self.parts();
        for ((row, slot), slope) in by_slot.inputs.indexed_iter() {
            if let Some((angle, scale)) = self.angles[row % parts][slot].dependence() {
                zeros.add(row / parts, angle, scale * slope);
            }
        }
        zeros
    }

    /// Observables of the program.
    fn observables(&self) -> usize {
        self.columns.iter().flat_map(|(_, terms)| terms.iter().map(|(string, _)| string + 1)).max().unwrap_or(0)
    }
}

/// The parts on an engine.
struct CongruentParts {
    program: Arc<dyn Prepared>,
    parts: Arc<Congruent>,
}

/// Angles of rows that have no weights.
fn of_inputs(rows: &Array2<f64>) -> Angles<'_> {
    Angles { inputs: rows.view(), weights: aview1(&[]) }
}

impl CongruentParts {
    fn refused() -> SimError {
        SimError::Unsupported {
            engine: "cones",
            step: "outcomes of parts of a program".into(),
            instead: "ask for those of the whole program",
        }
    }
}

impl Prepared for CongruentParts {
    fn resolved_name(&self, batch: usize) -> String {
        self.program.resolved_name(batch * self.parts.parts())
    }

    fn draws(&self, batch: usize) -> bool {
        self.program.draws(batch * self.parts.parts())
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        Ok(self.parts.values(&self.program.expect(of_inputs(&self.parts.rows(&angles)))?))
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        Ok(self.value_and_gradient(angles, cotangent)?.1)
    }

    fn value_and_gradient(
        &self,
        angles: Angles,
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        let parts = &*self.parts;
        check::cotangent(angles.batch(), parts.columns.len(), cotangent)?;
        let (rows, own) = (parts.rows(&angles), parts.cotangent(cotangent, parts.observables()));
        let (values, slopes) = self.program.value_and_gradient(of_inputs(&rows), own.view())?;
        Ok((parts.values(&values), parts.gradient(&slopes, AngleGradient::zeros(&angles))))
    }

    fn record(&self, angles: Angles, most_bytes: usize) -> Result<Recorded, SimError> {
        let (values, tape) = self.program.record(of_inputs(&self.parts.rows(&angles)), most_bytes)?;
        let (parts, zeros) = (Arc::clone(&self.parts), AngleGradient::zeros(&angles));
        let own = |tape| Box::new(CongruentTape { tape, parts, zeros, batch: angles.batch() }) as Box<dyn Tape>;
        Ok((self.parts.values(&values), tape.map(own)))
    }

    fn probabilities(&self, _angles: Angles) -> Result<Array2<f64>, SimError> {
        Err(Self::refused())
    }

    fn sample(&self, _angles: Angles, _shots: usize, _seed: u64) -> Result<Array2<u64>, SimError> {
        Err(Self::refused())
    }
}

/// The tape of all rows.
struct CongruentTape {
    tape: Box<dyn Tape>,
    parts: Arc<Congruent>,
    zeros: AngleGradient,
    batch: usize,
}

impl Tape for CongruentTape {
    fn vjp(&self, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        let parts = &*self.parts;
        check::cotangent(self.batch, parts.columns.len(), cotangent)?;
        let slopes = self.tape.vjp(parts.cotangent(cotangent, parts.observables()).view())?;
        Ok(parts.gradient(&slopes, self.zeros.clone()))
    }
}
