//! What a system is: an experiment, and the same without its types.

use std::path::Path;

use crate::lab::apply::{Applied, ApplyOptions, OnnxModel};
use crate::lab::check::Check;
use crate::lab::choice::ModelChoice;
use crate::lab::contrast::Contrast;
use crate::lab::factor::{Grid, Point};
use crate::lab::metric::{Measurement, Metric};
use crate::lab::results::Results;
use crate::lab::saved::SavedRun;
use crate::lab::settings::{Flag, Settings};
use crate::report::Section;
use crate::sim::Executions;
use crate::study::{Observer, StudyError};

/// What a system is called and what it is about.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// Name on the command line.
    pub name: &'static str,
    /// Title of its reports.
    pub title: &'static str,
    /// One sentence, with the source.
    pub doc: &'static str,
    /// Commands to try, without `qgraft run NAME`. The first is usually empty.
    pub examples: &'static [&'static str],
}

/// A study that `qgraft run NAME` runs: a grid of factors, and what one point of it measures.
///
/// The lab does everything else: order and threads, resuming, tables with intervals, figures, the run folder, the command
/// line. A trial is a function of settings, inputs, block and point alone, so results do not depend on threads or order.
///
/// ```
/// use qgraft::lab::*;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
/// struct Spec { seeds: Vec<u64> }
/// impl Settings for Spec {
///     const FORMAT: &'static str = "coin/1";
///     const PRESETS: &'static [Preset<Self>] = &[];
///     fn validate(&self, check: &mut Validation) { check.list("seeds", &self.seeds); }
/// }
///
/// struct Coin;
/// impl Experiment for Coin {
///     type Spec = Spec;
///     type Inputs = ();
///     type Block = ();
///     const INFO: Info = Info { name: "coin", title: "Coin", doc: "A coin is thrown.", examples: &[""] };
///     const METRICS: &'static [Metric] = &[Metric::higher("heads", "heads", Unit::Plain, "1 for heads")];
///     fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
///         Ok(vec![Grid::new("main", "Throws", vec![Factor::seeds(&spec.seeds)], &["heads"])])
///     }
///     fn open(_: &Spec, _: &Context) -> Result<((), Measurement), StudyError> { Ok(Default::default()) }
///     fn prepare(_: &Spec, _: &(), _: &Point, _: &Context) -> Result<((), Measurement), StudyError> {
///         Ok(Default::default())
///     }
///     fn trial(_: &Spec, _: &(), _: &(), at: &Point, _: &Context) -> Result<Measurement, StudyError> {
///         Ok(Measurement::default().value("heads", (at.seed() % 2) as f64))
///     }
/// }
/// # fn main() -> Result<(), StudyError> {
/// let results = run_in_memory::<Coin>(&Spec { seeds: vec![0, 1, 2] })?;
/// assert_eq!(results.of("heads").samples().unwrap().mean(), 1.0 / 3.0);
/// # Ok(())
/// # }
/// ```
pub trait Experiment: Sync + 'static {
    /// Everything that decides the result.
    type Spec: Settings;
    /// What every trial reads: data, backbones. Opened once for a run.
    type Inputs: Send + Sync;
    /// What the trials of one block share: a source network, compiled circuits. Prepared once for a block.
    type Block: Send + Sync;

    /// Names and texts.
    const INFO: Info;
    /// Every number that trials report.
    const METRICS: &'static [Metric];
    /// What is expected of a whole run.
    const CHECKS: &'static [Check] = &[];
    /// Options besides those that every system has.
    const FLAGS: &'static [Flag<Self::Spec>] = &[];
    /// Fields of the settings that decide the inputs; variants that agree in them share one opening. `None` for all.
    const INPUTS: Option<&'static [&'static str]> = None;

    /// What is varied.
    ///
    /// # Errors
    /// If the settings name something that does not exist.
    fn grids(spec: &Self::Spec) -> Result<Vec<Grid>, StudyError>;

    /// Opens what every trial reads. The measurement holds what is known before any trial: notices, class names.
    ///
    /// # Errors
    /// If data or weights cannot be read.
    fn open(spec: &Self::Spec, context: &Context) -> Result<(Self::Inputs, Measurement), StudyError>;

    /// Prepares a block: the point has the factors of [`Grid::block`] alone, and [`Grid::block_name`] as its grid. The
    /// measurement holds what the preparation itself measured.
    ///
    /// # Errors
    /// If the preparation fails; then all trials of the block fail.
    fn prepare(
        spec: &Self::Spec,
        inputs: &Self::Inputs,
        block: &Point,
        context: &Context,
    ) -> Result<(Self::Block, Measurement), StudyError>;

    /// Runs one trial.
    ///
    /// # Errors
    /// If the trial fails; the others continue.
    fn trial(
        spec: &Self::Spec,
        inputs: &Self::Inputs,
        block: &Self::Block,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError>;

    /// Trials that must be finished before this one, which may read their results by [`Context::finished`].
    fn after(_spec: &Self::Spec, _at: &Point) -> Vec<Point> {
        Vec::new()
    }

    /// What is compared. By default the first metric of each grid, every arm with the baseline, within each setting.
    fn contrasts(_spec: &Self::Spec, grids: &[Grid]) -> Vec<Contrast> {
        grids.iter().flat_map(Contrast::to_baseline).collect()
    }

    /// Tables and figures besides the default ones.
    fn sections(_spec: &Self::Spec, _results: &Results) -> Vec<Section> {
        Vec::new()
    }

    /// Files for the run folder, name and bytes, besides those that every run has. `files` reads those of a trial.
    ///
    /// # Errors
    /// If one cannot be made.
    fn artifacts(_spec: &Self::Spec, _results: &Results, _files: &TrialFiles) -> Result<Files, StudyError> {
        Ok(Vec::new())
    }

    /// Applies a trained model of a run to new data; `None` for a system that keeps no such models.
    ///
    /// # Errors
    /// If the run has no such model, or the data cannot be read.
    fn apply(
        _run: &SavedRun,
        _options: &ApplyOptions,
        _observer: &dyn Observer,
    ) -> Result<Option<Applied>, StudyError> {
        Ok(None)
    }

    /// A trained model of a run as an ONNX file; `None` if the system writes none.
    ///
    /// # Errors
    /// If the run has no such model, or one with a part that ONNX has no operators for.
    fn onnx(_run: &SavedRun, _choice: &ModelChoice) -> Result<Option<OnnxModel>, StudyError> {
        Ok(None)
    }
}

