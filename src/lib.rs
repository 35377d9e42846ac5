//! qgraft trains small quantum classifiers on features of frozen, pretrained networks and evaluates them under the
//! calibrated noise of IBM devices.
//!
//! A program that simulates circuits imports [`prelude`]. One that trains a head starts at `study::Trainer`, one that
//! runs a whole study at `lab::Experiment`.
//!
//! The crate has floors. A file imports only from its own floor and from those before it:
//!
//! * [`math`]: small complex matrices, units, counter-based random numbers.
//! * [`circuit`]: gates, circuits with slots for angles, observables, ansätze, OpenQASM, drawings.
//! * [`device`]: calibrated quantum computers, and circuits rewritten for them.
//! * [`noise`]: channels, noise models, and the programs that simulators run.
//! * [`sim`]: engines, gradients, finite shots, error mitigation, and the conditions that circuits run under.
//! * `data`: pictures and feature tables from files.
//! * `classic`: estimators on plain arrays, and the fusion of boxes.
//! * `nn`: parameters, layers, backbones, heads, and circuits as layers.
//! * `transfer`: which parameters a training changes, and what is added to its loss.
//! * `study`: the training loop, metrics and statistics.
//! * `report`: tables, figures and pages as data.
//! * `lab`: experiments as data, from settings to a report.
//! * `systems`: the experiments.
//! * `cli`: the program.
//!
//! The first five build without a tensor library (`default-features = false`). ARCHITECTURE.md in the repository
//! describes the data flow and how to add things. CONVENTIONS.md lists index and sign conventions.

pub mod circuit;
pub mod device;
pub mod math;
pub mod noise;
pub mod prelude;
pub mod sim;

pub use sim::Error;

#[cfg(feature = "learn")]
pub mod classic;
#[cfg(feature = "learn")]
pub mod data;
#[cfg(feature = "learn")]
pub mod lab;
#[cfg(feature = "learn")]
pub mod nn;
#[cfg(feature = "learn")]
pub mod report;
#[cfg(feature = "learn")]
pub mod study;
#[cfg(feature = "learn")]
pub mod systems;
#[cfg(feature = "learn")]
pub mod transfer;

#[cfg(feature = "cli")]
pub mod cli;

/// The programs in the README compile and run.
#[cfg(all(doctest, feature = "learn"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// So does the one of this page.
#[cfg(all(doctest, feature = "learn"))]
#[doc = include_str!("../docs/predict.md")]
struct Predict;
