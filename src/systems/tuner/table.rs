//! A user's measured times as a replay table.

use std::collections::BTreeMap;
use std::path::Path;

use crate::classic::tuning::{Configuration, Knob, Observation, Space, Task, Values};
use crate::data::{TextRow, TextTable};
use crate::math::Stream;
use crate::study::StudyError;
use crate::systems::tuner::world::World;

/// Start of the names of columns with times.
pub const TIME: &str = "time_";
/// Start of the names of columns with meta-features of the task.
pub const META: &str = "meta_";
/// What a time may say of a query that failed.
const FAILED: [&str; 8] = ["", "failed", "fail", "error", "timeout", "nan", "inf", "none"];
/// A range of so many times its start is taken as logarithmic.
const LOGARITHMIC: f64 = 50.0;
/// Rows of a task at least.
const LEAST_ROWS: usize = 5;

/// Configurations and times of one task, the defaults first.
struct Rows {
    configurations: Vec<Configuration>,
    times: Vec<Vec<Option<f64>>>,
    meta: Vec<f64>,
}

/// Measured times of several tasks.
pub struct ReplayTable {
    space: Space,
    queries: Vec<String>,
    names: Vec<String>,
    rows: Vec<Rows>,
    /// What was read otherwise than it stands there.
    pub notices: Vec<String>,
}

/// The columns of a table.
struct Columns {
    task: Option<usize>,
    default: Option<usize>,
    times: Vec<usize>,
    meta: Vec<usize>,
    knobs: Vec<usize>,
}

impl Columns {
    fn of(table: &TextTable) -> Self {
        let starts = |start: &str| {
            let own = table.header.iter().enumerate().filter(|(_, name)| name.to_lowercase().starts_with(start));
            own.map(|(k, _)| k).collect::<Vec<usize>>()
        };
        let (times, meta) = (starts(TIME), starts(META));
        let (task, default) = (table.column(&["task"]), table.column(&["default"]));
        let is_knob = |k: &usize| !times.contains(k) && !meta.contains(k) && Some(*k) != task && Some(*k) != default;
        let knobs = (0..table.header.len()).filter(is_knob).collect();
        Self { task, default, times, meta, knobs }
    }
}

impl ReplayTable {
    /// Reads a table: a column `task` unless there is one task, a column for each knob, `time_NAME` for each query in seconds.
    ///
    /// # Errors
    /// A table without times or knobs, a time that is none, a task of fewer than five configurations.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let table = TextTable::read(path)?;
        let columns = Columns::of(&table);
        if columns.times.is_empty() {
            return Err(table.malformed("no columns of times; expected time_NAME for each query, in seconds").into());
        }
        let space = space(&table, &columns)?;
        let (names, rows, notices) = read_rows(&table, &columns, &space)?;
        let found = Self { queries: queries(&table, &columns), space, names, rows, notices };
        for (name, rows) in found.names.iter().zip(&found.rows) {
            let count = rows.configurations.len();
            if count < LEAST_ROWS {
                let reason = format!("task {name:?} has {count} configurations; expected at least {LEAST_ROWS}");
                return Err(table.malformed(reason).into());
            }
            if rows.times[0].contains(&None) {
                let reason = format!(
                    "task {name:?}: its defaults, the row marked in the column `default` or else its first, failed; they are what others \
                     are compared with"
                );
                return Err(table.malformed(reason).into());
            }
        }
        Ok(found)
    }

    /// Number of configurations of all tasks.
    pub fn len(&self) -> usize {
        self.rows.iter().map(|rows| rows.configurations.len()).sum()
    }

    /// Never: every task has configurations.
    pub fn is_empty(&self) -> bool {
        false
    }

    fn find(&self, task: usize, configuration: &[f64]) -> Option<&[Option<f64>]> {
        let rows = &self.rows[task];
        let row = rows.configurations.iter().position(|own| own == configuration)?;
        Some(&rows.times[row])
    }
}

/// Measured times of one task in a known space: what `qgraft predict` reads.
///
/// # Errors
/// A table that lacks a knob or a query, has a value outside the space, or several tasks.
pub fn read_known(path: &Path, space: &Space, queries: &[String], full: usize) -> Result<Task, StudyError> {
    let table = TextTable::read(path)?;
    let known = Known::of(&table, space, queries, full)?;
    if let (Some(at), Some(first)) = (table.column(&["task"]), table.rows.first())
        && let Some(row) = table.rows.iter().find(|row| row.fields[at] != first.fields[at])
    {
        return Err(table.wrong(row, at, format!("expected the rows of {:?} alone", first.fields[at])).into());
    }
    let observations = table.rows.iter().map(|row| known.observation(row)).collect::<Result<Vec<_>, _>>()?;
    Ok(Task { name: "new".into(), meta: Vec::new(), observations })
}

