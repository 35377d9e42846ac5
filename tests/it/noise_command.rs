//! `qgraft noise` from the command line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use qgraft::device::Device;
use serde_json::Value;

fn noise(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_qgraft")).arg("noise").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let out = noise(&[arguments, &["--json"]].concat());
    assert!(out.status.success(), "{arguments:?}: {}", text(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

fn refused(arguments: &[&str]) -> String {
    let out = noise(arguments);
    assert!(!out.status.success() && out.stdout.is_empty(), "{arguments:?}");
    text(&out.stderr)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).into()
}

#[test]
fn every_qubit_and_gate_is_listed_with_its_repairs() {
    let report = json(&["sherbrooke"]);
    assert_eq!(report["qubits"].as_array().unwrap().len(), 127);
    let gates = report["gates"].as_array().unwrap();
    let dead = gates.iter().find(|row| row["gate"] == "ecr" && row["qubits"] == serde_json::json!([8, 9])).unwrap();
    assert_eq!(dead["repairs"], serde_json::json!(["uncalibrated"]));
    for row in gates.iter().filter(|row| row["repairs"].as_array().unwrap().is_empty()) {
        let (reported, achieved) = (row["reported"].as_f64().unwrap(), row["achieved"].as_f64().unwrap());
        // 1 - F loses digits: some 1e-15.
        assert!((reported - achieved).abs() < 1e-14, "{row}");
    }
    let printed = text(&noise(&["oslo"]).stdout);
    for words in ["t2_above_twice_t1: T2 above 2 T1 is impossible, taken as 2 T1", "Apache-2.0", "cx"] {
        assert!(printed.contains(words), "{words}\n{printed}");
    }
}

#[test]
fn formats_are_converted_and_two_days_compared() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let props = root().join("tests/reference/ibm_noise/snapshots/props_manila.json");
    let stated = ["--origin", "made up", "--licence", "Apache-2.0"];
    let converted = path("a.json");
    let arguments = [&[props.to_str().unwrap(), "--write", &converted][..], &stated].concat();
    assert!(noise(&arguments).status.success());
    let written = Device::read(&converted).unwrap();
    let shipped = Device::named("manila").unwrap();
    assert_eq!(written.calibration.qubits, shipped.calibration.qubits);
    assert_eq!(written.calibration.source.licence, "Apache-2.0");
    assert_eq!(json(&["--diff", "manila", &converted])["changes"], serde_json::json!([]));
    let mut later = shipped;
    later.calibration.qubits[3].t1.as_mut().unwrap().0 *= 0.5;
    later.calibration.qubits[4].frequency = None;
    fs::write(path("b.json"), later.to_json()).unwrap();
    let changes = json(&["--diff", "manila", &path("b.json")])["changes"].clone();
    assert_eq!(changes.as_array().unwrap().len(), 2, "{changes}");
    assert_eq!((changes[0]["where"].as_str(), changes[0]["quantity"].as_str()), (Some("qubit   3"), Some("T1 / s")));
    assert!(changes[1]["after"].is_null() && changes[1]["before"].is_number(), "{changes}");
    let printed = text(&noise(&["--diff", "manila", &path("b.json")]).stdout);
    assert!(printed.contains("0.500"), "{printed}");
}

#[test]
fn lost_fidelity_is_attributed_to_sources_and_gates() {
    let circuit = root().join("circuits/ghz.qasm");
    for (device, model) in [("oslo", "aer"), ("oslo", "crosstalk"), ("boston", "crosstalk")] {
        let found = json(&[device, "--explain", circuit.to_str().unwrap(), "--model", model]);
        let lost = 1.0 - found["fidelity"].as_f64().unwrap();
        assert!(lost > 0.001 && lost < 0.5, "{device} {model}: {lost}");
        for (parts, remainder) in [("sources", "sources_remainder"), ("operations", "operations_remainder")] {
            let sum: f64 = found[parts].as_array().unwrap().iter().map(|part| part["lost"].as_f64().unwrap()).sum();
            let rest = found[remainder].as_f64().unwrap();
            assert!((lost - sum - rest).abs() < 1e-12, "{device} {model} {parts}");
            // Second order: the square of the loss, and a margin for coherent sources that add up.
            assert!(rest.abs() < 3.0 * lost * lost, "{device} {model} {parts}: {rest} of {lost}");
        }
        let names: Vec<&str> =
            found["sources"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
        assert!(["gate_error", "relaxation", "readout"].iter().all(|name| names.contains(name)), "{names:?}");
        assert_eq!(names.contains(&"zz"), model == "crosstalk", "{names:?}");
    }
}

#[test]
fn the_committed_table_of_layer_fidelities_is_current_and_meets_its_goal() {
    let folder = root().join("data/layer_fidelity");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().to_str().unwrap().to_owned())
        .filter(|path| path.ends_with(".json"))
        .collect();
    names.sort();
    names.extend(["sherbrooke", "torino", "fez", "boston"].map(String::from));
    let directory = tempfile::tempdir().unwrap();
    let table = directory.path().join("table.md").to_str().unwrap().to_owned();
    let mut arguments: Vec<&str> = vec!["--layer-fidelity", "--table", &table];
    arguments.extend(names.iter().map(String::as_str));
    let found = json(&arguments);
    let committed = fs::read_to_string(root().join("docs/results/layer_fidelity.md")).unwrap();
    assert_eq!(fs::read_to_string(&table).unwrap(), committed);
    let (closer, of) = (found["closer_than_aer"].as_f64().unwrap(), found["of"].as_f64().unwrap());
    let median = found["median_ratio"].as_f64().unwrap();
    assert!(closer / of >= 0.75 && (0.8..=1.25).contains(&median), "{closer} of {of}, median {median}");
    let left_out = found["left_out"].to_string();
    assert!(left_out.contains("cusco") && left_out.contains("no calibrated gate"), "{left_out}");
}

#[test]
fn what_makes_no_sense_is_one_clear_error() {
    assert!(refused(&[]).contains("one device is expected"));
    assert!(refused(&["manilla"]).contains("did you mean manila?"));
    assert!(refused(&["--diff", "manila"]).contains("two devices"));
    assert!(refused(&["--layer-fidelity", "manila"]).contains("layer fidelity"));
    let circuit = root().join("circuits/ghz.qasm");
    assert!(
        refused(&["manila", "--explain", circuit.to_str().unwrap(), "--model", "aerr"]).contains("did you mean aer")
    );
}
