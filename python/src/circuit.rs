//! `Circuit`.

use std::sync::{Arc, PoisonError, RwLock};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use qgraft::circuit::qasm::{self, ReadOptions, WriteOptions};
use qgraft::circuit::{self as library, Gate, Op, OpKind, draw};
use qgraft::math::Seconds;

use crate::arrays::{complex_matrix, complex_vector};
use crate::error::{Answer, Fault, Reduced, raise};
use crate::param::{Angle, Param};
use crate::pool::detached;

/// Gates on a register of qubits and classical bits, with slots for angles. Qubit k is bit k of an outcome's index.
///
/// >>> c = Circuit(2)
/// >>> x = c.slot("x")
/// >>> c.ry(2 * x, 0).cx(0, 1)
///
/// Every gate of `qgraft.gates()` is a method: angles (radians) first, then qubits.
#[pyclass(frozen, module = "qgraft")]
pub struct Circuit(RwLock<Arc<library::Circuit>>);

impl Circuit {
    /// A circuit of the library as it is now.
    pub fn of(circuit: library::Circuit) -> Self {
        Self(RwLock::new(Arc::new(circuit)))
    }

    /// The circuit as it is now.
    pub fn get(&self) -> Arc<library::Circuit> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut library::Circuit) -> Answer<T>) -> Answer<T> {
        change(Arc::make_mut(&mut self.0.write().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The bits that a condition tests, the least significant first, and the value that they hold.
type Tested = (Vec<usize>, u64);

fn condition(tested: Option<Tested>) -> Option<library::Condition> {
    tested.map(|(bits, value)| library::Condition { bits, value })
}

fn gate(name: &str) -> Answer<Gate> {
    let unknown = || Fault::Of("CircuitError", format!("there is no gate {name:?}; qgraft.gates() lists them"));
    Gate::named(name).ok_or_else(unknown)
}

/// Options of reading OpenQASM; numbers and truth values are written as OpenQASM has them.
fn read_options(inputs: Option<Bound<'_, PyDict>>, externs: Vec<String>) -> PyResult<ReadOptions> {
    let mut values = Vec::new();
    for (name, value) in inputs.iter().flatten() {
        let value = match value.extract::<bool>() {
            Ok(value) => value.to_string(),
            Err(_) => value.str()?.to_string(),
        };
        values.push((name.extract()?, value));
    }
    Ok(ReadOptions { inputs: values, externs, ..ReadOptions::default() })
}

#[pymethods]
impl Circuit {
    /// An empty circuit on `qubits` qubits and `bits` classical bits.
    #[new]
    #[pyo3(signature = (qubits, bits=0))]
    fn new(qubits: usize, bits: usize) -> PyResult<Self> {
        for (what, size) in [("qubits", qubits), ("bits", bits)] {
            if size > library::MAX_REGISTER {
                return Err(raise("CircuitError", format!("{what} is {size}; at most {}", library::MAX_REGISTER)));
            }
        }
        Ok(Self::of(library::Circuit::with_bits(qubits, bits)))
    }

    /// The circuit of an OpenQASM 2 or 3 text. `inputs` gives values to inputs, by name; those of type float and angle
    /// become slots without one. `externs`: what functions that are declared as extern compute, as in
    /// "vote(a) = popcount(a) > 1". Errors have `line`, `column`, `hint` and `report`.
    #[staticmethod]
    #[pyo3(signature = (text, name="input.qasm", *, inputs=None, externs=Vec::new()))]
    fn from_qasm(
        py: Python<'_>,
        text: &str,
        name: &str,
        inputs: Option<Bound<'_, PyDict>>,
        externs: Vec<String>,
    ) -> PyResult<Self> {
        let options = ReadOptions { name: name.into(), ..read_options(inputs, externs)? };
        detached(py, || Ok(qasm::read(text, &options)?)).map(Self::of)
    }

    /// The circuit of a file: OpenQASM 2 or 3, or circuit JSON. Arguments as of `from_qasm`.
    #[staticmethod]
    #[pyo3(signature = (path, *, inputs=None, externs=Vec::new()))]
    fn open(
        py: Python<'_>,
        path: std::path::PathBuf,
        inputs: Option<Bound<'_, PyDict>>,
        externs: Vec<String>,
    ) -> PyResult<Self> {
        let options = read_options(inputs, externs)?;
        detached(py, || Ok(library::Circuit::open_with(&path, &options)?.circuit)).map(Self::of)
    }

    /// The circuit of its JSON.
    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Self> {
        detached(py, || Ok(library::Circuit::from_json(text)?)).map(Self::of)
    }

    /// OpenQASM of version 2 or 3. `physical` writes qubit k as `$k` (version 3).
    #[pyo3(signature = (version=3, physical=false))]
    fn to_qasm(&self, py: Python<'_>, version: u32, physical: bool) -> PyResult<String> {
        let circuit = self.get();
        detached(py, || match version {
            2 => Ok(qasm::write2(&circuit)?),
            3 => Ok(qasm::write3(&circuit, &WriteOptions { physical_qubits: physical, ..WriteOptions::default() })),
            _ => Err(Fault::Of("CircuitError", format!("version is {version}; OpenQASM 2 and 3 are written"))),
        })
    }

    /// The circuit as JSON, without loss.
    fn to_json(&self) -> String {
        self.get().to_json()
    }

    /// Number of qubits.
    #[getter]
    fn qubits(&self) -> usize {
        self.get().qubits()
    }

    /// Number of classical bits.
    #[getter]
    fn bits(&self) -> usize {
        self.get().bits()
    }

    /// Names of the slots: an angle for each, in this order, is what the circuit is run with.
    #[getter]
    fn slots(&self) -> Vec<String> {
        self.get().slot_names().to_vec()
    }

    /// Longest chain of operations on shared qubits or bits.
    #[getter]
    fn depth(&self) -> usize {
        self.get().depth()
    }

    /// Declares a slot and returns its angle.
    fn slot(&self, name: String) -> PyResult<Param> {
        Ok(self.change(|circuit| Ok(Param(circuit.slot(name))))?)
    }

    /// Appends a gate of the table: angles in radians; the first `controls` qubits control it; with `condition`
    /// = (bits, value) only if the classical bits, least significant first, hold the value. Returns the circuit.
    #[pyo3(signature = (name, qubits, params=Vec::new(), controls=0, condition=None))]
    fn push<'py>(
        slf: Bound<'py, Self>,
        name: &str,
        qubits: Vec<usize>,
        params: Vec<Angle>,
        controls: usize,
        condition: Option<Tested>,
    ) -> PyResult<Bound<'py, Self>> {
        let params = params.into_iter().map(|Angle(param)| param).collect();
        let kind = OpKind::Gate { gate: gate(name)?, params, controls };
        slf.get().append(kind, qubits, condition)?;
        Ok(slf)
    }

    /// Appends many gates in one call: a name, qubits and angles for each.
    fn push_many<'py>(
        slf: Bound<'py, Self>,
        gates: Vec<(String, Vec<usize>, Vec<Angle>)>,
    ) -> PyResult<Bound<'py, Self>> {
        slf.get().change(|circuit| {
            for (name, qubits, params) in gates {
                let params: Vec<library::Param> = params.into_iter().map(|Angle(param)| param).collect();
                circuit.push(gate(&name)?, &qubits, &params)?;
            }
            Ok(())
        })?;
        Ok(slf)
    }

    /// Appends a unitary matrix (2^n, 2^n) on n = 1 to 5 qubits, the first its least significant bit.
    #[pyo3(signature = (matrix, qubits, condition=None))]
    fn unitary<'py>(
        slf: Bound<'py, Self>,
        matrix: &Bound<'py, PyAny>,
        qubits: Vec<usize>,
        condition: Option<Tested>,
    ) -> PyResult<Bound<'py, Self>> {
        let matrix = complex_matrix(matrix, "matrix")?;
        let op = Op::unitary(matrix, &qubits).map_err(Fault::from)?;
        slf.get().append(op.kind, qubits, condition)?;
        Ok(slf)
    }

    /// Appends gates that take qubits from |0...0> to a state with these amplitudes (2^n,), n = 1 to 14, the first qubit the
    /// least significant bit of an index. Amplitudes are scaled to norm 1. On the first n qubits unless some are named.
    #[pyo3(signature = (amplitudes, qubits=None))]
    fn prepare<'py>(
        slf: Bound<'py, Self>,
        amplitudes: &Bound<'py, PyAny>,
        qubits: Option<Vec<usize>>,
    ) -> PyResult<Bound<'py, Self>> {
        let amplitudes = complex_vector(amplitudes, "amplitudes")?;
        let first = || (0..amplitudes.len().checked_ilog2().unwrap_or(0) as usize).collect();
        let qubits = qubits.unwrap_or_else(first);
        slf.get().change(|circuit| {
            circuit.prepare(&amplitudes, &qubits)?;
            Ok(())
        })?;
        Ok(slf)
    }

    /// Appends a measurement of a qubit into a classical bit.
    #[pyo3(signature = (qubit, bit, condition=None))]
    fn measure<'py>(
        slf: Bound<'py, Self>,
        qubit: usize,
        bit: usize,
        condition: Option<Tested>,
    ) -> PyResult<Bound<'py, Self>> {
        slf.get().append(OpKind::Measure { bit }, vec![qubit], condition)?;
        Ok(slf)
    }

    /// Adds bits until there is one for each qubit, and measures qubit k into bit k.
    fn measure_all<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        slf.get().change(|circuit| {
            circuit.measure_all()?;
            Ok(())
        })?;
        Ok(slf)
    }

    /// Puts a qubit to |0>.
    #[pyo3(signature = (qubit, condition=None))]
    fn reset<'py>(slf: Bound<'py, Self>, qubit: usize, condition: Option<Tested>) -> PyResult<Bound<'py, Self>> {
        slf.get().append(OpKind::Reset, vec![qubit], condition)?;
        Ok(slf)
    }

    /// No operation is moved across it. On all qubits unless some are named.
    #[pyo3(signature = (*qubits))]
    fn barrier<'py>(slf: Bound<'py, Self>, qubits: Vec<usize>) -> PyResult<Bound<'py, Self>> {
        let all = if qubits.is_empty() { (0..slf.get().qubits()).collect() } else { qubits };
        slf.get().append(OpKind::Barrier, all, None)?;
        Ok(slf)
    }

    /// A wait of a qubit, seconds. Only noise models see it.
    fn delay<'py>(slf: Bound<'py, Self>, seconds: f64, qubit: usize) -> PyResult<Bound<'py, Self>> {
        slf.get().append(OpKind::Delay(Seconds(seconds)), vec![qubit], None)?;
        Ok(slf)
    }

    /// A phase of the whole state, radians.
    #[pyo3(signature = (phase, condition=None))]
    fn global_phase<'py>(slf: Bound<'py, Self>, phase: Angle, condition: Option<Tested>) -> PyResult<Bound<'py, Self>> {
        slf.get().append(OpKind::GlobalPhase(phase.0), Vec::new(), condition)?;
        Ok(slf)
    }

    /// Appends another circuit, its qubit k on `qubits[k]`; its bits and slots keep their numbers.
    #[pyo3(signature = (other, qubits=None))]
    fn extend<'py>(
        slf: Bound<'py, Self>,
        other: &Bound<'py, Self>,
        qubits: Option<Vec<usize>>,
    ) -> PyResult<Bound<'py, Self>> {
        let other = other.get().get();
        let qubits = qubits.unwrap_or_else(|| (0..other.qubits()).collect());
        slf.get().change(|circuit| {
            circuit.extend(&other, &qubits)?;
            Ok(())
        })?;
        Ok(slf)
    }

    /// The circuit with numbers (slots,) in place of its slots, radians.
    fn bind(&self, angles: &Bound<'_, PyAny>) -> PyResult<Self> {
        let angles = crate::arrays::Reals::of(angles, "angles")?;
        let angles = angles.vector("angles", "(slots,)")?.to_vec();
        if let Some((slot, value)) = angles.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            return Err(raise("CircuitError", format!("angle {slot} is {value}; angles must be finite")));
        }
        Ok(Self::of(self.get().bind(&angles).map_err(Fault::from)?))
    }

    /// The inverse circuit.
    fn inverse(&self) -> PyResult<Self> {
        Ok(Self::of(self.get().inverse().map_err(Fault::from)?))
    }

    /// The circuit without its final measurements, on no classical bits.
    fn without_measurements(&self) -> PyResult<Self> {
        Ok(Self::of(self.get().without_measurements().map_err(Fault::from)?))
    }

    /// The operations: a dictionary for each, with `name`, `qubits`, and where there are some `params`, `controls`, `bit`,
    /// `condition`, `seconds`, `matrix`.
    #[getter]
    fn ops<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for op in self.get().ops() {
            let entry = PyDict::new(py);
            let name = if let OpKind::Gate { gate, .. } = &op.kind { gate.name().to_string() } else { op.name() };
            entry.set_item("name", name)?;
            entry.set_item("qubits", PyTuple::new(py, &op.qubits)?)?;
            if !op.params().is_empty() {
                let params = PyList::empty(py);
                for param in op.params() {
                    match param {
                        library::Param::Fixed(value) => params.append(value)?,
                        slot => params.append(Bound::new(py, Param(*slot))?)?,
                    }
                }
                entry.set_item("params", params)?;
            }
            match &op.kind {
                OpKind::Gate { controls, .. } if *controls > 0 => entry.set_item("controls", controls)?,
                OpKind::Measure { bit } => entry.set_item("bit", bit)?,
                OpKind::Delay(time) => entry.set_item("seconds", time.0)?,
                OpKind::Unitary(matrix) => {
                    entry.set_item("matrix", numpy::ToPyArray::to_pyarray(matrix.as_ref(), py))?;
                }
                _ => {}
            }
            if let Some(condition) = &op.condition {
                entry.set_item("condition", (PyTuple::new(py, &condition.bits)?, condition.value))?;
            }
            list.append(entry)?;
        }
        Ok(list)
    }

    /// A picture in characters, at most `width` wide.
    #[pyo3(signature = (width=120))]
    fn draw(&self, width: usize) -> PyResult<String> {
        let circuit = self.get();
        draw::check(&circuit).map_err(Fault::from)?;
        if width == 0 {
            return Err(PyValueError::new_err("width is 0; give 1 or more"));
        }
        Ok(draw::text(&circuit, width))
    }

    /// A picture as SVG.
    fn svg(&self) -> PyResult<String> {
        let circuit = self.get();
        draw::check(&circuit).map_err(Fault::from)?;
        Ok(draw::svg(&circuit))
    }

    /// The picture in a notebook; none of a circuit that is too large to draw.
    pub fn _repr_svg_(&self) -> Option<String> {
        self.svg().ok()
    }

    /// A circuit of its own with the same operations.
    fn copy(&self) -> Self {
        Self(RwLock::new(self.get()))
    }

    fn __copy__(&self) -> Self {
        self.copy()
    }

    fn __deepcopy__(&self, _memo: &Bound<'_, PyAny>) -> Self {
        self.copy()
    }

    fn __len__(&self) -> usize {
        self.get().ops().len()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().get() == self.get())
    }

    fn __repr__(&self) -> String {
        let circuit = self.get();
        let (qubits, bits, slots, ops) = (circuit.qubits(), circuit.bits(), circuit.slots(), circuit.ops().len());
        format!("<qgraft.Circuit: {qubits} qubits, {bits} bits, {slots} slots, {ops} operations>")
    }

    fn __str__(&self) -> String {
        self.draw(120).unwrap_or_else(|_| self.__repr__())
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> Reduced<'py, (String,)> {
        Ok((slf.get_type().getattr("from_json")?, (slf.get().to_json(),)))
    }
}

impl Circuit {
    fn append(&self, kind: OpKind, qubits: Vec<usize>, tested: Option<Tested>) -> PyResult<()> {
        let op = Op { kind, qubits: qubits.into(), condition: condition(tested) };
        Ok(self.change(|circuit| {
            circuit.append(op)?;
            Ok(())
        })?)
    }
}
