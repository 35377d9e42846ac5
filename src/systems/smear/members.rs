//! The detectors of the ensemble: the same network under different remedies for rare classes.

use candle_core::DType;

use crate::classic::boxes::Detection;
use crate::data::{Sampler, class_weights, picture_weights};
use crate::nn::Params;
use crate::study::train::{TrainConfig, TrainingLoop};
use crate::study::{Observer, StudyError, parallel};
use crate::systems::smear::cells::{BOX, MERGED};
use crate::systems::smear::detector::{CentreLoss, Detector, Views, snapped};
use crate::systems::smear::material::{Material, labels};
use crate::systems::smear::spec::Spec;
use crate::transfer::schedule::Full;

/// How a detector is helped with rare classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Help {
    /// Not at all.
    None,
    /// Rare classes weigh more in the loss.
    Weighted,
    /// Fields with rare classes are drawn more often.
    Resampled,
    /// It has learned single cells of a related collection before.
    Transferred,
}

/// A remedy.
#[derive(Debug)]
pub struct RemedyRow {
    /// Its name.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// What is done.
    pub help: Help,
}

/// The plain detector and the three remedies that are fused.
pub static REMEDIES: [RemedyRow; 4] = [
    RemedyRow { name: "plain", doc: "the detector as it is; not in the ensemble", help: Help::None },
    RemedyRow {
        name: "weighted",
        doc: "each class weighs (N / (K n))^½ in the loss, cut to 0.5..5, mean 1",
        help: Help::Weighted,
    },
    RemedyRow {
        name: "resampled",
        doc: "fields are drawn in proportion to the mean of N / n over their cells",
        help: Help::Resampled,
    },
    RemedyRow {
        name: "transferred",
        doc: "trained on single cells of five coarser classes and another stain first, then given a new last layer",
        help: Help::Transferred,
    },
];

/// A trained detector and what it finds.
pub struct Member {
    /// Its parameters.
    pub params: Params,
    /// What they are parameters of.
    pub detector: Detector,
    /// Boxes in the validation fields.
    pub validation: Vec<Vec<Detection>>,
    /// Boxes in the test fields.
    pub test: Vec<Vec<Detection>>,
}

/// Every remedy under every seed: by seed, then remedy.
pub fn train(
    spec: &Spec,
    material: &Material,
    threads: usize,
    progress: &dyn Observer,
) -> Result<Vec<Vec<Member>>, StudyError> {
    let (count, epochs) = (spec.seeds.len(), spec.train.epochs);
    let rows = REMEDIES.len() * material.training.len() + material.source.len();
    progress.stage("training", count * epochs * rows);
    let jobs = parallel::jobs(count * REMEDIES.len(), threads, |job| {
        let (seed, remedy) = (spec.seeds[job / REMEDIES.len()], job % REMEDIES.len());
        // A start of its own for each remedy, as for each seed: what differs between ensembles is the remedy alone.
        member(spec, material, REMEDIES[remedy].help, seed * REMEDIES.len() as u64 + remedy as u64, progress)
    })?;
    let mut jobs = jobs.into_iter();
    Ok((0..count).map(|_| jobs.by_ref().take(REMEDIES.len()).collect()).collect())
}

fn member(
    spec: &Spec,
    material: &Material,
    help: Help,
    seed: u64,
    progress: &dyn Observer,
) -> Result<Member, StudyError> {
    let classes = material.classes.len();
    let detector = Detector { width: spec.width, classes, head: "head", typical: material.typical };
    let mut params = Params::new(seed, DType::F32);
    if help == Help::Transferred {
        let source = Detector { classes: MERGED, head: "source_head", typical: BOX, ..detector.clone() };
        let views = Views { fields: &material.source, detector: &source };
        let loss = CentreLoss { weights: vec![1.0; MERGED] };
        // As many cells in a step as a field batch has.
        let config = TrainConfig { batch: spec.train.batch * spec.cells, ..spec.train };
        TrainingLoop { observer: progress, ..TrainingLoop::new(&source, &views, &loss, &config, seed) }
            .run(&mut params, &mut Full)?;
    }
    let told = labels(&material.training);
    let weights = match help {
        Help::Weighted => loss_weights(&told.concat(), classes),
        _ => vec![1.0; classes],
    };
    let sampler = match help {
        Help::Resampled => Sampler::Weighted(picture_weights(&told, classes, 1.0)),
        _ => Sampler::Shuffled,
    };
    let (views, loss) = (Views { fields: &material.training, detector: &detector }, CentreLoss { weights });
    let trainer =
        TrainingLoop { observer: progress, sampler, ..TrainingLoop::new(&detector, &views, &loss, &spec.train, seed) };
    trainer.run(&mut params, &mut Full)?;
    let validation = snapped(&detector.look(&mut params, &material.validation)?, material.fixed);
    let test = snapped(&detector.look(&mut params, &material.test)?, material.fixed);
    Ok(Member { params, detector, validation, test })
}

/// (N / (K n))^½ of each class, cut to 0.5..5, then scaled to mean 1.
pub fn loss_weights(labels: &[usize], classes: usize) -> Vec<f64> {
    let cut: Vec<f64> = class_weights(labels, classes, 0.5).into_iter().map(|weight| weight.clamp(0.5, 5.0)).collect();
    let mean = cut.iter().sum::<f64>() / classes as f64;
    cut.into_iter().map(|weight| weight / mean).collect()
}
