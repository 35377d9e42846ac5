//! A circuit on a batch of rows, as numbers in double precision: what noise is measured on.

use std::f64::consts::TAU;

use candle_core::{DType, Tensor};
use ndarray::{Array1, Array2, ArrayView2};

use crate::circuit::ansatz::Encoding;
use crate::circuit::{Ansatz, Circuit, Observable};
use crate::classic::LeastSquares;
use crate::data::FeatureRows;
use crate::lab::StudyError;
use crate::math::Stream;
use crate::nn::NnError;
use crate::sim::{Angles, Execution};
use crate::study::TrainedHead;
use crate::study::metric::Predictions;
use crate::study::metric::counts::share_right;
use crate::systems::hold_out::Rows;

/// Rows of random angles that a circuit without a head is run with.
const RANDOM_ROWS: usize = 32;

/// A circuit with its weights and the rows it is evaluated on.
#[derive(Clone)]
pub struct CircuitBatch {
    /// The circuit with what is measured of it.
    pub ansatz: Ansatz,
    /// Input angles of the evaluated rows (rows, inputs), radians.
    pub angles: Array2<f64>,
    /// Common weights, radians.
    pub weights: Array1<f64>,
    /// The read-out of a head; `None` of a circuit alone.
    pub read_out: Option<ReadOut>,
}

impl CircuitBatch {
    /// The circuit of a head on the rows it is evaluated on.
    ///
    /// # Errors
    /// If the head has no circuit, or was trained on features of another width.
    pub fn of_head(head: &TrainedHead, rows: &Rows) -> Result<Self, StudyError> {
        let missing =
            NnError::Setting { field: "head", value: head.model.row.name.into(), reason: "it has no circuit" };
        let ansatz = head.model.ansatz.clone().ok_or(missing)?;
        let angles = |rows: &FeatureRows| -> Result<Array2<f64>, StudyError> {
            let angles = head.input_angles(rows.values.view())?;
            Ok(Array2::from_shape_vec((rows.len(), ansatz.inputs), angles).expect("one angle for each row and input"))
        };
        let read_out = ReadOut {
            training: angles(&rows.split.training)?,
            training_labels: rows.split.training.labels.clone(),
            labels: rows.evaluated.labels.clone(),
            weight: matrix(parameter(head, "classify.weight")?)?,
            bias: vector(parameter(head, "classify.bias")?)?,
        };
        let (angles, weights) = (angles(&rows.evaluated)?, vector(parameter(head, "circuit.weights")?)?);
        Ok(Self { ansatz, angles, weights, read_out: Some(read_out) })
    }

    /// A circuit alone: ⟨Z⟩ of every qubit, with all angles uniform at random in each row, since nothing is known of its
    /// use.
    pub fn of_circuit(circuit: Circuit) -> Self {
        let mut stream = Stream::named(0, "angles");
        let angles = Array2::from_shape_simple_fn((RANDOM_ROWS, circuit.slots()), || TAU * stream.uniform());
        let observables = Observable::all_z(circuit.qubits());
        let ansatz = Ansatz { inputs: circuit.slots(), circuit, encoding: Encoding::Direct, observables };
        Self { ansatz, angles, weights: Array1::zeros(0), read_out: None }
    }

    /// Expectation values (rows, observables) of the evaluated rows.
    ///
    /// # Errors
    /// If the simulator refuses.
    pub fn expectations(&self, execution: &Execution) -> Result<Array2<f64>, StudyError> {
        self.expectations_of(self.angles.view(), execution)
    }

    /// Expectation values (rows, observables) for input angles (rows, inputs).
    ///
    /// # Errors
    /// If the simulator refuses.
    pub fn expectations_of(&self, angles: ArrayView2<f64>, execution: &Execution) -> Result<Array2<f64>, StudyError> {
        let angles = Angles { inputs: angles, weights: self.weights.view() };
        Ok(execution.prepared.expect(angles).map_err(NnError::from)?)
    }
}

