//! Rewriting a circuit for a device: native gates on coupled qubits.
//!
//! The passes: `decompose` rewrites every gate as one-qubit runs and CZ, `simplify` takes out what cancels. `embed`, `ring`
//! and `path` look for physical qubits, by calibrated error, on which all that interact are neighbours. Where there are none,
//! `layout` chooses first ones and `route` inserts swaps, or `star` moves a qubit with many partners along a path. `native`
//! writes the device's gates. Slots stay slots throughout: a circuit is transpiled once and bound often.
//!
//! ```
//! use qgraft::circuit::{Circuit, Gate};
//! use qgraft::device::{Edge, Target, transpile::{TranspileOptions, transpile}};
//! let edge = |from, to| Edge { gate: Gate::Cz, from, to, error: 0.01 };
//! let line = Target {
//!     qubits: 3,
//!     single: vec![Gate::Rz, Gate::Sx, Gate::X],
//!     edges: vec![edge(0, 1), edge(1, 2)],
//!     single_error: vec![1e-4; 3],
//!     readout_error: vec![0.01; 3],
//!     ..Target::default()
//! };
//! let mut ghz = Circuit::new(3);
//! ghz.push(Gate::H, &[0], &[])?.push(Gate::Cx, &[0, 1], &[])?.push(Gate::Cx, &[0, 2], &[])?;
//! let transpiled = transpile(&ghz, &line, &TranspileOptions::default())?;
//! assert_eq!(transpiled.two_qubit_gates, 2);
//! assert_eq!(transpiled.initial_layout[0], 1, "the qubit with two partners is in the middle");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod basis;
mod coupling;
mod decompose;
mod embed;
mod error;
mod file;
mod kak;
mod layout;
mod native;
mod one_qubit_run;
mod path;
mod plan;
mod ring;
mod route;
mod shannon;
mod simplify;
mod star;
mod step;

pub use error::TranspileError;

use std::collections::BTreeSet;

use crate::circuit::{Circuit, Gate, OpKind};
use crate::device::Target;
use crate::device::transpile::basis::Basis;
use crate::device::transpile::coupling::Coupling;
use crate::device::transpile::layout::{Demand, Patch};
use crate::device::transpile::plan::Plan;
use crate::device::transpile::route::{Dependencies, Event, Layout, Weights};
use crate::device::transpile::simplify::{Effort, simplify};
use crate::device::transpile::star::End;
use crate::device::transpile::step::{Step, entanglers};
use crate::math::Stream;

/// How to transpile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranspileOptions {
    /// 0 (only what must be done) to 3 (everything).
    pub level: u8,
    /// Seed of the random trials of layout and routing.
    pub seed: u64,
    /// Where the circuit's qubits start.
    pub layout: LayoutMethod,
    /// Qubits of the circuit that are read at its end, such as those of an observable, though no operation measures them:
    /// the layout and [`TranspiledCircuit::success`] count their readout error.
    pub read: Vec<usize>,
}

impl Default for TranspileOptions {
    /// Level 3, seed 0, layout by calibrated error.
    fn default() -> Self {
        Self { level: 3, seed: 0, layout: LayoutMethod::NoiseAware, read: Vec::new() }
    }
}

/// How the first placement of the circuit's qubits is chosen.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum LayoutMethod {
    /// The best placement found that needs no swap, by calibrated error, if one is found; else the best of greedy and random
    /// placements refined by routing back and forth.
    #[default]
    NoiseAware,
    /// Qubit k on physical qubit k.
    Trivial,
    /// Qubit k on the k-th of these physical qubits.
    Given(Vec<usize>),
}

/// A circuit in the gates of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct TranspiledCircuit {
    /// As wide as the device; native gates on physical qubits, with the slots and classical bits of the source. Equal
    /// to the source up to the placements below and a global phase.
    pub circuit: Circuit,
    /// Physical qubit of each of the source's qubits at the start.
    pub initial_layout: Vec<usize>,
    /// Physical qubit of each of the source's qubits at the end: swaps of the source and of routing change it.
    pub final_layout: Vec<usize>,
    /// Number of two-qubit gates.
    pub two_qubit_gates: usize,
    /// Number of one-qubit gates that take time and err: all but rz, p and id.
    pub pulses: usize,
    /// [`Circuit::depth`].
    pub depth: usize,
    /// Product of `1 - error` over two-qubit gates, pulses, measurements and qubits that are read at the end: a rough estimate
    /// of the success probability that ignores idling.
    pub success: f64,
}

