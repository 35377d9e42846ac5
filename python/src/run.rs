//! `Run`: a circuit, its observables and a condition, compiled.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ndarray::{Array2, ArrayView2};
use num_complex::Complex64;
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use qgraft::circuit as library;
use qgraft::noise::model::NoiseOptions;
use qgraft::sim::{self, Account, Angles, CompileOptions, Execution, Outcomes, Precision, Prepared, sample, state};

use crate::angles::{Given, Gradients, gradient_of, of_angles};
use crate::circuit::Circuit;
use crate::device::{Transpiled, options};
use crate::error::{Answer, Fault, raise};
use crate::noise::{Channel, Condition, Under, model_options};
use crate::observable::Asked;
use crate::pool::detached;
use crate::settings::{Drops, Settings};
use crate::tape::{Kept, Tape};

/// Bytes of a forward run that are kept for its gradient.
const TAPE_BYTES: usize = 1 << 28;

/// A circuit with its observables, compiled for a condition. Everything that runs it takes angles in radians:
///
/// * `angles` (slots,): one row; results have no batch axis;
/// * `angles` (batch, slots): rows;
/// * `angles` (batch, inputs) with `weights` (slots - inputs,): the first slots differ by row, the others are shared. This is
///   the fast form for training.
///
/// >>> run = Run(circuit, ["Z0 Z1", "X0"], Condition("torino"))
/// >>> values, jacobian = run.value_and_grad(angles)
#[pyclass(frozen, module = "qgraft")]
pub struct Run {
    execution: Execution,
    circuit: Arc<library::Circuit>,
    condition: Condition,
    qubits: Vec<usize>,
    seed: u64,
    /// The program prepared for so many input slots.
    prepared: Mutex<HashMap<usize, Arc<dyn Prepared>>>,
    outcomes: OnceLock<Outcomes>,
}

/// Channels in a circuit: the number of operations before each, the channel, its qubits.
type Noise<'py> = Vec<(usize, Bound<'py, Channel>, Vec<usize>)>;

