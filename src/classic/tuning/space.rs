//! Spaces of settings: numbers, whole numbers, choices, and knobs that count only under a choice.

use serde::{Deserialize, Serialize};

use crate::classic::ClassicError;
use crate::math::Stream;

/// What a knob may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    /// A number between two, both included.
    Number {
        /// Least value.
        low: f64,
        /// Largest value.
        high: f64,
        /// Whether equal steps are equal factors.
        log: bool,
    },
    /// A whole number between two, both included.
    Whole {
        /// Least value.
        low: i64,
        /// Largest value.
        high: i64,
        /// Whether equal steps are equal factors.
        log: bool,
    },
    /// One of several names. A configuration holds its index.
    Choice(Vec<String>),
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Knob {
    /// Its name.
    pub name: String,
    /// What it may be.
    pub values: Values,
    /// Its value where nobody sets it.
    pub default: f64,
    /// A choice by index and those of its entries under which this knob counts; elsewhere it has its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_if: Option<(usize, Vec<usize>)>,
}

/// A value for each knob: a number, a whole number, or the index of a choice.
pub type Configuration = Vec<f64>;

/// Knobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Space {
    knobs: Vec<Knob>,
}

impl Knob {
    /// A number.
    pub fn number(name: &str, (low, high): (f64, f64), log: bool, default: f64) -> Self {
        Self { name: name.into(), values: Values::Number { low, high, log }, default, only_if: None }
    }

    /// A whole number.
    pub fn whole(name: &str, (low, high): (i64, i64), log: bool, default: i64) -> Self {
        Self { name: name.into(), values: Values::Whole { low, high, log }, default: default as f64, only_if: None }
    }

    /// One of several names, by default that of this index.
    pub fn choice(name: &str, names: &[&str], default: usize) -> Self {
        let names = names.iter().map(|name| name.to_string()).collect();
        Self { name: name.into(), values: Values::Choice(names), default: default as f64, only_if: None }
    }

    /// The same, which counts only under these entries of a choice.
    pub fn only_if(self, choice: usize, entries: &[usize]) -> Self {
        Self { only_if: Some((choice, entries.to_vec())), ..self }
    }

    /// Whether it is a choice.
    pub fn is_choice(&self) -> bool {
        matches!(self.values, Values::Choice(_))
    }

    /// Its value as a number in [0, 1].
    pub fn to_unit(&self, value: f64) -> f64 {
        let share = |low: f64, high: f64, log: bool| match log {
            true => (value / low).ln() / (high / low).ln(),
            false => (value - low) / (high - low),
        };
        let unit = match &self.values {
            Values::Number { low, high, log } => share(*low, *high, *log),
            Values::Whole { low, high, log } => share(*low as f64, *high as f64, *log),
            Values::Choice(names) => value / (names.len() - 1).max(1) as f64,
        };
        unit.clamp(0.0, 1.0)
    }

    /// The value at a number in [0, 1]; choices have equal shares of it.
    pub fn from_unit(&self, unit: f64) -> f64 {
        let value = |low: f64, high: f64, log: bool| match log {
            true => low * (high / low).powf(unit),
            false => low + unit * (high - low),
        };
        match &self.values {
            Values::Number { low, high, log } => value(*low, *high, *log).clamp(*low, *high),
            Values::Whole { low, high, log } => {
                value(*low as f64, *high as f64, *log).round().clamp(*low as f64, *high as f64)
            }
            Values::Choice(names) => (unit * names.len() as f64).floor().clamp(0.0, names.len() as f64 - 1.0),
        }
    }

    /// Its value as a user writes it.
    pub fn text(&self, value: f64) -> String {
        match &self.values {
            Values::Number { .. } => format!("{}", rounded(value)),
            Values::Whole { .. } => format!("{}", value as i64),
            // A value outside the list cannot come from the space.
            Values::Choice(names) => names.get(value as usize).cloned().unwrap_or_default(),
        }
    }

    /// Whether it may have this value.
    pub fn holds(&self, value: f64) -> bool {
        match &self.values {
            Values::Number { low, high, .. } => (*low..=*high).contains(&value),
            Values::Whole { low, high, .. } => value.fract() == 0.0 && (*low as f64..=*high as f64).contains(&value),
            Values::Choice(names) => value.fract() == 0.0 && (0.0..names.len() as f64).contains(&value),
        }
    }

