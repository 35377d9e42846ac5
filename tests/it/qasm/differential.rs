//! The same texts through the crate `qasm` 1.0, on the part of OpenQASM 2 that it reads rightly: short decimals, one
//! operand per barrier, small integers, no includes.

use ::qasm::{Argument, AstNode};
use qgraft::circuit::gate::GATES;
use qgraft::circuit::{Circuit, Condition, Gate, Op, OpKind, Param};
use qgraft::math::Stream;

/// The head of every text: what our reader needs and the crate must not see.
pub const INCLUDE: &str = "include \"qelib1.inc\";\n";

/// A random text.
pub fn text(stream: &mut Stream) -> String {
    let mut text = format!("OPENQASM 2.0;\n{INCLUDE}qreg q[5];\ncreg c[5];\n");
    for _ in 0..30 {
        let mut free: Vec<String> = stream.permutation(5).iter().map(|k| format!("q[{k}]")).collect();
        let bit = stream.below(5);
        text += &match stream.below(8) {
            0 => format!("measure {} -> c[{bit}];\n", free[0]),
            1 => format!("reset {};\n", free[0]),
            2 => "barrier q;\n".into(),
            choice => {
                let row = &GATES[stream.below(GATES.len())];
                free.truncate(row.qubits);
                // Eighths, because the crate reads numbers in single precision.
                let angles: Vec<String> =
                    row.params.iter().map(|_| format!("{:?}", stream.below(64) as f64 / 8.0)).collect();
                let angles = if angles.is_empty() { String::new() } else { format!("({})", angles.join(",")) };
                let test = if choice == 3 { format!("if (c == {}) ", stream.below(32)) } else { String::new() };
                format!("{test}{}{angles} {};\n", row.name, free.join(","))
            }
        };
    }
    text
}

/// The circuit that the crate reads.
pub fn by_crate(text: &str) -> Circuit {
    let mut tokens = qasm::lex(&qasm::process(&text.replace(INCLUDE, ""), std::path::Path::new(".")));
    let mut circuit = Circuit::with_bits(5, 5);
    for node in qasm::parse(&mut tokens).unwrap() {
        for op in operations(&node) {
            circuit.append(op).unwrap();
        }
    }
    circuit
}

fn operations(node: &AstNode) -> Vec<Op> {
    let element = |argument: &Argument| match argument {
        Argument::Qubit(_, index) => *index as usize,
        Argument::Register(name) => panic!("{name} has no index"),
    };
    match node {
        AstNode::QReg(..) | AstNode::CReg(..) => vec![],
        AstNode::Barrier(_) => vec![Op::of(OpKind::Barrier, &[0, 1, 2, 3, 4])],
        AstNode::Reset(qubit) => vec![Op::of(OpKind::Reset, &[element(qubit)])],
        AstNode::Measure(qubit, bit) => vec![Op::of(OpKind::Measure { bit: element(bit) }, &[element(qubit)])],
        AstNode::ApplyGate(name, qubits, params) => {
            let params: Vec<Param> = params.iter().map(|p| Param::Fixed(p.trim().parse().unwrap())).collect();
            let qubits: Vec<usize> = qubits.iter().map(element).collect();
            vec![Op::gate(Gate::named(name.trim()).unwrap(), &qubits, &params)]
        }
        AstNode::If(_, value, inner) => {
            let condition = Some(Condition { bits: vec![0, 1, 2, 3, 4], value: *value as u64 });
            operations(inner).into_iter().map(|op| Op { condition: condition.clone(), ..op }).collect()
        }
        other => panic!("{other:?} was not written"),
    }
}
