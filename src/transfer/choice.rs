//! A transfer method as a user writes it: rows of the table with their settings, such as `lora:rank=8+l2_sp`.

use std::ops::RangeInclusive;

use crate::math::words::closest;
use crate::nn::{LayerGroups, NnError};
use crate::transfer::{Compose, MethodRow, Need};

/// Largest factor on a penalty, and largest number of epochs or rank, that a method may be given.
pub(super) const MOST: f64 = 1e6;
pub(super) const MOST_WHOLE: usize = 100_000;

/// A number of a method that may be set.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodSetting {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a few words; a symbol is that of the row's doc.
    pub doc: &'static str,
    /// Its value where none is given.
    pub default: f64,
    /// The values that it may have, both ends included.
    pub range: RangeInclusive<f64>,
    /// Whether it is a whole number.
    pub is_whole: bool,
}

impl MethodSetting {
    fn accepts(&self, value: f64) -> bool {
        self.range.contains(&value) && (!self.is_whole || value.fract() == 0.0)
    }

    /// "a whole number from 1 to 4096".
    fn expected(&self) -> String {
        let kind = if self.is_whole { "a whole number" } else { "a number" };
        format!("{kind} from {} to {}", self.range.start(), self.range.end())
    }
}

/// The numbers that are given for a method. Its row asks for each that may be set, which makes the list of them.
#[derive(Clone, Debug, Default)]
pub struct MethodSettings {
    given: Vec<(String, f64)>,
    pub(super) known: Vec<MethodSetting>,
}

impl MethodSettings {
    /// A number with the range that it may have: `field` is its usual value, and becomes the one that is given.
    pub(super) fn number(
        &mut self,
        name: &'static str,
        doc: &'static str,
        range: RangeInclusive<f64>,
        field: &mut f64,
    ) -> &mut Self {
        self.known.push(MethodSetting { name, doc, default: *field, range, is_whole: false });
        if let Some((_, value)) = self.given.iter().find(|(given, _)| given == name) {
            *field = *value;
        }
        self
    }

    /// The same of a whole number.
    pub(super) fn whole(
        &mut self,
        name: &'static str,
        doc: &'static str,
        range: RangeInclusive<usize>,
        field: &mut usize,
    ) -> &mut Self {
        let (low, high) = range.into_inner();
        let mut value = *field as f64;
        self.number(name, doc, low as f64..=high as f64, &mut value);
        if let Some(setting) = self.known.last_mut() {
            setting.is_whole = true;
        }
        *field = value as usize;
        self
    }

    /// The factor on a penalty.
    pub(super) fn weight(&mut self, field: &mut f64) -> &mut Self {
        self.number("weight", "factor on the penalty", 0.0..=MOST, field)
    }

    /// When a penalty begins.
    pub(super) fn from(&mut self, field: &mut f64) -> &mut Self {
        self.number("from", "share of the training before the penalty begins", 0.0..=1.0, field)
    }
}

/// Rows of the table of methods that act together, each with the numbers that are given for it.
///
/// ```
/// use qgraft::nn::LayerGroups;
/// use qgraft::transfer::MethodChoice;
/// let choice = MethodChoice::parse("lora:rank=8:alpha=16+l2_sp")?;
/// assert_eq!(choice.make(&LayerGroups::default()).0.len(), 2);
/// let error = MethodChoice::parse("lora:rang=8").err().map(|error| error.to_string());
/// let expected = "method \"lora:rang=8\": expected settings of lora: rank, alpha; did you mean \"rank\"?";
/// assert_eq!(error.as_deref(), Some(expected));
/// # Ok::<(), qgraft::nn::NnError>(())
/// ```
#[derive(Clone)]
pub struct MethodChoice(Vec<(&'static MethodRow, MethodSettings)>);

impl MethodChoice {
    /// Between methods that act together, before a setting, and before its value.
    const SIGNS: [char; 3] = ['+', ':', '='];

    /// Reads `NAME:SETTING=VALUE:…+NAME…`.
    ///
    /// # Errors
    /// A name that is not in the table, one that is there twice, a setting that a method does not have, or a value outside
    /// its range.
    pub fn parse(text: &str) -> Result<Self, NnError> {
        let [and, before, is] = Self::SIGNS;
        let refuse = |expected: String| Err(NnError::Method { text: text.into(), expected });
        let mut terms: Vec<(&'static MethodRow, MethodSettings)> = Vec::new();
        for term in text.split(and) {
            let mut parts = term.split(before).map(str::trim);
            let row = MethodRow::named(parts.next().unwrap_or_default())?;
            if terms.iter().any(|(other, _)| other.name == row.name) {
                return refuse(format!("{} once", row.name));
            }
            let (known, mut settings) = (row.settings(), MethodSettings::default());
            let names: Vec<&str> = known.iter().map(|setting| setting.name).collect();
            for part in parts {
                let (name, value) = part.split_once(is).map_or((part, ""), |(name, value)| (name.trim(), value.trim()));
                let Some(setting) = known.iter().find(|setting| setting.name == name) else {
                    let near = closest(name, names.iter().copied()).map(|near| format!("; did you mean {near:?}?"));
                    return refuse(match names.is_empty() {
                        true => format!("no setting of {}", row.name),
                        false => format!("settings of {}: {}{}", row.name, names.join(", "), near.unwrap_or_default()),
                    });
                };
                let Some(number) = value.parse::<f64>().ok().filter(|value| setting.accepts(*value)) else {
                    return refuse(format!("{name} of {} as {}", row.name, setting.expected()));
                };
                if settings.given.iter().any(|(other, _)| other == name) {
                    return refuse(format!("{name} of {} once", row.name));
                }
                settings.given.push((name.into(), number));
            }
            terms.push((row, settings));
        }
        Ok(Self(terms))
    }

    /// The methods for a network in these layers.
    pub fn make(&self, groups: &LayerGroups) -> Compose {
        Compose(self.0.iter().map(|(row, settings)| (row.make)(groups, &mut settings.clone())).collect())
    }

    /// The first row that needs what a task does not have.
    pub fn lacks(&self, has: impl Fn(Need) -> bool) -> Option<(&'static MethodRow, Need)> {
        let needed = self.0.iter().filter_map(|(row, _)| row.need.map(|need| (*row, need)));
        needed.into_iter().find(|(_, need)| !has(*need))
    }

    /// One line for people: those of its rows.
    pub fn doc(&self) -> String {
        let docs: Vec<&str> = self.0.iter().map(|(row, _)| row.doc).collect();
        docs.join("; and: ")
    }
}
