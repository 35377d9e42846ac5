//! The ensemble of sources, cheaper levels and the task itself.

use crate::classic::tuning::acquisition::{Prediction, expected_improvement, order_by_ranks};
use crate::classic::tuning::options::{Combination, Quirk};
use crate::classic::tuning::surrogate::ForestSurrogate;
use crate::classic::tuning::tuner::Tuner;
use crate::classic::tuning::tuner::proposals::{Predict, least, sorted};
use crate::classic::tuning::weights::{LEAST_VALUES, ranking_weights};

/// Parts of the target's own cross-validation.
const FOLDS: usize = 5;

/// A member of the ensemble, with the value that it must beat.
struct Member<'a> {
    weight: f64,
    predict: Predict<'a>,
    best: f64,
    /// Mean and standard deviation of its values.
    scale: (f64, f64),
}

impl Tuner<'_> {
    /// Candidates (rows of the unit cube), the best first, by the ensemble's acquisition.
    pub(super) fn order_by_ensemble(&mut self, own: &[(Vec<f64>, f64)], units: &[Vec<f64>]) -> Vec<usize> {
        let full = self.options.full();
        let trees = self.options.trees;
        let mut stream = self.stream.clone();
        let _ = self.stream.bits();
        let seed = stream.bits();
        let points: Vec<Vec<f64>> = own.iter().map(|(unit, _)| unit.clone()).collect();
        let values: Vec<f64> = own.iter().map(|(_, value)| *value).collect();
        let mut names: Vec<String> = Vec::new();
        let mut members: Vec<Member<'_>> = Vec::new();
        for source in self.sources.iter().filter(|source| source.weight > 0.0) {
            let predict: Predict<'_> = Box::new(|rows| source.surrogate.predict(rows));
            let scale = scale(source.rows.iter().map(|(_, value)| *value));
            names.push(source.name.clone());
            members.push(Member { weight: source.weight, predict, best: f64::NAN, scale });
        }
        for level in 0..full {
            let low = self.measured(level);
            if low.len() < 3 {
                continue;
            }
            let (rows, low): (Vec<Vec<f64>>, Vec<f64>) = low.into_iter().unzip();
            if let Some(forest) = ForestSurrogate::fit(&rows, &low, trees, seed ^ (level as u64 + 1)) {
                let predict: Predict<'_> = Box::new(move |rows| forest.predict(rows));
                names.push(format!("level {level}"));
                members.push(Member { weight: 0.0, predict, best: f64::NAN, scale: scale(low.into_iter()) });
            }
        }
        let target = ForestSurrogate::fit(&points, &values, trees, seed).filter(|_| values.len() > 1);
        if members.is_empty() && target.is_none() {
            return self.stream.permutation(units.len());
        }
        if !members.is_empty() && values.len() >= LEAST_VALUES {
            let predicted: Vec<Vec<Prediction>> = members.iter().map(|member| (member.predict)(&points)).collect();
            let held_out = cross_validated(&points, &values, trees, seed);
            let quirk = self.options.has(Quirk::VarianceIsDeviation);
            let weights = ranking_weights(&predicted, &held_out, &values, self.own_weight, quirk, &mut stream);
            members.iter_mut().zip(&weights).for_each(|(member, weight)| member.weight = *weight);
            self.own_weight = weights[members.len()];
        } else {
            let count = (members.len() + usize::from(target.is_some())) as f64;
            members.iter_mut().for_each(|member| member.weight = 1.0 / count);
        }
        if let Some(target) = target {
            let weight = if members.is_empty() {
                1.0
            } else if values.len() >= LEAST_VALUES {
                self.own_weight
            } else {
                1.0 / (members.len() + 1) as f64
            };
            names.push("target".into());
            let predict: Predict<'_> = Box::new(move |rows| target.predict(rows));
            members.push(Member { weight, predict, best: f64::NAN, scale: scale(values.iter().copied()) });
        }
        if self.options.has(Quirk::TargetOnly) && !values.is_empty() {
            let last = members.len() - 1;
            members.iter_mut().take(last).for_each(|member| member.weight = 0.0);
            members[last].weight = 1.0;
        }
        let is_shared = self.options.has(Quirk::SharedScale);
        for member in &mut members {
            // What a member thinks of the measured points: its own scale, so that sources can be compared.
            let seen = (member.predict)(&points);
            member.best = seen.iter().map(|own| own.mean).fold(f64::INFINITY, f64::min);
            if is_shared {
                member.best = least(own);
            }
            if !member.best.is_finite() {
                member.best = member.scale.0;
            }
        }
        self.weights = names.into_iter().zip(&members).map(|(name, member)| (name, member.weight)).collect();
        members.retain(|member| member.weight > 0.0);
        let combination = self.options.transfer.map_or(Combination::Ranks, |transfer| transfer.combination);
        match combination {
            Combination::Ranks => {
                let scores = members.iter().map(|member| {
                    let improvements =
                        (member.predict)(units).into_iter().map(|p| expected_improvement(p, member.best));
                    (member.weight, improvements.collect::<Vec<f64>>())
                });
                order_by_ranks(&scores.collect::<Vec<_>>())
            }
            Combination::Mean => {
                let mean = |rows: &[Vec<f64>]| {
                    let mut sums = vec![Prediction { mean: 0.0, variance: 0.0 }; rows.len()];
                    let total: f64 = members.iter().map(|member| member.weight).sum();
                    for member in &members {
                        let (shift, spread) = member.scale;
                        for (sum, own) in sums.iter_mut().zip((member.predict)(rows)) {
                            let share = member.weight / total;
                            sum.mean += share * (own.mean - shift) / spread;
                            sum.variance += (share / spread).powi(2) * own.variance;
                        }
                    }
                    sums
                };
                let best = mean(&points).iter().map(|own| own.mean).fold(f64::INFINITY, f64::min);
                let best = if best.is_finite() { best } else { 0.0 };
                sorted(&mean(units).into_iter().map(|own| expected_improvement(own, best)).collect::<Vec<f64>>())
            }
        }
    }
}

/// Predictions of each value by a forest that did not see it.
fn cross_validated(points: &[Vec<f64>], values: &[f64], trees: usize, seed: u64) -> Vec<Prediction> {
    let mut found = vec![Prediction { mean: 0.0, variance: 1.0 }; values.len()];
    for fold in 0..FOLDS {
        let (held, kept): (Vec<usize>, Vec<usize>) = (0..values.len()).partition(|k| k % FOLDS == fold);
        let rows: Vec<Vec<f64>> = kept.iter().map(|&k| points[k].clone()).collect();
        let own: Vec<f64> = kept.iter().map(|&k| values[k]).collect();
        if let Some(forest) = ForestSurrogate::fit(&rows, &own, trees, seed ^ fold as u64) {
            let asked: Vec<Vec<f64>> = held.iter().map(|&k| points[k].clone()).collect();
            held.iter().zip(forest.predict(&asked)).for_each(|(&k, own)| found[k] = own);
        }
    }
    found
}

/// Mean and standard deviation, 1 where there is none.
fn scale(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let values: Vec<f64> = values.collect();
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    (mean, if deviation > 0.0 { deviation } else { 1.0 })
}
