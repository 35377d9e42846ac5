//! Which rows a head is trained on, chosen on and evaluated on.

use serde::{Deserialize, Serialize};

use crate::data::{FeatureRows, FeatureSplit, Features, HoldOut, Part};
use crate::lab::Validation;
use crate::study::StudyError;

/// Which rows are held out. Without either share the data's own held-out rows are validation rows, and every figure is
/// measured on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HoldOutConfig {
    /// Share of the training rows that becomes validation rows, cut anew under every seed. The rows that the data holds
    /// out are then test rows, and every figure is measured on these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<f64>,
    /// Share of all rows that becomes test rows, cut anew under every seed, in place of those that the data holds out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<f64>,
}

impl HoldOutConfig {
    /// Refuses shares out of range, and test rows without validation rows.
    pub fn validate(&self, field: &str, check: &mut Validation) {
        for (name, share) in [("validation", self.validation), ("test", self.test)] {
            if let Some(share) = share {
                check.between(&format!("{field}.{name}"), share, (0.0, 1.0));
            }
        }
        if self.test.is_some() && self.validation.is_none() {
            check.refuse(&format!("{field}.validation"), "missing", "a share, where hold_out.test has one");
        }
    }
}

/// The rows of one cut of the data.
pub struct Rows {
    /// To train on, and to choose the best epoch on.
    pub split: FeatureSplit,
    /// Rows that every figure is measured on: the test rows, or without such the validation rows.
    pub evaluated: FeatureRows,
}

impl Rows {
    /// The cut under `seed`.
    ///
    /// # Errors
    /// If a class has too few rows for it.
    pub fn cut(features: &Features, config: &HoldOutConfig, seed: u64) -> Result<Self, StudyError> {
        let mut features = features.clone();
        let evaluated = match config.validation {
            None => Part::Validation,
            Some(validation) => {
                HoldOut { validation, test: config.test, seed }.apply(&mut features.samples)?;
                Part::Test
            }
        };
        let split = FeatureSplit { training: features.rows(Part::Train), validation: features.rows(Part::Validation) };
        Ok(Self { evaluated: features.rows(evaluated), split })
    }

    /// Numbers of training, validation and evaluated rows.
    pub fn counts(&self) -> [usize; 3] {
        [self.split.training.len(), self.split.validation.len(), self.evaluated.len()]
    }
}
