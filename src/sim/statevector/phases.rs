//! Runs of diagonal gates as one pass: each table of phases covers a few qubits.

use crate::math::C64;
use crate::math::matrix::c;
use crate::sim::kernel::amplitudes::State;
use crate::sim::kernel::vector::{Unit, Vectors};

/// Phases by combination of the bits of some qubits, the first the least significant.
#[derive(Clone, Debug)]
pub struct Term {
    pub qubits: Vec<usize>,
    pub entries: Vec<C64>,
}

/// Qubits of one table apart from those inside registers: 64 registers stay in the first-level cache.
pub const TABLE: usize = 6;

/// A table for one tile.
pub struct PhaseTable<F> {
    /// Entry of each register of the tile.
    order: Vec<u16>,
    /// Qubits of the register outside the tile, with the bit of an entry's number that each selects.
    outside: Vec<(usize, usize)>,
    /// Real and imaginary register of each entry.
    numbers: Vec<F>,
    /// Entries that are 1 everywhere.
    trivial: Vec<bool>,
}

/// Tables for terms in a tile whose bit k is qubit `qubits[k]`.
pub fn tables<F: Vectors>(terms: &[Term], qubits: &[usize]) -> Vec<PhaseTable<F>> {
    let inside = |q: &usize| qubits[..F::LOW].contains(q);
    let mut tables: Vec<(Vec<usize>, Vec<&Term>)> = Vec::new();
    for term in terms {
        let with = |list: &[usize]| -> Vec<usize> {
            let new = term.qubits.iter().filter(|q| !inside(q) && !list.contains(q));
            list.iter().chain(new).copied().collect()
        };
        match tables.iter_mut().find(|(list, _)| with(list).len() <= TABLE.max(term.qubits.len())) {
            Some((list, members)) => {
                *list = with(list);
                members.push(term);
            }
            None => tables.push((with(&[]), vec![term])),
        }
    }
    tables.iter().map(|(list, terms)| PhaseTable::new(list, terms, qubits)).collect()
}

impl<F: Vectors> PhaseTable<F> {
    fn new(list: &[usize], terms: &[&Term], qubits: &[usize]) -> Self {
        let position = |q: usize| qubits.iter().position(|&other| other == q);
        let registers = 1 << (qubits.len() - F::LOW);
        let mut order = vec![0; registers];
        let mut outside = Vec::new();
        for (k, &qubit) in list.iter().enumerate() {
            match position(qubit) {
                Some(at) => {
                    for (register, entry) in order.iter_mut().enumerate() {
                        *entry |= ((register >> (at - F::LOW) & 1) << k) as u16;
                    }
                }
                None => outside.push((qubit, 1 << k)),
            }
        }
        let (mut numbers, mut trivial) = (Vec::new(), Vec::new());
        for entry in 0..1usize << list.len() {
            let bit = |qubit: usize, inner: usize| match list.iter().position(|&other| other == qubit) {
                Some(k) => entry >> k & 1,
                None => inner >> position(qubit).expect("a qubit is in the list or inside registers") & 1,
            };
            let phase = |inner: usize| -> C64 {
                let of = |term: &&Term| {
                    let index = term.qubits.iter().enumerate().fold(0, |index, (k, &q)| index | bit(q, inner) << k);
                    term.entries[index]
                };
                terms.iter().map(of).product()
            };
            let all: Vec<C64> = (0..F::WIDTH).map(phase).collect();
            trivial.push(all.iter().all(|z| *z == c(1.0, 0.0)));
            numbers.extend(all.iter().map(|z| F::of(z.re)));
            numbers.extend(all.iter().map(|z| F::of(z.im)));
        }
        Self { order, outside, numbers, trivial }
    }

    /// Applies it to the tile whose first amplitude is `base` of the whole state.
    #[inline(always)]
    pub fn apply<U: Unit<Number = F>>(&self, unit: U, state: &mut State<F>, base: usize) {
        let outside: usize = self.outside.iter().filter(|(qubit, _)| base >> qubit & 1 == 1).map(|(_, bit)| bit).sum();
        assert!(self.order.len() * F::WIDTH == state.re.len() && state.im.len() == state.re.len(), "another tile");
        // Read once: for the compiler a store might change what a state holds.
        let (re, im): (&mut [F], &mut [F]) = (&mut state.re, &mut state.im);
        for (at, &entry) in self.order.iter().enumerate() {
            let entry = usize::from(entry) | outside;
            if self.trivial[entry] {
                continue;
            }
            // SAFETY: the tile has as many registers as `order`. `trivial[entry]` has checked the entry, which has two.
            unsafe {
                let (dr, di) = (unit.load(&self.numbers, 2 * entry), unit.load(&self.numbers, 2 * entry + 1));
                let (xr, xi) = (unit.load(re, at), unit.load(im, at));
                unit.store(re, at, unit.fused_neg(di, xi, unit.mul(dr, xr)));
                unit.store(im, at, unit.fused(di, xr, unit.mul(dr, xi)));
            }
        }
    }
}
