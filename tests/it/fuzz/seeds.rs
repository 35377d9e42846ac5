//! Whole inputs of every reader, small ones: mutations then hit what decides, and many fit into a second.

use std::path::Path;

use qgraft::circuit::qasm::{ReadOptions, read};
use qgraft::circuit::{Circuit, Condition, Gate, Op, OpKind, Param, Params};
use qgraft::data::{FeatureRows, FeatureSplit};
use qgraft::device::{Device, LayoutMethod, Target, TranspileOptions, transpile};
use qgraft::lab::{self, Overrides};
use qgraft::math::{C64, Seconds};
use qgraft::nn::head::HeadConfig;
use qgraft::study::Trainer;
use qgraft::systems::SYSTEMS;
use qgraft::systems::inputs::Data;
use qgraft::systems::qtl::{Qtl, Spec};

use super::mutate::{Files, safetensors_parts};
use crate::support::scanner;
use crate::{feature_files, hatl, snapshots, weight_files};

/// Heads of the run folder: without a circuit, with one, and a kernel.
pub const HEADS_OF_RUN: [&str; 3] = ["linear", "quantum", "trained_kernel"];

fn here(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// One file without a name.
pub fn one(bytes: impl Into<Vec<u8>>) -> Files {
    vec![(String::new(), bytes.into())]
}

fn texts(texts: &[&str]) -> Vec<Files> {
    texts.iter().map(|text| one(*text)).collect()
}

/// Files of a folder of the repository, by name.
fn files(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(here(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|own| own == ending)).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// The circuits of the repository, and texts that are refused; the former more often, so that mutations reach behind the
/// parser.
pub fn qasm() -> Vec<Files> {
    let (good, bad) = (files("circuits", "qasm"), files("tests/qasm/bad", "qasm"));
    // Small texts with control flow, as Qiskit writes them.
    let flow = std::fs::read_to_string(here("tests/reference/qasm_flow.json")).unwrap();
    let flow: Vec<serde_json::Value> = serde_json::from_str(&flow).unwrap();
    let flow: Vec<Vec<u8>> =
        flow.iter().take(40).filter_map(|case| Some(case["text"].as_str()?.as_bytes().to_vec())).collect();
    good.iter().cycle().take(8 * good.len()).chain(&flow).chain(&bad).map(|text| one(text.clone())).collect()
}

pub fn extended_xyz() -> Vec<Files> {
    files("tests/data/structures", "xyz").into_iter().map(one).collect()
}

/// Small files of scanners, of every kind of packing.
pub fn dicom() -> Vec<Files> {
    files("tests/data/scanner", "dcm").into_iter().map(one).collect()
}

/// Volumes, most of them not packed: what is changed in a packed one is refused by its checksum.
pub fn nifti() -> Vec<Files> {
    let plain = files("tests/data/scanner", "nii");
    let packed = scanner::gzipped(&plain[0]);
    plain.into_iter().chain([packed]).map(one).collect()
}

/// Two patients with a table, one as a DICOM series and one as a volume.
pub fn scans() -> Vec<Files> {
    let grey = |level: u8| (0..32 * 32).map(|k| if k % 32 < 16 { level } else { 0 }).collect::<Vec<u8>>();
    let table = "patient,label,folder,slices\nanna,cancer,anna,0-1\nben,normal,ben.nii,\n";
    let file = |name: &str, bytes: Vec<u8>| (name.to_string(), bytes);
    vec![vec![
        file("anna/IM1", scanner::slice("P1", "1.5", -7.5, &grey(200))),
        file("anna/IM2", scanner::slice("P1", "1.5", 3.0, &grey(100))),
        file("ben.nii", scanner::volume(&[grey(10), grey(250)])),
        file("patients.csv", table.into()),
    ]]
}

/// Films of four frames of 5 x 6 pixels.
pub fn npy_films() -> Vec<Files> {
    let film = |kind: &str, fortran: &str, each: usize| {
        let bytes: Vec<u8> = (0..4 * 5 * 6 * each).map(|k| (k % 60) as u8).collect();
        one(feature_files::npy(kind, fortran, "4, 5, 6", &bytes))
    };
    vec![film("|u1", "False", 1), film("<f4", "False", 4), film(">i2", "True", 2)]
}

/// Reports with a column of numbers and one of words.
pub fn reports() -> Vec<Files> {
    let rows = |separator: char| {
        let line = |k: usize| {
            let (text, class) = [("flooded road, \"deep\"", "urgent"), ("no damage seen", "later")][k % 2];
            let fields = [
                format!("\"{}\"", text.replace('"', "\"\"")),
                class.into(),
                (k / 2).to_string(),
                ["coast", "hills"][k / 3 % 2].into(),
            ];
            fields.join(&separator.to_string()) + "\n"
        };
        let header = ["text", "class", "people", "district"].join(&separator.to_string());
        one(header + "\n" + &(0..8).map(line).collect::<String>())
    };
    vec![rows(','), rows(';')]
}

/// Times of two tasks with a knob that is a number and one that is a choice.
pub fn times() -> Vec<Files> {
    let line = |k: usize| {
        let (task, failed) = (["day", "night"][k % 2], if k == 7 { "failed".into() } else { format!("{}.5", k + 1) });
        format!("{task},{},{},{},{failed},{}\n", 1 << (k / 2), ["lz4", "zstd"][k / 4 % 2], k % 2, 0.25 * k as f64 + 1.0)
    };
    let header = "task,memory,codec,meta_rows,time_q1,time_q2\n";
    vec![one(header.to_string() + &(0..14).map(line).collect::<String>())]
}

/// Choices between two things and none, in two markets.
pub fn choices() -> Vec<Files> {
    let line = |k: usize| {
        let (town, item) = (["rich", "poor"][k / 12], ["red", "white"][k % 2]);
        format!("{town},{town}-{},{item},{}.25,0.{},{}\n", k / 2, k % 5, k % 7, u8::from(k.is_multiple_of(4)))
    };
    let header = "market,choice,item,price,size,chosen\n";
    vec![one(header.to_string() + &(0..24).map(line).collect::<String>())]
}

pub fn edf() -> Vec<Files> {
    [files("tests/reference/seizure", "edf"), files("tests/reference/seizure", "bdf")]
        .concat()
        .into_iter()
        .map(one)
        .collect()
}

pub fn mat() -> Vec<Files> {
    files("tests/reference/seizure", "mat").into_iter().map(one).collect()
}

fn circuits() -> impl Iterator<Item = Circuit> {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    files("circuits", "qasm").into_iter().map(move |bytes| read(&text(bytes), &ReadOptions::default()).unwrap())
}

pub fn circuit_json() -> Vec<Files> {
    let mut every = Circuit::with_bits(3, 2);
    let angle = every.slot("x") * 2.0 + 0.5;
    every.push(Gate::Ry, &[0], &[angle]).unwrap();
    let swap = qgraft::math::Matrix::from_shape_fn((2, 2), |(i, j)| C64::from(if i == j { 0.0 } else { 1.0 }));
    let kinds = [
        (OpKind::Gate { gate: Gate::X, params: Params::new(), controls: 2 }, &[0, 1, 2][..]),
        (OpKind::Unitary(swap.into()), &[1]),
        (OpKind::GlobalPhase(Param::Fixed(0.5)), &[]),
        (OpKind::Barrier, &[0, 1]),
        (OpKind::Delay(Seconds(1e-7)), &[0]),
        (OpKind::Measure { bit: 0 }, &[0]),
        (OpKind::Reset, &[0]),
    ];
    for (kind, qubits) in kinds {
        every.append(Op::of(kind, qubits)).unwrap();
    }
    let mut last = Op::of(OpKind::Gate { gate: Gate::X, params: Params::new(), controls: 0 }, &[1]);
    last.condition = Some(Condition { bits: vec![0, 1], value: 2 });
    every.append(last).unwrap();
    let every = every.to_json();
    let short = circuits().map(|circuit| circuit.to_json()).filter(|json| json.len() < 8000);
    short.chain([every.clone(), every]).map(one).collect()
}

pub fn own_circuit() -> Vec<Files> {
    let text = "OPENQASM 3.0; include \"stdgates.inc\";\n// observables: Z0 Z1, 0.5 X1 - Y0\ninput float w0; \
                input float x0; qubit[2] q; ry(2*x0) q[0]; ry(w0) q[1]; cx q[0], q[1];\n";
    let json = read(text, &ReadOptions::default()).unwrap().to_json();
    let own = std::fs::read(here("circuits/own_head.qasm")).unwrap();
    vec![one(text), one(json), one(own)]
}

pub fn observables() -> Vec<Files> {
    texts(&["Z0 Z1 + 0.5*X2 - 1e-3 Y3", "Z0", "-X0 X1 X2", "2 * Z63 + 1", "1.5e+2 Z0 - 3"])
}

pub fn transpiled() -> Vec<Files> {
    let mut circuit = Circuit::new(3);
    circuit.push(Gate::H, &[0], &[]).unwrap().push(Gate::Cx, &[0, 2], &[]).unwrap();
    let target = Target::of(&Device::named("manila").unwrap());
    let options = TranspileOptions { layout: LayoutMethod::Trivial, ..TranspileOptions::default() };
    vec![one(transpile(&circuit, &target, &options).unwrap().to_json())]
}

pub fn devices() -> Vec<Files> {
    let example = r#"{"format": 1, "device": "example", "source": {"origin": "made up", "date": "2026-01-01",
        "licence": "CC0-1.0"}, "qubits": 2, "dt_ns": 4, "basis": ["sx", "rz", "cz"], "reset": true,
        "coupling": {"pairs": [[0, 1]], "both_directions": true}, "t1_us": [251.3, null], "t2_us": 150,
        "readout": {"error": [0.01, 0.02], "p1_given_0": 0.004, "length_ns": 1200}, "gates": {
        "sx": {"error": 2e-4, "length_ns": 32}, "x": {"same_as": "sx"}, "rz": {"error": 0, "length_ns": 0},
        "cz": {"on": [[0, 1]], "both_directions": true, "error": [0.005], "length_ns": 68}}}"#;
    let shipped = ["manila", "oslo", "heron_r2_uniform"].map(|name| Device::named(name).unwrap().to_json());
    shipped.into_iter().chain([example.to_string()]).map(one).collect()
}

