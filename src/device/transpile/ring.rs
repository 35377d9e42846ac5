//! Rings: placements of circuits whose qubits interact in one cycle, as in layers of entanglers that return to the first
//! qubit.
//!
//! Qubit by qubit such a placement is found by luck alone, because most paths of the right length do not return. Here a
//! cycle of the device changes as a whole: its symmetric difference with a small cycle is a cycle again if the two share
//! one path. A random walk over such steps looks for cycles with as many qubits as the circuit.

use std::collections::BTreeSet;

use crate::device::transpile::coupling::Coupling;
use crate::device::transpile::embed::{self, EQUAL};
use crate::device::transpile::layout::Demand;
use crate::math::Stream;

/// Cycles of the right length at most that are rated by their errors.
const RATED: usize = 32;
/// A step that leads away from the wanted length is taken once in so many times.
const AWAY: usize = 8;
/// Neighbours at most of a qubit: of a lattice. On denser devices the search qubit by qubit finds rings.
const NEIGHBOURS: usize = 4;

/// The cheapest placement found within as many steps as `budget`; `None` if the interactions are no ring or none was found.
pub(super) fn place(demand: &Demand, coupling: &Coupling, budget: usize, stream: &mut Stream) -> Option<Vec<usize>> {
    let order = along_ring(demand)?;
    if coupling.neighbours.iter().any(|neighbours| neighbours.len() > NEIGHBOURS) {
        return None;
    }
    let small = small_cycles(coupling);
    if small.is_empty() {
        return None;
    }
    let mut cycle = Cycle::new(coupling);
    cycle.add(&small[stream.below(small.len())], coupling);
    let least = embed::least_rest(demand, coupling)[0];
    let mut rated: BTreeSet<Vec<bool>> = BTreeSet::new();
    let mut best: Option<(f64, Vec<usize>)> = None;
    for _ in 0..budget {
        if cycle.length == order.len() && rated.insert(cycle.links.clone()) {
            let (cost, physical) = cheapest_turn(demand, coupling, &order, &cycle.qubits(coupling))?;
            if best.as_ref().is_none_or(|(known, _)| cost < *known) {
                best = Some((cost, physical));
            }
            if rated.len() == RATED || best.as_ref().is_some_and(|(cost, _)| *cost <= least * (1.0 + EQUAL)) {
                break;
            }
        }
        let other = &small[stream.below(small.len())];
        let Some(length) = cycle.length_with(other) else { continue };
        if length.abs_diff(order.len()) <= cycle.length.abs_diff(order.len()) || stream.below(AWAY) == 0 {
            cycle.add(other, coupling);
        }
    }
    best.map(|(_, physical)| physical)
}

/// The interacting qubits in the order of their ring, if they are one.
fn along_ring(demand: &Demand) -> Option<Vec<usize>> {
    let partners = |q: usize| demand.neighbours[q].iter().map(|&(other, _)| other);
    let interacting = (0..demand.qubits()).filter(|&q| partners(q).len() > 0);
    let (first, count) = (interacting.clone().next()?, interacting.clone().count());
    if count < 3 || interacting.clone().any(|q| partners(q).len() != 2) {
        return None;
    }
    let mut order = vec![first, partners(first).next()?];
    while order.len() < count {
        let [.., before, at] = order[..] else { return None };
        order.push(partners(at).find(|&next| next != before && next != first)?);
    }
    Some(order)
}

/// A qubit of a small cycle and the link to the next one.
type Corner = (usize, usize);

/// For every qubit and two neighbours of it the shortest cycle through the three, each once.
fn small_cycles(coupling: &Coupling) -> Vec<Vec<Corner>> {
    let (mut found, mut known) = (Vec::new(), BTreeSet::new());
    for (at, neighbours) in coupling.neighbours.iter().enumerate() {
        for (k, &(from, first)) in neighbours.iter().enumerate() {
            for &(to, last) in &neighbours[k + 1..] {
                let Some(mut cycle) = shortest_path(coupling, from, to, at) else { continue };
                cycle.extend([(to, last), (at, first)]);
                let mut links: Vec<usize> = cycle.iter().map(|&(_, link)| link).collect();
                links.sort_unstable();
                if known.insert(links) {
                    found.push(cycle);
                }
            }
        }
    }
    found
}

/// A shortest path between two qubits around a third, without its end.
fn shortest_path(coupling: &Coupling, from: usize, to: usize, around: usize) -> Option<Vec<Corner>> {
    // From the end to the start, so that the way back is in order.
    let mut next: Vec<Option<Corner>> = vec![None; coupling.qubits()];
    let mut queue = vec![to];
    let mut done = 0;
    while let Some(&at) = queue.get(done) {
        if at == from {
            let mut path = Vec::new();
            let mut at = from;
            while at != to {
                let (later, link) = next[at]?;
                path.push((at, link));
                at = later;
            }
            return Some(path);
        }
        done += 1;
        for &(other, link) in &coupling.neighbours[at] {
            if other != around && other != to && next[other].is_none() {
                next[other] = Some((at, link));
                queue.push(other);
            }
        }
    }
    None
}

/// A cycle of the device that changes.
struct Cycle {
    /// Whether each link is in it.
    links: Vec<bool>,
    /// Links of it at each qubit: 0 or 2.
    degree: Vec<u8>,
    length: usize,
}

impl Cycle {
    fn new(coupling: &Coupling) -> Self {
        Self { links: vec![false; coupling.links.len()], degree: vec![0; coupling.qubits()], length: 0 }
    }

