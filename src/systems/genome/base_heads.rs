//! Heads from an embedding to the parameters of a site, with equally many parameters: softmax and Born probabilities.
//!
//! Bases are outcomes of two qubits: A 00, C 01, G 10, T 11. The complement of a base flips both.

use std::sync::Arc;

use candle_core::{D, Device, Tensor};

use crate::circuit::{Circuit, Gate, Observable};
use crate::nn::layer::{Involution, Linear};
use crate::nn::model::first;
use crate::nn::{Mode, Model, Network, NnError, Output, Params, QuantumLayer};
use crate::noise::Program;
use crate::sim::{Execution, Statevector};
use crate::study::StudyError;

/// A head on the embedding of a site.
pub struct HeadRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Whether frequencies are those of a circuit's outcomes.
    pub has_circuit: bool,
}

/// Every such head. Each has 4 · (width + 1) parameters.
pub static HEADS: &[HeadRow] = &[
    HeadRow { name: "softmax", doc: "θ by a linear layer; frequencies are its softmax", has_circuit: false },
    HeadRow {
        name: "born",
        doc: "three angles of a circuit of two qubits, whose outcomes are the bases, and the log rate, by a linear layer",
        has_circuit: true,
    },
];

/// No frequency of the circuit is lower: the logarithm of a likelihood must exist.
const LEAST: f64 = 1e-4;

/// A head on embeddings (rows, width), averaged over both strands. Its output is (rows, 1, 4) θ, or (rows, 1, 5) frequencies
/// and log rate.
pub struct BaseHead {
    width: usize,
    circuit: Option<Execution>,
}

impl BaseHead {
    /// The head of this name on embeddings of so many channels.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str, width: usize) -> Result<Self, StudyError> {
        let row = HEADS.iter().find(|row| row.name == name);
        let row = row.ok_or_else(|| StudyError::unknown("head", name, HEADS.iter().map(|row| row.name)))?;
        let circuit = if row.has_circuit { Some(circuit()?) } else { None };
        Ok(Self { width, circuit })
    }
}

/// The circuit RY(x0) on qubit 1, then RY(x1) on qubit 0, turned by x2 to either side as qubit 1 is 0 or 1: every
/// distribution of outcomes is one of its states. At angles 0 all outcomes are alike.
fn circuit() -> Result<Execution, NnError> {
    let mut circuit = Circuit::new(2);
    let half = std::f64::consts::FRAC_PI_2;
    let angles = [circuit.slot("x0"), circuit.slot("x1"), circuit.slot("x2")];
    let shifted = |k: usize| angles[k] + half;
    circuit.push(Gate::Ry, &[1], &[shifted(0)])?.push(Gate::Ry, &[0], &[shifted(1)])?;
    circuit.push(Gate::Cx, &[1, 0], &[])?.push(Gate::Ry, &[0], &[angles[2]])?.push(Gate::Cx, &[1, 0], &[])?;
    let observables = ["Z0", "Z1", "Z0 Z1"].into_iter().map(str::parse).collect::<Result<Vec<Observable>, _>>()?;
    let program = Program::ideal(&circuit, &[0, 1]);
    Ok(Execution::new(program, observables, 3, Arc::new(Statevector::default()))?)
}

struct Built {
    linear: Linear,
    strands: Involution,
    bases: Involution,
    circuit: Option<QuantumLayer>,
}

impl Model for BaseHead {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let linear = Linear::new(params, "linear", (self.width, 4), true)?;
        Ok(Box::new(Built {
            linear,
            strands: Involution::reversal(self.width)?,
            bases: Involution::new(&[3, 2, 1, 0])?,
            circuit: self.circuit.clone().map(QuantumLayer::new),
        }))
    }
}

impl Built {
    /// Frequencies (rows, 4) and log rate (rows, 1).
    fn site(&self, layer: &QuantumLayer, values: &Tensor) -> candle_core::Result<(Tensor, Tensor)> {
        let none = Tensor::zeros(0, values.dtype(), &Device::Cpu)?;
        let z = layer.forward(&values.narrow(1, 0, 3)?, &none)?;
        // P(k) = (1 ± z0 ± z1 ± z01) / 4 with the signs of the bits of k.
        let signs: [[f64; 4]; 3] = [[1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0], [1.0, -1.0, -1.0, 1.0]];
        let signs = Tensor::new(&signs, &Device::Cpu)?.to_dtype(z.dtype())?;
        let chances = ((z.matmul(&signs)? + 1.0)? * 0.25)?;
        let frequencies = chances.affine(1.0 - 4.0 * LEAST, LEAST)?;
        Ok((frequencies, values.narrow(1, 3, 1)?))
    }
}

impl Network for Built {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let features = first(inputs)?;
        let other = self.strands.apply(features, 1)?;
        let (own, other) = (self.linear.forward(features)?, self.linear.forward(&other)?);
        let logits = match &self.circuit {
            None => ((own + self.bases.apply(&other, 1)?)? * 0.5)?,
            Some(layer) => {
                let ((own, rate), (other, other_rate)) = (self.site(layer, &own)?, self.site(layer, &other)?);
                let frequencies = ((own + self.bases.apply(&other, 1)?)? * 0.5)?;
                Tensor::cat(&[frequencies, ((rate + other_rate)? * 0.5)?], D::Minus1)?
            }
        };
        Ok(Output::new(features.clone(), logits.unsqueeze(1)?))
    }
}
