//! metrics.json: a run as one file that reads back, small enough to be kept in a repository.

use serde::{Deserialize, Serialize};

use crate::lab::check::Checked;
use crate::lab::contrast::Compared;
use crate::lab::factor::{Coordinate, Factor, Grid, Point};
use crate::lab::metric::{Labels, Measurement};
use crate::lab::results::{Finished, MeanCurve, Results, Row};
use crate::study::StudyError;
use crate::study::compare::Comparison;
use crate::study::energy::Usage;

/// Name and version of the format.
const FORMAT: &str = "qgraft.results/1";

/// A run with everything that its tables are made of. Times and the learning curves of single trials are in other
/// files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptRun {
    /// Name and version of the format.
    pub format: String,
    /// Name of the system.
    pub system: String,
    /// Version of the program.
    pub version: String,
    /// The command that repeats it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub command: String,
    /// Its settings.
    pub spec: toml::Table,
    /// What was varied.
    pub grids: Vec<KeptGrid>,
    /// Every number, those of one metric and one cell together.
    pub values: Vec<Group>,
    /// Learning curves of all cells, mean over seeds, in six digits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curves: Vec<MeanCurve>,
    /// Paired comparisons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<Comparison>,
    /// Checks with their figures, for a reader; claims compute them again.
    #[serde(default, skip_deserializing, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Checked>,
    /// Trials that came out as another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inapplicable: Vec<Inapplicable>,
    /// Repairs, fallbacks and other notices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// Trials that failed, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<(String, String)>,
}

/// A grid without what only planning needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptGrid {
    /// Its name.
    pub name: String,
    /// What it varies.
    pub factors: Vec<Factor>,
}

/// The numbers of one metric in one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Name of the grid.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub grid: String,
    /// Name of the metric.
    pub metric: String,
    /// Factors and levels of the cell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Labels,
    /// Seed and number; the seed is empty where nothing is repeated.
    pub values: Vec<(String, f64)>,
}

/// A trial that came out as another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inapplicable {
    /// Name of its grid.
    pub grid: String,
    /// Its factors and levels.
    pub at: Labels,
    /// Why.
    pub reason: String,
}

impl Inapplicable {
    fn of(finished: &Finished) -> Option<Self> {
        let Finished { point, measurement, .. } = finished;
        let at = point.coordinates.iter().map(|c| (c.factor.clone(), c.level.clone())).collect();
        Some(Self { grid: point.grid.clone(), at, reason: measurement.inapplicable.clone()? })
    }

    /// The trial without its numbers, which are in the rows.
    fn trial(&self) -> Finished {
        let at = self.at.iter().cloned();
        // Claims read names of levels, never their position in the list.
        let coordinates = at.map(|(factor, level)| Coordinate { factor, level, index: 0 }).collect();
        Finished {
            point: Point { grid: self.grid.clone(), coordinates },
            is_trial: true,
            measurement: Measurement::default().inapplicable(self.reason.clone()),
            usage: Usage::default(),
        }
    }
}

const SEED: &str = "seed";

impl KeptRun {
    /// Of what a run found.
    pub fn new(
        system: &str,
        command: &str,
        spec: toml::Table,
        results: &Results,
        (compared, checks): (&[Compared], &[Checked]),
    ) -> Self {
        let grid = |grid: &Grid| KeptGrid { name: grid.name.clone(), factors: grid.factors.clone() };
        let mut values: Vec<Group> = Vec::new();
        for row in &results.rows {
            let at: Labels = row.levels.iter().filter(|(factor, _)| factor != SEED).cloned().collect();
            let value = (row.level(SEED).to_string(), row.value);
            let same = |g: &&mut Group| g.grid == row.grid && g.metric == row.metric && g.at == at;
            match values.iter_mut().find(same) {
                Some(group) => group.values.push(value),
                None => {
                    values.push(Group { grid: row.grid.clone(), metric: row.metric.clone(), at, values: vec![value] })
                }
            }
        }
        let applying = compared.iter().filter(|c| c.inapplicable.is_none());
        Self {
            format: FORMAT.into(),
            system: system.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            command: command.into(),
            spec,
            grids: results.grids.iter().map(grid).collect(),
            values,
            curves: results.curves.iter().map(in_six_digits).collect(),
            comparisons: applying.map(|c| c.comparison.clone()).collect(),
            checks: checks.to_vec(),
            inapplicable: results.finished.iter().filter_map(Inapplicable::of).collect(),
            notices: results.notices().into_iter().map(String::from).collect(),
            failures: results.failures.iter().map(|f| (f.title.clone(), f.reason.clone())).collect(),
        }
    }

    /// The file: numbers as the shortest text that reads back to them, those of a group in one line.
    ///
    /// # Panics
    /// If settings hold what JSON cannot.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("settings and results are plain data");
        compact(&text) + "\n"
    }

    /// Reads the file.
    ///
    /// # Errors
    /// A text that is no such file.
    pub fn from_json(text: &str, name: &str) -> Result<Self, StudyError> {
        let kept: Self = serde_json::from_str(text).map_err(|source| StudyError::Json { path: name.into(), source })?;
        match kept.format == FORMAT {
            true => Ok(kept),
            false => Err(StudyError::Spec {
                path: name.into(),
                reason: format!("format = {:?}: this version reads {FORMAT:?}", kept.format),
            }),
        }
    }

    /// The numbers as [`Results`].
    pub fn results(&self) -> Results {
        let row = |group: &Group, (seed, value): &(String, f64)| {
            let seed = (!seed.is_empty()).then(|| (SEED.to_string(), seed.clone()));
            Row {
                grid: group.grid.clone(),
                levels: group.at.iter().cloned().chain(seed).collect(),
                metric: group.metric.clone(),
                value: *value,
            }
        };
        let rows =
            self.values.iter().flat_map(|group| group.values.iter().map(|value| row(group, value)).collect::<Vec<_>>());
        let grid = |grid: &KeptGrid| Grid {
            name: grid.name.clone(),
            heading: String::new(),
            factors: grid.factors.clone(),
            block: &[],
            block_name: grid.name.clone(),
            metrics: Vec::new(),
            skip: Vec::new(),
        };
        Results {
            grids: self.grids.iter().map(grid).collect(),
            rows: rows.collect(),
            curves: self.curves.clone(),
            finished: self.inapplicable.iter().map(Inapplicable::trial).collect(),
            ..Results::default()
        }
    }
}

/// Six digits are enough to draw a curve, and a third of the file.
fn in_six_digits(curve: &MeanCurve) -> MeanCurve {
    // What was formatted as a number reads as one.
    let short = |value: &f64| format!("{value:.5e}").parse().unwrap_or(*value);
    MeanCurve { values: curve.values.iter().map(short).collect(), ..curve.clone() }
}

/// Joins the lines of lists that hold no objects: the numbers of a group are one line.
fn compact(pretty: &str) -> String {
    let lines: Vec<&str> = pretty.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut out = String::with_capacity(pretty.len());
    let mut k = 0;
    while k < lines.len() {
        let line = lines[k];
        out += line;
        let end =
            line.ends_with('[').then(|| (k + 1..lines.len()).find(|&j| indent(lines[j]) == indent(line))).flatten();
        if let Some(end) = end.filter(|&end| !lines[k..end].iter().any(|line| line.ends_with('{'))) {
            for (before, next) in lines[k..].iter().zip(&lines[k + 1..=end]) {
                if before.ends_with(',') {
                    out.push(' ');
                }
                out += next.trim_start();
            }
            k = end;
        }
        out.push('\n');
        k += 1;
    }
    out.truncate(out.trim_end().len());
    out
}
