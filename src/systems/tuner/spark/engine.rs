//! A Spark that runs queries under configurations.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::classic::tuning::Space;
use crate::study::StudyError;
use crate::systems::tuner::spark::knobs::{Properties, properties, space};
use crate::systems::tuner::spark::process::{Answer, Process};
use crate::systems::tuner::spark::settings::{Live, is_url};
use crate::systems::tuner::spark::{QUERIES, Query, TABLES};

/// Seconds that Spark may take to start, and beyond the limit of a query until its process is ended.
const START: f64 = 300.0;
const GRACE: f64 = 30.0;
/// What the driver says of a query that it stopped.
const TIMEOUT: &str = "timeout";

/// What came of a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    /// Seconds from the text to the rows of its result; `None` where it failed.
    pub seconds: Option<f64>,
    /// Seconds until it ended or failed.
    pub paid: f64,
    /// Rows of its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One Spark, started at the first query.
pub struct Engine {
    live: Live,
    space: Space,
    folder: TempDir,
    process: Option<Process>,
    /// Tables and static settings of the open session.
    session: Option<(usize, Properties)>,
    facts: Vec<(String, f64)>,
    /// New sessions so far, those of new processes included.
    pub sessions: usize,
    /// Processes so far.
    pub processes: usize,
    /// Version of Spark, once it was started.
    pub version: String,
}

type Stopped<'a> = &'a dyn Fn() -> bool;

impl Engine {
    /// Nothing is started yet.
    ///
    /// # Errors
    /// If no folder for logs can be made.
    pub fn new(live: &Live) -> Result<Self, StudyError> {
        let folder = TempDir::with_prefix("qgraft-spark-")
            .map_err(|source| StudyError::File { path: std::env::temp_dir(), source })?;
        Ok(Self {
            live: live.clone(),
            space: space(),
            folder,
            process: None,
            session: None,
            facts: Vec::new(),
            sessions: 0,
            processes: 0,
            version: String::new(),
        })
    }

    /// The settings that are tuned.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Runs a query on the tables of a task, stopped after `limit` seconds.
    ///
    /// # Errors
    /// A Spark that does not start under its defaults, a user who stops.
    pub fn run(
        &mut self,
        (task, configuration): (usize, &[f64]),
        query: &Query,
        limit: f64,
        stopped: Stopped<'_>,
    ) -> Result<Timed, StudyError> {
        let (fixed, settings) = properties(&self.space, configuration);
        let began = Instant::now();
        if self.session.as_ref() != Some(&(task, fixed.clone())) {
            if let Some(reason) = self.open(task, &fixed, stopped)? {
                let paid = began.elapsed().as_secs_f64();
                return Ok(Timed { seconds: None, paid, rows: None, error: Some(reason) });
            }
            // What a new session does once is not the query's.
            self.query(query, &settings, limit, stopped)?;
        }
        self.query(query, &settings, limit, stopped)
    }

    fn query(
        &mut self,
        query: &Query,
        settings: &Properties,
        limit: f64,
        stopped: Stopped<'_>,
    ) -> Result<Timed, StudyError> {
        let began = Instant::now();
        let limit = limit.min(self.live.limit);
        let request = json!({"do": "run", "sql": query.sql, "settings": settings, "limit": limit});
        let answer = self.ask(&request, limit + GRACE, stopped)?;
        let paid = began.elapsed().as_secs_f64();
        let failed = |reason: String| Timed { seconds: None, paid, rows: None, error: Some(reason) };
        Ok(match answer {
            Answer::Done(answer) => match answer["seconds"].as_f64().filter(|seconds| *seconds > 0.0) {
                Some(seconds) => {
                    Timed { seconds: Some(seconds), paid: seconds, rows: answer["rows"].as_u64(), error: None }
                }
                None => failed("the driver named no seconds".into()),
            },
            Answer::Failed(reason) if reason == TIMEOUT => failed(format!("stopped after {limit:.1} s")),
            Answer::Failed(reason) | Answer::Lost(reason) => failed(reason),
        })
    }

