//! Noise robustness: what noise, mitigation and training under noise do to a circuit, and controls that are known.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use qgraft::classic::LeastSquares;
use qgraft::lab::{self, Experiment, Overrides, Query, Results, Settings, System, SystemOf, Validation, run_in_memory};
use qgraft::math::Stream;
use qgraft::nn::head::{AnsatzChoice, CircuitConfig};
use qgraft::sim::mitigate::MITIGATIONS;
use qgraft::study::train::TrainConfig;
use qgraft::systems::inputs::{Data, DataKind};
use qgraft::systems::noise_robustness::{ARMS, NoiseRobustness, Spec};
use qgraft::systems::qtl;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use tempfile::TempDir;

/// Two overlapping classes of 60 rows, 6 wide.
fn features(directory: &Path) -> PathBuf {
    let (rows, width) = (60, 6);
    let mut stream = Stream::named(1, "features");
    let labels: Vec<u8> = (0..rows).flat_map(|row| ((row % 2) as u32).to_le_bytes()).collect();
    let centre = |row: usize| if row.is_multiple_of(2) { 0.5 } else { -0.5 };
    let values: Vec<u8> =
        (0..rows * width).flat_map(|at| (centre(at / width) + 0.8 * stream.normal() as f32).to_le_bytes()).collect();
    let tensors = HashMap::from([
        ("features", TensorView::new(Dtype::F32, vec![rows, width], &values).unwrap()),
        ("labels", TensorView::new(Dtype::U32, vec![rows], &labels).unwrap()),
    ]);
    let path = directory.join("features.safetensors");
    fs::write(&path, safetensors::serialize(tensors, None).unwrap()).unwrap();
    path
}

fn data(directory: &Path) -> Data {
    Data { source: DataKind::Features, path: Some(features(directory)), ..Data::default() }
}

fn small(directory: &Path) -> Spec {
    Spec {
        seeds: vec![0, 1],
        devices: vec!["manila".into()],
        scales: vec![0.0, 1.0, 2.0],
        shots: vec![64],
        mitigations: vec!["readout_inversion".into(), "decoupling".into()],
        data: data(directory),
        train: TrainConfig { epochs: 3, rate: 0.05, ..Spec::default().train },
        ..Spec::default()
    }
}

/// Values of all noise, exact and without mitigation.
fn plain<'a>(results: &'a Results, metric: &str) -> Query<'a> {
    results.of(metric).grid("main").at("source", "all").at("mitigation", "none").at("shots", "exact")
}

fn violations(spec: &Spec) -> String {
    let mut check = Validation::default();
    spec.validate(&mut check);
    check.violations().iter().map(|violation| format!("{violation}\n")).collect()
}

#[test]
fn three_ways_of_training_under_every_condition() {
    let directory = TempDir::new().unwrap();
    let spec = small(directory.path());
    let results = run_in_memory::<NoiseRobustness>(&spec).unwrap();
    // Three scales: with and without two mitigations, exact and with shots; then three sources alone.
    let slopes = results.of("attenuation").grid("main");
    assert_eq!(slopes.rows().len(), ARMS.len() * spec.seeds.len() * 3 * (3 * 2 + 3));
    for row in slopes.clone().at("shots", "exact").rows() {
        match row.level("scale") {
            "0" => assert!((row.value - 1.0).abs() < 1e-9, "{row:?}"),
            _ => assert!(row.value > 0.3 && row.value < 1.0, "{row:?}"),
        }
    }
    let by_scale = plain(&results, "attenuation").at("arm", "ideal").by("scale");
    assert!(by_scale.is_sorted_by(|a, b| a.1.mean() > b.1.mean()), "more noise, less ⟨Z⟩: {by_scale:?}");
    let at = |mitigation: &str| {
        let all = slopes.clone().at("source", "all").at("scale", "2").at("shots", "exact");
        all.at("mitigation", mitigation).samples().unwrap().mean()
    };
    assert!(at("readout_inversion") > at("none") + 0.02, "mitigation brings the slope back");
    let gradients = results.of("gradient_variance").by("scale");
    assert!(gradients.is_sorted_by(|a, b| a.1.mean() > b.1.mean()) && gradients.len() == 3, "{gradients:?}");
    let noiseless = results.cell("gradients", "gradient_variance", &[]).single().unwrap();
    assert!((gradients[0].1.mean() / noiseless - 1.0).abs() < 1e-9, "no noise at scale 0");
    // At twice the noise exact and with shots, as calibrated exact: both ways of training under noise.
    let grids = NoiseRobustness::grids(&spec).unwrap();
    assert_eq!(NoiseRobustness::contrasts(&spec, &grids).len(), 3 * 2);
}

