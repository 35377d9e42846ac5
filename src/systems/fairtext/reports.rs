//! Reports with indicators, class, group and district.

use ndarray::Array2;

use crate::data::{Tabular, grouped_folds};
use crate::math::Stream;
use crate::math::words::pluralise;
use crate::study::StudyError;

/// Reports.
#[derive(Clone, Debug)]
pub struct Reports {
    /// What is written.
    pub texts: Vec<String>,
    /// Indicators, classes, ids.
    pub table: Tabular,
    /// The group of each report; all 0 without groups.
    pub groups: Vec<usize>,
    /// Names of the groups.
    pub group_names: Vec<String>,
    /// The district of each report. No district is on both sides of a split.
    pub districts: Vec<usize>,
    /// Names of the districts.
    pub district_names: Vec<String>,
    /// Whether a report is read only while its district is tested on.
    pub test_only: Vec<bool>,
    /// (reports, classes): the probability of each class given all that a report shows, where it is known.
    pub posterior: Option<Array2<f64>>,
}

/// Reports to learn from, to stop and choose on, and to test on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// To learn from.
    pub learn: Vec<usize>,
    /// To stop on.
    pub validation: Vec<usize>,
    /// To test on.
    pub test: Vec<usize>,
}

/// One district in so many that are learned from is for validation.
const VALIDATION: usize = 5;

impl Reports {
    /// Number of reports.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.table.samples.classes
    }

    /// The class of each report.
    pub fn labels(&self) -> &[usize] {
        &self.table.samples.labels
    }

    /// Reports of each class.
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes().len()];
        self.labels().iter().for_each(|label| counts[*label] += 1);
        counts
    }

    /// The class with the fewest reports, of equals the last.
    pub fn minority(&self) -> usize {
        let counts = self.counts();
        (0..counts.len()).rev().min_by_key(|class| counts[*class]).unwrap_or(0)
    }

    /// Whether there are at least two groups.
    pub fn has_groups(&self) -> bool {
        self.group_names.len() > 1
    }

    /// Folds over districts: districts of each group are dealt in proportion. In each fold a fifth of the districts that are learned
    /// from is for validation.
    ///
    /// # Errors
    /// Too few districts.
    pub fn splits(&self, folds: usize, seed: u64) -> Result<Vec<Split>, StudyError> {
        let of_district = self.fold_of_districts(folds, &mut Stream::named(seed, "folds"))?;
        let mut found = Vec::new();
        for fold in 0..folds {
            let left: Vec<usize> = (0..of_district.len()).filter(|d| of_district[*d] != fold).collect();
            let order = Stream::named(seed, &format!("validation {fold}")).permutation(left.len());
            let count = (left.len() / VALIDATION).max(1);
            let mut is_validation = vec![false; of_district.len()];
            let groups = self.group_of_districts();
            // In turn from each group, so that decisions can be compared on validation rows as well.
            let mut taken = 0;
            while taken < count {
                for group in 0..self.group_names.len().max(1) {
                    let next = order.iter().map(|k| left[*k]).find(|d| groups[*d] == group && !is_validation[*d]);
                    if let Some(district) = next.filter(|_| taken < count) {
                        is_validation[district] = true;
                        taken += 1;
                    }
                }
            }
            let rows = |keep: &dyn Fn(usize) -> bool| (0..self.len()).filter(|row| keep(*row)).collect::<Vec<usize>>();
            let split = Split {
                learn: rows(&|row| {
                    let district = self.districts[row];
                    of_district[district] != fold && !is_validation[district] && !self.test_only[row]
                }),
                validation: rows(&|row| is_validation[self.districts[row]] && !self.test_only[row]),
                test: rows(&|row| of_district[self.districts[row]] == fold),
            };
            if let Some(class) =
                (0..self.classes().len()).find(|c| !split.learn.iter().any(|r| self.labels()[*r] == *c))
            {
                let reason = format!(
                    "fold {} of {folds} has no report of the class {} to learn from; the classes need more districts",
                    fold + 1,
                    self.classes()[class]
                );
                return Err(StudyError::Settings { reason });
            }
            found.push(split);
        }
        Ok(found)
    }

    /// The group of each district: that of its first report.
    fn group_of_districts(&self) -> Vec<usize> {
        let mut groups = vec![0; self.district_names.len()];
        for row in (0..self.len()).rev() {
            groups[self.districts[row]] = self.groups[row];
        }
        groups
    }

    fn fold_of_districts(&self, folds: usize, stream: &mut Stream) -> Result<Vec<usize>, StudyError> {
        let groups = self.group_of_districts();
        if groups.len() < folds + 2 {
            let reason = format!("{} are too few for {folds} folds", pluralise(groups.len(), "district"));
            return Err(StudyError::Settings { reason });
        }
        let is_last: Vec<bool> = groups.iter().map(|group| *group + 1 == self.group_names.len()).collect();
        let numbers: Vec<usize> = (0..groups.len()).collect();
        // Two groups that are both large enough are dealt in proportion; otherwise districts are dealt as they come.
        let last = is_last.iter().filter(|own| **own).count();
        if self.has_groups() && last >= folds && groups.len() - last >= folds {
            return Ok(grouped_folds(&numbers, &is_last, folds, stream)?);
        }
        let mut found = vec![0; groups.len()];
        for (place, district) in stream.permutation(groups.len()).into_iter().enumerate() {
            found[district] = place % folds;
        }
        Ok(found)
    }
}
