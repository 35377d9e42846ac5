//! The tuning itself: measurements as runs in one store, then the comparison under fresh seeds.

use std::fs;
use std::path::PathBuf;

use serde::Serialize;

use crate::classic::tuning::{Configuration, Knowledge, Observation, Space, Task, Tuner};
use crate::lab::metric::Metric;
use crate::lab::results::Results;
use crate::lab::run::{RunOptions, TRIALS};
use crate::lab::store::Store;
use crate::lab::system::System;
use crate::lab::tune::report;
use crate::lab::tune::spec::TuneSpec;
use crate::math::input;
use crate::math::words::sig3;
use crate::report::Table;
use crate::study::files::write_whole;
use crate::study::metric::Better;
use crate::study::stats::{Interval, mean, t_interval, wilcoxon};
use crate::study::{Observer, StudyError};

/// File of a tuning with what it measured, one JSON line each.
pub const KNOWLEDGE_FILE: &str = "knowledge.jsonl";

/// Where and how a tuning works; nothing here changes its results.
#[derive(Clone, Debug)]
pub struct TuneOptions {
    /// The folder.
    pub out: PathBuf,
    /// Folder of cached features.
    pub cache: PathBuf,
    /// Trials at a time.
    pub jobs: usize,
    /// Whether to continue in a folder that holds finished trials.
    pub resume: bool,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Knobs that count, as text.
    pub settings: String,
    /// Level, and its share of a full measurement.
    pub level: usize,
    /// What it cost, in full measurements.
    pub cost: f64,
    /// Mean of the metric; `None` where a trial failed.
    pub value: Option<f64>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// The winner beside the defaults under fresh seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// The metric.
    pub metric: String,
    /// Whether more of it is better.
    pub higher_is_better: bool,
    /// Seeds.
    pub seeds: Vec<u64>,
    /// Values of the defaults by seed.
    pub default: Vec<f64>,
    /// Values of the winner by seed.
    pub tuned: Vec<f64>,
    /// Mean of the differences, winner less defaults.
    pub difference: f64,
    /// Student's interval of the mean, by seeds.
    pub interval: Option<Interval>,
    /// Wilcoxon's signed-rank test of the differences.
    pub p: f64,
}

/// What a tuning leaves behind.
#[derive(Clone, Debug, Serialize)]
pub struct TuneOutcome {
    /// The system.
    pub system: String,
    /// The metric that was tuned.
    pub metric: String,
    /// Whether more of it is better.
    pub higher_is_better: bool,
    /// Every measurement.
    pub measured: Vec<Measured>,
    /// What was spent, in full measurements.
    pub spent: f64,
    /// The defaults' knobs and value.
    pub default: (String, Option<f64>),
    /// The winner's knobs and value.
    pub best: (String, Option<f64>),
    /// The comparison; `None` where the defaults won.
    pub compared: Option<Compared>,
    /// The verdict in sentences.
    pub verdict: Vec<String>,
    /// What the user should know.
    pub notices: Vec<String>,
    /// The tables of the report.
    #[serde(skip)]
    pub tables: Vec<Table>,
}

