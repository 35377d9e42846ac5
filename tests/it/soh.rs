//! The state-of-health system: cells, forecaster and domain classifier against NumPy, PyTorch and scikit-learn
//! (tests/reference/soh.json, made by soh.py beside it), intervals whose coverage is known, and a small run.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;
use qgraft::classic::Logistic;
use qgraft::lab::{Experiment, Results, Settings, run_in_memory};
use qgraft::math::Stream;
use qgraft::nn::loss::{Loss, Objective, mean};
use qgraft::nn::{Mode, Model, Params};
use qgraft::systems::soh::{
    BATCHES, CALIBRATIONS, CHECKPOINTS, CalibrationData, Cell, Coverage, Forecaster, PREFIX, Protocol, Scaler, Score,
    Soh, Spec, Window, age, controls, lives,
};
use qgraft::transfer::penalty::{Bank, Estimate, mmd};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    lives: Vec<Life>,
    network: Network,
    classifier: Classifier,
}

#[derive(Deserialize)]
struct Life {
    charge: f64,
    discharge: f64,
    growth: f64,
    loss: f64,
    health: Vec<f64>,
}

#[derive(Deserialize)]
struct Network {
    inputs: Vec<Vec<Vec<f64>>>,
    targets: Vec<Vec<f64>>,
    weights: Vec<f64>,
    domains: Vec<u32>,
    latent: Vec<Vec<f64>>,
    answer: Vec<Vec<f64>>,
    fit: f64,
    gap: f64,
    parameters: HashMap<String, Vec<f64>>,
    gradients: HashMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct Classifier {
    rows: Vec<Vec<f64>>,
    labels: Vec<bool>,
    penalty: f64,
    weights: Vec<f64>,
    bias: f64,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../reference/soh.json")).unwrap()
}

fn near(what: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() <= tolerance, "{what}: {got} against {expected}");
    }
}

#[test]
fn cells_age_as_in_numpy() {
    for life in reference().lives {
        let protocol = Protocol { charge: life.charge, discharge: life.discharge };
        let health = age(protocol, life.growth, life.loss, CHECKPOINTS);
        // The same sums in the same order; powers may differ in the last digit.
        near(&format!("{protocol:?}"), &health, &life.health, 1e-12);
    }
}

#[test]
fn forecaster_and_aligned_loss_are_those_of_pytorch() {
    let expected = reference().network;
    let model = Forecaster::new(4, 5, "linear").unwrap();
    let mut params = Params::new(0, DType::F64);
    model.build(&mut params).unwrap();
    assert_eq!(params.trainable().count(), expected.parameters.len());
    for (name, var) in params.trainable() {
        let values = Tensor::new(&expected.parameters[name][..], &Device::Cpu).unwrap();
        var.set(&values.reshape(var.shape()).unwrap()).unwrap();
    }
    let tensor = |rows: &Vec<Vec<f64>>| Tensor::new(rows.clone(), &Device::Cpu).unwrap();
    let inputs = Tensor::new(expected.inputs.clone(), &Device::Cpu).unwrap();
    let output = model.build(&mut params).unwrap().forward(&[inputs], Mode::Eval).unwrap();
    let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    // f64 on both sides: rounding only.
    near("latent", &flat(&output.features), &expected.latent.concat(), 1e-12);
    near("answer", &flat(&output.logits), &expected.answer.concat(), 1e-12);
    let losses = Loss::Squares.losses(&output, &[tensor(&expected.targets)]).unwrap();
    let fit = mean(&losses, Some(&Tensor::new(expected.weights.clone(), &Device::Cpu).unwrap())).unwrap();
    let of = |domain: u32| {
        let rows: Vec<u32> = (0..7u32).filter(|row| expected.domains[*row as usize] == domain).collect();
        output.features.index_select(&Tensor::new(rows, &Device::Cpu).unwrap(), 0).unwrap()
    };
    let (x, y) = (of(0), of(1));
    let gap = mmd(&x, &y, &Bank::median(&x, &y).unwrap(), Estimate::Biased).unwrap();
    near("loss", &[fit.to_scalar().unwrap(), gap.to_scalar().unwrap()], &[expected.fit, expected.gap], 1e-12);
    let gradients = (fit + (gap * 0.3).unwrap()).unwrap().backward().unwrap();
    for (name, var) in params.trainable() {
        near(name, &flat(gradients.get(var.as_tensor()).unwrap()), &expected.gradients[name], 1e-11);
    }
}

