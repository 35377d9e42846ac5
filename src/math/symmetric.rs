//! Eigenvalues and functions of real symmetric matrices.

use ndarray::{Array1, Array2, Axis};

/// Eigenvalues of a small symmetric matrix, largest first, and its eigenvectors as columns, by cyclic Jacobi rotations.
pub fn eigenvectors(matrix: &Array2<f64>) -> (Array1<f64>, Array2<f64>) {
    let size = matrix.nrows();
    let (mut a, mut vectors) = (matrix.clone(), Array2::eye(size));
    for _ in 0..50 {
        for p in 0..size {
            for q in p + 1..size {
                if a[[p, q]] == 0.0 {
                    continue;
                }
                let theta = (a[[q, q]] - a[[p, p]]) / (2.0 * a[[p, q]]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let (c, s) = (1.0 / t.hypot(1.0), t / t.hypot(1.0));
                for k in 0..size {
                    let (x, y) = (a[[k, p]], a[[k, q]]);
                    (a[[k, p]], a[[k, q]]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..size {
                    let (x, y) = (a[[p, k]], a[[q, k]]);
                    (a[[p, k]], a[[q, k]]) = (c * x - s * y, s * x + c * y);
                    let (x, y): (f64, f64) = (vectors[[k, p]], vectors[[k, q]]);
                    (vectors[[k, p]], vectors[[k, q]]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&i, &j| a[[j, j]].total_cmp(&a[[i, i]]));
    let values = order.iter().map(|&k| a[[k, k]]).collect();
    (values, vectors.select(Axis(1), &order))
}

/// A function of a symmetric matrix: of its eigenvalues, in its eigenvectors.
pub fn of_eigenvalues(matrix: &Array2<f64>, function: impl Fn(f64) -> f64) -> Array2<f64> {
    let (values, vectors) = eigenvectors(matrix);
    (&vectors * &values.mapv(function)).dot(&vectors.t())
}