/// Tunes. The folder receives report.html, tune.json, measurements.csv, knowledge.jsonl, spec.toml with the winner's settings, and the
/// trials.
///
/// # Errors
/// A file that does not fit the system, a folder with something in it, a default configuration that fails, an observer that
/// stops.
pub fn run(
    spec: &TuneSpec,
    system: &dyn System,
    options: &TuneOptions,
    observer: &dyn Observer,
) -> Result<TuneOutcome, StudyError> {
    let mut notices = spec.validate(system)?;
    let space = spec.space(system)?;
    let tuner_options = spec.options(system)?;
    let levels = spec.levels(system)?;
    let sources = spec.history.iter().map(|path| history(path, &space, levels.len())).collect::<Result<Vec<_>, _>>()?;
    claim(options)?;
    let full = levels.len() - 1;
    let work = Work { spec, system, options, observer, metric: metric(system, &spec.metric) };
    let (mut tuner, mut spent, mut measured) =
        (Tuner::new(&space, tuner_options, &sources, &[], spec.seed), 0.0, Vec::<Measured>::new());
    let mut first: Option<Option<f64>> = None;
    let share = |level: usize| levels[level] as f64 / levels[full] as f64;
    while spent < spec.budget as f64 - 1e-9 {
        let Some(next) = tuner.ask() else { break };
        // Seeds that were run at a lower level are there already.
        let known = tuner.task().observations.iter().filter(|own| own.configuration == next.configuration);
        let done = match spec.fidelity == "seeds" {
            true => known.map(|own| share(own.level)).fold(0.0, f64::max),
            false => 0.0,
        };
        let cost = (share(next.level) - done).max(0.0);
        if spent + cost > spec.budget as f64 + 1e-9 {
            break;
        }
        let seeds = spec.seeds_of(&levels, next.level);
        let found = work.measure(Some((&space, &next.configuration)), next.level, &seeds, &spec.metric)?;
        spent += cost;
        let value = found.as_ref().ok().map(|values| mean_of(values));
        let signed = value.map(|value| work.sign() * value);
        let text = space.text(&next.configuration);
        observer.note(&format!(
            "{} of {}: {} = {}, level {}: {text}",
            sig3(spent),
            spec.budget,
            spec.metric,
            value.map_or("failed".into(), sig3),
            next.level + 1
        ));
        if first.is_none() {
            if let Err(reason) = &found {
                return Err(StudyError::TrialFailed { trial: "the default settings".into(), reason: reason.clone() });
            }
            first = Some(value);
        }
        measured.push(Measured { settings: text, level: next.level, cost, value, failure: found.err() });
        tuner.tell(&next, signed, cost, Vec::new());
        let task = Task { name: spec.system.clone(), ..tuner.task().clone() };
        let knowledge = Knowledge { space: space.clone(), levels: levels.len(), parts: Vec::new(), tasks: vec![task] };
        write_whole(&options.out.join(KNOWLEDGE_FILE), knowledge.to_lines().as_bytes())?;
    }
    let default = space.default();
    let (best, value) = tuner
        .task()
        .best(full)
        .map_or((default.clone(), None), |(own, value)| (own.clone(), Some(work.sign() * value)));
    let is_default = best == default;
    let compared = if is_default { None } else { Some(work.compare(&space, (&default, &best), full)?) };
    let failures = || measured.iter().filter_map(|own| own.failure.as_ref());
    if let Some(reason) = failures().next() {
        notices.push(format!("{} of {} measurements failed, the first: {reason}", failures().count(), measured.len()));
    }
    if spec.test_seeds < 5 && !is_default {
        notices.push("fewer than five test seeds: the interval is wide whatever the settings are worth".into());
    }
    let mut outcome = TuneOutcome {
        system: spec.system.clone(),
        metric: spec.metric.clone(),
        higher_is_better: work.metric.better == Better::Higher,
        spent,
        default: (space.text(&default), first.flatten()),
        best: (space.text(&best), value),
        verdict: report::verdict(spec, compared.as_ref()),
        measured,
        compared,
        notices,
        tables: Vec::new(),
    };
    outcome.tables = report::tables(spec, &outcome);
    let request = spec.request(system, Some((&space, &best)), full, &spec.seeds_of(&levels, full))?;
    let text = format!("format = {:?}\n{}", system.format(), request.to_table());
    let json = serde_json::to_string_pretty(&outcome).expect("an outcome is plain data") + "\n";
    let files = [
        ("spec.toml", text),
        ("tune.json", json),
        ("measurements.csv", report::measurements(&outcome)),
        ("report.html", report::page(spec, &outcome).html()),
    ];
    for (name, text) in files {
        write_whole(&options.out.join(name), text.as_bytes())?;
    }
    Ok(outcome)
}

/// The folder is empty, or holds trials that are continued.
fn claim(options: &TuneOptions) -> Result<(), StudyError> {
    let out = &options.out;
    let trials = out.join(TRIALS);
    let is_empty = fs::read_dir(out).map_or(true, |mut entries| entries.next().is_none());
    match (is_empty && !out.is_file(), options.resume) {
        (true, _) => {}
        (false, true) if trials.is_dir() => {}
        (false, false) if Store::holds_any(&trials) => return Err(StudyError::Unfinished { path: out.clone() }),
        _ => return Err(StudyError::FolderTaken { path: out.clone() }),
    }
    fs::create_dir_all(&trials).map_err(|source| StudyError::File { path: trials, source })
}

/// An earlier tuning of the same knobs.
fn history(folder: &std::path::Path, space: &Space, levels: usize) -> Result<Task, StudyError> {
    let path = if folder.is_dir() { folder.join(KNOWLEDGE_FILE) } else { folder.to_path_buf() };
    let bad = |reason: String| StudyError::Spec { path: path.clone(), reason };
    let text = input::read_text(&path, input::LARGEST_TEXT).map_err(|e| bad(e.to_string()))?;
    let known = Knowledge::from_lines(&text, &path)?;
    if known
        .space
        .knobs()
        .iter()
        .map(|knob| (&knob.name, &knob.values))
        .ne(space.knobs().iter().map(|knob| (&knob.name, &knob.values)))
    {
        return Err(bad("it tuned other knobs, or other ranges; give it the same [[knobs]]".into()));
    }
    let own = known.levels - 1;
    let observations = known.tasks.into_iter().flat_map(|task| task.observations).filter(|row| row.level == own);
    // Only its full measurements count here, and the full level of this tuning may have another number.
    let observations = observations.map(|row| Observation { level: levels - 1, ..row }).collect();
    Ok(Task { name: folder.display().to_string(), meta: Vec::new(), observations })
}

fn metric(system: &dyn System, name: &str) -> &'static Metric {
    // The name was checked with the file.
    system.metrics().iter().find(|metric| metric.name == name).unwrap_or(&system.metrics()[0])
}