pub fn devices_of_ibm() -> Vec<Files> {
    let file = |kind: &str, name: &str| {
        let text = std::fs::read(here(&format!("tests/reference/ibm_noise/snapshots/{kind}_{name}.json"))).unwrap();
        (format!("{kind}_{name}.json"), text)
    };
    ["manila", "fractional"].map(|name| vec![file("props", name), file("conf", name)]).into()
}

pub fn device_tables() -> Vec<Files> {
    snapshots::TABLES.iter().map(|(_, text)| one(*text)).collect()
}

pub fn noise() -> Vec<Files> {
    let lists = texts(&[
        r#"{"channels": {"cx 0 1": {"depol": 0.01, "relax": [[1e-4, 8e-5, 3e-7], [1.2e-4, 9e-5, 3e-7]]},
            "sx 1": {"depol": 0.001}}, "readout_p10_p01": [[0.02, 0.03], [0.01, 0.04]]}"#,
        r#"{"one_qubit_gates": {"depol": 0.001}, "two_qubit_gates": {"depol": 0.01}, "readout": [0.02, 0.03]}"#,
        r#"{"errors": [{"type": "qerror", "operations": ["cx"], "probabilities": [0.9, 0.1], "gate_qubits": [[0, 1]],
            "instructions": [[{"name": "id", "qubits": [0]}], [{"name": "pauli", "params": ["XY"], "qubits": [0, 1]}]]},
            {"type": "roerror", "operations": ["measure"], "probabilities": [[0.98, 0.02], [0.03, 0.97]],
            "gate_qubits": [[1]]}, {"type": "qerror", "operations": ["sx", "reset"], "probabilities": [1.0],
            "instructions": [[{"name": "kraus", "qubits": [0], "params": [[[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0],
            [0.8, 0.0]]], [[[0.0, 0.0], [0.6, 0.0]], [[0.0, 0.0], [0.0, 0.0]]]]}]]}]}"#,
    ]);
    let aer = std::fs::read_to_string(here("tests/reference/aer_model.json")).unwrap();
    let aer: serde_json::Value = serde_json::from_str(&aer).unwrap();
    lists.into_iter().chain([one(aer["model"].to_string())]).collect()
}

