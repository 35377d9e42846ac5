//! Places in a list.

use std::borrow::Borrow;

/// The place of the first of the argmax values; 0 if there are none.
///
/// ```
/// assert_eq!(qgraft::math::order::argmax([0.2, 0.4, 0.4]), 1);
/// ```
pub fn argmax(values: impl IntoIterator<Item: Borrow<f64>>) -> usize {
    let values = values.into_iter().map(|value| *value.borrow());
    let first = values.enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
    first.map_or(0, |(place, _)| place)
}
