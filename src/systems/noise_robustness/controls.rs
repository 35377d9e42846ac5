//! Three analytic controls, which separate robustness of a circuit from robustness that any circuit has.
//!
//! 1. Pauli noise multiplies ⟨Z⟩ by factors that can be written down; the simulator must reproduce them.
//! 2. With exact expectation values such a factor costs a read-out that is fitted anew nothing: accuracy that stays flat
//!    for this reason is no merit of the circuit.
//! 3. With S shots a factor c can be undone only as long as c² S is well above 1.

use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

use ndarray::{Array1, Array2};

use crate::circuit::{Circuit, Letter, Observable, Op, OpKind, PauliString};
use crate::lab::{Measurement, StudyError};
use crate::math::{Probability, Stream};
use crate::nn::NnError;
use crate::noise::channel::depolarizing;
use crate::noise::model::uniform::Uniform;
use crate::noise::{Confusion, Program, transfer};
use crate::sim::{Angles, Auto, EngineOptions, Execution, Shots, Simulator};
use crate::systems::noise_robustness::batch::{CircuitBatch, ReadOut, attenuation};

/// Depolarizing parameter after one-qubit gates, after two-qubit gates, and the probability of a wrong readout, of
/// control 1.
const KNOWN: (f64, f64, f64) = (0.01, 0.02, 0.03);
/// Rows of random angles of the Clifford circuits of control 1.
const CLIFFORD_ROWS: usize = 64;
/// Depolarizing parameters after every gate, of controls 2 and 3.
pub const LAMBDAS: [f64; 12] = [0.0, 0.01, 0.02, 0.04, 0.07, 0.1, 0.14, 0.18, 0.23, 0.28, 0.34, 0.4];

/// Every control on a circuit; 2 and 3 where it has a read-out. Shots are drawn under `seed`.
///
/// # Errors
/// If the simulator refuses the circuit.
pub fn run(batch: &CircuitBatch, shots: usize, seed: u64) -> Result<Measurement, StudyError> {
    let circuit = &batch.ansatz.circuit;
    let without_entanglers = without_entanglers(batch)?;
    let known = match clifford(circuit)? {
        Some(clifford) => without_entanglers.and(clifford),
        None => without_entanglers,
    };
    let found = Measurement::default()
        .value("known_values", known.values as f64)
        .value("known_deviation", known.deviation)
        .value_if("smallest_factor", (known.values > 0).then_some(known.smallest_factor));
    match &batch.read_out {
        Some(read_out) => refit(found, (batch, read_out), shots, seed),
        None => Ok(found),
    }
}

/// Expectation values of the simulator beside those that are known.
struct Known {
    /// Number of values that are not 0.
    values: usize,
    /// The smallest known factor among them.
    smallest_factor: f64,
    /// Largest deviation of a value from the known factor times the value without noise.
    deviation: f64,
}

impl Known {
    /// Compares values (rows, qubits) with and without noise; `factor` of row and qubit is what is known.
    fn new(ideal: &Array2<f64>, noisy: &Array2<f64>, factor: impl Fn(usize, usize) -> f64) -> Self {
        let mut found = Self { values: 0, smallest_factor: f64::INFINITY, deviation: 0.0 };
        for ((row, qubit), value) in ideal.indexed_iter() {
            let factor = factor(row, qubit);
            found.deviation = found.deviation.max((noisy[[row, qubit]] - factor * value).abs());
            if value.abs() > 1e-6 {
                found.values += 1;
                found.smallest_factor = found.smallest_factor.min(factor);
            }
        }
        found
    }

    fn and(self, other: Self) -> Self {
        Self {
            values: self.values + other.values,
            smallest_factor: self.smallest_factor.min(other.smallest_factor),
            deviation: self.deviation.max(other.deviation),
        }
    }
}

/// Depolarizing noise after every gate, and a symmetric readout error.
fn uniform(single: f64, several: f64, readout: f64) -> Result<Uniform, NnError> {
    let readout = Probability::new(readout).ok().filter(|p| p.get() > 0.0).map(Confusion::symmetric);
    let channel = |lambda: f64, qubits| (lambda > 0.0).then(|| depolarizing(lambda, qubits)).transpose();
    let (single, several) = (channel(single, 1)?, channel(several, 2)?);
    Ok(Uniform::new(single.into_iter().collect(), several.into_iter().collect(), readout)?)
}

