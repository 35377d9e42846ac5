//! Three parts: training rows, validation rows that choices are made on, and test rows that no choice was made on.

use super::{DataError, Part, Samples};
use crate::math::Stream;

/// Which rows become test rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TestRows {
    /// Those that the data itself holds out.
    Marked,
    /// A share of all rows, in (0, 1).
    Share(f64),
    /// One part of all rows cut into `folds` parts of equal size, counted from 0.
    Fold {
        /// Number of parts.
        folds: usize,
        /// The part that is held out.
        fold: usize,
    },
}

/// How to hold out validation and test rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HoldOut {
    /// Share of the rows other than test rows that become validation rows, in (0, 1).
    pub validation: f64,
    /// The test rows.
    pub test: TestRows,
    /// Decides which rows.
    pub seed: u64,
}

impl HoldOut {
    /// Divides samples into the three parts: each class in the same proportions, samples of one group in one part.
    ///
    /// Shares are met as closely as whole groups allow. Each class has at least one unit (a group, or a sample that has
    /// none) in each part that is cut.
    ///
    /// # Errors
    /// A class with too few units to give each part one; data without held-out rows where those are to be the test.
    pub fn apply(&self, samples: &mut Samples) -> Result<(), DataError> {
        match self.test {
            TestRows::Share(share) => {
                samples.parts = vec![Part::Train; samples.len()];
                self.cut(samples, share, Part::Test)?;
            }
            TestRows::Fold { folds, fold } => {
                samples.parts = vec![Part::Train; samples.len()];
                self.cut_fold(samples, folds, fold)?;
            }
            TestRows::Marked => {
                for part in &mut samples.parts {
                    *part = if *part == Part::Train { Part::Train } else { Part::Test };
                }
            }
        }
        self.cut(samples, self.validation, Part::Validation)?;
        for part in Part::ALL {
            if let Some(class) = samples.count(part).iter().position(|&n| n == 0) {
                let (place, class) = (samples.source.clone(), samples.classes[class].clone());
                return Err(DataError::ClassTooSmall { place, class, part: part.name(), found: 0, needed: 1 });
            }
        }
        Ok(())
    }

    /// Moves one of `folds` parts to the test rows: each class in the same proportions, whole units at a time, each unit to
    /// the part that has the fewest rows of its class so far.
    fn cut_fold(&self, samples: &mut Samples, folds: usize, fold: usize) -> Result<(), DataError> {
        let mut stream = Stream::named(self.seed, "folds");
        let units = units(samples);
        for (class, name) in samples.classes.clone().iter().enumerate() {
            let own: Vec<&Vec<usize>> = units.iter().filter(|unit| class_of(samples, unit) == class).collect();
            if own.len() < folds {
                let (place, class) = (samples.source.clone(), name.clone());
                let part = "or groups to cut into folds; usable";
                return Err(DataError::ClassTooSmall { place, class, part, found: own.len(), needed: folds });
            }
            let mut sizes = vec![0; folds];
            // Classes start in turn, so that small classes do not all fill the first parts.
            let first = class % folds;
            for place in stream.permutation(own.len()) {
                let next = (0..folds).map(|k| (first + k) % folds).min_by_key(|&k| sizes[k]).unwrap_or(0);
                sizes[next] += own[place].len();
                if next == fold {
                    own[place].iter().for_each(|&i| samples.parts[i] = Part::Test);
                }
            }
        }
        Ok(())
    }

    /// Moves `share` of each class from training to `part`, whole units at a time.
    fn cut(&self, samples: &mut Samples, share: f64, part: Part) -> Result<(), DataError> {
        let mut stream = Stream::named(self.seed, part.name());
        let units = units(samples);
        for (class, name) in samples.classes.clone().iter().enumerate() {
            let own: Vec<&Vec<usize>> = units.iter().filter(|unit| class_of(samples, unit) == class).collect();
            if own.len() < 2 {
                let (place, class) = (samples.source.clone(), name.clone());
                return Err(DataError::ClassTooSmall { place, class, part: "usable", found: own.len(), needed: 2 });
            }
            let wanted = share * own.iter().map(|unit| unit.len()).sum::<usize>() as f64;
            let (mut taken, mut left) = (0, own.len());
            for place in stream.permutation(own.len()) {
                let size = own[place].len();
                // A unit that would overshoot by more than half of itself stays. The first goes and the last stays
                // always.
                let fits = taken as f64 + size as f64 / 2.0 <= wanted;
                if left > 1 && (taken == 0 || fits) {
                    own[place].iter().for_each(|&i| samples.parts[i] = part);
                    taken += size;
                    left -= 1;
                }
            }
        }
        Ok(())
    }
}

/// The training samples that go together: one list per group, in the order of their first sample.
fn units(samples: &Samples) -> Vec<Vec<usize>> {
    let training = samples.of(Part::Train);
    if samples.groups.is_empty() {
        return training.into_iter().map(|i| vec![i]).collect();
    }
    let mut units: Vec<(usize, Vec<usize>)> = Vec::new();
    for i in training {
        let group = samples.groups[i];
        match units.iter_mut().find(|(known, _)| *known == group) {
            Some((_, unit)) => unit.push(i),
            None => units.push((group, vec![i])),
        }
    }
    units.into_iter().map(|(_, unit)| unit).collect()
}

/// The class most samples of a unit belong to.
fn class_of(samples: &Samples, unit: &[usize]) -> usize {
    let count = |class: usize| unit.iter().filter(|&&i| samples.labels[i] == class).count();
    (0..samples.classes.len()).rev().max_by_key(|&class| count(class)).unwrap_or(0)
}
