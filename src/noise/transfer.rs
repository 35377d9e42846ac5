//! Pauli transfer matrices: channels and unitaries as real matrices.
//!
//! A state of n qubits is the vector `v[P] = tr(P ρ)` over Pauli strings, letters in the order I X Y Z, the letter of
//! operand k worth `4^k`. A map Λ acts on it as `R[P][Q] = tr(P Λ(Q)) / 2ⁿ`, real for every map that keeps Hermitian
//! matrices Hermitian (Greenbaum 2015, arXiv 1509.02921, §2). Observables are pulled back by its transpose.

use ndarray::Array2;

use crate::math::Matrix;
use crate::math::matrix::{C64, c};
use crate::noise::Channel;

impl Channel {
    /// Its Pauli transfer matrix, `4^qubits` square, indices little endian.
    pub fn pauli_transfer(&self) -> Array2<f64> {
        self.operators()
            .iter()
            .map(|k| sandwich(k, k).mapv(|z| z.re))
            .reduce(|sum, term| sum + term)
            .expect("a channel has at least one operator")
    }
}

/// The Pauli transfer matrix of `ρ → U ρ U†`, `4^qubits` square.
pub fn transfer(unitary: &Matrix) -> Array2<f64> {
    sandwich(unitary, unitary).mapv(|z| z.re)
}

/// The derivative of [`transfer`] along `derivative = dU/dθ`: that of `dU ρ U† + U ρ dU†`.
pub fn transfer_derivative(unitary: &Matrix, derivative: &Matrix) -> Array2<f64> {
    sandwich(derivative, unitary).mapv(|z| 2.0 * z.re)
}

/// `R[P][Q] = tr(P A Q B†) / 2ⁿ`.
fn sandwich(a: &Matrix, b: &Matrix) -> Array2<C64> {
    let size = a.nrows();
    let qubits = size.trailing_zeros() as usize;
    // Row and column bit of one qubit side by side make its digit, 2·row + column.
    let digits = |row: usize, column: usize| {
        (0..qubits).fold(0, |sum, q| sum | ((2 * (row >> q & 1) + (column >> q & 1)) << (2 * q)))
    };
    let mut map = Array2::from_elem((size * size, size * size), c(0.0, 0.0));
    for ((i, k), &left) in a.indexed_iter().filter(|(_, z)| z.norm_sqr() > 0.0) {
        for ((j, l), &right) in b.indexed_iter().filter(|(_, z)| z.norm_sqr() > 0.0) {
            map[[digits(i, j), digits(k, l)]] += left * right.conj();
        }
    }
    for qubit in 0..qubits {
        for column in 0..size * size {
            for_each_digit(size * size, qubit, |at| {
                let [r00, r01, r10, r11] = at.map(|row| map[[row, column]]);
                let letters = [r00 + r11, r01 + r10, c(0.0, 1.0) * (r01 - r10), r00 - r11];
                at.iter().zip(letters).for_each(|(&row, value)| map[[row, column]] = value);
            });
        }
        for row in 0..size * size {
            for_each_digit(size * size, qubit, |at| {
                let [r00, r01, r10, r11] = at.map(|column| map[[row, column]]);
                let letters = [r00 + r11, r01 + r10, c(0.0, 1.0) * (r10 - r01), r00 - r11];
                at.iter().zip(letters).for_each(|(&column, value)| map[[row, column]] = value * 0.5);
            });
        }
    }
    map
}

/// The four indices that differ in the digit of `qubit` alone, for every value of the other digits.
fn for_each_digit(size: usize, qubit: usize, mut visit: impl FnMut([usize; 4])) {
    let step = 1 << (2 * qubit);
    for base in (0..size).filter(|i| i >> (2 * qubit) & 3 == 0) {
        visit([base, base + step, base + 2 * step, base + 3 * step]);
    }
}
