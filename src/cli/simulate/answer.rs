//! From a program to numbers.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context as _, Result};
use ndarray::{Array1, ArrayD, ArrayView1};
use serde::Serialize;

use super::Arguments;
use super::mitigated::Mitigated;
use super::setup::{Setup, digits_at};
use crate::circuit::qasm::OutcomeRegister;
use crate::math::C64;
use crate::noise::Program;
use crate::sim::cost::{Call, Request, Workload};
use crate::sim::{
    Account, Angles, Auto, CONES, EngineOptions, EngineRow, Mps, Precision, ShotRecords, SimError, Simulator,
    Stabilizer, ValueKind, engine, sample, state,
};

/// Longest list of probabilities that is printed by default.
const LISTED: usize = 1 << 16;
/// Shots that show what the truncations of a noisy chain drop.
const FEW: usize = 32;

/// The engine that draws outcomes as rows of bits.
#[derive(Clone, Copy)]
pub enum Rows {
    Stabilizer,
    Mps,
}

/// What of the outcomes is wanted.
pub struct Outcomes {
    /// The engine that draws them, where no list holds them.
    pub by_rows: Option<Rows>,
    /// Whether a list of probabilities is computed.
    pub listed: bool,
    /// Whether they are so few that the list is printed unasked.
    pub few: bool,
}

impl Outcomes {
    /// With this engine.
    pub fn of(engine: &str, arguments: &Arguments, setup: &Setup) -> Result<Self> {
        let options = options(arguments);
        // Few outcomes are listed unasked, if the engine can hold them: an observable may feel a part of a wide circuit alone.
        let workload = Workload::new(&setup.program, &[], 0);
        let takes = |name: &str, request: Request| -> Result<bool> {
            let cost = EngineRow::named(name)?.cost;
            Ok(cost(&workload, &Call::new(request, &options)).is_some_and(|cost| cost.fits()))
        };
        let fits = takes(engine, Request::Probabilities)?;
        // A chain lists the outcomes of all qubits, whatever is measured, and under noise for every shot.
        let width = if engine == "mps" { setup.program.qubits() } else { setup.outcome_bits().len() };
        let few = width <= LISTED.ilog2() as usize && fits;
        // Of outcomes that no list holds, those that come up are counted.
        let by_rows = match engine {
            _ if arguments.shots.is_none() || arguments.probabilities => None,
            "stabilizer" if !few => Some(Rows::Stabilizer),
            "mps" if !few => Some(Rows::Mps),
            "auto" if few => None,
            // A shot of a Clifford circuit takes less than the entries of a list that it could come from.
            "auto" if workload.stabilizer.is_some() => Some(Rows::Stabilizer),
            "auto" if fits => None,
            "auto" if takes("mps", Request::Sample)? => Some(Rows::Mps),
            _ => None,
        };
        let wanted = few || arguments.probabilities || arguments.shots.is_some() || setup.observables.is_empty();
        Ok(Self { by_rows, listed: by_rows.is_none() && wanted, few })
    }
}

/// The name of an engine without its precision and number of trajectories, which follow it.
pub fn short(name: String) -> String {
    name.split(", ").next().unwrap_or_default().to_string()
}

/// The name of an engine, and the number of qubits of its widest cone if it runs on cones.
pub fn apart(name: String) -> (String, Option<usize>) {
    match name.split_once(CONES) {
        Some((engine, rest)) => (engine.to_string(), rest.split(' ').next().and_then(|qubits| qubits.parse().ok())),
        None => (name, None),
    }
}