    /// What is wrong with it.
    fn fault(&self, knobs: &[Self]) -> Option<String> {
        let is_in = self.holds(self.default);
        let range = |low: f64, high: f64, log: bool| {
            let is_range = low.is_finite() && high.is_finite() && low < high;
            if !is_range {
                return Some(format!("the range {low} to {high} is empty"));
            }
            if log && low <= 0.0 {
                return Some(format!("a logarithmic range from {low}; expected a start above 0"));
            }
            (!is_in).then(|| format!("the default {} is outside {low} to {high}", self.default))
        };
        let own = match &self.values {
            Values::Number { low, high, log } => range(*low, *high, *log),
            Values::Whole { low, high, log } => range(*low as f64, *high as f64, *log),
            Values::Choice(names) if names.len() < 2 => Some("a choice of fewer than two names".into()),
            Values::Choice(names) => match names.iter().enumerate().find(|(k, name)| names[..*k].contains(name)) {
                Some((_, name)) => Some(format!("{name} is there twice")),
                None => (!is_in).then(|| format!("the default {} is none of {} choices", self.default, names.len())),
            },
        };
        own.or_else(|| {
            let (parent, entries) = self.only_if.as_ref()?;
            let names = match knobs.get(*parent).map(|knob| &knob.values) {
                Some(Values::Choice(names)) if knobs[*parent].only_if.is_none() => names,
                _ => return Some("its condition is about no choice that always counts".into()),
            };
            let is_in = !entries.is_empty() && entries.iter().all(|entry| *entry < names.len());
            (!is_in).then(|| "its condition names an entry that the choice has not".into())
        })
    }
}

/// Four digits: more mean nothing in a setting.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

impl Space {
    /// Of at least one knob.
    ///
    /// # Errors
    /// No knob, two of one name, an empty range, a default outside it, a condition on what is no choice.
    pub fn new(knobs: Vec<Knob>) -> Result<Self, ClassicError> {
        let refuse = |reason: String| Err(ClassicError::Tuning { reason });
        if knobs.is_empty() {
            return refuse("no knobs".into());
        }
        for (k, knob) in knobs.iter().enumerate() {
            if knobs[..k].iter().any(|other| other.name == knob.name) {
                return refuse(format!("two knobs are called {:?}", knob.name));
            }
            if let Some(fault) = knob.fault(&knobs) {
                return refuse(format!("knob {:?}: {fault}", knob.name));
            }
        }
        Ok(Self { knobs })
    }

    /// The knobs.
    pub fn knobs(&self) -> &[Knob] {
        &self.knobs
    }

    /// Number of knobs.
    pub fn len(&self) -> usize {
        self.knobs.len()
    }

    /// Never: there is at least one knob.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Every knob at its default.
    pub fn default(&self) -> Configuration {
        self.knobs.iter().map(|knob| knob.default).collect()
    }

    /// The same with a configuration of it as the default.
    pub fn with_default(mut self, configuration: &[f64]) -> Self {
        self.knobs.iter_mut().zip(configuration).for_each(|(knob, value)| knob.default = *value);
        self
    }

    /// Whether a knob counts in this configuration.
    pub fn is_active(&self, knob: usize, configuration: &[f64]) -> bool {
        let holds = |(parent, entries): &(usize, Vec<usize>)| entries.contains(&(configuration[*parent] as usize));
        self.knobs[knob].only_if.as_ref().is_none_or(holds)
    }

    /// The same with knobs that do not count at their defaults, so that equal settings are equal lists.
    pub fn canonical(&self, mut configuration: Configuration) -> Configuration {
        for knob in 0..self.len() {
            if !self.is_active(knob, &configuration) {
                configuration[knob] = self.knobs[knob].default;
            }
        }
        configuration
    }

    /// Every value in [0, 1]; choices at equal steps.
    pub fn to_unit(&self, configuration: &[f64]) -> Vec<f64> {
        self.knobs.iter().zip(configuration).map(|(knob, value)| knob.to_unit(*value)).collect()
    }

    /// The configuration at a point of the unit cube.
    pub fn from_unit(&self, unit: &[f64]) -> Configuration {
        self.canonical(self.knobs.iter().zip(unit).map(|(knob, value)| knob.from_unit(*value)).collect())
    }