/// What a level spends.
struct LevelSettings {
    effort: Effort,
    /// Tries of the search for a placement without swaps, about: every physical qubit to start from has at least four for each
    /// qubit of the circuit. Steps of the search for a ring.
    embed: usize,
    /// Paths that chains of qubits are laid on.
    paths: usize,
    /// First placements to route from, and rounds of routing forth and back to refine each: four trials with the first
    /// number, four with the second. Refinement helps most circuits and spoils a path that fits one.
    trials: usize,
    rounds: [usize; 2],
    /// Routed circuits that are simplified and compared to the end.
    finalists: usize,
}

const LEVELS: [LevelSettings; 4] = [
    LevelSettings { effort: Effort::Join, embed: 0, paths: 0, trials: 5, rounds: [0, 0], finalists: 1 },
    LevelSettings { effort: Effort::Cancel, embed: 2_000, paths: 8, trials: 16, rounds: [2, 2], finalists: 1 },
    LevelSettings { effort: Effort::Blocks, embed: 10_000, paths: 16, trials: 24, rounds: [2, 0], finalists: 2 },
    LevelSettings { effort: Effort::Measured, embed: 20_000, paths: 24, trials: 32, rounds: [2, 0], finalists: 3 },
];

/// Trials take turns with these, found on the suite of tests/it/transpile_quality.rs: mostly a swap is rated by its real
/// cost as well, but on dense random circuits distance alone does better.
const ENTANGLER_WEIGHTS: [f64; 3] = [0.15, 0.15, 0.0];

/// Gates at most that those under many controls become before any pass.
const GATES: u64 = 2_000_000;

/// Rewrites `circuit` for `target`.
///
/// Level 0 keeps every gate and assigns the first usable qubits unless a layout is given; 1 cancels, searches a placement
/// and moves a qubit with many partners along a path; 2 also builds two-qubit blocks anew and lets `swap` gates of the
/// source only rename qubits; 3 searches longer and leaves out what measurements cannot see. The same arguments give the
/// same result.
///
/// # Errors
/// If the circuit is too wide, the device is not connected enough or its gates cannot build the circuit's, or the
/// options do not fit.
pub fn transpile(
    circuit: &Circuit,
    target: &Target,
    options: &TranspileOptions,
) -> Result<TranspiledCircuit, TranspileError> {
    let settings = LEVELS.get(usize::from(options.level)).ok_or(TranspileError::Level { got: options.level })?;
    let needed = circuit.qubits();
    let coupling = Coupling::of(target)?;
    let available = coupling.usable.iter().filter(|usable| **usable).count();
    if needed > available {
        return Err(TranspileError::TooWide { needed, available });
    }
    let basis = Basis::of(&target.single)?;
    let count = decompose::count(circuit);
    if count > GATES {
        return Err(TranspileError::TooManyGates { count, most: GATES });
    }
    let (unrolled, wire) = decompose::unroll(circuit, settings.effort >= Effort::Blocks, coupling.has_zz());
    let steps = simplify(unrolled.clone(), needed, settings.effort, coupling.has_zz());
    let read = read_at_end(circuit, &options.read, &wire)?;
    let demand = Demand::of(&steps, needed, &read);
    if coupling.links.is_empty() && demand.neighbours.iter().any(|n| !n.is_empty()) {
        let mut found: Vec<String> = target.edges.iter().map(|edge| edge.gate.name().to_string()).collect();
        found.sort_unstable();
        found.dedup();
        return Err(match &target.out_of_service[..] {
            pairs @ [_, ..] if found.is_empty() => TranspileError::AllOutOfService { pairs: list_pairs(pairs) },
            _ => TranspileError::NoEntangler { found, known: native::known_entanglers() },
        });
    }
    let given = match &options.layout {
        LayoutMethod::Given(qubits) => Some(checked(qubits, needed, &coupling)?),
        LayoutMethod::Trivial => Some(checked(&(0..needed).collect::<Vec<_>>(), needed, &coupling)?),
        LayoutMethod::NoiseAware if options.level == 0 => Some(coupling.first(needed)),
        LayoutMethod::NoiseAware => None,
    };
    let route = |given| routed(&steps, circuit, &coupling, (&demand, &read), given, settings, options.seed);
    let search = |demand: &Demand| placed(demand, &coupling, settings, options.seed);
    let plan = if given.is_some() {
        route(given)?
    } else if let Some(initial) = search(&demand) {
        Plan::unmoved(&steps, initial)
    } else {
        let mut plan = route(None)?;
        if options.level >= 2 {
            plan.settle(&coupling, &read, settings.embed);
        }
        // Simplified steps are no longer in the order of the source, in which stars stand together.
        let of_stars = |end| Plan::of_stars(&unrolled, needed, (end, settings.effort), (&coupling, &read), search);
        let stars = [End::Beside, End::Behind].into_iter().filter_map(of_stars);
        stars.fold(plan, |plan, stars| plan.or_cheaper(stars, &coupling, &read))
    };
    let read: Vec<usize> = read.iter().map(|&w| plan.last[w]).collect();
    let last: Vec<usize> = wire.iter().map(|&w| plan.last[w]).collect();
    let written = |steps: &[Step]| {
        let written = native::write(steps, circuit, &coupling, basis, settings.effort)?;
        Ok::<_, TranspileError>(summary(written, plan.initial.clone(), last.clone(), &read, &coupling))
    };
    let mut best = written(&plan.steps)?;
    if settings.effort >= Effort::Blocks {
        let other = written(&simplify::with_fewer_pulses(&plan.steps, coupling.qubits()))?;
        let costs = |made: &TranspiledCircuit| (made.two_qubit_gates, made.pulses, made.depth);
        best = if costs(&other) < costs(&best) { other } else { best };
    }
    Ok(best)
}

