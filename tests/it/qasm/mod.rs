//! OpenQASM in and out: Qiskit's states after import, round trips, messages of refused texts, hostile texts.

mod bounds;
mod classical;
mod differential;
mod directives;
mod flow;
mod formulas;
mod inputs;
mod plain;
mod refused;
mod statements;
mod stretches;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use qgraft::circuit::gate::GATES;
use qgraft::circuit::qasm::{ReadOptions, WriteOptions, number, read, read_with_notices, write2, write3};
use qgraft::circuit::{Circuit, Condition, Gate, Op, OpKind, Param};
use qgraft::math::{C64, Seconds, Stream};

/// Fidelities and matrix entries agree with Qiskit's to this: some hundred gates, each good to 1e-15.
const AGREEMENT: f64 = 1e-12;

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    file: Option<String>,
    text: Option<String>,
    angles: Vec<f64>,
    state: Option<Vec<f64>>,
    outcomes: Option<BTreeMap<u64, Vec<f64>>>,
}

impl Case {
    fn text(&self) -> String {
        self.text.clone().unwrap_or_else(|| std::fs::read_to_string(here(self.file.as_ref().unwrap())).unwrap())
    }

    /// Fails unless the circuit does what Qiskit's does.
    fn check(&self, circuit: &Circuit, angles: &[f64], what: &str) {
        let name = &self.name;
        if let Some(state) = &self.state {
            let expected = complex(state);
            let found = plain::state(circuit, angles);
            let wrong = plain::infidelity(&found, &expected);
            assert!(wrong < AGREEMENT, "{name}, {what}: {wrong:e}");
        }
        if let Some(outcomes) = &self.outcomes {
            let found = plain::run(circuit, angles);
            assert!(found.keys().eq(outcomes.keys()), "{name}, {what}: {:?}", found.keys());
            for (bits, rho) in outcomes {
                let expected = complex(rho);
                let built = plain::density(&found[bits]);
                let wrong = built.iter().zip(&expected).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max);
                assert!(wrong < AGREEMENT, "{name}, {what}, outcome {bits}: {wrong:e}");
            }
        }
    }
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn complex(parts: &[f64]) -> Vec<C64> {
    parts.chunks(2).map(|z| C64::new(z[0], z[1])).collect()
}

fn cases() -> Vec<Case> {
    serde_json::from_str(&std::fs::read_to_string(here("tests/reference/qasm.json")).unwrap()).unwrap()
}

fn parse(text: &str) -> Circuit {
    read(text, &ReadOptions::default()).unwrap_or_else(|error| panic!("{}\n{text}", error.report()))
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(here(folder)).unwrap().map(|e| e.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|e| e == ending)).collect();
    found.sort();
    assert!(!found.is_empty(), "{folder} holds no .{ending}");
    found
}

#[test]
fn imports_agree_with_qiskit() {
    let cases = cases();
    assert!(cases.len() >= 60);
    for case in &cases {
        case.check(&parse(&case.text()), &case.angles, "import");
    }
}

#[test]
fn exports_read_back_to_the_same_states() {
    for case in cases() {
        let circuit = parse(&case.text());
        let symbolic = parse(&write3(&circuit, &WriteOptions::default()));
        case.check(&symbolic, &case.angles, "OpenQASM 3");
        let bound = parse(&write2(&circuit.bind(&case.angles).unwrap()).unwrap());
        case.check(&bound, &[], "OpenQASM 2");
        assert_eq!(Circuit::from_json(&circuit.to_json()).unwrap(), circuit, "{}", case.name);
    }
}

#[test]
fn round_trips_change_no_letter() {
    for case in cases() {
        let circuit = parse(&case.text());
        let options = WriteOptions::default();
        let first = write3(&circuit, &options);
        assert_eq!(write3(&parse(&first), &options), first, "{}", case.name);
        let first = write2(&circuit.bind(&case.angles).unwrap()).unwrap();
        assert_eq!(write2(&parse(&first)).unwrap(), first, "{}", case.name);
    }
}

#[test]
fn the_library_has_headers_that_are_true() {
    let known: Vec<String> = cases().into_iter().filter_map(|case| case.file).collect();
    for path in files("circuits", "qasm") {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(known.iter().any(|file| file.ends_with(name)), "{name} is not in tests/reference/qasm.json");
        for field in ["Source:", "Qubits:", "Slots:"] {
            assert!(text.lines().take_while(|l| l.starts_with("//")).any(|l| l.contains(field)), "{name}: no {field}");
        }
        assert_eq!(text.contains("Slots: none"), parse(&text).slots() == 0, "{name}");
    }
}

