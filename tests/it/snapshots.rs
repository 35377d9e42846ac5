//! Snapshot formats: what is read, what is refused and how the refusal names it.

use std::fs;
use std::path::PathBuf;

use qgraft::circuit::Gate;
use qgraft::device::{Device, DeviceError};
use qgraft::math::Seconds;
use serde_json::{Value, json};

fn fixture(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference/ibm_noise/snapshots").join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Reads manila's two IBM files after `edit` has changed them.
fn edited_ibm(edit: impl Fn(&mut Value, &mut Value)) -> Result<Device, DeviceError> {
    let (mut props, mut conf) = (fixture("props_manila.json"), fixture("conf_manila.json"));
    edit(&mut props, &mut conf);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("props_x.json"), props.to_string()).unwrap();
    fs::write(folder.path().join("conf_x.json"), conf.to_string()).unwrap();
    Device::read(folder.path().join("props_x.json").to_str().unwrap())
}

/// A small snapshot of our own format after `edit` has changed it.
fn edited(edit: impl Fn(&mut Value)) -> Result<Device, DeviceError> {
    let mut document = json!({
        "format": 1,
        "device": "example",
        "source": {"origin": "made up", "date": "2026-01-01", "licence": "CC0-1.0"},
        "qubits": 2,
        "dt_ns": 4,
        "basis": ["sx", "rz", "cz"],
        "reset": true,
        "coupling": {"pairs": [[0, 1]], "both_directions": true},
        "t1_us": [251.3, null],
        "t2_us": 150,
        "readout": {"error": [0.01, 0.02], "p1_given_0": 0.004, "length_ns": 1200},
        "gates": {
            "sx": {"error": 2e-4, "length_ns": 32},
            "rz": {"error": 0, "length_ns": 0},
            "cz": {"on": [[0, 1]], "both_directions": true, "error": [0.005], "length_ns": 68}
        }
    });
    edit(&mut document);
    Device::from_json("example.json", &document.to_string())
}

