//! Every arm under every seed.

use candle_core::DType;

use crate::nn::{Dataset, Params};
use crate::study::train::{Evaluation, Evaluator, TrainingLoop};
use crate::study::{Observer, StudyError, parallel};
use crate::systems::hatl::arms::{ArmRow, Schedule};
use crate::systems::hatl::spec::Spec;
use crate::systems::hatl::task::{Task, TaskRow};
use crate::transfer::schedule::Full;
use crate::transfer::{Compose, Decision, Hatl, Transfer};

/// Target networks are drawn under other seeds than source networks.
const TARGET: u64 = 1 << 32;

/// One arm under one seed.
#[derive(Clone, Debug)]
pub(super) struct Learned {
    /// Name and figure of each test.
    pub scores: Vec<(String, f64)>,
    /// The dev metric after each epoch.
    pub curve: Vec<f64>,
    /// Epochs, counted from 1, in which more began to move than before.
    pub releases: Vec<usize>,
    /// What the rule decided after each epoch; nothing without a rule.
    pub verdicts: Vec<Decision>,
}

/// Everything that was trained.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// Accuracy on actions that were held out, by seed.
    pub source: Vec<f64>,
    /// By arm of the spec, then by seed.
    pub arms: Vec<Vec<Learned>>,
}

/// Trains and judges every arm under every seed.
pub(super) fn measure(spec: &Spec, threads: usize, progress: &dyn Observer) -> Result<Measured, StudyError> {
    let arms = spec.arms.iter().map(|name| ArmRow::named(name)).collect::<Result<Vec<_>, _>>()?;
    let seeds = spec.seeds.len();
    let task = TaskRow::named(&spec.task)?;
    let mut sources = Vec::new();
    if let Some(open) = task.source {
        let rows = open(spec, spec.seeds[0])?.training.len();
        progress.stage("source", seeds * spec.source.epochs * rows);
        sources = parallel::jobs(seeds, threads, |job| {
            let seed = spec.seeds[job];
            source(spec, &open(spec, seed)?, seed, progress)
        })?;
        progress.done();
    }
    let rows = (task.open)(spec, spec.seeds[0])?.training.len();
    progress.stage("target", arms.len() * seeds * spec.target.epochs * rows);
    // Whoever follows another's number of releases comes after it.
    let (after, first): (Vec<_>, Vec<_>) = arms.iter().copied().partition(|arm| matches!(arm.schedule, Schedule::Even));
    let learn = |arms: &[&'static ArmRow], releases: &(dyn Fn(usize) -> usize + Sync)| {
        parallel::jobs(arms.len() * seeds, threads, |job| {
            let (arm, seed) = (arms[job / seeds], job % seeds);
            let source = sources.get(seed).map(|(params, _)| params);
            let learned = learned(spec, arm, spec.seeds[seed], source, releases(seed), progress)?;
            progress.note(&format!("{}, seed {}: {:.3}", arm.name, spec.seeds[seed], learned.scores[0].1));
            Ok(learned)
        })
    };
    let early = learn(&first, &|_| 0)?;
    let hatl = first.iter().position(|arm| arm.name == "hatl");
    let count = |seed: usize| hatl.map_or(usize::MAX, |arm| early[arm * seeds + seed].releases.len());
    let late = learn(&after, &count)?;
    progress.done();
    let of = |arm: &&ArmRow| {
        let among = |rows: &[&ArmRow], learned: &[Learned]| {
            let place = rows.iter().position(|row| row.name == arm.name)?;
            Some(learned[place * seeds..(place + 1) * seeds].to_vec())
        };
        among(&first, &early).or_else(|| among(&after, &late)).unwrap_or_default()
    };
    Ok(Measured {
        source: sources.iter().map(|(_, accuracy)| *accuracy).collect(),
        arms: arms.iter().map(of).collect(),
    })
}

/// The network that has learned the source, and how well.
fn source(spec: &Spec, task: &Task, seed: u64, progress: &dyn Observer) -> Result<(Params, f64), StudyError> {
    let mut params = Params::new(seed, DType::F32);
    let trainer = TrainingLoop {
        evaluator: task.dev.as_ref(),
        observer: progress,
        ..TrainingLoop::new(task.model.as_ref(), &task.training, task.objective.as_ref(), &spec.source, seed)
    };
    let history = trainer.run(&mut params, &mut Full)?;
    Ok((params, history.iter().map(|record| record.evaluation.metric).fold(0.0, f64::max)))
}

fn learned(
    spec: &Spec,
    arm: &ArmRow,
    seed: u64,
    source: Option<&Params>,
    releases: usize,
    progress: &dyn Observer,
) -> Result<Learned, StudyError> {
    let task = (TaskRow::named(&spec.task)?.open)(spec, seed)?;
    let mut params = Params::new(TARGET + seed, DType::F32);
    task.model.build(&mut params)?;
    if let Some(source) = source.filter(|_| !arm.fresh) {
        params.copy_prefix_from(source, "trunk.")?;
    }
    let groups = (task.groups)(&params);
    // Nothing to follow: every layer once.
    let (epochs, releases) = (spec.target.epochs, releases.min(groups.len() - 1));
    let mut method = Compose(vec![Box::new(task.plan.clone()), arm.method(&groups, spec.rule, epochs, releases)]);
    let trainer = TrainingLoop {
        evaluator: task.dev.as_ref(),
        observer: progress,
        ..TrainingLoop::new(task.model.as_ref(), &task.training, task.objective.as_ref(), &spec.target, seed)
    };
    let history = trainer.run(&mut params, &mut method)?;
    let scores = scores(&task, &mut params)?;
    let grown = |pair: usize| history[pair].moving < history[pair + 1].moving;
    let curve: Vec<f64> = history.iter().map(|record| record.evaluation.metric).collect();
    Ok(Learned {
        scores,
        releases: (0..history.len().saturating_sub(1)).filter(|&pair| grown(pair)).map(|pair| pair + 2).collect(),
        // What a rule decides depends on the metrics alone: told them again, it says the same.
        verdicts: arm.rule(spec.rule, epochs, releases).map_or(Vec::new(), |rule| {
            let mut again = Hatl::new(&groups, rule);
            for (epoch, metric) in curve.iter().enumerate() {
                again.after_epoch(epoch, *metric);
            }
            again.decisions().to_vec()
        }),
        curve,
    })
}

/// Name and figure of each test, and of the first with a longer search.
fn scores(task: &Task, params: &mut Params) -> Result<Vec<(String, f64)>, StudyError> {
    let network = task.model.build(params)?;
    let score = |(name, judge): &(&str, Box<dyn Evaluator>)| {
        judge.evaluate(network.as_ref()).map(|Evaluation { metric, .. }| (name.to_string(), metric))
    };
    let mut scores = task.tests.iter().map(score).collect::<Result<Vec<_>, _>>()?;
    if let (Some((search, model)), Some((name, judge))) = (&task.searching, task.tests.first()) {
        let Evaluation { metric, .. } = judge.evaluate(model.build(params)?.as_ref())?;
        scores.push((format!("{name}, {search}"), metric));
    }
    Ok(scores)
}
