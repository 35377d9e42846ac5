//! Trains every head and says how far off it is.

use std::f64::consts::{FRAC_PI_2, TAU};

use candle_core::{D, DType};
use serde::Serialize;

use crate::math::circular::distance;
use crate::nn::{Mode, Model, Network, Params, Source};
use crate::study::report::Spread;
use crate::study::train::Fit;
use crate::study::{StudyError, parallel};
use crate::systems::Progress;
use crate::systems::rotation::heads::{Form, HeadRow};
use crate::systems::rotation::network::{Eye, Views};
use crate::systems::rotation::spec::Spec;
use crate::transfer::schedule::Full;

/// Seeds of collections from here on are not those of trainings.
const CLEAR: u64 = 1 << 32;
const AMBIGUOUS: u64 = 1 << 33;
const TRAINING: u64 = 1 << 34;

/// Rows judged at once.
const BATCH: usize = 100;

/// How near to the seam an angle counts as near, radians.
const SEAM: f64 = 15.0 * TAU / 360.0;

/// Errors of one set of answers, degrees around the circle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Errors {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub median: f64,
    /// Share below 10°.
    pub within_10: f64,
    /// Mean for true angles within 15° of the seam between 0° and 360°, over the mean for all others; `None` if one of
    /// the two kinds is missing.
    pub seam_ratio: Option<f64>,
}

impl Errors {
    /// Of pairs of true and told angles, radians; `None` of no pairs.
    pub fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let mut errors: Vec<f64> = pairs.iter().map(|&(a, b)| distance(a, b).to_degrees()).collect();
        let mean = |values: &[f64]| crate::study::stats::mean(values);
        let side = |near: bool| -> Vec<f64> {
            let all = pairs.iter().zip(&errors);
            all.filter(|((truth, _), _)| (distance(*truth, 0.0) < SEAM) == near).map(|(_, error)| *error).collect()
        };
        let seam_ratio = mean(&side(true)).zip(mean(&side(false))).map(|(near, far)| near / far);
        let within_10 = errors.iter().filter(|error| **error < 10.0).count() as f64 / errors.len() as f64;
        let average = mean(&errors)?;
        errors.sort_by(f64::total_cmp);
        Some(Self { mean: average, median: errors[errors.len() / 2], within_10, seam_ratio })
    }
}

/// One head under one seed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Trained {
    /// On clear scenes.
    pub clear: Errors,
    /// Confidence on clear and on ambiguous scenes: mean entropy (nats) of a distribution, mean length of a unit vector.
    pub doubt: Option<(f64, f64)>,
    /// Of a distribution on ambiguous scenes, the largest mass within 15° of a place 90°, 180° or 270° from its mode.
    pub second_mode: Option<f64>,
}

/// One head over all seeds.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// The head.
    pub head: String,
    /// Mean error over seeds, degrees.
    pub mean: Spread,
    /// Median error.
    pub median: Spread,
    /// Share below 10°.
    pub within_10: Spread,
    /// Error at the seam over error elsewhere.
    pub seam_ratio: Option<Spread>,
    /// Each seed by itself.
    pub seeds: Vec<Trained>,
}

/// What a run found.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// By head, in the order of the spec.
    pub heads: Vec<Measured>,
}

impl Findings {
    /// metrics.json.
    ///
    /// # Errors
    /// None in practice: the findings are plain data.
    pub fn to_json(&self) -> Result<String, StudyError> {
        let text = serde_json::to_string_pretty(self);
        text.map(|t| t + "\n").map_err(|source| StudyError::Json { path: "metrics.json".into(), source })
    }
}

