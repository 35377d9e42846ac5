//! qgraft grafts variational quantum classifiers onto frozen, pretrained networks, trains and judges them under
//! IBM-calibrated device noise, and exports them as OpenQASM.
//!
//! The floors, lowest first; each imports only from itself and those before it:
//!
//! * [`math`]: small complex matrices, units, counter-based random numbers.
//! * [`circuit`]: gates, circuits with slots for angles, observables, ansätze, OpenQASM, drawings.
//! * [`device`]: calibrated quantum computers, and circuits rewritten for them.
//! * [`noise`]: channels, noise models, and the programs that simulators run.
//! * [`sim`]: engines, gradients, finite shots.
//! * `data`, `classic`: samples from files; estimators on plain arrays.
//! * `nn`: parameters, layers, backbones, heads, and the one bridge from tensors to circuits.
//! * `transfer`, `study`, `systems`: who learns, the one training loop and what judges it, complete studies.
//! * `cli`: the program.
//!
//! The first five build without any tensor library (`default-features = false`): a noisy circuit simulator. ARCHITECTURE.md
//! in the repository says how data flows and how to add things, CONVENTIONS.md what index and sign conventions hold.

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

/// The program in the README compiles and runs.
#[cfg(all(doctest, feature = "learn"))]
#[doc = include_str!("../README.md")]
struct Readme;
