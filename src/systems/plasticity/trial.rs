//! One setting under one seed: its source, then one arm after the other.

use std::cell::Cell;

use candle_core::{DType, Tensor};

use crate::lab::{Context, Measurement};
use crate::nn::head::HeadModel;
use crate::nn::loss::Loss;
use crate::nn::{Dataset, Examples, LayerGroups, LearningRates, Mode, Model, Network, NnError, Params};
use crate::study::StudyError;
use crate::study::energy::thread_cpu_seconds;
use crate::study::stats::mean;
use crate::study::train::{Evaluation, Evaluator, HeldOutEvaluator, TrainConfig, TrainingLoop};
use crate::systems::conditions::evaluate_under;
use crate::systems::head_choice::HeadChoice;
use crate::systems::methods::{Beside, OWN};
use crate::systems::plasticity::arms::{Arm, Treatment, trains_circuit};
use crate::systems::plasticity::health::{DORMANT, Health};
use crate::systems::plasticity::network::TargetNet;
use crate::systems::plasticity::settings::{MakeMaterial, Material};
use crate::systems::plasticity::spec::Spec;
use crate::systems::plasticity::units::WakeUnits;
use crate::transfer::schedule::{Frozen, Full};
use crate::transfer::{After, Batch, FitContext, Reinit, Selection, ShrinkPerturb, Transfer, Utility, WakeAngles};

/// Target networks are drawn under other seeds than source networks.
pub(super) const TARGET: u64 = 1 << 32;

/// Rows evaluated at once.
pub(super) const EVALUATED: usize = 100;

/// What the trials of one setting and seed share.
pub struct Block {
    material: Material,
    /// The network that is trained: under noise if its head names a device.
    target: TargetNet,
    /// Its head without noise.
    head: HeadModel,
    source: Params,
}

/// Learns the source, and measures the network before and after it on the target's test rows.
pub fn prepare(
    spec: &Spec,
    make: MakeMaterial,
    seed: u64,
    context: &Context,
) -> Result<(Block, Measurement), StudyError> {
    let observer = context.observer;
    let material = make(spec, seed)?;
    // A circuit is only warm if it has learned something before.
    let source_head = if trains_circuit(&spec.head) { &spec.head } else { "linear" };
    let model = TargetNet::new(&material.trunk, source_head, &spec.circuit, material.source_classes)?;
    let mut source = Params::new(seed, DType::F32);
    let health = |source: &mut Params| Health::of(model.build(source)?.as_ref(), &material.test.inputs);
    let fresh = health(&mut source)?;
    for (examples, config) in &material.source {
        let training =
            TrainingLoop { observer, ..TrainingLoop::new(&model, examples, &Loss::CrossEntropy, config, seed) };
        training.run(&mut source, &mut Full)?;
    }
    let trained = health(&mut source)?;
    let target = TargetNet::new(&material.trunk, &spec.head, &spec.circuit, material.classes)?;
    let head = target.head_model().clone();
    let choice = HeadChoice::named(&spec.head, &spec.circuit)?;
    let target = target.with_head(choice.trained(&head, context.executions, seed)?);
    let block = Block { material, target, head, source };
    let (stability, dormant_angles) = Task { spec, block: &block, method: OWN, seed, context }.stability()?;
    let mut found = Measurement::default()
        .value("fresh_dormant", fresh.dormant)
        .value("fresh_dead", fresh.dead)
        .value("fresh_rank", fresh.rank)
        .value("dormant", trained.dormant)
        .value("dead", trained.dead)
        .value("rank", trained.rank)
        .value_if("dormant_angles", dormant_angles);
    for (share, common) in spec.shares.iter().zip(stability) {
        found = found.under(&[("share", &share.to_string())], "stability", common);
    }
    Ok((block, found))
}

/// Fine-tunes the source network in the way of an arm, and by the methods of a level beside it.
pub fn trial(
    spec: &Spec,
    block: &Block,
    (arm, method): (&Arm, &str),
    seed: u64,
    context: &Context,
) -> Result<Measurement, StudyError> {
    Task { spec, block, method, seed, context }.fine_tune(arm)
}

/// A target to be learned from a trained source.
struct Task<'a> {
    spec: &'a Spec,
    block: &'a Block,
    method: &'a str,
    seed: u64,
    context: &'a Context<'a>,
}

