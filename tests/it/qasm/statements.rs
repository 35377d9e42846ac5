//! Gates on single qubits are read in a way of their own: it gives the operations and the messages of the general way.

use qgraft::circuit::gate::GATES;
use qgraft::circuit::qasm::{ReadOptions, read, read_with_notices};
use qgraft::circuit::{Circuit, OpKind};

fn message(text: &str) -> String {
    read(text, &ReadOptions::default()).unwrap_err().to_string()
}

fn circuit(text: &str) -> Circuit {
    read(text, &ReadOptions::default()).unwrap_or_else(|error| panic!("{text}\n{}", error.report()))
}

const HEADS: [&str; 2] = [
    "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[12];\nqreg r[2];\n",
    "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[12] q;\nqubit[2] r;\n",
];

#[test]
fn every_gate_is_read_alike_with_plain_and_with_computed_operands() {
    let angles =
        ["0.25", "-1.5e-3", "pi", "-pi/4", "3*pi/8", "2", "-1", "pi/2+0.1", "1_0.5", "(pi)", "+.5", "2*(1.5-pi)"];
    for head in HEADS {
        for (position, row) in GATES.iter().enumerate() {
            for name in row.aliases.iter().chain([&row.name]) {
                let given = |k: usize| angles[(position + 5 * k) % angles.len()];
                let list = (0..row.params.len()).map(given).collect::<Vec<_>>().join(", ");
                let call = if list.is_empty() { name.to_string() } else { format!("{name}({list})") };
                let on = |index: &dyn Fn(usize) -> String| {
                    let operands: Vec<String> = (0..row.qubits).map(|k| format!("q[{}]", index(k + 1))).collect();
                    format!("{head}{call} {};", operands.join(", "))
                };
                let plain = on(&|k| k.to_string());
                // `p` and other names that a version lacks are refused alike.
                let computed = on(&|k| format!("{k}+0"));
                match (read(&plain, &ReadOptions::default()), read(&computed, &ReadOptions::default())) {
                    (Ok(plain), Ok(computed)) => assert_eq!(plain, computed, "{call}"),
                    (Err(plain), Err(computed)) => assert_eq!(plain.message, computed.message, "{call}"),
                    (plain, computed) => panic!("{call}: {plain:?} and {computed:?}"),
                }
            }
        }
    }
}

#[test]
fn a_name_calls_what_it_means_there() {
    let count = |text: &str| circuit(text).ops().len();
    for head in HEADS {
        // Known before, remembered, and then declared by the text.
        assert_eq!(count(&format!("{head}h q[0]; gate g a {{ h a; h a; }} g q[0]; g q[1]; h q[1];")), 6);
        assert!(message(&format!("{head}g q[0]; gate g a {{ h a; }}")).ends_with("there is no gate g"));
    }
    let [two, three] = HEADS;
    // An own definition of a name of the table holds, whatever the library says.
    let bare = two.replace("include \"qelib1.inc\";\n", "");
    let own = circuit(&format!("{bare}gate h a {{ U(0, 0, pi) a; }} h q[3];"));
    assert!(matches!(own.ops(), [op] if op.qubits[..] == [3] && op.name() == "u"), "{:?}", own.ops());
    assert!(message(&format!("{bare}h q[0];")).ends_with("there is no gate h"));
    assert_eq!(count(&format!("{bare}U(0, 0, pi) q[0]; CX q[0], q[1];")), 2);
    // Subroutines come before gates, from their declaration on.
    let text = format!("{three}x q[0]; def x(qubit a) {{ h a; h a; }} x(q[0]);");
    assert!(read(&text, &ReadOptions::default()).is_err() || count(&text) == 3);
    // After the end of the text nothing is done, behind a condition all under it.
    assert_eq!(count(&format!("{three}x q[0]; end; x q[1];")), 1);
    let ends = circuit(&format!("{three}bit c; c = measure q[0]; if (c) end; x q[1]; x q[2];"));
    let conditional = ends.ops().iter().filter(|op| matches!(op.kind, OpKind::Gate { .. }));
    assert!(conditional.clone().count() == 2 && conditional.clone().all(|op| op.condition.is_some()));
}

#[test]
fn a_long_text_has_the_right_position_in_its_message() {
    for head in HEADS {
        let lines = head.matches('\n').count();
        let many = "rz(-0.25) q[0]; cx q[0],q[1];\nh q[2]; // rx(1) q[99];\n".repeat(500);
        for (wrong, column, message) in [
            ("  rz(0.3) q[12];", 13, "q[12] is outside the register of 12"),
            ("\tcx q[0], q[0];", 11, "cx gets one qubit twice"),
            ("rz() q[0];", 1, "rz takes 1 angle, 0 are given"),
            ("rz(1, 2) q[0];", 1, "rz takes 1 angle, 2 are given"),
            ("h q[0], q[1];", 1, "h acts on 1 qubit, 2 are given"),
            ("rx(1/0.0) q[0];", 4, "this is not a finite number"),
            ("rx(1 q[0];", 6, "expected `,` or `)`, but there is `q`"),
            ("h q[0] q[1];", 8, "expected `,` or `;`, but there is `q`"),
            ("h q[1;", 6, "expected `,` or `]`, but there is `;`"),
            ("h s[1];", 3, "nothing is called s"),
            ("rx(99999999999999999999e999) q[0];", 4, "this number is too large"),
            ("hh q[0];", 1, "there is no gate hh"),
        ] {
            let text = format!("{head}{many}{wrong}\nx q[0];");
            let error = read(&text, &ReadOptions::default()).unwrap_err();
            assert_eq!((error.line, error.column), (lines + 1001, column), "{wrong}: {error}");
            assert!(error.message.contains(message), "{wrong}: {error}");
        }
    }
}

#[test]
fn what_only_looks_plain_is_read_in_the_general_way() {
    let [_, three] = HEADS;
    let text = format!(
        "{three}const float a = 0.5; input float x; bit c; let s = r;\n\
         rz(a) q[0]; rz(x) q[0]; rz(2*x) q[0]; h r; h s[1]; h q[-1]; h q[0x3]; cx q[0:1], r; rz(1.0im*1.0im) q[0];\n"
    );
    let refused = message(&text);
    assert!(refused.contains("a complex number is no real one"), "{refused}");
    let circuit = circuit(text.split(" rz(1.0im").next().unwrap());
    let qubits: Vec<&[usize]> = circuit.ops().iter().map(|op| &op.qubits[..]).collect();
    let expected: [&[usize]; 10] = [&[0], &[0], &[0], &[12], &[13], &[13], &[11], &[3], &[0, 12], &[1, 13]];
    assert_eq!(qubits, expected);
    // What is read twice is noticed once.
    let twice = format!("{three}rz(durationof({{x $0;}}) / 1ns) q[0];");
    let reading = read_with_notices(&twice, &ReadOptions::default()).unwrap();
    assert_eq!(reading.notices.len(), 1, "{:?}", reading.notices);
}