/// The best of several routed circuits.
fn routed(
    steps: &[Step],
    circuit: &Circuit,
    coupling: &Coupling,
    (demand, read): (&Demand, &[usize]),
    given: Option<Vec<usize>>,
    settings: &LevelSettings,
    seed: u64,
) -> Result<Plan, TranspileError> {
    let physical = coupling.qubits();
    let distances = coupling.distances();
    let part = match &given {
        Some(given) => check_parts(demand, coupling, given)?,
        None => layout::assign_parts(demand, coupling)?,
    };
    let forth = Dependencies::of(steps, circuit.qubits(), circuit.bits() + circuit.scratch(), false);
    let back = Dependencies::of(steps, circuit.qubits(), circuit.bits() + circuit.scratch(), true);
    let mut trials: Vec<(usize, Vec<usize>, Vec<Event>)> = Vec::with_capacity(settings.trials);
    let purpose = Stream::named(seed, "transpile").bits();
    for trial in 0..settings.trials {
        let mut stream = Stream::numbered(purpose, trial as u64);
        let weights = Weights {
            coming: 0.5,
            entangler: ENTANGLER_WEIGHTS[trial % ENTANGLER_WEIGHTS.len()],
            rebuilt: settings.effort >= Effort::Blocks,
        };
        let start = match &given {
            Some(given) => given.clone(),
            None if trial % 4 == 0 => {
                let around = stream.below(physical);
                layout::greedy(demand, coupling, &distances, &part, around)
            }
            None => {
                let shape = [Patch::Path, Patch::Chain, Patch::Path, Patch::Ball][trial % 4];
                layout::scattered(demand, coupling, &distances, &part, shape, &mut stream)
            }
        };
        let mut at = Layout::new(start, physical);
        if given.is_none() {
            for _ in 0..settings.rounds[trial / 4 % 2] {
                route::route(&forth, coupling, &distances, &mut at, weights, &mut stream, None);
                route::route(&back, coupling, &distances, &mut at, weights, &mut stream, None);
            }
        }
        let initial = at.physical_of.clone();
        let mut events = Vec::with_capacity(steps.len());
        let price = route::route(&forth, coupling, &distances, &mut at, weights, &mut stream, Some(&mut events));
        trials.push((price, initial, events));
    }
    // Stable, so that among equals the earlier trial comes first.
    trials.sort_by_key(|(price, ..)| *price);
    trials.dedup();
    trials.truncate(settings.finalists);
    let plans = trials
        .into_iter()
        .map(|(_, initial, events)| Plan::replayed(steps, &events, initial, coupling, settings.effort));
    let rank = |plan: &Plan| (plan.cost(coupling, read), entanglers(&plan.steps));
    let best = plans.map(|plan| (rank(&plan), plan)).reduce(|best, next| {
        let ((cost, entanglers), (least, fewest)) = (next.0, best.0);
        let is_equal = (cost - least).abs() <= embed::EQUAL * least;
        if (is_equal && entanglers < fewest) || (!is_equal && cost < least) { next } else { best }
    });
    Ok(best.expect("every level makes at least one trial").1)
}

