//! Real orthogonal matrices that diagonalise two commuting real symmetric matrices at once.

use std::array::from_fn;

/// A 4 by 4 real matrix, row major.
pub type Real4 = [[f64; 4]; 4];

/// An orthogonal `v` of determinant +1 such that `vᵀ a v` and `vᵀ b v` are both diagonal, for commuting symmetric `a`
/// and `b`. Equal eigenvalues need no care: each plane rotation minimises what is off the diagonal of both matrices
/// together (Cardoso and Souloumiac 1996, SIAM J. Matrix Anal. Appl. 17, 161, for real rotations).
pub fn diagonalise_together(mut a: Real4, mut b: Real4) -> Real4 {
    let mut v: Real4 = from_fn(|i| from_fn(|j| f64::from(u8::from(i == j))));
    // Convergence is quadratic. A handful of sweeps reach rounding error, the bound only guards against NaN.
    for _ in 0..60 {
        let mut moved = false;
        for p in 0..3 {
            for q in p + 1..4 {
                // 1e-15: the entries of a and b are at most 1, this is rounding error.
                if a[p][q].abs().max(b[p][q].abs()) < 1e-15 {
                    continue;
                }
                // The entry off the diagonal becomes cross·cos 2t - half·sin 2t. The sum of squares is least at this t.
                let (mut on, mut off) = (0.0, 0.0);
                for m in [&a, &b] {
                    let (half, cross) = ((m[p][p] - m[q][q]) / 2.0, m[p][q]);
                    on += half * half - cross * cross;
                    off += 2.0 * half * cross;
                }
                let (sin, cos) = (off.atan2(on) / 4.0).sin_cos();
                for m in [&mut a, &mut b] {
                    turn_rows(m, p, q, sin, cos);
                    turn_columns(m, p, q, sin, cos);
                }
                turn_columns(&mut v, p, q, sin, cos);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    v
}

fn turn_rows(m: &mut Real4, p: usize, q: usize, sin: f64, cos: f64) {
    for k in 0..4 {
        (m[p][k], m[q][k]) = (cos * m[p][k] + sin * m[q][k], cos * m[q][k] - sin * m[p][k]);
    }
}

fn turn_columns(m: &mut Real4, p: usize, q: usize, sin: f64, cos: f64) {
    for row in m {
        (row[p], row[q]) = (cos * row[p] + sin * row[q], cos * row[q] - sin * row[p]);
    }
}
