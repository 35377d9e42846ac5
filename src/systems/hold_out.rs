//! Which rows a head is trained on, chosen on and evaluated on.

use serde::{Deserialize, Serialize};

use crate::data::{FeatureRows, FeatureSplit, Features, HoldOut, Part, TestRows};
use crate::lab::Validation;
use crate::study::StudyError;

/// Which rows are held out. Without either share the data's own held-out rows are validation rows, and every figure is
/// measured on them, or on the test rows that the data marks beside them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HoldOutConfig {
    /// Share of the training rows that becomes validation rows, cut anew under every seed; 0.2 where `test` or `folds` is
    /// given alone. Without these two the rows that the data holds out are test rows. Every figure is measured on the test
    /// rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<f64>,
    /// Share of all rows that becomes test rows, cut anew under every seed, in place of those that the data holds out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<f64>,
    /// Number K of parts for cross-validation, in place of `test`. Under seed s part s mod K is tested, of the s div K-th
    /// cut of all rows: 2 K seeds are K-fold cross-validation, repeated once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<usize>,
}

/// Share of validation rows where the settings ask for test rows alone.
const VALIDATION: f64 = 0.2;

impl HoldOutConfig {
    /// The share of validation rows that is cut; `None` where the data's own held-out rows are the validation rows.
    pub fn validation_share(&self) -> Option<f64> {
        let has_test = self.test.is_some() || self.folds.is_some();
        self.validation.or(has_test.then_some(VALIDATION))
    }

    /// Refuses shares out of range, and a share of test rows beside folds.
    pub fn validate(&self, field: &str, check: &mut Validation) {
        for (name, share) in [("validation", self.validation), ("test", self.test)] {
            if let Some(share) = share {
                check.between(&format!("{field}.{name}"), share, (0.0, 1.0));
            }
        }
        if let Some(folds) = self.folds {
            check.whole(&format!("{field}.folds"), folds, 2..=1000);
            if let Some(test) = self.test {
                check.refuse(&format!("{field}.test"), test, "no share of test rows beside folds");
            }
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
        let evaluated = match config.validation_share() {
            // Data may mark validation and test rows themselves.
            None if features.samples.parts.contains(&Part::Test) => Part::Test,
            None => Part::Validation,
            Some(validation) => {
                let (test, seed) = match (config.test, config.folds) {
                    (_, Some(folds)) => {
                        let count = folds as u64;
                        (TestRows::Fold { folds, fold: (seed % count) as usize }, seed / count)
                    }
                    (Some(share), None) => (TestRows::Share(share), seed),
                    (None, None) => (TestRows::Marked, seed),
                };
                HoldOut { validation, test, seed }.apply(&mut features.samples)?;
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
