//! `qgraft simulate`: numbers against the library's, and every refusal one clear sentence.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use qgraft::circuit::qasm::{ReadOptions, read};
use qgraft::device::Device;
use qgraft::math::matrix::{C64, c};
use qgraft::noise::{NoiseModel, Program};
use qgraft::sim::{Angles, Density, ENGINES, Simulator, state};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::cases::numbers;

/// Two ways through the same double-precision arithmetic.
const TOLERANCE: f64 = 1e-12;

const BELL: &str = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[3]; ry(0.7) q[2]; cx q[2], q[0];";
/// Native on manila. Bit 2 measures qubit 0, bit 0 qubit 1.
const NATIVE: &str = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[5]; creg c[3]; x q[0]; sx q[1]; cx q[0], q[1];
    measure q[0] -> c[2]; measure q[1] -> c[0];";
/// Three qubits of 127, and two of 127 classical bits.
const WIDE: &str =
    "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[127]; creg c[127]; x q[100]; h q[7]; cx q[100], q[101];
    measure q[101] -> c[90]; measure q[7] -> c[3];";
const OPEN: &str = "OPENQASM 3.0; include \"stdgates.inc\"; input float a; qubit[2] q; rx(a) q[0];";
const FLIP: &str = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[2]; creg c[1]; h q[0]; measure q[0] -> c[0];
    if(c==1) x q[1];";

pub fn directory() -> TempDir {
    let directory = TempDir::new().unwrap();
    let file = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    for (name, text) in
        [("bell.qasm", BELL), ("native.qasm", NATIVE), ("wide.qasm", WIDE), ("open.qasm", OPEN), ("flip.qasm", FLIP)]
    {
        file(name, text);
    }
    for qubits in [20, 30, 40] {
        let register = format!("OPENQASM 2.0; include \"qelib1.inc\"; qreg q[{qubits}]; h q;");
        file(&format!("h{qubits}.qasm"), &register);
    }
    file("nan.qasm", "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[1]; rx(nan) q[0];");
    directory
}

pub fn simulate(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_qgraft")).arg("simulate").args(arguments).current_dir(directory).output().unwrap()
}

pub fn json(directory: &Path, arguments: &[&str]) -> Value {
    let out = simulate(directory, &[arguments, &["--json"]].concat());
    assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

pub fn close(found: &[f64], expected: &[f64], context: &str) {
    within(TOLERANCE, found, expected, context);
}

pub fn within(tolerance: f64, found: &[f64], expected: &[f64], context: &str) {
    assert_eq!(found.len(), expected.len(), "{context}");
    for (k, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() < tolerance, "{context}: {k} is {a}, not {b}");
    }
}

/// Shape and entries of a NumPy file.
fn npy(path: &Path) -> (Vec<usize>, Vec<C64>) {
    let bytes = fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!(start % 64, 0);
    let header = std::str::from_utf8(&bytes[10..start]).unwrap();
    assert!(header.contains("'descr': '<c16', 'fortran_order': False"), "{header}");
    let shape = header.split_once("'shape': (").unwrap().1.split_once(')').unwrap().0;
    let shape = shape.split(',').map(str::trim).filter(|s| !s.is_empty()).map(|s| s.parse().unwrap()).collect();
    let parts: Vec<f64> = bytes[start..].chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
    (shape, parts.chunks(2).map(|z| c(z[0], z[1])).collect())
}

#[test]
fn the_object_has_the_agreed_keys() {
    let directory = directory();
    let found = json(directory.path(), &["bell.qasm", "--threads", "1", "--observable", "Z0", "--shots", "10"]);
    for key in
        ["engine", "precision", "threads", "qubits", "seconds", "probabilities", "expectations", "counts", "repairs"]
    {
        assert!(found.get(key).is_some(), "{key} is missing in {found}");
    }
    assert_eq!((&found["engine"], &found["threads"]), (&"statevector".into(), &1.into()));
    assert_eq!((&found["precision"], &found["qubits"]), (&"double".into(), &3.into()));
    assert!(json(directory.path(), &["bell.qasm"]).get("counts").is_none(), "no shots, no counts");
}

