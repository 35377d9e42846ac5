//! Encodings, ansätze and entanglements against Qiskit (tests/reference/ansatze.py).

use candle_core::{DType, Device, Tensor};
use ndarray::{Array1, ArrayView1, ArrayView2};
use qgraft::circuit::Ansatz;
use qgraft::circuit::ansatz::{ANSATZE, AnsatzRow, Changes, ENCODINGS, ENTANGLEMENTS, EncodingRow, EntanglementRow};
use qgraft::math::matrix::C64;
use qgraft::nn::head::encode;
use qgraft::noise::Program;
use qgraft::sim::{Angles, Statevector, state};
use serde_json::Value;

use crate::support::cases::{complex, numbers};

/// Two programs' rounding over some dozen gates.
const TOLERANCE: f64 = 1e-12;

fn cases(kind: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../reference/ansatze.json")).unwrap();
    all[kind].as_array().unwrap().clone()
}

/// Input angles of `features`, which are angles already or amplitudes.
fn input_angles(ansatz: &Ansatz, features: &[f64]) -> Vec<f64> {
    let row = Tensor::from_slice(features, (1, features.len()), &Device::Cpu).unwrap();
    let angles = encode(ansatz, &row, None).unwrap();
    angles.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn state_of(ansatz: &Ansatz, features: &[f64], weights: &[f64]) -> Array1<C64> {
    let inputs = input_angles(ansatz, features);
    let program = Program::ideal(&ansatz.circuit, &(0..ansatz.circuit.qubits()).collect::<Vec<_>>());
    let rows = ArrayView2::from_shape((1, inputs.len()), &inputs).unwrap();
    let angles = Angles { inputs: rows, weights: ArrayView1::from(weights) };
    Statevector::default().states(&program, angles).unwrap().row(0).to_owned()
}

/// Qubits of a state of Qiskit's.
fn width(case: &Value) -> usize {
    case["state"].as_array().unwrap().len().trailing_zeros() as usize
}

fn same(found: &Array1<C64>, case: &Value, what: &str) {
    let overlap = state::overlap(found.view(), Array1::from(complex(&case["state"])).view());
    assert!((overlap - 1.0).abs() < TOLERANCE, "{what}: fidelity {overlap}");
}

#[test]
fn feature_maps_make_the_states_of_qiskit() {
    let cases = cases("encodings");
    assert!(cases.len() >= 9);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let changes = Changes { encoding: Some(EncodingRow::named(name).unwrap().encoding), ..Changes::default() };
        let ansatz = AnsatzRow::named("dressed").unwrap().build_with(width(&case), 0, true, changes).unwrap();
        same(&state_of(&ansatz, &numbers(&case["features"]), &[]), &case, name);
    }
}

#[test]
fn amplitudes_make_the_states_of_qiskit() {
    for case in cases("amplitudes") {
        let ansatz = AnsatzRow::named("amplitude").unwrap().build(width(&case), 0, true).unwrap();
        same(&state_of(&ansatz, &numbers(&case["features"]), &[]), &case, "amplitude");
    }
}

#[test]
fn amplitudes_with_an_ancilla_make_the_states_of_qiskit_and_keep_length_and_sign() {
    let encoding = EncodingRow::named("amplitude_ancilla").unwrap().encoding;
    let changes = Changes { encoding: Some(encoding), ..Changes::default() };
    let mut states = Vec::new();
    for case in cases("ancilla") {
        let ansatz = AnsatzRow::named("dressed").unwrap().build_with(width(&case), 0, true, changes).unwrap();
        let found = state_of(&ansatz, &numbers(&case["features"]), &[]);
        same(&found, &case, "amplitude_ancilla");
        states.push(found);
    }
    // x, 2x and -x on two qubits.
    for (a, b) in [(1, 2), (1, 3), (2, 3)] {
        assert!(state::overlap(states[a].view(), states[b].view()) < 0.99, "{a}, {b}");
    }
}

#[test]
fn ansatze_make_the_states_of_qiskit_with_its_order_of_weights() {
    let cases = cases("ansatze");
    assert!(cases.len() >= 30);
    for case in cases {
        let (name, depth) = (case["name"].as_str().unwrap(), case["depth"].as_u64().unwrap() as usize);
        let pattern = case["entanglement"].as_str();
        let entanglement = pattern.map(|name| EntanglementRow::named(name).unwrap().entanglement);
        let changes = Changes { entanglement, ..Changes::default() };
        let ansatz = AnsatzRow::named(name).unwrap().build_with(width(&case), depth, true, changes).unwrap();
        let weights = numbers(&case["weights"]);
        assert_eq!(ansatz.weights(), weights.len(), "{name}");
        same(&state_of(&ansatz, &numbers(&case["features"]), &weights), &case, &format!("{name}, {pattern:?}"));
    }
}

#[test]
fn entanglements_have_the_pairs_of_qiskit() {
    for case in cases("entanglements") {
        let name = case["name"].as_str().unwrap();
        let (row, qubits) = (EntanglementRow::named(name).unwrap(), case["qubits"].as_u64().unwrap() as usize);
        for (layer, expected) in case["layers"].as_array().unwrap().iter().enumerate() {
            let expected: Vec<(usize, usize)> = expected
                .as_array()
                .unwrap()
                .iter()
                .map(|pair| (pair[0].as_u64().unwrap() as usize, pair[1].as_u64().unwrap() as usize))
                .collect();
            assert_eq!(row.entanglement.pairs(layer, qubits), expected, "{name}, {qubits} qubits, layer {layer}");
        }
    }
}

#[test]
fn every_family_takes_every_encoding_and_entanglement() {
    for family in ANSATZE {
        for (encoding, pattern) in ENCODINGS.iter().flat_map(|e| ENTANGLEMENTS.iter().map(move |p| (e, p))) {
            for qubits in 1..=3 {
                let changes = Changes { encoding: Some(encoding.encoding), entanglement: Some(pattern.entanglement) };
                let what = format!("{}, {}, {}, {qubits} qubits", family.name, encoding.name, pattern.name);
                let whole = family.build_with(qubits, 2, true, changes).unwrap();
                let is_amplitude = encoding.encoding.is_amplitude();
                let features = match encoding.name {
                    "amplitude_ancilla" => 1 << (qubits - 1),
                    _ if is_amplitude => 1 << qubits,
                    _ => qubits,
                };
                assert_eq!(whole.features(), features, "{what}");
                let bare = family.build_with(qubits, 2, false, changes).unwrap();
                assert!(is_amplitude || bare.circuit.ops().iter().all(|op| op.qubits.len() < 2), "{what}");
                assert_eq!(bare.features(), whole.features(), "{what}");
            }
        }
    }
}
