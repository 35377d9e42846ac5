//! Battery state of health: a recurrent forecaster, brought to a new domain, with conformal intervals (after Filgueira
//! da Silva et al. 2026, arXiv:2603.24475).
//!
//! Virtual cells of three source batches and a target (drawn, aged by PyBaMM, or a file) → windows of past states of
//! health → an LSTM trained in several [`ARMS`] → the next state of health → intervals calibrated in several ways ([`CALIBRATIONS`]) → coverage by point, by
//! cell and by whole life.
//!
//! * [`Spec`]: everything that decides the result. [`TARGETS`]: where it has to go.
//! * [`run`]: the whole comparison, into one run folder. [`Findings`]: what it found.

mod arms;
mod card;
mod cell;
pub mod controls;
mod criteria;
mod findings;
mod intervals;
mod measure;
mod network;
mod page;
mod spec;
mod target;
mod windows;

pub use arms::{ARMS, ArmRow, Recipe};
pub use cell::{BATCHES, CHECKPOINTS, Cell, PREFIX, Protocol, STEP, age};
pub use criteria::Criterion;
pub use findings::{ArmFound, Chosen, Findings, IntervalFound, SampledFound, TargetFound, Trace};
pub use intervals::{CALIBRATIONS, CalibrationData, CalibrationRow, Covered, Scored};
pub use network::Forecaster;
pub use page::{heads, shots, table};
pub use spec::{FORMAT, Spec};
pub use target::{Origin, TARGETS, TargetRow, lives};
pub use windows::{Scaler, Window};

use std::path::PathBuf;

use crate::study::files::RunFolder;
use crate::study::{Observer, StudyError};
use crate::systems::{SystemRow, Workplace};

/// Its row in the table of systems.
pub const ROW: SystemRow = SystemRow {
    name: "soh",
    doc: "Battery state of health: LSTM, transfer by MMD, conformal intervals (after Filgueira da Silva et al. 2026, arXiv \
          2603.24475)",
    card: &card::CARD,
};

/// What a run leaves behind.
#[derive(Debug)]
pub struct Outcome {
    /// What was found.
    pub findings: Findings,
    /// The run folder.
    pub folder: PathBuf,
}

/// Trains and judges every arm and writes a folder: report.html, metrics.json, spec.toml.
///
/// # Errors
/// On a bad spec, a training that diverges, a folder that cannot be written, or when `progress` says stop; nothing
/// half-written is left behind.
pub fn run(spec: &Spec, place: &Workplace<'_>, progress: &dyn Observer) -> Result<Outcome, StudyError> {
    spec.check()?;
    // Made and dropped again: a folder that is taken should be said before the work, not after.
    RunFolder::create(place.out).map(drop)?;
    let targets = target::Target::all(spec)?;
    let findings = findings::find(spec, &targets, place.threads, progress)?;
    let folder = RunFolder::create(place.out)?;
    folder.write("spec.toml", spec.to_toml().as_bytes())?;
    folder.write("metrics.json", findings.to_json()?.as_bytes())?;
    folder.write("report.html", page::page(spec, &findings).html().as_bytes())?;
    Ok(Outcome { findings, folder: folder.finish()? })
}