#[test]
fn logistic_regression_is_that_of_scikit_learn() {
    let Classifier { rows, labels, penalty, weights, bias } = reference().classifier;
    let features = Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j]);
    let fitted = Logistic::fit(features.view(), &labels, penalty).unwrap();
    // scikit-learn stops when the slope is below 1e-12 times a scale; 1e-6 is far below what matters.
    near("weights", &fitted.weights.to_vec(), &weights, 1e-6);
    near("bias", &[fitted.bias], &[bias], 1e-6);
    let odds = fitted.log_odds(features.row(0));
    near("probability", &[fitted.probability(features.row(0))], &[1.0 / (1.0 + (-odds).exp())], 1e-15);
}

#[test]
fn known_answers_of_shift_and_clustering_come_out() {
    let shifted = controls::covariate_shift(1, 300);
    // 300 calibrations: standard errors below 0.003; the rest of the 0.02 is the simulation behind the figures.
    near("shift", &[shifted.plain, shifted.weighted], &[0.759, 0.905], 0.02);
    assert!(shifted.infinite > 0.0 && shifted.infinite < 0.026, "{shifted:?}");
    let clustered = controls::clustered_points(1, 60);
    let controls::ClusteredPoints { pooled, low_cells, lives, whole_lives, wider, one_per_cell } = clustered;
    near("clusters", &[pooled, low_cells, lives], &[0.89, 0.165, 0.15], 0.03);
    near("by cell", &[whole_lives, one_per_cell], &[0.905, 0.905], 0.03);
    near("relative width", &[wider], &[1.8], 0.15);
}

#[test]
fn every_calibration_covers_exchangeable_points() {
    let mut stream = Stream::named(7, "test");
    let mut fleet = |cells: u32| -> Vec<Score> {
        let rows = (0..cells).flat_map(|cell| (41..61).map(move |checkpoint| (cell, checkpoint)));
        rows.map(|(cell, checkpoint)| {
            let score = stream.normal().abs();
            Score { score, cell, checkpoint, state: [stream.normal(), stream.normal()] }
        })
        .collect()
    };
    let (source, prefix, test) = (fleet(200), fleet(100), fleet(200));
    let data = CalibrationData { source: &source, prefix: &prefix, test: &test, alpha: 0.1, seed: 0 };
    for row in CALIBRATIONS {
        let covered = Coverage::of(&test, &(row.radii)(&data));
        let share = if row.name == "whole_life" { covered.lives } else { covered.points };
        // 200 scores calibrate where cells count: a standard deviation of 0.021, three of them.
        assert!((share - 0.9).abs() < 0.065, "{}: {covered:?}", row.name);
        // A level that follows misses asks for certainty, and gets the whole line, after several of them in a row.
        let most = if row.name == "adaptive" { 0.02 } else { 0.0 };
        assert!(covered.infinite <= most, "{}: {covered:?}", row.name);
    }
    let few = CalibrationData { source: &source[..3], ..data };
    let covered = Coverage::of(&test, &(CALIBRATIONS[0].radii)(&few));
    assert_eq!((covered.infinite, covered.width, covered.points), (1.0, 0.0, 1.0), "three scores promise nothing");
}