    /// Which knobs are choices.
    pub fn choices(&self) -> Vec<bool> {
        self.knobs.iter().map(Knob::is_choice).collect()
    }

    /// Whether it is a configuration of these knobs.
    pub fn holds(&self, configuration: &[f64]) -> bool {
        configuration.len() == self.len()
            && self.knobs.iter().zip(configuration).all(|(knob, value)| knob.holds(*value))
    }

    /// "rate = 0.01, depth = 3": the knobs that count.
    pub fn text(&self, configuration: &[f64]) -> String {
        let counts = (0..self.len()).filter(|&knob| self.is_active(knob, configuration));
        let part = |knob: usize| format!("{} = {}", self.knobs[knob].name, self.knobs[knob].text(configuration[knob]));
        counts.map(part).collect::<Vec<_>>().join(", ")
    }
}

/// The part of a space that is searched: knobs that vary, each within a range of its unit interval. The others keep their
/// defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Whether each knob varies.
    pub varies: Vec<bool>,
    /// Range of each in [0, 1]; that of a choice is not read.
    pub ranges: Vec<(f64, f64)>,
}

impl Region {
    /// Everything.
    pub fn whole(space: &Space) -> Self {
        Self { varies: vec![true; space.len()], ranges: vec![(0.0, 1.0); space.len()] }
    }

    /// A configuration at a point of the unit cube, which is the region.
    pub fn at(&self, space: &Space, unit: &[f64]) -> Configuration {
        let one = |(k, knob): (usize, &Knob)| match (self.varies[k], knob.is_choice()) {
            (false, _) => knob.default,
            (true, true) => knob.from_unit(unit[k]),
            (true, false) => knob.from_unit(self.ranges[k].0 + unit[k] * (self.ranges[k].1 - self.ranges[k].0)),
        };
        space.canonical(space.knobs().iter().enumerate().map(one).collect())
    }

    /// A random configuration.
    pub fn sample(&self, space: &Space, stream: &mut Stream) -> Configuration {
        let unit: Vec<f64> = (0..space.len()).map(|_| stream.uniform()).collect();
        self.at(space, &unit)
    }

    /// A configuration that differs in one knob that counts: a number by a normal step of a fifth of its range (Hutter, Hoos &
    /// Leyton-Brown 2011), a choice by another entry.
    pub fn neighbour(&self, space: &Space, configuration: &[f64], stream: &mut Stream) -> Configuration {
        let moves: Vec<usize> =
            (0..space.len()).filter(|&k| self.varies[k] && space.is_active(k, configuration)).collect();
        let mut next = configuration.to_vec();
        if moves.is_empty() {
            return next;
        }
        let k = moves[stream.below(moves.len())];
        let knob = &space.knobs()[k];
        next[k] = match &knob.values {
            Values::Choice(names) => {
                let step = 1 + stream.below(names.len() - 1);
                ((configuration[k] as usize + step) % names.len()) as f64
            }
            _ => {
                let (low, high) = self.ranges[k];
                let unit = knob.to_unit(configuration[k]) + 0.2 * (high - low) * stream.normal();
                knob.from_unit(unit.clamp(low, high))
            }
        };
        space.canonical(next)
    }

    /// Points of a Latin hypercube (McKay, Beckman & Conover 1979): each of `count` equal parts of each knob has one.
    pub fn design(&self, space: &Space, count: usize, stream: &mut Stream) -> Vec<Configuration> {
        let columns: Vec<Vec<usize>> = (0..space.len()).map(|_| stream.permutation(count)).collect();
        let mut point = |row: usize| -> Vec<f64> {
            columns.iter().map(|column| (column[row] as f64 + stream.uniform()) / count as f64).collect()
        };
        (0..count).map(|row| self.at(space, &point(row))).collect()
    }

    /// Whether every number that varies is within its range.
    pub fn holds(&self, space: &Space, configuration: &[f64]) -> bool {
        (0..space.len()).all(|k| {
            let knob = &space.knobs()[k];
            let (low, high) = self.ranges[k];
            let unit = knob.to_unit(configuration[k]);
            !self.varies[k] || knob.is_choice() || (low - 1e-9..=high + 1e-9).contains(&unit)
        })
    }
}
