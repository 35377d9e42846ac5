//! Trials: an arm on a task, and a cheap measurement beside the full one.

use crate::classic::tuning::subset::{Measured, part_shares};
use crate::classic::tuning::{Knowledge, Model, Observation, Options, Region, Task};
use crate::lab::{Context, Measurement};
use crate::math::Stream;
use crate::math::correlation::kendall;
use crate::study::StudyError;
use crate::systems::tuner::arms::{ArmRow, METHOD};
use crate::systems::tuner::saved::KNOWLEDGE_FILE;
use crate::systems::tuner::session::{Session, Tuned, chosen_levels};
use crate::systems::tuner::spec::Spec;
use crate::systems::tuner::world::World;

/// Name of the kept result of a session.
pub const TUNED: &str = "tuned";
/// The arm that measures the defaults alone.
pub const DEFAULT: &str = "default";
/// Cheap measurements that are compared with full ones.
pub const CHEAP: [(&str, &str); 3] = [
    ("subset", "chosen queries that take a ninth"),
    ("random_subset", "random queries that take a ninth, mean of five draws"),
    ("smaller_data", "all queries on a ninth of the data"),
];

/// What the report shows of a session.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Kept {
    /// The best configuration, knob by knob.
    pub settings: Vec<(String, String)>,
    /// Names of the queries of each level at the end.
    pub queries: Vec<Vec<String>>,
    /// Weights of the ensemble's members at the end.
    pub weights: Vec<(String, f64)>,
    /// Measurements at each level.
    pub counts: Vec<usize>,
}

/// Histories of all tasks: half a Latin hypercube, half proposals of a forest, as a tuning of each would leave behind. Of a table,
/// `history` of its rows at random, the defaults among them.
///
/// # Errors
/// If the defaults fail, or the user stops.
pub fn histories(spec: &Spec, world: &dyn World, seed: u64, context: &Context) -> Result<Vec<Task>, StudyError> {
    let one = |target: usize| -> Result<Task, StudyError> {
        let name = world.tasks()[target].clone();
        let seed = Stream::named(seed, &format!("history {name}")).bits();
        let meta = world.meta(target);
        if let Some(pool) = world.pool(target) {
            let mut stream = Stream::named(seed, "rows");
            let mut order = stream.permutation(pool.len());
            order.retain(|row| *row != 0);
            let rows = [0].into_iter().chain(order).take(spec.history);
            let observations = rows.map(|row| measured(world, target, &pool[row], &mut stream)).collect();
            return Ok(Task { name, meta, observations });
        }
        let options = Options { design: spec.history / 2, ..Options::plain(Model::Forest) };
        // Most configurations take less than twice the time of the defaults.
        let budget = 3 * spec.history;
        let session =
            Session { world, target, options, sources: &[], budget, nested: true, timeout: spec.timeout, seed };
        let mut task = session.run(&|| context.proceed())?.task;
        task.observations.truncate(spec.history);
        Ok(Task { name, meta, ..task })
    };
    (0..world.tasks().len()).map(one).collect()
}

fn measured(world: &dyn World, target: usize, configuration: &[f64], stream: &mut Stream) -> Observation {
    let count = world.queries().len();
    let parts: Vec<Option<f64>> = (0..count).map(|query| world.measure(target, configuration, query, stream)).collect();
    let total = parts.iter().copied().sum::<Option<f64>>();
    let cost = parts.iter().flatten().sum();
    Observation { configuration: configuration.to_vec(), level: 2, value: total.map(f64::ln), cost, parts }
}

/// Tunes a task.
///
/// # Errors
/// If the defaults fail, or the user stops.
pub fn tune(
    spec: &Spec,
    world: &dyn World,
    (arm, target, sources): (&ArmRow, usize, &[Task]),
    seed: u64,
    context: &Context,
) -> Result<Measurement, StudyError> {
    let options = (arm.options)(spec);
    let full = options.full();
    let is_default = arm.name == DEFAULT;
    let budget = if is_default { 1 } else { spec.budget };
    let seed = Stream::named(seed, &format!("session {}", world.tasks()[target])).bits();
    let session = Session { world, target, options, sources, budget, nested: spec.nested, timeout: spec.timeout, seed };
    let mut tuned = session.run(&|| context.proceed())?;
    if is_default {
        tuned.curve = vec![tuned.curve[0]; spec.budget];
    }
    let optimum = world.optimum(target);
    let default = world.total(target, &world.default(target)).unwrap_or(f64::INFINITY);
    let slowdown: Vec<f64> = tuned.curve.iter().map(|seconds| seconds / optimum).collect();
    let last = slowdown[slowdown.len() - 1];
    let count =
        |level: Option<usize>| tuned.steps.iter().filter(|own| level.is_none_or(|level| own.level == level)).count();
    let failures = tuned.steps.iter().filter(|own| own.seconds.is_none()).count();
    let kept = kept(world, &tuned, full);
    let mut found = Measurement::default()
        .value("slowdown", last)
        .value("half_slowdown", slowdown[(spec.budget / 2).max(1) - 1])
        .value("speedup", default / (last * optimum))
        .value("measurements", count(None) as f64)
        .value("full_measurements", count(Some(full)) as f64)
        .value("failures", failures as f64)
        .value("spent", tuned.spent)
        .value("unpaid", unpaid(&tuned) as f64)
        .curve("slowdown", slowdown)
        .keep(TUNED, &kept);
    if arm.name == METHOD {
        let knowledge = knowledge(world, &tuned, (target, full), sources);
        found = found.file(KNOWLEDGE_FILE, knowledge.to_lines().into_bytes());
    }
    Ok(found)
}

