//! The tidy table of a run: one row per point, evaluation and metric. Queries on it.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::lab::factor::{Factor, Grid, Point, Role};
use crate::lab::metric::{Labels, Measurement, Metric};
use crate::lab::plan::{Plan, Step};
use crate::lab::settings::Settings;
use crate::lab::store::Store;
use crate::math::order::median;
use crate::study::StudyError;
use crate::study::energy::Usage;
use crate::study::stats::{self, Spread};

/// One number with everything that identifies it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Name of the grid; empty for what was known before any trial.
    pub grid: String,
    /// Factor and level, evaluation factors last.
    pub levels: Labels,
    /// Name of the metric.
    pub metric: String,
    /// The number.
    pub value: f64,
}

impl Row {
    /// The level of a factor; empty if the row has no such factor.
    pub fn level(&self, factor: &str) -> &str {
        self.levels.iter().find(|(name, _)| name == factor).map_or("", |(_, level)| level)
    }
}

/// A finished step of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// Where: the whole point of a trial, the factors of a block, or nowhere for the inputs.
    pub point: Point,
    /// Whether it is a trial.
    pub is_trial: bool,
    /// What it measured.
    pub measurement: Measurement,
    /// What it took.
    pub usage: Usage,
}

/// A trial without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What it is.
    pub title: String,
    /// Its id.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// A learning curve of a cell, mean over its seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanCurve {
    /// Name of the grid.
    pub grid: String,
    /// Name of the metric.
    pub metric: String,
    /// Factors and levels of the cell.
    pub at: Labels,
    /// By epoch, as far as the shortest curve goes.
    pub values: Vec<f64>,
}

/// Everything that a run found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// What was varied.
    pub grids: Vec<Grid>,
    /// Every number, in the order of the plan.
    pub rows: Vec<Row>,
    /// Learning curves of all cells.
    pub curves: Vec<MeanCurve>,
    /// Finished steps, in the order of the plan.
    pub finished: Vec<Finished>,
    /// Trials that failed.
    pub failures: Vec<Failure>,
    /// Number of trials in the plan.
    pub planned: usize,
}

