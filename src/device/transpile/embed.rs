//! Placements in which all interacting qubits are neighbours.

use crate::device::transpile::coupling::Coupling;
use crate::device::transpile::layout::Demand;

/// Costs closer than this share are equal: far above the rounding of a sum, far below any difference of calibrated errors.
pub(super) const EQUAL: f64 = 1e-12;

/// The cheapest placement found in which all interacting qubits are neighbours; `None` if none was found within about
/// `budget` tries, of which every start has at least four for each qubit. One that is `known` is the result unless a cheaper
/// one is found. Branch and bound over subgraph embeddings, in the spirit of VF2++ (Jüttner and Madarasi 2018).
pub(super) fn embed(
    demand: &Demand,
    coupling: &Coupling,
    budget: usize,
    known: Option<Vec<usize>>,
) -> Option<Vec<usize>> {
    let interactions = demand.neighbours.iter().map(Vec::len).sum::<usize>() / 2;
    if demand.qubits() > coupling.qubits() || interactions > coupling.links.len() {
        return None;
    }
    let mut search = Search {
        demand,
        coupling,
        rest: least_rest(demand, coupling),
        position: demand.position(),
        physical: vec![usize::MAX; demand.qubits()],
        used: vec![false; coupling.qubits()],
        best: known.map(|physical| (cost(demand, coupling, &demand.order, &physical), physical)),
        tries: 0,
        limit: 0,
    };
    search.start(budget);
    search.best.map(|(_, physical)| physical)
}

/// What some qubits and the interactions among them cost in a placement in which all that interact are neighbours.
pub(super) fn cost(demand: &Demand, coupling: &Coupling, qubits: &[usize], physical: &[usize]) -> f64 {
    let of = |&qubit: &usize| {
        let later = demand.neighbours[qubit].iter().filter(|(other, _)| qubit < *other);
        let links = later
            .filter_map(|&(other, count)| Some(count as f64 * coupling.link(physical[qubit], physical[other])?.cost));
        demand.alone(qubit, physical[qubit], coupling) + links.sum::<f64>()
    };
    qubits.iter().map(of).sum()
}

/// A bound on what the qubits add that are not placed yet, for each number of placed ones: the largest demand on the best
/// qubit or link of the device, the second largest on the second best, and so on.
pub(super) fn least_rest(demand: &Demand, coupling: &Coupling) -> Vec<f64> {
    let position = demand.position();
    let usable = (0..coupling.qubits()).filter(|&q| coupling.usable[q]);
    let mut links = Least::new(coupling.links.iter().map(|link| link.cost));
    let mut pulses = Least::new(usable.clone().map(|q| coupling.pulse[q]));
    let mut readouts = Least::new(usable.map(|q| coupling.readout[q]));
    let mut rest = vec![0.0; demand.qubits() + 1];
    for (k, &q) in demand.order.iter().enumerate().rev() {
        let paid = demand.neighbours[q].iter().filter(|(other, _)| position[*other] < k);
        paid.for_each(|&(_, count)| links.add(count as f64));
        pulses.add(demand.pulses[q]);
        readouts.add(demand.readouts[q]);
        rest[k] = links.total() + pulses.total() + readouts.total();
    }
    rest
}

/// The least sum of products of amounts with distinct prices.
struct Least {
    /// Ascending.
    prices: Vec<f64>,
    /// Descending.
    amounts: Vec<f64>,
}

impl Least {
    fn new(prices: impl Iterator<Item = f64>) -> Self {
        let mut prices: Vec<f64> = prices.collect();
        prices.sort_by(f64::total_cmp);
        Self { prices, amounts: Vec::new() }
    }

    fn add(&mut self, amount: f64) {
        if amount > 0.0 {
            let at = self.amounts.partition_point(|&other| other >= amount);
            self.amounts.insert(at, amount);
        }
    }

    fn total(&self) -> f64 {
        self.amounts.iter().zip(&self.prices).map(|(amount, price)| amount * price).sum()
    }
}

