//! The knowledge base of a run, and the configurations that it suggests for a new task.

use serde_json::json;

use crate::classic::tuning::{Knowledge, Options, Tuner};
use crate::lab::{Applied, ApplyOptions, SavedRun};
use crate::math::words::pluralise;
use crate::nn::NnError;
use crate::study::StudyError;
use crate::systems::tuner::spec::Spec;
use crate::systems::tuner::table::read_known;

/// File of a trial with what it knew and measured.
pub const KNOWLEDGE_FILE: &str = "knowledge.jsonl";
/// Configurations that are suggested.
const SUGGESTED: usize = 5;

/// Suggests what to measure next for a task with these measured times, which may be none: the knobs of each configuration.
///
/// # Errors
/// A run without a knowledge base, a table that does not fit it.
pub fn apply(run: &SavedRun, options: &ApplyOptions) -> Result<Applied, StudyError> {
    options.refuse_condition()?;
    let found = run.models(&[KNOWLEDGE_FILE], &options.choice)?;
    let trial = found[0];
    let spec: Spec = trial.settings()?;
    let path = trial.path(KNOWLEDGE_FILE);
    let bytes = trial.file(KNOWLEDGE_FILE)?;
    let knowledge = Knowledge::from_lines(&String::from_utf8_lossy(&bytes), &path)?;
    let [data] = &options.data[..] else {
        let reason = "one table of measured times";
        return Err(NnError::Setting { field: "data", value: options.data.len().to_string(), reason }.into());
    };
    let full = knowledge.levels - 1;
    let measured = read_known(data, &knowledge.space, &knowledge.parts, full)?;
    let mut tuner = Tuner::new(&knowledge.space, Options::mftune(spec.keep), &knowledge.tasks, &[], trial.point.seed());
    tuner.learn(&measured);
    let mut applied = Applied { model: trial.title(), ..Applied::default() };
    applied.columns = ["suggestion".to_string()]
        .into_iter()
        .chain(knowledge.space.knobs().iter().map(|knob| knob.name.clone()))
        .collect();
    for (number, configuration) in tuner.suggest(SUGGESTED).iter().enumerate() {
        let values = knowledge.space.knobs().iter().zip(configuration).map(|(knob, value)| json!(knob.text(*value)));
        applied.rows.push([json!((number + 1).to_string())].into_iter().chain(values).collect());
    }
    let sources: Vec<&str> =
        tuner.sources().iter().filter(|source| source.weight > 0.0).map(|source| source.name.as_str()).collect();
    applied.notices.push(format!(
        "{} of the new task known; sources that count: {}",
        pluralise(measured.observations.len(), "measurement"),
        if sources.is_empty() { "none".into() } else { sources.join(", ") }
    ));
    if let Some((best, value)) = measured.best(full) {
        applied.notices.push(format!("best so far: {} ({:.4} s)", knowledge.space.text(best), value.exp()));
    }
    Ok(applied)
}
