//! The file of a tuning.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::classic::tuning::{Configuration, Knob, Options, STRATEGIES, Space, Values};
use crate::lab::settings::{Overrides, find, lay_over, nest, with_suggestion};
use crate::lab::system::System;
use crate::lab::vary::{Request, text};
use crate::math::input;
use crate::math::words::closest;
use crate::study::{Invalid, StudyError};

/// Name and version of the format.
pub const FORMAT: &str = "qgraft.tune/1";

/// What is tuned, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TuneSpec {
    /// [`FORMAT`].
    pub format: String,
    /// Name of the system.
    pub system: String,
    /// Presets to start from.
    #[serde(default)]
    pub presets: Vec<String>,
    /// Settings over them.
    #[serde(default)]
    pub settings: Table,
    /// Which trials are run, as `--only`.
    #[serde(default)]
    pub only: Vec<String>,
    /// The metric that is to be good: its value, or the last one of its curve; the mean over trials.
    pub metric: String,
    /// The metric that the winner and the defaults are compared by.
    pub test_metric: String,
    /// Seeds of a full measurement: 0 to so many less one.
    #[serde(default = "three")]
    pub seeds: u64,
    /// Seeds of the comparison, which no measurement has used.
    #[serde(default = "five")]
    pub test_seeds: u64,
    /// Full measurements that the budget is worth.
    #[serde(default = "twenty")]
    pub budget: usize,
    /// What a cheap measurement has less of: `seeds`, `none`, or a field that is a whole number.
    #[serde(default = "by_seeds")]
    pub fidelity: String,
    /// Row of the table of strategies.
    #[serde(default = "mftune")]
    pub strategy: String,
    /// Seed of the tuner's own draws.
    #[serde(default)]
    pub seed: u64,
    /// Folders of earlier tunings of the same knobs, which are learned from.
    #[serde(default)]
    pub history: Vec<PathBuf>,
    /// The knobs.
    pub knobs: Vec<KnobSpec>,
}

/// A knob: a field with a range or a list of values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnobSpec {
    /// Path of the field in the settings of the system.
    pub field: String,
    /// Least value; a whole number if both ends and the field's value are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<Value>,
    /// Largest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<Value>,
    /// Whether equal steps are equal factors.
    #[serde(default)]
    pub log: bool,
    /// The values, in place of a range.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
    /// The value that is measured first; by default that of the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Counts only where another knob, a list, has one of these values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_if: Option<Condition>,
}

/// The condition of a knob.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The field of the other knob.
    pub field: String,
    /// Its values.
    pub values: Vec<Value>,
}

fn three() -> u64 {
    3
}
fn five() -> u64 {
    5
}
fn twenty() -> usize {
    20
}
fn by_seeds() -> String {
    "seeds".into()
}
fn mftune() -> String {
    "mftune".into()
}

/// Seeds of the comparison begin here, so that none of them was tuned on.
const FIRST_TEST_SEED: u64 = 100_000;
/// Levels of a measurement at most, and the factor between them.
const MOST_LEVELS: usize = 3;
const ETA: u64 = 3;

/// Sets the value at a path and leaves its neighbours.
fn set(tree: &mut Table, path: &str, value: Value) {
    let mut over = Table::new();
    nest(&mut over, path, value);
    lay_over(tree, &over);
}

/// Paths of all values of a tree.
fn fields(tree: &Table) -> Vec<String> {
    let of = |(key, value): (&String, &Value)| match value {
        Value::Table(inner) => fields(inner).into_iter().map(|rest| format!("{key}.{rest}")).collect(),
        _ => vec![key.clone()],
    };
    tree.iter().flat_map(of).collect()
}

fn refuse(field: &str, value: impl ToString, expected: impl Into<String>) -> StudyError {
    let invalid = Invalid { field: field.into(), value: value.to_string(), expected: expected.into() };
    StudyError::Invalid { violations: vec![invalid] }
}

