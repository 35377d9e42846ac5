//! Three analytic controls that tell real robustness from the trivial kind.
//!
//! 1. Pauli noise multiplies ⟨Z⟩ by factors that can be written down; the simulator must show them.
//! 2. With exact expectation values such a factor costs a read-out that is fitted anew nothing: accuracy that stays flat
//!    so is no merit of the circuit.
//! 3. With S shots a factor c can be undone only as long as c² S stays well above 1.

use std::sync::Arc;

use ndarray::{Array1, Array2};
use serde::Serialize;

use crate::circuit::{Ansatz, Circuit, Observable, Op, OpKind, PauliString};
use crate::classic::LeastSquares;
use crate::math::{Probability, Stream};
use crate::nn::NnError;
use crate::noise::channel::depolarizing;
use crate::noise::model::uniform::Uniform;
use crate::noise::{Confusion, Program, transfer};
use crate::sim::Execution;
use crate::sim::{self, Auto, Shots, Simulator};
use crate::study::StudyError;
use crate::systems::noise_robustness::subject::{Subject, accuracy, contraction, predicted, run};

/// Numbers of order 1 after some hundred operations must agree to this.
pub const CONTRACTION_TOLERANCE: f64 = 1e-9;

/// A circuit whose contraction is known, held against the simulator.
#[derive(Clone, Debug, Serialize)]
pub struct KnownContraction {
    /// Which circuit and noise.
    pub case: &'static str,
    /// Number of expectation values compared that are not 0.
    pub values: usize,
    /// Smallest and largest known factor among them.
    pub factors: (f64, f64),
    /// Largest deviation of a value from factor times ideal value.
    pub deviation: f64,
}

/// Depolarizing parameter behind one-qubit gates, behind two-qubit gates, and the probability of a wrong readout.
const KNOWN: (f64, f64, f64) = (0.01, 0.02, 0.03);

fn uniform(single: f64, several: f64, readout: f64) -> Result<Uniform, NnError> {
    let readout = Probability::new(readout).ok().filter(|p| p.get() > 0.0).map(Confusion::symmetric);
    let channel = |lambda: f64, qubits| (lambda > 0.0).then(|| depolarizing(lambda, qubits)).transpose();
    let (single, several) = (channel(single, 1)?, channel(several, 2)?);
    Ok(Uniform::new(single.into_iter().collect(), several.into_iter().collect(), readout)?)
}

fn execution(
    circuit: &Circuit,
    inputs: usize,
    noise: Option<&Uniform>,
    shots: Option<(u64, u64)>,
) -> Result<Execution, NnError> {
    let keep: Vec<usize> = (0..circuit.qubits()).collect();
    let program = noise.map_or_else(|| Program::ideal(circuit, &keep), |noise| noise.apply(circuit, &keep));
    let inner = Auto::new(sim::EngineOptions::default());
    let simulator: Arc<dyn Simulator> = match shots {
        None => Arc::new(inner),
        Some((shots, seed)) => Arc::new(Shots { inner, shots: shots as usize, seed }),
    };
    Ok(Execution::new(program, Observable::all_z(circuit.qubits()), inputs, simulator)?)
}

/// Control 1 on the subject's own circuit: without its entanglers at its own angles, and whole at random Clifford angles.
///
/// # Errors
/// If the simulator refuses.
pub fn contractions(ansatz: &Ansatz, subject: &Subject) -> Result<Vec<KnownContraction>, StudyError> {
    let mut found = vec![separable(ansatz, subject)?];
    found.extend(clifford(&ansatz.circuit)?);
    Ok(found)
}

