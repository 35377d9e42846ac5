//! Where the qubits of a circuit start: perfect placements, greedy ones, random ones.

use crate::circuit::OpKind;
use crate::device::transpile::TranspileError;
use crate::device::transpile::coupling::{Coupling, Distances, parts};
use crate::device::transpile::step::{Step, StepKind};
use crate::math::Stream;

/// What a circuit needs of its qubits.
pub(super) struct Demand {
    /// Per qubit: the others it interacts with and how many entanglers that takes.
    pub neighbours: Vec<Vec<(usize, usize)>>,
    /// Number of one-qubit pulses, roughly two per run.
    pulses: Vec<f64>,
    /// Number of measurements and readings at the end.
    readouts: Vec<f64>,
    /// When each qubit first interacts.
    first_use: Vec<usize>,
    /// Qubits in the order of assignment: interacting ones next to assigned ones, those without interactions last.
    order: Vec<usize>,
}

impl Demand {
    /// Of the steps on `qubits` wires, of which `read` are read at the end besides those that are measured.
    pub fn of(steps: &[Step], qubits: usize, read: &[usize]) -> Self {
        let mut neighbours: Vec<Vec<(usize, usize)>> = vec![Vec::new(); qubits];
        let (mut pulses, mut readouts) = (vec![0.0; qubits], vec![0.0; qubits]);
        let mut first_use = vec![usize::MAX; qubits];
        read.iter().for_each(|&q| readouts[q] += 1.0);
        for (k, step) in steps.iter().enumerate() {
            match &step.kind {
                StepKind::OneQubitRun(q, run) if !run.is_diagonal() => pulses[*q] += 2.0,
                StepKind::Cz(a, b) | StepKind::Zz(a, b, _) | StepKind::Swap(a, b) => {
                    let count = if matches!(step.kind, StepKind::Swap(..)) { 3 } else { 1 };
                    for (q, other) in [(*a, *b), (*b, *a)] {
                        first_use[q] = first_use[q].min(k);
                        match neighbours[q].iter_mut().find(|(known, _)| *known == other) {
                            Some((_, total)) => *total += count,
                            None => neighbours[q].push((other, count)),
                        }
                    }
                }
                StepKind::Rest(op) if matches!(op.kind, OpKind::Measure { .. }) => readouts[op.qubits[0]] += 1.0,
                _ => {}
            }
        }
        let order = assignment_order(&neighbours);
        Self { neighbours, pulses, readouts, first_use, order }
    }

    fn qubits(&self) -> usize {
        self.order.len()
    }

    /// Cost of one qubit on one physical qubit, apart from its interactions.
    fn alone(&self, qubit: usize, physical: usize, coupling: &Coupling) -> f64 {
        self.pulses[qubit] * coupling.pulse[physical] + self.readouts[qubit] * coupling.readout[physical]
    }
}

/// Most connected first, then always the qubit with most assigned neighbours.
fn assignment_order(neighbours: &[Vec<(usize, usize)>]) -> Vec<usize> {
    let mut assigned_neighbours = vec![0usize; neighbours.len()];
    let mut left: Vec<usize> = (0..neighbours.len()).collect();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let rank = |q: usize| (assigned_neighbours[q], neighbours[q].len(), usize::MAX - q);
        let at = (0..left.len()).max_by_key(|&k| rank(left[k])).expect("some are left");
        let next = left.swap_remove(at);
        for &(other, _) in &neighbours[next] {
            assigned_neighbours[other] += 1;
        }
        order.push(next);
    }
    order
}