/// Settings of every system that are quick to plan.
pub fn settings() -> Vec<Files> {
    let of = |system: &&dyn lab::System| {
        let overrides = Overrides { presets: vec!["quick".into()], ..Overrides::default() };
        let mut table = system.resolve(&overrides).unwrap().to_table();
        table.insert("format".into(), system.format().into());
        vec![(format!("{}.toml", system.info().name), toml::to_string(&table).unwrap().into_bytes())]
    };
    SYSTEMS.iter().map(of).collect()
}

pub fn suites() -> Vec<Files> {
    let short = "format = \"qgraft.suite/1\"\ntitle = \"Two questions\"\n[common.qtl]\nseeds = [0, 1]\n[runs.heads]\n\
                 system = \"qtl\"\nheads = [\"linear\", \"quantum\"]\n[runs.depth]\nsystem = \"qtl\"\n\
                 presets = [\"quick\"]\nheads = [\"quantum\"]\nvary = { \"circuit.depth\" = [1, 3] }\n";
    let kept = files("examples/studies", "toml");
    kept.into_iter().filter(|text| text.len() < 3000).map(one).chain([one(short)]).collect()
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn integers(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub fn safetensors() -> Vec<Files> {
    let whole =
        |header: &str, data: Vec<u8>| vec![("header".into(), header.as_bytes().to_vec()), ("data".into(), data)];
    let first = r#"{"__metadata__":{"classes":"[\"a\", \"b\"]"},"features":{"dtype":"F32","shape":[4,2],
        "data_offsets":[0,32]},"labels":{"dtype":"I64","shape":[4],"data_offsets":[32,64]}}"#;
    let second = r#"{"train.features":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]},"train.labels":{"dtype":"U8",
        "shape":[2],"data_offsets":[8,10]},"val.features":{"dtype":"F16","shape":[2,2],"data_offsets":[10,18]},
        "val.labels":{"dtype":"U8","shape":[2],"data_offsets":[18,20]},"train.groups":{"dtype":"I64","shape":[2],
        "data_offsets":[20,36]},"val.groups":{"dtype":"I64","shape":[2],"data_offsets":[36,52]}}"#;
    let numbers = integers(&[3, -3, 3, 9]);
    vec![
        whole(first, [floats(&[0.5; 8]), integers(&[0, 1, 0, 1])].concat()),
        whole(second, [vec![0; 8], vec![0, 1], vec![0; 8], vec![0, 1], numbers].concat()),
    ]
}

