//! Order in lists of numbers.

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

/// The median: the middle value, or the mean of the two middle ones; `None` if there are none.
///
/// ```
/// assert_eq!(qgraft::math::order::median([3.0, 1.0, 2.0, 10.0]), Some(2.5));
/// ```
pub fn median(values: impl IntoIterator<Item: Borrow<f64>>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().map(|value| *value.borrow()).collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}