/// A single letter shrinks by 1 - λ at every gate, whatever its angle: ⟨Z_q⟩ by `(1 - λ)^gates(q)`.
fn separable(ansatz: &Ansatz, subject: &Subject) -> Result<KnownContraction, StudyError> {
    let (lambda, _, wrong) = KNOWN;
    let mut circuit = Circuit::new(ansatz.circuit.qubits());
    for name in ansatz.circuit.slot_names() {
        circuit.slot(name.as_str());
    }
    let mut gates = vec![0; circuit.qubits()];
    for op in ansatz.circuit.ops().iter().filter(|op| op.qubits.len() == 1 && op.is_unitary()) {
        circuit.append(op.clone()).map_err(NnError::from)?;
        gates[op.qubits[0]] += 1;
    }
    let (angles, weights) = (subject.angles.view(), subject.weights.view());
    let show = |noise: Option<&Uniform>| run(&execution(&circuit, angles.ncols(), noise, None)?, angles, weights);
    let (ideal, noisy) = (show(None)?, show(Some(&uniform(lambda, 0.0, wrong)?))?);
    let factors: Vec<f64> = gates.iter().map(|&count| (1.0 - lambda).powi(count) * (1.0 - 2.0 * wrong)).collect();
    Ok(compared("entanglers taken out, own angles", &ideal, &noisy, |_, qubit| factors[qubit]))
}

/// At angles that are multiples of π/2, Z goes back through the circuit as one Pauli string, and shrinks at every gate that
/// touches it. `None` if the circuit holds gates that are not of that kind at any such angle.
fn clifford(circuit: &Circuit) -> Result<Option<KnownContraction>, StudyError> {
    const DRAWS: usize = 64;
    let (single, several, wrong) = KNOWN;
    let mut stream = Stream::named(0, "clifford");
    let rows =
        Array2::from_shape_simple_fn((DRAWS, circuit.slots()), || std::f64::consts::FRAC_PI_2 * stream.below(4) as f64);
    let mut factors = Array2::zeros((DRAWS, circuit.qubits()));
    for (row, angles) in rows.rows().into_iter().enumerate() {
        for qubit in 0..circuit.qubits() {
            match factor(circuit, &angles.to_vec(), qubit, (single, several)) {
                Some(factor) => factors[[row, qubit]] = factor * (1.0 - 2.0 * wrong),
                None => return Ok(None),
            }
        }
    }
    let none = Array1::zeros(0);
    let show =
        |noise: Option<&Uniform>| run(&execution(circuit, circuit.slots(), noise, None)?, rows.view(), none.view());
    let (ideal, noisy) = (show(None)?, show(Some(&uniform(single, several, wrong)?))?);
    Ok(Some(compared("whole circuit, angles k·π/2", &ideal, &noisy, |row, qubit| factors[[row, qubit]])))
}

/// By how much ⟨Z_qubit⟩ shrinks, or `None` where it does not stay one string.
fn factor(circuit: &Circuit, angles: &[f64], qubit: usize, (single, several): (f64, f64)) -> Option<f64> {
    let mut string = PauliString::z(qubit);
    let mut factor = 1.0;
    for op in circuit.ops().iter().rev() {
        if matches!(op.kind, OpKind::GlobalPhase(_) | OpKind::Barrier) {
            continue;
        }
        if op.qubits.iter().all(|&q| string.support() >> q & 1 == 0) {
            continue;
        }
        factor *= match op.qubits.len() {
            1 => 1.0 - single,
            2 => 1.0 - several,
            _ => return None,
        };
        string = pulled_back(op, angles, string)?;
    }
    Some(factor)
}

/// `G† P G`, sign apart.
fn pulled_back(op: &Op, angles: &[f64], string: PauliString) -> Option<PauliString> {
    let map = transfer(&op.matrix(angles)?);
    let digit = |q: usize| [0, 1, 3, 2][((string.x >> q & 1) | (string.z >> q & 1) << 1) as usize];
    let own = op.qubits.iter().enumerate().fold(0, |index, (k, &q)| index | digit(q) << (2 * k));
    let image = map.row(own).iter().position(|entry| entry.abs() > 1.0 - 1e-9)?;
    let mut out = string;
    for (k, &q) in op.qubits.iter().enumerate() {
        let letter = image >> (2 * k) & 3;
        out.x = out.x & !(1 << q) | u64::from(letter == 1 || letter == 2) << q;
        out.z = out.z & !(1 << q) | u64::from(letter >= 2) << q;
    }
    Some(out)
}

