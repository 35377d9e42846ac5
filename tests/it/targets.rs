//! A Qiskit target as a calibration: it is read as IBM's two documents of the same backend are, and refused by name.

use std::collections::BTreeMap;
use std::fs;

use qgraft::circuit::Gate;
use qgraft::device::{Device, DeviceError, GateData, QubitData};
use qgraft::math::Seconds;
use serde_json::{Value, json};

/// For each backend its target, properties and configuration (tests/reference/targets.py).
fn backends() -> BTreeMap<String, Value> {
    serde_json::from_str(include_str!("../reference/targets.json")).unwrap()
}

fn read(documents: &[(&str, &Value)]) -> Result<Device, DeviceError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, document) in documents {
        fs::write(folder.path().join(name), document.to_string()).unwrap();
    }
    Device::read(folder.path().join(documents[0].0).to_str().unwrap())
}

fn edited(edit: impl Fn(&mut Value)) -> Result<Device, DeviceError> {
    let mut target = backends()["fake_manila"]["target"].clone();
    edit(&mut target);
    read(&[("target.json", &target)])
}

/// Seconds that agree but for the rounding of one change of unit.
fn is_same(a: Option<Seconds>, b: Option<Seconds>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a.0 - b.0).abs() <= 4.0 * f64::EPSILON * b.0,
        (None, None) => true,
        _ => false,
    }
}

fn sorted(device: &Device) -> (Vec<&'static str>, Vec<GateData>) {
    let mut names: Vec<_> = device.basis.iter().map(|gate| gate.name()).collect();
    names.sort_unstable();
    // Properties also have rows of gates that are native only on request.
    let is_native = |row: &&GateData| device.basis.contains(&row.gate);
    let mut rows: Vec<GateData> = device.calibration.gates.iter().filter(is_native).cloned().collect();
    rows.sort_by_key(|row| (row.gate as usize, row.qubits.clone()));
    (names, rows)
}

#[test]
fn a_target_says_the_same_as_properties_and_configuration() {
    for (name, documents) in backends() {
        let target = read(&[("target.json", &documents["target"])]).unwrap();
        let ibm = read(&[("props_x.json", &documents["props"]), ("conf_x.json", &documents["conf"])]).unwrap();
        assert!(target.notices.is_empty(), "{name}: {:?}", target.notices);
        assert_eq!((&target.name, target.has_reset), (&ibm.name, ibm.has_reset));
        assert_eq!((target.details.timing, target.couplings()), (ibm.details.timing, ibm.couplings()), "{name}");
        assert!(is_same(target.dt, ibm.dt), "{name}: {:?}", target.dt);
        for (q, (own, other)) in target.calibration.qubits.iter().zip(&ibm.calibration.qubits).enumerate() {
            let numbers = |data: &QubitData| (data.frequency, data.readout_error, data.faulty);
            assert_eq!(numbers(own), numbers(other), "{name} qubit {q}");
            let times = [
                (own.t1, other.t1),
                (own.t2, other.t2),
                (own.readout_length, other.readout_length),
                (own.reset_length, other.reset_length),
            ];
            assert!(times.iter().all(|&(own, other)| is_same(own, other)), "{name} qubit {q}: {times:?}");
        }
        let ((own_names, own_rows), (other_names, other_rows)) = (sorted(&target), sorted(&ibm));
        assert_eq!(own_names, other_names, "{name}");
        assert_eq!(own_rows.len(), other_rows.len(), "{name}");
        for (own, other) in own_rows.iter().zip(&other_rows) {
            assert_eq!((own.gate, &own.qubits, own.error), (other.gate, &other.qubits, other.error), "{name}");
            assert!(is_same(own.length, other.length), "{name}: {own:?} {other:?}");
        }
    }
}

#[test]
fn what_a_target_leaves_out_is_unknown_or_named() {
    let bare = edited(|target| {
        let instructions = target["instructions"].clone();
        *target = json!({"num_qubits": 5, "instructions": instructions});
    })
    .unwrap();
    assert_eq!((bare.name.as_str(), bare.dt, bare.details.timing), ("unnamed", None, None));
    assert_eq!((bare.calibration.qubits[0].t1, bare.notices.len()), (None, 0));
    let filtered = edited(|target| {
        for (_, rows) in target["instructions"].as_object_mut().unwrap() {
            rows.as_array_mut().unwrap().retain(|row| !row["qargs"].as_array().unwrap().contains(&json!(3)));
        }
    })
    .unwrap();
    assert!(filtered.calibration.qubits[3].faulty && !filtered.calibration.qubits[2].faulty);
    assert!(filtered.notices[0].contains("no one-qubit gate on qubit 3"), "{:?}", filtered.notices);
    let everywhere = edited(|target| target["instructions"]["rz"] = json!([])).unwrap();
    let rz = everywhere.calibration.gates.iter().filter(|row| row.gate == Gate::Rz);
    assert_eq!(rz.map(|row| (row.error, row.length)).collect::<Vec<_>>(), [(Some(0.0), Some(Seconds(0.0))); 5]);
    let custom = edited(|target| target["instructions"]["xslow"] = json!([{"qargs": [0]}])).unwrap();
    assert!(custom.notices[0].contains("instructions.xslow is not in the gate table"), "{:?}", custom.notices);
    let unknown = edited(|target| target["instructions"]["cx"][0]["error"] = json!("NaN")).unwrap();
    assert!(unknown.notices[0].contains("cx(0, 1) error is NaN, taken as unknown"), "{:?}", unknown.notices);
}

#[test]
fn a_target_that_cannot_be_is_refused_with_instruction_and_field() {
    type Edit = fn(&mut Value);
    let cases: [(Edit, &[&str]); 9] = [
        (|t| t["num_qubits"] = Value::Null, &["num_qubits", "missing"]),
        (|t| t["num_qubits"] = json!(1e6 as u64), &["num_qubits", "more than"]),
        (|t| t["num_qubits"] = json!(4), &["qubit_properties", "5 entries", "4"]),
        (|t| t["qubit_properties"][2]["t1"] = json!(135.0), &["qubit_properties[2].t1", "135 s", "unit"]),
        (|t| t["instructions"]["cx"] = json!({"(0, 1)": {"error": 0.01}}), &["instructions.cx", "qargs"]),
        (|t| t["instructions"]["cx"] = json!([]), &["instructions.cx", "coupled pairs"]),
        (|t| t["instructions"]["cx"][1]["qargs"] = json!([0, 9]), &["instructions.cx[1].qargs", "qubit 9"]),
        (|t| t["instructions"]["sx"][1]["error"] = json!(1.5), &["sx(1) error", "1.5", "0 to 1"]),
        (|t| t["instructions"] = json!({"cx": [{"qargs": [0, 1]}]}), &["instructions", "no one-qubit gate"]),
    ];
    for (edit, words) in cases {
        let error = edited(edit).unwrap_err().to_string();
        assert!(error.contains("target.json"), "{error}");
        assert!(words.iter().all(|word| error.contains(word)), "{words:?}: {error}");
    }
}
