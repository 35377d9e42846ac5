//! Heads: what is trained on top of frozen features. One row each.

mod circuit;
mod classical;
mod config;
mod dressed;

pub use circuit::{AnsatzChoice, CircuitConfig, OwnCircuit};
pub use classical::Between;
pub use config::{HeadConfig, HeadModel};
pub use dressed::{DressedHead, EncodedCircuit, encode};

use std::sync::Arc;

use candle_core::Tensor;

use crate::circuit::Ansatz;
use crate::circuit::ansatz::AnsatzRow;
use crate::nn::onnx::{OnnxGraph, OnnxValue};
use crate::nn::{LearningRates, NnError, Params};
use crate::sim::Execution;

/// Maps features to class scores.
pub trait Head: Send + Sync {
    /// Logits (batch, classes) of `features` (batch, width), differentiable in the parameters the head was built on.
    ///
    /// # Errors
    /// If shapes do not fit or a simulator refuses.
    fn logits(&self, features: &Tensor) -> Result<Tensor, NnError>;

    /// The head on features (batch, width) of an ONNX graph: its logits. `None` for a head with a circuit, for which ONNX has
    /// no operators.
    ///
    /// # Errors
    /// If the tensor library fails.
    fn write(&self, _graph: &mut OnnxGraph, _features: &OnnxValue) -> Result<Option<OnnxValue>, NnError> {
        Ok(None)
    }
}

/// A kind of head.
pub struct HeadRow {
    /// Name in specs.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// What it is made of.
    pub body: Body,
    /// Row of the ansatz table it always has; `None` takes the spec's.
    pub circuit: Option<&'static str>,
    /// Parameters that stay as they start.
    pub frozen: &'static [&'static str],
}

/// What a head is made of.
#[derive(Clone, Copy)]
pub enum Body {
    /// Linear layers. `widths` gives the hidden widths for a number of qubits.
    Layers {
        /// Hidden widths.
        widths: fn(usize) -> Vec<usize>,
        /// Between the layers.
        activation: Between,
    },
    /// Linear, circuit, linear.
    Dressed {
        /// Whether the trained layers entangle.
        entangle: bool,
    },
    /// Support vectors on the fidelities of encoded states. With a circuit of its own the row trains the circuit's weights
    /// by kernel-target alignment first.
    Kernel,
}

/// Every head.
pub static HEADS: &[HeadRow] = &[
    HeadRow {
        name: "linear",
        doc: "One linear layer on the features: the linear probe",
        body: Body::Layers { widths: |_| vec![], activation: Between::Nothing },
        circuit: None,
        frozen: &[],
    },
    HeadRow {
        name: "mlp_a",
        doc: "Linear, hardtanh, linear at the qubit width: the parameter-matched classical head",
        body: Body::Layers { widths: |qubits| vec![qubits], activation: Between::Hardtanh },
        circuit: None,
        frozen: &[],
    },
    HeadRow {
        name: "mlp_b",
        doc: "Linear 128, ReLU, linear 64, ReLU, linear: a wider classical head",
        body: Body::Layers { widths: |_| vec![128, 64], activation: Between::Relu },
        circuit: None,
        frozen: &[],
    },
    HeadRow {
        name: "mlp_tanh",
        doc: "Linear, tanh, linear at the qubit width: the smooth classical bottleneck",
        body: Body::Layers { widths: |qubits| vec![qubits], activation: Between::Tanh },
        circuit: None,
        frozen: &[],
    },
    HeadRow {
        name: "random_features",
        doc: "The same with its first layer left at its random start: what a trained bottleneck adds",
        body: Body::Layers { widths: |qubits| vec![qubits], activation: Between::Tanh },
        circuit: None,
        frozen: &["layers.0.weight", "layers.0.bias"],
    },
    HeadRow {
        name: "quantum",
        doc: "The dressed circuit: linear to the qubits, circuit, linear to the classes",
        body: Body::Dressed { entangle: true },
        circuit: None,
        frozen: &[],
    },
    HeadRow {
        name: "separable",
        doc: "The dressed circuit without entanglers: what is left without entanglement",
        body: Body::Dressed { entangle: false },
        circuit: None,
        frozen: &[],
    },
    HeadRow {
        name: "frozen_quantum",
        doc: "The dressed circuit with its weights left at their random start: what training the circuit adds",
        body: Body::Dressed { entangle: true },
        circuit: None,
        frozen: &["circuit.weights"],
    },
    HeadRow {
        name: "quantum_kernel",
        doc: "Support vector machine on fidelities of encoded states: n states, not n² circuits",
        body: Body::Kernel,
        circuit: None,
        frozen: &[],
    },
    HeadRow {
        name: "trained_kernel",
        doc: "The same with features uploaded before every layer, weights and scales trained by kernel-target alignment \
              (Hubregtsen et al. 2022, arXiv 2105.02276)",
        body: Body::Kernel,
        circuit: Some("reuploading"),
        frozen: &[],
    },
    HeadRow {
        name: "dqn",
        doc: "DQN of arXiv 2605.19417: the dressed circuit of Mari et al. (arXiv 1912.08278) whatever the spec's ansatz",
        body: Body::Dressed { entangle: true },
        circuit: Some("mari"),
        frozen: &[],
    },
    HeadRow {
        name: "qpie",
        doc: "QPIE of arXiv 2605.19417: 2^n reduced features as probability amplitudes; open there and chosen here: (1 + tanh)/2 makes \
              them positive, layers are RY and a ring of CNOT",
        body: Body::Dressed { entangle: true },
        circuit: Some("probability"),
        frozen: &[],
    },
    HeadRow {
        name: "tlqnn",
        doc: "AE (TLQNN) of arXiv 2605.19417: 2^n reduced features as amplitudes, then layers as in dressed, which the source \
              leaves open",
        body: Body::Dressed { entangle: true },
        circuit: Some("amplitude"),
        frozen: &[],
    },
    HeadRow {
        name: "tlqcnn",
        doc: "AE (TLQCNN) of arXiv 2605.19417: amplitudes, then a quantum convolutional network; its blocks, open there, are \
              those of arXiv 2108.00661 with RY and CNOT",
        body: Body::Dressed { entangle: true },
        circuit: Some("convolution"),
        frozen: &[],
    },
    HeadRow {
        name: "post_variational",
        doc: "PV of arXiv 2605.19417: a fixed circuit, all one- and two-qubit Paulis measured, a trained linear read-out \
              (arXiv 2307.10560); chosen here: one RY layer at its random start",
        body: Body::Dressed { entangle: true },
        circuit: Some("post_variational"),
        frozen: &["circuit.weights"],
    },
    HeadRow {
        name: "entangled_dressed",
        doc: "ED of arXiv 2605.19417: a dressed circuit whose encoding entangles already; chosen here: a ring of CNOT behind \
              RY, then strongly entangling layers (arXiv 1804.00633)",
        body: Body::Dressed { entangle: true },
        circuit: Some("entangled"),
        frozen: &[],
    },
];

