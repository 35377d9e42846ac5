//! A pretrained backbone under one seed: how much of it is dormant on the target, then one arm after the other, each at every
//! learning rate of the settings.

use std::cell::RefCell;

use candle_core::{DType, Tensor};

use crate::lab::{Context, Measurement};
use crate::math::Stream;
use crate::nn::loss::Loss;
use crate::nn::params::Snapshot;
use crate::nn::{Dataset, Examples, LayerGroups, LearningRates, Mode, Model, Network, NnError, Params};
use crate::study::StudyError;
use crate::study::stats::mean;
use crate::study::train::{Evaluation, Evaluator, HeldOutEvaluator, TrainConfig, TrainingLoop};
use crate::systems::conditions::evaluate_under;
use crate::systems::head_choice::HeadChoice;
use crate::systems::live_stages::{LivePictures, PictureParts, TopClassifier};
use crate::systems::methods::{Beside, OWN};
use crate::systems::picture_model::{MODEL_FILE, PREDICTIONS_FILE, to_bytes};
use crate::systems::plasticity::arms::{Arm, Treatment};
use crate::systems::plasticity::health::Health;
use crate::systems::plasticity::spec::Spec;
use crate::systems::plasticity::trial::{EVALUATED, TARGET, jaccard};
use crate::transfer::schedule::{Frozen, Full};
use crate::transfer::{After, Batch, FitContext, Reinit, Selection, ShrinkPerturb, Transfer, Utility};

/// What the trials of one setting and seed share.
pub struct Block {
    parts: PictureParts,
    /// The network that is trained: under noise if its head names a device.
    model: TopClassifier,
    /// The same without noise.
    ideal: TopClassifier,
}

/// Cuts the pictures, and measures the pretrained stages and fresh ones on the training pictures of the target.
pub fn prepare(
    spec: &Spec,
    pictures: &LivePictures,
    seed: u64,
    context: &Context,
) -> Result<(Block, Measurement), StudyError> {
    let parts = pictures.parts(&spec.pretrained.live, seed)?;
    let classes = parts.test_samples.classes.len();
    let choice = HeadChoice::named(&spec.head, &spec.circuit)?;
    let head = choice.config.model(pictures.features(), classes)?;
    let model = pictures.model(choice.trained(&head, context.executions, seed)?);
    let block = Block { parts, model, ideal: pictures.model(head) };
    let task = Task { spec, block: &block, method: OWN, seed, context };
    let health = |treatment: Treatment| -> Result<Health, StudyError> {
        let (mut params, _) = task.start(treatment)?;
        let planes = task.training_planes();
        let stages = block.model.stages(&mut params)?;
        Ok(Health::of_outputs(&stages.rectified(planes)?, &stages.features(planes)?)?)
    };
    let (fresh, trained) = (health(Treatment::Scratch)?, health(Treatment::Plain)?);
    let [chance, majority] = block.parts.baselines();
    let mut found = Measurement::default()
        .value("chance", chance)
        .value("majority", majority)
        .value("fresh_rank", fresh.rank)
        .value("rank", trained.rank)
        .value("fresh_dormant", fresh.dormant)
        .value("fresh_dead", fresh.dead)
        .value("dormant", trained.dormant)
        .value("dead", trained.dead);
    for (share, common) in spec.shares.iter().zip(task.stability()?) {
        found = found.under(&[("share", &share.to_string())], "stability", common);
    }
    Ok((block, found))
}

/// Fine-tunes the backbone in the way of an arm, and by the methods of a level beside it, at the learning rate that is best on the validation pictures.
pub fn trial(
    spec: &Spec,
    block: &Block,
    (arm, method): (&Arm, &str),
    seed: u64,
    context: &Context,
) -> Result<Measurement, StudyError> {
    Task { spec, block, method, seed, context }.fine_tune(arm)
}

/// A target to be learned.
struct Task<'a> {
    spec: &'a Spec,
    block: &'a Block,
    method: &'a str,
    seed: u64,
    context: &'a Context<'a>,
}

