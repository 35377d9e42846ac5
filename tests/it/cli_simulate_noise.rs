//! `qgraft simulate` with noise that a file lists or that is twirled.

use std::fs;

use qgraft::sim::mitigate::MITIGATIONS;
use serde_json::Value;

use crate::cli_simulate::{close, directory, json, simulate, within};
use crate::support::cases::numbers;

#[test]
fn twirled_noise_of_a_device_runs_on_the_stabilizer_engine() {
    let directory = directory();
    let arguments = ["native.qasm", "--device", "manila", "--twirl", "--observable", "Z0 Z1"];
    let found = ["stabilizer", "density"]
        .map(|engine| json(directory.path(), &[&arguments[..], &["--engine", engine]].concat()));
    for key in ["probabilities", "expectations"] {
        close(&numbers(&found[0][key]), &numbers(&found[1][key]), key);
    }
    assert!(found[0]["repairs"].to_string().contains("Pauli twirls"), "{}", found[0]["repairs"]);
    let plain = json(directory.path(), &[&arguments[..3], &arguments[4..]].concat());
    let moved = (numbers(&plain["expectations"])[0] - numbers(&found[0]["expectations"])[0]).abs();
    assert!(moved > 0.0 && moved < 0.05, "a twirl changes noise a little: {moved}");
    // The same from a list.
    let list = "{\"channels\": {\"cx 0 1\": {\"depol\": 0.01, \"relax\": [[1e-4, 8e-5, 3e-6], [1e-4, 9e-5, 3e-6]]}}}";
    fs::write(directory.path().join("noise.json"), list).unwrap();
    let arguments = ["native.qasm", "--noise", "noise.json", "--engine", "stabilizer"];
    assert!(!simulate(directory.path(), &arguments).status.success(), "relaxation is no Pauli channel");
    let found = json(directory.path(), &[&arguments[..], &["--twirl"]].concat());
    assert!(found["repairs"].to_string().contains("3 noise channels"), "{}", found["repairs"]);
}

/// The probabilities that Aer's own simulator gives, from tests/reference/aer_model.py.
#[test]
fn a_noise_model_of_aer_gives_aer_s_probabilities() {
    let reference: Value = serde_json::from_str(include_str!("../reference/aer_model.json")).unwrap();
    let directory = directory();
    fs::write(directory.path().join("c.qasm"), reference["circuit"].as_str().unwrap()).unwrap();
    fs::write(directory.path().join("model.json"), reference["model"].to_string()).unwrap();
    let found = json(directory.path(), &["c.qasm", "--noise", "model.json", "--engine", "density"]);
    // Aer's terms are written with 12 digits and cut where they are below 1e-10.
    within(1e-8, &numbers(&found["probabilities"]), &numbers(&reference["probabilities"]), "against Aer");
    let out = simulate(directory.path(), &["c.qasm", "--noise", "model.json", "--device", "manila"]);
    assert_eq!(out.status.code(), Some(2), "noise comes from one place");
}

