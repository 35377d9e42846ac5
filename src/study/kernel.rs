//! Fidelity kernels of embedding circuits: exact, under noise and from shots; embeddings trained by kernel-target alignment.
//!
//! `k(x, y) = |⟨φ(y)|φ(x)⟩|²`. Without noise and shots n rows cost n states, whose overlaps are taken. Under a condition each
//! pair of rows is a run of its own, as on hardware: the probability of |0…0⟩ behind `U(y)† U(x)`.
//!
//! A kernel matrix from shots or under noise need not be positive semidefinite.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use crate::circuit::ansatz::Encoding;
use crate::circuit::{Ansatz, Circuit, Observable, PauliString};
use crate::math::C64;
use crate::nn::head::encode;
use crate::nn::init::Init;
use crate::nn::loss::Objective;
use crate::nn::model::first;
use crate::nn::{Examples, LearningRates, Mode, Model, Network, NnError, Output, Params, QuantumLayer};
use crate::noise::Program;
use crate::sim::{Angles, Auto, Condition, EngineOptions, Execution, Executions, Statevector};
use crate::study::train::{EpochRecord, TrainConfig, TrainingLoop};
use crate::study::{Observer, StudyError};

/// Pairs of rows that run at once.
const PAIRS: usize = 4096;
/// Most qubits: |0…0⟩ is measured as 2ⁿ Pauli strings.
const MOST_QUBITS: usize = 12;

/// The kernel of an embedding: a circuit whose inputs are the angles of a row and whose weights all rows share.
#[derive(Clone)]
pub struct FidelityKernel {
    embedding: Ansatz,
    /// The circuit of a pair; `None` takes overlaps of states.
    pair: Option<Execution>,
}

impl FidelityKernel {
    /// The exact kernel.
    pub fn new(embedding: Ansatz) -> Self {
        Self { embedding, pair: None }
    }

    /// The embedding.
    pub fn embedding(&self) -> &Ansatz {
        &self.embedding
    }

    /// The same under a condition. Shots and trajectories draw under `seed`.
    ///
    /// # Errors
    /// If the circuit of a pair cannot be compiled for the condition, or the embedding has more than 12 qubits.
    pub fn under(&self, executions: &Executions, condition: &Condition, seed: u64) -> Result<Self, StudyError> {
        if condition.device.is_none() && condition.shots.is_none() {
            return Ok(Self { pair: None, ..self.clone() });
        }
        let pair = overlap(&self.embedding)?;
        let execution = executions.compile(&(&pair).into(), condition, seed)?;
        Ok(Self { pair: Some(execution), ..self.clone() })
    }

    /// What runs the circuit of a pair; `None` for the exact kernel.
    pub fn execution(&self) -> Option<&Execution> {
        self.pair.as_ref()
    }

    /// The kernel (rows of a, rows of b) of input angles (rows, inputs), radians, with these weights of the embedding.
    ///
    /// # Errors
    /// If the numbers of angles do not fit, or the simulator refuses.
    pub fn matrix(
        &self,
        a: ArrayView2<'_, f64>,
        b: ArrayView2<'_, f64>,
        weights: ArrayView1<'_, f64>,
    ) -> Result<Array2<f64>, StudyError> {
        let Some(pair) = &self.pair else {
            let (a, b) = (self.states(a, weights)?, self.states(b, weights)?);
            return Ok(a.mapv(|z| z.conj()).dot(&b.t()).mapv(|z| z.norm_sqr()));
        };
        let pairs: Vec<(usize, usize)> = (0..a.nrows()).flat_map(|i| (0..b.nrows()).map(move |j| (i, j))).collect();
        let values = probabilities(pair, (a, b), &pairs, weights)?;
        Ok(Array2::from_shape_vec((a.nrows(), b.nrows()), values).expect("one value for each pair"))
    }

