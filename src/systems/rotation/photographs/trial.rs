//! One training on photographs under one seed, and its errors on held-out ones.

use candle_core::DType;
use serde::{Deserialize, Serialize};

use super::network::PhotoNet;
use super::planes::{PlaneViews, Planes};
use super::saved::{MODEL_FILE, SavedNet};
use super::{PhotoInputs, TEST_VIEWS, report};
use crate::lab::{Measurement, StudyError};
use crate::math::circular::{distance, wrap};
use crate::nn::{Model, Network, Params};
use crate::study::Observer;
use crate::study::train::{Evaluation, Evaluator, TrainingLoop};
use crate::systems::methods::Beside;
use crate::systems::rotation::encodings::AngleHead;
use crate::systems::rotation::network::AngleNet;
use crate::systems::rotation::predictions::AnglePredictions;
use crate::systems::rotation::readout::Readout;
use crate::systems::rotation::spec::Spec;
use crate::systems::rotation::views::Views;
use crate::transfer::schedule::Full;

/// Views evaluated at once.
const BATCH: usize = 64;

/// File of the predictions of test views.
const PREDICTIONS_FILE: &str = "predictions.csv";

/// How a network starts and what is trained of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::systems::rotation) enum PhotoStart {
    /// The small network of the drawn scenes, from random values.
    Small,
    /// The pretrained network; the head alone is trained.
    Frozen,
    /// The pretrained network; its upper stages and the head are trained.
    FineTuned,
}

/// Every start: its name and one line for people.
pub(in crate::systems::rotation) static PHOTO_STARTS: &[(&str, &str, PhotoStart)] = &[
    ("small", "three convolutions on views of 28 pixels, from random values, everything is trained", PhotoStart::Small),
    ("frozen", "the pretrained network, the head alone is trained", PhotoStart::Frozen),
    ("fine_tuned", "the pretrained network, its upper stages and the head are trained", PhotoStart::FineTuned),
];

/// A held-out photograph: its path, mean error over its views and the error of their common answer (degrees).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::systems::rotation) struct PhotoError {
    pub id: String,
    pub error: f64,
    pub joint_error: f64,
}

/// What a network says of views of photographs.
struct Answers {
    /// Predicted angle and confidence, view after view.
    views: Vec<(f64, Option<f64>)>,
    fourfold: Option<f64>,
}

fn answers(network: &dyn Network, planes: &Planes, head: &'static AngleHead) -> Result<Answers, StudyError> {
    let mut predictions = AnglePredictions::new(head);
    let all: Vec<usize> = (0..planes.angles.len()).collect();
    for rows in all.chunks(BATCH) {
        predictions.extend(network, &[planes.rows(rows.iter().copied())?])?;
    }
    Ok(Answers { views: predictions.answers().collect(), fourfold: predictions.fourfold(&planes.angles) })
}

/// The rotation on which several answers for one picture agree best: of `(answer, angle)` pairs, where the picture was
/// rotated by a further `angle` before the answer, the answer less that angle whose summed distance to the others is least.
/// Outliers do not count, unlike in a mean. With it the median distance of the others from it, radians.
pub(super) fn joint_answer(views: &[(f64, f64)]) -> (f64, f64) {
    let own: Vec<f64> = views.iter().map(|(answer, angle)| wrap(answer - angle)).collect();
    let sum = |angle: f64| own.iter().map(|other| distance(angle, *other)).sum::<f64>();
    let best = own.iter().copied().min_by(|a, b| sum(*a).total_cmp(&sum(*b))).unwrap_or(0.0);
    let mut apart: Vec<f64> = own.iter().map(|other| distance(best, *other)).collect();
    apart.sort_by(f64::total_cmp);
    (best, apart.get(apart.len() / 2).copied().unwrap_or(0.0))
}

/// The loss is the mean error in degrees on all views, the metric the same with its sign turned.
impl Evaluator for PlaneViews<'_> {
    fn evaluate(&self, network: &dyn Network) -> Result<Evaluation, StudyError> {
        let found = answers(network, self.planes, self.head)?;
        let errors = found.views.iter().zip(&self.planes.angles).map(|((answer, _), angle)| distance(*answer, *angle));
        let mean = errors.sum::<f64>().to_degrees() / self.planes.angles.len().max(1) as f64;
        Ok(Evaluation { loss: mean, metric: -mean })
    }
}