#[test]
fn one_number_for_all_gates_is_noise_too() {
    let directory = directory();
    let file = |text: &str| fs::write(directory.path().join("noise.json"), text).unwrap();
    file(r#"{"one_qubit_gates": {"depol": 0.1}, "two_qubit_gates": {"depol": 0.2}, "readout": [0.02, 0.03]}"#);
    fs::write(
        directory.path().join("x.qasm"),
        "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[1]; creg c[1]; x q[0]; measure q[0] -> c[0];",
    )
    .unwrap();
    let found = json(directory.path(), &["x.qasm", "--noise", "noise.json"]);
    // Depolarizing by 0.1 leaves 1 with 0.95.
    let zero = 0.05 * 0.98 + 0.95 * 0.03;
    close(&numbers(&found["probabilities"]), &[zero, 1.0 - zero], "x, depolarized and read");
    let unitary = |params: &str| {
        let row = r#""type": "qerror", "operations": ["x"], "probabilities": [1.0]"#;
        format!(r#"{{"errors": [{{{row}, "instructions": [[{{"qubits": [0], {params}}}]]}}]}}"#)
    };
    let cases = [
        ("{".to_owned(), "noise.json"),
        (r#"{"one_qubit_gate": {"depol": 0.1}}"#.into(), "one_qubit_gates"),
        (r#"{"two_qubit_gates": {"depol": 1.5}}"#.into(), "two_qubit_gates"),
        (r#"{"channels": {"warp 0": {"depol": 0.1}}}"#.into(), "warp"),
        (unitary(r#""name": "warp""#), "errors[0]: has the instruction \"warp\""),
        (unitary(r#""name": "unitary", "params": [[[[1, 0], [0, 0]], [[0, 0], [2, 0]]]]"#), "not complete"),
        (unitary(r#""name": "kraus", "params": [[[[1, 0]]]]"#), "matrix of 1x1"),
        (unitary(r#""name": "pauli", "params": ["Q"]"#), "letter 'Q'"),
        (unitary(r#""name": "id""#).replace("\"x\"", "\"measure\""), "before measurements"),
        (unitary(r#""name": "id""#).replace("\"x\"", "\"cx\""), "acts on 1 qubits, its operation cx on 2"),
        (unitary(r#""name": "id""#).replace("1.0", "1.5"), "probability 1.5"),
    ];
    for (text, word) in cases {
        file(&text);
        let out = simulate(directory.path(), &["x.qasm", "--noise", "noise.json"]);
        let message = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{text}: {message}");
        assert!(message.contains(word) && message.contains("noise.json"), "{text}: {message:?} does not name {word:?}");
    }
}

/// Two qubits in gates of manila, not measured.
const PAIR: &str = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[2]; sx q[0]; rz(0.4) q[0]; sx q[0]; cx q[0], q[1];";

#[test]
fn every_mitigation_is_an_option_and_brings_values_nearer_to_the_ideal_ones() {
    let directory = directory();
    fs::write(directory.path().join("pair.qasm"), PAIR).unwrap();
    let plain = ["pair.qasm", "--observable", "Z0 Z1", "--observable", "Z0"];
    let ideal = numbers(&json(directory.path(), &plain)["expectations"]);
    let noisy = [&plain[..], &["--device", "manila"]].concat();
    let unmitigated = numbers(&json(directory.path(), &noisy)["expectations"]);
    for row in MITIGATIONS {
        let found = json(directory.path(), &[&noisy[..], &["--mitigation", row.name]].concat());
        let told = &found["mitigation"];
        assert_eq!(found["observables"], serde_json::json!(["Z0 Z1", "Z0"]));
        let engine = found["engine"].as_str().unwrap();
        assert!(!engine.contains("auto") && !engine.contains(" with "), "{}: {engine}", row.name);
        assert_eq!(told["methods"], serde_json::json!([row.name]));
        close(&numbers(&told["unmitigated"]), &unmitigated, row.name);
        let intervals = told["intervals"].as_array().unwrap();
        assert_eq!(intervals.len(), 2, "{}", row.name);
        assert!(intervals.iter().all(|half| half.is_number() == row.draws), "{}: {intervals:?}", row.name);
        let overheads = told["overheads"].as_array().unwrap();
        assert!(overheads.iter().all(|f| f.as_f64().is_none_or(|f| f >= 1.0)), "{}: {overheads:?}", row.name);
    }
    let methods = ["--mitigation", "readout_inversion,error_cancellation"];
    let found = json(directory.path(), &[&noisy[..], &methods].concat());
    let (values, halves) = (numbers(&found["expectations"]), numbers(&found["mitigation"]["intervals"]));
    for o in 0..2 {
        // Twice the half-width: one interval in twenty does not hold its value.
        let (wrong, before) = ((values[o] - ideal[o]).abs(), (unmitigated[o] - ideal[o]).abs());
        assert!(wrong <= 2.0 * halves[o] && wrong < before, "{wrong} ± {}, without {before}", halves[o]);
    }
    let again = json(directory.path(), &[&noisy[..], &methods].concat());
    assert_eq!(found["expectations"], again["expectations"]);
    // Shots make intervals of what does not draw by itself.
    let with_shots = [&noisy[..], &["--mitigation", "zero_noise_linear", "--shots", "200"]].concat();
    let found = json(directory.path(), &with_shots);
    assert!(numbers(&found["mitigation"]["intervals"]).iter().all(|half| *half > 0.0), "{found}");
    let out = simulate(directory.path(), &with_shots);
    let text = String::from_utf8_lossy(&out.stdout).to_string();
    assert!(text.contains("eight runs of 200 shots") && text.contains("4.38"), "{text}");
}

#[test]
fn mitigation_that_cannot_be_done_is_refused() {
    let directory = directory();
    fs::write(directory.path().join("pair.qasm"), PAIR).unwrap();
    fs::write(directory.path().join("noise.json"), r#"{"two_qubit_gates": {"depol": 0.9}}"#).unwrap();
    let z = ["pair.qasm", "--observable", "Z0 Z1"];
    for (arguments, message) in [
        (vec!["--mitigation", "pauli_twirling"], "give --device or --noise"),
        (vec!["--device", "manila", "--mitigation", "no_such"], "readout_inversion, readout_subspace"),
        (vec!["--device", "manila", "--mitigation", "decoupling,decoupling"], "decoupling twice"),
        (vec!["--noise", "noise.json", "--mitigation", "decoupling"], "give --device"),
        (vec!["--noise", "noise.json", "--mitigation", "error_cancellation"], "draw at least γ²"),
        (vec!["--device", "manila", "--mitigation", "pauli_twirling", "--probabilities"], "--probabilities"),
    ] {
        let out = simulate(directory.path(), &[&z[..], &arguments].concat());
        let text = String::from_utf8_lossy(&out.stderr).to_string();
        assert!(!out.status.success() && text.contains(message), "{arguments:?}: {text}");
    }
    let out = simulate(directory.path(), &["pair.qasm", "--device", "manila", "--mitigation", "pauli_twirling"]);
    assert_eq!(out.status.code(), Some(2), "expectation values are what is mitigated");
}
