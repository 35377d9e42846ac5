//! Where the qubits of a circuit start if swaps are needed: greedy placements, random ones.

use crate::circuit::OpKind;
use crate::device::transpile::TranspileError;
use crate::device::transpile::coupling::{Coupling, Distances, parts};
use crate::device::transpile::path::long_path;
use crate::device::transpile::step::{Step, StepKind};
use crate::math::Stream;

/// What a circuit needs of its qubits.
pub(super) struct Demand {
    /// Per qubit: the others it interacts with and how many entanglers that takes.
    pub neighbours: Vec<Vec<(usize, usize)>>,
    /// Number of one-qubit pulses, roughly two per run.
    pub pulses: Vec<f64>,
    /// Number of measurements and readings at the end.
    pub readouts: Vec<f64>,
    /// When each qubit first interacts.
    first_use: Vec<usize>,
    /// Qubits in the order of assignment: interacting ones next to assigned ones, those without interactions last.
    pub order: Vec<usize>,
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

    pub fn qubits(&self) -> usize {
        self.order.len()
    }

    /// Where each qubit is in the order of assignment.
    pub fn position(&self) -> Vec<usize> {
        let mut position = vec![0; self.qubits()];
        for (k, &q) in self.order.iter().enumerate() {
            position[q] = k;
        }
        position
    }

    /// Puts the qubits that `physical` has not placed (`usize::MAX`) on the best usable physical qubits that are left; `None`
    /// if there are too few.
    pub fn place_rest(&self, physical: &mut [usize], coupling: &Coupling) -> Option<()> {
        let mut is_free = coupling.usable.clone();
        physical.iter().filter(|&&at| at != usize::MAX).for_each(|&at| is_free[at] = false);
        for &qubit in &self.order {
            if physical[qubit] == usize::MAX {
                let free = (0..coupling.qubits()).filter(|&at| is_free[at]);
                let rated = free.map(|at| (self.alone(qubit, at, coupling), at));
                physical[qubit] = rated.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))?.1;
                is_free[physical[qubit]] = false;
            }
        }
        Some(())
    }

    /// Cost of one qubit on one physical qubit, apart from its interactions.
    pub fn alone(&self, qubit: usize, physical: usize, coupling: &Coupling) -> f64 {
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

/// The position of each physical qubit along a long path, a qubit beside the path just behind the one that it is beside;
/// `usize::MAX` for all others.
fn along_path(start: usize, coupling: &Coupling, stream: &mut Stream) -> Vec<usize> {
    let path = long_path(start, coupling, stream);
    let mut rank = vec![usize::MAX; coupling.qubits()];
    for (k, &at) in path.iter().enumerate() {
        rank[at] = 2 * k + 1;
    }
    for (k, &at) in path.iter().enumerate() {
        for &(beside, _) in &coupling.neighbours[at] {
            if rank[beside] == usize::MAX {
                rank[beside] = 2 * k + 2;
            }
        }
    }
    rank
}