#[pymethods]
impl Run {
    /// `observables`: texts such as "Z0 Z1 + 0.5 X2", or Observables. `condition`: a Condition, a device, or None for an
    /// ideal run. `noise`: channels in an ideal circuit, (number of operations before it, channel, qubits) each. `engine`: a
    /// row of `qgraft.engines()`; `precision`: "double" or "single"; `seed` of shots, trajectories and transpiling;
    /// `trajectories` per row, where the engine draws them; `level` (0 to 3, None leaves the circuit as it is) and `layout` of
    /// transpiling; `noise_options` of the condition's model: {"gate_error": True, "thermal_relaxation": True,
    /// "readout_error": True, "temperature_millikelvin": 0.0, "strict": False (refuse gates without calibration)}; `twirl`
    /// replaces every noise channel by its Pauli twirl, which the engine "stabilizer" runs. What the engine "sparse" drops:
    /// coefficients below `cut` (1e-4), strings of more than `most_weight` letters, and more so that `most_terms` (2^20) are
    /// held; `tolerance` asks for an error in place of a cut, `roulette` draws what is dropped so that means are exact. The
    /// engine "mps" keeps bonds up to `most_bond` (128) and drops `dropped_weight` (1e-16) at every split. `errors()` tells
    /// what that may have changed.
    #[new]
    #[pyo3(signature = (circuit, observables=None, condition=None, *, noise=None, engine="auto", precision="double",
                        seed=0, trajectories=1024, level=Some(3), layout=None, noise_options=None, twirl=false, cut=None,
                        most_weight=None, most_terms=None, tolerance=None, roulette=false, most_bond=None,
                        dropped_weight=None))]
    #[allow(clippy::too_many_arguments, reason = "they have names in Python")]
    fn new(
        py: Python<'_>,
        circuit: &Bound<'_, Circuit>,
        observables: Option<&Bound<'_, PyAny>>,
        condition: Option<Under>,
        noise: Option<Noise<'_>>,
        engine: &str,
        precision: &str,
        seed: u64,
        trajectories: usize,
        level: Option<u8>,
        layout: Option<Vec<usize>>,
        noise_options: Option<Bound<'_, PyDict>>,
        twirl: bool,
        cut: Option<f64>,
        most_weight: Option<usize>,
        most_terms: Option<usize>,
        tolerance: Option<f64>,
        roulette: bool,
        most_bond: Option<usize>,
        dropped_weight: Option<f64>,
    ) -> PyResult<Self> {
        let Under(condition) =
            condition.unwrap_or(Under(Condition { condition: sim::Condition::default(), device: None }));
        let transpile = level.map(|level| options(level, seed, layout, Vec::new())).transpose()?;
        let precision: Precision = precision.parse().map_err(Fault::from)?;
        if noise_options.is_some() && condition.device.is_none() {
            return Err(raise("NoiseError", "noise_options are those of a device's noise; name a device"));
        }
        let model = noise_options.map_or(Ok(NoiseOptions::default()), |given| model_options(&given))?;
        let engine = engine.into();
        let roulette = (roulette || tolerance.is_some()).then_some(seed);
        let drops = Drops { cut, most_weight, most_terms, tolerance, roulette, most_bond, dropped_weight };
        let (cut, bond) = drops.read()?;
        let options = CompileOptions { engine, precision, trajectories, cut, bond, transpile, twirl, noise: model };
        let noise = noise.unwrap_or_default().into_iter();
        let noise = noise.map(|(at, channel, qubits)| (at, channel.get().0.clone(), qubits)).collect();
        let observables = match observables {
            None => Vec::new(),
            Some(one) => match one.extract::<Asked>() {
                Ok(asked) => vec![asked],
                Err(_) => one.extract::<Vec<Asked>>()?,
            },
        };
        let settings = Settings { observables, condition: condition.clone(), options, seed, noise };
        let circuit = circuit.get().get();
        let (execution, qubits) = detached(py, || settings.compile(&circuit))?;
        let (prepared, outcomes) = (Mutex::default(), OnceLock::new());
        let run = Self { execution, circuit, condition, qubits, seed, prepared, outcomes };
        if !run.execution.notices().is_empty() {
            let category = py.import("qgraft.errors")?.getattr("NoiseNotice")?;
            for notice in run.execution.notices() {
                let text = std::ffi::CString::new(notice.as_str()).map_err(PyErr::from)?;
                PyErr::warn(py, &category, &text, 1)?;
            }
        }
        Ok(run)
    }

    /// Names of the slots.
    #[getter]
    fn slots(&self) -> Vec<String> {
        self.circuit.slot_names().to_vec()
    }

    /// Number of observables.
    #[getter]
    fn observables(&self) -> usize {
        self.execution.observables.len()
    }

    /// The condition it runs under.
    #[getter]
    fn condition(&self) -> Condition {
        self.condition.clone()
    }

    /// What the noise model repaired or could not use, one sentence each.
    #[getter]
    fn notices(&self) -> Vec<String> {
        self.execution.notices().to_vec()
    }

    /// The circuit in the gates of the device; None if it was not transpiled.
    #[getter]
    fn transpiled(&self) -> Option<Transpiled> {
        self.execution.transpiled.as_ref().map(|transpiled| Transpiled((**transpiled).clone()))
    }

    /// What bit k of an outcome's index is: classical bits if the circuit measures, else qubits.
    #[getter]
    fn outcome_bits(&self) -> Vec<usize> {
        if self.execution.bits.is_empty() { self.qubits.clone() } else { self.execution.bits.to_vec() }
    }

    /// The circuit's qubits in `state` and `density`: bit k of an index is `qubits[k]`.
    #[getter]
    fn qubits(&self) -> Vec<usize> {
        self.qubits.clone()
    }

    /// Number of qubits that are simulated.
    #[getter]
    fn simulated_qubits(&self) -> usize {
        self.execution.program.qubits()
    }

    /// Name of the engine that runs a batch of so many rows.
    #[pyo3(signature = (batch=1))]
    fn engine(&self, batch: usize) -> String {
        self.execution.engine(batch)
    }

    /// Expectation values (observables,), or (batch, observables) for rows.
    #[pyo3(signature = (angles=None, weights=None))]
    fn expect<'py>(
        &self,
        py: Python<'py>,
        angles: Option<&Bound<'py, PyAny>>,
        weights: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let find = |angles: Angles| Ok(self.prepared(angles.inputs.ncols())?.expect(angles)?);
        let (form, values) = of_angles(py, angles, weights, find)?;
        Ok(form.rows(py, values))
    }

    /// What the engine knows about the error of each expectation value, shaped like `expect`, by name; None for an engine that
    /// drops nothing, or tells nothing. "bound": what was dropped changes the value by no more (NaN: no certificate);
    /// "interval": half the width of the 95 % interval of a mean of draws; "rms": no less than the root mean square error over
    /// random basis states as input; "drift": difference to a coarser run; "fidelity": estimated, of a matrix product state;
    /// "terms": most strings held at a time, or the largest bond. Where a value has no such number it is NaN.
    #[pyo3(signature = (angles=None, weights=None))]
    fn errors<'py>(
        &self,
        py: Python<'py>,
        angles: Option<&Bound<'py, PyAny>>,
        weights: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyDict>>> {
        let find = |angles: Angles| Ok(self.prepared(angles.inputs.ncols())?.account(angles)?);
        let (form, accounts) = of_angles(py, angles, weights, find)?;
        let Some(accounts) = accounts else { return Ok(None) };
        type Read = fn(&Account) -> Option<f64>;
        let columns: [(&str, Read); 6] = [
            ("bound", Account::certificate),
            ("interval", |account| account.interval),
            ("rms", |account| account.rms),
            ("drift", |account| account.drift),
            ("fidelity", |account| account.fidelity),
            ("terms", |account| Some(account.terms as f64)),
        ];
        let table = PyDict::new(py);
        for (name, of) in columns {
            table.set_item(name, form.rows(py, accounts.map(|account| of(account).unwrap_or(f64::NAN))))?;
        }
        Ok(Some(table))
    }

    /// Expectation values and their derivatives by the angles (observables, slots), per radian; with a batch axis in front
    /// for rows.
    #[pyo3(signature = (angles=None, weights=None))]
    fn value_and_grad<'py>(
        &self,
        py: Python<'py>,
        angles: Option<&Bound<'py, PyAny>>,
        weights: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let find = |angles: Angles| sim::value_and_grad(&self.execution, angles, |inputs| self.prepared(inputs));
        let (form, (values, slopes)) = of_angles(py, angles, weights, find)?;
        Ok((form.rows(py, values), form.rows(py, slopes)))
    }

    /// The gradient of `sum(cotangent * expect(angles, weights))`: that of `angles`, shaped like them, and that of
    /// `weights`, summed over the batch (None without weights). `cotangent` is shaped like the expectation values.
    #[pyo3(signature = (cotangent, angles=None, weights=None))]
    fn vjp<'py>(
        &self,
        py: Python<'py>,
        cotangent: &Bound<'py, PyAny>,
        angles: Option<&Bound<'py, PyAny>>,
        weights: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Gradients<'py>> {
        let find = |angles: Angles, cotangent: ArrayView2<f64>| {
            Ok(self.prepared(angles.inputs.ncols())?.vjp(angles, cotangent)?)
        };
        gradient_of(py, cotangent, angles, weights, find)
    }

    /// Expectation values, and a tape from which their gradient follows without a second forward run: `tape.vjp(cotangent)`.
    #[pyo3(signature = (angles=None, weights=None))]
    fn record<'py>(
        &self,
        py: Python<'py>,
        angles: Option<&Bound<'py, PyAny>>,
        weights: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, Tape)> {
        let find = |angles: Angles| {
            let prepared = self.prepared(angles.inputs.ncols())?;
            let (values, kept) = prepared.record(angles, TAPE_BYTES)?;
            let kept = match kept {
                Some(tape) => Kept::Tape(tape),
                None => Kept::Angles(prepared, angles.inputs.to_owned(), angles.weights.to_owned()),
            };
            Ok((values, kept))
        };
        let (form, (values, kept)) = of_angles(py, angles, weights, find)?;
        Ok((form.rows(py, values), Tape { kept, form }))
    }

    /// Variances of the observables, exact and without readout error: (observables,), or (batch, observables) for rows.
    #[pyo3(signature = (angles=None, weights=None))]
    fn variance<'py>(
        &self,
        py: Python<'py>,
        angles: Option<&Bound<'py, PyAny>>,
        weights: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Execution { program, observables, simulator, .. } = &self.execution;
        let find = |angles: Angles| Ok(sample::variance(simulator, program, angles, observables)?);
        let (form, values) = of_angles(py, angles, weights, find)?;
        Ok(form.rows(py, values))
    }

    /// Probabilities of outcomes (2^k,), or (batch, 2^k) for rows; index sum(bit_k 2^k) over `outcome_bits`. Without readout
    /// error unless the circuit measures.
    #[pyo3(signature = (angles=None, weights=None))]
    fn probabilities<'py>(
        &self,
        py: Python<'py>,
        angles: Option<&Bound<'py, PyAny>>,
        weights: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let find = |angles: Angles| self.by_outcome(self.prepared(angles.inputs.ncols())?.probabilities(angles)?);
        let (form, values) = of_angles(py, angles, weights, find)?;
        Ok(form.rows(py, values))
    }

    /// `probabilities`, and their derivatives by the angles (2^k, slots), per radian; with a batch axis in front for rows. For
    /// at most 12 measured qubits, with no measurement before the end.
    #[pyo3(signature = (angles=None, weights=None))]
    fn probabilities_and_grad<'py>(
        &self,
        py: Python<'py>,
        angles: Option<&Bound<'py, PyAny>>,
        weights: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let find = |angles: Angles| Ok(self.outcomes()?.value_and_jacobian(angles)?);
        let (form, (values, slopes)) = of_angles(py, angles, weights, find)?;
        Ok((form.rows(py, values), form.rows(py, slopes)))
    }

    /// The gradient of `sum(cotangent * probabilities(angles, weights))`: that of `angles`, shaped like them, and that of
    /// `weights`, None if there are none. `cotangent` has the shape of the probabilities.
    #[pyo3(signature = (cotangent, angles=None, weights=None))]
    fn probabilities_vjp<'py>(
        &self,
        py: Python<'py>,
        cotangent: &Bound<'py, PyAny>,
        angles: Option<&Bound<'py, PyAny>>,
        weights: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Gradients<'py>> {
        let find =
            |angles: Angles, cotangent: ArrayView2<f64>| Ok(self.outcomes()?.value_and_gradient(angles, cotangent)?.1);
        gradient_of(py, cotangent, angles, weights, find)
    }

    /// How often each outcome came up in `shots` shots: (2^k,), or (batch, 2^k) for rows, columns as in `probabilities`. Without
    /// readout error unless the circuit measures.
    #[pyo3(signature = (angles=None, shots=1024, weights=None, *, seed=None))]
    fn counts<'py>(
        &self,
        py: Python<'py>,
        angles: Option<&Bound<'py, PyAny>>,
        shots: usize,
        weights: Option<&Bound<'py, PyAny>>,
        seed: Option<u64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (form, counts) = of_angles(py, angles, weights, |angles| self.counted(angles, shots, seed))?;
        Ok(form.rows(py, counts))
    }

    /// Counts of `shots` outcomes of one vector of angles by bit string, the highest bit first, of those that came up. Without
    /// readout error unless the circuit measures.
    #[pyo3(signature = (angles=None, shots=1024, *, seed=None))]
    fn sample(
        &self,
        py: Python<'_>,
        angles: Option<&Bound<'_, PyAny>>,
        shots: usize,
        seed: Option<u64>,
    ) -> PyResult<BTreeMap<String, u64>> {
        let given = Given::of(angles, None)?;
        if !given.form.single {
            return Err(PyValueError::new_err("angles: expected (slots,); counts() takes rows"));
        }
        let angles = given.angles()?;
        let counts = detached(py, || self.counted(angles, shots, seed))?;
        let width = self.outcome_bits().len();
        let seen = counts.row(0).to_vec().into_iter().enumerate().filter(|(_, count)| *count > 0);
        Ok(seen.map(|(outcome, count)| (sample::bit_string(outcome, width), count)).collect())
    }

    /// The final state vector (2^n,) of an ideal circuit, before its final measurements. Bit k of an index is `qubits[k]`, and
    /// n is the length of `qubits`.
    #[pyo3(signature = (angles=None))]
    fn state<'py>(
        &self,
        py: Python<'py>,
        angles: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyArray1<Complex64>>> {
        let angles = Given::of(angles, None)?.all()?;
        let psi = detached(py, || {
            let psi = state::statevector(&self.execution.program, &angles)?;
            Ok(match self.is_in_order() {
                true => psi,
                false => state::reordered(psi.view(), &self.execution.positions)?,
            })
        })?;
        Ok(psi.into_pyarray(py))
    }

    /// The final density matrix (2^n, 2^n), before final measurements, averaged over classical bits; qubits as in `state`.
    #[pyo3(signature = (angles=None))]
    fn density<'py>(
        &self,
        py: Python<'py>,
        angles: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyArray2<Complex64>>> {
        let angles = Given::of(angles, None)?.all()?;
        let rho = detached(py, || {
            let rho = state::density(&self.execution.program, &angles)?;
            Ok(match self.is_in_order() {
                true => rho,
                false => state::partial_trace(rho.view(), &self.execution.positions)?,
            })
        })?;
        Ok(rho.into_pyarray(py))
    }

    fn __repr__(&self) -> String {
        let (slots, observables) = (self.circuit.slots(), self.observables());
        format!("<qgraft.Run: {}, {slots} slots, {observables} observables>", self.condition.condition)
    }
}