/// A circuit as it is written, under this noise; shots are a number and a seed.
fn execution(
    circuit: &Circuit,
    observables: Vec<Observable>,
    inputs: usize,
    noise: Option<&Uniform>,
    shots: Option<(usize, u64)>,
) -> Result<Execution, NnError> {
    let keep: Vec<usize> = (0..circuit.qubits()).collect();
    let program = noise.map_or_else(|| Program::ideal(circuit, &keep), |noise| noise.apply(circuit, &keep));
    let inner = Auto::new(EngineOptions::default());
    let simulator: Arc<dyn Simulator> = match shots {
        None => Arc::new(inner),
        Some((shots, seed)) => Arc::new(Shots { inner, shots, seed }),
    };
    Ok(Execution::new(program, observables, inputs, simulator)?)
}

/// ⟨Z⟩ of every qubit (rows, qubits) of a circuit for these angles.
fn z_values(circuit: &Circuit, angles: Angles, noise: Option<&Uniform>) -> Result<Array2<f64>, StudyError> {
    let observables = Observable::all_z(circuit.qubits());
    let execution = execution(circuit, observables, angles.inputs.ncols(), noise, None)?;
    Ok(execution.prepared.expect(angles).map_err(NnError::from)?)
}

/// Control 1 without entanglers, at the circuit's own angles: Z shrinks by 1 − λ at every gate, whatever its angle, so
/// ⟨Z_q⟩ shrinks by `(1 − λ)^gates(q)`.
fn without_entanglers(batch: &CircuitBatch) -> Result<Known, StudyError> {
    let (lambda, _, wrong) = KNOWN;
    let entangled = &batch.ansatz.circuit;
    let mut circuit = Circuit::new(entangled.qubits());
    circuit.copy_slots(entangled);
    let mut gates = vec![0; circuit.qubits()];
    for op in entangled.ops().iter().filter(|op| op.qubits.len() == 1 && op.is_unitary()) {
        circuit.append(op.clone()).map_err(NnError::from)?;
        gates[op.qubits[0]] += 1;
    }
    let angles = || Angles { inputs: batch.angles.view(), weights: batch.weights.view() };
    let ideal = z_values(&circuit, angles(), None)?;
    let noisy = z_values(&circuit, angles(), Some(&uniform(lambda, 0.0, wrong)?))?;
    let factors: Vec<f64> = gates.iter().map(|&count| (1.0 - lambda).powi(count) * (1.0 - 2.0 * wrong)).collect();
    Ok(Known::new(&ideal, &noisy, |_, qubit| factors[qubit]))
}

/// Control 1 of the whole circuit at random multiples of π/2: Z is carried back through the circuit as one Pauli string and
/// shrinks at every gate that acts on it. `None` if some gate of the circuit is not Clifford at any such angle.
fn clifford(circuit: &Circuit) -> Result<Option<Known>, StudyError> {
    let (single, several, wrong) = KNOWN;
    let mut stream = Stream::named(0, "clifford");
    let rows = Array2::from_shape_simple_fn((CLIFFORD_ROWS, circuit.slots()), || FRAC_PI_2 * stream.below(4) as f64);
    let mut factors = Array2::zeros((CLIFFORD_ROWS, circuit.qubits()));
    for (row, angles) in rows.rows().into_iter().enumerate() {
        for qubit in 0..circuit.qubits() {
            match factor(circuit, &circuit.expand(&angles.to_vec()), qubit, (single, several)) {
                Some(factor) => factors[[row, qubit]] = factor * (1.0 - 2.0 * wrong),
                None => return Ok(None),
            }
        }
    }
    let weights = Array1::zeros(0);
    let angles = || Angles { inputs: rows.view(), weights: weights.view() };
    let ideal = z_values(circuit, angles(), None)?;
    let noisy = z_values(circuit, angles(), Some(&uniform(single, several, wrong)?))?;
    Ok(Some(Known::new(&ideal, &noisy, |row, qubit| factors[[row, qubit]])))
}

