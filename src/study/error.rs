//! Errors of studies.

use std::fmt;
use std::path::PathBuf;

use crate::classic::ClassicError;
use crate::data::DataError;
use crate::math::words::{bounded, closest, number, shortened};
use crate::nn::NnError;

/// A field of settings whose value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Path of the field, such as `train.epochs`.
    pub field: String,
    /// The value as it was given.
    pub value: String,
    /// What is expected instead.
    pub expected: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A number of a user may have hundreds of digits.
        let value = match self.value.parse::<f64>() {
            Ok(value) if self.value.len() > 24 => number(value),
            _ => shortened(&self.value),
        };
        write!(f, "{} = {value}: expected {}", shortened(&self.field), bounded(&self.expected))
    }
}

/// A study that cannot be run, evaluated or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names every field")]
pub enum StudyError {
    /// From networks, circuits, simulators.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// A circuit that cannot be compiled for its condition.
    #[error(transparent)]
    Compile(#[from] crate::sim::Error),
    /// From data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// From an estimator that was made elsewhere.
    #[error(transparent)]
    Classic(#[from] ClassicError),
    /// From the tensor library.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// A spec file that cannot be read.
    #[error("{}: {}", path.display(), bounded(reason))]
    Spec { path: PathBuf, reason: String },
    /// A file that was read for a run and changed before its end.
    #[error("the contents of {field} changed while the run read them; remove its folder and run again")]
    ChangedInRun { field: String },
    /// A file in the folder of a finished trial that is not what the trial stored there.
    #[error("{}: changed since it was stored, or of another trial; remove its folder, and --resume computes it again", path.display())]
    Exchanged { path: PathBuf },
    /// Two finished trials of one id with different results.
    #[error("{} and {} are one trial with different results: they are of different processors or builds of the program; run both \
             parts on alike machines", first.display(), second.display())]
    Differs { first: PathBuf, second: PathBuf },
    /// Settings outside their ranges.
    #[error("{}", violations.iter().map(|v| v.to_string()).collect::<Vec<_>>().join("\n"))]
    Invalid { violations: Vec<Invalid> },
    /// Settings with a field that does not exist or has another type.
    #[error("settings: {}", bounded(reason))]
    Settings { reason: String },
    /// An unknown name.
    #[error("unknown {kind} {:?}{}; there are: {known}", shortened(name), .suggestion.as_ref().map_or_else(String::new, |s| format!(", did you mean {s:?}?")))]
    Unknown { kind: &'static str, name: String, suggestion: Option<String>, known: String },
    /// An error in one run of a suite.
    #[error("run {}: {source}", shortened(run))]
    InRun { run: String, source: Box<StudyError> },
    /// A claim of a system's page that cannot be decided.
    #[error("claim {claim:?}: {what}")]
    Claim { claim: String, what: String },
    /// A trial that follows one that does not exist.
    #[error("no finished trial {trial}; an experiment lists it in `after` before it reads it (a defect of qgraft)")]
    MissingTrial { trial: String },
    /// A number under a level that its grid does not declare.
    #[error(
        "{metric} is measured under {factor} = {level:?}, which grid {grid:?} does not declare (a defect of qgraft)"
    )]
    Undeclared { metric: String, grid: String, factor: String, level: String },
    /// A run folder without what is asked of it.
    #[error("{}: {}", path.display(), bounded(reason))]
    SavedRun { path: PathBuf, reason: String },
    /// A filter that leaves no trial.
    #[error("--only or --part leaves none of {planned} trials; --dry-run lists them")]
    NothingToRun { planned: usize },
    /// A trial without a result, where all were needed.
    #[error("{trial}: {reason}")]
    TrialFailed { trial: String, reason: String },
    /// The user asked to stop.
    #[error("interrupted; nothing was written")]
    Interrupted,
    /// The user asked to stop a run that can be resumed.
    #[error("interrupted; finished trials are kept in {}, and --resume continues", path.display())]
    Paused { path: PathBuf },
    /// A loss that is not a number.
    #[error("the loss became {} in epoch {epoch}; lower train.rate (now {}) or check the features", number(*loss), number(*rate))]
    Diverged { loss: f64, epoch: usize, rate: f64 },
    /// A program outside this one that a trial needs. What the trial has computed is kept, and a resumed run continues there.
    #[error("{what}: {}", bounded(reason))]
    External { what: String, reason: String },
    /// A defect of this program that made one trial panic.
    #[error("the trial panicked: {message}; this is a defect of qgraft, please report it")]
    Panicked { message: String },
    /// Threads that cannot be started.
    #[error("worker threads cannot be started: {reason}; use fewer threads")]
    Threads { reason: String },
    /// Probabilities and labels of different length, or fewer than two classes.
    #[error(
        "{rows} rows of probabilities over {classes} classes for {labels} labels; expected one row per label and at \
             least 2 classes"
    )]
    Shape { rows: usize, classes: usize, labels: usize },
    /// A label that is no class.
    #[error("label of sample {sample} is {label}, but there are {classes} classes (0 to {})", classes - 1)]
    Label { sample: usize, label: usize, classes: usize },
    /// A row that is no distribution over the classes.
    #[error(
        "probabilities of sample {sample} are {values:?}; expected numbers in 0..=1 that sum to 1 within 1e-3 (did \
             training diverge?)"
    )]
    Probabilities { sample: usize, values: Vec<f64> },
    /// Two lists to be compared pair by pair that do not pair up.
    #[error(
        "{head} has {first} values and {baseline} has {second}; a paired comparison needs one of each per seed, and \
             at least one seed"
    )]
    Unpaired { head: String, baseline: String, first: usize, second: usize },
    /// A NaN or an infinity where a result is stated.
    #[error("{what} is not a finite number; it cannot be reported (did training diverge?)")]
    NotFinite { what: String },
    /// A run folder that is already there.
    #[error("{} exists and is not empty; name another folder or remove it (a run never overwrites another)", path.display())]
    FolderTaken { path: PathBuf },
    /// A run folder that holds finished trials already.
    #[error("{} holds finished trials; continue with --resume, or name another folder by --out", path.display())]
    Unfinished { path: PathBuf },
    /// A file or folder that cannot be written or read.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    /// A report that cannot be read back.
    #[error("{}: not a report of this version: {}", path.display(), bounded(source))]
    Json { path: PathBuf, source: serde_json::Error },
}

impl StudyError {
    /// `name` is none of `names`, which the message lists.
    pub fn unknown<'a>(kind: &'static str, name: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> Self {
        let suggestion = closest(name, names.clone()).map(String::from);
        let known = names.into_iter().collect::<Vec<_>>().join(", ");
        Self::Unknown { kind, name: name.into(), suggestion, known }
    }
}

/// A result whose error is a [`StudyError`].
pub type Result<T> = std::result::Result<T, StudyError>;