#[test]
fn windows_end_where_they_should_and_hide_what_is_not_labelled() {
    let cells = Cell::fleet(0, "test", BATCHES[2], 3);
    assert_eq!(cells, Cell::fleet(0, "test", BATCHES[2], 3));
    assert_ne!(cells[0], cells[1]);
    let prefix = Window::all(&cells, 10, 0..PREFIX + 1);
    assert_eq!(prefix.len(), 3 * (PREFIX + 1 - 10));
    assert_eq!(prefix[0].history, cells[0].measured[..10]);
    assert_eq!(prefix[0].next, cells[0].measured[10]);
    assert!(prefix.iter().all(|window| window.checkpoint <= PREFIX));
    let later = Window::all(&cells, 10, PREFIX + 1..CHECKPOINTS + 1);
    let scaler = Scaler::fit(&prefix);
    let examples = scaler.examples(&[(&prefix, 0, 1.0), (&later, 1, 0.0)]).unwrap();
    let targets = examples.targets[0].flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert!(targets[prefix.len()..].iter().all(|target| *target == 0.0));
    let spread = targets[..prefix.len()].iter().map(|t| t * t).sum::<f32>() / prefix.len() as f32;
    // Unit variance by construction, up to f32.
    assert!((spread - 1.0).abs() < 1e-3, "{spread}");
    let falling = Window { history: vec![0.9, 0.8, 0.7], ..prefix[0].clone() };
    near("slope", &[falling.slope()], &[-0.1], 1e-12);
}

/// Lifetimes as a user writes them: `cells` of them, `rows` rows each.
fn written(cells: usize, rows: usize) -> String {
    let row = |cell: usize, row: usize| format!("c{cell},1,2.5,{},{:.4}\n", 500 * row, 1.0 - 0.003 * row as f64);
    let all = (0..cells).flat_map(|cell| (0..rows).map(move |at| row(cell, at)));
    format!("cell,charge,discharge,throughput,health\n{}", all.collect::<String>())
}

#[test]
fn lives_are_read_as_users_write_them() {
    let cells = lives(&written(3, 70), "here").unwrap();
    assert_eq!((cells.len(), cells[0].measured.len()), (3, CHECKPOINTS + 1), "what lies beyond 30 kAh is left out");
    assert_eq!(cells[2].protocol, Protocol { charge: 1.0, discharge: 2.5 });
    near("health", &cells[1].measured[..3], &[1.0, 0.997, 0.994], 1e-12);
    let text = written(2, 50);
    let cases = [
        (text.replace("health", "soh"), "here: no column `health`"),
        (text.replacen(",0.9970", ",-", 1), "here, line 3, column `health`: \"-\": expected a number from 0 to 2"),
        (text.replacen(",500,", ",5000,", 1), "line 3, column `throughput`: \"5000\": expected 500"),
        (text.replacen("c0,1,2.5,500", "c0,1,2,500", 1), "line 3, column `charge`"),
        (text.clone() + "c0,1,2.5,0,1\n", "line 102, column `cell`: \"c0\": rows of a cell must be consecutive"),
        (written(2, 41), "cell number 1 has 41 rows; at least 42 are needed"),
        ("cell,charge\nc0,1\n".into(), "no column"),
        ("cell,charge\n1\n".into(), "line 2 has 1 fields, the header has 2"),
    ];
    for (text, message) in cases {
        let error = lives(&text, "here").unwrap_err().to_string();
        assert!(error.contains(message), "{message}: {error}");
    }
}