pub fn npz() -> Vec<Files> {
    let npy = feature_files::npy;
    let (x, y) = (npy("<f4", "False", "4, 2", &floats(&[0.5; 8])), npy("<i8", "False", "4,", &integers(&[0, 1, 0, 1])));
    let words: Vec<u8> = ["ant", "bee", "ant", "bee"].concat().chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
    let turned = npy(">f8", "True", "4, 1", &[0; 32]);
    vec![
        vec![("X.npy".into(), x.clone()), ("y.npy".into(), y.clone())],
        vec![("features.npy".into(), turned), ("labels.npy".into(), npy("<U3", "False", "4,", &words))],
        vec![
            ("X_train.npy".into(), x.clone()),
            ("y_train.npy".into(), y.clone()),
            ("X_val.npy".into(), x),
            ("y_val.npy".into(), y.clone()),
            ("groups_train.npy".into(), y),
        ],
    ]
}

pub fn pth() -> Vec<Files> {
    let pickle = weight_files::one("FloatStorage", (0, &[2, 2], &[1, 2]));
    let part = |name: &str, bytes: Vec<u8>| (format!("archive/{name}"), bytes);
    let parts = vec![
        part("data.pkl", pickle),
        part("byteorder", b"little".to_vec()),
        part("data/0", floats(&[0.5; 4])),
        part("version", b"3\n".to_vec()),
    ];
    vec![parts.clone(), parts, one(std::fs::read(here("tests/reference/backbones/tiny.pth")).unwrap())]
}

pub fn tables() -> Vec<Files> {
    texts(&[
        "a,b,class\n0.5,1,ant\n1.5,2,bee\n2.5,3,ant\n?,4,bee\n",
        "a;b;class\n1,5;2 %;x\n2,5;3 %;y\n-1.200,5;4 %;y\n",
        "sep=;\nlength;colour;class\n1.5;red;a\n2;blue;b\n3;red;a\n",
        "1\t2\tx\n3\t4\ty\n5\tNA\tx\n",
        "name|note|class\n\"a \"\"b\"\"\"|\"c\nd\"|p\nx|y|q\n",
    ])
}