#[test]
fn small_registers_are_whole_and_engines_agree() {
    let directory = directory();
    let (zero, one) = (0.35f64.cos().powi(2), 0.35f64.sin().powi(2));
    // Qubit 1 is never touched and keeps its bit.
    let expected = [zero, 0.0, 0.0, 0.0, 0.0, one, 0.0, 0.0];
    // One has no probabilities, the rotation is no Clifford gate, and chains are double.
    for row in ENGINES.iter().filter(|row| !["sparse", "stabilizer", "mps"].contains(&row.name)) {
        for (precision, tolerance) in [("double", TOLERANCE), ("single", 1e-5)] {
            let observables = ["--observable", "-Z0 Z2 + 0.5 X1", "--observable", "Z2"];
            let engine = ["bell.qasm", "--engine", row.name, "--precision", precision];
            let found = json(directory.path(), &[&engine[..], &observables].concat());
            let what = format!("{} in {precision} precision", row.name);
            within(tolerance, &numbers(&found["probabilities"]), &expected, &what);
            within(tolerance, &numbers(&found["expectations"]), &[-1.0, zero - one], &what);
            assert_eq!(found["precision"], precision, "{what}");
        }
    }
    let out = simulate(directory.path(), &["bell.qasm", "--observable", "Z0 Z2", "--shots", "100"]);
    let text = String::from_utf8(out.stdout).unwrap();
    for part in ["statevector, double precision", "000", "0.882421", "██", "qubits 2 to 0", "Z0 Z2", "1.000000"] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

/// An ideal chain of 100 entangled qubits, every third of which is measured, and one that is not a Clifford circuit.
fn chains(directory: &Path) {
    let mut text = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[100] q; bit[100] c; h q[0];\n".to_string();
    (1..100).for_each(|k| text += &format!("cx q[{}], q[{k}];\n", k - 1));
    fs::write(directory.join("other.qasm"), format!("{text} t q[0]; h q[0]; cx q[0], q[99];")).unwrap();
    fs::write(directory.join("chain.qasm"), &text).unwrap();
    (0..100).step_by(3).for_each(|k| text += &format!("c[{k}] = measure q[{k}];\n"));
    fs::write(directory.join("measured.qasm"), text).unwrap();
}

#[test]
fn shots_of_wide_clifford_circuits_are_counted_row_by_row() {
    let directory = directory();
    chains(directory.path());
    for (file, width, engine) in
        [("chain.qasm", 100, "stabilizer"), ("chain.qasm", 100, "auto"), ("measured.qasm", 34, "auto")]
    {
        let found = json(directory.path(), &[file, "--engine", engine, "--shots", "1000", "--observable", "Z0 Z99"]);
        assert_eq!((&found["engine"], &found["precision"]), (&"stabilizer".into(), &"double".into()));
        assert!(found.get("probabilities").is_none());
        let counts = found["counts"].as_object().unwrap();
        let both = [0, 1].map(|digit| counts[&digit.to_string().repeat(width)].as_u64().unwrap());
        // Five standard deviations of 1000 coins.
        assert!(counts.len() == 2 && both[0] + both[1] == 1000 && both[0].abs_diff(500) < 79, "{counts:?}");
        close(&numbers(&found["expectations"]), &[1.0], "both ends are equal");
    }
    let out = simulate(directory.path(), &["measured.qasm", "--shots", "1000"]);
    let text = String::from_utf8(out.stdout).unwrap();
    for part in ["stabilizer, double precision", "outcome", "counts", &"1".repeat(34), "classical bits 99, 96"] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    // What does not run says why and what would.
    for (arguments, part) in [
        (&["chain.qasm", "--engine", "stabilizer"][..], "draw shots"),
        (
            &["other.qasm", "--engine", "stabilizer", "--shots", "10"],
            "stabilizer cannot run t, which is no Clifford operation",
        ),
        (&["bell.qasm", "--twirl"], "--twirl changes noise"),
        (&["native.qasm", "--device", "manila", "--engine", "stabilizer"], "--twirl"),
    ] {
        let out = simulate(directory.path(), arguments);
        let message = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!out.status.success() && message.contains(part), "{arguments:?}: {message}");
    }
}

