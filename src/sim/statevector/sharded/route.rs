//! Where the qubits of a sharded state lie while its gates run.

use crate::sim::SimError;
use crate::sim::kernel::amplitudes::MatrixKind;
use crate::sim::statevector::gates::Gate;

/// A step of a route. Places are bits of the index of an amplitude, those from `local` on bits of the number of its rank.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// Gate `number` of the program with its operands at these places.
    Gate { number: usize, controls: Vec<usize>, targets: Vec<usize> },
    /// Two places within a rank change what they hold.
    Local([usize; 2]),
    /// A place of the rank's number and one within the rank change what they hold.
    Exchange { far: usize, near: usize },
}

/// Exchanges of a route.
pub fn exchanges(route: &[Move]) -> usize {
    route.iter().filter(|step| matches!(step, Move::Exchange { .. })).count()
}

/// Places of qubits, and the moves so far.
struct Router {
    local: usize,
    /// The place of each qubit.
    place: Vec<usize>,
    moves: Vec<Move>,
}

impl Router {
    /// Two qubits change places.
    fn swap(&mut self, one: usize, other: usize) {
        let (low, high) = (self.place[one].min(self.place[other]), self.place[one].max(self.place[other]));
        if high < self.local {
            self.moves.push(Move::Local([low, high]));
        } else if low < self.local {
            self.moves.push(Move::Exchange { far: high, near: low });
        } else {
            // By way of a place within the rank, which holds at the end what it held before.
            let step = |far| Move::Exchange { far, near: 0 };
            self.moves.extend([step(low), step(high), step(low)]);
        }
        self.place.swap(one, other);
    }
}

/// Whether an exchange of two qubits is all that it does.
fn is_swap(controls: &[usize], kind: &MatrixKind) -> bool {
    controls.is_empty() && *kind == MatrixKind::Permutation(vec![0, 2, 1, 3])
}

/// The moves of a program's gates where a rank holds `local` qubits of the register. Every qubit begins and ends at the place of
/// its own number.
///
/// # Errors
/// If a gate has more targets than a rank holds qubits.
pub fn route(gates: &[Gate], qubits: usize, local: usize) -> Result<Vec<Move>, SimError> {
    // The gates that mix amplitudes of each qubit, ascending.
    let mut needed = vec![Vec::new(); qubits];
    let mut most = usize::from(local < qubits);
    for (number, gate) in gates.iter().enumerate() {
        let (controls, targets, kind) = gate.kernel.parts();
        if *kind != MatrixKind::Diagonal && !is_swap(controls, kind) {
            targets.iter().for_each(|&q| needed[q].push(number));
            most = most.max(targets.len());
        }
    }
    if most > local {
        let instead = format!("at most {}", 1usize << (qubits.saturating_sub(most)));
        return Err(SimError::RankCount { ranks: 1 << (qubits - local), qubits, instead });
    }
    let mut router = Router { local, place: (0..qubits).collect(), moves: Vec::new() };
    for (number, gate) in gates.iter().enumerate() {
        let (controls, targets, kind) = gate.kernel.parts();
        if is_swap(controls, kind) {
            router.place.swap(targets[0], targets[1]);
            continue;
        }
        for &target in targets.iter().filter(|_| *kind != MatrixKind::Diagonal) {
            if router.place[target] < local {
                continue;
            }
            let next = |q: usize| needed[q].get(needed[q].partition_point(|&at| at <= number)).copied();
            let latest = |&q: &usize| (next(q).unwrap_or(usize::MAX), router.place[q]);
            let leaving = (0..qubits).filter(|q| router.place[*q] < local && !targets.contains(q)).max_by_key(latest);
            router.swap(target, leaving.expect("a rank holds as many qubits as the gate has targets"));
        }
        let at = |qubits: &[usize]| qubits.iter().map(|&q| router.place[q]).collect();
        let (controls, targets) = (at(controls), at(targets));
        router.moves.push(Move::Gate { number, controls, targets });
    }
    for qubit in 0..qubits {
        let there = (0..qubits).find(|&q| router.place[q] == qubit).expect("every place holds a qubit");
        if there != qubit {
            router.swap(qubit, there);
        }
    }
    Ok(router.moves)
}
