//! One table of the user, read, with the forest that was grown elsewhere.

use ndarray::Axis;

use crate::classic::NamedForest;
use crate::data::{DataError, TargetTable};
use crate::lab::Measurement;
use crate::math::words::join_and;
use crate::study::StudyError;
use crate::systems::forest::spec::Spec;
use crate::systems::forest::task::Task;

/// The table with the forest that was grown elsewhere, if there is one.
pub struct OwnTable {
    /// The table; with such a forest its columns are those that the forest reads, its classes those of the forest.
    pub table: TargetTable,
    /// That forest.
    pub forest: Option<NamedForest>,
}

/// Reads the table, and the forest if one is given.
///
/// # Errors
/// What is wrong in either, and a forest that does not fit the table.
pub fn open(spec: &Spec) -> Result<(OwnTable, Measurement), StudyError> {
    let path = spec.data.clone().unwrap_or_default();
    let mut table = TargetTable::read(&path, &spec.target_options())?;
    let mut found = Measurement::default();
    let forest = match &spec.forest {
        Some(file) => {
            let forest = NamedForest::open(file)?;
            let dropped =
                fit_to(&mut table, &forest).map_err(|reason| StudyError::SavedRun { path: file.clone(), reason })?;
            if !dropped.is_empty() {
                found = found.notice(format!("the forest does not read {}", join_and(&dropped)));
            }
            let text = "the forest was grown elsewhere: if it has seen rows of this table, its figures and those of \
                        networks that learn from it are too good";
            found = found.notice(text);
            Some(forest)
        }
        None => None,
    };
    let kind = match table.numbers {
        Some(_) => "a number (regression)".to_string(),
        None => format!("{} classes", table.table.samples.classes.len()),
    };
    found = found.notice(format!("the target `{}` is {kind}", table.table.target));
    found = table.table.notices.iter().fold(found, Measurement::notice);
    Ok((OwnTable { table, forest }, found))
}

/// Leaves the columns that a forest reads, in its order, with its classes. Returns the columns left out, or what does not
/// fit.
fn fit_to(own: &mut TargetTable, forest: &NamedForest) -> Result<Vec<String>, String> {
    let table = &mut own.table;
    let names: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let wanted = if forest.columns.is_empty() { names.clone() } else { forest.columns.clone() };
    if forest.forest.columns() > wanted.len() {
        let reads = forest.forest.columns();
        return Err(format!("it reads {reads} columns, but the table has {}", wanted.len()));
    }
    let place = |name: &String| {
        let index = names.iter().position(|own| own == name);
        let index = index.ok_or_else(|| {
            format!("it reads column `{name}`, which the table lacks or leaves out; the table has {}", names.join(", "))
        })?;
        match &table.columns[index].words {
            None => Ok(index),
            Some(_) => Err(format!("it reads column `{name}` as numbers, but the table has words there")),
        }
    };
    let kept: Vec<usize> = wanted.iter().map(place).collect::<Result<_, _>>()?;
    let dropped = names.iter().enumerate().filter(|(index, _)| !kept.contains(index)).map(|(_, name)| name.clone());
    let dropped: Vec<String> = dropped.collect();
    table.values = table.values.select(Axis(1), &kept);
    table.columns = kept.iter().map(|&index| table.columns[index].clone()).collect();
    match (&own.numbers, forest.classes.is_empty()) {
        (Some(_), false) => return Err("it predicts classes, but the target is a number; --task classification".into()),
        (None, true) => return Err("it predicts a number, but the target is classes; --task regression".into()),
        (Some(_), true) => return Ok(dropped),
        (None, false) => {}
    }
    let is_same = |a: &str, b: &str| a == b || a.parse::<f64>().ok().is_some_and(|a| b.parse() == Ok(a));
    let samples = &mut table.samples;
    let to = |class: &String| {
        let known = forest.classes.iter().position(|own| is_same(own, class));
        known.ok_or_else(|| format!("it does not know class `{class}`; its classes are {}", forest.classes.join(", ")))
    };
    let map: Vec<usize> = samples.classes.iter().map(to).collect::<Result<_, _>>()?;
    if let Some(class) = (0..forest.classes.len()).find(|class| !map.contains(class)) {
        return Err(format!("the table has no row of its class `{}`", forest.classes[class]));
    }
    samples.labels.iter_mut().for_each(|label| *label = map[*label]);
    samples.classes.clone_from(&forest.classes);
    Ok(dropped)
}

/// The rows and the forest under one seed, with a notice if not all training rows are used.
///
/// # Errors
/// A class with too few rows.
pub fn prepare(spec: &Spec, own: &OwnTable, seed: u64) -> Result<(Task, Measurement), StudyError> {
    let numbers = own.table.numbers.as_deref();
    let given = own.forest.as_ref().map(|named| &named.forest);
    let task = Task::of(spec, (&own.table.table, numbers), given, seed).map_err(advise)?;
    let rows = own.table.table.samples.len() - task.validation.labels.len() - task.test.labels.len();
    let used = task.training.labels.len();
    let found = Measurement::default();
    Ok(match used < rows {
        true => (task, found.notice(format!("{used} of {rows} training rows are used; --rows N changes that"))),
        false => (task, found),
    })
}

/// Says what to do about a class with too few rows.
fn advise(error: StudyError) -> StudyError {
    match error {
        StudyError::Data(DataError::ClassTooSmall { place, class, part, found, needed }) => {
            let reason = format!(
                "class `{class}` has {found} {part} rows, at least {needed} needed; remove or merge it, or ask for fewer \
                 --folds"
            );
            DataError::Malformed { place, reason }.into()
        }
        other => other,
    }
}
