//! One tuning of one task: configurations are asked for, measured, and paid for in simulated or measured seconds.

use std::collections::BTreeMap;

use crate::classic::tuning::budget::Budget;
use crate::classic::tuning::hyperband::shares;
use crate::classic::tuning::subset::{Measured, greedy_subset};
use crate::classic::tuning::{Configuration, Options, Task, Tuner};
use crate::math::Stream;
use crate::study::StudyError;
use crate::systems::tuner::world::World;

/// Share of the default's time that a query takes before it fails, where the engine does not say.
const BEFORE_FAILURE: f64 = 0.3;

/// What is tuned, and how.
pub struct Session<'a> {
    /// Where times come from.
    pub world: &'a dyn World,
    /// The task.
    pub target: usize,
    /// How configurations are chosen.
    pub options: Options,
    /// What is known of other tasks.
    pub sources: &'a [Task],
    /// Full measurements of the defaults that the budget is worth.
    pub budget: usize,
    /// Whether the queries of a level contain those of the levels below, whose times are then not measured again.
    pub nested: bool,
    /// A measurement that takes so many times as long as under the defaults is stopped.
    pub timeout: f64,
    /// Of all draws.
    pub seed: u64,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The configuration.
    pub configuration: Configuration,
    /// Its level.
    pub level: usize,
    /// Seconds that were paid.
    pub cost: f64,
    /// Seconds of queries that were known from a lower level.
    pub known: f64,
    /// Seconds of all queries of the level; `None` where it failed or was stopped.
    pub seconds: Option<f64>,
    /// Whether it measured every query.
    pub is_full: bool,
}

/// What a session found.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// The configuration with the least measured time of all queries.
    pub best: Configuration,
    /// Every measurement.
    pub steps: Vec<Step>,
    /// The task with its measurements.
    pub task: Task,
    /// Total without noise of the best configuration after each part of the budget that is worth one measurement of the
    /// defaults.
    pub curve: Vec<f64>,
    /// What was spent, as a share of the budget.
    pub spent: f64,
    /// Queries of each level at the end.
    pub queries: Vec<Vec<usize>>,
    /// Weights of the ensemble's members at the end.
    pub weights: Vec<(String, f64)>,
}

/// Times of the queries of a configuration as far as they are known; a failure is `Some(None)`.
type Known = BTreeMap<String, Vec<Option<Option<f64>>>>;