impl Run {
    /// The program prepared for so many input slots.
    fn prepared(&self, inputs: usize) -> Answer<Arc<dyn Prepared>> {
        if inputs == 0 {
            return Ok(Arc::clone(&self.execution.prepared));
        }
        let slots = self.circuit.slots();
        if inputs > slots {
            let message = format!("the circuit has {slots} slots, {inputs} angles were given per row");
            return Err(Fault::Of("SimError", message));
        }
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = prepared.get(&inputs) {
            return Ok(Arc::clone(known));
        }
        let made = self.execution.for_inputs(inputs)?;
        prepared.insert(inputs, Arc::clone(&made));
        Ok(made)
    }

    /// Probabilities with derivatives, made at the first use.
    fn outcomes(&self) -> Answer<&Outcomes> {
        if let Some(known) = self.outcomes.get() {
            return Ok(known);
        }
        let made = Outcomes::of(&self.execution, &self.condition.condition)?;
        Ok(self.outcomes.get_or_init(|| made))
    }

    fn is_in_order(&self) -> bool {
        let Execution { positions, program, .. } = &self.execution;
        positions.len() == program.qubits() && positions.iter().enumerate().all(|(k, &at)| k == at)
    }

    /// Columns by the qubits that index outcomes, if the circuit does not measure.
    fn by_outcome(&self, rows: Array2<f64>) -> Answer<Array2<f64>> {
        if !self.execution.bits.is_empty() || self.is_in_order() {
            return Ok(rows);
        }
        let mut out = Array2::zeros((rows.nrows(), 1 << self.qubits.len()));
        for (mut to, row) in out.rows_mut().into_iter().zip(rows.rows()) {
            to.assign(&state::marginal(row, &self.execution.positions)?);
        }
        Ok(out)
    }

    fn counted(&self, angles: Angles, shots: usize, seed: Option<u64>) -> Answer<Array2<u64>> {
        let prepared = self.prepared(angles.inputs.ncols())?;
        let counts = prepared.sample(angles, shots, seed.unwrap_or(self.seed))?;
        if !self.execution.bits.is_empty() || self.is_in_order() {
            return Ok(counts);
        }
        // Counts are whole numbers below 2^53.
        Ok(self.by_outcome(counts.mapv(|count| count as f64))?.mapv(|count| count as u64))
    }
}