/// What the report shows of a session.
pub fn kept(world: &dyn World, tuned: &Tuned, full: usize) -> Kept {
    let settings = world.space().knobs().iter().zip(&tuned.best);
    let names = |queries: &Vec<usize>| queries.iter().map(|&query| world.queries()[query].clone()).collect();
    let count = |level: usize| tuned.steps.iter().filter(|own| own.level == level).count();
    Kept {
        settings: settings.map(|(knob, value)| (knob.name.clone(), knob.text(*value))).collect(),
        queries: tuned.queries.iter().map(names).collect(),
        weights: tuned.weights.clone(),
        counts: (0..=full).map(count).collect(),
    }
}

/// What a session knew and measured.
pub fn knowledge(world: &dyn World, tuned: &Tuned, (target, full): (usize, usize), sources: &[Task]) -> Knowledge {
    let mut tasks = sources.to_vec();
    tasks.push(relative_to_seconds(tuned, full));
    // Knobs that do not vary keep the defaults of the task.
    let space = world.space().clone().with_default(&world.default(target));
    Knowledge { space, levels: full + 1, parts: world.queries().to_vec(), tasks }
}

/// The task of a session with the logarithm of seconds as the value of full measurements, as sources have it.
fn relative_to_seconds(tuned: &Tuned, full: usize) -> Task {
    let mut task = tuned.task.clone();
    task.observations.retain(|own| own.level == full);
    for own in &mut task.observations {
        own.value = own.parts.iter().copied().sum::<Option<f64>>().filter(|_| own.value.is_some()).map(f64::ln);
    }
    task
}

/// Full results whose queries were not all paid for, at this level or a lower one.
fn unpaid(tuned: &Tuned) -> usize {
    let paid = |own: &crate::systems::tuner::session::Step| {
        let earlier = tuned.steps.iter().filter(|other| other.configuration == own.configuration);
        let sum: f64 = earlier.map(|other| other.cost).sum();
        own.seconds.is_none_or(|seconds| sum >= seconds * (1.0 - 1e-9))
    };
    tuned.steps.iter().filter(|own| own.is_full && !paid(own)).count()
}

/// How a cheap measurement orders held-out configurations, as Kendall's τ with a full measurement.
///
/// The queries are those that sources and a history of the task itself choose.
pub fn fidelity(
    spec: &Spec,
    world: &dyn World,
    (cheap, target, histories): (&str, usize, &[Task]),
    seed: u64,
) -> Measurement {
    let count = world.queries().len();
    let mut stream = Stream::named(seed, &format!("held out {}", world.tasks()[target]));
    let region = Region::whole(world.space());
    let parts: Vec<Vec<Vec<f64>>> = histories.iter().map(|task| task.parts(2)).collect();
    let tasks: Vec<Measured<'_>> =
        parts.iter().enumerate().map(|(k, rows)| (if k == target { 1.0 } else { 0.2 }, &rows[..])).collect();
    let chosen = chosen_levels(&tasks, count, (3, 3), spec.nested).swap_remove(0);
    let shares = part_shares(&tasks, count);
    let budget: f64 = chosen.iter().map(|&query| shares[query]).sum();
    let (mut full, mut own, mut draws) = (Vec::new(), Vec::new(), vec![Vec::new(); 5]);
    // Random queries in a random order, as long as they take no more than the chosen ones.
    let random: Vec<Vec<usize>> = (0..draws.len())
        .map(|_| {
            let mut taken = 0.0;
            let mut found = Vec::new();
            for query in stream.permutation(count) {
                if taken + shares[query] <= budget * 1.05 {
                    taken += shares[query];
                    found.push(query);
                }
            }
            found
        })
        .collect();
    while full.len() < spec.held_out {
        let configuration = region.sample(world.space(), &mut stream);
        if world.total(target, &configuration).is_none() {
            continue;
        }
        let mut sum = |queries: &[usize]| -> f64 {
            queries.iter().filter_map(|&query| world.measure(target, &configuration, query, &mut stream)).sum()
        };
        full.push(sum(&(0..count).collect::<Vec<_>>()));
        own.push(sum(&chosen));
        draws.iter_mut().zip(&random).for_each(|(draw, queries)| draw.push(sum(queries)));
        if cheap == CHEAP[2].0 {
            let last = own.len() - 1;
            own[last] = world.reduced(target, &configuration, 1.0 / 9.0, &mut stream).unwrap_or(f64::INFINITY);
        }
    }
    let tau = match cheap {
        "random_subset" => {
            let each = draws.iter().map(|draw| kendall(draw, &full).unwrap_or(0.0));
            Some(each.sum::<f64>() / draws.len() as f64)
        }
        _ => kendall(&own, &full),
    };
    Measurement::default().value_if("tau", tau)
}
