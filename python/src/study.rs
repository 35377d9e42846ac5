//! `HeadConfig`, `Trainer` and `TrainedHead`.

use std::path::{Path, PathBuf};

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use qgraft::data::{FeatureRows, FeatureSplit};
use qgraft::nn;
use qgraft::nn::head::{AnsatzChoice, CircuitConfig};
use qgraft::nn::optim::Method;
use qgraft::sim::Executions;
use qgraft::study::metric::METRICS;
use qgraft::study::train::TrainConfig;
use qgraft::study::{self as library, ClassWeight};

use crate::arrays::Reals;
use crate::circuit::Circuit;
use crate::device::Chosen;
use crate::error::{Answer, Fault, Reduced, raise};
use crate::noise::{Condition, Under};
use crate::pool::detached;
use crate::system::interruptible;

/// A head and its circuit: a row of `qgraft.heads()` such as "quantum", "linear" or "mlp_a".
#[pyclass(frozen, module = "qgraft")]
#[derive(Clone)]
pub struct HeadConfig(nn::head::HeadConfig);

#[pymethods]
impl HeadConfig {
    /// `ansatz`: a row of `qgraft.ansatze()`; `encoding`, `entanglement`: rows of their tables in place of the ansatz's own;
    /// `observables`: texts such as "Z0 Z1" in place of the ansatz's own; `weight_sd`: standard deviation of the first weights,
    /// radians; `circuit`: an own circuit, whose slots are features if their names begin with x and weights if with w.
    #[new]
    #[pyo3(signature = (name="quantum", *, qubits=4, depth=3, ansatz=None, encoding=None, entanglement=None,
                        observables=Vec::new(), weight_sd=0.01, circuit=None))]
    #[allow(clippy::too_many_arguments, reason = "they have names in Python")]
    fn new(
        name: &str,
        qubits: usize,
        depth: usize,
        ansatz: Option<String>,
        encoding: Option<String>,
        entanglement: Option<String>,
        observables: Vec<String>,
        weight_sd: f64,
        circuit: Option<&Bound<'_, Circuit>>,
    ) -> PyResult<Self> {
        if qubits == 0 {
            return Err(raise("StudyError", "circuit.qubits = 0: expected 1 to 16 qubits"));
        }
        let head = nn::head::HeadConfig::named(name).map_err(Fault::from)?;
        let default = CircuitConfig::default();
        let ansatz = ansatz.map_or(default.ansatz, |name| AnsatzChoice::from(name.as_str()));
        let config = CircuitConfig { ansatz, qubits, depth, weight_sd, encoding, entanglement, observables };
        let mut head = head.circuit(config);
        if let Some(circuit) = circuit {
            head = head.own_circuit(&circuit.get().get()).map_err(Fault::from)?;
        }
        // What cannot be built is refused here, where it is described.
        head.build_ansatz().map_err(Fault::from)?;
        Ok(Self(head))
    }

    /// Name of the row.
    #[getter]
    fn name(&self) -> &'static str {
        self.0.row.name
    }

    /// The circuit, its first slots those of the features; None for a head without one.
    #[getter]
    fn circuit(&self) -> PyResult<Option<Circuit>> {
        let ansatz = self.0.build_ansatz().map_err(Fault::from)?;
        Ok(ansatz.map(|ansatz| Circuit::of(ansatz.circuit)))
    }

    /// Number of slots that are features.
    #[getter]
    fn inputs(&self) -> PyResult<usize> {
        Ok(self.0.build_ansatz().map_err(Fault::from)?.map_or(0, |ansatz| ansatz.inputs))
    }

    /// What is measured, as texts.
    #[getter]
    fn observables(&self) -> PyResult<Vec<String>> {
        let ansatz = self.0.build_ansatz().map_err(Fault::from)?;
        Ok(ansatz.map_or_else(Vec::new, |ansatz| ansatz.observables.iter().map(ToString::to_string).collect()))
    }

    fn __repr__(&self) -> String {
        format!(
            "<qgraft.HeadConfig {}: {} qubits, depth {}>",
            self.0.row.name, self.0.circuit.qubits, self.0.circuit.depth
        )
    }
}