/// One training of an arm.
struct Run {
    /// Mean accuracy on the validation pictures over the epochs.
    area: f64,
    /// The last one.
    validation: f64,
    /// Accuracy on the test pictures after each epoch.
    curve: Vec<f64>,
    /// Share of weights replaced, accuracy before and after it.
    replaced: Option<(f64, f64, f64)>,
    factor: f64,
    params: Snapshot,
}

impl Task<'_> {
    fn training_planes(&self) -> &Tensor {
        &self.block.parts.training.inputs[0]
    }

    /// Parameters before the target is learned, and their layers. Every arm has the same head.
    fn start(&self, treatment: Treatment) -> Result<(Params, LayerGroups), StudyError> {
        let mut params = Params::new(TARGET + self.seed, DType::F32);
        self.block.model.build(&mut params)?;
        let groups = self.block.model.groups(&params);
        if treatment == Treatment::Scratch {
            for name in groups.trunk() {
                let (Some(var), Some(init)) = (params.find(name), params.init(name)) else { continue };
                let values = init.draw(&mut Stream::named(TARGET + self.seed, name), var.elem_count());
                var.set(&Tensor::from_vec(values, var.shape(), var.device())?.to_dtype(var.dtype())?)?;
            }
            measure(&self.block.model, &mut params, self.training_planes())?;
        }
        Ok((params, groups))
    }

    fn redraw(&self, groups: &LayerGroups, utility: Utility, selection: Selection) -> Reinit {
        let Spec { batches, head_epochs: head_first, .. } = *self.spec;
        // Statistics are measured over all training pictures at once instead.
        Reinit { utility, selection, batches, calibration: 0, head_first, ..Reinit::new(groups) }
    }

    fn fine_tune(&self, arm: &Arm) -> Result<Measurement, StudyError> {
        let found = self.report(arm, self.best(arm)?)?;
        if arm.treatment == Treatment::Statistics && !self.has_statistics()? {
            return Ok(found.inapplicable("the backbone has no normalisation, so it is plain"));
        }
        Ok(found)
    }

    fn has_statistics(&self) -> Result<bool, StudyError> {
        let (mut params, _) = self.start(Treatment::Plain)?;
        let stages = self.block.model.stages(&mut params)?;
        Ok(!stages.statistics(&self.training_planes().narrow(0, 0, 1)?)?.is_empty())
    }

    /// The run with the best learning rate, of equal ones the first.
    fn best(&self, arm: &Arm) -> Result<Run, StudyError> {
        let mut best: Option<Run> = None;
        for &factor in &self.spec.pretrained.rates {
            match self.run(arm, factor) {
                Ok(run) if best.as_ref().is_none_or(|best| run.area > best.area) => best = Some(run),
                Ok(_) => {}
                // A rate that is too high for an arm is a rate that is not chosen.
                Err(StudyError::Diverged { .. }) if best.is_some() || self.spec.pretrained.rates.len() > 1 => {}
                Err(error) => return Err(error),
            }
        }
        best.ok_or(StudyError::NotFinite { what: format!("loss of {} at every learning rate", arm.name) })
    }

    fn run(&self, arm: &Arm, factor: f64) -> Result<Run, StudyError> {
        let (mut params, groups) = self.start(arm.treatment)?;
        let (head_first, model) = (self.spec.head_epochs, &self.block.model);
        let measured = Some(model).filter(|_| arm.treatment != Treatment::Plain);
        match arm.treatment {
            Treatment::Scratch => self.train(&mut params, Full, None, factor, |_| None),
            Treatment::Frozen => self.train(&mut params, Frozen::new(&groups), None, factor, |_| None),
            Treatment::Shrink => {
                let shrink = ShrinkPerturb { head_first, ..ShrinkPerturb::new(&groups) };
                self.train(&mut params, shrink, measured, factor, |_| None)
            }
            Treatment::Redraw { utility, selection, value, layers } => {
                let layers = layers.range(groups.len() - 1);
                let redraw = Reinit { value, layers, ..self.redraw(&groups, utility, selection) };
                self.train(&mut params, redraw, measured, factor, |redraw| redraw.redrawn)
            }
            _ => {
                let nothing = self.redraw(&groups, Utility::Random, Selection::Share(0.0));
                self.train(&mut params, nothing, measured, factor, |_| None)
            }
        }
    }

    fn train<T: Transfer>(
        &self,
        params: &mut Params,
        method: T,
        measured: Option<&TopClassifier>,
        factor: f64,
        replaced: fn(&T) -> Option<f64>,
    ) -> Result<Run, StudyError> {
        let PictureParts { training, validation, test, .. } = &self.block.parts;
        let (objective, target) = (&Loss::CrossEntropy, &self.spec.pretrained.target);
        let config = TrainConfig { rate: target.rate * factor, ..*target };
        let held_out = |source| HeldOutEvaluator { source, objective, batch: EVALUATED };
        let both = Both { validation: held_out(validation), test: held_out(test), curve: RefCell::default() };
        let training_loop = TrainingLoop {
            evaluator: &both,
            observer: self.context.observer,
            ..TrainingLoop::new(&self.block.model, training, objective, &config, self.seed)
        };
        let rates = self.block.model.head.learning_rates();
        let treated = self.spec.head_epochs;
        let method = Beside::new(method, self.method, &self.block.model.groups(params))?;
        let mut method =
            Treated { method, rates, measured, treated, planes: self.training_planes(), test, after: None };
        let history = training_loop.run(params, &mut method)?;
        params.merge_adapters()?;
        let accuracies: Vec<f64> = history.iter().map(|record| record.evaluation.metric).collect();
        let curve = both.curve.into_inner();
        let replaced = replaced(&method.method.own).zip(method.after);
        Ok(Run {
            area: mean(&accuracies).unwrap_or_default(),
            validation: accuracies.last().copied().unwrap_or_default(),
            replaced: replaced.map(|(share, after)| (share, curve[treated - 1], after)),
            curve,
            factor,
            params: params.snapshot()?,
        })
    }

    fn report(&self, arm: &Arm, run: Run) -> Result<Measurement, StudyError> {
        let mut found = Measurement::default()
            .value_if("area", mean(&run.curve))
            .value_if("last", run.curve.last().copied())
            .value("validation", run.validation)
            .value("rate", self.spec.pretrained.target.rate * run.factor);
        if let Some((share, before, after)) = run.replaced {
            found = found.value("replaced", share).value("before", before).value("after", after);
        }
        let (mut params, _) = self.start(Treatment::Plain)?;
        params.restore(&run.params)?;
        let classes = &self.block.parts.test_samples.classes;
        found = found.curve("accuracy", run.curve);
        let test = &self.block.parts.test;
        let conditions = self.spec.evaluate.all();
        found = evaluate_under(&conditions, &self.block.ideal.head, self.seed, self.context, found, &mut |under| {
            let model = self.block.ideal.with_head(under);
            let held_out = HeldOutEvaluator { source: test, objective: &Loss::CrossEntropy, batch: EVALUATED };
            Ok(vec![("last", held_out.evaluate(model.build(&mut params)?.as_ref())?.metric)])
        })?;
        let predicted = self.block.parts.predictions(&self.block.ideal, &mut params, (&arm.name, self.seed))?;
        found = found.file(PREDICTIONS_FILE, predicted);
        if self.spec.pretrained.saved.contains(&arm.name) {
            let live = &self.spec.pretrained.live;
            found = found.file(MODEL_FILE, to_bytes(live, &self.spec.circuit, &self.block.model, &params, classes)?);
        }
        Ok(found)
    }

    /// How stable the choice by gradient is for each share: what two halves of the training pictures choose in common, after
    /// the head's own epochs.
    fn stability(&self) -> Result<Vec<f64>, StudyError> {
        let (mut params, groups) = self.start(Treatment::Plain)?;
        let (model, objective, training) = (&self.block.model, &Loss::CrossEntropy, &self.block.parts.training);
        let config = TrainConfig { epochs: self.spec.head_epochs, ..self.spec.pretrained.target };
        TrainingLoop::new(model, training, objective, &config, self.seed)
            .run(&mut params, &mut Frozen::new(&groups))?;
        let count = training.len() as u32;
        // Every other row, because rows are in the order of their classes.
        let half = |first: u32| {
            let rows: Vec<u32> = (first..count).step_by(2).collect();
            training.rows(&rows, Mode::Eval)
        };
        let (one, two) = (half(0)?, half(1)?);
        let mut common = Vec::new();
        for &share in &self.spec.shares {
            let redraw =
                Reinit { batches: usize::MAX, ..self.redraw(&groups, Utility::Gradient, Selection::Share(share)) };
            let mut chosen = |training: &Examples| {
                let context = FitContext { model, training, objective, batch: config.batch, seed: self.seed };
                redraw.chosen(&context, &mut params)
            };
            common.push(jaccard(&chosen(&one)?, &chosen(&two)?));
        }
        Ok(common)
    }
}