impl Task<'_> {
    /// Parameters before the target is learned, and their layers. Every arm has the same head. A circuit that has
    /// learned the source comes with it, and with what lies before it.
    fn start(&self, treatment: Treatment) -> Result<(Params, LayerGroups), StudyError> {
        let mut params = Params::new(TARGET + self.seed, DType::F32);
        self.block.target.build(&mut params)?;
        if treatment != Treatment::Scratch {
            self.block.target.copy_trunk(&params, &self.block.source)?;
            params.copy_prefix_from(&self.block.source, "reduce.")?;
            if treatment != Treatment::FreshCircuit {
                params.copy_prefix_from(&self.block.source, "circuit.")?;
            }
        }
        let groups = self.block.target.groups(&params);
        Ok((params, groups))
    }

    fn redraw(&self, groups: &LayerGroups, utility: Utility, selection: Selection) -> Reinit {
        let Spec { batches, calibration, head_epochs: head_first, .. } = *self.spec;
        Reinit { utility, selection, batches, calibration, head_first, ..Reinit::new(groups) }
    }

    fn fine_tune(&self, arm: &Arm) -> Result<Measurement, StudyError> {
        let (mut params, groups) = self.start(arm.treatment)?;
        let head_first = self.spec.head_epochs;
        match arm.treatment {
            Treatment::Scratch => self.run(arm, &mut params, Full, |_| None),
            Treatment::Frozen => self.run(arm, &mut params, Frozen::new(&groups), |_| None),
            Treatment::Shrink => {
                let shrink = ShrinkPerturb { head_first, ..ShrinkPerturb::new(&groups) };
                self.run(arm, &mut params, shrink, |_| None)
            }
            Treatment::Wake => {
                let units = self.block.target.trunk().units();
                let wake = WakeUnits { groups, units, head_first, touched: None };
                self.run(arm, &mut params, wake, |wake| wake.touched)
            }
            Treatment::WakeAngles { informed, selection } => {
                // Such arms are only made for heads with a circuit.
                let reason = "it has no circuit";
                let missing = NnError::Setting { field: "head", value: self.spec.head.clone(), reason };
                // Without noise, whatever the training is under: the activity of an angle is a matter of states.
                let execution = self.block.head.execution.as_ref().ok_or(missing)?;
                let inputs = |params: &mut Params, rows: &[Tensor]| self.block.target.input_angles(params, rows);
                let wake = WakeAngles {
                    informed,
                    selection,
                    head_first,
                    ..WakeAngles::new(&groups, execution.clone(), &inputs)
                };
                self.run(arm, &mut params, wake, |wake| wake.redrawn)
            }
            Treatment::Plain | Treatment::Statistics | Treatment::FreshCircuit => {
                let nothing = self.redraw(&groups, Utility::Random, Selection::Share(0.0));
                self.run(arm, &mut params, nothing, |_| None)
            }
            Treatment::Redraw { utility, selection, value, layers } => {
                let layers = layers.range(groups.len() - 1);
                let redraw = Reinit { value, layers, ..self.redraw(&groups, utility, selection) };
                self.run(arm, &mut params, redraw, |redraw| redraw.redrawn)
            }
        }
    }

    fn run<T: Transfer>(
        &self,
        arm: &Arm,
        params: &mut Params,
        method: T,
        replaced: fn(&T) -> Option<f64>,
    ) -> Result<Measurement, StudyError> {
        let Material { training, test, config, .. } = &self.block.material;
        let (objective, config) = (&Loss::CrossEntropy, TrainConfig { rate: config.rate * arm.rate, ..*config });
        let held_out = HeldOutEvaluator { source: test, objective, batch: EVALUATED };
        let evaluator = Timed { evaluator: held_out, seconds: Cell::new(0.0) };
        let training = TrainingLoop {
            evaluator: &evaluator,
            observer: self.context.observer,
            ..TrainingLoop::new(&self.block.target, training, objective, &config, self.seed)
        };
        let (rates, treated) = (self.block.target.head().learning_rates(), self.spec.head_epochs);
        let method = Beside::new(method, self.method, &self.block.target.groups(params))?;
        let mut method = Instrumented { method, rates, test, treated, seconds: 0.0, evaluating: 0.0, after: None };
        let began = thread_cpu_seconds();
        let history = training.run(params, &mut method)?;
        params.merge_adapters()?;
        let seconds = thread_cpu_seconds() - began - evaluator.seconds.get() - method.evaluating - method.seconds;
        let curve: Vec<f64> = history.iter().map(|record| record.evaluation.metric).collect();
        let mut found = Measurement::default()
            .value_if("area", mean(&curve))
            .value_if("last", curve.last().copied())
            .value_if("replaced", replaced(&method.method.own));
        if let Some(after) = method.after.filter(|_| replaced(&method.method.own).is_some()) {
            found = found.value("before", curve[treated - 1]).value("after", after);
        }
        if arm.redraws_by(Utility::Gradient) {
            found = found.value("cost", method.seconds / seconds);
        }
        let conditions = self.spec.evaluate.all();
        found = evaluate_under(&conditions, &self.block.head, self.seed, self.context, found, &mut |under| {
            let model = self.block.target.with_head(under);
            let held_out = HeldOutEvaluator { source: test, objective, batch: EVALUATED };
            Ok(vec![("last", held_out.evaluate(model.build(params)?.as_ref())?.metric)])
        })?;
        Ok(found.curve("accuracy", curve))
    }

    /// How stable the choice by gradient is for each share, and the share of dormant angles, after the head's own epochs.
    fn stability(&self) -> Result<(Vec<f64>, Option<f64>), StudyError> {
        let (mut params, groups) = self.start(Treatment::Plain)?;
        let Material { training, config, .. } = &self.block.material;
        let (model, objective) = (&self.block.target, &Loss::CrossEntropy);
        let config = TrainConfig { epochs: self.spec.head_epochs, ..*config };
        TrainingLoop::new(model, training, objective, &config, self.seed)
            .run(&mut params, &mut Frozen::new(&groups))?;
        let rows: Vec<u32> = (0..training.len() as u32).collect();
        let half = training.rows(&rows[..rows.len() / 2], Mode::Eval)?;
        let other = training.rows(&rows[rows.len() / 2..], Mode::Eval)?;
        let mut common = Vec::new();
        for &share in &self.spec.shares {
            let redraw =
                Reinit { batches: usize::MAX, ..self.redraw(&groups, Utility::Gradient, Selection::Share(share)) };
            let mut chosen = |training: &Examples| {
                let context = FitContext { model, training, objective, batch: config.batch, seed: self.seed };
                redraw.chosen(&context, &mut params)
            };
            common.push(jaccard(&chosen(&half)?, &chosen(&other)?));
        }
        let dormant_angles = match self.block.head.execution.as_ref().filter(|_| trains_circuit(&self.spec.head)) {
            Some(execution) => {
                let inputs = |params: &mut Params, rows: &[Tensor]| self.block.target.input_angles(params, rows);
                let context = FitContext { model, training, objective, batch: config.batch, seed: self.seed };
                let activity = WakeAngles::new(&groups, execution.clone(), &inputs).activity(&context, &mut params)?;
                let dormant = activity.iter().filter(|activity| **activity <= DORMANT).count();
                Some(dormant as f64 / activity.len().max(1) as f64)
            }
            None => None,
        };
        Ok((common, dormant_angles))
    }
}

