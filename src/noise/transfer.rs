//! Pauli transfer matrices: channels and unitaries as real matrices.
//!
//! A state of n qubits is the vector `v[P] = tr(P ρ)` over Pauli strings, letters in the order I X Y Z, the letter of
//! operand k worth `4^k`. A map Λ acts on it as `R[P][Q] = tr(P Λ(Q)) / 2ⁿ`, real for every map that keeps Hermitian
//! matrices Hermitian (Greenbaum 2015, arXiv 1509.02921, §2). Observables are pulled back by its transpose.

use ndarray::Array2;

use crate::math::Matrix;
use crate::math::matrix::{C64, c};

/// Entries of a transfer matrix below this are rounding errors of zero.
pub(crate) const ZERO: f64 = 1e-14;

/// Two vectors of angles. An entry of a transfer matrix is a trigonometric polynomial of the angles: one that is not zero
/// everywhere is zero at both with probability zero.
pub(crate) fn generic_points(slots: usize) -> [Vec<f64>; 2] {
    [1.0, 0.6180339887498949]
        .map(|seed| (0..slots).map(|slot| seed * (1.0 + (slot as f64 * 0.7548776662466927).fract())).collect())
}

/// The Pauli transfer matrix of `ρ → Σ K ρ K†`.
pub(super) fn of_kraus(operators: &[Matrix]) -> Array2<f64> {
    let terms = operators.iter().map(|k| sandwich(k, k).mapv(|z| z.re));
    terms.reduce(|sum, term| sum + term).expect("a channel has at least one operator")
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
    let mut map = Array2::from_elem((size * size, size * size), c(0.0, 0.0));
    for ((i, k), &left) in a.indexed_iter().filter(|(_, z)| z.norm_sqr() > 0.0) {
        for ((j, l), &right) in b.indexed_iter().filter(|(_, z)| z.norm_sqr() > 0.0) {
            map[[digits(qubits, i, j), digits(qubits, k, l)]] += left * right.conj();
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

/// Kraus operators of the map with this Pauli transfer matrix (row major), by decreasing weight: as much of the map as
/// one operator can hold goes into the first.
///
/// `C[ik][jl] = ⟨i|Λ(|k⟩⟨l|)|j⟩` (Choi 1975, doi 10.1016/0024-3795(75)90075-0) is positive, and any `C = Σ v v†` gives
/// operators `K[i][k] = v[ik]`. For every w, `v = C w / √(w†C w)` leaves `C - v v†` positive and of one rank less; a few
/// rounds of power iteration make w nearly the eigenvector of the largest eigenvalue.
pub fn kraus_of(transfer: &[f64]) -> Vec<Matrix> {
    let letters = transfer.len().isqrt();
    let size = letters.isqrt();
    let mut choi = choi(transfer, letters);
    let trace = |m: &Matrix| m.diag().iter().map(|z| z.re).sum::<f64>();
    let (whole, mut operators) = (trace(&choi), Vec::new());
    // What is left then is rounding error.
    while trace(&choi) > 1e-14 * whole && operators.len() < letters {
        let largest = (0..letters).max_by(|&a, &b| choi[[a, a]].re.total_cmp(&choi[[b, b]].re)).unwrap_or(0);
        let mut image = choi.column(largest).to_owned();
        let mut v = image.clone();
        for _ in 0..POWERS {
            let w = &image / C64::from(image.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt());
            image = choi.dot(&w);
            let expectation: f64 = w.iter().zip(&image).map(|(w, z)| (w.conj() * z).re).sum();
            v = &image / C64::from(expectation.sqrt());
        }
        for ((i, j), entry) in choi.indexed_iter_mut() {
            *entry -= v[i] * v[j].conj();
        }
        operators.push(Matrix::from_shape_fn((size, size), |(i, k)| v[i * size + k]));
    }
    operators
}

/// Rounds of power iteration. Of weak noise, where it matters, the second eigenvalue is a hundred times smaller than the
/// first.
const POWERS: usize = 6;

/// The inverse of [`sandwich`], summed over operators: `C[ik][jl]` with `i k` and `j l` row major.
fn choi(transfer: &[f64], letters: usize) -> Matrix {
    let size = letters.isqrt();
    let qubits = size.trailing_zeros() as usize;
    let mut map = Matrix::from_shape_fn((letters, letters), |(p, q)| c(transfer[p * letters + q], 0.0));
    for qubit in 0..qubits {
        for column in 0..letters {
            for_each_digit(letters, qubit, |at| {
                let [one, x, y, z] = at.map(|row| map[[row, column]]);
                let entries = [one + z, x - c(0.0, 1.0) * y, x + c(0.0, 1.0) * y, one - z];
                at.iter().zip(entries).for_each(|(&row, value)| map[[row, column]] = value * 0.5);
            });
        }
        for row in 0..letters {
            for_each_digit(letters, qubit, |at| {
                let [one, x, y, z] = at.map(|column| map[[row, column]]);
                let entries = [one + z, x + c(0.0, 1.0) * y, x - c(0.0, 1.0) * y, one - z];
                at.iter().zip(entries).for_each(|(&column, value)| map[[row, column]] = value);
            });
        }
    }
    Matrix::from_shape_fn((letters, letters), |(ik, jl)| {
        map[[digits(qubits, ik / size, jl / size), digits(qubits, ik % size, jl % size)]]
    })
}

/// Row and column bit of each qubit side by side make its digit, `2·row + column`.
fn digits(qubits: usize, row: usize, column: usize) -> usize {
    (0..qubits).fold(0, |sum, q| sum | ((2 * (row >> q & 1) + (column >> q & 1)) << (2 * q)))
}

/// The four indices that differ in the digit of `qubit` alone, for every value of the other digits.
fn for_each_digit(size: usize, qubit: usize, mut visit: impl FnMut([usize; 4])) {
    let step = 1 << (2 * qubit);
    for base in (0..size).filter(|i| i >> (2 * qubit) & 3 == 0) {
        visit([base, base + step, base + 2 * step, base + 3 * step]);
    }
}
