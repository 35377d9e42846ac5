//! A trained model of a run applied to new rows: class and probabilities, or a number.

use serde_json::Value;

use crate::data::{KnownTarget, NewTable, TargetKind};
use crate::lab::{Applied, ApplyOptions, SavedRun, SavedTrial};
use crate::nn::NnError;
use crate::sim::Condition;
use crate::study::StudyError;
use crate::systems::forest::model::{MODEL_FILE, TableModel};
use crate::systems::forest::quality::{NumberQuality, Quality};
use crate::systems::forest::trial::VALIDATION;
use crate::systems::inputs::NewRows;
use crate::systems::saved_head::answers;

/// Applies the model that the options choose. Of several, it is the way of training that is best on validation rows in the
/// mean over seeds, under the seed that is.
///
/// # Errors
/// A run without models or over several tables, rows that lack a column of the model.
pub fn apply(run: &SavedRun, options: &ApplyOptions) -> Result<Applied, StudyError> {
    let trial = chosen(run, options)?;
    let setting = |field, value: String, reason| StudyError::from(NnError::Setting { field, value, reason });
    if options.condition != Condition::default() {
        let reason = "models of tables run without devices, shots and mitigation";
        return Err(setting("condition", options.condition.to_string(), reason));
    }
    let [path] = &options.data[..] else {
        return Err(setting("data", format!("{} paths", options.data.len()), "expected one CSV, KEEL or Parquet file"));
    };
    let model = TableModel::from_bytes(&trial.file(MODEL_FILE)?, &trial.path(MODEL_FILE))?;
    let kind = if model.classes().is_empty() { TargetKind::Numbers } else { TargetKind::Classes };
    let table = NewTable::read(path, model.columns(), (model.target(), kind))?;
    let found = model.predict(table.values.view())?;
    let title = format!("{}: {}", model.name(), trial.title());
    match table.target {
        KnownTarget::Classes(_) | KnownTarget::Nothing if kind == TargetKind::Classes => {
            let mut notices = table.notices;
            let labels = match table.target {
                KnownTarget::Classes(texts) => {
                    let place = |text: &String| model.classes().iter().position(|class| class == text);
                    let unknown = texts.iter().flatten().find(|text| place(text).is_none());
                    notices.extend(unknown.map(|text| {
                        format!(
                            "column `{}`: class `{text}` is none of the model's; such rows are not counted",
                            model.target()
                        )
                    }));
                    texts.iter().map(|text| text.as_ref().and_then(place)).collect()
                }
                _ => vec![None; table.ids.len()],
            };
            let known: Vec<usize> = (0..table.ids.len()).filter(|&row| labels[row].is_some()).collect();
            let rows = NewRows { values: table.values, ids: table.ids, labels, notices };
            let mut applied = answers(title, model.classes(), &rows, &found)?;
            if !known.is_empty() {
                let own = found.select(ndarray::Axis(0), &known);
                let labels: Vec<usize> = known.iter().filter_map(|&row| rows.labels[row]).collect();
                let quality = Quality::of(own.view(), own.view(), &labels);
                applied.metrics.retain(|(name, _)| name != "log_loss");
                applied.metrics.push(("log_loss".into(), quality.log_loss));
            }
            Ok(applied)
        }
        target => {
            let truth = match target {
                KnownTarget::Numbers(numbers) => numbers,
                _ => vec![None; table.ids.len()],
            };
            let columns = ["sample".to_string(), "predicted".into(), model.target().into()].to_vec();
            let line = |(row, id): (usize, &String)| -> Vec<Value> {
                vec![id.as_str().into(), found[[row, 0]].into(), truth[row].map_or(Value::Null, Value::from)]
            };
            let known: Vec<usize> = (0..truth.len()).filter(|&row| truth[row].is_some()).collect();
            let own: Vec<f64> = known.iter().map(|&row| found[[row, 0]]).collect();
            let true_ones: Vec<f64> = known.iter().filter_map(|&row| truth[row]).collect();
            let metrics = match true_ones.is_empty() {
                true => Vec::new(),
                false => {
                    let NumberQuality { r2, mae, rmse } =
                        NumberQuality::of(ndarray::ArrayView1::from(&own), &true_ones);
                    [("r2", r2), ("mae", mae), ("rmse", rmse)].map(|(name, value)| (name.to_string(), value)).to_vec()
                }
            };
            let rows = table.ids.iter().enumerate().map(line).collect();
            let (known, notices) = (known.len(), table.notices);
            Ok(Applied { model: title, columns, rows, metrics, known, notices, ..Applied::default() })
        }
    }
}

/// The trial whose model is meant.
fn chosen<'r>(run: &'r SavedRun, options: &ApplyOptions) -> Result<&'r SavedTrial, StudyError> {
    let found = run.models(&[MODEL_FILE], &options.choice)?;
    run.refuse_several(&found, "table")?;
    let score = |trial: &SavedTrial| {
        let of_quality = |quality: Quality| [quality.accuracy, -quality.log_loss];
        let own = trial.measurement.kept(VALIDATION);
        own.or_else(|| trial.measurement.kept(VALIDATION).map(of_quality)).unwrap_or([f64::MIN; 2])
    };
    let is_same = |a: &SavedTrial, b: &SavedTrial| {
        let levels = |trial: &SavedTrial| -> Vec<String> {
            let own = trial.point.coordinates.iter().filter(|c| c.factor != "seed");
            own.map(|c| c.level.clone()).chain([trial.point.grid.clone()]).collect()
        };
        levels(a) == levels(b)
    };
    let mean = |trial: &SavedTrial| -> [f64; 2] {
        let own: Vec<[f64; 2]> = found.iter().filter(|other| is_same(trial, other)).map(|t| score(t)).collect();
        [0, 1].map(|k| own.iter().map(|score| score[k]).sum::<f64>() / own.len() as f64)
    };
    let rank = |trial: &SavedTrial| [mean(trial), score(trial)].concat();
    // Of equal ones the first in the order of the run, where baselines and the forest come before networks.
    let better = |best: &'r SavedTrial, next: &'r SavedTrial| if rank(next) > rank(best) { next } else { best };
    Ok(found.iter().skip(1).fold(found[0], |best, next| better(best, next)))
}
