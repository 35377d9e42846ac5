//! Contrasts: which levels are compared with which, as data that become paired comparisons.

use crate::lab::factor::{Factor, Grid, Role};
use crate::lab::metric::Metric;
use crate::lab::results::Results;
use crate::study::compare::{Comparison, Question, correct};

/// One level of a factor against another, everything else equal.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// Name of the grid.
    pub grid: String,
    /// Name of the metric.
    pub metric: String,
    /// The factor whose levels differ.
    pub factor: String,
    /// The level in question.
    pub level: String,
    /// The level it is compared with.
    pub baseline: String,
    /// Levels that both have: settings, and evaluation factors they are measured under.
    pub at: Vec<(String, String)>,
    /// Factors whose levels make the pairs. Values that agree in them are averaged.
    pub pairs: Vec<String>,
    /// What it answers.
    pub question: Question,
}

impl Contrast {
    /// The first metric of `grid` between two levels, paired by seed.
    pub fn new(grid: &str, metric: &str, factor: &str, level: &str, baseline: &str) -> Self {
        Self {
            grid: grid.into(),
            metric: metric.into(),
            factor: factor.into(),
            level: level.into(),
            baseline: baseline.into(),
            at: Vec::new(),
            pairs: vec!["seed".into()],
            question: Question::Difference,
        }
    }

    /// Within a level of another factor.
    pub fn at(mut self, factor: &str, level: &str) -> Self {
        self.at.push((factor.into(), level.into()));
        self
    }

    /// As the answer to a question.
    pub fn asking(self, question: Question) -> Self {
        Self { question, ..self }
    }

    /// Paired by other factors than the seed.
    pub fn paired_by(self, factors: &[&str]) -> Self {
        Self { pairs: factors.iter().map(|factor| factor.to_string()).collect(), ..self }
    }

    /// In another metric.
    pub fn in_metric(self, metric: &str) -> Self {
        Self { metric: metric.into(), ..self }
    }

    /// One level of a factor against another in the first metric of a grid, within each combination of its settings and of
    /// its other arms.
    pub fn in_each_setting(grid: &Grid, factor: &str, level: &str, baseline: &str) -> Vec<Self> {
        let Some(metric) = grid.metrics.first() else { return Vec::new() };
        let pair = |at| Self { at, ..Self::new(&grid.name, metric, factor, level, baseline) };
        settings(grid, factor).into_iter().map(pair).collect()
    }

    /// Every arm of a grid against the baseline, in its first metric, within each combination of its settings.
    pub fn to_baseline(grid: &Grid) -> Vec<Self> {
        let Some(metric) = grid.metrics.first() else { return Vec::new() };
        let mut found = Vec::new();
        for arm in grid.factors.iter().filter(|factor| factor.role == Role::Arm) {
            let Some(baseline) = arm.baseline() else { continue };
            for within in settings(grid, &arm.name) {
                let others = arm.levels.iter().filter(|level| level.name != baseline.name);
                found.extend(others.map(|level| Self {
                    at: within.clone(),
                    ..Self::new(&grid.name, metric, &arm.name, &level.name, &baseline.name)
                }));
            }
        }
        found
    }

    /// What it compares, in words: "plain − scratch, random_labels".
    pub fn title(&self) -> String {
        let within: Vec<&str> = self.at.iter().map(|(_, level)| level.as_str()).collect();
        match within.is_empty() {
            true => format!("{} − {}", self.level, self.baseline),
            false => format!("{} − {}, {}", self.level, self.baseline, within.join(", ")),
        }
    }

