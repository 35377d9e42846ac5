//! Which Spark, which tables, how long.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::classic::tuning::Task;
use crate::lab::Validation;
use crate::study::StudyError;
use crate::systems::tuner::spark::QUERIES;
use crate::systems::tuner::spark::knobs::space;
use crate::systems::tuner::table::read_sources;

/// Level of a full measurement, of all arms.
const FULL: usize = 2;

/// Settings of a run on a real Spark.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Live {
    /// Master URL: `local[2]`, `spark://HOST:7077`.
    pub master: String,
    /// Folders with the eight tables of TPC-H as Parquet, or URLs of such; each is a task with the folder's name.
    pub tables: Vec<String>,
    /// Table of times that were measured before, as a recording makes one: its tasks are sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sources: Option<PathBuf>,
    /// A Python with pyspark.
    pub python: String,
    /// Memory of Spark's driver, which in local mode does all work.
    pub memory: String,
    /// A query that takes more seconds than this fails, whatever its configuration.
    pub limit: f64,
    /// Unmeasured passes through all queries after Spark was started: its compiler makes queries faster at first.
    pub warm: usize,
    /// Measurements of the defaults and of the best configuration that are compared at the end.
    pub repetitions: usize,
    /// Configurations that a recording measures, the defaults included.
    pub rows: usize,
    /// Configurations of a recording that share one session, that is, its static settings.
    pub per_session: usize,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            master: "local[*]".into(),
            tables: Vec::new(),
            sources: None,
            python: "python3".into(),
            memory: "2g".into(),
            limit: 300.0,
            warm: 2,
            repetitions: 7,
            rows: 50,
            per_session: 8,
        }
    }
}

/// Whether it is a URL, whose contents Spark alone can see.
pub fn is_url(tables: &str) -> bool {
    tables.contains("://")
}

impl Live {
    /// The tasks: last components of the tables' folders.
    pub fn tasks(&self) -> Vec<String> {
        let last = |tables: &String| {
            let text = tables.trim_end_matches('/');
            text.rsplit(['/', '\\']).next().unwrap_or(text).to_string()
        };
        self.tables.iter().map(last).collect()
    }

    /// What was measured before, with these meta-features where the table has them.
    ///
    /// # Errors
    /// A table that cannot be read, lacks a knob or a query, or has a value outside the space.
    pub fn read_sources(&self, meta: &[String]) -> Result<Vec<Task>, StudyError> {
        let Some(path) = &self.sources else { return Ok(Vec::new()) };
        let queries: Vec<String> = QUERIES.iter().map(|query| query.name.clone()).collect();
        read_sources(path, &space(), (&queries, meta), FULL)
    }

    /// Refuses settings outside their ranges and folders that do not exist.
    pub fn validate(&self, field: &str, check: &mut Validation) {
        let name = |own: &str| format!("{field}.{own}");
        let expected = "local, local[N], local[*] or a URL such as spark://HOST:7077";
        let is_master = self.master.starts_with("local") || is_url(&self.master) || self.master == "yarn";
        check.check(&name("master"), format!("{:?}", self.master), is_master, expected);
        check.check(&name("python"), "\"\"", !self.python.is_empty(), "a program, such as python3");
        let digits = self.memory.trim_end_matches(['k', 'm', 'g']);
        let is_memory = digits.len() + 1 == self.memory.len() && digits.parse::<u32>().is_ok_and(|own| own > 0);
        check.check(&name("memory"), format!("{:?}", self.memory), is_memory, "a size such as 2g or 512m");
        check
            .positive(&name("limit"), self.limit)
            .whole(&name("warm"), self.warm, 0..=100)
            .whole(&name("repetitions"), self.repetitions, 2..=1000)
            .whole(&name("rows"), self.rows, 5..=100_000)
            .whole(&name("per_session"), self.per_session, 1..=100_000);
        check.path(&name("sources"), self.sources.as_deref());
        let expected = "at least one folder of TPC-H tables, as --tables DIR";
        check.check(&name("tables"), "[]", !self.tables.is_empty(), expected);
        check.distinct(&name("tables"), &self.tasks());
        for (k, tables) in self.tables.iter().enumerate().filter(|(_, tables)| !is_url(tables)) {
            check.path(&format!("{field}.tables[{k}]"), Some(Path::new(tables)));
        }
    }
}
