//! A trained model of a run folder applied to new data: what is asked, and what the model says.

use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value};

use crate::data::Features;
use crate::lab::choice::ModelChoice;
use crate::nn::NnError;
use crate::report::Table;
use crate::sim::Condition;
use crate::study::StudyError;
use crate::study::files::write_whole;

/// A trained model as an ONNX file.
#[derive(Clone, Debug)]
pub struct OnnxModel {
    /// Which model it is, what the file reads and what it puts out.
    pub title: String,
    /// The file.
    pub bytes: Vec<u8>,
}

/// New data for a trained model of a run folder, and what the model runs under.
#[derive(Clone, Debug)]
pub struct ApplyOptions {
    /// Pictures, folders of pictures, a file of features or rows, variants, sequences.
    pub data: Vec<PathBuf>,
    /// Which model of the run; of what it leaves, the best on validation rows is taken.
    pub choice: ModelChoice,
    /// What its circuit runs under.
    pub condition: Condition,
    /// Leave out pictures that cannot be read, instead of refusing them.
    pub skip_bad: bool,
    /// Folder of cached features.
    pub cache: PathBuf,
    /// Threads of the backbone.
    pub threads: usize,
    /// Folder for what the system makes of each sample besides its row, such as a picture; nothing is made without one.
    pub out_files: Option<PathBuf>,
}

impl ApplyOptions {
    /// Refuses a condition, for a model without a circuit.
    ///
    /// # Errors
    /// A device, shots or mitigation.
    pub fn refuse_condition(&self) -> Result<(), StudyError> {
        self.refuse_condition_without(
            "the model has no circuit that noise and shots act on, so devices, shots and mitigation change nothing",
        )
    }

    /// Refuses a condition for this reason, such as one that names a model with a circuit.
    ///
    /// # Errors
    /// A device, shots or mitigation.
    pub fn refuse_condition_without(&self, reason: &'static str) -> Result<(), StudyError> {
        if self.condition == Condition::default() {
            return Ok(());
        }
        Err(NnError::Setting { field: "condition", value: self.condition.to_string(), reason }.into())
    }

    /// Writes a file of this name, which may hold folders, into `folder`.
    ///
    /// # Errors
    /// A folder that cannot be made or written, a name that leads out of the folder.
    pub fn write_file(&self, folder: &Path, name: &Path, bytes: &[u8]) -> Result<(), StudyError> {
        let is_inside = name.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_inside {
            let source = std::io::Error::other("the name leads out of the folder");
            return Err(StudyError::File { path: name.into(), source });
        }
        write_whole(&folder.join(name), bytes)
    }
}

/// What a model says of new data.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Which model it is: label, seed, condition, engine.
    pub model: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// One row for each sample: texts and numbers.
    pub rows: Vec<Vec<Value>>,
    /// Metrics on the rows whose answer is known: name and value.
    pub metrics: Vec<(String, f64)>,
    /// Number of rows whose answer is known.
    pub known: usize,
    /// What was left out or repaired.
    pub notices: Vec<String>,
    /// Embeddings of the samples, of a model that has them.
    pub features: Option<Features>,
}

impl Applied {
    /// The rows as a comma-separated table.
    pub fn csv(&self) -> Vec<u8> {
        let header: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        let mut table = Table::new("predictions", "", &header, 1);
        let cell = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        table.rows = self.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        table.csv()
    }

    /// Everything as one JSON object, each row an object by column.
    ///
    /// # Errors
    /// None for plain data; a number that JSON does not have.
    pub fn json(&self) -> Result<String, StudyError> {
        let row = |row: &Vec<Value>| -> Value {
            self.columns.iter().cloned().zip(row.iter().cloned()).collect::<Map<String, Value>>().into()
        };
        let metrics: Map<String, Value> =
            self.metrics.iter().map(|(name, value)| (name.clone(), (*value).into())).collect();
        let all = serde_json::json!({
            "model": self.model,
            "rows": self.rows.iter().map(row).collect::<Vec<Value>>(),
            "known": self.known,
            "metrics": metrics,
            "notices": self.notices,
        });
        let text = serde_json::to_string_pretty(&all);
        text.map_err(|source| StudyError::Json { path: "predictions".into(), source })
    }
}
