//! `qgraft bench`: the line that comparisons read, with checksums computed by plain numpy (tests/reference/bench.py).

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn file(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference/bench").join(name);
    path.to_str().unwrap().to_string()
}

fn bench(arguments: &str) -> Output {
    let words =
        arguments.split_whitespace().map(|word| if Path::new(&file(word)).exists() { file(word) } else { word.into() });
    Command::new(env!("CARGO_BIN_EXE_qgraft")).arg("bench").args(words).output().unwrap()
}

fn reference(name: &str) -> f64 {
    let all: Value = serde_json::from_str(include_str!("../reference/bench/checksums.json")).unwrap();
    all[name].as_f64().unwrap()
}

const NOISY: &str = "noisy --circuit noisy_manila_n04.qasm --noise noisy_manila_n04.json";

/// `benches/peers/mixed.py 4 3 16 benches/noisy/head_n04.json 0`, PennyLane 0.45: printed with twelve decimals, sums of a hundred
/// numbers.
const PENNYLANE: f64 = -11.634757361246;

#[test]
fn a_noisy_gradient_has_pennylanes_checksum() {
    let out = bench("grad --qubits 4 --layers 3 --batch 16 --noise benches/noisy/head_n04.json --budget 0 --json");
    let line: Value = serde_json::from_slice(&out.stdout).expect("one line");
    assert_eq!(line["case"], "grad_n04_l3_b16_noisy");
    let checksum = line["checksum"].as_f64().unwrap();
    assert!((checksum - PENNYLANE).abs() < 1e-9, "{checksum}, not {PENNYLANE}");
}

#[test]
fn a_circuit_without_weights_is_a_circuit() {
    let out = bench("grad --qubits 2 --layers 0 --batch 3 --budget 0 --json");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn lines_have_the_agreed_keys_and_the_right_checksum() {
    let [density, trajectory] =
        ["density", "trajectory --shots 4096"].map(|engine| format!("{NOISY} --engine {engine}"));
    let (sv, grad) = ("sv --circuit sv_random_n04.qasm", "grad --qubits 3 --layers 2 --batch 4");
    let noisy = "noisy_manila_n04";
    // Exact ways agree up to rounding, of f32 over some hundred gates where it runs.
    let cases: [(&str, &str, &str, i64, &str, f64); 7] = [
        (sv, "sv_random_n04", "sv_random_n04", 4, "double", 1e-12),
        (sv, "sv_random_n04", "sv_random_n04", 4, "single", 1e-5),
        (grad, "grad_n03_l2_b4", "grad_n03_l2_b4", 3, "double", 1e-12),
        (grad, "grad_n03_l2_b4", "grad_n03_l2_b4", 3, "single", 1e-4),
        (&density, noisy, "noisy_manila_n04_density", 4, "double", 1e-12),
        (&density, noisy, "noisy_manila_n04_density", 4, "single", 1e-5),
        // A mean of 4096 numbers in [-1, 1]: five standard deviations are at most 5/64.
        (&trajectory, noisy, "noisy_manila_n04_trajectory", 4, "double", 5.0 / 64.0),
    ];
    for (arguments, wanted, case, n, precision, tolerance) in cases {
        let out = bench(&format!("{arguments} --precision {precision} --threads 2 --budget 0.01 --json"));
        assert!(out.status.success(), "{case}: {}", String::from_utf8_lossy(&out.stderr));
        assert_eq!(out.stdout.iter().filter(|&&byte| byte == b'\n').count(), 1, "one line");
        let line: Value = serde_json::from_slice(&out.stdout).unwrap();
        let mut keys: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        let agreed = ["case", "checksum", "n", "precision", "reps", "seconds_median", "seconds_min", "threads", "tool"];
        assert_eq!(keys, agreed);
        assert_eq!((&line["tool"], &line["case"], &line["n"]), (&"qgraft".into(), &case.into(), &n.into()));
        assert_eq!((&line["threads"], &line["precision"]), (&2.into(), &precision.into()), "{case}");
        let [reps, median, fastest] = ["reps", "seconds_median", "seconds_min"].map(|key| line[key].as_f64().unwrap());
        assert!(reps >= 1.0 && 0.0 < fastest && fastest <= median, "{line}");
        let (checksum, wanted) = (line["checksum"].as_f64().unwrap(), reference(wanted));
        assert!((checksum - wanted).abs() < tolerance, "{case}: {checksum}, not {wanted}");
    }
}

#[test]
fn the_checksum_does_not_depend_on_threads() {
    let checksum = |threads: usize| {
        let out = bench(&format!("{NOISY} --engine trajectory --shots 100 --threads {threads} --budget 0 --json"));
        serde_json::from_slice::<Value>(&out.stdout).unwrap()["checksum"].clone()
    };
    assert_eq!(checksum(1), checksum(2));
}

#[test]
fn bad_requests_are_one_clear_error() {
    let cases = [
        ("sv --circuit absent.qasm", "absent.qasm"),
        ("sv --circuit sv_random_n04.qasm --threads 0", "--threads 0"),
        ("sv --circuit sv_random_n04.qasm --budget NaN", "--budget NaN"),
        ("sv --circuit sv_random_n04.qasm --precision half", "half"),
        ("grad --qubits 0 --layers 1 --batch 1", "--qubits"),
        ("grad --qubits 40 --layers 1 --batch 1", "40 qubits"),
        ("noisy --circuit sv_random_n04.qasm --noise sv_random_n04.qasm --engine density", "not a list of noise"),
    ];
    for (arguments, named) in cases {
        let out = bench(arguments);
        let message = String::from_utf8_lossy(&out.stderr);
        assert!(!out.status.success() && out.stdout.is_empty(), "{arguments}");
        assert!(message.contains(named) && !message.contains("panicked"), "{message:?} does not name {named:?}");
    }
}
