//! Singular values of small complex matrices.

use crate::math::matrix::{C64, Matrix, identity};

/// Singular values of a square matrix and its right singular vectors (columns of the second matrix, in the same order), by
/// one-sided Jacobi rotations: columns are turned against each other until all are orthogonal
/// (Hestenes 1958, doi 10.1137/0106005).
///
/// For a positive matrix these are its eigenvalues and eigenvectors. Small values have the same absolute error as large
/// ones, a few units of rounding of the largest. Meant for up to a few hundred rows: time grows with the cube.
pub fn singular_values(m: &Matrix) -> (Vec<f64>, Matrix) {
    // Rows are contiguous, so the columns of `m` are kept as rows.
    let size = m.nrows();
    let mut columns: Vec<Vec<C64>> = m.columns().into_iter().map(|column| column.to_vec()).collect();
    let mut vectors: Vec<Vec<C64>> = identity(size).rows().into_iter().map(|row| row.to_vec()).collect();
    // Convergence is quadratic. A dozen sweeps are enough, the bound only guards against NaN.
    for _ in 0..60 {
        let mut moved = false;
        for p in 0..size {
            for q in p + 1..size {
                let overlap: C64 = columns[p].iter().zip(&columns[q]).map(|(a, b)| a.conj() * b).sum();
                let [alpha, beta] = [p, q].map(|k| columns[k].iter().map(|z| z.norm_sqr()).sum::<f64>());
                let gamma = overlap.norm();
                // Orthogonal up to rounding, or two columns that are zero up to rounding.
                if !(gamma > 1e-15 * (alpha * beta).sqrt() && gamma > 1e-300) {
                    continue;
                }
                moved = true;
                let zeta = (beta - alpha) / (2.0 * gamma);
                let tangent = 1f64.copysign(zeta) / (zeta.abs() + zeta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let turn = (cosine, cosine * tangent, overlap.conj() / gamma);
                rotate(&mut columns, p, q, turn);
                rotate(&mut vectors, p, q, turn);
            }
        }
        if !moved {
            break;
        }
    }
    let values = columns.iter().map(|column| column.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt()).collect();
    (values, Matrix::from_shape_fn((size, size), |(i, k)| vectors[k][i]))
}

/// Turns column p against `phase` times column q.
fn rotate(columns: &mut [Vec<C64>], p: usize, q: usize, (cosine, sine, phase): (f64, f64, C64)) {
    let (low, high) = columns.split_at_mut(q);
    for (a, b) in low[p].iter_mut().zip(&mut high[0]) {
        let turned = *b * phase;
        (*a, *b) = (*a * cosine - turned * sine, *a * sine + turned * cosine);
    }
}