/// What two choices of weights have in common: the Jaccard index over all tensors.
pub(super) fn jaccard(one: &[(String, Vec<usize>)], two: &[(String, Vec<usize>)]) -> f64 {
    let both: usize = one.iter().zip(two).map(|((_, one), (_, two))| overlap(one, two)).sum();
    let size = |chosen: &[(String, Vec<usize>)]| chosen.iter().map(|(_, weights)| weights.len()).sum::<usize>();
    both as f64 / (size(one) + size(two) - both).max(1) as f64
}

/// How many indices are in both; `two` is ascending.
fn overlap(one: &[usize], two: &[usize]) -> usize {
    one.iter().filter(|index| two.binary_search(index).is_ok()).count()
}

/// A method, its time, and the accuracy right after it.
struct Instrumented<'a, T> {
    method: T,
    /// What the head leaves as it starts.
    rates: LearningRates,
    test: &'a Examples,
    /// The epoch before which it changes the network.
    treated: usize,
    seconds: f64,
    /// Seconds of evaluating what it did.
    evaluating: f64,
    after: Option<f64>,
}

/// An evaluator and the time it takes, which is no part of a training's.
struct Timed<J> {
    evaluator: J,
    seconds: Cell<f64>,
}

impl<J: Evaluator> Evaluator for Timed<J> {
    fn evaluate(&self, network: &dyn Network) -> Result<Evaluation, StudyError> {
        let began = thread_cpu_seconds();
        let evaluation = self.evaluator.evaluate(network);
        self.seconds.set(self.seconds.get() + thread_cpu_seconds() - began);
        evaluation
    }
}

impl<T: Transfer> Transfer for Instrumented<'_, T> {
    fn prepare(&mut self, context: &FitContext, params: &mut Params) -> Result<(), NnError> {
        self.method.prepare(context, params)
    }

    fn before_epoch(&mut self, context: &FitContext, params: &mut Params, epoch: usize) -> Result<(), NnError> {
        let began = thread_cpu_seconds();
        self.method.before_epoch(context, params, epoch)?;
        self.seconds += thread_cpu_seconds() - began;
        if epoch == self.treated {
            let began = thread_cpu_seconds();
            let output = context.model.build(params)?.forward(&self.test.inputs, Mode::Eval)?;
            let right = context.objective.right(&output, &self.test.targets)?;
            self.after = right.map(|right| right.mean_all()?.to_scalar::<f64>()).transpose()?;
            self.evaluating += thread_cpu_seconds() - began;
        }
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

    /// What it measures before an epoch is in no checkpoint.
    fn is_resumable(&self) -> bool {
        false
    }
}
