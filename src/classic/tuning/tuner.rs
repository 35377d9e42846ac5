//! The tuner: asked for what to measure next, told what came of it.

mod ensemble;
mod proposals;

use std::collections::VecDeque;

use crate::classic::tuning::gaussian::Kernel;
use crate::classic::tuning::history::{Observation, Task};
use crate::classic::tuning::hyperband::{Bracket, cycle};
use crate::classic::tuning::options::{Options, Quirk};
use crate::classic::tuning::source::{Source, compressed, predict_concordance, warm_queue, weigh};
use crate::classic::tuning::space::{Configuration, Region, Space};
use crate::math::Stream;

/// What to measure next.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The configuration.
    pub configuration: Configuration,
    /// How closely.
    pub level: usize,
}

/// Slots of a batch at a lower level that the warm start fills.
const WARM_SLOTS: usize = 2;

/// A bracket in progress.
struct Running {
    bracket: Bracket,
    step: usize,
    /// What is still to be told of this step.
    open: usize,
    results: Vec<(Configuration, Option<f64>)>,
}

/// A tuner of one task. It asks for the defaults first.
pub struct Tuner<'a> {
    space: &'a Space,
    options: Options,
    pool: Option<&'a [Configuration]>,
    kernels: Vec<&'a (dyn Fn() -> Box<dyn Kernel> + Sync)>,
    sources: Vec<Source>,
    task: Task,
    seed: u64,
    stream: Stream,
    queue: VecDeque<Proposal>,
    upcoming: VecDeque<Bracket>,
    running: Option<Running>,
    warmed: usize,
    own_weight: f64,
    weights: Vec<(String, f64)>,
}

impl Kernel for Box<dyn Kernel> {
    fn embed(&self, unit: &[f64]) -> Vec<f64> {
        self.as_ref().embed(unit)
    }

    fn value(&self, one: &[f64], two: &[f64]) -> f64 {
        self.as_ref().value(one, two)
    }
}

impl<'a> Tuner<'a> {
    /// A tuner of a task with these meta-features, which knows `sources` if its options transfer. Source tasks with fewer than
    /// three full measurements are not read.
    pub fn new(space: &'a Space, options: Options, sources: &[Task], meta: &[f64], seed: u64) -> Self {
        let full = options.full();
        let mut own: Vec<Source> = match options.transfer {
            Some(_) => sources.iter().filter_map(|task| Source::new(space, task, full, options.trees, seed)).collect(),
            None => Vec::new(),
        };
        predict_concordance(space, &mut own, meta, seed);
        let task = Task { name: "target".into(), meta: meta.to_vec(), observations: Vec::new() };
        let first = Proposal { configuration: space.default(), level: full };
        let mut tuner = Self {
            space,
            options,
            pool: None,
            kernels: Vec::new(),
            sources: own,
            task,
            seed,
            stream: Stream::named(seed, "tuner"),
            queue: VecDeque::from([first]),
            upcoming: VecDeque::new(),
            running: None,
            warmed: 0,
            own_weight: 0.0,
            weights: Vec::new(),
        };
        tuner.weigh();
        if tuner.options.design > 0 {
            let mut stream = Stream::named(seed, "design");
            let design = Region::whole(space).design(space, tuner.options.design, &mut stream);
            tuner.queue.extend(design.into_iter().map(|configuration| Proposal { configuration, level: full }));
        }
        tuner
    }

    /// The same, which proposes configurations of a list alone; the first of them stands for the defaults.
    pub fn with_pool(mut self, pool: &'a [Configuration]) -> Self {
        self.pool = Some(pool);
        self.queue.clear();
        let full = self.options.full();
        let mut order = Stream::named(self.seed, "design").permutation(pool.len());
        order.retain(|k| *k != 0);
        let first = pool.iter().take(1);
        let design = order.iter().take(self.options.design).map(|&k| &pool[k]);
        let proposals = first.chain(design).map(|own| Proposal { configuration: own.clone(), level: full });
        self.queue = proposals.collect();
        self
    }

    /// The same with a Gaussian process on the best of these kernels in place of Matérn's.
    pub fn with_kernels(mut self, kernels: Vec<&'a (dyn Fn() -> Box<dyn Kernel> + Sync)>) -> Self {
        self.kernels = kernels;
        self
    }

    /// What was measured.
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// The sources with their weights.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Weights of the members at the last proposal by a model, the sources first.
    pub fn weights(&self) -> &[(String, f64)] {
        &self.weights
    }

    /// The part of the space that is searched.
    pub fn region(&self) -> Region {
        match self.options.transfer.and_then(|transfer| transfer.keep) {
            Some(keep) => {
                let quirks = (self.options.has(Quirk::WorseWeighMore), self.options.has(Quirk::NumbersOnly));
                compressed(self.space, &self.sources, keep, quirks)
            }
            None => Region::whole(self.space),
        }
    }

