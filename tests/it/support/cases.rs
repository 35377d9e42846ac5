//! Cases from files of reference values: numbers, and programs as lists of [gate, qubits, angles] or ["kraus", qubits,
//! operators]; an angle is a number or {"slot": k}, a complex number [re, im].

use qgraft::circuit::{Circuit, Gate, Observable, Param};
use qgraft::math::Matrix;
use qgraft::math::matrix::{C64, c};
use qgraft::noise::{Channel, Program, Step};
use serde_json::Value;

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

pub fn complex(value: &Value) -> Vec<C64> {
    value.as_array().unwrap().iter().map(|z| c(z[0].as_f64().unwrap(), z[1].as_f64().unwrap())).collect()
}

pub fn square(value: &Value) -> Matrix {
    let entries = complex(value);
    let size = entries.len().isqrt();
    Matrix::from_shape_vec((size, size), entries).unwrap()
}

pub fn observables(case: &Value) -> Vec<Observable> {
    case["observables"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().parse().unwrap()).collect()
}

pub fn program(case: &Value) -> Program {
    let qubits = case["qubits"].as_u64().unwrap() as usize;
    let mut circuit = Circuit::new(qubits);
    let slots = case.get("angles").map_or(0, |angles| angles.as_array().unwrap().len());
    let slots: Vec<Param> = (0..slots).map(|k| circuit.slot(format!("s{k}"))).collect();
    let keep: Vec<usize> = (0..qubits).collect();
    let mut steps = Vec::new();
    for op in case["ops"].as_array().unwrap() {
        let qubits: Vec<usize> = numbers(&op[1]).into_iter().map(|q| q as usize).collect();
        let params = op[2].as_array().unwrap();
        if op[0] == "kraus" {
            let channel = Channel::kraus("reference", params.iter().map(square).collect()).unwrap();
            steps.push(Step::Noise { channel, qubits, condition: None });
            continue;
        }
        let angle = |v: &Value| v.as_f64().map_or_else(|| slots[v["slot"].as_u64().unwrap() as usize], Param::Fixed);
        let params: Vec<Param> = params.iter().map(angle).collect();
        circuit.push(Gate::named(op[0].as_str().unwrap()).unwrap(), &qubits, &params).unwrap();
        steps.push(Step::Gate(circuit.ops()[circuit.ops().len() - 1].clone()));
    }
    Program { steps, ..Program::ideal(&circuit, &keep) }
}
