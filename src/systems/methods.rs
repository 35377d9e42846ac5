//! Transfer methods beside what a system does in the training on its target: as settings, as an option and as a factor.
//!
//! A level of the factor is rows of [`METHODS`] with their settings ([`MethodChoice`]). They act together with what the system
//! does by itself: rates are multiplied, penalties are added. The level [`OWN`] is the system by itself.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use crate::lab::{Contrast, Factor, Flag, Role, Validation};
use crate::math::words::closest;
use crate::nn::{LayerGroups, LearningRates, NnError, Params};
use crate::transfer::{After, Batch, Compose, FitContext, METHODS, MethodChoice, Need, Transfer};

/// The factor of methods.
pub const METHOD: &str = "method";
/// Its level without any: what the system does by itself.
pub const OWN: &str = "own";

/// Methods beside what a system does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MethodConfig {
    /// Texts of [`MethodChoice`], each a level of the factor; with none there is no factor.
    pub names: Vec<String>,
}

/// The option `--methods`.
pub const fn methods_flag<S>() -> Flag<S> {
    Flag::field(
        "methods",
        "LIST",
        "method.names",
        "Train on the target also by these transfer methods (see `qgraft list methods`), each a level beside what the system \
         does by itself; lora:rank=8+l2_sp are two that act together, one with a setting",
    )
}

impl MethodConfig {
    /// Whether there are none: such settings are not written.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Refuses methods that are in no table, and those that need what the task lacks, with the reason why it does.
    pub fn validate(&self, field: &str, lacks: &[(Need, &str)], check: &mut Validation) {
        let field = format!("{field}.names");
        check.distinct(&field, &self.names);
        for name in self.others() {
            let expected = match MethodChoice::parse(name) {
                Ok(choice) => {
                    let Some((row, need)) = choice.lacks(|need| lacks.iter().all(|(other, _)| *other != need)) else {
                        continue;
                    };
                    let reason = lacks.iter().find(|(other, _)| *other == need).map_or("", |(_, reason)| *reason);
                    format!("another method: {} needs {}, but {reason}", row.name, need.text())
                }
                Err(NnError::Unknown { name: unknown, .. }) => {
                    let known: Vec<&str> = METHODS.iter().map(|row| row.name).collect();
                    let near = closest(&unknown, known.iter().copied());
                    let near = near.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
                    format!("some of {}, joined by +{near}", known.join(", "))
                }
                Err(NnError::Method { expected, .. }) => expected,
                Err(error) => error.to_string(),
            };
            check.refuse(&field, format!("{name:?}"), expected);
        }
    }

    /// The factor, [`OWN`] first; `None` if there are no methods.
    pub fn factor(&self) -> Option<Factor> {
        if self.is_empty() {
            return None;
        }
        let doc = |name: &String| MethodChoice::parse(name).map(|choice| choice.doc()).unwrap_or_default();
        let own = (OWN.to_string(), "what the system does by itself".to_string());
        let others = self.names.iter().filter(|name| *name != OWN).map(|name| (name.clone(), doc(name)));
        let factor = Factor::explained(METHOD, Role::Arm, std::iter::once(own).chain(others));
        Some(factor.with_baseline(OWN).as_addition().listed_by("method.names"))
    }

    /// The names beside [`OWN`].
    pub fn others(&self) -> impl Iterator<Item = &String> {
        self.names.iter().filter(|name| *name != OWN)
    }
}

/// Every method against what the system does by itself, in a metric of a grid within other levels: for systems that do not
/// compare every arm with a baseline.
pub fn contrasts(config: &MethodConfig, (grid, metric): (&str, &str), within: &[(&str, &str)]) -> Vec<Contrast> {
    let contrast = |name: &String| {
        let contrast = Contrast::new(grid, metric, METHOD, name, OWN);
        within.iter().fold(contrast, |contrast, (factor, level)| contrast.at(factor, level))
    };
    config.others().map(contrast).collect()
}

/// What a system does in a training, with the methods of a level of the factor beside it.
pub struct Beside<T> {
    /// What the system does.
    pub own: T,
    more: Compose,
}

impl<T: Transfer> Beside<T> {
    /// With the methods of a level for a network in these layers: none of [`OWN`], and none where there is no factor.
    ///
    /// # Errors
    /// If the level is no text of methods.
    pub fn new(own: T, level: &str, groups: &LayerGroups) -> Result<Self, NnError> {
        let more = match level {
            "" | OWN => Compose::default(),
            text => MethodChoice::parse(text)?.make(groups),
        };
        Ok(Self { own, more })
    }
}

impl<T: Transfer> Transfer for Beside<T> {
    fn prepare(&mut self, context: &FitContext, params: &mut Params) -> Result<(), NnError> {
        self.own.prepare(context, params)?;
        self.more.prepare(context, params)
    }

    fn before_epoch(&mut self, context: &FitContext, params: &mut Params, epoch: usize) -> Result<(), NnError> {
        self.own.before_epoch(context, params, epoch)?;
        self.more.before_epoch(context, params, epoch)
    }

    fn learning_rates(&self, params: &Params, epoch: usize) -> LearningRates {
        self.own.learning_rates(params, epoch).times(&self.more.learning_rates(params, epoch))
    }

    fn penalty(&self, params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        Ok(match (self.own.penalty(params, batch)?, self.more.penalty(params, batch)?) {
            (Some(own), Some(more)) => Some((own + more)?),
            (own, more) => own.or(more),
        })
    }

    fn after_epoch(&mut self, epoch: usize, metric: f64) -> After {
        let (own, more) = (self.own.after_epoch(epoch, metric), self.more.after_epoch(epoch, metric));
        if more == After::RestoreBest { more } else { own }
    }

    fn is_resumable(&self) -> bool {
        self.own.is_resumable() && self.more.is_resumable()
    }

    fn log(&self) -> Vec<&'static str> {
        self.own.log().into_iter().chain(self.more.log()).collect()
    }
}