    /// The comparison; `None` where one of the two has no values.
    pub fn compare(&self, results: &Results, metrics: &[Metric]) -> Option<Comparison> {
        let metric = metrics.iter().find(|metric| metric.name == self.metric)?;
        let of = |level: &str| {
            let mut query = results.of(&self.metric).grid(&self.grid).at(&self.factor, level);
            for (factor, level) in &self.at {
                query = query.at(factor, level);
            }
            for (factor, level) in self.additions(results) {
                query = query.at(factor, level);
            }
            let named = self.at.iter().map(|(factor, _)| factor).chain([&self.factor]);
            query.plain_unless_in(named.map(String::as_str)).samples()
        };
        let pairs: Vec<&str> = self.pairs.iter().map(String::as_str).collect();
        let (own, baseline) = of(&self.level)?.paired(&of(&self.baseline)?, &pairs);
        let within: Vec<&str> = self.at.iter().map(|(_, level)| level.as_str()).collect();
        let name = match within.is_empty() {
            true => self.level.clone(),
            false => format!("{} ({})", self.level, within.join(", ")),
        };
        // Both lists have one finite value per pair, so only empty ones are refused.
        let found =
            Comparison::new(self.question, metric.quantity(), (&name, &own), (&self.baseline, &baseline)).ok()?;
        Some(found.over(match &self.pairs[..] {
            [one] => one,
            _ => "pair",
        }))
    }

    /// The additions to the grid that it does not name, each at its baseline.
    fn additions<'r>(&self, results: &'r Results) -> Vec<(&'r str, &'r str)> {
        let is_named = |factor: &str| factor == self.factor || self.at.iter().any(|(own, _)| own == factor);
        let factors = results.grid(&self.grid).into_iter().flat_map(|grid| &grid.factors);
        let added = factors.filter(|factor| factor.is_addition && !is_named(&factor.name));
        added.filter_map(|factor| Some((factor.name.as_str(), factor.baseline()?.name.as_str()))).collect()
    }

    /// Why it is no comparison: one of its levels came out as another.
    pub fn inapplicable<'r>(&self, results: &'r Results) -> Option<&'r str> {
        let of = |level: &str| {
            let mut levels: Vec<(&str, &str)> = vec![(&self.factor, level)];
            // Evaluation factors are no part of a point.
            let is_trial = |name: &str| results.factor(name).is_some_and(|factor| factor.role != Role::Evaluation);
            levels.extend(self.at.iter().filter(|(f, _)| is_trial(f)).map(|(f, l)| (f.as_str(), l.as_str())));
            levels.extend(self.additions(results));
            results.inapplicable(&self.grid, &levels)
        };
        of(&self.level).or_else(|| of(&self.baseline))
    }
}

/// Combinations of the levels of all factors of a grid but one, the seeds, evaluations and additions.
fn settings(grid: &Grid, but: &str) -> Vec<Vec<(String, String)>> {
    let mut found: Vec<Vec<(String, String)>> = vec![Vec::new()];
    let is_other = |f: &&Factor| f.name != but && matches!(f.role, Role::Setting | Role::Arm) && !f.is_addition;
    let others = grid.factors.iter().filter(is_other);
    for factor in others.filter(|factor| factor.levels.len() > 1) {
        let with = |so_far: &Vec<(String, String)>, level: &str| {
            so_far.iter().cloned().chain([(factor.name.clone(), level.to_string())]).collect()
        };
        found = found
            .iter()
            .flat_map(|so_far| factor.names().map(|level| with(so_far, level)).collect::<Vec<_>>())
            .collect();
    }
    found
}

/// A contrast with what it found.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// What was compared.
    pub contrast: Contrast,
    /// The comparison, its p corrected over the whole report.
    pub comparison: Comparison,
    /// Why it answers nothing, if one of its levels came out as another.
    pub inapplicable: Option<String>,
}

/// All contrasts that have values, with Holm's correction over those that apply.
pub fn compare(contrasts: &[Contrast], results: &Results, metrics: &[Metric]) -> Vec<Compared> {
    let one = |contrast: &Contrast| {
        let comparison = contrast.compare(results, metrics)?;
        let inapplicable = contrast.inapplicable(results).map(String::from);
        Some(Compared { contrast: contrast.clone(), comparison, inapplicable })
    };
    let mut compared: Vec<Compared> = contrasts.iter().filter_map(one).collect();
    let mut family: Vec<&mut Compared> = compared.iter_mut().filter(|c| c.inapplicable.is_none()).collect();
    let mut comparisons: Vec<Comparison> = family.iter().map(|c| c.comparison.clone()).collect();
    correct(&mut comparisons);
    for (compared, corrected) in family.iter_mut().zip(comparisons) {
        compared.comparison = corrected;
    }
    compared
}
