//! Observables one by one on what each can feel of a wide program ([`Program::cone`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2, Axis};

use crate::circuit::{Observable, PauliString};
use crate::noise::{Cone, Cones, Program, Step};
use crate::sim::congruent::{self, Congruent};
use crate::sim::cost::{Call, Cost, Request, Workload};
use crate::sim::prepared::{Lazy, Prepared, Recorded, Tape};
use crate::sim::{Account, AngleGradient, Angles, EngineOptions, SimError, Simulator, check};

/// What stands in the name of an engine before the width of the widest cone.
pub const CONES: &str = " on cones of at most ";
/// A program that takes less than this is run whole, seconds.
pub const WORTH: f64 = 0.01;
/// Cones are used if they take less than this share of the whole program's time.
const SHARE: f64 = 0.5;
/// More strings than these are run whole: a walk through the program for each would take longer than it saves.
const MOST_STRINGS: usize = 1 << 12;

/// What an engine takes for a call, and the factor by which its seconds count; `None` for what it does not run.
type CostOf = dyn Fn(&Workload, &Call) -> Option<(Cost, f64)>;

/// When observables run on their cones, and how.
pub struct ConeOptions<'a> {
    /// What the engine takes.
    pub cost: &'a CostOf,
    /// A program that takes less than this is run whole, seconds.
    pub worth: f64,
    /// Whether parts that differ in their angles alone are rows of one program: for engines that share what rows have in
    /// common. Such parts are gates alone on at most twelve qubits, which no engine draws for.
    pub joins: bool,
}

/// Terms of observables whose cones lie in one program.
pub struct Part {
    pub program: Program,
    /// On the part's qubits.
    pub observables: Vec<Observable>,
    /// Which of the whole program's observables each of them belongs to; of parts that are joined, each column of theirs.
    pub targets: Vec<usize>,
    /// If it is several parts in one.
    pub congruent: Option<Congruent>,
}

/// The parts of a program, and what each observable has of the identity.
struct Parts {
    list: Vec<Part>,
    constants: Vec<f64>,
}

impl Parts {
    /// `None` if there are too many strings to look at.
    fn of(program: &Program, observables: &[Observable]) -> Option<Self> {
        let mut constants = vec![0.0; observables.len()];
        let mut wanted: BTreeMap<&PauliString, Vec<(usize, f64)>> = BTreeMap::new();
        for (o, observable) in observables.iter().enumerate() {
            for (weight, string) in &observable.terms {
                match string.letters().is_empty() {
                    true => constants[o] += weight,
                    false => wanted.entry(string).or_default().push((o, *weight)),
                }
            }
        }
        if wanted.len() > MOST_STRINGS {
            return None;
        }
        let cones = Cones::of(program);
        let mut found: Vec<(Cone, &PauliString)> = wanted.keys().map(|string| (cones.cone(string), *string)).collect();
        // A wide cone first: what lies within one that is run anyway costs nothing more.
        found.sort_by_key(|(cone, string)| (std::cmp::Reverse((cone.qubits.len(), cone.steps.len())), *string));
        let mut groups: Vec<(Cone, Vec<&PauliString>)> = Vec::new();
        for (cone, string) in found {
            match groups.iter_mut().find(|(group, _)| group.holds(&cone)) {
                Some((_, strings)) => strings.push(string),
                None => groups.push((cone, vec![string])),
            }
        }
        let part = |(cone, strings): (Cone, Vec<&PauliString>)| {
            let mut terms: BTreeMap<usize, Vec<(f64, PauliString)>> = BTreeMap::new();
            for string in strings {
                for &(o, weight) in &wanted[string] {
                    terms.entry(o).or_default().push((weight, string.clone()));
                }
            }
            let mut positions = vec![0; program.qubits()];
            cone.qubits.iter().enumerate().for_each(|(position, &qubit)| positions[qubit] = position);
            let (targets, observables) =
                terms.into_iter().map(|(o, terms)| (o, Observable { terms }.relabel(&positions))).unzip();
            Part { program: cones.program(&cone), observables, targets, congruent: None }
        };
        Some(Self { list: groups.into_iter().map(part).collect(), constants })
    }

