//! Kernels of circuits against PennyLane's qml.kernels (tests/reference/kernels.py), under noise and from shots.

use ndarray::{Array1, Array2};
use qgraft::circuit::Ansatz;
use qgraft::circuit::ansatz::AnsatzRow;
use qgraft::lab::{Settings, run_in_memory};
use qgraft::nn::optim::Method;
use qgraft::sim::{Condition, Executions};
use qgraft::study::kernel::{FidelityKernel, TrainedEmbedding, target_alignment};
use qgraft::study::train::TrainConfig;
use qgraft::systems::qtl::{Qtl, Spec};
use serde_json::Value;

use crate::support::cases::numbers;

struct Case {
    embedding: Ansatz,
    /// The features uploaded twice.
    angles: Array2<f64>,
    features: Array2<f64>,
    labels: Vec<usize>,
    weights: Array1<f64>,
    reference: Value,
}

fn case() -> Case {
    let reference: Value = serde_json::from_str(include_str!("../reference/kernels.json")).unwrap();
    let rows: Vec<Vec<f64>> = reference["features"].as_array().unwrap().iter().map(numbers).collect();
    let features = Array2::from_shape_fn((rows.len(), 2), |(row, k)| rows[row][k]);
    Case {
        embedding: AnsatzRow::named("reuploading").unwrap().build(2, 2, true).unwrap(),
        angles: Array2::from_shape_fn((rows.len(), 4), |(row, k)| rows[row][k % 2]),
        features,
        labels: numbers(&reference["labels"]).into_iter().map(|label| label as usize).collect(),
        weights: numbers(&reference["weights"]).into(),
        reference,
    }
}

fn furthest(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    (a - b).iter().map(|v| v.abs()).fold(0.0, f64::max)
}

/// The alignment as a function of the weights.
fn alignment(case: &Case, weights: &Array1<f64>) -> f64 {
    let kernel = FidelityKernel::new(case.embedding.clone()).gram(case.angles.view(), weights.view()).unwrap();
    target_alignment(kernel.view(), &case.labels)
}

fn gradient(case: &Case, weights: &Array1<f64>) -> Vec<f64> {
    let at = |k: usize, step: f64| {
        let mut moved = weights.clone();
        moved[k] += step;
        alignment(case, &moved)
    };
    (0..weights.len()).map(|k| (at(k, 1e-6) - at(k, -1e-6)) / 2e-6).collect()
}

#[test]
fn kernel_alignment_and_gradient_are_those_of_pennylane() {
    let case = case();
    let kernel = FidelityKernel::new(case.embedding.clone()).gram(case.angles.view(), case.weights.view()).unwrap();
    let rows: Vec<Vec<f64>> = case.reference["kernel"].as_array().unwrap().iter().map(numbers).collect();
    let expected = Array2::from_shape_fn(kernel.dim(), |(i, j)| rows[i][j]);
    // Two programs' rounding over some dozen gates.
    assert!(furthest(&kernel, &expected) < 1e-12);
    let expected = case.reference["alignment"].as_f64().unwrap();
    assert!((target_alignment(kernel.view(), &case.labels) - expected).abs() < 1e-12);
    // Central differences of step 1e-6 are good to about 1e-9.
    for (found, expected) in gradient(&case, &case.weights).iter().zip(numbers(&case.reference["gradient"])) {
        assert!((found - expected).abs() < 1e-7, "{found}, not {expected}");
    }
}

#[test]
fn a_step_of_training_follows_the_gradient_of_the_alignment() {
    let case = case();
    let mut trained = TrainedEmbedding::new(case.embedding.clone(), 1.0, 5).unwrap();
    let before = trained.weights().unwrap();
    let (slopes, rate) = (gradient(&case, &before), 1e-3);
    let step = TrainConfig::new(1, case.labels.len(), rate, Method::Sgd { momentum: 0.0 });
    let history = trained.align(case.features.view(), &case.labels, &step, 0, &()).unwrap();
    assert!((1.0 - history[0].loss - alignment(&case, &before)).abs() < 1e-10);
    for ((new, old), slope) in trained.weights().unwrap().iter().zip(&before).zip(&slopes) {
        assert!(((new - old) / rate - slope).abs() < 1e-6, "{} against {slope}", (new - old) / rate);
    }
    let many = TrainConfig::new(60, case.labels.len(), 0.05, Method::ADAM);
    trained.align(case.features.view(), &case.labels, &many, 0, &()).unwrap();
    let kernel = FidelityKernel::new(case.embedding.clone());
    let angles = trained.angles(case.features.view()).unwrap();
    let gram = kernel.gram(angles.view(), trained.weights().unwrap().view()).unwrap();
    let (after, start) = (target_alignment(gram.view(), &case.labels), alignment(&case, &before));
    assert!(after > start + 0.1, "{start} to {after}");
}

#[test]
fn runs_of_pairs_agree_with_overlaps_of_states() {
    let case = case();
    let (exact, executions) = (FidelityKernel::new(case.embedding.clone()), Executions::default());
    let weights = case.weights.view();
    let overlaps = exact.gram(case.angles.view(), weights).unwrap();
    let under = |condition: Condition| {
        let kernel = exact.under(&executions, &condition, 1).unwrap();
        let gram = kernel.gram(case.angles.view(), weights).unwrap();
        let part = kernel.matrix(case.angles.slice(ndarray::s![..2, ..]), case.angles.view(), weights).unwrap();
        (gram, part)
    };
    let (gram, part) = under(Condition { source: "none".into(), ..Condition::on_device("manila") });
    // Rounding in transpiled circuits of some hundred gates.
    assert!(furthest(&gram, &overlaps) < 1e-9);
    assert!(furthest(&part, &overlaps.slice(ndarray::s![..2, ..]).to_owned()) < 1e-9);
    assert_eq!(gram, gram.t());

    let shots = 20_000;
    let (gram, _) = under(Condition { shots: Some(shots), ..Condition::default() });
    for (found, p) in gram.iter().zip(&overlaps) {
        // Five standard deviations of a share of 20,000 shots.
        assert!((found - p).abs() <= 5.0 * (p * (1.0 - p).max(0.0) / shots as f64).sqrt() + 1e-9, "{found}, not {p}");
    }

    let (noisy, _) = under(Condition::on_device("manila"));
    assert!(noisy.diag().iter().all(|p| *p < 1.0 && *p > 0.5), "{noisy}");
}

#[test]
fn a_kernel_of_a_device_is_evaluated_on_it_and_a_trained_one_reports_its_alignment() {
    let mut spec = Spec::default();
    let smoke = Spec::PRESETS.iter().find(|preset| preset.name == "smoke").unwrap();
    (smoke.apply)(&mut spec);
    spec.seeds = vec![0];
    spec.heads = ["quantum_kernel", "trained_kernel", "quantum_kernel@manila"].map(String::from).to_vec();
    spec.condition.shots = Some(128);
    let results = run_in_memory::<Qtl>(&spec).unwrap();
    for head in &spec.heads {
        let alignment = results.of("target_alignment").at("head", head).samples().unwrap().mean();
        assert!((0.0..=1.0).contains(&alignment), "{head}: {alignment}");
    }
    let rows = |head: &str, device: &str| results.of("accuracy").at("head", head).at("device", device).rows().len();
    // Exact, and with 1024 shots.
    assert_eq!((rows("quantum_kernel@manila", "manila"), rows("quantum_kernel", "manila")), (2, 0));
}
