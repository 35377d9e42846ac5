//! Folds of cross-validation that keep groups together and classes in proportion.

use super::DataError;
use crate::math::Stream;

/// The fold of each row, 0 to `folds` - 1. Rows of one group are in one fold. Groups with a positive row, and those without, are
/// dealt to the folds in a random order, so that each fold has its share of both.
///
/// ```
/// use qgraft::data::grouped_folds;
/// use qgraft::math::Stream;
/// let groups = [0, 0, 1, 2, 2, 3];
/// let folds = grouped_folds(&groups, &[true, false, true, false, false, false], 2, &mut Stream::named(0, "folds")).unwrap();
/// assert_eq!((folds[0], folds[3]), (folds[1], folds[4]));
/// assert!(folds[0] != folds[2] && folds[3] != folds[5]);
/// ```
///
/// # Errors
/// Fewer than `folds` groups with a positive row, or without.
pub fn grouped_folds(
    groups: &[usize],
    is_positive: &[bool],
    folds: usize,
    stream: &mut Stream,
) -> Result<Vec<usize>, DataError> {
    let count = groups.iter().max().map_or(0, |last| last + 1);
    let mut kind: Vec<Option<bool>> = vec![None; count];
    for (group, positive) in groups.iter().zip(is_positive) {
        kind[*group] = Some(kind[*group].unwrap_or(false) || *positive);
    }
    let mut of_group = vec![0; count];
    let mut next = 0;
    for positive in [true, false] {
        let own: Vec<usize> = (0..count).filter(|group| kind[*group] == Some(positive)).collect();
        if own.len() < folds {
            let what = if positive { "positive" } else { "negative" };
            let reason = format!("{} {what} groups (patients) are too few for {folds} folds", own.len());
            return Err(DataError::malformed("folds", reason));
        }
        // The second kind goes on where the first ended, so that sizes differ by one at most.
        for place in stream.permutation(own.len()) {
            of_group[own[place]] = next % folds;
            next += 1;
        }
    }
    Ok(groups.iter().map(|group| of_group[*group]).collect())
}