    fn widest(&self) -> usize {
        self.list.iter().map(|part| part.program.qubits()).max().unwrap_or(0)
    }
}

/// The observables of `program` on their cones, each on `engine`; `None` if that is not worth it, by what the engine takes.
///
/// # Errors
/// If an observable reaches past the register, or the engine refuses a cone where it would refuse the whole program.
pub fn prepare(
    engine: &Arc<dyn Simulator>,
    cone_options: &ConeOptions,
    options: &EngineOptions,
    program: &Program,
    observables: &[Observable],
    input_slots: usize,
) -> Result<Option<Arc<dyn Prepared>>, SimError> {
    check::observables(program, observables)?;
    let call = Call { threads: 1, ..Call::new(Request::Values, options) };
    // What it does not run whole it may run in parts.
    let whole = (cone_options.cost)(&Workload::new(program, observables, input_slots), &call);
    let is_small = |(cost, factor): &(Cost, f64)| cost.fits() && factor * cost.seconds < cone_options.worth;
    if observables.is_empty() || whole.is_some_and(|whole| is_small(&whole)) {
        return Ok(None);
    }
    let Some(mut parts) = Parts::of(program, observables).filter(|parts| parts.widest() < program.qubits()) else {
        return Ok(None);
    };
    // Rows that differ share what depends on weights; parts that are planned once and joined would not.
    if cone_options.joins && input_slots == 0 {
        parts.list = congruent::joined(parts.list);
    }
    let costs = parts.list.iter().map(|part| {
        let (inputs, rows) = part.congruent.as_ref().map_or((input_slots, 1), |all| (all.inputs(), all.parts()));
        (cone_options.cost)(&Workload::new(&part.program, &part.observables, inputs), &call.rows(rows))
    });
    match (whole, costs.collect::<Option<Vec<_>>>()) {
        (_, None) => return Ok(None),
        (Some((whole, factor)), Some(costs))
            if whole.fits()
                && costs.iter().map(|(cost, factor)| factor * cost.seconds).sum::<f64>()
                    > SHARE * factor * whole.seconds =>
        {
            return Ok(None);
        }
        _ => {}
    }
    let on_part = |number: u64, part: &Part| {
        // Engines that draw do so independently.
        let engine = engine.with_substream(number).unwrap_or_else(|| Arc::clone(engine));
        match &part.congruent {
            None => engine.prepare(&part.program, &part.observables, input_slots),
            Some(all) => Ok(all.clone().prepared(engine.prepare(&part.program, &part.observables, all.inputs())?)),
        }
    };
    Ok(Some(Arc::new(ConesProgram::new(engine, parts, program, observables, input_slots, on_part)?)))
}

/// The observables of `program` on their cones, where a cone has fewer noise channels than the program; `on_part` prepares the
/// observables of part number so and so, `engine` the outcomes of the whole. `None` if every cone has all of them.
///
/// # Errors
/// If an observable reaches past the register, or a part is refused.
pub fn with_less_noise(
    engine: &Arc<dyn Simulator>,
    program: &Program,
    observables: &[Observable],
    input_slots: usize,
    on_part: impl Fn(u64, &Program, &[Observable]) -> Result<Arc<dyn Prepared>, SimError>,
) -> Result<Option<Arc<dyn Prepared>>, SimError> {
    check::observables(program, observables)?;
    let noise = |program: &Program| program.steps.iter().filter(|step| matches!(step, Step::Noise { .. })).count();
    let has_less = |parts: &Parts| parts.list.iter().any(|part| noise(&part.program) < noise(program));
    let on_part = |number, part: &Part| on_part(number, &part.program, &part.observables);
    match Parts::of(program, observables).filter(has_less) {
        Some(parts) => {
            Ok(Some(Arc::new(ConesProgram::new(engine, parts, program, observables, input_slots, on_part)?)))
        }
        None => Ok(None),
    }
}