impl Session<'_> {
    /// Tunes until the budget is spent or nothing is left to measure.
    ///
    /// # Errors
    /// A default configuration that fails, or a caller that stops.
    pub fn run(&self, proceed: &dyn Fn() -> Result<(), StudyError>) -> Result<Tuned, StudyError> {
        let world = self.world;
        let (full, count) = (self.options.full(), world.queries().len());
        let mut tuner =
            Tuner::new(world.space(), self.options.clone(), self.sources, &world.meta(self.target), self.seed);
        if let Some(pool) = world.pool(self.target) {
            tuner = tuner.with_pool(pool);
        }
        let mut stream = Stream::named(self.seed, "measurements");
        let mut known = Known::new();
        let mut reference: Vec<f64> = Vec::new();
        let mut budget: Option<Budget> = None;
        let mut levels: Vec<Vec<usize>> = vec![(0..count).collect(); full + 1];
        let mut steps: Vec<Step> = Vec::new();
        let mut best: Option<(f64, Configuration)> = None;
        let mut reached: Vec<(f64, f64)> = Vec::new();
        while budget.as_ref().is_none_or(|budget| !budget.is_spent()) {
            proceed()?;
            let Some(next) = tuner.ask() else { break };
            let key = format!("{:?}", next.configuration);
            let entry = known.entry(key).or_insert_with(|| vec![None; count]);
            let mut step = Step {
                configuration: next.configuration.clone(),
                level: next.level,
                cost: 0.0,
                known: 0.0,
                seconds: None,
                is_full: levels[next.level].len() == count,
            };
            let allowed: f64 = levels[next.level].iter().filter_map(|&query| reference.get(query)).sum();
            let limit = if reference.is_empty() { f64::INFINITY } else { self.timeout * allowed };
            let mut total = Some(0.0);
            for &query in &levels[next.level] {
                let is_known = self.nested && entry[query].is_some();
                let measured = match entry[query].filter(|_| self.nested) {
                    Some(measured) => measured,
                    None => world.measure(self.target, &next.configuration, query, &mut stream),
                };
                // A measurement that was stopped is no failure.
                proceed()?;
                entry[query] = Some(measured);
                let seconds = measured
                    .or_else(|| world.failed_after(self.target, &next.configuration, query))
                    .unwrap_or_else(|| BEFORE_FAILURE * reference.get(query).unwrap_or(&0.0));
                match is_known {
                    true => step.known += seconds,
                    false => step.cost += seconds,
                }
                total = total.zip(measured).map(|(sum, own)| sum + own);
                if total.is_none() || step.cost + step.known > limit {
                    break;
                }
            }
            if total.is_some() && step.cost + step.known > limit {
                step.cost = (limit - step.known).max(0.0);
                total = None;
            }
            let account = match &mut budget {
                Some(budget) => budget,
                None => {
                    let seconds = total.ok_or_else(|| StudyError::Settings {
                        reason: format!("task {}: a query fails under the defaults", world.tasks()[self.target]),
                    })?;
                    reference = entry.iter().map(|own| own.flatten().unwrap_or(0.0)).collect();
                    budget.insert(Budget::new(self.budget as f64 * seconds))
                }
            };
            let ended = account.pay(next.level, step.cost);
            // What the budget cut off has no result.
            step.cost = account.payments().last().map_or(step.cost, |payment| payment.cost);
            step.seconds = total.filter(|_| ended);
            let spent = account.spent();
            let parts: Vec<Option<f64>> = match (ended, next.level == full) {
                (true, true) => entry.iter().map(|own| own.flatten()).collect(),
                _ => Vec::new(),
            };
            let asked: f64 = levels[next.level].iter().map(|&query| reference[query]).sum();
            // Of the same scale at all levels, and for all choices of queries: the logarithm of the ratio to the defaults.
            let value = step.seconds.map(|seconds| (seconds / asked).ln());
            if let Some(seconds) = step.seconds.filter(|_| step.is_full)
                && best.as_ref().is_none_or(|(least, _)| seconds < *least)
            {
                best = Some((seconds, next.configuration.clone()));
                let truth = world.total(self.target, &next.configuration).unwrap_or(f64::INFINITY);
                reached.push((spent, truth));
            }
            let cost = step.cost;
            steps.push(step);
            if !ended {
                break;
            }
            tuner.tell(&next, value, cost, parts);
            if self.options.brackets && next.level == full {
                levels = self.levels(&tuner, count);
            }
        }
        // The defaults were measured.
        let (_, best) = best.unwrap_or_else(|| (0.0, world.default(self.target)));
        let total = budget.as_ref().map_or(1.0, Budget::total);
        let at = |k: usize| {
            let limit = (k + 1) as f64 * total / self.budget as f64 * (1.0 + 1e-9);
            let own = reached.iter().take_while(|(spent, _)| *spent <= limit).last();
            own.or(reached.first()).map_or(f64::INFINITY, |own| own.1)
        };
        Ok(Tuned {
            best,
            curve: (0..self.budget).map(at).collect(),
            spent: budget.as_ref().map_or(0.0, |budget| budget.spent() / budget.total()),
            queries: levels,
            weights: tuner.weights().to_vec(),
            task: Task { name: world.tasks()[self.target].clone(), ..tuner.task().clone() },
            steps,
        })
    }

    /// The queries of each level, by what this task and its sources have measured.
    fn levels(&self, tuner: &Tuner<'_>, count: usize) -> Vec<Vec<usize>> {
        let full = self.options.full();
        let own = tuner.task().parts(full);
        let weighted = tuner.sources().iter().filter(|source| source.weight > 0.0);
        let mut tasks: Vec<Measured<'_>> = weighted.map(|source| (source.weight, &source.parts[..])).collect();
        tasks.push((1.0, &own[..]));
        chosen_levels(&tasks, count, (self.options.eta, self.options.levels), self.nested)
    }
}

/// The queries of each level: nested, or each without those of the levels below it.
pub fn chosen_levels(
    tasks: &[Measured<'_>],
    count: usize,
    (eta, levels): (usize, usize),
    nested: bool,
) -> Vec<Vec<usize>> {
    let mut found: Vec<Vec<usize>> = Vec::new();
    for share in shares(eta, levels) {
        let last = found.last().cloned().unwrap_or_default();
        let (fixed, excluded) = if nested { (last, Vec::new()) } else { (Vec::new(), found.concat()) };
        found.push(match share >= 1.0 {
            true => (0..count).collect(),
            false => greedy_subset(tasks, count, share, &fixed, &excluded),
        });
    }
    found
}