impl TuneSpec {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, is no TOML or has an unknown entry.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let bad = |reason: String| StudyError::Spec { path: path.into(), reason };
        let text = input::read_text(path, input::LARGEST_TEXT).map_err(|e| bad(e.to_string()))?;
        let table: Table = toml::from_str(&text).map_err(|e| bad(e.to_string()))?;
        let found = Value::Table(table).try_into();
        let found: Self = found.map_err(|e: toml::de::Error| bad(with_suggestion(&e)))?;
        match found.format.as_str() {
            FORMAT => Ok(found),
            other => Err(bad(format!("format = {other:?}: this command reads {FORMAT:?}"))),
        }
    }

    /// The system it names.
    ///
    /// # Errors
    /// If there is none, with the nearest one.
    pub fn system(&self, systems: &[&'static dyn System]) -> Result<&'static dyn System, StudyError> {
        let names = || systems.iter().map(|system| system.info().name).collect::<Vec<_>>();
        let found = systems.iter().find(|system| system.info().name == self.system);
        found.copied().ok_or_else(|| StudyError::unknown("system", &self.system, names()))
    }

    /// How it chooses.
    ///
    /// # Errors
    /// An unknown strategy.
    pub fn options(&self, system: &dyn System) -> Result<Options, StudyError> {
        let unknown = || StudyError::unknown("strategy", &self.strategy, STRATEGIES.iter().map(|row| row.name));
        let options = Options::named(&self.strategy, self.knobs.len()).ok_or_else(unknown)?;
        Ok(Options { levels: self.levels(system)?.len(), ..options })
    }

    /// Refuses numbers outside their ranges and metrics that are not there; says what cannot be checked.
    ///
    /// # Errors
    /// The first that is wrong.
    pub fn validate(&self, system: &dyn System) -> Result<Vec<String>, StudyError> {
        if !(1..=1000).contains(&self.budget) {
            return Err(refuse("budget", self.budget, "1 to 1000 full measurements"));
        }
        for (field, value, least) in [("seeds", self.seeds, 1), ("test_seeds", self.test_seeds, 2)] {
            if !(least..=1000).contains(&value) {
                return Err(refuse(field, value, format!("{least} to 1000")));
            }
        }
        for (field, name) in [("metric", &self.metric), ("test_metric", &self.test_metric)] {
            let names = system.metrics().iter().map(|metric| metric.name);
            if !names.clone().any(|own| own == name) {
                return Err(StudyError::unknown(field, name, names));
            }
        }
        if self.settings.contains_key("seeds") {
            return Err(refuse("settings.seeds", "…", "no seeds: seeds and test_seeds say how many there are"));
        }
        let request = self.request(system, None, self.levels(system)?.len() - 1, &[0])?;
        if !request.axes.is_empty() {
            return Err(refuse("settings.vary", "…", "nothing that is varied: knobs say what changes"));
        }
        let mut notices = Vec::new();
        let is_validation = |name: &str| name.starts_with("validation");
        if is_validation(&self.metric) && self.metric == self.test_metric {
            notices.push(format!(
                "metric and test_metric are both {}: only the fresh seeds of the comparison are new",
                self.metric
            ));
        }
        if !is_validation(&self.metric) {
            let names = system.metrics().iter().map(|metric| metric.name).filter(|name| is_validation(name));
            let others = names.collect::<Vec<_>>().join(", ");
            notices.push(format!(
                "{} is no metric of validation rows by its name ({} has {}): where the data is the same under every seed, the \
                 settings were chosen on the rows that they are compared on",
                self.metric,
                self.system,
                if others.is_empty() { "none".into() } else { others }
            ));
        }
        if let Some(Value::Table(hold_out)) = request.base.get("hold_out")
            && is_validation(&self.metric)
        {
            let has = |field: &str| hold_out.contains_key(field);
            if has("test") || has("folds") {
                notices.push(
                    "hold_out.test and hold_out.folds cut test rows anew under every seed: rows of the comparison were among those \
                     that the settings were chosen on"
                        .into(),
                );
            } else if !has("validation") {
                // The validation rows are those that the figures of the report are measured on.
                return Err(refuse(
                    "settings.hold_out.validation",
                    "missing",
                    "a share such as 0.2: without one the validation rows are the test rows, and the comparison would not be honest",
                ));
            }
        }
        Ok(notices)
    }

    /// The space of the knobs, with the settings' values as defaults.
    ///
    /// # Errors
    /// A field that does not exist, a range or list that is none, a default outside it.
    pub fn space(&self, system: &dyn System) -> Result<Space, StudyError> {
        let overrides =
            Overrides { presets: self.presets.clone(), file: Some(self.settings.clone()), ..Overrides::default() };
        let base = system.resolve(&overrides)?.base;
        if self.knobs.is_empty() {
            return Err(refuse("knobs", "[]", "at least one [[knobs]] with a field and low and high, or values"));
        }
        let fidelity = self.knobs.iter().find(|knob| knob.field == self.fidelity);
        if let Some(knob) = fidelity {
            return Err(refuse("fidelity", &knob.field, "a field that is no knob"));
        }
        let knobs = self.knobs.iter().map(|knob| knob.knob(&base, &self.knobs)).collect::<Result<Vec<_>, _>>()?;
        Ok(Space::new(knobs)?)
    }

    /// What of a full measurement each level has: numbers of seeds, or values of the field; of one level if the fidelity is
    /// none. Levels are apart by a factor of 3, as many as there are whole numbers for, at most 3.
    ///
    /// # Errors
    /// A field that is no whole number.
    pub fn levels(&self, system: &dyn System) -> Result<Vec<u64>, StudyError> {
        let whole = match self.fidelity.as_str() {
            "none" => return Ok(vec![self.seeds]),
            "seeds" => self.seeds,
            field => {
                let overrides = Overrides {
                    presets: self.presets.clone(),
                    file: Some(self.settings.clone()),
                    ..Overrides::default()
                };
                let base = system.resolve(&overrides)?.base;
                let found = find(&base, field).and_then(Value::as_integer).filter(|value| *value > 0);
                found.ok_or_else(|| refuse("fidelity", field, "seeds, none, or a field with a whole number above 0"))?
                    as u64
            }
        };
        let mut levels = vec![whole];
        while levels.len() < MOST_LEVELS && levels[0] > 1 {
            levels.insert(0, (levels[0] as f64 / ETA as f64).round().max(1.0) as u64);
        }
        Ok(levels)
    }

    /// Seeds of a level.
    pub fn seeds_of(&self, levels: &[u64], level: usize) -> Vec<u64> {
        let count = if self.fidelity == "seeds" { levels[level] } else { self.seeds };
        (0..count).collect()
    }

    /// Seeds of the comparison.
    pub fn fresh_seeds(&self) -> Vec<u64> {
        (FIRST_TEST_SEED..FIRST_TEST_SEED + self.test_seeds).collect()
    }

    /// The settings of a configuration at a level; without one those of the file.
    ///
    /// # Errors
    /// Settings that the system refuses.
    pub fn request(
        &self,
        system: &dyn System,
        at: Option<(&Space, &Configuration)>,
        level: usize,
        seeds: &[u64],
    ) -> Result<Request, StudyError> {
        let mut file = self.settings.clone();
        if let Some((space, configuration)) = at {
            for ((spec, knob), value) in self.knobs.iter().zip(space.knobs()).zip(configuration) {
                set(&mut file, &spec.field, spec.value(knob, *value));
            }
        }
        if !["seeds", "none"].contains(&self.fidelity.as_str()) {
            let levels = self.levels(system)?;
            set(&mut file, &self.fidelity, Value::Integer(levels[level] as i64));
        }
        file.insert("seeds".into(), seeds.iter().map(|seed| Value::Integer(*seed as i64)).collect::<Vec<_>>().into());
        system.resolve(&Overrides { presets: self.presets.clone(), file: Some(file), ..Overrides::default() })
    }
}

impl KnobSpec {
    fn knob(&self, base: &Table, all: &[Self]) -> Result<Knob, StudyError> {
        let place = format!("knobs.{}", self.field);
        let own = self.default.as_ref().or_else(|| find(base, &self.field));
        let own = own.ok_or_else(|| {
            let all = fields(base);
            let near = closest(&self.field, all.iter().map(String::as_str));
            let near = near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
            refuse(&place, "missing", format!("a field of the settings, or a default of its own{near}"))
        })?;
        let only_if = self.only_if.as_ref().map(|condition| {
            let parent = all.iter().position(|other| other.field == condition.field);
            let parent = parent.ok_or_else(|| refuse(&place, &condition.field, "the field of another knob"))?;
            let entry = |value: &Value| {
                let found = all[parent].values.iter().position(|own| own == value);
                found.ok_or_else(|| refuse(&place, text(value), format!("a value of {}", condition.field)))
            };
            Ok::<_, StudyError>((parent, condition.values.iter().map(entry).collect::<Result<Vec<_>, _>>()?))
        });
        let only_if = only_if.transpose()?;
        let number = |value: &Value| value.as_float().or(value.as_integer().map(|value| value as f64));
        let (values, default) = match (&self.low, &self.high, &self.values[..]) {
            (Some(low), Some(high), []) => {
                let default = number(own).ok_or_else(|| refuse(&place, text(own), "a field that is a number"))?;
                let values = match (low.as_integer(), high.as_integer(), own.as_integer()) {
                    (Some(low), Some(high), Some(_)) => Values::Whole { low, high, log: self.log },
                    _ => {
                        let end = |value: &Value| number(value).ok_or_else(|| refuse(&place, text(value), "a number"));
                        Values::Number { low: end(low)?, high: end(high)?, log: self.log }
                    }
                };
                (values, default)
            }
            (None, None, [_, _, ..]) => {
                let found = self
                    .values
                    .iter()
                    .position(|value| value == own || number(value).is_some() && number(value) == number(own));
                let known = self.values.iter().map(text).collect::<Vec<_>>();
                let default = found.ok_or_else(|| {
                    refuse(&place, text(own), format!("a value among {}, or a default among them", known.join(", ")))
                })?;
                (Values::Choice(known), default as f64)
            }
            _ => return Err(refuse(&place, "…", "low and high, or at least two values")),
        };
        Ok(Knob { name: self.field.clone(), values, default, only_if })
    }

    fn value(&self, knob: &Knob, value: f64) -> Value {
        match &knob.values {
            // The defaults are those of the settings, to the last digit.
            Values::Number { .. } if value == knob.default => Value::Float(value),
            // The text has four digits, which is what the report says and the file holds.
            Values::Number { .. } => Value::Float(knob.text(value).parse().unwrap_or(value)),
            Values::Whole { .. } => Value::Integer(value as i64),
            Values::Choice(_) => self.values[value as usize].clone(),
        }
    }
}