/// Measured times of every task of a table in a known space, with these meta-features of the task's first row; without any if a
/// column is missing.
///
/// # Errors
/// A table that lacks a knob or a query, or has a value outside the space.
pub fn read_sources(
    path: &Path,
    space: &Space,
    (queries, meta): (&[String], &[String]),
    full: usize,
) -> Result<Vec<Task>, StudyError> {
    let table = TextTable::read(path)?;
    let known = Known::of(&table, space, queries, full)?;
    let column = |name: &String| table.header.iter().position(|own| *own == format!("{META}{name}"));
    let meta = meta.iter().map(column).collect::<Option<Vec<usize>>>().unwrap_or_default();
    let mut found: Vec<Task> = Vec::new();
    for row in &table.rows {
        let name = table.column(&["task"]).map_or("task", |at| row.fields[at].as_str());
        let place = match found.iter().position(|own| own.name == name) {
            Some(place) => place,
            None => {
                let number = |at: &usize| table.number(row, *at, f64::MIN..=f64::MAX);
                let meta = meta.iter().map(number).collect::<Result<Vec<_>, _>>()?;
                found.push(Task { name: name.into(), meta, observations: Vec::new() });
                found.len() - 1
            }
        };
        found[place].observations.push(known.observation(row)?);
    }
    Ok(found)
}

/// The columns of a known space in a table.
struct Known<'a> {
    table: &'a TextTable,
    space: &'a Space,
    knobs: Vec<usize>,
    times: Vec<usize>,
    full: usize,
}

impl<'a> Known<'a> {
    fn of(table: &'a TextTable, space: &'a Space, queries: &[String], full: usize) -> Result<Self, StudyError> {
        let column = |name: &str| {
            let found = table.header.iter().position(|own| own == name);
            found.ok_or_else(|| table.malformed(format!("no column {name:?}, which the run has")))
        };
        let knobs = space.knobs().iter().map(|knob| column(&knob.name)).collect::<Result<Vec<_>, _>>()?;
        let times = queries.iter().map(|query| column(&format!("{TIME}{query}"))).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { table, space, knobs, times, full })
    }

    fn observation(&self, row: &TextRow) -> Result<Observation, StudyError> {
        let (table, space) = (self.table, self.space);
        let mut configuration = Vec::new();
        for (knob, &at) in space.knobs().iter().zip(&self.knobs) {
            let text = &row.fields[at];
            configuration.push(match &knob.values {
                Values::Choice(names) => {
                    let place = names.iter().position(|name| name == text);
                    place.ok_or_else(|| table.wrong(row, at, format!("expected one of {}", names.join(", "))))? as f64
                }
                _ => {
                    let value = table.number(row, at, f64::MIN..=f64::MAX)?;
                    if !knob.holds(value) {
                        let reason = "expected a value in the range that the run has tuned";
                        return Err(table.wrong(row, at, reason).into());
                    }
                    value
                }
            });
        }
        let parts = self.times.iter().map(|&at| time(table, row, at)).collect::<Result<Vec<_>, _>>()?;
        let value = parts.iter().copied().sum::<Option<f64>>().map(f64::ln);
        let cost = parts.iter().flatten().sum();
        let configuration = space.canonical(configuration);
        Ok(Observation { configuration, level: self.full, value, cost, parts })
    }
}

fn queries(table: &TextTable, columns: &Columns) -> Vec<String> {
    columns.times.iter().map(|&k| table.header[k][TIME.len()..].to_string()).collect()
}

fn time(table: &TextTable, row: &TextRow, at: usize) -> Result<Option<f64>, StudyError> {
    if FAILED.contains(&row.fields[at].trim().to_lowercase().as_str()) {
        return Ok(None);
    }
    let seconds = table.number(row, at, 0.0..=1e9)?;
    if seconds <= 0.0 {
        return Err(table.wrong(row, at, "expected seconds above 0, or failed").into());
    }
    Ok(Some(seconds))
}

