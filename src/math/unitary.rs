//! Unitary matrices taken apart: eigenvectors, and the cosine-sine decomposition.

use crate::math::Matrix;
use crate::math::matrix::{C64, c, dagger, identity};

/// Entries this small are rounding error of matrices whose entries are at most 1.
const ROUNDING: f64 = 1e-15;
/// Jacobi sweeps. Convergence is quadratic and takes a handful, the bound only guards against NaN.
const SWEEPS: usize = 60;

/// Columns p and q of a plane rotation: `(cos, sin)` and `(-sin*, cos)`.
#[derive(Clone, Copy)]
struct Rotation {
    cos: f64,
    sin: C64,
}

impl Rotation {
    /// The eigenbasis of the Hermitian matrix with Pauli coordinates (z, x, y), not all zero: the turn by less than a
    /// right angle, so that what is diagonal already stays as it is.
    fn to_eigenbasis([z, x, y]: [f64; 3]) -> Self {
        let length = (z * z + x * x + y * y).sqrt();
        let sign = if z < 0.0 { -1.0 } else { 1.0 };
        let cos = ((1.0 + sign * z / length) / 2.0).sqrt();
        Self { cos, sin: c(x, y) * (sign / (2.0 * length * cos)) }
    }

    /// `m · R` on columns p and q.
    fn columns(self, m: &mut Matrix, p: usize, q: usize) {
        for row in 0..m.nrows() {
            let (a, b) = (m[[row, p]], m[[row, q]]);
            m[[row, p]] = a * self.cos + b * self.sin;
            m[[row, q]] = b * self.cos - a * self.sin.conj();
        }
    }

    /// `R† · m` on rows p and q.
    fn rows(self, m: &mut Matrix, p: usize, q: usize) {
        for column in 0..m.ncols() {
            let (a, b) = (m[[p, column]], m[[q, column]]);
            m[[p, column]] = a * self.cos + b * self.sin.conj();
            m[[q, column]] = b * self.cos - a * self.sin;
        }
    }
}

/// `(v, λ)` with `u = v · diag(λ) · v†` and v unitary, for a unitary u.
///
/// Jacobi rotations that diagonalise the two Hermitian parts of u together (Cardoso and Souloumiac 1996, SIAM J. Matrix
/// Anal. Appl. 17, 161), begun in the eigenbasis of one mixture of the parts: equal eigenvalues need no care, and
/// permutations, on which joint rotations alone can stall, are already separated.
pub fn eigenbasis(u: &Matrix) -> (Matrix, Vec<C64>) {
    // Any phase but those at which two eigenvalues of a common gate have the same real part.
    let tilt = C64::from_polar(1.0, 0.7236);
    let tilted = u.mapv(|z| z * tilt);
    let mut v = identity(u.nrows());
    rotate_until_diagonal((&tilted + &dagger(&tilted)).mapv(|z| z * 0.5), &mut v);
    let d = rotate_until_diagonal(dagger(&v).dot(u).dot(&v), &mut v);
    (v, d.diag().to_vec())
}

