//! `Observable`.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use qgraft::circuit::{self as library, Letter, PauliString};

use crate::arrays::Reals;
use crate::error::{Fault, Reduced, raise};

/// A weighted sum of Pauli strings, such as "Z0 Z1 + 0.5 X2".
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

    /// A sum of terms: coefficients (terms,), and for each term the qubits that are not the identity with "X", "Y" or "Z".
    #[staticmethod]
    fn from_terms(coefficients: &Bound<'_, PyAny>, strings: Vec<Letters>) -> PyResult<Self> {
        let weights = Reals::of(coefficients, "coefficients")?;
        let weights = weights.vector("coefficients", "(terms,)")?;
        if weights.len() != strings.len() || strings.is_empty() {
            let message =
                format!("{} coefficients, {} strings; give the same number, 1 or more", weights.len(), strings.len());
            return Err(raise("CircuitError", message));
        }
        if let Some(weight) = weights.iter().find(|weight| !weight.is_finite()) {
            return Err(raise("CircuitError", format!("coefficient {weight}: expected a finite number")));
        }
        let strings = strings.into_iter().map(string).collect::<PyResult<Vec<_>>>()?;
        Ok(Self(library::Observable { terms: weights.iter().copied().zip(strings).collect() }))
    }

    /// Z of each of the first `count` qubits, one observable each.
    #[staticmethod]
    fn all_z(count: usize) -> PyResult<Vec<Self>> {
        if count > MOST {
            return Err(raise("CircuitError", format!("count is {count}; give at most {MOST}")));
        }
        Ok(library::Observable::all_z(count).into_iter().map(Self).collect())
    }

    /// Coefficient of each term, and its qubits with their letters.
    #[getter]
    fn terms(&self) -> Vec<(f64, Letters)> {
        self.0.terms.iter().map(|(weight, string)| (*weight, letters(string))).collect()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Observable({:?})", self.0.to_string())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> Reduced<'py, (Vec<f64>, Vec<Letters>)> {
        let (weights, strings) = slf.get().terms().into_iter().unzip();
        Ok((slf.get_type().getattr("from_terms")?, (weights, strings)))
    }
}

/// The qubits of a string that are not the identity, each with "X", "Y" or "Z".
type Letters = Vec<(usize, char)>;

/// Qubits of an observable lie below this, as those of a text.
const MOST: usize = 1 << 20;

const LETTERS: [(char, Letter); 3] = [('X', Letter::X), ('Y', Letter::Y), ('Z', Letter::Z)];

fn letters(string: &PauliString) -> Letters {
    let name = |letter: Letter| LETTERS.iter().find(|(_, other)| *other == letter).map_or('I', |(name, _)| *name);
    string.letters().iter().map(|&(qubit, letter)| (qubit, name(letter))).collect()
}

fn string(letters: Letters) -> PyResult<PauliString> {
    let mut found = BTreeMap::new();
    for (qubit, name) in letters {
        let Some((_, letter)) = LETTERS.iter().find(|(other, _)| *other == name) else {
            return Err(raise("CircuitError", format!("letter {name:?} on qubit {qubit}: expected X, Y or Z")));
        };
        if qubit >= MOST {
            return Err(raise("CircuitError", format!("qubit {qubit}: expected one below {MOST}")));
        }
        if found.insert(qubit, *letter).is_some() {
            return Err(raise("CircuitError", format!("qubit {qubit} has two letters in one string")));
        }
    }
    Ok(PauliString::new(found))
}

/// An observable as an argument: its text or an [`Observable`].
pub enum Asked {
    /// In the spelling of [`Observable::new`].
    Text(String),
    /// Ready made.
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
