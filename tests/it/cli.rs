//! The program from the command line: a good run leaves a whole folder, bad input gives one clear error and nothing
//! else.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use ndarray::{Array1, Array2};
use qgraft::circuit::qasm;
use qgraft::noise::Program;
use qgraft::sim::{Angles, Simulator, Statevector};
use qgraft::systems::SYSTEMS;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use tempfile::TempDir;

fn qgraft(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_qgraft")).args(arguments).current_dir(directory).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Two well-separated classes of `rows` rows, `width` wide, in a file `features.safetensors`.
fn features(directory: &Path, rows: usize, width: usize, change: impl Fn(&mut Vec<f32>, &mut Vec<u32>)) -> PathBuf {
    let mut labels: Vec<u32> = (0..rows).map(|row| (row % 2) as u32).collect();
    let mut values: Vec<f32> = (0..rows * width)
        .map(|at| {
            let (row, column) = (at / width, at % width);
            let centre = if row % 2 == 0 { 1.0 } else { -1.0 };
            centre + 0.3 * ((row * 7 + column * 3) as f32).sin()
        })
        .collect();
    change(&mut values, &mut labels);
    let values: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let labels: Vec<u8> = labels.iter().flat_map(|v| v.to_le_bytes()).collect();
    let tensors = HashMap::from([
        ("features", TensorView::new(Dtype::F32, vec![rows, width], &values).unwrap()),
        ("labels", TensorView::new(Dtype::U32, vec![rows], &labels).unwrap()),
    ]);
    let path = directory.join("features.safetensors");
    fs::write(&path, safetensors::serialize(tensors, None).unwrap()).unwrap();
    path
}

/// A run of a second or two on 40 rows of 6 features.
const SMALL: [&str; 10] =
    ["run", "qtl", "--features", "features.safetensors", "--seeds", "2", "--epochs", "2", "--devices", "manila"];

fn small(directory: &Path, more: &[&str]) -> Output {
    qgraft(directory, &[&SMALL, more].concat())
}

/// The names left in a folder, hidden ones included.
fn left_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Options of a system and those of every system have names of their own: `--part 1/2` is a part of the trials.
#[test]
fn every_system_has_its_options_beside_those_of_every_system() {
    let directory = TempDir::new().unwrap();
    for system in SYSTEMS {
        let name = system.info().name;
        let out = qgraft(directory.path(), &["run", name, "--part", "1/2", "--dry-run", "--preset", "smoke"]);
        assert!(out.status.success(), "{name}: {}", text(&out.stderr));
        let help = text(&qgraft(directory.path(), &["run", name, "--help"]).stdout);
        assert!(help.contains("--part <K/N>") && !help.contains("alias: --part]"), "{name}: {help}");
    }
}

#[test]
fn a_run_leaves_a_whole_folder_and_its_spec_repeats_it_at_any_number_of_threads() {
    let directory = TempDir::new().unwrap();
    features(directory.path(), 40, 6, |_, _| ());
    let out = small(directory.path(), &["--out", "first", "--jobs", "1"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let first = directory.path().join("first");
    let artifacts = [
        "circuit.json",
        "circuit.qasm",
        "circuit3.qasm",
        "head.safetensors",
        "predictions.csv",
        "results.csv",
        "spec.toml",
    ];
    let left = left_in(&first);
    for file in artifacts.iter().chain(&["metrics.json", "report.html"]) {
        assert!(left.contains(&file.to_string()), "{file} is missing from {left:?}");
    }
    for head in ["linear", "mlp_a", "mlp_b", "quantum", "quantum@manila", "separable", "frozen_quantum"] {
        assert!(text(&out.stdout).contains(head), "the table lacks {head}");
    }
    let again =
        qgraft(directory.path(), &["run", "qtl", "--spec", "first/spec.toml", "--out", "second", "--jobs", "2"]);
    assert!(again.status.success(), "{}", text(&again.stderr));
    for file in artifacts {
        let read = |run: &str| fs::read(directory.path().join(run).join(file)).unwrap();
        assert_eq!(read("first"), read("second"), "{file} differs");
    }
}

#[test]
fn exported_circuits_read_back_with_the_trained_numbers() {
    let directory = TempDir::new().unwrap();
    features(directory.path(), 24, 4, |_, _| ());
    let out = small(directory.path(), &["--heads", "quantum", "--out", "run"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let qasm2 = fs::read_to_string(directory.path().join("run/circuit.qasm")).unwrap();
    let qasm3 = fs::read_to_string(directory.path().join("run/circuit3.qasm")).unwrap();
    assert!(qasm2.starts_with("OPENQASM 2.0;") && qasm2.contains("measure"), "{qasm2}");
    assert_eq!(qasm3.matches("input float").count(), 4, "{qasm3}");
}

/// Outcome probabilities over the classical bits of a circuit without slots.
fn outcomes(qasm: &str) -> Vec<f64> {
    let circuit = qasm::read(qasm, &qasm::ReadOptions::default()).unwrap();
    let (inputs, weights) = (Array2::zeros((1, 0)), Array1::zeros(0));
    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
    Statevector::default()
        .probabilities(&Program::ideal(&circuit, &(0..circuit.qubits()).collect::<Vec<_>>()), angles)
        .unwrap()
        .into_raw_vec_and_offset()
        .0
}

#[test]
fn a_trained_circuit_is_exported_open_or_bound_logical_or_for_a_device() {
    let directory = TempDir::new().unwrap();
    features(directory.path(), 24, 4, |_, _| ());
    let out = small(directory.path(), &["--heads", "linear,quantum", "--out", "run"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let export = |more: &[&str]| qgraft(directory.path(), &[&["export", "run"], more].concat());
    let exported = |more: &[&str]| {
        let out = export(more);
        assert!(out.status.success(), "{more:?}: {}", text(&out.stderr));
        text(&out.stdout)
    };
    let written = |name: &str| fs::read_to_string(directory.path().join("run").join(name)).unwrap();
    assert_eq!(exported(&["--format", "qasm3"]), written("circuit3.qasm"));
    assert_eq!(exported(&["--format", "qasm2", "--sample", "0"]), written("circuit.qasm"));
    assert_ne!(exported(&["--format", "qasm2", "--sample", "1"]), written("circuit.qasm"));

    let open = exported(&["--format", "qasm3", "--device", "manila"]);
    assert_eq!(open.matches("input float").count(), 4, "{open}");
    assert!(open.contains("measure $") && !open.contains("ry("), "native gates on physical qubits: {open}");
    for format in ["qasm2", "qasm3"] {
        let native = exported(&["--format", format, "--device", "manila", "--sample", "0"]);
        for (native, logical) in outcomes(&native).iter().zip(outcomes(&written("circuit.qasm"))) {
            // Some fifty gates of rounding errors.
            assert!((native - logical).abs() < 1e-12, "{format}: {native} is not {logical}");
        }
    }
    let out = export(&["--format", "qasm3", "-o", "head.qasm"]);
    assert!(out.status.success() && out.stdout.is_empty());
    assert_eq!(fs::read_to_string(directory.path().join("head.qasm")).unwrap(), written("circuit3.qasm"));

    // The head without a circuit, from the features of the run.
    let out = export(&["--format", "onnx", "-o", "linear.onnx"]);
    assert!(out.status.success() && text(&out.stderr).contains("`features` (batch"), "{}", text(&out.stderr));
    let file = fs::read(directory.path().join("linear.onnx")).unwrap();
    let holds = |part: &&str| file.windows(part.len()).any(|bytes| bytes == part.as_bytes());
    assert!(["Gemm", "Softmax", "probabilities"].iter().all(holds));

    let refused: [(&[&str], &str); 6] = [
        (&["export", "run", "--format", "onnx", "--head", "quantum"], "--format qasm3"),
        (&["export", "run", "--format", "onnx", "--device", "manila"], "an ONNX file holds a network without one"),
        (&["export", "run", "--format", "qasm2"], "--sample I"),
        (&["export", "run", "--format", "qasm2", "--sample", "900"], "sample = 900"),
        (&["export", "nowhere", "--format", "qasm3"], "nowhere: no finished trials"),
        (&["export", "run", "--format", "qasm3", "--device", "manilla"], "manila"),
    ];
    for (arguments, named) in refused {
        let out = qgraft(directory.path(), arguments);
        assert!(!out.status.success() && out.stdout.is_empty());
        assert!(text(&out.stderr).contains(named), "{arguments:?}: {}", text(&out.stderr));
    }
}

#[test]
fn the_quantum_kernel_classifies_separated_classes() {
    let directory = TempDir::new().unwrap();
    features(directory.path(), 40, 6, |_, _| ());
    let out = small(directory.path(), &["--heads", "quantum_kernel", "--out", "run", "--json"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let metrics: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    // The classes lie six deviations apart along the first principal component.
    let groups = metrics["values"].as_array().unwrap();
    let accuracy = groups.iter().find(|group| group["metric"] == "accuracy").unwrap();
    assert_eq!(accuracy["values"], serde_json::json!([["0", 1.0], ["1", 1.0]]));
    assert!(!directory.path().join("run/circuit.qasm").exists(), "a kernel has no trained circuit to export");
}

#[test]
fn every_kind_lists_its_table() {
    let directory = TempDir::new().unwrap();
    let help = text(&qgraft(directory.path(), &["list", "--help"]).stdout).to_string();
    let kinds: Vec<&str> =
        help.split("possible values: ").nth(1).unwrap().split(']').next().unwrap().split(',').map(str::trim).collect();
    assert!(kinds.len() >= 16 && kinds.contains(&"systems"), "{kinds:?}");
    for kind in kinds {
        let plain = qgraft(directory.path(), &["list", kind]);
        assert!(plain.status.success() && plain.stdout.len() > 40, "{kind}: {}", text(&plain.stderr));
        let rows: Vec<serde_json::Value> =
            serde_json::from_slice(&qgraft(directory.path(), &["list", kind, "--json"]).stdout).unwrap();
        assert!(rows.iter().all(|row| row["name"].is_string() || row["preset"].is_string()), "{kind}");
    }
}

#[test]
fn circuits_are_drawn_and_converted_there_and_back() {
    let directory = TempDir::new().unwrap();
    let ghz = Path::new(env!("CARGO_MANIFEST_DIR")).join("circuits/ghz.qasm");
    let ghz = ghz.to_str().unwrap();
    let drawn = qgraft(directory.path(), &["draw", ghz]);
    assert!(drawn.status.success() && text(&drawn.stdout).contains('■'), "{}", text(&drawn.stdout));
    let svg = qgraft(directory.path(), &["draw", ghz, "--svg", "ghz.svg"]);
    assert!(svg.status.success() && svg.stdout.is_empty());
    assert!(fs::read_to_string(directory.path().join("ghz.svg")).unwrap().starts_with("<svg"));
    let first = qgraft(directory.path(), &["convert", ghz, "--to", "qasm3"]);
    assert!(qgraft(directory.path(), &["convert", ghz, "--to", "json", "-o", "ghz.json"]).status.success());
    assert_eq!(first.stdout, qgraft(directory.path(), &["convert", "ghz.json"]).stdout);

    fs::write(directory.path().join("bad.qasm"), "OPENQASM 2.0;\nqreg q[2];\ncx q[0], q[7];\n").unwrap();
    for command in ["draw", "convert"] {
        let out = qgraft(directory.path(), &[command, "bad.qasm"]);
        refused(&out, directory.path(), &["bad.qasm", "q[7]"]);
        refused(&qgraft(directory.path(), &[command, "absent.qasm"]), directory.path(), &["absent.qasm"]);
    }
}

/// Arguments after a small run's, and what the message must name.
const REFUSED: &[(&[&str], &[&str])] = &[
    (&["--heads", "quantm"], &["quantm", "did you mean \"quantum\""]),
    (&["--heads", "linear@manila"], &["linear@manila", "a head with a circuit or a quantum kernel"]),
    (&["--heads", "linear,linear"], &["heads", "linear", "twice"]),
    (&["--preset", "marie"], &["marie", "did you mean \"mari\""]),
    (&["--devices", "manilla"], &["manilla", "manila"]),
    (&["--qubits", "6"], &["manila", "5 qubits", "at least 6 qubits"]),
    (&["--qubits", "0"], &["circuit.qubits", "from 1 to 192"]),
    (&["--epochs", "0"], &["train.epochs"]),
    (&["--seeds", "0"], &["seeds"]),
    (&["--shots", "0"], &["evaluate.shots"]),
    (&["--features", "absent.safetensors"], &["absent.safetensors"]),
    (&["--spec", "absent.toml"], &["absent.toml"]),
];

#[test]
fn bad_settings_are_one_clear_error() {
    let directory = TempDir::new().unwrap();
    features(directory.path(), 24, 4, |_, _| ());
    for (more, named) in REFUSED {
        // A later option replaces an earlier one of the same name only with a clap setting, so the earlier one is left
        // out.
        let kept: Vec<&str> = SMALL.chunks(2).filter(|pair| !more.contains(&pair[0])).flatten().copied().collect();
        let out = qgraft(directory.path(), &[&kept[..], more, &["--out", "run"]].concat());
        refused(&out, directory.path(), named);
    }
}

/// One message on stderr that names what it should, exit code 1, no panic, nothing left behind.
fn refused(out: &Output, directory: &Path, named: &[&str]) {
    let message = text(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{message}");
    assert!(!message.contains("panicked"), "{message}");
    for word in named {
        assert!(message.contains(word), "{message:?} does not name {word:?}");
    }
    assert!(out.stdout.is_empty());
    let strays: Vec<String> =
        left_in(directory).into_iter().filter(|n| n.contains("run") && n != "run.toml" && n != "runs").collect();
    assert!(strays.is_empty(), "left behind: {strays:?} after {message}");
}

#[test]
fn bad_spec_files_name_line_and_key() {
    let directory = TempDir::new().unwrap();
    let cases = [
        ("sedes = [1]\n", "sedes"),
        ("[train]\nepochs = \"ten\"\nbatch = 4\n", "epochs"),
        ("format = \"qgraft.qtl/99\"\n", "qgraft.qtl/99"),
        ("seeds = [1, 1]\n", "1 twice"),
        ("[circuit]\nansatz = \"dresed\"\n", "did you mean \"dressed\""),
        ("[evaluate]\nmodel = \"aero\"\n", "aero"),
        ("[evaluate]\nscales = [-1.0]\n", "evaluate.scales"),
        ("not toml", "run.toml"),
    ];
    for (spec, named) in cases {
        fs::write(directory.path().join("run.toml"), spec).unwrap();
        let out = qgraft(directory.path(), &["run", "qtl", "--spec", "run.toml", "--out", "run"]);
        refused(&out, directory.path(), &[named]);
    }
}

#[test]
fn bad_features_name_row_and_column_or_class() {
    let directory = TempDir::new().unwrap();
    features(directory.path(), 24, 4, |values, _| values[4 * 7 + 2] = f32::NAN);
    refused(
        &small(directory.path(), &["--out", "run"]),
        directory.path(),
        &["features.safetensors", "row 7", "column 2"],
    );
    features(directory.path(), 24, 4, |_, labels| labels.iter_mut().for_each(|l| *l = 5));
    refused(&small(directory.path(), &["--out", "run"]), directory.path(), &["features.safetensors", "class"]);
    fs::write(directory.path().join("features.safetensors"), [1, 2, 3]).unwrap();
    refused(&small(directory.path(), &["--out", "run"]), directory.path(), &["features.safetensors"]);
}

#[test]
fn labels_that_do_not_count_from_0_are_told() {
    let directory = TempDir::new().unwrap();
    features(directory.path(), 24, 4, |_, labels| labels.iter_mut().for_each(|l| *l = *l * 1_000_000_000 + 1));
    let out = small(directory.path(), &["--heads", "linear", "--out", "run"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let notice = "features.safetensors: labels 1 and 1000000001 are not 0 to 1; each is a class of its own";
    assert!(text(&out.stdout).contains(notice), "{}", text(&out.stdout));
}

#[test]
fn features_of_pictures_become_a_file_that_a_run_reads() {
    let directory = TempDir::new().unwrap();
    let pictures = directory.path().join("pictures");
    for k in 0..8u8 {
        let path = pictures.join(["train", "valid"][usize::from(k / 4)]).join(["dark", "light"][usize::from(k % 2)]);
        fs::create_dir_all(&path).unwrap();
        image::GrayImage::from_pixel(9, 7, image::Luma([k % 2 * 200 + k])).save(path.join(format!("{k}.png"))).unwrap();
    }
    let out = qgraft(directory.path(), &["features", "pictures", "-o", "pictures.safetensors"]);
    let message = text(&out.stderr);
    assert!(out.status.success(), "{message}");
    assert!(message.contains("train/ for training and valid/ for validation"), "{message}");
    assert!(
        message.contains("pictures.safetensors: 4 training rows and 4 validation rows, 1280 wide, 2 classes"),
        "{message}"
    );
    let run = ["run", "qtl", "--heads", "linear", "--seeds", "1", "--epochs", "1", "--devices", "manila", "--out"];
    let of = |more: &[&str], out: &str| {
        let found = qgraft(directory.path(), &[&run[..], &[out], more].concat());
        assert!(found.status.success(), "{}", text(&found.stderr));
        fs::read_to_string(directory.path().join(out).join("results.csv")).unwrap()
    };
    assert_eq!(of(&["--data", "pictures"], "a"), of(&["--features", "pictures.safetensors"], "b"));

    let bad = pictures.join("train/dark/bad.jpg");
    fs::write(&bad, b"\xff\xd8\xff\xe0cut").unwrap();
    let out = qgraft(directory.path(), &["features", "pictures", "-o", "more.safetensors"]);
    refused(&out, directory.path(), &["bad.jpg", "--skip-bad leaves such files out"]);
    let out = qgraft(directory.path(), &["features", "pictures", "-o", "more.safetensors", "--skip-bad"]);
    assert!(out.status.success() && text(&out.stderr).contains("bad.jpg"), "{}", text(&out.stderr));
}

#[test]
fn a_dry_run_says_which_data_are_missing() {
    let directory = TempDir::new().unwrap();
    let cases: [(&[&str], &[&str]); 3] = [
        (&["--backbone", "squeezenet1_1"], &["backbone.weights = missing", "squeezenet1_1"]),
        (&["--data", "absent"], &["data.path = absent"]),
        (&["--features", "absent.npz"], &["data.path = absent.npz"]),
    ];
    for (more, named) in cases {
        let out = qgraft(directory.path(), &[&["run", "qtl", "--dry-run"], more].concat());
        refused(&out, directory.path(), named);
    }
}

#[test]
fn truncated_weights_are_named() {
    let directory = TempDir::new().unwrap();
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/fashion_mnist/shirts.safetensors");
    let bytes = fs::read(whole).unwrap();
    fs::write(directory.path().join("half.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
    let out =
        qgraft(directory.path(), &["run", "qtl", "--preset", "quick", "--weights", "half.safetensors", "--out", "run"]);
    refused(&out, directory.path(), &["half.safetensors"]);
}

#[test]
fn a_taken_or_impossible_folder_is_refused_before_the_work() {
    let directory = TempDir::new().unwrap();
    features(directory.path(), 24, 4, |_, _| ());
    fs::create_dir(directory.path().join("taken")).unwrap();
    fs::write(directory.path().join("taken/mine.txt"), "mine").unwrap();
    refused(&small(directory.path(), &["--out", "taken"]), directory.path(), &["taken"]);
    assert_eq!(left_in(&directory.path().join("taken")), ["mine.txt"]);
    fs::write(directory.path().join("file"), "").unwrap();
    refused(&small(directory.path(), &["--out", "file/run"]), directory.path(), &["file"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_continues_after_a_full_disk() {
    let directory = TempDir::new().unwrap();
    features(directory.path(), 24, 4, |_, _| ());
    // A limit on file size fails writes as a full disk does, without needing one. 16 blocks of 512 bytes.
    let command =
        format!("trap '' XFSZ; ulimit -f 16; exec {} {} --out run", env!("CARGO_BIN_EXE_qgraft"), SMALL.join(" "));
    let out = Command::new("sh").args(["-c", &command]).current_dir(directory.path()).output().unwrap();
    let message = text(&out.stderr);
    assert!(out.status.code() == Some(1) && message.contains("run/") && !message.contains("panicked"), "{message}");
    let again = small(directory.path(), &["--out", "run", "--resume"]);
    assert!(again.status.success() && directory.path().join("run/report.html").exists(), "{}", text(&again.stderr));
}

#[test]
fn what_is_computed_again_is_said_with_the_reason() {
    let directory = TempDir::new().unwrap();
    let suite = "format = \"qgraft.suite/1\"\ntitle = \"Two runs\"\n\
        [common.qtl]\nseeds = [0, 1]\ntrain.epochs = 1\nheads = [\"linear\"]\nevaluate.devices = []\n\
        data.source = \"features\"\ndata.path = \"features.safetensors\"\n\
        [runs.one]\nsystem = \"qtl\"\n[runs.two]\nsystem = \"qtl\"\ntrain.rate = 0.01\n";
    fs::write(directory.path().join("suite.toml"), suite).unwrap();
    let study = |more: &[&str]| {
        let out = qgraft(directory.path(), &[&["study", "suite.toml", "--out", "suite"], more].concat());
        assert!(out.status.success(), "{}", text(&out.stderr));
        text(&out.stderr)
    };
    features(directory.path(), 24, 4, |_, _| ());
    // Trials of one name in two runs are no reason.
    assert!(!study(&[]).contains("again"));
    assert!(!study(&["--resume"]).contains("again"));
    features(directory.path(), 24, 4, |values, _| values[0] += 1.0);
    let told = study(&["--resume"]);
    let reason = "2 trials computed again: the contents of data.path have changed";
    assert_eq!(told.matches(reason).count(), 2, "{told}");
}

#[test]
fn a_circuit_is_transpiled_with_its_slots_and_a_summary() {
    let directory = TempDir::new().unwrap();
    let circuit = Path::new(env!("CARGO_MANIFEST_DIR")).join("circuits/qaoa_ring.qasm");
    let source = ["transpile", circuit.to_str().unwrap(), "--device", "torino"];
    let out = qgraft(directory.path(), &[&source[..], &["-o", "out.qasm", "--json"]].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(summary["initial_layout"].as_array().unwrap().len(), 5);
    let number = |name: &str| summary[name].as_f64().unwrap_or_else(|| panic!("{name} in {summary}"));
    assert!(number("two_qubit_gates") >= 20.0 && number("depth") > number("depth_before"));
    assert!(number("success") > 0.5 && number("duration_seconds") > 1e-7 && number("duration_seconds") < 1e-4);
    let written = fs::read_to_string(directory.path().join("out.qasm")).unwrap();
    assert!(written.contains("input float gamma0") && written.contains("cz $"), "{written}");
    let back = qgraft(directory.path(), &["convert", "out.qasm", "--to", "json"]);
    assert!(back.status.success(), "{}", text(&back.stderr));
    for (more, part) in [
        (["--layout", "0,1"], "2 physical qubits are listed"),
        (["--layout", "somewhere"], "noise-aware, trivial, or a list"),
        (["--to", "qasm2"], "slots"),
        (["--level", "4"], "0..=3"),
    ] {
        let out = qgraft(directory.path(), &[&source[..], &more].concat());
        assert!(!out.status.success() && text(&out.stderr).contains(part), "{more:?}: {}", text(&out.stderr));
    }
}

/// Whether the process has a handler for SIGINT yet; before that an interrupt would simply kill it.
#[cfg(target_os = "linux")]
fn catches_interrupts(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & 0b10 != 0
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_ends_cleanly() {
    let directory = TempDir::new().unwrap();
    features(directory.path(), 200, 6, |_, _| ());
    let mut child = Command::new(env!("CARGO_BIN_EXE_qgraft"))
        .args(["run", "qtl", "--features", "features.safetensors", "--epochs", "100000", "--out", "run"])
        .current_dir(directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !catches_interrupts(child.id()) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no handler after a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let asked = Instant::now();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(asked.elapsed() < Duration::from_secs(20), "took {:?} to stop", asked.elapsed());
    // What is finished stays, so that --resume continues.
    assert_eq!(left_in(&directory.path().join("run")), ["trials"]);
}
