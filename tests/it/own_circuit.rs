//! Own circuits as heads: what is read, what is refused, trained, saved, loaded, and run without their file.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use ndarray::Array2;
use qgraft::circuit::ansatz::ANSATZE;
use qgraft::circuit::{Ansatz, Circuit};
use qgraft::data::{FeatureRows, FeatureSplit};
use qgraft::math::Stream;
use qgraft::nn::head::{Body, CircuitConfig, HEADS, HeadConfig};
use qgraft::sim::Condition;
use qgraft::study::{TrainedHead, Trainer};
use tempfile::TempDir;

const HEAD: &str = "OPENQASM 3.0; include \"stdgates.inc\";";

fn example() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/circuits/own_head.qasm"))
}

/// Two classes around 1 and -1 in 6 columns.
fn data() -> FeatureSplit {
    let rows = |count: usize, seed: u64| {
        let mut stream = Stream::named(seed, "test");
        let centre = |row: usize| if row.is_multiple_of(2) { 1.0 } else { -1.0 };
        FeatureRows {
            values: Array2::from_shape_fn((count, 6), |(row, _)| (centre(row) + 0.3 * stream.normal()) as f32),
            labels: (0..count).map(|row| row % 2).collect(),
            classes: vec!["up".into(), "down".into()],
            ids: (0..count).map(|row| row.to_string()).collect(),
        }
    };
    FeatureSplit { training: rows(32, 1), validation: rows(12, 2) }
}

#[test]
fn features_weights_and_observables_are_read_by_name_and_comment() {
    let ansatz = Ansatz::read(&fs::read_to_string(example()).unwrap(), "own_head.qasm").unwrap();
    assert_eq!((ansatz.circuit.qubits(), ansatz.features(), ansatz.weights()), (3, 3, 6));
    assert_eq!(ansatz.circuit.slot_names()[..4], ["x[0]", "x[1]", "x[2]", "w[0]"]);
    let observables: Vec<String> = ansatz.observables.iter().map(ToString::to_string).collect();
    assert_eq!(observables, ["Z0 Z1", "X2", "0.5 Z0 + 0.5 Z2"]);

    // Any order of declaration; names of every customary form; measurements at the end.
    let text = format!(
        "{HEAD} input float w_1; input float[64] x_1; input float weight; input float x0; qubit[2] q; bit[2] c;
         ry(2 * x0) q[0]; ry(x_1) q[1]; rz(w_1) q[0]; rz(-weight) q[1]; c = measure q;"
    );
    let ansatz = Ansatz::read(&text, "names.qasm").unwrap();
    assert_eq!(ansatz.circuit.slot_names(), ["x_1", "x0", "w_1", "weight"]);
    assert_eq!((ansatz.inputs, ansatz.circuit.bits(), ansatz.observables.len()), (2, 0, 2));
    // Circuit JSON is as good.
    let again = Ansatz::read(&ansatz.circuit.to_json(), "circuit.json").unwrap();
    assert_eq!(again, ansatz);
}

#[test]
fn circuits_that_cannot_be_heads_are_refused_by_name_and_with_what_to_write() {
    for (body, expected) in [
        ("input float theta; qubit q; rx(theta) q;", "input theta: names of features begin with x"),
        ("input float w0; qubit q; rx(w0) q;", "write `input float[64] x0;`"),
        ("qubit q; h q;", "no input begins with x"),
        ("input float x; input float w3; qubit q; rx(x) q;", "input w3: no gate has it"),
        ("input array[float, 2] x; qubit q; rx(x[0]) q;", "input x[1]: no gate has it"),
        ("input float x; qubit q; bit c; rx(x) q; c = measure q; x q;", "follows the measurement of qubit 0"),
        ("input float x; qubit q; reset q; rx(x) q;", "reset acts on qubit 0"),
        (
            "input float x; qubit[2] q; bit c; rx(x) q[0]; c = measure q[0]; if (c == 1) { x q[1]; }",
            "under a condition",
        ),
        ("input float x; qubit[193] q; rx(x) q[0];", "193 qubits; a head has 1 to 192"),
        ("input float x; qubit q; rx(x) q;\n// observables: Z1", "observable Z1: the circuit has qubits 0 to 0"),
        ("input float x; qubit q; rx(x) q;\n// observables: Q0", "one of I X Y Z"),
        ("input float x; qubit q; foo(x) q;", "mine.qasm:1:"),
        ("input float x; input float w; qubit q; rx(floor(x + w)) q;", "a number is needed"),
    ] {
        let error = Ansatz::read(&format!("{HEAD} {body}"), "mine.qasm").unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("mine.qasm"), "{body}: {error}");
    }
    let wide = HeadConfig::named("quantum").unwrap().circuit_file(example()).unwrap().model(2, 2);
    let error = wide.err().unwrap().to_string();
    assert!(error.contains("3 features") && error.contains("puts out 2"), "{error}");
    let outside = HeadConfig::named("quantum").unwrap().observables(&["Z9"]).model(6, 2).err().unwrap().to_string();
    assert!(outside.contains("Z9") && outside.contains("qubits 0 to 3"), "{outside}");
}

