//! `Channel` and `Condition`.

use std::sync::Arc;

use ndarray::Array3;
use num_complex::Complex64;
use numpy::{IntoPyArray, PyArray3};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use qgraft::noise as library;
use qgraft::noise::model::NoiseOptions;
use qgraft::sim;

use crate::arrays::complex_matrix;
use crate::device::{Chosen, Device};
use crate::error::{Fault, Reduced, raise};

/// A noise channel on one or two qubits. `Channel("depolarizing", 0.01)` is a row of `qgraft.channels()` with its numbers.
#[pyclass(frozen, eq, module = "qgraft")]
#[derive(Clone, PartialEq)]
pub struct Channel(pub library::Channel);

#[pymethods]
impl Channel {
    /// The channel of this name with its parameters in the order of the table.
    #[new]
    #[pyo3(signature = (name, *values))]
    fn new(name: &str, values: Vec<f64>) -> PyResult<Self> {
        Ok(Self(library::Channel::named(name, &values).map_err(Fault::from)?))
    }

    /// A channel of Kraus operators, matrices (2, 2) or (4, 4), the first operand least significant.
    #[staticmethod]
    fn kraus(operators: Vec<Bound<'_, PyAny>>) -> PyResult<Self> {
        let matrices = operators.iter().map(|matrix| complex_matrix(matrix, "operators"));
        let matrices = matrices.collect::<PyResult<Vec<_>>>()?;
        Ok(Self(library::Channel::kraus("kraus", matrices).map_err(Fault::from)?))
    }

    /// Name of its row.
    #[getter]
    fn name(&self) -> &'static str {
        self.0.name()
    }

    /// Number of qubits it acts on.
    #[getter]
    fn qubits(&self) -> usize {
        self.0.qubits()
    }

    /// Its Kraus operators (operators, 2^n, 2^n).
    #[getter]
    fn operators<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray3<Complex64>> {
        let (operators, size) = (self.0.operators(), 1 << self.0.qubits());
        Array3::from_shape_fn((operators.len(), size, size), |(k, i, j)| operators[k][[i, j]]).into_pyarray(py)
    }

    /// Average gate fidelity with the identity.
    #[getter]
    fn average_fidelity(&self) -> f64 {
        self.0.average_fidelity()
    }

    fn __repr__(&self) -> String {
        format!("<qgraft.{:?}>", self.0)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> Reduced<'py, (Bound<'py, PyArray3<Complex64>>,)> {
        Ok((slf.get_type().getattr("_restored")?, (slf.get().operators(slf.py()),)))
    }

    #[staticmethod]
    fn _restored(operators: Vec<Bound<'_, PyAny>>) -> PyResult<Self> {
        Self::kraus(operators)
    }
}

/// Options of a noise model from their names.
pub fn model_options(given: &Bound<'_, PyDict>) -> PyResult<NoiseOptions> {
    let mut options = NoiseOptions::default();
    for (name, value) in given {
        let name: String = name.extract()?;
        match name.as_str() {
            "gate_error" => options.gate_error = value.extract()?,
            "thermal_relaxation" => options.thermal_relaxation = value.extract()?,
            "readout_error" => options.readout_error = value.extract()?,
            "temperature_millikelvin" => options.temperature_millikelvin = value.extract()?,
            "strict" => options.strict = value.extract()?,
            _ => {
                let known = "gate_error, thermal_relaxation, readout_error, temperature_millikelvin, strict";
                return Err(raise("NoiseError", format!("noise_options: {name:?} is none of {known}")));
            }
        }
    }
    Ok(options)
}

/// The arguments of a [`Condition`], device first.
type Arguments<'py> = (Option<Bound<'py, PyAny>>, String, String, f64, Option<usize>, Option<String>);

