//! Texts that are long, deep or wide beyond any use: each is read or refused in a moment, and its message can be shown.

use std::time::{Duration, Instant};

use qgraft::circuit::qasm::{ReadOptions, WriteOptions, read, read_with_notices, write2, write3};
use qgraft::circuit::{Circuit, Condition, Gate, MAX_REGISTER, Op, OpKind, Params, draw};

use super::parse;

/// Longest time for one text in a test build on a busy machine; a release build takes a second at most.
const LONGEST: Duration = Duration::from_secs(30);

/// The circuit or the message, with the time that reading and reporting took.
fn outcome(text: &str) -> Result<Circuit, String> {
    let start = Instant::now();
    let found = read(text, &ReadOptions::default()).map_err(|error| error.report());
    assert!(start.elapsed() < LONGEST, "{:?} for {}", start.elapsed(), &text[..200.min(text.len())]);
    if let Err(report) = &found {
        assert!(report.len() < 4000, "a report of {} bytes", report.len());
    }
    found
}

const HEAD: &str = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n";

#[test]
fn long_texts_have_short_messages() {
    let [spaces, letters] = [" ", "a"].map(|unit| unit.repeat(70_000));
    for (text, message) in [
        (format!("{HEAD}qubit q;{spaces}foo q;"), "there is no gate foo"),
        (format!("{HEAD}qubit q;{spaces}foo q;{spaces}\n"), "there is no gate foo"),
        (format!("{HEAD}qubit q;\n{spaces}\nfoo q;\n{spaces}"), "there is no gate foo"),
        (format!("{HEAD}qubit q; foo{letters} q;"), "there is no gate"),
        (format!("{HEAD}qubit {letters}; x b{letters};"), "nothing is called"),
        (format!("{HEAD}qubit q; x {};", "ä".repeat(60_000)), "nothing is called"),
        (format!("{HEAD}/* {letters}"), "this comment is never closed"),
        (format!("{HEAD}include \"{letters}\";"), "cannot include"),
        (format!("{HEAD}qubit q; gate {letters} a {{"), "this block is never closed"),
        (format!("{HEAD}qubit q; rx({}) q;", "1+".repeat(50_000)), "operations deep"),
        (format!("{HEAD}qubit q; x q[{}];", "1".repeat(50_000)), "too large"),
    ] {
        let report = outcome(&text).unwrap_err();
        assert!(report.contains(message), "{report}");
    }
    // The position is that of the text, not of the part that is shown.
    let error = read(&format!("{HEAD}qubit q;{spaces}foo q;"), &ReadOptions::default()).unwrap_err();
    assert_eq!((error.line, error.column), (3, 70_009));
    assert!(error.report().contains("[input.qasm:3:70009]"), "{}", error.report());
}

#[test]
fn many_operands_and_wide_gates_are_read_or_refused() {
    let repeated = format!("{HEAD}qubit[4096] q;\nbarrier {};", vec!["q"; 100_000].join(","));
    assert_eq!(outcome(&repeated).unwrap().ops()[0].qubits.len(), 4096);
    let many = format!("{HEAD}qubit[4096] q;\nx {};", vec!["q"; 100_000].join(","));
    assert!(outcome(&many).unwrap_err().contains("is given 100000 operands"));
    let names: Vec<String> = (0..4096).map(|k| format!("a{k}")).collect();
    let operands: Vec<String> = (0..4096).map(|k| format!("q[{k}]")).collect();
    let body: String = names.iter().map(|name| format!("h {name}; ")).collect();
    let wide = format!("{HEAD}qubit[4096] q;\ngate g {} {{ {body} }}\n", names.join(","));
    let call = format!("g {};\n", operands.join(","));
    assert_eq!(outcome(&format!("{wide}{call}")).unwrap().ops().len(), 4096);
    let _ = outcome(&format!("{wide}{}", call.repeat(100)));
    let loops = format!(
        "{wide}gate h2 {0} {{ for int i in [0:100000] {{ g {0}; }} }} h2 {1};",
        names.join(","),
        operands.join(",")
    );
    assert!(outcome(&loops).unwrap_err().contains("expands to more than"));
    let controls = format!("{HEAD}qubit[4096] q;\nctrl(4095) @ x {};", operands.join(","));
    assert_eq!(outcome(&controls).unwrap().ops()[0].qubits.len(), 4096);
}