/// A circuit of everything there is: every gate with fixed angles and with slots, controls, matrices, all else.
fn everything() -> Circuit {
    let mut circuit = Circuit::with_bits(6, 4);
    let slots: Vec<Param> = (0..4).map(|k| circuit.slot(format!("x[{k}]"))).collect();
    for (position, row) in GATES.iter().enumerate() {
        let operands: Vec<usize> = (0..row.qubits).map(|k| (k + position) % 6).collect();
        let fixed: Vec<Param> = (0..row.params.len()).map(|k| Param::Fixed(0.3 + k as f64 / 7.0)).collect();
        let affine: Vec<Param> = (0..row.params.len()).map(|k| slots[k] * 0.7 + (k as f64 - 1.1)).collect();
        circuit.push(row.gate, &operands, &fixed).unwrap();
        circuit.push(row.gate, &operands, &affine).unwrap();
        if row.qubits <= 3 {
            let operands: Vec<usize> = (0..row.qubits + 2).map(|k| (k + position) % 6).collect();
            let kind = OpKind::Gate { gate: row.gate, params: affine.into(), controls: 2 };
            circuit.append(Op::of(kind, &operands)).unwrap();
        }
    }
    circuit.unitary((Gate::U.row().matrix)(&[0.4, 0.5, 0.6]), &[3]).unwrap();
    circuit.unitary((Gate::Ecr.row().matrix)(&[]), &[4, 1]).unwrap();
    circuit.unitary((Gate::Rccx.row().matrix)(&[]), &[5, 0, 2]).unwrap();
    circuit.append(Op::of(OpKind::GlobalPhase(slots[0] * -0.5), &[])).unwrap();
    circuit.append(Op::of(OpKind::Barrier, &[1, 3])).unwrap();
    circuit.append(Op::of(OpKind::Barrier, &[0, 1, 2, 3, 4, 5])).unwrap();
    circuit.append(Op::of(OpKind::Delay(Seconds::nano(120.0)), &[1])).unwrap();
    circuit.append(Op::of(OpKind::Delay(Seconds(1.23456789e-7)), &[1])).unwrap();
    circuit.append(Op::of(OpKind::Delay(Seconds(2e-9 / 3.0)), &[1])).unwrap();
    circuit.measure(0, 2).unwrap().measure(1, 1).unwrap();
    for condition in [Condition { bits: vec![1, 2], value: 2 }, Condition { bits: vec![3], value: 0 }] {
        let op = Op::gate(Gate::Ry, &[3], &[slots[2]]);
        circuit.append(Op { condition: Some(condition.clone()), ..op }).unwrap();
        circuit.append(Op { condition: Some(condition), ..Op::of(OpKind::Reset, &[0]) }).unwrap();
    }
    circuit
}

#[test]
fn nothing_is_lost_on_the_way_out_and_back() {
    let circuit = everything();
    let angles = [0.11, -2.3, 4.5, 0.7];
    let original = plain::run(&circuit, &angles);
    let same = |other: &Circuit, angles: &[f64], what: &str| {
        let found = plain::run(other, angles);
        assert!(found.keys().eq(original.keys()), "{what}");
        for (bits, states) in &original {
            let (a, b) = (plain::density(states), plain::density(&found[bits]));
            let wrong = a.iter().zip(&b).map(|(x, y)| (x - y).norm()).fold(0.0, f64::max);
            assert!(wrong < AGREEMENT, "{what}, outcome {bits}: {wrong:e}");
        }
    };
    let text = write3(&circuit, &WriteOptions::default());
    let back = parse(&text);
    same(&back, &angles, "OpenQASM 3");
    assert_eq!(write3(&back, &WriteOptions::default()), text);
    // Version 3 keeps the global phase, so the amplitudes themselves agree.
    let (first, second) =
        (&original.values().next().unwrap()[0], &plain::run(&back, &angles).into_values().next().unwrap()[0]);
    let wrong = first.iter().zip(second).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max);
    assert!(wrong < AGREEMENT, "with phase: {wrong:e}");
    let physical = WriteOptions { physical_qubits: true, ..WriteOptions::default() };
    same(&parse(&write3(&circuit, &physical)), &angles, "physical qubits");

    let text = write2(&circuit.bind(&angles).unwrap()).unwrap();
    let back = parse(&text);
    same(&back, &[], "OpenQASM 2");
    assert_eq!(write2(&back).unwrap(), text);

    assert_eq!(Circuit::from_json(&circuit.to_json()).unwrap(), circuit);
}

#[test]
fn definitions_we_write_are_recognised() {
    // Each gate comes back as itself, not as the body of its definition.
    for row in GATES {
        let mut circuit = Circuit::new(row.qubits);
        let operands: Vec<usize> = (0..row.qubits).collect();
        let angles: Vec<Param> = (0..row.params.len()).map(|k| Param::Fixed(0.3 + k as f64)).collect();
        circuit.push(row.gate, &operands, &angles).unwrap();
        for text in [write2(&circuit).unwrap(), write3(&circuit, &WriteOptions::default())] {
            assert_eq!(parse(&text), circuit, "{text}");
        }
    }
}

