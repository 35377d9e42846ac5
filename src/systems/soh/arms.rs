//! Arms: ways to adapt a forecaster to a target domain.

use candle_core::DType;

use crate::data::Sampler;
use crate::nn::loss::Loss;
use crate::nn::{LayerGroups, LearningRates, Model, Params};
use crate::study::train::{HeldOutEvaluator, TrainConfig, TrainingLoop};
use crate::study::{Observer, StudyError};
use crate::systems::methods::{Beside, OWN};
use crate::systems::soh::domains::Domains;
use crate::systems::soh::network::{ENCODER, Forecaster, QUBITS};
use crate::systems::soh::windows::{Scaler, Window};
use crate::transfer::penalty::{Coral, Kernels, Mmd};
use crate::transfer::schedule::Full;
use crate::transfer::{Compose, Transfer};

/// A way to learn.
pub struct ArmRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Its training data and method.
    pub adaptation: Adaptation,
}

/// How a forecaster is adapted to the target domain.
#[derive(Clone, Copy)]
pub enum Adaptation {
    /// Nothing is trained: the forecast is a function of the window.
    Rule(fn(&Window) -> f64),
    /// Trained on the source alone.
    SourceOnly,
    /// Trained on the source; then dense layer and head on the labelled target windows.
    FineTune,
    /// Trained on the source and the labelled target windows together.
    Joint,
    /// As `Joint`, and a penalty of the weight λ aligns the latents of all windows, labelled or not.
    Aligned(fn(f64) -> Box<dyn Transfer>),
}

/// Every arm.
pub static ARMS: &[ArmRow] = &[
    ArmRow {
        name: "last_value",
        doc: "without a network: the last state of health again",
        adaptation: Adaptation::Rule(Window::last),
    },
    ArmRow {
        name: "line",
        doc: "without a network: the line through the window",
        adaptation: Adaptation::Rule(Window::line),
    },
    ArmRow { name: "source_only", doc: "trained on the source batches alone", adaptation: Adaptation::SourceOnly },
    ArmRow {
        name: "fine_tune",
        doc: "trained on the source, then dense layer and head on the target's labelled prefix",
        adaptation: Adaptation::FineTune,
    },
    ArmRow {
        name: "prefix",
        doc: "trained on the source and the target's labelled prefix together",
        adaptation: Adaptation::Joint,
    },
    ArmRow {
        name: "mmd",
        doc: "as prefix, and λ·MMD² between the latents of source and target, labelled or not",
        adaptation: Adaptation::Aligned(|weight| Box::new(Mmd { weight, ramped: true, ..Mmd::default() })),
    },
    ArmRow {
        name: "coral",
        doc: "as prefix, and the distance of the latents' covariances, with the same λ",
        adaptation: Adaptation::Aligned(|weight| Box::new(Coral { weight, ..Coral::default() })),
    },
    ArmRow {
        name: "mmd_matched",
        doc: "as mmd, but windows are compared within the same quarter of the throughput, with the same λ",
        adaptation: Adaptation::Aligned(|weight| {
            Box::new(Mmd { weight, ramped: true, stratified: true, ..Mmd::default() })
        }),
    },
    ArmRow {
        name: "mmd_quantum",
        doc: "as mmd, with a fidelity kernel of four qubits instead of the median kernel, with the same λ",
        adaptation: Adaptation::Aligned(|weight| {
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

    /// Whether a penalty with the weight λ takes part.
    pub fn is_aligned(&self) -> bool {
        matches!(self.adaptation, Adaptation::Aligned(_))
    }

    /// Whether it learns from the target.
    pub fn adapts(&self) -> bool {
        matches!(self.adaptation, Adaptation::FineTune) || self.has_domains()
    }

    /// Whether a training has rows of both domains.
    pub fn has_domains(&self) -> bool {
        matches!(self.adaptation, Adaptation::Joint | Adaptation::Aligned(_))
    }

    /// Whether nothing is trained.
    pub fn is_rule(&self) -> bool {
        matches!(self.adaptation, Adaptation::Rule(_))
    }
}

/// A trained forecaster.
pub struct TrainedForecaster {
    /// Its parameters.
    pub params: Params,
    /// How it scales windows.
    pub scaler: Scaler,
}

/// Trains `arm`. `lambda` weighs its penalty. The methods of the level `method` act beside it where it learns from the target:
/// in the only training, or in the second of `fine_tune`. A step has half of `config.batch` rows from each domain that it learns
/// from.
pub fn train(
    model: &Forecaster,
    (arm, method): (&ArmRow, &str),
    domains: &Domains,
    config: &TrainConfig,
    lambda: f64,
    seed: u64,
    observer: &dyn Observer,
) -> Result<TrainedForecaster, StudyError> {
    let scaler = Scaler::fit(&domains.source);
    let Domains { source, labelled, unlabelled, .. } = domains;
    let mut parts = vec![(&source[..], 0, 1.0)];
    if matches!(arm.adaptation, Adaptation::Joint | Adaptation::Aligned(_)) {
        parts.push((&labelled[..], 1, 1.0));
    }
    if arm.is_aligned() {
        parts.push((&unlabelled[..], 1, 0.0));
    }
    let rows = scaler.examples(&parts)?;
    let validation = scaler.examples(&[(&domains.validation, 0, 1.0)])?;
    let evaluator = HeldOutEvaluator { source: &validation, objective: &Loss::Squares, batch: 512 };
    let mut params = Params::new(seed, DType::F32);
    let is_one = parts.len() == 1;
    let config = TrainConfig { batch: if is_one { config.batch / 2 } else { config.batch }, ..*config };
    let of_domain = parts.iter().flat_map(|(windows, domain, _)| vec![*domain; windows.len()]).collect();
    let sampler = if is_one { Sampler::Shuffled } else { Sampler::Balanced(of_domain) };
    let own: Box<dyn Transfer> = match arm.adaptation {
        Adaptation::Aligned(penalty) => penalty(lambda),
        _ => Box::new(Full),
    };
    model.build(&mut params)?;
    let groups = LayerGroups::of_trunk(vec![ENCODER.map(String::from).to_vec()], &params);
    let first = if arm.has_domains() { method } else { OWN };
    let of_head = model.head().learning_rates();
    let mut first = Beside::new(Compose(vec![own, Box::new(of_head.clone())]), first, &groups)?;
    let trainer = TrainingLoop {
        evaluator: &evaluator,
        sampler,
        observer,
        ..TrainingLoop::new(model, &rows, &Loss::Squares, &config, seed)
    };
    trainer.run(&mut params, &mut first)?;
    params.merge_adapters()?;
    if let Adaptation::FineTune = arm.adaptation {
        let rows = scaler.examples(&[(labelled, 1, 1.0)])?;
        // Nothing of the target is held out to stop by: all epochs are run.
        let config = TrainConfig { keep_best: false, patience: None, ..config };
        let trainer = TrainingLoop { observer, ..TrainingLoop::new(model, &rows, &Loss::Squares, &config, seed) };
        let own = LearningRates::freezing(&ENCODER).times(&of_head);
        let mut second = Beside::new(own, method, &groups)?;
        trainer.run(&mut params, &mut second)?;
        params.merge_adapters()?;
    }
    Ok(TrainedForecaster { params, scaler })
}