struct Search<'a> {
    demand: &'a Demand,
    coupling: &'a Coupling,
    position: Vec<usize>,
    /// [`least_rest`].
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
        if self.is_hopeless(0, 0.0) {
            return;
        }
        let roots = self.candidates(first, 0);
        let share = (budget / roots.len().max(1)).max(4 * self.demand.qubits());
        for (cost, physical) in roots {
            self.limit = self.tries + share;
            self.put(first, physical, cost, 0);
        }
    }

    /// Whether the best placement is as cheap as any that goes on from here.
    fn is_hopeless(&self, depth: usize, cost: f64) -> bool {
        self.best.as_ref().is_some_and(|(best, _)| cost + self.rest[depth] >= *best * (1.0 - EQUAL))
    }

    fn put(&mut self, qubit: usize, physical: usize, cost: f64, depth: usize) {
        (self.physical[qubit], self.used[physical]) = (physical, true);
        self.descend(depth + 1, cost);
        (self.physical[qubit], self.used[physical]) = (usize::MAX, false);
    }

    fn descend(&mut self, depth: usize, cost: f64) {
        self.tries += 1;
        if self.tries > self.limit || self.is_hopeless(depth, cost) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{Gate, Op, OpKind};
    use crate::device::transpile::step::{Step, StepKind};
    use crate::device::{Edge, Target};
    use crate::math::Stream;

    /// The cheapest of all placements, one qubit after the other.
    fn least(demand: &Demand, coupling: &Coupling, placed: &mut Vec<usize>) -> f64 {
        let fits = |placed: &[usize]| {
            let last = placed.len() - 1;
            let mut earlier = demand.neighbours[last].iter().filter(|(other, _)| *other < last);
            earlier.all(|&(other, _)| coupling.link(placed[last], placed[other]).is_some())
        };
        if placed.len() == demand.qubits() {
            return cost(demand, coupling, &demand.order, placed);
        }
        let mut found = f64::INFINITY;
        for physical in 0..coupling.qubits() {
            if !placed.contains(&physical) {
                placed.push(physical);
                if fits(placed) {
                    found = found.min(least(demand, coupling, placed));
                }
                placed.pop();
            }
        }
        found
    }

    #[test]
    fn the_bound_cuts_off_no_cheapest_placement() {
        let links = [(0, 1), (1, 2), (2, 3), (4, 5), (5, 6), (6, 7), (0, 4), (1, 5), (2, 6), (3, 7)];
        let pairs: [&[(usize, usize)]; 4] = [
            &[(0, 1), (1, 2), (2, 3)],
            &[(0, 1), (0, 2), (0, 3)],
            &[(0, 1), (1, 2), (2, 3), (3, 0)],
            &[(0, 1), (2, 3)],
        ];
        let mut stream = Stream::numbered(3, 0);
        for round in 0..20 {
            let mut errors =
                |count: usize, most: f64| (0..count).map(|_| most * stream.uniform()).collect::<Vec<f64>>();
            let errors_of_links = errors(links.len(), 0.05);
            let edge = |(&(from, to), &error): (&(usize, usize), &f64)| Edge { gate: Gate::Cz, from, to, error };
            let target = Target {
                qubits: 8,
                single: vec![Gate::Rz, Gate::Sx],
                edges: links.iter().zip(&errors_of_links).map(edge).collect(),
                single_error: errors(8, 0.01),
                readout_error: errors(8, 0.1),
                ..Target::default()
            };
            let coupling = Coupling::of(&target).expect("the target is sound");
            for pairs in pairs {
                let measured = Step::new(StepKind::Rest(Op::of(OpKind::Measure { bit: 0 }, &[round % 4])));
                let steps: Vec<Step> =
                    pairs.iter().map(|&(a, b)| Step::new(StepKind::Cz(a, b))).chain([measured]).collect();
                let demand = Demand::of(&steps, 5, &[4]);
                let found = embed(&demand, &coupling, 100_000, None).expect("the shapes fit on a ladder");
                let (found, wanted) =
                    (cost(&demand, &coupling, &demand.order, &found), least(&demand, &coupling, &mut Vec::new()));
                // Sums in another order differ by rounding.
                assert!((found - wanted).abs() < 1e-12, "{pairs:?}, round {round}: {found} against {wanted}");
            }
        }
    }
}
