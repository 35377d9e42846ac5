//! Matrices as products of two: by singular values, of which small ones are dropped, and by orthogonalisation.

use faer::{Mat, MatRef};
use ndarray::{ArrayView2, s};

use super::Bond;
use crate::math::matrix::dagger;
use crate::math::singular::singular_values;
use crate::math::{C64, Matrix};

/// Singular values below so many units of the largest are zero up to rounding: they are dropped and not counted.
const ROUNDING: f64 = 1e-15;
/// Up to so many rows and columns rotations of columns are faster than bidiagonalisation.
const SMALL: usize = 8;

/// Which factor carries the singular values; the other one is an isometry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lean {
    Left,
    Right,
}

/// A matrix as `left · right`.
pub struct Factors {
    pub left: Matrix,
    pub right: Matrix,
    /// Share of the square of its norm that was dropped, …
    pub lost: f64,
    /// … in so many singular values.
    pub dropped: usize,
}

/// The factors of largest norm within the limits.
pub fn split(m: ArrayView2<C64>, lean: Lean, bond: &Bond) -> Factors {
    let (values, vectors) = match m.dim() {
        (rows, columns) if rows.max(columns) <= SMALL => jacobi(m, lean),
        _ => bidiagonal(m, lean),
    };
    let (kept, lost, dropped) = kept(&values, bond);
    let vectors = vectors.slice(s![.., ..kept]).to_owned();
    let adjoint = dagger(&vectors);
    match lean {
        // The columns of `vectors` are right singular vectors.
        Lean::Left => Factors { left: m.dot(&vectors), right: adjoint, lost, dropped },
        Lean::Right => Factors { right: adjoint.dot(&m), left: vectors, lost, dropped },
    }
}

/// How many of the values, falling, are kept; the share of their squares that is not, and how many are dropped that are
/// not zero.
fn kept(values: &[f64], bond: &Bond) -> (usize, f64, usize) {
    let largest = values.first().copied().unwrap_or(0.0);
    let nonzero = values.iter().take_while(|value| **value > ROUNDING * values.len() as f64 * largest).count().max(1);
    let total: f64 = values.iter().map(|value| value * value).sum();
    let (mut kept, mut lost) = (nonzero, 0.0);
    while kept > 1 {
        let next = lost + values[kept - 1] * values[kept - 1];
        if kept <= bond.most && next > bond.weight * total {
            break;
        }
        (kept, lost) = (kept - 1, next);
    }
    (kept, if total > 0.0 { lost / total } else { 0.0 }, nonzero - kept)
}

/// Singular values, falling, with the right singular vectors (lean left) or the left ones, by rotations of columns.
fn jacobi(m: ArrayView2<C64>, lean: Lean) -> (Vec<f64>, Matrix) {
    let (rows, columns) = m.dim();
    let size = rows.max(columns);
    let padded = Matrix::from_shape_fn((size, size), |(i, j)| match lean {
        Lean::Left if i < rows && j < columns => m[[i, j]],
        Lean::Right if j < rows && i < columns => m[[j, i]].conj(),
        _ => C64::default(),
    });
    let (values, vectors) = singular_values(&padded);
    let length = if lean == Lean::Left { columns } else { rows };
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    order.truncate(rows.min(columns));
    let sorted = order.iter().map(|&k| values[k]).collect();
    (sorted, Matrix::from_shape_fn((length, order.len()), |(i, k)| vectors[[i, order[k]]]))
}

fn bidiagonal(m: ArrayView2<C64>, lean: Lean) -> (Vec<f64>, Matrix) {
    let (rows, columns) = m.dim();
    let Ok(svd) = Mat::<C64>::from_fn(rows, columns, |i, j| m[[i, j]]).thin_svd() else {
        // It gives up on NaN alone as far as is known; rotations always end.
        return jacobi(m, lean);
    };
    let values = svd.S().column_vector().iter().map(|value| value.re).collect();
    (values, of_faer(if lean == Lean::Left { svd.V() } else { svd.U() }))
}

fn of_faer(m: MatRef<C64>) -> Matrix {
    Matrix::from_shape_fn((m.nrows(), m.ncols()), |(i, j)| m[(i, j)])
}

/// An isometry times what is left: `(q, r)` with `m = q r`, q having orthonormal columns.
pub fn orthogonalised(m: ArrayView2<C64>) -> (Matrix, Matrix) {
    let (rows, columns) = m.dim();
    let qr = Mat::<C64>::from_fn(rows, columns, |i, j| m[[i, j]]).qr();
    (of_faer(qr.compute_thin_Q().as_ref()), of_faer(qr.thin_R()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Stream;
    use crate::math::matrix::{distance, identity};

    #[test]
    fn factors_are_those_of_the_matrix_in_every_shape() {
        let mut stream = Stream::named(3, "split");
        for (rows, columns, rank) in
            [(1, 1, 1), (2, 6, 2), (8, 8, 3), (8, 2, 2), (12, 30, 5), (40, 16, 16), (16, 40, 1)]
        {
            let mut random = |shape| Matrix::from_shape_simple_fn(shape, || C64::new(stream.normal(), stream.normal()));
            let m = random((rows, rank)).dot(&random((rank, columns)));
            for lean in [Lean::Left, Lean::Right] {
                let exact = split(m.view(), lean, &Bond { most: 1 << 20, weight: 0.0 });
                let context = format!("{rows} × {columns} of rank {rank}, {lean:?}");
                assert_eq!((exact.left.ncols(), exact.dropped, exact.lost), (rank, 0, 0.0), "{context}");
                assert!(distance(&exact.left.dot(&exact.right), &m) < 1e-12, "{context}");
                let isometry = match lean {
                    Lean::Left => exact.right.dot(&dagger(&exact.right)),
                    Lean::Right => dagger(&exact.left).dot(&exact.left),
                };
                assert!(distance(&isometry, &identity(rank)) < 1e-13, "{context}");
                // What is lost is what the product lacks.
                let norm = |m: &Matrix| m.iter().map(|z| z.norm_sqr()).sum::<f64>();
                let cut = split(m.view(), lean, &Bond { most: 2, weight: 0.0 });
                let lacks = norm(&(&m - &cut.left.dot(&cut.right))) / norm(&m);
                assert!((lacks - cut.lost).abs() < 1e-13, "{context}: {lacks:e} {:e}", cut.lost);
                assert_eq!((cut.left.ncols(), cut.dropped), (rank.min(2), rank.saturating_sub(2)), "{context}");
            }
            let (q, r) = orthogonalised(m.view());
            assert!(distance(&q.dot(&r), &m) < 1e-12);
            assert!(distance(&dagger(&q).dot(&q), &identity(q.ncols())) < 1e-13);
        }
    }
}