/// The sizes a head is built for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadShape {
    /// Width of the features.
    pub features: usize,
    /// Number of classes.
    pub classes: usize,
    /// Number of qubits, which is also the hidden width of the parameter-matched classical head.
    pub qubits: usize,
    /// Layers of the circuit.
    pub depth: usize,
    /// Standard deviation of the circuit's initial weights, radians.
    pub weight_sd: f64,
}

impl HeadRow {
    /// The row of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn named(name: &str) -> Result<&'static Self, NnError> {
        HEADS
            .iter()
            .find(|row| row.name == name)
            .ok_or_else(|| NnError::unknown("head", "heads", name, HEADS.iter().map(|row| row.name)))
    }

    /// The row of a label: `NAME`, or `NAME@DEVICE` for a head that is trained under the noise of a device.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn of_label(label: &str) -> Result<&'static Self, NnError> {
        Self::named(label.split_once('@').map_or(label, |(name, _)| name))
    }

    /// The learning rates: parameters that the head freezes have rate 0.
    pub fn learning_rates(&self) -> LearningRates {
        LearningRates::freezing(self.frozen)
    }

    /// Whether it is a circuit between linear layers.
    pub fn is_dressed(&self) -> bool {
        matches!(self.body, Body::Dressed { .. })
    }

    /// The circuit of a dressed head: of its own family if it has one, else of the settings; `None` for the others.
    ///
    /// # Errors
    /// If the settings have no circuit that can be built.
    pub fn ansatz(&self, config: &CircuitConfig) -> Result<Option<Ansatz>, NnError> {
        match self.body {
            Body::Dressed { entangle } => config.build(self.circuit.and_then(AnsatzRow::named), entangle).map(Some),
            _ => Ok(None),
        }
    }

    /// Inputs and outputs of its linear layers.
    fn layers(&self, shape: &HeadShape, ansatz: Option<&Ansatz>) -> Vec<(usize, usize)> {
        match self.body {
            Body::Layers { widths, .. } => {
                let widths = [vec![shape.features], widths(shape.qubits), vec![shape.classes]].concat();
                widths.windows(2).map(|pair| (pair[0], pair[1])).collect()
            }
            Body::Dressed { .. } => {
                let outer = |own: &Ansatz| [(shape.features, own.features()), (own.observables.len(), shape.classes)];
                ansatz.map(outer).into_iter().flatten().collect()
            }
            Body::Kernel => Vec::new(),
        }
    }

    /// The head on `params`, which are made if they do not exist yet; `None` for heads trained without gradients.
    /// Built twice on the same parameters with two executions, it is one trained head run two ways.
    ///
    /// # Errors
    /// If a dressed head comes without a circuit, or `params` hold other shapes.
    pub fn build(
        &self,
        params: &mut Params,
        shape: &HeadShape,
        circuit: Option<(&Ansatz, Execution)>,
    ) -> Result<Option<Arc<dyn Head>>, NnError> {
        Ok(match self.body {
            Body::Layers { widths, activation } => {
                Some(Arc::new(classical::LayersHead::new(params, shape, &widths(shape.qubits), activation)?))
            }
            Body::Dressed { .. } => {
                let (ansatz, execution) = circuit.ok_or(NnError::Setting {
                    field: "head",
                    value: self.name.into(),
                    reason: "a circuit head needs an engine to run on",
                })?;
                Some(Arc::new(DressedHead::new(params, shape, ansatz, execution)?))
            }
            Body::Kernel => None,
        })
    }
}
