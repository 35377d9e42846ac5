//! Clifford operations: unitaries that take Pauli strings to Pauli strings.
//!
//! A local string of k operands is a number of 2k bits: X of operand j at bit 2j, Z at bit 2j + 1; both are Y. Strings are
//! Hermitian, `i^{|x & z|} X^x Z^z`, so an image is a string and a sign.

use crate::math::Matrix;
use crate::math::matrix::C64;

/// Operations on more operands are not run: a table has 4^k rows.
pub const MOST_OPERANDS: usize = 5;
/// Entries of a matrix of Pauli strings may be so far from 0, ±1 and ±i: an angle that is a multiple of π/2 up to rounding
/// changes no value by more.
const TOLERANCE: f64 = 1e-12;

/// What a Clifford operation makes of the strings on its operands.
#[derive(Debug, PartialEq)]
pub struct Clifford {
    /// By local string P: `U P U†`, and whether its sign is negative.
    pub forward: Vec<(u16, bool)>,
    /// By local string P: `U† P U`, and whether its sign is negative.
    pub backward: Vec<(u16, bool)>,
    /// The linear part of `forward` as changes of the bits of a string, in order.
    pub moves: Vec<Move>,
    /// The sign of `forward` as a sum over products of bits: each number is the set of bits of one product.
    pub monomials: Vec<u16>,
}

/// A change of the bits of a local string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// `to` becomes the exclusive or of both.
    Add {
        to: usize,
        from: usize,
    },
    Swap(usize, usize),
}

/// `i^phase X^x Z^z`, by masks of operands.
#[derive(Clone, Copy)]
struct Phased {
    x: usize,
    z: usize,
    phase: u32,
}

impl Phased {
    fn times(self, other: Self) -> Self {
        let crossings = (self.z & other.x).count_ones();
        Self { x: self.x ^ other.x, z: self.z ^ other.z, phase: self.phase + other.phase + 2 * crossings }
    }

    /// The Hermitian string with these masks.
    fn hermitian(x: usize, z: usize) -> Self {
        Self { x, z, phase: (x & z).count_ones() }
    }

    /// As a local string with its sign.
    fn local(self, operands: usize) -> (u16, bool) {
        let bits =
            (0..operands).map(|k| (self.x >> k & 1) << (2 * k) | (self.z >> k & 1) << (2 * k + 1)).sum::<usize>();
        let turns = self.phase + 3 * (self.x & self.z).count_ones();
        (bits as u16, turns % 4 == 2)
    }

    /// The string that a matrix is, if it is one.
    fn of(matrix: &Matrix) -> Option<Self> {
        let near = |a: C64, b: C64| (a - b).norm() < TOLERANCE;
        let size = matrix.nrows();
        let x = (0..size).find(|&row| matrix[[row, 0]].norm() > 0.5)?;
        let first = matrix[[x, 0]];
        let operands = size.trailing_zeros() as usize;
        let flips = |k: &usize| near(matrix[[x ^ 1 << k, 1 << k]], -first);
        let z = (0..operands).filter(flips).map(|k| 1 << k).sum::<usize>();
        for ((row, column), &entry) in matrix.indexed_iter() {
            let sign = if (z & column).count_ones() % 2 == 1 { -1.0 } else { 1.0 };
            if !near(entry, if row == column ^ x { first * sign } else { C64::ZERO }) {
                return None;
            }
        }
        let phase = (0..4).find(|&phase| near(first, C64::I.powu(phase)))?;
        Some(Self { x, z, phase })
    }
}

