//! The state-of-health system: cells, forecaster and domain classifier against NumPy, PyTorch and scikit-learn
//! (tests/reference/soh.json, made by soh.py beside it), intervals whose coverage is known, and a small run.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;
use qgraft::classic::Logistic;
use qgraft::math::Stream;
use qgraft::nn::loss::{Loss, Objective, mean};
use qgraft::nn::{Mode, Model, Params};
use qgraft::systems::Workplace;
use qgraft::systems::soh::{
    ARMS, BATCHES, CALIBRATIONS, CHECKPOINTS, CalibrationData, Cell, Covered, Forecaster, PREFIX, Protocol, Scaler,
    Scored, Spec, TARGETS, Window, age, controls, lives, run,
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
    let shifted = controls::shifted(1, 300);
    // 300 calibrations: standard errors below 0.003; the rest of the 0.02 is the simulation behind the figures.
    near("shift", &[shifted.plain, shifted.weighted], &[0.759, 0.905], 0.02);
    assert!(shifted.infinite > 0.0 && shifted.infinite < 0.026, "{shifted:?}");
    let clustered = controls::clustered(1, 60);
    let controls::Clustered { pooled, low_cells, lives, whole_lives, wider, one_per_cell } = clustered;
    near("clusters", &[pooled, low_cells, lives], &[0.89, 0.165, 0.15], 0.03);
    near("their repair", &[whole_lives, one_per_cell], &[0.905, 0.905], 0.03);
    near("its price", &[wider], &[1.8], 0.15);
}

#[test]
fn every_calibration_covers_exchangeable_points() {
    let mut stream = Stream::named(7, "test");
    let mut fleet = |cells: u32| -> Vec<Scored> {
        let rows = (0..cells).flat_map(|cell| (41..61).map(move |checkpoint| (cell, checkpoint)));
        rows.map(|(cell, checkpoint)| {
            let score = stream.normal().abs();
            Scored { score, cell, checkpoint, state: [stream.normal(), stream.normal()] }
        })
        .collect()
    };
    let (source, prefix, test) = (fleet(200), fleet(100), fleet(200));
    let scene = CalibrationData { source: &source, prefix: &prefix, test: &test, alpha: 0.1, seed: 0 };
    for row in CALIBRATIONS {
        let covered = Covered::of(&test, &(row.radii)(&scene));
        let share = if row.name == "whole_life" { covered.lives } else { covered.points };
        // 200 scores calibrate where cells count: a standard deviation of 0.021, three of them.
        assert!((share - 0.9).abs() < 0.065, "{}: {covered:?}", row.name);
        // A level that follows misses asks for certainty, and gets the whole line, after several of them in a row.
        let most = if row.name == "adaptive" { 0.02 } else { 0.0 };
        assert!(covered.infinite <= most, "{}: {covered:?}", row.name);
    }
    let few = CalibrationData { source: &source[..3], ..scene };
    let covered = Covered::of(&test, &(CALIBRATIONS[0].radii)(&few));
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

/// Lives as a user writes them: `cells` of them, `rows` rows each.
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
        (text.clone() + "c0,1,2.5,0,1\n", "line 102, column `cell`: \"c0\": rows of a cell stand together"),
        (written(2, 41), "cell number 1 has 41 rows; at least 42 are needed"),
        ("cell,charge\n1\n".into(), "no column"),
    ];
    for (text, message) in cases {
        let error = lives(&text, "here").unwrap_err().to_string();
        assert!(error.contains(message), "{message}: {error}");
    }
}

#[test]
fn a_file_of_lives_is_a_target_and_heads_stand_side_by_side() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("mine.csv");
    std::fs::write(&file, written(8, 61)).unwrap();
    let arms = vec!["fine_tune".into()];
    let mut spec = Spec { data: Some(file.clone()), targets: vec!["pybamm".into()], arms, ..tiny() };
    (spec.head, spec.beside) = ("quantum".into(), vec!["linear".into()]);
    let go = |spec: &Spec, name: &str| {
        run(spec, &Workplace { out: &place.path().join(name), cache: place.path(), threads: 1 }, &())
    };
    let found = go(&spec, "run").unwrap().findings;
    let names: Vec<&str> = found.targets.iter().map(|target| target.target.as_str()).collect();
    assert_eq!(names, ["pybamm", "mine"]);
    for target in &found.targets {
        let heads: Vec<&str> = target.arms.iter().map(|arm| arm.head.as_str()).collect();
        assert_eq!(heads, ["quantum", "linear"]);
        assert!(target.arms.iter().all(|arm| arm.rmse.mean.is_finite() && arm.verified_width.mean > 0.0));
    }
    assert!(found.criteria.iter().any(|criterion| criterion.what.contains("verified coverage")));
    std::fs::write(&file, written(5, 61)).unwrap();
    let error = go(&spec, "few").unwrap_err().to_string();
    assert!(error.contains("5 cells; at least 6 are needed"), "{error}");
    spec.data = Some(place.path().join("missing.csv"));
    assert!(go(&spec, "missing").unwrap_err().to_string().contains("missing.csv"));
}

