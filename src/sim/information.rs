//! Information in states and distances between them: entropies, entanglement, distances.
//!
//! Entropies are in nats. Divide by ln 2 for bits. States are density matrices of trace 1, qubit k being bit k of the
//! index. Time grows with the cube of their size.

use ndarray::{ArrayView1, ArrayView2};

use crate::math::C64;
use crate::math::matrix::{Matrix, dagger};
use crate::math::singular::singular_values;
use crate::sim::SimError;
use crate::sim::state::{partial_trace, purity, reduced};

/// `-tr ρ ln ρ`: 0 for a pure state, `n ln 2` for the fully mixed one.
///
/// ```
/// # use ndarray::array;
/// # use qgraft::{math::matrix::real, sim::information::von_neumann_entropy};
/// let coin = real([[0.5, 0.0], [0.0, 0.5]]);
/// assert!((von_neumann_entropy(coin.view()) - 2f64.ln()).abs() < 1e-15);
/// ```
pub fn von_neumann_entropy(rho: ArrayView2<C64>) -> f64 {
    let (eigenvalues, _) = singular_values(&rho.to_owned());
    eigenvalues.into_iter().filter(|&p| p > 0.0).map(|p| -p * p.ln()).sum()
}

/// `-ln tr ρ²`, at most the von Neumann entropy.
pub fn renyi2_entropy(rho: ArrayView2<C64>) -> f64 {
    -purity(rho).ln()
}

/// `S(A) + S(B) - S(AB)` of two disjoint sets of qubits with von Neumann entropies: 0 for independent parts,
/// `2 ln 2` for a Bell pair.
///
/// # Errors
/// If a qubit is not in the register or is listed twice.
pub fn mutual_information(rho: ArrayView2<C64>, a: &[usize], b: &[usize]) -> Result<f64, SimError> {
    let entropy = |keep: &[usize]| Ok::<f64, SimError>(von_neumann_entropy(partial_trace(rho, keep)?.view()));
    Ok(entropy(a)? + entropy(b)? - entropy(&[a, b].concat())?)
}

/// `2 (1 - mean purity of single qubits)`: 0 for product states, 1 if every qubit alone is fully mixed
/// (Meyer and Wallach 2002, arXiv quant-ph/0108104, in the form of Brennen 2003, arXiv quant-ph/0305094).
pub fn meyer_wallach(psi: ArrayView1<C64>) -> f64 {
    let qubits = psi.len().trailing_zeros() as usize;
    if qubits == 0 {
        return 0.0;
    }
    let purities = (0..qubits).map(|q| {
        let rho = reduced(psi, &[q]).expect("a qubit of the register, and one qubit fits into memory");
        purity(rho.view())
    });
    2.0 * (1.0 - purities.sum::<f64>() / qubits as f64)
}

/// `‖ρ - σ‖₁ / 2`: 0 for equal states, 1 for those that one measurement distinguishes.
pub fn trace_distance(rho: ArrayView2<C64>, sigma: ArrayView2<C64>) -> f64 {
    let (values, _) = singular_values(&(&rho - &sigma));
    values.iter().sum::<f64>() / 2.0
}

/// `(tr √(√ρ σ √ρ))²`, the fidelity of two mixed states in the squared convention (Jozsa 1994,
/// doi 10.1080/09500349414552171).
pub fn state_fidelity(rho: ArrayView2<C64>, sigma: ArrayView2<C64>) -> f64 {
    // tr √(AA†) is the sum of the singular values of A = √ρ √σ, found without squaring, which would lose half the digits.
    let (values, _) = singular_values(&root(rho).dot(&root(sigma)));
    values.iter().sum::<f64>().powi(2)
}

/// The square root of a positive matrix.
fn root(rho: ArrayView2<C64>) -> Matrix {
    let (eigenvalues, vectors) = singular_values(&rho.to_owned());
    // What is zero in truth has come out as rounding error, of which the root would be large.
    let floor = 4.0 * f64::EPSILON * eigenvalues.iter().fold(0.0, |most: f64, p| most.max(*p));
    let roots: Vec<C64> = eigenvalues.iter().map(|&p| C64::from(if p > floor { p.sqrt() } else { 0.0 })).collect();
    let scaled = Matrix::from_shape_fn(vectors.dim(), |(i, k)| vectors[[i, k]] * roots[k]);
    scaled.dot(&dagger(&vectors))
}
