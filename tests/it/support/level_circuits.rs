//! Circuits by the rules of tests/reference/transpile_levels.py, and what Qiskit's levels make of them.

use qgraft::circuit::{Circuit, Gate, Param};
use qgraft::device::{Device, Edge, Target};
use serde::Deserialize;

/// Written by tests/reference/transpile_levels.py.
#[derive(Deserialize)]
pub struct Levels {
    pub rows: Vec<LevelRow>,
}

#[derive(Deserialize)]
pub struct LevelRow {
    pub circuit: String,
    pub device: String,
    /// Median of three seeds, by level.
    pub two_qubit_gates: [f64; 4],
}

pub fn read() -> Levels {
    serde_json::from_str(include_str!("../../reference/transpile_levels.json")).unwrap()
}

/// All couplings of a shipped device with equal errors.
pub fn target(device: &str) -> Target {
    let device = Device::named(device).unwrap();
    let gate = *device.basis.iter().find(|gate| [Gate::Cx, Gate::Cz, Gate::Ecr].contains(gate)).unwrap();
    let qubits = device.calibration.qubits.len();
    Target {
        qubits,
        single: vec![Gate::Rz, Gate::Sx, Gate::X],
        edges: device.coupling.iter().map(|&(from, to)| Edge { gate, from, to, error: 5e-3 }).collect(),
        single_error: vec![2.5e-4; qubits],
        readout_error: vec![0.01; qubits],
        ..Target::default()
    }
}

/// The generator of Knuth's MMIX, its upper 31 bits.
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// The circuit of a name such as "random 20 1000 3" or "qft 12", measured at its end.
pub fn circuit(name: &str) -> Circuit {
    let words: Vec<&str> = name.split(' ').collect();
    let numbers: Vec<usize> = words[1..].iter().map(|word| word.parse().unwrap()).collect();
    let n = numbers[0];
    let mut circuit = Circuit::new(n);
    let mut push = |gate: Gate, qubits: &[usize], angles: &[f64]| {
        let angles: Vec<Param> = angles.iter().map(|&angle| Param::Fixed(angle)).collect();
        circuit.push(gate, qubits, &angles).unwrap();
    };
    match words[0] {
        "random" => {
            let mut draws = Draws(numbers[2] as u64);
            for _ in 0..numbers[1] {
                let (kind, a, b) = (draws.below(8), draws.below(n), draws.below(n - 1));
                match [Gate::H, Gate::X, Gate::Sx, Gate::T].get(kind) {
                    Some(&gate) => push(gate, &[a], &[]),
                    None => push(Gate::Cx, &[a, b + usize::from(b >= a)], &[]),
                }
            }
        }
        "qft" => {
            for k in (0..n).rev() {
                push(Gate::H, &[k], &[]);
                (0..k).rev().for_each(|j| push(Gate::Cp, &[j, k], &[std::f64::consts::PI / 2f64.powi((k - j) as i32)]));
            }
            (0..n / 2).for_each(|k| push(Gate::Swap, &[k, n - 1 - k], &[]));
        }
        "ghz" => {
            push(Gate::H, &[0], &[]);
            (1..n).for_each(|k| push(Gate::Cx, &[0, k], &[]));
        }
        "ring" => {
            for layer in 0..numbers[1] {
                for q in 0..n {
                    push(Gate::Rx, &[q], &[0.1 + 0.01 * (layer + q) as f64]);
                    push(Gate::Ry, &[q], &[0.7 + 0.01 * (layer + q) as f64]);
                }
                (0..n).for_each(|q| push(Gate::Cx, &[q, (q + 1) % n], &[]));
            }
        }
        "qaoa" => {
            (0..n).for_each(|q| push(Gate::H, &[q], &[]));
            (0..n).for_each(|q| push(Gate::Rzz, &[q, (q + 1) % n], &[0.7]));
            (0..n / 2).for_each(|q| push(Gate::Rzz, &[q, q + n / 2], &[0.7]));
            (0..n).for_each(|q| push(Gate::Rx, &[q], &[0.4]));
        }
        other => panic!("no circuit is called {other}"),
    }
    circuit.measure_all().unwrap();
    circuit
}
