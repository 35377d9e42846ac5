//! What a run found, as plain data, and the ways to tell it: HTML, a terminal table, JSON.
//!
//! A [`Report`] knows nothing of how training works. Whatever ran fills it in; [`html()`] draws it, [`json`] writes it as
//! metrics.json, [`read`] reads that back. Everything that may differ between two runs of one specification (times,
//! energy, threads) stands in [`Timing`] alone, so that without it a rerun is the same to the byte.

mod html;
mod plots;
mod tables;
#[cfg(feature = "cli")]
mod terminal;

use std::path::Path;

use serde::{Deserialize, Serialize};

pub use html::html;
#[cfg(feature = "cli")]
pub use terminal::table;

use super::compare::{Answer, Comparison};
use super::energy::Usage;
use super::error::{Result, StudyError};
use super::metric::probability::ReliabilityBin;
use super::metric::{METRICS, Predictions, counts, probability, ranking};
use super::stats::Spread;

/// All that is told of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// One line: data, backbone, what was asked.
    pub title: String,
    /// What the reader wants to know first ([`Answer::to`]).
    pub answers: Vec<Answer>,
    /// What ran, where, in which precision.
    pub environment: Environment,
    /// How samples were held out and which of them judge.
    pub hold_out: HoldOut,
    /// Names of the classes, in the order of their numbers.
    pub classes: Vec<String>,
    /// Resolved settings, name and value.
    pub settings: Vec<(String, String)>,
    /// One row per head, judged without noise.
    pub heads: Vec<HeadRow>,
    /// Paired comparisons, Holm-corrected together.
    pub comparisons: Vec<Comparison>,
    /// Accuracy of the heads under each evaluation setting.
    pub noise: Vec<NoisePoint>,
    /// Learning curves.
    pub curves: Vec<Curve>,
    /// Confusion matrices.
    pub confusions: Vec<Confusion>,
    /// ROC curves.
    pub rocs: Vec<Roc>,
    /// Reliability diagrams.
    pub reliability: Vec<Reliability>,
    /// The circuit of the quantum heads.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub circuit: Option<Drawing>,
    /// Repairs, skipped samples, fallbacks: everything a careful reader must be told.
    pub notices: Vec<String>,
    /// The other files of the run folder, each with what it holds.
    pub files: Vec<(String, String)>,
    /// Times and energy.
    pub timing: Timing,
}

/// What computed the numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// The simulator: "statevector, f64".
    pub engine: String,
    /// Precision of features and training.
    pub precision: String,
    /// Where it ran: "cpu (AVX-512)".
    pub device: String,
    /// Programs and libraries with their versions.
    pub versions: Vec<(String, String)>,
}

/// Numbers of samples and who judges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldOut {
    /// Samples that heads are trained on.
    pub train: usize,
    /// Samples that choose the best epoch.
    pub validation: usize,
    /// Samples that nothing was chosen on; `None` where the data has no third part, and validation judges.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub test: Option<usize>,
}

impl HoldOut {
    /// The part of the data that every figure of the report was measured on.
    pub fn judged_on(&self) -> &'static str {
        if self.test.is_some() { "test" } else { "validation" }
    }

    /// The discipline in words.
    pub fn sentence(&self) -> String {
        let parts = format!("{} training and {} validation", self.train, self.validation);
        let always = "The best test result over epochs is computed nowhere.";
        match self.test {
            Some(test) => format!(
                "{parts} samples, and {test} test samples that no choice was made on: all figures are measured on these. \
                 Each head is shown at its last epoch and at the epoch that was best on validation. {always}"
            ),
            None => format!(
                "{parts} samples; there is no test set, so all figures are measured on validation. The last epoch is the \
                 figure to quote. The best validation epoch was chosen on the samples that judge it and flatters; it \
                 is shown for comparison with papers that report it. {always}"
            ),
        }
    }
}

/// One kind of head, as the reader should see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// No circuit.
    #[default]
    Classical,
    /// A trained circuit with entanglers.
    Quantum,
    /// A circuit with something taken away: what is left must be worse if that thing mattered.
    Control,
}

/// One head over all its seeds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeadRow {
    /// Its name in the table of heads.
    pub name: String,
    /// What it is.
    pub doc: String,
    /// What kind it is.
    pub family: Family,
    /// Trainable parameters.
    pub parameters: usize,
    /// Accuracy at the last epoch, one value per seed in the order of seeds.
    pub last_epoch: Vec<f64>,
    /// Accuracy at the epoch that was best on validation, one value per seed.
    pub best_validation: Vec<f64>,
    /// Every row of [`METRICS`] at the last epoch.
    pub metrics: Vec<MetricValue>,
}

/// One metric of one head over its seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricValue {
    /// Name of the metric's row.
    pub name: String,
    /// The value over seeds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<Spread>,
    /// Why there is no value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub undefined: Option<String>,
}

impl MetricValue {
    /// Every metric of one head, from its predictions in each seed.
    pub fn all(seeds: &[Predictions]) -> Vec<Self> {
        let row = |metric: &super::metric::MetricRow| {
            let name = metric.name.to_string();
            match seeds.iter().map(metric.measure).collect::<std::result::Result<Vec<f64>, _>>() {
                Ok(values) => Self { name, value: Spread::of(&values), undefined: None },
                Err(reason) => Self { name, value: None, undefined: Some(reason.to_string()) },
            }
        };
        METRICS.iter().map(row).collect()
    }
}