impl Results {
    /// What `store` holds of a plan.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn read<S: Settings>(plan: &Plan<S>, store: &Store, metrics: &[Metric]) -> Result<Self, StudyError> {
        let mut results = Self { grids: plan.grids.clone(), planned: plan.trials().count(), ..Self::default() };
        for node in &plan.nodes {
            let is_trial = node.step == Step::Trial;
            match store.read(&node.key)? {
                Some(stored) => results.add(
                    Finished {
                        point: node.point.clone(),
                        is_trial,
                        measurement: stored.measurement,
                        usage: stored.usage,
                    },
                    metrics,
                ),
                None => results.failures.extend(store.failure(&node.key).map(|reason| Failure {
                    title: node.title.clone(),
                    id: node.key.id.clone(),
                    reason,
                })),
            }
        }
        results.curves = results.mean_curves();
        Ok(results)
    }

    /// Without the additions to the experiment ([`Factor::is_addition`]): what checks and sections are about.
    pub fn at_baselines(&self) -> Self {
        let is_own = |grid: &str, level: &dyn Fn(&str) -> Option<String>| {
            let factors = self.grid(grid).into_iter().flat_map(|grid| &grid.factors);
            factors.into_iter().filter(|factor| factor.is_addition).all(|factor| {
                let baseline = factor.baseline().map(|level| level.name.as_str());
                level(&factor.name).is_none_or(|level| Some(level.as_str()) == baseline)
            })
        };
        let of = |levels: &Labels, factor: &str| {
            levels.iter().find(|(name, _)| name == factor).map(|(_, level)| level.clone())
        };
        let mut own = self.clone();
        own.rows.retain(|row| is_own(&row.grid, &|factor| of(&row.levels, factor)));
        own.curves.retain(|curve| is_own(&curve.grid, &|factor| of(&curve.at, factor)));
        own.finished.retain(|finished| {
            let levels = &finished.point.coordinates;
            let level = |factor: &str| levels.iter().find(|c| c.factor == factor).map(|c| c.level.clone());
            is_own(&finished.point.grid, &level)
        });
        own
    }

    fn mean_curves(&self) -> Vec<MeanCurve> {
        let mut cells: Vec<(MeanCurve, Vec<Vec<f64>>)> = Vec::new();
        for Finished { point, measurement, .. } in self.finished.iter().filter(|f| f.is_trial) {
            let levels = point.coordinates.iter().map(|c| (c.factor.clone(), c.level.clone()));
            let at: Labels = levels.filter(|(factor, _)| factor != "seed").collect();
            for curve in &measurement.curves {
                let is_same = |c: &MeanCurve| c.grid == point.grid && c.metric == curve.metric && c.at == at;
                match cells.iter_mut().find(|(cell, _)| is_same(cell)) {
                    Some((_, seeds)) => seeds.push(curve.values.clone()),
                    None => {
                        let (grid, metric) = (point.grid.clone(), curve.metric.clone());
                        let cell = MeanCurve { grid, metric, at: at.clone(), values: Vec::new() };
                        cells.push((cell, vec![curve.values.clone()]));
                    }
                }
            }
        }
        let mean = |seeds: &[Vec<f64>]| Spread::of_curves(seeds).iter().map(|spread| spread.mean).collect();
        cells.into_iter().map(|(cell, seeds)| MeanCurve { values: mean(&seeds), ..cell }).collect()
    }

    /// Takes in a finished step.
    pub(super) fn add(&mut self, finished: Finished, metrics: &[Metric]) {
        let own: Labels = finished.point.coordinates.iter().map(|c| (c.factor.clone(), c.level.clone())).collect();
        let is_stable = |name: &str| metrics.iter().all(|metric| metric.name != name || !metric.volatile);
        for value in finished.measurement.values.iter().filter(|value| is_stable(&value.metric)) {
            self.rows.push(Row {
                grid: finished.point.grid.clone(),
                levels: own.iter().chain(&value.at).cloned().collect(),
                metric: value.metric.clone(),
                value: value.value,
            });
        }
        self.finished.push(finished);
    }

    /// The values of a metric.
    pub fn of(&self, metric: &str) -> Query<'_> {
        let rows = self.rows.iter().filter(|row| row.metric == metric).collect();
        Query { results: self, rows }
    }

    /// The values of a metric in one cell of a grid: measured under the evaluation factors that `levels` names, or under
    /// none.
    pub fn cell<'l>(&self, grid: &str, metric: &str, levels: &[(&'l str, &'l str)]) -> Query<'_> {
        let query = self.of(metric).grid(grid).plain_unless_in(levels.iter().map(|(factor, _)| *factor));
        levels.iter().fold(query, |query, (factor, level)| query.at(factor, level))
    }

    /// The grid of this name.
    pub fn grid(&self, name: &str) -> Option<&Grid> {
        self.grids.iter().find(|grid| grid.name == name)
    }

    /// The factor of this name, from the first grid that has it.
    pub fn factor(&self, name: &str) -> Option<&Factor> {
        self.grids.iter().find_map(|grid| grid.factor(name))
    }

    /// Finished trials of a grid.
    pub fn trials(&self, grid: &str) -> impl Iterator<Item = &Finished> {
        self.finished.iter().filter(move |finished| finished.is_trial && finished.point.grid == grid)
    }

    /// The mean over seeds of a learning curve of the cell with these levels; `None` if there is none.
    pub fn mean_curve(&self, grid: &str, metric: &str, levels: &[(&str, &str)]) -> Option<&[f64]> {
        let has = |at: &Labels, (factor, level): &(&str, &str)| at.iter().any(|(f, l)| f == factor && l == level);
        let mut own = self.curves.iter().filter(|c| c.grid == grid && c.metric == metric);
        own.find(|curve| levels.iter().all(|level| has(&curve.at, level))).map(|curve| &curve.values[..])
    }

    /// What trials of a grid kept under this name, in the order of the plan.
    pub fn kept<T: DeserializeOwned>(&self, grid: &str, name: &str) -> Vec<(&Point, T)> {
        self.trials(grid).filter_map(|f| Some((&f.point, f.measurement.kept(name)?))).collect()
    }

    /// What the inputs kept under this name.
    pub fn of_inputs<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let inputs = self.finished.iter().find(|f| !f.is_trial && f.point.grid.is_empty());
        inputs.and_then(|f| f.measurement.kept(name))
    }

    /// What the first prepared block kept under this name.
    pub fn of_blocks<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let blocks = self.finished.iter().filter(|f| !f.is_trial);
        blocks.into_iter().find_map(|f| f.measurement.kept(name))
    }

    /// Every notice once, in the order of the plan.
    pub fn notices(&self) -> Vec<&str> {
        let mut notices: Vec<&str> = Vec::new();
        for notice in self.finished.iter().flat_map(|f| &f.measurement.notices) {
            if !notices.contains(&notice.as_str()) {
                notices.push(notice);
            }
        }
        notices
    }

    /// Why trials with these levels are none of their own, if any is.
    pub fn inapplicable(&self, grid: &str, levels: &[(&str, &str)]) -> Option<&str> {
        let agrees = |point: &Point| levels.iter().all(|(factor, level)| point.get(factor) == *level);
        let own = self.trials(grid).filter(|f| agrees(&f.point));
        own.into_iter().find_map(|f| f.measurement.inapplicable.as_deref())
    }
}

/// Values of one metric, to be narrowed down.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    results: &'a Results,
    rows: Vec<&'a Row>,
}

impl<'a> Query<'a> {
    /// Only those of a grid.
    pub fn grid(mut self, name: &str) -> Self {
        self.rows.retain(|row| row.grid == name);
        self
    }

    /// Only those at a level of a factor.
    pub fn at(mut self, factor: &str, level: &str) -> Self {
        self.rows.retain(|row| row.level(factor) == level);
        self
    }