    /// The kernel (rows, rows) of rows with themselves: symmetric, each pair run once.
    ///
    /// # Errors
    /// As [`FidelityKernel::matrix`].
    pub fn gram(&self, rows: ArrayView2<'_, f64>, weights: ArrayView1<'_, f64>) -> Result<Array2<f64>, StudyError> {
        let Some(pair) = &self.pair else { return self.matrix(rows, rows, weights) };
        let pairs = upper(rows.nrows());
        let values = probabilities(pair, (rows, rows), &pairs, weights)?;
        let mut kernel = Array2::zeros((rows.nrows(), rows.nrows()));
        for (&(i, j), value) in pairs.iter().zip(values) {
            (kernel[[i, j]], kernel[[j, i]]) = (value, value);
        }
        Ok(kernel)
    }

    fn states(&self, rows: ArrayView2<'_, f64>, weights: ArrayView1<'_, f64>) -> Result<Array2<C64>, StudyError> {
        let circuit = &self.embedding.circuit;
        let program = Program::ideal(circuit, &(0..circuit.qubits()).collect::<Vec<_>>());
        let angles = Angles { inputs: rows, weights };
        Ok(Statevector::default().states(&program, angles).map_err(NnError::from)?)
    }
}

/// Pairs (i, j) of `count` rows with i ≤ j.
fn upper(count: usize) -> Vec<(usize, usize)> {
    (0..count).flat_map(|i| (i..count).map(move |j| (i, j))).collect()
}

/// The probability of |0…0⟩ for each pair of rows.
fn probabilities(
    pair: &Execution,
    (a, b): (ArrayView2<'_, f64>, ArrayView2<'_, f64>),
    pairs: &[(usize, usize)],
    weights: ArrayView1<'_, f64>,
) -> Result<Vec<f64>, StudyError> {
    let inputs = a.ncols();
    let mut values = Vec::with_capacity(pairs.len());
    for part in pairs.chunks(PAIRS) {
        let rows = Array2::from_shape_fn((part.len(), 2 * inputs), |(row, k)| match k < inputs {
            true => a[[part[row].0, k]],
            false => b[[part[row].1, k - inputs]],
        });
        let found = pair.prepared.expect(Angles { inputs: rows.view(), weights }).map_err(NnError::from)?;
        values.extend(found);
    }
    Ok(values)
}

/// `U(y)† U(x)` with its inputs x, then y, and the weights of both in common; |0…0⟩⟨0…0| is measured.
fn overlap(embedding: &Ansatz) -> Result<Ansatz, NnError> {
    let (own, inputs) = (&embedding.circuit, embedding.inputs);
    let qubits = own.qubits();
    if qubits > MOST_QUBITS {
        let reason = "a kernel under noise or from shots has at most 12 qubits";
        return Err(NnError::Setting { field: "qubits", value: qubits.to_string(), reason });
    }
    let mut circuit = Circuit::new(qubits);
    (0..inputs).for_each(|k| _ = circuit.slot(format!("x{k}")));
    (0..inputs).for_each(|k| _ = circuit.slot(format!("y{k}")));
    own.slot_names()[inputs..].iter().for_each(|name| _ = circuit.slot(name.as_str()));
    circuit.append_with_slots(own, |slot| if slot < inputs { slot } else { slot + inputs })?;
    // The weights of both have the same slots.
    circuit.append_with_slots(&own.inverse()?, |slot| slot + inputs)?;
    let strings = 1u64 << qubits;
    let terms = (0..strings).map(|z| (1.0 / strings as f64, PauliString::from_masks(0, z))).collect();
    let observables = vec![Observable { terms }];
    Ok(Ansatz { circuit, inputs: 2 * inputs, encoding: Encoding::Direct, observables })
}

/// How well a kernel matrix (rows, rows) agrees with classes: `⟨K, T⟩ / (‖K‖ ‖T‖)` with `T_ij = ± 1 / (n_i n_j)`, + for rows
/// of one class, n_i the number of rows of the class of i. In [-1, 1]; of two classes PennyLane's
/// `qml.kernels.target_alignment` (Hubregtsen et al. 2022, arXiv 2105.02276).
///
/// ```
/// use qgraft::study::kernel::target_alignment;
/// let kernel = ndarray::array![[1.0, 0.0], [0.0, 1.0]];
/// assert!((target_alignment(kernel.view(), &[0, 1]) - 0.5f64.sqrt()).abs() < 1e-12);
/// ```
pub fn target_alignment(kernel: ArrayView2<'_, f64>, labels: &[usize]) -> f64 {
    let target = target(labels);
    let norm = |m: ArrayView2<'_, f64>| m.iter().map(|v| v * v).sum::<f64>().sqrt();
    (&kernel * &target).sum() / (norm(kernel) * norm(target.view()))
}

