//! A circuit, what is observed of it and the condition it runs under, in one object.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use ndarray::{Array1, Array2, Array3, ArrayView1, ArrayView2, Axis, concatenate};

use crate::circuit::{Circuit, Observable};
use crate::device::Device;
use crate::noise::Program;
use crate::noise::model::{NoiseModel, NoiseOptions, Scale};
use crate::sim::compile::{CompileOptions, compile};
use crate::sim::execution::{Execution, ObservedCircuit};
use crate::sim::mitigate::MitigationRow;
use crate::sim::{Angles, Condition, EngineRow, Error, Precision, Prepared, SimError, check, sample, state};

/// A register up to this many qubits is simulated as a whole, so that indices mean what they seem to; of a wider one only
/// the qubits that something acts on.
pub(crate) const WHOLE_QUBITS: usize = 10;
/// Bytes of a forward run that are kept for the gradients of all observables.
const TAPE_BYTES: usize = 1 << 28;

/// A circuit with its observables, ready to run under a condition: ideal and exact until a device or shots are named. It is
/// transpiled and compiled at its first use, once.
///
/// ```
/// use qgraft::circuit::{Circuit, Gate};
/// use qgraft::sim::Run;
/// let mut circuit = Circuit::new(2);
/// let angle = circuit.slot("angle");
/// circuit.push(Gate::Ry, &[0], &[angle])?.push(Gate::Cx, &[0, 1], &[])?;
/// let run = Run::new(&circuit).observe(["Z0 Z1", "X0"])?;
/// let (values, jacobian) = run.value_and_grad(&[0.3])?;
/// assert!((values[0] - 1.0).abs() < 1e-12 && jacobian.dim() == (2, 1));
/// let noisy = run.on("manila")?.expect(&[0.3])?;
/// assert!(noisy[0] < 0.98, "readout errors alone cost more");
/// # Ok::<(), qgraft::Error>(())
/// ```
#[derive(Clone)]
pub struct Run {
    circuit: Arc<Circuit>,
    observables: Vec<String>,
    condition: Condition,
    options: CompileOptions,
    seed: u64,
    /// For one vector of angles, all of which are weights.
    one: OnceLock<Execution>,
    /// The same program for rows of angles, all of which are inputs.
    rows: OnceLock<Arc<dyn Prepared>>,
}

impl Run {
    /// `circuit`, ideal and exact, without observables.
    pub fn new(circuit: &Circuit) -> Self {
        Self {
            circuit: Arc::new(circuit.clone()),
            observables: Vec::new(),
            condition: Condition::default(),
            options: CompileOptions::default(),
            seed: 0,
            one: OnceLock::new(),
            rows: OnceLock::new(),
        }
    }

    /// With these observables in place of others, sums of Pauli strings such as "Z0 Z1 + 0.5 X2" on the circuit's qubits.
    ///
    /// # Errors
    /// If one is not such a sum, or names a qubit that the circuit does not have.
    pub fn observe<T: Into<String>>(self, observables: impl IntoIterator<Item = T>) -> Result<Self, Error> {
        let observables: Vec<String> = observables.into_iter().map(Into::into).collect();
        for text in &observables {
            let width = self.circuit.qubits();
            if let Some(qubit) = Observable::qubits_named(text)?.into_iter().find(|&qubit| qubit >= width) {
                return Err(Error::NoQubit { text: text.clone(), qubit, width });
            }
        }
        Ok(self.changed(|run| run.observables = observables))
    }

    /// On a shipped device or that of a calibration file: transpiled for it, with its noise.
    ///
    /// # Errors
    /// If there is no such device or file.
    pub fn on(self, device: &str) -> Result<Self, Error> {
        Device::load(device)?;
        Ok(self.changed(|run| run.condition.device = Some(device.into())))
    }

