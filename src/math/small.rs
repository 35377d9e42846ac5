//! Complex matrices whose size is known when the program is compiled: no allocation, so they suit rewriting passes
//! that multiply very many of them.

use std::array::from_fn;

use crate::math::matrix::{C64, Matrix, c};

/// An N by N complex matrix, row major.
pub type Small<const N: usize> = [[C64; N]; N];

/// The identity.
pub fn one<const N: usize>() -> Small<N> {
    from_fn(|i| from_fn(|j| if i == j { c(1.0, 0.0) } else { c(0.0, 0.0) }))
}

/// The product `a·b`.
pub fn product<const N: usize>(a: &Small<N>, b: &Small<N>) -> Small<N> {
    from_fn(|i| from_fn(|j| (0..N).map(|k| a[i][k] * b[k][j]).sum()))
}

/// The conjugate transpose.
pub fn adjoint<const N: usize>(m: &Small<N>) -> Small<N> {
    from_fn(|i| from_fn(|j| m[j][i].conj()))
}

/// Every entry multiplied by `factor`.
pub fn scaled<const N: usize>(m: &Small<N>, factor: C64) -> Small<N> {
    m.map(|row| row.map(|z| z * factor))
}

/// `high ⊗ low`, with `low` on the less significant qubit.
pub fn tensor(low: &Small<2>, high: &Small<2>) -> Small<4> {
    from_fn(|i| from_fn(|j| high[i >> 1][j >> 1] * low[i & 1][j & 1]))
}

/// The upper left N by N part of a matrix of at least that size.
pub fn from_matrix<const N: usize>(m: &Matrix) -> Small<N> {
    from_fn(|i| from_fn(|j| m[[i, j]]))
}