    /// Opens a session of a task with these static settings; what is wrong with them if Spark refuses them.
    fn open(&mut self, task: usize, fixed: &Properties, stopped: Stopped<'_>) -> Result<Option<String>, StudyError> {
        let (defaults, settings) = properties(&self.space, &self.space.default());
        if self.process.is_none() {
            // A new process begins with the defaults: if they fail, it is not the configuration's fault.
            self.process = Some(Process::start(&self.live.python, self.folder.path())?);
            self.processes += 1;
            if let Some(reason) = self.reopen(task, &defaults, stopped)? {
                return Err(StudyError::External { what: format!("Spark at {}", self.live.master), reason });
            }
            for _ in 0..self.live.warm {
                for query in QUERIES.iter() {
                    self.query(query, &settings, self.live.limit, stopped)?;
                }
            }
        }
        if self.session.as_ref() == Some(&(task, fixed.clone())) {
            return Ok(None);
        }
        self.reopen(task, fixed, stopped)
    }

    fn reopen(&mut self, task: usize, fixed: &Properties, stopped: Stopped<'_>) -> Result<Option<String>, StudyError> {
        self.session = None;
        let tables = &self.live.tables[task];
        // The driver has a folder of its own.
        let tables = match is_url(tables) {
            true => tables.clone(),
            false => std::path::absolute(tables).map_or_else(|_| tables.clone(), |own| own.display().to_string()),
        };
        let mut settings = fixed.clone();
        settings.insert("spark.driver.memory".into(), self.live.memory.clone());
        let request = json!({
            "do": "open", "master": self.live.master, "tables": tables, "settings": settings,
            "events": self.folder.path(), "names": TABLES,
        });
        self.sessions += 1;
        match self.ask(&request, START, stopped)? {
            Answer::Done(answer) => {
                self.version = answer["version"].as_str().unwrap_or("unknown").into();
                let bytes = answer["tables"].as_object();
                let missing: Vec<&str> =
                    TABLES.into_iter().filter(|name| bytes.is_none_or(|bytes| !bytes.contains_key(*name))).collect();
                if !missing.is_empty() {
                    let reason = format!("no table {}; expected NAME.parquet, a file or a folder", missing.join(", "));
                    return Err(StudyError::External { what: format!("spark.tables {tables:?}"), reason });
                }
                let total: f64 = bytes.into_iter().flat_map(|bytes| bytes.values()).filter_map(Value::as_f64).sum();
                self.facts = vec![("cores".into(), answer["cores"].as_f64().unwrap_or(1.0)), ("bytes".into(), total)];
                self.session = Some((task, fixed.clone()));
                Ok(None)
            }
            Answer::Failed(reason) | Answer::Lost(reason) => Ok(Some(reason)),
        }
    }

    /// Meta-features of a task: logarithms of one more than cores, bytes of the tables, and means over the tasks of the event log of
    /// one pass through all queries under the defaults.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn meta(&mut self, task: usize, stopped: Stopped<'_>) -> Result<Vec<(String, f64)>, StudyError> {
        let (fixed, settings) = properties(&self.space, &self.space.default());
        let refused = |reason: String| StudyError::External { what: "Spark's event log".into(), reason };
        if let Some(reason) = self.open(task, &fixed, stopped)? {
            return Err(refused(reason));
        }
        // What was run before is in the log of the session as well.
        if (self.live.warm > 0 || self.sessions > 1)
            && let Some(reason) = self.reopen(task, &fixed, stopped)?
        {
            return Err(refused(reason));
        }
        for query in QUERIES.iter() {
            self.query(query, &settings, self.live.limit, stopped)?;
        }
        // A log is complete when its session was closed.
        self.session = None;
        match self.ask(&json!({"do": "metrics"}), START, stopped)? {
            Answer::Done(answer) => {
                let metrics = answer["metrics"].as_object().cloned().unwrap_or_default();
                let metrics = metrics.into_iter().filter_map(|(name, value)| Some((name, value.as_f64()?)));
                let all = self.facts.iter().cloned().chain(metrics);
                Ok(all.map(|(name, value)| (name, value.max(0.0).ln_1p())).collect())
            }
            Answer::Failed(reason) | Answer::Lost(reason) => Err(refused(reason)),
        }
    }

    fn ask(&mut self, request: &Value, limit: f64, stopped: Stopped<'_>) -> Result<Answer, StudyError> {
        let Some(process) = &mut self.process else { return Ok(Answer::Lost("the driver has ended".into())) };
        // Validation bounds the limit.
        let answer = process.ask(request, Duration::from_secs_f64(limit), stopped);
        if matches!(answer, Err(_) | Ok(Answer::Lost(_))) {
            self.process = None;
            self.session = None;
        }
        answer
    }
}