/// The cheapest placement found in which all interacting qubits are neighbours; `None` if none was found within
/// `budget` tries. Branch and bound over subgraph embeddings, in the spirit of VF2++ (Jüttner and Madarasi 2018).
pub(super) fn embed(demand: &Demand, coupling: &Coupling, budget: usize) -> Option<Vec<usize>> {
    if demand.qubits() > coupling.qubits() {
        return None;
    }
    let cheapest_link = coupling.links.iter().map(|link| link.cost).fold(f64::INFINITY, f64::min);
    // Entanglers whose cost is open once the first k qubits of the order are assigned.
    let mut open = vec![0.0; demand.qubits() + 1];
    let mut position = vec![0; demand.qubits()];
    for (k, &q) in demand.order.iter().enumerate() {
        position[q] = k;
    }
    for k in (0..demand.qubits()).rev() {
        let q = demand.order[k];
        let paid = demand.neighbours[q].iter().filter(|(other, _)| position[*other] < k);
        open[k] = open[k + 1] + paid.map(|&(_, count)| count as f64).sum::<f64>();
    }
    let rest = open.iter().map(|&count| if count > 0.0 { count * cheapest_link } else { 0.0 }).collect();
    let mut search = Search {
        demand,
        coupling,
        position,
        rest,
        physical: vec![usize::MAX; demand.qubits()],
        used: vec![false; coupling.qubits()],
        best: None,
        tries: 0,
        limit: 0,
    };
    search.start(budget);
    search.best.map(|(_, physical)| physical)
}

struct Search<'a> {
    demand: &'a Demand,
    coupling: &'a Coupling,
    position: Vec<usize>,
    /// Least cost of the entanglers open at each depth.
    rest: Vec<f64>,
    physical: Vec<usize>,
    used: Vec<bool>,
    best: Option<(f64, Vec<usize>)>,
    tries: usize,
    limit: usize,
}

impl Search<'_> {
    /// Every physical qubit for the first qubit gets its share of the tries, the cheapest neighbourhood first.
    fn start(&mut self, budget: usize) {
        let Some(&first) = self.demand.order.first() else {
            self.best = Some((0.0, Vec::new()));
            return;
        };
        let roots = self.candidates(first, 0);
        let share = (budget / roots.len().max(1)).max(4 * self.demand.qubits());
        for (cost, physical) in roots {
            self.limit = self.tries + share;
            self.put(first, physical, cost, 0);
        }
    }

    fn put(&mut self, qubit: usize, physical: usize, cost: f64, depth: usize) {
        (self.physical[qubit], self.used[physical]) = (physical, true);
        self.descend(depth + 1, cost);
        (self.physical[qubit], self.used[physical]) = (usize::MAX, false);
    }

    fn descend(&mut self, depth: usize, cost: f64) {
        self.tries += 1;
        if self.tries > self.limit || self.best.as_ref().is_some_and(|(best, _)| cost + self.rest[depth] >= *best) {
            return;
        }
        let Some(&qubit) = self.demand.order.get(depth) else {
            self.best = Some((cost, self.physical.clone()));
            return;
        };
        let lonely = self.demand.neighbours[qubit].is_empty();
        for (more, physical) in self.candidates(qubit, depth) {
            self.put(qubit, physical, cost + more, depth);
            // A qubit without interactions takes the best physical qubit that is left. Others would only permute such
            // qubits.
            if lonely || self.tries > self.limit {
                return;
            }
        }
    }

    /// Free physical qubits for `qubit` next to all its assigned neighbours, with what each adds to the cost, cheapest
    /// first.
    fn candidates(&self, qubit: usize, depth: usize) -> Vec<(f64, usize)> {
        let wanted = &self.demand.neighbours[qubit];
        let mut assigned = wanted.iter().filter(|(other, _)| self.position[*other] < depth);
        let fits = |physical: usize| {
            let free = self.coupling.usable[physical] && !self.used[physical];
            if !free || self.coupling.neighbours[physical].len() < wanted.len() {
                return None;
            }
            let mut cost = self.demand.alone(qubit, physical, self.coupling);
            for &(other, count) in wanted.iter().filter(|(other, _)| self.position[*other] < depth) {
                cost += count as f64 * self.coupling.link(physical, self.physical[other])?.cost;
            }
            Some((cost, physical))
        };
        let mut found: Vec<(f64, usize)> = match assigned.next() {
            Some(&(other, _)) => self.coupling.neighbours[self.physical[other]]
                .iter()
                .filter_map(|&(physical, _)| fits(physical))
                .collect(),
            None => (0..self.coupling.qubits()).filter_map(fits).collect(),
        };
        if depth == 0 {
            // Nothing has a cost yet: rate a start by its best links.
            let around = |physical: usize| {
                let links = self.coupling.neighbours[physical].iter().map(|&(_, k)| self.coupling.links[k].cost);
                links.fold(f64::INFINITY, f64::min)
            };
            found.sort_by(|a, b| (a.0 + around(a.1)).total_cmp(&(b.0 + around(b.1))).then(a.1.cmp(&b.1)));
        } else {
            found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        }
        found
    }
}

