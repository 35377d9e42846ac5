//! The dressed circuit: linear, circuit, linear (Mari et al. 2020, arXiv 1912.08278).

use std::f64::consts::FRAC_PI_2;

use candle_core::{D, Tensor};

use crate::circuit::ansatz::{AnsatzRow, Encoding};
use crate::nn::head::{Head, HeadShape};
use crate::nn::init::Init;
use crate::nn::layer::Linear;
use crate::nn::quantum::amplitude_angles;
use crate::nn::{NnError, Params, QuantumLayer};
use crate::sim::Execution;

/// `Linear(d → features, no bias)`, `tanh · π/2` (or unit amplitudes), circuit: features to expectation values.
///
/// Parameters: `reduce.weight`, `circuit.weights`, for re-uploading `circuit.scales`.
pub struct EncodedCircuit {
    reduce: Linear,
    encoding: Encoding,
    scales: Option<Tensor>,
    layer: QuantumLayer,
    weights: Tensor,
}

impl EncodedCircuit {
    /// The circuit on `params`, which are made if they do not exist yet. The classes of `shape` are not used.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(
        params: &mut Params,
        shape: &HeadShape,
        family: &AnsatzRow,
        execution: Execution,
    ) -> Result<Self, NnError> {
        let inputs = family.inputs(shape.qubits, shape.depth);
        let weights = execution.program.slots - inputs;
        let width = family.features(shape.qubits);
        let scales = match family.encoding {
            // A trained scale per upload: without it the reachable frequencies are fixed (Pérez-Salinas et al. 2020).
            Encoding::Reuploading => Some(params.get("circuit.scales", &[1, inputs], Init::Constant(1.0))?),
            _ => None,
        };
        Ok(Self {
            reduce: Linear::new(params, "reduce", (shape.features, width), false)?,
            encoding: family.encoding,
            scales,
            weights: params.get("circuit.weights", &[weights], Init::Normal { sd: shape.weight_sd })?,
            layer: QuantumLayer::new(execution),
        })
    }

    /// The trained angles of the circuit (weights), radians.
    pub fn weights(&self) -> &Tensor {
        &self.weights
    }

    /// The input angles (batch, inputs) of `features` (batch, width), radians.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn angles(&self, features: &Tensor) -> Result<Tensor, NnError> {
        let reduced = self.reduce.forward(features)?;
        Ok(match (&self.scales, self.encoding) {
            (_, Encoding::Amplitude) => amplitude_angles(&reduced)?,
            // Into (0, 1), as the brightness of a pixel is.
            (_, Encoding::Probability) => amplitude_angles(&((reduced.tanh()? + 1.0)? * 0.5)?)?,
            (None, _) => (reduced.tanh()? * FRAC_PI_2)?,
            (Some(scales), _) => {
                let once = (reduced.tanh()? * FRAC_PI_2)?;
                let uploads = scales.dim(D::Minus1)? / once.dim(D::Minus1)?;
                Tensor::cat(&vec![once; uploads], D::Minus1)?.broadcast_mul(scales)?
            }
        })
    }

    /// Expectation values (batch, observables) of `features` (batch, width).
    ///
    /// # Errors
    /// If shapes do not fit or the simulator refuses.
    pub fn expectations(&self, features: &Tensor) -> Result<Tensor, NnError> {
        Ok(self.layer.forward(&self.angles(features)?, &self.weights)?)
    }
}

/// An [`EncodedCircuit`] and `Linear(n → classes)`.
///
/// Parameters: those of the circuit, `classify.weight`, `classify.bias`.
pub struct DressedHead {
    circuit: EncodedCircuit,
    classify: Linear,
}

impl DressedHead {
    /// The head on `params`, which are made if they do not exist yet.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(
        params: &mut Params,
        shape: &HeadShape,
        family: &AnsatzRow,
        execution: Execution,
    ) -> Result<Self, NnError> {
        let measured = execution.observables.len();
        Ok(Self {
            circuit: EncodedCircuit::new(params, shape, family, execution)?,
            classify: Linear::new(params, "classify", (measured, shape.classes), true)?,
        })
    }

    /// The layers before the last linear one.
    pub fn circuit(&self) -> &EncodedCircuit {
        &self.circuit
    }
}

impl Head for DressedHead {
    fn logits(&self, features: &Tensor) -> Result<Tensor, NnError> {
        Ok(self.classify.forward(&self.circuit.expectations(features)?)?)
    }
}