/// The smoke preset.
fn small() -> Spec {
    let smoke = Spec::PRESETS.iter().find(|preset| preset.name == "smoke").unwrap();
    let mut spec = Spec::default();
    (smoke.apply)(&mut spec);
    spec
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

/// The figure of a check.
fn check(name: &str, results: &Results) -> Option<f64> {
    let check = Soh::CHECKS.iter().find(|check| check.name == name).unwrap();
    (check.value)(results)
}

/// The mean of a metric in a cell.
fn mean_of(results: &Results, metric: &str, levels: &[(&str, &str)]) -> f64 {
    results.cell("main", metric, levels).samples().unwrap().mean()
}

#[test]
fn a_file_of_lifetimes_is_a_target_and_heads_are_compared() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mine.csv");
    std::fs::write(&file, written(8, 61)).unwrap();
    let (arms, targets) = (names(&["line", "fine_tune"]), names(&["pybamm"]));
    let heads = names(&["quantum", "linear"]);
    let mut spec = Spec { data: Some(file.clone()), targets, arms, heads, shots: vec![16], ..small() };
    let found = run_in_memory::<Soh>(&spec).unwrap();
    for target in ["pybamm", "mine"] {
        for head in ["quantum", "linear"] {
            let levels = [("target", target), ("arm", "fine_tune"), ("head", head)];
            assert!(mean_of(&found, "rmse", &levels) > 0.0 && mean_of(&found, "verified_width", &levels) > 0.0);
        }
        // What needs no network needs no head.
        assert_eq!(found.of("rmse").at("target", target).at("arm", "line").rows().len(), 1);
    }
    let head_width = check("pybamm_head_width", &found);
    assert!(head_width.is_some_and(|ratio| ratio > 0.0), "{head_width:?}");
    std::fs::write(&file, written(5, 61)).unwrap();
    let error = run_in_memory::<Soh>(&spec).unwrap_err().to_string();
    assert!(error.contains("5 cells; at least 6 are needed"), "{error}");
    spec.data = Some(directory.path().join("missing.csv"));
    assert!(run_in_memory::<Soh>(&spec).unwrap_err().to_string().contains("missing.csv"));
    std::fs::rename(&file, directory.path().join("pybamm.csv")).unwrap();
    spec.data = Some(directory.path().join("pybamm.csv"));
    let error = run_in_memory::<Soh>(&spec).unwrap_err().to_string();
    assert!(error.contains("data") && error.contains("pybamm"), "{error}");
}

#[test]
fn a_quantum_head_forecasts_too_and_its_shots_are_in_the_intervals() {
    let (arms, heads) = (names(&["fine_tune"]), names(&["quantum", "linear"]));
    let found = run_in_memory::<Soh>(&Spec { heads, arms, shots: vec![1, 100_000], ..small() }).unwrap();
    assert!(found.grid("lambda").is_none(), "no arm has a penalty");
    assert!(found.of("verified_width").at("head", "linear").rows().len() == 1, "it has no circuit");
    let width = mean_of(&found, "verified_width", &[("head", "quantum")]);
    let by_shots = |shots: &str| mean_of(&found, "verified_width", &[("head", "quantum"), ("shots", shots)]);
    // A single shot gives ±1 where the value lies between: its noise makes the intervals calibrated with it wider, by 2 %
    // beside what two epochs leave wrong. Of 100,000 shots a standard error of 0.003 is left, a three hundredth of that.
    assert!(by_shots("1") > 1.01 * width, "{} against {width}", by_shots("1"));
    assert!((by_shots("100000") / width - 1.0).abs() < 0.001, "{} against {width}", by_shots("100000"));
}

#[test]
fn without_a_weight_nothing_is_aligned_and_no_check_is_answered() {
    let arms = names(&["source_only", "prefix", "mmd"]);
    let found = run_in_memory::<Soh>(&Spec { lambdas: vec![0.0], arms: arms.clone(), ..small() }).unwrap();
    assert!(found.inapplicable("main", &[("arm", "mmd")]).is_some_and(|reason| reason.contains("λ = 0")));
    assert!(found.inapplicable("main", &[("arm", "prefix")]).is_none());
    assert_eq!((check("hard_mmd_source", &found), check("largest_lambda", &found)), (None, Some(0.0)));
    let found = run_in_memory::<Soh>(&Spec { lambdas: vec![0.3], arms, ..small() }).unwrap();
    assert!(found.inapplicable("main", &[("arm", "mmd")]).is_none());
    assert!(check("hard_mmd_source", &found).is_some_and(|ratio| ratio > 0.0));
}

#[test]
fn the_weight_is_the_one_with_the_lowest_error_on_the_batches_left_out() {
    let arms = names(&["mmd"]);
    let found = run_in_memory::<Soh>(&Spec { lambdas: vec![0.0, 1.0, 100.0], arms, ..small() }).unwrap();
    let errors = found.of("validation_error").by("lambda");
    let best = errors.iter().min_by(|a, b| a.1.mean().total_cmp(&b.1.mean())).unwrap();
    assert_eq!(found.of("lambda").grid("main").single().unwrap().to_string(), best.0);
    assert_eq!(errors.len(), 3);
}
