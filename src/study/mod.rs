//! Studies: the one training loop, judging what it made, and telling what was found.
//!
//! [`train`] is the only loop; [`parallel`] spreads independent trainings over threads. [`metric`] measures
//! predictions, [`stats`] and [`compare`] say what differences over seeds mean, [`energy`] what the work cost,
//! [`conformal`] puts intervals around predictions, [`detection`] judges boxes in pictures,
//! [`report`] tells it all as HTML, table and JSON, and [`files`] writes the run folder as one piece. [`battery`] does
//! hundreds of runs as one study, [`landscape`] looks at gradients before any training.

pub mod battery;
pub mod compare;
pub mod conformal;
pub mod detection;
pub mod energy;
pub mod error;
pub mod files;
pub mod landscape;
pub mod metric;
mod observer;
pub mod parallel;
pub mod report;
pub mod stats;
pub mod train;
mod trainer;

pub use error::{Invalid, StudyError};
pub use observer::Observer;
pub use trainer::{TrainedHead, Trainer, tensors};