impl Clifford {
    /// The operation of a unitary on at most [`MOST_OPERANDS`] operands, its first the least significant; `None` if it takes a
    /// Pauli string to something else.
    pub fn of(unitary: &Matrix) -> Option<Self> {
        let size = unitary.nrows();
        let operands = size.trailing_zeros() as usize;
        let adjoint = unitary.t().mapv(|entry| entry.conj());
        let image = |string: Phased| {
            // Columns of `U P`: P takes column j to ±1 times column j ⊕ x.
            let product = Matrix::from_shape_fn((size, size), |(row, column)| {
                let sign = if (string.z & column).count_ones() % 2 == 1 { -1.0 } else { 1.0 };
                unitary[[row, column ^ string.x]] * sign
            });
            Phased::of(&product.dot(&adjoint))
        };
        let xs: Vec<Phased> = (0..operands).map(|k| image(Phased::hermitian(1 << k, 0))).collect::<Option<_>>()?;
        let zs: Vec<Phased> = (0..operands).map(|k| image(Phased::hermitian(0, 1 << k))).collect::<Option<_>>()?;
        let mut forward = vec![(0, false); 1 << (2 * operands)];
        for x in 0..size {
            for z in 0..size {
                let start = Phased { x: 0, z: 0, phase: (x & z).count_ones() };
                let factors = (0..operands).filter(|k| x >> k & 1 == 1).map(|k| xs[k]);
                let factors = factors.chain((0..operands).filter(|k| z >> k & 1 == 1).map(|k| zs[k]));
                let (from, _) = Phased::hermitian(x, z).local(operands);
                forward[usize::from(from)] = factors.fold(start, Phased::times).local(operands);
            }
        }
        let mut backward = vec![(0, false); forward.len()];
        for (from, &(to, sign)) in forward.iter().enumerate() {
            backward[usize::from(to)] = (from as u16, sign);
        }
        Some(Self { moves: moves(&forward, 2 * operands), monomials: monomials(&forward), backward, forward })
    }

    /// Whether it changes nothing but a phase of the state.
    pub fn is_identity(&self) -> bool {
        self.moves.is_empty() && self.monomials.is_empty()
    }

    /// The Pauli string that it is, phase apart; `None` if it is another operation.
    pub fn as_pauli(&self) -> Option<u16> {
        // Z of operand k changes its sign under X there, and the other way round.
        let flips = |bit: usize| u16::from(self.forward[1 << (bit ^ 1)].1) << bit;
        self.moves.is_empty().then(|| (0..self.forward.len().ilog2() as usize).map(flips).sum())
    }
}

/// Whether two local strings anticommute.
pub fn anticommute(a: u16, b: u16) -> bool {
    const X: u16 = 0x5555;
    let crossings = (a & X) & (b >> 1 & X) ^ (a >> 1 & X) & (b & X);
    crossings.count_ones() % 2 == 1
}

/// Gauss elimination of the map of bits: what takes it to the identity, backwards.
fn moves(forward: &[(u16, bool)], bits: usize) -> Vec<Move> {
    // Bit j of row i: whether bit j of a string is part of bit i of its image.
    let mut rows: Vec<u16> = (0..bits).map(|i| (0..bits).map(|j| (forward[1 << j].0 >> i & 1) << j).sum()).collect();
    let mut moves = Vec::new();
    for column in 0..bits {
        if rows[column] >> column & 1 == 0 {
            // The map is invertible: a row below has the bit.
            let Some(below) = (column + 1..bits).find(|&row| rows[row] >> column & 1 == 1) else { continue };
            rows.swap(column, below);
            moves.push(Move::Swap(column, below));
        }
        for row in (0..bits).filter(|&row| row != column) {
            if rows[row] >> column & 1 == 1 {
                rows[row] ^= rows[column];
                moves.push(Move::Add { to: row, from: column });
            }
        }
    }
    // Each move undoes itself.
    moves.reverse();
    moves
}

