//! What reads the labels of positions: a linear layer on their vectors, or a circuit with the same symmetry.

use std::sync::Arc;

use candle_core::Tensor;

use crate::circuit::ansatz::{Ansatz, Encoding};
use crate::circuit::{Circuit, Gate, Observable, Param};
use crate::math::PairOrbits;
use crate::nn::QuantumLayer;
use crate::sim::{self, Auto, EngineOptions, Execution};
use crate::study::StudyError;

/// Row of the readouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readout {
    /// A linear layer on the vector of a position.
    Linear,
    /// One number a position, then a linear layer: what the circuit reads, without the circuit.
    Angle,
    /// One angle a position, a circuit whose gates share one weight for each orbit, then a linear layer on ⟨Z⟩.
    Circuit,
}

impl Readout {
    /// The circuit for positions of these orbits, if the readout has one.
    ///
    /// # Errors
    /// If it cannot be built or run.
    pub(super) fn circuit(self, orbits: &PairOrbits, depth: usize) -> Result<Option<TiedCircuit>, StudyError> {
        match self {
            Self::Circuit => TiedCircuit::new(orbits, depth).map(Some),
            _ => Ok(None),
        }
    }
}

/// A circuit with one qubit for each position that is equivariant to the permutations that keep the orbits: RY(x) on each
/// qubit, then layers of RZZ on each pair and RX on each qubit, with one weight for each orbit of pairs and of positions.
/// RZZ has no direction, so (i, j) and (j, i) share theirs (after Goel et al. 2026, and Nguyen et al. 2022,
/// arXiv:2210.08566, section III).
pub struct TiedCircuit {
    layer: QuantumLayer,
    weights: usize,
}

impl TiedCircuit {
    /// The circuit of these orbits, `depth` layers deep.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn new(orbits: &PairOrbits, depth: usize) -> Result<Self, StudyError> {
        let ansatz = Self::ansatz(orbits, depth).map_err(sim::Error::from)?;
        let weights = ansatz.weights();
        let execution =
            Execution::ideal(&ansatz, Arc::new(Auto::new(EngineOptions::default()))).map_err(sim::Error::from)?;
        Ok(Self { layer: QuantumLayer::new(execution), weights })
    }

    /// The circuit and what is measured.
    ///
    /// # Errors
    /// If there are no positions.
    pub fn ansatz(orbits: &PairOrbits, depth: usize) -> Result<Ansatz, crate::circuit::CircuitError> {
        let positions = orbits.points;
        let mut circuit = Circuit::new(positions);
        let inputs: Vec<Param> = (0..positions).map(|k| circuit.slot(format!("x{k}"))).collect();
        for (qubit, input) in inputs.into_iter().enumerate() {
            circuit.push(Gate::Ry, &[qubit], &[input])?;
        }
        for layer in 0..depth {
            let mut of_orbit: Vec<Option<Param>> = vec![None; orbits.count];
            let mut weight = |circuit: &mut Circuit, orbit: usize| {
                *of_orbit[orbit].get_or_insert_with(|| circuit.slot(format!("w{layer}_{orbit}")))
            };
            for i in 0..positions {
                for j in i + 1..positions {
                    let orbit = orbits.color(i, j).min(orbits.color(j, i));
                    let weight = weight(&mut circuit, orbit);
                    circuit.push(Gate::Rzz, &[i, j], &[weight])?;
                }
            }
            for i in 0..positions {
                let weight = weight(&mut circuit, orbits.color(i, i));
                circuit.push(Gate::Rx, &[i], &[weight])?;
            }
        }
        Ok(Ansatz { circuit, inputs: positions, encoding: Encoding::Angle, observables: Observable::all_z(positions) })
    }

    /// Number of weights.
    pub fn weights(&self) -> usize {
        self.weights
    }

    /// Angles (rows, positions) in radians to ⟨Z⟩ (rows, positions).
    ///
    /// # Errors
    /// If the simulator refuses.
    pub fn forward(&self, angles: &Tensor, weights: &Tensor) -> candle_core::Result<Tensor> {
        self.layer.forward(angles, weights)
    }
}