fn target(labels: &[usize]) -> Array2<f64> {
    let count = |label: usize| labels.iter().filter(|&&other| other == label).count() as f64;
    let shares: Vec<f64> = labels.iter().map(|&label| 1.0 / count(label)).collect();
    Array2::from_shape_fn((labels.len(), labels.len()), |(i, j)| {
        let sign = if labels[i] == labels[j] { 1.0 } else { -1.0 };
        sign * shares[i] * shares[j]
    })
}

/// A trained embedding: `circuit.weights`, and for re-uploading `circuit.scales`.
pub struct TrainedEmbedding {
    /// The embedding.
    pub embedding: Ansatz,
    params: Params,
}

impl TrainedEmbedding {
    /// The embedding with normal weights of standard deviation `weight_sd`, radians.
    ///
    /// # Errors
    /// If the circuit of a pair cannot be built.
    pub fn new(embedding: Ansatz, weight_sd: f64, seed: u64) -> Result<Self, StudyError> {
        let mut params = Params::new(seed, DType::F64);
        AlignmentModel::new(&embedding, weight_sd)?.build(&mut params)?;
        Ok(Self { embedding, params })
    }

    /// The embedding with these weights and, for re-uploading, scales of its inputs.
    ///
    /// # Errors
    /// If their numbers are not those of the circuit.
    pub fn of(embedding: Ansatz, weights: &[f64], scales: Option<&[f64]>) -> Result<Self, StudyError> {
        let found = Self::new(embedding, 0.0, 0)?;
        for (name, values) in [("circuit.weights", Some(weights)), ("circuit.scales", scales)] {
            let (Some(var), Some(values)) = (found.params.find(name), values) else { continue };
            var.set(&Tensor::from_slice(values, values.len(), &Device::Cpu)?.reshape(var.shape())?)?;
        }
        Ok(found)
    }

    /// The trained scales of the inputs; `None` unless the encoding has them.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn scales(&self) -> Result<Option<Vec<f64>>, StudyError> {
        let scales = self.params.find("circuit.scales");
        Ok(scales.map(|scales| scales.flatten_all()?.to_vec1::<f64>()).transpose()?)
    }

    /// Raises the target alignment of batches of `features` (rows, features), radians.
    ///
    /// # Errors
    /// As [`TrainingLoop::run`].
    pub fn align(
        &mut self,
        features: ArrayView2<'_, f64>,
        labels: &[usize],
        config: &TrainConfig,
        seed: u64,
        observer: &dyn Observer,
    ) -> Result<Vec<EpochRecord>, StudyError> {
        let model = AlignmentModel::new(&self.embedding, 0.0)?;
        let labels: Vec<u32> = labels.iter().map(|&label| label as u32).collect();
        let examples = Examples::new(tensor(features)?, Tensor::new(labels, &Device::Cpu)?);
        let training = TrainingLoop { observer, ..TrainingLoop::new(&model, &examples, &Alignment, config, seed) };
        training.run(&mut self.params, &mut LearningRates::default())
    }

    /// The trained weights, radians.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn weights(&self) -> Result<Array1<f64>, StudyError> {
        match self.params.find("circuit.weights") {
            Some(weights) => Ok(weights.as_tensor().to_dtype(DType::F64)?.to_vec1::<f64>()?.into()),
            None => Ok(Array1::zeros(0)),
        }
    }

    /// The input angles (rows, inputs) of features (rows, features), radians.
    ///
    /// # Errors
    /// If the width does not fit.
    pub fn angles(&self, features: ArrayView2<'_, f64>) -> Result<Array2<f64>, StudyError> {
        let scales = self.params.find("circuit.scales").map(|scales| scales.as_tensor().clone());
        let angles = encode(&self.embedding, &tensor(features)?, scales.as_ref())?;
        let shape = angles.dims2()?;
        let values = angles.flatten_all()?.to_vec1::<f64>()?;
        Ok(Array2::from_shape_vec(shape, values).expect("as many as the tensor has"))
    }

    /// Number of trained parameters.
    pub fn parameters(&self) -> usize {
        self.params.count(|_| true)
    }
}