pub fn keel() -> Vec<Files> {
    texts(&[
        "@relation r\n@attribute a real [0, 1]\n@attribute b integer\n@attribute c {p, n}\n@inputs a, b\n@output c\n@data\n\
         1, 2, p\n2, 3, n\n<null>, 4, p\n",
        "@relation r\n@attribute w {x, y, z}\n@attribute c {p, n}\n@outputs c\n@data\nx, p\ny, n\nz, n\n",
    ])
}

#[cfg(feature = "parquet")]
pub fn parquet() -> Vec<Files> {
    files("tests/reference/parquet", "parquet").into_iter().map(one).collect()
}

pub fn lives() -> Vec<Files> {
    let rows = |cell: &str, rate: &str, mark: &str, separator: char| -> String {
        let line = |k: usize| {
            let health = format!("{:.3}", 1.0 - 0.01 * k as f64).replace('.', mark);
            [cell, rate, "2", &(500 * k).to_string(), &health].map(String::from).join(&separator.to_string()) + "\n"
        };
        (0..43).map(line).collect()
    };
    let header = "cell,charge,discharge,throughput,health\n";
    let plain = format!("{header}{}{}", rows("a", "1.5", ".", ','), rows("b", "1", ".", ','));
    let comma = format!("{}{}", header.replace(',', ";"), rows("a", "1,5", ",", ';'));
    vec![one(plain), one(comma)]
}

pub fn films() -> Vec<Files> {
    let (sentences, clips) = hatl::own_films();
    let few: Vec<String> = sentences.into_iter().step_by(3).collect();
    let files = vec![
        ("sentences.jsonl".to_string(), few.join("\n").into_bytes()),
        ("clips.jsonl".to_string(), clips.join("\n").into_bytes()),
    ];
    vec![files]
}

fn rows(count: usize) -> FeatureRows {
    FeatureRows {
        values: ndarray::Array2::from_shape_fn((count, 3), |(row, k)| if row % 2 == 0 { 1.0 } else { -0.5 * k as f32 }),
        labels: (0..count).map(|row| row % 2).collect(),
        classes: vec!["up".into(), "down".into()],
        ids: (0..count).map(|row| row.to_string()).collect(),
    }
}

pub fn heads() -> Vec<Files> {
    let split = FeatureSplit { training: rows(8), validation: rows(4) };
    let trained = |name: &str| {
        let head = HeadConfig::named(name).unwrap().qubits(2).depth(1);
        let head = Trainer::adam(0.1).epochs(1).seed(0).fit(&head, &split).unwrap();
        safetensors_parts(&head.to_bytes().unwrap())
    };
    ["quantum", "linear"].map(trained).into()
}

/// A run of three heads on six features in a file, with that file as new rows.
pub fn run_folders() -> Vec<Files> {
    let folder = tempfile::tempdir().unwrap();
    let line = |row: usize| format!("{},{},{}\n", row % 2, 0.1 * (row % 3) as f64, ["up", "down"][row % 2]);
    let table = format!("a,b,class\n{}", (0..16).map(line).collect::<String>());
    let path = folder.path().join("new.csv");
    std::fs::write(&path, &table).unwrap();
    let mut data = Data::default();
    data.set_features(path.to_str().unwrap());
    let heads = HEADS_OF_RUN.map(String::from).to_vec();
    let mut spec = Spec { heads, seeds: vec![2], data, ..Spec::default() };
    (spec.circuit.qubits, spec.circuit.depth, spec.train.epochs) = (2, 1, 1);
    (spec.evaluate.devices, spec.evaluate.scales, spec.evaluate.shots) = (vec!["manila".into()], vec![], vec![]);
    let out = folder.path().join("run");
    let options = lab::RunOptions { cache: folder.path().into(), ..lab::RunOptions::new(out.clone()) };
    lab::run::<Qtl>(&spec, &options, &()).unwrap();
    let mut files = vec![("new.csv".to_string(), table.into_bytes())];
    for trial in std::fs::read_dir(out.join(lab::TRIALS)).unwrap() {
        let trial = trial.unwrap().path();
        let name = trial.file_name().unwrap().to_string_lossy().into_owned();
        for file in std::fs::read_dir(&trial).into_iter().flatten() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|ending| ending == "json" || ending == "safetensors") {
                let inside = format!("{}/{name}/{}", lab::TRIALS, file.file_name().unwrap().to_string_lossy());
                files.push((inside, without_seal(std::fs::read(&file).unwrap())));
            }
        }
    }
    files.sort();
    vec![files]
}

