//! The training loop. There is only this one: [`TrainingLoop::run`].
//!
//! A [`Model`] builds the network and a [`Dataset`] gives the rows. An [`Objective`] computes the loss. A [`Transfer`]
//! method sets the learning rates and adds to the loss. An [`Evaluator`] measures the network after each epoch.
//! [`train`] is the same loop for heads on cached features.

mod checkpoint;
mod classify;
mod config;
mod evaluator;

use std::path::Path;

use candle_core::DType;
use serde::{Deserialize, Serialize};

pub use checkpoint::Checkpoint;
pub use classify::{Rows, predict, train};
pub use config::TrainConfig;
pub use evaluator::{Evaluation, Evaluator, HeldOutEvaluator};

use checkpoint::{Identity, Keeper};
use evaluator::Tally;

use crate::data::Sampler;
use crate::math::Stream;
use crate::math::words::pluralise;
use crate::nn::loss::{Objective, mean};
use crate::nn::optim::{Average, Optimizer, warm_up};
use crate::nn::params::Snapshot;
use crate::nn::{Dataset, LearningRates, Mode, Model, Network, Params};
use crate::study::{Observer, StudyError};
use crate::transfer::{After, Batch, FitContext, Transfer};

/// What happened in one epoch. Training figures are means over the epoch's rows, before each step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Learning rate, without warm-up and without the factors of single parameters.
    pub rate: f64,
    /// Mean loss of the training rows, penalties not included.
    pub loss: f64,
    /// Mean of what the method added to the loss.
    pub penalty: f64,
    /// Share of training rows classified rightly, where that is a question.
    pub right: Option<f64>,
    /// Number of trained parameters.
    pub moving: usize,
    /// How good the network was after the epoch.
    pub evaluation: Evaluation,
}

/// The training loop of one network, ready to run.
#[derive(Clone)]
pub struct TrainingLoop<'a> {
    /// The network as a function of its parameters.
    pub model: &'a dyn Model,
    /// The rows to learn from.
    pub training: &'a dyn Dataset,
    /// What is minimised.
    pub objective: &'a dyn Objective,
    /// Measures the network after every epoch.
    pub evaluator: &'a dyn Evaluator,
    /// How the rows of a step are drawn.
    pub sampler: Sampler,
    /// Rates, lengths, when to stop.
    pub config: TrainConfig,
    /// For the order of rows, dropout and whatever a method draws.
    pub seed: u64,
    /// Receives every step.
    pub observer: &'a dyn Observer,
    /// Written after every epoch. If it is there already, training continues from it. Without one, the observer may name a
    /// file ([`Observer::checkpoint`]).
    pub checkpoint: Option<&'a Path>,
}

/// What a training leaves besides the parameters.
#[derive(Debug)]
pub struct Fitted {
    /// One record per epoch.
    pub history: Vec<EpochRecord>,
    /// The parameters of the epoch with the best metric, of equal ones the first; `None` if no epoch was run here.
    pub best: Option<Snapshot>,
}

impl Fitted {
    /// The epoch with the best metric, counted from 1, of equal ones the first; 0 if there is none.
    pub fn best_epoch(&self) -> usize {
        config::best(&self.history).map_or(0, |epoch| epoch + 1)
    }
}

/// The state of a training between two epochs.
struct State {
    optimizer: Optimizer,
    average: Option<Average>,
    best: Option<Snapshot>,
    history: Vec<EpochRecord>,
}

impl<'a> TrainingLoop<'a> {
    /// A training without an observer, with shuffled rows and nothing held out: the metric is 0 after every epoch.
    pub fn new(
        model: &'a dyn Model,
        training: &'a dyn Dataset,
        objective: &'a dyn Objective,
        config: &TrainConfig,
        seed: u64,
    ) -> Self {
        let (config, sampler) = (*config, Sampler::Shuffled);
        Self { model, training, objective, evaluator: &(), sampler, config, seed, observer: &(), checkpoint: None }
    }

