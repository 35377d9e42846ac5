//! Image rotation angle: five heads that know the circle and one that does not (after Woehrer 2026, arXiv:2603.25351).
//!
//! Drawn upright scenes, or photographs → views under any angle → the same small network with each head → errors around the
//! circle, at the seam, where the angle cannot be known, and where there is nothing to see. Beside it a backbone that learned
//! classes of scenes before, and circuits as heads on it.
//!
//! * [`HEADS`]: what is compared. [`STARTS`]: how the transfer begins. [`Spec`]: everything that decides the result.
//! * [`run`]: the whole comparison, into one run folder. [`Findings`]: what it found.

mod card;
mod errors;
mod findings;
mod graft;
mod heads;
mod measure;
mod network;
mod page;
mod photo;
mod scene;
mod sight;
mod spec;
mod transfer;
mod views;

pub use errors::Errors;
pub use findings::{CHECKS, Findings, GraftFound, Measured, TransferFound};
pub use graft::Grafted;
pub use heads::{Form, HEADS, HeadRow};
pub use measure::Trained;
pub use page::{checks, grafts, table, traces, transfer};
pub use photo::{Album, Crop, Photo, inscribed};
pub use scene::{CLASSES, Scene};
pub use sight::{Noise, Sight};
pub use spec::{FORMAT, Grafts, Photos, Pretraining, Spec};
pub use transfer::STARTS;
pub use views::Gallery;

use std::path::PathBuf;

use crate::study::files::RunFolder;
use crate::study::{Observer, StudyError};
use crate::systems::{SystemRow, Workplace};

/// Its row in the table of systems.
pub const ROW: SystemRow = SystemRow {
    name: "rotation",
    doc: "Image rotation angle: five heads that know the circle and one that does not (after Woehrer 2026, arXiv \
          2603.25351)",
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

/// Trains and judges every head and writes a folder: report.html, metrics.json, spec.toml.
///
/// # Errors
/// On a bad spec, a training that diverges, a folder that cannot be written, or when `progress` says stop; nothing
/// half-written is left behind.
pub fn run(spec: &Spec, place: &Workplace<'_>, progress: &dyn Observer) -> Result<Outcome, StudyError> {
    spec.check()?;
    // Made and dropped again: a folder that is taken should be said before the work, not after.
    RunFolder::create(place.out).map(drop)?;
    let findings = Findings::of(spec, &measure::measure(spec, place.threads, progress)?);
    let folder = RunFolder::create(place.out)?;
    folder.write("spec.toml", spec.to_toml().as_bytes())?;
    folder.write("metrics.json", findings.to_json()?.as_bytes())?;
    folder.write("report.html", page::page(spec, &findings).html().as_bytes())?;
    Ok(Outcome { findings, folder: folder.finish()? })
}