/// What is done to a document, and words that the refusal must contain.
type Damage = (&'static str, fn(&mut Value), &'static [&'static str]);

#[test]
fn unknown_numbers_are_unknown_and_one_number_fills_a_column() {
    let device = edited(|_| {}).unwrap();
    let [first, second] = &device.calibration.qubits[..] else { panic!("two qubits") };
    assert_eq!((first.t1, second.t1), (Some(Seconds::micro(251.3)), None));
    assert_eq!((first.t2, second.t2), (Some(Seconds::micro(150.0)), Some(Seconds::micro(150.0))));
    assert_eq!((first.zero_given_one, first.frequency, first.reset_length), (None, None, None));
    let pairs: Vec<&[usize]> =
        device.calibration.gates.iter().filter(|row| row.gate == Gate::Cz).map(|row| &row.qubits[..]).collect();
    assert_eq!(pairs, [&[0, 1], &[1, 0]]);
    assert_eq!(device.coupling, [(0, 1), (1, 0)]);
}

#[test]
fn a_malformed_snapshot_is_refused_with_field_and_position() {
    let cases: [Damage; 22] = [
        ("no licence", |d| d["source"]["licence"] = Value::Null, &["source.licence", "missing"]),
        ("empty date", |d| d["source"]["date"] = json!(" "), &["source.date", "empty"]),
        ("no source", |d| d["source"] = Value::Null, &["source", "missing"]),
        ("later format", |d| d["format"] = json!(2), &["format", "is 2", "reads 1"]),
        ("negative T1", |d| d["t1_us"] = json!([251.3, -3.0]), &["qubit 1 T1", "positive"]),
        ("zero T2", |d| d["t2_us"] = json!(0), &["qubit 0 T2", "positive"]),
        ("text for T1", |d| d["t1_us"] = json!([251.3, "long"]), &["t1_us[1]", "\"long\"", "number"]),
        ("short column", |d| d["t1_us"] = json!([251.3]), &["t1_us", "1 entries, expected 2"]),
        ("readout above one", |d| d["readout"]["error"] = json!([0.01, 1.2]), &["qubit 1 readout error", "1.2"]),
        ("readout in percent", |d| d["readout"]["p1_given_0"] = json!(4.0), &["qubit 0 P(1 given 0)", "0 to 1"]),
        ("negative error", |d| d["gates"]["cz"]["error"] = json!([-0.1]), &["cz(0, 1) error", "-0.1"]),
        ("length in dt", |d| d["gates"]["sx"]["length_ns"] = json!(1e9), &["sx(0) length", "unit"]),
        ("unknown gate", |d| d["gates"]["warp"] = json!({"error": 0.1}), &["gates.warp", "gate table"]),
        ("unknown native", |d| d["basis"] = json!(["warp"]), &["basis[0]", "\"warp\""]),
        ("qubit outside", |d| d["gates"]["cz"]["on"] = json!([[0, 5]]), &["cz(0, 5)", "names qubit 5", "has 2"]),
        ("one operand", |d| d["gates"]["cz"]["on"] = json!([[1]]), &["cz(1)", "lists 1 qubits", "acts on 2"]),
        ("same operand", |d| d["gates"]["cz"]["on"] = json!([[1, 1]]), &["cz(1, 1)", "twice"]),
        ("three", |d| d["gates"]["ccx"] = json!({"on": [[0, 1, 2]]}), &["ccx(0, 1, 2)", "one and two"]),
        ("no qubits", |d| d["qubits"] = json!(0), &["qubits", "0"]),
        ("too many qubits", |d| d["qubits"] = json!(4_000_000_000_u64), &["qubits", "more than"]),
        ("no pairs", |d| d["gates"]["sx"]["both_directions"] = json!(true), &["gates.sx.both_directions", "on"]),
        ("coupling outside", |d| d["coupling"]["pairs"] = json!([[0, 9]]), &["coupling", "(0, 9)"]),
    ];
    for (what, edit, words) in cases {
        let error = edited(edit).expect_err(what).to_string();
        assert!(error.starts_with("example.json"), "{what}: {error}");
        for word in words {
            assert!(error.contains(word), "{what}: {error:?} does not contain {word:?}");
        }
    }
}

#[test]
fn ibm_s_quirks_are_read() {
    let plain = edited_ibm(|_, _| {}).unwrap();
    let micro = edited_ibm(|props, _| props["qubits"][0][0]["unit"] = json!("\u{b5}s")).unwrap();
    assert_eq!(plain.calibration, micro.calibration, "the micro sign of older files");
    let bare = edited_ibm(|props, conf| {
        for key in ["dt", "coupling_map", "supported_instructions", "timing_constraints", "processor_type", "coords"] {
            conf[key] = Value::Null;
        }
        props["general_qlists"] = Value::Null;
        props["qubits"][2]
            .as_array_mut()
            .unwrap()
            .retain(|record| record["name"] != "T1" && record["name"] != "frequency");
    })
    .unwrap();
    assert_eq!((bare.dt, bare.coupling.len(), bare.has_reset), (None, 0, true), "absent parts");
    assert_eq!((bare.calibration.qubits[2].t1, bare.calibration.qubits[2].frequency), (None, None));
    let off = edited_ibm(|props, _| {
        let record = json!({"name": "operational", "unit": "", "value": 0, "date": ""});
        props["qubits"][1].as_array_mut().unwrap().push(record.clone());
        props["gates"][0]["parameters"].as_array_mut().unwrap().push(record);
    })
    .unwrap();
    assert!(off.calibration.qubits[1].faulty && off.calibration.gates[0].faulty, "out of service");
    let again = Device::from_json("again", &off.to_json()).unwrap();
    assert!(again.calibration.qubits[1].faulty, "and it stays so in our format");
    let twice = edited_ibm(|props, _| {
        let mut later = props["gates"][10].clone();
        later["parameters"][0]["value"] = json!(0.125);
        props["gates"].as_array_mut().unwrap().push(later);
    })
    .unwrap();
    assert_eq!(twice.calibration.gates.len(), plain.calibration.gates.len());
    assert_eq!(twice.calibration.gates.last().unwrap().error, Some(0.125), "the later of two rows wins");
    let glued: Vec<(usize, usize)> = plain.details.zz.iter().map(|(pair, _)| *pair).collect();
    assert_eq!(glued, [(0, 1), (1, 2), (2, 3), (3, 4)]);
}

#[test]
fn malformed_ibm_files_are_refused_with_qubit_or_gate_and_field() {
    type Edit = fn(&mut Value, &mut Value);
    let cases: [(&str, Edit, &[&str]); 8] = [
        (
            "missing qubit",
            |p, _| {
                p["qubits"].as_array_mut().unwrap().pop();
            },
            &["n_qubits", "is 5", "list 4"],
        ),
        ("negative T1", |p, _| p["qubits"][3][0]["value"] = json!(-1.0), &["qubit 3 T1", "positive"]),
        ("unknown unit", |p, _| p["qubits"][2][1]["unit"] = json!("fortnight"), &["qubit 2 T2", "fortnight"]),
        ("wrong unit", |p, _| p["qubits"][2][1]["unit"] = json!("ms"), &["qubit 2 T2", "unit"]),
        ("text", |p, _| p["qubits"][0][0]["value"] = json!("x"), &["qubit 0 T1", "number"]),
        ("no known gate", |_, c| c["basis_gates"] = json!(["warp", "if_else"]), &["basis_gates", "no gate"]),
        ("qubit outside", |p, _| p["gates"][0]["qubits"] = json!([17]), &["gates[0].qubits", "17", "has 5"]),
        (
            "no gates",
            |p, _| {
                p.as_object_mut().unwrap().remove("gates");
            },
            &["not a calibration snapshot"],
        ),
    ];
    for (what, edit, words) in cases {
        let error = edited_ibm(edit).expect_err(what).to_string();
        for word in words {
            assert!(error.contains(word), "{what}: {error:?} does not contain {word:?}");
        }
    }
}

#[test]
fn files_that_are_no_snapshots_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).to_str().unwrap().to_owned()
    };
    let refused = |path: &str| Device::load(path).unwrap_err().to_string();
    assert!(refused(&path("a.json", "{")).contains("not JSON"));
    assert!(refused(&path("b.json", "[1, 2]")).contains("not a calibration snapshot"));
    let mut no_gates = fixture("props_manila.json");
    no_gates["gates"] = json!([]);
    assert!(refused(&path("props_c.json", &no_gates.to_string())).contains("backend.configuration().to_dict()"));
    let conf = fixture("conf_manila.json").to_string();
    assert!(refused(&path("conf_d.json", &conf)).contains("backend.properties().to_dict()"));
    assert!(refused("nowhere/d.json").contains("nowhere/d.json"));
    let sparse = fs::File::create(folder.path().join("huge.json")).unwrap();
    sparse.set_len(1 << 31).unwrap();
    assert!(refused(folder.path().join("huge.json").to_str().unwrap()).contains("more than 67108864 bytes"));
    let error = Device::load("manilla").unwrap_err().to_string();
    assert!(error.contains("did you mean manila?") && error.contains("boston"), "{error}");
    assert_eq!(Device::load("ibm_fez").unwrap().name, "fez");
}

