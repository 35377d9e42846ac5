//! A trained head after its run: predict, export, hardware and noise_robustness say what the run said.

use std::path::Path;

use ndarray::Array2;
use qgraft::circuit::{Circuit, Observable};
use qgraft::data::{FeatureSplit, Part, Synthetic};
use qgraft::lab::{self, Applied, ApplyOptions, ModelChoice, SavedRun, System, SystemOf};
use qgraft::nn::head::{Body, HEADS, HeadConfig};
use qgraft::noise::Program;
use qgraft::sim::{Angles, Condition, Executions, Statevector, sample};
use qgraft::study::Trainer;
use qgraft::study::hardware::{CountedRow, Counts, HardwareJob, JobRows};
use qgraft::systems::inputs::Data;
use qgraft::systems::noise_robustness::{self, NoiseRobustness};
use qgraft::systems::qtl::{Qtl, Spec};
use qgraft::systems::saved_head::{SavedHead, candidates};
use tempfile::TempDir;

use crate::support::apply::apply_options;

/// Every row of the table of heads.
fn names() -> Vec<String> {
    HEADS.iter().map(|row| row.name.to_string()).collect()
}

/// A run of every head on two qubits, and the file of its validation rows.
fn run(folder: &Path) -> (lab::Results, std::path::PathBuf, std::path::PathBuf) {
    let synthetic = Synthetic { training: 24, held_out: 12, classes: 3, separation: 4.0, seed: 5 };
    let mut spec = Spec { heads: names(), seeds: vec![2], data: Data::synthetic(synthetic), ..Spec::default() };
    (spec.circuit.qubits, spec.circuit.depth, spec.train.epochs, spec.train.rate) = (2, 1, 2, 0.05);
    (spec.evaluate.devices, spec.evaluate.scales, spec.evaluate.shots) = (vec!["manila".into()], vec![], vec![]);
    let out = folder.join("run");
    let options = lab::RunOptions { jobs: 2, cache: folder.into(), ..lab::RunOptions::new(out.clone()) };
    let results = lab::run::<Qtl>(&spec, &options, &()).unwrap().results;
    let rows = synthetic.features("efficientnet_lite0", 1280).rows(Part::Validation);
    let file = folder.join("new.safetensors");
    std::fs::write(&file, safetensors(&rows)).unwrap();
    (results, out, file)
}

/// Features and labels as a file.
fn safetensors(rows: &qgraft::data::FeatureRows) -> Vec<u8> {
    let values: Vec<u8> = rows.values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let labels: Vec<u8> = rows.labels.iter().flat_map(|&label| (label as i64).to_le_bytes()).collect();
    let (height, width) = rows.values.dim();
    let header = serde_json::json!({
        "__metadata__": { "classes": rows.classes.join(",") },
        "features": { "dtype": "F32", "shape": [height, width], "data_offsets": [0, values.len()] },
        "labels": { "dtype": "I64", "shape": [height], "data_offsets": [values.len(), values.len() + labels.len()] },
    })
    .to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &values, &labels].concat()
}

fn apply(folder: &Path, data: &Path, head: Option<&str>, condition: Condition) -> Applied {
    let options = ApplyOptions { condition, cache: folder.into(), ..apply_options(data, head) };
    SystemOf::<Qtl>::new().apply(&SavedRun::open(folder).unwrap(), &options, &()).unwrap()
}

fn metric(applied: &Applied, name: &str) -> f64 {
    applied.metrics.iter().find(|(own, _)| own == name).unwrap().1
}

