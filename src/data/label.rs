//! From the labels of a file to classes numbered from 0.

use std::collections::{BTreeMap, BTreeSet};

use super::array_file::Labels;
use super::{DataError, Part, Samples};
use crate::math::words::{join_and, shortened};

/// More names than this are not listed in a message.
const SHOWN: usize = 6;

/// Samples with these labels, their parts one after the other, and what was done to the labels. A class is called by its
/// name in `names`, or by its label.
///
/// # Errors
/// Labels that `names` does not name, words beside numbers.
pub(super) fn samples(
    place: &str,
    labels: Vec<(Part, Labels)>,
    names: Option<Vec<String>>,
) -> Result<(Samples, Vec<String>), DataError> {
    let parts: Vec<Part> = labels.iter().flat_map(|(part, labels)| vec![*part; labels.len()]).collect();
    let ids = labels.iter().flat_map(|(part, labels)| (0..labels.len()).map(|row| format!("{}:{row}", part.name())));
    let ids: Vec<String> = ids.collect();
    let (mut numbers, mut words) = (Vec::new(), Vec::new());
    for (_, labels) in labels {
        match labels {
            Labels::Numbers(more) => numbers.extend(more),
            Labels::Words(more) => words.extend(more),
        }
    }
    if !numbers.is_empty() && !words.is_empty() {
        return Err(DataError::malformed(place, "some labels are numbers and others words"));
    }
    let (labels, classes, notices) = match words.is_empty() {
        false => of_words(place, &words, names)?,
        true => of_numbers(place, &numbers, names)?,
    };
    Samples::check_classes(place, classes.len())?;
    let samples = Samples { source: place.into(), ids, labels, classes, parts, groups: Vec::new() };
    Ok((samples, notices))
}

type Classes = (Vec<usize>, Vec<String>, Vec<String>);

fn of_words(place: &str, words: &[String], names: Option<Vec<String>>) -> Result<Classes, DataError> {
    let found = || words.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    let names: Vec<String> = names.unwrap_or_else(found);
    let places: BTreeMap<&str, usize> = names.iter().enumerate().map(|(k, name)| (name.as_str(), k)).collect();
    let label = |(row, word): (usize, &String)| {
        places.get(word.as_str()).copied().ok_or_else(|| {
            DataError::malformed(place, format!("label `{word}` at row {row} is none of the classes {}", shown(&names)))
        })
    };
    let labels = words.iter().enumerate().map(label).collect::<Result<_, _>>()?;
    Ok((labels, names, Vec::new()))
}

fn of_numbers(place: &str, numbers: &[i128], names: Option<Vec<String>>) -> Result<Classes, DataError> {
    let found: Vec<i128> = numbers.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let count = found.len() as i128;
    let text: Vec<String> = found.iter().map(ToString::to_string).collect();
    let mapped = |start: &dyn Fn(i128) -> usize| numbers.iter().map(|number| start(*number)).collect();
    // Every label is one of those found.
    let rank = |number: i128| found.partition_point(|other| *other < number);
    match names {
        Some(names) if found.iter().all(|number| (0..names.len() as i128).contains(number)) => {
            Ok((mapped(&|number| number as usize), names, Vec::new()))
        }
        Some(names) if found.iter().all(|number| (1..=names.len() as i128).contains(number)) => {
            let notice = format!("{place}: labels count from 1: label 1 is class `{}`", names[0]);
            Ok((mapped(&|number| number as usize - 1), names, vec![notice]))
        }
        Some(names) if count == names.len() as i128 => {
            let pairs: Vec<String> =
                text.iter().zip(&names).take(SHOWN).map(|(label, name)| format!("{label} is `{name}`")).collect();
            let notice = format!("{place}: labels are not 0 to {}; in their order, {}", count - 1, join_and(&pairs));
            Ok((mapped(&rank), names, vec![notice]))
        }
        Some(names) => {
            let reason = format!("labels {} do not fit the {} classes {}", shown(&text), names.len(), shown(&names));
            Err(DataError::malformed(place, reason))
        }
        None if found.last().is_none_or(|last| found[0] == 0 && *last == count - 1) => {
            Ok((mapped(&|number| number as usize), text, Vec::new()))
        }
        None => {
            let shown = shown(&text);
            let notice = format!("{place}: labels {shown} are not 0 to {}; each is a class of its own", count - 1);
            Ok((mapped(&rank), text, vec![notice]))
        }
    }
}

/// Class names as a file's metadata give them: a JSON list, a JSON object from names to numbers or the reverse, or names
/// separated by commas.
///
/// # Errors
/// JSON that is neither, names that occur twice.
pub(super) fn class_names(text: &str, place: &str) -> Result<Vec<String>, DataError> {
    let failed = |reason: String| DataError::malformed(place, format!("`classes` in the metadata: {reason}"));
    let text = text.trim();
    let names = match text.as_bytes().first() {
        Some(b'[') => {
            let list: Vec<serde_json::Value> = serde_json::from_str(text).map_err(|e| failed(e.to_string()))?;
            list.iter()
                .map(plain)
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| failed("expected a list of names".into()))?
        }
        Some(b'{') => {
            let object: BTreeMap<String, serde_json::Value> =
                serde_json::from_str(text).map_err(|e| failed(e.to_string()))?;
            // Names to numbers, or numbers to names.
            let by_name = |(name, number): (&String, &serde_json::Value)| Some((number.as_u64()?, name.clone()));
            let by_number = |(number, name): (&String, &serde_json::Value)| Some((number.parse().ok()?, plain(name)?));
            let pairs: Option<Vec<(u64, String)>> = object.iter().map(by_name).collect();
            let pairs = pairs.or_else(|| object.iter().map(by_number).collect());
            let mut pairs = pairs.ok_or_else(|| failed("expected names with their numbers".into()))?;
            pairs.sort();
            if pairs.iter().zip(0..).any(|((number, _), place)| *number != place) {
                return Err(failed("the numbers are not 0, 1, 2, …".into()));
            }
            pairs.into_iter().map(|(_, name)| name).collect()
        }
        _ => text.split(',').map(|name| name.trim().to_string()).collect(),
    };
    let mut seen = BTreeSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => Err(failed(format!("`{}` occurs twice", shortened(name)))),
        None => Ok(names),
    }
}

/// A name or number as text.
fn plain(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.trim().into()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The first few of these.
fn shown(names: &[String]) -> String {
    match names.len() > SHOWN {
        true => format!("{}, … ({} in all)", names[..SHOWN].join(", "), names.len()),
        false => join_and(names),
    }
}
