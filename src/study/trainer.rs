//! Training a head on features, and the trained head: predict, evaluate, save, load.

use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};
use ndarray::{Array1, Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::circuit::{Ansatz, Circuit};
use crate::data::{FeatureRows, FeatureSplit, class_weights};
use crate::math::input;
use crate::nn::head::{Body, CircuitConfig, EncodedCircuit, HeadConfig, HeadModel};
use crate::nn::optim::Method;
use crate::nn::{ModelHeader, NnError, Params};
use crate::sim::{Angles, Condition, Executions};
use crate::study::metric::Predictions;
use crate::study::train::{EpochRecord, Fitted, Rows, TrainConfig, predict, train};
use crate::study::{Observer, StudyError};

/// Trains heads.
///
/// ```
/// use ndarray::Array2;
/// use qgraft::data::{FeatureRows, FeatureSplit};
/// use qgraft::nn::head::HeadConfig;
/// use qgraft::study::Trainer;
///
/// let rows = |count: usize| FeatureRows {
///     values: Array2::from_shape_fn((count, 3), |(row, _)| if row % 2 == 0 { 1.0 } else { -1.0 }),
///     labels: (0..count).map(|row| row % 2).collect(),
///     classes: vec!["up".into(), "down".into()],
///     ids: (0..count).map(|row| row.to_string()).collect(),
/// };
/// let data = FeatureSplit { training: rows(16), validation: rows(8) };
/// let head = HeadConfig::named("quantum")?.qubits(2).depth(1);
/// let trained = Trainer::adam(0.1).epochs(5).seed(0).fit(&head, &data)?;
/// assert_eq!(trained.evaluate(&data.validation)?.accuracy(), 1.0);
/// # Ok::<(), qgraft::study::StudyError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Trainer {
    config: TrainConfig,
    class_weight: ClassWeight,
    seed: u64,
}

/// What rows of each class count in the loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeight {
    /// Every row counts alike.
    #[default]
    None,
    /// Every class counts alike: rows of a class with n of N rows count N / (K n), K classes (scikit-learn's `balanced`).
    Balanced,
}

impl Trainer {
    /// With this configuration.
    pub fn new(config: TrainConfig) -> Self {
        Self { config, class_weight: ClassWeight::None, seed: 0 }
    }

    /// Adam with PyTorch's constants at this learning rate: 10 epochs, batches of 16.
    pub fn adam(rate: f64) -> Self {
        Self::new(TrainConfig::new(10, 16, rate, Method::ADAM))
    }

    /// Passes over the training rows.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.config.epochs = epochs;
        self
    }

    /// Rows of a step.
    pub fn batch(mut self, batch: usize) -> Self {
        self.config.batch = batch;
        self
    }

    /// What rows of each class count in the loss.
    pub fn class_weight(self, class_weight: ClassWeight) -> Self {
        Self { class_weight, ..self }
    }

    /// Seed of the first parameters and of the order of rows.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Trains a head. The parameters left behind are those of the last epoch unless the configuration selects others.
    ///
    /// # Errors
    /// A head that is trained without gradients, shapes that do not fit, a loss that stops being a number.
    pub fn fit(&self, head: &HeadConfig, data: &FeatureSplit) -> Result<TrainedHead, StudyError> {
        let model = head.model(data.training.values.ncols(), data.training.classes.len())?;
        Ok(self.fit_model(head, model, data, &())?.0)
    }

    /// Trains a head whose circuit is ready to run, under noise or with shots perhaps; also what the loop recorded.
    ///
    /// # Errors
    /// As [`Trainer::fit`], and if the observer stops it.
    pub fn fit_model(
        &self,
        head: &HeadConfig,
        model: HeadModel,
        data: &FeatureSplit,
        observer: &dyn Observer,
    ) -> Result<(TrainedHead, Fitted), StudyError> {
        let mut params = Params::new(self.seed, DType::F32);
        let built = model.build(&mut params)?;
        let (mut training, validation) = (tensors(&data.training)?, tensors(&data.validation)?);
        if self.class_weight == ClassWeight::Balanced {
            let FeatureRows { labels, classes, .. } = &data.training;
            let of_class = class_weights(labels, classes.len(), 1.0);
            let weights: Vec<f32> = labels.iter().map(|&label| of_class[label] as f32).collect();
            training.weights = Some(Tensor::new(weights, &Device::Cpu)?);
        }
        let mut rates = model.learning_rates();
        let rows = (&training, &validation);
        let fitted = train(built.as_ref(), &params, &mut rates, rows, &self.config, self.seed, observer)?;
        let trained = TrainedHead {
            config: head.clone(),
            model,
            params,
            classes: data.training.classes.clone(),
            history: fitted.history.clone(),
        };
        Ok((trained, fitted))
    }
}