#[test]
fn loops_cannot_hide_work() {
    let sum = vec!["c[0]"; 300].join("+");
    for body in [
        format!("if ({sum} == 7) x q;"),
        format!("if (c[{}0] == 1) {{}}", "0*".repeat(60)),
        format!("rx({}) q;", vec!["i"; 300].join("+")),
        "for int j in [0:999999999] {}".into(),
        "for int j in [0:9999] { for int k in [0:9999] x q; }".into(),
        "barrier q;".into(),
    ] {
        let text = format!("{HEAD}qubit q; bit[6] c; for int i in [0:99999999] {{ {body} }}");
        assert!(outcome(&text).unwrap_err().contains("expands to more than"), "{body}");
    }
    let nested = format!("{HEAD}bit c; qubit q; if ({}c[0]{}) x q;", "c[".repeat(2000), "]".repeat(2000));
    assert!(outcome(&nested).unwrap_err().contains("parentheses or signs within each other"));
}

#[test]
fn comments_that_are_never_closed_are_searched_once() {
    for line in ["/* ", "@note /*\n", "cal /* "] {
        let text = format!("{HEAD}qubit q;\n{}", line.repeat(40_000));
        let _ = outcome(&text);
        let _ = outcome(&text[HEAD.len()..]);
    }
    assert_eq!(outcome(&format!("{HEAD}qubit q; /* x q; /* */ x q; /**/ x q; /***/")).unwrap().ops().len(), 2);
}

#[test]
fn what_a_text_writes_out_is_read() {
    // Every byte pays for a step, so that a limit on loops is none on long files.
    let text = format!("{HEAD}qubit[5] q;\n{}", "cx q[0],q[1];rz(pi/4) q[2];\n".repeat(20_000));
    let options = ReadOptions { max_operations: 40_000, ..ReadOptions::default() };
    assert_eq!(read(&text, &options).unwrap().ops().len(), 40_000);
    let notes = format!("{HEAD}qubit q;\n{}x q;", "@note\n".repeat(100_000));
    let start = Instant::now();
    let reading = read_with_notices(&notes, &ReadOptions::default()).unwrap();
    assert!(start.elapsed() < LONGEST);
    assert_eq!((reading.notices.len(), reading.notices[99_999].line), (100_000, 100_003));
}

/// A circuit whose last operation stands under a condition on `width` bits.
fn conditioned(width: usize, value: u64) -> Result<Circuit, qgraft::circuit::CircuitError> {
    let mut circuit = Circuit::with_bits(1, width + 1);
    let condition = Some(Condition { bits: (0..width).collect(), value });
    circuit.append(Op { condition, ..Op::gate(Gate::X, &[0], &[]) })?;
    Ok(circuit)
}

#[test]
fn the_reader_takes_every_condition_that_the_writer_makes() {
    for width in [1, 2, 6, 7, 16, 17, 33, 63, 64] {
        for value in [0, 1, u64::MAX >> (64 - width), 0x5555_5555_5555_5555 & (u64::MAX >> (64 - width))] {
            let circuit = conditioned(width, value).unwrap();
            let text = write3(&circuit, &WriteOptions::default());
            let back = parse(&text);
            let [op] = back.ops() else { panic!("{text}") };
            let condition = op.condition.as_ref().unwrap();
            let mut bits: Vec<(usize, u64)> =
                condition.bits.iter().enumerate().map(|(k, bit)| (*bit, condition.value >> k & 1)).collect();
            bits.sort_unstable();
            let expected: Vec<(usize, u64)> = (0..width).map(|k| (k, value >> k & 1)).collect();
            assert_eq!(bits, expected, "{text}");
            assert_eq!(write3(&back, &WriteOptions::default()), text);
        }
    }
    assert!(conditioned(65, 0).unwrap_err().to_string().contains("tests 65 classical bits"));
    assert!(conditioned(2, 4).unwrap_err().to_string().contains("which they never hold"));
}

#[test]
fn circuit_json_has_the_same_limits() {
    let op = |text: &str| format!("{{\"op\": \"gate\", \"name\": \"x\", \"qubits\": [0]{text}}}");
    let file = |qubits: u64, bits: u64, op: &str| {
        format!(
            "{{\"format\": \"qgraft-circuit-1\", \"qubits\": {qubits}, \"bits\": {bits}, \"slots\": [], \"ops\": [{op}]}}"
        )
    };
    let bits = (0..65).map(|bit| bit.to_string()).collect::<Vec<_>>().join(",");
    for (text, message) in [
        (file(u64::MAX, 0, &op("")), "field qubits is 18446744073709551615, at most 4096 are read"),
        (file(1, u64::MAX, &op("")), "field bits is 18446744073709551615"),
        (file(1, 0, &op(", \"controls\": 18446744073709551615")), "ops[0]: "),
        (
            file(1, 65, &op(&format!(", \"condition\": {{\"bits\": [{bits}], \"value\": 1}}"))),
            "tests 65 classical bits",
        ),
        (file(1, 1, &op(", \"condition\": {\"bits\": [0], \"value\": 2}")), "which they never hold"),
        (file(1, 0, &op("").replace("\"x\"", &format!("{:?}", "y".repeat(60_000)))), "there is no gate"),
    ] {
        let error = Circuit::from_json(&text).unwrap_err().to_string();
        assert!(error.contains(message) && error.len() < 600, "{error}");
    }
    assert_eq!(Circuit::from_json(&file(MAX_REGISTER as u64, 0, &op(""))).unwrap().qubits(), MAX_REGISTER);
}