#[test]
fn numbers_read_back_to_the_same_double() {
    let mut stream = Stream::named(3, "numbers");
    let mut values = vec![0.0, -0.0, 1.0, -1.5, 1e-7, 1e300, -2.5e-310, 0.1, 1e16, 123456789.0];
    values.extend((1..60).flat_map(|k| (1..40).map(move |d| f64::from(k) * std::f64::consts::PI / f64::from(d))));
    values.extend((0..2000).map(|_| f64::from_bits(stream.bits())).filter(|v| v.is_finite()));
    values.extend((0..2000).map(|_| stream.normal()));
    for value in values {
        for head in
            ["OPENQASM 2.0; include \"qelib1.inc\"; qreg q[1];", "OPENQASM 3.0; include \"stdgates.inc\"; qubit[1] q;"]
        {
            let circuit = parse(&format!("{head} rx({}) q[0];", number(value)));
            let Param::Fixed(found) = circuit.ops()[0].params()[0] else { panic!("not a number") };
            assert_eq!(found.to_bits(), value.to_bits(), "{value:e} as {}", number(value));
        }
    }
    assert_eq!(number(std::f64::consts::PI * 3.0 / 4.0), "3*pi/4");
    assert_eq!(number(-std::f64::consts::FRAC_PI_2), "-pi/2");
}

#[test]
fn refused_texts_name_the_position_and_what_to_write() {
    // Beside each text is its message; with UPDATE=1 the messages are written anew, to be read before committing.
    for path in files("tests/qasm/bad", "qasm") {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let options = ReadOptions { name: name.into(), max_operations: 10_000, ..ReadOptions::default() };
        let Err(error) = read(&text, &options) else { panic!("{name} was read") };
        let report: String = error.report().lines().map(|line| line.trim_end().to_string() + "\n").collect();
        let message = path.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&message, &report).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&message).unwrap_or_default(), report, "{name}");
        assert!(error.line > 0 && error.column > 0);
    }
}

#[test]
fn what_is_skipped_is_reported() {
    let text = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n#pragma fast\nqubit q;\n@note\nbox { x q; }\n\
                defcal x $0 { play { } }\ngate r(a, b) c { rx(a) c; rz(b) c; }\n\
                delay[durationof({x $0;})] q;\n";
    let reading = read_with_notices(text, &ReadOptions::default()).unwrap();
    let lines: Vec<usize> = reading.notices.iter().map(|notice| notice.line).collect();
    assert_eq!(lines, [3, 5, 6, 7, 8, 9], "{:?}", reading.notices);
    assert_eq!(reading.circuit.ops().len(), 2, "X and the delay");
}

#[test]
fn the_deepest_text_within_the_limits_fits_the_stack() {
    // Sixty gates defined by each other, each call in thirty blocks: far deeper than any person writes.
    let mut text = String::from("OPENQASM 3.0; include \"stdgates.inc\"; gate g0(t) a { rx(t) a; }\n");
    for k in 1..60 {
        let (open, close) = ("{".repeat(30), "}".repeat(30));
        text += &format!(
            "gate g{k}(t) a {{ {open} inv @ g{}({}t{}) a; {close} }}\n",
            k - 1,
            "(".repeat(50),
            ")".repeat(50)
        );
    }
    text += "qubit q; ctrl @ ctrl @ g59(0.5) q, q, q;";
    let error = read(&text, &ReadOptions::default()).unwrap_err();
    assert_eq!(error.message, "g59 gets one qubit twice");
    let circuit = parse(&text.replace("ctrl @ ctrl @ g59(0.5) q, q, q;", "g59(0.5) q;"));
    // Fifty-nine inversions of a rotation.
    assert_eq!(circuit.ops()[0], Op::gate(Gate::Rx, &[0], &[Param::Fixed(-0.5)]));
}

#[test]
fn broken_json_is_refused_by_name() {
    let good = everything().to_json();
    let cases = [
        ("qgraft-circuit-1", "qgraft-circuit-9", "field format is \"qgraft-circuit-9\""),
        ("\"name\":\"sxdg\"", "\"name\":\"sydg\"", "there is no gate \"sydg\""),
        ("\"qubits\": 6", "\"qubits\": 3", "is outside the register of 3"),
        ("\"ops\"", "\"operations\"", "unknown field `operations`"),
        ("]]]", "]", "not a circuit"),
        ("\"bits\": 4", "\"bits\": 0, \"scratch\": 4", "field scratch is 4 where bits is 0"),
    ];
    for (from, to, message) in cases {
        let error = Circuit::from_json(&good.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}
