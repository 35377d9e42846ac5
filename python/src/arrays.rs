//! Arrays in: views of float64 arrays as they are, everything else that is real converted once.

use ndarray::{ArrayView1, ArrayView2, Ix1, Ix2};
use num_complex::Complex64;
use numpy::{PyArray, PyArrayMethods, PyReadonlyArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

/// A float64 array that is read while the interpreter lock may be released.
pub struct Reals<'py>(PyReadonlyArray<'py, f64, ndarray::IxDyn>);

impl<'py> Reals<'py> {
    /// `value` as float64. `what` names it in errors.
    ///
    /// # Errors
    /// If it is no array of real numbers.
    pub fn of(value: &Bound<'py, PyAny>, what: &str) -> PyResult<Self> {
        if let Ok(array) = value.cast::<PyArray<f64, ndarray::IxDyn>>()
            && array.is_aligned()
        {
            return Ok(Self(array.try_readonly()?));
        }
        let py = value.py();
        let numpy = py.import("numpy")?;
        let refuse = |error: PyErr| {
            let reason = error.value(py).to_string();
            PyTypeError::new_err(format!("{what}: expected an array of real numbers ({reason})"))
        };
        let array = numpy.call_method1("asarray", (value,)).map_err(refuse)?;
        let kind: String = array.getattr("dtype")?.getattr("kind")?.extract()?;
        if !"fiub".contains(&kind) {
            let dtype = array.getattr("dtype")?;
            return Err(PyTypeError::new_err(format!("{what}: expected an array of real numbers, got dtype {dtype}")));
        }
        let array = numpy.call_method1("require", (array, numpy.getattr("float64")?, "A"))?;
        Ok(Self(array.cast_into::<PyArray<f64, ndarray::IxDyn>>()?.try_readonly()?))
    }

    /// Number of axes.
    pub fn ndim(&self) -> usize {
        self.0.ndim()
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        self.0.shape()
    }

    fn wrong(&self, what: &str, axes: &str) -> PyErr {
        PyValueError::new_err(format!("{what}: expected {axes}, got an array of shape {:?}", self.shape()))
    }

    /// As a vector.
    pub fn vector(&self, what: &str, axes: &str) -> PyResult<ArrayView1<'_, f64>> {
        self.0.as_array().into_dimensionality::<Ix1>().map_err(|_| self.wrong(what, axes))
    }

    /// As a matrix.
    pub fn matrix(&self, what: &str, axes: &str) -> PyResult<ArrayView2<'_, f64>> {
        self.0.as_array().into_dimensionality::<Ix2>().map_err(|_| self.wrong(what, axes))
    }
}

/// A complex matrix from anything that numpy takes for one.
///
/// # Errors
/// If it is no matrix of numbers.
pub fn complex_matrix(value: &Bound<'_, PyAny>, what: &str) -> PyResult<qgraft::math::Matrix> {
    let array = complexes(value, what)?;
    let shape = array.shape().to_vec();
    let view = array.as_array().into_dimensionality::<Ix2>();
    let view = view.map_err(|_| PyValueError::new_err(format!("{what}: expected a matrix, got shape {shape:?}")))?;
    Ok(view.to_owned())
}

/// A complex vector from anything that numpy takes for one.
///
/// # Errors
/// If it is no vector of numbers.
pub fn complex_vector(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<Complex64>> {
    let array = complexes(value, what)?;
    let shape = array.shape().to_vec();
    let view = array.as_array().into_dimensionality::<Ix1>();
    let view = view.map_err(|_| PyValueError::new_err(format!("{what}: expected a vector, got shape {shape:?}")))?;
    Ok(view.to_vec())
}

fn complexes<'py>(value: &Bound<'py, PyAny>, what: &str) -> PyResult<PyReadonlyArray<'py, Complex64, ndarray::IxDyn>> {
    let numpy = value.py().import("numpy")?;
    let array = numpy.call_method1("asarray", (value,))?;
    let kind: String = array.getattr("dtype")?.getattr("kind")?.extract()?;
    if !"fiubc".contains(&kind) {
        let dtype = array.getattr("dtype")?;
        return Err(PyTypeError::new_err(format!("{what}: expected an array of numbers, got dtype {dtype}")));
    }
    let array = numpy.call_method1("require", (array, numpy.getattr("complex128")?, "A"))?;
    Ok(array.cast_into::<PyArray<Complex64, ndarray::IxDyn>>()?.try_readonly()?)
}
