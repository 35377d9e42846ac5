//! Candidates and their order by a model.

use crate::classic::tuning::acquisition::{Prediction, expected_improvement};
use crate::classic::tuning::gaussian::{GaussianProcess, best_matern};
use crate::classic::tuning::history::Observation;
use crate::classic::tuning::options::Model;
use crate::classic::tuning::parzen::Parzen;
use crate::classic::tuning::space::{Configuration, Region};
use crate::classic::tuning::tuner::Tuner;
use crate::math::Stream;

/// The best configurations whose neighbours are candidates.
const LOCAL: usize = 10;
/// Configurations of a level from which on Parzen's densities are made of it.
const LEAST_ROWS: usize = 6;
/// Candidates that are drawn from the density of good configurations.
const PARZEN_CANDIDATES: usize = 48;
/// Noise of a process with a kernel of one's own, as a share of its variance.
const OWN_NOISE: [f64; 3] = [1e-3, 1e-2, 0.1];

/// A model of values over the unit cube.
pub(super) type Predict<'a> = Box<dyn Fn(&[Vec<f64>]) -> Vec<Prediction> + 'a>;

impl<'a> Tuner<'a> {
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
    pub(super) fn propose(&mut self, count: usize, level: usize) -> Vec<Configuration> {
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
    pub(super) fn measured(&self, level: usize) -> Vec<(Vec<f64>, f64)> {
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

pub(super) fn least(own: &[(Vec<f64>, f64)]) -> f64 {
    own.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min)
}

/// Indices by score, the largest first.
pub(super) fn sorted(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    order
}
