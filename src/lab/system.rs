//! Experiments without their types, as the command line and the pages need them: rows of one table.

use std::marker::PhantomData;
use std::path::Path;

use crate::lab::apply::{Applied, ApplyOptions, OnnxModel};
use crate::lab::check::Check;
use crate::lab::choice::ModelChoice;
use crate::lab::experiment::{Experiment, Info};
use crate::lab::metric::Metric;
use crate::lab::plan::{Only, Plan};
use crate::lab::results::Results;
use crate::lab::run::{Outcome, RunOptions, measure, sweep};
use crate::lab::saved::SavedRun;
use crate::lab::settings::{self, LIST, Overrides, Settings};
use crate::lab::vary::Request;
use crate::study::{Observer, StudyError};

/// An option of a system, for help.
#[derive(Clone, Debug)]
pub struct FlagInfo {
    /// Name without dashes.
    pub name: &'static str,
    /// Placeholder of its value; empty for a switch.
    pub value: &'static str,
    /// What it does.
    pub help: &'static str,
    /// Names that its value may be.
    pub choices: Vec<&'static str>,
}

impl FlagInfo {
    /// Whether its value is a list. It may then be given several times.
    pub fn is_list(&self) -> bool {
        self.value == LIST
    }
}

/// A trial of a plan, for a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTrial {
    /// Its grid.
    pub grid: String,
    /// What it is.
    pub title: String,
    /// Its id.
    pub id: String,
}

/// A system that `qgraft run NAME` runs.
pub trait System: Sync {
    /// Names and texts.
    fn info(&self) -> &'static Info;
    /// Every number that trials report.
    fn metrics(&self) -> &'static [Metric];
    /// What is expected of a whole run.
    fn checks(&self) -> &'static [Check];
    /// Name and version of its settings file.
    fn format(&self) -> &'static str;
    /// Options besides those that every system has.
    fn flags(&self) -> Vec<FlagInfo>;
    /// Names of its presets with one line each.
    fn presets(&self) -> Vec<(&'static str, &'static str)>;

    /// The settings that are asked for, with what is varied around them.
    ///
    /// # Errors
    /// An unknown name, or every value outside its range.
    fn resolve(&self, overrides: &Overrides) -> Result<Request, StudyError>;

    /// The trials that `only` leaves of a plan.
    ///
    /// # Errors
    /// If the settings or `only` name what does not exist.
    fn plan(&self, request: &Request, only: &[String]) -> Result<Vec<PlannedTrial>, StudyError>;

    /// Runs it.
    ///
    /// # Errors
    /// As [`sweep`].
    fn run(&self, request: &Request, options: &RunOptions, observer: &dyn Observer) -> Result<Outcome, StudyError>;

    /// Runs it without a report.
    ///
    /// # Errors
    /// As [`sweep`].
    fn measure(&self, request: &Request, options: &RunOptions, observer: &dyn Observer) -> Result<Results, StudyError>;

    /// Applies a trained model of a run to new data.
    ///
    /// # Errors
    /// If the system keeps no such models, the run has none, or the data cannot be read.
    fn apply(&self, run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Applied, StudyError>;

    /// A trained model of a run folder as an ONNX file.
    ///
    /// # Errors
    /// If the system writes none, or the run has no such model.
    fn onnx(&self, run: &SavedRun, choice: &ModelChoice) -> Result<OnnxModel, StudyError>;
}

/// An experiment as a [`System`].
pub struct SystemOf<E>(PhantomData<fn() -> E>);

impl<E: Experiment> SystemOf<E> {
    /// The experiment as a row of a table.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<E: Experiment> Default for SystemOf<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Experiment> System for SystemOf<E> {
    fn info(&self) -> &'static Info {
        const { &E::INFO }
    }

    fn metrics(&self) -> &'static [Metric] {
        E::METRICS
    }

    fn checks(&self) -> &'static [Check] {
        E::CHECKS
    }

    fn format(&self) -> &'static str {
        E::Spec::FORMAT
    }

    fn flags(&self) -> Vec<FlagInfo> {
        let info = |flag: &settings::Flag<E::Spec>| FlagInfo {
            name: flag.name,
            value: flag.value,
            help: flag.help,
            choices: (flag.choices)(),
        };
        E::FLAGS.iter().map(info).collect()
    }

    fn presets(&self) -> Vec<(&'static str, &'static str)> {
        E::Spec::PRESETS.iter().map(|preset| (preset.name, preset.doc)).collect()
    }

    fn resolve(&self, overrides: &Overrides) -> Result<Request, StudyError> {
        settings::resolve::<E::Spec>(E::FLAGS, overrides)
    }

    fn plan(&self, request: &Request, only: &[String]) -> Result<Vec<PlannedTrial>, StudyError> {
        let plan = Plan::of::<E>(request)?;
        let only = Only::parse(only, &plan.grids)?;
        let trials = plan.trials().map(|k| &plan.nodes[k]).filter(|node| only.keeps(node));
        let listed = trials.map(|node| PlannedTrial {
            grid: node.point.grid.clone(),
            title: node.title.clone(),
            id: node.key.id.clone(),
        });
        Ok(listed.collect())
    }

    fn run(&self, request: &Request, options: &RunOptions, observer: &dyn Observer) -> Result<Outcome, StudyError> {
        sweep::<E>(request, options, observer)
    }

    fn measure(&self, request: &Request, options: &RunOptions, observer: &dyn Observer) -> Result<Results, StudyError> {
        measure::<E>(request, options, observer)
    }

    fn apply(&self, run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Applied, StudyError> {
        let reason = || format!("{} keeps no trained model that new data could be given to", E::INFO.name);
        E::apply(run, options, observer)?
            .ok_or_else(|| StudyError::SavedRun { path: run.folder.clone(), reason: reason() })
    }

    fn onnx(&self, run: &SavedRun, choice: &ModelChoice) -> Result<OnnxModel, StudyError> {
        let reason = || format!("no model of {} can be written as an ONNX file", E::INFO.name);
        E::onnx(run, choice)?.ok_or_else(|| StudyError::SavedRun { path: run.folder.clone(), reason: reason() })
    }
}

/// Reads the settings file of a system.
///
/// # Errors
/// A file that cannot be read or is of another system.
pub fn read_settings(system: &dyn System, path: &Path) -> Result<toml::Table, StudyError> {
    settings::read(path, system.format())
}
