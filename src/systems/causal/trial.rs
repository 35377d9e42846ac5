//! One arm on one task under one seed, selected by two rules.

use std::cell::RefCell;

use candle_core::{D, DType, Tensor};
use ndarray::Array2;

use crate::data::Sampler;
use crate::lab::{Context, Measurement};
use crate::nn::loss::{Loss, Objective};
use crate::nn::{Dataset, Examples, LearningRates, Mode, Model, Network, NnError, Params};
use crate::study::StudyError;
use crate::study::invariance::{independence_test, residual_test};
use crate::study::train::{Evaluation, Evaluator, TrainConfig, TrainingLoop};
use crate::systems::causal::arms::{ArmRow, ORACLE};
use crate::systems::causal::declaration::Declaration;
use crate::systems::causal::network::RowNet;
use crate::systems::causal::saved::{MODEL_FILE, Saved};
use crate::systems::causal::spec::Spec;
use crate::systems::causal::task::Task;
use crate::transfer::penalty::{Annealed, Invariance};
use crate::transfer::{After, Batch, FitContext, Transfer};

/// Rules by which epoch and factor are selected, with one line for people.
pub const SELECTIONS: [(&str, &str); 3] = [
    ("training", "the best on held-out rows of the training environments"),
    ("oracle", "the best on other rows of the test environment, which nobody has in practice"),
    ("last", "the last epoch with the first factor, as the protocol states"),
];

/// Rows that tests of invariance read, at most: a kernel has a number for each pair.
const TESTED: usize = 300;

/// A trial.
pub struct Trial<'a> {
    /// Settings.
    pub spec: &'a Spec,
    /// What is learned from.
    pub task: &'a Task,
    /// What is declared of it.
    pub declaration: &'a Declaration,
    /// The arm.
    pub arm: &'static ArmRow,
    /// Whether pictures hold things anywhere.
    pub is_convolutional: bool,
    /// Seed of start and batches.
    pub seed: u64,
}

/// Shares of rows that are classified rightly after an epoch.
#[derive(Clone, Copy, Debug, Default)]
struct Accuracies {
    validation: f64,
    oracle: f64,
    test: f64,
    /// The least over training environments, on held-out rows, and the test environment.
    worst: f64,
}

/// Measures every epoch on all held-out rows; training-domain validation is the metric.
struct Recorder<'a> {
    task: &'a Task,
    epochs: RefCell<Vec<Accuracies>>,
}

/// Whether each row is classified rightly.
fn right(network: &dyn Network, rows: &Examples) -> Result<Vec<bool>, StudyError> {
    let output = network.forward(&rows.inputs, Mode::Eval)?;
    let said: Vec<u32> = output.logits.detach().argmax(D::Minus1)?.to_vec1()?;
    let truth: Vec<u32> = rows.targets[0].to_vec1()?;
    Ok(said.iter().zip(&truth).map(|(said, truth)| said == truth).collect())
}

fn share(right: &[bool]) -> f64 {
    right.iter().filter(|right| **right).count() as f64 / right.len().max(1) as f64
}

impl Evaluator for Recorder<'_> {
    fn evaluate(&self, network: &dyn Network) -> Result<Evaluation, StudyError> {
        let of_validation = right(network, &self.task.validation)?;
        let domains = self.task.validation.domains()?;
        let mut found = Accuracies {
            validation: share(&of_validation),
            oracle: share(&right(network, &self.task.oracle)?),
            test: share(&right(network, &self.task.test)?),
            worst: 0.0,
        };
        found.worst = found.test;
        for domain in 0..domains.iter().max().map_or(0, |last| last + 1) {
            let own: Vec<bool> =
                of_validation.iter().zip(&domains).filter(|(_, d)| **d == domain).map(|(r, _)| *r).collect();
            if !own.is_empty() {
                found.worst = found.worst.min(share(&own));
            }
        }
        self.epochs.borrow_mut().push(found);
        Ok(Evaluation { loss: 1.0 - found.validation, metric: found.validation })
    }
}

/// A method whose training starts anew after an interruption: what each epoch measured is in memory alone.
struct Unresumable(Box<dyn Transfer>);

impl Transfer for Unresumable {
    fn prepare(&mut self, context: &FitContext, params: &mut Params) -> Result<(), NnError> {
        self.0.prepare(context, params)
    }