/// [`prepare`] for an engine by itself, which draws so many shots if it draws, and joins parts or does not.
///
/// # Errors
/// As [`prepare`].
pub fn of_engine<E: Simulator + Copy + 'static>(
    engine: &E,
    cost: fn(&Workload, &Call) -> Option<Cost>,
    (shots, joins): (usize, bool),
    program: &Program,
    observables: &[Observable],
    input_slots: usize,
) -> Result<Option<Arc<dyn Prepared>>, SimError> {
    let options = EngineOptions { precision: engine.precision(), shots, ..EngineOptions::default() };
    let cost = move |w: &Workload, call: &Call| Some((cost(w, call)?, 1.0));
    let engine: Arc<dyn Simulator> = Arc::new(*engine);
    let cone_options = ConeOptions { cost: &cost, worth: WORTH, joins };
    prepare(&engine, &cone_options, &options, program, observables, input_slots)
}

/// A refusal that says that a cone is too large.
fn on_cone(error: SimError, part: &Part, qubits: usize) -> SimError {
    let cone = part.program.qubits();
    error.advised(|instead| format!("this is the cone of an observable, {cone} of {qubits} qubits; {instead}"))
}

struct PreparedPart {
    prepared: Arc<dyn Prepared>,
    targets: Vec<usize>,
}

/// A program whose observables run on their cones.
struct ConesProgram {
    parts: Vec<PreparedPart>,
    /// Qubits of the widest cone.
    widest: usize,
    constants: Vec<f64>,
    /// Sum of the magnitudes of the coefficients of each observable.
    norms: Vec<f64>,
    engine: Arc<dyn Simulator>,
    differentiable: Result<(), SimError>,
    program: Program,
    input_slots: usize,
    /// The whole program: outcomes feel all of it.
    outcomes: Lazy<Arc<dyn Prepared>>,
}

impl ConesProgram {
    fn new(
        engine: &Arc<dyn Simulator>,
        parts: Parts,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
        on_part: impl Fn(u64, &Part) -> Result<Arc<dyn Prepared>, SimError>,
    ) -> Result<Self, SimError> {
        let prepared = parts.list.iter().enumerate().map(|(number, part)| {
            let prepared = on_part(number as u64, part);
            let prepared = prepared.map_err(|error| on_cone(error, part, program.qubits()))?;
            Ok(PreparedPart { prepared, targets: part.targets.clone() })
        });
        Ok(Self {
            parts: prepared.collect::<Result<_, SimError>>()?,
            widest: parts.widest(),
            constants: parts.constants,
            norms: observables.iter().map(|o| o.terms.iter().map(|(weight, _)| weight.abs()).sum()).collect(),
            engine: Arc::clone(engine),
            differentiable: check::differentiable(program),
            program: program.clone(),
            input_slots,
            outcomes: Lazy::default(),
        })
    }

    fn outcomes(&self) -> Result<&dyn Prepared, SimError> {
        let prepare = || self.engine.prepare(&self.program, &[], self.input_slots);
        self.outcomes.get(prepare).map(|prepared| &**prepared)
    }

    fn check(&self, angles: &Angles) -> Result<(), SimError> {
        check::angles(self.program.slots, self.input_slots, angles)
    }

    fn constants(&self, batch: usize) -> Array2<f64> {
        Array2::from_shape_fn((batch, self.constants.len()), |(_, o)| self.constants[o])
    }
}

impl PreparedPart {
    fn add(&self, values: &Array2<f64>, sum: &mut Array2<f64>) {
        for (column, &target) in self.targets.iter().enumerate() {
            let mut to = sum.column_mut(target);
            to += &values.column(column);
        }
    }
}