#[test]
fn the_controls_hold_on_a_trained_head() {
    let directory = TempDir::new().unwrap();
    let mut spec = small(directory.path());
    (spec.seeds, spec.arms, spec.mitigations, spec.scales) = (vec![0], vec!["ideal".into()], vec![], vec![1.0, 2.0]);
    spec.train.epochs = 10;
    let results = run_in_memory::<NoiseRobustness>(&spec).unwrap();
    let of = |metric: &str| results.cell("controls", metric, &[]).single().unwrap();
    assert!(of("known_values") >= 20.0 && of("smallest_factor") < 0.95);
    assert!(of("known_deviation") < 1e-9, "{}", of("known_deviation"));
    let at = |metric: &str, lambda: &str| results.cell("controls", metric, &[("lambda", lambda)]).single().unwrap();
    assert!(at("refitted", "0") > of("chance") + 0.2, "the head learned");
    assert!(at("attenuation", "0.4").abs() < 0.01);
    // Two of 18 rows may change sides: rows are attenuated by slightly different factors.
    assert!(of("flatness") <= 2.0 / 18.0 + 1e-12, "{}", of("flatness"));
    // c² S is far below 1 at the end of the curve: nothing is left with 64 shots.
    assert!(at("refitted_with_shots", "0.4") < of("chance") + 0.25);
    let ratio = of("threshold_ratio");
    assert!(ratio > 2.0 / 64.0 && ratio < 100.0, "{ratio}");
}

#[test]
fn an_exported_head_is_evaluated_as_in_its_own_run() {
    let directory = TempDir::new().unwrap();
    let mut made = qtl::Spec { data: data(directory.path()), heads: vec!["quantum".into()], ..qtl::Spec::default() };
    made.seeds = vec![3];
    (made.train.epochs, made.train.rate) = (3, 0.05);
    made.hold_out.validation = Some(0.2);
    made.evaluate.devices = vec!["manila".into()];
    let out = directory.path().join("qtl");
    let options = lab::RunOptions { jobs: 2, cache: directory.path().into(), ..lab::RunOptions::new(out.clone()) };
    let own = lab::run::<qtl::Qtl>(&made, &options, &()).unwrap().results;
    let spec = Spec { head: Some(out), data: Data::default(), mitigations: vec![], ..small(directory.path()) };
    let results = run_in_memory::<NoiseRobustness>(&spec).unwrap();
    assert!(results.rows.iter().all(|row| row.grid != "main" || row.level("arm") == "quantum"));
    let accuracy = results.cell("main", "accuracy", &[]).single();
    assert_eq!(accuracy, own.of("accuracy").plain().single(), "without noise");
    for (scale, shots) in [("1", "exact"), ("2", "exact"), ("1", "64")] {
        let own = own.of("accuracy").at("device", "manila").at("scale", scale).at("shots", shots).single();
        let found = results.of("accuracy").grid("main").at("source", "all").at("scale", scale).at("shots", shots);
        assert!(own.is_none_or(|own| found.single() == Some(own)), "{scale} × manila, {shots}");
    }
    let elsewhere = Spec { head: Some(directory.path().into()), ..spec.clone() };
    let message = violations(&elsewhere);
    assert!(message.starts_with("head = ") && message.contains("qgraft run"), "{message}");
    let both = Spec { data: data(directory.path()), circuit_file: Some("a.qasm".into()), ..spec };
    let message = violations(&both);
    assert!(message.contains("circuit_file = a.qasm") && message.contains("data.path = "), "{message}");
}

#[test]
fn a_circuit_alone_is_evaluated_by_what_is_left_of_its_values() {
    let directory = TempDir::new().unwrap();
    let circuits = Path::new(env!("CARGO_MANIFEST_DIR")).join("circuits");
    for (name, has_slots) in [("qaoa_ring.qasm", true), ("qft.qasm", false), ("w_state.qasm", false)] {
        let spec = Spec { circuit_file: Some(circuits.join(name)), mitigations: vec![], ..small(directory.path()) };
        let results = run_in_memory::<NoiseRobustness>(&spec).unwrap();
        assert!(results.of("accuracy").rows().is_empty(), "{name}");
        assert_eq!(results.of("gradient_variance").rows().len(), if has_slots { 4 } else { 0 }, "{name}");
        assert!(results.of("known_deviation").samples().unwrap().max() < 1e-9, "{name}");
        assert!(results.of("flatness").rows().is_empty(), "{name}");
    }
    let dynamic = Spec { circuit_file: Some(circuits.join("teleport.qasm")), ..small(directory.path()) };
    let message = violations(&dynamic);
    assert!(message.starts_with("circuit_file = ") && message.contains("teleport.qasm"), "{message}");
}