fn compared(
    case: &'static str,
    ideal: &Array2<f64>,
    noisy: &Array2<f64>,
    factor: impl Fn(usize, usize) -> f64,
) -> KnownContraction {
    let mut found = KnownContraction { case, values: 0, factors: (f64::INFINITY, 0.0), deviation: 0.0 };
    for ((row, qubit), value) in ideal.indexed_iter() {
        let factor = factor(row, qubit);
        found.deviation = found.deviation.max((noisy[[row, qubit]] - factor * value).abs());
        if value.abs() > 1e-6 {
            found.values += 1;
            found.factors = (found.factors.0.min(factor), found.factors.1.max(factor));
        }
    }
    if found.values == 0 {
        found.factors = (0.0, 0.0);
    }
    found
}

/// One strength of depolarizing noise behind every gate of the subject's circuit.
#[derive(Clone, Debug, Serialize)]
pub struct Refit {
    /// Depolarizing parameter λ.
    pub lambda: f64,
    /// Slope c of noisy against ideal ⟨Z⟩.
    pub contraction: f64,
    /// Accuracy with the read-out as it was trained, exact expectation values.
    pub trained: f64,
    /// With a read-out fitted anew under this noise, exact.
    pub refitted: f64,
    /// The same read-out, expectation values of S shots.
    pub with_shots: f64,
}

/// Controls 2 and 3 together.
#[derive(Clone, Debug, Serialize)]
pub struct Thresholds {
    /// Number of shots S.
    pub shots: u64,
    /// Accuracy of always naming the most frequent class.
    pub chance: f64,
    /// By rising noise, without noise first.
    pub curve: Vec<Refit>,
    /// Largest change of the refitted exact accuracy against that without noise.
    pub flatness: f64,
    /// 1/c² at which S shots have lost half of what is above chance, if the curve gets there; the rule of thumb says S.
    pub threshold: Option<f64>,
}

const LAMBDAS: [f64; 12] = [0.0, 0.01, 0.02, 0.04, 0.07, 0.1, 0.14, 0.18, 0.23, 0.28, 0.34, 0.4];

/// Controls 2 and 3 on a subject with a classifier; `None` without one.
///
/// # Errors
/// If the simulator refuses.
pub fn thresholds(ansatz: &Ansatz, subject: &Subject, shots: u64) -> Result<Option<Thresholds>, StudyError> {
    let Some(classifier) = &subject.classifier else { return Ok(None) };
    let (sheet, labels, classes) = (&classifier.training, &classifier.labels, classifier.classes());
    let ideal = subject.expectations(&execution(&ansatz.circuit, ansatz.inputs, None, None)?)?;
    let mut curve = Vec::new();
    for lambda in LAMBDAS {
        let noise = uniform(lambda, lambda, 0.0)?;
        let exact = execution(&ansatz.circuit, ansatz.inputs, Some(&noise), None)?;
        let noisy = subject.expectations(&exact)?;
        let seen = run(&exact, sheet.angles.view(), subject.weights.view())?;
        let read_out = LeastSquares::fit(seen.view(), &sheet.labels, classes);
        let sampled = execution(&ansatz.circuit, ansatz.inputs, Some(&noise), Some((shots, subject.seed)))?;
        let drawn = subject.expectations(&sampled)?;
        curve.push(Refit {
            lambda,
            contraction: contraction(&ideal, &noisy).map_or(1.0, |(slope, _)| slope),
            trained: accuracy(&predicted(&classifier.probabilities(&noisy)), labels),
            refitted: accuracy(&read_out.predict(noisy.view()), labels),
            with_shots: accuracy(&read_out.predict(drawn.view()), labels),
        });
    }
    let largest_class = (0..classes).map(|class| labels.iter().filter(|l| **l == class).count()).max().unwrap_or(0);
    let chance = largest_class as f64 / labels.len().max(1) as f64;
    let start = curve[0].refitted;
    let flatness = curve.iter().map(|at| (at.refitted - start).abs()).fold(0.0, f64::max);
    let half = (start + chance) / 2.0;
    let crossing = curve.windows(2).find(|pair| pair[0].with_shots > half && pair[1].with_shots <= half);
    let threshold = crossing.map(|pair| {
        // Straight in the logarithm of the contraction.
        let [a, b] = [0, 1].map(|k| -2.0 * pair[k].contraction.abs().max(1e-300).ln());
        let share = (pair[0].with_shots - half) / (pair[0].with_shots - pair[1].with_shots);
        (a + share * (b - a)).exp()
    });
    Ok(Some(Thresholds { shots, chance, curve, flatness, threshold }))
}