/// Rows as tensors.
///
/// # Errors
/// If the tensor library fails.
pub fn tensors(rows: &FeatureRows) -> Result<Rows, StudyError> {
    let labels: Vec<u32> = rows.labels.iter().map(|&label| label as u32).collect();
    Ok(Rows { features: tensor(rows.values.view())?, labels: Tensor::new(labels, &Device::Cpu)?, weights: None })
}

fn tensor(values: ArrayView2<f32>) -> Result<Tensor, StudyError> {
    Ok(Tensor::from_vec(values.iter().copied().collect::<Vec<f32>>(), values.dim(), &Device::Cpu)?)
}

/// A head with its parameters.
#[derive(Clone)]
pub struct TrainedHead {
    /// How it was described.
    pub config: HeadConfig,
    /// The head, ready to be built. Its circuit runs as it was trained.
    pub model: HeadModel,
    /// Its parameters.
    pub params: Params,
    /// Class names.
    pub classes: Vec<String>,
    /// One record per epoch; empty for a head that was loaded.
    pub history: Vec<EpochRecord>,
}

/// The metadata of a head's file.
#[derive(Serialize, Deserialize)]
struct Header {
    head: String,
    circuit: CircuitConfig,
    features: usize,
    classes: Vec<String>,
    /// The circuit itself as circuit JSON: a later version runs it unchanged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    program: Option<String>,
}

impl ModelHeader for Header {
    const ENTRY: &'static str = "head";
    const FORMAT: &'static str = "qgraft.head/1";
    const WHAT: &'static str = "a trained head";
}

impl TrainedHead {
    /// Class probabilities (rows, classes) of features (rows, width).
    ///
    /// # Errors
    /// Features of another width than the head was trained on, or a simulator that refuses.
    pub fn predict(&self, features: ArrayView2<f32>) -> Result<Array2<f64>, StudyError> {
        self.check_width(features)?;
        let head = self.model.build(&mut self.params.clone())?;
        predict(head.as_ref(), &tensor(features)?)
    }

    /// Derivatives (rows, width) of the logarithm of the odds of a class by the features; through a circuit, too.
    ///
    /// # Errors
    /// As [`TrainedHead::predict`], and a class that the head does not have.
    pub fn slopes(&self, features: ArrayView2<f32>, class: usize) -> Result<Array2<f64>, StudyError> {
        self.check_width(features)?;
        let classes = self.classes.len();
        if class >= classes || classes < 2 {
            let reason = "the head has no such class";
            return Err(NnError::Setting { field: "class", value: class.to_string(), reason }.into());
        }
        let inputs = Var::from_tensor(&tensor(features)?)?;
        let logits = self.model.build(&mut self.params.clone())?.logits(inputs.as_tensor())?;
        let others = [logits.narrow(1, 0, class)?, logits.narrow(1, class + 1, classes - class - 1)?];
        let others: Vec<&Tensor> = others.iter().filter(|part| part.elem_count() > 0).collect();
        let others = Tensor::cat(&others, 1)?;
        // log Σ e^x, about the largest of them.
        let most = others.max_keepdim(1)?.detach();
        let sum = (others.broadcast_sub(&most)?.exp()?.sum_keepdim(1)?.log()? + most)?;
        let gradients = logits.narrow(1, class, 1)?.sub(&sum)?.sum_all()?.backward()?;
        let values = match gradients.get(inputs.as_tensor()) {
            Some(gradient) => gradient.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?,
            None => vec![0.0; features.len()],
        };
        // As many as features.
        Ok(Array2::from_shape_vec(features.dim(), values).expect("a gradient has the shape of what it is by"))
    }

