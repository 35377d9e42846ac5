//! Factors and points: what an experiment varies.
//!
//! A [`Grid`] is the product of its factors, less the points it leaves out. A [`Point`] is one cell of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What varying a factor means. It decides how results are averaged and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Its levels are compared with each other: methods, heads, baselines.
    Arm,
    /// Comparisons are made within each of its levels: data sets, targets, sizes.
    Setting,
    /// Its levels repeat the same experiment. Values over them are averaged and paired.
    Seed,
    /// Varied on a finished trial, without a new one: devices, shots. A trial reports a value for each of its levels.
    Evaluation,
}

/// One value of a factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Name in tables and on the command line.
    pub name: String,
    /// One line for people; empty where the name explains itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub doc: String,
    /// Whether the other levels of an arm factor are compared with this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub baseline: bool,
}

/// Something that is varied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// Name, the same in every grid of a system: a column of results.csv.
    pub name: String,
    /// What varying it means.
    pub role: Role,
    /// Its values, in the order of tables.
    pub levels: Vec<Level>,
    /// Whether its levels beside the baseline are additions to the experiment. What does not name the factor is then about the
    /// baseline alone: comparisons of other factors, checks and sections.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_addition: bool,
    /// The field of the settings that only lists its levels. Such a list decides which trials there are but no trial's
    /// result, so a run may be resumed with a longer one.
    #[serde(skip)]
    pub field: Option<&'static str>,
}

impl Factor {
    /// A factor whose levels need no explanation.
    pub fn new(name: &str, role: Role, levels: impl IntoIterator<Item = impl ToString>) -> Self {
        let level = |name: &dyn ToString| Level { name: name.to_string(), doc: String::new(), baseline: false };
        let levels = levels.into_iter().map(|name| level(&name)).collect();
        Self { name: name.into(), role, levels, is_addition: false, field: None }
    }

    /// A factor whose levels are names with one line each.
    pub fn explained(
        name: &str,
        role: Role,
        levels: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        let level = |(name, doc): (String, String)| Level { name, doc, baseline: false };
        let levels = levels.into_iter().map(|(name, doc)| level((name.into(), doc.into()))).collect();
        Self { name: name.into(), role, levels, is_addition: false, field: None }
    }

    /// The factor `seed` over these seeds, listed by the field `seeds`.
    pub fn seeds(seeds: &[u64]) -> Self {
        Self::new("seed", Role::Seed, seeds).listed_by("seeds")
    }

    /// The level of this name is what the others are compared with. Nothing happens if there is none.
    pub fn with_baseline(mut self, name: &str) -> Self {
        self.levels.iter_mut().for_each(|level| level.baseline = level.name == name);
        self
    }

    /// As additions to the experiment; see [`Factor::is_addition`].
    pub fn as_addition(self) -> Self {
        Self { is_addition: true, ..self }
    }

    /// The field of the settings that only lists the levels; see [`Factor::field`].
    pub fn listed_by(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }

    /// Names of the levels.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().map(|level| level.name.as_str())
    }

    /// The level that the others are compared with.
    pub fn baseline(&self) -> Option<&Level> {
        self.levels.iter().find(|level| level.baseline)
    }
}

/// One coordinate of a point.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Coordinate {
    /// Name of the factor.
    pub factor: String,
    /// Name of the level.
    pub level: String,
    /// Index of the level in its factor.
    pub index: usize,
}

/// One cell of a grid, or a block of cells if it leaves factors open.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Point {
    /// Name of the grid.
    pub grid: String,
    /// In the order of the grid's factors.
    pub coordinates: Vec<Coordinate>,
}

impl Point {
    fn find(&self, factor: &str) -> Option<&Coordinate> {
        self.coordinates.iter().find(|coordinate| coordinate.factor == factor)
    }

    /// Name of the level of this factor; empty if the point has no such factor.
    pub fn get(&self, factor: &str) -> &str {
        self.find(factor).map_or("", |coordinate| &coordinate.level)
    }

    /// Index of the level in its factor.
    ///
    /// # Panics
    /// If the point has no such factor: grids and trials of one system name the same factors.
    pub fn index(&self, factor: &str) -> usize {
        self.find(factor).unwrap_or_else(|| panic!("grid {} has no factor {factor}", self.grid)).index
    }

    /// The seed, or 0 in a grid without one.
    pub fn seed(&self) -> u64 {
        self.get("seed").parse().unwrap_or(0)
    }

    /// The same point with another level of a factor.
    pub fn with(&self, factor: &str, level: &str) -> Self {
        let mut point = self.clone();
        for coordinate in point.coordinates.iter_mut().filter(|coordinate| coordinate.factor == factor) {
            coordinate.level = level.into();
        }
        point
    }

