//! `Param`: angles that depend on a slot.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use qgraft::circuit as library;

/// An angle in radians that depends on one slot: `scale * slot + offset`. `Circuit.slot` makes it; it can be multiplied by a
/// number and added to one.
#[pyclass(frozen, eq, module = "qgraft", from_py_object)]
#[derive(Clone, PartialEq)]
pub struct Param(pub library::Param);

#[pymethods]
impl Param {
    /// `scale * angles[slot] + offset`, radians.
    #[new]
    #[pyo3(signature = (slot, scale=1.0, offset=0.0))]
    fn new(slot: usize, scale: f64, offset: f64) -> Self {
        Self(library::Param::Slot { slot, scale, offset })
    }

    /// Index into the vector of angles.
    #[getter]
    fn slot(&self) -> usize {
        self.parts().0
    }

    /// Factor.
    #[getter]
    fn scale(&self) -> f64 {
        self.parts().1
    }

    /// Constant, radians.
    #[getter]
    fn offset(&self) -> f64 {
        self.parts().2
    }

    fn __mul__(&self, factor: f64) -> Self {
        Self(self.0 * factor)
    }

    fn __rmul__(&self, factor: f64) -> Self {
        Self(self.0 * factor)
    }

    fn __truediv__(&self, divisor: f64) -> Self {
        Self(self.0 * (1.0 / divisor))
    }

    fn __add__(&self, shift: f64) -> Self {
        Self(self.0 + shift)
    }

    fn __radd__(&self, shift: f64) -> Self {
        Self(self.0 + shift)
    }

    fn __sub__(&self, shift: f64) -> Self {
        Self(self.0 + -shift)
    }

    fn __rsub__(&self, from: f64) -> Self {
        Self(-self.0 + from)
    }

    fn __neg__(&self) -> Self {
        Self(-self.0)
    }

    fn __repr__(&self) -> String {
        let (slot, scale, offset) = self.parts();
        format!("Param({slot}, scale={scale}, offset={offset})")
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyAny>, (usize, f64, f64)) {
        (slf.get_type().into_any(), slf.get().parts())
    }
}

impl Param {
    fn parts(&self) -> (usize, f64, f64) {
        match self.0 {
            library::Param::Slot { slot, scale, offset } => (slot, scale, offset),
            library::Param::Fixed(value) => (0, 0.0, value),
        }
    }
}

/// An angle as an argument: a number or a [`Param`].
pub struct Angle(pub library::Param);

impl<'a, 'py> FromPyObject<'a, 'py> for Angle {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(param) = value.cast::<Param>() {
            return Ok(Self(param.get().0));
        }
        let number: f64 = value.extract().map_err(|_| {
            let kind = value.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string());
            PyTypeError::new_err(format!("an angle is a number or a Param of Circuit.slot, not {kind}"))
        })?;
        Ok(Self(library::Param::Fixed(number)))
    }
}