    /// Its predictions beside the true labels of `rows`.
    ///
    /// # Errors
    /// As [`TrainedHead::predict`], and labels that are no classes of the head.
    pub fn evaluate(&self, rows: &FeatureRows) -> Result<Predictions, StudyError> {
        Predictions::new(self.predict(rows.values.view())?, rows.labels.clone())
    }

    /// The same head with its circuit under a condition. Shots and trajectories draw under `seed`. A head without
    /// circuit stays as it is.
    ///
    /// # Errors
    /// If the circuit cannot be compiled for the condition.
    pub fn under(&self, condition: &Condition, seed: u64) -> Result<Self, StudyError> {
        self.compile(&Executions::default(), condition, seed)
    }

    /// [`TrainedHead::under`] for many heads or conditions: `executions` caches what was compiled.
    ///
    /// # Errors
    /// As [`TrainedHead::under`].
    pub fn compile(&self, executions: &Executions, condition: &Condition, seed: u64) -> Result<Self, StudyError> {
        Ok(Self { model: self.model.compile(executions, condition, seed)?, ..self.clone() })
    }

    /// The circuit of the head with its trained weights bound and its input angles open.
    ///
    /// # Errors
    /// If the head has no circuit.
    pub fn circuit(&self) -> Result<Circuit, StudyError> {
        let ansatz = self.encoded()?.0;
        Ok(ansatz.circuit.bind_last(&self.circuit_weights()?, ansatz.inputs).map_err(NnError::from)?)
    }