/// Trains heads with Adam.
#[pyclass(frozen, module = "qgraft")]
pub struct Trainer {
    config: TrainConfig,
    class_weight: ClassWeight,
    seed: u64,
}

#[pymethods]
impl Trainer {
    /// `rate`: learning rate; `epochs`; `batch`: rows of a step; `class_weight`: None or "balanced"; `seed` of the first
    /// parameters and of the order of rows.
    #[new]
    #[pyo3(signature = (rate=0.01, epochs=10, batch=16, seed=0, class_weight=None))]
    fn new(rate: f64, epochs: usize, batch: usize, seed: u64, class_weight: Option<&str>) -> PyResult<Self> {
        let config = TrainConfig::new(epochs, batch, rate, Method::ADAM);
        if let Some((field, value, expected)) = config.violations().into_iter().next() {
            return Err(raise("StudyError", format!("{field} = {value}: expected {expected}")));
        }
        let class_weight = match class_weight {
            None => ClassWeight::None,
            Some("balanced") => ClassWeight::Balanced,
            Some(other) => {
                return Err(raise("StudyError", format!("class_weight = {other:?}: expected None or \"balanced\"")));
            }
        };
        Ok(Self { config, class_weight, seed })
    }

    /// Trains a head on features (rows, width) and labels (rows,), which are indices into `classes` (names; their number is
    /// that of the classes). `validation` = (features, labels) is evaluated after each epoch, the training rows if there is none.
    /// `condition`: what the circuit runs under while it is trained.
    #[pyo3(signature = (head, features, labels, *, classes=None, validation=None, condition=None))]
    #[allow(clippy::too_many_arguments, reason = "they have names in Python")]
    fn fit(
        &self,
        py: Python<'_>,
        head: &Bound<'_, HeadConfig>,
        features: &Bound<'_, PyAny>,
        labels: &Bound<'_, PyAny>,
        classes: Option<Vec<String>>,
        validation: Option<(Bound<'_, PyAny>, Bound<'_, PyAny>)>,
        condition: Option<Under>,
    ) -> PyResult<TrainedHead> {
        let features = singles(&Reals::of(features, "features")?, "features")?;
        let labels = indices(labels, "labels")?;
        let classes = match classes {
            Some(classes) => classes,
            None => (0..=labels.iter().copied().max().unwrap_or(0)).map(|class| class.to_string()).collect(),
        };
        if classes.len() < 2 {
            return Err(raise("StudyError", format!("{} classes: give 2 or more", classes.len())));
        }
        let training = rows(features, labels, &classes, "labels")?;
        let validation = match validation {
            None => training.clone(),
            Some((features, labels)) => {
                let features = singles(&Reals::of(&features, "validation features")?, "validation features")?;
                rows(features, indices(&labels, "validation labels")?, &classes, "validation labels")?
            }
        };
        if training.labels.is_empty() {
            return Err(raise("StudyError", "there are no rows to learn from"));
        }
        if validation.values.ncols() != training.values.ncols() {
            let (got, expected) = (validation.values.ncols(), training.values.ncols());
            let message = format!("validation features have {got} columns, those to learn from {expected}");
            return Err(raise("StudyError", message));
        }
        let data = FeatureSplit { training, validation };
        let head = head.get().0.clone();
        let trainer = library::Trainer::new(self.config).class_weight(self.class_weight).seed(self.seed);
        let under = condition.map(|Under(condition)| (condition, self.seed));
        let own = under.clone();
        let head = interruptible(py, move |observer| {
            let mut model = head.model(data.training.values.ncols(), data.training.classes.len())?;
            if let Some((condition, seed)) = own {
                model = model.compile(&executions(&condition), &condition.condition, seed)?;
            }
            Ok(trainer.fit_model(&head, model, &data, observer)?.0)
        })?;
        Ok(TrainedHead { head, under })
    }
}

/// A cache that knows the device of a condition.
fn executions(condition: &Condition) -> Executions {
    let executions = Executions::default();
    if let (Some(Chosen::Given(device)), Some(name)) = (&condition.device, &condition.condition.device) {
        executions.add_device(name, std::sync::Arc::clone(device));
    }
    executions
}