fn tensor(rows: ArrayView2<'_, f64>) -> Result<Tensor, StudyError> {
    Ok(Tensor::from_vec(rows.iter().copied().collect::<Vec<f64>>(), rows.dim(), &Device::Cpu)?)
}

/// Rows of features to the kernel of the pairs of a batch.
struct AlignmentModel<'a> {
    embedding: &'a Ansatz,
    pair: Execution,
    weight_sd: f64,
}

impl<'a> AlignmentModel<'a> {
    fn new(embedding: &'a Ansatz, weight_sd: f64) -> Result<Self, StudyError> {
        let engine = Arc::new(Auto::new(EngineOptions::default()));
        let pair = Execution::ideal(&overlap(embedding)?, engine).map_err(NnError::from)?;
        Ok(Self { embedding, pair, weight_sd })
    }
}

struct AlignmentNetwork<'a> {
    embedding: &'a Ansatz,
    layer: QuantumLayer,
    weights: Tensor,
    scales: Option<Tensor>,
}

impl Model for AlignmentModel<'_> {
    fn build<'b>(&'b self, params: &mut Params) -> Result<Box<dyn Network + 'b>, NnError> {
        let sd = self.weight_sd;
        let uploads = self.embedding.encoding == Encoding::Reuploading;
        let one = Init::Constant(1.0);
        let scales = uploads.then(|| params.get("circuit.scales", &[1, self.embedding.inputs], one)).transpose()?;
        Ok(Box::new(AlignmentNetwork {
            embedding: self.embedding,
            layer: QuantumLayer::new(self.pair.clone()),
            weights: params.get("circuit.weights", &[self.embedding.weights()], Init::Normal { sd })?,
            scales,
        }))
    }
}

impl Network for AlignmentNetwork<'_> {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let features = first(inputs)?;
        let angles = encode(self.embedding, features, self.scales.as_ref())?;
        let pairs = upper(features.dim(0)?);
        let end = |of: fn(&(usize, usize)) -> usize| {
            let rows: Vec<u32> = pairs.iter().map(|pair| of(pair) as u32).collect();
            angles.index_select(&Tensor::new(rows, &Device::Cpu)?, 0)
        };
        let both = Tensor::cat(&[end(|pair| pair.0)?, end(|pair| pair.1)?], 1)?;
        let kernel = self.layer.forward(&both, &self.weights)?;
        Ok(Output::new(features.clone(), kernel.squeeze(1)?))
    }
}

/// 1 minus the target alignment of a batch, for each of its rows. The logits are the kernel of the pairs i ≤ j.
struct Alignment;

impl Objective for Alignment {
    fn losses(&self, output: &Output, targets: &[Tensor]) -> Result<Tensor, NnError> {
        let labels: Vec<usize> = first(targets)?.to_vec1::<u32>()?.into_iter().map(|label| label as usize).collect();
        let (target, pairs) = (target(&labels), upper(labels.len()));
        // A pair off the diagonal stands for two entries.
        let twice = |&(i, j): &(usize, usize)| if i == j { 1.0 } else { 2.0 };
        let constant = |values: Vec<f64>| Tensor::new(values, &Device::Cpu);
        let weighted = constant(pairs.iter().map(|pair| twice(pair) * target[[pair.0, pair.1]]).collect())?;
        let counts = constant(pairs.iter().map(twice).collect())?;
        let norm = target.iter().map(|v| v * v).sum::<f64>().sqrt();
        let kernel = &output.logits;
        let inner = (kernel * weighted)?.sum_all()?;
        let size = (kernel.sqr()? * counts)?.sum_all()?.sqrt()?;
        let alignment = ((inner / size)? * (1.0 / norm))?;
        Ok((1.0 - alignment)?.broadcast_as(labels.len())?)
    }
}