/// What a circuit runs under: a device with its calibrated noise, shots, error mitigation. The default is ideal and exact.
#[pyclass(frozen, module = "qgraft")]
#[derive(Clone)]
pub struct Condition {
    /// Everything but the device itself.
    pub condition: sim::Condition,
    /// The device.
    pub device: Option<Chosen>,
}

#[pymethods]
impl Condition {
    /// `device`: a name of `qgraft.devices()`, a calibration file or a Device; `model`: a row of `qgraft.models()`; `source`:
    /// "all", "none" or one row of `qgraft.sources()`; `scale`: a factor on them, 0 or more; `shots`: None is exact;
    /// `mitigation`: a row of `qgraft.mitigations()`.
    #[new]
    #[pyo3(signature = (device=None, model="aer", *, source="all", scale=1.0, shots=None, mitigation=None))]
    fn new(
        device: Option<Chosen>,
        model: &str,
        source: &str,
        scale: f64,
        shots: Option<usize>,
        mitigation: Option<String>,
    ) -> PyResult<Self> {
        let name = device.as_ref().map(Chosen::name);
        let condition =
            sim::Condition { device: name, model: model.into(), source: source.into(), scale, shots, mitigation };
        condition.check().map_err(Fault::from)?;
        if let Some(Chosen::Named(name)) = &device {
            qgraft::device::Device::load(name).map_err(Fault::from)?;
        }
        Ok(Self { condition, device })
    }

    /// The device: a Device if one was given, else its name or file; None if there is none.
    #[getter]
    fn device<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(match &self.device {
            None => None,
            Some(Chosen::Named(name)) => Some(PyString::new(py, name).into_any()),
            Some(Chosen::Given(device)) => Some(Bound::new(py, Device(Arc::clone(device)))?.into_any()),
        })
    }

    /// Noise model.
    #[getter]
    fn model(&self) -> &str {
        &self.condition.model
    }

    /// Sources of noise that act.
    #[getter]
    fn source(&self) -> &str {
        &self.condition.source
    }

    /// Factor on them.
    #[getter]
    fn scale(&self) -> f64 {
        self.condition.scale
    }

    /// Shots, None for exact values.
    #[getter]
    fn shots(&self) -> Option<usize> {
        self.condition.shots
    }

    /// Error mitigation.
    #[getter]
    fn mitigation(&self) -> Option<&str> {
        self.condition.mitigation.as_deref()
    }

    fn __str__(&self) -> String {
        self.condition.to_string()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        let given = |condition: &Self| match &condition.device {
            Some(Chosen::Given(device)) => Some(Arc::clone(device)),
            _ => None,
        };
        other.cast::<Self>().is_ok_and(|other| {
            let other = other.get();
            other.condition == self.condition && given(other) == given(self)
        })
    }

    fn __repr__(&self) -> String {
        format!("<qgraft.Condition: {}, model {}>", self.condition, self.condition.model)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> Reduced<'py, Arguments<'py>> {
        let device = slf.get().device(slf.py())?;
        let sim::Condition { model, source, scale, shots, mitigation, .. } = slf.get().condition.clone();
        Ok((slf.get_type().getattr("_restored")?, (device, model, source, scale, shots, mitigation)))
    }

    #[staticmethod]
    fn _restored(
        device: Option<Chosen>,
        model: &str,
        source: &str,
        scale: f64,
        shots: Option<usize>,
        mitigation: Option<String>,
    ) -> PyResult<Self> {
        Self::new(device, model, source, scale, shots, mitigation)
    }
}

/// A condition as an argument: one, the name of a device, a device, or nothing.
pub struct Under(pub Condition);

impl<'a, 'py> FromPyObject<'a, 'py> for Under {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if value.is_none() {
            return Ok(Self(Condition { condition: sim::Condition::default(), device: None }));
        }
        if let Ok(condition) = value.cast::<Condition>() {
            return Ok(Self(condition.get().clone()));
        }
        Ok(Self(Condition::new(Some(value.extract::<Chosen>()?), "aer", "all", 1.0, None, None)?))
    }
}
