//! A backbone that is trained on classes of upright scenes, beside one from scratch: angles with few labels.

use candle_core::DType;

use crate::lab::Measurement;
use crate::nn::loss::Loss;
use crate::nn::{Model, Params};
use crate::study::train::{Evaluator, HeldOutEvaluator, TrainingLoop};
use crate::study::{Observer, StudyError};
use crate::systems::methods::Beside;
use crate::systems::rotation::encodings::AngleHead;
use crate::systems::rotation::frozen_heads::Features;
use crate::systems::rotation::network::{AngleNet, TRUNK};
use crate::systems::rotation::readout::Readout;
use crate::systems::rotation::scene::CLASSES;
use crate::systems::rotation::spec::Spec;
use crate::systems::rotation::training::{Inputs, TRAINING};
use crate::systems::rotation::views::{PictureSet, SceneClasses, Views};
use crate::transfer::schedule::{Frozen, Full};
use crate::transfer::{Compose, Transfer};

/// Seeds of sets of scenes with classes.
const SOURCE: u64 = 1 << 35;
const SOURCE_TEST: u64 = 1 << 36;

/// Rows evaluated at once.
const BATCH: usize = 100;

/// How a network starts and what is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Initial values; everything is trained.
    Scratch,
    /// The source's backbone under a new head; everything is trained.
    Pretrained,
    /// The same, and the head alone is trained.
    Frozen,
}

/// Every start: its name and one line for people.
pub static STARTS: &[(&str, &str, Start)] = &[
    ("scratch", "a network without a source", Start::Scratch),
    ("pretrained", "the backbone of the source under a new head, everything is trained", Start::Pretrained),
    ("frozen", "the same, and the head alone is trained", Start::Frozen),
];

/// What the trials of one seed share.
pub struct Source {
    params: Params,
    /// Features of the frozen backbone, if heads are trained on it.
    pub(super) features: Option<Features>,
}

/// Trains the source network of a seed on classes of scenes.
pub fn prepare(
    spec: &Spec,
    inputs: &Inputs,
    seed: u64,
    observer: &dyn Observer,
) -> Result<(Source, Measurement), StudyError> {
    let (model, config) = (AngleNet { outputs: CLASSES, readout: Readout::Planes }, &spec.transfer.source);
    let training = SceneClasses::draw(SOURCE + seed, spec.transfer.scenes);
    let test = SceneClasses::draw(SOURCE_TEST, spec.test_scenes);
    let mut params = Params::new(seed, DType::F32);
    let training = TrainingLoop { observer, ..TrainingLoop::new(&model, &training, &Loss::CrossEntropy, config, seed) };
    training.run(&mut params, &mut Full)?;
    let network = model.build(&mut params)?;
    let evaluator = HeldOutEvaluator { source: &test, objective: &Loss::CrossEntropy, batch: BATCH };
    let accuracy = evaluator.evaluate(network.as_ref())?.metric;
    let features = match spec.heads.is_empty() {
        true => None,
        false => Some(Features::of(spec, inputs, network.as_ref(), seed)?),
    };
    Ok((Source { params, features }, Measurement::default().value("source_accuracy", accuracy)))
}

/// Trains angles with few labels, and by the methods of the level `method` beside the start. `goal` is the last error of
/// `scratch`, for the starts that are compared with it.
pub fn trial(
    spec: &Spec,
    (inputs, source): (&Inputs, &Source),
    head: &'static AngleHead,
    (start, method, goal): (Start, &str, Option<f64>),
    seed: u64,
    observer: &dyn Observer,
) -> Result<Measurement, StudyError> {
    let training = PictureSet::scenes(TRAINING + seed, spec.transfer.labels, 0.0);
    let training = Views { pictures: &training, head };
    let model = AngleNet { outputs: head.width(), readout: Readout::Planes };
    // Another seed than the source's, so that the initial values of a network from scratch are not the source's.
    let mut params = Params::new(TRAINING + seed, DType::F32);
    model.build(&mut params)?;
    if start != Start::Scratch {
        TRUNK.iter().try_for_each(|prefix| params.copy_prefix_from(&source.params, prefix).map(drop))?;
    }
    let groups = AngleNet::groups(&params);
    let own: Box<dyn Transfer> = match start {
        Start::Frozen => Box::new(Frozen::new(&groups)),
        Start::Scratch | Start::Pretrained => Box::new(Full),
    };
    let mut method = Beside::new(Compose(vec![own]), method, &groups)?;
    let evaluator = Views { pictures: &inputs.clear, head };
    let training = TrainingLoop {
        observer,
        evaluator: &evaluator,
        ..TrainingLoop::new(&model, &training, head, &spec.transfer.target, seed)
    };
    let history = training.run(&mut params, &mut method)?;
    params.merge_adapters()?;
    let curve: Vec<f64> = history.iter().map(|record| record.evaluation.loss).collect();
    let last = curve.last().copied();
    let epochs_needed = goal.map(|goal| {
        let before = curve.iter().position(|error| *error <= goal).unwrap_or(curve.len());
        (before + 1) as f64 / curve.len() as f64
    });
    Ok(Measurement::default().value_if("error", last).value_if("epochs_needed", epochs_needed).curve("error", curve))
}
