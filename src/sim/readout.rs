//! From states to what is recorded: readout error, terminal measurements, classical bits.

use std::collections::{BTreeMap, BTreeSet};

use crate::circuit::{Letter, Observable, PauliString};
use crate::noise::{Confusion, PairReadout, Program, Step};
use crate::sim::kernel::strings::{PauliMasks, Terms};
use crate::sim::{SimError, check};

/// A measurement that nothing comes after: its qubit is left alone and its bit neither read nor written again.
#[derive(Clone, Debug, PartialEq)]
pub struct TerminalMeasurement {
    pub qubit: usize,
    pub bit: usize,
    pub confusion: Option<Confusion>,
}

/// The terminal measurements of a program.
#[derive(Clone, Debug, Default)]
pub struct TerminalMeasurements {
    pub list: Vec<TerminalMeasurement>,
    /// What pairs of them do to each other's bits, by their positions in `list`, after each one's own confusion.
    pub pairs: Vec<(usize, usize, [[f64; 4]; 4])>,
}

impl TerminalMeasurements {
    pub fn new(list: Vec<TerminalMeasurement>, correlated: &[PairReadout]) -> Self {
        let position = |qubit: usize| list.iter().position(|read| read.qubit == qubit);
        let pair =
            |pair: &PairReadout| Some((position(pair.qubits.0)?, position(pair.qubits.1)?, pair.confusion.matrix()));
        let pairs = correlated.iter().filter_map(pair).collect();
        Self { list, pairs }
    }
}

/// A program without its terminal measurements, and those.
pub struct ProgramParts<'a> {
    pub body: Vec<&'a Step>,
    pub measurements: TerminalMeasurements,
}

impl<'a> ProgramParts<'a> {
    pub fn of(program: &'a Program) -> Self {
        let mut body = Vec::with_capacity(program.steps.len());
        let mut measurements = Vec::new();
        let (mut qubits, mut bits) = (vec![false; program.qubits()], vec![false; program.bits]);
        for step in program.steps.iter().rev() {
            match step {
                Step::Measure { qubit, bit, confusion, condition: None }
                    if !qubits[*qubit] && !bits[*bit] && *bit < program.outcome_bits() =>
                {
                    measurements.push(TerminalMeasurement { qubit: *qubit, bit: *bit, confusion: *confusion });
                }
                _ => body.push(step),
            }
            let (operands, condition): (&[usize], _) = match step {
                Step::Gate(op) => (&op.qubits, &op.condition),
                Step::Noise { qubits, condition, .. } => (qubits, condition),
                Step::Measure { qubit, bit, condition, .. } => {
                    bits[*bit] = true;
                    (std::slice::from_ref(qubit), condition)
                }
                Step::Assign { bit, condition, .. } => {
                    bits[*bit] = true;
                    (&[], condition)
                }
                Step::Reset { qubit, condition } => (std::slice::from_ref(qubit), condition),
            };
            operands.iter().for_each(|&q| qubits[q] = true);
            condition.iter().flat_map(|c| &c.bits).for_each(|&b| bits[b] = true);
        }
        body.reverse();
        Self { body, measurements: TerminalMeasurements::new(measurements, &program.correlated) }
    }

    /// The first step of the body that only an engine with classical bits can do.
    pub fn dynamic(&self) -> Option<String> {
        self.body.iter().find_map(|step| match step {
            Step::Gate(op) if op.condition.is_some() => Some(format!("{} under a condition", op.name())),
            Step::Noise { condition: Some(_), channel, .. } => Some(format!("{} under a condition", channel.name())),
            Step::Measure { qubit, .. } => Some(format!("measurement of qubit {qubit} before the end")),
            Step::Assign { bit, .. } => Some(format!("assignment of classical bit {bit}")),
            Step::Reset { qubit, condition: Some(_) } => Some(format!("reset of qubit {qubit} under a condition")),
            _ => None,
        })
    }
}

/// Adds to `out`, indexed by classical bits, the distribution `qubits` over 2ⁿ outcomes when the other bits hold
/// `bits`.
pub fn record(measurements: &TerminalMeasurements, qubits: &[f64], bits: usize, out: &mut [f64]) {
    let TerminalMeasurements { list: measurements, pairs } = measurements;
    let mut recorded = vec![0.0; 1 << measurements.len()];
    for (outcome, p) in qubits.iter().enumerate() {
        let key = measurements.iter().enumerate().fold(0, |key, (k, r)| key | (outcome >> r.qubit & 1) << k);
        recorded[key] += p;
    }
    for (k, read) in measurements.iter().enumerate() {
        if let Some(confusion) = read.confusion {
            misread(&mut recorded, k, confusion);
        }
    }
    for &(a, b, matrix) in pairs {
        misread_pair(&mut recorded, (a, b), &matrix);
    }
    // A bit that an earlier measurement wrote is written anew.
    let bits = measurements.iter().fold(bits, |bits, read| bits & !(1 << read.bit));
    for (key, p) in recorded.iter().enumerate() {
        let position =
            measurements.iter().enumerate().fold(bits, |position, (k, r)| position | (key >> k & 1) << r.bit);
        out[position] += p;
    }
}

/// The distribution of outcomes in which one bit has been misread.
pub fn misread(p: &mut [f64], bit: usize, confusion: Confusion) {
    let (up, down) = (confusion.one_given_zero.get(), confusion.zero_given_one.get());
    for zero in (0..p.len()).filter(|i| i >> bit & 1 == 0) {
        let (p0, p1) = (p[zero], p[zero | 1 << bit]);
        p[zero] = p0 * (1.0 - up) + p1 * down;
        p[zero | 1 << bit] = p0 * up + p1 * (1.0 - down);
    }
}

