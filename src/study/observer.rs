//! Observers of long work: they receive its progress, can stop it, and say where its state is kept.

use crate::study::train::Checkpoint;

/// Follows a training, a trial or a whole run. Every method has a default that does nothing, so that an observer
/// implements only what it shows. `()` shows nothing.
pub trait Observer: Sync {
    /// Whether to stop. Called before every step of a training and before every trial.
    fn stopped(&self) -> bool {
        false
    }

    /// Where the training that begins now keeps its state, so that it continues from there after an interruption. Every call
    /// names another file: the trainings of a trial always come in the same order.
    fn checkpoint(&self) -> Option<Checkpoint> {
        None
    }

    /// A training has gone through `rows` more training rows.
    fn trained_on(&self, _rows: usize) {}

    /// A training has finished `done` of `total` epochs.
    fn epoch(&self, _done: usize, _total: usize) {}

    /// A stage of `total` steps begins, such as the pictures that pass through a backbone.
    fn stage(&self, _name: &str, _total: usize) {}

    /// `steps` more steps of the stage are done.
    fn advance(&self, _steps: usize) {}

    /// A message of one line.
    fn note(&self, _text: &str) {}

    /// The last stage has ended.
    fn done(&self) {}

    /// `total` trials are to be run.
    fn planned(&self, _total: usize) {}

    /// Worker `worker`, counted from 0, begins a trial.
    fn begins(&self, _worker: usize, _title: &str) {}

    /// A worker's trial has reached this share of its work, 0 to 1, as far as that is known.
    fn reached(&self, _worker: usize, _share: f64) {}

    /// A worker has ended its trial. `failure` is the reason why there is no result.
    fn ends(&self, _worker: usize, _title: &str, _seconds: f64, _failure: Option<&str>) {}
}

impl Observer for () {}