    /// The trained angles of the circuit, radians.
    ///
    /// # Errors
    /// If the head has no circuit.
    pub fn circuit_weights(&self) -> Result<Vec<f64>, StudyError> {
        Ok(self.encoded()?.1.weights().to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
    }

    /// The linear layer behind the circuit: weights (classes, observables) and bias (classes). Class probabilities are the
    /// softmax of `weights · expectation values + bias`.
    ///
    /// # Errors
    /// If the head has no circuit.
    pub fn read_out(&self) -> Result<(Array2<f64>, Array1<f64>), StudyError> {
        let missing =
            || NnError::Setting { field: "head", value: self.model.row.name.into(), reason: "it has no circuit" };
        let find = |name: &str| self.params.find(name).ok_or_else(missing);
        let weight = find("classify.weight")?.to_dtype(DType::F64)?.to_vec2::<f64>()?;
        let bias = find("classify.bias")?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        let shape = (weight.len(), weight.first().map_or(0, Vec::len));
        let weight = Array2::from_shape_fn(shape, |(class, observable)| weight[class][observable]);
        Ok((weight, bias.into()))
    }

    /// Expectation values (rows, observables) of the circuit for input angles (rows, inputs), radians.
    ///
    /// # Errors
    /// If the head has no circuit, or the simulator refuses.
    pub fn expectations(&self, angles: ArrayView2<f64>) -> Result<Array2<f64>, StudyError> {
        let weights = Array1::from(self.circuit_weights()?);
        let missing =
            || NnError::Setting { field: "head", value: self.model.row.name.into(), reason: "it has no circuit" };
        let execution = self.model.execution.as_ref().ok_or_else(missing)?;
        let angles = Angles { inputs: angles, weights: weights.view() };
        Ok(execution.prepared.expect(angles).map_err(NnError::from)?)
    }

    /// The angles of the circuit's inputs for features (rows, width), radians, row by row.
    ///
    /// # Errors
    /// If the head has no circuit, or was trained on features of another width.
    pub fn input_angles(&self, features: ArrayView2<f32>) -> Result<Vec<f64>, StudyError> {
        self.check_width(features)?;
        let angles = self.encoded()?.1.angles(&tensor(features)?)?;
        Ok(angles.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
    }

    fn encoded(&self) -> Result<(&Ansatz, EncodedCircuit), StudyError> {
        let encoded = self.model.circuit(&mut self.params.clone())?;
        let missing =
            NnError::Setting { field: "head", value: self.model.row.name.into(), reason: "it has no circuit" };
        Ok(self.model.ansatz.as_ref().zip(encoded).ok_or(missing)?)
    }

    fn check_width(&self, features: ArrayView2<f32>) -> Result<(), StudyError> {
        if features.ncols() == self.model.shape.features {
            return Ok(());
        }
        let value = format!("{} columns", features.ncols());
        let reason = "the head was trained on features of another width";
        Err(NnError::Setting { field: "features", value, reason }.into())
    }

    /// Number of trained parameters.
    pub fn parameters(&self) -> usize {
        let rates = self.model.learning_rates();
        self.params.count(|name| rates.is_trainable(name))
    }

    /// Those of them that are angles of the circuit.
    pub fn quantum_parameters(&self) -> usize {
        let rates = self.model.learning_rates();
        self.params.count(|name| rates.is_trainable(name) && name.starts_with("circuit."))
    }

    /// Writes the head as one safetensors file.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), StudyError> {
        crate::study::files::write_whole(path.as_ref(), &self.to_bytes()?)
    }

    /// Reads a head that [`TrainedHead::save`] wrote. Its circuit runs without noise.
    ///
    /// # Errors
    /// A file that cannot be read or is no trained head.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, StudyError> {
        let path = path.as_ref();
        let bytes =
            input::read(path, input::LARGEST).map_err(|source| StudyError::File { path: path.into(), source })?;
        Self::from_bytes(&bytes, path)
    }

    /// The file as bytes.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StudyError> {
        let header = Header {
            head: self.model.row.name.into(),
            circuit: self.config.circuit.clone(),
            features: self.model.shape.features,
            classes: self.classes.clone(),
            program: self.model.ansatz.as_ref().map(|ansatz| ansatz.circuit.to_json()),
        };
        Ok(header.to_bytes_of(&self.params)?)
    }

    /// A head from the bytes of its file, which errors call `path`.
    ///
    /// # Errors
    /// Bytes that are no trained head.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, StudyError> {
        let failed = |reason: String| StudyError::from(NnError::File { path: path.into(), reason });
        let header = Header::read(bytes, path)?;
        let config = HeadConfig::named(&header.head)?.circuit(header.circuit);
        if matches!(config.row.body, Body::Kernel) {
            return Err(failed(format!("head {:?} has no parameters", header.head)));
        }
        // Every feature has a weight in the file, or is an amplitude of at most 16 qubits.
        let most = bytes.len() + (1 << CircuitConfig::MOST_AMPLITUDE_QUBITS);
        if header.features > most {
            let reason = format!("{} features in a file of {} bytes", header.features, bytes.len());
            return Err(failed(reason));
        }
        let mut model = config.model(header.features, header.classes.len())?;
        if let Some(program) = &header.program {
            let circuit = Circuit::from_json(program).map_err(|e| failed(format!("circuit: {e}")))?;
            model = model.with_circuit(circuit)?;
        }
        // A value takes at least a byte of the file.
        let mut params = Params::new(0, DType::F32).at_most(bytes.len());
        model.build(&mut params)?;
        params.load_bytes(bytes, path)?;
        Ok(Self { config, model, params, classes: header.classes, history: Vec::new() })
    }
}
