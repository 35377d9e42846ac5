//! `Device` and `transpile`.

use std::sync::Arc;

use ndarray::Array1;
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use qgraft::device::transpile::{self as passes, LayoutMethod, TranspileOptions, TranspiledCircuit};
use qgraft::device::{self as library, QubitData, Target};

use crate::circuit::Circuit;
use crate::error::{Fault, Reduced, raise};
use crate::pool::detached;

/// A calibrated quantum computer: native gates, couplings and what was measured on it, in SI units.
///
/// `Device("torino")` is a shipped one (`qgraft.devices()` lists them) or that of a calibration file.
#[pyclass(frozen, module = "qgraft")]
pub struct Device(pub Arc<library::Device>);

impl Device {
    fn of(device: library::Device) -> Self {
        Self(Arc::new(device))
    }
}

#[pymethods]
impl Device {
    /// A shipped device by name, or the device of a file of any known format.
    #[new]
    fn new(py: Python<'_>, name: &str) -> PyResult<Self> {
        detached(py, || Ok(library::Device::load(name)?)).map(Self::of)
    }

    /// The device in its own JSON.
    #[staticmethod]
    #[pyo3(signature = (text, name="device.json"))]
    fn from_json(py: Python<'_>, text: &str, name: &str) -> PyResult<Self> {
        detached(py, || Ok(library::Device::from_json(name, text)?)).map(Self::of)
    }

    /// The device in texts of any known format, such as IBM's properties and configuration as JSON.
    #[staticmethod]
    fn from_texts(py: Python<'_>, texts: Vec<String>) -> PyResult<Self> {
        let named: Vec<(String, String)> =
            texts.into_iter().enumerate().map(|(k, text)| (format!("text {k}"), text)).collect();
        detached(py, || Ok(library::Device::from_texts(&named)?)).map(Self::of)
    }

    /// The device as JSON of its own format.
    fn to_json(&self) -> String {
        self.0.to_json()
    }

    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        &self.0.name
    }

    /// Number of qubits.
    #[getter]
    fn qubits(&self) -> usize {
        self.0.calibration.qubits.len()
    }

    /// Names of its native gates.
    #[getter]
    fn basis(&self) -> Vec<&'static str> {
        self.0.basis.iter().map(|gate| gate.name()).collect()
    }

    /// Coupled pairs of qubits, without direction, ascending.
    #[getter]
    fn couplings(&self) -> Vec<(usize, usize)> {
        self.0.couplings()
    }

    /// What was repaired or passed over in reading it.
    #[getter]
    fn notices(&self) -> Vec<String> {
        self.0.notices.clone()
    }

    /// What was measured on each qubit: arrays (qubits,) of `t1`, `t2`, `readout_length` (seconds), `frequency` (hertz),
    /// `readout_error`, `one_given_zero`, `zero_given_one` (0 to 1); NaN where it is unknown.
    fn qubit_table<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        type Column = (&'static str, fn(&QubitData) -> Option<f64>);
        let columns: [Column; 7] = [
            ("t1", |q| q.t1.map(|time| time.0)),
            ("t2", |q| q.t2.map(|time| time.0)),
            ("frequency", |q| q.frequency),
            ("readout_error", |q| q.readout_error),
            ("one_given_zero", |q| q.one_given_zero),
            ("zero_given_one", |q| q.zero_given_one),
            ("readout_length", |q| q.readout_length.map(|time| time.0)),
        ];
        let table = PyDict::new(py);
        for (name, of) in columns {
            let column: Array1<f64> = self.0.calibration.qubits.iter().map(|q| of(q).unwrap_or(f64::NAN)).collect();
            table.set_item(name, column.into_pyarray(py))?;
        }
        Ok(table)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __repr__(&self) -> String {
        format!("<qgraft.Device {}: {} qubits, {}>", self.0.name, self.qubits(), self.basis().join(" "))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> Reduced<'py, (String,)> {
        Ok((slf.get_type().getattr("from_json")?, (slf.get().to_json(),)))
    }
}

/// A device as an argument: its name, a file, or a [`Device`].
#[derive(Clone)]
pub enum Chosen {
    /// A name or a file.
    Named(String),
    /// One that is there already.
    Given(Arc<library::Device>),
}

