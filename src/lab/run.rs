//! A whole run: plan, trials, report, folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rayon::prelude::*;

use crate::lab::check::{self, Checked};
use crate::lab::contrast::{self, Compared, Contrast};
use crate::lab::experiment::Experiment;
use crate::lab::factor::{Grid, Point};
use crate::lab::kept::KeptRun;
use crate::lab::plan::{Only, Plan};
use crate::lab::render::{self, Material};
use crate::lab::results::Results;
use crate::lab::resume;
use crate::lab::schedule::{self, Workers};
use crate::lab::settings::{Settings, to_toml, tree};
use crate::lab::store::Store;
use crate::lab::tidy;
use crate::lab::vary::Request;
use crate::math::words::pluralise;
use crate::report::{Figure, Page, Table};
use crate::study::energy::EnergySource;
use crate::study::files::{file_name, write_whole};
use crate::study::{Observer, StudyError};

/// Folder of finished trials in a run folder.
pub const TRIALS: &str = "trials";

/// Where and how a run works; nothing here changes its results.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The run folder.
    pub out: PathBuf,
    /// Folder of finished trials, shared by the runs of a suite; `trials` in the run folder if there is none.
    pub trials: Option<PathBuf>,
    /// Folder of cached features.
    pub cache: PathBuf,
    /// Trials at a time, each on one thread.
    pub jobs: usize,
    /// Whether to continue in a folder that holds finished trials.
    pub resume: bool,
    /// Which trials to run, as `key=value`; all if empty.
    pub only: Vec<String>,
    /// Run folders whose finished trials are taken over before anything is run, such as those of [`Part`](crate::lab::Part)s.
    pub merge: Vec<PathBuf>,
    /// Least time between two checkpoints of a training, from which it continues when the run is resumed.
    pub checkpoint_every: Duration,
    /// How energy is estimated.
    pub energy: EnergySource,
    /// The command that repeats the run, for metrics.json.
    pub command: String,
}

/// A killed run loses half a minute of each training.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

impl RunOptions {
    /// A run in `out` on all cores.
    pub fn new(out: impl Into<PathBuf>) -> Self {
        Self {
            out: out.into(),
            trials: None,
            cache: ".qgraft-cache".into(),
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            resume: false,
            only: Vec::new(),
            merge: Vec::new(),
            checkpoint_every: CHECKPOINT_EVERY,
            energy: EnergySource::default(),
            command: String::new(),
        }
    }
}

/// What a run leaves behind.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The run folder.
    pub folder: PathBuf,
    /// What was found.
    pub results: Results,
    /// Paired comparisons.
    pub compared: Vec<Compared>,
    /// Checks with their figures.
    pub checked: Vec<Checked>,
    /// The tables that a terminal shows.
    pub tables: Vec<Table>,
    /// The verdict in sentences.
    pub verdict: Vec<String>,
    /// metrics.json.
    pub json: String,
}

