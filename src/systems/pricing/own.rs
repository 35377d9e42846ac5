//! Models of a user's markets: how well few choices of the target are enough, and a bandit in the fitted markets.

use std::collections::BTreeMap;

use crate::classic::choice::{Choices, Design, LinearUtility};
use crate::lab::Measurement;
use crate::math::Stream;
use crate::study::StudyError;
use crate::systems::pricing::estimate::debias;
use crate::systems::pricing::saved::{MODEL_FILE, SavedModel};
use crate::systems::pricing::spec::Spec;
use crate::systems::pricing::table::{ChoiceTable, Market};
use crate::systems::pricing::world::World;

/// Estimates that are compared on choices of a table.
pub const ESTIMATES: [(&str, &str); 4] = [
    ("own", "from choices of the target alone"),
    ("pooled", "from all choices, counted alike"),
    ("aggregate", "from choices of the sources alone"),
    ("debiased", "from choices of the sources, then a sparse difference from those of the target"),
];

/// Name of the kept parameters of a market.
pub const PARAMETERS: &str = "parameters";

/// A market with its mean log-likelihood of a choice and its parameters by name.
pub type MarketFit = (String, f64, BTreeMap<String, f64>);

/// A table with its target.
pub struct Own {
    /// The table.
    pub table: ChoiceTable,
    /// Index of the target.
    pub target: usize,
    /// Why there is no bandit, if there is none.
    pub no_bandit: Option<String>,
    /// Maximum-likelihood parameters of each market, scaled.
    fitted: Vec<Vec<f64>>,
}

impl Own {
    /// Reads the table of the settings.
    ///
    /// # Errors
    /// A table that is none, an unknown target, one with too few choices.
    pub fn read(spec: &Spec, path: &std::path::Path) -> Result<Self, StudyError> {
        let table = ChoiceTable::read(path, spec.ceiling)?;
        let target = table.target(spec.target.as_deref())?;
        let Market { name, sets } = &table.markets[target];
        if sets.len() < 4 {
            let reason = format!("market {name} has {} choices; a target needs at least 4", sets.len());
            return Err(StudyError::Spec { path: path.into(), reason });
        }
        let columns = &table.columns;
        let fit = |market: &Market| -> Result<Vec<f64>, StudyError> {
            let choices = columns.choices(&market.sets)?;
            Ok(choices.fit(&vec![0.0; choices.width()], spec.ridge / choices.len() as f64)?)
        };
        let fitted = table.markets.iter().map(fit).collect::<Result<Vec<_>, _>>()?;
        let features = columns.design().features;
        let no_bandit = match columns.price {
            None => Some("a bandit needs a column `price`".to_string()),
            Some(_) if fitted[target][features] > 0.0 => None,
            Some(_) => Some(format!(
                "market {name}: utility does not fall with the price (coefficient {:.3} of -price), so no price is best; \
                 choose another --target",
                columns.in_units(&fitted[target])[features]
            )),
        };
        Ok(Self { table, target, no_bandit, fitted })
    }

    /// What to change if no number of choices that is asked for is there.
    pub fn few(&self, spec: &Spec) -> Option<String> {
        let count = self.table.markets[self.target].sets.len();
        let training = count - tested(spec, count);
        let is_few = spec.rows.iter().all(|rows| *rows > training);
        is_few.then(|| {
            let half = (training / 2).max(1);
            format!(
                "only {training} of them are to learn from, so nothing is learned from them; --set rows=[{half}] does"
            )
        })
    }

    fn sources(&self) -> impl Iterator<Item = &Market> {
        let target = self.target;
        self.table.markets.iter().enumerate().filter(move |(k, _)| *k != target).map(|(_, market)| market)
    }

    /// Maximum-likelihood parameters of each market by the units of the table, with the mean log-likelihood of a choice.
    ///
    /// # Errors
    /// If a likelihood is not finite.
    pub fn fits(&self) -> Result<Vec<MarketFit>, StudyError> {
        let columns = &self.table.columns;
        let mut found = Vec::new();
        for (market, nu) in self.table.markets.iter().zip(&self.fitted) {
            let loss = columns.choices(&market.sets)?.loss(nu, &mut vec![0.0; nu.len()]);
            let named = columns.names().into_iter().zip(columns.in_units(nu)).collect();
            found.push((market.name.clone(), -loss, named));
        }
        Ok(found)
    }