#[test]
fn without_entanglers_an_own_circuit_keeps_its_gates_on_one_qubit() {
    let whole = Ansatz::read(&fs::read_to_string(example()).unwrap(), "own_head.qasm").unwrap();
    let text = format!(
        "{HEAD} input float x; input float w0; input float w1; qubit[2] q; rx(x) q; rzz(w0) q[0], q[1]; ry(w1) q;"
    );
    let both = Ansatz::read(&text, "rzz.qasm").unwrap().separable();
    assert_eq!(both.circuit.slot_names(), ["x", "w1"]);
    let bare = whole.separable();
    assert_eq!((bare.features(), bare.weights()), (3, 6));
    assert!(bare.circuit.ops().iter().all(|op| op.qubits.len() == 1));
}

/// Every head on a few circuits of the table, with other encodings, pairs and observables, and on an own one.
#[test]
fn every_head_predicts_the_same_after_saving_and_loading() {
    let plain = |ansatz: &str| CircuitConfig { ansatz: ansatz.into(), qubits: 2, depth: 1, ..CircuitConfig::default() };
    let own = HeadConfig::named("quantum").unwrap().circuit_file(example()).unwrap().circuit;
    let changed = CircuitConfig {
        encoding: Some("zz_feature_map".into()),
        entanglement: Some("full".into()),
        observables: ["Z0 Z1", "X1", "0.5 Z0 - Y1"].map(String::from).to_vec(),
        ..plain("efficient_su2")
    };
    let reduced = CircuitConfig { observables: vec!["Z0".into()], ..plain("amplitude") };
    let circuits = [plain("dressed"), plain("reuploading"), plain("iqp"), changed, reduced, own];
    let data = data();
    for row in HEADS.iter().filter(|row| !matches!(row.body, Body::Kernel)) {
        for circuit in &circuits {
            let what = format!("{} {}", row.name, circuit.ansatz);
            let head = HeadConfig { row, circuit: circuit.clone() };
            let trained = Trainer::adam(0.1).epochs(1).fit(&head, &data).unwrap_or_else(|e| panic!("{what}: {e}"));
            let expected = trained.predict(data.validation.values.view()).unwrap();
            let loaded = TrainedHead::from_bytes(&trained.to_bytes().unwrap(), Path::new("head")).unwrap();
            assert_eq!(loaded.predict(data.validation.values.view()).unwrap(), expected, "{what}");
            assert_eq!(loaded.config.circuit, head.circuit, "{what}");
        }
    }
}

#[test]
fn an_own_head_learns_and_runs_under_noise_and_shots() {
    let data = data();
    let head = HeadConfig::named("quantum").unwrap().circuit_file(example()).unwrap();
    let trained = Trainer::adam(0.1).epochs(10).fit(&head, &data).unwrap();
    assert_eq!(trained.evaluate(&data.validation).unwrap().accuracy(), 1.0);
    let clean = trained.predict(data.validation.values.view()).unwrap();
    for condition in [Condition::on_device("manila"), Condition { shots: Some(256), ..Condition::on_device("manila") }]
    {
        let noisy = trained.under(&condition, 0).unwrap().predict(data.validation.values.view()).unwrap();
        assert!(noisy != clean && noisy.iter().all(|p| p.is_finite()), "{condition}");
    }
    // The circuit that is exported measures what the file says, and is itself a circuit to be read.
    let circuit: Circuit = trained.circuit().unwrap();
    assert_eq!((circuit.slots(), circuit.qubits()), (3, 3));
}