/// Features as single precision, checked.
fn singles(features: &Reals<'_>, what: &str) -> PyResult<Array2<f32>> {
    let view = features.matrix(what, "(rows, width)")?;
    if let Some(((row, column), value)) = view.indexed_iter().find(|(_, value)| !(**value as f32).is_finite()) {
        let message = format!("{what}: row {row}, column {column} is {value}; expected finite numbers");
        return Err(raise("StudyError", message));
    }
    Ok(view.mapv(|value| value as f32))
}

/// Labels as indices of classes.
fn indices(labels: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<usize>> {
    let labels = Reals::of(labels, what)?;
    let labels: ArrayView1<f64> = labels.vector(what, "(rows,)")?;
    let index = |(row, value): (usize, &f64)| match *value >= 0.0 && *value <= 1e6 && value.fract() == 0.0 {
        true => Ok(*value as usize),
        false => {
            Err(raise("StudyError", format!("{what}: row {row} is {value}; expected an index of a class, from 0")))
        }
    };
    labels.iter().enumerate().map(index).collect()
}

fn rows(values: Array2<f32>, labels: Vec<usize>, classes: &[String], what: &str) -> PyResult<FeatureRows> {
    if labels.len() != values.nrows() {
        let message = format!("{what}: {} labels for {} rows of features", labels.len(), values.nrows());
        return Err(raise("StudyError", message));
    }
    if let Some((row, label)) = labels.iter().enumerate().find(|(_, label)| **label >= classes.len()) {
        let message = format!("{what}: row {row} is {label}, there are {} classes", classes.len());
        return Err(raise("StudyError", message));
    }
    let ids = (0..labels.len()).map(|row| row.to_string()).collect();
    Ok(FeatureRows { values, labels, classes: classes.to_vec(), ids })
}

/// What a head's circuit was compiled for: the condition, and the seed of shots and trajectories; `None` is an ideal circuit.
type Compiled = Option<(Condition, u64)>;

/// A head with its parameters.
#[pyclass(frozen, module = "qgraft")]
pub struct TrainedHead {
    head: library::TrainedHead,
    under: Compiled,
}

#[pymethods]
impl TrainedHead {
    /// Reads a head that `save` wrote. Its circuit runs without noise.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        detached(py, || Ok(Self { head: library::TrainedHead::load(&path)?, under: None }))
    }

    /// Writes the head as one safetensors file.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        detached(py, || Ok(self.head.save(&path)?))
    }

    /// Names of the classes.
    #[getter]
    fn classes(&self) -> Vec<String> {
        self.head.classes.clone()
    }

    /// Number of trained parameters.
    #[getter]
    fn parameters(&self) -> usize {
        self.head.parameters()
    }

    /// Those of them that are angles of the circuit.
    #[getter]
    fn quantum_parameters(&self) -> usize {
        self.head.quantum_parameters()
    }

    /// Arrays (epochs,) of `rate`, `loss` and `right` (share of training rows classified rightly, NaN where it is unknown).
    #[getter]
    fn history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let table = PyDict::new(py);
        let records = &self.head.history;
        table.set_item("rate", records.iter().map(|r| r.rate).collect::<Array1<f64>>().into_pyarray(py))?;
        table.set_item("loss", records.iter().map(|r| r.loss).collect::<Array1<f64>>().into_pyarray(py))?;
        let right = records.iter().map(|r| r.right.unwrap_or(f64::NAN)).collect::<Array1<f64>>();
        table.set_item("right", right.into_pyarray(py))?;
        Ok(table)
    }

    /// Class probabilities (rows, classes) of features (rows, width).
    fn predict<'py>(&self, py: Python<'py>, features: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let features = singles(&Reals::of(features, "features")?, "features")?;
        let probabilities = detached(py, || self.predicted(features.view()))?;
        Ok(probabilities.into_pyarray(py))
    }

    /// Every metric of `qgraft.metrics()` on features (rows, width) and labels (rows,), indices of classes; NaN where one is
    /// undefined.
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        features: &Bound<'py, PyAny>,
        labels: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let features = singles(&Reals::of(features, "features")?, "features")?;
        let rows = rows(features, indices(labels, "labels")?, &self.head.classes, "labels")?;
        let values = detached(py, || {
            let predictions = self.head.evaluate(&rows)?;
            Ok(METRICS
                .iter()
                .map(|row| (row.name, (row.measure)(&predictions).unwrap_or(f64::NAN)))
                .collect::<Vec<_>>())
        })?;
        let table = PyDict::new(py);
        for (name, value) in values {
            table.set_item(name, value)?;
        }
        Ok(table)
    }

    /// The same head with its circuit under a condition; shots and trajectories draw under `seed`.
    #[pyo3(signature = (condition, seed=0))]
    fn under(&self, py: Python<'_>, condition: Under, seed: u64) -> PyResult<Self> {
        let Under(condition) = condition;
        detached(py, || Self::compiled(&self.head, condition, seed))
    }

    /// The circuit with its trained weights bound and its input angles open.
    #[getter]
    fn circuit(&self) -> PyResult<Circuit> {
        Ok(Circuit::of(self.head.circuit().map_err(Fault::from)?))
    }

    /// The trained angles of the circuit (weights,), radians.
    #[getter]
    fn circuit_weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        Ok(Array1::from(self.head.circuit_weights().map_err(Fault::from)?).into_pyarray(py))
    }

    /// The linear layer behind the circuit: weights (classes, observables) and bias (classes,).
    #[getter]
    #[allow(clippy::type_complexity, reason = "two arrays")]
    fn read_out<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<f64>>)> {
        let (weights, bias) = self.head.read_out().map_err(Fault::from)?;
        Ok((weights.into_pyarray(py), bias.into_pyarray(py)))
    }

    /// The angles (rows, inputs) with which the circuit runs on features (rows, width), radians.
    fn input_angles<'py>(&self, py: Python<'py>, features: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let features = singles(&Reals::of(features, "features")?, "features")?;
        let count = features.nrows();
        let angles = detached(py, || Ok(self.head.input_angles(features.view())?))?;
        let width = angles.len().checked_div(count).unwrap_or(0);
        let angles = Array2::from_shape_vec((count, width), angles);
        Ok(angles.map_err(|e| raise("StudyError", e.to_string()))?.into_pyarray(py))
    }

    fn __repr__(&self) -> String {
        format!(
            "<qgraft.TrainedHead {}: {} classes, {} parameters>",
            self.head.model.row.name,
            self.head.classes.len(),
            self.parameters()
        )
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> Reduced<'py, (Bound<'py, PyBytes>, Compiled)> {
        let bytes = slf.get().head.to_bytes().map_err(Fault::from)?;
        let arguments = (PyBytes::new(slf.py(), &bytes), slf.get().under.clone());
        Ok((slf.get_type().getattr("_restored")?, arguments))
    }

    #[staticmethod]
    #[pyo3(signature = (bytes, under=None))]
    fn _restored(py: Python<'_>, bytes: &[u8], under: Option<(Under, u64)>) -> PyResult<Self> {
        let ideal = Self::from_bytes(bytes)?;
        match under {
            None => Ok(ideal),
            Some((Under(condition), seed)) => detached(py, || Self::compiled(&ideal.head, condition, seed)),
        }
    }

    /// A head from the bytes of its file. Its circuit runs without noise.
    #[staticmethod]
    fn from_bytes(bytes: &[u8]) -> PyResult<Self> {
        let head = library::TrainedHead::from_bytes(bytes, Path::new("bytes")).map_err(Fault::from)?;
        Ok(Self { head, under: None })
    }
}

impl TrainedHead {
    fn compiled(head: &library::TrainedHead, condition: Condition, seed: u64) -> Answer<Self> {
        let head = head.compile(&executions(&condition), &condition.condition, seed)?;
        Ok(Self { head, under: Some((condition, seed)) })
    }

    fn predicted(&self, features: ArrayView2<f32>) -> Answer<Array2<f64>> {
        if features.nrows() == 0 {
            return Ok(Array2::zeros((0, self.head.classes.len())));
        }
        Ok(self.head.predict(features)?)
    }
}
