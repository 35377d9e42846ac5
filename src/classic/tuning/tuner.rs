//! The tuner: asked for what to measure next, told what came of it.

mod ensemble;

use std::collections::VecDeque;

use crate::classic::tuning::acquisition::{Prediction, expected_improvement};
use crate::classic::tuning::gaussian::{GaussianProcess, Kernel, best_matern};
use crate::classic::tuning::history::{Observation, Task};
use crate::classic::tuning::hyperband::{Bracket, cycle};
use crate::classic::tuning::options::{Model, Options, Quirk};
use crate::classic::tuning::parzen::Parzen;
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

/// The best configurations whose neighbours are candidates.
const LOCAL: usize = 10;
/// Configurations of a level from which on Parzen's densities are made of it.
const LEAST_ROWS: usize = 6;
/// Slots of a batch at a lower level that the warm start fills.
const WARM_SLOTS: usize = 2;
/// Candidates that are drawn from the density of good configurations.
const PARZEN_CANDIDATES: usize = 48;
/// Noise of a process with a kernel of one's own, as a share of its variance.
const OWN_NOISE: [f64; 3] = [1e-3, 1e-2, 0.1];

/// A model of values over the unit cube.
type Predict<'a> = Box<dyn Fn(&[Vec<f64>]) -> Vec<Prediction> + 'a>;

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
                return None;
            }
            let open = batch.len();
            self.queue.extend(batch.into_iter().map(|configuration| Proposal { configuration, level }));
            self.running = Some(Running { bracket, step: 0, open, results: Vec::new() });
        }
    }

    /// Tells what came of a proposal.
    pub fn tell(&mut self, proposal: &Proposal, value: Option<f64>, cost: f64, parts: Vec<Option<f64>>) {
        let Proposal { configuration, level } = proposal.clone();
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

    /// Candidates that were not measured at this level.
    fn candidates(&mut self, level: usize) -> Vec<Configuration> {
        let measured: Vec<Configuration> = self
            .task
            .observations
            .iter()
            .filter(|own| own.level >= level)
            .map(|own| own.configuration.clone())
            .collect();
        let region = self.region();
        if let Some(pool) = self.pool {
            let left: Vec<Configuration> = pool.iter().filter(|own| !measured.contains(own)).cloned().collect();
            let within: Vec<Configuration> = left.iter().filter(|own| region.holds(self.space, own)).cloned().collect();
            // A range that has no more of the list is given up.
            return if within.len() >= LOCAL { within } else { left };
        }
        if self.options.model == Model::Parzen {
            return self.near_good_ones(&measured);
        }
        let whole = Region::whole(self.space);
        let mut best: Vec<&Observation> = self.task.observations.iter().filter(|own| own.value.is_some()).collect();
        best.sort_by(|a, b| {
            b.level.cmp(&a.level).then(a.value.unwrap_or(f64::MAX).total_cmp(&b.value.unwrap_or(f64::MAX)))
        });
        let starts: Vec<Configuration> = best.iter().take(LOCAL).map(|own| own.configuration.clone()).collect();
        let local = if starts.is_empty() { 0 } else { 3 * self.options.candidates / 7 };
        let mut found = Vec::with_capacity(self.options.candidates);
        for k in 0..self.options.candidates {
            let next = if k < local {
                region.neighbour(self.space, &starts[k % starts.len()], &mut self.stream)
            } else if self.stream.uniform() < self.options.whole_share {
                whole.sample(self.space, &mut self.stream)
            } else {
                region.sample(self.space, &mut self.stream)
            };
            if !measured.contains(&next) {
                found.push(next);
            }
        }
        found
    }

    /// Configurations of the highest level that has enough for densities.
    fn for_densities(&self) -> Option<Vec<(Vec<f64>, f64)>> {
        (0..=self.options.full()).rev().map(|level| self.measured(level)).find(|own| own.len() >= LEAST_ROWS)
    }

    /// Candidates from the density of good configurations; random ones while there is none.
    fn near_good_ones(&mut self, measured: &[Configuration]) -> Vec<Configuration> {
        let whole = Region::whole(self.space);
        let known = self.for_densities();
        let parzen = known.map(|own| Parzen::new(self.space, &own));
        let mut draw = |_| match &parzen {
            Some(parzen) => parzen.sample(&mut self.stream),
            None => whole.sample(self.space, &mut self.stream),
        };
        let drawn: Vec<Configuration> = (0..PARZEN_CANDIDATES).map(&mut draw).collect();
        let others: Vec<Configuration> = (0..LOCAL).map(|_| whole.sample(self.space, &mut self.stream)).collect();
        drawn.into_iter().chain(others).filter(|own| !measured.contains(own)).collect()
    }

    /// The best candidates for a level, no more than there are.
    fn propose(&mut self, count: usize, level: usize) -> Vec<Configuration> {
        if count == 0 {
            return Vec::new();
        }
        let candidates = self.candidates(level);
        if candidates.is_empty() {
            return candidates;
        }
        let order = self.order(&candidates);
        let mut found: Vec<Configuration> = Vec::new();
        let mut next = order.into_iter();
        while found.len() < count {
            let is_random = self.options.random_share > 0.0 && self.stream.uniform() < self.options.random_share;
            let drawn = if is_random { Some(self.stream.below(candidates.len())) } else { next.next() };
            let Some(k) = drawn else { break };
            if !found.contains(&candidates[k]) {
                found.push(candidates[k].clone());
            }
        }
        found
    }

    /// Configurations in the unit cube and values of a level; a failure has the worst value.
    fn measured(&self, level: usize) -> Vec<(Vec<f64>, f64)> {
        let worst = self.task.at(level).map(|(_, value)| value).fold(f64::NEG_INFINITY, f64::max);
        let own = self.task.observations.iter().filter(|own| own.level == level && worst.is_finite());
        own.map(|own| (self.space.to_unit(&own.configuration), own.value.unwrap_or(worst))).collect()
    }

    /// Candidates, the best first.
    fn order(&mut self, candidates: &[Configuration]) -> Vec<usize> {
        let full = self.options.full();
        let own = self.measured(full);
        let random = |stream: &mut Stream| stream.permutation(candidates.len());
        let units: Vec<Vec<f64>> = candidates.iter().map(|own| self.space.to_unit(own)).collect();
        match self.options.model {
            Model::Random => random(&mut self.stream),
            Model::Parzen => {
                let Some(measured) = self.for_densities() else { return random(&mut self.stream) };
                let parzen = Parzen::new(self.space, &measured);
                sorted(&units.iter().map(|unit| parzen.score(unit)).collect::<Vec<f64>>())
            }
            Model::Gaussian => match self.process(&own) {
                Some(predict) => {
                    let best = least(&own);
                    sorted(&predict(&units).iter().map(|p| expected_improvement(*p, best)).collect::<Vec<f64>>())
                }
                None => random(&mut self.stream),
            },
            Model::Forest => self.order_by_ensemble(&own, &units),
        }
    }

    /// A Gaussian process of the target.
    fn process(&self, own: &[(Vec<f64>, f64)]) -> Option<Predict<'a>> {
        let (units, values): (Vec<Vec<f64>>, Vec<f64>) = own.iter().cloned().unzip();
        if self.kernels.is_empty() {
            let process = best_matern(&units, &values, &self.space.choices())?;
            return Some(Box::new(move |rows| rows.iter().map(|row| process.predict(row)).collect()));
        }
        let grid = self.kernels.iter().flat_map(|kernel| OWN_NOISE.map(|noise| (kernel, noise)));
        let fitted = grid.filter_map(|(kernel, noise)| GaussianProcess::fit(kernel(), &units, &values, noise));
        let best = fitted.reduce(|best, next| if next.likelihood() > best.likelihood() { next } else { best })?;
        Some(Box::new(move |rows| rows.iter().map(|row| best.predict(row)).collect()))
    }
}

fn least(own: &[(Vec<f64>, f64)]) -> f64 {
    own.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min)
}

/// Indices by score, the largest first.
fn sorted(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    order
}
