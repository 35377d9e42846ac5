//! The circuits of a trained head for a device, and the folder that a user takes to hardware.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::circuit::qasm::{WriteOptions, slot_identifiers, write3};
use crate::circuit::{Circuit, PauliString};
use crate::device::{LayoutMethod, Target, TranspileOptions, TranspiledCircuit, transpile};
use crate::nn::NnError;
use crate::sim::sample::{Basis, basis_gates};
use crate::sim::{Condition, Executions};
use crate::study::files::table;
use crate::study::{StudyError, TrainedHead};

/// Name and version of the folder's manifest.
pub const FORMAT: &str = "qgraft.job/1";
/// The program that runs the circuits.
const SUBMIT: &str = include_str!("submit.py");
/// The program that repeats the prediction.
const REBUILD: &str = include_str!("rebuild.py");

/// A trained head for a device: one circuit for each measurement basis.
pub struct HardwareJob {
    /// What the circuits are and how their counts become class probabilities.
    pub manifest: Manifest,
    /// One for each basis, trained weights bound, inputs open.
    pub circuits: Vec<MeasuredCircuit>,
    /// The circuit without its measurements, weights open.
    pub transpiled: Arc<TranspiledCircuit>,
}

/// A circuit that is measured in one basis. Qubit k of the head is read into bit k.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredCircuit {
    /// Name of its file.
    pub file: String,
    /// As wide as the device, native gates on physical qubits.
    pub circuit: Circuit,
}

/// Everything that is needed to turn counts into class probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name and version of the format.
    pub format: String,
    /// Label of the head in its run.
    pub head: String,
    /// Seed of its training.
    pub seed: u64,
    /// The device that the circuits are written for.
    pub device: String,
    /// Class names.
    pub classes: Vec<String>,
    /// Number of qubits of the head. Qubit k is read into bit k, the k-th from the right of a bit string.
    pub qubits: usize,
    /// Physical qubit of each qubit when it is measured.
    pub layout: Vec<usize>,
    /// Names of the open angles in the circuit files, in the order of the columns of angles.csv.
    pub inputs: Vec<String>,
    /// File and basis of each circuit; letter k is read of qubit k, and I is not used.
    pub circuits: Vec<(String, String)>,
    /// The observables whose expectation values the head reads.
    pub observables: Vec<Vec<Term>>,
    /// Weights (classes, observables) of the linear layer behind the circuit.
    pub weight: Vec<Vec<f64>>,
    /// Its bias (classes). Class probabilities are the softmax of `weight · expectation values + bias`.
    pub bias: Vec<f64>,
}

/// A Pauli string of an observable: `weight` times the mean of the parity of its qubits' bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// Its coefficient.
    pub weight: f64,
    /// The circuit that reads it, by its number.
    pub circuit: usize,
    /// Its qubits; none for the identity.
    pub qubits: Vec<usize>,
}

/// The rows that the circuits are run for.
pub struct JobRows {
    /// A name for each.
    pub ids: Vec<String>,
    /// Class of each, where it is known.
    pub labels: Vec<Option<usize>>,
    /// Input angles (rows, inputs), radians.
    pub angles: Array2<f64>,
}

impl HardwareJob {
    /// The circuits of a head for `device`, as [`TrainedHead::compile`] with `executions` runs them there.
    ///
    /// # Errors
    /// If the head has no circuit or does not fit the device.
    pub fn new(
        head: &TrainedHead,
        (label, seed): (&str, u64),
        device: &str,
        executions: &Executions,
    ) -> Result<Self, StudyError> {
        let missing = NnError::Setting { field: "head", value: label.into(), reason: "it has no circuit" };
        let ansatz = head.model.ansatz.as_ref().ok_or(missing)?;
        let condition = Condition::on_device(device);
        let execution = executions.compile(&ansatz.into(), &condition, seed).map_err(StudyError::Compile)?;
        let reason = || "jobs need executions that transpile".into();
        let transpiled = execution.transpiled.ok_or_else(|| StudyError::Settings { reason: reason() })?;
        let target = Target::of(&*executions.device(device).map_err(StudyError::Compile)?);
        let qubits = ansatz.circuit.qubits();
        let bases = Basis::group(&ansatz.observables);
        let trained = transpiled.circuit.bind_last(&head.circuit_weights()?, ansatz.inputs).map_err(NnError::from)?;
        let measured = |(number, basis): (usize, &Basis)| -> Result<MeasuredCircuit, StudyError> {
            let circuit = measured(&trained, &basis.letters, &transpiled.final_layout, &target)?;
            Ok(MeasuredCircuit { file: format!("circuit_{number}.qasm"), circuit })
        };
        let circuits = bases.iter().enumerate().map(measured).collect::<Result<Vec<_>, _>>()?;
        let (weight, bias) = head.read_out()?;
        let letters = |basis: &Basis| (0..qubits).map(|qubit| basis.letters.letter(qubit)).collect::<String>();
        let manifest = Manifest {
            format: FORMAT.into(),
            head: label.into(),
            seed,
            device: device.into(),
            classes: head.classes.clone(),
            qubits,
            layout: transpiled.final_layout.clone(),
            inputs: slot_identifiers(trained.slot_names()),
            circuits: circuits.iter().zip(&bases).map(|(own, basis)| (own.file.clone(), letters(basis))).collect(),
            observables: terms(&bases, ansatz.observables.len()),
            weight: weight.rows().into_iter().map(|row| row.to_vec()).collect(),
            bias: bias.to_vec(),
        };
        Ok(Self { manifest, circuits, transpiled })
    }

