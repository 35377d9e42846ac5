//! Long paths through a device, and circuits of chains along them.

use crate::device::transpile::coupling::Coupling;
use crate::device::transpile::embed;
use crate::device::transpile::layout::Demand;
use crate::math::Stream;

/// Detours that are tried for a path, for each physical qubit. On heavy hexagons of 127 to 156 qubits five times as many gain
/// nothing: paths have 0.6 to 0.8 of the qubits.
const DETOURS: usize = 20;

/// A long path, found by detours. A walk at random through free qubits leaves the path at one qubit. Where it meets the path
/// again it takes the place of what lies between, else that of the shorter end, if it is no shorter than these.
pub(super) fn long_path(start: usize, coupling: &Coupling, stream: &mut Stream) -> Vec<usize> {
    let mut path = vec![start];
    // Where each physical qubit is on the path.
    let mut position = vec![None; coupling.qubits()];
    position[start] = Some(0);
    let mut walked = vec![usize::MAX; coupling.qubits()];
    for number in 0..DETOURS * coupling.qubits() {
        let leaves = stream.below(path.len());
        let (mut at, mut walk, mut meets) = (path[leaves], Vec::new(), None);
        while meets.is_none() {
            let is_open = |other: usize| match position[other] {
                // The qubit that it has left is no place to meet the path.
                Some(k) => !walk.is_empty() && k != leaves,
                None => walked[other] != number,
            };
            let open: Vec<usize> = coupling.neighbours[at].iter().map(|&(q, _)| q).filter(|&q| is_open(q)).collect();
            if open.is_empty() {
                break;
            }
            at = open[stream.below(open.len())];
            meets = position[at];
            if meets.is_none() {
                walked[at] = number;
                walk.push(at);
            }
        }
        let replaced = match meets {
            Some(other) => leaves.min(other) + 1..leaves.max(other),
            None if path.len() - 1 - leaves <= leaves => leaves + 1..path.len(),
            None => 0..leaves,
        };
        if walk.is_empty() || walk.len() < replaced.len() {
            continue;
        }
        // It was walked away from `leaves`.
        if replaced.end <= leaves {
            walk.reverse();
        }
        path.splice(replaced, walk);
        position.fill(None);
        path.iter().enumerate().for_each(|(k, &q)| position[q] = Some(k));
    }
    path
}

/// The cheapest placement on so many `paths` of a circuit whose interactions are chains, end to end along a long path of the
/// device; `None` if they are none, or no path is long enough. A search qubit by qubit meets dead ends where a chain is nearly
/// as long as the longest path.
pub(super) fn place(demand: &Demand, coupling: &Coupling, paths: usize, seed: u64) -> Option<Vec<usize>> {
    let order = chains(demand)?;
    let has_room = |&q: &usize| coupling.usable[q] && coupling.part_sizes[coupling.part[q]] >= order.len();
    let starts: Vec<usize> = (0..coupling.qubits()).filter(has_room).collect();
    if order.is_empty() || starts.is_empty() {
        return None;
    }
    let mut stream = Stream::named(seed, "transpile paths");
    let mut best: Option<(f64, Vec<usize>)> = None;
    for _ in 0..paths {
        let mut path = long_path(starts[stream.below(starts.len())], coupling, &mut stream);
        for _ in 0..2 {
            path.reverse();
            for stretch in path.windows(order.len()) {
                let mut physical = vec![usize::MAX; demand.qubits()];
                order.iter().zip(stretch).for_each(|(&qubit, &at)| physical[qubit] = at);
                let cost = embed::cost(demand, coupling, &order, &physical);
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, physical));
                }
            }
        }
    }
    let (_, mut physical) = best?;
    demand.place_rest(&mut physical, coupling)?;
    Some(physical)
}

/// The interacting qubits, chain by chain from end to end; `None` if interactions are anything but chains.
fn chains(demand: &Demand) -> Option<Vec<usize>> {
    let partners = |qubit: usize| demand.neighbours[qubit].iter().map(|&(other, _)| other);
    let interacting = (0..demand.qubits()).filter(|&q| partners(q).len() > 0).count();
    let (mut order, mut seen) = (Vec::with_capacity(interacting), vec![false; demand.qubits()]);
    for end in (0..demand.qubits()).filter(|&q| partners(q).len() == 1) {
        let mut next = (!seen[end]).then_some(end);
        while let Some(qubit) = next {
            if partners(qubit).len() > 2 {
                return None;
            }
            seen[qubit] = true;
            order.push(qubit);
            next = partners(qubit).find(|&other| !seen[other]);
        }
    }
    // Rings have no end.
    (order.len() == interacting).then_some(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::transpile::step::{Step, StepKind};
    use crate::device::{Device, Target};

    fn demand(pairs: &[(usize, usize)], qubits: usize) -> Demand {
        let steps: Vec<Step> = pairs.iter().map(|&(a, b)| Step::new(StepKind::Cz(a, b))).collect();
        Demand::of(&steps, qubits, &[])
    }

    #[test]
    fn a_path_visits_distinct_neighbours_from_any_start() {
        let target = Target::of(&Device::load("torino").expect("a shipped device"));
        let coupling = Coupling::of(&target).expect("a shipped device is sound");
        let mut stream = Stream::numbered(1, 1);
        let mut longest = 0;
        for start in (0..coupling.qubits()).filter(|&q| coupling.usable[q]) {
            let path = long_path(start, &coupling, &mut stream);
            let mut sorted = path.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), path.len(), "from {start}");
            assert!(path.windows(2).all(|pair| coupling.link(pair[0], pair[1]).is_some()), "from {start}");
            longest = longest.max(path.len());
        }
        assert!(longest >= 85, "{longest}");
    }

    #[test]
    fn chains_are_told_from_other_shapes() {
        let chains_of = |pairs: &[(usize, usize)]| chains(&demand(pairs, 7));
        assert_eq!(chains_of(&[(2, 0), (0, 4), (5, 6)]), Some(vec![2, 0, 4, 5, 6]));
        assert_eq!(chains_of(&[]), Some(Vec::new()));
        for pairs in [&[(0, 1), (0, 2), (0, 3)][..], &[(0, 1), (1, 2), (2, 0)], &[(0, 1), (2, 3), (3, 4), (4, 2)]] {
            assert_eq!(chains_of(pairs), None, "{pairs:?}");
        }
    }
}