#[test]
fn a_circuit_without_weights_is_a_feature_map_under_a_linear_read_out() {
    let data = data();
    let mut circuit = Circuit::new(1);
    let x = circuit.slot("x");
    circuit.push(qgraft::circuit::Gate::Ry, &[0], &[x]).unwrap();
    let head = HeadConfig::named("quantum").unwrap().own_circuit(&circuit).unwrap().observables(&["X0", "Z0"]);
    let trained = Trainer::adam(0.1).epochs(10).fit(&head, &data).unwrap();
    assert_eq!(trained.evaluate(&data.validation).unwrap().accuracy(), 1.0);
    let loaded = TrainedHead::from_bytes(&trained.to_bytes().unwrap(), Path::new("head")).unwrap();
    assert_eq!(
        loaded.predict(data.validation.values.view()).unwrap(),
        trained.predict(data.validation.values.view()).unwrap()
    );
}

#[test]
fn observables_change_the_read_out_of_every_head_with_a_circuit() {
    for row in HEADS.iter().filter(|row| row.is_dressed()) {
        let head = HeadConfig { row, circuit: CircuitConfig::default() }.observables(&["Z0 Z1", "Y2"]);
        let model = head.model(16, 2).unwrap();
        assert_eq!(model.execution.unwrap().observables.len(), 2, "{}", row.name);
    }
    assert!(ANSATZE.iter().all(|row| row.build(2, 1, true).unwrap().observables.len() >= 2));
}

