//! Source tasks: how similar each is to the task at hand, what they say of the space, and where they start.

use crate::classic::tuning::density::Density;
use crate::classic::tuning::history::Task;
use crate::classic::tuning::shap::shapley_values;
use crate::classic::tuning::space::{Configuration, Region, Space};
use crate::classic::tuning::surrogate::{ForestSurrogate, rows};
use crate::classic::tuning::weights::concordance;
use crate::classic::{Answers, Forest, Growth};
use crate::math::Stream;

/// Sources that count at most.
const MOST: usize = 3;
/// Random configurations on which two tasks are compared.
const COMPARED: usize = 25;
/// Pairs that the concordance predicted from meta-features counts as.
const PRIOR_PAIRS: f64 = 10.0;
/// Predicted concordance where nothing is known: a weak hope, which counts as few pairs.
const UNKNOWN: f64 = 0.6;
const UNKNOWN_PAIRS: f64 = 2.0;
/// Concordance of two tasks that have no order in common.
const CHANCE: f64 = 0.5;
/// Concordance below which the gate leaves a source out of which meta-features say nothing: few measurements are a little above
/// chance by chance.
const LEAST_CONCORDANCE: f64 = 0.6;
/// Trees of the forest whose Shapley values are read.
const TREES: usize = 100;
/// The share of a source's configurations, the best ones, that ranges are made of.
const TOP_SHARE: f64 = 0.25;
/// Points of the grid of a density, and the mass that a range keeps.
const GRID: usize = 1000;
const MASS: f64 = 0.8;
/// Configurations of a source that the warm start may take.
const WARM: usize = 20;

/// A task with a history of full measurements.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// Meta-features.
    pub meta: Vec<f64>,
    /// Configurations and values, the best first.
    pub rows: Vec<(Configuration, f64)>,
    /// The model of its values.
    pub surrogate: ForestSurrogate,
    /// Times of the parts of complete measurements.
    pub parts: Vec<Vec<f64>>,
    importance: [Vec<f64>; 2],
    /// Concordance with the task at hand that meta-features predict.
    pub predicted: f64,
    /// Pairs of measurements that the prediction counts as.
    pub predicted_pairs: f64,
    /// What it weighs: twice the concordance above chance, among the three largest, summing to 1.
    pub weight: f64,
}

impl Source {
    /// Of a task's full measurements; `None` of fewer than three.
    pub fn new(space: &Space, task: &Task, full: usize, trees: usize, seed: u64) -> Option<Self> {
        let mut own: Vec<(Configuration, f64)> = task.at(full).map(|(own, value)| (own.clone(), value)).collect();
        if own.len() < 3 {
            return None;
        }
        own.sort_by(|a, b| a.1.total_cmp(&b.1));
        let units: Vec<Vec<f64>> = own.iter().map(|(own, _)| space.to_unit(own)).collect();
        let values: Vec<f64> = own.iter().map(|(_, value)| *value).collect();
        let seed = Stream::named(seed, &task.name).bits();
        let surrogate = ForestSurrogate::fit(&units, &values, trees, seed)?;
        Some(Self {
            name: task.name.clone(),
            meta: task.meta.clone(),
            rows: own,
            surrogate,
            parts: task.parts(full),
            importance: [
                importance(space, &units, &values, false, seed),
                importance(space, &units, &values, true, seed),
            ],
            predicted: UNKNOWN,
            predicted_pairs: UNKNOWN_PAIRS,
            weight: 0.0,
        })
    }

    /// Mean size of each knob's Shapley values, summing to 1; of numbers alone if choices are not counted.
    pub fn importance(&self, numbers_only: bool) -> &[f64] {
        &self.importance[usize::from(numbers_only)]
    }
}