    /// The length of its symmetric difference with another cycle, if that is one cycle.
    fn length_with(&self, other: &[Corner]) -> Option<usize> {
        let (mut shared, mut ends) = (0, 0);
        let mut before = self.links[other[other.len() - 1].1];
        for &(qubit, link) in other {
            let is_shared = self.links[link];
            if !is_shared && !before && self.degree[qubit] > 0 {
                return None;
            }
            shared += usize::from(is_shared);
            ends += usize::from(is_shared != before);
            before = is_shared;
        }
        (ends == 2).then_some(self.length + other.len() - 2 * shared)
    }

    /// Becomes its symmetric difference with another cycle.
    fn add(&mut self, other: &[Corner], coupling: &Coupling) {
        for &(_, link) in other {
            let is_new = !self.links[link];
            self.links[link] = is_new;
            let ends = [coupling.links[link].from, coupling.links[link].to];
            if is_new {
                self.length += 1;
                ends.iter().for_each(|&q| self.degree[q] += 1);
            } else {
                self.length -= 1;
                ends.iter().for_each(|&q| self.degree[q] -= 1);
            }
        }
    }

    /// Its qubits in order.
    fn qubits(&self, coupling: &Coupling) -> Vec<usize> {
        let mut found = Vec::with_capacity(self.length);
        let (mut at, mut last) = (self.degree.iter().position(|&degree| degree > 0).unwrap_or(0), usize::MAX);
        while found.len() < self.length {
            found.push(at);
            let onward = coupling.neighbours[at].iter().find(|&&(_, link)| self.links[link] && link != last);
            let Some(&(next, link)) = onward else { break };
            (at, last) = (next, link);
        }
        found
    }
}

/// The cheapest way to lay a ring of interacting qubits on a cycle, and its cost. The other qubits take the best physical
/// qubits that are left; `None` if these are too few.
fn cheapest_turn(demand: &Demand, coupling: &Coupling, order: &[usize], cycle: &[usize]) -> Option<(f64, Vec<usize>)> {
    let count = order.len();
    let entanglers: Vec<f64> = (0..count)
        .map(|k| {
            let next = order[(k + 1) % count];
            let same = demand.neighbours[order[k]].iter().filter(|(other, _)| *other == next);
            same.map(|&(_, entanglers)| entanglers as f64).sum()
        })
        .collect();
    let at = |k: usize, turn: usize| match turn % 2 {
        0 => cycle[(turn / 2 + k) % count],
        _ => cycle[(turn / 2 + count - k) % count],
    };
    let cost = |turn: usize| -> f64 {
        let of = |k: usize| {
            let (here, next) = (at(k, turn), at((k + 1) % count, turn));
            let link = coupling.link(here, next).map_or(f64::INFINITY, |link| link.cost);
            demand.alone(order[k], here, coupling) + entanglers[k] * link
        };
        (0..count).map(of).sum()
    };
    let turn = (0..2 * count).map(|turn| (cost(turn), turn)).min_by(|a, b| a.0.total_cmp(&b.0));
    let turn = turn.map_or(0, |(_, turn)| turn);
    let mut physical = vec![usize::MAX; demand.qubits()];
    order.iter().enumerate().for_each(|(k, &qubit)| physical[qubit] = at(k, turn));
    demand.place_rest(&mut physical, coupling)?;
    Some((embed::cost(demand, coupling, &demand.order, &physical), physical))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::Gate;
    use crate::device::transpile::step::{Step, StepKind};
    use crate::device::{Device, Edge, Target};

    fn ring(count: usize, qubits: usize) -> Demand {
        let steps: Vec<Step> = (0..count).map(|k| Step::new(StepKind::Cz(k, (k + 1) % count))).collect();
        Demand::of(&steps, qubits, &[])
    }

    fn torino() -> Coupling {
        let device = Device::load("torino").expect("a shipped device");
        Coupling::of(&Target::of(&device)).expect("a shipped device is sound")
    }

    /// Cycles of a lattice of hexagons with a qubit on each side have 12, 20, 24, … qubits.
    #[test]
    fn rings_lie_on_cycles_of_heavy_hexagons() {
        let coupling = torino();
        for (count, qubits, is_possible) in
            [(12, 12, true), (20, 20, true), (60, 63, true), (16, 16, false), (30, 30, false)]
        {
            let found = place(&ring(count, qubits), &coupling, 20_000, &mut Stream::numbered(1, 1));
            assert_eq!(found.is_some(), is_possible, "{count}");
            let Some(physical) = found else { continue };
            assert_eq!(physical.iter().collect::<BTreeSet<_>>().len(), qubits, "{count}");
            for k in 0..count {
                assert!(coupling.link(physical[k], physical[(k + 1) % count]).is_some(), "{count}: {k}");
            }
        }
    }

    #[test]
    fn no_ring_no_placement() {
        let pairs: [&[(usize, usize)]; 3] = [
            &[(0, 1), (1, 2), (2, 3)],
            &[(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)],
            &[(0, 1), (1, 2), (2, 3), (3, 0), (0, 2)],
        ];
        for pairs in pairs {
            let steps: Vec<Step> = pairs.iter().map(|&(a, b)| Step::new(StepKind::Cz(a, b))).collect();
            assert!(along_ring(&Demand::of(&steps, 6, &[])).is_none(), "{pairs:?}");
        }
        let edges = (1..6).map(|k| Edge { gate: Gate::Cz, from: k - 1, to: k, error: 0.01 }).collect();
        let line = Target {
            qubits: 6,
            single: vec![Gate::Rz, Gate::Sx],
            edges,
            single_error: vec![1e-4; 6],
            readout_error: vec![0.01; 6],
            ..Target::default()
        };
        let coupling = Coupling::of(&line).expect("a line is sound");
        assert!(place(&ring(6, 6), &coupling, 100, &mut Stream::numbered(1, 1)).is_none());
    }
}