    /// Under this noise model, a row of `qgraft list models`.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn model(self, name: &str) -> Result<Self, Error> {
        NoiseModel::named(name)?;
        Ok(self.changed(|run| run.condition.model = name.into()))
    }

    /// With one source of noise alone, a row of `qgraft list sources`; "all" or "none" of them.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn source(self, name: &str) -> Result<Self, Error> {
        Scale::of_source(name, 1.0)?;
        Ok(self.changed(|run| run.condition.source = name.into()))
    }

    /// With the noise scaled by a factor of 0 or more; 1 is as calibrated.
    ///
    /// # Errors
    /// If the factor is negative or not finite.
    pub fn scale(self, factor: f64) -> Result<Self, Error> {
        let run = self.changed(|run| run.condition.scale = factor);
        run.condition.noise_model(NoiseOptions::default())?;
        Ok(run)
    }

    /// With expectation values estimated from so many shots for each basis, and probabilities as their frequencies.
    pub fn shots(self, shots: usize) -> Self {
        self.changed(|run| run.condition.shots = Some(shots))
    }

    /// With this error mitigation, a row of `qgraft list mitigations`.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn mitigation(self, name: &str) -> Result<Self, Error> {
        MitigationRow::named(name)?;
        Ok(self.changed(|run| run.condition.mitigation = Some(name.into())))
    }

    /// With this seed of shots, trajectories and random choices of mitigation, and of transpiling; 0 by default.
    pub fn seed(self, seed: u64) -> Self {
        self.changed(|run| {
            run.seed = seed;
            run.options.transpile.iter_mut().for_each(|options| options.seed = seed);
        })
    }

    /// On this engine, a row of `qgraft list engines`; "auto" by default.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn engine(self, name: &str) -> Result<Self, Error> {
        EngineRow::named(name)?;
        Ok(self.changed(|run| run.options.engine = name.into()))
    }

    /// With numbers of this width.
    pub fn precision(self, precision: Precision) -> Self {
        self.changed(|run| run.options.precision = precision)
    }

    /// Under this condition in place of others.
    ///
    /// # Errors
    /// If a name is in no table or a number out of its range.
    pub fn under(self, condition: Condition) -> Result<Self, Error> {
        condition.check()?;
        Ok(self.changed(|run| run.condition = condition))
    }

    /// The same circuit and observables without noise, exact.
    pub fn ideal(&self) -> Self {
        self.clone().changed(|run| run.condition = Condition::default())
    }

    /// The condition it runs under.
    pub fn condition(&self) -> &Condition {
        &self.condition
    }

    /// Expectation values (observables) for one angle per slot, radians.
    ///
    /// # Errors
    /// If the circuit does not fit the device or a model, the engine or the angles do not fit the circuit.
    pub fn expect(&self, angles: &[f64]) -> Result<Array1<f64>, Error> {
        Ok(self.execution()?.prepared.expect(Angles::of_weights(angles))?.row(0).to_owned())
    }

    /// Expectation values (rows, observables) for rows (rows, slots) of angles, radians.
    ///
    /// # Errors
    /// As [`Run::expect`].
    pub fn expect_rows(&self, rows: ArrayView2<f64>) -> Result<Array2<f64>, Error> {
        Ok(self.for_rows()?.expect(all_inputs(rows))?)
    }

    /// Expectation values (observables) and their derivatives (observables, slots) by the angles, per radian.
    ///
    /// # Errors
    /// As [`Run::expect`], and if the circuit measures, resets or acts under a condition.
    pub fn value_and_grad(&self, angles: &[f64]) -> Result<(Array1<f64>, Array2<f64>), Error> {
        let (values, slopes) = self.derivatives(Angles::of_weights(angles))?;
        Ok((values.row(0).to_owned(), slopes.index_axis_move(Axis(0), 0)))
    }

    /// Expectation values (rows, observables) and their derivatives (rows, observables, slots) for rows (rows, slots) of
    /// angles.
    ///
    /// # Errors
    /// As [`Run::value_and_grad`].
    pub fn value_and_grad_rows(&self, rows: ArrayView2<f64>) -> Result<(Array2<f64>, Array3<f64>), Error> {
        self.derivatives(all_inputs(rows))
    }

    fn derivatives(&self, angles: Angles) -> Result<(Array2<f64>, Array3<f64>), Error> {
        let execution = self.execution()?;
        value_and_grad(execution, angles, |inputs| match inputs {
            0 => Ok(Arc::clone(&execution.prepared)),
            _ => self.for_rows().cloned(),
        })
    }

    /// Probabilities of outcomes (2^k): of the classical bits if the circuit measures, else of its qubits; index
    /// `Σ bit_k 2^k`, bit k being the k-th of [`Run::outcome_bits`].
    ///
    /// # Errors
    /// As [`Run::expect`].
    pub fn probabilities(&self, angles: &[f64]) -> Result<Array1<f64>, Error> {
        let run = self.execution()?;
        let p = run.prepared.probabilities(Angles::of_weights(angles))?;
        match run.bits.is_empty() {
            true => Ok(state::marginal(p.row(0), &run.positions)?),
            false => Ok(p.row(0).to_owned()),
        }
    }

    /// Counts of `shots` outcomes by bit string, the highest bit first, of those that came up.
    ///
    /// # Errors
    /// As [`Run::expect`], and if so many shots take too long.
    pub fn sample(&self, angles: &[f64], shots: usize) -> Result<BTreeMap<String, u64>, Error> {
        let run = self.execution()?;
        let counts = run.prepared.sample(Angles::of_weights(angles), shots, self.seed)?;
        let counts = match run.bits.is_empty() {
            true => state::marginal(counts.row(0).mapv(|n| n as f64).view(), &run.positions)?.mapv(|n| n as u64),
            false => counts.row(0).to_owned(),
        };
        let width = self.outcome_bits()?.len();
        let seen = counts.into_iter().enumerate().filter(|(_, count)| *count > 0);
        Ok(seen.map(|(outcome, count)| (sample::bit_string(outcome, width), count)).collect())
    }

    /// The classical bits that index outcomes if the circuit measures, else its qubits. The first is least significant.
    ///
    /// # Errors
    /// As [`Run::expect`].
    pub fn outcome_bits(&self) -> Result<Vec<usize>, Error> {
        let bits = &self.execution()?.bits;
        Ok(if bits.is_empty() { self.qubits()? } else { bits.to_vec() })
    }

    /// What the noise model repaired or could not use, one sentence each.
    ///
    /// # Errors
    /// As [`Run::expect`].
    pub fn notices(&self) -> Result<&[String], Error> {
        Ok(self.execution()?.notices())
    }

    /// The circuit with its noise on its engine, for one vector of angles.
    ///
    /// # Errors
    /// If the circuit does not fit the device, or the model or the engine refuses it.
    pub fn execution(&self) -> Result<&Execution, Error> {
        if let Some(known) = self.one.get() {
            return Ok(known);
        }
        let qubits = self.qubits()?;
        let read = |text: &String| Observable::read_on(text, &qubits);
        let observables = self.observables.iter().map(read).collect::<Result<_, _>>()?;
        let observed = ObservedCircuit { circuit: (*self.circuit).clone(), inputs: 0, qubits, observables };
        let made = compile(&observed, &self.condition, &self.options, self.seed)?;
        Ok(self.one.get_or_init(|| made))
    }

    /// The same program for rows of angles.
    fn for_rows(&self) -> Result<&Arc<dyn Prepared>, Error> {
        if let Some(known) = self.rows.get() {
            return Ok(known);
        }
        let made = self.execution()?.for_inputs(self.circuit.slots())?;
        Ok(self.rows.get_or_init(|| made))
    }

    /// The qubits that are simulated.
    fn qubits(&self) -> Result<Vec<usize>, Error> {
        let mut named = Vec::new();
        for text in &self.observables {
            named.extend(Observable::qubits_named(text)?);
        }
        Ok(observed_qubits(&self.circuit, &named, usize::MAX))
    }

    /// The run with something else set; what was compiled is forgotten.
    fn changed(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        Self { one: OnceLock::new(), rows: OnceLock::new(), ..self }
    }
}