/// Past what a density matrix holds: values and gradients on the parts that observables feel.
#[test]
fn heads_on_many_qubits_are_trained_and_evaluated_under_noise() {
    let directory = TempDir::new().unwrap();
    let small = small(directory.path());
    let circuit =
        CircuitConfig { ansatz: AnsatzChoice::Row("mari".into()), qubits: 16, depth: 1, ..small.circuit.clone() };
    let spec = Spec {
        seeds: vec![0],
        arms: vec!["device".into()],
        devices: vec!["torino".into()],
        scales: vec![1.0],
        shots: vec![32],
        mitigations: Vec::new(),
        circuit,
        train: TrainConfig { epochs: 1, ..small.train },
        ..small
    };
    let results = run_in_memory::<NoiseRobustness>(&spec).unwrap();
    let slope = plain(&results, "attenuation").at("scale", "1").single().unwrap();
    assert!(slope > 0.5 && slope < 1.0, "{slope}");
    assert!(results.of("known_deviation").samples().unwrap().max() < 1e-9);
    assert!(results.of("gradient_variance").samples().unwrap().min() > 0.0);
}

#[test]
fn a_circuit_file_may_include_others_have_inputs_and_count_time_steps() {
    let directory = TempDir::new().unwrap();
    let folder = directory.path().join("own");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("own.inc"), "gate g(t) a { rx(t) a; }").unwrap();
    let file = directory.path().join("delayed.qasm");
    let head = "OPENQASM 3.0; include \"stdgates.inc\"; include \"own.inc\"; qubit[2] q;";
    fs::write(
        &file,
        format!("{head} input int[4] n;\ng(3/2) q[0];\ndelay[16dt] q[0]; for int i in [1:n] {{ cx q[0], q[1]; }}"),
    )
    .unwrap();
    let devices = vec!["torino".to_string()];
    let alone = Spec { circuit_file: Some(file), devices, mitigations: vec![], ..small(directory.path()) };
    assert!(violations(&alone).contains("cannot include \"own.inc\""));
    let found = Spec { include: vec![folder.clone()], ..alone };
    assert!(violations(&found).contains("the input n"), "{}", violations(&found));
    let results = run_in_memory::<NoiseRobustness>(&Spec { input: vec!["n=1".into()], ..found }).unwrap();
    let notices = results.notices().join("; ");
    for part in ["delayed.qasm:2: a division of integers leaves a rest", "its delays are left out"] {
        assert!(notices.contains(part), "{notices}");
    }
    // The contents of the folder decide the result.
    assert!(violations(&Spec { include: vec![folder], ..small(directory.path()) }).starts_with("include = "));
    assert!(violations(&Spec { input: vec!["n".into()], ..small(directory.path()) }).contains("input = n"));
}

#[test]
fn a_least_squares_read_out_does_not_see_scales_and_shifts() {
    let mut stream = Stream::named(2, "rows");
    let labels: Vec<usize> = (0..50).map(|row| row % 3).collect();
    let rows =
        ndarray::Array2::from_shape_fn((50, 4), |(row, k)| f64::from(u8::from(row % 3 == k)) + 0.7 * stream.normal());
    let moved = rows.mapv(|v| 1e-5 * v + 0.3);
    let plain = LeastSquares::fit(rows.view(), &labels, 3).predict(rows.view());
    assert_eq!(LeastSquares::fit(moved.view(), &labels, 3).predict(moved.view()), plain);
    let right = plain.iter().zip(&labels).filter(|(p, l)| p == l).count();
    assert!(right > 30, "{right} of 50");
}

#[test]
fn options_name_heads_circuits_and_every_mitigation() {
    let resolve = |flags: &[(&str, &str)]| {
        let flags = flags.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        SystemOf::<NoiseRobustness>::new().resolve(&Overrides { flags, ..Overrides::default() })
    };
    let all: Vec<&str> = MITIGATIONS.iter().map(|row| row.name).collect();
    let request = resolve(&[("mitigations", &all.join(",")), ("scales", "1,8"), ("shots", "")]).unwrap();
    assert_eq!(request.base["mitigations"].as_array().unwrap().len(), MITIGATIONS.len());
    assert_eq!(request.base["shots"].as_array().unwrap().len(), 0);
    let circuit = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("circuits").join(name).display().to_string();
    assert!(resolve(&[("circuit", &circuit("w_state.qasm"))]).is_ok());
    let error = resolve(&[("circuit", &circuit("ghz.qasm")), ("devices", "manila")]).unwrap_err().to_string();
    assert!(error.contains("devices = \"manila\" (5 qubits)") && error.contains("at least 6 qubits"), "{error}");
    let error = resolve(&[("head", "nowhere")]).unwrap_err().to_string();
    assert!(error.starts_with("head = nowhere") && error.contains("no finished trials"), "{error}");
}