    /// Only those measured under no evaluation factor.
    pub fn plain(mut self) -> Self {
        let is_evaluation = |grid: &str, factor: &str| {
            self.results.grid(grid).and_then(|g| g.factor(factor)).is_some_and(|f| f.role == Role::Evaluation)
        };
        self.rows.retain(|row| !row.levels.iter().any(|(factor, _)| is_evaluation(&row.grid, factor)));
        self
    }

    /// Only those measured under no evaluation factor, unless one of these factors is one.
    pub fn plain_unless_in<'f>(self, factors: impl IntoIterator<Item = &'f str>) -> Self {
        let is_evaluation = |name: &str| self.results.factor(name).is_some_and(|f| f.role == Role::Evaluation);
        if factors.into_iter().any(is_evaluation) { self } else { self.plain() }
    }

    /// The rows themselves.
    pub fn rows(&self) -> &[&'a Row] {
        &self.rows
    }

    /// All values as samples, identified by the factors that are not fixed; `None` if there are none.
    pub fn samples(&self) -> Option<Samples> {
        Samples::new(self.rows.iter().map(|row| (row.levels.clone(), row.value)).collect())
    }

    /// Samples by level of a factor, in the order of the levels. Levels without values are left out.
    pub fn by(&self, factor: &str) -> Vec<(String, Samples)> {
        let mut levels: Vec<&str> = Vec::new();
        for row in &self.rows {
            let level = row.level(factor);
            if !level.is_empty() && !levels.contains(&level) {
                levels.push(level);
            }
        }
        levels.sort_by_key(|level| {
            let known = self.results.factor(factor).map(|f| f.names().position(|name| name == *level));
            known.flatten().unwrap_or(usize::MAX)
        });
        let samples = |level: &str| Some((level.to_string(), self.clone().at(factor, level).samples()?));
        levels.into_iter().filter_map(samples).collect()
    }

    /// The only value; `None` if there is none or more than one.
    pub fn single(&self) -> Option<f64> {
        match self.rows[..] {
            [row] => Some(row.value),
            _ => None,
        }
    }
}

/// Values of one metric with the levels that identify them.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples(Vec<(Labels, f64)>);

impl Samples {
    /// Of at least one value.
    pub fn new(values: Vec<(Labels, f64)>) -> Option<Self> {
        (!values.is_empty()).then_some(Self(values))
    }

    /// The values.
    pub fn values(&self) -> Vec<f64> {
        self.0.iter().map(|(_, value)| *value).collect()
    }

    /// Their number.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: there is at least one value.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Arithmetic mean.
    pub fn mean(&self) -> f64 {
        stats::mean(&self.values()).expect("there is at least one value")
    }

    /// Mean and standard deviation.
    pub fn spread(&self) -> Spread {
        Spread::of(&self.values()).expect("there is at least one value")
    }

    /// The middle value, or the mean of the two in the middle.
    pub fn median(&self) -> f64 {
        median(self.values()).expect("there is at least one value")
    }

    /// The smallest value.
    pub fn min(&self) -> f64 {
        self.values().into_iter().fold(f64::INFINITY, f64::min)
    }

    /// The largest value.
    pub fn max(&self) -> f64 {
        self.values().into_iter().fold(f64::NEG_INFINITY, f64::max)
    }

    /// The mean over this one's mean over another's.
    pub fn over(&self, other: &Self) -> Option<f64> {
        Some(self.mean() / other.mean()).filter(|ratio| ratio.is_finite())
    }

    /// Means by the levels of some factors: values that agree in all of them are one sample.
    pub fn averaged_by(&self, factors: &[&str]) -> Self {
        let mut groups: Vec<(Labels, Vec<f64>)> = Vec::new();
        for (levels, value) in &self.0 {
            let key: Labels = levels.iter().filter(|(f, _)| factors.contains(&f.as_str())).cloned().collect();
            match groups.iter_mut().find(|(known, _)| *known == key) {
                Some((_, values)) => values.push(*value),
                None => groups.push((key, vec![*value])),
            }
        }
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        Self(groups.into_iter().map(|(key, values)| (key, mean(values))).collect())
    }

    /// Values of both where both have one, paired by the levels of some factors. Within a pair values are averaged.
    pub fn paired(&self, other: &Self, factors: &[&str]) -> (Vec<f64>, Vec<f64>) {
        let (own, other) = (self.averaged_by(factors), other.averaged_by(factors));
        let known: BTreeMap<&Labels, f64> = other.0.iter().map(|(key, value)| (key, *value)).collect();
        own.0.iter().filter_map(|(key, value)| Some((*value, *known.get(key)?))).unzip()
    }

    /// Differences to another's, paired by seed.
    pub fn minus(&self, other: &Self) -> Option<Vec<f64>> {
        let (own, other) = self.paired(other, &["seed"]);
        (!own.is_empty()).then(|| own.iter().zip(other).map(|(a, b)| a - b).collect())
    }
}