/// All qubits of a circuit of up to 10 on a register of up to `register`; of a wider one those that something acts on
/// and those `named`, ascending.
pub fn observed_qubits(circuit: &Circuit, named: &[usize], register: usize) -> Vec<usize> {
    match circuit.qubits() {
        width @ 0..=WHOLE_QUBITS if width <= register => (0..width).collect(),
        _ => Program::ideal(circuit, named).active,
    }
}

fn all_inputs(rows: ArrayView2<'_, f64>) -> Angles<'_> {
    Angles { inputs: rows, weights: ArrayView1::from(&[]) }
}

/// Expectation values (rows, observables) of an execution and their derivatives (rows, observables, slots) by the angles of
/// each row, per radian, weights too. `prepare` gives the program for a number of input slots: 0 for one row of weights
/// alone, else all slots.
///
/// # Errors
/// If the derivatives do not fit in memory, the angles do not fit the circuit, or it measures, resets or acts under a
/// condition.
pub fn value_and_grad<E: From<SimError>>(
    execution: &Execution,
    angles: Angles,
    prepare: impl FnOnce(usize) -> Result<Arc<dyn Prepared>, E>,
) -> Result<(Array2<f64>, Array3<f64>), E> {
    let (rows, slots, observables) = (angles.batch(), angles.slots(), execution.observables.len());
    // Once for each observable, all of them together, and the angles of all rows.
    let bytes = 8.0 * rows as f64 * slots as f64 * (2.0 * observables as f64 + 1.0);
    let instead = "give fewer rows or observables in one call";
    check::memory("the derivatives of all observables", execution.program.qubits(), bytes, instead)?;
    let whole;
    let angles = Angles { inputs: angles.inputs.view(), weights: angles.weights.view() };
    let (all, are_weights) = match (angles.inputs.ncols(), angles.weights.len()) {
        (0, _) if rows == 1 => (angles, true),
        (_, 0) => (angles, false),
        (_, weights) => {
            let shared = angles.weights.broadcast((rows, weights)).expect("rows that fit in memory");
            whole = concatenate(Axis(1), &[angles.inputs, shared]).expect("as many rows in both");
            (all_inputs(whole.view()), false)
        }
    };
    let prepared = prepare(all.inputs.ncols())?;
    let (values, tape) = prepared.record(all, TAPE_BYTES)?;
    let mut slopes = Array3::zeros((rows, observables, slots));
    for (observable, mut slope) in slopes.axis_iter_mut(Axis(1)).enumerate() {
        let cotangent = Array2::from_shape_fn(values.dim(), |(_, o)| f64::from(u8::from(o == observable)));
        let gradient = match &tape {
            Some(tape) => tape.vjp(cotangent.view()),
            None => prepared.vjp(all, cotangent.view()),
        };
        let gradient = gradient?;
        match are_weights {
            true => slope.row_mut(0).assign(&gradient.weights),
            false => slope.assign(&gradient.inputs),
        }
    }
    Ok((values, slopes))
}