/// The same of two bits that are read together, `matrix[true][recorded]`.
pub fn misread_pair(p: &mut [f64], (a, b): (usize, usize), matrix: &[[f64; 4]; 4]) {
    let position = |base: usize, outcome: usize| base | (outcome & 1) << a | (outcome >> 1) << b;
    for base in (0..p.len()).filter(|i| i >> a & 1 == 0 && i >> b & 1 == 0) {
        let before: [f64; 4] = std::array::from_fn(|outcome| p[position(base, outcome)]);
        for outcome in 0..4 {
            p[position(base, outcome)] = (0..4).map(|truth| before[truth] * matrix[truth][outcome]).sum();
        }
    }
}

/// Weighted strings on a register of any width.
pub type WideTerms = Vec<(f64, PauliString)>;

/// [`recorded_strings`] as masks, for engines whose registers hold at most 64 qubits.
///
/// # Errors
/// As [`recorded_strings`], and if the register is wider.
pub fn recorded(
    engine: &'static str,
    program: &Program,
    observables: &[Observable],
    measurements: &TerminalMeasurements,
) -> Result<Vec<Terms>, SimError> {
    let masked = |(weight, string): (f64, PauliString)| string.masks().map(|(x, z)| (weight, PauliMasks { x, z }));
    let strings = recorded_strings(engine, program, observables, measurements)?;
    let terms = strings.into_iter().map(|terms| terms.into_iter().map(masked).collect::<Option<Terms>>());
    terms.collect::<Option<_>>().ok_or(SimError::TooMuch {
        what: engine,
        qubits: program.qubits(),
        needed: "more memory than there is",
        instead: "use auto or sparse, or an observable that depends on fewer qubits",
    })
}

/// Each observable of the recorded bits as one of the true state: every letter σ of qubit q becomes `a_q σ + b_q`.
///
/// A correlated pair mixes 1, Z₀, Z₁ and Z₀Z₁. A qubit that only such a mixture brings in is read in the Z basis.
///
/// A terminal measurement has already made its qubit classical, so X and Y there have the expectation value b_q.
///
/// # Errors
/// If an observable reaches past the register or multiplies out to more than 2^20 strings.
pub fn recorded_strings(
    engine: &'static str,
    program: &Program,
    observables: &[Observable],
    measurements: &TerminalMeasurements,
) -> Result<Vec<WideTerms>, SimError> {
    check::observables(program, observables)?;
    let measured: BTreeSet<usize> = measurements.list.iter().map(|read| read.qubit).collect();
    observables.iter().map(|o| expand(engine, program, o, &measured)).collect()
}

fn expand(
    engine: &'static str,
    program: &Program,
    observable: &Observable,
    measured: &BTreeSet<usize>,
) -> Result<WideTerms, SimError> {
    // Ordered by the string, so that sums over terms never depend on a hash.
    let mut sum: BTreeMap<PauliString, f64> = BTreeMap::new();
    for (weight, string) in &observable.terms {
        let mut strings = vec![(*weight, string.clone())];
        let within_limit = |count: usize| {
            if count <= 1 << 20 {
                return Ok(());
            }
            Err(SimError::TooMuch {
                what: engine,
                qubits: program.qubits(),
                needed: "more than 2^20 Pauli strings for one observable under readout error",
                instead: "sample counts, or use observables on fewer qubits",
            })
        };
        // The last thing that happens to the bits is undone first.
        for pair in program.correlated.iter().rev() {
            let touched = |(_, s): &(f64, PauliString)| s.at(pair.qubits.0).or(s.at(pair.qubits.1)).is_some();
            if strings.iter().any(touched) {
                strings = undo_pair(strings, string, pair);
                within_limit(strings.len())?;
            }
        }
        let touched: BTreeSet<usize> = strings.iter().flat_map(|(_, s)| s.support()).collect();
        for qubit in touched {
            let (a, b) = program.readout[qubit].map_or((1.0, 0.0), Confusion::on_z);
            let flips = string.at(qubit).is_some_and(|letter| letter.bits().0);
            let a = if flips && measured.contains(&qubit) { 0.0 } else { a };
            if (a, b) == (1.0, 0.0) {
                continue;
            }
            let has = |s: &PauliString| s.at(qubit).is_some();
            let kept = strings.iter().filter(|(_, s)| b != 0.0 && has(s));
            let lost: Vec<_> = kept.map(|(w, s)| (w * b, s.with(qubit, None))).collect();
            strings.iter_mut().filter(|(_, s)| has(s)).for_each(|(w, _)| *w *= a);
            strings.extend(lost);
            within_limit(strings.len())?;
        }
        for (w, s) in strings.into_iter().filter(|(w, _)| *w != 0.0) {
            *sum.entry(s).or_default() += w;
        }
    }
    Ok(sum.into_iter().map(|(string, w)| (w, string)).collect())
}

/// `strings` before the confusion of a pair; letters of `original` stay what they are where they come back.
fn undo_pair(strings: WideTerms, original: &PauliString, pair: &PairReadout) -> WideTerms {
    let (a, b) = pair.qubits;
    let mixture = pair.confusion.on_z();
    let read = |qubit: usize, is_in: bool| is_in.then(|| original.at(qubit).unwrap_or(Letter::Z));
    let mut sum: BTreeMap<PauliString, f64> = BTreeMap::new();
    for (weight, string) in strings {
        let letters = usize::from(string.at(a).is_some()) | usize::from(string.at(b).is_some()) << 1;
        for (other, factor) in mixture[letters].iter().enumerate().filter(|(_, factor)| **factor != 0.0) {
            let mixed = string.with(a, read(a, other & 1 == 1)).with(b, read(b, other >> 1 == 1));
            *sum.entry(mixed).or_default() += weight * factor;
        }
    }
    sum.into_iter().map(|(string, w)| (w, string)).collect()
}
