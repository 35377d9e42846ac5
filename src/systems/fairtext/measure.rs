//! Figures of the answers of all folds.

use ndarray::Array2;

use crate::lab::Measurement;
use crate::math::order::argmax;
use crate::study::StudyError;
use crate::study::fairness::{demographic_parity_difference, equalized_odds_difference};
use crate::study::metric::{Predictions, counts, probability, ranking};
use crate::systems::fairtext::reports::Reports;
use crate::systems::fairtext::trial::Answers;

/// What is measured on all tested reports together.
///
/// # Errors
/// Probabilities that are none.
pub fn measure(reports: &Reports, all: &[Answers]) -> Result<Measurement, StudyError> {
    let classes = reports.classes().len();
    let rows: Vec<usize> = all.iter().flat_map(|own| own.rows.iter().copied()).collect();
    let decisions: Vec<usize> = all.iter().flat_map(|own| own.decisions.iter().copied()).collect();
    let values: Vec<f64> = all.iter().flat_map(|own| own.probabilities.iter().copied()).collect();
    let shape = |_| StudyError::Shape { rows: rows.len(), classes, labels: rows.len() };
    let probabilities = Array2::from_shape_vec((rows.len(), classes), values).map_err(shape)?;
    let labels: Vec<usize> = rows.iter().map(|row| reports.labels()[*row]).collect();
    let groups: Vec<usize> = rows.iter().map(|row| reports.groups[*row]).collect();
    let said = Array2::from_shape_fn((rows.len(), classes), |(row, class)| f64::from(decisions[row] == class));
    // Decisions are measured as certain answers, because a rule for groups decides otherwise than the largest probability.
    let decided = Predictions::new(said, labels.clone())?;
    let ranked = Predictions::new(probabilities, labels.clone())?;
    let minority = reports.minority();
    let of_minority = counts::by_class(&decided)[minority];
    let mut of_class = vec![0usize; classes];
    labels.iter().for_each(|label| of_class[*label] += 1);
    let majority = of_class.iter().max().map_or(0.0, |most| *most as f64 / labels.len().max(1) as f64);
    let accuracy = decided.accuracy();
    let mut found = Measurement::default()
        .value("accuracy", accuracy)
        .value("majority", majority)
        .value_if("balanced_accuracy", counts::balanced_accuracy(&decided).ok())
        .value_if("precision", counts::precision(&decided).ok())
        .value_if("f1", counts::f1(&decided).ok())
        .value_if("average_precision", ranking::average_precision(&ranked).ok())
        .value_if("minority_ap", ranking::average_precision_of_class(&ranked, minority).ok())
        .value("minority_recall", of_minority.recall())
        .value_if("calibration_error", probability::calibration_error(&ranked).ok());
    if reports.has_groups() {
        found = found
            .value("parity", demographic_parity_difference(&decisions, &groups, classes))
            .value("odds", equalized_odds_difference(&decisions, &labels, &groups, classes));
    }
    if let Some(posterior) = &reports.posterior {
        let best: Vec<usize> = rows.iter().map(|row| argmax(posterior.row(*row))).collect();
        let bayes = counts::share_right(best.iter().copied(), &labels);
        let of_best = Predictions::new(posterior.select(ndarray::Axis(0), &rows), labels)?;
        found = found
            .value("bayes", bayes)
            .value_if("bayes_minority_ap", ranking::average_precision_of_class(&of_best, minority).ok())
            .value("bayes_parity", demographic_parity_difference(&best, &groups, classes));
        if bayes > majority {
            found = found.value("of_bayes", (accuracy - majority) / (bayes - majority));
        }
    }
    Ok(found)
}
