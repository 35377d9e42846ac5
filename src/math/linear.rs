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