    /// Trains `params` by `transfer` and returns one record per epoch. The parameters left behind are those of the last
    /// epoch, or of the best or the average if the config selects these.
    ///
    /// A training with a checkpoint must start from the same parameters and the same method each time it is run: the
    /// method prepares itself on the start, and then receives the metrics of the epochs so far again.
    ///
    /// # Errors
    /// If the network or its simulator fails, the method does not fit or its learning rates name what is no parameter,
    /// the sampler does not fit the rows, the loss stops being a number, the checkpoint is of another training, or the
    /// observer stops it.
    pub fn run(&self, params: &mut Params, transfer: &mut dyn Transfer) -> Result<Vec<EpochRecord>, StudyError> {
        Ok(self.fit(params, transfer)?.history)
    }

    /// The same, and the parameters of the epoch with the best metric beside those left behind.
    ///
    /// # Errors
    /// As [`TrainingLoop::run`].
    pub fn fit(&self, params: &mut Params, transfer: &mut dyn Transfer) -> Result<Fitted, StudyError> {
        let TrainConfig { epochs, batch, .. } = self.config;
        self.sampler.check(self.training.len())?;
        let context = FitContext {
            model: self.model,
            training: self.training,
            objective: self.objective,
            batch,
            seed: self.seed,
        };
        self.model.build(params)?;
        transfer.prepare(&context, params)?;
        let offered = self.observer.checkpoint().filter(|_| transfer.is_resumable());
        let mut keeper = Keeper::new(self.checkpoint, offered);
        let mut state = self.start(params, &keeper)?;
        let mut batches = Stream::named(self.seed, "batches");
        for (epoch, record) in state.history.iter().enumerate() {
            self.sampler.epoch(self.training.len(), batch, &mut batches);
            transfer.after_epoch(epoch, record.evaluation.metric);
        }
        for epoch in state.history.len()..epochs {
            if self.config.is_over(&state.history) {
                break;
            }
            let rates = transfer.learning_rates(params, epoch);
            params.check(&rates)?;
            params.set_rates(&rates);
            transfer.before_epoch(&context, params, epoch)?;
            let steps = self.sampler.epoch(self.training.len(), batch, &mut batches);
            let mut record = self.epoch(params, transfer, &rates, &mut state, &steps)?;
            record.evaluation = self.evaluation(params, &state)?;
            self.observer.epoch(epoch + 1, epochs);
            state.history.push(record);
            if self.config.is_best(&state.history) {
                state.best = Some(self.kept(params, &state)?);
            }
            if transfer.after_epoch(epoch, record.evaluation.metric) == After::RestoreBest {
                if let Some(best) = &state.best {
                    params.restore(best)?;
                    if let Some(average) = &mut state.average {
                        average.values = best.clone();
                    }
                }
                // Moments of the discarded parameters would pull the restored ones towards them.
                state.optimizer.remember(Vec::new());
            }
            let is_last = epoch + 1 == epochs || self.config.is_over(&state.history);
            keeper.write(self.identity(), params, &state, is_last)?;
        }
        self.finish(params, &state)?;
        Ok(Fitted { history: state.history, best: state.best })
    }

    fn identity(&self) -> Identity {
        Identity { seed: self.seed, config: self.config, rows: self.training.len() }
    }

    /// A fresh state, or the one that was kept.
    fn start(&self, params: &Params, keeper: &Keeper) -> Result<State, StudyError> {
        let optimizer = Optimizer::new(self.config.optimizer).clipped(self.config.clip);
        let average = match self.config.average {
            Some(decay) => Some(Average::new(decay, params.snapshot()?)),
            None => None,
        };
        let mut state = State { optimizer, average, best: None, history: Vec::new() };
        if keeper.read(&self.identity(), params, &mut state)? {
            let done = pluralise(state.history.len(), "epoch");
            self.observer.note(&format!("a training continues after {done} of {}", self.config.epochs));
        }
        Ok(state)
    }

