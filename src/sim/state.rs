//! Final states of programs, and what can be said of states.
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
    let rows = Array2::zeros((1, 0));
    let angles = Angles { rows: rows.view(), shared: angles.into() };
    Ok(Statevector::default().states(program, angles)?.row(0).to_owned())
}

/// The final density matrix of any program for one vector of angles, before terminal measurements and averaged over
/// classical bits; 2ⁿ × 2ⁿ.
///
/// # Errors
/// As [`Simulator::expect`](crate::sim::Simulator::expect) of [`Density`].
pub fn density(program: &Program, angles: &[f64]) -> Result<Array2<C64>, SimError> {
    let qubits = program.qubits();
    check::memory("density", qubits, 24.0 * 4f64.powi(qubits as i32), "use statevector or trajectory")?;
    let rows = Array2::zeros((1, 0));
    let angles = Angles { rows: rows.view(), shared: angles.into() };
    let letters = Density::default().vector(program, angles)?;
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

/// The density matrix of the qubits `keep`, the first listed the least significant.
///
/// # Errors
/// If a qubit is not in the register or stands twice.
pub fn partial_trace(rho: ArrayView2<C64>, keep: &[usize]) -> Result<Array2<C64>, SimError> {
    let qubits = rho.nrows().trailing_zeros() as usize;
    for (k, &qubit) in keep.iter().enumerate() {
        if qubit >= qubits || keep[..k].contains(&qubit) {
            return Err(SimError::BadQubit { qubit, qubits });
        }
    }
    let kept = keep.iter().fold(0, |mask, &q| mask | 1usize << q);
    let place = |bits: usize| keep.iter().enumerate().fold(0, |at, (k, &q)| at | (bits >> k & 1) << q);
    let mut out = Array2::zeros((1 << keep.len(), 1 << keep.len()));
    for ((row, column), sum) in out.indexed_iter_mut() {
        let (row, column) = (place(row), place(column));
        *sum = (0..rho.nrows()).filter(|rest| rest & kept == 0).map(|rest| rho[[row | rest, column | rest]]).sum();
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