    /// The files of the folder. `predicted` are the head's class probabilities (rows, classes) without noise. With `bound`
    /// also one circuit for each row and basis, without open angles.
    ///
    /// # Errors
    /// If `rows` have other angles than the circuit has inputs.
    pub fn files(
        &self,
        rows: &JobRows,
        predicted: ArrayView2<f64>,
        bound: bool,
    ) -> Result<Vec<(String, Vec<u8>)>, StudyError> {
        let options = WriteOptions { physical_qubits: true, ..WriteOptions::default() };
        let json = serde_json::to_string_pretty(&self.manifest);
        let json = json.map_err(|source| StudyError::Json { path: "job.json".into(), source })?;
        let mut files = vec![
            ("job.json".to_string(), (json + "\n").into_bytes()),
            ("angles.csv".into(), self.table("angles.csv", rows, &self.manifest.inputs, rows.angles.view())?),
            ("predictions.csv".into(), {
                let columns: Vec<String> = self.manifest.classes.iter().map(|class| format!("p({class})")).collect();
                self.table("predictions.csv", rows, &columns, predicted)?
            }),
            ("submit.py".into(), SUBMIT.into()),
            ("rebuild.py".into(), REBUILD.into()),
        ];
        for MeasuredCircuit { file, circuit } in &self.circuits {
            files.push((file.clone(), write3(circuit, &options).into_bytes()));
            for (row, angles) in rows.angles.rows().into_iter().enumerate().filter(|_| bound) {
                let circuit = circuit.bind(&angles.to_vec()).map_err(NnError::from)?;
                let stem = file.trim_end_matches(".qasm");
                files.push((format!("bound/row_{row}_{stem}.qasm"), write3(&circuit, &options).into_bytes()));
            }
        }
        Ok(files)
    }

    /// One line for each row: its name, its class, its numbers.
    fn table(
        &self,
        name: &str,
        rows: &JobRows,
        columns: &[String],
        values: ArrayView2<f64>,
    ) -> Result<Vec<u8>, StudyError> {
        let header = ["sample", "label"].map(String::from).into_iter().chain(columns.iter().cloned()).collect();
        let label = |row: usize| rows.labels[row].map_or("", |label| self.manifest.classes[label].as_str());
        let line = |(row, values): (usize, ndarray::ArrayView1<f64>)| (&rows.ids[row], label(row), values.to_vec());
        let lines: Vec<_> = values.rows().into_iter().enumerate().map(line).collect();
        table(name, header, &lines)
    }
}

impl Manifest {
    /// Class probabilities of expectation values (observables): the softmax of the linear layer behind the circuit.
    pub fn probabilities(&self, expectations: &[f64]) -> Array1<f64> {
        let logit = |(weights, bias): (&Vec<f64>, &f64)| {
            bias + weights.iter().zip(expectations).map(|(w, e)| w * e).sum::<f64>()
        };
        let logits: Vec<f64> = self.weight.iter().zip(&self.bias).map(logit).collect();
        let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let unscaled: Array1<f64> = logits.iter().map(|logit| (logit - top).exp()).collect();
        let sum = unscaled.sum();
        unscaled / sum
    }
}

/// `circuit` with the gates that take `letters` to Z, in native gates on the qubits of `layout`, and qubit k measured into
/// bit k.
fn measured(
    circuit: &Circuit,
    letters: &PauliString,
    layout: &[usize],
    target: &Target,
) -> Result<Circuit, StudyError> {
    let mut rotations = Circuit::new(layout.len());
    for (gate, qubit) in basis_gates(letters) {
        rotations.push(gate, &[qubit], &[]).map_err(NnError::from)?;
    }
    let options = TranspileOptions { level: 1, layout: LayoutMethod::Given(layout.to_vec()), ..Default::default() };
    let rotations = transpile(&rotations, target, &options).map_err(crate::sim::Error::from)?;
    let mut whole = Circuit::with_bits(circuit.qubits(), layout.len());
    whole.copy_slots(circuit);
    for op in circuit.ops().iter().chain(rotations.circuit.ops()) {
        whole.append(op.clone()).map_err(NnError::from)?;
    }
    for (bit, &qubit) in layout.iter().enumerate() {
        whole.measure(qubit, bit).map_err(NnError::from)?;
    }
    Ok(whole)
}

/// The terms of each observable with the circuit that reads them.
fn terms(bases: &[Basis], observables: usize) -> Vec<Vec<Term>> {
    let mut terms = vec![Vec::new(); observables];
    for (circuit, basis) in bases.iter().enumerate() {
        for (observable, weight, string) in &basis.strings {
            let qubits = string.support().collect();
            terms[*observable].push(Term { weight: *weight, circuit, qubits });
        }
    }
    terms
}