/// Makes the normal matrix `m` diagonal by rotations, which `v` collects.
fn rotate_until_diagonal(mut m: Matrix, v: &mut Matrix) -> Matrix {
    let size = m.nrows();
    for _ in 0..SWEEPS {
        let mut moved = false;
        for p in 0..size {
            for q in p + 1..size {
                if m[[p, q]].norm().max(m[[q, p]].norm()) < ROUNDING {
                    continue;
                }
                let [z, x, y] = [m[[p, p]] - m[[q, q]], m[[p, q]] + m[[q, p]], c(0.0, 1.0) * (m[[p, q]] - m[[q, p]])];
                // The longest mixture of the two Hermitian parts, real and imaginary in these coordinates.
                let part = |f: fn(C64) -> f64| [f(z), f(x), f(y)];
                let (a, b) = (part(|z| z.re), part(|z| z.im));
                let dot = |s: [f64; 3], t: [f64; 3]| s[0] * t[0] + s[1] * t[1] + s[2] * t[2];
                let (sin, cos) = ((2.0 * dot(a, b)).atan2(dot(a, a) - dot(b, b)) / 2.0).sin_cos();
                let rotation = Rotation::to_eigenbasis([0, 1, 2].map(|k| cos * a[k] + sin * b[k]));
                rotation.columns(&mut m, p, q);
                rotation.rows(&mut m, p, q);
                rotation.columns(v, p, q);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    m
}

/// A unitary in the shape `(l₀ ⊕ l₁) · [[C, -S], [S, C]] · (r₀ ⊕ r₁)`, C and S the cosines and sines of `angles`.
pub struct CosineSine {
    /// l₀ and l₁.
    pub left: [Matrix; 2],
    /// In [0, π/2].
    pub angles: Vec<f64>,
    /// r₀ and r₁.
    pub right: [Matrix; 2],
}

/// The cosine-sine decomposition of a unitary of even size into blocks of half that size (Golub and Van Loan, Matrix
/// Computations, §2.5.4).
pub fn cosine_sine(u: &Matrix) -> CosineSine {
    let half = u.nrows() / 2;
    let block =
        |i: usize, j: usize| u.slice(ndarray::s![i * half..(i + 1) * half, j * half..(j + 1) * half]).to_owned();
    // Rotations that make the columns of the upper block orthogonal do so with the lower one up to rounding. Where the
    // lower columns are short, that must be rounding relative to them, so they are turned once more among themselves;
    // the upper ones are of nearly one length there and stay orthogonal.
    let (mut upper, mut lower) = (block(0, 0), block(1, 0));
    let mut v = identity(half);
    orthogonalise(&mut upper, &mut lower, &mut v, |_| true);
    let long: Vec<bool> = (0..half).map(|k| norm(&upper, k) > std::f64::consts::FRAC_1_SQRT_2).collect();
    orthogonalise(&mut lower, &mut upper, &mut v, |k| long[k]);
    let angles: Vec<f64> = (0..half).map(|k| norm(&lower, k).atan2(norm(&upper, k))).collect();
    let left = [unit_columns(upper), unit_columns(lower)];
    let weighted = |m: &Matrix, weights: &dyn Fn(f64) -> f64| {
        let mut m = dagger(m);
        m.rows_mut().into_iter().zip(&angles).for_each(|(mut row, angle)| row.mapv_inplace(|z| z * weights(*angle)));
        m
    };
    // u₀₁ = -l₀ S r₁ and u₁₁ = l₁ C r₁, and S² + C² = 1.
    let second = weighted(&left[1], &f64::cos).dot(&block(1, 1)) - weighted(&left[0], &f64::sin).dot(&block(0, 1));
    CosineSine { left, angles, right: [dagger(&v), second] }
}

fn norm(m: &Matrix, column: usize) -> f64 {
    m.column(column).iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt()
}

/// One-sided Jacobi (Hestenes 1958): rotates those columns of `m` that `among` accepts until they are orthogonal relative
/// to their lengths, and the same columns of `follower` and `v` with them.
fn orthogonalise(m: &mut Matrix, follower: &mut Matrix, v: &mut Matrix, among: impl Fn(usize) -> bool) {
    let size = m.ncols();
    for _ in 0..SWEEPS {
        let mut moved = false;
        for p in (0..size).filter(|&k| among(k)) {
            for q in (p + 1..size).filter(|&k| among(k)) {
                let (a, b) = (norm(m, p).powi(2), norm(m, q).powi(2));
                let cross: C64 = m.column(p).iter().zip(m.column(q)).map(|(x, y)| x.conj() * y).sum();
                if cross.norm() <= ROUNDING * (a * b).sqrt() || a.max(b) < ROUNDING * ROUNDING {
                    continue;
                }
                let rotation = Rotation::to_eigenbasis([a - b, 2.0 * cross.re, -2.0 * cross.im]);
                for matrix in [&mut *m, &mut *follower, &mut *v] {
                    rotation.columns(matrix, p, q);
                }
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
}

/// Orthogonal columns at length one. Those without a direction of their own get one orthogonal to all others.
fn unit_columns(mut m: Matrix) -> Matrix {
    let size = m.ncols();
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&a, &b| norm(&m, b).total_cmp(&norm(&m, a)));
    for (done, &k) in order.iter().enumerate() {
        let length = norm(&m, k);
        if length > 1e-13 {
            m.column_mut(k).mapv_inplace(|z| z / length);
            continue;
        }
        // Of the axes at least one has the share 1/size outside what is spanned already.
        let outside = |axis: usize| {
            let mut rest = ndarray::Array1::from_elem(size, C64::ZERO);
            rest[axis] = C64::ONE;
            for _ in 0..2 {
                for &other in &order[..done] {
                    let overlap: C64 = m.column(other).iter().zip(&rest).map(|(x, y)| x.conj() * y).sum();
                    rest.scaled_add(-overlap, &m.column(other));
                }
            }
            rest
        };
        let size_of = |rest: &ndarray::Array1<C64>| rest.iter().map(|z| z.norm_sqr()).sum::<f64>();
        let best = (0..size).map(outside).max_by(|a, b| size_of(a).total_cmp(&size_of(b)));
        let best = best.expect("a block has columns");
        let length = size_of(&best).sqrt();
        m.column_mut(k).assign(&best.mapv(|z| z / length));
    }
    m
}
