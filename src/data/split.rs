//! Splitting samples into training and validation.

use super::{DataError, Part, Samples};
use crate::math::Stream;

/// How to hold samples out of data that does not mark them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// Share of each class to hold out, in (0, 1).
    pub validation: f64,
    /// Decides which samples.
    pub seed: u64,
}

impl Default for Split {
    fn default() -> Self {
        Self { validation: 0.25, seed: 0 }
    }
}

impl Split {
    /// Marks `round(validation · n)` of each class's n samples as held out: at least one, and never all.
    ///
    /// # Errors
    /// A class with fewer than two samples cannot be split.
    pub fn apply(&self, samples: &mut Samples) -> Result<(), DataError> {
        let mut stream = Stream::named(self.seed, "split");
        samples.parts = vec![Part::Train; samples.len()];
        for (class, name) in samples.classes.iter().enumerate() {
            let members: Vec<usize> = (0..samples.len()).filter(|&i| samples.labels[i] == class).collect();
            let found = members.len();
            if found < 2 {
                let (place, class) = (samples.source.clone(), name.clone());
                return Err(DataError::ClassTooSmall { place, class, part: "usable", found, needed: 2 });
            }
            let held_out = ((self.validation * found as f64).round() as usize).clamp(1, found - 1);
            for &i in &stream.permutation(found)[..held_out] {
                samples.parts[members[i]] = Part::Validation;
            }
        }
        Ok(())
    }
}