/// For each qubit that interacts, the connected part of the device it must be in.
///
/// # Errors
/// If no part is large enough.
pub(super) fn assign_parts(demand: &Demand, coupling: &Coupling) -> Result<Vec<Option<usize>>, TranspileError> {
    let (component, sizes) = parts(&demand.neighbours);
    let mut by_size: Vec<usize> = (0..sizes.len()).filter(|&k| sizes[k] > 1).collect();
    by_size.sort_by_key(|&k| std::cmp::Reverse(sizes[k]));
    let mut free = coupling.part_sizes.clone();
    let mut part_of = vec![None; sizes.len()];
    for k in by_size {
        // The largest part, so that components share one as long as they fit.
        let (part, capacity) = free
            .iter_mut()
            .enumerate()
            .max_by_key(|(p, capacity)| (**capacity, usize::MAX - p))
            .expect("a device has parts");
        if *capacity < sizes[k] {
            let largest = *capacity;
            return Err(TranspileError::Disconnected { needed: sizes[k], largest });
        }
        *capacity -= sizes[k];
        part_of[k] = Some(part);
    }
    Ok(component.iter().map(|&k| part_of[k]).collect())
}

/// A placement that grows around `start`, always next to assigned qubits: by distance to the assigned neighbours, then
/// by the cost of the links around.
pub(super) fn greedy(
    demand: &Demand,
    coupling: &Coupling,
    distances: &Distances,
    part: &[Option<usize>],
    start: usize,
) -> Vec<usize> {
    let mut physical = vec![usize::MAX; demand.qubits()];
    let mut used = vec![false; coupling.qubits()];
    for &qubit in &demand.order {
        let cost = |at: usize| {
            let pull: usize = demand.neighbours[qubit]
                .iter()
                .filter(|(other, _)| physical[*other] != usize::MAX)
                .map(|&(other, count)| count * distances.between(at, physical[other]))
                .sum();
            let links = coupling.neighbours[at].iter().filter(|(other, _)| !used[*other]);
            let around = links.map(|&(_, k)| coupling.links[k].cost).fold(f64::INFINITY, f64::min).min(1.0);
            (pull + distances.between(start, at).min(coupling.qubits()), around + demand.alone(qubit, at, coupling))
        };
        let allowed =
            |at: &usize| coupling.usable[*at] && !used[*at] && part[qubit].is_none_or(|p| coupling.part[*at] == p);
        let best = (0..coupling.qubits())
            .filter(allowed)
            .map(|at| (cost(at), at))
            .min_by(|((a, x), i), ((b, y), j)| a.cmp(b).then(x.total_cmp(y)).then(i.cmp(j)))
            .expect("parts were assigned such that each is large enough")
            .1;
        physical[qubit] = best;
        used[best] = true;
    }
    physical
}

/// Which patch of the device a random placement takes, and in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patch {
    /// Around a random start, in random order.
    Ball,
    /// Along a random walk, in the order in which the circuit comes to interact.
    Chain,
    /// Along a long path and the qubits beside it, in the same order: a qubit that meets all others one after the other
    /// then travels along it.
    Path,
}

