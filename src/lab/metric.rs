//! Metrics of a system, and what one trial measured.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::study::StudyError;
use crate::study::compare::Quantity;
use crate::study::metric::{Better, Unit};

/// A number that trials of a system report.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Name in results.csv.
    pub name: &'static str,
    /// Heading of its column in tables.
    pub heading: &'static str,
    /// Unit of its values.
    pub unit: Unit,
    /// Which way it improves.
    pub better: Better,
    /// What it measures and on which rows.
    pub doc: &'static str,
    /// Whether it differs from one repetition to the next, as times do. Such values are in timing.csv alone.
    pub volatile: bool,
}

impl Metric {
    /// A metric that improves upwards.
    pub const fn higher(name: &'static str, heading: &'static str, unit: Unit, doc: &'static str) -> Self {
        Self { name, heading, unit, better: Better::Higher, doc, volatile: false }
    }

    /// A metric that improves downwards.
    pub const fn lower(name: &'static str, heading: &'static str, unit: Unit, doc: &'static str) -> Self {
        Self { better: Better::Lower, ..Self::higher(name, heading, unit, doc) }
    }

    /// The same metric, as a time or a ratio of times.
    pub const fn volatile(self) -> Self {
        Self { volatile: true, ..self }
    }

    /// Unit and direction, for comparisons.
    pub fn quantity(&self) -> Quantity {
        Quantity { unit: self.unit, better: self.better }
    }

    /// The heading with its unit.
    pub fn title(&self) -> String {
        match self.unit.symbol() {
            "" => self.heading.into(),
            symbol => format!("{} ({symbol})", self.heading),
        }
    }
}

/// Levels of evaluation factors: factor, level.
pub type Labels = Vec<(String, String)>;

/// One measured number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// Name of the metric.
    pub metric: String,
    /// Levels of the evaluation factors it was measured under; empty for the trial itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Labels,
    /// The number.
    pub value: f64,
}

/// One number per epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Name of the metric.
    pub metric: String,
    /// By epoch, the first after the first epoch.
    pub values: Vec<f64>,
}

/// What one trial measured.
///
/// ```
/// use qgraft::lab::Measurement;
/// let found = Measurement::default().value("accuracy", 0.9).under(&[("shots", "100")], "accuracy", 0.8);
/// assert_eq!(found.get("accuracy"), Some(0.9));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Every number.
    pub values: Vec<Value>,
    /// Learning curves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curves: Vec<Curve>,
    /// Repairs, fallbacks and other notices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// Why the point is no trial of its own, if it is none: an arm that came out as another arm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inapplicable: Option<String>,
    /// Further results by name: traces, confusion matrices, decisions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<String, serde_json::Value>,
    /// Files by name, such as a trained model. Stored beside the numbers, not in them.
    #[serde(skip)]
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Measurement {
    /// With one number.
    pub fn value(self, metric: &str, value: f64) -> Self {
        self.under(&[], metric, value)
    }

    /// With a number if there is one: a metric may be undefined.
    pub fn value_if(self, metric: &str, value: Option<f64>) -> Self {
        match value {
            Some(value) => self.value(metric, value),
            None => self,
        }
    }

    /// With a number measured under levels of evaluation factors.
    pub fn under(mut self, at: &[(&str, &str)], metric: &str, value: f64) -> Self {
        let at = at.iter().map(|(factor, level)| (factor.to_string(), level.to_string())).collect();
        self.values.push(Value { metric: metric.into(), at, value });
        self
    }

    /// With one number per epoch.
    pub fn curve(mut self, metric: &str, values: Vec<f64>) -> Self {
        self.curves.push(Curve { metric: metric.into(), values });
        self
    }

    /// With a notice for the report.
    pub fn notice(mut self, text: impl Into<String>) -> Self {
        self.notices.push(text.into());
        self
    }

    /// As a point that is no trial of its own, with the reason.
    pub fn inapplicable(self, reason: impl Into<String>) -> Self {
        Self { inapplicable: Some(reason.into()), ..self }
    }

    /// With a result that is no number.
    ///
    /// # Panics
    /// If `value` is not plain data.
    pub fn keep<T: Serialize>(mut self, name: &str, value: &T) -> Self {
        let value = serde_json::to_value(value).expect("kept results are plain data");
        self.kept.insert(name.into(), value);
        self
    }

    /// With a file.
    pub fn file(mut self, name: &str, bytes: Vec<u8>) -> Self {
        self.files.insert(name.into(), bytes);
        self
    }

    /// The number of this metric, measured under no evaluation factor.
    pub fn get(&self, metric: &str) -> Option<f64> {
        self.values.iter().find(|v| v.metric == metric && v.at.is_empty()).map(|v| v.value)
    }

    /// The kept result of this name; `None` if there is none of this type.
    pub fn kept<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.kept.get(name).and_then(|value| serde_json::from_value(value.clone()).ok())
    }

    /// Refuses numbers that no report can state.
    ///
    /// # Errors
    /// The first NaN or infinity, by metric.
    pub fn check(&self) -> Result<(), StudyError> {
        let of_curves = self.curves.iter().flat_map(|c| c.values.iter().map(|v| (&c.metric, *v)));
        let all = self.values.iter().map(|v| (&v.metric, v.value)).chain(of_curves);
        match all.into_iter().find(|(_, value)| !value.is_finite()) {
            Some((metric, _)) => Err(StudyError::NotFinite { what: metric.clone() }),
            None => Ok(()),
        }
    }
}
