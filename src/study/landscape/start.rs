//! Where training starts.

use std::f64::consts::TAU;

use ndarray::Array2;

use crate::circuit::ansatz::AnsatzRow;
use crate::circuit::{Ansatz, CircuitError, OpKind, Param};
use crate::math::Stream;
use crate::study::StudyError;

/// A way to choose a circuit's first weights.
pub struct StartRow {
    /// Name in specs.
    pub name: &'static str,
    /// One line for people, with the source.
    pub doc: &'static str,
    /// One weight at random, radians, for a circuit of so many layers.
    draw: fn(&mut Stream, usize) -> f64,
    /// Whether the second half of the layers undoes the first.
    mirrored: bool,
}

/// Every start.
pub static STARTS: &[StartRow] = &[
    StartRow {
        name: "uniform",
        doc: "Uniform in [0, 2π): close to a 2-design in deep circuits (McClean et al. 2018, arXiv 1803.11173)",
        draw: |stream, _| TAU * stream.uniform(),
        mirrored: false,
    },
    StartRow {
        name: "gaussian",
        doc: "Normal with variance 1/(4(layers + 2)), which keeps gradients of one-local costs from vanishing \
              exponentially (Zhang et al. 2022, arXiv 2203.09376, for locality S = 1)",
        draw: |stream, layers| (4.0 * (layers as f64 + 2.0)).sqrt().recip() * stream.normal(),
        mirrored: false,
    },
    StartRow {
        name: "identity_blocks",
        doc: "Uniform, but the second half of the layers starts as the inverse of the first, so that the circuit starts \
              as the identity (Grant et al. 2019, arXiv 1903.05076)",
        draw: |stream, _| TAU * stream.uniform(),
        mirrored: true,
    },
];

impl StartRow {
    /// The row of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let names = STARTS.iter().map(|row| row.name);
        STARTS.iter().find(|row| row.name == name).ok_or_else(|| StudyError::unknown("start", name, names))
    }

    /// The circuit this start is for: the family's own, or for identity blocks the encoding, half of the layers (rounded
    /// up), and their inverse with weights of its own. Where layers upload inputs again, the inverse takes them back.
    ///
    /// # Errors
    /// None for at least one qubit.
    pub fn circuit(&self, family: &AnsatzRow, qubits: usize, depth: usize) -> Result<Ansatz, CircuitError> {
        if !self.mirrored {
            return family.build(qubits, depth, true);
        }
        let half = family.build(qubits, depth.div_ceil(2), true)?;
        let (inputs, weights) = (half.inputs, half.weights());
        let mut circuit = half.circuit.clone();
        for name in &half.circuit.slot_names()[inputs..] {
            circuit.slot(format!("{name}'"));
        }
        // Without layers the family is its encoding alone.
        let encoding = family.build(qubits, 0, true)?.circuit.ops().len();
        let inverse = half.circuit.inverse()?;
        for op in &inverse.ops()[..inverse.ops().len() - encoding] {
            let mut op = op.clone();
            if let OpKind::Gate { params, .. } = &mut op.kind {
                for param in params {
                    if let Param::Slot { slot, .. } = param
                        && *slot >= inputs
                    {
                        *slot += weights;
                    }
                }
            }
            circuit.append(op)?;
        }
        Ok(Ansatz { circuit, ..half })
    }

    /// Random weights (`count`, weights) for [`StartRow::circuit`], radians.
    pub fn weights(&self, ansatz: &Ansatz, depth: usize, count: usize, seed: u64) -> Array2<f64> {
        let weights = ansatz.weights();
        let free = if self.mirrored { weights / 2 } else { weights };
        let mut stream = Stream::named(seed, self.name);
        let drawn = Array2::from_shape_simple_fn((count, free), || (self.draw)(&mut stream, depth));
        Array2::from_shape_fn((count, weights), |(row, weight)| drawn[[row, weight % free.max(1)]])
    }
}