/// Accuracy of one head in one evaluation setting.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NoisePoint {
    /// The head.
    pub head: String,
    /// The setting: "ideal", "1024 shots", a device.
    pub setting: String,
    /// Factor on the setting's noise: 1 as calibrated, 0 none.
    pub scale: f64,
    /// Accuracy over seeds.
    pub accuracy: Spread,
}

/// Learning curves of one head over seeds; entry 0 is after the first epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The head.
    pub head: String,
    /// Training loss, in nats.
    pub train_loss: Vec<Spread>,
    /// Validation loss, in nats.
    pub validation_loss: Vec<Spread>,
    /// Validation accuracy.
    pub validation_accuracy: Vec<Spread>,
}

/// Confusion matrix of one head, summed over seeds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// The head.
    pub head: String,
    /// Counts `[true class][predicted class]`.
    pub counts: Vec<Vec<usize>>,
}

impl Confusion {
    /// Counted from the predictions of all seeds ([`Predictions::pooled`]).
    pub fn of(head: &str, pooled: &Predictions) -> Self {
        let counts = counts::confusion(pooled).rows().into_iter().map(|row| row.to_vec()).collect();
        Self { head: head.into(), counts }
    }
}

/// ROC curve of one head for one class against the rest, predictions of all seeds pooled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Roc {
    /// The head.
    pub head: String,
    /// The class called positive.
    pub class: usize,
    /// Area under the curve.
    pub area: f64,
    /// (false positive rate, true positive rate), from (0, 0) to (1, 1).
    pub points: Vec<(f64, f64)>,
}

impl Roc {
    /// Traced from the predictions of all seeds ([`Predictions::pooled`]): one curve, of class 1, when there are two
    /// classes, else one per class; none where a class has no samples. Points inside a straight run are left out.
    pub fn of(head: &str, pooled: &Predictions) -> Vec<Self> {
        let drawn = if pooled.classes() == 2 { 1..2 } else { 0..pooled.classes() };
        let trace = |class| {
            let curve = ranking::roc(pooled, class).ok()?;
            let mut points: Vec<(f64, f64)> = Vec::new();
            for (x, y) in curve.iter().map(|p| (p.false_positive_rate, p.true_positive_rate)) {
                // Three in one row or column: the middle one is no corner.
                if let [.., (x0, y0), (x1, y1)] = points[..]
                    && ((x0 == x1 && x1 == x) || (y0 == y1 && y1 == y))
                {
                    points.pop();
                }
                points.push((x, y));
            }
            Some(Self { head: head.into(), class, area: ranking::area(&curve), points })
        };
        drawn.filter_map(trace).collect()
    }
}

/// Reliability diagram of one head, predictions of all seeds pooled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// The head.
    pub head: String,
    /// Bins that hold samples.
    pub bins: Vec<ReliabilityBin>,
}

impl Reliability {
    /// Binned from the predictions of all seeds ([`Predictions::pooled`]).
    pub fn of(head: &str, pooled: &Predictions) -> Self {
        Self { head: head.into(), bins: probability::reliability(pooled) }
    }
}

/// A drawn circuit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawing {
    /// An `<svg>` element without outside references; `None` shows the text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub svg: Option<String>,
    /// The circuit as text.
    pub text: String,
    /// Qubits, depth, gates: one line.
    pub caption: String,
}

/// What differs from run to run of one specification.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Worker threads.
    pub threads: usize,
    /// The whole run.
    pub total: Usage,
    /// Grams of CO2 equivalent of the whole run.
    pub co2_grams: f64,
    /// The assumption behind an estimate: "10 W per core, 475 g CO2e per kWh".
    pub basis: String,
    /// Training and evaluation of each head, mean over seeds.
    pub heads: Vec<(String, Usage)>,
}

/// metrics.json: the report with its keys in the order of the fields, a number as the shortest text that reads back to
/// it, one entry per line.
///
/// # Errors
/// A NaN or an infinity anywhere, named by its path.
pub fn json(report: &Report) -> Result<String> {
    // Absent values are left out, so a null can only be a number that JSON cannot hold.
    let value =
        serde_json::to_value(report).map_err(|source| StudyError::Json { path: "metrics.json".into(), source })?;
    if let Some(path) = first_null(&value) {
        return Err(StudyError::NotFinite { what: path });
    }
    let text = serde_json::to_string_pretty(report);
    text.map(|t| t + "\n").map_err(|source| StudyError::Json { path: "metrics.json".into(), source })
}

fn first_null(value: &serde_json::Value) -> Option<String> {
    use serde_json::Value;
    let below = |name: String, inner: &Value| {
        first_null(inner).map(|rest| if rest.is_empty() { name } else { format!("{name}.{rest}") })
    };
    match value {
        Value::Null => Some(String::new()),
        Value::Array(list) => list.iter().enumerate().find_map(|(at, inner)| below(at.to_string(), inner)),
        Value::Object(fields) => fields.iter().find_map(|(name, inner)| below(name.clone(), inner)),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Reads a metrics.json back.
///
/// # Errors
/// A file that cannot be read or is no report.
pub fn read(path: &Path) -> Result<Report> {
    let text = std::fs::read_to_string(path).map_err(|source| StudyError::File { path: path.into(), source })?;
    serde_json::from_str(&text).map_err(|source| StudyError::Json { path: path.into(), source })
}