/// A random placement, connected part by connected part. Qubits that do not interact take any free physical qubit.
pub(super) fn scattered(
    demand: &Demand,
    coupling: &Coupling,
    distances: &Distances,
    part: &[Option<usize>],
    shape: Patch,
    stream: &mut Stream,
) -> Vec<usize> {
    let mut physical = vec![usize::MAX; demand.qubits()];
    let mut used = vec![false; coupling.qubits()];
    for wanted in (0..coupling.part_sizes.len()).map(Some).chain([None]) {
        let mut members: Vec<usize> = (0..demand.qubits()).filter(|&q| part[q] == wanted).collect();
        if members.is_empty() {
            continue;
        }
        let free = |at: &usize| coupling.usable[*at] && !used[*at] && wanted.is_none_or(|p| coupling.part[*at] == p);
        let mut patch: Vec<usize> = (0..coupling.qubits()).filter(free).collect();
        let start = patch[stream.below(patch.len())];
        match shape {
            Patch::Ball => patch.sort_by_cached_key(|&at| (distances.between(start, at), stream.bits())),
            Patch::Chain => {
                let rank = walk(start, coupling, stream);
                patch.sort_by_key(|&at| rank[at]);
            }
            Patch::Path => {
                let rank = along_path(start, coupling, stream);
                patch.sort_by_cached_key(|&at| (rank[at], distances.between(start, at)));
            }
        }
        match shape {
            Patch::Ball => members = stream.permutation(members.len()).iter().map(|&k| members[k]).collect(),
            Patch::Chain | Patch::Path => members.sort_by_key(|&q| demand.first_use[q]),
        }
        for (&qubit, &at) in members.iter().zip(&patch) {
            physical[qubit] = at;
            used[at] = true;
        }
    }
    physical
}

/// Steps of the search for a long path, for each physical qubit.
const ROTATIONS: usize = 20;

/// When a depth-first walk from `start`, turning at random, comes to each physical qubit.
fn walk(start: usize, coupling: &Coupling, stream: &mut Stream) -> Vec<usize> {
    let mut rank = vec![usize::MAX; coupling.qubits()];
    let (mut stack, mut next) = (vec![start], 0);
    while let Some(at) = stack.pop() {
        if rank[at] != usize::MAX {
            continue;
        }
        rank[at] = next;
        next += 1;
        let neighbours = &coupling.neighbours[at];
        stack.extend(stream.permutation(neighbours.len()).iter().map(|&k| neighbours[k].0));
    }
    rank
}

/// The position of each physical qubit along a long path from `start`, a qubit beside the path just behind the one that
/// it is beside; `usize::MAX` for all others.
fn along_path(start: usize, coupling: &Coupling, stream: &mut Stream) -> Vec<usize> {
    let neighbours = |at: usize| coupling.neighbours[at].iter().map(|&(other, _)| other);
    let (mut path, mut longest) = (vec![start], Vec::new());
    let mut position = vec![usize::MAX; coupling.qubits()];
    position[start] = 0;
    // Pósa's rotations: a path that cannot grow turns around the part behind a neighbour of its end.
    for _ in 0..ROTATIONS * coupling.qubits() {
        let end = path[path.len() - 1];
        let free: Vec<usize> = neighbours(end).filter(|&at| position[at] == usize::MAX).collect();
        if !free.is_empty() {
            let next = free[stream.below(free.len())];
            position[next] = path.len();
            path.push(next);
            continue;
        }
        if path.len() > longest.len() {
            longest.clone_from(&path);
        }
        let back: Vec<usize> = neighbours(end).map(|at| position[at]).filter(|&k| k + 2 < path.len()).collect();
        if back.is_empty() {
            // A dead end: one step back, by a random number of qubits.
            if path.len() == 1 {
                break;
            }
            for at in path.drain(1 + stream.below(path.len() - 1)..) {
                position[at] = usize::MAX;
            }
            continue;
        }
        let turn = back[stream.below(back.len())] + 1;
        path[turn..].reverse();
        for (k, &at) in path.iter().enumerate().skip(turn) {
            position[at] = k;
        }
    }
    if path.len() > longest.len() {
        longest = path;
    }
    let mut rank = vec![usize::MAX; coupling.qubits()];
    for (k, &at) in longest.iter().enumerate() {
        rank[at] = 2 * k + 1;
    }
    for (k, &at) in longest.iter().enumerate() {
        for beside in neighbours(at).filter(|&other| rank[other] == usize::MAX).collect::<Vec<_>>() {
            rank[beside] = 2 * k + 2;
        }
    }
    rank
}
