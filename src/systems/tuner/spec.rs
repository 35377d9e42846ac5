//! Settings of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::lab::{Preset, Settings, Validation};
use crate::systems::tuner::arms::{ARMS, METHOD};
use crate::systems::tuner::spark::{self, Live};

/// A grid of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// All arms on the target tasks.
    Arms,
    /// What a cheap measurement says of the full one.
    Fidelity,
    /// Arms that know one task with opposite preferences.
    Dissimilar,
    /// Arms on a real Spark, each compared with the defaults at the end.
    Live,
    /// A table of times of a real Spark.
    Record,
}

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// A new engine, new histories and draws for each seed; with a table, other draws.
    pub seeds: Vec<u64>,
    /// Table of measured times, in place of the simulated engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// A real Spark, in place of the simulated engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spark: Option<Live>,
    /// Tasks that are tuned, each with all others as sources; empty for all of a table.
    pub targets: Vec<String>,
    /// What is run.
    pub parts: Vec<Part>,
    /// Rows of the table of arms.
    pub arms: Vec<String>,
    /// Full measurements of the defaults that the budget is worth.
    pub budget: usize,
    /// Full measurements that are known of each source.
    pub history: usize,
    /// Knobs that the compressed space keeps.
    pub keep: usize,
    /// Whether the queries of a level contain those of the levels below.
    pub nested: bool,
    /// A measurement that takes so many times as long as under the defaults is stopped.
    pub timeout: f64,
    /// Standard deviation of the logarithm of a simulated time.
    pub noise: f64,
    /// Configurations on which cheap measurements are compared with full ones.
    pub held_out: usize,
}

impl Default for Spec {
    /// The quick run.
    fn default() -> Self {
        let arms = ARMS.iter().map(|row| row.name.to_string());
        Self {
            seeds: vec![0, 1],
            data: None,
            spark: None,
            targets: vec!["medium".into()],
            parts: vec![Part::Arms, Part::Fidelity, Part::Dissimilar],
            arms: arms.collect(),
            budget: 25,
            history: 50,
            keep: 8,
            nested: true,
            timeout: 3.0,
            noise: 0.05,
            held_out: 60,
        }
    }
}

impl Spec {
    /// Tunes the tasks of a table.
    pub fn set_data(&mut self, path: &str) {
        self.data = Some(path.into());
        self.targets.clear();
        self.parts.retain(|part| *part == Part::Arms);
    }

    /// The real Spark of the settings, with what goes with it if it is new.
    fn live(&mut self) -> &mut Live {
        if self.spark.is_none() {
            self.targets.clear();
            self.seeds = vec![0];
            self.parts = vec![Part::Live];
            self.arms = spark::ARMS.map(String::from).to_vec();
        }
        self.spark.get_or_insert_default()
    }

    /// Tunes a real Spark.
    pub fn set_spark(&mut self, master: &str) {
        self.live().master = master.into();
    }

    /// Tunes it on these tables, separated by commas.
    pub fn set_tables(&mut self, folders: &str) {
        self.live().tables = folders.split(',').map(|own| own.trim().to_string()).collect();
    }

    /// Tunes it with what this table knows.
    pub fn set_sources(&mut self, path: &str) {
        self.live().sources = Some(path.into());
    }

    /// Runs it by this Python.
    pub fn set_python(&mut self, python: &str) {
        self.live().python = python.into();
    }

    /// Measures the defaults and others, so many in all, for a table.
    pub fn set_record(&mut self, rows: &str) {
        // What is no number is refused with the other settings.
        self.live().rows = rows.trim().parse().unwrap_or(0);
        self.parts = vec![Part::Record];
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.tuner/1";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset {
            name: "quick",
            doc: "two simulated engines, one task, all arms; under a minute; the default",
            apply: |_| {},
        },
        Preset {
            name: "smoke",
            doc: "seconds: shows that everything works, its figures mean nothing",
            apply: |spec| {
                spec.seeds = vec![0];
                (spec.budget, spec.history, spec.held_out) = (6, 8, 8);
                spec.arms = ["smac", METHOD, "no_transfer", "gp", "tpe", "default"].map(String::from).to_vec();
            },
        },
        Preset {
            name: "full",
            doc: "ten simulated engines, three tasks, all arms; about half an hour",
            apply: |spec| {
                spec.seeds = (1..=10).collect();
                spec.targets = ["small", "medium", "large"].map(String::from).to_vec();
                spec.held_out = 100;
            },
        },
    ];

    fn validate(&self, check: &mut Validation) {
        check
            .list("seeds", &self.seeds)
            .path("data", self.data.as_deref())
            .list("parts", &self.parts)
            .names("arms", &self.arms, ARMS.iter().map(|row| row.name))
            .whole("budget", self.budget, 2..=1000)
            .whole("history", self.history, 3..=1000)
            .whole("keep", self.keep, 1..=1000)
            .within("timeout", self.timeout, 1.0..=1000.0)
            .within("noise", self.noise, 0.0..=1.0)
            .whole("held_out", self.held_out, 3..=10_000);
        check.distinct("targets", &self.targets);
        let is_live = |part: &Part| matches!(part, Part::Live | Part::Record);
        if let Some(live) = &self.spark {
            live.validate("spark", check);
            let expected = "nothing: times are measured on the real Spark that is named as well";
            check.check("data", "a table", self.data.is_none(), expected);
            let expected = "live, record: the other parts are about the simulated engine";
            check.check("parts", format!("{:?}", self.parts), self.parts.iter().all(is_live), expected);
            let tasks = live.tasks();
            for name in &self.targets {
                check.name("targets", name, tasks.iter().map(String::as_str));
            }
        } else if self.parts.iter().any(is_live) {
            check.refuse(
                "parts",
                format!("{:?}", self.parts),
                "no part on a real Spark, unless one is named as --spark MASTER",
            );
        } else if self.data.is_some() {
            let is_arms = self.parts == [Part::Arms];
            let expected = "arms alone: a table has no smaller data sets and no task that is known to be unlike";
            check.check("parts", format!("{:?}", self.parts), is_arms, expected);
        } else {
            let names = crate::systems::tuner::simulator::task_names();
            for name in &self.targets {
                check.name("targets", name, names.iter().copied());
            }
            check.check("targets", "[]", !self.targets.is_empty(), "at least one task, unless there is a table");
        }
    }
}