fn tiny() -> Spec {
    let mut spec = Spec { arms: ARMS.iter().map(|row| row.name.into()).collect(), ..Spec::default() };
    spec.quick();
    spec.train.epochs = 2;
    (spec.hidden, spec.dense, spec.training_cells, spec.validation_cells) = (4, 4, 1, 1);
    (spec.calibration_cells, spec.adaptation_cells, spec.test_cells) = (2, 2, 4);
    spec.targets = vec![TARGETS[0].name.into()];
    spec
}

#[test]
fn a_run_is_deterministic_and_tells_everything() {
    let place = tempfile::tempdir().unwrap();
    let metrics = |name: &str, threads: usize| {
        let out = place.path().join(name);
        let outcome = run(&tiny(), &Workplace { out: &out, cache: place.path(), threads }, &()).unwrap();
        let page = std::fs::read_to_string(outcome.folder.join("report.html")).unwrap();
        assert!(CALIBRATIONS.iter().all(|row| page.contains(row.name)) && page.contains("<svg"));
        assert!(outcome.findings.criteria.iter().any(|criterion| criterion.what.starts_with("hard")));
        assert!(outcome.findings.targets[0].arms.iter().all(|arm| arm.rmse.mean.is_finite() && arm.rmse.mean > 0.0));
        std::fs::read_to_string(outcome.folder.join("metrics.json")).unwrap()
    };
    assert_eq!(metrics("first", 1), metrics("second", 2));
}

#[test]
fn a_quantum_head_forecasts_too_and_its_shots_are_in_the_intervals() {
    let place = tempfile::tempdir().unwrap();
    let (arms, shots) = (vec!["fine_tune".into()], vec![1, 100_000]);
    let spec = Spec { head: "quantum".into(), beside: vec!["linear".into()], arms, shots, ..tiny() };
    let out = place.path().join("run");
    let found = run(&spec, &Workplace { out: &out, cache: place.path(), threads: 1 }, &()).unwrap().findings;
    assert!(found.chosen.is_empty());
    let [circuit, linear] = &found.targets[0].arms[..] else { panic!("two heads") };
    assert!(circuit.rmse.mean.is_finite() && linear.sampled.is_empty());
    let [one, many] = &circuit.sampled[..] else { panic!("two numbers of shots") };
    assert_eq!((one.shots, many.shots), (1, 100_000));
    // A single shot says ±1 where the value lies between: its noise makes the intervals calibrated with it wider, by 2 %
    // beside what two epochs leave wrong. Of 100,000 shots a standard error of 0.003 is left, a three hundredth of that.
    let width = circuit.verified_width.mean;
    assert!(one.alike_width.mean > 1.01 * width, "{} against {width}", one.alike_width.mean);
    assert!((many.alike_width.mean / width - 1.0).abs() < 0.001, "{} against {width}", many.alike_width.mean);
    assert_eq!(one.exactly_width.mean, width, "a radius that was calibrated without shots");
}

#[test]
fn bad_settings_are_named() {
    type Spoil = fn(&mut Spec);
    let table: [(&str, Spoil); 7] = [
        ("shots", |spec| spec.shots = vec![0]),
        ("drawing", |spec| spec.shots = vec![1 << 50]),
        ("seeds", |spec| spec.seeds.clear()),
        ("alpha", |spec| spec.alpha = 1.0),
        ("lambdas", |spec| spec.lambdas = vec![-1.0]),
        ("source_only", |spec| spec.arms = vec!["source_onyl".into()]),
        ("hard", |spec| spec.targets = vec!["hrad".into()]),
    ];
    for (field, spoil) in table {
        let mut spec = Spec::default();
        spoil(&mut spec);
        let error = spec.check().unwrap_err().to_string();
        assert!(error.contains(field), "{field}: {error}");
    }
}