fn importance(space: &Space, units: &[Vec<f64>], values: &[f64], numbers_only: bool, seed: u64) -> Vec<f64> {
    let choices = space.choices();
    let read: Vec<usize> = (0..space.len()).filter(|&k| !(numbers_only && choices[k])).collect();
    let mut found = vec![0.0; space.len()];
    if read.is_empty() {
        return found;
    }
    let own: Vec<Vec<f64>> = units.iter().map(|unit| read.iter().map(|&k| unit[k]).collect()).collect();
    let table = rows(&own);
    let growth = Growth { leaf: 1, ..Growth::regressor(TREES, read.len()) };
    let forest = Forest::grow(table.view(), Answers::Numbers(values), &growth, seed).forest;
    for row in shapley_values(&forest, table.view()) {
        row.iter().zip(&read).for_each(|(value, &k)| found[k] += value.abs());
    }
    let total: f64 = found.iter().sum();
    found.iter_mut().for_each(|value| *value = if total > 0.0 { *value / total } else { 0.0 });
    found
}

/// Predicts from meta-features the concordance of each source with the task at hand: a forest on pairs of sources, whose
/// concordance is that of their models on 25 random configurations. With fewer than three sources, or no meta-features, it says
/// 0.6 of each.
pub fn predict_concordance(space: &Space, sources: &mut [Source], meta: &[f64], seed: u64) {
    let is_known = !meta.is_empty() && sources.iter().all(|source| source.meta.len() == meta.len());
    if sources.len() < 3 || !is_known {
        return;
    }
    let scaled: Vec<Vec<f64>> = {
        let all = || sources.iter().map(|source| &source.meta[..]).chain([meta]);
        let range = |k: usize| {
            let values = all().map(|own| own[k]);
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
        };
        let ranges: Vec<(f64, f64)> = (0..meta.len()).map(range).collect();
        let scale = |own: &[f64]| {
            own.iter()
                .zip(&ranges)
                .map(|(v, (low, high))| if high > low { (v - low) / (high - low) } else { 0.0 })
                .collect()
        };
        all().map(scale).collect()
    };
    let mut stream = Stream::named(seed, "similarity");
    let region = Region::whole(space);
    let units: Vec<Vec<f64>> = (0..COMPARED).map(|_| space.to_unit(&region.sample(space, &mut stream))).collect();
    let means = |source: &Source| source.surrogate.predict(&units).iter().map(|own| own.mean).collect::<Vec<f64>>();
    let predicted: Vec<Vec<f64>> = sources.iter().map(means).collect();
    // Differences beside both: close pairs are alike.
    let pair = |a: &[f64], b: &[f64]| -> Vec<f64> {
        a.iter().chain(b).copied().chain(a.iter().zip(b).map(|(a, b)| (a - b).abs())).collect()
    };
    let (mut pairs, mut values) = (Vec::new(), Vec::new());
    for a in 0..sources.len() {
        for b in (0..sources.len()).filter(|&b| b != a) {
            pairs.push(pair(&scaled[a], &scaled[b]));
            values.push(concordance(&predicted[a], &predicted[b]).unwrap_or(UNKNOWN));
        }
    }
    let Some(forest) = ForestSurrogate::fit(&pairs, &values, 50, seed) else { return };
    let target = &scaled[sources.len()];
    let asked: Vec<Vec<f64>> = (0..sources.len()).map(|k| pair(target, &scaled[k])).collect();
    for (source, found) in sources.iter_mut().zip(forest.predict(&asked)) {
        (source.predicted, source.predicted_pairs) = (found.mean, PRIOR_PAIRS);
    }
}

