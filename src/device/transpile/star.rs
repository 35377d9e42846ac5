//! Stars: gates in a row that share one qubit, the hub. Couplings of low degree offer a hub few neighbours, so it moves along
//! a path and swaps with each partner behind their gates. A swap joins the gates before it: a CX and a swap are two CX.
//!
//! This is StarPreRouting of Qiskit, which takes stars one by one, and for stars that follow each other as in the Fourier
//! transform the linear network of Fowler, Devitt and Hollenberg 2004 (arXiv:quant-ph/0402196, figure 3).

use crate::device::transpile::step::{Step, StepKind};

/// Partners from which on a star is worth a path: a hub of a heavy hexagon has three neighbours.
const LONG: usize = 4;

/// Where the hub of a star ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Beside its last partner: the fewest swaps.
    Beside,
    /// Behind its last partner, so that the partners are a path again, along which the next star moves.
    Behind,
}

/// Gates in a row that share a qubit.
#[derive(Default)]
struct Star {
    /// Qubits that all its gates share: two as long as it has one partner.
    hubs: Vec<usize>,
    /// In the order of their first gates.
    partners: Vec<usize>,
    /// Number of its gates.
    gates: usize,
}

impl Star {
    /// Takes in the next gate on two qubits; `false` if it does not belong to the star.
    fn takes(&mut self, a: usize, b: usize) -> bool {
        let shared: Vec<usize> = self.hubs.iter().copied().filter(|&hub| hub == a || hub == b).collect();
        let other = |hub: usize| if hub == a { b } else { a };
        let known = match shared[..] {
            // The same pair again.
            [_, _] => true,
            [hub] => {
                if self.hubs.len() == 2 {
                    self.partners = self.hubs.iter().copied().filter(|&q| q != hub).collect();
                    self.hubs = vec![hub];
                }
                match self.partners.iter().position(|&partner| partner == other(hub)) {
                    None => {
                        self.partners.push(other(hub));
                        true
                    }
                    Some(k) => k + 1 == self.partners.len(),
                }
            }
            _ => false,
        };
        self.gates += usize::from(known);
        known
    }

    fn beginning(a: usize, b: usize) -> Self {
        Self { hubs: vec![a, b], partners: vec![b], gates: 1 }
    }

    /// Whether the hub swaps with its partner of this number behind their gates.
    fn swaps(&self, partner: usize, end: End, is_last: bool) -> bool {
        let count = self.partners.len();
        match end {
            End::Beside => partner > 0 && partner + 1 < count,
            End::Behind => count > 1 && !(is_last && partner + 1 == count),
        }
    }
}

/// The stars of a circuit; every gate on two qubits belongs to one.
fn stars(steps: &[Step]) -> Vec<Star> {
    let mut found: Vec<Star> = Vec::new();
    for (a, b) in steps.iter().filter_map(Step::pair) {
        if !found.last_mut().is_some_and(|star| star.takes(a, b)) {
            found.push(Star::beginning(a, b));
        }
    }
    found
}

/// The steps with every star along a path, and where each wire ends; `None` without a long star.
pub(super) fn along_paths(steps: &[Step], wires: usize, end: End) -> Option<(Vec<Step>, Vec<usize>)> {
    let stars = stars(steps);
    if stars.iter().all(|star| star.partners.len() < LONG) {
        return None;
    }
    let mut at: Vec<usize> = (0..wires).collect();
    let mut out = Vec::with_capacity(2 * steps.len());
    let (mut number, mut gates, mut partner) = (0, 0, 0);
    for step in steps {
        let Some((a, b)) = step.pair() else {
            out.push(step.moved(|q| at[q]));
            continue;
        };
        let star = &stars[number];
        let swap = |at: &mut Vec<usize>, out: &mut Vec<Step>, partner: usize| {
            if star.swaps(partner, end, number + 1 == stars.len()) {
                let (hub, partner) = (star.hubs[0], star.partners[partner]);
                out.push(Step::new(StepKind::Swap(at[hub], at[partner])));
                at.swap(hub, partner);
            }
        };
        if star.partners.get(partner + 1).is_some_and(|&next| next == a || next == b) {
            swap(&mut at, &mut out, partner);
            partner += 1;
        }
        out.push(step.moved(|q| at[q]));
        gates += 1;
        if gates == star.gates {
            swap(&mut at, &mut out, partner);
            (number, gates, partner) = (number + 1, 0, 0);
        }
    }
    Some((out, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(pairs: &[(usize, usize)]) -> Vec<Step> {
        pairs.iter().map(|&(a, b)| Step::new(StepKind::Cz(a, b))).collect()
    }

    #[test]
    fn gates_follow_neighbours_on_a_path() {
        // (pairs, end, path on which all gates are between neighbours, swaps)
        let star: Vec<(usize, usize)> = (1..7).map(|k| (0, k)).collect();
        let all: Vec<(usize, usize)> = (0..6).flat_map(|a| (a + 1..6).map(move |b| (a, b))).collect();
        let twice: Vec<(usize, usize)> = all.iter().flat_map(|&pair| [pair, pair]).collect();
        type Pairs<'a> = &'a [(usize, usize)];
        let rows: [(Pairs, End, &[usize], usize); 4] = [
            (&star, End::Beside, &[1, 0, 2, 3, 4, 5, 6], 4),
            (&star, End::Behind, &[0, 1, 2, 3, 4, 5, 6], 5),
            (&all, End::Behind, &[0, 1, 2, 3, 4, 5], 14),
            (&twice, End::Behind, &[0, 1, 2, 3, 4, 5], 14),
        ];
        for (pairs, end, path, swaps) in rows {
            let (steps, at) = along_paths(&steps(pairs), path.len(), end).unwrap();
            let place = |q: usize| path.iter().position(|&p| p == q).unwrap();
            let mut moved: Vec<usize> = (0..path.len()).collect();
            let mut gates = pairs.iter();
            for step in &steps {
                let (a, b) = step.pair().unwrap();
                assert_eq!(place(a).abs_diff(place(b)), 1, "{pairs:?}");
                if let StepKind::Swap(..) = step.kind {
                    let [p, q] = [a, b].map(|wire| moved.iter().position(|&w| w == wire).unwrap());
                    moved.swap(p, q);
                } else {
                    let &(p, q) = gates.next().unwrap();
                    assert_eq!((moved[p], moved[q]), (a, b));
                }
            }
            assert_eq!((moved, steps.len() - pairs.len()), (at, swaps));
        }
        assert!(along_paths(&steps(&[(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]), 6, End::Behind).is_none());
    }
}