/// Files by name.
pub type Files = Vec<(String, Vec<u8>)>;

/// Reads the files of a finished trial.
pub type TrialFiles<'a> = dyn Fn(&Point) -> Result<Files, StudyError> + 'a;

/// What a trial may use besides its arguments. Nothing here changes a result.
pub struct Context<'a> {
    /// Receives progress and can stop the run.
    pub observer: &'a dyn Observer,
    /// Folder of cached features.
    pub cache: &'a Path,
    /// Threads that opening may use; a trial has one.
    pub threads: usize,
    /// Compiled circuits, which the trials of a run share.
    pub executions: &'a Executions,
    pub(super) finished: &'a (dyn Fn(&Point) -> Result<Measurement, StudyError> + Sync),
}

impl Context<'_> {
    /// The result of a trial that [`Experiment::after`] names, with its files.
    ///
    /// # Errors
    /// If `after` does not name it, or it cannot be read.
    pub fn finished(&self, at: &Point) -> Result<Measurement, StudyError> {
        (self.finished)(at)
    }

    /// Fails if the user wants to stop.
    ///
    /// # Errors
    /// [`StudyError::Interrupted`].
    pub fn proceed(&self) -> Result<(), StudyError> {
        if self.observer.stopped() { Err(StudyError::Interrupted) } else { Ok(()) }
    }
}
