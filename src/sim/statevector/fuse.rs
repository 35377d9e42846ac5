//! Gates with their numbers made into few passes over the amplitudes: pairs, runs of phases, and what is neither.

use crate::math::matrix::{C64, c};
use crate::math::small::{Small, one, product};
use crate::sim::kernel::amplitudes::MatrixKind;
use crate::sim::statevector::pair::Pair;
use crate::sim::statevector::phases::{TABLE, Term};
use crate::sim::statevector::tiles::Operands;

/// A gate with its numbers.
#[derive(Clone, Debug)]
pub struct UnplacedGate {
    pub controls: Vec<usize>,
    pub targets: Vec<usize>,
    pub kind: MatrixKind,
    /// Entries of the matrix or diagonal on the targets, real and imaginary part by turns.
    pub list: Vec<f64>,
}

/// One pass.
#[derive(Clone, Debug)]
pub enum Item {
    Pair(Pair),
    Phases(Vec<Term>),
    Gate(UnplacedGate),
}

impl Operands for &Item {
    /// Qubits whose amplitudes it mixes. Phases fit into any tile, and a control outside a tile only decides whether the
    /// gate acts on it.
    fn mixes(&self) -> u64 {
        match self {
            Item::Phases(_) => 0,
            Item::Gate(gate) => mask(&mut gate.targets.iter()),
            Item::Pair(_) => self.operands(),
        }
    }

    fn operands(&self) -> u64 {
        match self {
            Item::Pair(pair) => mask(&mut pair.qubits.iter()),
            Item::Phases(terms) => mask(&mut terms.iter().flat_map(|term| &term.qubits)),
            Item::Gate(gate) => mask(&mut gate.controls.iter().chain(&gate.targets)),
        }
    }
}

fn mask(qubits: &mut dyn Iterator<Item = &usize>) -> u64 {
    qubits.fold(0, |mask, q| mask | 1 << q)
}

impl UnplacedGate {
    fn entry(&self, row: usize, column: usize) -> C64 {
        let size = 1 << self.targets.len();
        match &self.kind {
            MatrixKind::Diagonal if row != column => c(0.0, 0.0),
            MatrixKind::Diagonal => c(self.list[2 * row], self.list[2 * row + 1]),
            _ => c(self.list[2 * (row * size + column)], self.list[2 * (row * size + column) + 1]),
        }
    }
}

/// A program as passes.
pub struct FusedProgram {
    /// The amplitude of |0…0⟩ from which they start.
    pub start: C64,
    pub items: Vec<Item>,
}

/// The passes of `gates` from |0…0⟩ on a register of `total` qubits, at least two.
pub fn fuse(gates: Vec<UnplacedGate>, total: usize) -> FusedProgram {
    let mut fusion = Fusion { pending: vec![one(); total], open: Vec::new(), items: Vec::new() };
    without_swaps(gates, total).iter().for_each(|gate| fusion.add(gate));
    let mut items = fusion.finish();
    FusedProgram { start: take_first_phases(&mut items), items }
}

/// Takes the first phase out of every pair, which then has three phases to apply instead of four: their product.
fn take_first_phases(items: &mut [Item]) -> C64 {
    let mut all = c(1.0, 0.0);
    for item in items {
        let Item::Pair(Pair { phases, .. }) = item else { continue };
        let product = all * phases[0];
        // Small amplitudes of single precision stay far from its least number.
        if (1e-9..1e9).contains(&product.norm()) {
            all = product;
            let rest = phases.map(|phase| phase / phases[0]);
            *phases = [c(1.0, 0.0), rest[1], rest[2], rest[3]];
        } else {
            *phases = phases.map(|phase| phase * all);
            all = c(1.0, 0.0);
        }
    }
    all
}

/// The same program with its swaps done by naming qubits: |0…0⟩ is the same for all qubits, so they start where
/// the swaps restore their order.
fn without_swaps(mut gates: Vec<UnplacedGate>, total: usize) -> Vec<UnplacedGate> {
    let mut wires: Vec<usize> = (0..total).collect();
    gates.retain_mut(|gate| {
        let swap = gate.controls.is_empty() && gate.kind == MatrixKind::Permutation(vec![0, 2, 1, 3]);
        if swap {
            wires.swap(gate.targets[0], gate.targets[1]);
        } else {
            gate.controls.iter_mut().chain(&mut gate.targets).for_each(|q| *q = wires[*q]);
        }
        !swap
    });
    let mut home = vec![0; total];
    wires.iter().enumerate().for_each(|(qubit, &wire)| home[wire] = qubit);
    gates.iter_mut().flat_map(|gate| gate.controls.iter_mut().chain(&mut gate.targets)).for_each(|q| *q = home[*q]);
    gates
}