/// Puts the statistics of these planes in place of the running ones.
fn measure(model: &TopClassifier, params: &mut Params, planes: &Tensor) -> Result<(), NnError> {
    for (name, values) in model.stages(params)?.statistics(planes)? {
        if let Some(var) = params.find(&name) {
            var.set(&values)?;
        }
    }
    Ok(())
}

/// Evaluates on the validation pictures, and on the test pictures for the curve.
struct Both<'a> {
    validation: HeldOutEvaluator<'a>,
    test: HeldOutEvaluator<'a>,
    curve: RefCell<Vec<f64>>,
}

impl Evaluator for Both<'_> {
    fn evaluate(&self, network: &dyn Network) -> Result<Evaluation, StudyError> {
        self.curve.borrow_mut().push(self.test.evaluate(network)?.metric);
        self.validation.evaluate(network)
    }
}

/// A method after which statistics are measured, and the accuracy right after it.
struct Treated<'a, T> {
    method: T,
    /// What the head leaves as it starts.
    rates: LearningRates,
    /// The network whose statistics are measured on `planes` when the method has changed it.
    measured: Option<&'a TopClassifier>,
    /// The epoch before which it changes the network.
    treated: usize,
    planes: &'a Tensor,
    test: &'a Examples,
    after: Option<f64>,
}