/// What is printed; the keys of the JSON object.
#[derive(Serialize)]
pub struct Answer {
    /// The engine that ran, never "auto".
    pub engine: String,
    pub precision: Precision,
    pub threads: usize,
    /// How many processes ran it, if `mpirun` started them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranks: Option<usize>,
    /// Number of qubits of the program.
    pub qubits: usize,
    /// Qubits of the widest part that was simulated, if expectation values alone were wanted and each feels only a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cones: Option<usize>,
    /// What ran the expectation values, if "auto" took another engine for the outcomes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values_engine: Option<String>,
    /// Time of the simulation alone.
    pub seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<Vec<f64>>,
    /// The observables as they were given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observables: Vec<String>,
    /// The expectation value of each.
    pub expectations: Vec<f64>,
    /// What was mitigated of the expectation values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mitigation: Option<Mitigated>,
    /// What is known about the error of each expectation value, from an engine that drops something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<ErrorAccount>>,
    /// By bit string, the highest bit first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<BTreeMap<String, u64>>,
    /// What an engine dropped of the state of which outcomes are: its bound is that of the probability of any set of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome_error: Option<ErrorAccount>,
    /// The registers and outputs that the file names, from the lowest bit of an outcome on; without measurement none.
    pub registers: Vec<RegisterCounts>,
    pub repairs: Vec<String>,
    /// Qubits of the file that index states and, without measurement, outcomes: bit k of an index is the k-th.
    pub active: Vec<usize>,
    /// Classical bits of the file that index outcomes, empty without measurement.
    pub bits: Vec<usize>,
}

/// A register of the file.
#[derive(Serialize)]
pub struct RegisterCounts {
    pub name: String,
    /// Its classical bits, the least significant first.
    pub bits: Vec<usize>,
    /// How often it held what, whatever the others did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<BTreeMap<String, u64>>,
}

impl RegisterCounts {
    pub fn all(setup: &Setup, counts: Option<&BTreeMap<String, u64>>) -> Vec<Self> {
        if setup.bits.is_empty() {
            return Vec::new();
        }
        let of_register = |(register, digits): (&OutcomeRegister, Vec<Option<usize>>)| Self {
            name: register.name.clone(),
            bits: register.bits.clone().collect(),
            counts: counts.map(|counts| {
                added(counts.iter().map(|(outcome, &count)| (digits_at(outcome, &digits), count)).collect())
            }),
        };
        setup.digits().map(of_register).collect()
    }
}

/// The error of an expectation value, as far as it is known.
#[derive(Serialize)]
pub struct ErrorAccount {
    /// What was dropped changes the value by no more; `None`: no certificate.
    pub bound: Option<f64>,
    /// Half the width of the 95 % interval of a mean of draws.
    pub interval: Option<f64>,
    /// Root mean square over random basis states as input.
    pub rms: Option<f64>,
    /// Difference to a coarser run: four times the cut, a quarter of the strings, one letter less; of a roulette, to the run
    /// that drops.
    pub drift: Option<f64>,
    /// Estimated fidelity of a matrix product state with the exact one.
    pub fidelity: Option<f64>,
    /// Whether nothing was dropped and nothing drawn.
    pub exact: bool,
    /// Number of dropped coefficients or singular values.
    pub dropped: u64,
    /// Most Pauli strings held at a time, or the largest bond dimension.
    pub terms: usize,
    /// Coefficients below this were dropped.
    pub cut: f64,
}

impl ErrorAccount {
    pub fn of(account: &Account) -> Self {
        let &Account { interval, rms, drift, fidelity, dropped, terms, below, .. } = account;
        let (bound, exact) = (account.certificate(), account.is_exact());
        Self { bound, interval, rms, drift, fidelity, exact, dropped, terms, cut: below }
    }
}

/// Options of the engine that is asked for.
pub fn options(arguments: &Arguments) -> EngineOptions {
    EngineOptions {
        precision: arguments.precision,
        shots: arguments.shots.unwrap_or(EngineOptions::default().shots),
        seed: arguments.seed,
        cut: arguments.cut(),
        bond: arguments.bond(),
    }
}

