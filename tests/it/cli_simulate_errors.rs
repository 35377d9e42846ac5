//! `qgraft simulate` with engines that drop something, and what is said of the error.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::cli_simulate::{close, directory, json, simulate};
use crate::support::cases::numbers;

/// Four layers of generic rotations and CZ on a line.
fn line(directory: &Path, qubits: usize) {
    let mut text = format!("OPENQASM 3.0; include \"stdgates.inc\"; qubit[{qubits}] q;\n");
    for layer in 0..4 {
        for k in 0..qubits {
            text += &format!("ry({}) q[{k}]; rx(0.7) q[{k}];\n", 0.2 + 0.1 * (k % 7) as f64 + 0.3 * f64::from(layer));
        }
        (1..qubits).for_each(|k| text += &format!("cz q[{}], q[{k}];\n", k - 1));
    }
    fs::write(directory.join("line.qasm"), text).unwrap();
}

#[test]
fn engines_that_drop_something_state_the_error() {
    let directory = directory();
    line(directory.path(), 40);
    let run = |arguments: &[&str]| json(directory.path(), &[&["line.qasm", "--observable", "Z20"], arguments].concat());
    let exact = run(&["--engine", "statevector"])["expectations"][0].as_f64().unwrap();
    let error = |found: &Value, name: &str| found["errors"][0][name].as_f64();

    let met = run(&["--engine", "sparse", "--tolerance", "1e-3"]);
    let stated = error(&met, "interval").or(error(&met, "bound")).unwrap();
    assert!(stated <= 1e-3 && (met["expectations"][0].as_f64().unwrap() - exact).abs() <= 3.0 * stated, "{met}");
    let drawn = run(&["--engine", "sparse", "--cut", "0.02", "--roulette", "--seed", "5"]);
    let half = error(&drawn, "interval").expect("few strings always fit");
    assert!((drawn["expectations"][0].as_f64().unwrap() - exact).abs() <= 3.0 * half, "{drawn}");
    assert_eq!(drawn["errors"][0]["exact"], false);
    // Exact engines meet every tolerance and tell no error, or that there is none.
    let auto = run(&["--tolerance", "1e-3"]);
    assert!(auto.get("errors").is_none_or(|errors| errors[0]["exact"] == true), "{auto}");
    assert_ne!(auto["engine"], "trajectory", "{auto}");
    close(&numbers(&auto["expectations"]), &[exact], "auto");

    let chain = run(&["--engine", "mps"]);
    assert!((chain["expectations"][0].as_f64().unwrap() - exact).abs() < 1e-9, "{chain}");
    let narrow = run(&["--engine", "mps", "--most-bond", "2"]);
    assert!(error(&narrow, "fidelity").is_some_and(|f| f < 1.0), "{narrow}");
    assert_eq!((&narrow["errors"][0]["terms"], &narrow["errors"][0]["exact"]), (&2.into(), &false.into()));

    for (arguments, parts) in [
        (&["--engine", "sparse", "--tolerance", "1e-3"][..], &["The tolerance 1.0e-3 is met", "error at most"][..]),
        (&["--engine", "sparse", "--cut", "0.02", "--roulette"], &["95 % interval", "± ", "drift"]),
        (&["--engine", "mps", "--most-bond", "2"], &["fidelity about", "mps, double precision"]),
        (&["--engine", "mps", "--shots", "50"], &["counts", "bonds up to"]),
        (&["--explain"], &["stabilizer", "does not run this", "auto: ", "memory at most"]),
    ] {
        let out = simulate(directory.path(), &[&["line.qasm", "--observable", "Z20"], arguments].concat());
        let text = String::from_utf8(out.stdout).unwrap();
        for part in parts {
            assert!(
                text.contains(part),
                "{arguments:?}: {part:?} is not in\n{text}{}",
                String::from_utf8_lossy(&out.stderr)
            );
        }
    }
    for (arguments, part) in [
        (&["--engine", "mps", "--cut", "1e-3"][..], "--cut belongs to the engine sparse"),
        (&["--engine", "sparse", "--most-bond", "4"], "--most-bond belongs to the engine mps"),
        (&["--tolerance", "0"], "--tolerance 0"),
        (&["--tolerance", "-1"], "--tolerance -1"),
        (&["--tolerance", "nan"], "--tolerance NaN"),
        (&["--engine", "mps", "--tolerance", "1e-3"], "--tolerance belongs to the engine sparse"),
        (&["--engine", "sparse", "--tolerance", "1e-9", "--most-terms", "4"], "smallest bound"),
        (&["--engine", "mps", "--most-bond", "0"], "--most-bond 0"),
        (&["--probabilities"], "draw shots (`--shots`)"),
        (&["--engine", "mps", "--dropped-weight", "2"], "--dropped-weight 2"),
    ] {
        let out = simulate(directory.path(), &[&["line.qasm", "--observable", "Z20"], arguments].concat());
        let message = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!out.status.success() && message.contains(part), "{arguments:?}: {message}");
    }
}