/// The algebraic normal form of the signs (a Möbius transform over GF(2)).
fn monomials(forward: &[(u16, bool)]) -> Vec<u16> {
    let mut form: Vec<bool> = forward.iter().map(|(_, sign)| *sign).collect();
    for bit in 0..form.len().ilog2() {
        for at in (0..form.len()).filter(|at| at >> bit & 1 == 1) {
            form[at] ^= form[at ^ 1 << bit];
        }
    }
    (0..form.len()).filter(|&at| form[at]).map(|at| at as u16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::Gate;
    use crate::circuit::gate::GATES;
    use crate::noise::transfer;
    use std::f64::consts::FRAC_PI_2;

    /// Matrices of all rows of the gate table on at most three operands, angles in quarter turns.
    fn matrices() -> impl Iterator<Item = (String, Matrix)> {
        let turns = |count: usize, number: usize| {
            (0..count).map(|k| (number >> (2 * k) & 3) as f64 * FRAC_PI_2).collect::<Vec<f64>>()
        };
        GATES.iter().filter(|row| row.qubits <= 3).flat_map(move |row| {
            (0..1usize << (2 * row.params.len()))
                .map(move |number| (format!("{} {number}", row.name), (row.matrix)(&turns(row.params.len(), number))))
        })
    }

    fn letters(string: usize) -> usize {
        (0..MOST_OPERANDS).map(|k| string >> (2 * k) & 3).enumerate().map(|(k, d)| (d ^ d >> 1) << (2 * k)).sum()
    }

    /// The second opinion is the Pauli transfer matrix: a signed permutation for Clifford operations and no other.
    #[test]
    fn tables_are_those_of_transfer_matrices() {
        let (mut found, mut refused) = (0, 0);
        for (name, matrix) in matrices() {
            let map = transfer(&matrix);
            let permutes = map.iter().all(|entry| entry.abs() < 1e-9 || (entry.abs() - 1.0).abs() < 1e-9);
            let Some(clifford) = Clifford::of(&matrix) else {
                assert!(!permutes, "{name} is a Clifford gate");
                refused += 1;
                continue;
            };
            assert!(permutes, "{name} is none");
            found += 1;
            // Digits of a transfer matrix count I X Y Z; a local string has bits.
            for (column, bits) in (0..map.ncols()).map(|column| (column, letters(column))) {
                let row = (0..map.nrows()).find(|&row| map[[row, column]].abs() > 0.5).unwrap();
                let expected = (letters(row) as u16, map[[row, column]] < 0.0);
                assert_eq!(clifford.forward[bits], expected, "{name}, string {column}");
                assert_eq!(clifford.backward[usize::from(expected.0)], (bits as u16, expected.1), "{name}");
            }
        }
        assert!(found > 100 && refused > 20, "{found} {refused}");
    }

    #[test]
    fn moves_and_monomials_are_the_table() {
        for (name, matrix) in matrices() {
            let Some(clifford) = Clifford::of(&matrix) else { continue };
            for (string, &(image, sign)) in clifford.forward.iter().enumerate() {
                let mut bits = string;
                let bit = |bits: usize, k: usize| bits >> k & 1;
                for step in &clifford.moves {
                    match *step {
                        Move::Add { to, from } => bits ^= bit(bits, from) << to,
                        Move::Swap(a, b) => {
                            let differ = bit(bits, a) ^ bit(bits, b);
                            bits ^= differ << a | differ << b;
                        }
                    }
                }
                assert_eq!(bits, usize::from(image), "{name}, string {string}");
                let products = clifford.monomials.iter().filter(|&&m| string & usize::from(m) == usize::from(m));
                assert_eq!(products.count() % 2 == 1, sign, "{name}, sign of string {string}");
            }
        }
    }

    #[test]
    fn paulis_are_recognised_by_the_signs_that_they_make() {
        for (gate, string) in [(Gate::Id, 0), (Gate::X, 1), (Gate::Z, 2), (Gate::Y, 3)] {
            let clifford = Clifford::of(&(gate.row().matrix)(&[])).unwrap();
            assert_eq!(clifford.as_pauli(), Some(string), "{}", gate.name());
            assert_eq!(clifford.is_identity(), gate == Gate::Id);
        }
        assert_eq!(Clifford::of(&(Gate::Cz.row().matrix)(&[])).unwrap().as_pauli(), None);
        assert!(anticommute(1, 2) && anticommute(3, 2) && anticommute(1 << 2 | 1, 2));
        assert!(!anticommute(3, 3) && !anticommute(1, 2 << 2) && !anticommute(1 << 2 | 1, 2 << 2 | 2));
    }

    /// An angle next to a quarter turn is none: what is left of it would be lost.
    #[test]
    fn angles_next_to_a_quarter_turn_are_refused() {
        let rx = |angle: f64| Clifford::of(&(Gate::Rx.row().matrix)(&[angle]));
        assert!(rx(FRAC_PI_2 + 1e-15).is_some() && rx(7.0 * FRAC_PI_2).is_some());
        assert!(rx(FRAC_PI_2 + 1e-9).is_none() && rx(1e-9).is_none());
    }
}
