//! The rotation system: losses against PyTorch (tests/reference/rotation.json, made by rotation.py beside it), views
//! that turn as they should, and a small run.
#![cfg(feature = "learn")]

use std::collections::HashMap;
use std::f64::consts::{FRAC_PI_2, TAU};

use candle_core::{Device, Tensor, Var};
use qgraft::math::circular::distance;
use qgraft::nn::Output;
use qgraft::nn::loss::Objective;
use qgraft::systems::Workplace;
use qgraft::systems::rotation::{Errors, HEADS, Scene, Spec, run};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    angles: Vec<f64>,
    heads: HashMap<String, Rows>,
}

#[derive(Deserialize)]
struct Rows {
    outputs: Vec<Vec<f64>>,
    losses: Vec<f64>,
    gradient: Vec<Vec<f64>>,
}

#[test]
fn losses_and_gradients_are_those_of_pytorch() {
    let Reference { angles, heads } = serde_json::from_str(include_str!("reference/rotation.json")).unwrap();
    for head in HEADS {
        let rows = &heads[head.name];
        let outputs = Var::from_tensor(&Tensor::new(rows.outputs.clone(), &Device::Cpu).unwrap()).unwrap();
        let targets: Vec<Vec<f64>> = angles.iter().map(|angle| head.target(*angle)).collect();
        let targets = Tensor::new(targets, &Device::Cpu).unwrap();
        let output = Output::new(outputs.as_tensor().clone(), outputs.as_tensor().clone());
        let losses = head.losses(&output, &[targets]).unwrap();
        for (got, expected) in losses.to_vec1::<f64>().unwrap().iter().zip(&rows.losses) {
            // f64 on both sides; 1e-10 leaves room for sums over 360 bins and the offset in a root.
            assert!((got - expected).abs() < 1e-10, "{}: {got} against {expected}", head.name);
        }
        let gradients = losses.sum_all().unwrap().backward().unwrap();
        let gradient = gradients.get(outputs.as_tensor()).unwrap().to_vec2::<f64>().unwrap();
        for (got, expected) in gradient.iter().zip(&rows.gradient) {
            let step = if head.width() > 3 { 40 } else { 1 };
            for (got, expected) in got.iter().step_by(step).zip(expected) {
                assert!((got - expected).abs() < 1e-10, "{}: slope {got} against {expected}", head.name);
            }
        }
    }
}

#[test]
fn every_head_reads_its_own_target() {
    for head in HEADS {
        for step in 0..1440 {
            let angle = f64::from(step) * TAU / 1440.0;
            let error = distance(head.decode(&head.target(angle)), angle);
            // Half a bin of 1° for distributions, roundings for the others.
            let tolerance = if head.width() == 360 { TAU / 720.0 + 1e-9 } else { 1e-9 };
            assert!(error < tolerance, "{} at {angle}: {error}", head.name);
        }
    }
}

/// Largest difference between a picture turned counter-clockwise by a quarter and another, beyond their noise.
fn quarter_turned(picture: &[f32], other: &[f32], size: usize) -> f32 {
    let at = |p: &[f32], row: usize, column: usize| p[row * size + column];
    let gaps = (0..size).flat_map(|row| (0..size).map(move |column| (row, column)));
    gaps.map(|(row, column)| (at(picture, column, size - 1 - row) - at(other, row, column)).abs()).fold(0.0, f32::max)
}

#[test]
fn views_turn_counter_clockwise_and_ambiguous_ones_hide_quarter_turns() {
    let size = 16;
    for number in 0..5 {
        let views = |ambiguous: bool| {
            let scene = Scene::draw(3, number, ambiguous);
            [0.0, FRAC_PI_2].map(|angle| scene.view(angle, size))
        };
        // A pixel's noise has a standard deviation of 0.02: 8 of those for a difference of two.
        let [upright, turned] = views(false);
        assert!(quarter_turned(&upright, &turned, size) < 0.16, "scene {number}");
        let [upright, turned] = views(true);
        let gap = upright.iter().zip(&turned).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(gap < 0.16, "ambiguous scene {number}: {gap}");
    }
}

#[test]
fn errors_go_around_the_circle() {
    let degrees = |pairs: &[(f64, f64)]| -> Vec<(f64, f64)> {
        pairs.iter().map(|(a, b)| (a.to_radians(), b.to_radians())).collect()
    };
    let errors = Errors::of(&degrees(&[(359.0, 5.0), (90.0, 92.0), (180.0, 176.0), (200.0, 215.0)])).unwrap();
    assert!((errors.mean - 27.0 / 4.0).abs() < 1e-9 && errors.within_10 == 0.75);
    assert!((errors.seam_ratio.unwrap() - 6.0 / 7.0).abs() < 1e-9);
    assert!(Errors::of(&[]).is_none());
}

#[test]
fn a_run_is_deterministic_and_learns() {
    let place = tempfile::tempdir().unwrap();
    let mut spec = Spec { heads: vec!["unit_vector".into()], training_scenes: 200, test_scenes: 40, ..Spec::default() };
    spec.quick();
    let mean = |name: &str, threads: usize| {
        let out = place.path().join(name);
        let outcome = run(&spec, &Workplace { out: &out, cache: place.path(), threads }, &()).unwrap();
        assert!(outcome.folder.join("report.html").exists());
        (std::fs::read(outcome.folder.join("metrics.json")).unwrap(), outcome.findings.heads[0].mean.mean)
    };
    let (first, error) = mean("first", 1);
    assert_eq!(first, mean("second", 2).0);
    // Guessing is off by 90° on average.
    assert!(error < 75.0, "{error}");
    spec.ambiguous = 2.0;
    assert!(spec.check().unwrap_err().to_string().contains("ambiguous"));
}