    fn before_epoch(&mut self, context: &FitContext, params: &mut Params, epoch: usize) -> Result<(), NnError> {
        self.0.before_epoch(context, params, epoch)
    }

    fn learning_rates(&self, params: &Params, epoch: usize) -> LearningRates {
        self.0.learning_rates(params, epoch)
    }

    fn penalty(&self, params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        self.0.penalty(params, batch)
    }

    fn after_epoch(&mut self, epoch: usize, metric: f64) -> After {
        self.0.after_epoch(epoch, metric)
    }

    fn is_resumable(&self) -> bool {
        false
    }
}

/// One training of the arm.
struct Candidate {
    weight: Option<f64>,
    epochs: Vec<Accuracies>,
    /// Share of training rows that are classified rightly, by epoch.
    training: Vec<f64>,
    params: Params,
    /// Parameters of the best epoch by training-domain validation.
    best: Option<crate::nn::params::Snapshot>,
}

impl Trial<'_> {
    fn net(&self) -> RowNet {
        RowNet {
            shape: self.task.shape.clone(),
            hidden: self.spec.hidden,
            classes: self.task.classes.len(),
            is_grey: self.arm.name == ORACLE && self.task.has_colour,
            is_convolutional: self.is_convolutional,
        }
    }

    fn config(&self) -> &TrainConfig {
        if self.task.has_colour { &self.spec.coloured_train } else { &self.spec.train }
    }

    fn rows(&self) -> &Examples {
        match &self.task.deconfounded {
            Some(rows) if self.arm.name == ORACLE => rows,
            _ => &self.task.training,
        }
    }

    fn train(&self, net: &RowNet, weight: Option<f64>, context: &Context) -> Result<Candidate, StudyError> {
        let mut params = Params::new(self.seed, DType::F32);
        let method = Annealed {
            method: (self.arm.method)(self.declaration),
            // A factor below 1 is never exceeded.
            before: weight.unwrap_or(1.0).min(1.0),
            weight: weight.unwrap_or(1.0),
            from: self.spec.from,
            decay: if self.task.has_colour { self.spec.coloured_decay } else { self.spec.decay },
            is_rescaled: true,
        };
        let recorder = Recorder { task: self.task, epochs: RefCell::default() };
        let rows = self.rows();
        let sampler = if self.task.has_colour { Sampler::Shuffled } else { Sampler::Balanced(rows.domains()?) };
        let training = TrainingLoop {
            evaluator: &recorder,
            sampler,
            observer: context.observer,
            ..TrainingLoop::new(net, rows, &Loss::CrossEntropy, self.config(), self.seed)
        };
        let fitted = training.fit(&mut params, &mut Unresumable(Box::new(method)))?;
        let training = fitted.history.iter().map(|record| record.right.unwrap_or(0.0)).collect();
        Ok(Candidate { weight, epochs: recorder.epochs.into_inner(), training, params, best: fitted.best })
    }

    /// Trains with every factor and measures what each rule selects.
    ///
    /// # Errors
    /// If a training fails or is stopped.
    pub fn run(&self, context: &Context) -> Result<Measurement, StudyError> {
        let net = self.net();
        let tried = &self.arm.weights[..self.arm.weights.len().min(self.spec.candidates)];
        let weights: Vec<Option<f64>> =
            if tried.is_empty() { vec![None] } else { tried.iter().copied().map(Some).collect() };
        let mut candidates = Vec::new();
        for weight in weights {
            context.proceed()?;
            candidates.push(self.train(&net, weight, context)?);
        }
        let mut found = Measurement::default();
        let by = |key: fn(&Accuracies) -> f64| {
            let mut best = (0, 0);
            for (c, candidate) in candidates.iter().enumerate() {
                for (epoch, own) in candidate.epochs.iter().enumerate() {
                    if key(own) > key(&candidates[best.0].epochs[best.1]) {
                        best = (c, epoch);
                    }
                }
            }
            best
        };
        let last = (0, candidates[0].epochs.len() - 1);
        let chosen = [by(|own| own.validation), by(|own| own.oracle), last];
        for ((rule, _), (candidate, epoch)) in SELECTIONS.into_iter().zip(chosen) {
            let own = &candidates[candidate];
            let (accuracies, at) = (own.epochs[epoch], [("selection", rule)]);
            found = found
                .under(&at, "accuracy", accuracies.test)
                .under(&at, "worst", accuracies.worst)
                .under(&at, "validation", accuracies.validation)
                .under(&at, "training", own.training[epoch])
                .under(&at, "epoch", (epoch + 1) as f64);
            if let Some(weight) = own.weight {
                found = found.under(&at, "weight", weight);
            }
        }
        let curve = |of: fn(&Accuracies) -> f64| candidates[0].epochs.iter().map(of).collect::<Vec<f64>>();
        found = found.curve("validation", curve(|own| own.validation)).curve("accuracy", curve(|own| own.test));
        found = self.invariance(&net, &mut candidates[0].params, found)?;
        let (best, _) = chosen[0];
        if let Some(snapshot) = &candidates[best].best {
            candidates[best].params.restore(snapshot)?;
        }
        let saved = Saved {
            net,
            arm: self.arm.name.into(),
            classes: self.task.classes.clone(),
            reader: self.task.reader.clone(),
        };
        Ok(found.file(MODEL_FILE, saved.to_bytes(&candidates[best].params)?))
    }

    /// How invariant the network of the last epoch is.
    fn invariance(&self, net: &RowNet, params: &mut Params, found: Measurement) -> Result<Measurement, StudyError> {
        let network = net.build(params)?;
        let (network, rows, objective) = (network.as_ref(), &self.task.training, &Loss::CrossEntropy);
        let output = network.forward(&rows.inputs, Mode::Eval)?;
        let losses = objective.losses(&output, &rows.targets)?;
        let risk: f64 = losses.mean_all()?.to_dtype(DType::F64)?.to_scalar()?;
        let all: Vec<u32> = (0..rows.len() as u32).collect();
        let batch = Batch {
            rows: &all,
            examples: rows,
            output: &output,
            losses: &losses,
            objective,
            network,
            mode: Mode::Eval,
            progress: 1.0,
        };
        let mut found = found;
        for (metric, penalty) in [("irm_share", Invariance::irm()), ("rex_share", Invariance::v_rex())] {
            if let Some(value) = penalty.penalty(params, &batch)? {
                found = found.value(metric, value.to_dtype(DType::F64)?.to_scalar::<f64>()? / risk);
            }
        }
        // Held-out rows of the training environments: what was fitted has residuals of its own.
        let held = &self.task.validation;
        let count = held.len().min(TESTED);
        let output = network.forward(&held.inputs, Mode::Eval)?;
        let shares = candle_nn::ops::softmax(&output.logits.detach().to_dtype(DType::F64)?, D::Minus1)?;
        let shares: Vec<Vec<f64>> = shares.to_vec2()?;
        let (labels, domains): (Vec<u32>, Vec<u32>) = (held.targets[0].to_vec1()?, held.domains()?);
        // The last class against the others.
        let class = self.task.classes.len() - 1;
        let residual = |row: usize| f64::from(u8::from(labels[row] as usize == class)) - shares[row][class];
        let residuals: Vec<f64> = (0..count).map(residual).collect();
        let permutations = self.spec.permutations;
        if let Some(tested) = residual_test(&residuals, &domains[..count], permutations, self.seed) {
            found = found.value("residual_auc", tested.value).value("residual_p", tested.p_value);
        }
        let features = output.features.detach().flatten_from(1)?.narrow(0, 0, count)?.to_dtype(DType::F64)?;
        let shape = features.dims2()?;
        let values: Vec<f64> = features.flatten_all()?.to_vec1()?;
        if let Ok(features) = Array2::from_shape_vec(shape, values)
            && let Some(tested) =
                independence_test(features.view(), &domains[..count], &labels[..count], permutations, self.seed)
        {
            found = found.value("hsic", tested.value).value("hsic_p", tested.p_value);
        }
        if let Some(flipped) = &self.task.flipped {
            let plain = share(&right(network, &self.task.test)?);
            let turned = Examples::new(flipped.clone(), self.task.test.targets[0].clone());
            // Test rows have the colour of the other label, so that a network that reads colour gains by the flip.
            found = found.value("reliance", (plain - share(&right(network, &turned)?)).abs());
        }
        Ok(found)
    }
}
