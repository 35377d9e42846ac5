//! `Observable`.

use pyo3::prelude::*;
use qgraft::circuit::{self as library, PauliString};

use crate::arrays::Reals;
use crate::error::{Fault, Reduced, raise};

/// A weighted sum of Pauli strings on up to 64 qubits, such as "Z0 Z1 + 0.5 X2".
#[pyclass(frozen, eq, module = "qgraft")]
#[derive(Clone, PartialEq)]
pub struct Observable(pub library::Observable);

#[pymethods]
impl Observable {
    /// The sum in a text.
    #[new]
    fn new(text: &str) -> PyResult<Self> {
        Ok(Self(text.parse::<library::Observable>().map_err(Fault::from)?))
    }

    /// A sum of terms: coefficients (terms,), and for each term masks of the qubits with X or Y and of those with Z or Y.
    #[staticmethod]
    fn from_terms(coefficients: &Bound<'_, PyAny>, x: Vec<u64>, z: Vec<u64>) -> PyResult<Self> {
        let weights = Reals::of(coefficients, "coefficients")?;
        let weights = weights.vector("coefficients", "(terms,)")?;
        if weights.len() != x.len() || x.len() != z.len() || x.is_empty() {
            let message = format!(
                "{} coefficients, {} and {} masks; give the same number, 1 or more",
                weights.len(),
                x.len(),
                z.len()
            );
            return Err(raise("CircuitError", message));
        }
        if let Some(weight) = weights.iter().find(|weight| !weight.is_finite()) {
            return Err(raise("CircuitError", format!("coefficient {weight}: expected a finite number")));
        }
        let strings = x.into_iter().zip(z).map(|(x, z)| PauliString { x, z });
        Ok(Self(library::Observable { terms: weights.iter().copied().zip(strings).collect() }))
    }

    /// Z of each of the first `count` qubits, one observable each.
    #[staticmethod]
    fn all_z(count: usize) -> PyResult<Vec<Self>> {
        if count > 64 {
            return Err(raise("CircuitError", format!("count is {count}; observables reach 64 qubits")));
        }
        Ok(library::Observable::all_z(count).into_iter().map(Self).collect())
    }

    /// Coefficient, mask of X or Y, and mask of Z or Y of each term.
    #[getter]
    fn terms(&self) -> Vec<(f64, u64, u64)> {
        self.0.terms.iter().map(|(weight, string)| (*weight, string.x, string.z)).collect()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Observable({:?})", self.0.to_string())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> Reduced<'py, (Vec<f64>, Vec<u64>, Vec<u64>)> {
        let terms = &slf.get().0.terms;
        let weights = terms.iter().map(|(weight, _)| *weight).collect();
        let x = terms.iter().map(|(_, string)| string.x).collect();
        let z = terms.iter().map(|(_, string)| string.z).collect();
        Ok((slf.get_type().getattr("from_terms")?, (weights, x, z)))
    }
}

/// An observable as an argument: its text or an [`Observable`].
pub enum Asked {
    /// On any qubits, also past 63.
    Text(String),
    /// On the first 64 qubits.
    Sum(library::Observable),
}

impl<'a, 'py> FromPyObject<'a, 'py> for Asked {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(sum) = value.cast::<Observable>() {
            return Ok(Self::Sum(sum.get().0.clone()));
        }
        let text: String = value.extract().map_err(|_| {
            pyo3::exceptions::PyTypeError::new_err("an observable is a text such as \"Z0 Z1\" or a qgraft.Observable")
        })?;
        Ok(Self::Text(text))
    }
}