/// Runs everything that the arguments request; the state only if it is to be saved.
pub fn answer(arguments: &Arguments, setup: &Setup) -> Result<(Answer, Option<ArrayD<C64>>)> {
    let program = &*setup.program;
    let angles = Angles::of_weights(&[]);
    let options = options(arguments);
    let shots = options.shots;
    let Outcomes { by_rows, listed: outcomes, few } = Outcomes::of(&arguments.engine, arguments, setup)?;
    let (auto, named, chain) = (Auto::new(options), engine(&arguments.engine, options)?, Mps::new(&options));
    let engine: &dyn Simulator = match (arguments.engine.as_str(), by_rows) {
        (_, Some(Rows::Stabilizer)) => &Stabilizer,
        (_, Some(Rows::Mps)) => &chain,
        ("auto", None) if outcomes => auto.choose(program, angles, None),
        _ => named.as_ref(),
    };
    let of_outcomes = (outcomes || by_rows.is_some()).then(|| short(engine.name()));
    // Outcomes that are drawn are no reason for values that are.
    let draws = |name: &str| EngineRow::named(name).is_ok_and(|row| row.values == ValueKind::Drawn);
    let is_drawn = of_outcomes.as_deref().is_some_and(draws);
    let of_values = if arguments.engine == "auto" && is_drawn { named.as_ref() } else { engine };
    let values = match setup.observables.len() {
        0 => None,
        _ => Some(of_values.prepare(program, &setup.observables, 0)?),
    };
    let values_name = values.as_ref().map(|prepared| short(prepared.resolved_name(1)));
    let (name, values_engine) = match of_outcomes {
        Some(name) => (name.clone(), values_name.filter(|values| is_drawn && *values != name)),
        None => (values_name.unwrap_or_else(|| short(engine.name())), None),
    };
    let (name, cones) = apart(name);
    if let Some(shots) = arguments.shots {
        sample::affordable(shots)?;
    }

    let begun = Instant::now();
    let mut probabilities = None;
    if outcomes {
        let listed = engine.probabilities(program, angles);
        // Values feel less than outcomes do.
        let listed = match arguments.shots.is_some() && values.is_some() {
            true => listed.context("outcomes for --shots; without --shots there are expectation values alone")?,
            false => listed?,
        };
        probabilities = Some(over_outcomes(setup, listed.row(0))?);
    }
    let mut counts = None;
    if let (Some(shots), Some(p)) = (arguments.shots, &probabilities) {
        counts = Some(match name.as_str() {
            // Each trajectory gives one outcome. Drawing from their mean would err twice.
            name if draws(name) => {
                let drawn = engine.sample(program, angles, shots, arguments.seed)?.mapv(|n| n as f64);
                over_outcomes(setup, drawn.row(0))?.mapv(|n| n as u64)
            }
            _ => sample::sample(p.view().insert_axis(ndarray::Axis(0)), shots, arguments.seed).row(0).to_owned(),
        });
    }
    let (rows, dropped) = match by_rows {
        Some(Rows::Stabilizer) => (Some(Stabilizer.records(program, &[], shots, arguments.seed)?), None),
        Some(Rows::Mps) => {
            let (rows, account) = chain.records(program, &[], shots, arguments.seed)?;
            (Some(rows), Some(account))
        }
        // The state of a list of outcomes is that of a few shots.
        None if outcomes && arguments.engine == "mps" => {
            (None, Some(chain.records(program, &[], FEW, arguments.seed)?.1))
        }
        None => (None, None),
    };
    let expectations = match &values {
        None => Vec::new(),
        Some(prepared) => prepared.expect(angles)?.row(0).to_vec(),
    };
    let accounts = values.as_ref().and_then(|prepared| prepared.account(angles).transpose()).transpose()?;
    let errors = accounts.map(|accounts| accounts.row(0).iter().map(ErrorAccount::of).collect());
    let state = arguments.save.is_some().then(|| saved(arguments, setup)).transpose()?;
    let seconds = begun.elapsed().as_secs_f64();

    let width = setup.outcome_bits().len();
    let named = |counts: Array1<u64>| {
        let seen = counts.into_iter().enumerate().filter(|&(_, count)| count > 0);
        seen.map(|(outcome, count)| (sample::bit_string(outcome, width), count)).collect()
    };
    let counts: Option<BTreeMap<String, u64>> = counts.map(named).or(rows.map(|rows| counts_of(setup, &rows)));
    let listed = few || arguments.probabilities || !arguments.json;
    let answer = Answer {
        engine: name,
        precision: engine.precision(),
        threads: rayon::current_num_threads(),
        ranks: None,
        qubits: program.qubits(),
        cones,
        values_engine,
        seconds,
        probabilities: probabilities.filter(|_| listed).map(|p| p.to_vec()),
        observables: arguments.observable.clone(),
        expectations,
        mitigation: None,
        errors,
        outcome_error: dropped.as_ref().map(ErrorAccount::of),
        registers: RegisterCounts::all(setup, counts.as_ref()),
        counts,
        repairs: program.notices.clone(),
        active: setup.qubits.clone(),
        bits: setup.bits.to_vec(),
    };
    Ok((answer, state))
}