/// Diagonal gates that stay open at most: each gate looks at all of them.
const MOST_OPEN: usize = 512;

struct Fusion {
    /// One-qubit gates not yet done.
    pending: Vec<Small<2>>,
    /// Diagonal gates not yet done. They come before what is pending.
    open: Vec<Term>,
    items: Vec<Item>,
}

/// A one-qubit gate as `leftover · X^flip · [1 -t; t 1] · phases`.
struct Split {
    phases: [C64; 2],
    tangent: f64,
    flip: bool,
    leftover: Small<2>,
}

/// With a diagonal leftover: `diag(l) · [c -s; s c] · diag(d)`. Of the four phases three are free, so those of the larger
/// entries are kept exact.
fn split_by_phases(m: &Small<2>) -> Split {
    let (cos, sin) = (m[0][0].norm(), m[1][0].norm());
    let unit = |z: C64, size: f64| if size == 0.0 { c(1.0, 0.0) } else { z / size };
    let (zero, one) = (c(0.0, 0.0), c(1.0, 0.0));
    if sin == 0.0 {
        return Split { phases: [one; 2], tangent: 0.0, flip: false, leftover: *m };
    }
    let d = [unit(m[0][0], cos), unit(-m[0][1], m[0][1].norm())];
    let l = if cos >= sin { unit(m[1][1] / d[1], m[1][1].norm()) } else { unit(m[1][0] / d[0], sin) };
    if cos >= sin {
        Split { phases: d.map(|z| z * cos), tangent: sin / cos, flip: false, leftover: [[one, zero], [zero, l]] }
    } else {
        // [c -s; s c] = X · diag(1, -1) · [s c; -c s]
        Split { phases: d.map(|z| z * sin), tangent: -cos / sin, flip: true, leftover: [[-one, zero], [zero, l]] }
    }
}

/// With an X rotation (and a global phase) as leftover: the same decomposition behind a Hadamard gate.
fn split_by_flips(m: &Small<2>) -> Split {
    let root = c(std::f64::consts::FRAC_1_SQRT_2, 0.0);
    let h = [[root, root], [root, -root]];
    let turned = product(&h, m);
    let (cos, sin) = (turned[0][0].norm(), turned[1][0].norm());
    let unit = |z: C64, size: f64| if size == 0.0 { c(1.0, 0.0) } else { z / size };
    let d = [unit(turned[0][0], cos), unit(-turned[0][1], turned[0][1].norm())];
    let l = if cos >= sin { unit(turned[1][1] / d[1], turned[1][1].norm()) } else { unit(turned[1][0] / d[0], sin) };
    // [c' -s'; s' c'] · diag(1, -1) = H · [c -s; s c]
    let (cos, sin) = ((cos + sin) * root.re, (cos - sin) * root.re);
    let leftover = product(&h, &product(&[[c(1.0, 0.0), c(0.0, 0.0)], [c(0.0, 0.0), l]], &h));
    Split { phases: [d[0] * cos, -d[1] * cos], tangent: sin / cos, flip: false, leftover }
}

impl Fusion {
    fn add(&mut self, gate: &UnplacedGate) {
        match (&gate.controls[..], &gate.targets[..], &gate.kind) {
            (_, [], _) => self.pending[0] = self.pending[0].map(|row| row.map(|z| z * gate.entry(0, 0))),
            ([], &[target], _) => {
                let m = std::array::from_fn(|i| std::array::from_fn(|j| gate.entry(i, j)));
                self.pending[target] = product(&m, &self.pending[target]);
            }
            (&[control], &[target], MatrixKind::Permutation(_)) => self.pair([control, target], true),
            // More qubits would make a table as large as a state.
            (controls, targets, MatrixKind::Diagonal) if controls.len() + targets.len() <= TABLE => {
                let qubits = [&gate.controls[..], &gate.targets].concat();
                self.lean(&qubits);
                let on = (1 << gate.controls.len()) - 1;
                let phase = |index: usize| {
                    let target = index >> gate.controls.len();
                    if index & on == on { gate.entry(target, target) } else { c(1.0, 0.0) }
                };
                let entries = (0..1 << qubits.len()).map(phase).collect();
                self.open(Term { qubits, entries });
            }
            _ => {
                let qubits = [&gate.controls[..], &gate.targets].concat();
                self.lean(&qubits);
                qubits.iter().for_each(|&q| self.settle(q));
                self.close(&qubits);
                self.items.push(Item::Gate(gate.clone()));
            }
        }
    }

