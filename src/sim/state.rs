//! Final states of programs, and functions of states.
//!
//! State vectors are `ψ[i]`, density matrices `ρ[i][j]`, qubit k being bit k of the index.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use crate::math::C64;
use crate::noise::Program;
use crate::sim::{Angles, Density, SimError, Statevector, check};

/// The final state vector of a unitary program for one vector of angles, before terminal measurements; 2ⁿ amplitudes.
///
/// # Errors
/// As [`Simulator::expect`](crate::sim::Simulator::expect) of [`Statevector`].
pub fn statevector(program: &Program, angles: &[f64]) -> Result<Array1<C64>, SimError> {
    Ok(Statevector::default().states(program, Angles::of_weights(angles))?.row(0).to_owned())
}

/// The final density matrix of any program for one vector of angles, before terminal measurements and averaged over
/// classical bits; 2ⁿ × 2ⁿ.
///
/// # Errors
/// As [`Simulator::expect`](crate::sim::Simulator::expect) of [`Density`].
pub fn density(program: &Program, angles: &[f64]) -> Result<Array2<C64>, SimError> {
    let qubits = program.qubits();
    let letters = Density::default().vector(program, Angles::of_weights(angles))?;
    // Digit by digit from letters to (row bit, column bit): ρ = Σ_P v_P P / 2ⁿ.
    let mut digits: Vec<C64> = letters.into_iter().map(C64::from).collect();
    let i = C64::new(0.0, 1.0);
    for qubit in 0..qubits {
        let step = 1usize << (2 * qubit);
        for group in digits.chunks_exact_mut(4 * step) {
            for k in 0..step {
                let [one, x, y, z] = [0, 1, 2, 3].map(|letter| group[k + letter * step] * 0.5);
                let entries = [one + z, x - i * y, x + i * y, one - z];
                entries.into_iter().enumerate().for_each(|(e, value)| group[k + e * step] = value);
            }
        }
    }
    let size = 1 << qubits;
    let digit = |row: usize, column: usize| {
        (0..qubits).fold(0, |at, q| at | (2 * (row >> q & 1) + (column >> q & 1)) << (2 * q))
    };
    Ok(Array2::from_shape_fn((size, size), |(row, column)| digits[digit(row, column)]))
}

/// `|ψ⟩⟨ψ|`.
pub fn projector(state: ArrayView1<C64>) -> Array2<C64> {
    Array2::from_shape_fn((state.len(), state.len()), |(i, j)| state[i] * state[j].conj())
}

/// Distinct qubits of a register of 2ⁿ = `size`.
fn check_keep(size: usize, keep: &[usize]) -> Result<(), SimError> {
    let qubits = size.trailing_zeros() as usize;
    match (0..keep.len()).find(|&k| keep[k] >= qubits || keep[..k].contains(&keep[k])) {
        Some(k) => Err(SimError::BadQubit { qubit: keep[k], qubits }),
        None => Ok(()),
    }
}

/// The index with bit k of `bits` on qubit `keep[k]`.
fn spread(bits: usize, keep: &[usize]) -> usize {
    keep.iter().enumerate().fold(0, |index, (k, &q)| index | (bits >> k & 1) << q)
}

/// Indices below `size` whose bits `keep` are all 0.
fn rests(size: usize, keep: &[usize]) -> Vec<usize> {
    let kept = spread(usize::MAX, keep);
    (0..size).filter(|rest| rest & kept == 0).collect()
}

/// The density matrix of the qubits `keep`, the first listed the least significant.
///
/// # Errors
/// If a qubit is not in the register or is listed twice.
pub fn partial_trace(rho: ArrayView2<C64>, keep: &[usize]) -> Result<Array2<C64>, SimError> {
    check_keep(rho.nrows(), keep)?;
    let rests = rests(rho.nrows(), keep);
    Ok(Array2::from_shape_fn((1 << keep.len(), 1 << keep.len()), |(row, column)| {
        let (row, column) = (spread(row, keep), spread(column, keep));
        rests.iter().map(|rest| rho[[row | rest, column | rest]]).sum()
    }))
}

/// The same for a pure state, without writing down its density matrix.
///
/// # Errors
/// As [`partial_trace`], and if the density matrix of that many qubits is too large.
pub fn reduced(psi: ArrayView1<C64>, keep: &[usize]) -> Result<Array2<C64>, SimError> {
    check_keep(psi.len(), keep)?;
    check::memory("a density matrix", keep.len(), 16.0 * 4f64.powi(keep.len() as i32), "keep fewer qubits")?;
    // ψ as a matrix of kept by traced out qubits, of which ρ is the product with its own adjoint.
    let rests = rests(psi.len(), keep);
    let m = Array2::from_shape_fn((1 << keep.len(), rests.len()), |(k, rest)| psi[spread(k, keep) | rests[rest]]);
    Ok(m.dot(&m.t().mapv(|z| z.conj())))
}

/// The state with qubit `order[k]` as qubit k.
///
/// # Errors
/// If `order` does not list every qubit once.
pub fn reordered(psi: ArrayView1<C64>, order: &[usize]) -> Result<Array1<C64>, SimError> {
    check_keep(psi.len(), order)?;
    let qubits = psi.len().trailing_zeros() as usize;
    if order.len() != qubits {
        return Err(SimError::BadQubit { qubit: order.len(), qubits });
    }
    Ok(Array1::from_shape_fn(psi.len(), |index| psi[spread(index, order)]))
}

/// Probabilities of the qubits `keep` alone, the first listed the least significant, from those of a register.
///
/// # Errors
/// If a qubit is not in the register or is listed twice.
pub fn marginal(probabilities: ArrayView1<f64>, keep: &[usize]) -> Result<Array1<f64>, SimError> {
    check_keep(probabilities.len(), keep)?;
    let mut out = Array1::zeros(1 << keep.len());
    for (index, p) in probabilities.iter().enumerate() {
        out[keep.iter().enumerate().fold(0, |at, (k, &q)| at | (index >> q & 1) << k)] += p;
    }
    Ok(out)
}

/// `tr ρ²`: 1 for a pure state, `1/2ⁿ` for the fully mixed one.
pub fn purity(rho: ArrayView2<C64>) -> f64 {
    rho.iter().map(|z| z.norm_sqr()).sum()
}

/// `⟨ψ|ρ|ψ⟩`, the fidelity of a state with a pure one (squared convention: 1 for equal states, probabilities in between).
pub fn fidelity(rho: ArrayView2<C64>, pure: ArrayView1<C64>) -> f64 {
    let image = rho.dot(&pure);
    pure.iter().zip(&image).map(|(a, b)| (a.conj() * b).re).sum()
}

/// `|⟨a|b⟩|²` of two pure states.
pub fn overlap(a: ArrayView1<C64>, b: ArrayView1<C64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| a.conj() * b).sum::<C64>().norm_sqr()
}
