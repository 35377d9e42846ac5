//! Every arm of every setting under every seed.

use std::cell::Cell;

use candle_core::{DType, Tensor};

use crate::nn::loss::Loss;
use crate::nn::{Dataset, Examples, LayerGroups, LearningRates, Mode, Model, Network, NnError, Params};
use crate::study::energy::thread_cpu_seconds;
use crate::study::train::{Evaluation, Evaluator, HeldOutEvaluator, TrainConfig, TrainingLoop};
use crate::study::{Observer, StudyError, parallel};
use crate::systems::plasticity::arms::{Arm, Treatment, trains_circuit};
use crate::systems::plasticity::health::{DORMANT, Health};
use crate::systems::plasticity::network::Pupil;
use crate::systems::plasticity::spec::{Layers, Spec};
use crate::systems::plasticity::stand_ins::{Material, SettingRow};
use crate::systems::plasticity::units::WakeUnits;
use crate::transfer::schedule::{Frozen, Full};
use crate::transfer::{After, Batch, FitContext, Reinit, Selection, ShrinkPerturb, Transfer, Utility, WakeAngles};

/// Target networks are drawn under other seeds than source networks.
const TARGET: u64 = 1 << 32;

/// Rows judged at once.
const JUDGED: usize = 100;

/// One arm under one seed.
#[derive(Clone, Debug)]
pub(super) struct Learned {
    /// Test accuracy after each epoch.
    pub curve: Vec<f64>,
    /// Test accuracy right before and right after the treatment.
    pub around: Option<(f64, f64)>,
    /// Share of weights replaced.
    pub replaced: Option<f64>,
    /// Processor time of the treatment over that of the fine-tuning without it, judging left out.
    pub cost: f64,
}

/// One setting under one seed.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Of the network before the source phase and after it, on the target's test rows.
    pub fresh: Health,
    pub trained: Health,
    /// For each share, how much the choices by the gradients of two halves of the rows have in common (Jaccard).
    pub stability: Vec<f64>,
    /// Share of dormant angles of the circuit as it comes from the source, on the target; `None` without a circuit.
    pub dormant_angles: Option<f64>,
    /// By arm.
    pub arms: Vec<Learned>,
}

/// By setting and seed; seeds are the inner loop.
pub(super) fn measure(
    spec: &Spec,
    arms: &[Arm],
    threads: usize,
    progress: &dyn Observer,
) -> Result<Vec<Found>, StudyError> {
    let seeds = spec.seeds.len();
    let rows = |name: &String| {
        let (digits, pictures) = (&spec.digits, &spec.pictures);
        let target = |labels: usize, config: &TrainConfig| labels * config.epochs * arms.len();
        let tasks = |count: usize| count * digits.rows * digits.random.epochs;
        match name.as_str() {
            "random_labels" => tasks(digits.tasks) + target(digits.labels, &digits.target),
            "useful_source" => {
                let useful = digits.rows * digits.useful.epochs;
                tasks(digits.useful_tasks) + useful + target(digits.useful_labels, &digits.target)
            }
            _ => 20 * pictures.source_rows * pictures.source.epochs + target(10 * pictures.labels, &pictures.target),
        }
    };
    progress.stage("training", seeds * spec.settings.iter().map(rows).sum::<usize>());
    let found = parallel::jobs(spec.settings.len() * seeds, threads, |job| {
        let (name, seed) = (&spec.settings[job / seeds], spec.seeds[job % seeds]);
        let found = found(spec, arms, SettingRow::named(name)?, seed, progress)?;
        progress.note(&format!("{name}, seed {seed}: done"));
        Ok(found)
    })?;
    progress.done();
    Ok(found)
}

fn found(spec: &Spec, arms: &[Arm], row: &SettingRow, seed: u64, progress: &dyn Observer) -> Result<Found, StudyError> {
    let material = (row.make)(spec, seed)?;
    // A circuit is only warm if it has learned something before.
    let source_head = if trains_circuit(&spec.head) { &spec.head } else { "linear" };
    let model = Pupil::new(&material.trunk, source_head, &spec.circuit, material.source_classes)?;
    let mut source = Params::new(seed, DType::F32);
    let health = |source: &mut Params| Health::of(model.build(source)?.as_ref(), &material.test.inputs);
    let fresh = health(&mut source)?;
    for (examples, config) in &material.source {
        let trainer = TrainingLoop {
            observer: progress,
            ..TrainingLoop::new(&model, examples, &Loss::CrossEntropy, config, seed)
        };
        trainer.run(&mut source, &mut Full)?;
    }
    let trained = health(&mut source)?;
    let pupil = Pupil::new(&material.trunk, &spec.head, &spec.circuit, material.classes)?;
    let task = Task { spec, material: &material, pupil: &pupil, source: &source, seed, progress };
    let (stability, dormant_angles) = task.stability()?;
    let arms = arms.iter().map(|arm| task.learned(arm)).collect::<Result<_, _>>()?;
    Ok(Found { fresh, trained, stability, dormant_angles, arms })
}

/// A target to be learned from a trained source.
struct Task<'a> {
    spec: &'a Spec,
    material: &'a Material,
    pupil: &'a Pupil,
    source: &'a Params,
    seed: u64,
    progress: &'a dyn Observer,
}

