//! The lab: experiments as data, and everything that an experiment needs besides its own domain.
//!
//! An [`Experiment`] defines what it varies ([`Grid`]s of [`Factor`]s), what trials of a block share, and what one
//! trial measures ([`Measurement`]). The lab plans the trials, runs them on several threads, keeps each on disk as it
//! comes, so that a run can be resumed, compares arms by paired intervals ([`Contrast`]), evaluates [`Check`]s, and
//! writes report, tables, figures and settings into one folder. To add a system, start at [`experiment`](Experiment).
//!
//! * What a run is: [`Experiment`], [`Settings`], [`Grid`], [`Point`], [`Metric`], [`Measurement`].
//! * What it found: [`Results`], read by [`Query`] and evaluated by [`Contrast`] and [`Check`].
//! * How it is run: [`run()`], [`RunOptions`]; [`run_in_memory`] for programs.
//! * The same without types: [`System`], for the command line.

mod apply;
pub mod check;
mod choice;
pub mod claims;
pub mod contents;
pub mod contrast;
mod experiment;
mod factor;
mod kept;
mod list;
mod metric;
mod part;
mod plan;
pub mod render;
mod results;
mod resume;
mod run;
mod saved;
mod schedule;
pub mod settings;
pub mod store;
pub mod suite;
mod system;
mod tidy;
pub mod tune;
mod validation;
pub mod vary;

pub use apply::{Applied, ApplyOptions, OnnxModel};
pub use check::{Check, Checked, Expect};
pub use choice::ModelChoice;
pub use contrast::{Compared, Contrast};
pub use experiment::{Context, Experiment, Files, Info, TrialFiles};
pub use factor::{Coordinate, Factor, Grid, Level, Point, Role};
pub use kept::KeptRun;
pub use metric::{Curve, Labels, Measurement, Metric, Value};
pub use part::Part;
pub use plan::{Only, Plan, only_of};
pub use results::{Failure, Finished, MeanCurve, Query, Results, Row, Samples};
pub use run::{Outcome, RunOptions, TRIALS, measure, run, run_in_memory, sweep};
pub use saved::{SavedRun, SavedTrial};
pub use settings::{Change, Flag, Overrides, Preset, Settings};
pub use system::{FlagInfo, PlannedTrial, System, SystemOf, read_settings};
pub use validation::Validation;
pub use vary::Request;

pub use crate::study::metric::{Better, Unit};
pub use crate::study::{Invalid, Observer, StudyError};
