//! Small systems of real linear equations.

use ndarray::{Array1, Array2};

/// The x with `a·x = b`, by Gaussian elimination with row pivots; `None` if `a` is singular to rounding.
pub fn solve(mut a: Array2<f64>, mut b: Array1<f64>) -> Option<Array1<f64>> {
    let size = b.len();
    let scale = a.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    for k in 0..size {
        let pivot = (k..size).max_by(|&i, &j| a[[i, k]].abs().total_cmp(&a[[j, k]].abs()))?;
        // A NaN must fail too, hence the negated comparison.
        if !(a[[pivot, k]].abs() > 1e-14 * scale) {
            return None;
        }
        if pivot != k {
            (0..size).for_each(|column| a.swap([k, column], [pivot, column]));
            b.swap(k, pivot);
        }
        for row in k + 1..size {
            let factor = a[[row, k]] / a[[k, k]];
            if factor != 0.0 {
                (k..size).for_each(|column| a[[row, column]] -= factor * a[[k, column]]);
                b[row] -= factor * b[k];
            }
        }
    }
    for k in (0..size).rev() {
        let rest: f64 = (k + 1..size).map(|column| a[[k, column]] * b[column]).sum();
        b[k] = (b[k] - rest) / a[[k, k]];
    }
    Some(b)
}

/// Weights w with `Σ w_i y_i` = the value at x = 0 of the polynomial of this degree that fits (x_i, y_i) with the least
/// squared error; `None` if there are not enough distinct x.
pub fn intercept_weights(xs: &[f64], degree: usize) -> Option<Vec<f64>> {
    let largest = xs.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    // Powers of x/largest: the value at zero does not depend on the unit of x, and the equations stay well scaled.
    let power = |x: f64, k: usize| if largest > 0.0 { (x / largest).powi(k as i32) } else { 0f64.powi(k as i32) };
    let size = degree + 1;
    let normal = Array2::from_shape_fn((size, size), |(i, j)| xs.iter().map(|&x| power(x, i + j)).sum::<f64>());
    let mut unit = Array1::zeros(size);
    unit[0] = 1.0;
    let first = solve(normal, unit)?;
    Some(xs.iter().map(|&x| (0..size).map(|k| first[k] * power(x, k)).sum()).collect())
}

/// The x with `a·x = b` for a symmetric positive matrix `a` (size, size) and `b` (size, columns), by Cholesky's factors. A
/// matrix that is only semidefinite to rounding gets the least multiple of the identity, in powers of ten from 10⁻¹⁴ of its
/// mean diagonal, that makes it positive. `None` if none up to 10⁻² does, as with a NaN.
pub fn solve_positive(a: &Array2<f64>, b: &Array2<f64>) -> Option<Array2<f64>> {
    let size = a.nrows();
    let mean = a.diag().sum() / size.max(1) as f64;
    let factor = (0..14).find_map(|power| {
        let jitter = if power == 0 { 0.0 } else { mean * 10f64.powi(power - 15) };
        cholesky(a, jitter)
    })?;
    let mut x = b.clone();
    for mut column in x.columns_mut() {
        let solved = solve_factored(&factor, column.to_owned());
        column.assign(&solved);
    }
    Some(x)
}

/// L⁻¹ b of a lower triangular L.
pub fn solve_lower(factor: &Array2<f64>, mut b: Array1<f64>) -> Array1<f64> {
    for k in 0..b.len() {
        let known: f64 = (0..k).map(|j| factor[[k, j]] * b[j]).sum();
        b[k] = (b[k] - known) / factor[[k, k]];
    }
    b
}

/// (L Lᵀ)⁻¹ b of a lower triangular L, as of [`cholesky`].
pub fn solve_factored(factor: &Array2<f64>, b: Array1<f64>) -> Array1<f64> {
    let mut b = solve_lower(factor, b);
    for k in (0..b.len()).rev() {
        let known: f64 = (k + 1..b.len()).map(|j| factor[[j, k]] * b[j]).sum();
        b[k] = (b[k] - known) / factor[[k, k]];
    }
    b
}

/// Whether a symmetric matrix is positive definite, to rounding.
pub fn is_positive(a: &Array2<f64>) -> bool {
    cholesky(a, 0.0).is_some()
}

/// The lower triangular L with `L Lᵀ = a + jitter·1`; `None` if that is not positive.
pub fn cholesky(a: &Array2<f64>, jitter: f64) -> Option<Array2<f64>> {
    let size = a.nrows();
    let mut factor = Array2::<f64>::zeros((size, size));
    for i in 0..size {
        for j in 0..=i {
            let (row, other) = (factor.row(i), factor.row(j));
            let known: f64 = (0..j).map(|k| row[k] * other[k]).sum();
            let rest = a[[i, j]] - known + if i == j { jitter } else { 0.0 };
            if i == j {
                // A NaN must fail too, hence the negated comparison.
                if !(rest > 0.0) {
                    return None;
                }
                factor[[i, i]] = rest.sqrt();
            } else {
                factor[[i, j]] = rest / factor[[j, j]];
            }
        }
    }
    Some(factor)
}