/// Trains a network with `head` and a readout, by the methods of a level beside its start, and evaluates it. With `keeps`,
/// the network and pictures of its best and worst answers are files and results of the measurement.
pub(in crate::systems::rotation) fn trial(
    spec: &Spec,
    inputs: &PhotoInputs,
    (head, readout, start, method): (&'static AngleHead, Readout, PhotoStart, &str),
    seed: u64,
    keeps: bool,
    observer: &dyn Observer,
) -> Result<Measurement, StudyError> {
    if start == PhotoStart::Small {
        return small(spec, inputs, (head, readout, method), seed, observer);
    }
    let model = PhotoNet { pretrained: &inputs.pretrained, outputs: head.width(), readout };
    let mut params = Params::new(seed, DType::F32);
    model.build(&mut params)?;
    let rates = model.learning_rates(&params, start == PhotoStart::FineTuned);
    let mut method = Beside::new(rates.clone(), method, &model.live_groups(&params))?;
    let training = PlaneViews { planes: &inputs.training, head };
    let validation = PlaneViews { planes: &inputs.validation, head };
    let config = &spec.train;
    let training =
        TrainingLoop { observer, evaluator: &validation, ..TrainingLoop::new(&model, &training, head, config, seed) };
    let history = training.run(&mut params, &mut method)?;
    params.merge_adapters()?;
    // What is evaluated is what is stored.
    params.round_to_half(&rates)?;
    params.freeze();
    let network = model.build(&mut params)?;
    let found = answers(network.as_ref(), &inputs.test, head)?;
    let validation = validation.evaluate(network.as_ref())?.loss;
    let no_content = answers(network.as_ref(), &inputs.no_content, head)?.fourfold;
    let trained = params.count(|name| rates.is_trainable(name));
    let curve: Vec<f64> = history.iter().map(|record| record.evaluation.loss).collect();
    let mut measurement = errors(Measurement::default(), inputs, &found)?
        .value("validation_error", validation)
        .value_if("fourfold", no_content)
        .value("parameters", trained as f64)
        .curve("validation_error", curve);
    let photos = by_photo(inputs, &found);
    measurement = measurement.file(PREDICTIONS_FILE, predictions_csv(inputs, &found));
    if keeps {
        let png = report::montage(inputs, &photos, &found.views);
        let model = SavedNet::bytes(spec, inputs, (head, readout), &params, &rates)?;
        measurement = measurement.keep("photos", &photos).keep("montage", &png).file(MODEL_FILE, model);
    }
    Ok(measurement)
}

/// The small network on the same photographs.
fn small(
    spec: &Spec,
    inputs: &PhotoInputs,
    (head, readout, method): (&'static AngleHead, Readout, &str),
    seed: u64,
    observer: &dyn Observer,
) -> Result<Measurement, StudyError> {
    let model = AngleNet { outputs: head.width(), readout };
    let [training, validation, test] = &inputs.small;
    let training = Views { pictures: training, head };
    let mut params = Params::new(seed, DType::F32);
    let training = TrainingLoop { observer, ..TrainingLoop::new(&model, &training, head, &spec.train, seed) };
    model.build(&mut params)?;
    let mut method = Beside::new(Full, method, &AngleNet::groups(&params))?;
    training.run(&mut params, &mut method)?;
    params.merge_adapters()?;
    let network = model.build(&mut params)?;
    let mut views = Vec::new();
    for (picture, angle) in test.pictures.iter().zip(&test.angles) {
        let angles: Vec<f64> =
            (0..TEST_VIEWS).map(|k| angle + std::f64::consts::TAU * k as f64 / TEST_VIEWS as f64).collect();
        let pictures =
            crate::systems::rotation::views::PictureSet { pictures: vec![picture.clone(); TEST_VIEWS], angles };
        views.extend(AnglePredictions::of(network.as_ref(), &Views { pictures: &pictures, head })?.answers());
    }
    let found = Answers { views, fourfold: None };
    let validation = Views { pictures: validation, head }.evaluate(network.as_ref())?.loss;
    Ok(errors(Measurement::default(), inputs, &found)?
        .value("validation_error", validation)
        .value("parameters", params.count(|_| true) as f64)
        .file(PREDICTIONS_FILE, predictions_csv(inputs, &found)))
}

/// Errors of single views, and of the common answer of the views of each photograph.
fn errors(found: Measurement, inputs: &PhotoInputs, answers: &Answers) -> Result<Measurement, StudyError> {
    let pairs: Vec<(f64, f64)> =
        inputs.test.angles.iter().zip(&answers.views).map(|(angle, (answer, _))| (*angle, *answer)).collect();
    let missing = || StudyError::NotFinite { what: "the mean error without test photographs".into() };
    let errors = crate::systems::rotation::predictions::Errors::of(&pairs).ok_or_else(missing)?;
    let photos = by_photo(inputs, answers);
    let joint = photos.iter().map(|photo| photo.joint_error).sum::<f64>() / photos.len().max(1) as f64;
    Ok(found
        .value("error", errors.mean)
        .value("median_error", errors.median)
        .value("p90_error", errors.p90)
        .value("within_10", errors.within_10)
        .value("joint_error", joint))
}

fn by_photo(inputs: &PhotoInputs, answers: &Answers) -> Vec<PhotoError> {
    let views = answers.views.chunks(TEST_VIEWS).zip(inputs.test.angles.chunks(TEST_VIEWS));
    let mut found = Vec::new();
    for ((views, angles), id) in views.zip(&inputs.test_ids) {
        let pairs: Vec<(f64, f64)> = views.iter().zip(angles).map(|((answer, _), angle)| (*answer, *angle)).collect();
        let errors: Vec<f64> = pairs.iter().map(|(answer, angle)| distance(*answer, *angle).to_degrees()).collect();
        let error = errors.iter().sum::<f64>() / errors.len() as f64;
        // The angles of the views are known here, so the picture itself is not rotated.
        let joint_error = distance(joint_answer(&pairs).0, 0.0).to_degrees();
        found.push(PhotoError { id: id.clone(), error, joint_error });
    }
    found
}

/// A line for each test view: photograph, true and predicted angle, error (degrees), confidence.
fn predictions_csv(inputs: &PhotoInputs, answers: &Answers) -> Vec<u8> {
    let mut table =
        crate::report::Table::new("predictions", "", &["sample", "angle", "predicted", "error", "confidence"], 1);
    for (view, ((answer, confidence), angle)) in answers.views.iter().zip(&inputs.test.angles).enumerate() {
        let degrees = |angle: f64| format!("{:.3}", wrap(angle).to_degrees());
        table.rows.push(vec![
            inputs.test_ids[view / TEST_VIEWS].clone(),
            degrees(*angle),
            degrees(*answer),
            degrees(distance(*answer, *angle)),
            confidence.map_or(String::new(), |confidence| format!("{confidence:.4}")),
        ]);
    }
    table.csv()
}
