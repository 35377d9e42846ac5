//! Circuits, targets and what Qiskit made of them: tests/reference/transpile.json.

use std::collections::BTreeMap;

use qgraft::circuit::{Circuit, Gate, Param};
use qgraft::device::{Edge, Target};
use serde::Deserialize;

pub fn read() -> Reference {
    serde_json::from_str(include_str!("../../reference/transpile.json")).unwrap()
}

/// Written by tests/reference/transpile.py.
#[derive(Deserialize)]
pub struct Reference {
    pub targets: BTreeMap<String, TargetFile>,
    pub circuits: BTreeMap<String, CircuitFile>,
    pub qiskit: Vec<Measured>,
}

#[derive(Deserialize)]
pub struct TargetFile {
    pub qubits: usize,
    pub gate: String,
    pub edges: Vec<(usize, usize, f64)>,
    pub single_error: Vec<f64>,
    pub readout_error: Vec<f64>,
}

#[derive(Deserialize)]
pub struct CircuitFile {
    pub qubits: usize,
    pub ops: Vec<(String, Vec<usize>, Vec<Angle>)>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum Angle {
    Number(f64),
    Slot(String),
}

/// One entry per seed.
#[derive(Deserialize)]
pub struct Measured {
    pub target: String,
    pub circuit: String,
    pub two_qubit_gates: Vec<f64>,
    pub pulses: Vec<f64>,
    pub success: Vec<f64>,
    pub milliseconds: Vec<f64>,
}

impl TargetFile {
    pub fn target(&self) -> Target {
        let gate = Gate::named(&self.gate).unwrap();
        Target {
            qubits: self.qubits,
            single: vec![Gate::Rz, Gate::Sx, Gate::X],
            edges: self.edges.iter().map(|&(from, to, error)| Edge { gate, from, to, error }).collect(),
            single_error: self.single_error.clone(),
            readout_error: self.readout_error.clone(),
            ..Target::default()
        }
    }
}

impl CircuitFile {
    pub fn circuit(&self) -> Circuit {
        let mut circuit = Circuit::new(self.qubits);
        let mut slots: BTreeMap<&str, Param> = BTreeMap::new();
        for (name, operands, angles) in &self.ops {
            let params: Vec<Param> = angles
                .iter()
                .map(|angle| match angle {
                    Angle::Number(value) => Param::Fixed(*value),
                    Angle::Slot(name) => *slots.entry(name).or_insert_with(|| circuit.slot(name.clone())),
                })
                .collect();
            circuit.push(Gate::named(name).unwrap(), operands, &params).unwrap();
        }
        circuit.measure_all().unwrap();
        circuit
    }
}

/// Whatever else the machine does only adds to a time.
pub fn least(values: Vec<f64>) -> f64 {
    values.into_iter().fold(f64::INFINITY, f64::min)
}
