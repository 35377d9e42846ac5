//! Columns of numbers in a named unit, exact in both directions.

use serde_json::{Value, json};

use super::field::Field;
use crate::device::DeviceError;

/// A unit as the last part of a key, such as `t1_us`.
pub struct Unit {
    suffix: &'static str,
    to_si: fn(f64) -> f64,
    from_si: fn(f64) -> f64,
}

/// Units of each kind of quantity, the one preferred for writing first, SI last.
///
/// A time is divided by a whole power of ten, which has an exact double, so that the result is correctly rounded.
pub const LIFETIME: &[Unit] = &[
    Unit { suffix: "_us", to_si: |v| v / 1e6, from_si: |v| v * 1e6 },
    Unit { suffix: "_s", to_si: |v| v, from_si: |v| v },
];
pub const LENGTH: &[Unit] = &[
    Unit { suffix: "_ns", to_si: |v| v / 1e9, from_si: |v| v * 1e9 },
    Unit { suffix: "_s", to_si: |v| v, from_si: |v| v },
];
pub const FREQUENCY: &[Unit] = &[
    Unit { suffix: "_ghz", to_si: |v| v * 1e9, from_si: |v| v / 1e9 },
    Unit { suffix: "_hz", to_si: |v| v, from_si: |v| v },
];
pub const PLAIN: &[Unit] = &[Unit { suffix: "", to_si: |v| v, from_si: |v| v }];

/// Reads `name` in whichever of `units` it is given: `count` numbers, or one for all. Null and absent mean unknown.
pub fn read(parent: &Field, name: &str, units: &[Unit], count: usize) -> Result<Vec<Option<f64>>, DeviceError> {
    let given = units.iter().find_map(|unit| Some((unit, parent.find(&format!("{name}{}", unit.suffix))?)));
    let Some((unit, field)) = given else { return Ok(vec![None; count]) };
    if !field.is_list() {
        return Ok(vec![field.known_number()?.map(unit.to_si); count]);
    }
    let list = field.list()?;
    if list.len() != count {
        return Err(field.wrong(format!("has {} entries, expected {count} or one number for all", list.len())));
    }
    let entry = |entry: &Field| Ok(entry.known_number()?.map(unit.to_si));
    list.iter().map(entry).collect()
}

/// Key and value of a column, `None` if nothing in it is known.
pub fn write(name: &str, units: &[Unit], values: &[Option<f64>]) -> Option<(String, Value)> {
    values.iter().flatten().next()?;
    // The last unit is SI itself, so one of them always fits.
    let (unit, written) = units.iter().find_map(|unit| Some((unit, in_unit(unit, values)?)))?;
    let one_for_all = written.iter().all(|value| *value == written[0]);
    let value = if one_for_all { json!(written[0]) } else { json!(written) };
    Some((format!("{name}{}", unit.suffix), value))
}

/// Every value in `unit`, `None` if one of them has no double that converts back to it bit for bit.
fn in_unit(unit: &Unit, values: &[Option<f64>]) -> Option<Vec<Option<f64>>> {
    // A search for a short decimal takes longer than the rest of a column.
    if values.iter().all(|value| *value == values[0]) {
        let first = values[0].map_or(Some(None), |si| original(unit, si).map(Some))?;
        return Some(vec![first; values.len()]);
    }
    values.iter().map(|value| value.map_or(Some(None), |si| original(unit, si).map(Some))).collect()
}

/// A double that converts to exactly `si`: the nearest, unless one beside it has a clearly shorter decimal (150 rather
/// than 150.00000000000003), which then is the number the file had.
fn original(unit: &Unit, si: f64) -> Option<f64> {
    let guess = (unit.from_si)(si);
    let (mut low, mut high) = (guess, guess);
    let mut candidates = vec![guess];
    // Rounding on the way there and back moves a number by at most two steps.
    for _ in 0..3 {
        (low, high) = (low.next_down(), high.next_up());
        candidates.extend([low, high]);
    }
    candidates.retain(|&value| (unit.to_si)(value) == si);
    let digits = |value: &f64| value.to_string().len();
    let shortest = candidates.iter().copied().min_by_key(digits)?;
    let nearest = candidates[0];
    Some(if digits(&nearest) > digits(&shortest) + 2 { shortest } else { nearest })
}