    /// What to measure next; `None` if a list has no more. It is told before the next one is asked for.
    pub fn ask(&mut self) -> Option<Proposal> {
        loop {
            if let Some(next) = self.queue.pop_front() {
                if self.is_measured(&next) {
                    if self.running.is_none() {
                        continue;
                    }
                    // What a bracket asks for twice is taken out of it.
                    self.close(None);
                    continue;
                }
                return Some(next);
            }
            if self.running.as_ref().is_some_and(|running| running.open > 0) {
                return None;
            }
            let full = self.options.full();
            if let Some(configuration) = self.warm_start() {
                self.queue.push_back(Proposal { configuration, level: full });
                continue;
            }
            if !self.options.brackets {
                let configuration = self.propose(1, full).pop()?;
                return Some(Proposal { configuration, level: full });
            }
            if self.upcoming.is_empty() {
                self.upcoming = cycle(self.options.eta, self.options.levels).into();
            }
            // A cycle has at least one bracket.
            let bracket = self.upcoming.pop_front()?;
            let (count, level) = bracket[0];
            let mut batch = if level < full { self.take_warm(WARM_SLOTS.min(count)) } else { Vec::new() };
            batch.extend(self.propose(count - batch.len(), level));
            if batch.is_empty() {
                // Everything was measured this closely; the last brackets of a cycle measure fully.
                match level < full {
                    true => continue,
                    false => return None,
                }
            }
            let open = batch.len();
            self.queue.extend(batch.into_iter().map(|configuration| Proposal { configuration, level }));
            self.running = Some(Running { bracket, step: 0, open, results: Vec::new() });
        }
    }

    /// Tells what came of a proposal. A value that is not finite is a failure.
    pub fn tell(&mut self, proposal: &Proposal, value: Option<f64>, cost: f64, parts: Vec<Option<f64>>) {
        let Proposal { configuration, level } = proposal.clone();
        let value = value.filter(|value| value.is_finite());
        let is_full = level == self.options.full();
        self.task.observations.push(Observation { configuration: configuration.clone(), level, value, cost, parts });
        if is_full {
            self.weigh();
        }
        self.close(Some((configuration, value)));
    }

    /// Counts one proposal of the running bracket as done, and starts its next step after the last.
    fn close(&mut self, result: Option<(Configuration, Option<f64>)>) {
        let Some(running) = &mut self.running else { return };
        running.open = running.open.saturating_sub(1);
        running.results.extend(result);
        if running.open > 0 {
            return;
        }
        running.step += 1;
        let Some((count, level)) = running.bracket.get(running.step).copied() else {
            self.running = None;
            return;
        };
        let mut results: Vec<(Configuration, f64)> =
            running.results.drain(..).filter_map(|(own, value)| Some((own, value?))).collect();
        results.sort_by(|a, b| a.1.total_cmp(&b.1));
        results.truncate(count);
        running.open = results.len();
        if results.is_empty() {
            self.running = None;
        }
        self.queue.extend(results.into_iter().map(|(configuration, _)| Proposal { configuration, level }));
    }

    /// Takes over measurements that were made elsewhere. It then proposes nothing before a model has seen them.
    pub fn learn(&mut self, task: &Task) {
        self.queue.clear();
        self.task.observations.extend(task.observations.iter().cloned());
        self.weigh();
    }

    /// Configurations for full measurements, the best first: those of the warm start while fewer are known, then a model's.
    pub fn suggest(&mut self, count: usize) -> Vec<Configuration> {
        let full = self.options.full();
        let wanted = self.options.transfer.map_or(0, |transfer| transfer.warm_start);
        let warm = wanted.saturating_sub(self.task.observations.len()).min(count);
        let mut found = self.take_warm(warm);
        let more = self.propose(count, full).into_iter().filter(|own| !found.contains(own)).collect::<Vec<_>>();
        found.extend(more);
        found.truncate(count);
        found
    }

    fn is_measured(&self, proposal: &Proposal) -> bool {
        let own = |own: &Observation| own.level == proposal.level && own.configuration == proposal.configuration;
        self.task.observations.iter().any(own)
    }

    fn weigh(&mut self) {
        let gate = self.options.transfer.is_some_and(|transfer| transfer.gate);
        let measured: Vec<(Vec<f64>, f64)> =
            self.task.at(self.options.full()).map(|(own, value)| (self.space.to_unit(own), value)).collect();
        weigh(&mut self.sources, &measured, gate);
    }

    /// Configurations of the sources that were not measured and are not waiting.
    fn take_warm(&self, count: usize) -> Vec<Configuration> {
        if self.options.transfer.is_none_or(|transfer| transfer.warm_start == 0) {
            return Vec::new();
        }
        let is_new = |own: &Configuration| {
            !self.task.observations.iter().any(|known| known.configuration == *own)
                && self.pool.is_none_or(|pool| pool.contains(own))
        };
        warm_queue(&self.sources).into_iter().filter(is_new).take(count).collect()
    }

    fn warm_start(&mut self) -> Option<Configuration> {
        let wanted = self.options.transfer?.warm_start;
        if self.warmed >= wanted {
            return None;
        }
        self.warmed += 1;
        self.take_warm(1).pop()
    }
}