    fn finish(mut self) -> Vec<Item> {
        let all: Vec<usize> = (0..self.pending.len()).collect();
        self.lean(&all);
        all.iter().for_each(|&q| self.settle(q));
        if !self.open.is_empty() {
            self.items.push(Item::Phases(self.open));
        }
        self.items
    }

    fn turns(&self, qubit: usize) -> bool {
        self.pending[qubit][1][0] != c(0.0, 0.0)
    }

    /// Leaves nothing but phases pending on `qubits`.
    fn lean(&mut self, qubits: &[usize]) {
        while let Some(&first) = qubits.iter().find(|&&q| self.turns(q)) {
            // A second qubit comes for free: another of these, another that waits, or any.
            let among = qubits.iter().copied().find(|&q| q != first && self.turns(q));
            let waiting = || (0..self.pending.len()).find(|&q| q != first && self.turns(q));
            let second = among.or_else(waiting).unwrap_or(usize::from(first == 0));
            self.pair([first, second], false);
        }
    }

    /// Moves the phases pending on a qubit to the open ones.
    fn settle(&mut self, qubit: usize) {
        let m = std::mem::replace(&mut self.pending[qubit], one());
        if m != one() {
            self.open(Term { qubits: vec![qubit], entries: vec![m[0][0], m[1][1]] });
        }
    }

    /// Leaves a diagonal gate open, in one table with another on the same qubits.
    fn open(&mut self, term: Term) {
        if self.open.len() == MOST_OPEN {
            self.items.push(Item::Phases(std::mem::take(&mut self.open)));
        }
        match self.open.iter_mut().find(|open| open.qubits == term.qubits) {
            Some(open) => open.entries.iter_mut().zip(term.entries).for_each(|(all, z)| *all *= z),
            None => self.open.push(term),
        }
    }

    /// Applies the open phases if any of them acts on `qubits`.
    fn close(&mut self, qubits: &[usize]) {
        if self.open.iter().any(|term| term.qubits.iter().any(|q| qubits.contains(q))) {
            self.items.push(Item::Phases(std::mem::take(&mut self.open)));
        }
    }

    /// Does what is pending on two qubits, and a CX from the first to the second if `linked`.
    fn pair(&mut self, qubits: [usize; 2], linked: bool) {
        let inside = |term: &Term| term.qubits.iter().all(|q| qubits.contains(q));
        let touches = |term: &Term| term.qubits.iter().any(|q| qubits.contains(q));
        if self.open.iter().any(|term| touches(term) && !inside(term)) {
            self.close(&qubits);
        }
        let first = split_by_phases(&self.pending[qubits[0]]);
        let second = (if linked { split_by_flips } else { split_by_phases })(&self.pending[qubits[1]]);
        let mut phases = std::array::from_fn(|k| first.phases[k & 1] * second.phases[k >> 1]);
        for term in self.open.iter().filter(|term| inside(term)) {
            for (k, phase) in phases.iter_mut().enumerate() {
                let bit = |q: &usize| if *q == qubits[0] { k & 1 } else { k >> 1 };
                *phase *= term.entries[term.qubits.iter().enumerate().fold(0, |index, (i, q)| index | bit(q) << i)];
            }
        }
        self.open.retain(|term| !inside(term));
        self.pending[qubits[0]] = first.leftover;
        self.pending[qubits[1]] = second.leftover;
        let (tangents, flipped) = ([first.tangent, second.tangent], [first.flip, second.flip]);
        self.items.push(Item::Pair(Pair { qubits, phases, tangents, flipped, linked }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain of 200 pairs shrinks amplitudes by 2^200, below anything that single precision holds.
    #[test]
    fn first_phases_are_taken_out_as_far_as_numbers_reach() {
        let phases = [c(0.0, 0.5), c(0.5, 0.0), c(-0.5, 0.0), c(0.3, 0.4)];
        let pair = Pair { qubits: [0, 1], phases, tangents: [0.0; 2], flipped: [false; 2], linked: false };
        let mut items = vec![Item::Pair(pair); 200];
        let start = take_first_phases(&mut items);
        let (mut all, mut whole) = (start, 0);
        for item in &items {
            let Item::Pair(Pair { phases: [first, second, ..], .. }) = item else { panic!("still a pair") };
            assert!((second / first - c(0.0, -1.0)).norm() < 1e-12, "the four change together");
            all *= first;
            whole += usize::from(*first != c(1.0, 0.0));
        }
        assert!((all * 2f64.powi(200) - c(1.0, 0.0)).norm() < 1e-10, "nothing is lost: i^200 / 2^200");
        assert!(
            (1e-9..1e9).contains(&start.norm()) && (6..9).contains(&whole),
            "{start}, {whole} pairs with all phases"
        );
    }
}