    /// The point of another grid that has these levels, factor and name, where this one has `factor`. The indices of the new
    /// coordinates are 0: points are compared by names.
    pub fn in_grid(&self, grid: &str, factor: &str, levels: &[(&str, &str)]) -> Self {
        let new = |&(factor, level): &(&str, &str)| Coordinate { factor: factor.into(), level: level.into(), index: 0 };
        let coordinates = self.coordinates.iter().flat_map(|coordinate| match coordinate.factor == factor {
            true => levels.iter().map(new).collect(),
            false => vec![coordinate.clone()],
        });
        Self { grid: grid.into(), coordinates: coordinates.collect() }
    }

    /// Only the coordinates of these factors.
    pub fn of(&self, factors: &[&str]) -> Self {
        let kept = self.coordinates.iter().filter(|coordinate| factors.contains(&coordinate.factor.as_str()));
        Self { grid: self.grid.clone(), coordinates: kept.cloned().collect() }
    }

    /// Whether this names the same grid and levels; indices are ignored.
    pub fn is(&self, other: &Self) -> bool {
        let levels = |point: &Self| -> Vec<(String, String)> {
            point.coordinates.iter().map(|c| (c.factor.clone(), c.level.clone())).collect()
        };
        self.grid == other.grid && levels(self) == levels(other)
    }
}

/// "plain, seed 0": names as they are, numbers with what they count.
impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.coordinates.is_empty() {
            return f.write_str(&self.grid);
        }
        for (k, Coordinate { factor, level, .. }) in self.coordinates.iter().enumerate() {
            let comma = if k > 0 { ", " } else { "" };
            match level.parse::<f64>() {
                Ok(_) => write!(f, "{comma}{factor} {level}")?,
                Err(_) => write!(f, "{comma}{level}")?,
            }
        }
        Ok(())
    }
}

/// A product of factors. Most experiments are one grid. One with parts that vary different things has several.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Name: a value of the column `grid` in results.csv.
    pub name: String,
    /// Its heading in reports.
    pub heading: String,
    /// What is varied, the slowest first.
    pub factors: Vec<Factor>,
    /// Factors that identify blocks: trials that agree in them share what is prepared once.
    pub block: &'static [&'static str],
    /// Name under which blocks are prepared: grids of one name share them.
    pub block_name: String,
    /// Metrics that the tables of this grid show, in the order of columns. The first is compared.
    pub metrics: Vec<&'static str>,
    /// Points of the product that are no trials.
    pub skip: Vec<Vec<(&'static str, String)>>,
}

impl Grid {
    /// A grid in which nothing is shared between trials.
    pub fn new(name: &str, heading: &str, factors: Vec<Factor>, metrics: &[&'static str]) -> Self {
        let (name, heading, block_name) = (name.to_string(), heading.into(), name.into());
        Self { name, heading, factors, block: &[], block_name, metrics: metrics.to_vec(), skip: Vec::new() }
    }

    /// Trials that agree in these factors share what is prepared once.
    pub fn in_blocks(self, block: &'static [&'static str]) -> Self {
        Self { block, ..self }
    }

    /// The same, with the blocks of every grid that names them alike. Points of blocks have this name as their grid.
    pub fn in_shared_blocks(self, name: &str, block: &'static [&'static str]) -> Self {
        Self { block, block_name: name.into(), ..self }
    }

    /// Leaves out the points that agree with all of these levels.
    pub fn without(mut self, levels: Vec<(&'static str, String)>) -> Self {
        self.skip.push(levels);
        self
    }

    /// The factors that a new trial is made for: all but evaluations.
    pub fn trial_factors(&self) -> impl Iterator<Item = &Factor> {
        self.factors.iter().filter(|factor| factor.role != Role::Evaluation)
    }

    /// Number of points before any is left out.
    pub fn size(&self) -> usize {
        self.trial_factors().fold(1, |product, factor| product.saturating_mul(factor.levels.len()))
    }

    /// The grid without these factors.
    pub fn without_factors(&self, names: &[String]) -> Self {
        let kept = self.factors.iter().filter(|factor| !names.contains(&factor.name)).cloned();
        Self { factors: kept.collect(), ..self.clone() }
    }

    /// The factor of this name.
    pub fn factor(&self, name: &str) -> Option<&Factor> {
        self.factors.iter().find(|factor| factor.name == name)
    }

    /// Every trial, in the order of the levels. The last factor changes fastest.
    pub fn points(&self) -> Vec<Point> {
        let mut points = vec![Point { grid: self.name.clone(), coordinates: Vec::new() }];
        for factor in self.trial_factors() {
            points = points
                .iter()
                .flat_map(|point| {
                    factor.levels.iter().enumerate().map(|(index, level)| {
                        let mut point = point.clone();
                        let (factor, level) = (factor.name.clone(), level.name.clone());
                        point.coordinates.push(Coordinate { factor, level, index });
                        point
                    })
                })
                .collect();
        }
        let is_out = |point: &Point| {
            self.skip.iter().any(|levels| levels.iter().all(|(factor, level)| point.get(factor) == level))
        };
        points.retain(|point| !is_out(point));
        points
    }
}