/// Trains and judges every head under every seed.
pub fn findings(spec: &Spec, threads: usize, progress: &dyn Progress) -> Result<Findings, StudyError> {
    let (names, count) = (&spec.heads, spec.seeds.len());
    progress.stage("training", names.len() * count * spec.train.epochs * spec.training_scenes);
    let trained = parallel::jobs(names.len() * count, threads, |job| {
        trained(spec, HeadRow::named(&names[job / count])?, spec.seeds[job % count], progress)
    })?;
    progress.done();
    let over = |seeds: &[Trained], value: fn(&Trained) -> Option<f64>| {
        Spread::of(&seeds.iter().filter_map(value).collect::<Vec<f64>>())
    };
    let heads = names.iter().zip(trained.chunks(count)).map(|(head, seeds)| Measured {
        head: head.clone(),
        mean: over(seeds, |t| Some(t.clear.mean)).unwrap_or_default(),
        median: over(seeds, |t| Some(t.clear.median)).unwrap_or_default(),
        within_10: over(seeds, |t| Some(t.clear.within_10)).unwrap_or_default(),
        seam_ratio: over(seeds, |t| t.clear.seam_ratio),
        seeds: seeds.to_vec(),
    });
    Ok(Findings { heads: heads.collect() })
}

fn trained(spec: &Spec, head: &'static HeadRow, seed: u64, progress: &dyn Progress) -> Result<Trained, StudyError> {
    let model = Eye { head };
    let training = Views::draw(head, TRAINING + seed, spec.training_scenes, spec.ambiguous);
    let mut params = Params::new(seed, DType::F32);
    let fit = Fit { watch: progress, ..Fit::new(&model, &training, head, &spec.train, seed) };
    fit.run(&mut params, &mut Full)?;
    let network = model.build(&mut params)?;
    let clear = Views::draw(head, CLEAR, spec.test_scenes, 0.0);
    let ambiguous = Views::draw(head, AMBIGUOUS, spec.test_scenes, 1.0);
    let (told, blurred) = (outputs(network.as_ref(), &clear)?, outputs(network.as_ref(), &ambiguous)?);
    let pairs: Vec<_> = clear.angles.iter().zip(&told).map(|(&angle, output)| (angle, head.decode(output))).collect();
    let missing = || StudyError::NotFinite { what: "the mean error without test scenes".into() };
    let average = |rows: &[Vec<f64>], value: fn(&[f64]) -> f64| {
        rows.iter().map(|row| value(row)).sum::<f64>() / rows.len() as f64
    };
    let measure: Option<fn(&[f64]) -> f64> = match head.form {
        Form::Distribution(_) => Some(entropy),
        Form::Values(_) if head.width() == 2 => Some(|row| row[0].hypot(row[1])),
        _ => None,
    };
    let distribution = matches!(head.form, Form::Distribution(_));
    Ok(Trained {
        clear: Errors::of(&pairs).ok_or_else(missing)?,
        doubt: measure.map(|value| (average(&told, value), average(&blurred, value))),
        second_mode: distribution.then(|| average(&blurred, second_mode)),
    })
}

/// What the network puts out for each row; distributions as probabilities.
fn outputs(network: &dyn Network, views: &Views) -> Result<Vec<Vec<f64>>, StudyError> {
    let all: Vec<u32> = (0..views.len() as u32).collect();
    let mut outputs = Vec::new();
    for rows in all.chunks(BATCH) {
        let logits = network.forward(&views.rows(rows, Mode::Judge)?.inputs, Mode::Judge)?.logits.detach();
        let logits = logits.to_dtype(DType::F64)?;
        outputs.extend(match views.head.form {
            Form::Distribution(_) => candle_nn::ops::softmax(&logits, D::Minus1)?.to_vec2::<f64>()?,
            _ => logits.to_vec2::<f64>()?,
        });
    }
    Ok(outputs)
}

/// Nats.
fn entropy(probabilities: &[f64]) -> f64 {
    probabilities.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum()
}

fn second_mode(probabilities: &[f64]) -> f64 {
    let angle = |bin: usize| TAU * bin as f64 / probabilities.len() as f64;
    let mode = (0..probabilities.len()).max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b])).unwrap_or(0);
    let mass = |turn: usize| -> f64 {
        let place = angle(mode) + turn as f64 * FRAC_PI_2;
        let near = |bin: &usize| distance(angle(*bin), place) <= SEAM;
        (0..probabilities.len()).filter(near).map(|bin| probabilities[bin]).sum()
    };
    (1..4).map(mass).fold(0.0, f64::max)
}
