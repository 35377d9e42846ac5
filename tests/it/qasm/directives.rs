//! Pragmas and annotations are kept beside the operations.

use qgraft::circuit::qasm::{ReadOptions, WriteOptions, read, read_with_notices, write2, write3};
use qgraft::circuit::{Circuit, Gate, Op, Param};

const HEAD: &str = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n";

fn circuit(text: &str) -> Circuit {
    read(&format!("{HEAD}{text}"), &ReadOptions::default()).unwrap_or_else(|error| panic!("{text}\n{}", error.report()))
}

fn kept(circuit: &Circuit) -> Vec<(usize, &str)> {
    circuit.directives().iter().map(|directive| (directive.at, &directive.text[..])).collect()
}

#[test]
fn pragmas_and_annotations_survive_a_round_trip() {
    for (text, expected) in [
        (
            "pragma vendor.a it's \"b\nqubit q;\n@x.y [2:3]\n@z\nh q;\n#pragma  c\n",
            vec![(0, "pragma vendor.a it's \"b"), (0, "@x.y [2:3]"), (0, "@z"), (1, "pragma c")],
        ),
        // One for each qubit of a register, and under a condition.
        (
            "qubit[2] q;\nbit c;\n@each\nx q;\n@m\nc = measure q[0];\n@if\nif (c) x q[1];\n",
            vec![(0, "@each"), (1, "@each"), (2, "@m"), (3, "@if")],
        ),
        // In loops a pragma is kept once, an annotation with each operation.
        ("qubit q;\nfor int i in [0:1] {\npragma p\n@r\nrz(i) q;\n}\n", vec![(0, "pragma p"), (0, "@r"), (1, "@r")]),
        // Operations that compute come and go; what follows them keeps its directives.
        (
            "qubit[2] q;\nbit[2] c;\nint[4] n;\nc = measure q;\nn = c[0] + 2 * c[1];\n@behind\nx q[0];\nif (n == 3) x q[1];\npragma last\n",
            vec![],
        ),
        (
            "gate g a {\n@inside\nh a;\npragma inside\n}\nqubit q;\n@of.declared.gate\ng q;\n",
            vec![(0, "@of.declared.gate")],
        ),
    ] {
        let first = circuit(text);
        if !expected.is_empty() {
            assert_eq!(kept(&first), expected, "{text}");
        }
        let written = write3(&first, &WriteOptions::default());
        let second = read(&written, &ReadOptions::default()).unwrap_or_else(|error| panic!("{}", error.report()));
        assert_eq!(kept(&second), kept(&first), "{written}");
        assert_eq!(second, first, "{written}");
        assert_eq!(Circuit::from_json(&first.to_json()).unwrap(), first);
        if first.scratch() == 0 {
            let two = write2(&first).unwrap();
            assert!(!two.contains('@') && !two.contains("pragma"), "{two}");
        }
    }
    let computed = circuit(
        "qubit[2] q;\nbit[2] c;\nint[4] n;\nc = measure q;\nn = c[0] + 2 * c[1];\n@behind\nx q[0];\nif (n == 3) x q[1];\npragma last\n",
    );
    let [(at, "@behind"), (end, "pragma last")] = kept(&computed)[..] else { panic!("{:?}", kept(&computed)) };
    assert_eq!((computed.ops()[at].name().as_str(), end), ("x", computed.ops().len()));
}

#[test]
fn what_belongs_to_no_operation_is_left_out_by_name() {
    for (text, message) in [
        ("@bind [2:3]\ninput float x;\nqubit q;", "an annotation is left out: its statement is not one operation"),
        (
            "qubit[2] q;\n@noswap\nbox {\nx q[0];\ncx q[0], q[1];\n}",
            "an annotation is left out: its statement is not one operation",
        ),
        ("qubit q;\n@nothing\n", "an annotation of nothing that a circuit holds"),
        ("qubit q;\n@nothing\ndefcal x $0 { }", "an annotation of nothing that a circuit holds"),
    ] {
        let reading = read_with_notices(&format!("{HEAD}{text}"), &ReadOptions::default()).unwrap();
        assert!(reading.circuit.directives().is_empty(), "{text}");
        assert!(
            reading.notices.iter().any(|notice| notice.message.starts_with(message)),
            "{text}: {:?}",
            reading.notices
        );
    }
}

#[test]
fn circuits_hold_what_openqasm_can_say() {
    let mut circuit = Circuit::new(1);
    let angle = circuit.slot("x");
    circuit.push(Gate::Rx, &[0], &[angle]).unwrap();
    circuit.add_directive(1, "pragma b").unwrap().add_directive(0, "@a.b c").unwrap();
    assert_eq!(kept(&circuit), [(0, "@a.b c"), (1, "pragma b")]);
    for (at, text) in [(0, "a"), (0, "@ a"), (0, "@"), (0, "pragma "), (0, "@a\nx q;"), (1, "@a"), (2, "pragma a")] {
        assert!(circuit.add_directive(at, text).is_err(), "{at} {text:?}");
    }
    // Angles change nothing of them, other circuits bring theirs, an inverse has other operations.
    assert_eq!(kept(&circuit.bind(&[0.5]).unwrap()), kept(&circuit));
    let mut twice = circuit.clone();
    twice.extend(&circuit, &[0]).unwrap();
    assert_eq!(kept(&twice), [(0, "@a.b c"), (1, "pragma b"), (1, "@a.b c"), (2, "pragma b")]);
    assert!(circuit.inverse().unwrap().directives().is_empty());
    assert_eq!(circuit.ops()[0], Op::gate(Gate::Rx, &[0], &[Param::slot(0)]));
    let broken = circuit.to_json().replace("@a.b c", "a");
    assert!(Circuit::from_json(&broken).unwrap_err().to_string().contains("directives[0]"), "{broken}");
}