#[test]
fn every_head_predicts_on_new_data_what_its_run_measured() {
    let folder = TempDir::new().unwrap();
    let (results, out, file) = run(folder.path());
    for name in names() {
        let accuracy = |device: &str| {
            let of = results.of("accuracy").at("head", &name);
            let own = if device.is_empty() { of.plain() } else { of.at("device", device).at("scale", "1") };
            own.single()
        };
        let applied = apply(&out, &file, Some(&name), Condition::default());
        assert_eq!(Some(metric(&applied, "accuracy")), accuracy(""), "{name}");
        assert_eq!((applied.known, applied.rows.len()), (12, 12), "{name}");
        let columns = applied.columns.len();
        assert!(applied.rows.iter().all(|row| row.len() == columns), "{name}");
        if let Some(noisy) = accuracy("manila") {
            let applied = apply(&out, &file, Some(&name), Condition::on_device("manila"));
            assert_eq!(metric(&applied, "accuracy"), noisy, "{name} on manila");
        }
    }
    // Without a name the head that is best on validation rows, which are the evaluated ones here.
    let trained = HEADS.iter().filter(|row| !matches!(row.body, Body::Kernel)).map(|row| row.name);
    let best = trained.filter_map(|name| results.of("accuracy").at("head", name).plain().single()).fold(0., f64::max);
    assert_eq!(metric(&apply(&out, &file, None, Condition::default()), "accuracy"), best);
}

#[test]
fn noise_robustness_measures_every_circuit_of_a_run_as_the_run_did() {
    let folder = TempDir::new().unwrap();
    let (results, out, _) = run(folder.path());
    for name in names() {
        let row = HEADS.iter().find(|row| row.name == name).unwrap();
        let mut spec =
            noise_robustness::Spec { head: Some(out.clone()), head_name: Some(name.clone()), ..Default::default() };
        (spec.devices, spec.scales) = (vec!["manila".into()], vec![1.0]);
        (spec.shots, spec.mitigations) = (vec![], vec![]);
        let found = lab::run_in_memory::<NoiseRobustness>(&spec);
        if !row.is_dressed() {
            let reason = if matches!(row.body, Body::Kernel) { "is a kernel" } else { "has no circuit" };
            assert!(found.unwrap_err().to_string().contains(reason), "{name}");
            continue;
        }
        let found = found.unwrap();
        assert_eq!(
            found.cell("main", "accuracy", &[]).single(),
            results.of("accuracy").at("head", &name).plain().single(),
            "{name}"
        );
        assert_eq!(
            found.of("accuracy").grid("main").at("source", "all").at("scale", "1").single(),
            results.of("accuracy").at("head", &name).at("device", "manila").at("scale", "1").single(),
            "{name} on manila"
        );
    }
}

/// Counts of the exact probabilities of a circuit that measures `bits` bits at its end.
fn exact_counts(circuit: &Circuit, angles: &[f64], bits: usize) -> std::collections::BTreeMap<String, u64> {
    let used: Vec<usize> =
        (0..circuit.qubits()).filter(|q| circuit.ops().iter().any(|op| op.qubits.contains(q))).collect();
    let program = Program::ideal(&circuit.bind(angles).unwrap(), &used);
    let empty = ndarray::Array2::zeros((1, 0));
    let angles = Angles { inputs: empty.view(), weights: ndarray::ArrayView1::from(&[]) };
    let outcomes = qgraft::sim::Simulator::prepare(&Statevector::default(), &program, &[] as &[Observable], 0).unwrap();
    let probabilities = outcomes.probabilities(angles).unwrap();
    let outcomes = probabilities.row(0);
    assert_eq!(outcomes.len(), 1 << bits);
    let count = |(outcome, p): (usize, &f64)| (sample::bit_string(outcome, bits), (p * 1e12).round() as u64);
    outcomes.iter().enumerate().map(count).collect()
}