/// Weighs sources by their concordance with the task: what meta-features predict, and what the task's own measurements say as
/// soon as there are any. With `gate` a source without an order in common weighs nothing, so that it can do no harm; without, a
/// concordance of 0.2 is enough, as in the paper's code.
pub fn weigh(sources: &mut [Source], measured: &[(Vec<f64>, f64)], gate: bool) {
    let units: Vec<Vec<f64>> = measured.iter().map(|(unit, _)| unit.clone()).collect();
    let values: Vec<f64> = measured.iter().map(|(_, value)| *value).collect();
    let pairs = (values.len() * values.len().saturating_sub(1) / 2) as f64;
    for source in sources.iter_mut() {
        let mut found = source.predicted;
        if pairs > 0.0 {
            let means: Vec<f64> = source.surrogate.predict(&units).iter().map(|own| own.mean).collect();
            let own = concordance(&means, &values).unwrap_or(CHANCE);
            let prior = source.predicted_pairs;
            found = (prior * found + pairs * own) / (prior + pairs);
        }
        source.weight = match gate {
            true if source.predicted_pairs < PRIOR_PAIRS && found < LEAST_CONCORDANCE => 0.0,
            true => (2.0 * (found - CHANCE)).max(0.0),
            false => Some(found).filter(|found| *found >= 0.2).unwrap_or(0.0),
        };
    }
    let mut order: Vec<usize> = (0..sources.len()).collect();
    order.sort_by(|&a, &b| sources[b].weight.total_cmp(&sources[a].weight));
    order.iter().skip(MOST).for_each(|&k| sources[k].weight = 0.0);
    let total: f64 = sources.iter().map(|source| source.weight).sum();
    if total > 0.0 {
        sources.iter_mut().for_each(|source| source.weight /= total);
    }
}

/// The part of the space that sources point at: the `keep` knobs with the largest weighted Shapley values, each number within
/// the densest range of the sources' best quarter of configurations. Everything if no source weighs anything.
///
/// `worse_weigh_more` gives all configurations of a source a weight that grows with their rank from the best one, as the public
/// code does; `numbers_only` reads no choices, which then all vary.
pub fn compressed(
    space: &Space,
    sources: &[Source],
    keep: usize,
    (worse_weigh_more, numbers_only): (bool, bool),
) -> Region {
    let mut region = Region::whole(space);
    let own: Vec<&Source> = sources.iter().filter(|source| source.weight > 0.0).collect();
    if own.is_empty() {
        return region;
    }
    let choices = space.choices();
    let ranked: Vec<usize> = {
        let sum = |k: usize| own.iter().map(|source| source.weight * source.importance(numbers_only)[k]).sum::<f64>();
        let sums: Vec<f64> = (0..space.len()).map(sum).collect();
        let mut order: Vec<usize> = (0..space.len()).filter(|&k| !(numbers_only && choices[k])).collect();
        order.sort_by(|&a, &b| sums[b].total_cmp(&sums[a]));
        order
    };
    ranked.iter().skip(keep).for_each(|&k| region.varies[k] = false);
    // A knob that counts only under a choice needs the choice.
    for k in 0..space.len() {
        if let Some((parent, _)) = &space.knobs()[k].only_if
            && region.varies[k]
        {
            region.varies[*parent] = true;
        }
    }
    for k in (0..space.len()).filter(|&k| region.varies[k] && !choices[k]) {
        let (mut points, mut weights) = (Vec::new(), Vec::new());
        for source in &own {
            let kept = match worse_weigh_more {
                true => source.rows.len(),
                false => ((source.rows.len() as f64 * TOP_SHARE).ceil() as usize).max(3).min(source.rows.len()),
            };
            for (rank, (configuration, _)) in source.rows.iter().take(kept).enumerate() {
                points.push(space.knobs()[k].to_unit(configuration[k]));
                let goodness = if worse_weigh_more { rank + 1 } else { kept - rank };
                weights.push(source.weight * goodness as f64);
            }
        }
        if let Some(density) = Density::new(&points, &weights) {
            let (low, high) = density.range((0.0, 1.0), GRID, MASS);
            if high > low {
                region.ranges[k] = (low, high);
            }
        }
    }
    region
}

/// The best configurations of the sources that weigh something, the best of each first, those of the heaviest source before
/// others of the same rank.
pub fn warm_queue(sources: &[Source]) -> Vec<Configuration> {
    let mut own: Vec<&Source> = sources.iter().filter(|source| source.weight > 0.0).collect();
    own.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let mut queue: Vec<Configuration> = Vec::new();
    for rank in 0..WARM {
        for (configuration, _) in own.iter().filter_map(|source| source.rows.get(rank)) {
            if !queue.contains(configuration) {
                queue.push(configuration.clone());
            }
        }
    }
    queue
}