/// The three layouts of the platform's table, made of the columns each had.
pub(crate) const TABLES: [(&str, &str); 3] = [
    (
        "ibm_old_calibrations_2021-05-01T10_00_00Z.csv",
        "Qubit,T1 (us),T2 (us),Frequency (GHz),Anharmonicity (GHz),Readout assignment error ,Prob meas0 prep1 ,\
         Prob meas1 prep0 ,Readout length (ns),ID error ,√x (sx) error ,Single-qubit Pauli-X error ,CNOT error ,\
         Gate time (ns)\n\
         Q0,110.5,90.25,4.9,-0.34,0.02,0.03,0.01,5351.1,0.0002,0.0002,0.0002,0_1:0.0075,0_1:277\n\
         Q1,100,80,4.8,-0.33,0.025,0.03,0.02,5351.1,0.0003,0.0003,0.0003,1_0:0.0075,1_0:313\n",
    ),
    (
        "ibm_middle_calibrations_2024-02-01T10_00_00Z.csv",
        "\u{feff}Qubit,T1 (us),T2 (us),Frequency (GHz),Anharmonicity (GHz),Readout assignment error ,Prob meas0 prep1 ,\
         Prob meas1 prep0 ,Readout length (ns),ID error ,Z-axis rotation (rz) error ,√x (sx) error ,Pauli-X error ,\
         ECR error ,Gate time (ns),Operational\n\
         1,100,80,4.8,-0.33,0.025,0.03,0.02,1244,0.0003,0,0.0003,0.0003,,,Yes\n\
         0,110.5,90.25,4.9,,0.02,0.03,0.01,1244,0.0002,0,0.0002,0.0002,0_1:0.0075,0_1:533,No\n",
    ),
    (
        "ibm_new_calibrations_2026-02-01T10_00_00Z.csv",
        "\"Qubit\",\"T1 (us)\",\"T2 (us)\",\"Readout assignment error\",\"Prob meas0 prep1\",\"Prob meas1 prep0\",\
         \"Readout length (us)\",\"ID error\",\"Single-qubit gate length (ns)\",\"RX error\",\
         \"Z-axis rotation (rz) error\",\"√x (sx) error\",\"Pauli-X error\",\"CZ error\",\"Gate length (ns)\",\
         \"RZZ error\",\"MEASURE error\",\"Operational\"\n\
         0,110.5,90.25,0.02,0.03,0.01,1.2,0.0002,32,0.0002,0,0.0002,0.0002,1:0.0013,1:68,1:0.0021,0.01,true\n\
         1,100,80,0.025,0.03,0.02,1.2,0.0003,32,0.0003,0,0.0003,0.0003,0:0.0013,0:68,0:0.0021,0.01,true\n",
    ),
];