/// The trained linear layer behind a circuit, and the rows that another one is fitted on.
#[derive(Clone)]
pub struct ReadOut {
    /// True classes of the evaluated rows.
    pub labels: Vec<usize>,
    /// Input angles of the training rows (rows, inputs), radians.
    training: Array2<f64>,
    /// Their classes.
    training_labels: Vec<usize>,
    /// (classes, observables).
    weight: Array2<f64>,
    /// (classes).
    bias: Array1<f64>,
}

impl ReadOut {
    /// Its predictions from expectation values (rows, observables) of the evaluated rows.
    ///
    /// # Errors
    /// If an expectation value is not finite.
    pub fn predictions(&self, expectations: &Array2<f64>) -> Result<Predictions, StudyError> {
        let mut scores = expectations.dot(&self.weight.t()) + &self.bias;
        for mut row in scores.rows_mut() {
            let largest = row.fold(f64::NEG_INFINITY, |largest, score| largest.max(*score));
            row.mapv_inplace(|score| (score - largest).exp());
            let total = row.sum();
            row /= total;
        }
        Predictions::new(scores, self.labels.clone())
    }

    /// A read-out fitted anew to the expectation values that `execution` gives for the training rows of `batch`.
    ///
    /// # Errors
    /// If the simulator refuses.
    pub fn refit(&self, batch: &CircuitBatch, execution: &Execution) -> Result<LeastSquares, StudyError> {
        let seen = batch.expectations_of(self.training.view(), execution)?;
        Ok(LeastSquares::fit(seen.view(), &self.training_labels, self.bias.len()))
    }

    /// Accuracy of another read-out on expectation values (rows, observables) of the evaluated rows.
    pub fn accuracy_of(&self, read_out: &LeastSquares, expectations: &Array2<f64>) -> f64 {
        share_right(read_out.predict(expectations.view()), &self.labels)
    }

    /// Accuracy of always predicting the most frequent class of the evaluated rows.
    pub fn chance(&self) -> f64 {
        let rows_of = |class: usize| self.labels.iter().filter(|label| **label == class).count();
        let largest = (0..self.bias.len()).map(rows_of).max().unwrap_or(0);
        largest as f64 / self.labels.len().max(1) as f64
    }
}

fn parameter<'a>(head: &'a TrainedHead, name: &'static str) -> Result<&'a Tensor, StudyError> {
    let reason = "the head lacks this parameter of a dressed circuit";
    let missing = NnError::Setting { field: "head", value: name.into(), reason };
    Ok(head.params.find(name).ok_or(missing)?.as_tensor())
}

fn vector(tensor: &Tensor) -> Result<Array1<f64>, StudyError> {
    Ok(Array1::from(tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?))
}

fn matrix(tensor: &Tensor) -> Result<Array2<f64>, StudyError> {
    let values = tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
    Ok(Array2::from_shape_vec(tensor.dims2()?, values).expect("a tensor has as many values as its shape says"))
}

/// Slope and offset of the line `noisy ≈ slope · ideal + offset` through all entries, by least squares. The slope is 1
/// where noise leaves expectation values alone and 0 where nothing of them is left.
///
/// Where ideal values have no spread the line goes through 0; `None` where they vanish.
pub fn attenuation(ideal: &Array2<f64>, noisy: &Array2<f64>) -> Option<(f64, f64)> {
    let (x, y) = (ideal.mean()?, noisy.mean()?);
    let across = ideal.iter().map(|v| (v - x).powi(2)).sum::<f64>();
    let along: f64 = ideal.iter().zip(noisy).map(|(a, b)| (a - x) * (b - y)).sum();
    if across > 1e-12 {
        let slope = along / across;
        return Some((slope, y - slope * x));
    }
    let square = ideal.iter().map(|v| v * v).sum::<f64>();
    (square > 1e-12).then(|| (ideal.iter().zip(noisy).map(|(a, b)| a * b).sum::<f64>() / square, 0.0))
}
