//! The dressed circuit: linear, circuit, linear (Mari et al. 2020, arXiv 1912.08278).

use std::f64::consts::{FRAC_PI_2, PI};

use candle_core::{D, Device, Tensor};

use crate::circuit::Ansatz;
use crate::circuit::ansatz::{Encoding, PauliMap};
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
    ansatz: Ansatz,
    scales: Option<Tensor>,
    layer: QuantumLayer,
    weights: Tensor,
}

impl EncodedCircuit {
    /// The circuit on `params`, which are made if they do not exist yet. The classes of `shape` are not used.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(params: &mut Params, shape: &HeadShape, ansatz: &Ansatz, execution: Execution) -> Result<Self, NnError> {
        let Ansatz { inputs, encoding, .. } = *ansatz;
        let weights = execution.program.slots - inputs;
        let width = ansatz.features();
        let scales = match encoding {
            // A trained scale per upload: without it the reachable frequencies are fixed (Pérez-Salinas et al. 2020).
            Encoding::Reuploading => Some(params.get("circuit.scales", &[1, inputs], Init::Constant(1.0))?),
            _ => None,
        };
        Ok(Self {
            reduce: Linear::new(params, "reduce", (shape.features, width), false)?,
            ansatz: ansatz.clone(),
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
        let values = match self.ansatz.encoding {
            Encoding::Amplitude | Encoding::AmplitudeAncilla => reduced,
            // Into (0, 1), as the brightness of a pixel is.
            Encoding::Probability => ((reduced.tanh()? + 1.0)? * 0.5)?,
            _ => (reduced.tanh()? * FRAC_PI_2)?,
        };
        encode(&self.ansatz, &values, self.scales.as_ref())
    }

    /// Expectation values (batch, observables) of `features` (batch, width).
    ///
    /// # Errors
    /// If shapes do not fit or the simulator refuses.
    pub fn expectations(&self, features: &Tensor) -> Result<Tensor, NnError> {
        Ok(self.layer.forward(&self.angles(features)?, &self.weights)?)
    }
}

/// The input angles (batch, inputs) of a circuit for `values` (batch, features): radians, or amplitudes where these are
/// encoded. `scales` (1, inputs) are those of re-uploading.
///
/// # Errors
/// If shapes do not fit.
pub fn encode(ansatz: &Ansatz, values: &Tensor, scales: Option<&Tensor>) -> Result<Tensor, NnError> {
    Ok(match (ansatz.encoding, scales) {
        (Encoding::Amplitude | Encoding::Probability, _) => amplitude_angles(values)?,
        (Encoding::AmplitudeAncilla, _) => {
            // The ancilla is the last qubit: its half of the amplitudes is 1, 0, 0, …
            let (rows, width) = values.dims2()?;
            let one = Tensor::ones((rows, 1), values.dtype(), values.device())?;
            let zeros = Tensor::zeros((rows, width - 1), values.dtype(), values.device())?;
            amplitude_angles(&Tensor::cat(&[values, &one, &zeros], D::Minus1)?)?
        }
        (Encoding::Pauli(map), _) => pauli_angles(map, values, ansatz.inputs)?,
        (Encoding::Reuploading, scales) => {
            let uploads = ansatz.inputs / values.dim(D::Minus1)?.max(1);
            let angles = Tensor::cat(&vec![values; uploads], D::Minus1)?;
            match scales {
                Some(scales) => angles.broadcast_mul(scales)?,
                None => angles,
            }
        }
        _ => values.clone(),
    })
}

/// The angles (batch, inputs) of a Pauli map for features (batch, qubits) in radians: of each feature, then of each pair that
/// `inputs` has room for.
///
/// # Errors
/// If shapes do not fit.
fn pauli_angles(map: &PauliMap, features: &Tensor, inputs: usize) -> Result<Tensor, NnError> {
    let qubits = features.dim(D::Minus1)?;
    let pairs: Vec<(usize, usize)> = map.angle_pairs(qubits).into_iter().take(inputs.saturating_sub(qubits)).collect();
    let (factor, shifted) = if map.shifted { (2.0, (PI - features)?) } else { (1.0, features.clone()) };
    let single = (features * factor)?;
    if pairs.is_empty() {
        return Ok(single);
    }
    let end = |of: fn(&(usize, usize)) -> usize| -> candle_core::Result<Tensor> {
        let index: Vec<u32> = pairs.iter().map(|pair| of(pair) as u32).collect();
        shifted.index_select(&Tensor::new(index, &Device::Cpu)?, D::Minus1)
    };
    let double = ((end(|pair| pair.0)? * end(|pair| pair.1)?)? * factor)?;
    Ok(Tensor::cat(&[single, double], D::Minus1)?)
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
    pub fn new(params: &mut Params, shape: &HeadShape, ansatz: &Ansatz, execution: Execution) -> Result<Self, NnError> {
        let measured = execution.observables.len();
        Ok(Self {
            circuit: EncodedCircuit::new(params, shape, ansatz, execution)?,
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