/// The cheapest placement found that needs no swap.
fn placed(demand: &Demand, coupling: &Coupling, settings: &LevelSettings, seed: u64) -> Option<Vec<usize>> {
    let ring = ring::place(demand, coupling, settings.embed, &mut Stream::named(seed, "transpile rings"));
    embed::embed(demand, coupling, settings.embed, ring).or_else(|| path::place(demand, coupling, settings.paths, seed))
}

/// The wires on which those of `read` end that the circuit does not measure itself.
fn read_at_end(circuit: &Circuit, read: &[usize], wire: &[usize]) -> Result<Vec<usize>, TranspileError> {
    if let Some(&qubit) = read.iter().find(|&&qubit| qubit >= circuit.qubits()) {
        return Err(TranspileError::Read { qubit, available: circuit.qubits() });
    }
    let mut is_read = vec![false; circuit.qubits()];
    read.iter().for_each(|&qubit| is_read[qubit] = true);
    for op in circuit.ops().iter().filter(|op| matches!(op.kind, OpKind::Measure { .. })) {
        is_read[op.qubits[0]] = false;
    }
    Ok((0..circuit.qubits()).filter(|&qubit| is_read[qubit]).map(|qubit| wire[qubit]).collect())
}

/// Pairs listed in one message; the rest are counted.
const LISTED: usize = 8;

/// Pairs for a message, without direction.
fn list_pairs(pairs: &[(usize, usize)]) -> String {
    let pairs: BTreeSet<_> = pairs.iter().map(|&(a, b)| (a.min(b), a.max(b))).collect();
    let listed: Vec<String> = pairs.iter().take(LISTED).map(|(a, b)| format!("({a}, {b})")).collect();
    match pairs.len().saturating_sub(LISTED) {
        0 => listed.join(", "),
        more => format!("{} and {more} more", listed.join(", ")),
    }
}

/// A layout of the caller: distinct usable physical qubits, one for each qubit of the circuit.
fn checked(qubits: &[usize], needed: usize, coupling: &Coupling) -> Result<Vec<usize>, TranspileError> {
    let available = coupling.qubits();
    let refuse = |reason: String| Err(TranspileError::Layout { reason, needed, available });
    if qubits.len() != needed {
        return refuse(format!("{} physical qubits are listed", qubits.len()));
    }
    for (k, &qubit) in qubits.iter().enumerate() {
        if qubit >= available {
            return refuse(format!("physical qubit {qubit} does not exist"));
        }
        if !coupling.usable[qubit] {
            return refuse(format!("physical qubit {qubit} is out of service or not calibrated"));
        }
        if qubits[..k].contains(&qubit) {
            return refuse(format!("physical qubit {qubit} is listed twice"));
        }
    }
    Ok(qubits.to_vec())
}

/// Qubits that interact must start in one connected part.
fn check_parts(demand: &Demand, coupling: &Coupling, initial: &[usize]) -> Result<Vec<Option<usize>>, TranspileError> {
    for (q, neighbours) in demand.neighbours.iter().enumerate() {
        for &(other, _) in neighbours {
            if coupling.part[initial[q]] != coupling.part[initial[other]] {
                let physical = (initial[q], initial[other]);
                return Err(TranspileError::Apart { first: q, second: other, physical });
            }
        }
    }
    Ok(initial.iter().map(|&p| Some(coupling.part[p])).collect())
}

/// Counts the written circuit.
fn summary(
    circuit: Circuit,
    initial_layout: Vec<usize>,
    final_layout: Vec<usize>,
    read: &[usize],
    coupling: &Coupling,
) -> TranspiledCircuit {
    let (mut two_qubit_gates, mut pulses) = (0, 0);
    let mut cost: f64 = read.iter().map(|&q| coupling.readout[q]).sum();
    for op in circuit.ops() {
        match (&op.kind, op.qubits.as_slice()) {
            (OpKind::Gate { gate, .. }, &[a, b]) => {
                two_qubit_gates += 1;
                cost += coupling.link(a, b).map_or(0.0, |link| link.cost_of(*gate));
            }
            (OpKind::Gate { gate: Gate::Rz | Gate::P | Gate::Id, .. }, _) => {}
            (OpKind::Gate { .. }, &[q]) => {
                pulses += 1;
                cost += coupling.pulse[q];
            }
            (OpKind::Measure { .. }, &[q]) => cost += coupling.readout[q],
            _ => {}
        }
    }
    let depth = circuit.depth();
    TranspiledCircuit { circuit, initial_layout, final_layout, two_qubit_gates, pulses, depth, success: (-cost).exp() }
}
