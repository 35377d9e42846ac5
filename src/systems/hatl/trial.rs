//! One seed: its source network, then one arm after the other.

use candle_core::DType;

use crate::lab::{Context, Measurement};
use crate::nn::{Model, Params};
use crate::study::train::TrainingLoop;
use crate::study::{Observer, StudyError};
use crate::systems::conditions::evaluate_under;
use crate::systems::hatl::arms::{ArmRow, Schedule};
use crate::systems::hatl::spec::Spec;
use crate::systems::hatl::tasks::{Inputs, Task, TaskRow};
use crate::systems::methods::{Beside, OWN};
use crate::transfer::schedule::Full;
use crate::transfer::{Compose, Transfer};

/// Target networks are drawn under other seeds than source networks.
const TARGET: u64 = 1 << 32;

/// What the trials of one seed share.
pub struct Block {
    task: Task,
    /// The network that has learned the source task; none where the backbone comes pretrained.
    source: Option<Params>,
}

/// Makes the target task of a seed, and trains a network on its source task.
pub fn prepare(
    spec: &Spec,
    row: &TaskRow,
    inputs: &Inputs,
    seed: u64,
    observer: &dyn Observer,
) -> Result<(Block, Measurement), StudyError> {
    let task = (row.target)(spec, inputs, seed)?;
    let mut found = Measurement::default();
    if let Some([chance, majority]) = task.baselines {
        found = found.value("chance", chance).value("majority", majority);
    }
    let Some(source) = row.source else { return Ok((Block { task, source: None }, found)) };
    let source = source(spec, inputs, seed)?;
    let mut params = Params::new(seed, DType::F32);
    let training = TrainingLoop {
        evaluator: source.dev.as_ref(),
        observer,
        ..TrainingLoop::new(source.model.as_ref(), &source.training, source.objective.as_ref(), &spec.source, seed)
    };
    let history = training.run(&mut params, &mut Full)?;
    let accuracy = history.iter().map(|record| record.evaluation.metric).fold(0.0, f64::max);
    Ok((Block { task, source: Some(params) }, found.value("source_accuracy", accuracy)))
}

/// Trains the target task under the schedule of an arm. `releases` is the number of releases of `hatl` for the arm that
/// follows it; without it every layer is released once. `method` is the level of the methods beside the schedule.
pub fn trial(
    spec: &Spec,
    block: &Block,
    (arm, method): (&ArmRow, &str),
    seed: u64,
    releases: Option<usize>,
    context: &Context,
) -> Result<Measurement, StudyError> {
    let Block { task, source } = block;
    let is_own = ["", OWN].contains(&method);
    let noisy = match &task.head {
        Some(head) => Some((head.with)(head.choice.trained(&head.model, context.executions, seed)?)),
        None => None,
    };
    let model: &dyn Model = match &noisy {
        Some(model) => model.as_ref(),
        None => task.model.as_ref(),
    };
    let mut params = Params::new(TARGET + seed, DType::F32);
    task.model.build(&mut params)?;
    if let Some(source) = source.as_ref().filter(|_| !arm.from_scratch) {
        params.copy_prefix_from(source, "trunk.")?;
    }
    let groups = (task.groups)(&params);
    let most = groups.len() - 1;
    let schedule = arm.method(&groups, spec.rule, spec.target.epochs, releases.unwrap_or(most).min(most));
    let own = Compose(vec![Box::new(task.rates.clone()), schedule]);
    let mut method = Beside::new(own, method, &groups)?;
    let training = TrainingLoop {
        evaluator: task.dev.as_ref(),
        observer: context.observer,
        ..TrainingLoop::new(model, &task.training, task.objective.as_ref(), &spec.target, seed)
    };
    let history = training.run(&mut params, &mut method)?;
    params.merge_adapters()?;
    let network = task.model.build(&mut params)?;
    let mut found = Measurement::default();
    for (metric, evaluator) in &task.tests {
        found = found.value(metric, evaluator.evaluate(network.as_ref())?.metric);
    }
    drop(network);
    if let Some(head) = &task.head {
        found = evaluate_under(&spec.evaluate.all(), &head.model, seed, context, found, &mut |under| {
            let model = (head.with)(under);
            let network = model.build(&mut params)?;
            let tests = task.tests.iter();
            tests.map(|(metric, evaluator)| Ok((*metric, evaluator.evaluate(network.as_ref())?.metric))).collect()
        })?;
    }
    // Epochs, counted from 1, in which more parameters are trained than in the one before.
    let grown = history.windows(2).enumerate().filter(|(_, pair)| pair[0].moving < pair[1].moving);
    let released: Vec<usize> = grown.map(|(before, _)| before + 2).collect();
    // A rule that releases nothing leaves the backbone frozen, which its score does not show.
    if matches!(arm.schedule, Schedule::Rule(_)) && released.is_empty() && is_own {
        let counts = counted(&method.log());
        let name = arm.name;
        found = found.notice(format!("{name}, seed {seed}: nothing was released ({counts}), so it is frozen"));
    }
    let best = history.iter().map(|record| record.evaluation.metric).fold(f64::NEG_INFINITY, f64::max);
    if let Some(files) = &task.files {
        for (file, bytes) in files(&params, arm.name, seed)? {
            found = found.file(&file, bytes);
        }
    }
    Ok(found
        .value("best_validation", best)
        .value("epochs", history.len() as f64)
        .value("releases", released.len() as f64)
        .curve("validation", history.iter().map(|record| record.evaluation.metric).collect())
        .keep("releases", &released)
        .keep("decisions", &method.log()))
}

/// "waiting 4, far_from_best 2": how often each word occurs, in the order of their first.
pub(super) fn counted<S: AsRef<str>>(words: &[S]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for word in words {
        match counts.iter_mut().find(|(known, _)| *known == word.as_ref()) {
            Some((_, count)) => *count += 1,
            None => counts.push((word.as_ref(), 1)),
        }
    }
    counts.iter().map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>().join(", ")
}
