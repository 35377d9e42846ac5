//! Trials of routing from several first placements.

use crate::circuit::Circuit;
use crate::device::transpile::coupling::{Coupling, Distances};
use crate::device::transpile::layout::{self, Demand, Patch};
use crate::device::transpile::plan::Plan;
use crate::device::transpile::route::{self, Dependencies, Event, Layout, Weights};
use crate::device::transpile::simplify::Effort;
use crate::device::transpile::step::{Step, entanglers};
use crate::device::transpile::{LevelSettings, TranspileError};
use crate::math::Stream;

/// Trials take turns with these, found on the suite of tests/it/transpile_quality.rs: mostly a swap is rated by its real
/// cost as well, but on dense random circuits distance alone does better.
const ENTANGLER_WEIGHTS: [f64; 3] = [0.15, 0.15, 0.0];

/// Where the qubits of a circuit start.
pub(super) enum Start {
    /// Where the caller wants them.
    Given(Vec<usize>),
    /// Where trials find that little is swapped. A trial whose swaps cost as many entanglers as this number is given up.
    Searched { below: usize },
}

/// A layout that routing refines and then starts from.
struct Trial {
    at: Layout,
    weights: Weights,
    stream: Stream,
    /// Rounds of refinement left.
    rounds: usize,
    /// Entanglers of the swaps the last time it was routed.
    price: usize,
}

/// What all trials route.
struct Routing<'a> {
    forth: Dependencies,
    back: Dependencies,
    coupling: &'a Coupling,
    distances: Distances,
}

impl Routing<'_> {
    /// Routes a trial's circuit forth and back, which leaves the qubits where the circuit had better start. Returns whether
    /// that took less than `below`.
    fn refine(&self, trial: &mut Trial, below: usize) -> bool {
        trial.rounds -= 1;
        [&self.forth, &self.back].into_iter().all(|dependencies| {
            let price = self.route(dependencies, trial, None, below);
            price.map(|price| trial.price = price).is_some()
        })
    }

    fn route(
        &self,
        dependencies: &Dependencies,
        trial: &mut Trial,
        events: Option<&mut Vec<Event>>,
        below: usize,
    ) -> Option<usize> {
        let Trial { at, weights, stream, .. } = trial;
        route::route(dependencies, self.coupling, &self.distances, at, *weights, stream, (events, below))
    }
}

/// The best of several routed circuits; `None` if all trials were given up.
pub(super) fn routed(
    steps: &[Step],
    circuit: &Circuit,
    coupling: &Coupling,
    (demand, read): (&Demand, &[usize]),
    start: Start,
    settings: &LevelSettings,
    seed: u64,
) -> Result<Option<Plan>, TranspileError> {
    let (part, below) = match &start {
        Start::Given(given) => (check_parts(demand, coupling, given)?, usize::MAX),
        Start::Searched { below } => (layout::assign_parts(demand, coupling)?, *below),
    };
    let bits = circuit.bits() + circuit.scratch();
    let routing = Routing {
        forth: Dependencies::of(steps, circuit.qubits(), bits, false),
        back: Dependencies::of(steps, circuit.qubits(), bits, true),
        coupling,
        distances: coupling.distances(),
    };
    let purpose = Stream::named(seed, "transpile").bits();
    let begin = |trial: usize| {
        let mut stream = Stream::numbered(purpose, trial as u64);
        let weights = Weights {
            coming: 0.5,
            entangler: ENTANGLER_WEIGHTS[trial % ENTANGLER_WEIGHTS.len()],
            rebuilt: settings.effort >= Effort::Blocks,
        };
        let (first, rounds) = match &start {
            Start::Given(given) => (given.clone(), 0),
            Start::Searched { .. } => {
                let first = first_layout(trial, demand, coupling, &routing.distances, &part, &mut stream);
                (first, settings.rounds[trial / 4 % 2])
            }
        };
        Trial { at: Layout::new(first, coupling.qubits()), weights, stream, rounds, price: usize::MAX }
    };
    let (mut refined, unrefined): (Vec<Trial>, Vec<Trial>) =
        (0..settings.trials).map(begin).partition(|trial| trial.rounds > 0);
    let mut kept = refined.len().div_ceil(2);
    while refined.iter().any(|trial| trial.rounds > 0) {
        refined.retain_mut(|trial| routing.refine(trial, below));
        // The better half after the first round goes on. Sorting is stable: among equals the earlier trial comes first.
        refined.sort_by_key(|trial| trial.price);
        refined.truncate(kept);
        kept = refined.len();
    }
    let mut finalists: Vec<(usize, Vec<usize>, Vec<Event>)> = Vec::with_capacity(settings.finalists + 1);
    for mut trial in refined.into_iter().chain(unrefined) {
        let initial = trial.at.physical_of.clone();
        let mut events = Vec::with_capacity(steps.len());
        // A trial that is no better than the worst of enough others is none of the finalists.
        let most = finalists.get(settings.finalists - 1).map_or(below, |(price, ..)| *price);
        let Some(price) = routing.route(&routing.forth, &mut trial, Some(&mut events), most) else { continue };
        let made = (price, initial, events);
        if !finalists.contains(&made) {
            finalists.push(made);
        }
        finalists.sort_by_key(|(price, ..)| *price);
        finalists.truncate(settings.finalists);
    }
    let plans = finalists
        .into_iter()
        .map(|(_, initial, events)| Plan::replayed(steps, &events, initial, coupling, settings.effort));
    let rank = |plan: &Plan| (plan.cost(coupling, read), entanglers(&plan.steps));
    let best = plans.map(|plan| (rank(&plan), plan)).reduce(|best, next| {
        let better = (next.0.0 - best.0.0).abs() < 1e-12 && next.0.1 < best.0.1 || next.0.0 < best.0.0 - 1e-12;
        if better { next } else { best }
    });
    Ok(best.map(|(_, plan)| plan))
}

/// The first layout of a trial: trials take turns with greedy and several random ones.
fn first_layout(
    trial: usize,
    demand: &Demand,
    coupling: &Coupling,
    distances: &Distances,
    part: &[Option<usize>],
    stream: &mut Stream,
) -> Vec<usize> {
    if trial.is_multiple_of(4) {
        return layout::greedy(demand, coupling, distances, part, stream.below(coupling.qubits()));
    }
    let shape = [Patch::Path, Patch::Chain, Patch::Path, Patch::Ball][trial % 4];
    layout::scattered(demand, coupling, distances, part, shape, stream)
}

/// Qubits that interact must start in one connected part.
fn check_parts(demand: &Demand, coupling: &Coupling, initial: &[usize]) -> Result<Vec<Option<usize>>, TranspileError> {
    for (q, neighbours) in demand.neighbours.iter().enumerate() {
        for &(other, _) in neighbours {
            if coupling.part[initial[q]] != coupling.part[initial[other]] {
                let largest = coupling.part_sizes.iter().copied().max().unwrap_or(0);
                return Err(TranspileError::Disconnected { needed: initial.len(), largest });
            }
        }
    }
    Ok(initial.iter().map(|&p| Some(coupling.part[p])).collect())
}