/// How often each row of bits came up, by bit string of the file's bits.
fn counts_of(setup: &Setup, rows: &ShotRecords) -> BTreeMap<String, u64> {
    let position = |k: usize| if setup.bits.is_empty() { setup.positions[k] } else { k };
    let positions: Vec<usize> = (0..setup.outcome_bits().len()).rev().map(position).collect();
    let digits = |row: &[u64]| {
        let digits = positions.iter().map(|position| b'0' + (row[position / 64] >> (position % 64) & 1) as u8);
        String::from_utf8(digits.collect()).expect("0 and 1 are text")
    };
    added(rows.counts().into_iter().map(|(row, count)| (digits(row), count)).collect())
}

/// Counts by bit string, those of equal strings added: a map is made faster of keys in order than key by key.
fn added(mut counts: Vec<(String, u64)>) -> BTreeMap<String, u64> {
    counts.sort_unstable();
    counts.dedup_by(|from, to| {
        let is_equal = from.0 == to.0;
        to.1 += if is_equal { from.1 } else { 0 };
        is_equal
    });
    counts.into_iter().collect()
}

/// What is indexed by the program's qubits, indexed by the file's; what is indexed by classical bits stays.
pub fn over_outcomes(setup: &Setup, values: ArrayView1<f64>) -> Result<Array1<f64>> {
    if setup.bits.is_empty() { Ok(state::marginal(values, &setup.positions)?) } else { Ok(values.to_owned()) }
}

/// The state of the file's qubits, or of those to keep, just before terminal measurements.
fn saved(arguments: &Arguments, setup: &Setup) -> Result<ArrayD<C64>> {
    let program = &*setup.program;
    let keep = match arguments.keep.len() {
        0 => None,
        _ => Some(setup.positions_of(&arguments.keep)?),
    };
    let pure = match arguments.engine.as_str() {
        "density" => None,
        "statevector" => Some(state::statevector(program, &[])?),
        _ => pure(program)?,
    };
    let positions = keep.as_deref().unwrap_or(&setup.positions);
    Ok(match pure {
        // All qubits of the program, perhaps in another order.
        Some(psi) if keep.is_none() && positions.len() == program.qubits() => {
            state::reordered(psi.view(), positions)?.into_dyn()
        }
        Some(psi) => state::reduced(psi.view(), positions)?.into_dyn(),
        None => state::partial_trace(state::density(program, &[])?.view(), positions)?.into_dyn(),
    })
}

/// The state vector of a program, if it has one.
fn pure(program: &Program) -> Result<Option<Array1<C64>>> {
    match state::statevector(program, &[]) {
        Ok(psi) => Ok(Some(psi)),
        Err(SimError::Unsupported { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
