//! `Tape`.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView2};
use pyo3::prelude::*;
use qgraft::sim::{self, Angles, Prepared};

use crate::angles::Form;
use crate::arrays::Reals;
use crate::error::{Answer, Fault};
use crate::pool::detached;

/// A forward run, from which the gradient of its expectation values follows.
#[pyclass(frozen, module = "qgraft")]
pub struct Tape {
    pub kept: Kept,
    pub form: Form,
}

/// What a forward run keeps for its gradient.
pub enum Kept {
    Tape(Box<dyn sim::Tape>),
    /// An engine that keeps nothing runs again.
    Angles(Arc<dyn Prepared>, Array2<f64>, Array1<f64>),
}

#[pymethods]
impl Tape {
    /// As `Run.vjp` at the angles of the forward run.
    fn vjp<'py>(
        &self,
        py: Python<'py>,
        cotangent: &Bound<'py, PyAny>,
    ) -> PyResult<(Bound<'py, PyAny>, Option<Bound<'py, PyAny>>)> {
        let cotangent = Reals::of(cotangent, "cotangent")?;
        let cotangent = self.form.cotangent(&cotangent)?;
        let gradient = detached(py, || {
            finite(cotangent)?;
            Ok(match &self.kept {
                Kept::Tape(tape) => tape.vjp(cotangent)?,
                Kept::Angles(prepared, inputs, weights) => {
                    prepared.vjp(Angles { inputs: inputs.view(), weights: weights.view() }, cotangent)?
                }
            })
        })?;
        Ok(self.form.gradient(py, gradient))
    }
}

/// Refuses a cotangent with a number that is not finite.
pub fn finite(cotangent: ArrayView2<f64>) -> Answer<()> {
    match cotangent.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((row, observable), value)) => {
            let message =
                format!("cotangent of row {row}, observable {observable} is {value}; expected finite numbers");
            Err(Fault::Of("SimError", message))
        }
        None => Ok(()),
    }
}
