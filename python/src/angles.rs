//! Angles and cotangents as they are given, and results in the same shape.

use ndarray::{Array, ArrayView1, ArrayView2, Axis, Dimension, RemoveAxis};
use numpy::{Element, IntoPyArray};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use qgraft::sim::{self, Angles};

use crate::arrays::Reals;
use crate::error::Answer;
use crate::pool::detached;
use crate::tape::finite;

/// Something of one row of angles or of several, found without the interpreter lock.
pub fn of_angles<'py, T: Send>(
    py: Python<'py>,
    angles: Option<&Bound<'py, PyAny>>,
    weights: Option<&Bound<'py, PyAny>>,
    find: impl FnOnce(Angles) -> Answer<T> + Send,
) -> PyResult<(Form, T)> {
    let given = Given::of(angles, weights)?;
    let angles = given.angles()?;
    Ok((given.form, detached(py, || find(angles))?))
}

/// The gradient of what is weighted by a cotangent, as it is returned.
pub fn gradient_of<'py>(
    py: Python<'py>,
    cotangent: &Bound<'py, PyAny>,
    angles: Option<&Bound<'py, PyAny>>,
    weights: Option<&Bound<'py, PyAny>>,
    find: impl FnOnce(Angles, ArrayView2<f64>) -> Answer<sim::AngleGradient> + Send,
) -> PyResult<Gradients<'py>> {
    let given = Given::of(angles, weights)?;
    let angles = given.angles()?;
    let cotangent = Reals::of(cotangent, "cotangent")?;
    let cotangent = given.form.cotangent(&cotangent)?;
    let gradient = detached(py, || {
        finite(cotangent)?;
        find(angles, cotangent)
    })?;
    Ok(given.form.gradient(py, gradient))
}

/// A gradient by `angles` and one by `weights`, if these were given.
pub type Gradients<'py> = (Bound<'py, PyAny>, Option<Bound<'py, PyAny>>);

/// Which axes were given, and so which are returned.
#[derive(Clone, Copy)]
pub struct Form {
    /// One row, without a batch axis.
    pub single: bool,
    /// Whether weights were given apart.
    split: bool,
    /// Whether the single row is all weights.
    all_weights: bool,
}

impl Form {
    pub fn cotangent<'a>(&self, cotangent: &'a Reals<'_>) -> PyResult<ArrayView2<'a, f64>> {
        match self.single {
            true => Ok(cotangent.vector("cotangent", "(observables,)")?.insert_axis(Axis(0))),
            false => cotangent.matrix("cotangent", "(batch, observables)"),
        }
    }

    pub fn gradient<'py>(&self, py: Python<'py>, gradient: sim::AngleGradient) -> Gradients<'py> {
        let sim::AngleGradient { inputs, weights } = gradient;
        if self.all_weights {
            return (weights.into_pyarray(py).into_any(), None);
        }
        (self.rows(py, inputs), self.split.then(|| weights.into_pyarray(py).into_any()))
    }

    /// Results, rows first, as they are returned.
    pub fn rows<'py, T: Element, D: RemoveAxis<Smaller: Dimension>>(
        &self,
        py: Python<'py>,
        values: Array<T, D>,
    ) -> Bound<'py, PyAny> {
        match self.single {
            true => values.index_axis_move(Axis(0), 0).into_pyarray(py).into_any(),
            false => values.into_pyarray(py).into_any(),
        }
    }
}

/// Angles as they were given.
pub struct Given<'py> {
    angles: Option<Reals<'py>>,
    weights: Option<Reals<'py>>,
    pub form: Form,
}

impl<'py> Given<'py> {
    pub fn of(angles: Option<&Bound<'py, PyAny>>, weights: Option<&Bound<'py, PyAny>>) -> PyResult<Self> {
        let angles = angles.map(|angles| Reals::of(angles, "angles")).transpose()?;
        let weights = weights.map(|weights| Reals::of(weights, "weights")).transpose()?;
        let single = match &angles {
            None => true,
            Some(angles) => match angles.ndim() {
                1 => true,
                2 => false,
                _ => {
                    let shape = angles.shape();
                    let message =
                        format!("angles: expected (slots,) or (batch, slots), got an array of shape {shape:?}");
                    return Err(PyValueError::new_err(message));
                }
            },
        };
        let split = weights.is_some();
        Ok(Self { angles, weights, form: Form { single, split, all_weights: single && !split } })
    }

    pub fn angles(&self) -> PyResult<Angles<'_>> {
        let nothing = || ArrayView2::from_shape((1, 0), &[]).map_err(|e| PyValueError::new_err(e.to_string()));
        let weights = match &self.weights {
            Some(weights) => weights.vector("weights", "(weights,)")?,
            None => ArrayView1::from(&[]),
        };
        Ok(match &self.angles {
            None => Angles { inputs: nothing()?, weights },
            Some(angles) if self.form.all_weights => {
                Angles { inputs: nothing()?, weights: angles.vector("angles", "(slots,)")? }
            }
            Some(angles) if self.form.single => {
                Angles { inputs: angles.vector("angles", "(inputs,)")?.insert_axis(Axis(0)), weights }
            }
            Some(angles) => Angles { inputs: angles.matrix("angles", "(batch, inputs)")?, weights },
        })
    }

    /// The angles of one row.
    pub fn all(&self) -> PyResult<Vec<f64>> {
        match (&self.angles, self.form.single) {
            (_, false) => Err(PyValueError::new_err("angles: expected (slots,), one row")),
            (None, _) => Ok(Vec::new()),
            (Some(angles), _) => Ok(angles.vector("angles", "(slots,)")?.to_vec()),
        }
    }
}
