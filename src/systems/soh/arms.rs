//! What is compared: ways to bring a forecaster to a target domain.

use candle_core::DType;

use crate::data::Sampler;
use crate::nn::loss::Loss;
use crate::nn::{LearningRates, Params};
use crate::study::train::{HeldOutEvaluator, TrainConfig, TrainingLoop};
use crate::study::{Observer, StudyError};
use crate::systems::soh::network::{ENCODER, Forecaster, QUBITS};
use crate::systems::soh::windows::{Scaler, Window};
use crate::transfer::Transfer;
use crate::transfer::penalty::{Coral, Kernels, Mmd};
use crate::transfer::schedule::Full;

/// A way to learn.
pub struct ArmRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// What it does.
    pub recipe: Recipe,
}

/// What an arm learns from, and how.
#[derive(Clone, Copy)]
pub enum Recipe {
    /// The source alone.
    Source,
    /// The source, then dense layer and head on the labelled target windows.
    Head,
    /// The source and the labelled target windows at once.
    Labels,
    /// The same and all target windows without labels, features aligned by a penalty of the weight λ.
    Aligned(fn(f64) -> Box<dyn Transfer>),
}

/// Every arm.
pub static ARMS: &[ArmRow] = &[
    ArmRow { name: "source_only", doc: "trained on the source batches alone", recipe: Recipe::Source },
    ArmRow {
        name: "fine_tune",
        doc: "trained on the source, then dense layer and head on the target's labelled prefix",
        recipe: Recipe::Head,
    },
    ArmRow {
        name: "prefix",
        doc: "trained on the source and the target's labelled prefix together",
        recipe: Recipe::Labels,
    },
    ArmRow {
        name: "mmd",
        doc: "as prefix, and λ·MMD² between the latents of source and target, labelled or not",
        recipe: Recipe::Aligned(|weight| Box::new(Mmd { weight, ramped: true, ..Mmd::default() })),
    },
    ArmRow {
        name: "coral",
        doc: "as prefix, and the distance of the latents' covariances, with the same λ",
        recipe: Recipe::Aligned(|weight| Box::new(Coral { weight })),
    },
    ArmRow {
        name: "mmd_matched",
        doc: "as mmd, windows held against those of the same quarter of the throughput only, with the same λ",
        recipe: Recipe::Aligned(|weight| Box::new(Mmd { weight, ramped: true, stratified: true, ..Mmd::default() })),
    },
    ArmRow {
        name: "mmd_quantum",
        doc: "as mmd, the fidelity of states of four qubits in place of the middle kernel, with the same λ",
        recipe: Recipe::Aligned(|weight| {
            let kernels = Kernels::Fidelity { qubits: QUBITS };
            Box::new(Mmd { weight, ramped: true, kernels, ..Mmd::default() })
        }),
    },
];

impl ArmRow {
    /// The arm of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let names = ARMS.iter().map(|row| row.name);
        ARMS.iter().find(|row| row.name == name).ok_or_else(|| StudyError::unknown("arm", name, names))
    }
}

/// Windows of the two domains.
pub struct Domains {
    /// Of the source, to learn from.
    pub source: Vec<Window>,
    /// Of the source, to stop by.
    pub validation: Vec<Window>,
    /// Of the target, up to the end of the prefix.
    pub labelled: Vec<Window>,
    /// Of the target after it.
    pub unlabelled: Vec<Window>,
}

/// A trained forecaster.
pub struct Trained {
    /// Its parameters.
    pub params: Params,
    /// How it reads windows.
    pub scaler: Scaler,
}

/// Trains `arm`; `lambda` weighs its penalty. A step has half of `config.batch` rows from each domain.
pub fn train(
    model: &Forecaster,
    arm: &ArmRow,
    domains: &Domains,
    config: &TrainConfig,
    lambda: f64,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Trained, StudyError> {
    let scaler = Scaler::fit(&domains.source);
    let Domains { source, labelled, unlabelled, .. } = domains;
    let mut parts = vec![(&source[..], 0, 1.0)];
    if matches!(arm.recipe, Recipe::Labels | Recipe::Aligned(_)) {
        parts.push((&labelled[..], 1, 1.0));
    }
    if matches!(arm.recipe, Recipe::Aligned(_)) {
        parts.push((&unlabelled[..], 1, 0.0));
    }
    let rows = scaler.examples(&parts)?;
    let validation = scaler.examples(&[(&domains.validation, 0, 1.0)])?;
    let evaluator = HeldOutEvaluator { source: &validation, objective: &Loss::Squares, batch: 512 };
    let mut params = Params::new(seed, DType::F32);
    let alone = parts.len() == 1;
    let config = TrainConfig { batch: if alone { config.batch / 2 } else { config.batch }, ..*config };
    let of_domain = parts.iter().flat_map(|(windows, domain, _)| vec![*domain; windows.len()]).collect();
    let sampler = if alone { Sampler::Shuffled } else { Sampler::Balanced(of_domain) };
    let mut method: Box<dyn Transfer> = match arm.recipe {
        Recipe::Aligned(penalty) => penalty(lambda),
        _ => Box::new(Full),
    };
    let trainer = TrainingLoop {
        evaluator: &evaluator,
        sampler,
        observer,
        ..TrainingLoop::new(model, &rows, &Loss::Squares, &config, seed)
    };
    trainer.run(&mut params, method.as_mut())?;
    if let Recipe::Head = arm.recipe {
        let rows = scaler.examples(&[(labelled, 1, 1.0)])?;
        // Nothing of the target is held out to stop by: all epochs are run.
        let config = TrainConfig { keep_best: false, patience: None, ..config };
        let trainer = TrainingLoop { observer, ..TrainingLoop::new(model, &rows, &Loss::Squares, &config, seed) };
        trainer.run(&mut params, &mut LearningRates::freezing(&ENCODER))?;
    }
    Ok(Trained { params, scaler })
}
