//! Sums of strings met with product states: `Σ c_P Π_q b_q(P_q)`, b being the Bloch vector of a qubit with 1 in front.

use super::plan::Plan;
use super::sum::{Key, letter, support};

/// `[1, ⟨X⟩, ⟨Y⟩, ⟨Z⟩]` of each qubit.
pub type Bloch = Vec<[f64; 4]>;

/// The state of each qubit before anything entangles it.
pub fn states(plan: &Plan, angles: &[f64]) -> Bloch {
    let ground = [1.0, 0.0, 0.0, 1.0];
    let state = |start: &Option<super::map::LocalMap>| match start {
        None => ground,
        Some(map) => {
            let transfer = map.bind(angles);
            std::array::from_fn(|p| (0..4).map(|q| transfer[[p, q]] * ground[q]).sum())
        }
    };
    plan.starts.iter().map(state).collect()
}

/// From the derivative by the Bloch vectors to the slots of the starts.
pub fn gradient(plan: &Plan, angles: &[f64], by_state: &Bloch, mut add: impl FnMut(usize, f64)) {
    for (map, by) in plan.starts.iter().zip(by_state) {
        let Some(map) = map.as_ref().filter(|map| map.slots().next().is_some()) else { continue };
        // Only the columns of I and Z meet |0⟩.
        let by_entry = ndarray::Array2::from_shape_fn((4, 4), |(p, q)| if q == 0 || q == 3 { by[p] } else { 0.0 });
        map.gradient(angles, &by_entry, &mut add);
    }
}

/// The expectation value of a string.
pub fn value<const N: usize>(key: &Key<N>, bloch: &Bloch) -> f64 {
    let mut product = 1.0;
    for qubit in support(key) {
        product *= bloch[qubit][letter(key, qubit)];
        if product == 0.0 {
            break;
        }
    }
    product
}

/// Adds `factor` times the derivative of [`value`] by the Bloch vectors.
pub fn add_derivative<const N: usize>(key: &Key<N>, bloch: &Bloch, factor: f64, by_state: &mut Bloch) {
    let letters: Vec<(usize, usize)> = support(key).map(|qubit| (qubit, letter(key, qubit))).collect();
    let mut behind = vec![1.0; letters.len() + 1];
    for (k, &(qubit, letter)) in letters.iter().enumerate().rev() {
        behind[k] = behind[k + 1] * bloch[qubit][letter];
    }
    let mut ahead = factor;
    for (k, &(qubit, letter)) in letters.iter().enumerate() {
        by_state[qubit][letter] += ahead * behind[k + 1];
        ahead *= bloch[qubit][letter];
        if ahead == 0.0 {
            break;
        }
    }
}
