//! A backbone that has learned classes of upright scenes, beside one that starts from nothing: angles with few labels.

use candle_core::DType;
use serde::Serialize;

use crate::nn::loss::Loss;
use crate::nn::{Model, Params};
use crate::study::train::{Evaluator, HeldOutEvaluator, TrainingLoop};
use crate::study::{Observer, StudyError};
use crate::systems::rotation::graft::{Grafted, grafts};
use crate::systems::rotation::heads::HeadRow;
use crate::systems::rotation::measure::{AMBIGUOUS, CLEAR, TRAINING};
use crate::systems::rotation::network::{Eye, TRUNK};
use crate::systems::rotation::scene::CLASSES;
use crate::systems::rotation::spec::Spec;
use crate::systems::rotation::views::{Classes, Gallery, Views};
use crate::transfer::Transfer;
use crate::transfer::schedule::{Frozen, Full};

/// Seeds of collections of scenes with classes.
const SOURCE: u64 = 1 << 35;
const SOURCE_TEST: u64 = 1 << 36;

/// Rows judged at once.
const BATCH: usize = 100;

/// How the target is learned, name and what it is.
pub static STARTS: &[(&str, &str)] = &[
    ("scratch", "a network without a source"),
    ("pretrained", "the backbone of the source under a new head, everything moves"),
    ("frozen", "the same, and the head alone moves"),
];

/// One transfer under one seed.
#[derive(Clone, Debug, Serialize)]
pub struct Transferred {
    /// Share of test scenes whose class the source network tells, of twelve.
    pub source: f64,
    /// For each row of [`STARTS`], the mean error on clear scenes after each epoch, degrees.
    pub curves: Vec<Vec<f64>>,
    /// Heads on the frozen backbone, by code, then head.
    pub grafts: Vec<Grafted>,
}

impl Transferred {
    /// Mean error after the last epoch of the start at this place of [`STARTS`].
    pub fn last(&self, start: usize) -> f64 {
        self.curves[start].last().copied().unwrap_or(f64::NAN)
    }

    /// Epochs in which the pretrained network comes to the last error of the one from scratch, over all epochs; more than 1
    /// if it never does.
    pub fn epochs(&self) -> f64 {
        let (goal, curve) = (self.last(0), &self.curves[1]);
        let needed = curve.iter().position(|error| *error <= goal).unwrap_or(curve.len());
        (needed + 1) as f64 / curve.len() as f64
    }
}

/// Learns the classes, then angles in every way, then grafts heads.
///
/// # Errors
/// If a training diverges.
pub fn transfer(spec: &Spec, seed: u64, progress: &dyn Observer) -> Result<Transferred, StudyError> {
    let plan = &spec.transfer;
    let (eye, lessons) = (Eye { outputs: CLASSES }, Classes::draw(SOURCE + seed, plan.scenes));
    let exam = Classes::draw(SOURCE_TEST, spec.test_scenes);
    let evaluator = HeldOutEvaluator { source: &exam, objective: &Loss::CrossEntropy, batch: BATCH };
    let mut source = Params::new(seed, DType::F32);
    let trainer = TrainingLoop {
        observer: progress,
        ..TrainingLoop::new(&eye, &lessons, &Loss::CrossEntropy, &plan.source, seed)
    };
    trainer.run(&mut source, &mut Full)?;
    let backbone = eye.build(&mut source)?;
    let told = evaluator.evaluate(backbone.as_ref())?.metric;

    let head = HeadRow::named(&plan.head)?;
    let training = Gallery::scenes(TRAINING + seed, plan.labels, 0.0);
    let clear = Gallery::scenes(CLEAR, spec.test_scenes, 0.0);
    let (lessons, evaluator) = (Views { gallery: &training, head }, Views { gallery: &clear, head });
    let eye = Eye { outputs: head.width() };
    let mut curves = Vec::new();
    for (name, _) in STARTS {
        // Another seed than the source's, so that the head of a network from scratch owes it nothing.
        let mut params = Params::new(TRAINING + seed, DType::F32);
        eye.build(&mut params)?;
        if *name != "scratch" {
            TRUNK.iter().try_for_each(|prefix| params.copy_prefix_from(&source, prefix).map(drop))?;
        }
        let mut method: Box<dyn Transfer> = match *name {
            "frozen" => Box::new(Frozen::new(&Eye::groups(&params))),
            _ => Box::new(Full),
        };
        let trainer = TrainingLoop {
            observer: progress,
            evaluator: &evaluator,
            ..TrainingLoop::new(&eye, &lessons, head, &plan.target, seed)
        };
        let history = trainer.run(&mut params, method.as_mut())?;
        curves.push(history.iter().map(|record| record.evaluation.loss).collect());
    }
    let training = Gallery::scenes(TRAINING + seed, spec.training_scenes, 0.0);
    let ambiguous = Gallery::scenes(AMBIGUOUS, spec.test_scenes, 1.0);
    let grafts = grafts(spec, backbone.as_ref(), [&training, &clear, &ambiguous], seed, progress)?;
    Ok(Transferred { source: told, curves, grafts })
}
