//! Quantum Fisher information of pure states: how fast a state changes with its angles.
//!
//! `F_ij = 4 Re(⟨∂_i ψ|∂_j ψ⟩ - ⟨∂_i ψ|ψ⟩⟨ψ|∂_j ψ⟩)`, four times the Fubini–Study metric (Stokes et al. 2020,
//! arXiv 1909.02108, which calls F/4 the metric tensor). Natural gradient descent steps along [`natural_gradient`].

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use crate::circuit::derived::push_forward;
use crate::math::C64;
use crate::math::singular::singular_values;
use crate::noise::{Program, Step};
use crate::sim::gradient::{FOUR_TERM, ShiftTerm};
use crate::sim::{SimError, check, state};

/// The block of the quantum Fisher information that belongs to `slots`, in their order, for one vector of angles:
/// (slots, slots), symmetric and positive. All slots give the whole matrix, those of one layer its block.
///
/// ```
/// use qgraft::{circuit::{Circuit, Gate}, noise::Program, sim::fisher};
/// let mut circuit = Circuit::new(1);
/// let angle = circuit.slot("angle");
/// circuit.push(Gate::Ry, &[0], &[angle])?;
/// let information = fisher::quantum_fisher(&Program::ideal(&circuit, &[]), &[0.3], &[0])?;
/// assert!((information[[0, 0]] - 1.0).abs() < 1e-12, "a rotation changes its qubit at speed one");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the program is not unitary up to terminal measurements, angles do not fit, a slot does not exist, or a state for each
/// slot does not fit into memory.
pub fn quantum_fisher(program: &Program, angles: &[f64], slots: &[usize]) -> Result<Array2<f64>, SimError> {
    let size = 2f64.powi(program.qubits() as i32);
    let instead = "use blocks of fewer slots, or the diagonal";
    check::memory("the quantum Fisher information", program.qubits(), 16.0 * size * slots.len() as f64, instead)?;
    let psi = state::statevector(program, angles)?;
    let tangents =
        slots.iter().map(|&slot| tangent(program, angles, psi.view(), slot)).collect::<Result<Vec<_>, _>>()?;
    Ok(Array2::from_shape_fn((slots.len(), slots.len()), |(i, j)| 4.0 * inner(&tangents[i], &tangents[j]).re))
}

/// The diagonal of the quantum Fisher information, one number a slot. Memory for two states is enough.
///
/// # Errors
/// As [`quantum_fisher`].
pub fn quantum_fisher_diagonal(program: &Program, angles: &[f64]) -> Result<Array1<f64>, SimError> {
    let psi = state::statevector(program, angles)?;
    let each = (0..program.declared_slots()).map(|slot| {
        let tangent = tangent(program, angles, psi.view(), slot)?;
        Ok(4.0 * inner(&tangent, &tangent).re)
    });
    each.collect()
}

/// `(F + damping·1)⁻¹ g`, the direction of steepest ascent measured by how far states change. `damping` above 0 bounds
/// the step where angles do not change the state; with 0 such directions are left out.
pub fn natural_gradient(fisher: ArrayView2<f64>, gradient: ArrayView1<f64>, damping: f64) -> Array1<f64> {
    let (values, vectors) = singular_values(&fisher.mapv(C64::from));
    let floor = 1e-12 * values.iter().fold(0.0, |most: f64, value| most.max(*value));
    let mut out = Array1::zeros(gradient.len());
    for (value, vector) in values.iter().zip(vectors.columns()) {
        let scale = value + damping;
        if scale > floor {
            let along: C64 = vector.iter().zip(gradient).map(|(v, g)| v.conj() * g).sum();
            out.iter_mut().zip(vector).for_each(|(sum, v)| *sum += (v * along).re / scale);
        }
    }
    out
}

fn inner(a: &Array1<C64>, b: &Array1<C64>) -> C64 {
    a.iter().zip(b).map(|(a, b)| a.conj() * b).sum()
}

/// `|∂ψ⟩ - |ψ⟩⟨ψ|∂ψ⟩` by one slot, the part that changes the state.
fn tangent(program: &Program, angles: &[f64], psi: ArrayView1<C64>, slot: usize) -> Result<Array1<C64>, SimError> {
    let slots = program.declared_slots();
    if slot >= slots {
        return Err(SimError::NoSlot { slot, slots });
    }
    let mut rates = vec![0.0; slots];
    rates[slot] = 1.0;
    let rates = push_forward(&program.derived, angles, rates);
    let mut derivative = Array1::<C64>::zeros(psi.len());
    for (step, index, slot, scale) in uses(program, &rates) {
        // Entries of every gate have frequencies 0, 1/2 and 1 in each angle, for which the four-term rule is exact.
        for (weight, by) in FOUR_TERM {
            let shifted = ShiftTerm { step, index, slot, weight, by }.apply(program);
            derivative.scaled_add(C64::from(scale * weight), &state::statevector(&shifted, angles)?);
        }
    }
    let along: C64 = psi.iter().zip(&derivative).map(|(a, b)| a.conj() * b).sum();
    derivative.scaled_add(-along, &psi);
    Ok(derivative)
}

/// The angles that change where slots change at these rates: step, which angle of its gate, its slot and its rate.
fn uses(program: &Program, rates: &[f64]) -> Vec<(usize, usize, usize, f64)> {
    let mut found = Vec::new();
    for (step, kind) in program.steps.iter().enumerate() {
        let Step::Gate(op) = kind else { continue };
        for (index, param) in op.params().iter().enumerate() {
            let changing = param.dependence().filter(|(slot, _)| rates[*slot] != 0.0);
            found.extend(changing.map(|(slot, scale)| (step, index, slot, rates[slot] * scale)));
        }
    }
    found
}