fn table(name: &str, text: &str) -> Result<Device, DeviceError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    Device::load(path.to_str().unwrap())
}

#[test]
fn the_platform_s_tables_of_every_era_are_read() {
    for ((file, text), (name, native, pairs)) in
        TABLES.iter().zip([("old", Gate::Cx, 2), ("middle", Gate::Ecr, 1), ("new", Gate::Cz, 2)])
    {
        let device = table(file, text).unwrap();
        assert_eq!((device.name.as_str(), device.calibration.qubits.len()), (name, 2));
        let first = &device.calibration.qubits[0];
        assert_eq!((first.t1, first.t2), (Some(Seconds::micro(110.5)), Some(Seconds::micro(90.25))), "{name}");
        assert_eq!(
            (first.readout_error, first.one_given_zero, first.zero_given_one),
            (Some(0.02), Some(0.01), Some(0.03))
        );
        assert!(first.readout_length.unwrap().0 > 1e-6 && first.readout_length.unwrap().0 < 1e-5, "{name}");
        let rows: Vec<_> = device.calibration.gates.iter().filter(|row| row.gate == native).collect();
        assert_eq!(rows.len(), pairs, "{name}");
        assert!(rows.iter().all(|row| row.length.is_some() && row.error.unwrap() > 0.0), "{name}");
        let mut basis = vec![Gate::Id, Gate::X, Gate::Sx, Gate::Rz, native];
        basis.sort_by_key(|gate| *gate as usize);
        assert_eq!(device.basis, basis, "{name}: rx and rzz are not native by default");
        let sx = device.calibration.gates.iter().find(|row| row.gate == Gate::Sx).unwrap();
        assert_eq!(sx.length, (name == "new").then(|| Seconds::nano(32.0)), "{name}: never assumed");
        assert!(device.calibration.source.date.starts_with("202"), "{name}");
    }
    assert!(table(TABLES[1].0, TABLES[1].1).unwrap().calibration.qubits[0].faulty, "Operational: No");
}

#[test]
fn damaged_tables_are_refused_with_qubit_and_column() {
    let (file, text) = TABLES[2];
    for (what, from, to, words) in [
        ("clock time", "1:0.0013", "01:13:00", ["qubit 0", "cz error"]),
        ("word", "110.5", "long", ["qubit 0", "t1"]),
        ("lost row", "\n1,", "\n2,", ["qubit 1", "missing"]),
        ("unit", "T1 (us)", "T1 (weeks)", ["t1 (weeks)", "unit"]),
        ("service", ",true\n1", ",perhaps\n1", ["Operational", "perhaps"]),
    ] {
        let error = table(file, &text.replace(from, to)).expect_err(what).to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{what}: {error}");
    }
}

#[test]
fn control_flow_and_unknown_gates_do_not_refuse_a_device() {
    let plain = edited_ibm(|_, _| {}).unwrap();
    assert!(plain.notices.is_empty(), "{:?}", plain.notices);
    let words = ["if_else", "while_loop", "for_loop", "switch_case", "reset", "delay", "measure", "barrier"];
    let device = edited_ibm(|_, conf| {
        let list = conf["basis_gates"].as_array_mut().unwrap();
        list.extend(words.iter().map(|word| json!(word)));
    })
    .unwrap();
    assert_eq!((&device.basis, &device.notices), (&plain.basis, &plain.notices), "no gates, so nothing to report");
    let device = edited_ibm(|props, conf| {
        conf["basis_gates"].as_array_mut().unwrap().push(json!("xslow"));
        let mut row = props["gates"][0].clone();
        row["gate"] = json!("xslow");
        props["gates"].as_array_mut().unwrap().push(row);
    })
    .unwrap();
    assert_eq!((device.basis, device.calibration), (plain.basis, plain.calibration));
    let [notice] = &device.notices[..] else { panic!("one notice: {:?}", device.notices) };
    assert!(notice.contains("conf_x.json: basis_gates[5]") && notice.contains("xslow"), "{notice}");
}

