//! Suites: a file of runs of any systems, in one folder, with one store of trials.
//!
//! ```toml
//! format = "qgraft.suite/1"
//! title = "Two questions"
//!
//! [common.qtl]                      # settings of every run of a system
//! seeds = [0, 1, 2]
//!
//! [runs.heads]                      # a run: its system, presets, settings and what is varied
//! system = "qtl"
//! heads = ["linear", "quantum"]
//!
//! [runs.depth]
//! system = "qtl"
//! presets = ["quick"]
//! heads = ["quantum"]
//! vary = { "circuit.depth" = [1, 3, 6] }
//! ```
//!
//! Runs are in the alphabetical order of their names. A trial that two runs share is run once.

use std::path::Path;

use toml::{Table, Value};

use crate::lab::run::{Outcome, RunOptions, TRIALS};
use crate::lab::settings::{Overrides, lay_over};
use crate::lab::store::Store;
use crate::lab::system::System;
use crate::lab::vary::Request;
use crate::math::input;
use crate::math::words::pluralise;
use crate::report::{Block, Page, Section, Table as ReportTable};
use crate::study::energy::EnergySource;
use crate::study::files::{file_name, write_whole};
use crate::study::{Observer, StudyError};

/// Name and version of the format.
pub const FORMAT: &str = "qgraft.suite/1";

/// A file of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Suite {
    /// Title of the report.
    pub title: String,
    /// How energy is estimated.
    pub energy: EnergySource,
    /// The runs.
    pub runs: Vec<SuiteRun>,
}

/// One run of a suite.
#[derive(Clone, Debug, PartialEq)]
pub struct SuiteRun {
    /// Its name and that of its folder.
    pub name: String,
    /// Heading in the report.
    pub heading: String,
    /// Name of the system.
    pub system: String,
    /// Presets to start from.
    pub presets: Vec<String>,
    /// Settings over them, with `vary` and `exclude`.
    pub settings: Table,
}

impl Suite {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, is no TOML, or has an entry of a wrong kind.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let bad = |reason: String| StudyError::Spec { path: path.into(), reason };
        let text = input::read_text(path, input::LARGEST_TEXT).map_err(|e| bad(e.to_string()))?;
        let table: Table = toml::from_str(&text).map_err(|e| bad(e.to_string()))?;
        Self::from_table(table).map_err(bad)
    }

    /// A suite from its table.
    ///
    /// # Errors
    /// What is wrong, by entry.
    pub fn from_table(mut table: Table) -> Result<Self, String> {
        match table.remove("format") {
            Some(Value::String(format)) if format == FORMAT => {}
            other => return Err(format!("format is {}, this command reads {FORMAT:?}", shown(other.as_ref()))),
        }
        let title = match table.remove("title") {
            Some(Value::String(title)) => title,
            None => "Suite".into(),
            Some(other) => return Err(format!("title = {other}: expected a text")),
        };
        let energy = match table.remove("energy") {
            Some(energy) => energy.try_into().map_err(|e: toml::de::Error| format!("energy: {}", e.message()))?,
            None => EnergySource::default(),
        };
        let common = tables("common", table.remove("common"))?;
        let mut runs = Vec::new();
        for (name, mut settings) in tables("runs", table.remove("runs"))? {
            if file_name(&name) != name {
                return Err(format!(
                    "runs.{name:?}: its folder has this name, so it takes letters, digits and ,=.+-_ alone"
                ));
            }
            let mut take = |key: &str| settings.remove(key);
            let system = match take("system") {
                Some(Value::String(system)) => system,
                other => return Err(format!("runs.{name}.system is {}, expected a name", shown(other.as_ref()))),
            };
            let heading = take("heading").and_then(|v| v.as_str().map(String::from)).unwrap_or_else(|| name.clone());
            let presets = take("presets").map_or(Ok(Vec::new()), |v| v.try_into());
            let presets = presets.map_err(|_| format!("runs.{name}.presets: expected a list of names"))?;
            let mut whole = common.iter().find(|(of, _)| *of == system).map_or(Table::new(), |(_, own)| own.clone());
            lay_over(&mut whole, &settings);
            runs.push(SuiteRun { name, heading, system, presets, settings: whole });
        }
        match (table.keys().next(), runs.is_empty()) {
            (Some(key), _) => Err(format!("unknown entry {key:?}; there are: format, title, energy, common, runs")),
            (None, true) => Err("runs: expected at least one".into()),
            (None, false) => Ok(Self { title, energy, runs }),
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or("missing".into(), Value::to_string)
}

fn tables(key: &str, entry: Option<Value>) -> Result<Vec<(String, Table)>, String> {
    let inner = |(name, value): (String, Value)| match value {
        Value::Table(table) => Ok((name, table)),
        _ => Err(format!("{key}.{name}: expected a table")),
    };
    match entry {
        None => Ok(Vec::new()),
        Some(Value::Table(entries)) => entries.into_iter().map(inner).collect(),
        Some(_) => Err(format!("{key}: expected a table")),
    }
}

/// A run that is ready: its system and its settings.
pub struct Ready<'a> {
    /// The run.
    pub run: &'a SuiteRun,
    /// Its system.
    pub system: &'static dyn System,
    /// Its settings with what is varied.
    pub request: Request,
    /// The part of the filter that applies to it; `None` if it leaves none of its trials.
    pub only: Option<Vec<String>>,
}