/// Numbers with the range that the table has, everything else as choices. Columns of one value are no knobs.
fn space(table: &TextTable, columns: &Columns) -> Result<Space, StudyError> {
    let mut knobs = Vec::new();
    for &at in &columns.knobs {
        let texts: Vec<&str> = table.rows.iter().map(|row| row.fields[at].as_str()).collect();
        let name = &table.header[at];
        let numbers: Option<Vec<f64>> =
            table.rows.iter().map(|row| table.number(row, at, f64::MIN..=f64::MAX).ok()).collect();
        if let Some(row) = table.rows.iter().find(|row| row.fields[at].trim().is_empty()) {
            return Err(table.wrong(row, at, "expected the value of the knob").into());
        }
        let mut distinct: Vec<&str> = texts.clone();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() < 2 {
            continue;
        }
        knobs.push(match numbers {
            Some(values) => {
                let low = values.iter().copied().fold(f64::INFINITY, f64::min);
                let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                if low == high {
                    continue;
                }
                let log = low > 0.0 && high / low >= LOGARITHMIC;
                match values.iter().all(|value| value.fract() == 0.0 && value.abs() < 1e15) {
                    true => Knob::whole(name, (low as i64, high as i64), log, low as i64),
                    false => Knob::number(name, (low, high), log, low),
                }
            }
            None => Knob::choice(name, &distinct, 0),
        });
    }
    if knobs.is_empty() {
        return Err(table.malformed("no column of a knob with two values").into());
    }
    Ok(Space::new(knobs)?)
}

type Read = (Vec<String>, Vec<Rows>, Vec<String>);

fn read_rows(table: &TextTable, columns: &Columns, space: &Space) -> Result<Read, StudyError> {
    let mut names: Vec<String> = Vec::new();
    let mut marked: Vec<Option<usize>> = Vec::new();
    let mut found: Vec<Rows> = Vec::new();
    let mut again = BTreeMap::new();
    for row in &table.rows {
        let name = columns.task.map_or("task".to_string(), |at| row.fields[at].clone());
        if name.is_empty() {
            return Err(table.wrong(row, columns.task.unwrap_or(0), "expected the name of the task").into());
        }
        let task = names.iter().position(|own| *own == name).unwrap_or_else(|| {
            names.push(name.clone());
            marked.push(None);
            found.push(Rows { configurations: Vec::new(), times: Vec::new(), meta: Vec::new() });
            names.len() - 1
        });
        let mut configuration = Vec::new();
        for knob in space.knobs() {
            // The space was made of these columns.
            let at = columns.knobs.iter().copied().find(|&at| table.header[at] == knob.name).unwrap_or(0);
            configuration.push(match &knob.values {
                Values::Choice(names) => names.iter().position(|own| *own == row.fields[at]).unwrap_or(0) as f64,
                _ => table.number(row, at, f64::MIN..=f64::MAX)?,
            });
        }
        let times = columns.times.iter().map(|&at| time(table, row, at)).collect::<Result<Vec<_>, _>>()?;
        let meta =
            columns.meta.iter().map(|&at| table.number(row, at, f64::MIN..=f64::MAX)).collect::<Result<Vec<_>, _>>()?;
        let rows = &mut found[task];
        if rows.configurations.contains(&configuration) {
            *again.entry(name).or_insert(0) += 1;
            continue;
        }
        if rows.meta.is_empty() {
            rows.meta = meta;
        }
        let is_default = columns
            .default
            .is_some_and(|at| ["1", "yes", "true"].contains(&row.fields[at].trim().to_lowercase().as_str()));
        if is_default && marked[task].is_none() {
            marked[task] = Some(rows.configurations.len());
        }
        rows.configurations.push(configuration);
        rows.times.push(times);
    }
    for (rows, marked) in found.iter_mut().zip(marked) {
        let first = marked.unwrap_or(0);
        rows.configurations.swap(0, first);
        rows.times.swap(0, first);
    }
    let notice = |(name, count): (&String, &usize)| {
        format!("task {name}: rows that repeat a configuration: {count}; the first of each is used")
    };
    Ok((names, found, again.iter().map(notice).collect()))
}

impl World for ReplayTable {
    fn space(&self) -> &Space {
        &self.space
    }

    fn queries(&self) -> &[String] {
        &self.queries
    }

    fn tasks(&self) -> &[String] {
        &self.names
    }

    fn meta(&self, task: usize) -> Vec<f64> {
        self.rows[task].meta.clone()
    }

    fn pool(&self, task: usize) -> Option<&[Configuration]> {
        Some(&self.rows[task].configurations)
    }

    fn measure(&self, task: usize, configuration: &[f64], query: usize, _: &mut Stream) -> Option<f64> {
        self.find(task, configuration)?[query]
    }

    fn total(&self, task: usize, configuration: &[f64]) -> Option<f64> {
        self.find(task, configuration)?.iter().copied().sum()
    }

    fn optimum(&self, task: usize) -> f64 {
        let totals = self.rows[task].times.iter().filter_map(|times| times.iter().copied().sum::<Option<f64>>());
        totals.fold(f64::INFINITY, f64::min)
    }

    fn reduced(&self, _: usize, _: &[f64], _: f64, _: &mut Stream) -> Option<f64> {
        None
    }
}