#[test]
fn counts_of_the_exported_circuits_are_the_predictions_of_the_head() {
    let folder = TempDir::new().unwrap();
    let (_, out, _) = run(folder.path());
    let dressed = HEADS.iter().filter(|row| row.is_dressed());
    for name in dressed.map(|row| row.name) {
        let choice = ModelChoice { label: Some(name.into()), ..ModelChoice::default() };
        let saved = SavedHead::with_circuit(&out, &choice).unwrap();
        let job = HardwareJob::new(&saved.head, (name, 2), "manila", &saved.executions().unwrap()).unwrap();
        let rows = saved.rows((folder.path(), 1), &()).unwrap().0.evaluated;
        let chosen = rows.select(&[0, 5]);
        let angles = saved.head.input_angles(chosen.values.view()).unwrap();
        let angles = Array2::from_shape_vec((2, job.manifest.inputs.len()), angles).unwrap();
        let counted = |row: usize| CountedRow {
            sample: chosen.ids[row].clone(),
            label: chosen.classes[chosen.labels[row]].clone(),
            angles: angles.row(row).to_vec(),
            counts: job.circuits.iter().map(|own| exact_counts(&own.circuit, &angles.row(row).to_vec(), 2)).collect(),
        };
        let counts = Counts {
            format: "qgraft.counts/1".into(),
            job: job.manifest.clone(),
            backend: "exact".into(),
            shots: 1,
            rows: vec![counted(0), counted(1)],
        };
        let expected = saved.head.predict(chosen.values.view()).unwrap();
        for (row, values) in counts.expectations().rows().into_iter().enumerate() {
            let found = job.manifest.probabilities(&values.to_vec());
            // The head works in single precision.
            let distance = (&found - &expected.row(row)).mapv(f64::abs).fold(0.0, |a: f64, &b| a.max(b));
            assert!(distance < 1e-5, "{name}, row {row}: {distance:e}");
        }
        let rows = JobRows { ids: chosen.ids, labels: vec![Some(0), None], angles };
        let files = job.files(&rows, expected.view(), true).unwrap();
        let bound = files.iter().filter(|(file, _)| file.starts_with("bound/")).count();
        assert_eq!(bound, 2 * job.circuits.len(), "{name}");
        for (file, bytes) in files.iter().filter(|(file, _)| file.ends_with(".qasm")) {
            let text = std::str::from_utf8(bytes).unwrap();
            qgraft::circuit::qasm::read(text, &Default::default()).unwrap_or_else(|e| panic!("{name}, {file}: {e}"));
        }
    }
}

#[test]
fn data_that_changed_since_the_run_are_refused() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data.safetensors");
    let rows = Synthetic { training: 12, held_out: 6, classes: 2, separation: 4.0, seed: 5 }.features("any", 4);
    let all: Vec<usize> = (0..18).collect();
    std::fs::write(&data, safetensors(&rows.select(&all))).unwrap();
    let mut spec = Spec { heads: vec!["linear".into()], seeds: vec![0], ..Spec::default() };
    spec.data.set_features(&data.display().to_string());
    let out = folder.path().join("run");
    let options = lab::RunOptions { cache: folder.path().into(), ..lab::RunOptions::new(out.clone()) };
    lab::run::<Qtl>(&spec, &options, &()).unwrap();
    let stored = SavedRun::open(&out).unwrap();
    let saved = SavedHead::of_trial(candidates(&stored, &ModelChoice::default()).unwrap()[0]).unwrap();
    let read = || saved.rows((folder.path(), 1), &()).map(|(rows, ..)| rows.evaluated.len());
    assert!(read().is_ok());
    std::fs::write(&data, safetensors(&rows.select(&all[..16]))).unwrap();
    let message = read().unwrap_err().to_string();
    assert!(message.contains("data.safetensors") && message.contains("data.path have changed"), "{message}");
}

/// An array as NumPy writes it.
fn npy(kind: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), values].concat()
}