#[test]
fn long_circuits_are_drawn_in_proportion_to_their_length() {
    let chain = |gates: usize| {
        let mut circuit = Circuit::new(5);
        for k in 0..gates {
            circuit.push(Gate::Cx, &[k % 5, (k + 1) % 5], &[]).unwrap();
        }
        circuit
    };
    let circuit = chain(60_000);
    let start = Instant::now();
    draw::check(&circuit).unwrap();
    assert_eq!(draw::svg(&circuit).matches("class=\"flip\"").count(), 60_000);
    assert!(draw::text(&circuit, 100).len() > 60_000);
    assert!(start.elapsed() < LONGEST, "{:?}", start.elapsed());
    assert!(draw::check(&chain(600_000)).unwrap_err().to_string().contains("draw a part of it"));
    let mut wide = Circuit::new(4096);
    for _ in 0..5000 {
        wide.push(Gate::X, &[0], &[]).unwrap();
    }
    assert!(draw::check(&wide).is_err());
}

#[test]
fn version_2_counts_the_gates_of_many_controls_before_it_writes_them() {
    let mut circuit = Circuit::new(30);
    let operands: Vec<usize> = (0..30).collect();
    let kind = OpKind::Gate { gate: Gate::Rx, params: Params::from_slice(&[0.3.into()]), controls: 29 };
    for _ in 0..2000 {
        circuit.append(Op::of(kind.clone(), &operands)).unwrap();
    }
    let start = Instant::now();
    let written = write2(&circuit);
    assert!(start.elapsed() < LONGEST, "{:?}", start.elapsed());
    if let Err(error) = written {
        assert!(error.to_string().contains("OpenQASM 3"), "{error}");
    }
}

#[test]
fn a_bit_that_a_condition_names_twice_must_agree_with_itself() {
    for (value, statements) in [(3, 1), (1, 0)] {
        let mut circuit = Circuit::with_bits(1, 1);
        let condition = Some(Condition { bits: vec![0, 0], value });
        circuit.append(Op { condition, ..Op::gate(Gate::X, &[0], &[]) }).unwrap();
        assert_eq!(parse(&write2(&circuit).unwrap()).ops().len(), statements, "value {value}");
        assert_eq!(parse(&write3(&circuit, &WriteOptions::default())).ops().len(), statements, "value {value}");
    }
}

/// Circuit JSON may list the qubits of a barrier and the bits of a condition in any order and twice, want a bit to be 0 and 1,
/// and give slots names of which OpenQASM makes one.
#[test]
fn what_only_json_can_say_is_written_as_it_is_read_again() {
    let mut circuit = Circuit::with_bits(3, 2);
    let push = |circuit: &mut Circuit, op: Op| {
        circuit.append(op).unwrap();
    };
    for qubits in [&[2, 0, 1][..], &[2, 0]] {
        push(&mut circuit, Op::of(OpKind::Barrier, qubits));
    }
    for (bits, value) in [(vec![0, 0], 1), (vec![0, 0], 3), (vec![1, 0], 1), (vec![1, 0, 1], 5)] {
        push(&mut circuit, Op { condition: Some(Condition { bits, value }), ..Op::gate(Gate::X, &[0], &[]) });
    }
    let text = write3(&circuit, &WriteOptions::default());
    let lines: Vec<&str> = text.lines().skip(2).collect();
    assert_eq!(lines[..4], ["qubit[3] q;", "bit[2] c;", "barrier q;", "barrier q[0], q[2];"]);
    assert_eq!(lines[4..], ["if (c[0]) { x q[0]; }", "if (c == 2) { x q[0]; }", "if (c == 2) { x q[0]; }"]);
    let again = read(&text, &ReadOptions::default()).unwrap();
    assert_eq!(write3(&again, &WriteOptions::default()), text);
    let older = write2(&circuit).unwrap();
    let conditional: Vec<&str> = older.lines().filter(|line| line.starts_with("if")).collect();
    assert_eq!(
        conditional,
        ["if (c == 1) x q[0];", "if (c == 3) x q[0];", "if (c == 2) x q[0];", "if (c == 2) x q[0];"]
    );

    let mut slots = Circuit::new(1);
    for k in 0..30_000 {
        // Each is written as underscores and a number.
        let slot = slots.slot(["é", "éé", "é!"][k % 3]);
        slots.push(Gate::Rz, &[0], &[slot]).unwrap();
    }
    let begun = Instant::now();
    write3(&slots, &WriteOptions::default());
    assert!(begun.elapsed() < LONGEST, "{:?}", begun.elapsed());
}
