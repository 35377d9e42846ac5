//! Small dense complex matrices: gates, Kraus operators, superoperators.
//!
//! Operand order is little endian everywhere: the first qubit an operation lists is bit 0 of its row and column index.

use ndarray::Array2;

/// A double-precision complex number.
pub type C64 = num_complex::Complex64;

/// A small square complex matrix, row major.
pub type Matrix = Array2<C64>;

/// `re + i·im`.
pub const fn c(re: f64, im: f64) -> C64 {
    C64::new(re, im)
}

/// A square matrix from its rows.
///
/// # Panics
/// If the rows do not form a square: a matrix is written down in code, so this is a defect of the program.
pub fn square<const N: usize>(rows: [[C64; N]; N]) -> Matrix {
    Array2::from_shape_fn((N, N), |(i, j)| rows[i][j])
}

/// A square matrix from real rows.
pub fn real<const N: usize>(rows: [[f64; N]; N]) -> Matrix {
    Array2::from_shape_fn((N, N), |(i, j)| c(rows[i][j], 0.0))
}

/// A diagonal matrix.
pub fn diagonal(entries: &[C64]) -> Matrix {
    let mut m = Matrix::zeros((entries.len(), entries.len()));
    for (i, &value) in entries.iter().enumerate() {
        m[[i, i]] = value;
    }
    m
}

/// The identity on `dimension` states.
pub fn identity(dimension: usize) -> Matrix {
    Matrix::eye(dimension)
}

/// The conjugate transpose.
pub fn dagger(m: &Matrix) -> Matrix {
    m.t().mapv(|z| z.conj())
}

/// The tensor product with `low` on the less significant qubits: `high ⊗ low`.
pub fn tensor(low: &Matrix, high: &Matrix) -> Matrix {
    ndarray::linalg::kron(high, low)
}

/// `m` on the last operands, applied when the first `controls` operands are all 1.
pub fn controlled(m: &Matrix, controls: usize) -> Matrix {
    let size = m.nrows() << controls;
    let mask = (1usize << controls) - 1;
    let mut out = identity(size);
    for i in 0..m.nrows() {
        for j in 0..m.ncols() {
            out[[(i << controls) | mask, (j << controls) | mask]] = m[[i, j]];
        }
    }
    out
}

/// `m` in the block where the first `controls` operands are all 1 and zeros elsewhere: the derivative of a controlled
/// gate.
pub fn controlled_block(m: &Matrix, controls: usize) -> Matrix {
    let size = m.nrows() << controls;
    let mask = (1usize << controls) - 1;
    let mut out = Matrix::zeros((size, size));
    for ((i, j), &value) in m.indexed_iter() {
        out[[(i << controls) | mask, (j << controls) | mask]] = value;
    }
    out
}

/// The largest absolute difference of two matrices of one shape, NaN if there is one.
pub fn distance(a: &Matrix, b: &Matrix) -> f64 {
    largest(a.iter().zip(b.iter()).map(|(x, y)| (x - y).norm()))
}

/// The largest of some lengths. Unlike `f64::max` it does not pass over a NaN.
fn largest(lengths: impl Iterator<Item = f64>) -> f64 {
    lengths.fold(0.0, |most: f64, length| if most.is_nan() || length < most { most } else { length })
}

/// The largest absolute difference after the best global phase is taken out of `b`.
pub fn distance_up_to_phase(a: &Matrix, b: &Matrix) -> f64 {
    let overlap: C64 = a.iter().zip(b.iter()).map(|(x, y)| x * y.conj()).sum();
    let phase = if overlap.norm() > 0.0 { overlap / overlap.norm() } else { c(1.0, 0.0) };
    largest(a.iter().zip(b.iter()).map(|(x, y)| (x - y * phase).norm()))
}

/// How far `m†m` is from the identity.
pub fn unitarity_defect(m: &Matrix) -> f64 {
    distance(&dagger(m).dot(m), &identity(m.nrows()))
}
