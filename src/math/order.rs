//! Order in lists of numbers and of names.

use std::borrow::Borrow;

/// The index of the first of the largest values; 0 if there are none.
///
/// ```
/// assert_eq!(qgraft::math::order::argmax([0.2, 0.4, 0.4]), 1);
/// ```
pub fn argmax(values: impl IntoIterator<Item: Borrow<f64>>) -> usize {
    let values = values.into_iter().map(|value| *value.borrow());
    let first = values.enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
    first.map_or(0, |(index, _)| index)
}

/// The different names in alphabetical order, and which of them each name is.
pub fn numbered(names: Vec<String>) -> (Vec<String>, Vec<usize>) {
    let mut known = names.clone();
    known.sort();
    known.dedup();
    let numbers = names.iter().map(|name| known.partition_point(|own| own < name)).collect();
    (known, numbers)
}

/// The median: the middle value, or the mean of the two middle ones; `None` if there are none.
///
/// ```
/// assert_eq!(qgraft::math::order::median([3.0, 1.0, 2.0, 10.0]), Some(2.5));
/// ```
pub fn median(values: impl IntoIterator<Item: Borrow<f64>>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().map(|value| *value.borrow()).collect();
    let (middle, is_odd) = (values.len() / 2, values.len() % 2 == 1);
    if values.is_empty() {
        return None;
    }
    // Selected, not sorted: linear in the number of values.
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = below.iter().copied().max_by(f64::total_cmp).filter(|_| !is_odd);
    Some(lower.map_or(upper, |lower| (lower + upper) / 2.0))
}
