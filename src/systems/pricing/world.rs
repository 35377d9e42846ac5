//! Markets: contexts, true utilities, choices of the sources.

use crate::classic::Logistic;
use crate::classic::choice::{Choices, Design, LinearUtility, best_offer};
use crate::math::Stream;
use crate::study::StudyError;
use crate::systems::pricing::spec::Spec;

/// Utilities may not fall more slowly than this with the price in a simulated source.
const LEAST_SENSITIVITY: f64 = 1e-3;

/// Covariates of every second source are so many times those of the target, where they differ.
const SMALLER: f64 = 0.6;

/// How simulated sources differ from the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// Parameters that differ.
    pub coordinates: usize,
    /// By how much each.
    pub size: f64,
    /// Whether every second source has smaller covariates.
    pub has_other_covariates: bool,
}

/// A target with its sources. Everything that is drawn is drawn once, so that arms meet the same contexts, and customers who
/// would choose alike.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// How features and prices become rows.
    pub design: Design,
    /// Items a round.
    pub items: usize,
    /// rounds × items × features.
    pub contexts: Vec<f64>,
    /// True utilities, rounds × items.
    pub utilities: Vec<LinearUtility>,
    /// The largest expected revenue of each round.
    pub best: Vec<f64>,
    /// A uniform number for the customer of each round.
    pub customers: Vec<f64>,
    /// Seed of rounds of random play.
    pub exploration: u64,
    /// One choice a round of each source under random play.
    pub sources: Vec<Choices>,
    /// 1/(1 + χ²) of the target's covariates to each source's.
    pub weights: Vec<f64>,
    /// What a unit of price takes away from every utility, at least.
    pub least_slope: f64,
    /// True parameters, if the model holds.
    pub truth: Option<Vec<f64>>,
    /// Those of each source.
    pub source_truth: Vec<Vec<f64>>,
}

impl World {
    /// The paper's generator: features min(|z|, 1) with standard normal z, the same items in all markets.
    ///
    /// # Errors
    /// None for valid settings.
    pub fn simulated(spec: &Spec, shift: Shift, seed: u64) -> Result<Self, StudyError> {
        let design = Design::full(spec.features);
        let mut stream = Stream::named(seed, "market");
        let mut truth: Vec<f64> = (0..spec.features).map(|_| stream.normal()).collect();
        let raw: Vec<f64> = (0..spec.features).map(|_| 0.5 + stream.uniform()).collect();
        let sum: f64 = raw.iter().sum();
        truth.extend(raw.iter().map(|value| spec.sensitivity * value / sum));
        let mut source_truth = Vec::new();
        let mut moved = Vec::new();
        for _ in 0..spec.sources {
            if moved.is_empty() || !spec.common_support {
                let order = stream.permutation(design.width());
                let sign = |stream: &mut Stream| if stream.uniform() < 0.5 { -1.0 } else { 1.0 };
                moved = order[..shift.coordinates.min(design.width())]
                    .iter()
                    .map(|&k| (k, sign(&mut stream) * shift.size))
                    .collect::<Vec<_>>();
            }
            let mut own = truth.clone();
            moved.iter().for_each(|&(k, by)| own[k] += by);
            own[spec.features..].iter_mut().for_each(|gamma| *gamma = gamma.max(LEAST_SENSITIVITY));
            source_truth.push(own);
        }
        let count = spec.rounds * spec.items;
        let mut stream = Stream::named(seed, "contexts");
        let contexts: Vec<f64> = (0..count * spec.features).map(|_| stream.normal().abs().min(1.0)).collect();
        let utilities = |nu: &[f64], contexts: &[f64]| -> Vec<LinearUtility> {
            contexts.chunks_exact(spec.features).map(|x| design.utility(x, nu)).collect()
        };
        let own = utilities(&truth, &contexts);
        let mut world = Self::new(spec, (design.clone(), spec.items), contexts, own, seed);
        for (source, nu) in source_truth.iter().enumerate() {
            let is_other = shift.has_other_covariates && source % 2 == 1;
            let others: Vec<f64> = match is_other {
                true => world.contexts.iter().map(|x| SMALLER * x).collect(),
                false => world.contexts.clone(),
            };
            world.add_source(spec, &others, &utilities(nu, &others), (seed, source))?;
        }
        world.truth = Some(truth);
        world.source_truth = source_truth;
        Ok(world)
    }