/// The factor of ⟨Z_qubit⟩, or `None` where it does not stay one string.
fn factor(circuit: &Circuit, angles: &[f64], qubit: usize, (single, several): (f64, f64)) -> Option<f64> {
    let mut string = PauliString::z(qubit);
    let mut factor = 1.0;
    for op in circuit.ops().iter().rev() {
        if matches!(op.kind, OpKind::GlobalPhase(_) | OpKind::Barrier) {
            continue;
        }
        if op.qubits.iter().all(|&q| string.at(q).is_none()) {
            continue;
        }
        factor *= match op.qubits.len() {
            1 => 1.0 - single,
            2 => 1.0 - several,
            _ => return None,
        };
        string = pulled_back(op, angles, &string)?;
    }
    Some(factor)
}

/// `G† P G`, sign apart.
fn pulled_back(op: &Op, angles: &[f64], string: &PauliString) -> Option<PauliString> {
    let map = transfer(&op.matrix(angles)?);
    let digit = |q: usize| string.at(q).map_or(0, Letter::index);
    let own = op.qubits.iter().enumerate().fold(0, |index, (k, &q)| index | digit(q) << (2 * k));
    let image = map.row(own).iter().position(|entry| entry.abs() > 1.0 - 1e-9)?;
    let letters = op.qubits.iter().enumerate().map(|(k, &q)| (q, Letter::of_index(image >> (2 * k) & 3)));
    Some(letters.fold(string.clone(), |out, (q, letter)| out.with(q, letter)))
}

/// Controls 2 and 3: a read-out fitted anew under depolarizing noise after every gate, on exact expectation values and on
/// those of `shots` shots.
fn refit(
    mut found: Measurement,
    (batch, read_out): (&CircuitBatch, &ReadOut),
    shots: usize,
    seed: u64,
) -> Result<Measurement, StudyError> {
    let under = |noise: Option<&Uniform>, shots: Option<(usize, u64)>| {
        let ansatz = &batch.ansatz;
        execution(&ansatz.circuit, ansatz.observables.clone(), ansatz.inputs, noise, shots)
    };
    let ideal = batch.expectations(&under(None, None)?)?;
    let (mut largest_change, mut without_noise): (f64, Option<f64>) = (0.0, None);
    let mut curve = Vec::new();
    for lambda in LAMBDAS {
        let noise = uniform(lambda, lambda, 0.0)?;
        let exact = under(Some(&noise), None)?;
        let noisy = batch.expectations(&exact)?;
        let sampled = batch.expectations(&under(Some(&noise), Some((shots, seed)))?)?;
        let fitted = read_out.refit(batch, &exact)?;
        let slope = attenuation(&ideal, &noisy).map_or(1.0, |(slope, _)| slope);
        let (refitted, with_shots) = (read_out.accuracy_of(&fitted, &noisy), read_out.accuracy_of(&fitted, &sampled));
        largest_change = largest_change.max((refitted - *without_noise.get_or_insert(refitted)).abs());
        curve.push((slope, with_shots));
        let level = lambda.to_string();
        let values = [
            ("attenuation", slope),
            ("accuracy", read_out.predictions(&noisy)?.accuracy()),
            ("refitted", refitted),
            ("refitted_with_shots", with_shots),
        ];
        for (metric, value) in values {
            found = found.under(&[("lambda", &level)], metric, value);
        }
    }
    let chance = read_out.chance();
    let half = (without_noise.unwrap_or(chance) + chance) / 2.0;
    Ok(found
        .value("flatness", largest_change)
        .value("chance", chance)
        .value_if("threshold_ratio", threshold(&curve, half).map(|threshold| threshold / shots as f64)))
}

/// 1/c² where accuracy falls to `half`, along a curve of (c, accuracy) by rising noise: straight in the logarithm of c
/// between two points. `None` if the curve does not fall so far.
fn threshold(curve: &[(f64, f64)], half: f64) -> Option<f64> {
    let crossing = curve.windows(2).find(|pair| pair[0].1 > half && pair[1].1 <= half)?;
    let [(a, before), (b, after)] = [crossing[0], crossing[1]].map(|(c, accuracy)| {
        // A slope of 0 has no logarithm.
        (-2.0 * c.abs().max(1e-300).ln(), accuracy)
    });
    let share = (before - half) / (before - after);
    Some((a + share * (b - a)).exp())
}
