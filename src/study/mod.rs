//! Studies: the one training loop, and what evaluates its results.
//!
//! [`train`] is the only loop. [`metric`] measures predictions, [`stats`] and [`compare`] state what differences over
//! seeds mean, [`energy`] estimates what the work cost, [`conformal`] puts intervals around predictions, [`detection`]
//! evaluates boxes in pictures, [`fairness`] compares decisions over groups, [`files`] writes files as a whole, [`hardware`] writes circuits for devices and reads their
//! counts, [`kernel`] has kernels of circuits, [`landscape`] measures gradients before any training.
//! [`Trainer`] trains a head, [`TrainedHead`] applies it.

pub mod compare;
pub mod conformal;
pub mod detection;
pub mod diagnostic;
pub mod energy;
pub mod error;
pub mod fairness;
pub mod files;
pub mod fused_boxes;
pub mod hardware;
pub mod invariance;
pub mod kernel;
pub mod landscape;
pub mod metric;
mod observer;
pub mod retrieval;
pub mod stats;
pub mod train;
mod trainer;

pub use error::{Invalid, StudyError};
pub use observer::Observer;
pub use trainer::{ClassWeight, TrainedHead, Trainer, tensors};