impl<T: Transfer> Transfer for Treated<'_, T> {
    fn prepare(&mut self, context: &FitContext, params: &mut Params) -> Result<(), NnError> {
        self.method.prepare(context, params)
    }

    fn before_epoch(&mut self, context: &FitContext, params: &mut Params, epoch: usize) -> Result<(), NnError> {
        self.method.before_epoch(context, params, epoch)?;
        let Some(model) = self.measured.filter(|_| epoch == self.treated) else { return Ok(()) };
        measure(model, params, self.planes)?;
        let output = context.model.build(params)?.forward(&self.test.inputs, Mode::Eval)?;
        let right = context.objective.right(&output, &self.test.targets)?;
        self.after = right.map(|right| right.mean_all()?.to_scalar::<f64>()).transpose()?;
        Ok(())
    }

    fn learning_rates(&self, params: &Params, epoch: usize) -> LearningRates {
        self.method.learning_rates(params, epoch).times(&self.rates)
    }

    fn penalty(&self, params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        self.method.penalty(params, batch)
    }

    fn after_epoch(&mut self, epoch: usize, metric: f64) -> After {
        self.method.after_epoch(epoch, metric)
    }

    /// The accuracies on test pictures are in no checkpoint.
    fn is_resumable(&self) -> bool {
        false
    }
}
