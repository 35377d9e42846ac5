//! Random OpenQASM 2 texts through Qiskit's reader, operation by operation: tests/reference/qasm_reader.py made the
//! verdicts. Registers of two names, operations on whole registers, arithmetic in angles, conditions on a register.

use qgraft::circuit::{Condition, Gate, Op, OpKind, Param, Params};
use serde_json::Value;

use super::{here, parse};

/// Both compute angles in double precision; functions of the two libraries may differ in the last digit.
const ANGLE: f64 = 1e-15;

fn indices(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|index| index.as_u64().unwrap() as usize).collect()
}

fn sorted(mut qubits: Vec<usize>) -> Vec<usize> {
    qubits.sort_unstable();
    qubits
}

/// What Qiskit read: `[name, angles, qubits, bits, [[tested bits], value] or null]`.
fn operation(entry: &Value) -> Op {
    let (name, qubits, bits) = (entry[0].as_str().unwrap(), indices(&entry[2]), indices(&entry[3]));
    let angles: Vec<Param> = entry[1].as_array().unwrap().iter().map(|a| Param::Fixed(a.as_f64().unwrap())).collect();
    let op = match name {
        // It has no order.
        "barrier" => Op::of(OpKind::Barrier, &sorted(qubits.clone())),
        "measure" => Op::of(OpKind::Measure { bit: bits[0] }, &qubits),
        "reset" => Op::of(OpKind::Reset, &qubits),
        // Qiskit's name for X with any number of controls.
        "mcx" if qubits.len() == 5 => Op::gate(Gate::C4x, &qubits, &angles),
        gate => Op::gate(Gate::named(gate).unwrap_or_else(|| panic!("{gate}")), &qubits, &angles),
    };
    let condition =
        entry[4].as_array().map(|test| Condition { bits: indices(&test[0]), value: test[1].as_u64().unwrap() });
    Op { condition, ..op }
}

/// Angles, and the operation without them.
fn split(op: &Op) -> (Vec<f64>, Op) {
    match &op.kind {
        OpKind::Gate { gate, params, controls } => {
            let bare = OpKind::Gate { gate: *gate, params: Params::new(), controls: *controls };
            (params.iter().map(|param| param.value(&[])).collect(), Op { kind: bare, ..op.clone() })
        }
        _ => (Vec::new(), op.clone()),
    }
}

/// Whether they are the same but for the last digit of an angle.
fn agree(ours: &Op, theirs: &Op) -> bool {
    let ((a, ours), (b, theirs)) = (split(ours), split(theirs));
    let close = a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= ANGLE * b.abs().max(1.0));
    ours == theirs && a.len() == b.len() && close
}

#[test]
fn texts_mean_what_qiskits_reader_makes_of_them() {
    let cases: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(here("tests/reference/qasm_reader.json")).unwrap()).unwrap();
    assert_eq!(cases.len(), 40);
    for case in cases {
        let text = case["text"].as_str().unwrap();
        let ours = parse(text);
        let theirs: Vec<Op> = case["operations"].as_array().unwrap().iter().map(operation).collect();
        assert_eq!(ours.ops().len(), theirs.len(), "{text}");
        for (ours, theirs) in ours.ops().iter().zip(&theirs) {
            assert!(agree(ours, theirs), "ours {ours:?}\nQiskit {theirs:?}\n{text}");
        }
    }
}
