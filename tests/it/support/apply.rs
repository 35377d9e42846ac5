//! New data for a trained model.

use std::path::Path;

use qgraft::lab::{ApplyOptions, ModelChoice};
use qgraft::sim::Condition;

/// These data for the model of this label, or the one that the system chooses, without noise and shots. Other fields follow by
/// `..`.
pub fn apply_options(data: &Path, label: Option<&str>) -> ApplyOptions {
    ApplyOptions {
        data: vec![data.into()],
        choice: ModelChoice { label: label.map(String::from), ..ModelChoice::default() },
        condition: Condition::default(),
        skip_bad: false,
        cache: data.with_extension("cache"),
        threads: 1,
        out_files: None,
    }
}