impl Prepared for ConesProgram {
    fn resolved_name(&self, batch: usize) -> String {
        if self.parts.is_empty() {
            return self.engine.name();
        }
        let mut names: Vec<String> = self.parts.iter().map(|part| part.prepared.resolved_name(batch)).collect();
        names.sort();
        names.dedup();
        let (engines, rest): (Vec<_>, Vec<_>) =
            names.iter().map(|name| name.split_once(", ").unwrap_or((name, ""))).unzip();
        let rest = rest.first().copied().unwrap_or_default();
        format!("{}{CONES}{} qubits, {rest}", engines.join(" and "), self.widest)
    }

    fn draws(&self, batch: usize) -> bool {
        self.parts.iter().any(|part| part.prepared.draws(batch))
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.check(&angles)?;
        let mut sum = self.constants(angles.batch());
        for part in &self.parts {
            part.add(&part.prepared.expect(angles)?, &mut sum);
        }
        Ok(sum)
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        Ok(self.value_and_gradient(angles, cotangent)?.1)
    }

    fn value_and_gradient(
        &self,
        angles: Angles,
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        self.differentiable.clone()?;
        self.check(&angles)?;
        check::cotangent(angles.batch(), self.constants.len(), cotangent)?;
        let (mut sum, mut gradient) = (self.constants(angles.batch()), AngleGradient::zeros(&angles));
        for part in &self.parts {
            let own = cotangent.select(Axis(1), &part.targets);
            let (values, slopes) = part.prepared.value_and_gradient(angles, own.view())?;
            part.add(&values, &mut sum);
            gradient += slopes;
        }
        Ok((sum, gradient))
    }

    fn record(&self, angles: Angles, most_bytes: usize) -> Result<Recorded, SimError> {
        self.check(&angles)?;
        let (mut sum, mut tapes) = (self.constants(angles.batch()), Vec::new());
        for part in &self.parts {
            let (values, tape) = part.prepared.record(angles, most_bytes / self.parts.len().max(1))?;
            part.add(&values, &mut sum);
            tapes.extend(tape.map(|tape| (tape, part.targets.clone())));
        }
        if tapes.len() < self.parts.len() || self.differentiable.is_err() {
            return Ok((sum, None));
        }
        let zeros = AngleGradient::zeros(&angles);
        let tape = ConesTape { tapes, zeros, observables: self.constants.len(), batch: angles.batch() };
        Ok((sum, Some(Box::new(tape))))
    }

    fn account(&self, angles: Angles) -> Result<Option<Array2<Account>>, SimError> {
        self.check(&angles)?;
        let mut sum = Array2::from_elem((angles.batch(), self.constants.len()), Account::default());
        let mut is_told = false;
        for part in &self.parts {
            match part.prepared.account(angles)? {
                Some(own) => {
                    is_told = true;
                    for (column, &target) in part.targets.iter().enumerate() {
                        sum.column_mut(target).iter_mut().zip(own.column(column)).for_each(|(sum, own)| *sum += *own);
                    }
                }
                // Shots give none, exact engines have nothing to add.
                None if part.prepared.draws(angles.batch()) => return Ok(None),
                None => {}
            }
        }
        // Constants and exact parts have no account, but they are part of the value.
        sum.indexed_iter_mut().for_each(|((_, o), account)| account.norm = self.norms[o]);
        Ok(is_told.then_some(sum))
    }

    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.outcomes()?.probabilities(angles)
    }

    fn sample(&self, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        self.outcomes()?.sample(angles, shots, seed)
    }
}

/// A tape of each part, with its observables.
struct ConesTape {
    tapes: Vec<(Box<dyn Tape>, Vec<usize>)>,
    zeros: AngleGradient,
    observables: usize,
    batch: usize,
}

impl Tape for ConesTape {
    fn vjp(&self, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        check::cotangent(self.batch, self.observables, cotangent)?;
        let mut gradient = self.zeros.clone();
        for (tape, targets) in &self.tapes {
            gradient += tape.vjp(cotangent.select(Axis(1), targets).view())?;
        }
        Ok(gradient)
    }
}