#[test]
fn labels_beside_features_that_changed_since_the_run_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let values: Vec<u8> = (0..80_u16).flat_map(|k| f32::from(k % 7).to_le_bytes()).collect();
    let labels = |first: u8| npy("|u1", "20,", &(0..20).map(|row| (row + first) % 2).collect::<Vec<u8>>());
    std::fs::write(path("features.npy"), npy("<f4", "20, 4", &values)).unwrap();
    std::fs::write(path("labels.npy"), labels(0)).unwrap();
    let mut spec = Spec { heads: vec!["linear".into()], seeds: vec![0], ..Spec::default() };
    spec.data.set_features(&path("features.npy").display().to_string());
    let options = lab::RunOptions { cache: folder.path().into(), ..lab::RunOptions::new(path("run")) };
    lab::run::<Qtl>(&spec, &options, &()).unwrap();
    let stored = SavedRun::open(&path("run")).unwrap();
    let saved = SavedHead::of_trial(candidates(&stored, &ModelChoice::default()).unwrap()[0]).unwrap();
    let read = || saved.rows((folder.path(), 1), &()).map(|(rows, ..)| rows.evaluated.len());
    assert!(read().is_ok());
    std::fs::write(path("labels.npy"), labels(1)).unwrap();
    let message = read().unwrap_err().to_string();
    assert!(message.contains("labels.npy") && message.contains("data.beside have changed"), "{message}");
    std::fs::remove_file(path("labels.npy")).unwrap();
    assert!(read().unwrap_err().to_string().contains("data.beside have changed"));
}

#[test]
fn inputs_have_one_name_in_circuits_and_tables() {
    let text = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\ninput array[float[64], 2] x;\ninput float[64] w;\nqubit[2] q;\n\
                ry(x[0]) q[0];\nry(x[1]) q[1];\ncx q[0], q[1];\nry(w) q[1];\n";
    let circuit = qgraft::circuit::qasm::read(text, &Default::default()).unwrap();
    let synthetic = Synthetic { training: 12, held_out: 6, classes: 2, separation: 4.0, seed: 5 };
    let features = synthetic.features("any", 4);
    let data = FeatureSplit { training: features.rows(Part::Train), validation: features.rows(Part::Validation) };
    let config = HeadConfig::named("quantum").unwrap().own_circuit(&circuit).unwrap();
    let trained = Trainer::adam(0.05).epochs(1).fit(&config, &data).unwrap();
    let job = HardwareJob::new(&trained, ("quantum", 0), "manila", &Executions::default()).unwrap();
    let angles = trained.input_angles(data.validation.values.view()).unwrap();
    let angles = Array2::from_shape_vec((6, 2), angles).unwrap();
    let rows = JobRows { ids: data.validation.ids.clone(), labels: vec![None; 6], angles };
    let predicted = trained.predict(data.validation.values.view()).unwrap();
    let files = job.files(&rows, predicted.view(), false).unwrap();
    let file = |name: &str| String::from_utf8(files.iter().find(|(own, _)| own == name).unwrap().1.clone()).unwrap();
    assert_eq!(job.manifest.inputs, ["x_0", "x_1"]);
    assert!(file("angles.csv").starts_with("sample,label,x_0,x_1\n"));
    let circuit = file("circuit_0.qasm");
    assert!(job.manifest.inputs.iter().all(|name| circuit.contains(&format!("input float {name};"))), "{circuit}");
}

#[test]
fn folders_and_heads_that_are_not_there_are_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let read = |path: &Path, label: Option<&str>, seed: Option<u64>| {
        let choice = ModelChoice { label: label.map(String::from), seed, ..ModelChoice::default() };
        SavedHead::with_circuit(path, &choice).map(|_| ()).unwrap_err().to_string()
    };
    let message = read(folder.path(), None, None);
    assert!(message.contains("no finished trials") && message.contains("qgraft run"), "{message}");
    let (_, out, _) = run(folder.path());
    let message = read(&out, Some("lineer"), None);
    assert!(message.contains("lineer") && message.contains("linear, mlp_a"), "{message}");
    let message = read(&out, None, Some(7));
    assert!(message.contains("no seed 7") && message.contains("has 2"), "{message}");
}