/// Runs an experiment with these settings and writes its folder: report.html, results.csv, metrics.json, spec.toml and
/// what else it has.
///
/// # Errors
/// Settings outside their ranges, a folder with something in it, inputs that cannot be opened, a full disk, or an observer
/// that stops the run. A trial that fails is no error here: it is listed in the outcome.
pub fn run<E: Experiment>(
    spec: &E::Spec,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<Outcome, StudyError> {
    sweep::<E>(&Request::plain(tree(spec)), options, observer)
}

/// The same with what a user varies around the settings.
///
/// # Errors
/// As [`run`].
pub fn sweep<E: Experiment>(
    request: &Request,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<Outcome, StudyError> {
    let (plan, store, results) = compute::<E>(request, options, observer)?;
    write::<E>(request, (&plan, &store), options, results)
}

/// Runs an experiment as [`sweep`] does and returns what it found, without writing a report.
///
/// # Errors
/// As [`run`].
pub fn measure<E: Experiment>(
    request: &Request,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<Results, StudyError> {
    Ok(compute::<E>(request, options, observer)?.2)
}

/// Runs the trials that are wanted and reads all of the plan.
fn compute<E: Experiment>(
    request: &Request,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<(Plan<E::Spec>, Store, Results), StudyError> {
    let plan = Plan::of::<E>(request)?;
    let wanted = wanted(&plan, &options.only)?;
    if let Some(folder) = options.merge.iter().map(|run| run.join(TRIALS)).find(|folder| !folder.is_dir()) {
        let source = std::io::Error::new(std::io::ErrorKind::NotFound, "no finished trials; name a run folder");
        return Err(StudyError::File { path: folder, source });
    }
    let folder = options.trials.clone().unwrap_or_else(|| options.out.join(TRIALS));
    let is_new = claim_folder(&options.out, &folder, options.resume)?;
    let store = Store::open(&folder)?;
    if !options.merge.is_empty() {
        merge(&plan, &wanted, &store, options, observer)?;
    }
    if options.resume {
        resume::reasons(&plan, &wanted, &store, options.trials.is_some())
            .iter()
            .for_each(|reason| observer.note(reason));
    }
    let RunOptions { jobs, checkpoint_every, .. } = *options;
    let workers = Workers { jobs, cache: &options.cache, checkpoint_every, energy: &options.energy, observer };
    let ran = schedule::run::<E>(&plan, &wanted, &store, &workers);
    if let Err(error) = ran {
        let nothing = !Store::holds_any(&folder);
        if is_new && nothing {
            // The error is what matters. A folder that cannot be removed is empty.
            let _ = fs::remove_dir_all(&options.out);
        }
        return Err(match error {
            StudyError::Interrupted if !nothing => StudyError::Paused { path: options.out.clone() },
            other => other,
        });
    }
    plan.check_contents()?;
    let results = Results::read(&plan, &store, E::METRICS)?;
    Ok((plan, store, results))
}

/// Takes over the finished trials of other run folders, and says what of them is of no use.
fn merge<S: Settings>(
    plan: &Plan<S>,
    wanted: &[usize],
    store: &Store,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<(), StudyError> {
    let ids = plan.nodes.iter().map(|node| node.key.id.as_str()).collect();
    let mut sum = 0;
    for run in &options.merge {
        let from = Store::open(&run.join(TRIALS))?;
        let (taken, others) = store.take(&from, &ids)?;
        sum += taken;
        // A folder of a suite has the trials of all its runs.
        if options.trials.is_some() {
            continue;
        }
        if others > 0 {
            let others = pluralise(others, "trial");
            observer.note(&format!("{}: {others} left out, as no trials of this run", run.display()));
            resume::reasons(plan, wanted, &from, false).iter().for_each(|reason| observer.note(reason));
        } else if !Store::holds_any(&run.join(TRIALS)) {
            observer.note(&format!("{}: no finished trials", run.display()));
        }
    }
    let left = wanted.iter().filter(|&&k| !store.is_finished(&plan.nodes[k].key)).count();
    let (sum, wanted) = (pluralise(sum, "trial"), wanted.len());
    observer.note(&format!("{sum} taken over; {left} of {wanted} that are wanted are still to be run"));
    Ok(())
}

/// The trials that are wanted.
fn wanted<S: Settings>(plan: &Plan<S>, only: &[String]) -> Result<Vec<usize>, StudyError> {
    let only = Only::parse(only, &plan.grids)?;
    let wanted: Vec<usize> = plan.trials().filter(|&k| only.keeps(&plan.nodes[k])).collect();
    match wanted.is_empty() {
        true => Err(StudyError::NothingToRun { planned: plan.trials().count() }),
        false => Ok(wanted),
    }
}

/// Makes the run folder; whether it was not there before.
fn claim_folder(out: &Path, trials: &Path, resume: bool) -> Result<bool, StudyError> {
    let is_empty = fs::read_dir(out).map_or(true, |mut entries| entries.next().is_none());
    if out.is_file() {
        return Err(StudyError::FolderTaken { path: out.into() });
    }
    match (is_empty, resume) {
        (true, _) => {
            let is_new = !out.exists();
            fs::create_dir_all(out).map_err(|source| StudyError::File { path: out.into(), source })?;
            Ok(is_new)
        }
        (false, true) if trials.exists() => Ok(false),
        (false, true) => Err(StudyError::FolderTaken { path: out.into() }),
        (false, false) if Store::holds_any(trials) => Err(StudyError::Unfinished { path: out.into() }),
        (false, false) => Err(StudyError::FolderTaken { path: out.into() }),
    }
}

/// Compares, checks, renders and writes.
fn write<E: Experiment>(
    request: &Request,
    (plan, store): (&Plan<E::Spec>, &Store),
    options: &RunOptions,
    results: Results,
) -> Result<Outcome, StudyError> {
    let out = &options.out;
    let contrasts = contrasts::<E>(request, plan, &results);
    let compared = contrast::compare(&contrasts, &results, E::METRICS);
    // A check is about one run of a system, not about a sweep.
    let own = results.at_baselines();
    let checked = if request.axes.is_empty() { check::run(E::CHECKS, &own) } else { Vec::new() };
    let text = to_toml::<E::Spec>(request);
    let material = Material {
        info: &E::INFO,
        metrics: E::METRICS,
        spec: &text,
        results: &results,
        compared: &compared,
        checked: &checked,
    };
    let single = (plan.variants.len() == 1).then(|| &plan.variants[0]);
    let page = render::page(&material, single.map_or(Vec::new(), |spec| E::sections(spec, &own)));
    let (tables, verdict) = render::summary(&material);
    let kept = KeptRun::new(E::INFO.name, &options.command, request.to_table(), &results, (&compared, &checked));
    let json = kept.to_json();
    let grams = options.energy.grams_of_co2(1.0);
    let mut files: Vec<(String, Vec<u8>)> = vec![
        ("spec.toml".into(), text.clone().into_bytes()),
        ("metrics.json".into(), json.clone().into_bytes()),
        ("results.csv".into(), tidy::results(&results).csv()),
        ("timing.csv".into(), tidy::timing(&results, E::METRICS, grams).csv()),
        ("tables.tex".into(), page.latex().into_bytes()),
        ("report.html".into(), page.html().into_bytes()),
    ];
    let curves = tidy::curves(&results);
    if !curves.rows.is_empty() {
        files.push(("curves.csv".into(), curves.csv()));
    }
    files.extend(figures(&page)?);
    if let Some(spec) = single {
        let of_trial = |at: &Point| match plan.trial(at) {
            Some(node) => store.files(&node.key),
            None => Err(StudyError::MissingTrial { trial: at.to_string() }),
        };
        files.extend(E::artifacts(spec, &results, &of_trial)?);
    }
    // Side by side: each waits until it is on the disk.
    let write_one = |(name, bytes): &(String, Vec<u8>)| write_whole(&out.join(name), bytes);
    let written: Vec<_> = files.par_iter().map(write_one).collect();
    written.into_iter().collect::<Result<(), StudyError>>()?;
    Ok(Outcome { folder: out.clone(), results, compared, checked, tables, verdict, json })
}

/// The contrasts of an experiment, each within every combination of what a user varies.
fn contrasts<E: Experiment>(request: &Request, plan: &Plan<E::Spec>, results: &Results) -> Vec<Contrast> {
    let grids: Vec<Grid> = results.grids.iter().map(|grid| grid.without_factors(&plan.axes)).collect();
    // Arms may differ between variants. Those of the first are compared in all that have them.
    let mut found = E::contrasts(&plan.variants[0], &grids);
    for axis in request.axes.iter().filter(|axis| axis.levels.len() > 1) {
        let within = |contrast: &Contrast| -> Vec<Contrast> {
            axis.levels.iter().map(|(level, _)| contrast.clone().at(&axis.name, level)).collect()
        };
        found = found.iter().flat_map(within).collect();
    }
    found
}

fn figures(page: &Page) -> Result<Vec<(String, Vec<u8>)>, StudyError> {
    let files = |figure: &&Figure| -> Result<[(String, Vec<u8>); 2], StudyError> {
        let name = |ending: &str| format!("figures/{}.{ending}", file_name(&figure.name));
        let (svg, png) = figure.files();
        let failed = |reason| StudyError::File { path: name("png").into(), source: std::io::Error::other(reason) };
        Ok([(name("svg"), svg.into_bytes()), (name("png"), png.map_err(failed)?)])
    };
    let all: Vec<&Figure> = page.figures().collect();
    let drawn: Vec<Result<_, StudyError>> = all.par_iter().map(files).collect();
    Ok(drawn.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Runs an experiment without a folder: for tests, examples and programs that need the numbers alone.
///
/// # Errors
/// As [`run`], and the first trial that fails.
pub fn run_in_memory<E: Experiment>(spec: &E::Spec) -> Result<Results, StudyError> {
    let plan = Plan::of::<E>(&Request::plain(tree(spec)))?;
    let folder = tempfile::tempdir().map_err(|source| StudyError::File { path: std::env::temp_dir(), source })?;
    let store = Store::open(folder.path())?;
    let energy = EnergySource::default();
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let (cache, checkpoint_every) = (folder.path(), CHECKPOINT_EVERY);
    let workers = Workers { jobs, cache, checkpoint_every, energy: &energy, observer: &() };
    let all: Vec<usize> = plan.trials().collect();
    schedule::run::<E>(&plan, &all, &store, &workers)?;
    let results = Results::read(&plan, &store, E::METRICS)?;
    match results.failures.first() {
        Some(failure) => Err(StudyError::TrialFailed { trial: failure.title.clone(), reason: failure.reason.clone() }),
        None => Ok(results),
    }
}