#[test]
fn values_beside_outcomes_are_those_that_auto_takes_for_values() {
    let directory = directory();
    line(directory.path(), 70);
    let arguments = ["line.qasm", "--observable", "Z20"];
    let exact = json(directory.path(), &[&arguments[..], &["--engine", "statevector"]].concat());
    // No list holds the outcomes: a chain draws them, and drops what weighs 1e-4. The value feels fewer qubits.
    let drawn = ["--shots", "5", "--dropped-weight", "1e-4"];
    for more in [&[][..], &["--tolerance", "1e-9"]] {
        let found = json(directory.path(), &[&arguments[..], &drawn, more].concat());
        assert_eq!(found["engine"], "mps", "{found}");
        assert!(found["outcome_error"]["dropped"].as_u64().is_some_and(|dropped| dropped > 0), "{found}");
        let by = found["values_engine"].as_str().unwrap_or_default();
        assert!(by.starts_with("statevector on cones"), "{found}");
        close(&numbers(&found["expectations"]), &numbers(&exact["expectations"]), "values");
        assert!(found.get("errors").is_none(), "{found}");
    }
    // Nothing runs under --explain, which names both.
    let rows = json(directory.path(), &[&arguments[..], &drawn, &["--explain"]].concat());
    let chosen = rows[0]["chosen"].as_str().unwrap_or_default();
    assert!(
        chosen.starts_with("statevector on cones") && chosen.ends_with("outcomes by mps, shot by shot"),
        "{chosen}"
    );
    let few = json(directory.path(), &["bell.qasm", "--explain"]);
    assert_eq!(few[0]["chosen"], "outcomes by statevector", "{few}");
    let out = simulate(directory.path(), &[&arguments[..], &drawn].concat());
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(
        text.contains("mps, values by statevector on cones of at most") && text.contains("moves the probability"),
        "{text}"
    );
}

#[test]
fn trajectories_state_the_interval_of_their_means() {
    let directory = directory();
    let arguments = ["flip.qasm", "--observable", "Z0", "--engine", "trajectory", "--shots", "500"];
    let found = json(directory.path(), &arguments);
    let half = found["errors"][0]["interval"].as_f64().unwrap();
    // A fair coin: 1.96 / sqrt(500).
    assert!((half - 0.0877).abs() < 0.005 && found["errors"][0]["exact"] == false, "{found}");
    let text = String::from_utf8(simulate(directory.path(), &arguments).stdout).unwrap();
    assert!(text.contains("95 % interval") && !text.contains("error at most"), "{text}");
}

/// Shots of circuits past a printed list of outcomes are rows of bits wherever an engine draws them so.
#[test]
fn shots_of_clifford_circuits_make_no_list() {
    let directory = directory();
    let text = |qubits: usize| {
        format!(
            "OPENQASM 3.0; include \"stdgates.inc\"; qubit[{qubits}] q; bit[{qubits}] c; h q[0]; \
             for int k in [1:{}] {{ cx q[k - 1], q[k]; }} c = measure q;",
            qubits - 1
        )
    };
    for (qubits, engine) in [(3, "statevector"), (20, "stabilizer"), (26, "stabilizer"), (40, "stabilizer")] {
        fs::write(directory.path().join("ghz.qasm"), text(qubits)).unwrap();
        let found = json(directory.path(), &["ghz.qasm", "--shots", "300"]);
        assert_eq!(found["engine"], engine, "{qubits} qubits");
        assert_eq!(found["counts"].as_object().unwrap().len(), 2, "{qubits} qubits");
    }
    for (arguments, part) in [
        (&["ghz.qasm"][..], "draw shots (`--shots`), which"),
        (&["ghz.qasm", "--roulette"], "--roulette is about expectation values; give --observable"),
        (&["ghz.qasm", "--tolerance", "1e-3"], "--tolerance is about expectation values; give --observable"),
    ] {
        let out = simulate(directory.path(), arguments);
        let message = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!out.status.success() && message.contains(part), "{arguments:?}: {message}");
    }
}