/// The numbers of a trial as earlier versions stored them, so that what is changed is read and not refused by its hash.
fn without_seal(bytes: Vec<u8>) -> Vec<u8> {
    match serde_json::from_slice::<serde_json::Value>(&bytes) {
        Ok(serde_json::Value::Object(mut stored)) if stored.contains_key("seal") => {
            stored.retain(|key, _| key != "seal" && key != "files");
            serde_json::Value::Object(stored).to_string().into_bytes()
        }
        _ => bytes,
    }
}

pub fn trials() -> Vec<Files> {
    let measurement = r#"{"origin":{"format":"qgraft.qtl/1","settings":{"seeds":[0]},"contents":{"data.path":"00"},
        "point":{"grid":"main","coordinates":[{"factor":"head","level":"linear","index":0},{"factor":"seed","level":"0",
        "index":0}]}},"measurement":{"values":[{"metric":"accuracy","value":0.5},{"metric":"accuracy","at":[["shots",
        "100"]],"value":0.25}],"curves":[{"metric":"validation_accuracy","values":[0.5,0.75]}],"notices":["a"],
        "kept":{"trace":[1,2]}},"usage":{}}"#;
    let usage = serde_json::to_string(&qgraft::study::energy::Usage::default()).unwrap();
    let measurement = measurement.replace("\"usage\":{}", &format!("\"usage\":{usage}"));
    vec![vec![("measurement.json".into(), measurement.into_bytes()), ("notes.txt".into(), b"a".to_vec())]]
}

pub fn metrics() -> Vec<Files> {
    let text = r#"{"format":"qgraft.results/1","system":"hatl","version":"0.1.0","command":"qgraft run hatl",
        "spec":{"arms":["hatl","full"],"seeds":[0,1],"camera":{"noise":0.015}},"grids":[{"name":"main","factors":[{"name":
        "seed","role":"seed","levels":[{"name":"0"},{"name":"1"}]},{"name":"arm","role":"arm","levels":[{"name":"hatl",
        "doc":"d"},{"name":"full","baseline":true}]}]}],"values":[{"grid":"main","metric":"accuracy","at":[["arm","hatl"]],
        "values":[["0",1.0],["1",0.99]]}],"curves":[{"grid":"main","metric":"validation","at":[["arm","hatl"]],
        "values":[0.1,0.2]}],"comparisons":[{"question":"difference","quantity":{"unit":"share","better":"higher"},"head":
        "hatl","baseline":"full","seeds":2,"difference":-0.0625,"finding":"worse","interval":{"low":-0.11,"high":-0.01,
        "level":0.95},"bootstrap":{"low":-0.09,"high":-0.03,"level":0.95},"t_test":0.02,"wilcoxon":0.06,"wilcoxon_holm":
        0.18,"effect_size":-1.6,"wins":0,"ties":0,"losses":2}],"checks":[],"inapplicable":[{"grid":"main","at":[["arm",
        "full"]],"reason":"r"}],"notices":["n"],"failures":[["t","r"]]}"#;
    vec![one(text)]
}

pub fn counts() -> Vec<Files> {
    let text = r#"{"format":"qgraft.counts/1","job":{"format":"qgraft.job/1","head":"quantum","seed":2,"device":"manila",
        "classes":["a","b"],"qubits":2,"layout":[0,1],"inputs":["x0"],"circuits":[["z.qasm","ZZ"]],"observables":[[{
        "weight":1.0,"circuit":0,"qubits":[0]}],[{"weight":0.5,"circuit":0,"qubits":[0,1]}]],"weight":[[1.0,0.0],[0.0,1.0]],
        "bias":[0.0,0.0]},"backend":"b","shots":5,"rows":[{"sample":"r","label":"a","angles":[0.5],"counts":[{"01":3,
        "10":2}]}]}"#;
    vec![one(text)]
}