    /// A target without sources.
    pub fn new(
        spec: &Spec,
        (design, items): (Design, usize),
        contexts: Vec<f64>,
        utilities: Vec<LinearUtility>,
        seed: u64,
    ) -> Self {
        let best = utilities.chunks_exact(items).map(|own| best_offer(own, spec.offer, spec.ceiling).revenue);
        let best: Vec<f64> = best.collect();
        let mut stream = Stream::named(seed, "customers");
        let customers = best.iter().map(|_| stream.uniform()).collect();
        let exploration = Stream::named(seed, "exploration").bits();
        let (sources, weights, source_truth) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            design,
            items,
            contexts,
            utilities,
            best,
            customers,
            exploration,
            sources,
            weights,
            least_slope: spec.least_slope,
            truth: None,
            source_truth,
        }
    }

    /// Adds a source with one choice a round under random play, from its contexts and utilities.
    ///
    /// # Errors
    /// None: rows have the width of the design.
    pub fn add_source(
        &mut self,
        spec: &Spec,
        contexts: &[f64],
        utilities: &[LinearUtility],
        (seed, source): (u64, usize),
    ) -> Result<(), StudyError> {
        let mut choices = Choices::new(self.design.width(), true);
        let mut stream = Stream::numbered(Stream::named(seed, "sources").bits(), source as u64);
        let features = self.design.features;
        for round in 0..self.best.len() {
            let (items, prices) = random_offer(spec, self.items, &mut stream);
            let mut rows = Vec::new();
            let mut own = Vec::new();
            for (&item, &price) in items.iter().zip(&prices) {
                let at = round * self.items + item;
                self.design.push_row(&contexts[at * features..(at + 1) * features], price, &mut rows);
                own.push(utilities[at].at(price));
            }
            choices.push(&rows, choice(&own, stream.uniform()), 1.0)?;
        }
        self.weights.push(covariate_weight(&self.contexts, contexts, features));
        self.sources.push(choices);
        Ok(())
    }

    /// Number of rounds.
    pub fn rounds(&self) -> usize {
        self.best.len()
    }

    /// Features of the items of a round, items × features.
    pub fn context(&self, round: usize) -> &[f64] {
        let size = self.items * self.design.features;
        &self.contexts[round * size..(round + 1) * size]
    }

    /// Features of an item of a round.
    pub fn item(&self, round: usize, item: usize) -> &[f64] {
        let features = self.design.features;
        &self.context(round)[item * features..(item + 1) * features]
    }

    /// True utility of an item of a round.
    pub fn utility(&self, round: usize, item: usize) -> LinearUtility {
        self.utilities[round * self.items + item]
    }
}

/// A uniformly random set of the largest size at uniform prices.
pub fn random_offer(spec: &Spec, items: usize, stream: &mut Stream) -> (Vec<usize>, Vec<f64>) {
    let mut chosen: Vec<usize> = stream.permutation(items).into_iter().take(spec.offer).collect();
    chosen.sort_unstable();
    let prices = chosen.iter().map(|_| spec.ceiling * stream.uniform()).collect();
    (chosen, prices)
}

/// What the customer with this uniform number chooses.
pub fn choice(utilities: &[f64], uniform: f64) -> Option<usize> {
    let weights: Vec<f64> = utilities.iter().map(|v| v.exp()).collect();
    let mut left = uniform * (1.0 + weights.iter().sum::<f64>());
    weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    })
}

/// Items of each market that the ratio of densities is estimated from, at most.
const COMPARED: usize = 2_000;

/// 1/(1 + χ²(target ‖ source)), with the ratio of densities r from a logistic regression: χ² = mean of r over the target - 1. The
/// mean of r² over the source is the same, but its estimate lacks what the source has never seen. Between 0 and 1.
fn covariate_weight(target: &[f64], source: &[f64], features: usize) -> f64 {
    let count = (target.len() / features).min(COMPARED);
    let rows: Vec<f64> = [&target[..count * features], &source[..count * features]].concat();
    let Ok(rows) = ndarray::Array2::from_shape_vec((2 * count, features), rows) else { return 1.0 };
    let labels: Vec<bool> = (0..2 * count).map(|row| row < count).collect();
    let Some(fitted) = Logistic::fit(rows.view(), &labels, 1.0) else { return 1.0 };
    let ratios = (0..count).map(|row| fitted.log_odds(rows.row(row)).clamp(-30.0, 30.0).exp());
    1.0 / (ratios.sum::<f64>() / count as f64).max(1.0)
}
