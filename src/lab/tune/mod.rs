//! Tuning of any system's settings: `qgraft tune`.
//!
//! ```toml
//! format = "qgraft.tune/1"
//! system = "qtl"                     # what is tuned, with presets, settings and trials as of `qgraft run`
//! presets = ["quick"]
//! only = ["head=quantum"]
//! metric = "validation_loss"         # what is to be good, on validation rows
//! test_metric = "accuracy"           # what the winner and the defaults are compared by, under fresh seeds
//! seeds = 3                          # seeds of a full measurement
//! test_seeds = 5
//! budget = 20                        # in full measurements
//! fidelity = "seeds"                 # what a cheap measurement has fewer of: seeds, or a field such as train.epochs
//!
//! [settings.hold_out]
//! validation = 0.2
//!
//! [[knobs]]
//! field = "train.rate"
//! low = 1e-4
//! high = 0.1
//! log = true
//!
//! [[knobs]]
//! field = "circuit.depth"
//! low = 1
//! high = 6
//! ```
//!
//! Each measurement is a run whose trials go into one store. What is asked for next is a function of the file and of the values
//! measured so far, so a tuning that was stopped repeats its questions and finds the answers in the store.

mod report;
mod run;
mod spec;

pub use run::{Compared, Measured, TuneOptions, TuneOutcome, run};
pub use spec::{FORMAT, KnobSpec, TuneSpec};
