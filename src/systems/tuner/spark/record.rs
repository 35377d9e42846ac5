//! A recording: configurations times queries as a table that `--data` replays.

use std::fmt::Write;

use crate::classic::tuning::{Configuration, Region};
use crate::lab::Files;
use crate::math::Stream;
use crate::math::order::median;
use crate::study::StudyError;
use crate::systems::tuner::spark::Live;
use crate::systems::tuner::spark::knobs::grouped;
use crate::systems::tuner::spark::world::LiveWorld;
use crate::systems::tuner::table::{META, TIME};
use crate::systems::tuner::world::World;

/// The table in the run folder.
pub const TABLE_FILE: &str = "times.csv";
/// Measurements of the defaults, spread over the recording: their row has the medians.
const DEFAULTS: usize = 3;

/// Configurations and times of one task.
pub struct Recording {
    /// Lines of the table with its header.
    pub table: String,
    /// Configurations.
    pub rows: usize,
    /// Configurations of which a query failed.
    pub failures: usize,
}

/// Measures the defaults and a Latin hypercube. After a failure the other queries of a configuration are not measured.
///
/// # Errors
/// As [`LiveWorld::ask`].
pub fn record(
    world: &LiveWorld<'_>,
    live: &Live,
    (task, seed): (usize, u64),
    done: &dyn Fn(usize, usize),
) -> Result<Recording, StudyError> {
    let space = world.space();
    let mut stream = Stream::named(seed, "recording");
    let design = Region::whole(space).design(space, live.rows - 1, &mut stream);
    let design = grouped(space, design, live.per_session);
    let count = world.queries().len();
    let measure = |why: &str, configuration: &[f64]| -> Result<Vec<Option<f64>>, StudyError> {
        let mut row = Vec::new();
        for query in 0..count {
            let is_failed = row.contains(&None);
            row.push(if is_failed { None } else { world.ask(why, configuration, query)?.seconds });
        }
        Ok(row)
    };
    let default = space.default();
    let mut defaults: Vec<Vec<Option<f64>>> = Vec::new();
    let mut rows: Vec<(Configuration, Vec<Option<f64>>)> = Vec::new();
    // Between sessions, so that they need none of their own more than is needed.
    let parts = design.chunks(live.per_session).collect::<Vec<_>>();
    for (k, part) in parts.iter().enumerate() {
        if k * (DEFAULTS - 1) / parts.len() >= defaults.len() {
            defaults.push(measure(&format!("defaults {}", defaults.len() + 1), &default)?);
            if defaults[0].contains(&None) {
                return Err(world.defaults_fail());
            }
        }
        for configuration in *part {
            rows.push((configuration.clone(), measure("record", configuration)?));
            done(rows.len(), live.rows);
        }
    }
    while defaults.len() < DEFAULTS {
        defaults.push(measure(&format!("defaults {}", defaults.len() + 1), &default)?);
    }
    let middle = (0..count).map(|query| median(defaults.iter().filter_map(|row| row[query]))).collect();
    rows.insert(0, (default, middle));
    let mut table = String::from("task,default");
    let meta = world.meta_by_name();
    // Writing to a text cannot fail.
    space.knobs().iter().for_each(|knob| _ = write!(table, ",{}", knob.name));
    meta.iter().for_each(|(name, _)| _ = write!(table, ",{META}{name}"));
    world.queries().iter().for_each(|name| _ = write!(table, ",{TIME}{name}"));
    table.push('\n');
    for (k, (configuration, times)) in rows.iter().enumerate() {
        _ = write!(table, "{},{}", world.tasks()[task], u8::from(k == 0));
        let values = space.knobs().iter().zip(configuration);
        values.for_each(|(knob, value)| _ = write!(table, ",{}", knob.text(*value)));
        meta.iter().for_each(|(_, value)| _ = write!(table, ",{value:.4}"));
        for time in times {
            _ = match time {
                Some(seconds) => write!(table, ",{seconds:.4}"),
                None => write!(table, ",failed"),
            };
        }
        table.push('\n');
    }
    let failures = rows.iter().filter(|(_, times)| times.contains(&None)).count();
    Ok(Recording { table, rows: rows.len(), failures })
}

/// The tables of several tasks as one, with one header; nothing if there are none. Tasks have the same columns: those of the settings,
/// the queries and the driver.
pub fn joined(tables: impl Iterator<Item = Vec<u8>>) -> Files {
    let mut all = Vec::new();
    for table in tables {
        let header = table.iter().position(|byte| *byte == b'\n').map_or(table.len(), |end| end + 1);
        all.extend_from_slice(if all.is_empty() { &table } else { &table[header..] });
    }
    if all.is_empty() { Vec::new() } else { vec![(TABLE_FILE.into(), all)] }
}