#[test]
fn classical_bits_include_their_readout_error() {
    let directory = directory();
    let device = Device::named("manila").unwrap();
    let circuit = read(NATIVE, &ReadOptions::default()).unwrap();
    for model in ["aer", "aer-asym", "scheduled"] {
        let program = NoiseModel::named(model).unwrap().apply(&circuit, &device, &[]).unwrap();
        let (inputs, weights) = (ndarray::Array2::zeros((1, 0)), ndarray::Array1::zeros(0));
        let angles = Angles { inputs: inputs.view(), weights: weights.view() };
        let expected = Density::default().probabilities(&program, angles).unwrap().row(0).to_vec();
        assert!(expected[0b100] > 0.4 && expected[0b101] > 0.4, "bit 2 is 1, bit 0 is a coin");
        let found = json(directory.path(), &["native.qasm", "--device", "manila", "--model", model]);
        close(&numbers(&found["probabilities"]), &expected, model);
        assert_eq!((&found["engine"], &found["bits"]), (&"density".into(), &vec![0, 1, 2].into()));
    }
}

#[test]
fn outcomes_have_the_names_of_the_file() {
    let directory = directory();
    let file = |text: &str| {
        fs::write(directory.path().join("named.qasm"), format!("OPENQASM 3.0; include \"stdgates.inc\"; {text}"))
            .unwrap();
    };
    // Bit 0 is c, bits 1 to 3 are n: 6 where the coin is 1, else 1.
    let body = "bit[2] hidden; h q[1]; hidden = measure q; n = 1; if (hidden[1]) n = 6; c = hidden[1];";
    file(&format!("qubit[2] q; output bit c; output uint[3] n; {body}"));
    let found = json(directory.path(), &["named.qasm", "--shots", "1000"]);
    let ones = found["counts"]["1101"].as_u64().unwrap();
    assert_eq!(
        found["registers"],
        serde_json::json!([
            {"name": "c", "bits": [0], "counts": {"0": 1000 - ones, "1": ones}},
            {"name": "n", "bits": [1, 2, 3], "counts": {"001": 1000 - ones, "110": ones}},
        ])
    );
    let text = |arguments: &[&str]| String::from_utf8(simulate(directory.path(), arguments).stdout).unwrap();
    let shown = text(&["named.qasm"]);
    for part in [" 110 1 ", " 001 0 ", "Highest first: n[3] c of classical bits 3 to 0."] {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
    // Without an output all registers, one that nothing is written to included; of many bits those that are used.
    file("qubit[2] q; bit[2] a; bit[40] b; x q[0]; a = measure q;");
    let found = json(directory.path(), &["named.qasm", "--shots", "5"]);
    let zeros = "0".repeat(40);
    assert_eq!(found["registers"][0]["counts"], serde_json::json!({"01": 5}));
    assert_eq!(found["registers"][1]["counts"], serde_json::json!({zeros: 5}));
    file("qubit[2] q; bit[2] a; x q[0]; a = measure q;");
    assert!(text(&["named.qasm"]).contains("Highest first: a, classical bits 1 to 0."));
    assert_eq!(json(directory.path(), &["bell.qasm"])["registers"], serde_json::json!([]));
}

#[test]
fn wide_registers_cost_what_they_use() {
    let directory = directory();
    let found = json(directory.path(), &["wide.qasm", "--observable", "Z100 Z101"]);
    assert_eq!((&found["qubits"], &found["active"]), (&3.into(), &vec![7, 100, 101].into()));
    assert_eq!(found["bits"], Value::from(vec![3, 90]));
    close(&numbers(&found["probabilities"]), &[0.0, 0.0, 0.5, 0.5], "bit 3 is a coin, bit 90 is 1");
    close(&numbers(&found["expectations"]), &[1.0], "both are 1");

    let noisy = json(directory.path(), &["wide.qasm", "--device", "sherbrooke"]);
    assert_eq!(noisy["qubits"], 3, "a device does not make it wider");
    let repairs = noisy["repairs"].to_string();
    assert!(repairs.contains("h(7)") && repairs.contains("cx(100, 101)"), "{repairs}");
    let out = simulate(directory.path(), &["wide.qasm", "--device", "sherbrooke"]);
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(text.contains("3 qubits for a register of 127") && text.contains("h(7)"), "{text}");
    assert!(text.contains("classical bits 90, 3"), "{text}");
}

#[test]
fn transpiling_answers_for_the_circuit_s_own_qubits() {
    let directory = directory();
    let ideal = json(directory.path(), &["bell.qasm", "--observable", "Z2", "--observable", "X0 X2"]);
    let arguments = ["bell.qasm", "--observable", "Z2", "--observable", "X0 X2", "--device", "torino", "--transpile"];
    let same = json(directory.path(), &[&arguments[..], &["--model", "ideal"]].concat());
    close(&numbers(&same["probabilities"]), &numbers(&ideal["probabilities"]), "without noise nothing changes");
    close(&numbers(&same["expectations"]), &numbers(&ideal["expectations"]), "without noise nothing changes");
    let noisy = json(directory.path(), &arguments);
    let lost = numbers(&ideal["expectations"])[1] - numbers(&noisy["expectations"])[1];
    assert!(0.001 < lost && lost < 0.3, "torino's noise costs a little: {lost}");
    assert_eq!(noisy["repairs"].to_string().matches("native").count(), 0, "{}", noisy["repairs"]);
}

#[test]
fn states_are_saved() {
    let directory = directory();
    let file = directory.path().join("state.npy");
    let program = Program::ideal(&read(BELL, &ReadOptions::default()).unwrap(), &[0, 1, 2]);
    let psi = state::statevector(&program, &[]).unwrap();
    let rho = state::projector(psi.view());
    let kept = state::partial_trace(rho.view(), &[2, 0]).unwrap();
    let saved: [(&[&str], Vec<usize>, Vec<C64>); 4] = [
        (&[], vec![8], psi.to_vec()),
        (&["--engine", "density"], vec![8, 8], rho.iter().copied().collect()),
        (&["--keep", "2,0"], vec![4, 4], kept.iter().copied().collect()),
        (&["--keep", "2,0", "--engine", "density"], vec![4, 4], kept.iter().copied().collect()),
    ];
    for (arguments, shape, entries) in saved {
        json(directory.path(), &[&["bell.qasm", "--save", "state.npy"], arguments].concat());
        let (found_shape, found) = npy(&file);
        assert_eq!(found_shape, shape, "{arguments:?}");
        let furthest = found.iter().zip(&entries).map(|(a, b)| (a - b).norm()).fold(0.0, f64::max);
        assert!(furthest < TOLERANCE, "{arguments:?}: off by {furthest:e}");
    }
    // The transpiler permutes the qubits, and the state is in the order of the file. Only a global phase may differ.
    json(
        directory.path(),
        &["bell.qasm", "--save", "state.npy", "--device", "torino", "--transpile", "--model", "ideal"],
    );
    let (shape, found) = npy(&file);
    let overlap = match shape[..] {
        [8] => state::overlap(ndarray::Array1::from(found).view(), psi.view()),
        _ => state::fidelity(ndarray::Array2::from_shape_vec((8, 8), found).unwrap().view(), psi.view()),
    };
    assert!((overlap - 1.0).abs() < TOLERANCE, "overlap {overlap}");
    // Under noise, before the measurements and before their readout errors.
    json(directory.path(), &["native.qasm", "--save", "state.npy", "--device", "manila", "--keep", "0"]);
    let (shape, found) = npy(&file);
    assert_eq!(shape, [2, 2]);
    assert!((found[0] + found[3] - 1.0).norm() < TOLERANCE && found[3].re > 0.99, "qubit 0 is 1: {found:?}");
}

#[test]
fn shots_depend_on_the_seed_alone() {
    let directory = directory();
    for engine in ["auto", "trajectory"] {
        let counts = |seed: &str, threads: &str| {
            let arguments = ["flip.qasm", "--engine", engine, "--shots", "500", "--seed", seed, "--threads", threads];
            json(directory.path(), &arguments)["counts"].clone()
        };
        let first = counts("1", "1");
        assert_eq!(first, counts("1", "2"), "{engine}");
        assert_ne!(first, counts("2", "1"), "{engine}");
        let all: Vec<f64> = first.as_object().unwrap().values().map(|n| n.as_f64().unwrap()).collect();
        assert_eq!(all.iter().sum::<f64>(), 500.0, "{engine}");
        // A fair coin: five standard deviations of 500 throws are 56.
        assert!((first["0"].as_f64().unwrap() - 250.0).abs() < 56.0, "{engine}: {first}");
    }
}

#[test]
fn open_angles_are_given_by_hand() {
    let directory = directory();
    let found = json(directory.path(), &["open.qasm", "--angles", "-0.6"]);
    close(&numbers(&found["probabilities"])[..2], &[0.3f64.cos().powi(2), 0.3f64.sin().powi(2)], "rx(-0.6)");
}

#[test]
fn long_lists_are_left_out_by_default() {
    let directory = directory();
    let short = json(directory.path(), &["h20.qasm", "--observable", "X0 X19"]);
    assert!(short.get("probabilities").is_none());
    close(&numbers(&short["expectations"]), &[1.0], "h20");
    let long = json(directory.path(), &["h20.qasm", "--probabilities"]);
    assert_eq!(long["probabilities"].as_array().unwrap().len(), 1 << 20);
}

#[test]
fn impossible_requests_are_one_clear_error() {
    let directory = directory();
    let cases: &[(&[&str], &[&str])] = &[
        // Too large: how much, and what instead.
        (&["h40.qasm"], &["40 qubits", "TiB", "draw shots"]),
        (&["h30.qasm"], &["statevector on 30 qubits", "24 GiB", "draw shots"]),
        (&["h40.qasm", "--engine", "statevector"], &["40 qubits", "TiB", "draw shots"]),
        (&["h40.qasm", "--engine", "trajectory"], &["40 qubits", "TiB", "use mps"]),
        (&["h20.qasm", "--engine", "density"], &["20 qubits", "TiB", "use statevector"]),
        (&["h20.qasm", "--engine", "pauli"], &["20 qubits", "TiB", "use statevector"]),
        (&["h40.qasm", "--precision", "single"], &["40 qubits", "TiB", "draw shots"]),
        (&["h40.qasm", "--engine", "statevector", "--precision", "single"], &["40 qubits", "TiB", "draw shots"]),
        (&["h40.qasm", "--engine", "trajectory", "--precision", "single"], &["40 qubits", "TiB", "use mps"]),
        (&["h20.qasm", "--engine", "density", "--precision", "single"], &["20 qubits", "TiB", "use statevector"]),
        (&["h20.qasm", "--engine", "pauli", "--precision", "single"], &["20 qubits", "TiB", "use statevector"]),
        (&["h20.qasm", "--engine", "density", "--save", "state.npy"], &["20 qubits", "TiB"]),
        (&["bell.qasm", "--shots", "1000000000000"], &["1000000000000 shots", "hours", "exact probabilities"]),
        (
            &["bell.qasm", "--shots", "1000000000000", "--engine", "trajectory"],
            &["1000000000000 shots", "days", "use statevector"],
        ),
        (&["bell.qasm", "--shots", "0"], &["--shots 0"]),
        // Not numbers.
        (&["open.qasm", "--angles", "NaN"], &["rx", "NaN", "finite"]),
        (&["open.qasm", "--angles", "inf"], &["rx", "inf", "finite"]),
        (&["nan.qasm"], &["nan.qasm", "nan"]),
        (&["open.qasm"], &["1 open angles (a)", "--angles"]),
        (&["bell.qasm", "--observable", "Z3"], &["no qubit 3", "has 3"]),
        (&["bell.qasm", "--observable", "Q0"], &["Q0", "Z0 Z1 + 0.5 X2"]),
        (&["bell.qasm", "--save", "state.npy", "--keep", "3"], &["no qubit 3"]),
        (&["bell.qasm", "--save", "state.npy", "--keep", "1,1"], &["qubit 1 twice"]),
        (&["bell.qasm", "--save", "state.npy", "--engine", "pauli"], &["pauli", "density"]),
        (&["bell.qasm", "--save", "absent/state.npy"], &["absent"]),
        (&["bell.qasm", "--engine", "stateveктор"], &["stateveктор", "statevector"]),
        (&["bell.qasm", "--device", "manilla"], &["manilla", "did you mean manila"]),
        (&["bell.qasm", "--device", "manila", "--model", "air"], &["air", "aer"]),
        (&["wide.qasm", "--device", "manila"], &["qubit 101", "manila has 5"]),
        (&["wide.qasm", "--device", "manila", "--transpile"], &["127", "5"]),
        (&["native.qasm", "--device", "manila", "--engine", "statevector"], &["channel", "density or trajectory"]),
        (&["flip.qasm", "--engine", "statevector"], &["before the end", "density or trajectory"]),
        (&["bell.qasm", "--threads", "0"], &["--threads 0"]),
        (&["absent.qasm"], &["absent.qasm"]),
    ];
    for (arguments, named) in cases {
        let out = simulate(directory.path(), arguments);
        let message = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{arguments:?}: {message}");
        assert!(out.stdout.is_empty() && !message.contains("panicked"), "{message}");
        for word in *named {
            assert!(message.contains(word), "{arguments:?}: {message:?} does not name {word:?}");
        }
        assert!(!directory.path().join("state.npy").exists(), "{arguments:?} left a file behind");
    }
    // Options that make no sense alone are clap's to refuse.
    for arguments in
        [&["bell.qasm", "--transpile"][..], &["bell.qasm", "--model", "aer"], &["bell.qasm", "--keep", "0"]]
    {
        assert_eq!(simulate(directory.path(), arguments).status.code(), Some(2), "{arguments:?}");
    }
}

/// Every command that reads a circuit finds what it includes, takes values for its inputs, and knows the time step of the
/// device it names.
#[test]
fn included_files_inputs_and_time_steps_are_known_to_every_command() {
    let directory = directory();
    fs::create_dir(directory.path().join("gates")).unwrap();
    fs::write(directory.path().join("gates/own.inc"), "gate twice a { sx a; sx a; }").unwrap();
    let text = "OPENQASM 3.0; include \"stdgates.inc\"; include \"own.inc\"; input int[4] n; qubit[2] q; \
                for int i in [1:n] { twice q[0]; } delay[DELAY] q[0];";
    fs::write(directory.path().join("own.qasm"), text.replace("DELAY", "16dt")).unwrap();
    fs::write(directory.path().join("own_ns.qasm"), text.replace("DELAY", "16ns")).unwrap();
    let commands: [&[&str]; 5] = [
        &["simulate", "own.qasm", "--device", "torino"],
        &["transpile", "own.qasm", "--device", "torino"],
        &["noise", "torino", "--explain", "own.qasm"],
        &["convert", "own_ns.qasm"],
        &["draw", "own_ns.qasm"],
    ];
    for arguments in commands {
        let run = |inputs: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_qgraft"));
            command.args(arguments).args(["--include", "gates"]);
            inputs.iter().for_each(|input| _ = command.args(["--input", input]));
            let out = command.current_dir(directory.path()).output().unwrap();
            (out.status.success(), String::from_utf8_lossy(&out.stderr).into_owned())
        };
        let (success, errors) = run(&["n=2"]);
        assert!(success, "{arguments:?}: {errors}");
        for (inputs, message) in [
            (&[][..], "as in --input n=1"),
            (&["n=2", "n=3"], "the input n is given two values"),
            (&["n=2", "m=3"], "which the text does not declare as input"),
            (&["n=9"], "the input n of type int[4] is given 9"),
        ] {
            let (success, errors) = run(inputs);
            assert!(!success && errors.contains(message), "{arguments:?} {inputs:?}: {errors}");
        }
    }
}