fn qgraft(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_qgraft")).args(arguments).current_dir(directory).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const SMALL: [&str; 8] = ["run", "qtl", "--preset", "smoke", "--heads", "linear,quantum,separable", "--seeds", "1"];

fn small(directory: &Path, more: &[&str]) -> Output {
    qgraft(directory, &[&SMALL, more].concat())
}

/// The first id of `--dry-run` that belongs to a trial of the head `quantum`.
fn id(out: &Output) -> String {
    let listing = text(&out.stdout);
    let line = listing.lines().find(|line| line.contains("head quantum") || line.contains("quantum"));
    line.unwrap_or_else(|| panic!("{listing}{}", text(&out.stderr))).split_whitespace().next().unwrap().to_string()
}

#[test]
fn a_run_needs_the_file_of_its_circuit_once() {
    let folder = TempDir::new().unwrap();
    let mine = folder.path().join("mine.qasm");
    fs::copy(example(), &mine).unwrap();
    let out = small(folder.path(), &["--ansatz", "mine.qasm", "--out", "first"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let first = id(&small(folder.path(), &["--ansatz", "mine.qasm", "--dry-run"]));

    // The content decides the id, not the name.
    fs::copy(&mine, folder.path().join("same.qasm")).unwrap();
    assert_eq!(id(&small(folder.path(), &["--ansatz", "same.qasm", "--dry-run"])), first);
    let changed = fs::read_to_string(&mine).unwrap().replace("2 * x[i]", "1.5 * x[i]");
    fs::write(&mine, changed).unwrap();
    assert_ne!(id(&small(folder.path(), &["--ansatz", "mine.qasm", "--dry-run"])), first);

    fs::remove_file(&mine).unwrap();
    let spec = fs::read_to_string(folder.path().join("first/spec.toml")).unwrap();
    assert!(spec.contains("input array[float[64], 6] w;") && spec.contains("qubits = 3"), "{spec}");
    let again = qgraft(folder.path(), &["run", "qtl", "--spec", "first/spec.toml", "--out", "again"]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    let read = |run: &str, file: &str| fs::read(folder.path().join(run).join(file)).unwrap();
    assert_eq!(read("first", "results.csv"), read("again", "results.csv"));
    assert_eq!(id(&qgraft(folder.path(), &["run", "qtl", "--spec", "first/spec.toml", "--dry-run"])), first);

    let export = qgraft(folder.path(), &["export", "first", "--head", "quantum", "--format", "qasm3"]);
    assert!(export.status.success(), "{}", text(&export.stderr));
    let exported = text(&export.stdout);
    assert!(exported.contains("input float x_0;") && !exported.contains("input float w"), "{exported}");
}

#[test]
fn circuits_are_varied_by_file_and_the_sweep_repeats_without_them() {
    let folder = TempDir::new().unwrap();
    fs::copy(example(), folder.path().join("a.qasm")).unwrap();
    fs::write(
        folder.path().join("b.qasm"),
        format!("{HEAD} input float x; input float w; qubit[2] q; ry(x) q[0]; cx q[0], q[1]; rx(w) q[1];"),
    )
    .unwrap();
    let vary = ["--vary", "circuit.ansatz=a.qasm,b.qasm,real_amplitudes", "--heads", "quantum", "--out", "sweep"];
    let out = qgraft(folder.path(), &[&["run", "qtl", "--preset", "smoke", "--seeds", "1"], &vary[..]].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    let results = fs::read_to_string(folder.path().join("sweep/results.csv")).unwrap();
    for name in ["a.qasm", "b.qasm", "real_amplitudes"] {
        assert!(results.contains(name), "{results}");
    }
    for name in ["a.qasm", "b.qasm"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    let again = qgraft(folder.path(), &["run", "qtl", "--spec", "sweep/spec.toml", "--out", "again"]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert_eq!(results, fs::read_to_string(folder.path().join("again/results.csv")).unwrap());

    // A suite reads files as a run does.
    fs::copy(example(), folder.path().join("a.qasm")).unwrap();
    let suite = "format = \"qgraft.suite/1\"\n[runs.own]\nsystem = \"qtl\"\npresets = [\"smoke\"]\nheads = [\"quantum\"]\n\
                 seeds = [0]\ncircuit.ansatz = \"a.qasm\"\ncircuit.observables = [\"Z0 Z1 Z2\"]\n";
    fs::write(folder.path().join("suite.toml"), suite).unwrap();
    let out = qgraft(folder.path(), &["study", "suite.toml", "--out", "suite"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
}

#[test]
fn settings_that_do_not_fit_an_own_circuit_are_refused_before_any_work() {
    let folder = TempDir::new().unwrap();
    fs::copy(example(), folder.path().join("mine.qasm")).unwrap();
    fs::write(
        folder.path().join("bad.qasm"),
        format!("{HEAD} input float x; input float phi; qubit q; rx(x) q; ry(phi) q;"),
    )
    .unwrap();
    for (arguments, expected) in [
        (&["--ansatz", "gone.qasm"][..], "gone.qasm"),
        (&["--ansatz", "bad.qasm"], "input phi: names of features begin with x"),
        (&["--ansatz", "mine.qasm", "--qubits", "5"], "circuit.qubits = 5: expected 3, as many as mine.qasm has"),
        (&["--ansatz", "mine.qasm", "--encoding", "iqp"], "circuit.encoding = iqp"),
        (&["--ansatz", "mine.qasm", "--observables", "Z0 Z7"], "Z0 Z7"),
        (&["--ansatz", "dresed"], "did you mean \"dressed\"?"),
        (&["--encoding", "zz"], "circuit.encoding"),
        (&["--entanglement", "linea"], "did you mean \"linear\"?"),
        (&["--observables", "Z0,Z0"], "twice"),
        (&["--vary", "circuit.ansatz=mine.qasm,gone.qasm"], "gone.qasm"),
    ] {
        let out = small(folder.path(), &[arguments, &["--out", "none"]].concat());
        let error = text(&out.stderr);
        assert!(!out.status.success() && error.contains(expected), "{arguments:?}: {error}");
        assert!(!folder.path().join("none").exists(), "{arguments:?}");
    }
}