/// Resolves every run, so that all errors of a file are known before any work.
///
/// # Errors
/// An unknown system, a bad setting (named with its run), or a filter that leaves nothing.
pub fn resolve<'a>(
    suite: &'a Suite,
    systems: &[&'static dyn System],
    only: &[String],
) -> Result<Vec<Ready<'a>>, StudyError> {
    let mut ready = Vec::new();
    for run in &suite.runs {
        let names = systems.iter().map(|system| system.info().name);
        let system = systems.iter().find(|system| system.info().name == run.system);
        let system = *system.ok_or_else(|| StudyError::unknown("system", &run.system, names))?;
        let overrides =
            Overrides { presets: run.presets.clone(), file: Some(run.settings.clone()), ..Overrides::default() };
        let named = |error: StudyError| StudyError::InRun { run: run.name.clone(), source: Box::new(error) };
        let request = system.resolve(&overrides).map_err(named)?;
        // Fails on settings that no grid can be made of.
        system.plan(&request, &[]).map_err(named)?;
        let is_meant = only.iter().filter_map(|text| text.strip_prefix("run=")).collect::<Vec<_>>();
        let own: Vec<String> = only.iter().filter(|text| !text.starts_with("run=")).cloned().collect();
        let is_kept = (is_meant.is_empty() || is_meant.contains(&run.name.as_str()))
            && system.plan(&request, &own).is_ok_and(|trials| !trials.is_empty());
        ready.push(Ready { run, system, request, only: is_kept.then_some(own) });
    }
    match ready.iter().any(|run| run.only.is_some()) {
        true => Ok(ready),
        false => Err(StudyError::NothingToRun { planned: suite.runs.len() }),
    }
}

/// Runs a suite into `options.out`: a folder for each run, one for all trials, and a report with the verdict of each.
///
/// # Errors
/// As [`crate::lab::run()`], from the first run that cannot continue.
pub fn run(
    suite: &Suite,
    ready: &[Ready<'_>],
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<Vec<(String, Outcome)>, StudyError> {
    let trials = options.out.join(TRIALS);
    if Store::holds_any(&trials) && !options.resume {
        return Err(StudyError::Unfinished { path: options.out.clone() });
    }
    let mut outcomes = Vec::new();
    for Ready { run, system, request, only } in ready {
        let Some(only) = only else { continue };
        let own = RunOptions {
            out: options.out.join(&run.name),
            trials: Some(trials.clone()),
            resume: true,
            only: only.clone(),
            energy: suite.energy.clone(),
            ..options.clone()
        };
        observer.note(&run.heading);
        let outcome = system.run(request, &own, observer).map_err(|error| match error {
            StudyError::Interrupted | StudyError::Paused { .. } => StudyError::Paused { path: options.out.clone() },
            error => StudyError::InRun { run: run.name.clone(), source: Box::new(error) },
        })?;
        outcomes.push((run.name.clone(), outcome));
    }
    let page = index(suite, &outcomes);
    write_whole(&options.out.join("report.html"), page.html().as_bytes())?;
    let latex: String = outcomes.iter().flat_map(|(_, outcome)| &outcome.tables).map(ReportTable::latex).collect();
    write_whole(&options.out.join("tables.tex"), latex.as_bytes())?;
    Ok(outcomes)
}

/// The page over all runs: the verdict and the tables of each, and where its report is.
fn index(suite: &Suite, outcomes: &[(String, Outcome)]) -> Page {
    let section = |(name, outcome): &(String, Outcome)| {
        let heading = suite.runs.iter().find(|run| run.name == *name).map_or(name, |run| &run.heading);
        let mut blocks: Vec<Block> = Vec::new();
        blocks.push(Block::Text(format!(
            "{}, {}. The whole report is {name}/report.html.",
            pluralise(outcome.results.planned, "trial"),
            pluralise(outcome.results.failures.len(), "failure")
        )));
        blocks.push(Block::List(outcome.verdict.iter().map(|line| line.trim().to_string()).collect()));
        blocks.extend(outcome.tables.iter().cloned().map(Block::Table));
        Section { anchor: name.clone(), heading: heading.clone(), blocks }
    };
    Page {
        title: suite.title.clone(),
        facts: vec![pluralise(outcomes.len(), "run"), format!("qgraft {}", env!("CARGO_PKG_VERSION"))],
        sections: outcomes.iter().map(section).collect(),
    }
}
