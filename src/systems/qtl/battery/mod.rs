//! The battery of the hybrid-transfer study (arXiv 2603.16973): hundreds of runs from one file, resumable, told in one
//! report.
//!
//! `file` → `plan` (every run with a stable id) → `run`, spread by [`work`](crate::study::battery::work()) → `tell`.
//!
//! * [`File`]: lists and studies. [`resolve`], [`Only`]: what is to be run.
//! * [`run`]: everything, into one folder. [`STUDIES`], [`AXES`]: what a file can ask for.

mod file;
mod job;
mod plan;
mod run;
mod tell;

pub use file::{Dataset, FORMAT, File, Shares, Source, StudyTable};
pub use job::{Counts, Job, Landscape, Noise, Outcome, Prediction, Trained, Training};
pub use plan::{AXES, AxisRow, Labels, Only, Planned, STUDIES, StudyRow, resolve};

use std::path::Path;

use crate::study::battery::{Store, Todo, work};
use crate::study::{Observer, StudyError};

/// Where a battery works; nothing here changes its results.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    /// The folder of the store and of everything told.
    pub out: &'a Path,
    /// Folder of cached features.
    pub cache: &'a Path,
    /// Runs at a time, each on one thread.
    pub jobs: usize,
    /// Whether a folder that holds a store already is gone on with.
    pub resume: bool,
    /// The command that repeats the battery, for the list of failures.
    pub command: &'a str,
}

/// What became of a battery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Runs of the plan.
    pub planned: usize,
    /// Those of them that have results.
    pub finished: usize,
    /// Those that failed: title, reason, the command that repeats it.
    pub failures: Vec<(String, String, String)>,
}

/// Does what `only` keeps of the plan and is not done yet, then writes tables and report over all that is done.
///
/// # Errors
/// If the folder is taken and not to be resumed or cannot be written, or `watch` says stop. A run that fails is no error
/// here: it is told in the summary.
pub fn run(
    file: &File,
    plan: &[Planned],
    only: &Only,
    place: &Place<'_>,
    watch: &dyn Observer,
) -> Result<Summary, StudyError> {
    if Store::exists(place.out) && !place.resume {
        return Err(StudyError::Unfinished { path: place.out.into() });
    }
    let store = Store::open(place.out)?;
    let finished = store.finished()?;
    let mut seen = std::collections::BTreeSet::new();
    // A computation that two studies ask for is done once.
    let left: Vec<&Planned> =
        plan.iter().filter(|run| only.keeps(run) && !finished.contains(&run.id) && seen.insert(&run.id)).collect();
    let paused = |error| match error {
        StudyError::Interrupted => StudyError::Paused { path: place.out.into() },
        other => other,
    };
    let workshop =
        run::Workshop::prepare(left.iter().map(|run| &run.job), (place.cache, place.jobs), watch).map_err(paused)?;
    let varied = plan::varied(plan);
    let todo: Vec<Todo> = left.iter().map(|run| Todo { id: run.id.clone(), title: run.title(&varied) }).collect();
    let stopped = || watch.stopped();
    work(&store, &todo, place.jobs, &file.energy, watch, |k| {
        let outcome = workshop.run(&left[k].job, &stopped)?;
        let json = serde_json::to_string(&outcome);
        json.map_err(|source| StudyError::Json { path: format!("run {}", left[k].id).into(), source })
    })
    .map_err(paused)?;
    let told = tell::Told::read(file, plan, &store, place.command)?;
    told.write(place.out)?;
    Ok(Summary { planned: plan.len(), finished: told.finished.len(), failures: told.failures })
}