    /// Learns from some of the target's choices, and tests on others.
    ///
    /// # Errors
    /// If a likelihood is not finite.
    pub fn compare(&self, spec: &Spec, arm: &str, rows: usize, seed: u64) -> Result<Measurement, StudyError> {
        let columns = &self.table.columns;
        let sets = &self.table.markets[self.target].sets;
        let order = Stream::named(seed, "split of choices").permutation(sets.len());
        let (test, training) = order.split_at(tested(spec, sets.len()));
        if arm != "aggregate" && rows > training.len() {
            let reason = format!("the target has {} choices to learn from, not {rows}", training.len());
            return Ok(Measurement::default().inapplicable(reason));
        }
        let used = &training[..rows.min(training.len())];
        let target = columns.choices(used.iter().map(|&k| &sets[k]))?;
        let sources = columns.choices(self.sources().flat_map(|market| &market.sets))?;
        let start = vec![0.0; target.width()];
        let ridge = |choices: &Choices| spec.ridge / choices.len() as f64;
        let mut differs = None;
        let nu = match arm {
            "own" => target.fit(&start, ridge(&target))?,
            "pooled" => {
                let mut all = sources;
                all.extend(&target, 0..target.len(), 1.0);
                all.fit(&start, ridge(&all))?
            }
            _ => {
                let aggregate = sources.fit(&start, ridge(&sources))?;
                if arm == "aggregate" {
                    aggregate
                } else {
                    let count = target.len() as f64;
                    let confidence = (target.width() as f64).ln() + 2.0 * count.ln();
                    let delta = debias(&target, &aggregate, spec.lambda * (confidence / count).sqrt());
                    differs = Some(delta.iter().filter(|value| **value != 0.0).count() as f64 / delta.len() as f64);
                    aggregate.iter().zip(&delta).map(|(a, d)| a + d).collect()
                }
            }
        };
        let held_out = columns.choices(test.iter().map(|&k| &sets[k]))?;
        let loss = held_out.loss(&nu, &mut vec![0.0; nu.len()]);
        let model = SavedModel {
            columns: columns.clone(),
            market: self.table.markets[self.target].name.clone(),
            offer: spec.offer,
            ceiling: spec.ceiling,
        };
        Ok(Measurement::default()
            .value("log_loss", loss)
            .value("accuracy", accuracy(&held_out, &nu))
            .value_if("found", differs)
            .file(MODEL_FILE, model.to_bytes(&nu)?))
    }

    /// A bandit in the fitted markets: items of a round are lines of the target's choices. Utilities are relative to what is
    /// outside, or to an average line at its price where there is no such choice.
    ///
    /// # Errors
    /// None where `no_bandit` is none.
    pub fn world(&self, spec: &Spec, seed: u64) -> Result<World, StudyError> {
        let columns = &self.table.columns;
        let market = &self.table.markets[self.target];
        let own = columns.design();
        let truth = &self.fitted[self.target];
        let sensitivity = truth[own.features];
        // Lines of the target, with a constant behind them.
        let lines: Vec<Vec<f64>> = market.sets.iter().flat_map(|set| columns.scaled(set)).collect();
        let prices = market.sets.iter().flat_map(|set| &set.prices);
        let mean_price = prices.sum::<f64>() / lines.len() as f64 / columns.price.unwrap_or(1.0);
        let mean = lines.iter().map(|x| own.utility(x, truth).at(mean_price)).sum::<f64>() / lines.len() as f64;
        let constant = if columns.has_outside { 0.0 } else { -mean };
        let with_constant = |nu: &[f64]| -> Vec<f64> {
            let (theta, gamma) = nu.split_at(own.features);
            [theta, &[constant], gamma].concat()
        };
        let design = Design { features: own.features + 1, priced: own.priced.clone() };
        let truth = with_constant(truth);
        let mut stream = Stream::named(seed, "lines");
        let mut contexts = Vec::with_capacity(spec.rounds * spec.items * design.features);
        for _ in 0..spec.rounds * spec.items {
            contexts.extend_from_slice(&lines[stream.below(lines.len())]);
            contexts.push(1.0);
        }
        let utilities = |nu: &[f64], contexts: &[f64]| -> Vec<LinearUtility> {
            contexts.chunks_exact(design.features).map(|x| design.utility(x, nu)).collect()
        };
        let of_target = utilities(&truth, &contexts);
        let mut world = World::new(spec, (design.clone(), spec.items), contexts, of_target, seed);
        // The envelope needs a bound that holds.
        world.least_slope = spec.least_slope.min(0.5 * sensitivity);
        let others = self.fitted.iter().enumerate().filter(|(k, _)| *k != self.target);
        for (source, (_, nu)) in others.enumerate() {
            let nu = with_constant(nu);
            let contexts = world.contexts.clone();
            world.add_source(spec, &contexts, &utilities(&nu, &contexts), (seed, source))?;
            world.source_truth.push(nu);
        }
        world.truth = Some(truth);
        Ok(world)
    }
}

/// Number of the target's choices that models are tested on, of at least two.
fn tested(spec: &Spec, choices: usize) -> usize {
    ((choices as f64 * spec.test_share).round() as usize).clamp(1, choices - 1)
}

/// Share of choices in which what was chosen has the largest probability.
pub fn accuracy(choices: &Choices, nu: &[f64]) -> f64 {
    let is_right = |k: usize| {
        let shares = choices.probabilities(k, nu);
        let outside = 1.0 - shares.iter().sum::<f64>();
        let best = crate::math::order::argmax(&shares);
        let predicted = (shares[best] >= outside).then_some(best);
        predicted == choices.chosen(k)
    };
    (0..choices.len()).filter(|&k| is_right(k)).count() as f64 / choices.len().max(1) as f64
}