/// Passes on what a measurement has to say, without a bar of its own.
struct Quiet<'a>(&'a dyn Observer);

impl Observer for Quiet<'_> {
    fn stopped(&self) -> bool {
        self.0.stopped()
    }

    fn stage(&self, name: &str, total: usize) {
        self.0.stage(name, total);
    }

    fn advance(&self, steps: usize) {
        self.0.advance(steps);
    }

    fn done(&self) {
        self.0.done();
    }
}

/// Values by seed.
type BySeed = Vec<(u64, f64)>;

fn mean_of(values: &[(u64, f64)]) -> f64 {
    values.iter().map(|(_, value)| value).sum::<f64>() / values.len() as f64
}

/// What every measurement needs.
struct Work<'a> {
    spec: &'a TuneSpec,
    system: &'a dyn System,
    options: &'a TuneOptions,
    observer: &'a dyn Observer,
    metric: &'static Metric,
}

impl Work<'_> {
    /// The tuner makes values small.
    fn sign(&self) -> f64 {
        if self.metric.better == Better::Higher { -1.0 } else { 1.0 }
    }

    /// Runs a configuration. A trial that fails is an answer: why.
    fn measure(
        &self,
        at: Option<(&Space, &Configuration)>,
        level: usize,
        seeds: &[u64],
        metric: &str,
    ) -> Result<Result<BySeed, String>, StudyError> {
        // Settings that the system refuses are a failure of this configuration, not of the tuning.
        let request = match self.spec.request(self.system, at, level, seeds) {
            Ok(request) => request,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let options = RunOptions {
            trials: Some(self.options.out.join(TRIALS)),
            cache: self.options.cache.clone(),
            jobs: self.options.jobs,
            resume: true,
            only: crate::lab::only_of(&self.spec.only),
            ..RunOptions::new(&self.options.out)
        };
        let results = self.system.measure(&request, &options, &Quiet(self.observer)).map_err(|error| match error {
            StudyError::Interrupted => StudyError::Paused { path: self.options.out.clone() },
            other => other,
        })?;
        if let Some(failure) = results.failures.first() {
            return Ok(Err(format!("{}: {}", failure.title, failure.reason)));
        }
        let found = by_seed(&results, metric);
        Ok(match found.iter().find(|(_, value)| !value.is_finite()) {
            Some((seed, value)) => Err(format!("seed {seed}: {metric} is {value}")),
            None if found.is_empty() => Err(format!(
                "no trial of {} has a value or a curve of {metric}; choose another metric, or other trials by only",
                self.spec.system
            )),
            None => Ok(found),
        })
    }

    /// The defaults and the winner under fresh seeds.
    fn compare(
        &self,
        space: &Space,
        (default, best): (&Configuration, &Configuration),
        full: usize,
    ) -> Result<Compared, StudyError> {
        let fresh = self.spec.fresh_seeds();
        let mut both = Vec::new();
        for (what, configuration) in [("the default settings", default), ("the tuned settings", best)] {
            self.observer.note(&format!("{what} under {} fresh seeds", fresh.len()));
            let found = self.measure(Some((space, configuration)), full, &fresh, &self.spec.test_metric)?;
            both.push(found.map_err(|reason| StudyError::TrialFailed { trial: what.into(), reason })?);
        }
        // A trial that does not apply has no value.
        let paired = both[0].iter().filter_map(|(seed, default)| {
            let (_, tuned) = both[1].iter().find(|(own, _)| own == seed)?;
            Some((*seed, (*default, *tuned)))
        });
        let (seeds, (default, tuned)): (Vec<u64>, (Vec<f64>, Vec<f64>)) = paired.unzip();
        let differences: Vec<f64> = tuned.iter().zip(&default).map(|(tuned, default)| tuned - default).collect();
        Ok(Compared {
            metric: self.spec.test_metric.clone(),
            higher_is_better: metric(self.system, &self.spec.test_metric).better == Better::Higher,
            seeds,
            difference: mean(&differences).unwrap_or(0.0),
            interval: t_interval(&differences, 0.95),
            p: wilcoxon(&differences),
            default,
            tuned,
        })
    }
}

/// The metric by seed: a value without further labels, or the last one of a curve; the mean over trials of a seed.
fn by_seed(results: &Results, metric: &str) -> BySeed {
    let mut found: Vec<(u64, Vec<f64>)> = Vec::new();
    for trial in results.finished.iter().filter(|own| own.is_trial) {
        let curve = trial.measurement.curves.iter().find(|curve| curve.metric == metric);
        let value = trial.measurement.get(metric).or_else(|| curve.and_then(|curve| curve.values.last().copied()));
        let (Some(value), seed) = (value, trial.point.seed()) else { continue };
        match found.iter_mut().find(|(own, _)| *own == seed) {
            Some((_, values)) => values.push(value),
            None => found.push((seed, vec![value])),
        }
    }
    found.sort_by_key(|(seed, _)| *seed);
    found.into_iter().map(|(seed, values)| (seed, values.iter().sum::<f64>() / values.len() as f64)).collect()
}