impl Task<'_> {
    /// Parameters before the target is learned, and their layers; every arm has the same head. A circuit that has learned
    /// the source comes with it, and with what lies before it.
    fn start(&self, treatment: Treatment) -> Result<(Params, LayerGroups), StudyError> {
        let mut params = Params::new(TARGET + self.seed, DType::F32);
        self.pupil.build(&mut params)?;
        if treatment != Treatment::Scratch {
            params.copy_prefix_from(self.source, "trunk.")?;
            params.copy_prefix_from(self.source, "reduce.")?;
            if treatment != Treatment::FreshCircuit {
                params.copy_prefix_from(self.source, "circuit.")?;
            }
        }
        let groups = self.pupil.groups(&params);
        Ok((params, groups))
    }

    fn redraw(&self, groups: &LayerGroups, utility: Utility, selection: Selection) -> Reinit {
        let Spec { batches, calibration, head_epochs: head_first, .. } = *self.spec;
        Reinit { utility, selection, batches, calibration, head_first, ..Reinit::new(groups) }
    }

    fn learned(&self, arm: &Arm) -> Result<Learned, StudyError> {
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
                let wake = WakeUnits { groups, head_first, touched: None };
                self.run(arm, &mut params, wake, |wake| wake.touched)
            }
            Treatment::WakeAngles { informed, selection } => {
                // Such arms are only made for heads with a circuit.
                let reason = "it has no circuit";
                let missing = NnError::Setting { field: "head", value: self.spec.head.clone(), reason };
                let execution = self.pupil.execution().ok_or(missing)?;
                let inputs = |params: &mut Params, rows: &[Tensor]| self.pupil.input_angles(params, rows);
                let wake = WakeAngles {
                    informed,
                    selection,
                    head_first,
                    ..WakeAngles::new(&groups, execution.clone(), &inputs)
                };
                self.run(arm, &mut params, wake, |wake| wake.redrawn)
            }
            Treatment::Plain | Treatment::FreshCircuit => {
                let nothing = self.redraw(&groups, Utility::Random, Selection::Share(0.0));
                self.run(arm, &mut params, nothing, |_| None)
            }
            Treatment::Redraw { utility, selection, value, layers } => {
                let (count, third) = (groups.len() - 1, ((groups.len() - 1) / 3).max(1));
                let layers = match layers {
                    Layers::All => 0..count,
                    Layers::First => 0..third,
                    Layers::Last => count - third..count,
                };
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
    ) -> Result<Learned, StudyError> {
        let Material { training, test, config, .. } = self.material;
        let (objective, config) = (&Loss::CrossEntropy, TrainConfig { rate: config.rate * arm.rate, ..*config });
        let evaluator =
            Timed { evaluator: HeldOutEvaluator { source: test, objective, batch: JUDGED }, seconds: Cell::new(0.0) };
        let trainer = TrainingLoop {
            evaluator: &evaluator,
            observer: self.progress,
            ..TrainingLoop::new(self.pupil, training, objective, &config, self.seed)
        };
        let (plan, treated) = (self.pupil.head().learning_rates(), self.spec.head_epochs);
        let mut watched = Watched { method, plan, test, treated, seconds: 0.0, judging: 0.0, after: None };
        let began = thread_cpu_seconds();
        let history = trainer.run(params, &mut watched)?;
        let seconds = thread_cpu_seconds() - began - evaluator.seconds.get() - watched.judging - watched.seconds;
        let curve: Vec<f64> = history.iter().map(|record| record.evaluation.metric).collect();
        let replaced = replaced(&watched.method);
        let around =
            watched.after.filter(|_| replaced.is_some()).map(|after| (curve[self.spec.head_epochs - 1], after));
        Ok(Learned { around, replaced, cost: watched.seconds / seconds, curve })
    }

    /// How stable the choice by gradient is for each share, and the share of dormant angles, after the head's own epochs.
    fn stability(&self) -> Result<(Vec<f64>, Option<f64>), StudyError> {
        let (mut params, groups) = self.start(Treatment::Plain)?;
        let Material { training, config, .. } = self.material;
        let (model, objective) = (self.pupil, &Loss::CrossEntropy);
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
            let (one, two) = (chosen(&half)?, chosen(&other)?);
            let both: usize = one.iter().zip(&two).map(|((_, one), (_, two))| overlap(one, two)).sum();
            let size = |chosen: &[(String, Vec<usize>)]| chosen.iter().map(|(_, places)| places.len()).sum::<usize>();
            common.push(both as f64 / (size(&one) + size(&two) - both).max(1) as f64);
        }
        let dormant_angles = match self.pupil.execution().filter(|_| trains_circuit(&self.spec.head)) {
            Some(execution) => {
                let inputs = |params: &mut Params, rows: &[Tensor]| self.pupil.input_angles(params, rows);
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

/// How many places are in both; `two` is ascending.
fn overlap(one: &[usize], two: &[usize]) -> usize {
    one.iter().filter(|place| two.binary_search(place).is_ok()).count()
}

/// A method, its time, and the accuracy right after it.
struct Watched<'a, T> {
    method: T,
    /// What the head leaves as it starts.
    plan: LearningRates,
    test: &'a Examples,
    /// The epoch before which it changes the network.
    treated: usize,
    seconds: f64,
    /// Seconds of looking at what it did.
    judging: f64,
    after: Option<f64>,
}

/// A judge and the time it takes, which is no part of a training's.
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

impl<T: Transfer> Transfer for Watched<'_, T> {
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
            self.judging += thread_cpu_seconds() - began;
        }
        Ok(())
    }

    fn learning_rates(&self, params: &Params, epoch: usize) -> LearningRates {
        self.method.learning_rates(params, epoch).times(&self.plan)
    }

    fn penalty(&self, params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        self.method.penalty(params, batch)
    }

    fn after_epoch(&mut self, epoch: usize, metric: f64) -> After {
        self.method.after_epoch(epoch, metric)
    }
}
