//! Every subject under every condition.

use ndarray::Array2;
use serde::Serialize;

use crate::circuit::Ansatz;
use crate::classic::LeastSquares;
use crate::study::landscape::{STARTS, gradients};
use crate::study::metric::{METRICS, Predictions};
use crate::study::stats::Spread;
use crate::study::{Observer, StudyError, parallel};
use crate::systems::noise_robustness::Spec;
use crate::systems::noise_robustness::bench::{Bench, Condition, SOURCES};
use crate::systems::noise_robustness::subject::{Subject, accuracy, contraction, run};

/// One way of training under one condition, over its seeds.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// How the head was trained, or the circuit's name.
    pub subject: String,
    /// Device.
    pub device: String,
    /// DataKind of noise.
    pub source: &'static str,
    /// Factor on it.
    pub scale: f64,
    /// Mitigation, "none" without.
    pub mitigation: &'static str,
    /// Shots; absent for exact expectation values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shots: Option<u64>,
    /// Slope of noisy against ideal ⟨Z⟩: 1 leaves them alone, 0 leaves nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contraction: Option<Spread>,
    /// Where an ideal ⟨Z⟩ of 0 goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<Spread>,
    /// Accuracy of each seed.
    pub accuracies: Vec<f64>,
    /// Their mean and spread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Spread>,
    /// Mean negative log probability of the true class, nats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_loss: Option<Spread>,
    /// Expected calibration error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration_error: Option<Spread>,
    /// Accuracy of a read-out fitted anew under this condition, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refitted: Option<Spread>,
}

/// Size of gradients over random weights.
#[derive(Clone, Debug, Serialize)]
pub struct GradientPoint {
    /// Device.
    pub device: String,
    /// Factor on its noise.
    pub scale: f64,
    /// Variance of ∂⟨Z₀⟩/∂w over uniform weights, mean over weights, per radian².
    pub variance: f64,
}

/// What one subject shows under one condition.
struct Shown {
    contraction: Option<(f64, f64)>,
    accuracy: Option<f64>,
    log_loss: Option<f64>,
    calibration_error: Option<f64>,
    refitted: Option<f64>,
}

/// Every condition of a spec: all noise together with every mitigation, exact and with shots, at every scale on every
/// device; then each source alone on the first device.
pub fn conditions(spec: &Spec) -> Result<Vec<Condition>, StudyError> {
    let mut all = Vec::new();
    let shots: Vec<Option<u64>> = std::iter::once(None).chain(spec.shots.iter().copied().map(Some)).collect();
    let mitigations: Vec<_> = std::iter::once(None).chain(spec.mitigations()?.into_iter().map(Some)).collect();
    for device in 0..spec.devices.len() {
        for &scale in &spec.scales {
            for &mitigation in &mitigations {
                all.extend(shots.iter().map(|&shots| Condition {
                    mitigation,
                    shots,
                    ..Condition::plain(device, scale)
                }));
            }
        }
    }
    for source in &SOURCES[1..] {
        all.extend(spec.scales.iter().map(|&scale| Condition { source, ..Condition::plain(0, scale) }));
    }
    Ok(all)
}

/// Measures every subject under every condition, conditions spread over threads; the order is that of subjects, then
/// conditions.
///
/// # Errors
/// If a simulator or a model refuses, or `progress` says stop.
pub fn points(
    spec: &Spec,
    bench: &Bench,
    subjects: &[Subject],
    threads: usize,
    progress: &dyn Observer,
) -> Result<Vec<Point>, StudyError> {
    let conditions = conditions(spec)?;
    let groups: Vec<&[Subject]> = subjects.chunk_by(|a, b| a.name == b.name).collect();
    progress.stage("judging", conditions.len() * subjects.len());
    let ideal = bench.ideal()?;
    parallel::jobs(groups.len() * conditions.len(), threads, |job| {
        let (group, condition) = (groups[job / conditions.len()], &conditions[job % conditions.len()]);
        let mut shown = Vec::new();
        for subject in group {
            if progress.stopped() {
                return Err(StudyError::Interrupted);
            }
            shown.push(show(bench, subject, condition, &subject.expectations(&ideal)?)?);
            progress.advance(1);
        }
        Ok(point(spec, &group[0].name, condition, &shown))
    })
}

fn show(bench: &Bench, subject: &Subject, condition: &Condition, ideal: &Array2<f64>) -> Result<Shown, StudyError> {
    let execution = bench.execution(condition, subject.seed)?;
    let noisy = subject.expectations(&execution)?;
    let contraction = contraction(ideal, &noisy);
    let Some(classifier) = &subject.classifier else {
        return Ok(Shown { contraction, accuracy: None, log_loss: None, calibration_error: None, refitted: None });
    };
    let predictions = Predictions::new(classifier.probabilities(&noisy), classifier.labels.clone())?;
    let metric = |name: &str| {
        let row = METRICS.iter().find(|row| row.name == name).expect("a metric of the table");
        (row.measure)(&predictions).ok()
    };
    let refitted = match condition.mitigation.is_none() && condition.shots.is_none() {
        false => None,
        true => {
            let sheet = &classifier.training;
            let seen = run(&execution, sheet.angles.view(), subject.weights.view())?;
            let read_out = LeastSquares::fit(seen.view(), &sheet.labels, classifier.classes());
            Some(accuracy(&read_out.predict(noisy.view()), &classifier.labels))
        }
    };
    Ok(Shown {
        contraction,
        accuracy: Some(accuracy(&predictions.predicted(), &classifier.labels)),
        log_loss: metric("log_loss"),
        calibration_error: metric("calibration_error"),
        refitted,
    })
}

fn point(spec: &Spec, subject: &str, condition: &Condition, shown: &[Shown]) -> Point {
    let values = |value: &dyn Fn(&Shown) -> Option<f64>| shown.iter().filter_map(value).collect::<Vec<f64>>();
    let spread = |value: &dyn Fn(&Shown) -> Option<f64>| Spread::of(&values(value));
    Point {
        subject: subject.into(),
        device: spec.devices[condition.device].clone(),
        source: condition.source.name,
        scale: condition.scale,
        mitigation: condition.mitigation.map_or("none", |row| row.name),
        shots: condition.shots,
        contraction: spread(&|s| Some(s.contraction?.0)),
        offset: spread(&|s| Some(s.contraction?.1)),
        accuracies: values(&|s| s.accuracy),
        accuracy: spread(&|s| s.accuracy),
        log_loss: spread(&|s| s.log_loss),
        calibration_error: spread(&|s| s.calibration_error),
        refitted: spread(&|s| s.refitted),
    }
}

/// Random weights over which gradients are taken.
const STARTS_DRAWN: usize = 64;

/// Variance of gradients at every scale on every device; empty for a circuit without weights.
///
/// # Errors
/// If a simulator or a model refuses.
pub fn gradient_points(spec: &Spec, bench: &Bench, ansatz: &Ansatz) -> Result<Vec<GradientPoint>, StudyError> {
    if ansatz.weights() == 0 {
        return Ok(Vec::new());
    }
    let starts = STARTS[0].weights(ansatz, spec.circuit.depth, STARTS_DRAWN, 0);
    let mut points = Vec::new();
    for (k, device) in spec.devices.iter().enumerate() {
        for &scale in &spec.scales {
            let execution = bench.execution(&Condition::plain(k, scale), 0)?;
            let variance = gradients(&execution, ansatz.inputs, &starts, 0)?.variance;
            points.push(GradientPoint { device: device.clone(), scale, variance });
        }
    }
    Ok(points)
}