    fn epoch(
        &self,
        params: &mut Params,
        transfer: &dyn Transfer,
        rates: &LearningRates,
        state: &mut State,
        steps: &[Vec<u32>],
    ) -> Result<EpochRecord, StudyError> {
        let epoch = state.history.len();
        let rate = self.config.rate(&state.history);
        let mut network = self.model.build(params)?;
        let (mut tally, mut penalties, mut count) = (Tally::default(), 0.0, 0.0);
        for (step, rows) in steps.iter().enumerate() {
            if self.observer.stopped() {
                return Err(StudyError::Interrupted);
            }
            if params.is_adapted() && step > 0 {
                network = self.model.build(params)?;
            }
            let step = epoch * steps.len() + step;
            let mode = Mode::Train { seed: Stream::numbered(self.seed, step as u64).bits() };
            let examples = self.training.rows(rows, mode)?;
            let output = network.forward(&examples.inputs, mode)?;
            let losses = self.objective.losses(&output, &examples.targets)?;
            let loss = mean(&losses, examples.weights.as_ref())?;
            let progress = step as f64 / (self.config.epochs * steps.len()) as f64;
            let (examples, output, losses, objective) = (&examples, &output, &losses, self.objective);
            let network = network.as_ref();
            let batch = Batch { rows, examples, output, losses, objective, network, mode, progress };
            let penalty = transfer.penalty(params, &batch)?;
            let (value, added) = (number(&loss)?, penalty.as_ref().map_or(Ok(0.0), number)?);
            if !(value + added).is_finite() {
                return Err(StudyError::Diverged { loss: value + added, epoch, rate });
            }
            let total = match penalty {
                Some(penalty) => (loss + penalty)?,
                None => loss,
            };
            let warmed = rate * warm_up(step, self.config.warm_up);
            state.optimizer.step(params, &total.backward()?, rates, warmed)?;
            if let Some(average) = &mut state.average {
                average.step(params)?;
            }
            tally.add(value, examples, objective.right(output, &examples.targets)?)?;
            penalties += added * rows.len() as f64;
            count += rows.len() as f64;
            self.observer.trained_on(rows.len());
        }
        Ok(EpochRecord {
            rate,
            loss: tally.loss,
            penalty: penalties / count,
            right: tally.right(),
            moving: params.count(|name| rates.is_trainable(name)),
            evaluation: Evaluation::default(),
        })
    }

    /// What would be left behind if training ended now.
    fn kept(&self, params: &Params, state: &State) -> Result<Snapshot, StudyError> {
        match &state.average {
            Some(average) => Ok(average.values.clone()),
            None => Ok(params.snapshot()?),
        }
    }

    /// How good the network is; with an average, the averaged network.
    fn evaluation(&self, params: &mut Params, state: &State) -> Result<Evaluation, StudyError> {
        let own = match &state.average {
            Some(average) => {
                let own = params.snapshot()?;
                params.restore(&average.values)?;
                Some(own)
            }
            None => None,
        };
        let evaluation = self.evaluator.evaluate(&*self.model.build(params)?)?;
        if let Some(own) = own {
            params.restore(&own)?;
        }
        Ok(evaluation)
    }

    fn finish(&self, params: &mut Params, state: &State) -> Result<(), StudyError> {
        match (&state.best, &state.average) {
            (Some(best), _) if self.config.keep_best => params.restore(best)?,
            (_, Some(average)) => params.restore(&average.values)?,
            _ => {}
        }
        params.set_rates(&LearningRates::default());
        Ok(())
    }
}

fn number(tensor: &candle_core::Tensor) -> Result<f64, StudyError> {
    Ok(tensor.to_dtype(DType::F64)?.to_scalar()?)
}

/// Nothing is held out.
impl Evaluator for () {
    fn evaluate(&self, _network: &dyn Network) -> Result<Evaluation, StudyError> {
        Ok(Evaluation::default())
    }
}