impl<'a, 'py> FromPyObject<'a, 'py> for Chosen {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(device) = value.cast::<Device>() {
            return Ok(Self::Given(Arc::clone(&device.get().0)));
        }
        let name = value.extract::<String>();
        name.map(Self::Named).map_err(|_| {
            pyo3::exceptions::PyTypeError::new_err("a device is a name, a calibration file, or a qgraft.Device")
        })
    }
}

impl Chosen {
    /// The name that a condition gives it.
    pub fn name(&self) -> String {
        match self {
            Self::Named(name) => name.clone(),
            Self::Given(device) => device.name.clone(),
        }
    }
}

/// A circuit in the native gates of a device, on coupled qubits.
#[pyclass(frozen, module = "qgraft")]
pub struct Transpiled(pub TranspiledCircuit);

#[pymethods]
impl Transpiled {
    /// The circuit, as wide as the device, with the slots and bits of the source.
    #[getter]
    fn circuit(&self) -> Circuit {
        Circuit::of(self.0.circuit.clone())
    }

    /// Physical qubit of each of the source's qubits at the start.
    #[getter]
    fn initial_layout(&self) -> Vec<usize> {
        self.0.initial_layout.clone()
    }

    /// Physical qubit of each of the source's qubits at the end.
    #[getter]
    fn final_layout(&self) -> Vec<usize> {
        self.0.final_layout.clone()
    }

    /// Number of two-qubit gates.
    #[getter]
    fn two_qubit_gates(&self) -> usize {
        self.0.two_qubit_gates
    }

    /// Number of one-qubit gates that take time.
    #[getter]
    fn pulses(&self) -> usize {
        self.0.pulses
    }

    /// Depth of the circuit.
    #[getter]
    fn depth(&self) -> usize {
        self.0.depth
    }

    /// Estimated success probability, from calibrated errors without waiting.
    #[getter]
    fn success(&self) -> f64 {
        self.0.success
    }

    /// The circuit's picture in a notebook.
    fn _repr_svg_(&self) -> Option<String> {
        self.circuit()._repr_svg_()
    }

    fn __repr__(&self) -> String {
        let TranspiledCircuit { two_qubit_gates, depth, final_layout, .. } = &self.0;
        format!("<qgraft.Transpiled: {two_qubit_gates} two-qubit gates, depth {depth}, on qubits {final_layout:?}>")
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> Reduced<'py, (String,)> {
        Ok((slf.get_type().getattr("from_json")?, (slf.get().0.to_json(),)))
    }

    /// The transpiled circuit of its JSON.
    #[staticmethod]
    fn from_json(text: &str) -> PyResult<Self> {
        Ok(Self(TranspiledCircuit::from_json(text).map_err(Fault::from)?))
    }
}

/// How to transpile.
pub fn options(level: u8, seed: u64, layout: Option<Vec<usize>>, read: Vec<usize>) -> PyResult<TranspileOptions> {
    if level > 3 {
        return Err(raise("TranspileError", format!("level is {level}; give 0 to 3")));
    }
    let layout = layout.map_or_else(LayoutMethod::default, LayoutMethod::Given);
    Ok(TranspileOptions { level, seed, layout, read })
}

/// Rewrites a circuit for a device: native gates on coupled qubits, chosen by calibrated error. `level` 0 (only what must
/// be done) to 3; `layout` lists the physical qubit of each qubit; `read` the qubits that are read at the end without a
/// measurement of their own.
#[pyfunction]
#[pyo3(signature = (circuit, device, *, level=3, seed=0, layout=None, read=Vec::new()))]
pub fn transpile(
    py: Python<'_>,
    circuit: &Bound<'_, Circuit>,
    device: Chosen,
    level: u8,
    seed: u64,
    layout: Option<Vec<usize>>,
    read: Vec<usize>,
) -> PyResult<Transpiled> {
    let (circuit, options) = (circuit.get().get(), options(level, seed, layout, read)?);
    detached(py, || {
        let device = match device {
            Chosen::Named(name) => Arc::new(library::Device::load(&name)?),
            Chosen::Given(device) => device,
        };
        Ok(Transpiled(passes::transpile(&circuit, &Target::of(&device), &options)?))
    })
}