#[test]
fn counts_that_do_not_fit_their_job_are_refused_by_place() {
    let folder = TempDir::new().unwrap();
    let (_, out, _) = run(folder.path());
    let query = ModelChoice { label: Some("quantum".into()), ..ModelChoice::default() };
    let saved = SavedHead::with_circuit(&out, &query).unwrap();
    let job = HardwareJob::new(&saved.head, ("quantum", 2), "manila", &saved.executions().unwrap()).unwrap().manifest;
    let row = CountedRow {
        sample: "a".into(),
        label: String::new(),
        angles: vec![0.0; job.inputs.len()],
        counts: vec![[("01".to_string(), 5)].into()],
    };
    let whole = Counts { format: "qgraft.counts/1".into(), job, backend: "b".into(), shots: 5, rows: vec![row] };
    let path = folder.path().join("counts.json");
    let message = |change: &dyn Fn(&mut Counts)| {
        let mut counts = whole.clone();
        change(&mut counts);
        std::fs::write(&path, serde_json::to_vec(&counts).unwrap()).unwrap();
        Counts::open(&path).map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!(message(&|_| ()), Ok(()));
    type Case<'a> = (&'a dyn Fn(&mut Counts), &'a str);
    let cases: [Case; 6] = [
        (&|c| c.format = "other".into(), "formats \"other\""),
        (&|c| c.rows.clear(), "rows: none"),
        (&|c| c.rows[0].angles.clear(), "rows[0] (a): 0 angles"),
        (&|c| c.rows[0].counts.clear(), "counts of 0 circuits"),
        (&|c| c.rows[0].counts[0] = [("011".to_string(), 5)].into(), "\"011\" is no string of 2 bits"),
        (&|c| c.job.bias.clear(), "do not fit each other"),
    ];
    for (change, expected) in cases {
        let found = message(change).unwrap_err();
        assert!(found.contains("counts.json") && found.contains(expected), "{found}");
    }
}

#[test]
fn a_head_has_at_most_so_many_weights() {
    for row in HEADS {
        if matches!(row.body, Body::Kernel) {
            continue;
        }
        let head = HeadConfig::named(row.name).unwrap().qubits(2).depth(1);
        for (features, classes) in [(1 << 40, 2), (usize::MAX, 2), (8, usize::MAX)] {
            let error = head.model(features, classes).map(drop).expect_err(row.name).to_string();
            assert!(error.contains("2^28 weights"), "{}: {error}", row.name);
        }
    }
}

#[test]
fn a_head_file_cannot_ask_for_more_than_it_holds() {
    let synthetic = Synthetic { training: 24, held_out: 12, classes: 2, separation: 4.0, seed: 5 };
    let features = synthetic.features("efficientnet_lite0", 1280);
    let head = HeadConfig::named("quantum").unwrap().qubits(2).depth(1);
    let data = FeatureSplit { training: features.rows(Part::Train), validation: features.rows(Part::Validation) };
    let trained = Trainer::adam(0.05).epochs(1).fit(&head, &data).unwrap();
    let whole = trained.to_bytes().unwrap();
    let read = |bytes: &[u8]| qgraft::study::TrainedHead::from_bytes(bytes, Path::new("head.safetensors"));
    assert!(read(&whole).is_ok());
    let length = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let header = String::from_utf8(whole[8..8 + length].to_vec()).unwrap();
    for (old, new) in [
        (r#"depth\":1"#, r#"depth\":1000000000"#),
        (r#"qubits\":2"#, r#"qubits\":60"#),
        (r#"qubits\":2"#, r#"qubits\":18446744073709551615"#),
        (r#"features\":1280"#, r#"features\":1000000000000"#),
        (r#"weight_sd\":0.01"#, r#"weight_sd\":1e999"#),
    ] {
        assert!(header.contains(old), "{old} is in {header}");
        let changed = header.replacen(old, new, 1);
        let bytes = [&(changed.len() as u64).to_le_bytes()[..], changed.as_bytes(), &whole[8 + length..]].concat();
        let error = read(&bytes).map(drop).expect_err(new).to_string();
        assert!(!error.is_empty(), "{new}");
    }
}