/// Python writes numbers that JSON does not have.
#[test]
fn numbers_that_are_none_are_unknown_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("props_x.json");
    fs::write(folder.path().join("conf_x.json"), fixture("conf_manila.json").to_string()).unwrap();
    for word in ["NaN", "Infinity", "-Infinity"] {
        let mut props = fixture("props_manila.json");
        props["qubits"][3][0]["value"] = json!("THERE");
        props["backend_version"] = json!("a \\ \"NaN\" in a text");
        fs::write(&path, props.to_string().replace("\"THERE\"", word)).unwrap();
        let device = Device::read(path.to_str().unwrap()).unwrap();
        assert_eq!(device.calibration.qubits[3].t1, None);
        let expected = format!("{}: qubit 3 T1 is {word}, taken as unknown", path.display());
        assert_eq!(device.notices, [expected]);
    }
    let own = r#"{"format": 1, "device": "x", "source": {"origin": "o", "date": "d", "licence": "l"}, "qubits": 2,
        "basis": ["sx"], "reset": true, "t1_us": [100, NaN], "gates": {"sx": {"error": 1e-4}}}"#;
    let device = Device::from_json("own.json", own).unwrap();
    assert_eq!(device.calibration.qubits[1].t1, None);
    assert_eq!(device.notices, ["own.json: t1_us[1] is NaN, taken as unknown"]);
}

#[test]
fn ibm_s_two_files_are_named_in_any_order_or_found() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for name in ["props", "conf"] {
        fs::write(at(&format!("{name}_manila.json")), fixture(&format!("{name}_manila.json")).to_string()).unwrap();
    }
    let (props, conf) = (at("props_manila.json"), at("conf_manila.json"));
    let both = Device::load(&props).unwrap();
    assert!(both.notices.is_empty() && both.dt.is_some());
    let whole = folder.path().to_str().unwrap();
    for name in
        [conf.clone(), format!("{props},{conf}"), format!("{conf},{props}"), format!("{props}+{conf}"), whole.into()]
    {
        assert_eq!(Device::load(&name).unwrap().calibration.gates, both.calibration.gates, "{name}");
    }
    fs::write(at("props_other.json"), "{}").unwrap();
    let error = Device::load(whole).unwrap_err().to_string();
    assert!(error.contains("props_manila.json, props_other.json") && error.contains("PROPS.json,CONF.json"), "{error}");
    fs::remove_file(&conf).unwrap();
    let alone = Device::load(&props).unwrap();
    assert_eq!((alone.calibration.gates.len(), alone.dt), (both.calibration.gates.len(), None));
    assert_eq!(alone.couplings(), both.couplings());
    let sorted = |device: &Device| {
        let mut names: Vec<_> = device.basis.iter().map(|gate| gate.name()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(sorted(&alone), sorted(&both));
    assert!(alone.notices.iter().any(|notice| notice.contains("no configuration")), "{:?}", alone.notices);
}

#[test]
fn every_file_of_a_device_is_named_and_none_may_change_under_a_run() {
    use qgraft::sim::Executions;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("props_x.json"), fixture("props_manila.json").to_string()).unwrap();
    let name = at("props_x.json").display().to_string();
    assert_eq!(Device::files(&name).unwrap(), [at("props_x.json")]);
    let text = fixture("conf_manila.json").to_string();
    fs::write(at("conf_x.json"), &text).unwrap();
    // What is found beside a file decides the device as well.
    assert_eq!(Device::files(&name).unwrap(), [at("props_x.json"), at("conf_x.json")]);
    assert_eq!(Device::files(folder.path().to_str().unwrap()).unwrap(), [at("props_x.json"), at("conf_x.json")]);
    for shipped in ["manila", "ibm_manila", "fake_manila"] {
        assert!(Device::files(shipped).unwrap().is_empty() && Device::shipped(shipped).unwrap().name == "manila");
    }
    let executions = Executions::default();
    let first = executions.device(&name).unwrap();
    assert_eq!(executions.device(&name).unwrap(), first);
    // Of the same length, and within the resolution of file times.
    fs::write(at("conf_x.json"), text.replacen("manila", "nanila", 1)).unwrap();
    let error = executions.device(&name).unwrap_err().to_string();
    assert!(error.contains("props_x.json") && error.contains("stays as it was first read"), "{error}");
    // What begins anew reads anew.
    assert!(Executions::default().device(&name).is_ok());
}
