//! Eigenvalues and functions of real symmetric matrices.

use ndarray::{Array1, Array2, Axis};

/// Sweeps over all pairs, at most. Convergence is quadratic.
const MOST_SWEEPS: usize = 50;
/// Rotations by a smaller tangent change no digit of entries of like size.
const NO_TURN: f64 = 1e-18;

/// Eigenvalues of a small symmetric matrix, largest first, and its eigenvectors as columns, by cyclic Jacobi rotations.
pub fn eigenvectors(matrix: &Array2<f64>) -> (Array1<f64>, Array2<f64>) {
    let size = matrix.nrows();
    let (mut a, mut vectors) = (matrix.clone(), Array2::eye(size));
    for _ in 0..MOST_SWEEPS {
        let mut turns = false;
        for p in 0..size {
            for q in p + 1..size {
                if a[[p, q]] == 0.0 {
                    continue;
                }
                let theta = (a[[q, q]] - a[[p, p]]) / (2.0 * a[[p, q]]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                turns |= t.abs() > NO_TURN;
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
        if !turns {
            break;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::Stream;

    #[test]
    fn eigenvectors_build_the_matrix_again() {
        let spectra: [&[f64]; 4] =
            [&[3.0, 1.0, 0.5, -2.0, 0.0], &[1.0, 1.0, 1.0, 0.2, 0.2], &[1.0, 1e-4, 1e-8, 1e-12, 0.0], &[0.0; 5]];
        let mut stream = Stream::numbered(5, 0);
        for spectrum in spectra {
            // Eigenvectors of any symmetric matrix are orthonormal.
            let drawn = Array2::from_shape_simple_fn((5, 5), || stream.normal());
            let (_, basis) = eigenvectors(&(&drawn + &drawn.t()));
            let matrix = (&basis * &Array1::from(spectrum.to_vec())).dot(&basis.t());
            let (values, vectors) = eigenvectors(&matrix);
            let mut expected = spectrum.to_vec();
            expected.sort_by(|a, b| b.total_cmp(a));
            let largest = |difference: Array2<f64>| difference.iter().fold(0.0, |most: f64, d| most.max(d.abs()));
            // Rounding of some sweeps over entries of up to 3.
            assert!(values.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-13), "{values} {expected:?}");
            assert!(largest(vectors.t().dot(&vectors) - Array2::<f64>::eye(5)) < 1e-13, "{spectrum:?}");
            assert!(largest((&vectors * &values).dot(&vectors.t()) - &matrix) < 1e-13, "{spectrum:?}");
        }
    }
}
