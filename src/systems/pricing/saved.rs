//! A trained model as a file, and what it says of new choices.

use std::path::Path;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::classic::choice::{LinearUtility, best_offer};
use crate::lab::{Applied, ApplyOptions, SavedRun};
use crate::nn::{ModelHeader, NnError};
use crate::study::StudyError;
use crate::systems::pricing::own::accuracy;
use crate::systems::pricing::table::{ChoiceTable, Columns};

/// File of a trial with its model.
pub const MODEL_FILE: &str = "choice_model.safetensors";

/// Everything but the parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedModel {
    /// How the columns of a table become rows.
    pub columns: Columns,
    /// The market it was learned for.
    pub market: String,
    /// Items offered, at most.
    pub offer: usize,
    /// The largest price, scaled.
    pub ceiling: f64,
}

impl ModelHeader for SavedModel {
    const ENTRY: &'static str = "pricing";
    const FORMAT: &'static str = "qgraft.choice_model/1";
    const WHAT: &'static str = "a model of choices";
}

impl SavedModel {
    /// The file of a model with these parameters.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn to_bytes(&self, nu: &[f64]) -> Result<Vec<u8>, StudyError> {
        Ok(ModelHeader::to_bytes(self, [("parameters", Tensor::new(nu, &Device::Cpu)?)])?)
    }

    /// The model of a file, which errors call `path`, and its parameters.
    ///
    /// # Errors
    /// Bytes that are no such file.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<(Self, Vec<f64>), StudyError> {
        let failed = |reason: String| StudyError::from(NnError::File { path: path.into(), reason });
        let header = Self::read(bytes, path)?;
        let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu).map_err(|e| failed(e.to_string()))?;
        let tensor = tensors.get("parameters").ok_or_else(|| failed("it lacks the tensor `parameters`".into()))?;
        let nu: Vec<f64> = tensor.to_vec1().map_err(|e| failed(format!("parameters: {e}")))?;
        let Columns { features, scales, price, .. } = &header.columns;
        let is_scale = |scale: f64| scale.is_finite() && scale > 0.0;
        let is_sound = nu.len() == header.columns.design().width()
            && nu.iter().all(|value| value.is_finite())
            && scales.len() == features.len()
            && scales.iter().copied().chain(*price).all(is_scale)
            && is_scale(header.ceiling)
            && header.offer > 0;
        match is_sound {
            true => Ok((header, nu)),
            false => Err(failed("the parts of its header do not fit each other".into())),
        }
    }
}

/// A model of a run on new choices: a row for each alternative, with its probability and, where none may be chosen, whether it
/// belongs to the best offer and at which price. Of several models it is the debiased one of the most choices and the first
/// seed: test choices decide nothing.
///
/// # Errors
/// A run without models, a table that lacks a column.
pub fn apply(run: &SavedRun, options: &ApplyOptions) -> Result<Applied, StudyError> {
    options.refuse_condition()?;
    let mut models = run.models(&[MODEL_FILE], &options.choice)?;
    models.sort_by(|a, b| {
        let rank = |trial: &crate::lab::SavedTrial| {
            let rows: f64 = trial.point.get("rows").parse().unwrap_or(0.0);
            (trial.label() != "debiased", -rows, trial.point.seed())
        };
        let (a, b) = (rank(a), rank(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2))
    });
    let trial = models[0];
    let (model, nu) = SavedModel::from_bytes(&trial.file(MODEL_FILE)?, &trial.path(MODEL_FILE))?;
    let columns = &model.columns;
    let design = columns.design();
    let columns_of = ["market", "choice", "item", "probability", "offer", "best price", "chosen"];
    let mut applied = Applied { model: format!("{}; market {}", trial.title(), model.market), ..Applied::default() };
    applied.columns = columns_of.map(String::from).to_vec();
    let sensitivity = columns.price.map(|_| nu[design.features]).filter(|value| *value > 0.0);
    let is_priced = columns.has_outside && sensitivity.is_some();
    if !is_priced {
        let reason = match (columns.price, columns.has_outside) {
            (None, _) => "the model has no price",
            (_, false) => "none of the alternatives cannot be chosen, so every price sells",
            _ => "utility does not fall with the price",
        };
        applied.notices.push(format!("no best prices: {reason}"));
    }
    let (mut loss, mut right) = (0.0, 0.0);
    for path in &options.data {
        let table = ChoiceTable::read_for(path, columns)?;
        for market in &table.markets {
            let choices = match table.is_known {
                true => Some(columns.choices(&market.sets).map_err(|error| StudyError::Spec {
                    path: path.clone(),
                    reason: format!("market {}: {error}; the model knows no choice of none", market.name),
                })?),
                false => None,
            };
            for set in &market.sets {
                let known = crate::systems::pricing::table::ChoiceSet { chosen: Some(0), ..set.clone() };
                let shares = columns.choices([&known])?.probabilities(0, &nu);
                let own: Vec<LinearUtility> = columns.scaled(set).iter().map(|x| design.utility(x, &nu)).collect();
                let offer = if is_priced { best_offer(&own, model.offer, model.ceiling) } else { Default::default() };
                for (item, name) in set.items.iter().enumerate() {
                    let at = offer.items.iter().position(|own| *own == item);
                    let price = at.map(|at| offer.prices[at] * columns.price.unwrap_or(1.0));
                    applied.rows.push(vec![
                        json!(market.name),
                        json!(set.name),
                        json!(name),
                        json!(shares[item]),
                        if is_priced { json!(at.is_some()) } else { Value::Null },
                        price.map_or(Value::Null, |price| json!(price)),
                        if table.is_known { json!(set.chosen == Some(item)) } else { Value::Null },
                    ]);
                }
                if table.is_known {
                    let share = set.chosen.map_or(1.0 - shares.iter().sum::<f64>(), |chosen| shares[chosen]);
                    loss -= share.max(f64::MIN_POSITIVE).ln();
                    applied.known += 1;
                }
            }
            if let Some(choices) = choices {
                right += accuracy(&choices, &nu) * choices.len() as f64;
            }
        }
    }
    if applied.known > 0 {
        let count = applied.known as f64;
        applied.metrics = vec![("log_loss".into(), loss / count), ("accuracy".into(), right / count)];
    }
    Ok(applied)
}
