//! Tuning of settings by measuring few of them: surrogates, multi-fidelity schedules and transfer from other tasks (after MFTune,
//! Xu et al. 2026, arXiv:2603.16450; the design follows its public code).
//!
//! * What is tuned: [`Space`] of [`Knob`]s; what is known: [`Task`]s of [`Observation`]s, a [`Knowledge`] base.
//! * What to try next: [`Tuner`] asks for a [`Proposal`] and is told its outcome. [`Options`] say how it chooses.
//! * Parts: [`gaussian`], [`surrogate`], [`parzen`], [`acquisition`], [`hyperband`], [`weights`] of sources, [`source`] with
//!   similarity, compression and warm start, [`shap`], [`density`], [`subset`]s of parts, [`budget`].
//!
//! Values are better the smaller they are. Every draw follows from a seed.

pub mod acquisition;
pub mod budget;
pub mod density;
pub mod gaussian;
mod history;
pub mod hyperband;
mod options;
pub mod parzen;
pub mod shap;
pub mod source;
mod space;
pub mod subset;
pub mod surrogate;
mod tuner;
pub mod weights;

pub use history::{Knowledge, Observation, Task};
pub use options::{Combination, Model, Options, Quirk, STRATEGIES, Strategy, Transfer};
pub use space::{Configuration, Knob, Region, Space, Values};
pub use tuner::{Proposal, Tuner};
