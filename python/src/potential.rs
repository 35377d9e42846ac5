//! `Potential`: a saved interatomic potential.

use std::path::PathBuf;

use ndarray::Array2;
use numpy::{IntoPyArray, PyArray2};
use pyo3::prelude::*;
use qgraft::data::structure::{Element, Structure};
use qgraft::math::input;
use qgraft::math::neighbors::{Cell, Vector};
use qgraft::systems::potential as library;

use crate::arrays::Reals;
use crate::error::{Fault, raise};
use crate::pool::detached;

/// An interatomic potential that a run of the system `potential` has saved, `model.safetensors` of a trial.
#[pyclass(frozen, module = "qgraft")]
pub struct Potential(library::Potential);

#[pymethods]
impl Potential {
    /// Reads the file of a potential.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        detached(py, || {
            let failed = |error: std::io::Error| Fault::Of("FileError", format!("{}: {error}", path.display()));
            let bytes = input::read(&path, input::LARGEST).map_err(failed)?;
            Ok(Self(library::Potential::read(&bytes, &path)?))
        })
    }

    /// Symbols of the elements that it knows.
    #[getter]
    fn elements(&self) -> Vec<&'static str> {
        self.0.net.elements.iter().map(|element| element.symbol()).collect()
    }

    /// Distance up to which atoms act on each other, Å.
    #[getter]
    fn cutoff(&self) -> f64 {
        self.0.net.size.cutoff
    }

    /// Energy (eV) and forces (atoms, 3) (eV/Å) of atoms: their atomic numbers (atoms,), positions (atoms, 3) in Å, and the rows of
    /// the periodic cell (3, 3) in Å with the directions in which space repeats itself, all three if none are named.
    #[pyo3(signature = (numbers, positions, cell=None, periodic=None))]
    fn energy_and_forces<'py>(
        &self,
        py: Python<'py>,
        numbers: Vec<u8>,
        positions: &Bound<'py, PyAny>,
        cell: Option<[Vector; 3]>,
        periodic: Option<[bool; 3]>,
    ) -> PyResult<(f64, Bound<'py, PyArray2<f64>>)> {
        let positions = Reals::of(positions, "positions")?;
        let positions = positions.matrix("positions", "(atoms, 3)")?;
        if positions.dim() != (numbers.len(), 3) {
            let message = format!("positions: {:?} for {} atoms; expected (atoms, 3)", positions.dim(), numbers.len());
            return Err(raise("StudyError", message));
        }
        let element = |(atom, &number): (usize, &u8)| {
            Element::of_number(number).ok_or_else(|| raise("StudyError", format!("atom {atom}: no element {number}")))
        };
        let elements = numbers.iter().enumerate().map(element).collect::<PyResult<Vec<_>>>()?;
        let cell = cell.map(|vectors| Cell::new(vectors, periodic.unwrap_or([true; 3])));
        let cell = cell.transpose().map_err(|reason| raise("StudyError", format!("cell: {reason}")))?;
        let positions = positions.rows().into_iter().map(|row| [row[0], row[1], row[2]]).collect();
        let frame = Structure { elements, positions, cell, ..Structure::default() };
        let labels = detached(py, || Ok(self.0.labels(&[&frame])?.remove(0)))?;
        let forces = Array2::from_shape_fn((frame.len(), 3), |(atom, axis)| labels.forces[atom][axis]);
        Ok((labels.energy, forces.into_pyarray(py)))
    }

    fn __repr__(&self) -> String {
        format!("<qgraft.Potential: {}, {} Å>", self.elements().join(" "), self.cutoff())
    }
}
