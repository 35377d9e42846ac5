//! What has been measured: observations, tasks, and the knowledge base as JSON lines.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::classic::ClassicError;
use crate::classic::tuning::space::{Configuration, Space};

/// One measurement of one configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The configuration.
    pub configuration: Configuration,
    /// How closely it was measured, the largest level being a full measurement.
    pub level: usize,
    /// What is to be small; `None` where the measurement failed.
    pub value: Option<f64>,
    /// What it cost.
    pub cost: f64,
    /// The parts of the measurement, such as the times of queries; `None` where one was not measured or failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Option<f64>>,
}

/// Everything known of one task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// Its meta-features; tasks that are compared have equally many.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub meta: Vec<f64>,
    /// What was measured.
    pub observations: Vec<Observation>,
}

impl Task {
    /// Configurations with a value at a level.
    pub fn at(&self, level: usize) -> impl Iterator<Item = (&Configuration, f64)> {
        let own = self.observations.iter().filter(move |own| own.level == level);
        own.filter_map(|own| Some((&own.configuration, own.value?)))
    }

    /// Times of all parts of the full measurements that know them all.
    pub fn parts(&self, full: usize) -> Vec<Vec<f64>> {
        let own = self.observations.iter().filter(|own| own.level == full && own.value.is_some());
        own.filter_map(|own| own.parts.iter().copied().collect::<Option<Vec<f64>>>())
            .filter(|row| !row.is_empty())
            .collect()
    }

    /// The best full measurement.
    pub fn best(&self, full: usize) -> Option<(&Configuration, f64)> {
        self.at(full).reduce(|best, next| if next.1 < best.1 { next } else { best })
    }
}

/// A space with what is known of tasks in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Knowledge {
    /// The space of all tasks.
    pub space: Space,
    /// Number of levels.
    pub levels: usize,
    /// Names of the parts of a measurement.
    pub parts: Vec<String>,
    /// The tasks.
    pub tasks: Vec<Task>,
}

/// Name and version of the format.
const FORMAT: &str = "qgraft.knowledge/1";

/// The first line.
#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    levels: usize,
    parts: Vec<String>,
    space: Space,
}

/// A line of a task, or of an observation of the task before it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Task { task: String, meta: Vec<f64> },
    Observation(Observation),
}

impl Knowledge {
    /// As JSON lines: the space, then each task and its observations.
    pub fn to_lines(&self) -> String {
        let Self { space, levels, parts, tasks } = self;
        let header = Header { format: FORMAT.into(), levels: *levels, parts: parts.clone(), space: space.clone() };
        let mut lines = json(&header);
        for task in tasks {
            lines += &json(&Line::Task { task: task.name.clone(), meta: task.meta.clone() });
            task.observations.iter().for_each(|own| lines += &json(own));
        }
        lines
    }

    /// From the text of its file, which errors call `path`.
    ///
    /// # Errors
    /// A line that is none of a knowledge base, or does not fit the space, by number.
    pub fn from_lines(text: &str, path: &Path) -> Result<Self, ClassicError> {
        let wrong = |line: usize, reason: String| ClassicError::File {
            path: path.into(),
            reason: format!("line {line}: {reason}"),
        };
        let mut lines =
            text.lines().enumerate().map(|(k, line)| (k + 1, line)).filter(|(_, line)| !line.trim().is_empty());
        let (number, first) = lines.next().ok_or_else(|| wrong(1, "no knowledge base".into()))?;
        let header: Header = serde_json::from_str(first).map_err(|e| wrong(number, e.to_string()))?;
        if header.format != FORMAT {
            return Err(wrong(number, format!("format {:?}, expected {FORMAT:?}", header.format)));
        }
        if header.levels == 0 {
            return Err(wrong(number, "no levels".into()));
        }
        let space = Space::new(header.space.knobs().to_vec()).map_err(|e| wrong(number, e.to_string()))?;
        let mut tasks: Vec<Task> = Vec::new();
        for (number, line) in lines {
            match serde_json::from_str(line).map_err(|e| wrong(number, e.to_string()))? {
                Line::Task { task, meta } => tasks.push(Task { name: task, meta, observations: Vec::new() }),
                Line::Observation(own) => {
                    let fits = space.holds(&own.configuration) && own.level < header.levels;
                    // JSON has no numbers that are not finite.
                    let Some(task) = tasks.last_mut().filter(|_| fits) else {
                        return Err(wrong(
                            number,
                            "an observation that does not fit the space, or before any task".into(),
                        ));
                    };
                    task.observations.push(own);
                }
            }
        }
        Ok(Self { space, levels: header.levels, parts: header.parts, tasks })
    }
}

fn json(line: &impl Serialize) -> String {
    serde_json::to_string(line).expect("knowledge is plain data") + "\n"
}
